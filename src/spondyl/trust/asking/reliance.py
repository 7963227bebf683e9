"""What a network rests on: how its answers change when films are changed.

Every figure of a change is of the films for which it has a meaning, and stands beside the figure of
the same films unchanged, film by film, so that no difference comes from other films. Groups are
resampled, as in `intervals`. Nothing here says what is too much: thresholds belong to whoever asks.

Two limits. Accuracy with the spine hidden is held against always saying the most frequent label,
but a network in front of a film it has never seen the like of may say a rare label always, and
then be below that while knowing just as little or as much; so the mean sensitivity of the labels
stands beside it, which is one in the number of labels for every answer that does not look. And what
the spine is needed for is a difference of two differences on the films that have room for a
control, which are those with a slim spine on a wide film.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from spondyl.learn.predictions import PredictionTable
from spondyl.progress import Track, silently
from spondyl.trust import metrics
from spondyl.trust.asking import following, questioning
from spondyl.trust.asking.changes import CHANGES, NamedChange, unchanged
from spondyl.trust.asking.following import FamilyEffect
from spondyl.trust.asking.pairing import UNCHANGED as UNCHANGED
from spondyl.trust.asking.pairing import Pair, mean, right, shared
from spondyl.trust.asking.questioning import Answers, Shown
from spondyl.trust.asking.subject import Subject
from spondyl.trust.intervals import N_RESAMPLES, Estimate, GroupBootstrap, MeanBootstrap


@dataclass(frozen=True, slots=True)
class Effect:
    """What one change does to the answers; accuracies, shares and probabilities in 0 … 1."""

    change: str
    question: str
    n_films: int
    """For which the change has a meaning; all below is of these."""
    n_left_out: int
    accuracy: Estimate
    """Under the change."""
    macro_f1: Estimate
    """Under the change; mean over the labels that have one."""
    unchanged: Estimate
    """Accuracy of the same films as they are."""
    drop: Estimate
    """Accuracy as they are, less that under the change: -1 … 1."""
    flipped: Estimate
    """Share of films of which another label is said than as they are."""
    true_probability: Estimate
    """Mean change of the true label's probability, changed less unchanged: -1 … 1."""


@dataclass(frozen=True, slots=True)
class AgainstPrior:
    """What is left without the spine, beside knowing only which label is frequent."""

    change: str
    n_films: int
    accuracy: Estimate
    majority_label: str
    """The most frequent true label of these films, the first of equals."""
    majority: Estimate
    """Its share: the accuracy of always saying it."""
    above: Estimate
    """accuracy - majority, film by film; an interval round 0 is what hiding all that tells
    would leave."""
    macro_sensitivity: Estimate
    """Mean share of each label's films that are called so."""
    macro_unchanged: float
    """The same of these very films as they are: what there was to lose."""
    macro_by_chance: float
    """What it is for every answer that does not depend on the film: one in the labels there are."""


@dataclass(frozen=True, slots=True)
class Attributed:
    """What hiding the spine costs beyond hiding as much beside it, on films that have both."""

    n_films: int
    spine_drop: Estimate
    control_drop: Estimate
    difference: Estimate
    """spine_drop - control_drop, film by film."""
    probability: Estimate
    """The same of the true label's probability: how much more of it is lost with the spine."""


@dataclass(frozen=True, slots=True)
class Reliance:
    """What a subject's networks rest on."""

    n_films: int
    accuracy: Estimate
    """Of all films as they are."""
    macro_f1: Estimate
    effects: tuple[Effect, ...]
    """Of the changes that have a meaning for any film, in the order asked."""
    not_applicable: tuple[str, ...]
    """Changes that have a meaning for no film: no masks, or no colours."""
    without_spine: tuple[AgainstPrior, ...]
    """With the spine hidden, and with its columns hidden; as far as they were asked."""
    only_spine: Estimate | None
    """Accuracy when only the spine is shown; None where that was not asked or has no meaning."""
    attributed: Attributed | None
    """None where spine or control was not asked, or no film has both."""
    families: tuple[FamilyEffect, ...]
    """Of what is put on films, as far as it was asked and has a meaning; in the order of
    `changes.INSERTED`."""

    def family(self, family: str) -> FamilyEffect | None:
        """That of `family`; None where it was not asked or has no meaning for any film."""
        return next((one for one in self.families if one.family == family), None)

    def effect(self, change: str) -> Effect | None:
        """That of `change`; None where it was not asked or has no meaning for any film."""
        return next((one for one in self.effects if one.change == change), None)


