"""Bring a database to the schema of this release, or say that it is not.

Alembic and the tables are imported where they are used: a run that finds its database up to
date, as nearly every one does, starts in half the time.
"""

import warnings
from importlib.resources import files
from typing import TYPE_CHECKING

from sqlalchemy import Connection, MetaData, TextClause, inspect, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.schema import CreateIndex

from reminders.errors import Problem, RepairNeeded
from reminders.store.engine import Store

if TYPE_CHECKING:
    from alembic.config import Config

VERSION_TABLE = "alembic_version"


def migrate(store: Store, revision: str = "head") -> tuple[str, str]:
    """Apply what is missing: (revision before, revision after). "" is an empty database."""
    before = revision_of(store)
    if before == (head() if revision == "head" else revision):
        return before, before
    if before and before not in _revisions():
        raise RepairNeeded(
            Problem(
                "base de données",
                f"son schéma ({before}) est plus récent que ce programme ({head()})",
                "installer la version qui l'a migrée, ou restaurer une sauvegarde plus ancienne",
            )
        )
    from alembic import command

    with store.session() as session, session.write() as connection:
        _alone(connection)
        try:
            command.upgrade(_config(connection), revision)
        except DatabaseError as error:
            raise RepairNeeded(
                Problem(
                    "base de données",
                    f"migration impossible ({type(error.orig).__name__}), rien n'a changé",
                    "vérifier que store › url désigne bien la base de ce service",
                )
            ) from error
    return before, revision_of(store)


def downgrade(store: Store, revision: str) -> None:
    from alembic import command

    with store.session() as session, session.write() as connection:
        command.downgrade(_config(connection), revision)


def head() -> str:
    """The revision of this release: migrations are numbered and named after their file."""
    return max(_revisions())


def _revisions() -> set[str]:
    names = (file.name for file in files("migrations").joinpath("versions").iterdir())
    return {name.removesuffix(".py") for name in names if name[:4].isdigit()}


def revision_of(store: Store) -> str:
    with store.read() as connection:
        return _revision(connection)


def is_current(store: Store) -> bool:
    return revision_of(store) == head()


def drift(store: Store) -> list[str]:
    """How the database differs from the tables of this program; empty if it does not."""
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    from reminders.store.schema import metadata

    with store.read() as connection, warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*expression-based index")
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = [str(difference) for difference in compare_metadata(context, metadata)]
        return found + (_drift_of_expressions(connection, metadata) if store.is_sqlite else [])


def _drift_of_expressions(connection: Connection, tables: MetaData) -> list[str]:
    """SQLite's indexes over an expression: SQLAlchemy cannot reflect them, so the statements that
    made them are compared."""
    meant = {
        str(index.name): str(CreateIndex(index).compile(dialect=connection.dialect))
        for table in tables.tables.values()
        for index in table.indexes
        if any(isinstance(one, TextClause) for one in index.expressions)
    }
    made = connection.exec_driver_sql(
        "SELECT DISTINCT m.name, m.sql FROM sqlite_master m, pragma_index_info(m.name) part "
        "WHERE m.type = 'index' AND part.cid = -2"
    )
    there = {row.name: row.sql for row in made}
    return [
        f"index {name}: {there.get(name, 'missing')} instead of {meant.get(name, 'none')}"
        for name in sorted(there.keys() | meant.keys())
        if there.get(name) != meant.get(name)
    ]


def _alone(connection: Connection) -> None:
    """Two processes that start together migrate once; on SQLite BEGIN IMMEDIATE sees to it."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('reminders migrate'))"))


def _revision(connection: Connection) -> str:
    if not inspect(connection).has_table(VERSION_TABLE):
        return ""
    return str(connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar() or "")


def _config(connection: Connection) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files("migrations")))
    config.attributes["connection"] = connection
    return config
