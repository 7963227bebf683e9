"""What the networks of a study cost on this machine, measured once for each network and machine.

A network costs the same in every study, whatever its weights are, and measuring takes longer than
all else of a study whose features are known. So what was measured is kept in the cache, under all
that it depends on: network, labels, size, hardware, threads and versions. The price: times that
were measured while the machine was busy stay until the cache is cleared.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from spondyl.errors import SpondylError
from spondyl.explain import cost
from spondyl.explain.cost import Cost
from spondyl.files import read_json, sha256_of_json, write_json
from spondyl.learn.environment import environment
from spondyl.learn.outcome import Outcome
from spondyl.learn.study import Study
from spondyl.progress import Track, silently
from spondyl.report import assembly

_PARTS = ("torch", "torchvision", "timm")
"""Packages of which another version may cost something else."""


def measure(
    study: Study,
    outcomes: Sequence[Outcome],
    device: torch.device,
    cache: Path | None = None,
    track: Track = silently,
) -> None:
    """Writes RUN/costs.json, once: what each network that was run costs on this machine, taken from
    the folder `cache` where it was measured before."""
    path = study.folder / assembly.COSTS
    if path.is_file():
        return
    there = environment()
    hardware, versions = there["hardware"], there["versions"]
    said = (
        hardware["gpu"]
        if device.type == "cuda"
        else f"{hardware['cpu']}, {hardware['cores']} cores"
    )
    on = [said, torch.get_num_threads(), *(versions[name] for name in _PARTS)]
    ran = dict.fromkeys(
        one.configuration.network for one in outcomes if one.predictions is not None
    )
    n_labels, size = len(study.spec.labels), study.spec.size
    costs = [
        _measured(name, n_labels, size, device, on, cache) for name in track(ran, "measuring costs")
    ]
    write_json(
        path, {"schema_version": 1, "hardware": said, "costs": [one.as_dict() for one in costs]}
    )


def _measured(
    name: str,
    n_labels: int,
    size: tuple[int, int],
    device: torch.device,
    on: Sequence[Any],
    cache: Path | None,
) -> Cost:
    if cache is None:
        return cost.measure(name, n_labels, size, device)
    path = cache / "costs" / f"{sha256_of_json([1, name, n_labels, size, device.type, on])}.json"
    known = _kept(path)
    if known is None:
        known = cost.measure(name, n_labels, size, device)
        write_json(path, known.as_dict())
    return known


def _kept(path: Path) -> Cost | None:
    if not path.is_file():
        return None
    try:
        row = read_json(path)
        return Cost(**{**row, "size": tuple(row["size"])})
    except (SpondylError, KeyError, TypeError):
        return None  # damaged: measured again
