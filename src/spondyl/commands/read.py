"""`spondyl read`: what the networks of a bundle make of films, an answer or an honest refusal."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spondyl.commands.arguments import Device, Json, listed, print_json, tell_what_is_left
from spondyl.errors import SpondylError
from spondyl.terminal import say, tracking

if TYPE_CHECKING:
    from spondyl.engines.engine import Engine
    from spondyl.report.readings.whole import Row


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
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="With --out: go on in the folder of a run that was killed; films whose files "
            "stand whole are not read again. A new folder is begun.",
        ),
    ] = False,
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
    at_once: Annotated[
        int, typer.Option(min=1, help="Processes that read on this machine, each with a reader.")
    ] = 1,
    cluster: Annotated[
        str,
        typer.Option(
            help="Read on a Ray cluster: its HOST:PORT, or auto for the one of this machine. It "
            "has to see films, bundle and --out under the same paths."
        ),
    ] = "",
    as_json: Json = False,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Print one JSON object a line, as films are read.")
    ] = False,
) -> None:
    """Read films: label and calibrated probability with a heatmap, or why there is no answer.

    Films that cannot be read are listed at the end; the exit code is then 1.
    """
    from contextlib import ExitStack

    from spondyl.data import loose_films, patterns
    from spondyl.measure import finder as finders
    from spondyl.reading import each_film, opening
    from spondyl.reading.patients import together_named
    from spondyl.reading.recipe import Recipe
    from spondyl.report.readings import resuming
    from spondyl.report.readings.shards import SpreadRun
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
    wanted.refuse_unless_possible(resume, parted=bool(cluster) or at_once > 1)
    asked = None if no_measure else finder or finders.shipped_path()
    recipe = Recipe(bundle, "", engine, device, method, graph, asked, regions)
    recipe.refuse_unless_sound()
    spread_by = _spread_by(at_once, cluster, "cpu" if engine == "onnx" else device)
    found = loose_films.listed(given := patterns.matching(images))
    opened = opening.load(bundle)
    recipe = replace(recipe, bundle_id=opened.bundle_id)
    image_ids = dict(zip(found.films, found.image_ids, strict=True))
    films = each_film.named(found, given, names)
    spine_of = recipe.spine_of(opened, image_ids)
    # Workers make readers of their own; this one then proves that one can be made.
    reader = (recipe if spread_by is None else replace(recipe, device="cpu")).reader(opened, say)
    with ExitStack() as until_done, tracking() as track:
        left = films
        if out is not None:
            account = resuming.Account.of(recipe, wanted, names)
            until_done.enter_context(resuming.claimed(out))
            left = resuming.left(films, out, account, resume, track)
        run: Run | SpreadRun
        if spread_by is not None:
            run = SpreadRun(left, recipe, wanted, spread_by, image_ids, track)
        else:
            run = Run(left, reader, wanted, spine_of, track)
        rows = [kept for row in run.rows() if (kept := _told(row, as_json, jsonl)) is not None]
        patients = run.patients() if isinstance(run, Run) else ()
    if as_json:
        print_json({"readings": rows, "patients": [one.as_dict() for one in patients]})
    for one in patients if not as_json else ():
        typer.echo(json.dumps(one.as_dict(), allow_nan=False) if jsonl else "\n".join(one.lines))
    if len(left) < len(films):
        say(f"{len(films) - len(left)} of {len(films)} films stood already and were not read again")
    say(f"{run.n_answered} answered, {run.n_doubted} without an answer, {len(run.failures)} failed")
    tell_what_is_left(found.passed_over, run.failures)


def _spread_by(at_once: int, cluster: str, device: str) -> Engine | None:
    """What spreads films over processes or machines; None for this process alone."""
    from spondyl.engines.on_ray import RayCluster
    from spondyl.engines.processes import Processes

    if cluster and at_once > 1:
        raise SpondylError("--at-once and --cluster: one or the other", "Give one of them.")
    if cluster:
        return RayCluster(cluster, gpus={"cpu": 0.0, "cuda": 1.0}.get(device))
    return Processes(at_once) if at_once > 1 else None


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
