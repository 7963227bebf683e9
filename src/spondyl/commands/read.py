"""`spondyl read`: what the networks of a bundle make of films, an answer or an honest refusal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spondyl.commands.arguments import Device, Json, listed, print_json, tell_what_is_left
from spondyl.errors import SpondylError
from spondyl.terminal import say, tracking

if TYPE_CHECKING:
    from spondyl.reading.bundle import Bundle
    from spondyl.reading.engines import Engine
    from spondyl.report.readings.whole import Row

ENGINES = ("torch", "onnx")


def read(
    images: Annotated[
        list[str],
        typer.Argument(help="Films, folders of films, or patterns such as 'films/*.dcm'."),
    ],
    bundle: Annotated[Path, typer.Option(help="A folder that `spondyl study bundle` made.")],
    out: Annotated[
        Path | None,
        typer.Option(help="A new folder: for each film its overlay, its raw heatmap and JSON."),
    ] = None,
    page: Annotated[
        str, typer.Option(help="With --out: html, pdf or both with a comma; one sheet a film.")
    ] = "",
    dicom_out: Annotated[
        Path | None,
        typer.Option(
            help="A new folder for DICOM: the heatmap as a Parametric Map, the overlay as a "
            "Secondary Capture, a Structured Report; of DICOM films only."
        ),
    ] = None,
    deidentify: Annotated[
        bool,
        typer.Option(
            "--deidentify",
            help="DICOM objects by the basic profile of PS3.15, without the patient.",
        ),
    ] = False,
    together: Annotated[
        str,
        typer.Option(
            help="Films of one patient are summed up together: header (by the patient's number in "
            "it), folder (each folder is a patient), all (all films are one patient's)."
        ),
    ] = "",
    names: Annotated[
        bool,
        typer.Option("--names", help="Call films by their files' names instead of by number."),
    ] = False,
    identify: Annotated[
        bool,
        typer.Option(
            "--identify",
            help="Let JSON hold paths, identifiers and what the header says of the patient.",
        ),
    ] = False,
    method: Annotated[str, typer.Option(help="Of the heatmap.")] = "grad-cam",
    finder: Annotated[
        Path | None,
        typer.Option(help="A spine finder's file; without it the one that comes along."),
    ] = None,
    no_measure: Annotated[
        bool, typer.Option("--no-measure", help="Ask no spine finder: quicker.")
    ] = False,
    regions: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the films' spine masks, for a bundle whose networks are shown films by "
            "them; without it the finder's are taken."
        ),
    ] = None,
    device: Device = "auto",
    engine: Annotated[
        str,
        typer.Option(
            help="torch, or onnx: the exported graph on the CPU, several times as quick; it is "
            "made on first use and kept in the cache."
        ),
    ] = "torch",
    graph: Annotated[
        Path | None,
        typer.Option(help="With --engine onnx: a file that `spondyl export` made, int8 perhaps."),
    ] = None,
    as_json: Json = False,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Print one JSON object a line, as films are read.")
    ] = False,
) -> None:
    """Read films: label and calibrated probability with a heatmap, or why there is no answer.

    Films that cannot be read are listed at the end; the exit code is then 1.
    """
    from spondyl.data import loose_films, patterns
    from spondyl.learn.conduct import fabric_on
    from spondyl.measure import finder as finders
    from spondyl.reading import each_film, explaining_films, opening
    from spondyl.reading.patients import together_named
    from spondyl.reading.reading import Reader
    from spondyl.report.readings.whole import Run, Wanted, forms_named

    if as_json and jsonl:
        raise SpondylError("--json and --jsonl: two ways to print", "Give one of them.")
    if page and out is None:
        raise SpondylError(
            "--page without --out: nowhere to write", "Name a new folder with --out."
        )
    if no_measure and finder is not None:
        raise SpondylError("--finder and --no-measure: one or the other", "Give one of them.")
    wanted = Wanted(
        out,
        forms_named(listed(page) if page else ()),
        dicom_out,
        deidentify,
        identify,
        together_named(together) if together else None,
    )
    wanted.refuse_unless_possible()
    _refuse_engine(engine, graph)
    found = loose_films.listed(given := patterns.matching(images))
    opened = opening.load(bundle)
    asked = None
    if not no_measure:
        asked = finders.load(finder or finders.shipped_path(), fabric_on(device).device)
    reader = Reader.by(_engine(opened, engine, device, method, graph), opened, asked)
    image_ids = dict(zip(found.films, found.image_ids, strict=True))
    by_finder = regions is None and asked is not None
    spine_of = explaining_films.spines_for(opened, regions, image_ids, by_finder=by_finder)
    with tracking() as track:
        run = Run(each_film.named(found, given, names), reader, wanted, spine_of, track)
        rows = [kept for row in run.rows() if (kept := _told(row, as_json, jsonl)) is not None]
    patients = run.patients()
    if as_json:
        print_json({"readings": rows, "patients": [one.as_dict() for one in patients]})
    for one in patients if not as_json else ():
        typer.echo(json.dumps(one.as_dict(), allow_nan=False) if jsonl else "\n".join(one.lines))
    say(f"{run.n_answered} answered, {run.n_doubted} without an answer, {len(run.failures)} failed")
    tell_what_is_left(found.passed_over, run.failures)


def _refuse_engine(engine: str, graph: Path | None) -> None:
    """Raises `SpondylError` for an engine that is not known, and a graph without one for it."""
    if engine not in ENGINES:
        raise SpondylError(f"engine {engine!r}: not known", f"One of {', '.join(ENGINES)}.")
    if graph is not None and engine != "onnx":
        raise SpondylError("--graph without --engine onnx: nothing reads it", "Give both.")


def _engine(opened: Bundle, engine: str, device: str, method: str, graph: Path | None) -> Engine:
    """The engine that was asked for; a graph that has to be made first is told of."""
    from spondyl.reading import onnx_reader
    from spondyl.reading.engines import TorchEngine

    if engine == "torch":
        return TorchEngine.of(opened, device, method)
    if device == "cuda":
        raise SpondylError("--device cuda: the onnx engine runs on the CPU", "Use --engine torch.")
    if graph is None and not onnx_reader.cached(opened, method).is_file():
        say("exporting the bundle to the cache, once")
    return onnx_reader.engine(opened, method, graph)


def _told(row: Row, as_json: bool, jsonl: bool) -> dict[str, Any] | None:
    """Prints what a program or a person reads of a film at once; what one document needs is
    returned instead."""
    if as_json:
        return row.document
    typer.echo(
        json.dumps(row.document, ensure_ascii=False, allow_nan=False)
        if jsonl
        else "\n  ".join(row.lines)
    )
    return None
