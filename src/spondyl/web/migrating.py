"""The reading room's table is brought to this version's schema when the room is opened.

One transaction under a lock of the database's own, as for surveys (`review.migrating`); the version
stands in a table beside theirs, so that both may share a database and neither waits for the other.
"""

from __future__ import annotations

from importlib import resources

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from spondyl.errors import SpondylError
from spondyl.review.database import named, reading, writing

VERSION_TABLE = "room_version"
_LOCK = 0x5B0D72  # beside the survey's among PostgreSQL's advisory locks


def migrate(engine: Engine) -> None:
    """Brings the table to this version's schema, readings kept; does nothing where it is there.

    Raises `SpondylError` where a newer version of spondyl wrote it.
    """
    scripts = ScriptDirectory.from_config(_config())
    with reading(engine) as connection:
        current = _revision(connection)
    _refuse_newer(engine, scripts, current)
    if current == scripts.get_current_head():
        return
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        _refuse_newer(engine, scripts, _revision(connection))
        config = _config()
        config.attributes["connection"] = connection
        config.attributes["version_table"] = VERSION_TABLE
        command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    folder = str(resources.files("spondyl.web").joinpath("migrations"))
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _revision(connection: Connection) -> str | None:
    options = {"version_table": VERSION_TABLE}
    return MigrationContext.configure(connection, opts=options).get_current_revision()


def _refuse_newer(engine: Engine, scripts: ScriptDirectory, current: str | None) -> None:
    known = {script.revision for script in scripts.walk_revisions()}
    if current is not None and current not in known:
        raise SpondylError(
            f"{named(engine)}: written by a newer version of spondyl (room schema {current})",
            "Open it with that version.",
        )
