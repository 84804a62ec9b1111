# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two databases a store can lie in, behind one face: transactions, ``?`` places, errors one can act on."""

from __future__ import annotations

import collections
import contextlib
import errno
import importlib
import os
import sqlite3
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping, Protocol, Sequence, Tuple, Type
from urllib.parse import quote, unquote, urlsplit

WAIT_SECONDS = 30
_MIGRATION_LOCK = 0x636C6F75646F7073

Rows = List[Tuple[Any, ...]]
Query = Callable[..., Rows]


class StoreError(Exception):
    """Nothing of the attempted write is in the store. The text says what happened and what to do."""


class StoreUnavailable(StoreError):
    """Not reachable, not permitted, or its driver is not installed."""


class StoreMissing(StoreUnavailable):
    """Nothing has been written there yet."""


class StoreBusy(StoreError):
    """Another writer did not finish in time."""


class StoreReadOnly(StoreError):
    """It can be read but not written."""


class StoreFull(StoreError):
    """There is no space left for a record."""


class StoreCorrupt(StoreError):
    """What is there is not a store, or a damaged one."""


class Database(Protocol):
    """``place`` names it for people and never holds a password; ``now`` is its own clock in SQL, as UTC text."""

    place: str
    now: str
    serial: str

    def transaction(self, write: bool = True) -> contextlib.AbstractContextManager[Query]: ...

    def has_table(self, query: Query, name: str) -> bool: ...

    def lock_schema(self, query: Query) -> None: ...

    def refuse(self, action: str, table: str) -> Sequence[str]:
        """The statements that make the database itself refuse ``UPDATE`` or ``DELETE`` of a table."""
        raise NotImplementedError

    def close(self) -> None: ...


def default_path(environment: Mapping[str, str]) -> Path:
    state = environment.get("XDG_STATE_HOME", "")
    # The XDG specification says that a relative path is to be ignored.
    root = Path(state) if os.path.isabs(state) else Path.home() / ".local" / "state"
    return root / "cloudops-hypervisor" / "store.sqlite3"


def connect(url: str, read_only: bool = False) -> Database:
    """The database at ``url``: ``postgresql://…``, ``sqlite:///path``, or the default file if empty."""
    if not url:
        return SqliteDatabase(default_path(os.environ), read_only)
    parts = urlsplit(url)
    if parts.scheme in ("postgresql", "postgres"):
        return PostgresqlDatabase(url)
    if parts.scheme == "sqlite" and not parts.netloc and parts.path.startswith("/"):
        return SqliteDatabase(Path(unquote(parts.path)), read_only)
    raise StoreUnavailable(
        "The store's URL (scheme %r) is not understood: use postgresql://[user@]host/database, "
        "sqlite:///absolute/path, or leave it out for the default file." % parts.scheme
    )


def postgresql_driver() -> Any:
    """Raises ImportError with what to do about it."""
    try:
        return importlib.import_module("psycopg")
    except ImportError as error:
        raise ImportError(
            "needs the Python package psycopg on the controller: pip install 'psycopg[binary]' (%s)." % error
        ) from error


def patience() -> Dict[str, Any]:
    """A server that vanishes behind a cut cable must end the wait, not hold the run for a quarter of an hour."""
    return {
        "connect_timeout": 10,
        "keepalives_idle": 15,
        "tcp_user_timeout": WAIT_SECONDS * 1000,
        "application_name": "cloudops.hypervisor",
    }


