"""`spondyl export`: a bundle as a file or a page that runs where Python and PyTorch do not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spondyl.commands.arguments import Json, print_json
from spondyl.errors import SpondylError
from spondyl.terminal import tracking

if TYPE_CHECKING:
    from spondyl.reading.exporting.exporting import Exported

FORMATS = ("onnx", "page")


def export(
    bundle: Annotated[Path, typer.Argument(help="A folder that `spondyl study bundle` made.")],
    out: Annotated[
        Path, typer.Option(help="A new file, such as reader.onnx; of a page a new folder.")
    ],
    form: Annotated[
        str, typer.Option("--format", help="onnx, or page: a web page that reads films.")
    ] = "onnx",
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
    runtime: Annotated[
        Path | None,
        typer.Option(
            help="For a page: the folder package/dist of npm's onnxruntime-web, unpacked."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a bundle as one ONNX graph: film in; probabilities, heatmap and logits out.

    With --format page the graph comes in a folder with a web page that runs it in a browser and
    sends no film anywhere. The graph is compared with PyTorch before it is left, and not left where
    it differs.
    """
    from spondyl.data import loose_films
    from spondyl.reading import opening
    from spondyl.reading.exporting import exporting

    if form not in FORMATS:
        raise SpondylError(f"format {form!r}: not known", f"One of {', '.join(FORMATS)}.")
    chosen = exporting.precision_named(precision)
    written = _writing(form, out, runtime)
    opened = opening.load(bundle)
    with tracking() as track:
        made = written(
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


def _writing(form: str, out: Path, runtime: Path | None) -> Callable[..., Exported]:
    """What writes that format; `SpondylError` where it could not be written, before any work."""
    from spondyl.files import refuse_unless_free
    from spondyl.reading.exporting import exporting, page

    if form == "page":
        refuse_unless_free(out)
        return partial(page.export_page, runtime=page.Runtime.found(runtime))
    if runtime is not None:
        raise SpondylError(
            "--runtime is given, and an ONNX file has none in it",
            "Leave it out, or add --format page.",
        )
    exporting.refuse_unless_new(out)
    return exporting.export
