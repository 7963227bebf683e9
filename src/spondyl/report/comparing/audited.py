"""Model audits beside rows: which audit is of which row, and what it says of shortcuts.

Decision: an audit is recognised by what it measured. Its page names a configuration and the
beginning of a cohort's hash, which two runs may share, so the accuracy and the log loss that it
found by asking the networks again must be those of the row; an audit that fits no row, or several,
is refused; rows that give every film the very same logits are one model to it. The price: an audit
of the same networks on another cohort finds no place here, since it says nothing of these films.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spondyl.errors import SpondylError
from spondyl.files import read_json
from spondyl.learn.outcome import Outcome
from spondyl.report.comparing.sources import Row
from spondyl.trust import metrics
from spondyl.trust.intervals import Estimate
from spondyl.trust.model_audit.several import GROUNDS
from spondyl.trust.plain import estimate

AUDIT = "audit.json"
INSIDE = "audit"
"""Folder in a run in which its audit is looked for."""
_CLOSE = 1e-3
"""Relative: networks that are asked again on another device answer alike but for rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Audited:
    """What an audit says of a row."""

    share: Estimate | None
    """Of what the row knows beyond the majority, what a probe without anatomy knows too."""
    why_no_share: str
    n_films: int
    checks: Mapping[str, str]
    """Name → pass, warn, fail or not run."""

    def of_grounds(self, status: str) -> tuple[str, ...]:
        """Checks of what the row rests on and where it looks that have this status."""
        return tuple(name for name in GROUNDS if self.checks.get(name) == status)


def audits(rows: Sequence[Row], folders: Sequence[Path]) -> Mapping[int, Audited]:
    """Row number → its audit: those in `folders`, and those in a folder called audit in a run.

    Raises `SpondylError` for a folder without audit.json or with another's, an audit that fits no
    row or several, and a row with several different ones.
    """
    found: dict[int, tuple[Path, Audited]] = {}
    inside = {s.folder / INSIDE for row in rows for s in row.sources}
    there = sorted(folder for folder in inside if (folder / AUDIT).is_file())
    for folder in (*folders, *there):
        for document in _documents(folder):
            fitting = [row for row in rows if _fits(document, row, folder)]
            if not fitting or not all(_alike(fitting[0], row) for row in fitting):
                raise SpondylError(
                    f"{folder}: the audit of {document.get('title')} fits {len(fitting)} rows",
                    "An audit belongs to a configuration that is compared here, on the films that "
                    "it was tested on: same network, cohort, accuracy and log loss.",
                )
            one = _audited(document, folder)
            for row in fitting:
                known = found.setdefault(row.number, (folder, one))[0]
                if known.resolve() != folder.resolve():
                    raise SpondylError(
                        f"{known} and {folder} both audit {row.name}",
                        "Name one audit for each configuration.",
                    )
    return {number: one for number, (_, one) in found.items()}


def _documents(folder: Path) -> list[dict[str, Any]]:
    """One for each model of the audit."""
    if not (folder / AUDIT).is_file():
        raise SpondylError(
            f"{folder}: no audit is there ({AUDIT} is missing)",
            "Give the folder that `spondyl audit model RUN --out` made.",
        )
    document = read_json(folder / AUDIT)
    several = document.get("audits", [document]) if isinstance(document, dict) else [document]
    if not all(isinstance(one, dict) and "share_reached" in one for one in several):
        raise _other_form(folder, "no model audit")
    return list(several)


def _fits(document: Mapping[str, Any], row: Row, folder: Path) -> bool:
    if not isinstance(row.of, Outcome) or row.table is None:
        return False
    cohorts = tuple(source.cohort_sha256[:12] for source in row.sources)
    try:
        if document["title"] != str(row.of.configuration):
            return False
        if not str(document["source"]).endswith(cohorts):
            return False
        said = document["answered"]
        measured = (
            said["discrimination"]["accuracy"]["value"],
            said["calibration"]["before"]["log_loss"]["value"],
        )
        n_films = document["n_films"]
    except (KeyError, TypeError) as error:
        raise _other_form(folder, str(error)) from error
    scores = metrics.score(row.table)
    return n_films == scores.n and all(
        math.isclose(ours, theirs, rel_tol=_CLOSE, abs_tol=1e-6)
        for ours, theirs in zip((scores.accuracy, scores.log_loss), measured, strict=True)
    )


def _alike(one: Row, other: Row) -> bool:
    """Whether two rows give every film the very same logits."""
    if one.table is None or other.table is None:
        return False
    return one.table.image_ids == other.table.image_ids and np.array_equal(
        one.table.logits, other.table.logits
    )


def _audited(document: Mapping[str, Any], folder: Path) -> Audited:
    try:
        share = document["share_reached"]
        reached = estimate(share["share"]) if "share" in share else None
        return Audited(
            reached,
            "" if reached else share["why"],
            document["n_films"],
            {check["name"]: check["status"] for check in document["checks"]},
        )
    except (KeyError, TypeError) as error:
        raise _other_form(folder, str(error)) from error


def _other_form(folder: Path, why: str) -> SpondylError:
    return SpondylError(
        f"{folder / AUDIT}: not in the form of a model audit ({why})",
        "Give the folder that `spondyl audit model RUN --out` made with this version.",
    )
