"""The tables of a survey's store, alike in SQLite and PostgreSQL.

Surveys, answers and what was shown are only ever added to: triggers that the migrations make
(`migrations/`) refuse to change, delete or replace a row, whoever asks. Where a reader stands is
stored nowhere, it follows from the answers, so nothing can disagree with them. Times are text, UTC
and ISO 8601 with microseconds, which sorts as it runs. An owner of the database can still drop a
trigger: this protects from mistakes and from intruders who hold the application, not from its
keeper.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData()

_NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts by itself only in a column of the very type INTEGER."""

SURVEYS = Table(
    "surveys",
    METADATA,
    Column("survey_id", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("added", Text, nullable=False),
    PrimaryKeyConstraint("survey_id", name="pk_surveys"),
)
"""Each as its `survey.json`, so that answers can be read without the folder."""

READERS = Table(
    "readers",
    METADATA,
    Column("survey_id", Text, nullable=False),
    Column("reader", Text, nullable=False),
    Column("token_sha256", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("revoked", Text),
    PrimaryKeyConstraint("survey_id", "reader", name="pk_readers"),
    ForeignKeyConstraint(["survey_id"], ["surveys.survey_id"], name="fk_readers_survey"),
    UniqueConstraint("token_sha256", name="uq_readers_token"),
)
"""Pseudonyms and what lets them in; the one table whose rows may change."""

ANSWERS = Table(
    "answers",
    METADATA,
    Column("number", _NUMBER, nullable=False, autoincrement=True),
    Column("answer_id", Text, nullable=False),
    Column("survey_id", Text, nullable=False),
    Column("reader", Text, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("map_id", Text),
    Column("phase", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("at", Text, nullable=False),
    PrimaryKeyConstraint("number", name="pk_answers"),
    UniqueConstraint("answer_id", name="uq_answers_answer_id"),
    ForeignKeyConstraint(
        ["survey_id", "reader"], ["readers.survey_id", "readers.reader"], name="fk_answers_reader"
    ),
    CheckConstraint("(phase = 'unaided') = (map_id IS NULL)", name="ck_answers_map"),
    Index("ix_answers_reader", "survey_id", "reader", "number"),
    sqlite_autoincrement=True,
)

SHOWN = Table(
    "shown",
    METADATA,
    Column("survey_id", Text, nullable=False),
    Column("reader", Text, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("map_id", Text, nullable=False),
    Column("after", Integer, nullable=False),
    Column("at", Text, nullable=False),
    PrimaryKeyConstraint("survey_id", "reader", "map_id", name="pk_shown"),
    ForeignKeyConstraint(
        ["survey_id", "reader"], ["readers.survey_id", "readers.reader"], name="fk_shown_reader"
    ),
)
"""When each heatmap was first handed to each reader: what proves that an answer was blind."""
