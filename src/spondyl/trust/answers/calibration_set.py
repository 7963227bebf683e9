"""What the judged films of a study allow to say of a film that nobody has judged.

A bundle keeps the out-of-fold logits of one film per group, without any name. From them come the
temperature of every probability and, for each label, how usual a new film would be under it: the
share of judged films (of that label, or of all) whose own label was no more likely to the network
that judged them than this label is for the new film. With several networks each judged film is
compared by the network that judged it (cross-conformal prediction: Vovk 2015, Annals of Mathematics
and Artificial Intelligence 74:9); with one it is the plain conformal p value (Vovk, Gammerman &
Shafer 2005, section 2.2). A label whose p value is above alpha cannot be ruled out.

The prices. For several networks theory promises 1 - 2 alpha, and about 1 - alpha is seen. The one
temperature is chosen on the same films, which enter it alike; the new film does not, and that makes
a difference of the order of one film. Networks of several folds are taken for equally sure where a
film was judged before: it is then compared with the films of the other folds, as in the audit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from spondyl.errors import SpondylError
from spondyl.learn.predictions import PredictionTable
from spondyl.trust.answers.calibration import Bound, temperature
from spondyl.trust.answers.conformal import Bools, Kind, refuse_impossible
from spondyl.trust.metrics import Floats

ALPHA = 0.05
"""Share of films whose set may miss their label, where nobody says otherwise."""
_SLACK = 1e-8  # a score that is above another by rounding alone is not above it


@dataclass(frozen=True, eq=False)
class CalibrationSet:
    """Films that were judged by networks which did not learn from them; one for each group."""

    labels: tuple[str, ...]
    logits: Floats
    """(n, labels) as they came."""
    truth: NDArray[np.int64]
    """(n,) column of each film's label."""
    folds: NDArray[np.int64]
    """(n,) whose network judged it."""
    alpha: float = ALPHA
    kind: Kind = "by label"

    @classmethod
    def of(
        cls, table: PredictionTable, alpha: float = ALPHA, kind: Kind = "by label"
    ) -> CalibrationSet:
        """The first film of each group of `table`. Raises ValueError for an `alpha` outside
        0 … 0.5, and an empty table."""
        refuse_impossible(table, alpha)
        kept = table.taken(sorted(table.one_per_group()))
        names = table.labels.names
        return cls(names, np.asarray(kept.logits), kept.truth, kept.folds, alpha, kind)

    def __len__(self) -> int:
        return len(self.logits)

    @cached_property
    def temperature(self) -> tuple[float, Bound]:
        """What all logits are divided by, and where it was stopped (`calibration.temperature`).

        Where every film was told rightly by its largest logit, their log loss falls for ever as
        logits grow, and would make every new film certain. Nothing is then known of how sure the
        networks may be: they are taken at their word, 1, and the bound says "lowest".
        """
        value, bound = temperature(self.logits, self.truth)
        return (1.0 if bound == "lowest" else value), bound

    @property
    def n_of(self) -> tuple[int, ...]:
        """For each label: the films that its p value counts."""
        if self.kind == "marginal":
            return (len(self),) * len(self.labels)
        return tuple(int((self.truth == column).sum()) for column in range(len(self.labels)))

    @property
    def never_ruled_out(self) -> tuple[str, ...]:
        """Labels of so few films that no p value of theirs can be at most alpha."""
        return tuple(
            label
            for label, n in zip(self.labels, self.n_of, strict=True)
            if 1 / (n + 1) > self.alpha
        )

    def calibrated(self, logits: Floats) -> Floats:
        """(…, labels) softmax of `logits` at the temperature."""
        return np.asarray(softmax(np.asarray(logits, np.float64) / self.temperature[0], axis=-1))

    def p_values(self, answers: Mapping[int, Floats], judged_by: int | None = None) -> Floats:
        """(labels,) of one film, from what each network says of it: fold → logits (labels,).

        `judged_by` is the fold whose network judged this very film, where one did and alone
        answers: it is then compared with the films of the other folds. Otherwise every fold of the
        set has to answer; ValueError where one does not.
        """
        scores = {fold: 1 - self.calibrated(logits) for fold, logits in answers.items()}
        if judged_by is None:
            missing = set(np.unique(self.folds).tolist()) - set(scores)
            if missing:
                raise ValueError(f"no answer of the networks of folds {sorted(missing)}")
            counted = np.ones(len(self), np.bool_)
            new = np.stack([scores[fold] for fold in self.folds.tolist()])
        else:
            counted = self.folds != judged_by if len(np.unique(self.folds)) > 1 else self._all
            new = np.broadcast_to(scores[judged_by], self.logits.shape)
        as_strange = self._own_scores[:, None] >= new - _SLACK
        of = self._counts_for() & counted[:, None]
        return np.asarray((1 + (as_strange & of).sum(axis=0)) / (1 + of.sum(axis=0)))

    def not_ruled_out(self, p_values: Floats) -> tuple[str, ...]:
        """The labels whose p value (labels,) is above alpha, in their order; maybe none."""
        kept = zip(self.labels, p_values, strict=True)
        return tuple(label for label, p in kept if p > self.alpha + _SLACK)

    @cached_property
    def _own_scores(self) -> Floats:
        """(n,) 1 − the calibrated probability of each film's own label."""
        return np.asarray(1 - self.calibrated(self.logits)[np.arange(len(self)), self.truth])

    @property
    def _all(self) -> Bools:
        return np.ones(len(self), np.bool_)

    def _counts_for(self) -> Bools:
        """(n, labels) whether a film counts for a label's p value."""
        if self.kind == "marginal":
            return np.ones(self.logits.shape, np.bool_)
        return np.asarray(self.truth[:, None] == np.arange(len(self.labels)))

    @property
    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """What it knows of films, as named plain arrays."""
        return {"logits": self.logits, "truth": self.truth, "folds": self.folds}

    @classmethod
    def read(
        cls,
        arrays: Mapping[str, NDArray[np.generic]],
        labels: tuple[str, ...],
        alpha: float,
        kind: Kind,
    ) -> CalibrationSet:
        """The set whose `arrays` these are; `SpondylError` for what does not fit together."""
        try:
            logits = np.asarray(arrays["logits"], np.float64)
            truth = np.asarray(arrays["truth"], np.int64)
            folds = np.asarray(arrays["folds"], np.int64)
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(f"not in the form that is read here ({error})") from error
        fits = (
            logits.shape == (len(truth), len(labels))
            and truth.shape == folds.shape
            and len(truth) > 0
            and bool(np.isfinite(logits).all())
            and bool(((truth >= 0) & (truth < len(labels)) & (folds >= 0)).all())
            and 0 < alpha <= 0.5
        )
        if not fits:
            raise _damaged("its arrays do not fit together")
        return cls(labels, logits, truth, folds, alpha, kind)


def _damaged(what: str) -> SpondylError:
    return SpondylError(f"calibration set: {what}", "The file is damaged; make it anew.")
