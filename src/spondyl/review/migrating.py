"""A store is brought to the schema of this version when it is opened; nobody has to think of it.

All migrations run in one transaction under a lock of the database's own, so of several servers that
start at once one migrates, the others find it done, and one that is killed leaves the old schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from spondyl.errors import SpondylError
from spondyl.review.database import named, reading, writing


@dataclass(frozen=True, slots=True)
class Schema:
    """What migrations bring a database to."""

    package: str
    """Whose folder `migrations` holds them."""
    called: str
    """In a refusal."""
    version_table: str
    """Where the database keeps how far it has come."""
    lock: int
    """A number that is its alone among PostgreSQL's advisory locks."""


SURVEYS = Schema("spondyl.review", "schema", "alembic_version", 0x5B0D71)


def migrate(engine: Engine, to: str = "head", schema: Schema = SURVEYS) -> None:
    """Brings `schema` to revision `to`, data kept; does nothing where it is there.

    Raises `SpondylError` where a newer version of spondyl wrote the store.
    """
    scripts = ScriptDirectory.from_config(_config(schema))
    with reading(engine) as connection:
        current = _revision(connection, schema)
    _refuse_newer(engine, scripts, current, schema)
    if current == scripts.get_current_head():
        return
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": schema.lock})
        _refuse_newer(engine, scripts, _revision(connection, schema), schema)
        config = _config(schema)
        config.attributes["connection"] = connection
        config.attributes["version_table"] = schema.version_table
        command.upgrade(config, to)


def _config(schema: Schema) -> Config:
    config = Config()
    folder = str(resources.files(schema.package).joinpath("migrations"))
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _revision(connection: Connection, schema: Schema) -> str | None:
    options = {"version_table": schema.version_table}
    return MigrationContext.configure(connection, opts=options).get_current_revision()


def _refuse_newer(
    engine: Engine, scripts: ScriptDirectory, current: str | None, schema: Schema
) -> None:
    known = {script.revision for script in scripts.walk_revisions()}
    if current is not None and current not in known:
        raise SpondylError(
            f"{named(engine)}: written by a newer version of spondyl ({schema.called} {current})",
            "Open it with that version.",
        )
