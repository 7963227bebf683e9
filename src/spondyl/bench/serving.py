"""How long readers of a survey wait for its pages and answers, alone and beside a reading network.

A server of its own is started for each line, as a user would start it, with a drawn survey whose
pictures are as large as real ones. Readers think before each answer, as people do, or all come at
once and again at once, which nobody does: the second shows how much there is to spare. Beside a
network, drawn films are sent as long as the readers are at it, so that there is always one that is
being read; how many were read is told, since nothing would be shown by a queue that stood still.
"""

from __future__ import annotations

import io
import os
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx
from PIL import Image

from spondyl.bench.survey_readers import BURST, THINKING, Manner, SurveyReader, all_at_once
from spondyl.data.labels import SPINE_LABELS
from spondyl.data.phantom import drawing
from spondyl.errors import SpondylError
from spondyl.learn.environment import environment
from spondyl.review import questions
from spondyl.review.folder import SurveyFolder, save
from spondyl.review.records import Item, Map, Survey
from spondyl.review.store import open_store

N_FILMS = 4
SIZE = (1400, 700)
"""Of the survey's pictures: the median film of the public data set is about as large."""
READ_SIZE = (2000, 1000)
"""Of the films that are read meanwhile."""
_NETWORKS = ("one", "another")
_WRITE = {"X-Spondyl": "1"}
_AHEAD = 3
"""Films that wait or are read at any time."""


@dataclass(frozen=True, slots=True)
class Row:
    """What readers of one server waited for, in milliseconds as they saw it."""

    beside: str
    """What else the server did."""
    database: str
    manner: str
    """thinking, or burst."""
    n_readers: int
    n_requests: int
    n_answers: int
    """Confirmed, and found in the database afterwards, none twice."""
    n_read: int
    """Films that the network read meanwhile."""
    p50_ms: float
    p95_ms: float
    """Of all requests."""
    p95_page_ms: float
    p95_picture_ms: float
    p95_answer_ms: float
    longest_ms: float
    hardware: str
    load: float
    """Of the machine in the minute before, by its own count: 0 where it was idle."""
    began: str
    """UTC."""

    def as_dict(self) -> dict[str, Any]:
        """The row as a JSON object."""
        return asdict(self)


def rows(
    bundle: Path | None = None,
    database: str | None = None,
    n_readers: int = 50,
    n_pages: int = 5,
) -> Iterator[Row]:
    """A row for each server and manner: on SQLite; beside the networks of `bundle`, where there is
    one; on the PostgreSQL at `database`, where there is one.

    Raises `SpondylError` where a server does not start, and for pages that there are not.
    """
    if not 1 <= n_pages <= 3 * N_FILMS:
        raise SpondylError(f"{n_pages} pages", f"Between 1 and {3 * N_FILMS} are there.")
    if n_readers < 1:
        raise SpondylError(f"{n_readers} readers measure nothing", "Give at least one.")
    servers: list[tuple[str | None, Path | None]] = [(None, None)]
    if bundle is not None:
        servers.append((None, bundle))
    if database is not None:
        servers.append((database, None))
        if bundle is not None:
            servers.append((database, bundle))
    for url, beside in servers:
        for manner in (THINKING, BURST):
            yield _row(url, beside, n_readers, n_pages, manner)


def lines(found: Iterator[Row]) -> Iterator[str]:
    """The rows for a person, as they come: where and when, then a line for each."""
    for place, row in enumerate(found):
        if place == 0:
            yield f"{row.began} · {row.hardware} · milliseconds, {row.n_readers} readers"
            yield (
                f"{'database':<12}{'beside':<20}{'manner':<10}{'requests':>9}{'p50':>7}{'p95':>7}"
                f"{'pages':>7}{'pictures':>9}{'answers':>8}{'longest':>8}{'read':>6}{'load':>6}"
            )
        yield (
            f"{row.database:<12}{row.beside:<20}{row.manner:<10}{row.n_requests:>9}"
            f"{row.p50_ms:>7.0f}{row.p95_ms:>7.0f}{row.p95_page_ms:>7.0f}"
            f"{row.p95_picture_ms:>9.0f}{row.p95_answer_ms:>8.0f}{row.longest_ms:>8.0f}"
            f"{row.n_read:>6}{row.load:>6.1f}"
        )


