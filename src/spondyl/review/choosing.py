"""Which films a survey shows, and where a decoy stands; everything drawn from one seed.

The paper asked about the films that chosen configurations got wrong. Those alone teach nothing of
how often a surgeon accepts a heatmap, so right films, a stratified sample and decoys can stand
among them. A decoy takes the place of a network's own heatmap, and only on films that all chosen
configurations got right: so every item has as many heatmaps as every other, nobody can tell by
counting where a decoy is, and no error goes without its heatmap. The price is that a few right
films are asked about with one network less.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

from spondyl.errors import SpondylError
from spondyl.review.orders import shuffled
from spondyl.review.records import MapKind

_KINDS: tuple[MapKind, ...] = ("other label", "randomised network")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A film of the cohort, and what each configuration said of it."""

    image_id: str
    sha256: str
    """Of the file."""
    group_id: str
    """Equal for films of one patient and for copies of one film."""
    truth: str
    """The data set's label."""
    predicted: Mapping[str, str]
    """Label by configuration."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is asked for."""

    configurations: tuple[str, ...]
    """Those whose errors are shown and whose heatmaps are asked about."""
    seed: int
    wrong: int | None = None
    """Films that one of them got wrong, all with None."""
    right: int = 0
    """Films that all of them got right, as many of each label as can be."""
    sample: int = 0
    """Films whatever was said of them, each label with its share of the cohort's groups."""
    repeats: int = 0
    """Films that come a second time, with the networks' own heatmaps."""
    decoys: int = 0
    """Heatmaps that ought not to look right, in the place of as many networks' own."""


@dataclass(frozen=True, slots=True)
class Decoy:
    """What stands in the place of a network's own heatmap."""

    network: str
    """Configuration whose place it takes."""
    kind: MapKind


@dataclass(frozen=True, slots=True)
class Chosen:
    """A film that is shown."""

    candidate: Candidate
    why: str
    """"sample", "wrong" or "right"."""
    decoy: Decoy | None


def choose(
    candidates: Sequence[Candidate], labels: Sequence[str], choice: Choice
) -> tuple[Chosen, ...]:
    """The films of a survey in an order drawn for it; that of `candidates` is no matter.

    The sample is drawn first, so that it stays one; then the wrong films; then right ones. Of a
    group at most one film is drawn, but for the wrong ones: they are all there, each file once.

    Raises `SpondylError` where a configuration is unknown, or more is asked for than there is.
    """
    _refuse_unusable(candidates, labels, choice)
    table = {candidate.image_id: candidate for candidate in candidates}
    why = _sampled(table, labels, choice)
    why |= _wrong(table, why, choice)
    why |= _right(table, why, labels, choice)
    if not why:
        raise SpondylError(
            "no film was chosen: none was predicted wrongly, and no right ones were asked for",
            "Ask for right films, or for a sample.",
        )
    decoys = _decoys(table, why, choice)
    return tuple(
        Chosen(table[name], why[name], decoys.get(name))
        for name in shuffled(why, choice.seed, "number")
    )


def _refuse_unusable(
    candidates: Sequence[Candidate], labels: Sequence[str], choice: Choice
) -> None:
    asked = choice.configurations
    if not asked or len(set(asked)) < len(asked):
        raise SpondylError(
            f"configurations {', '.join(asked) or '(none)'}: one or more different ones are needed",
            "Name those whose errors are to be reviewed.",
        )
    numbers = {
        "wrong": choice.wrong or 0,
        **{name: getattr(choice, name) for name in ("right", "sample", "repeats", "decoys")},
    }
    for name, number in numbers.items():
        if number < 0:
            raise SpondylError(f"{name} = {number}: less than none", "Give 0 or more.")
    if len({candidate.image_id for candidate in candidates}) < len(candidates):
        raise SpondylError("a film stands in the table more than once", "List each film once.")
    known = set(labels)
    for candidate in candidates:
        missing = [name for name in asked if name not in candidate.predicted]
        if missing:
            there = ", ".join(candidate.predicted) or "none"
            raise SpondylError(
                f"{candidate.image_id}: {missing[0]} said nothing of it",
                f"Choose among: {there}; or leave the film out.",
            )
        strange = {candidate.truth, *candidate.predicted.values()} - known
        if strange:
            raise SpondylError(
                f"{candidate.image_id}: label {min(strange)!r} is none of {', '.join(labels)}",
                "Take labels and predictions of one study.",
            )


