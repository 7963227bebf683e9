"""What one training step has to do, counted and not measured: operations, and bytes that move.

The step is run on tensors without content, so nothing is computed and any network is counted in a
second. Floating-point operations are those of convolutions and matrix products, a multiplication
and an addition each. Bytes are what every operation reads and writes when none is fused with
another, which is what a step run operation by operation moves; a machine whose caches hold nothing
between two operations cannot move less. Augmentation is not counted: it is under one in a hundred.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torch._subclasses import FakeTensorMode
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from spondyl.learn import networks
from spondyl.learn.outcome import StrategyName

_ADAM_BYTES = 7 * 4
"""For each parameter: it, its gradient and two moments are read, all but the gradient written."""


@dataclass(frozen=True, slots=True)
class StepCost:
    """One step of one network on one batch."""

    network: str
    strategy: StrategyName
    batch: int
    side: int
    precision: str
    parameters: int
    learned: int
    """Parameters that are trained."""
    forward_gflop: float
    step_gflop: float
    """Forward and backward, in 10⁹ operations."""
    step_gb: float
    """Read and written by all operations, none fused, in 10⁹ bytes, the update included."""
    update_gb: float
    """Of these, by Adam in one pass over the parameters."""

    @property
    def gflop_per_image(self) -> float:
        """Of a step, for each film."""
        return self.step_gflop / self.batch

    def as_dict(self) -> dict[str, Any]:
        """The cost as a JSON object."""
        return asdict(self) | {"gflop_per_image": self.gflop_per_image}


class _Bytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up what operations read and write; views move nothing."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.moved = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        del types
        made = func(*args, **(kwargs or {}))
        if not func.is_view:
            touched = (*_tensors((args, kwargs)), *_tensors(made))
            self.moved += sum(tensor.numel() * tensor.element_size() for tensor in touched)
        return made


def step_cost(
    network: str,
    batch: int = 32,
    side: int = 224,
    strategy: StrategyName = "fine-tuning",
    precision: str = "32-true",
    n_labels: int = 3,
) -> StepCost:
    """Counts a step of `network` on films of `side` × `side` pixels; "feature-extraction" trains
    the head only, any other strategy everything. `precision` "bf16-mixed" halves what moves."""
    mixed = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed")
    operations, bytes_moved = FlopCounterMode(display=False), _Bytes()
    with FakeTensorMode():
        built = networks.build(network, n_labels, 0)
        built.body.requires_grad_(strategy != "feature-extraction")
        built.head.train()
        built.body.train(strategy != "feature-extraction")
        images = torch.empty(batch, 3, side, side)
        labels = torch.zeros(batch, dtype=torch.int64)
        with operations, bytes_moved:
            with mixed:
                logits = built(images)
            forward = operations.get_total_flops()
            F.cross_entropy(logits.float(), labels).backward()  # type: ignore[no-untyped-call]
    learned = networks.n_parameters([built]) - sum(
        p.numel() for p in built.parameters() if not p.requires_grad
    )
    update = learned * _ADAM_BYTES
    return StepCost(
        *(network, strategy, batch, side, precision, networks.n_parameters([built]), learned),
        forward_gflop=forward / 1e9,
        step_gflop=operations.get_total_flops() / 1e9,
        step_gb=(bytes_moved.moved + update) / 1e9,
        update_gb=update / 1e9,
    )


def _tensors(content: Any) -> Iterator[Tensor]:
    return (leaf for leaf in tree_leaves(content) if isinstance(leaf, Tensor))
