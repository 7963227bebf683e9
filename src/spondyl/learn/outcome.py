"""What came of a study, as records: for each configuration its folds, weights and predictions.

A configuration that could not be run (its weights are not here, say) is an outcome too: it carries
the reason and no figures, and every table shows it as not run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from spondyl.learn.predictions import PredictionTable

StrategyName = Literal[
    "probe",
    "random-features",
    "feature-extraction",
    "fine-tuning",
    "scratch",
    "two-stage",
    "pseudo-labels",
    "fixmatch",
    "zero-shot",
]
Protocol = Literal["nested", "paper"]


@dataclass(frozen=True, slots=True)
class Configuration:
    """A network under a strategy and a protocol: what the rows of a result table are."""

    network: str
    """Name with its cut, for example "resnet50:layer3"."""
    strategy: StrategyName
    protocol: Protocol

    def __str__(self) -> str:
        return f"{self.network} · {self.strategy} · {self.protocol}"

    @property
    def is_steered(self) -> bool:
        """Whether the films that judge it also steered it, which flatters every figure."""
        return self.protocol == "paper"

    @property
    def slug(self) -> str:
        """The configuration as a file name."""
        return f"{self.network.replace(':', '-')}_{self.strategy}_{self.protocol}"


@dataclass(frozen=True, slots=True)
class WeightsRecord:
    """Where the tensors of a network came from before any of them was trained."""

    network: str
    source: Literal["file", "library cache", "bundle", "random"]
    file: str
    """Name (never the folder) of the file, after a bundle's id and / where it is in a bundle; or
    ""."""
    sha256: str
    """Of the file, or "" for random weights."""
    n_loaded: int
    """Tensors of the body that came from the file."""
    n_random: int
    """Tensors of the body that were drawn at random."""
    random_parts: tuple[str, ...]
    """Top modules of the body that were drawn at random, in order; empty for complete weights."""

    def __str__(self) -> str:
        if self.source == "random":
            return "random"
        bundle, within, name = self.file.rpartition("/")
        called = f"bundle {bundle[:12]}…, {name}" if within else name
        said = f"{called} (sha256 {self.sha256[:12]}…)"
        return f"{said}, random: {', '.join(self.random_parts)}" if self.random_parts else said


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the training part: mean losses, tune accuracy, rate at its end, seconds."""

    epoch: int
    train_loss: float
    tune_loss: float
    tune_accuracy: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True, slots=True)
class FoldOutcome:
    """One finished trial, without its predictions."""

    fold: int
    trial_id: str
    n_train: int
    n_tune: int
    n_test: int
    seconds: float
    chosen: tuple[tuple[str, float], ...]
    """What the tune part chose, by name: ("inverse_strength", 0.01), or ("epoch", 14) …"""
    history: tuple[Epoch, ...] = ()
    """Empty for strategies that are solved rather than iterated."""
    how: str = ""
    """How its training steps were run and on what; by it results differ in rounding only. "" for
    solved strategies, and in studies older than this."""


@dataclass(frozen=True, slots=True, eq=False)
class Repeat:
    """What came of one more draw of the folds; they are numbered on from the draw before."""

    folds: tuple[FoldOutcome, ...]
    predictions: PredictionTable


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """A configuration with all that came of it, or with the reason why it was not run."""

    configuration: Configuration
    weights: WeightsRecord | None
    folds: tuple[FoldOutcome, ...] = ()
    predictions: PredictionTable | None = None
    """Of the first draw of folds, whose networks explain, answer and travel."""
    not_run: str = ""
    """Why there are no figures; "" where there are."""
    further: tuple[Repeat, ...] = ()
    """The draws after the first."""

    @property
    def repeats(self) -> tuple[Repeat, ...]:
        """All draws of the folds, the first among them; empty where there are no figures."""
        if self.predictions is None:
            return ()
        return (Repeat(self.folds, self.predictions), *self.further)
