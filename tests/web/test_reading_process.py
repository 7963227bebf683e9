"""The reader in a process of its own: what comes of a film, and of one that is the reader's end."""

import os
import time

import pytest
from film_readers import BROKEN, DEADLY, FACTS, SLOW, STRANGE, Opener, reading
from open_surveys import answer_step, opened, step
from starlette.testclient import TestClient

from spondyl.errors import SpondylError
from spondyl.review.folder import load
from spondyl.web import reading_files
from spondyl.web.app import create_app
from spondyl.web.reading_process import ReadingProcess
from spondyl.web.readings_queue import ReadingsQueue
from spondyl.web.readings_store import open_readings
from spondyl.web.room_reading import ReaderDiedError
from spondyl.web.settings import Settings
from spondyl.web.survey_room import SurveyRoom


@pytest.fixture(scope="module")
def process():
    opened = ReadingProcess(Opener())
    yield opened
    opened.close()


@pytest.fixture
def film(tmp_path):
    def written(said: bytes):
        path = tmp_path / "film"
        path.write_bytes(said)
        return path

    return written


@pytest.fixture
def made(tmp_path):
    (tmp_path / "made").mkdir()
    return tmp_path / "made"


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_other_process_writes_what_this_one_would(process, film, made, tmp_path):
    assert process.facts == FACTS
    n_bytes = process(film(b"a film"), made)
    (tmp_path / "here").mkdir()
    assert n_bytes == reading_files.write(tmp_path / "here", reading(6))
    assert contents(made) == contents(tmp_path / "here")
    assert n_bytes == sum(len(content) for content in contents(made).values())


def test_a_refusal_comes_with_its_hint_and_the_next_film_is_read(process, film, made):
    path = film(STRANGE)
    with pytest.raises(SpondylError, match="is no film") as refused:
        process(path, made)
    assert (refused.value.message, refused.value.hint) == (f"{path}: is no film", "Send a film.")
    assert process(film(b"a film"), made) > 0


def test_a_fault_comes_with_its_trace_and_the_next_film_is_read(process, film, made):
    with pytest.raises(RuntimeError, match="ZeroDivisionError: by a film"):
        process(film(BROKEN), made)
    assert process(film(b"a film"), made) > 0


def test_what_cannot_be_written_is_no_fault_of_the_film(process, film, tmp_path):
    with pytest.raises(OSError, match="No such file"):
        process(film(b"a film"), tmp_path / "gone")


def test_a_film_that_kills_the_reader_kills_nothing_else(process, film, made):
    with pytest.raises(ReaderDiedError):
        process(film(DEADLY), made)
    assert process(film(b"a film"), made) > 0


def test_the_reader_steps_back_behind_whoever_answers(process, film, made):
    process(film(b"a film"), made)
    there = os.getpriority(os.PRIO_PROCESS, process._process.pid)
    assert there > os.getpriority(os.PRIO_PROCESS, os.getpid())


@pytest.mark.parametrize(
    ("opener", "said"),
    [(Opener(refuses=True), "no bundle there"), (Opener(dies=True), "stopped while it was opened")],
)
def test_a_bundle_that_cannot_be_opened_is_refused(opener, said):
    with pytest.raises(SpondylError, match=said):
        ReadingProcess(opener)


# with the queue


def queued(store, folder, *films: bytes) -> tuple[str, ...]:
    paths = []
    for n, said in enumerate(films):
        (folder / f"sent-{n}").write_bytes(said)
        paths.append(folder / f"sent-{n}")
    return store.add(paths, None)


def until(store, reading_id: str, state: str):
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        kept = store.one(reading_id, None)
        if kept.state == state:
            return kept
        time.sleep(0.02)
    raise AssertionError(kept)


def test_of_many_films_those_that_can_be_read_are_read(process, tmp_path):
    store = open_readings(tmp_path / "room")
    queue = ReadingsQueue(store, process)
    ids = queued(store, tmp_path, b"one", DEADLY, STRANGE, BROKEN, b"last")
    queue.start()
    until(store, ids[-1], "done")
    found = [store.one(one, None) for one in ids]
    queue.stop()
    store.close()
    assert [one.state for one in found] == ["done", "failed", "failed", "failed", "done"]
    assert "stopped in the middle" in found[1].error
    assert found[2].error == "is no film"
    assert "(number " in found[3].error
    assert not list((tmp_path / "room" / "incoming").iterdir())


def test_a_film_that_is_being_read_when_the_server_ends_is_read_again_by_the_next(tmp_path):
    process = ReadingProcess(Opener())
    store = open_readings(tmp_path / "room")
    queue = ReadingsQueue(store, process)
    (one,) = queued(store, tmp_path, SLOW)
    queue.start()
    until(store, one, "reading")
    begun = time.monotonic()
    queue.stop(0.1)
    process.close()
    assert time.monotonic() - begun < 10
    assert store.one(one, None).state == "reading"
    store.close()
    again = open_readings(tmp_path / "room")
    assert again.one(one, None).state == "queued"
    again.close()


def test_readers_of_a_survey_wait_for_no_film(tmp_path):
    with opened(tmp_path) as (_, answers, invite):
        token = invite("reader-1")
        survey = SurveyRoom(load(tmp_path / "survey"), answers)
        store = open_readings(tmp_path / "room")
        slow = ReadingProcess(Opener())
        app = create_app(Settings(bundle=FACTS), slow, store, survey)
        with TestClient(app, base_url="http://127.0.0.1:8000") as client:
            ids = queued(store, tmp_path, SLOW, b"next")
            app.state.room.queue.call()
            until(store, ids[0], "reading")
            assert client.get(f"/api/readings/{ids[1]}").json()["position"] == 1
            while not (at := step(client, token))["done"]:
                answer_step(client, token, at["step"])
            assert client.get(f"/api/readings/{ids[0]}").json()["state"] == "reading"
            slow.close()
        store.close()