class SqliteDatabase:
    now = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
    serial = "INTEGER PRIMARY KEY AUTOINCREMENT"

    def __init__(self, path: Path, read_only: bool = False) -> None:
        self.place = str(path)
        with self._errors():
            if not read_only:
                _make_private(path)
            elif not path.exists():
                raise StoreMissing("There is no store at %s yet." % path)
            # A reader too must be able to roll back what a killed writer left: mode=ro could not.
            self._connection = sqlite3.connect(
                "file:%s?mode=rw" % quote(str(path)), uri=True, timeout=WAIT_SECONDS, isolation_level=None
            )
            # A home directory may be on NFS, where WAL's shared memory does not work. EXTRA also makes the end of the
            # rollback journal durable: a committed record outlives a power cut the moment after.
            settings = ("query_only = ON",) if read_only else ("journal_mode = DELETE", "synchronous = EXTRA")
            for setting in settings:
                self._connection.execute("PRAGMA " + setting)

    @contextlib.contextmanager
    def transaction(self, write: bool = True) -> Iterator[Query]:
        def query(sql: str, *values: Any) -> Rows:
            return self._connection.execute(sql, values).fetchall()

        with self._errors():
            # IMMEDIATE waits its turn at the start; a lock upgraded later may fail at once instead.
            self._connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            try:
                yield query
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def has_table(self, query: Query, name: str) -> bool:
        return bool(query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", name))

    def lock_schema(self, query: Query) -> None:
        """A write transaction of SQLite is alone already."""

    def refuse(self, action: str, table: str) -> Sequence[str]:
        return (
            f"CREATE TRIGGER {table}_{action} BEFORE {action} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} takes no {action}'); END",
        )

    def close(self) -> None:
        self._connection.close()

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _explained(getattr(error, "sqlite_errorname", "SQLITE_ERROR"), self.place, error) from error
        except OSError as error:
            kind = _ERRNO.get(error.errno or 0, StoreUnavailable)
            advice = "Free space there." if kind is StoreFull else "Make the place writable, or name another store."
            raise kind("The store %s: %s. %s" % (self.place, error.strerror, advice)) from error


class PostgresqlDatabase:
    now = """to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""
    serial = "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"

    def __init__(self, url: str) -> None:
        try:
            self._driver = postgresql_driver()
        except ImportError as error:
            raise StoreUnavailable("A store in PostgreSQL %s" % error) from error
        try:
            wanted = self._driver.conninfo.conninfo_to_dict(url)
        except self._driver.Error:
            # The driver's own words quote the URL, with the password in it.
            raise StoreUnavailable(
                "The store's PostgreSQL URL is not valid. Write special characters in it as %XX."
            ) from None
        self.place = "postgresql://{user}@{host}/{dbname}".format_map(collections.defaultdict(str, wanted))
        with self._errors():
            self._connection = self._driver.connect(**{**patience(), **wanted}, autocommit=True)

    @contextlib.contextmanager
    def transaction(self, write: bool = True) -> Iterator[Query]:
        def query(sql: str, *values: Any) -> Rows:
            cursor = self._connection.execute(sql.replace("?", "%s"), values)
            return list(cursor.fetchall()) if cursor.description else []

        with self._errors(), self._connection.transaction():
            # A server set to commit asynchronously would lose the last records in a crash.
            query(
                "SELECT set_config('lock_timeout', ?, true), set_config('statement_timeout', ?, true),"
                " set_config('synchronous_commit', CASE current_setting('synchronous_commit')"
                " WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true)",
                "%ds" % WAIT_SECONDS,
                "%ds" % (2 * WAIT_SECONDS),
            )
            yield query

    def has_table(self, query: Query, name: str) -> bool:
        # Not to_regclass(): its cache may miss a table that was made while this session waited for a lock.
        return bool(query("SELECT 1 FROM pg_class WHERE relname = ? AND pg_table_is_visible(oid)", name))

    def lock_schema(self, query: Query) -> None:
        query("SELECT pg_advisory_xact_lock(?)", _MIGRATION_LOCK)

    def refuse(self, action: str, table: str) -> Sequence[str]:
        statements = [
            "CREATE OR REPLACE FUNCTION cloudops_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' takes no ' || TG_OP; END $$",
            f"CREATE TRIGGER {table}_{action} BEFORE {action} ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION cloudops_refuse()",
        ]
        if action == "DELETE":
            statements.append(
                f"CREATE TRIGGER {table}_truncate BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION cloudops_refuse()"
            )
        return statements

    def close(self) -> None:
        self._connection.close()

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except self._driver.Error as error:
            raise _explained(error.sqlstate or "08", self.place, error.diag.message_primary or error) from error


_ERRNO: Mapping[int, Type[StoreError]] = {
    errno.ENOSPC: StoreFull,
    errno.EDQUOT: StoreFull,
    errno.EROFS: StoreReadOnly,
}

# By the start of SQLite's error name or PostgreSQL's SQLSTATE; the first that fits.
_CAUSES: Sequence[Tuple[str, Type[StoreError], str]] = (
    ("SQLITE_FULL", StoreFull, "Free space on its file system."),
    ("SQLITE_READONLY", StoreReadOnly, "Make the file and its directory writable, or name another store."),
    ("SQLITE_CORRUPT", StoreCorrupt, "Keep the file for evidence; rescue it with 'sqlite3 FILE .recover' or a backup."),
    ("SQLITE_NOTADB", StoreCorrupt, "Keep the file for evidence; put a backup in its place, or name another store."),
    ("SQLITE_BUSY", StoreBusy, "Look for a writer that hangs ('fuser FILE') and try again."),
    ("SQLITE_IOERR", StoreUnavailable, "Look at the disk; on NFS, whether the mount has working locks."),
    ("SQLITE_CANTOPEN", StoreUnavailable, "Look at the owner and the permissions of the file and its directory."),
    ("SQLITE_PERM", StoreUnavailable, "Look at the owner and the permissions of the file and its directory."),
    ("53100", StoreFull, "Free space on the database server."),
    ("25006", StoreReadOnly, "Name the primary server; this one is a replica or set read-only."),
    ("XX001", StoreCorrupt, "Restore the database from a backup."),
    ("XX002", StoreCorrupt, "Rebuild the index that the server's log names."),
    ("55P03", StoreBusy, "Look in pg_stat_activity for a session that holds a lock, and try again."),
    ("57014", StoreBusy, "Look in pg_stat_activity for what holds the server up, and try again."),
    ("40", StoreBusy, "Try again."),
    ("42501", StoreUnavailable, "Let the user create tables in its schema (the owner of the database may)."),
    ("28", StoreUnavailable, "Look at the user and password (PGPASSFILE keeps it out of the URL)."),
    ("53", StoreUnavailable, "Look at the server's limits on memory and connections."),
    ("57P", StoreUnavailable, "Wait for the server to be up again."),
    ("3D000", StoreUnavailable, "Create the database first."),
    ("08", StoreUnavailable, "Look whether the server is up and reachable from this controller."),
)


def cause(code: str) -> Tuple[Type[StoreError], str]:
    """What an error of this name or SQLSTATE is to a store, and what is done about it."""
    unforeseen = (StoreError, "This was not foreseen (%s); look at the database and its log." % code)
    return next(((kind, advice) for start, kind, advice in _CAUSES if code.startswith(start)), unforeseen)


def sentence(said: object) -> str:
    """A driver's words on one line, without their end."""
    return " ".join(str(said).split()).rstrip(".?")


def _explained(code: str, place: str, said: object) -> StoreError:
    kind, advice = cause(code)
    return kind("The store %s: %s. %s" % (place, sentence(said), advice))


def _make_private(path: Path) -> None:
    """Nobody else may read what the journal says of customers' machines."""
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if path == default_path(os.environ) and path.parent.stat().st_mode & 0o077:
        path.parent.chmod(0o700)
    try:
        # Only a new file is opened: closing any descriptor of a file drops the locks this process has on it.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
