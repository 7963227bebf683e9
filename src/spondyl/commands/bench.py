"""`spondyl bench …`: what things cost, side by side with the peers where they are installed.

In `bench_known`: whether our checks are right where the truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spondyl.commands import bench_known
from spondyl.commands.arguments import (
    Device,
    Json,
    counts,
    listed,
    pairs,
    print_json,
    tell_rows,
)
from spondyl.terminal import tracking

app = typer.Typer(help="Measure costs side by side with other libraries.")
app.command("planted")(bench_known.planted)
app.command("data-audit")(bench_known.data_audit)
app.command("model-audit")(bench_known.model_audit)
app.command("survey")(bench_known.survey)


@app.command()
def cam(
    network: Annotated[
        str, typer.Option(help="Names, with commas between them; usual ones if empty.")
    ] = "",
    method: Annotated[
        str, typer.Option(help="Names, with commas between them; usual ones if empty.")
    ] = "",
    rounds: Annotated[int, typer.Option(help="How often each library has its turn.")] = 5,
    as_json: Json = False,
) -> None:
    """What a heatmap costs, in milliseconds and forward passes: ours and other libraries'."""
    from spondyl.bench import cam as measured

    with tracking() as track:
        rows = measured.rows(
            listed(network) if network else measured.NETWORKS,
            listed(method) if method else measured.METHODS,
            rounds,
            track=track,
        )
    if as_json:
        print_json([row.as_dict() for row in rows])
    else:
        typer.echo("\n".join(measured.lines(rows)))


@app.command()
def study(
    spec: Annotated[
        Path | None, typer.Option(help="A study as TOML, all of it solved; a usual one if none.")
    ] = None,
    cohort: Annotated[
        Path | None, typer.Option(help="A folder of class folders, or a CSV manifest.")
    ] = None,
    weights: Annotated[
        list[str],
        typer.Option(help="NAME=FILE, repeatable; without any, bodies have random weights."),
    ] = [],  # noqa: B006
    films: Annotated[
        str, typer.Option(help="Without a cohort: how many are drawn, with commas between.")
    ] = "100",
    reference_epochs: Annotated[
        int, typer.Option(min=0, help="Epochs of the reference loop that are run; 0 for none.")
    ] = 2,
    rounds: Annotated[int, typer.Option(min=1, help="How often each has its turn.")] = 3,
    as_json: Json = False,
) -> None:
    """What a study of frozen features costs, phase by phase, and what the usual loop would."""
    from spondyl.bench import study as measured
    from spondyl.learn import spec as specs

    with tracking() as track:
        rows = measured.rows(
            None if spec is None else specs.read(spec),
            cohort,
            pairs(weights),
            counts(films),
            reference_epochs,
            rounds,
            track,
        )
        found = list(rows)
    tell_rows(iter(found), measured.lines, as_json)


