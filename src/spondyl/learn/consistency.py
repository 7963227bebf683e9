"""FixMatch: what a network is sure of in a weak view of an unlabelled film teaches a strong one.

Sohn et al. 2020 (arXiv 2001.07685), equations 3 and 4: the loss of the labelled films, plus λ times
the mean over μ unlabelled films for each of them of 1(max q ≥ τ) · H(argmax q, p), where q are the
probabilities of the weak view, without gradient, and p those of the strong view. The weak view is
the study's own augmentation, the strong one `strong_views`'.

Decision: a labelled film brings its μ unlabelled ones along, drawn with it, so the training loop,
its batches and its checkpoints are those of every strategy, and an epoch is one pass over the
labelled films. All views go through the network at once, as in the paper, so batch norm sees all of
them. Optimiser, schedule and stopping are the study's, not the paper's: Adam instead of SGD, and no
mean of the weights over time. The price: a batch is 1 + 2 μ times as large in memory, and steps are
plain ones of one process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor

from spondyl.errors import SpondylError
from spondyl.learn import augment, pseudo_labels, strong_views
from spondyl.learn.augment import Twins
from spondyl.learn.fabrics import LateFabric
from spondyl.learn.sources import Drawn, Films, Part
from spondyl.learn.spec import StudySpec
from spondyl.learn.stepping import Kind, Step
from spondyl.learn.strong_views import Strong

_N_TWINS, _N_STRONG = len(Twins._fields), len(Strong._fields)


def loss(weak: Tensor, strong: Tensor, threshold: float) -> Tensor:
    """Mean over all films of 1(max q ≥ threshold) · H(argmax q, p), in nats: equation 4.

    Logits (n, labels) of the weak views, which get no gradient, and of the strong ones.
    """
    likely, said = torch.softmax(weak.detach(), dim=1).max(dim=1)
    sure = likely >= threshold
    return (F.cross_entropy(strong, said, reduction="none") * sure).mean()


def kind_for(spec: StudySpec, fabric: LateFabric) -> Kind:
    """ "plain". Raises `SpondylError` for another kind that was asked for, and where several
    processes train one network."""
    if fabric.world_size > 1:
        raise SpondylError(
            f"fixmatch: {fabric.world_size} processes train one network",
            "Train it on one device; several trials may run at once with --at-once.",
        )
    if spec.step in ("compiled", "graph"):
        raise SpondylError(
            f'fixmatch: step "{spec.step}" cannot run it', 'Set step = "plain" or "auto".'
        )
    return "plain"


def beside(labelled: Films, unlabelled: Part, spec: StudySpec) -> WithUnlabelled:
    """The films of a training part with μ films of `unlabelled`, whose labels are nobody's, for
    each."""
    films = Films.of(unlabelled, spec, labelled.device)
    return WithUnlabelled(labelled, films, spec.fixmatch_ratio)


@dataclass(frozen=True, slots=True, eq=False)
class WithUnlabelled:
    """A `Source` of labelled films, each of which brings `ratio` unlabelled films along."""

    labelled: Films
    unlabelled: Films
    ratio: int

    @property
    def labels(self) -> Tensor:
        """(n,) int64 on the device, of the labelled films."""
        return self.labelled.labels

    def draw(self, order: Tensor, sizes: Sequence[int], draws: torch.Generator) -> Drawn:
        """The labelled films as they are drawn alone; behind that of each its unlabelled films,
        (n, ratio), and how their two views are made."""
        drawn = self.labelled.draw(order, sizes, draws)
        films, n = self.unlabelled, len(order) * self.ratio
        size = (films.images.shape[-2], films.images.shape[-1])
        rows = in_turn(len(films.labels), n, draws)
        weak = augment.draw([n], size, films.spec, draws)
        strong = strong_views.draw(n, size, films.spec, draws)
        views = [one.to(films.device) for one in (*weak, *strong)]
        with_rows = [rows.to(films.images.device), *views]
        grouped = (one.view(len(order), self.ratio, *one.shape[1:]) for one in with_rows)
        return Drawn(drawn.rows, (*drawn.how, *grouped), drawn.labels)

    def inputs(self, batch: Drawn) -> Tensor:
        """(n · (1 + 2 ratio), 3, h, w): n labelled films, then the weak views, then the strong."""
        own, others = batch.how[:_N_TWINS], batch.how[_N_TWINS:]
        labelled = self.labelled.inputs(Drawn(batch.rows, own, batch.labels))
        rows, *views = (one.flatten(0, 1) for one in others)
        weak, strong = Twins(*views[:_N_TWINS]), Strong(*views[_N_TWINS:])
        films = self.unlabelled.some(rows)
        seen = (augment.apply(films, weak), strong_views.apply(films, strong))
        return torch.cat([labelled, *map(self.unlabelled.seen, seen)])

    def plain(self, batch_size: int) -> Sequence[Callable[[], Tensor]]:
        """The labelled films as they are."""
        return self.labelled.plain(batch_size)


@dataclass(frozen=True, slots=True, eq=False)
class ConsistencyStep(Step):
    """Learns from one batch of `WithUnlabelled`."""

    threshold: float = 0.95
    weight: float = 1.0

    @classmethod
    def like(cls, plain: Step, spec: StudySpec) -> ConsistencyStep:
        """What `plain` does, with τ and λ of `spec`."""
        settings = {field.name: getattr(plain, field.name) for field in fields(plain)}
        tau, weight = spec.fixmatch_threshold, spec.fixmatch_weight
        return cls(**settings, threshold=tau, weight=weight)

    def _loss(self, logits: Tensor, batch: Drawn) -> Tensor:
        labelled, views = logits[: len(batch)], logits[len(batch) :]
        weak, strong = views.chunk(2)
        own = F.cross_entropy(labelled, batch.labels, self.weights)
        return own + self.weight * loss(weak, strong, self.threshold)


def told_of(logits: Tensor, spec: StudySpec) -> tuple[tuple[str, float], ...]:
    """How many unlabelled films there were, and how many bear which label surely enough to teach,
    by the logits (n, labels) of the films as they are."""
    likely, said = torch.softmax(logits, dim=1).max(dim=1)
    sure = said[likely >= spec.fixmatch_threshold].cpu().numpy()
    return pseudo_labels.told_of(len(logits), sure, logits.shape[1])


def in_turn(n_films: int, n: int, draws: torch.Generator) -> Tensor:
    """(n,) int64 rows of `n_films`, in a fresh order each time that all have had their turn."""
    orders = [torch.randperm(n_films, generator=draws) for _ in range(-(-n // n_films))]
    return torch.cat(orders)[:n]
