"""`spondyl audit`: what a model could use instead of the spine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spondyl.commands.arguments import LABEL_NAMES, Json, Labels, Seed, listed, print_json
from spondyl.terminal import tracking

app = typer.Typer(no_args_is_help=True, help="Ask what could be used instead of the spine.")


@app.command()
def data(
    path: Annotated[Path, typer.Argument(help="A folder of class folders, or a CSV manifest.")],
    folds: Annotated[int, typer.Option(help="Folds of every probe.")] = 5,
    seed: Seed = 0,
    labels: Labels = LABEL_NAMES,
    as_json: Json = False,
) -> None:
    """Whether files, frames or thumbnails tell the label, beside shuffled labels; no network."""
    from spondyl.data.labels import LabelSet
    from spondyl.trust.data_audit import audit as data_audit

    with tracking() as track:
        found = data_audit.audit(path, LabelSet.of(listed(labels)), folds, seed, track=track)
    if as_json:
        print_json(found.as_dict())
    else:
        typer.echo("\n".join(found.lines()))
