"""The store, on both databases: confirmed is kept, kept once, and never changed."""

import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from drawn_surveys import (
    answer,
    complete,
    first_offered,
    next_step,
    saved,
    survey,
    tiny_item,
    tiny_survey,
)
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import spondyl.review
from spondyl.errors import SpondylError
from spondyl.review import taking
from spondyl.review.database import StoreUnavailableError, connect, writing
from spondyl.review.store import Store, open_store

SURVEY = survey()


@pytest.fixture
def kept(store, tmp_path):
    """A store with a survey and a reader."""
    store.keep(saved(tmp_path))
    store.invite("spines", "a")
    return store


def diagnosis(value="normal", reader="a", item="i001"):
    return replace(answer(SURVEY, reader, item, "diagnosis", value), at="2026-03-01T12:00:00+00:00")


def test_a_survey_comes_back_as_it_was_made(kept, tmp_path):
    assert kept.survey("spines") == SURVEY
    assert kept.survey_sha256("spines") == saved(tmp_path / "again").sha256
    with pytest.raises(SpondylError, match="is not kept here"):
        kept.survey("other")


def test_a_survey_is_kept_once_and_never_replaced(kept, tmp_path):
    kept.keep(saved(tmp_path / "again"))
    other = saved(tmp_path / "other", survey(seed=8))
    with pytest.raises(SpondylError, match="another one of this name"):
        kept.keep(other)
    assert kept.survey("spines").seed == 7


def test_an_answer_comes_back_as_it_was_given(kept, where):
    given = replace(diagnosis("ä'; DROP TABLE answers; --"), seconds=0.1 + 0.2)
    assert kept.add(given) == given
    assert kept.answers("spines") == kept.answers("spines", "a") == (given,)
    assert kept.answers("spines", "b") == ()
    again = open_store(where)
    assert again.answers("spines") == (given,)
    again.close()


def test_an_answer_sent_again_is_confirmed_and_kept_once(kept):
    given = diagnosis()
    later = replace(given, at="2026-03-01T13:00:00+00:00")
    assert [kept.add(given), kept.add(later)] == [given, given]
    assert kept.answers("spines") == (given,)


@pytest.mark.parametrize(
    "change", [{"value": "scoliosis"}, {"seconds": 2.0}, {"item_id": "i002"}, {"reader": "b"}]
)
def test_another_answer_under_one_identifier_is_refused(kept, change):
    kept.invite("spines", "b")
    given = diagnosis()
    kept.add(given)
    with pytest.raises(SpondylError, match="another answer was given"):
        kept.add(replace(given, **change))
    assert kept.answers("spines") == (given,)


def test_an_answer_of_nobody_is_refused(kept):
    with pytest.raises(SpondylError, match="not kept here"):
        kept.add(diagnosis(reader="stranger"))
    with pytest.raises(SpondylError, match="not kept here"):
        kept.add(replace(diagnosis(), survey_id="other"))
    assert kept.answers("spines") == ()


@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE answers SET value = 'scoliosis'",
        "DELETE FROM answers",
        "UPDATE surveys SET document = '{}'",
        "DELETE FROM surveys",
        "UPDATE shown SET after = 0",
        "DELETE FROM shown",
        "TRUNCATE answers",
        "INSERT OR REPLACE INTO answers SELECT * FROM answers",
        "REPLACE INTO shown SELECT * FROM shown",
    ],
)
def test_the_database_itself_refuses_to_change_what_was_added(kept, where, deed):
    kept.add(diagnosis())
    kept.show("spines", "a", "i001", "i001m1")
    before = (kept.answers("spines"), kept.shown("spines"), kept.survey("spines"))
    for spoiled in (deed, deed):  # the second time on a connection that failed before
        with pytest.raises((DBAPIError, StoreUnavailableError)), writing(connect(where)) as c:
            c.execute(text(spoiled))
    assert (kept.answers("spines"), kept.shown("spines"), kept.survey("spines")) == before


def test_fifty_threads_that_send_one_answer_keep_one(kept):
    given = diagnosis()
    gate = threading.Barrier(10)

    def send(_):
        gate.wait()
        return kept.add(given)

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(send, range(50))) == [given] * 50
    assert kept.answers("spines") == (given,)


def test_of_two_answers_under_one_identifier_at_once_one_is_kept(kept):
    for _ in range(10):
        pair = [diagnosis("normal"), diagnosis("scoliosis")]
        pair[1] = replace(pair[1], answer_id=pair[0].answer_id)
        gate = threading.Barrier(2)

        def send(one, gate=gate):
            gate.wait()
            try:
                return kept.add(one).value
            except SpondylError:
                return None

        with ThreadPoolExecutor(2) as pool:
            said = list(pool.map(send, pair))
        stored = {a.answer_id: a.value for a in kept.answers("spines")}
        assert sorted(map(str, said)) == sorted(["None", stored[pair[0].answer_id]])


def test_many_readers_at_once_lose_nothing(store, tmp_path):
    made = tiny_survey([tiny_item("i1", 1), tiny_item("i2"), tiny_item("r1", 1, "i1")])
    store.keep(saved(tmp_path, made))
    readers = [f"r{n}" for n in range(8)]
    for reader in readers:
        store.invite("tiny", reader)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda r: complete(store, made, r), readers)) == [5] * 8
    answers = store.answers("tiny")
    assert len(answers) == 8 * (3 * 6 + 2 * 2)
    assert all(next_step(made, r, store.answers("tiny", r)) is None for r in readers)
    assert len(store.shown("tiny")) == 16


