"""What a strategy starts from, what it learns and how: the paper's table of training strategies.

`probe` and `feature-extraction` both freeze the body and are kept apart: the first solves its head
to the end, the second trains it epoch by epoch, as the paper does, and may stop early.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from spondyl.learn.outcome import StrategyName


@dataclass(frozen=True, slots=True)
class Strategy:
    """One way to make a classifier out of a network."""

    name: StrategyName
    initial: Literal["given", "random"]
    """Where the body's tensors come from before anything is learned."""
    learned: Literal["head", "all"]
    """What is fitted; the rest stays frozen, batch-norm statistics included."""
    how: Literal["solved", "iterated"]
    description: str


STRATEGIES: dict[StrategyName, Strategy] = {
    strategy.name: strategy
    for strategy in (
        Strategy(
            "probe",
            "given",
            "head",
            "solved",
            "frozen body; L2 logistic regression on pooled features, solved to tolerance",
        ),
        Strategy(
            "random-features",
            "random",
            "head",
            "solved",
            "frozen body with random weights; the same logistic regression",
        ),
        Strategy(
            "feature-extraction",
            "given",
            "head",
            "iterated",
            "frozen body; the classifier trained by gradient steps under augmentation",
        ),
        Strategy(
            "fine-tuning", "given", "all", "iterated", "everything trained from given weights"
        ),
        Strategy("scratch", "random", "all", "iterated", "everything trained from random weights"),
    )
}
