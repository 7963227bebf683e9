"""Options of commands that hand units of work to an engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from spondyl.engines.choosing import NAMES, Asked, chosen
from spondyl.engines.engine import Engine
from spondyl.errors import SpondylError

EngineName = Annotated[str, typer.Option("--engine", help=f"{', '.join(NAMES)}.")]
SeedsEngine = Annotated[str, typer.Option("--engine", help="local or ray.")]
Address = Annotated[
    str,
    typer.Option(help="ray: HOST:PORT of a cluster; without it RAY_ADDRESS, or one of its own."),
]


def engine_for_trials(asked: Asked, device: str, out: Path, n_together: int) -> Engine:
    """The engine for the trials of a study in `out`, each trained by `n_together` devices."""
    if n_together > 1 and (asked.engine != "local" or asked.at_once != 1):
        raise SpondylError(
            "--devices and --nodes together with an engine: each trial would want them all",
            "Train with several devices under --engine local, or give each trial one of them.",
        )
    return chosen(asked, device, out / ".slurm")


def engine_for_seeds(name: str, processes: int, address: str) -> Engine:
    """The engine of a measurement over seeds: `processes` on this machine, or a Ray cluster."""
    from spondyl.engines.on_ray import RayCluster
    from spondyl.engines.processes import Processes

    if name == "ray":
        return RayCluster(address)
    if name != "local":
        raise SpondylError(f"engine {name!r}: not known here", "Use local or ray.")
    if address:
        raise SpondylError(
            "--address: not an option of --engine local", "It belongs to --engine ray."
        )
    return Processes(processes)


def settings(texts: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE texts taken apart; `SpondylError` for another form."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise SpondylError(f"--slurm {text!r}: not NAME=VALUE", "For example partition=gpu.")
        found[name] = value
    return found
