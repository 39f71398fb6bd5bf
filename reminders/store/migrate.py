"""Bring a database to the schema of this release, or say that it is not."""

from importlib.resources import files

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from reminders.store.engine import Store
from reminders.store.tables import metadata


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("migrations")))
    config.attributes["connection"] = connection
    return config


def migrate(store: Store, revision: str = "head") -> tuple[str, str]:
    """Apply what is missing: (revision before, revision after). "" is an empty database."""
    with store.session() as session, session.write() as connection:
        before = _revision(connection)
        target = ScriptDirectory.from_config(_config()).get_current_head() or ""
        if revision != "head" or before != target:
            command.upgrade(_config(connection), revision)
        return before, _revision(connection)


def downgrade(store: Store, revision: str) -> None:
    with store.session() as session, session.write() as connection:
        command.downgrade(_config(connection), revision)


def _revision(connection: Connection) -> str:
    return MigrationContext.configure(connection).get_current_revision() or ""


def is_current(store: Store) -> bool:
    with store.read() as connection:
        return _revision(connection) == ScriptDirectory.from_config(_config()).get_current_head()


def drift(store: Store) -> list[str]:
    """How the database differs from the tables of this program; empty if it does not."""
    with store.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [str(difference) for difference in compare_metadata(context, metadata)]
