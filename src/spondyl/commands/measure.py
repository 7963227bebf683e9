"""`spondyl measure IMAGE…`: Cobb angles and the spine's mask; `train` makes a finder, `judge` asks
how good one is, `slip` reads a slip off four given points.

The films are what follows `measure` unless it is the name of a command, so a film or folder that is
called like one has to be written as a path: `./train`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from spondyl.commands.arguments import Device, Json, print_json, tell_what_is_left
from spondyl.terminal import say, tracking

if TYPE_CHECKING:
    from spondyl.measure.finder import Finder

FinderFile = Annotated[
    Path | None,
    typer.Option(help="A file of `spondyl measure train`; without it the one that comes along."),
]
LandmarkSet = Annotated[
    Path, typer.Option(help="A folder with images/ and labels/, as AASCE has them.")
]


class FilmsByDefault(TyperGroup):
    """A group that takes what is not one of its commands for films."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As the group's own, with `films` put before what names no command."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["films", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=FilmsByDefault, help="Measure films: IMAGE-OR-FOLDER… or one of the commands below."
)


@app.command()
def films(
    images: Annotated[list[Path], typer.Argument(help="Films, or folders of films.")],
    finder: FinderFile = None,
    out: Annotated[
        Path | None,
        typer.Option(help="A new folder for drawings, masks, landmarks and measurements.json."),
    ] = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Cobb angles, curves, corners and mask of frontal films; the word `films` may be left out.

    Without --out nothing is written, and `mask_png` in the JSON is the PNG itself, as base64.
    Films that cannot be read are listed at the end; the exit code is then 1.
    """
    from spondyl.data import loose_films
    from spondyl.files import refuse_unless_free
    from spondyl.measure import measuring

    if out is not None:
        refuse_unless_free(out)
    listed = loose_films.listed(images)
    by = _loaded(finder, device)
    with tracking() as track:
        run = measuring.measure_films(listed, by, out, track)
    if as_json:
        print_json(list(run.rows))
    else:
        for line in run.lines:
            typer.echo(line)
    tell_what_is_left(listed.passed_over, run.failures)


@app.command()
def train(
    spec: Annotated[
        Path, typer.Argument(help="A training as TOML, such as spec/spine-aasce.toml.")
    ],
    out: Annotated[Path, typer.Option(help="The finder's file; nothing is ever overwritten.")],
    data: Annotated[
        Path | None, typer.Option(help="A folder with images/ and labels/, as AASCE has them.")
    ] = None,
    device: Device = "auto",
) -> None:
    """Train a spine finder; goes on where it stopped."""
    from spondyl.measure import conduct
    from spondyl.measure import spec as specs

    with tracking() as track:
        made = conduct.train(specs.read(spec), data, out, device, track)
    print_json(made.about.judged)
    say(f"{out}: {made.about.title}, {made.finder_id}")


@app.command()
def judge(
    data: LandmarkSet,
    finder: FinderFile = None,
    every: Annotated[
        bool,
        typer.Option("--every-film", help="All films, not only those kept aside for judging."),
    ] = False,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """How near a finder comes to corners that are known, with intervals."""
    from spondyl.bench import spines

    by = _loaded(finder, device)
    with tracking() as track:
        found = spines.judge(data, by, every_film=every, track=track)
    if as_json:
        print_json(found.as_dict())
    else:
        typer.echo("\n".join(found.lines))


@app.command()
def manifest(
    data: Annotated[
        Path, typer.Argument(help="A folder with images/ and labels/, as AASCE has them.")
    ],
    out: Annotated[
        Path, typer.Option(help="A new CSV file in a folder above the films; nothing is replaced.")
    ],
    as_json: Json = False,
) -> None:
    """A landmark set as a manifest: label (scoliosis from 10 degrees), study number, Cobb angle."""
    from spondyl.measure import landmark_manifest

    found = landmark_manifest.write(data, out)
    if as_json:
        print_json({"out": str(out), "films": found})
    else:
        told = ", ".join(f"{n} {label}" for label, n in found.items())
        typer.echo(f"{out}: {sum(found.values())} films ({told})")


@app.command()
def slip(
    points: Annotated[
        Path, typer.Argument(help="Four points of each film, as JSON or CSV: see the README.")
    ],
    as_json: Json = False,
) -> None:
    """Slip percentage and Meyerding grade from four points that a person placed."""
    from spondyl.measure import slip as slips

    found = slips.read(points)
    if as_json:
        print_json([one.as_dict() for one in found])
    else:
        typer.echo("\n".join(map(str, found)))


@app.command()
def survey(
    cohort: Annotated[Path, typer.Argument(help="A folder of class folders, or a CSV manifest.")],
    finder: FinderFile = None,
    views: Annotated[
        Path | None, typer.Option(help="A CSV with the columns sha256 and view, where it is known.")
    ] = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """What a finder says of a cohort beside its labels, names and views."""
    from spondyl.bench import spine_survey

    by = _loaded(finder, device)
    with tracking() as track:
        found = spine_survey.survey(cohort, by, views, track)
    if as_json:
        print_json(found.as_dict())
    else:
        typer.echo("\n".join(found.lines))


def _loaded(finder: Path | None, device: str) -> Finder:
    """The finder in a file, or the one that comes along, on a device."""
    from spondyl.learn.fabrics import device_on
    from spondyl.measure import finder as finders

    return finders.load(finder or finders.shipped_path(), device_on(device))
