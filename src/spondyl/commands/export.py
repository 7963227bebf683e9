"""`spondyl export`: a bundle as one file that runs where Python and PyTorch do not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spondyl.commands.arguments import Json, print_json
from spondyl.errors import SpondylError
from spondyl.terminal import tracking

FORMATS = ("onnx",)


def export(
    bundle: Annotated[Path, typer.Argument(help="A folder that `spondyl study bundle` made.")],
    out: Annotated[Path, typer.Option(help="A new file, such as reader.onnx.")],
    form: Annotated[str, typer.Option("--format", help="onnx.")] = "onnx",
    method: Annotated[
        str,
        typer.Option(help="Of the heatmap: grad-cam, hirescam, xgrad-cam, layercam or cam."),
    ] = "grad-cam",
    precision: Annotated[str, typer.Option(help="float32, or int8 with --calibrate.")] = "float32",
    check: Annotated[
        list[Path] | None,
        typer.Option(
            help="Films, or a folder of them, on which the file is compared with PyTorch besides "
            "drawn ones; may be given again."
        ),
    ] = None,
    calibrate: Annotated[
        list[Path] | None,
        typer.Option(
            help="Films, or a folder of them, for int8: every second one sets the steps, the "
            "others judge; may be given again."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a bundle as one ONNX graph: film in; probabilities, heatmap and logits out.

    The file is compared with PyTorch before it is left, and not left where it differs.
    """
    from spondyl.data import loose_films
    from spondyl.reading import opening
    from spondyl.reading.exporting import exporting

    if form not in FORMATS:
        raise SpondylError(f"format {form!r}: not known", f"One of {', '.join(FORMATS)}.")
    chosen = exporting.precision_named(precision)
    exporting.refuse_unless_new(out)
    opened = opening.load(bundle)
    with tracking() as track:
        made = exporting.export(
            opened,
            out,
            method=method,
            precision=chosen,
            check=loose_films.listed(check).films if check else (),
            calibrate=loose_films.listed(calibrate).films if calibrate else (),
            track=track,
        )
    if as_json:
        print_json(made.as_dict())
        return
    for line in made.lines:
        typer.echo(line)
