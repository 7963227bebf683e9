"""What each strategy does on one fold: from films and initial weights to test logits and
tensors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from spondyl.learn import iterating, solving, two_stage
from spondyl.learn.materials import Learned, Materials, Task
from spondyl.learn.strategies import STRATEGIES, How
from spondyl.learn.vision_language import zero_shot

Way = Callable[[Task, Materials, Path], Learned]
"""A way of learning goes on from the checkpoint at the path where one is there, and leaves none
that would keep another run from the same result."""

WAYS: dict[How, Way] = {
    "solved": solving.solve,
    "iterated": iterating.train,
    "two-stage": two_stage.train,
    "zero-shot": zero_shot.classify,
}


def learn(task: Task, materials: Materials, checkpoint: Path) -> Learned:
    """What the task's strategy makes of it; goes on from `checkpoint` where training left one."""
    return WAYS[STRATEGIES[task.configuration.strategy].how](task, materials, checkpoint)
