"""`spondyl bench …`: side-by-side measurements, with the peers where they are installed."""

from __future__ import annotations

from typing import Annotated

import typer

from spondyl.commands.arguments import Json, listed, print_json
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
