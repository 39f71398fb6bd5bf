"""Migrated databases of both kinds, cheap enough to give each test its own.

The schema is built once for a test run by the real migrations; a test gets a copy of the file
(SQLite) or of the template database (PostgreSQL).
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Engine, event, make_url
from sqlalchemy.pool import QueuePool

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
        event.listen(store.engine, "connect", _trust_the_system)
        try:
            yield store
        finally:
            store.close()


def _trust_the_system(connection: sqlite3.Connection, _: object) -> None:
    """No disk is waited for: a test outlives its process at most, never the machine. And rows
    whose order a statement leaves open come in the other one, so that no test passes by luck."""
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA reverse_unordered_selects=ON")


# Emptying is ten times cheaper than cloning: a clone copies a few hundred small files.
EMPTY = """
DO $$ DECLARE one record; filled boolean; BEGIN
  SET LOCAL session_replication_role = replica;  -- the audit's triggers would keep its lines
  FOR one IN SELECT tablename AS name FROM pg_tables
    WHERE schemaname = 'public' AND tablename <> 'alembic_version'
  LOOP
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', one.name) INTO filled;
    IF filled THEN EXECUTE format('DELETE FROM %I', one.name); END IF;
  END LOOP;
END $$
"""
LAYOUT = """
SELECT s.nspname, '', '' FROM pg_namespace s WHERE s.nspname !~ '^pg_' UNION ALL
SELECT s.nspname, t.relname, c.attname FROM pg_class t
JOIN pg_namespace s ON s.oid = t.relnamespace JOIN pg_attribute c ON c.attrelid = t.oid
WHERE s.nspname !~ '^pg_' AND s.nspname <> 'information_schema' AND t.relkind IN ('r', 'v')
AND c.attnum > 0 AND NOT c.attisdropped ORDER BY 1, 2, 3
"""


class PostgresDatabases:
    """Migrated databases, used again once emptied unless a test left one changed or in use."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._numbers = count(1)
        self._free: list[str] = []
        # A database keeps its connections from one test to the next: each new one reads the
        # catalogue and plans every statement again, which takes longer than most tests.
        self._engines: dict[str, Engine] = {}
        self._cleaners: dict[str, psycopg.Connection[Any]] = {}
        template = server.create_database()
        self._template = str(make_url(template).database)
        store = Store(open_engine(template))
        migrate(store)
        store.close()
        with psycopg.connect(template) as connection:
            self._layout = connection.execute(LAYOUT.encode()).fetchall()

    @contextmanager
    def migrated(self) -> Iterator[Store]:
        name = self._free.pop() if self._free else self._clone()
        store = Store(self._engines[name].execution_options())  # with listeners of its own
        try:
            yield store
        finally:
            if self._is_left_alone(store) and self._is_empty_again(name):
                self._free.append(name)
            else:
                self._close(name)
                self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        for name in list(self._engines):
            self._close(name)

    def _close(self, name: str) -> None:
        Store(self._engines.pop(name)).close()
        self._cleaners.pop(name).close()

    def _is_left_alone(self, store: Store) -> bool:
        pool = store.engine.pool
        return isinstance(pool, QueuePool) and pool.checkedout() == 0

    def _clone(self) -> str:
        name = f"store_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {self._template}")
        self._engines[name] = open_engine(self._server.url(name))
        cleaner = psycopg.connect(self._server.url(name), autocommit=True)
        cleaner.execute("SET lock_timeout = '2s'")  # a killed process may still hold something
        self._cleaners[name] = cleaner
        return name

    def _is_empty_again(self, name: str) -> bool:
        try:
            cleaner = self._cleaners[name]
            cleaner.execute(EMPTY.encode())
            return cleaner.execute(LAYOUT.encode()).fetchall() == self._layout
        except psycopg.Error:
            return False

    def _run(self, statement: str) -> None:
        with psycopg.connect(self._server.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


def address(store: Store) -> str:
    """The URL under which another process opens the same database."""
    return store.engine.url.render_as_string(hide_password=False)
