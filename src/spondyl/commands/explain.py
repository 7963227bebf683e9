"""`spondyl explain`: heatmaps of any film by the networks of a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spondyl.commands.arguments import Device, Json, Out, listed, print_json, tell_what_is_left
from spondyl.errors import SpondylError
from spondyl.terminal import tracking


def explain(
    images: Annotated[list[Path], typer.Argument(help="Films, or folders of films.")],
    bundle: Annotated[Path, typer.Option(help="A folder that `spondyl study bundle` made.")],
    out: Out,
    method: Annotated[str, typer.Option(help="Names, with commas between them.")] = "grad-cam",
    label: Annotated[
        str, typer.Option(help="predicted, all, or names with commas between them.")
    ] = "predicted",
    fold: Annotated[
        int | None,
        typer.Option(
            help="Ask the network of this fold alone, counted from 0. Without it those answer that "
            "did not learn from the film."
        ),
    ] = None,
    regions: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the films' spine masks, for a bundle whose networks are shown films by "
            "them."
        ),
    ] = None,
    page_scale: Annotated[
        bool, typer.Option("--page-scale", help="One scale for all maps of a method.")
    ] = False,
    contours: Annotated[
        bool, typer.Option("--contours", help="Lines around the heat as well as colour.")
    ] = False,
    for_print: Annotated[
        bool, typer.Option("--print", help="Lines alone, for black and white.")
    ] = False,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Heatmaps of films by a bundle: overlay, raw map, map on the film's grid, and JSON for each.

    Films that cannot be explained are listed at the end; the exit code is then 1.
    """
    from spondyl.data import loose_films
    from spondyl.explain import drawing
    from spondyl.files import refuse_unless_free
    from spondyl.learn.fabrics import device_on
    from spondyl.reading import explaining_films, explanation_files, opening

    if contours and for_print:
        raise SpondylError("--contours and --print: two ways to draw", "Give one of them.")
    style = drawing.COLOUR_AND_LINES if contours else drawing.PRINT if for_print else None
    refuse_unless_free(out)
    found = loose_films.listed(images)
    on = device_on(device)
    opened = opening.load(bundle)
    asked = explaining_films.asked_of(opened, listed(method), listed(label), fold)
    image_ids = dict(zip(found.films, found.image_ids, strict=True))
    spine_of = explaining_films.spines_for(opened, regions, image_ids)
    drawn = explanation_files.Drawing(style, page_scale)
    with tracking() as track:
        made = explanation_files.explain_films(
            found.films, opened, asked, out, on, drawn, track, spine_of
        )
    if as_json:
        print_json(made.as_dict())
    else:
        for line in made.lines:
            typer.echo(line)
    tell_what_is_left(found.passed_over, made.failures)
