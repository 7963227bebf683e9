"""When a film gets no answer, and why: the doubts of a reading.

A film is doubted where half of the networks or more take it for none of their kind; where the
labels that cannot be ruled out are not the likeliest one alone; and where too few networks call the
same label. All doubts are said, not the first one only.

An empty set is a doubt, too. Networks that are right more often than sets have to be leave those
films' sets empty of which they are least sure: errors are among them, at the price that about alpha
of all usual films get no answer. Each network's detector keeps its false alarm rate on films like
those it was made of, so half of them refuse such a film at twice that rate at worst (Rüger 1978,
Metrika 25:171), and at about that rate where they share a body.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from spondyl.reading.record import Doubt, LabelSet, NetworkAnswer


def doubts(
    likeliest: str,
    labels: tuple[str, ...],
    networks: Sequence[NetworkAnswer],
    label_set: LabelSet | None,
    quorum: float,
) -> tuple[Doubt, ...]:
    """Every reason not to answer `likeliest`, one of `labels`; none where the answer stands.

    `quorum` is the share of networks, 0 … 1, that have to call the same label.
    """
    return (
        *_strange(networks),
        *(() if label_set is None else _open(likeliest, label_set)),
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


def _open(likeliest: str, label_set: LabelSet) -> Iterator[Doubt]:
    left, rate = label_set.labels, f"at a rate of {label_set.alpha:.0%}"
    if not left:
        yield Doubt(
            "no label",
            f"the networks are less sure of it than of nearly all films of any label ({rate})",
        )
    elif len(left) > 1:
        yield Doubt("several labels", f"{_and(left)} cannot be ruled out ({rate})")
    elif left[0] != likeliest:
        yield Doubt(
            "likeliest label ruled out",
            f"{likeliest} is the likeliest, but such films are unusual under it, and {left[0]} is "
            f"the only label that cannot be ruled out ({rate})",
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
