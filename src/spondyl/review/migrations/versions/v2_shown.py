"""Which heatmap was first handed to whom, and when."""

import sqlalchemy as sa
from alembic import op

from spondyl.review.migrations.append_only import protect

revision = "v2"
down_revision = "v1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table, append-only. Of heatmaps that were shown before it, nothing is known."""
    op.create_table(
        "shown",
        sa.Column("survey_id", sa.Text, nullable=False),
        sa.Column("reader", sa.Text, nullable=False),
        sa.Column("item_id", sa.Text, nullable=False),
        sa.Column("map_id", sa.Text, nullable=False),
        sa.Column("after", sa.Integer, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("survey_id", "reader", "map_id", name="pk_shown"),
        sa.ForeignKeyConstraint(
            ["survey_id", "reader"],
            ["readers.survey_id", "readers.reader"],
            name="fk_shown_reader",
        ),
    )
    protect("shown", [["survey_id", "reader", "map_id"]])
