"""Surveys, readers and answers."""

import sqlalchemy as sa
from alembic import op

from spondyl.review.migrations.append_only import protect

revision = "v1"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the three tables, two of them append-only."""
    op.create_table(
        "surveys",
        sa.Column("survey_id", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("added", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("survey_id", name="pk_surveys"),
    )
    op.create_table(
        "readers",
        sa.Column("survey_id", sa.Text, nullable=False),
        sa.Column("reader", sa.Text, nullable=False),
        sa.Column("token_sha256", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sa.Column("revoked", sa.Text),
        sa.PrimaryKeyConstraint("survey_id", "reader", name="pk_readers"),
        sa.ForeignKeyConstraint(["survey_id"], ["surveys.survey_id"], name="fk_readers_survey"),
        sa.UniqueConstraint("token_sha256", name="uq_readers_token"),
    )
    op.create_table(
        "answers",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            nullable=False,
            autoincrement=True,
        ),
        sa.Column("answer_id", sa.Text, nullable=False),
        sa.Column("survey_id", sa.Text, nullable=False),
        sa.Column("reader", sa.Text, nullable=False),
        sa.Column("item_id", sa.Text, nullable=False),
        sa.Column("map_id", sa.Text),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_answers"),
        sa.UniqueConstraint("answer_id", name="uq_answers_answer_id"),
        sa.ForeignKeyConstraint(
            ["survey_id", "reader"],
            ["readers.survey_id", "readers.reader"],
            name="fk_answers_reader",
        ),
        sa.CheckConstraint("(phase = 'unaided') = (map_id IS NULL)", name="ck_answers_map"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_answers_reader", "answers", ["survey_id", "reader", "number"])
    protect("surveys", [["survey_id"]])
    protect("answers", [["number"], ["answer_id"]])
