"""`spondyl bench …`: side-by-side measurements, with the peers where they are installed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar

import typer

from spondyl.commands.arguments import Device, Json, listed, print_json
from spondyl.terminal import tracking

app = typer.Typer(help="Measure costs side by side with other libraries.")


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
def planted(
    seeds: Annotated[int, typer.Option(min=1, help="Pairs of networks that are trained.")] = 20,
    processes: Annotated[int, typer.Option(min=1, help="Pairs at a time, a core each.")] = 2,
    as_json: Json = False,
) -> None:
    """Whether scores tell networks that look at the spine from networks that look at a marker."""
    from spondyl.bench import planted as measured

    _tell(measured.run(seeds, processes), measured.lines, as_json)


@app.command("data-audit")
def data_audit(
    seeds: Annotated[int, typer.Option(min=1, help="Cohorts of each kind that are drawn.")] = 100,
    processes: Annotated[int, typer.Option(min=1, help="Cohorts at a time, a core each.")] = 2,
    as_json: Json = False,
) -> None:
    """Whether the data audit names what was planted in drawn films, and accuses no clean ones."""
    from spondyl.bench import planted_films as measured

    _tell(measured.run(seeds, processes), measured.lines, as_json)


@app.command("model-audit")
def model_audit(
    seeds: Annotated[int, typer.Option(min=1, help="Networks of each kind that are trained.")] = 20,
    processes: Annotated[int, typer.Option(min=1, help="Networks at a time, a core each.")] = 2,
    as_json: Json = False,
) -> None:
    """Whether the model audit names the shortcut that a network learned, and clears the others."""
    from spondyl.bench import planted_reliance as measured

    _tell(measured.run(seeds, processes), measured.lines, as_json)


class _Known(Protocol):
    """What was measured once."""

    def as_dict(self) -> dict[str, Any]: ...


_T = TypeVar("_T", bound=_Known)


def _tell(
    found: Iterator[_T], lines: Callable[[Iterator[_T]], Iterable[str]], as_json: bool
) -> None:
    """One JSON document when all is measured, or lines as it is."""
    if as_json:
        print_json([one.as_dict() for one in found])
    else:
        for line in lines(found):
            typer.echo(line)