def _is_wrong(candidate: Candidate, choice: Choice) -> bool:
    return any(candidate.predicted[name] != candidate.truth for name in choice.configurations)


def _sampled(
    table: Mapping[str, Candidate], labels: Sequence[str], choice: Choice
) -> dict[str, str]:
    """image_id → "sample"; labels have their shares by largest remainders."""
    pool = _one_of_each_group(table, shuffled(table, choice.seed, "sample"), set())
    _refuse_more_than(len(pool), choice.sample, "a sample", "films, one of each group")
    by_label = {label: [n for n in pool if table[n].truth == label] for label in labels}
    whole = {label: choice.sample * len(of) // max(1, len(pool)) for label, of in by_label.items()}
    rest = sorted(
        labels, key=lambda label: -(choice.sample * len(by_label[label]) % max(1, len(pool)))
    )
    for label in rest[: choice.sample - sum(whole.values())]:
        whole[label] += 1
    return {name: "sample" for label, of in by_label.items() for name in of[: whole[label]]}


def _wrong(
    table: Mapping[str, Candidate], chosen: Mapping[str, str], choice: Choice
) -> dict[str, str]:
    """image_id → "wrong"; those of them that are in the sample count, and stay what they are."""
    files = {table[name].sha256 for name in chosen}
    found: list[str] = []
    there = sum(_is_wrong(table[name], choice) for name in chosen)
    for name in shuffled(table, choice.seed, "wrong"):
        if _is_wrong(table[name], choice) and table[name].sha256 not in files:
            files.add(table[name].sha256)
            found.append(name)
    if choice.wrong is None:
        return dict.fromkeys(found, "wrong")
    _refuse_more_than(there + len(found), choice.wrong, "wrong films", "wrong ones")
    return dict.fromkeys(found[: max(0, choice.wrong - there)], "wrong")


def _right(
    table: Mapping[str, Candidate],
    chosen: Mapping[str, str],
    labels: Sequence[str],
    choice: Choice,
) -> dict[str, str]:
    """image_id → "right", dealt to the labels in turn until one has no more."""
    taken = {table[name].group_id for name in chosen}
    right = [n for n in shuffled(table, choice.seed, "right") if not _is_wrong(table[n], choice)]
    pool = _one_of_each_group(table, right, taken)
    _refuse_more_than(len(pool), choice.right, "right films", "of groups not chosen before")
    piles = {label: [n for n in pool if table[n].truth == label] for label in labels}
    found: list[str] = []
    for label in cycle(shuffled(labels, choice.seed, "first label")):
        if len(found) == choice.right:
            break
        if piles[label]:
            found.append(piles[label].pop(0))
    return dict.fromkeys(found, "right")


def _one_of_each_group(
    table: Mapping[str, Candidate], names: Sequence[str], taken: set[str]
) -> list[str]:
    first: dict[str, str] = {}
    for name in names:
        if table[name].group_id not in taken:
            first.setdefault(table[name].group_id, name)
    return list(first.values())


def _refuse_more_than(there: int, asked: int, what: str, which: str) -> None:
    if asked > there:
        raise SpondylError(
            f"{what}: {asked} asked for, and there are {there} {which}",
            f"Ask for at most {there}.",
        )


def _decoys(
    table: Mapping[str, Candidate], chosen: Mapping[str, str], choice: Choice
) -> dict[str, Decoy]:
    """image_id → decoy: networks and kinds in turn."""
    fit = [name for name in chosen if not _is_wrong(table[name], choice)]
    maps = len(chosen) * len(choice.configurations)
    most = min(len(fit), maps // 2)
    if choice.decoys > most:
        raise SpondylError(
            f"decoys: {choice.decoys} asked for, and there are {most} places for them",
            "They stand on films that all networks got right, at most half of all heatmaps: "
            f"choose more such films, or at most {most} decoys.",
        )
    drawn = shuffled(fit, choice.seed, "decoy")[: choice.decoys]
    turns = [Decoy(network, kind) for kind in _KINDS for network in choice.configurations]
    return dict(zip(drawn, cycle(turns), strict=False))