def measured(
    subject: Subject,
    shown: Shown,
    changes: Mapping[str, NamedChange] = CHANGES,
    seed: int = 0,
    device: torch.device | None = None,
    track: Track = silently,
) -> Reliance:
    """What the subject's networks rest on, asked under `changes`."""
    asks = {UNCHANGED: unchanged, **{name: change.apply for name, change in changes.items()}}
    answers = questioning.asked(subject, asks, shown, device, track)
    return of(answers, changes, seed)


def of(
    answers: Mapping[str, Answers],
    changes: Mapping[str, NamedChange] = CHANGES,
    seed: int = 0,
    n_resamples: int = N_RESAMPLES,
) -> Reliance:
    """What `answers`, by the name of the change, say; they hold those of `UNCHANGED` films.

    `changes` knows what each of them asks. Raises KeyError for one that it does not know, and
    ValueError without unchanged films.
    """
    if UNCHANGED not in answers or not len(answers[UNCHANGED].predictions):
        raise ValueError(f"answers to {', '.join(answers)}: those of unchanged films are missing")
    whole = answers[UNCHANGED].predictions
    there = {
        name: one for name, one in answers.items() if name != UNCHANGED and len(one.predictions)
    }
    pairs = {name: Pair.of(whole, one, seed, n_resamples) for name, one in there.items()}
    effects = tuple(_effect(pair, name, changes[name].question) for name, pair in pairs.items())
    means = MeanBootstrap.draw(whole.group_ids, seed, n_resamples)
    return Reliance(
        n_films=len(whole),
        accuracy=mean(means, right(whole)),
        macro_f1=_macro_f1(GroupBootstrap.draw(whole, seed, n_resamples)),
        effects=effects,
        not_applicable=tuple(n for n in answers if n != UNCHANGED and n not in there),
        without_spine=tuple(
            _against_prior(pairs[name], name)
            for name in ("spine-hidden", "columns-hidden")
            if name in pairs
        ),
        only_spine=next((e.accuracy for e in effects if e.change == "spine-only"), None),
        attributed=_attributed(pairs, seed, n_resamples),
        families=following.families(pairs, changes, seed, n_resamples),
    )


def _effect(pair: Pair, change: str, question: str) -> Effect:
    return Effect(
        change=change,
        question=question,
        n_films=len(pair.after),
        n_left_out=pair.n_left_out,
        accuracy=mean(pair.means, right(pair.after)),
        macro_f1=_macro_f1(pair.groups),
        unchanged=mean(pair.means, right(pair.before)),
        drop=mean(pair.means, pair.drops),
        flipped=mean(pair.means, pair.before.predicted != pair.after.predicted),
        true_probability=mean(pair.means, pair.gains),
    )


def _against_prior(pair: Pair, change: str) -> AgainstPrior:
    table = pair.after
    counts = np.bincount(table.truth, minlength=len(table.labels))
    most = int(counts.argmax())
    prior = np.asarray(table.truth == most, np.float64)
    return AgainstPrior(
        change=change,
        n_films=len(table),
        accuracy=mean(pair.means, right(table)),
        majority_label=table.labels.names[most],
        majority=mean(pair.means, prior),
        above=mean(pair.means, right(table) - prior),
        macro_sensitivity=_macro_sensitivity(pair.groups),
        macro_unchanged=_mean_sensitivity(pair.before),
        macro_by_chance=1 / int((counts > 0).sum()),
    )


def _attributed(pairs: Mapping[str, Pair], seed: int, n_resamples: int) -> Attributed | None:
    if not {"spine-hidden", "control-hidden"} <= set(pairs):
        return None
    both = shared([pairs["spine-hidden"], pairs["control-hidden"]], seed, n_resamples)
    if not both:
        return None
    spine, control = both
    return Attributed(
        len(spine.after),
        mean(spine.means, spine.drops),
        mean(spine.means, control.drops),
        mean(spine.means, spine.drops - control.drops),
        mean(spine.means, control.gains - spine.gains),
    )


def _macro_f1(groups: GroupBootstrap) -> Estimate:
    value = float(metrics.macro(metrics.f1(metrics.confusion(groups.table))))
    return Estimate(value, groups.of_confusions(lambda c: metrics.macro(metrics.f1(c))))


def _macro_sensitivity(groups: GroupBootstrap) -> Estimate:
    interval = groups.of_confusions(lambda c: metrics.macro(metrics.sensitivity(c)))
    return Estimate(_mean_sensitivity(groups.table), interval)


def _mean_sensitivity(table: PredictionTable) -> float:
    return float(metrics.macro(metrics.sensitivity(metrics.confusion(table))))
