"""Run by Alembic: applies migrations on the connection that `migrating` opened, in its transaction.

The version stands in a table of its own, since surveys may share the database.
"""

from alembic import context

from spondyl.web.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=context.config.attributes["version_table"],
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
