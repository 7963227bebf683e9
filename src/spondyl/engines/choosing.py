"""Which engine a user means, from what stands on the command line; what does not go together is
refused instead of passed over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spondyl.engines.engine import Engine, Here
from spondyl.errors import SpondylError

NAMES = ("local", "ray", "slurm")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for; every default means "nothing was"."""

    engine: str = "local"
    at_once: int = 1
    """Units at a time on this machine; 1 is this process itself."""
    address: str = ""
    cpus: int | None = None
    """For each unit; 1 where nothing is said."""
    gpus: float | None = None
    """For each unit; where nothing is said none on "cpu", one on "cuda", and on "auto" one where
    the cluster has any (Ray) or none (Slurm, which has to be asked)."""
    slurm: Mapping[str, str] = field(default_factory=dict)


def chosen(asked: Asked, device: str, folder: Path) -> Engine:
    """The engine; `folder` is where Slurm's scripts and logs go.

    Raises `SpondylError` for an engine that is not known, or for an option of another one. Nothing
    is started, and nothing imported.
    """
    from spondyl.engines.on_ray import RayCluster
    from spondyl.engines.on_slurm import Slurm
    from spondyl.engines.processes import Processes

    if asked.engine not in NAMES:
        raise SpondylError(
            f"engine {asked.engine!r}: not known", f"One of {', '.join(NAMES)}; local needs none."
        )
    _refuse_strangers(asked)
    if asked.engine == "local":
        return Here() if asked.at_once == 1 else Processes(asked.at_once)
    if device == "cpu" and asked.gpus:
        raise SpondylError(
            f"{asked.gpus:g} GPUs for each trial, and --device cpu", "Leave one of them out."
        )
    cpus = 1 if asked.cpus is None else asked.cpus
    if asked.engine == "ray":
        unsaid = {"cpu": 0.0, "cuda": 1.0}.get(device)
        return RayCluster(asked.address, cpus, unsaid if asked.gpus is None else asked.gpus)
    gpus = float(device == "cuda") if asked.gpus is None else asked.gpus
    if not gpus.is_integer():
        raise SpondylError(
            f"{gpus:g} GPUs for each trial: Slurm gives whole ones only",
            "Ask for 1, or use --engine ray, which shares them.",
        )
    return Slurm(folder.absolute(), asked.slurm, cpus, int(gpus))


def _refuse_strangers(asked: Asked) -> None:
    """Raises `SpondylError` for the first option that the engine does not have."""
    engines = {
        "--at-once": (asked.at_once != 1, ("local",)),
        "--address": (asked.address != "", ("ray",)),
        "--cpus-per-trial": (asked.cpus is not None, ("ray", "slurm")),
        "--gpus-per-trial": (asked.gpus is not None, ("ray", "slurm")),
        "--slurm": (bool(asked.slurm), ("slurm",)),
    }
    for option, (is_given, of) in engines.items():
        if is_given and asked.engine not in of:
            raise SpondylError(
                f"{option}: not an option of --engine {asked.engine}",
                f"It belongs to --engine {' or '.join(of)}.",
            )
