"""Migrations: from the first schema to this one with data in it, once, whoever comes first."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from drawn_surveys import saved
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError

from spondyl.errors import SpondylError
from spondyl.review import database
from spondyl.review.database import connect, reading, writing
from spondyl.review.migrating import migrate
from spondyl.review.schema import METADATA
from spondyl.review.store import open_store

OLD_ROWS = (
    "INSERT INTO surveys VALUES ('spines', '{sha256}', '{document}', '2026')",
    "INSERT INTO readers VALUES ('spines', 'a', 'hash', '2026', NULL)",
    "INSERT INTO answers (answer_id, survey_id, reader, item_id, map_id, phase, question, value, "
    "seconds, at) VALUES ('one', 'spines', 'a', 'i001', NULL, 'unaided', 'diagnosis', 'normal', "
    "1.5, '2026')",
)


def tables(where):
    return set(inspect(connect(where)).get_table_names())


def test_a_store_of_the_first_schema_is_brought_here_with_its_answers(where, tmp_path):
    folder = saved(tmp_path)
    engine = connect(where)
    migrate(engine, "v1")
    assert tables(where) == {"alembic_version", "surveys", "readers", "answers"}
    with writing(engine) as connection:
        for row in OLD_ROWS:
            filled = row.replace("{sha256}", folder.sha256).replace("{document}", folder.document)
            connection.exec_driver_sql(filled.replace("%", "%%"))
    store = open_store(where)
    assert "shown" in tables(where)
    assert store.survey("spines") == folder.survey
    assert [a.answer_id for a in store.answers("spines")] == ["one"]
    store.show("spines", "a", "i001", "i001m1")
    assert [s.after for s in store.shown("spines")] == [1]
    with pytest.raises(IntegrityError, match="only ever added"), writing(engine) as connection:
        connection.execute(text("DELETE FROM answers"))
    store.close()


def test_the_tables_are_what_the_code_takes_them_for(where):
    open_store(where).close()
    with connect(where).connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, METADATA) == []


def test_a_store_is_migrated_once_by_whoever_comes_first(where):
    with ThreadPoolExecutor(4) as pool:
        for store in pool.map(lambda _: open_store(where), range(4)):
            store.close()
    with reading(connect(where)) as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).all() == [
            ("v2",)
        ]


def test_a_new_store_is_waited_for_while_another_holds_it(tmp_path, monkeypatch):
    path = tmp_path / "reviews.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("CREATE TABLE others (value TEXT)")
        monkeypatch.setattr(database.time, "sleep", lambda _: other.execute("COMMIT"))
        open_store(path).close()
    assert {"others", "answers"} <= tables(path)


def test_a_new_store_that_another_never_lets_go_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "reviews.db"
    monkeypatch.setattr(database, "WAITS_SECONDS", 0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("CREATE TABLE others (value TEXT)")
        with pytest.raises(database.StoreUnavailableError, match="locked"):
            open_store(path)


def test_a_migration_that_fails_leaves_the_old_schema(where, monkeypatch):
    engine = connect(where)
    migrate(engine, "v1")

    def fail(*_):
        raise RuntimeError("the power went")

    monkeypatch.setattr("spondyl.review.migrations.append_only.protect", fail)
    with pytest.raises(RuntimeError, match="the power went"):
        migrate(engine)
    assert "shown" not in tables(where)
    monkeypatch.undo()
    open_store(where).close()
    assert "shown" in tables(where)


def test_a_store_of_a_newer_version_is_refused_untouched(where):
    open_store(where).close()
    with writing(connect(where)) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'v99'"))
    with pytest.raises(SpondylError, match="newer version of spondyl"):
        open_store(where)
