"""`spondyl push` and `spondyl pull`: DICOM objects to a DICOMweb server, and from one.

Who asks is never said on the command line, which others can read: user and password stand in
~/.netrc or in SPONDYL_DICOMWEB_USER and SPONDYL_DICOMWEB_PASSWORD, a token in
SPONDYL_DICOMWEB_TOKEN.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spondyl.commands.arguments import Json, listed, print_json, tell_what_is_left
from spondyl.errors import Problem, SpondylError
from spondyl.terminal import say, tracking

if TYPE_CHECKING:
    from spondyl.reading.dicomweb.connection import Connection
    from spondyl.reading.dicomweb.retrieving import Fetched, Wanted
    from spondyl.reading.dicomweb.searching import Question

CaBundle = Annotated[
    Path | None,
    typer.Option(help="Certificates to trust instead of the usual ones, in PEM form."),
]
InsecureHttp = Annotated[
    bool,
    typer.Option(
        "--insecure-http",
        help="Speak plain http with another machine: everybody on the way reads films and "
        "passwords.",
    ),
]


def push(
    files: Annotated[list[str], typer.Argument(help="DICOM files, folders of them, or patterns.")],
    to: Annotated[str, typer.Option("--to", help="The root of a server's DICOMweb services.")],
    names: Annotated[
        bool, typer.Option("--names", help="Call files of folders by their paths, not by number.")
    ] = False,
    ca_bundle: CaBundle = None,
    insecure_http: InsecureHttp = False,
    as_json: Json = False,
) -> None:
    """Send DICOM files to a server, as they are (STOW-RS).

    Who asks stands in ~/.netrc or in the environment: SPONDYL_DICOMWEB_USER and
    SPONDYL_DICOMWEB_PASSWORD, or SPONDYL_DICOMWEB_TOKEN. Files that the server does not keep are
    listed at the end; the exit code is then 1.
    """
    from spondyl.data import patterns
    from spondyl.reading.dicomweb import sending, storing

    connection = _connection(to, "--to", ca_bundle, insecure_http)
    found = sending.files(patterns.matching(files), names)
    with connection, tracking() as track:
        outcomes = list(storing.store(found.sent, connection, track))
    failures = [one for one in outcomes if isinstance(one, Problem)]
    stored = [one for one in outcomes if not isinstance(one, Problem)]
    passed_over = len(found.passed_over)
    if as_json:
        print_json(
            {
                "server": connection.server.url,
                "stored": [one.as_dict() for one in stored],
                "failed": [{"name": one.where, "error": one.what} for one in failures],
                "passed_over": passed_over,
            }
        )
    for one in stored:
        for warning in one.warnings:
            say(f"warning: {one.name}: {warning}")
    say(f"{len(stored)} stored, {len(failures)} failed, {passed_over} passed over")
    if passed_over and not names:
        say("--names lists the files that were passed over")
    tell_what_is_left(found.passed_over if names else (), failures)


def pull(
    source: Annotated[
        str, typer.Option("--from", help="The root of a server's DICOMweb services.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="A new folder; nothing is ever overwritten.")
    ] = None,
    list_only: Annotated[
        bool,
        typer.Option(
            "--list",
            help="Fetch nothing; print the identifiers, dates and modalities of the studies that a "
            "search finds.",
        ),
    ] = False,
    study: Annotated[str, typer.Option(help="Study instance UID.")] = "",
    series: Annotated[str, typer.Option(help="Series instance UID, of one series of it.")] = "",
    instance: Annotated[str, typer.Option(help="SOP instance UID, of one object of that.")] = "",
    patient_id: Annotated[str, typer.Option(help="Studies of this patient.")] = "",
    date: Annotated[str, typer.Option(help="Studies of YYYYMMDD, or of YYYYMMDD-YYYYMMDD.")] = "",
    accession: Annotated[str, typer.Option(help="Studies of this accession number.")] = "",
    modality: Annotated[str, typer.Option(help="Only series of these, such as CR,DX.")] = "",
    limit: Annotated[int, typer.Option(help="Refuse to go on where more studies match.")] = 100,
    ca_bundle: CaBundle = None,
    insecure_http: InsecureHttp = False,
    as_json: Json = False,
) -> None:
    """Fetch a study, or what a search finds, from a server into a new folder (WADO-RS, QIDO-RS).

    Files are kept as the server stores them and called by a hash of their identifiers. No name or
    number of a patient is ever printed; --list prints what leads to a study. Who asks stands in
    ~/.netrc or in the environment: SPONDYL_DICOMWEB_USER and SPONDYL_DICOMWEB_PASSWORD, or
    SPONDYL_DICOMWEB_TOKEN.
    """
    from spondyl.files import refuse_unless_free
    from spondyl.reading.dicomweb import retrieving, searching

    question = searching.Question(
        patient_id, date, tuple(listed(modality)) if modality else (), accession
    )
    _refuse_unless_one_way(question, study, series or instance)
    _refuse_unless_one_end(study, out, list_only)
    if out is not None:
        refuse_unless_free(out)
    named = retrieving.Wanted(study, series, instance) if study else None
    with _connection(source, "--from", ca_bundle, insecure_http) as connection:
        if out is None:
            _list(question, connection, limit, as_json)
            return
        wanted = _wanted(named, question, connection, limit)
        with tracking() as track:
            fetched = retrieving.fetch(wanted, connection, out, track)
    _tell(fetched, out, len({one.study for one in wanted}), as_json)


def _connection(url: str, option: str, ca_bundle: Path | None, insecure_http: bool) -> Connection:
    from spondyl.reading.dicomweb.address import address
    from spondyl.reading.dicomweb.connection import Connection
    from spondyl.reading.dicomweb.credentials import credentials

    server = address(url, option, insecure_http)
    return Connection(server, credentials(server), ca_bundle)


def _refuse_unless_one_way(question: Question, study: str, part: str) -> None:
    """Raises `SpondylError` unless a study is named, or a search is asked for, and not both;
    `part` is a series or an instance."""
    if study and (question.patient_id or question.date or question.accession):
        raise SpondylError("--study beside a search: two ways to say which", "Give one of them.")
    if not study and question.is_empty:
        raise SpondylError(
            "nothing is asked for",
            "Name a study with --study, or search by --patient-id, --date, --accession or "
            "--modality.",
        )
    if part and not study:
        raise SpondylError("--series or --instance without --study", "Name the study too.")
    if part and question.modalities:
        raise SpondylError("--series beside --modality", "Give one of them.")


def _refuse_unless_one_end(study: str, out: Path | None, list_only: bool) -> None:
    """Raises `SpondylError` unless objects are to be fetched, or studies to be listed."""
    if study and list_only:
        raise SpondylError(
            "--list beside --study: there is nothing to search for", "Fetch it with --out."
        )
    if study and out is None:
        raise SpondylError("--study without --out: nowhere to write", "Name a new folder.")
    if list_only and out is not None:
        raise SpondylError("--list beside --out: one or the other", "Give one of them.")
    if not list_only and out is None:
        raise SpondylError(
            "neither --out nor --list: what is found is neither fetched nor told",
            "Name a new folder with --out, or only look with --list.",
        )


def _wanted(
    named: Wanted | None, question: Question, connection: Connection, limit: int
) -> list[Wanted]:
    """What is to be fetched; of each study only the series of the modalities that were named."""
    from spondyl.reading.dicomweb import searching
    from spondyl.reading.dicomweb.retrieving import Wanted

    if named is not None and not question.modalities:
        return [named]
    studies = (
        [named.study]
        if named is not None
        else [one.uid for one in searching.studies(question, connection, limit)]
    )
    wanted = [Wanted(study) for study in studies]
    if question.modalities:
        wanted = [
            Wanted(study, series)
            for study in studies
            for series in searching.series(study, question.modalities, connection)
        ]
    if not wanted:
        raise SpondylError(
            f"{connection.server.url}: has nothing that was asked for",
            "Check the identifier, the date or the modality.",
        )
    return wanted


def _list(question: Question, connection: Connection, limit: int, as_json: bool) -> None:
    from spondyl.reading.dicomweb import searching

    found = searching.studies(question, connection, limit)
    if as_json:
        print_json({"server": connection.server.url, "studies": [one.as_dict() for one in found]})
    else:
        for one in found:
            typer.echo(one.line)
    say(f"{len(found)} stud{'y' if len(found) == 1 else 'ies'}; --out fetches them")


def _tell(fetched: tuple[Fetched, ...], out: Path, n_studies: int, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "folder": str(out),
                "studies": n_studies,
                "files": [one.as_dict() for one in fetched],
            }
        )
    n_bytes = sum(one.n_bytes for one in fetched)
    studies = f"{n_studies} stud{'y' if n_studies == 1 else 'ies'}"
    objects = f"{len(fetched)} object{'s' * (len(fetched) != 1)}"
    say(f"{objects} of {studies}, {n_bytes / 1e6:.1f} MB: {out}")
