"""Throw-away copies of a database: what a dry run works on, so that it changes nothing."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory

from reminders.errors import Problem, RepairNeeded
from reminders.store.engine import Store, open_engine


@contextmanager
def throw_away(original: Store) -> Iterator[Store]:
    """A copy that nothing outlives, of the same kind as the original."""
    if original.is_sqlite:
        with TemporaryDirectory(prefix="reminders-") as folder:
            copy = Path(folder) / "copy.db"
            _copy_file(original, copy)
            store = Store(open_engine(f"sqlite:///{copy}"))
            try:
                yield store
            finally:
                store.close()
    else:
        with _schema_copy(original) as store:
            yield store


def _copy_file(original: Store, copy: Path) -> None:
    database = Path(original.engine.url.database or "")
    if not database.exists():
        if not database.parent.is_dir():
            raise RepairNeeded(
                Problem("base de données", "son dossier n'existe pas", "vérifier store › url")
            )
        return
    try:
        with (
            closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
    except sqlite3.DatabaseError as error:
        raise RepairNeeded(
            Problem(
                "base de données",
                f"illisible ({type(error).__name__})",
                "vérifier store › url, ou restaurer une sauvegarde (docs/operations.md)",
            )
        ) from error


@contextmanager
def _schema_copy(original: Store) -> Iterator[Store]:
    """PostgreSQL: the same tables in a schema of their own, dropped at the end."""
    name = f"reminders_dry_{token_hex(4)}"
    with original.write() as connection:
        tables = [
            str(row[0])
            for row in connection.exec_driver_sql(
                "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
            ).all()
        ]
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
        for table in tables:
            copy = f"{name}.{table}"
            connection.exec_driver_sql(f"CREATE TABLE {copy} (LIKE {table} INCLUDING ALL)")
            connection.exec_driver_sql(f"INSERT INTO {copy} SELECT * FROM {table}")
    url = original.engine.url.update_query_dict({"options": f"-csearch_path={name}"})
    store = Store(open_engine(url.render_as_string(hide_password=False)))
    try:
        yield store
    finally:
        store.close()
        with original.write() as connection:
            connection.exec_driver_sql(f"DROP SCHEMA {name} CASCADE")
