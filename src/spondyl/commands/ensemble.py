"""`spondyl study ensemble`: a soft vote of several configurations, and where its members look."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from spondyl.commands.arguments import Device, Out, Seed
from spondyl.terminal import tracking


def ensemble(
    members: Annotated[
        list[str],
        typer.Argument(
            help="RUN, for all finished configurations of a study, or "
            "RUN:NETWORK/STRATEGY/PROTOCOL, from the left as much as is needed."
        ),
    ],
    out: Out,
    weights: Annotated[
        Literal["equal", "tune"],
        typer.Option(help="equal, or chosen on the tune part of each fold."),
    ] = "equal",
    films: Annotated[
        int,
        typer.Option(
            min=0,
            help="Films told rightly whose heatmaps are compared, beside all wrong ones; 0: no "
            "heatmaps.",
        ),
    ] = 100,
    method: Annotated[str, typer.Option(help="How heatmaps are made.")] = "grad-cam",
    masks: Annotated[
        Path | None, typer.Option(help="Folder of spine masks: is heat on the spine?")
    ] = None,
    name: Annotated[str, typer.Option(help="What the ensemble is called.")] = "",
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Let configurations of one cohort and one set of splits vote; compare where they look."""
    from spondyl.report.ensembles import whole

    with tracking() as track:
        lines = whole.ensemble(
            members,
            out,
            weights,
            n_films=films,
            method=method,
            masks=masks,
            name=name,
            seed=seed,
            device=device,
            command=shlex.join(["spondyl", *sys.argv[1:]]),
            track=track,
        )
    typer.echo("\n".join(lines))
