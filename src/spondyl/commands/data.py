"""`spondyl data …`: look at films, draw phantoms, get a public data set, read others' marks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from spondyl.commands.arguments import (
    LABEL_NAMES,
    Json,
    Labels,
    Out,
    Seed,
    listed,
    print_json,
    size,
)
from spondyl.errors import Problem, SpondylError
from spondyl.terminal import say, tracking

if TYPE_CHECKING:
    from spondyl.data.regions import Regions

app = typer.Typer(help="Look at films, draw phantoms, get a public data set, take in marks.")


@app.command()
def check(
    path: Annotated[Path, typer.Argument(help="A folder of class folders, or a CSV manifest.")],
    labels: Labels = LABEL_NAMES,
    folds: Annotated[int, typer.Option(min=2, help="Folds that a study would have.")] = 5,
    as_json: Json = False,
) -> None:
    """Everything that is wrong with a cohort, at once, and what was found in it."""
    from spondyl.data import check
    from spondyl.data.labels import LabelSet

    with tracking() as track:
        findings = check.check(path, LabelSet.of(listed(labels)), folds, track)
    if as_json:
        print_json(findings.as_dict())
    else:
        typer.echo("\n".join(findings.lines()))


@app.command()
def phantom(
    out: Annotated[Path, typer.Argument(help="A new folder.")],
    n: Annotated[int, typer.Option(help="Films.")] = 60,
    seed: Seed = 0,
    view: Annotated[
        Literal["frontal", "lateral", "mixed"], typer.Option(help="View of the films.")
    ] = "frontal",
    film_size: Annotated[
        str, typer.Option("--size", help="Height and width in pixels, as 224x224.")
    ] = "224x224",
    size_jitter: Annotated[float, typer.Option(help="0: all of one size.")] = 0.0,
    shortcut: Annotated[
        str, typer.Option(help="marker, border, tint, text or aspect; none where empty.")
    ] = "",
    strength: Annotated[float, typer.Option(help="How strongly it tells the class, 0 to 1.")] = 1.0,
) -> None:
    """Draw radiographs with known truth: films, spine masks, landmarks, angles; and a sheet."""
    from spondyl.data.phantom import drawing, output
    from spondyl.files import refuse_unless_free

    refuse_unless_free(out)
    with tracking() as track:
        films = drawing.cohort(
            n,
            seed,
            view=view,
            size=size(film_size),
            size_jitter=size_jitter,
            shortcut=shortcut or None,
            strength=strength,
            track=track,
        )
        output.save(out, films, track)
    say(f"{n} films in {out / 'films'}, manifest {out / 'manifest.csv'}")


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="kauh: the 338 films of the paper (CC BY 4.0).")],
    out: Out,
    source: Annotated[
        str, typer.Option("--from", help="A zip file that you downloaded, or another address.")
    ] = "",
) -> None:
    """Get a public data set, check what arrived, and say what to do where there is no network."""
    from spondyl.data import fetch

    with tracking() as track:
        folder = fetch.fetch(name, out, source, track)
    say(f"{folder}: complete")


@app.command("annotations")
def read_annotations(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="LabelMe, CVAT, COCO, DICOM SEG or our own JSON."),
    ],
    cohort: Annotated[
        Path, typer.Option(help="The films: a folder of class folders, or a CSV manifest.")
    ],
    out: Out,
    spine: Annotated[
        str, typer.Option(help="Labels of the spine's area, with commas; usual ones if empty.")
    ] = "",
    target: Annotated[
        str, typer.Option(help="Labels of target points, with commas; usual ones if empty.")
    ] = "",
    ignore: Annotated[str, typer.Option(help="Labels to leave out, with commas.")] = "",
    labels: Labels = LABEL_NAMES,
) -> None:
    """Spine masks and targets that others drew, given to the films of a cohort."""
    from spondyl.data import cohort as cohorts
    from spondyl.data.annotations import reading
    from spondyl.data.labels import LabelSet
    from spondyl.files import refuse_unless_free

    refuse_unless_free(out)
    with tracking() as track:
        films = cohorts.read(cohort, LabelSet.of(listed(labels)), require_labels=False, track=track)
        marked = _gathered(
            list(track(files, "reading annotations")),
            listed(spine) if spine else reading.SPINE,
            listed(target) if target else reading.TARGETS,
            listed(ignore) if ignore else (),
        )
    matching = reading.match(marked, films)
    _save(out, matching.regions, cohort)
    for name in matching.unmatched:
        typer.echo(f"matched nothing: {name}")
    masks = sum(one.spine_mask is not None for one in matching.regions.values())
    targets = sum(bool(one.targets) for one in matching.regions.values())
    typer.echo(
        f"{len(matching.regions)} of {len(films.radiographs)} films marked: {masks} with a spine "
        f"mask, {targets} with targets; {len(matching.unmatched)} marks matched nothing"
    )


def _gathered(
    files: Sequence[Path], spine: Sequence[str], targets: Sequence[str], ignored: Sequence[str]
) -> dict[str, Regions]:
    """The regions in all files by the films' names in them; `SpondylError` with all problems."""
    from spondyl.data.annotations import reading

    found: dict[str, Regions] = {}
    source: dict[str, Path] = {}
    problems: list[Problem] = []
    for file in files:
        try:
            read = reading.read(file, spine=spine, targets=targets, ignored=ignored)
        except SpondylError as error:
            problems += error.problems or [Problem("", error.message, error.hint)]
            continue
        for name in read.keys() & found.keys():
            what = f"the film {name!r} is in {source[name]} too"
            problems.append(Problem(str(file), what, "Keep its marks in one file."))
        found |= read
        source |= dict.fromkeys(read, file)
    if problems:
        raise SpondylError.of(problems, "the annotations")
    return found


def _save(out: Path, regions: dict[str, Regions], cohort: Path) -> None:
    """Writes the regions of every film, whole or not at all."""
    from spondyl.data import regions as our_own
    from spondyl.files import new_folder

    if not regions:
        raise SpondylError(
            f"{cohort}: none of its films is in the annotations",
            "The names in the annotations must be the films' file names.",
        )
    with new_folder(out) as draft:
        owner: dict[Path, str] = {}
        for image_id, of_film in regions.items():
            path = our_own.save(draft, image_id, of_film)
            if owner.setdefault(path, image_id) != image_id:
                raise SpondylError(
                    f"{image_id} and {owner[path]}: their regions would be one file",
                    "Rename one of the films, so that they differ in more than their endings.",
                )