@app.command()
def train(
    network: Annotated[str, typer.Option(help="One of those that `catalogue` names.")] = "resnet50",
    strategy: Annotated[
        str, typer.Option(help="fine-tuning, scratch or feature-extraction.")
    ] = "fine-tuning",
    images: Annotated[int, typer.Option(help="Films of an epoch.")] = 32,
    batch: Annotated[int, typer.Option(help="Films of a step.")] = 16,
    rounds: Annotated[int, typer.Option(min=1, help="How often each way has its turn.")] = 3,
    films: Annotated[
        Path | None, typer.Option(help="A folder of class folders; drawn films if not given.")
    ] = None,
    compiled: Annotated[bool, typer.Option(help="Also what needs minutes to be compiled.")] = True,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """What training costs, and what each thing brings that is done about it."""
    from spondyl.bench import step_cost
    from spondyl.bench import training as measured

    chosen = measured.iterated(strategy)
    with tracking() as track:
        rows = measured.rows(
            network,
            images,
            strategy=chosen,
            films=films,
            batch=batch,
            rounds=rounds,
            device=device,
            compiled=compiled,
            track=track,
        )
    if as_json:
        cost = step_cost.step_cost(network, batch, strategy=chosen)
        print_json({"step": cost.as_dict(), "rows": [row.as_dict() for row in rows]})
    else:
        typer.echo("\n".join(measured.lines(rows)))


@app.command()
def accuracy(
    first: Annotated[Path, typer.Argument(help="A finished study, trained plainly.")],
    second: Annotated[Path, typer.Argument(help="The same study, trained in another way.")],
    as_json: Json = False,
) -> None:
    """Whether a faster way to train is as accurate: two studies of the same films and folds."""
    from spondyl.bench import same_accuracy as measured

    found = measured.compared(first, second)
    how = measured.differing(first, second)
    if as_json:
        print_json({"specs": how, "configurations": [one.as_dict() for one in found]})
    else:
        typer.echo("\n".join((f"specs differ in: {how or 'nothing'}", *measured.lines(found))))


@app.command()
def read(
    network: Annotated[
        str, typer.Option(help="Names, with commas between them; usual ones if empty.")
    ] = "",
    engine: Annotated[
        str, typer.Option(help="reference, torch, onnx, onnx-int8, with commas; all if empty.")
    ] = "",
    weights: Annotated[
        list[str], typer.Option(help="NAME=FILE, repeatable; random ones where none are given.")
    ] = [],  # noqa: B006
    rounds: Annotated[int, typer.Option(help="How often each engine has its turn.")] = 5,
    as_json: Json = False,
) -> None:
    """What a reading with heatmap costs for one film: ours, exported, and the usual way."""
    from spondyl.bench import reading as measured

    with tracking() as track:
        rows = measured.rows(
            listed(network) if network else measured.NETWORKS,
            listed(engine) if engine else measured.ENGINES,
            rounds,
            pairs(weights),
            track=track,
        )
    if as_json:
        print_json([row.as_dict() for row in rows])
    else:
        typer.echo("\n".join(measured.lines(rows)))


@app.command()
def films(
    count: Annotated[
        str, typer.Option(help="How many are drawn and read, with commas between.")
    ] = "1000,10000",
    network: Annotated[str, typer.Option(help="Small, so that all the rest has to be quick.")] = "",
    engine: Annotated[str, typer.Option(help="torch or onnx.")] = "torch",
    as_json: Json = False,
) -> None:
    """Whether many films are read in level memory, and all of them though a reader is killed."""
    from spondyl.bench import many_films as measured

    with tracking() as track:
        found = measured.rows(counts(count), network or measured.NETWORK, engine, track)
        tell_rows(found, measured.lines, as_json)


@app.command("read-cohort")
def read_cohort(
    cohort: Annotated[Path, typer.Argument(help="A folder of class folders, or a CSV manifest.")],
    bundle: Annotated[Path, typer.Option(help="A folder that `spondyl study bundle` made.")],
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """How often a bundle answers for labelled films, and how rightly."""
    from spondyl.bench import read_cohort as measured
    from spondyl.reading import opening
    from spondyl.reading.reading import Reader

    reader = Reader.of(opening.load(bundle), device)
    with tracking() as track:
        found = measured.read_cohort(cohort, reader, track=track)
    if as_json:
        print_json(found.as_dict())
    else:
        typer.echo("\n".join(found.lines))


@app.command()
def road(
    rounds: Annotated[int, typer.Option(min=1, help="How often each has its turn.")] = 5,
) -> None:
    """What filling removed pixels costs for ROAD: ours and a sparse solve for each film."""
    from spondyl.bench import road as measured

    for line in measured.lines(measured.rows(rounds)):
        typer.echo(line)


@app.command()
def serve(
    bundle: Annotated[
        Path | None,
        typer.Option(
            help="Measures, too, while its networks read; `spondyl study bundle` made it."
        ),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(help="postgresql://… of an empty database: measures on it, too."),
    ] = None,
    readers: Annotated[int, typer.Option(help="Of the survey, all at once.")] = 50,
    pages: Annotated[int, typer.Option(help="That each of them answers.")] = 5,
    as_json: Json = False,
) -> None:
    """How long readers of a survey wait for its pages and answers, alone and beside a network."""
    from spondyl.bench import serving as measured

    tell_rows(measured.rows(bundle, database, readers, pages), measured.lines, as_json)
