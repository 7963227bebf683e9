"""`spondyl review …`: a survey of a study's heatmaps, from its making to what its readers said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from spondyl.commands.arguments import Device, Json, Out, Run, Seed, listed, print_json
from spondyl.commands.survey_answers import opened_with_answers
from spondyl.errors import SpondylError
from spondyl.terminal import say, tracking

app = typer.Typer(no_args_is_help=True, help="Ask experts about a study's heatmaps.")

Folder = Annotated[Path, typer.Argument(help="A folder that `spondyl review create` made.")]
Database = Annotated[
    str, typer.Option(help="Where answers are kept: a file (SQLite), or postgresql://….")
]


@app.command()
def create(
    run: Run,
    out: Out,
    configurations: Annotated[
        str,
        typer.Option(
            help="Whose errors are shown and whose heatmaps are asked about, with commas between "
            "them: a network's name where it is enough, or all three parts as in "
            "resnet50_fine-tuning_nested. May be left out where two or fewer are finished."
        ),
    ] = "",
    wrong: Annotated[
        str, typer.Option(help="Films that one of them got wrong: a number, or all.")
    ] = "all",
    right: Annotated[int, typer.Option(help="Films that all of them got right.")] = 0,
    sample: Annotated[
        int, typer.Option(help="Films whatever was said of them, each label with its share.")
    ] = 0,
    repeats: Annotated[int, typer.Option(help="Films that come a second time.")] = 0,
    decoys: Annotated[
        int,
        typer.Option(
            help="Heatmaps of another label or of a randomised network, in the place of as many "
            "networks' own."
        ),
    ] = 0,
    seed: Seed = 0,
    questions: Annotated[
        Path | None, typer.Option(help="Questions as TOML; without it the paper's.")
    ] = None,
    title: Annotated[
        str, typer.Option(help="What readers see above every page.")
    ] = "Radiographs and heatmaps",
    method: Annotated[str, typer.Option(help="Of the heatmaps.")] = "grad-cam",
    device: Device = "auto",
) -> None:
    """Make a survey: choose films, draw them and their heatmaps, and write all of it as files.

    The folder's name is the survey's.
    """
    from spondyl.commands.survey_making import Wanted, make

    if wrong != "all" and not (wrong.isascii() and wrong.isdigit()):
        raise SpondylError(f"--wrong {wrong!r}: neither a number nor all", "For example 20.")
    wanted = Wanted(
        tuple(listed(configurations)) if configurations else (),
        None if wrong == "all" else int(wrong),
        *(right, sample, repeats, decoys, seed),
        *(questions, title, method),
    )
    with tracking() as track:
        made = make(run, out, wanted, device, track)
    typer.echo("\n".join(made.lines))
    for wish in made.without_heat:
        what = "the network's own" if wish.kind == "network" else f"a decoy, {wish.kind}"
        say(f"{wish.file}: there is no heat in it ({what})")


@app.command("open")
def open_survey(
    survey: Folder,
    database: Database,
    readers: Annotated[
        str, typer.Option(help="Pseudonyms of new readers, with commas between them.")
    ] = "",
    base_url: Annotated[
        str, typer.Option(help="Address under which readers reach the server.")
    ] = "http://127.0.0.1:8000",
    renew: Annotated[
        list[str],
        typer.Option(help="Reader who is given a new link; the old one ends. May be repeated."),
    ] = [],  # noqa: B006
    revoke: Annotated[
        list[str],
        typer.Option(help="Reader who is let in no more; answers stay. May be repeated."),
    ] = [],  # noqa: B006
) -> None:
    """Keep a survey in a database and invite readers: a line for each, pseudonym, tab, link.

    A link is shown once and kept nowhere: whoever holds it answers as that reader.
    """
    from spondyl.review import folder, store

    new = listed(readers) if readers else []
    address = _address(base_url)
    kept = folder.load(survey)
    survey_id = kept.survey.survey_id
    opened = store.open_store(database)
    try:
        opened.keep(kept)
        there = [one.reader for one in opened.readers(survey_id)]
        _refuse_unless_sendable(there, new, renew, revoke)
        for name in revoke:
            opened.revoke(survey_id, name)
            say(f"{name}: is let in no more")
        for name in (*renew, *new):
            make = opened.renew if name in renew else opened.invite
            typer.echo(f"{name}\t{address}/review/{make(survey_id, name).token}")
        say(f"{survey_id}: {len(there) + len(new)} readers invited")
    finally:
        opened.close()


@app.command()
def export(survey: Folder, database: Database, out: Out) -> None:
    """Write all answers as one table (answers.csv) and what its columns mean (codebook.md)."""
    from spondyl.files import new_folder, refuse_unless_free
    from spondyl.review import codebook
    from spondyl.review import export as exporting

    refuse_unless_free(out)
    with opened_with_answers(survey, database) as (kept, store):
        survey_id = kept.survey.survey_id
        answers, shown = store.answers(survey_id), store.shown(survey_id)
    with new_folder(out) as draft:
        exporting.write(draft / "answers.csv", kept.survey, answers, shown)
        codebook.write(draft / "codebook.md", kept.survey)
    typer.echo(f"{out}: {len(answers)} answers in answers.csv, codebook.md")


@app.command()
def analyse(
    survey: Folder,
    database: Database,
    seed: Annotated[
        int | None, typer.Option(help="Of resampled films; the survey's where none is named.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A new folder for a page to print, tables and all figures.")
    ] = None,
    with_films: Annotated[
        bool,
        typer.Option(
            help="Show wrongly predicted films and their heatmaps on the page, which holds no film "
            "otherwise."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """What readers said: their labels, agreement, decoys accepted; all figures with --json."""
    from spondyl.commands import survey_lines
    from spondyl.files import new_folder, refuse_unless_free
    from spondyl.review.analysis import analysis
    from spondyl.review.pages import film_pictures, page

    if out is not None:
        refuse_unless_free(out)
    elif with_films:
        raise SpondylError("--with-films without --out: there is no page", "Add --out FOLDER.")
    with opened_with_answers(survey, database) as (kept, store):
        survey_id = kept.survey.survey_id
        answers, shown = store.answers(survey_id), store.shown(survey_id)
    found = analysis.analyse(kept.survey, answers, shown, seed)
    if out is not None:
        with new_folder(out) as draft:
            names = film_pictures.names_of(found) if with_films else ()
            pictures = {name: kept.picture(name).read_bytes() for name in names}
            page.write(kept.survey, found, draft, pictures if with_films else None)
    if as_json:
        print_json(found.as_dict())
    else:
        typer.echo("\n".join(survey_lines.lines(found)))


def _address(base_url: str) -> str:
    """`base_url` without a slash at its end."""
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise SpondylError(
            f"--base-url {base_url!r}: is no address of a server", "For example https://room.org."
        )
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        say("links with http:// can be read on their way; put https:// before the server")
    return base_url.rstrip("/")


def _refuse_unless_sendable(
    there: Sequence[str], new: Sequence[str], renew: Sequence[str], revoke: Sequence[str]
) -> None:
    """Before any link is made: all names are good, or nothing is done."""
    from spondyl.review.invitations import refuse_unless_pseudonym

    for name, times in Counter((*new, *renew, *revoke)).items():
        if times > 1:
            raise SpondylError(f"reader {name!r}: named {times} times", "Name each once.")
    for name in new:
        refuse_unless_pseudonym(name)
        if name in there:
            raise SpondylError(
                f"reader {name!r}: is invited already", f"Give a new link with --renew {name!r}."
            )
    for name in (*renew, *revoke):
        if name not in there:
            raise SpondylError(
                f"reader {name!r}: was never invited", f"There are: {', '.join(there) or 'none'}."
            )
