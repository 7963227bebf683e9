"""Does the model audit name the shortcut that a network learned, and clear one that learned none?

For each seed a small network is trained from random weights on clean films, and one on films of the
same people for each shortcut; all are then audited on clean films of people that none has met. So
that a network that is said to have learned a shortcut has, its films are labelled by the variant
that they carry, drawn without regard to their spine: there is nothing else to learn. (Where spine
and shortcut both tell the label a network may learn either, and an audit that clears the one that
learned the spine is right.) A family of variants is failed where `FamilyEffect.followed` says so:
by the choice of variant films can be drawn to two labels that are not theirs, and the share for the
second of these lies above a tenth with its whole interval. The price: six trainings a seed, half a
minute each on one core.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from spondyl.bench import planted
from spondyl.bench.planted import exact
from spondyl.data import cohort as cohorts
from spondyl.data.cohort import Cohort
from spondyl.data.labels import LabelSet
from spondyl.data.phantom import drawing, output
from spondyl.data.phantom.drawing import Phantom
from spondyl.engines.engine import Engine, in_order
from spondyl.learn import networks, training
from spondyl.learn.fabrics import fabric_on
from spondyl.learn.materials import columns
from spondyl.learn.networks import Network
from spondyl.learn.preprocess import prepare
from spondyl.learn.spec import StudySpec
from spondyl.trust.asking import reliance, subject
from spondyl.trust.asking.changes import CHANGES, INSERTED
from spondyl.trust.asking.following import FamilyEffect
from spondyl.trust.asking.questioning import Shown
from spondyl.trust.asking.subject import Subject, Trained

LABELS = LabelSet.of(planted.LABELS)
"""What a small network can see in a clean film. Slipped vertebrae it can not: with all three labels
clean networks are so unsure that any disturbance draws them to several."""
CLEAN = "clean"
SIZE = (192, 96)
TRAIN, TUNE, OWN, TEST = range(240), range(240, 290), range(290, 340), range(500, 600)
"""People by their number: learned from, steering, tested as they were trained, audited clean."""


@dataclass(frozen=True, slots=True)
class Steered:
    """How far the variants of one family draw films to labels that are not theirs."""

    family: str
    first: float
    """Share drawn to the label that most are drawn to: a meaning, or a disturbance."""
    second: float
    """`FamilyEffect.steered`: a meaning."""
    second_low: float
    """Lower end of its 95 % interval."""
    followed: bool

    @classmethod
    def of(cls, effect: FamilyEffect) -> Steered:
        """Of an effect on films of two labels or more, under two variants or more."""
        first, second = (one.share for one in effect.drawn[:2])
        low = second.interval.low
        return cls(effect.family, first.value, second.value, low, effect.followed is True)


@dataclass(frozen=True, slots=True)
class Audited:
    """One network that was trained and audited."""

    seed: int
    planted: str
    """Name of the shortcut, or "clean"."""
    accuracy_as_trained: float
    """On people whom it had not met, filmed as those that it learned from."""
    accuracy_clean: float
    """On the clean films of the audit."""
    families: tuple[Steered, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """The families that it follows."""
        return tuple(one.family for one in self.families if one.followed)

    @property
    def right(self) -> bool:
        """Whether it follows its shortcut; of a clean network, whether it follows nothing."""
        return not self.failed if self.planted == CLEAN else self.planted in self.failed

    def as_dict(self) -> dict[str, Any]:
        """The network as a JSON object."""
        return {**asdict(self), "failed": self.failed, "right": self.right}


def run(
    engine: Engine,
    n_seeds: int = 20,
    epochs: int = 10,
    kinds: Sequence[str] = (CLEAN, *INSERTED),
) -> Iterator[Audited]:
    """Networks for the seeds 0 … n_seeds - 1, as they are done, in order."""
    asked = [(seed, name, epochs) for seed in range(n_seeds) for name in kinds]
    return in_order(engine, audited, asked)


def audited(unit: tuple[int, str, int]) -> Audited:
    """The network of a seed, a shortcut and so many epochs, trained and audited on one thread."""
    seed, kind, epochs = unit
    torch.set_num_threads(1)
    shortcut = None if kind == CLEAN else kind
    asked = spec(seed, epochs)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        network = trained(place, seed, shortcut, asked)
        own = _part(films(place / "own", seed, shortcut, OWN), asked)
        said = training.predict(network, own.images, asked, torch.device("cpu")).argmax(dim=1)
        clean = before(network, films(place / "clean", seed, None, TEST), asked)
        changes = {name: one for name, one in CHANGES.items() if one.family in INSERTED}
        found = reliance.measured(clean, Shown.of(clean), changes, seed)
    return Audited(
        seed,
        kind,
        float((said == own.labels).float().mean()),
        found.accuracy.value,
        tuple(Steered.of(one) for one in found.families),
    )


def trained(place: Path, seed: int, shortcut: str | None, asked: StudySpec) -> Network:
    """A network that learned from films of `seed` with the shortcut; `place` is an empty folder."""
    learn, tune = (
        _part(films(place / name, seed, shortcut, people), asked)
        for name, people in (("learn", TRAIN), ("tune", TUNE))
    )
    network = networks.build(asked.networks[0], len(LABELS), seed)
    fabric, checkpoint = fabric_on("cpu"), place / "checkpoint"
    training.train(network, network, learn, tune, asked, seed, fabric, checkpoint)
    return network


def spec(seed: int, epochs: int) -> StudySpec:
    """How the networks are trained: as those of planted markers, but in colour, so that a tint can
    be learned."""
    return planted.spec(seed, epochs).model_copy(update={"colour": "as stored"})


def films(folder: Path, seed: int, shortcut: str | None, people: Sequence[int]) -> Cohort:
    """The people with these numbers, every other one with a curve, filmed into `folder`: clean and
    labelled by their spine, or with a variant of the shortcut that says the label."""
    drawn = (_drawn(seed, index, shortcut) for index in people)
    return cohorts.read(output.save(folder, filter(None, drawn)) / "films", LABELS)


def _drawn(seed: int, index: int, shortcut: str | None) -> Phantom | None:
    """One person's film; None where the variant that was drawn stands for no label."""
    film = partial(
        drawing.draw,
        seed,
        LABELS.names[index % len(LABELS)],
        size=SIZE,
        index=index,
        field="thoracolumbar",
    )
    if shortcut is None:
        return film()
    planted = film(shortcut=shortcut, strength=0.0)
    variant = int(str(planted.truth.shortcut).split()[-1])
    if variant >= len(LABELS):
        return None
    return replace(planted, image_id=f"{LABELS.names[variant]}/{index:04d}.png")


