"""Alembic's entry: runs the revisions on the connection that `dmha.stores.migrate` hands over, in its transaction."""

from alembic import context

from dmha.stores.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
