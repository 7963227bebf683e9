"""The claims of a publication about its heatmaps, each with what came of it in a study.

Decision: a claim that was measured in several ways has a row for each and no verdict over all, as
ways that disagree are the finding; and a claim that could not be asked keeps its row. The price is
a long table, most of it "not run" for a study of few networks or of films that nobody marked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import get_args

from spondyl.report.claims import OF_PLACE, Comparison, Measured, ScoreName, Trained, Verdict, Word
from spondyl.report.published import Published
from spondyl.report.tables import NONE, Table
from spondyl.trust.intervals import LEVEL

_WORDS: Mapping[ScoreName, str] = {
    "effective-area": "share of the film that the heat covers (effective area)",
    "peak": "peak of the map, in logits",
    "energy": "share of the heat on the spine",
    "concordance": "overlap (IoU) of the hottest part with the spine",
    "peak-distance": "distance of the peak from the target, as a share of the diagonal",
    "side-peak": "peak on the stated side of the midline (weak: half a film)",
}


def claims_table(published: Published, verdicts: Sequence[Verdict]) -> Table:
    """One row for each verdict: of which networks, the paper's words and section, what was asked,
    the answer, how sure.

    Differences are first less second, in the unit of the score.
    """
    return Table(
        "published-claims",
        f"What {published.citation} says of its heatmaps, asked of ours",
        (
            *("networks", "what the paper says", "expected of ours"),
            *("difference (95 % by groups)", "films", "verdict"),
        ),
        tuple(_row(verdict) for verdict in verdicts),
        (*_notes(verdicts), *_readings(verdicts)),
    )


def _row(verdict: Verdict) -> tuple[str, ...]:
    claim, comparison, measured = verdict.claim, verdict.comparison, verdict.measured
    word = f"{verdict.word}: {verdict.because}" if verdict.because else verdict.word
    said = f"{claim.said} ({claim.section})"
    if comparison is None:
        return (NONE, said, *(NONE,) * 3, word)
    head = (_networks(comparison, measured), said, _expected(comparison))
    if measured is None:
        return (*head, *(NONE,) * 2, word)
    interval = measured.interval
    return (
        *head,
        f"{measured.mean:+.3f} ({interval.low:+.3f} to {interval.high:+.3f})",
        " and ".join(map(str, measured.n_films)),
        word,
    )


def _expected(comparison: Comparison) -> str:
    expected = f"{comparison.on}: {_WORDS[comparison.score]}"
    if comparison.than == "chance":
        return f"{expected}; {comparison.expected} than by chance"
    less = ", less its chance" if comparison.score in OF_PLACE else ""
    preposition = "of" if isinstance(comparison.than, Trained) else "on"
    return f"{expected}{less}; {comparison.expected} than {preposition} {comparison.than}"


def _networks(comparison: Comparison, measured: Measured | None) -> str:
    names = " against ".join(map(str, comparison.trained))
    if measured is None:
        return names
    partial = f"; partial weights, {'; '.join(measured.partial_weights)}"
    return f"{names}, {measured.protocol}" + (partial if measured.partial_weights else "")


def _notes(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    counts = Counter(verdict.word for verdict in verdicts)
    came = ", ".join(f"{counts[word]} “{word}”" for word in get_args(Word) if counts[word])
    n = sum(verdict.measured is not None and not verdict.because for verdict in verdicts)
    return (
        f"Of {len(verdicts)} rows: {came}. {n} differences were judged, each by itself at "
        f"{100 * LEVEL:.0f} %, without a correction for their number: where there is no difference "
        f"one in {1 / (1 - LEVEL):.0f} is called all the same, which would be about "
        f"{n * (1 - LEVEL):.1f} of {n}. They share networks and films, so they do not err "
        "independently.",
        "“Holds”: the whole interval of the mean difference lies on the side that the paper "
        "claims; “does not hold”: on the other side; “undecided”: it includes zero, or stands on "
        "too few groups. “Undecided” is not “equal”. That heat is off the spine holds only where "
        "there is less of it than by chance.",
        "Films: those of the class that the network, or both, got right, as in the paper's "
        "figures, each asked about its own class by the network that had not seen it; of a map "
        "without heat nothing is asked but its peak. Two networks are compared film by film, two "
        "classes film against film of the other. Intervals: bootstrap over groups. “Every class” "
        "counts films, so a class with more right films weighs more.",
        "These are other trained networks than the paper's: a verdict says whether its words are "
        "true of ours. What it says of the few films in its figures may be true of those films.",
    )


def _readings(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    """How loose words were read, claim by claim."""
    claims = {verdict.claim.id: verdict.claim for verdict in verdicts if verdict.claim.reading}
    return tuple(f"“{one.said}” ({one.section}): {one.reading}" for one in claims.values())
