"""
Runs our migrations on the connection that ``slotengine.store_schema`` hands over.

The version table is ours alone, so a host's own alembic lives beside it in one database.
"""

from alembic import context

from slotengine.tables import VERSION_TABLE, metadata

connection = context.config.attributes["connection"]
schema = context.config.attributes.get("schema")

context.configure(
    connection=connection.execution_options(schema_translate_map={None: schema}),
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    version_table_schema=schema,
    # SQLite can roll back DDL; alembic does not rely on it unless told.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
