"""What is kept of a configuration's explanations: a table of scores, and how it was made.

RUN/explanations/<configuration>.csv holds the scores, a JSON of the same name all that says where
they came from. The JSON is written last and names the table's hash, so a pair that is there is
whole; the price is that nobody may edit the table by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from spondyl.errors import SpondylError
from spondyl.explain import score_table
from spondyl.explain.score_table import Row, ScoreTable
from spondyl.files import canonical_json, read_json, sha256_of_file, write_json
from spondyl.learn.outcome import Configuration

EXPLANATIONS = "explanations"
SCHEMA_VERSION = 1
_AGAIN = "Run `spondyl study explain` again to make it anew."


@dataclass(frozen=True, slots=True)
class About:
    """How the scores of a configuration were made."""

    settings: Mapping[str, Any]
    """All that decides the scores; equal settings give equal scores."""
    pictures: tuple[tuple[str, ...], ...]
    """The methods, those that are one picture on this network together; the first of each is the
    maker in the table."""
    image_ids: tuple[str, ...]
    """The films, in the order drawn."""
    cascade_ids: tuple[str, ...]
    """Those of them whose networks were randomised."""
    n_networks: int
    """Fold networks that were compared on every film."""
    forward_passes: int
    """Films sent through a network, each pass of each film counted."""
    seconds: float
    device: str
    environment: Mapping[str, Any]
    """Time, versions and hardware."""


@dataclass(frozen=True, slots=True, eq=False)
class Explanations:
    """The scores of a configuration's heatmaps and how they were made."""

    configuration: Configuration
    table: ScoreTable
    about: About

    def __str__(self) -> str:
        about = self.about
        return (
            f"{self.configuration}: {len(about.image_ids)} films, {about.forward_passes} forward "
            f"passes in {about.seconds:.0f} s on {about.device}"
        )


def table_path(folder: Path, configuration: Configuration) -> Path:
    """Where the scores of a configuration lie in the folder of its study."""
    return folder / EXPLANATIONS / f"{configuration.slug}.csv"


def save(folder: Path, configuration: Configuration, rows: Iterable[Row], about: About) -> None:
    """Writes the table and then the JSON; in between there is no JSON, and so no explanation."""
    path = table_path(folder, configuration)
    path.with_suffix(".json").unlink(missing_ok=True)
    score_table.save(path, rows)
    document = {
        "schema_version": SCHEMA_VERSION,
        "configuration": asdict(configuration),
        "table_sha256": sha256_of_file(path),
        **asdict(about),
    }
    write_json(path.with_suffix(".json"), document)


def load(folder: Path, configuration: Configuration) -> Explanations | None:
    """What `save` wrote, None where there is nothing; `SpondylError` where it was changed."""
    path = table_path(folder, configuration)
    facts = path.with_suffix(".json")
    if not facts.is_file():
        return None
    document = read_json(facts)
    try:
        if document.pop("schema_version") != SCHEMA_VERSION:
            raise ValueError("another schema")
        if Configuration(**document.pop("configuration")) != configuration:
            raise ValueError("of another configuration")
        sha256, about = document.pop("table_sha256"), _about(document)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise SpondylError(f"{facts}: not the facts of explanations ({error})", _AGAIN) from error
    if not path.is_file() or sha256_of_file(path) != sha256:
        raise SpondylError(f"{path}: changed since it was made", _AGAIN)
    return Explanations(configuration, score_table.load(path), about)


def same(settings: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    """Whether two settings are one, read back from JSON or not."""
    return canonical_json(settings) == canonical_json(others)


def _about(document: dict[str, Any]) -> About:
    document["pictures"] = tuple(tuple(one) for one in document["pictures"])
    for name in ("image_ids", "cascade_ids"):
        document[name] = tuple(document[name])
    return About(**document)
