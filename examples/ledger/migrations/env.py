"""How Alembic reaches the database: through the application's own engine."""

from logging.config import fileConfig

from alembic import context
from flask import current_app
from sqlalchemy import text

config = context.config
fileConfig(config.config_file_name, disable_existing_loggers=False)

database = current_app.extensions["migrate"].db
target_metadata = database.metadatas[None]


def run_migrations_offline():
    context.configure(url=current_app.config["SQLALCHEMY_DATABASE_URI"], target_metadata=target_metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


def run_migrations_online():
    with database.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            # A step may take long, but it must not wait for a lock while everybody waits behind it.
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("SET lock_timeout = '5s'"))
            connection.commit()
        context.configure(connection=connection, target_metadata=target_metadata, **current_app.extensions["migrate"].configure_args)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    run_migrations_offline()
else:
    run_migrations_online()
