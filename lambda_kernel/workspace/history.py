"""What a user has run in all kernels, in one SQLite database.

If the database cannot be used, the history is off, and cells run as usual.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ..session.secret_patterns import typed_without

if TYPE_CHECKING:
    import sqlite3

T = TypeVar("T")
VERSION = 1
ENTRIES = 100_000
ENTRY_CHARACTERS = 100_000  # longer cells are data, and are not kept
PATTERN_CHARACTERS = 1_000  # SQLite gives up at 50,000 bytes (https://sqlite.org/limits.html)
MOST = 2**53  # the largest integer that is safe in JSON; SQLite has 64 bits
WAITING = 1_000  # entries that may wait for another kernel's transaction
BUSY_SECONDS = 1.0
SCHEMA = """
CREATE TABLE sessions (last INTEGER NOT NULL);
INSERT INTO sessions VALUES (0);
CREATE TABLE inputs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, session INTEGER NOT NULL, line INTEGER NOT NULL, time REAL NOT NULL,
  text TEXT NOT NULL
);
CREATE INDEX inputs_of_a_session ON inputs (session, line);
"""
COLUMNS = "session, line, time, text"


class Entry(NamedTuple):
    """One cell. line: its number in its session; time: when it was run, in seconds since 1970."""

    session: int
    line: int
    time: float
    text: str


class Newer(Exception):
    """A later version of this package has written the database."""

    def __str__(self) -> str:
        return "a newer version of lambda-kernel has written it"


class History:
    """Opened at its first use. Any thread may call it."""

    def __init__(self, path: Path, clock: Callable[[], float], entries: int = ENTRIES) -> None:
        self.path, self.clock, self.entries = path, clock, entries
        self.problem = ""  # why it is off
        self.session = 0  # this kernel's number, once it has saved something
        self.last = ""
        self.waiting: deque[Entry] = deque()
        self.lock = threading.Lock()
        self.connection: sqlite3.Connection | None = None

    def warm_up(self) -> None:
        """Load what the first cell needs."""
        _errors()
        typed_without("")

    def add(self, line: int, text: str) -> None:
        """Remember a cell; save() writes it.

        A cell that begins with a blank is not kept (bash's ignorespace). A repeated one is kept once (ignoredups).
        """
        if not text.strip() or text[0] in " \t" or len(text) > ENTRY_CHARACTERS:
            return
        text = typed_without(_storable(text))
        if text != self.last and len(self.waiting) < WAITING:
            self.waiting.append(Entry(0, line, self.clock(), text))
        self.last = text

    def save(self) -> None:
        self._use(lambda _: None, None)

    def tail(self, count: int | None = None) -> list[Entry]:
        """The newest entries, oldest first. Without a count: all."""
        return self.search(None, count)

    def search(self, pattern: str | None, count: int | None = None, unique: bool = False) -> list[Entry]:
        """The newest entries whose whole text matches; `*` and `?` work. unique: only the newest of equal texts."""
        if pattern is not None and len(pattern) > PATTERN_CHARACTERS:
            return []
        where, arguments = "", []
        if pattern is not None:
            where, arguments = "WHERE text GLOB ?", [_storable(pattern).replace("[", "[[]")]
        # With max(), SQLite takes the other columns from that row (https://sqlite.org/lang_select.html#bareagg).
        what = f"{COLUMNS}, max(id) AS id" if unique else f"{COLUMNS}, id"
        group = "GROUP BY text" if unique else ""
        query = f"SELECT {what} FROM inputs {where} {group} ORDER BY id DESC LIMIT ?"
        limit = self.entries if count is None else max(count, 0)
        return self._use(lambda connection: _entries(connection, query, [*arguments, limit])[::-1], [])

    def range(self, session: int = 0, start: int = 0, stop: int | None = None) -> list[Entry]:
        """Lines of a session from start to before stop. Session 0 is this kernel's, -1 the previous one."""
        query = f"SELECT {COLUMNS} FROM inputs WHERE session = ? AND line >= ? AND line < ? ORDER BY id"

        def find(connection: sqlite3.Connection) -> list[Entry]:
            number = session if session > 0 else self._own(connection) + session
            return _entries(connection, query, [number, start, MOST if stop is None else stop])

        return self._use(find, [])

    def find(self, kind: str, request: dict[str, Any]) -> list[Entry]:
        """Answer a history_request of Jupyter. A wrong request finds nothing."""
        count = _whole(request.get("n"))
        if kind == "tail":
            return self.tail(count)
        if kind == "range":
            session, start = _whole(request.get("session")) or 0, _whole(request.get("start")) or 0
            return self.range(session, start, _whole(request.get("stop")))
        if kind == "search":
            return self.search(str(request.get("pattern") or "*"), count, bool(request.get("unique")))
        return []

    def clear(self) -> bool:
        """Delete the entries of all kernels, also from the file. False: it was not possible."""

        def delete(connection: sqlite3.Connection) -> bool:
            connection.execute("DELETE FROM inputs")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return True

        self.last = ""
        return self._use(delete, False)

    def close(self) -> None:
        if self.waiting:
            self.save()
        with self.lock:
            self._close()

    def _use(self, use: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Write what waits, then return what use returns; otherwise, if the database cannot be used."""
        with self.lock:
            if self.problem:
                return otherwise
            try:
                connection = self._opened()
                self._write(connection)
                return use(connection)
            except _errors() as error:
                self._give_up(error)
                return otherwise

    def _give_up(self, error: Exception) -> None:
        """Turn the history off, unless the database is only locked: then it is written later."""
        if isinstance(error, OSError) or "is locked" not in str(error):
            # People share notebooks, and the home directory names its user.
            name = str(self.path).replace(str(Path.home()), "~", 1)
            self.problem = f"{name}: {getattr(error, 'strerror', None) or error}"
            self._close()

    def _opened(self) -> sqlite3.Connection:
        if self.connection is None:
            self.connection = _connect(self.path)
        return self.connection

    def _close(self) -> None:
        if self.connection:
            self.connection.close()
        self.connection = None

    def _write(self, connection: sqlite3.Connection) -> None:
        entries = list(self.waiting)
        if not entries:
            return
        with _transaction(connection):
            session = self.session or _new_session(connection)
            rows = [entry._replace(session=session) for entry in entries]
            connection.executemany(f"INSERT INTO inputs ({COLUMNS}) VALUES (?, ?, ?, ?)", rows)
            connection.execute("DELETE FROM inputs WHERE id <= (SELECT max(id) FROM inputs) - ?", [self.entries])
        self.session = session
        for _ in entries:
            self.waiting.popleft()

    def _own(self, connection: sqlite3.Connection) -> int:
        [[last]] = connection.execute("SELECT last FROM sessions")
        return self.session or int(last) + 1


def glob(words: str) -> str:
    """The pattern for texts that contain these words. A pattern with a wildcard is unchanged."""
    return words if re.search(r"[*?]", words) else f"*{words}*"


def _whole(value: object) -> int | None:
    return max(-MOST, min(value, MOST)) if isinstance(value, int) else None


def _errors() -> tuple[type[Exception], ...]:
    """The exceptions of an unusable database. Python may have been built without SQLite."""
    try:
        import sqlite3
    except ImportError:
        return (ImportError,)
    return (sqlite3.Error, OSError, Newer)


def _storable(text: str) -> str:
    """Without lone surrogates, which SQLite refuses."""
    return text.encode("utf-8", "replace").decode()


def _entries(connection: sqlite3.Connection, query: str, arguments: list[Any]) -> list[Entry]:
    return [Entry(*row[: len(Entry._fields)]) for row in connection.execute(query, arguments)]


def _new_session(connection: sqlite3.Connection) -> int:
    connection.execute("UPDATE sessions SET last = last + 1")
    [[last]] = connection.execute("SELECT last FROM sessions")
    return int(last)


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        yield


def _connect(path: Path) -> sqlite3.Connection:
    """SQLite gives its -wal and -shm files the database's mode."""
    import sqlite3  # late: it takes 3 ms, and not every kernel needs it

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    path.chmod(0o600)
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    import sqlite3

    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA secure_delete = ON")
    [[version]] = connection.execute("PRAGMA user_version")
    if version > VERSION:
        raise Newer
    if version < VERSION:
        _create(connection)
    # Another kernel may be doing the same, and SQLite does not wait here. It does not matter who sets the file's mode.
    with contextlib.suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA journal_mode = WAL")


def _create(connection: sqlite3.Connection) -> None:
    with _transaction(connection):
        [[version]] = connection.execute("PRAGMA user_version")
        if version < VERSION:
            for statement in filter(str.strip, SCHEMA.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
