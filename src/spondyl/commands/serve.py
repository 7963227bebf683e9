"""`spondyl serve`: the reading room in the browser, the survey, or both, and their API."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spondyl.commands.arguments import Device, listed
from spondyl.commands.survey_answers import opened_with_answers
from spondyl.errors import SpondylError
from spondyl.terminal import say

if TYPE_CHECKING:
    from spondyl.web.readings_store import ReadingStore
    from spondyl.web.survey_room import SurveyRoom

_NOTICE = "Research use only, not for diagnosis."


def serve(
    bundle: Annotated[
        Path | None,
        typer.Option(help="A folder that `spondyl study bundle` made; opens the reading room."),
    ] = None,
    survey: Annotated[
        Path | None,
        typer.Option(help="A folder that `spondyl review create` made; opens the survey."),
    ] = None,
    answers: Annotated[
        str | None,
        typer.Option(help="Database of the survey's answers, as given to `spondyl review open`."),
    ] = None,
    audit: Annotated[
        Path | None,
        typer.Option(help="The bundle's audit, a page that `spondyl audit model --out` made."),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen at. Any other than this machine's own lets everybody who can "
            "reach it see, send and delete films, unless a proxy with sign-on stands before it."
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 for a free one.", min=0, max=65535)] = 8000,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Name under which browsers may ask for this server; may be repeated."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder for films and readings; without it a temporary one, deleted at the end."
        ),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(help="postgresql://… instead of SQLite in --data; needs --data for films."),
    ] = None,
    trust_header: Annotated[
        str | None,
        typer.Option(
            help="Header in which a proxy with sign-on names the user, such as X-Remote-User. "
            "Whoever reaches the server past that proxy can claim any name."
        ),
    ] = None,
    method: Annotated[str, typer.Option(help="Of the heatmaps; several with commas.")] = "grad-cam",
    finder: Annotated[
        Path | None,
        typer.Option(help="A spine finder's file; without it the one that comes along."),
    ] = None,
    no_measure: Annotated[
        bool, typer.Option("--no-measure", help="Ask no spine finder: quicker.")
    ] = False,
    device: Device = "auto",
) -> None:
    """Open the reading room: drop films into a browser and see what the networks make of them.

    With --survey, experts whom `spondyl review open` invited answer it here, with the reading room
    or without. Runs until it is interrupted.
    """
    from spondyl.commands.room_source import RoomSource
    from spondyl.web import app as web
    from spondyl.web import running
    from spondyl.web.reading_process import ReadingProcess
    from spondyl.web.settings import Settings

    if no_measure and finder is not None:
        raise SpondylError("--finder and --no-measure: one or the other", "Give one of them.")
    _refuse_unless_whole(bundle, survey, answers, data, database)
    if bundle and survey and trust_header is None and not running.is_loopback(host):
        raise SpondylError(
            "--bundle and --survey beyond this machine: readers of the survey would find the "
            "reading room and its films",
            "Start two servers, or put a proxy with sign-on before it (--trust-header).",
        )
    if trust_header is not None:
        _refuse_unless_header(trust_header)
    hosts = _hosts(host, allow_host or [])
    page = None if audit is None else _page(audit)
    with _ended_by_sigterm(), ExitStack() as stack:
        sock = stack.enter_context(running.listening(host, port))
        room = stack.enter_context(_survey(survey, answers)) if survey and answers else None
        reader = store = None
        if bundle is not None:
            _refuse_unless_bundle(bundle)
            source = RoomSource(bundle, device, tuple(listed(method)), finder, not no_measure)
            reader = stack.enter_context(closing(ReadingProcess(source)))
            store = stack.enter_context(_readings(data, database))
            stack.callback(reader.close)  # before its folder goes
        facts = None if reader is None else reader.facts
        settings = Settings(hosts, trust_header, bundle=facts, audit=page)
        app = web.create_app(settings, reader, store, room)
        _tell(running.address_of(sock, host), reader is not None and data is None)
        if reader is None:
            say("readers of the survey use the links that `spondyl review open` printed")
        if not running.is_loopback(host):
            _warn(trust_header, reader is not None)
        running.run(app, sock)


def _refuse_unless_whole(
    bundle: Path | None,
    survey: Path | None,
    answers: str | None,
    data: Path | None,
    database: str | None,
) -> None:
    if bundle is None and survey is None:
        raise SpondylError(
            "nothing to serve", "Give --bundle for the reading room, --survey for a survey."
        )
    if (survey is None) != (answers is None):
        raise SpondylError(
            "--survey and --answers: one without the other",
            "Give the folder and the database that `spondyl review open` was given.",
        )
    if bundle is None and (data is not None or database is not None):
        raise SpondylError(
            "--data and --database are the reading room's, and there is no --bundle",
            "Give --bundle, or --answers alone for the survey.",
        )
    if database is not None and data is None:
        raise SpondylError(
            "--database without --data: films would be lost while their rows stay",
            "Name a folder for the films with --data.",
        )


def _refuse_unless_bundle(folder: Path) -> None:
    """At once, before networks are loaded in another process, which looks closer."""
    if not (folder / "bundle.json").is_file():
        raise SpondylError(
            f"{folder}: not a bundle (bundle.json is missing)",
            "Give the folder that `spondyl study bundle … --out` made.",
        )


def _hosts(host: str, allowed: list[str]) -> tuple[str, ...]:
    """Names under which browsers may ask."""
    from spondyl.web.running import is_everywhere
    from spondyl.web.settings import LOOPBACK, host_named

    names = [host_named(name) for name in allowed]
    if is_everywhere(host) and not names:
        raise SpondylError(
            f"--host {host}: under which name will browsers ask for it?",
            "Give that name with --allow-host, such as the machine's.",
        )
    if not is_everywhere(host):
        names.append(host_named(host))
    return tuple(dict.fromkeys((*LOOPBACK, *names)))


def _tell(address: str, passing: bool) -> None:
    """What whoever started it has to know."""
    typer.echo(address)
    say(_NOTICE)
    if passing:
        say("films and readings are deleted when the server ends (keep them with --data)")


def _warn(trust_header: str | None, room: bool) -> None:
    """What it means to be open beyond this machine."""
    if not room:
        who = "whoever holds an invitation answers as that reader"
    elif trust_header is None:
        who = "everybody who can reach it can see, send and delete films"
    else:
        who = f"users are believed by the header {trust_header}, from whomever it comes"
    say(f"open beyond this machine, unencrypted: {who}")


def _refuse_unless_header(name: str) -> None:
    if not name or not all(sign.isascii() and (sign.isalnum() or sign in "-_") for sign in name):
        raise SpondylError(
            f"--trust-header {name!r}: is no name of a header", "For example X-Remote-User."
        )


def _page(audit: Path) -> str:
    try:
        return audit.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpondylError(
            f"{audit}: cannot be read as a page", "Name the .html that `spondyl audit` wrote."
        ) from error


@contextmanager
def _readings(data: Path | None, database: str | None) -> Iterator[ReadingStore]:
    """Readings in the folder `data`, or in a temporary one."""
    from spondyl.web.passing import passing_folder
    from spondyl.web.readings_store import open_readings

    with ExitStack() as stack:
        folder = stack.enter_context(passing_folder()) if data is None else data
        store = open_readings(folder, database)
        stack.callback(store.close)
        yield store


@contextmanager
def _survey(folder: Path, answers: str) -> Iterator[SurveyRoom]:
    """The survey in a folder with its store; `SpondylError` where the store does not keep it."""
    from spondyl.web.survey_room import SurveyRoom

    with opened_with_answers(folder, answers) as (found, store):
        yield SurveyRoom(found, store)


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Lets a polite end of the process clear up, as an interruption does."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
