"""`spondyl study compare`: every configuration of some runs side by side, and which differ."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from spondyl.commands.arguments import Json, Out, print_json
from spondyl.terminal import tracking


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(help="Folders of studies or of ensembles, on the same films and splits."),
    ],
    out: Out,
    audit: Annotated[
        list[Path],
        typer.Option(
            help="Folder of `spondyl audit model … --out`, for shortcut share and checks; "
            "repeatable. One called audit in a run is found by itself."
        ),
    ] = [],  # noqa: B006
    reference: Annotated[
        str,
        typer.Option(
            help="Row that every other is tested against, by number or NETWORK/STRATEGY/PROTOCOL; "
            "every pair where none is named."
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    """Compare configurations: figures, paired tests, the set of the best, Pareto fronts."""
    from spondyl.files import read_json
    from spondyl.report.comparing import page, whole

    with tracking() as track:
        lines = whole.compare(
            runs,
            out,
            audits=audit,
            reference=reference,
            command=shlex.join(["spondyl", *sys.argv[1:]]),
            track=track,
        )
    if as_json:
        print_json(read_json(out / page.JSON))
    else:
        typer.echo("\n".join(lines))
