"""Triggers that let a table's rows be added and nothing else, for the migrations.

SQLite's `INSERT OR REPLACE` deletes without asking a delete trigger, so that an insert trigger has
to refuse a key that is there. A migration that rebuilds such a table has to call this again.
"""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op


def protect(table: str, keys: Sequence[Sequence[str]]) -> None:
    """Makes `table` append-only; `keys` are its primary key and its unique columns."""
    if op.get_bind().dialect.name == "sqlite":
        _protect_sqlite(table, keys)
    else:
        _protect_postgresql(table)


def _protect_sqlite(table: str, keys: Sequence[Sequence[str]]) -> None:
    says = f"SELECT RAISE(ABORT, '{table}: rows are only ever added')"
    for deed in ("UPDATE", "DELETE"):
        name = f"{table}_no_{deed.lower()}"
        op.execute(f"CREATE TRIGGER {name} BEFORE {deed} ON {table} BEGIN {says}; END")
    same = " OR ".join(
        "(" + " AND ".join(f"{column} = NEW.{column}" for column in key) + ")" for key in keys
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) BEGIN {says}; END"
    )


def _protect_postgresql(table: str) -> None:
    op.execute(
        "CREATE OR REPLACE FUNCTION only_ever_added() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION '%: rows are only ever added', TG_TABLE_NAME "
        "USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION only_ever_added()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION only_ever_added()"
    )
