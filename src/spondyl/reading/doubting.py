"""When a film gets no answer, and why: the doubts of a reading.

A film is doubted where half of the networks or more take it for none of their kind; where more than
one label cannot be ruled out; and where too few networks call the same label. Each network's
detector keeps its false alarm rate on films like those it was made of, so half of them refuse such
a film at twice that rate at worst (Rüger 1978, Metrika 25:171), and at about that rate where they
share a body. All doubts are said, not the first one only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from spondyl.reading.record import Doubt, LabelSet, NetworkAnswer


def doubts(
    labels: tuple[str, ...],
    networks: Sequence[NetworkAnswer],
    label_set: LabelSet | None,
    quorum: float,
) -> tuple[Doubt, ...]:
    """Every reason not to answer with the likeliest of `labels`; none where the answer stands.

    `quorum` is the share of networks, 0 … 1, that have to call the same label.
    """
    return (
        *_strange(networks),
        *(() if label_set is None else _open(label_set)),
        *_disagreeing(labels, networks, quorum),
    )


def _strange(networks: Sequence[NetworkAnswer]) -> Iterator[Doubt]:
    asked = [one for one in networks if one.refused is not None]
    refusing = [one for one in asked if one.refused]
    if asked and 2 * len(refusing) >= len(asked):
        smallest = min(one.strangeness_p or 0.0 for one in refusing)
        who = (
            "the network takes"
            if len(asked) == 1
            else f"{len(refusing)} of {len(asked)} networks take"
        )
        yield Doubt(
            "unlike the training films",
            f"{who} the film for none of their kind: of films like those they learned from about "
            f"{smallest:.1%} or fewer are as strange as this one to any of them",
        )


def _open(label_set: LabelSet) -> Iterator[Doubt]:
    if len(label_set.labels) > 1:
        yield Doubt(
            "several labels",
            f"{_and(label_set.labels)} cannot be ruled out (at a rate of {label_set.alpha:.0%})",
        )


def _disagreeing(
    labels: tuple[str, ...], networks: Sequence[NetworkAnswer], quorum: float
) -> Iterator[Doubt]:
    called = [labels[int(one.calibrated.argmax())] for one in networks]
    most = max(called.count(label) for label in labels)
    if most < quorum * len(called) - 1e-9:
        votes = [f"{called.count(label)} {label}" for label in labels if label in called]
        yield Doubt(
            "networks disagree",
            f"of {len(called)} networks {_and(votes)}; {quorum:.0%} have to call the same label",
        )


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
