"""Run by Alembic: applies migrations on the connection that `migrating` opened, in its transaction.

There is no `alembic.ini`: users never run Alembic, a store is migrated when it is opened.
"""

from alembic import context

from spondyl.review.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
