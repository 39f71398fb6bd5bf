"""Where an export goes: a folder, a ZIP file, or a download that is made while it is read."""

import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, cast

PIECE = 256 * 1024
OWNER_ONLY = 0o600


class Folder:
    """Files only their owner may read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        path = self._folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(_private(path), "wb") as stream:
            yield stream


class Zip:
    """One file of everything, written from its beginning to its end without going back."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(
            cast("IO[bytes]", _Onward(stream)), "w", zipfile.ZIP_DEFLATED, compresslevel=6
        )

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        info = zipfile.ZipInfo(name)  # 1980: the archive itself says when it was made
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = OWNER_ONLY << 16
        with self._zip.open(info, "w", force_zip64=True) as stream:
            yield stream

    def close(self) -> None:
        self._zip.close()


class _Onward:
    """A stream without the way back that zipfile would use to complete what it wrote."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def write(self, piece: bytes) -> int:
        return self._stream.write(piece)

    def flush(self) -> None:
        self._stream.flush()


def new_file(path: Path) -> IO[bytes]:
    """Raises FileExistsError: an export overwrites nothing."""
    return os.fdopen(_private(path), "wb")


def _private(path: Path) -> int:
    return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY)


def while_written(
    write: Callable[[IO[bytes]], None], folder: Path | None = None
) -> Iterator[bytes]:
    """The pieces of what `write` writes, read from a nameless file of `folder` behind it.

    So the writing, and the view of the database it holds, lasts as long as it must and not as
    long as a slow reader likes. A reader who leaves ends it; what goes wrong ends the pieces.
    """
    with _nameless(folder) as kept:
        behind = _Behind(kept)
        writer = threading.Thread(target=behind.run, args=(write,), name="export", daemon=True)
        writer.start()
        try:
            yield from behind.pieces()
        finally:
            behind.left = True
            writer.join()


def _nameless(folder: Path | None) -> IO[bytes]:
    """In the hospital's own folder if it may be written to: /tmp is often memory."""
    try:
        return cast("IO[bytes]", TemporaryFile(buffering=0, dir=folder))
    except OSError:
        return cast("IO[bytes]", TemporaryFile(buffering=0))


class ReaderLeft(Exception):
    """Nobody waits for the rest."""


class _Behind:
    def __init__(self, kept: IO[bytes]) -> None:
        self._kept = kept
        self._more = threading.Condition()
        self._written = 0
        self._done = False
        self._failed: BaseException | None = None
        self._ended = False
        self.left = False

    def run(self, write: Callable[[IO[bytes]], None]) -> None:
        try:
            write(cast("IO[bytes]", self))
        except BaseException as error:  # told to whoever reads, in their thread
            self._failed = error
        with self._more:
            self._done = True
            self._more.notify()

    def write(self, piece: bytes) -> int:
        if self.left:
            return self._nobody_reads(piece)
        view = memoryview(piece)
        at = self._written
        while view:
            done = os.pwrite(self._kept.fileno(), view, at)
            view, at = view[done:], at + done
        with self._more:
            self._written = at
            self._more.notify()
        return len(piece)

    def _nobody_reads(self, piece: bytes) -> int:
        """End the writing, once: what closes behind it must not fail again."""
        if not self._ended:
            self._ended = True
            raise ReaderLeft
        return len(piece)

    def flush(self) -> None:
        """Nothing is kept back."""

    def pieces(self) -> Iterator[bytes]:
        read = 0
        while True:
            with self._more:
                while not self._done and self._written == read:
                    self._more.wait()
                end, done = self._written, self._done
            while read < end:
                piece = os.pread(self._kept.fileno(), min(PIECE, end - read), read)
                read += len(piece)
                yield piece
            if done:
                break
        if self._failed is not None:
            raise self._failed
