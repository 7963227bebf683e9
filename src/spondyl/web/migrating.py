"""The reading room's table is brought to this version's schema when the room is opened.

As for surveys (`review.migrating`), whose code it is; the version stands in a table beside theirs
and the lock is another, so that both may share a database and neither waits for the other.
"""

from __future__ import annotations

from sqlalchemy import Engine

from spondyl.review import migrating
from spondyl.review.migrating import Schema

VERSION_TABLE = "room_version"
ROOM = Schema("spondyl.web", "room schema", VERSION_TABLE, 0x5B0D72)


def migrate(engine: Engine) -> None:
    """Brings the table to this version's schema, readings kept; does nothing where it is there.

    Raises `SpondylError` where a newer version of spondyl wrote it.
    """
    migrating.migrate(engine, schema=ROOM)
