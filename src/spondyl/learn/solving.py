"""Strategies whose head is solved to its end on features of a frozen body.

The folds of a configuration share features, and their heads are solved side by side.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from torch import Tensor

from spondyl.data.radiograph import Radiograph
from spondyl.learn import features, probe, proven, pseudo_labels
from spondyl.learn.materials import (
    Learned,
    Materials,
    Task,
    columns,
    pool_of,
    rows_of,
)
from spondyl.learn.outcome import Configuration, WeightsRecord
from spondyl.learn.preprocess import PreparedFilms
from spondyl.learn.solved_heads import SolvedHeads
from spondyl.learn.strategies import STRATEGIES


def solve(task: Task, materials: Materials, checkpoint: Path) -> Learned:
    """Frozen, pooled features under a logistic regression that is solved to its end; too quick to
    need its checkpoint."""
    del checkpoint
    found, record = features_of(task.configuration, materials)
    if task not in materials.solved:
        materials.solved.update(_solved_side_by_side(task, found, materials))
    solved = materials.solved.pop(task)
    test = found[rows_of(materials.cohort, task.parts.test)]
    return Learned(
        solved.head.logits(test),
        (
            ("inverse_strength", solved.inverse_strength),
            ("tune_loss", solved.tune_loss),
            *solved.also,
        ),
        tensors_of(solved.head),
        record,
        tune_logits=solved.tune_logits,
    )


def tensors_of(head: probe.LinearHead) -> dict[str, Tensor]:
    """A solved head as a `PooledLinear` calls its tensors, in single precision."""
    return {
        "linear.weight": torch.from_numpy(head.weight).float(),
        "linear.bias": torch.from_numpy(head.bias).float(),
    }


def features_of(
    configuration: Configuration, materials: Materials
) -> tuple[NDArray[np.float32], WeightsRecord]:
    """Pooled features (n, channels) of the cohort's films by the body of a configuration as it was
    given, and where its tensors came from."""
    if configuration not in materials.frozen:
        films, prepared = materials.cohort.radiographs, materials.prepared
        materials.frozen[configuration] = _features(configuration, materials, films, prepared)
    return materials.frozen[configuration]


def _solved_side_by_side(
    task: Task, found: NDArray[np.float32], materials: Materials
) -> dict[Task, probe.Solved]:
    """The heads of `task` and of all that wait with its configuration, a core for each: one head's
    matrices are too small for two."""
    cohort, balanced = materials.cohort, materials.spec.class_weights == "balanced"
    others = [one for one in materials.waiting if one.configuration == task.configuration]
    tasks = list(dict.fromkeys([task, *others]))
    kept, fit, how = SolvedHeads.of(materials.cache), probe.fit, "probe"
    unlabelled: tuple[NDArray[np.float32], ...] = ()
    if STRATEGIES[task.configuration.strategy].needs_unlabelled:
        unlabelled = (_features_of_unlabelled(task.configuration, materials),)
        fit, how = partial(pseudo_labels.fit, unlabelled=unlabelled[0]), "pseudo-labels"
    how += ", classes weigh the same" if balanced else ""

    def solve(one: Task) -> probe.Solved:
        train, tune = one.parts.train, one.parts.tune
        given = (
            found[rows_of(cohort, train)],
            columns(cohort, train),
            found[rows_of(cohort, tune)],
            columns(cohort, tune),
        )
        return kept.read_or_solved(
            how, [*given, *unlabelled], lambda: fit(*given, balanced=balanced)
        )

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        heads = {one: pool.submit(solve, one) for one in tasks}
    # What fails beside this one is solved again in its own turn, and told of there.
    return {one: h.result() for one, h in heads.items() if one == task or h.exception() is None}


def _features_of_unlabelled(
    configuration: Configuration, materials: Materials
) -> NDArray[np.float32]:
    """Pooled features of the films without a label, as often as a study's process wants them."""
    if configuration not in materials.frozen_unlabelled:
        pool = pool_of(materials)
        found, _ = _features(configuration, materials, pool.films, pool.prepared)
        materials.frozen_unlabelled[configuration] = found
    return materials.frozen_unlabelled[configuration]


def _features(
    configuration: Configuration,
    materials: Materials,
    films: Sequence[Radiograph],
    prepared: PreparedFilms,
) -> tuple[NDArray[np.float32], WeightsRecord]:
    """Pooled features (n, channels) of `films`, from the cache where they are in it."""
    spec = materials.spec
    network = proven.prove(configuration, spec, materials.files, materials.cache)
    identity = network.record.sha256 or f"random, seed {spec.seed}"
    found = features.pooled(
        network,
        films,
        prepared,
        spec.preprocessing,
        features.FeatureCache.of(materials.cache, network, spec.preprocessing, identity),
        materials.fabric.device,
        materials.track,
    )
    return found, network.record
