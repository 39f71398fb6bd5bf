"""Throw-away copies of a database: what a dry run works on, so that it changes nothing.

A copy names patients. Whoever uses one holds a lock that ends with the process, so that what a
killed run left is known as such, and goes with the next one or the next purge.
"""

import fcntl
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from secrets import token_hex

from sqlalchemy import Connection

from reminders.errors import Problem, RepairNeeded
from reminders.store.engine import Store, open_engine, rows

PREFIX = "reminders_dry_"


@contextmanager
def throw_away(original: Store) -> Iterator[Store]:
    """A copy that nothing outlives, of the same kind as the original."""
    remove_leftovers(original)
    if original.is_sqlite:
        with _locked_folder() as folder:
            copy = folder / "copy.db"
            _copy_file(original, copy)
            store = Store(open_engine(f"sqlite:///{copy}"))
            try:
                yield store
            finally:
                store.close()
    else:
        with _schema_copy(original) as store:
            yield store


def remove_leftovers(original: Store) -> None:
    """Copies whose process was killed: nobody holds their lock any more."""
    if original.is_sqlite:
        for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
            if folder.stat().st_uid == os.getuid():
                _remove_if_free(folder)
        return
    with _free_connection(original) as connection:
        found = rows(
            connection,
            "SELECT nspname AS name FROM pg_namespace WHERE starts_with(nspname, :prefix)",
            prefix=PREFIX,
        )
        for row in found:
            if _lock(connection, row.name):
                connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {row.name} CASCADE")
                _unlock(connection, row.name)


@contextmanager
def _locked_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))  # readable by its owner alone
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_if_free(folder: Path) -> None:
    try:
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:  # in use, or just removed
        return


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
    name = f"{PREFIX}{token_hex(4)}"
    with _free_connection(original) as keeper:
        _lock(keeper, name)
        try:
            _copy_schema(original, name)
            url = original.engine.url.update_query_dict({"options": f"-csearch_path={name}"})
            store = Store(open_engine(url.render_as_string(hide_password=False)))
            try:
                yield store
            finally:
                store.close()
        finally:
            keeper.exec_driver_sql(f"DROP SCHEMA IF EXISTS {name} CASCADE")
            _unlock(keeper, name)


def _copy_schema(original: Store, name: str) -> None:
    """Every table as it stood at one moment."""
    with original.read() as connection:
        found = rows(
            connection, "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
        )
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
        for row in found:
            copy = f"{name}.{row.tablename}"
            connection.exec_driver_sql(f"CREATE TABLE {copy} (LIKE {row.tablename} INCLUDING ALL)")
            connection.exec_driver_sql(f"INSERT INTO {copy} SELECT * FROM {row.tablename}")


@contextmanager
def _free_connection(original: Store) -> Iterator[Connection]:
    """One that opens no transaction: a lock of its session makes nobody wait."""
    with original.session() as session, session.alone() as connection:
        yield connection


def _lock(connection: Connection, name: str) -> bool:
    found = rows(connection, "SELECT pg_try_advisory_lock(hashtext(:name)) AS mine", name=name)
    return bool(found[0].mine)


def _unlock(connection: Connection, name: str) -> None:
    rows(connection, "SELECT pg_advisory_unlock(hashtext(:name))", name=name)
