"""Migrated databases of both kinds, cheap enough to give each test its own.

The schema is built once for a test run by the real migrations; a test gets a copy of the file
(SQLite) or of the template database (PostgreSQL).
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from reminders.store.engine import Store, open_engine
from reminders.store.migrate import migrate
from tests.support.postgres import Server

KINDS = ("sqlite", "postgresql")


class SqliteFiles:
    def __init__(self, folder: Path) -> None:
        self._template = folder / "template.db"
        store = Store(open_engine(f"sqlite:///{self._template}"))
        migrate(store)
        store.close()

    @contextmanager
    def migrated(self, folder: Path) -> Iterator[Store]:
        copy = folder / "hospital.db"
        shutil.copyfile(self._template, copy)
        store = Store(open_engine(f"sqlite:///{copy}"))
        try:
            yield store
        finally:
            store.close()


class PostgresDatabases:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._numbers = count(1)
        template = server.create_database()
        self._template = str(make_url(template).database)
        store = Store(open_engine(template))
        migrate(store)
        store.close()

    @contextmanager
    def migrated(self) -> Iterator[Store]:
        name = f"store_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {self._template}")
        store = Store(open_engine(self._server.url(name)))
        try:
            yield store
        finally:
            store.close()
            self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def _run(self, statement: str) -> None:
        with psycopg.connect(self._server.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


def address(store: Store) -> str:
    """The URL under which another process opens the same database."""
    return store.engine.url.render_as_string(hide_password=False)
