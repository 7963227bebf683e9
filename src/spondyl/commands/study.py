"""`spondyl study …`: train and evaluate under cross-validation, report, explain, bundle."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from spondyl.commands.arguments import (
    Device,
    Json,
    Out,
    Run,
    Seed,
    listed,
    pairs,
    print_json,
    tell_what_is_left,
)
from spondyl.commands.engine_choice import Address, EngineName, engine_for_trials, settings
from spondyl.engines.choosing import Asked
from spondyl.errors import SpondylError
from spondyl.terminal import say, tracking

app = typer.Typer(help="Train and evaluate under cross-validation; report; bundle.")

Weights = Annotated[
    list[str],
    typer.Option(
        help="NAME=FILE: initial weights of a network (safetensors, a torchvision or timm "
        "checkpoint, a bundle of this network or one of its folds BUNDLE#2, a spine finder); "
        "repeatable. Without it the library's cache is looked through."
    ),
]
Cache = Annotated[Path | None, typer.Option(help="Folder for features that are computed once.")]


@app.command()
def run(
    spec: Annotated[Path, typer.Argument(help="A study as TOML, such as spec/kauh-features.toml.")],
    cohort: Annotated[Path, typer.Option(help="A folder of class folders, or a CSV manifest.")],
    out: Annotated[Path, typer.Option(help="A new folder, or that of a study to go on with.")],
    weights: Weights = [],  # noqa: B006
    regions: Annotated[
        Path | None,
        typer.Option(
            help="Folder of spine masks (LABEL/FILM.json, LABEL/FILM.mask.png), for a spec that "
            "crops to the spine, hides it, or leaves out films without."
        ),
    ] = None,
    unlabelled: Annotated[
        Path | None,
        typer.Option(
            help="Films without a label, a folder or a CSV manifest, for a spec whose strategies "
            "learn from them (pseudo-labels, fixmatch). Copies of the cohort's films are left out."
        ),
    ] = None,
    device: Device = "auto",
    cache: Cache = None,
    tensorboard: Annotated[
        Path | None, typer.Option(help="Folder to write every epoch to, for TensorBoard.")
    ] = None,
    engine: EngineName = "local",
    at_once: Annotated[
        int, typer.Option(min=1, help="local: trials at a time, sharing CPU and GPU.")
    ] = 1,
    address: Address = "",
    cpus: Annotated[
        int | None, typer.Option("--cpus-per-trial", min=1, help="ray, slurm: 1 if unsaid.")
    ] = None,
    gpus: Annotated[
        float | None,
        typer.Option("--gpus-per-trial", min=0, help="ray, slurm: ray also gives 0.25 of one."),
    ] = None,
    slurm: Annotated[
        list[str],
        typer.Option(help="NAME=VALUE of submitit's Slurm executor (partition=gpu); repeatable."),
    ] = [],  # noqa: B006
    devices: Annotated[
        int, typer.Option(min=1, help="GPUs (with --device cpu: processes) that train together.")
    ] = 1,
    nodes: Annotated[int, typer.Option(min=1, help="Machines with as many devices each.")] = 1,
) -> None:
    """Cross-validated predictions, heatmaps and a report; resumes where it stopped."""
    from spondyl.learn import spec as specs
    from spondyl.learn.conduct import TrialsFailedError
    from spondyl.measure import finder
    from spondyl.report import whole

    asked = Asked(engine, at_once, address, cpus, gpus, settings(slurm))
    chosen = engine_for_trials(asked, device, out, devices * nodes)
    try:
        with tracking() as track:
            page = whole.study_and_report(
                specs.read(spec),
                cohort,
                out,
                finder.where_shipped(pairs(weights)),
                regions=regions,
                unlabelled=unlabelled,
                cache=cache,
                device=device,
                devices=devices,
                nodes=nodes,
                engine=chosen,
                command=shlex.join(["spondyl", *sys.argv[1:]]),
                curves=tensorboard,
                track=track,
            )
    except TrialsFailedError as failed:
        tell_what_is_left((), failed.problems)
        return
    typer.echo("\n".join(page.lines))


@app.command()
def status(run: Run, as_json: Json = False) -> None:
    """Where a study stands: finished trials by configuration."""
    from spondyl.learn import study as studies

    standing = studies.status(studies.load(run))
    if as_json:
        print_json([row.as_dict() for row in standing])
    else:
        typer.echo("\n".join(str(row) for row in standing))


@app.command()
def report(run: Run, device: Device = "auto") -> None:
    """Write metrics, heatmaps and report of a finished study again."""
    from spondyl.report import whole

    with tracking() as track:
        page = whole.report_again(run, device, track)
    typer.echo("\n".join(page.lines))


@app.command()
def explain(
    run: Run,
    methods: Annotated[str, typer.Option(help="Names, with commas between them.")] = "grad-cam",
    films: Annotated[int, typer.Option(help="Films in the sample.")] = 24,
    seed: Seed = 0,
    masks: Annotated[
        Path | None, typer.Option(help="Folder of regions, as `spondyl data annotations` makes.")
    ] = None,
    only_place: Annotated[
        bool,
        typer.Option("--only-place", help="Where maps are hot, and no other score: much quicker."),
    ] = False,
    device: Device = "auto",
) -> None:
    """Score the heatmaps of a finished study on a sample of its films, beside baselines."""
    from spondyl.explain import study_explaining

    with tracking() as track:
        explained = study_explaining.explain_run(
            run,
            listed(methods),
            films,
            seed,
            masks,
            "place" if only_place else "all",
            device,
            track,
        )
    typer.echo("\n".join(map(str, explained)))


@app.command()
def bundle(
    run: Run,
    out: Out,
    network: Annotated[str, typer.Option(help="Where the study has several.")] = "",
    strategy: Annotated[str, typer.Option(help="Where the study has several.")] = "",
    protocol: Annotated[str, typer.Option(help="Where the study has several.")] = "",
    refit: Annotated[
        bool,
        typer.Option(
            "--refit",
            help="One network, learned anew from all films but some groups kept aside, instead of "
            "the networks of all folds.",
        ),
    ] = False,
    aside: Annotated[
        float | None, typer.Option(help="With --refit: share of the groups kept aside; 0.25.")
    ] = None,
    alpha: Annotated[
        float, typer.Option(help="Share of films whose set of labels may miss theirs.")
    ] = 0.05,
    sets: Annotated[
        str, typer.Option(help="by label: the share holds for each label; marginal: for all.")
    ] = "by label",
    quorum: Annotated[
        float, typer.Option(help="Share of the networks that must call the same label.")
    ] = 0.8,
    device: Device = "auto",
) -> None:
    """Make a bundle of a finished configuration: networks, calibration, thresholds, detectors."""
    from spondyl.reading import assembling, refitting
    from spondyl.reading.storing import Terms, kind_named
    from spondyl.report.cards import bundled

    terms = Terms(alpha, kind_named(sets), quorum)
    if aside is not None and not refit:
        raise SpondylError("--aside without --refit: nothing is kept aside", "Add --refit.")
    with tracking() as track:
        chosen = assembling.choose(run, network, strategy, protocol)
        card_of = bundled.card_of(run, chosen)
        if refit:
            share = refitting.ASIDE if aside is None else aside
            made = refitting.refit(run, chosen, out, card_of, terms, share, device, track)
        else:
            made = assembling.assemble(run, chosen, out, card_of, terms, track)
    typer.echo(made.bundle_id)
    for line in made.lines:
        say(f"{out}: {line}")
