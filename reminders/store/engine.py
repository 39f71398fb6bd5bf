"""One database, SQLite or PostgreSQL, opened the way our promises need.

SQLite: WAL, synchronous=FULL (an acknowledged commit survives a power cut), foreign writers
waited for, and every write transaction BEGIN IMMEDIATE (a deferred one that upgrades fails at
once however long the busy timeout is). PostgreSQL: READ COMMITTED, conditional updates.
"""

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import URL, CursorResult, Engine, Row, bindparam, create_engine, event, text
from sqlalchemy import Connection as Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DBAPIError,
    NoSuchModuleError,
    OperationalError,
)
from sqlalchemy.pool import QueuePool

from reminders.errors import ConfigurationError, Problem, RepairNeeded

BUSY_SECONDS = 30

Record = Row[*tuple[Any, ...]]  # columns are read by name


def open_engine(url: str, base_dir: Path = Path()) -> Engine:
    """A relative SQLite path starts at `base_dir`.

    Raises ConfigurationError for an address that is not a usable database's.
    """
    try:
        address = make_url(url)
    except ArgumentError:
        raise ConfigurationError([_bad_url("adresse de base de données illisible")]) from None
    if address.get_backend_name() == "sqlite":
        if not address.database or address.database == ":memory:":
            raise ConfigurationError([_bad_url("une base SQLite doit être un fichier")])
        engine = create_engine(
            address.set(database=str(base_dir / address.database)),
            connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
            poolclass=QueuePool,
            hide_parameters=True,
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        event.listen(engine, "do_connect", _keep_to_ourselves)
        return engine
    if address.get_backend_name() == "postgresql":
        try:
            return _open_postgres(address.set(drivername="postgresql+psycopg"))
        except (ModuleNotFoundError, NoSuchModuleError):
            raise ConfigurationError(
                [_bad_url("le pilote PostgreSQL manque", "installer « reminders[postgres] »")]
            ) from None
    raise ConfigurationError([_bad_url("base inconnue", "sqlite:///fichier.db ou postgresql://…")])


def _open_postgres(address: URL) -> Engine:
    """The engine, and under its option `keys` a smaller one that hands out keys (`reserve`).

    What that one commits need not reach the disk at once: a commit that uses the keys takes it
    along.
    """
    started = str(address.query.get("options", ""))
    keys = create_engine(
        address.update_query_dict({"options": f"{started} -csynchronous_commit=off"}),
        pool_pre_ping=True,
        pool_size=1,
        max_overflow=1,
        hide_parameters=True,
    )
    return create_engine(
        address,
        pool_pre_ping=True,
        hide_parameters=True,  # an error must not quote the patient a statement was about
    ).execution_options(keys=keys)


def _bad_url(what: str, remedy: str = "voir docs/configuration.md") -> Problem:
    return Problem("store › url", what, remedy)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin_sqlite
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        f"busy_timeout = {BUSY_SECONDS * 1000}",
        "temp_store = FILE",
        "secure_delete = ON",  # a purged patient leaves no trace in free pages
        "cache_size = -32000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _keep_to_ourselves(_dialect: object, _record: object, args: list[Any], _: object) -> None:
    """A new file is made readable by its owner alone: it will hold health data. SQLite gives
    its journals the same rights. Where it cannot be made, SQLite says so itself.

    A file that is there is never opened here: closing it would drop every lock this process has
    on it (POSIX), and the next process to end would delete the journal we are writing to.
    """
    with suppress(OSError):
        os.close(os.open(args[0], os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _begin_sqlite(connection: Connection) -> None:
    reads = connection.get_execution_options().get("reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


class Store:
    """Short transactions on one database. Nothing here is open during a network call."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction, committed at the end; nothing stays if the block raises."""
        try:
            with self.engine.begin() as connection:
                yield connection
        except DatabaseError as error:
            if (told := _told(error)) is None:
                raise
            raise told from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view; writes of other processes are not waited for."""
        try:
            with self.engine.connect() as plain:
                connection = plain.execution_options(reads=True)
                if not self.is_sqlite:  # else each statement would see another moment
                    connection = connection.execution_options(isolation_level="REPEATABLE READ")
                with connection.begin():
                    yield connection
        except DatabaseError as error:
            if (told := _told(error)) is None:
                raise
            raise told from error

    @contextmanager
    def session(self) -> Iterator["Session"]:
        """Several transactions on one connection, for work that needs a temporary table."""
        try:
            with self.engine.connect() as connection:
                yield Session(connection)
        except DatabaseError as error:
            if (told := _told(error)) is None:
                raise
            raise told from error

    @property
    def exists(self) -> bool:
        """A SQLite file that is not there yet would be made by the first transaction."""
        return not self.is_sqlite or Path(self.engine.url.database or "").exists()

    def close(self) -> None:
        keys = self.engine.get_execution_options().get("keys")
        if keys is not None:
            keys.dispose()
        self.engine.dispose()


class Session:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        self._connection.execution_options(reads=False)
        with self._connection.begin():
            yield self._connection

    @contextmanager
    def scratch(self) -> Iterator[Connection]:
        """Reads and temporary tables only: no other writer waits for it."""
        self._connection.execution_options(reads=True)
        with self._connection.begin():
            yield self._connection

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """PostgreSQL: each statement by itself, with no transaction around them."""
        yield self._connection.execution_options(isolation_level="AUTOCOMMIT")


_REASONS = (  # words of the driver's sentence -> what is wrong, and the remedy
    (
        ("no such table", "no such column", "does not exist"),
        "schéma absent ou ancien",
        "lancer « reminders migrate »",
    ),
    (
        ("locked", "deadlock"),
        "occupée trop longtemps",
        "relancer ; si cela dure, chercher qui la tient",
    ),
    (("is full", "no space"), "disque plein", "libérer de la place, puis relancer"),
    (
        ("permission denied",),
        "droits insuffisants sur le serveur",
        "donner au compte CREATE sur la base, et ses tables",
    ),
    (("readonly", "read-only"), "en lecture seule", "donner au service le droit d'y écrire"),
    (
        ("not a database", "malformed"),
        "ce fichier n'est pas une base, ou il est abîmé",
        "vérifier store › url, ou restaurer une sauvegarde (docs/operations.md)",
    ),
)


def _told(error: DatabaseError) -> RepairNeeded | None:
    """What an administrator can repair, said so; None for a bug, which stays what it is.

    The driver's own sentence may quote values: only its class is kept.
    """
    reason = str(error.orig).lower() if error.orig is not None else ""
    for words, what, remedy in _REASONS:
        if any(word in reason for word in words):
            return RepairNeeded(Problem("base de données", what, remedy))
    if type(error) not in (DatabaseError, OperationalError):
        return None
    return RepairNeeded(
        Problem(
            "base de données",
            f"inaccessible ({type(error.orig).__name__})",
            "vérifier store › url, le disque et le serveur",
        )
    )


# Looking for the parameters in a statement takes longer than many a statement. The few texts that
# are put together differ by condition or sorting, not by value.
_prepared = lru_cache(maxsize=2_000)(text)


def rows(connection: Connection, sql: str, **values: object) -> Sequence[Record]:
    found: Sequence[Record] = connection.execute(_prepared(sql), values).all()
    return found


def run(connection: Connection, sql: str, **values: object) -> int:
    """Execute one statement; the number of rows it changed."""
    result: CursorResult[Any] = connection.execute(_prepared(sql), values)
    return result.rowcount


def many(connection: Connection, sql: str, values: Sequence[Mapping[str, object]]) -> None:
    if values:
        connection.execute(_prepared(sql), list(values))


def listed(
    connection: Connection, sql: str, ids: Sequence[object], **values: object
) -> CursorResult[Any]:
    """Execute a statement that says `IN :ids`, for whole numbers or texts.

    The list is one value, so the statement is the same however long it is: prepared once, while
    a parameter for each member is put together and compiled again at every call.
    """
    members: object = list(ids)
    if connection.dialect.name != "sqlite":
        statement = _prepared(sql.replace("IN :ids", "= ANY(:ids)"))
    elif isinstance(ids[0], bytes):  # JSON has none
        statement = text(sql).bindparams(bindparam("ids", expanding=True))
    else:
        statement = _prepared(sql.replace("IN :ids", "IN (SELECT value FROM json_each(:ids))"))
        members = json.dumps(members)
    return connection.execute(statement, {"ids": members, **values})


def insert_rows(
    connection: Connection, table: str, columns: Sequence[str], values: Sequence[Sequence[object]]
) -> None:
    """Append rows by the driver's fastest way: executemany on SQLite, COPY on PostgreSQL.

    `table` and `columns` are names of this program, never input.
    """
    if not values:
        return
    names = ", ".join(columns)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        connection.exec_driver_sql(
            f"INSERT INTO {table} ({names}) VALUES ({marks})",
            list(values),
        )
        return
    driver: Any = connection.connection.driver_connection
    failure: Any = connection.dialect.loaded_dbapi.Error
    statement = f"COPY {table} ({names}) FROM STDIN"
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in values:
                copy.write_row(row)
    except failure as error:  # told like any other statement's, without its values
        raise DBAPIError.instance(
            statement, None, error, failure, hide_parameters=True, dialect=connection.dialect
        ) from error


def reserve(connection: Connection, table: str, count: int) -> int:
    """The first of `count` fresh keys of a table.

    On SQLite they are taken in this transaction, which has the database to itself. On PostgreSQL
    in one of their own: transactions that took keys in another order would lock each other out,
    and all that take keys of one table would wait for each other. A gap costs nothing.
    """
    keys: Engine | None = connection.get_execution_options().get("keys")
    if keys is None:
        return _take_keys(connection, table, count)
    with keys.begin() as own:
        return _take_keys(own, table, count)


def _take_keys(connection: Connection, table: str, count: int) -> int:
    found = rows(
        connection,
        "INSERT INTO sequence (name, next) VALUES (:name, :after) "
        "ON CONFLICT (name) DO UPDATE SET next = sequence.next + :count RETURNING next",
        name=table,
        after=count + 1,
        count=count,
    )
    return int(found[0][0]) - count
