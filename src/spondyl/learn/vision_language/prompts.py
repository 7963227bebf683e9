"""The words for each label, part of a study like its learning rate: what is not said in a spec is
filled in from our own words before anything is run, so that the stored spec, and the name of every
trial, hold the very prompts. Better words found later make other trials.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from spondyl.files import sha256_of_json

STRATEGY = "zero-shot"
TEMPLATES, NAMES = "prompt_templates", "prompt_names"
"""The keys of a spec."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """Templates with one {} each, and for each label the names that are put there."""

    templates: tuple[str, ...]
    names: tuple[tuple[str, tuple[str, ...]], ...]
    """(label, its names), in the order of the labels."""

    def of_label(self, label: str) -> tuple[str, ...]:
        """Every template filled with every name of the label."""
        named = dict(self.names)[label]
        return tuple(template.replace("{}", name) for template in self.templates for name in named)

    @property
    def labels(self) -> tuple[str, ...]:
        """In their order."""
        return tuple(label for label, _ in self.names)

    @property
    def sha256(self) -> str:
        """Hash of all prompts, label by label."""
        return sha256_of_json([[label, self.of_label(label)] for label in self.labels])

    def __str__(self) -> str:
        counts = ", ".join(f"{len(self.of_label(label))} for {label}" for label in self.labels)
        return f"{counts} (sha256 {self.sha256[:12]}…)"


def asked(
    templates: Sequence[str], names: Mapping[str, Sequence[str]], labels: Sequence[str]
) -> Prompts:
    """The prompts of a resolved spec, in the order of `labels`."""
    return Prompts(tuple(templates), tuple((label, tuple(names[label])) for label in labels))


def filled(content: Any, default_labels: Sequence[str]) -> Any:
    """The content of a spec with our own words where it asks for the strategy and says none.

    Labels that we have no words for stay without; `contradictions` names them.
    """
    if not isinstance(content, dict) or STRATEGY not in _listed(content.get("strategies")):
        return content
    ours = tomllib.loads(files(__package__).joinpath("prompts.toml").read_text("utf-8"))
    theirs = content.get(NAMES, {})
    if not isinstance(theirs, dict):
        return content
    known = {name: tuple(words) for name, words in ours["names"].items()}
    labels = _listed(content.get("labels", default_labels))
    kept = {name: words for name, words in known.items() if name in labels and name not in theirs}
    templates = content.get(TEMPLATES) or tuple(ours["templates"])
    return {**content, TEMPLATES: templates, NAMES: {**kept, **theirs}}


def contradictions(
    strategies: Sequence[str],
    labels: Sequence[str],
    templates: Sequence[str],
    names: Mapping[str, Sequence[str]],
) -> Iterator[str]:
    """What is wrong with the prompts of a spec, "key: why"."""
    if STRATEGY not in strategies:
        if templates or names:
            yield f"{TEMPLATES if templates else NAMES}: only {STRATEGY} reads prompts"
        return
    for template in templates:
        if template.count("{}") != 1:
            yield f"{TEMPLATES}: {template!r} needs one {{}}, where the name of a label goes"
    for label in labels:
        if not any(name.strip() for name in names.get(label, ())):
            yield (
                f"{NAMES}: nothing is said of {label!r}; write "
                f'[{NAMES}] and {label} = ["…", "…"] at the end of the spec'
            )
    if strange := [label for label in names if label not in labels]:
        yield f"{NAMES}: {', '.join(strange)} is none of the labels {', '.join(labels)}"


def _listed(value: Any) -> Sequence[str]:
    return value if isinstance(value, list | tuple) else ()
