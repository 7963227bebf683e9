"""`spondyl bench planted | data-audit | model-audit | survey`: whether our checks find what was put
there, in drawn films, trained networks and simulated readers."""

from __future__ import annotations

from typing import Annotated

import typer

from spondyl.commands.arguments import Json, print_json, tell_rows
from spondyl.commands.engine_choice import Address, SeedsEngine, engine_for_seeds
from spondyl.terminal import tracking


def planted(
    seeds: Annotated[int, typer.Option(min=1, help="Pairs of networks that are trained.")] = 20,
    processes: Annotated[int, typer.Option(min=1, help="Pairs at a time, one core each.")] = 2,
    engine: SeedsEngine = "local",
    address: Address = "",
    as_json: Json = False,
) -> None:
    """Whether scores tell networks that look at the spine from networks that look at a marker."""
    from spondyl.bench import planted as measured

    asked = engine_for_seeds(engine, processes, address)
    tell_rows(measured.run(asked, seeds), measured.lines, as_json)


def data_audit(
    seeds: Annotated[int, typer.Option(min=1, help="Cohorts of each kind that are drawn.")] = 100,
    processes: Annotated[int, typer.Option(min=1, help="Cohorts at a time, one core each.")] = 2,
    engine: SeedsEngine = "local",
    address: Address = "",
    as_json: Json = False,
) -> None:
    """Whether the data audit names what was planted in drawn films, and accuses no clean ones."""
    from spondyl.bench import planted_films as measured

    asked = engine_for_seeds(engine, processes, address)
    tell_rows(measured.run(asked, seeds), measured.lines, as_json)


def model_audit(
    seeds: Annotated[int, typer.Option(min=1, help="Networks of each kind that are trained.")] = 20,
    processes: Annotated[int, typer.Option(min=1, help="Networks at a time, one core each.")] = 2,
    engine: SeedsEngine = "local",
    address: Address = "",
    as_json: Json = False,
) -> None:
    """Whether the model audit names the shortcut that a network learned, and clears the others."""
    from spondyl.bench import planted_reliance as measured

    asked = engine_for_seeds(engine, processes, address)
    tell_rows(measured.run(asked, seeds), measured.lines, as_json)


def survey(
    surveys: Annotated[int, typer.Option(min=1, help="Surveys of each size.")] = 200,
    processes: Annotated[int, typer.Option(min=1, help="Surveys at a time, a core each.")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Of the first survey; others follow.")] = 0,
    as_json: Json = False,
) -> None:
    """Whether a survey's 95 % intervals hold what simulated readers were made to agree on."""
    from spondyl.bench import simulated_surveys as measured

    with tracking() as track:
        found = measured.run(surveys, processes, seed, track=track)
    if as_json:
        print_json(found.as_dict())
    else:
        typer.echo("\n".join(found.lines))
