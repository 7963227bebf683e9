"""`spondyl study test`: a study's networks on another centre's films, nothing fitted to these."""

# ruff: noqa: PT028  (`test` is the command's name, and no test of pytest's)

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from spondyl.commands.arguments import Device, Json, Out, Run, Seed, print_json
from spondyl.errors import SpondylError
from spondyl.terminal import tracking

_ALL = "All finished ones where none is named."


def test(
    run: Run,
    cohort: Annotated[
        Path,
        typer.Option(
            help="Another centre's films: a folder of class folders, or a CSV manifest, with the "
            "study's labels or some of them."
        ),
    ],
    out: Out,
    network: Annotated[str, typer.Option(help=_ALL)] = "",
    strategy: Annotated[str, typer.Option(help=_ALL)] = "",
    protocol: Annotated[str, typer.Option(help=_ALL)] = "",
    regions: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the films' spine masks (LABEL/FILM.json, LABEL/FILM.mask.png), for a "
            "study that crops to the spine or hides it."
        ),
    ] = None,
    by: Annotated[
        str, typer.Option(help="A column of numbers in the manifest, such as cobb.")
    ] = "",
    bands: Annotated[
        str, typer.Option(help="Edges of bands of that column, with commas: 10,25,40.")
    ] = "",
    cache: Annotated[
        Path | None, typer.Option(help="Folder for which films of both cohorts are one picture.")
    ] = None,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Ask all folds' networks about a cohort they never met; measure how it differs."""
    from spondyl.files import read_json
    from spondyl.reading.auditing import Wanted
    from spondyl.reading.external import Banded
    from spondyl.report.external import record, whole
    from spondyl.trust.external.bands import edges

    if bool(by) != bool(bands):
        raise SpondylError(
            "--by and --bands: one without the other", "For example --by cobb --bands 10,25,40."
        )
    with tracking() as track:
        lines = whole.external(
            run,
            cohort,
            out,
            Wanted(network, strategy, protocol),
            regions=regions,
            banded=Banded(by, edges(bands)) if by else None,
            cache=cache,
            seed=seed,
            device=device,
            command=shlex.join(["spondyl", *sys.argv[1:]]),
            track=track,
        )
    if as_json:
        print_json(read_json(out / record.JSON))
    else:
        typer.echo("\n".join(lines))
