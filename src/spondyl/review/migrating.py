"""A store is brought to the schema of this version when it is opened; nobody has to think of it.

All migrations run in one transaction under a lock of the database's own, so of several servers that
start at once one migrates, the others find it done, and one that is killed leaves the old schema.
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

_LOCK = 0x5B0D71  # any number that is ours alone among PostgreSQL's advisory locks


def migrate(engine: Engine, to: str = "head") -> None:
    """Brings the schema to revision `to`, data kept; does nothing where it is there.

    Raises `SpondylError` where a newer version of spondyl wrote the store.
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
        command.upgrade(config, to)


def _config() -> Config:
    config = Config()
    folder = str(resources.files("spondyl.review").joinpath("migrations"))
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _refuse_newer(engine: Engine, scripts: ScriptDirectory, current: str | None) -> None:
    known = {script.revision for script in scripts.walk_revisions()}
    if current is not None and current not in known:
        raise SpondylError(
            f"{named(engine)}: written by a newer version of spondyl (schema {current})",
            "Open it with that version.",
        )
