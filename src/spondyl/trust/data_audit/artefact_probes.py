"""Probes of what is on films and is no anatomy: rims, tint, lead markers, text, lines, seams.

Each kind is asked by itself, so that an alarm names what to look at; the numbers say where things
are, too, because every hospital has a letter, and only its own corner for it. A kind that no film
has is not asked.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spondyl.data.artefacts.facts import of_kind
from spondyl.data.artefacts.finding import Artefacts
from spondyl.data.labels import LabelSet
from spondyl.trust.checks import Evidence
from spondyl.trust.data_audit.probes import Asked, not_asked, probe_of

_KINDS: dict[str, tuple[str, str, str]] = {
    "border": ("border", "border", "no film has an even rim"),
    "tint": ("tint", "colour", "every film is grey"),
    "markers": ("marker", "lead marker", "no film has lead letters that were found"),
    "text": ("text", "text", "no film has text that was found"),
    "drawn-lines": ("line", "drawn line", "no film has drawn lines that were found"),
    "joins": ("join", "film join", "no film has a seam that was found"),
}
"""Probe → kind of fact, what a table calls it, why it is not asked."""
NAMES = tuple(_KINDS)
"""Of the probes."""


def of_artefacts(found: Sequence[Artefacts]) -> list[Asked]:
    """A probe for each kind of thing that at least one film has; rows as `found`."""
    return [_of_kind(name, found) for name in NAMES]


def counted(found: Sequence[Artefacts], truth: NDArray[np.int64], labels: LabelSet) -> Evidence:
    """How many films of each label, (n,) columns `truth`, show each kind of thing."""
    n = np.bincount(truth, minlength=len(labels))
    rows = []
    for kind, called, _ in _KINDS.values():
        there = np.array([kind in one.kinds for one in found], bool)
        shown = np.bincount(truth[there], minlength=len(labels))
        cells = (f"{some} of {all_}" for some, all_ in zip(shown, n, strict=True))
        rows.append((called, *cells))
    return Evidence("Films that show it, by label", ("what", *labels.names), tuple(rows))


def _of_kind(name: str, found: Sequence[Artefacts]) -> Asked:
    kind, _, why = _KINDS[name]
    if not any(kind in one.kinds for one in found):
        return not_asked(name, why)
    columns = of_kind(tuple(found[0].facts), kind)
    values = np.array([[one.facts[column] for column in columns] for one in found], np.float64)
    return probe_of(name, columns, values)