def before(network: Network, clean: Cohort, asked: StudySpec) -> Subject:
    """The network before films that it has not met."""
    met = Trained(0, lambda: network, frozenset(), frozenset())
    title, how = str(asked.configurations[0]), asked.preprocessing
    return subject.before(clean, [met], title, "a network trained here", how, {}, False)


def lines(found: Iterator[Audited]) -> Iterator[str]:
    """A line for each network, and shares with exact 95 % intervals."""
    done: dict[str, list[Audited]] = {}
    for one in found:
        done.setdefault(one.planted, []).append(one)
        steered = ", ".join(
            f"{each.family} {each.first:.2f} / {each.second:.2f}" for each in one.families
        )
        yield (
            f"seed {one.seed:2d}, {one.planted:6}: accuracy {one.accuracy_as_trained:.2f} as "
            f"trained, {one.accuracy_clean:.2f} clean; drawn to a label / to a second one by "
            f"{steered}; fails "
            f"{', '.join(one.failed) or 'nothing'}{'' if one.right else '  WRONG'}"
        )
    for kind, audits in done.items():
        n_right = sum(one.right for one in audits)
        if kind == CLEAN:
            n_alarms = len(audits) - n_right
            yield f"clean, failing anything: {exact(n_alarms, len(audits))}"
        else:
            yield f"{kind}, failing {kind}: {exact(n_right, len(audits))}"


def _part(cohort: Cohort, asked: StudySpec) -> training.Part:
    prepared = prepare(cohort.radiographs, asked.preprocessing)
    labels = columns(cohort, prepared.image_ids)
    return training.Part(prepared.images.float(), torch.from_numpy(labels))