def _row(
    database: str | None, bundle: Path | None, n_readers: int, n_pages: int, manner: Manner
) -> Row:
    with tempfile.TemporaryDirectory(prefix="spondyl-bench-") as name:
        place = Path(name)
        survey = drawn_survey(place / f"bench-{secrets.token_hex(6)}")
        where = database or str(place / "answers.db")
        store = open_store(where)
        try:
            store.keep(survey)
            survey_id = survey.survey.survey_id
            tokens = [store.invite(survey_id, f"reader-{n}").token for n in range(n_readers)]
            load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
            words = ["--survey", str(survey.path), "--answers", where]
            words += [] if bundle is None else ["--bundle", str(bundle)]
            with _server(words) as address, _read_meanwhile(address, bundle) as n_read:
                readers = all_at_once(address, tokens, n_pages, manner)
                read = n_read()
            kept = sorted(one.answer_id for one in store.answers(survey_id))
        finally:
            store.close()
    confirmed = sorted(one for reader in readers for one in reader.confirmed)
    if kept != confirmed:
        raise SpondylError(
            f"{len(confirmed)} answers were confirmed and {len(kept)} are kept",
            "This must never be: please tell whoever maintains spondyl.",
        )
    return Row(
        beside="nothing" if bundle is None else "a reading network",
        database="SQLite" if database is None else "PostgreSQL",
        manner=manner.name,
        n_readers=n_readers,
        n_answers=len(confirmed),
        n_read=read,
        load=load,
        **_times(readers),
        **_where(),
    )


def _times(readers: Sequence[SurveyReader]) -> dict[str, Any]:
    asked = [one for reader in readers for one in reader.asked]
    taken = [one.milliseconds for one in asked]
    by_kind = {
        f"p95_{kind}_ms": _p95([one.milliseconds for one in asked if one.kind == kind])
        for kind in ("page", "picture", "answer")
    }
    whole = {"n_requests": len(taken), "p50_ms": median(taken), "p95_ms": _p95(taken)}
    return whole | by_kind | {"longest_ms": max(taken)}


def _p95(values: Sequence[float]) -> float:
    return quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]


def _where() -> dict[str, Any]:
    found = environment()
    hardware = found["hardware"]
    return {"hardware": f"{hardware['cpu']}, {hardware['cores']} cores", "began": found["began"]}


@contextmanager
def _server(words: Sequence[str]) -> Iterator[str]:
    """The address of a server that runs as long as the block."""
    command = [sys.executable, "-m", "spondyl", "serve", "--port", "0", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        if not address:
            _, said = process.communicate()
            raise SpondylError(
                f"the server did not start: {said.strip()}", "Try `spondyl serve` by itself."
            )
        yield address
    finally:
        process.terminate()
        process.communicate()


@contextmanager
def _read_meanwhile(address: str, bundle: Path | None) -> Iterator[Any]:
    """A function that tells how many films were read, while others are sent without end; one is
    being read before the block begins."""
    if bundle is None:
        yield lambda: 0
        return
    film = _png(drawing.draw(0, "scoliosis", size=READ_SIZE))
    stopping, begun = threading.Event(), threading.Event()
    done: set[str] = set()

    def send() -> None:
        with httpx.Client(base_url=address, timeout=60, headers=_WRITE) as client:
            while not stopping.is_set():
                found = client.get("/api/readings").json()["readings"]
                for one in (each for each in found if each["state"] in ("done", "failed")):
                    done.add(one["id"])
                    client.delete(f"/api/readings/{one['id']}")
                if any(one["state"] == "reading" for one in found):
                    begun.set()
                for _ in range(
                    _AHEAD - sum(one["state"] in ("queued", "reading") for one in found)
                ):
                    client.post("/api/readings", files={"films": ("film.png", film)})
                stopping.wait(0.5)

    sending = threading.Thread(target=send, daemon=True)
    sending.start()
    begun.wait(60)
    before = len(done)
    try:
        yield lambda: len(done) - before
    finally:
        stopping.set()
        sending.join()


def drawn_survey(path: Path) -> SurveyFolder:
    """A survey of drawn films with two heatmaps each, in the new folder `path`."""
    films = {f"i{n:03}.png": _png(drawing.draw(n, "scoliosis", size=SIZE)) for n in range(N_FILMS)}
    maps = {
        f"i{n:03}m{k}.jpg": _jpeg(films[f"i{n:03}.png"])
        for n in range(N_FILMS)
        for k in range(len(_NETWORKS))
    }
    items = tuple(_item(n) for n in range(N_FILMS))
    survey = Survey(
        path.name,
        "Drawn films",
        SPINE_LABELS.names,
        questions.of_the_paper(SPINE_LABELS),
        items,
        0,
        "2026-01-01",
    )
    return save(path, survey, films | maps)


def _item(n: int) -> Item:
    name = f"i{n:03}"
    maps = tuple(
        Map(f"{name}m{k}", network, "scoliosis", "network", f"{name}m{k}.jpg")
        for k, network in enumerate(_NETWORKS)
    )
    said = tuple((network, "scoliosis") for network in _NETWORKS)
    return Item(name, f"{name}.png", f"{n:064x}", "normal", said, maps)


def _png(phantom: drawing.Phantom) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(phantom.image).save(stream, "PNG")
    return stream.getvalue()


def _jpeg(film: bytes) -> bytes:
    stream = io.BytesIO()
    Image.open(io.BytesIO(film)).convert("RGB").save(stream, "JPEG", quality=90)
    return stream.getvalue()
