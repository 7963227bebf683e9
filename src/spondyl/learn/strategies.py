"""What a strategy starts from, what it learns and how: the paper's table of training strategies.

`probe` and `feature-extraction` both freeze the body and are kept apart: the first solves its head
to the end, the second trains it epoch by epoch, as the paper does, and may stop early.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from spondyl.learn.outcome import StrategyName

How = Literal["solved", "iterated", "two-stage", "zero-shot"]
"""The ways of learning; `learning.WAYS` has a function for each."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """One way to make a classifier out of a network."""

    name: StrategyName
    initial: Literal["given", "random"]
    """Where the body's tensors come from before anything is learned."""
    learned: Literal["head", "last stages", "all"]
    """What is fitted, or written by a text tower; the rest stays frozen, batch-norm statistics
    included."""
    how: How
    description: str
    needs_unlabelled: bool = False
    """Whether films without a label teach it, beside those that have one."""

    @property
    def solves_head(self) -> bool:
        """Whether the head is solved on pooled features, and so is pooling and one linear layer
        whatever head the network has of its own."""
        return self.how in ("solved", "two-stage")

    @property
    def body_is_given(self) -> bool:
        """Whether the body is frozen while a head is learned, so that all of it has to be given."""
        return self.initial == "given" and (self.learned == "head" or self.solves_head)


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
        Strategy(
            "two-stage",
            "given",
            "last stages",
            "two-stage",
            "first the head, solved on the frozen body; then the body's last stages beside it, at "
            "a lower rate",
        ),
        Strategy(
            "pseudo-labels",
            "given",
            "head",
            "solved",
            "frozen body; the logistic regression, taught by unlabelled films that it is sure of, "
            "as far as the tune part says that they help",
            needs_unlabelled=True,
        ),
        Strategy(
            "fixmatch",
            "given",
            "all",
            "iterated",
            "everything trained from given weights; of unlabelled films a weak view's confident "
            "label teaches a strong view",
            needs_unlabelled=True,
        ),
        Strategy(
            "zero-shot",
            "given",
            "head",
            "zero-shot",
            "nothing learned: how alike a film and the prompts for each label are to a "
            "vision-language model",
        ),
    )
}
