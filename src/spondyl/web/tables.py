"""The one table of the reading room, alike in SQLite and PostgreSQL.

It says which readings there are and in which state; all that speaks of a film lies in the reading's
folder (`shelf`), so that deleting the row and the folder deletes all. File names are kept nowhere,
because they name patients. Times are text, UTC and ISO 8601.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData()

READINGS = Table(
    "room_readings",
    METADATA,
    Column(
        "number",
        BigInteger().with_variant(Integer, "sqlite"),
        nullable=False,
        autoincrement=True,
    ),
    Column("reading_id", Text, nullable=False),
    Column("owner", Text),
    Column("state", Text, nullable=False),
    Column("begun", Integer, nullable=False),
    Column("error", Text),
    Column("hint", Text),
    Column("n_bytes", BigInteger, nullable=False),
    Column("created", Text, nullable=False),
    PrimaryKeyConstraint("number", name="pk_room_readings"),
    UniqueConstraint("reading_id", name="uq_room_readings_reading_id"),
    Index("ix_room_readings_state", "state", "number"),
    sqlite_autoincrement=True,
)
"""`number` is the order of the queue; `begun` counts how often a reading was begun; `owner` is the
user that a proxy named, null where nobody signs on."""
