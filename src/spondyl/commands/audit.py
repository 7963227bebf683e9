"""`spondyl audit`: what a model of these films could use instead of the spine; what one does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spondyl.commands.arguments import (
    LABEL_NAMES,
    Device,
    Json,
    Labels,
    Seed,
    listed,
    pairs,
    print_json,
)
from spondyl.terminal import say, tracking

app = typer.Typer(no_args_is_help=True, help="Ask what may be trusted: films, and models of them.")

Masks = Annotated[
    Path | None,
    typer.Option(
        help="Folder of spine masks (LABEL/FILM.json, LABEL/FILM.mask.png), as `spondyl measure "
        "--out` and `spondyl data annotations` make them."
    ),
]
Published = Annotated[
    str,
    typer.Option(
        help="Name of published figures of these very films (ahmad2026) to stand on the page's "
        "scale."
    ),
]
NewFolder = Annotated[
    Path | None, typer.Option(help="A new folder for page, JSON and one-page summary.")
]


@app.command()
def data(
    path: Annotated[Path, typer.Argument(help="A folder of class folders, or a CSV manifest.")],
    folds: Annotated[int, typer.Option(help="Folds of every probe.")] = 5,
    seed: Seed = 0,
    labels: Labels = LABEL_NAMES,
    regions: Masks = None,
    measured: Annotated[
        Path | None,
        typer.Option(
            help="Folder of `spondyl measure PATH --out`: its masks, and the view of films of "
            "which nobody states it."
        ),
    ] = None,
    weights: Annotated[
        list[str],
        typer.Option(help="NAME=FILE: weights of one network, whose frozen features are asked."),
    ] = [],  # noqa: B006
    remedies: Annotated[
        str,
        typer.Option(
            help="Measured again: letterbox, common-aspect, grey, no-border, painted-out, "
            "spine-crop, with commas between them; or all."
        ),
    ] = "",
    published: Published = "",
    device: Device = "auto",
    out: NewFolder = None,
    as_json: Json = False,
) -> None:
    """Whether files, frames, letters or thumbnails tell the label, beside shuffled labels."""
    from spondyl.data.labels import LabelSet
    from spondyl.files import new_folder, refuse_unless_free
    from spondyl.learn.fabrics import device_on
    from spondyl.measure import measurement
    from spondyl.report.audits import films as page
    from spondyl.report.published import load
    from spondyl.trust.data_audit import audit, features
    from spondyl.trust.data_audit import remedies as every_remedy
    from spondyl.trust.data_audit.panel import Plan

    if out is not None:
        refuse_unless_free(out)
    beside = load(published) if published else None
    plan = Plan(
        n_folds=folds,
        seed=seed,
        regions=regions or (measured and measured / "regions"),
        views=measurement.views(measured) if measured else {},
        body=features.body(pairs(weights), device_on(device)) if weights else None,
        remedies=every_remedy.named(listed(remedies)) if remedies else (),
    )
    with tracking() as track:
        found = audit.audit(path, LabelSet.of(listed(labels)), plan, track)
    if out is not None:
        with new_folder(out) as draft:
            page.write(found, draft, beside)
        say(f"{out}: audit.html, audit.json, summary.md")
    if as_json:
        print_json(found.as_dict())
    else:
        typer.echo("\n".join(found.lines()))


@app.command()
def model(
    path: Annotated[Path, typer.Argument(help="The folder of a study, or a bundle.")],
    cohort: Annotated[
        Path | None,
        typer.Option(help="Films to ask about; a study's own where none are named."),
    ] = None,
    network: Annotated[str, typer.Option(help="Of the study; all where none is named.")] = "",
    strategy: Annotated[str, typer.Option(help="Of the study; all where none is named.")] = "",
    protocol: Annotated[str, typer.Option(help="Of the study; all where none is named.")] = "",
    regions: Masks = None,
    films: Annotated[int, typer.Option(min=1, help="Films whose heatmaps are scored.")] = 100,
    seed: Seed = 0,
    published: Published = "",
    device: Device = "auto",
    out: NewFolder = None,
    as_json: Json = False,
) -> None:
    """Whether a model may be trusted: what it rests on, how sure it is, whom it would refuse."""
    from spondyl.files import new_folder, refuse_unless_free
    from spondyl.learn.fabrics import device_on
    from spondyl.reading import auditing
    from spondyl.report.audits import writing
    from spondyl.report.published import load
    from spondyl.trust.model_audit import several
    from spondyl.trust.model_audit.audit import Plan

    if out is not None:
        refuse_unless_free(out)
    beside = load(published) if published else None
    on = device_on(device)
    with tracking() as track:
        asked = auditing.audited(
            path, cohort, regions, auditing.Wanted(network, strategy, protocol), track
        )
        audits = auditing.audits(asked, regions, Plan(seed=seed, n_looked=films), on, track)
    together = several.compared(audits, seed) if len(audits) > 1 else None
    if out is not None:
        with new_folder(out) as draft:
            writing.write(path, audits, together, draft, beside)
        say(f"{out}: audit.html, audit.json, summary.md")
    found = together or audits[0]
    if as_json:
        print_json(found.as_dict())
    else:
        typer.echo("\n".join(found.lines()))