def test_taking_looks_before_it_keeps_and_sets_the_time(kept):
    first = next_step(SURVEY, "a", ())
    good = answer(SURVEY, "a", first.item.item_id, "diagnosis", "normal")
    taken = taking.take(kept, SURVEY, good, clock=lambda: "2026-03-02T00:00:00+00:00")
    assert taken == replace(good, at="2026-03-02T00:00:00+00:00")
    assert taking.take(kept, SURVEY, good) == taken
    early = answer(SURVEY, "a", first.item.item_id, "attention", "yes", first.item.maps[0].map_id)
    with pytest.raises(SpondylError, match="not open to you"):
        taking.take(kept, SURVEY, early)
    assert kept.answers("spines") == (taken,)


def test_the_answers_of_a_page_are_kept_together_or_not_at_all(kept):
    first = next_step(SURVEY, "a", ())
    page = [
        answer(SURVEY, "a", first.item.item_id, q.key, first_offered(q))
        for q in first.questions
        if q.required
    ]
    for spoil in ({"value": "fracture"}, {"question": "attention"}, {"reader": "b"}):
        with pytest.raises(SpondylError):
            taking.take_all(kept, SURVEY, [*page[:-1], replace(page[-1], **spoil)])
    assert kept.answers("spines") == ()
    taken = taking.take_all(kept, SURVEY, page)
    assert taking.take_all(kept, SURVEY, page) == taken == kept.answers("spines")
    other = replace(page[-1], value="no")
    fresh = answer(SURVEY, "a", first.item.item_id, "remark", "a curve")
    with pytest.raises(SpondylError, match="another answer was given"):
        taking.take_all(kept, SURVEY, [fresh, other])
    assert kept.answers("spines") == taken
    assert taking.take_all(kept, SURVEY, []) == ()


def test_an_invitation_lets_one_reader_into_one_survey(store, tmp_path):
    store.keep(saved(tmp_path))
    first, second = store.invite("spines", "a"), store.invite("spines", "b")
    assert first.token != second.token
    assert store.reader_of(first.token).reader == "a"
    assert store.reader_of(second.token).survey_id == "spines"
    for guess in ("", "x" * 43, first.token[:-1], first.token + "A", "' OR 1=1 --", "é" * 43):
        assert store.reader_of(guess) is None
    with pytest.raises(SpondylError, match="invited already"):
        store.invite("spines", "a")
    with pytest.raises(SpondylError, match="is not kept here"):
        store.invite("other", "a")
    with pytest.raises(SpondylError, match="is no pseudonym"):
        store.invite("spines", "=HYPERLINK()")


def test_no_token_is_in_the_database(kept, where, tmp_path):
    token = kept.invite("spines", "b").token
    with connect(where).connect() as connection:
        rows = connection.execute(text("SELECT * FROM readers")).all()
    assert len(rows) == 2
    assert token not in repr(rows)
    assert token not in repr(kept.renew("spines", "b"))


def test_a_revoked_reader_stays_out_and_their_answers_stay(kept):
    old = kept.renew("spines", "a")
    kept.add(diagnosis())
    kept.revoke("spines", "a")
    assert kept.reader_of(old.token) is None
    assert [r.revoked is not None for r in kept.readers("spines")] == [True]
    new = kept.renew("spines", "a")
    assert kept.reader_of(old.token) is None
    assert kept.reader_of(new.token).reader == "a"
    assert len(kept.answers("spines", "a")) == 1
    with pytest.raises(SpondylError, match="never invited"):
        kept.revoke("spines", "nobody")


def test_the_first_time_a_heatmap_was_shown_is_kept(kept):
    kept.show("spines", "a", "i001", "i001m1")
    kept.add(diagnosis())
    kept.show("spines", "a", "i001", "i001m1")
    kept.show("spines", "a", "i001", "i001m2")
    assert [(s.map_id, s.after) for s in kept.shown("spines", "a")] == [
        ("i001m1", 0),
        ("i001m2", 1),
    ]


def test_a_sqlite_file_is_its_owners_alone_and_flushed_at_every_commit(tmp_path):
    path = tmp_path / "reviews.db"
    store = open_store(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with connect(path).connect() as connection:
        values = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert values == ["wal", 2, 1]
    store.close()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (":memory:", "in memory"),
        ("sqlite://", "in memory"),
        ("mysql://me:secret@host/db", "of a kind that is not known"),
        ("postgresql://me:secret@host:port/db", "cannot be read"),
        ("nowhere/at/all.db", "cannot be opened"),
    ],
)
def test_an_address_that_cannot_be_is_refused_without_its_password(address, said):
    with pytest.raises(SpondylError, match=said) as refused:
        open_store(address)
    assert "secret" not in refused.value.message + refused.value.hint


def test_a_server_that_is_not_there_is_said_without_its_password():
    with pytest.raises(StoreUnavailableError, match="did not answer") as refused:
        open_store("postgresql://me:secret@127.0.0.1:1/db")
    assert "secret" not in refused.value.message


def test_a_file_that_is_no_database_is_left_alone(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database, and dear to somebody")
    with pytest.raises(SpondylError, match="is not a SQLite database"):
        open_store(path)
    assert path.read_text().startswith("not a database")


def test_a_store_that_may_not_be_written_confirms_nothing(kept, where):
    with writing(connect(where)) as connection:
        connection.execute(text("ALTER TABLE answers RENAME TO elsewhere"))
    with pytest.raises(StoreUnavailableError, match="did not answer"):
        kept.add(diagnosis())
    assert isinstance(kept, Store)


def test_nothing_in_the_review_room_loads_torch():
    names = [
        f"spondyl.review.{path.stem}"
        for path in Path(spondyl.review.__path__[0]).glob("*.py")
        if path.stem != "__init__"
    ]
    code = f"import sys\nfor name in {names}: __import__(name)\nassert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(names) > 15
