# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The uxen database: read in one short transaction, corrected in one, and locked zone by zone.

Its tables are as the runbook shows them; the API owns them and goes on writing beside us: docs/rules.md, rules 49 to
52. The runbook joins ``pengx.name``, which is pengx_pm's.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import time
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple, TypeVar, Union

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.database import (
    cause,
    patience,
    postgresql_driver,
    sentence,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import Display, VmUuid

T = TypeVar("T")
Declaration = Dict[str, Any]

LOCK_SECONDS = 3
# A transaction of ours that lost its client is ended by the server itself, so that its outcome can be read.
ORPHAN_SECONDS = 5
OUTCOME_SECONDS = 60
STATEMENT_SECONDS = 30

VM_COLUMNS = ("name", "memory", "wanted_state", "priority", "mac", "address")
NODE_COLUMNS = ("zone", "address")
_IDENTIFIER = re.compile(r"^[A-Za-z_][A-Za-z0-9_$]{0,62}\Z")

UXEN_DATABASE: Declaration = {
    "login_host": {"type": "str", "default": ""},
    "login_unix_socket": {"type": "path"},
    "login_port": {"type": "int", "default": 5432},
    "login_user": {"type": "str"},
    "login_password": {"type": "str", "no_log": True},
    "login_db": {"type": "str", "default": "uxenapi_production"},
    "ssl_mode": {
        "type": "str",
        "default": "prefer",
        "choices": ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
    },
    "ca_cert": {"type": "path", "aliases": ["ssl_rootcert"]},
    "ssl_cert": {"type": "path"},
    "ssl_key": {"type": "path"},
    "columns": {
        "type": "dict",
        "default": {},
        "options": {
            "vm": {"type": "dict", "default": {}, "options": {name: {"type": "str"} for name in VM_COLUMNS}},
            "node": {"type": "dict", "default": {}, "options": {name: {"type": "str"} for name in NODE_COLUMNS}},
        },
    },
}

# The option's name to libpq's.
_LIBPQ = {
    "login_host": "host",
    "login_port": "port",
    "login_user": "user",
    "login_password": "password",
    "login_db": "dbname",
    "ssl_mode": "sslmode",
    "ca_cert": "sslrootcert",
    "ssl_cert": "sslcert",
    "ssl_key": "sslkey",
}

# What is different from a store's advice, by the start of the SQLSTATE.
_ADVICE = (
    ("42P01", "Its tables are not those of the runbook: look whether login_db is the uxen API's."),
    ("42703", "Look at the columns that the option 'columns' names."),
    ("42501", "Let login_user read the tables, call pg_control_system(), and update vnc_port of pengx_vm."),
    ("3D000", "Look at login_db."),
    ("28", "Look at login_user and login_password (PGPASSFILE serves too)."),
    ("08", "Look whether the server is up and reachable from this controller, and at the login options."),
)


class UxenDatabaseError(Exception):
    """Nothing was written. The text says what happened and what to do."""


class RowsMoved(UxenDatabaseError):
    """Rows were not as they were read, or would not have ended as planned: all was rolled back."""


class ZoneLocked(UxenDatabaseError):
    """Another controller works on the zone; ``holder`` says who."""

    def __init__(self, holder: Holder) -> None:
        super().__init__("%s is locked in the uxen database by %s." % (holder.zone, holder.describe()))
        self.holder = holder


@dataclass(frozen=True)
class NodeRow:
    """A row of pengx_pm; ``more`` has the columns the site maps, as text."""

    uuid: str
    name: str
    more: Mapping[str, Optional[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class VmRow:
    """A row of pengx_vm; ``node`` is the name of its node, empty where pengx_pm has none for ``pm_uuid``.

    ``key`` is the uuid as the column has it.
    """

    key: str
    vm: VmUuid
    pm_uuid: str
    node: str
    display: Optional[Display]
    more: Mapping[str, Optional[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class DiskRow:
    """A row of pengx_disk."""

    uuid: str
    vm: VmUuid
    imgtype: str


@dataclass(frozen=True)
class Unreadable:
    """A row with a value that cannot be meant; ``node`` is that of a VM's row, as far as it can be known."""

    table: str
    node: str
    row: str
    said: str


@dataclass(frozen=True)
class Identity:
    """Which database this is and how far it has come: rule 52.

    ``transaction`` is the number the next one would have; a copy brought back from before has a smaller one.
    """

    system: str
    timeline: int
    transaction: int
    replica: bool


@dataclass(frozen=True)
class Reading:
    identity: Identity
    nodes: Tuple[NodeRow, ...]
    vms: Tuple[VmRow, ...]
    disks: Tuple[DiskRow, ...] = ()
    unreadable: Tuple[Unreadable, ...] = ()


@dataclass(frozen=True)
class DisplayWrite:
    """One ``UPDATE``: from ``old`` to ``new``."""

    vm: VmUuid
    old: Optional[Display]
    new: Display


@dataclass(frozen=True)
class PlaceWrite:
    """One ``UPDATE`` of a VM that is on another node now: its node by uuid, and its display where that is proven."""

    vm: VmUuid
    old: str
    new: str
    display: Optional[Display] = None


Write = Union[DisplayWrite, PlaceWrite]


@dataclass(frozen=True)
class Correction:
    """``state``: committed, aborted, or unknown where the server could not be asked what became of the commit.

    ``before`` are the rows as they were locked, ``now`` as they were last seen. Nothing is decided on an unknown one.
    """

    state: str
    transaction: int
    before: Tuple[VmRow, ...]
    now: Tuple[VmRow, ...] = ()
    said: str = ""


@dataclass(frozen=True)
class Holder:
    """Who has a zone. What another database user may not see of a session is empty."""

    zone: str
    who: str = ""
    host: str = ""
    run: str = ""
    what: str = ""
    since: str = ""
    session: int = 0

    def describe(self) -> str:
        hidden = "somebody whose session this database user may not see"
        who = "%s on %s (run %s)" % (self.who, self.host or "?", self.run or "?") if self.who else hidden
        return "%s since %s for %r, session %d" % (who, self.since or "?", self.what or "?", self.session)


class UxenDatabase:
    """``options`` are those of :data:`UXEN_DATABASE`. Every method opens a session of its own."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        columns = options.get("columns") or {}
        self._vm_columns = _mapped("vm", columns.get("vm") or {}, VM_COLUMNS)
        self._node_columns = _mapped("node", columns.get("node") or {}, NODE_COLUMNS)
        given = {libpq: options.get(name) for name, libpq in _LIBPQ.items()}
        given["host"] = options.get("login_unix_socket") or given["host"]
        self._libpq = {name: value for name, value in given.items() if value not in (None, "")}
        self.place = "%s@%s:%s/%s" % tuple(self._libpq.get(name, "") for name in ("user", "host", "port", "dbname"))
        try:
            self._driver = postgresql_driver()
        except ImportError as error:
            raise UxenDatabaseError("The uxen database %s" % error) from error

    def read(self, disks: bool = False) -> Reading:
        """Everything at one moment, in one short transaction that can write nothing."""
        with self._session() as session:
            session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            self._limit(session)
            identity = _identity(session)
            pms = self._select(session, "pengx_pm", ("uuid", "name"), self._node_columns)
            vms = self._select(session, "pengx_vm", ("uuid", "pm_uuid", "vnc_port"), self._vm_columns)
            held = self._select(session, "pengx_disk", ("uuid", "vm_uuid", "imgtype"), {}) if disks else []
            session.execute("COMMIT")
        nodes = [NodeRow(str(uuid), str(name), more) for (uuid, name), more in pms]
        names = {node.uuid: node.name for node in nodes}
        unreadable: List[Unreadable] = []
        return Reading(
            identity,
            tuple(nodes),
            tuple(_meant(unreadable, "pengx_vm", names, vms, lambda row, more: _vm_row(row, names, more))),
            tuple(_meant(unreadable, "pengx_disk", {}, held, _disk_row)),
            tuple(unreadable),
        )

    def correct(self, writes: Sequence[Write], seen: Iterable[VmRow], holder: Holder) -> Correction:
        """All the writes in their order, or none. ``seen``: the rows as :meth:`read` had them.

        The zone must still be held by the holder's run. The rows of every node concerned are locked, and
        must be as they were seen; each ``UPDATE`` has the old value in its WHERE; what is to be committed is read once
        more. Raises :class:`RowsMoved` on any surprise.
        """
        known = {row.vm: row for row in seen}
        concerned = {known[write.vm].pm_uuid for write in writes}
        concerned |= {write.new for write in writes if isinstance(write, PlaceWrite)}
        pms = sorted(concerned)
        names = {row.pm_uuid: row.node for row in known.values()}
        expected = {row.vm: row for row in known.values() if row.pm_uuid in pms}
        wanted = {**expected}
        for write in writes:
            row = wanted[write.vm]
            if isinstance(write, DisplayWrite):
                wanted[write.vm] = replace(row, display=write.new)
            else:
                display = write.display or row.display
                wanted[write.vm] = replace(row, pm_uuid=write.new, node=names.get(write.new, ""), display=display)
        with self._session() as session:
            session.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
            self._limit(session)
            identity = _identity(session)
            if identity.replica:
                raise UxenDatabaseError("%s is a replica, which is only read: name the primary." % self.place)
            ((transaction,),) = session.execute("SELECT txid_current()").fetchall()
            held = _holder(session, holder.zone)
            if held is None or held.run != holder.run:
                now_by = "by " + held.describe() if held else "by nobody"
                raise RowsMoved("This run lost its lock on %s: it is held %s." % (holder.zone, now_by))
            before = self._locked(session, pms, expected)
            _same(before, expected, "was changed by somebody else since it was read")
            written = self._write(session, writes, known)
            if written != len(writes):
                raise RowsMoved("%d rows were to be written and %d were. Nothing was." % (len(writes), written))
            _same(self._locked(session, pms, expected), wanted, "would not end as planned")
            try:
                ended = session.execute("COMMIT").statusmessage
            except self._driver.Error as error:
                lost = sentence(error.diag.message_primary or error)
                return self._outcome(transaction, identity, pms, tuple(before.values()), lost)
            if ended != "COMMIT":
                raise RowsMoved("The server rolled the transaction back (%s). Nothing was written." % ended)
        return Correction("committed", transaction, tuple(before.values()), tuple(wanted.values()))

    @contextlib.contextmanager
    def holding(self, holder: Holder) -> Iterator[Any]:
        """The zone is held, by a session of its own, while this lasts (rule 51); raises :class:`ZoneLocked`.

        A run that already holds it by another session of its own goes on. The holder's words stand in the statement
        that took the lock, where ``pg_stat_activity`` shows them: the database needs no table for it, and whoever has
        the session must not use it for another.
        """
        with self._session(application_name="cloudops.hypervisor %s@%s" % (holder.who, holder.host)) as session:
            words = {"who": holder.who, "host": holder.host, "run": holder.run, "what": holder.what}
            said = json.dumps(words).replace("*", "\\u002a")
            take = "SELECT pg_try_advisory_lock(%d) /* cloudops.hypervisor: %s */" % (_key(holder.zone), said)
            for _again in range(5):
                if session.execute(take).fetchall() == [(True,)]:
                    break
                held = _holder(session, holder.zone)
                if held is not None and held.run == holder.run != "":
                    break
                if held is not None:
                    raise ZoneLocked(held)
                # whoever had it is gone between the two questions
                time.sleep(0.1)
            else:
                raise ZoneLocked(Holder(holder.zone))
            yield session

    def holder(self, zone: str) -> Optional[Holder]:
        """Who has the zone now."""
        with self._session() as session:
            return _holder(session, zone)

    def release(self, zone: str, run: str) -> bool:
        """End the session by which this run holds the zone; whether it did. Another run's raises ZoneLocked."""
        with self._session() as session:
            held = _holder(session, zone)
            if held is not None and held.run != run:
                raise ZoneLocked(held)
            if held is not None:
                session.execute("SELECT pg_terminate_backend(%d)" % held.session)
                deadline = time.monotonic() + LOCK_SECONDS
                while _holder(session, zone) == held and time.monotonic() < deadline:
                    time.sleep(0.05)
            return held is not None

    def _write(self, session: Any, writes: Sequence[Write], known: Mapping[VmUuid, VmRow]) -> int:
        """The rows that were written, each with its old value in the WHERE."""
        displays = [one for one in writes if isinstance(one, DisplayWrite)]
        cursor = session.cursor()
        cursor.executemany(
            "UPDATE pengx_vm SET vnc_port = %s WHERE uuid = %s AND pm_uuid = %s"
            " AND vnc_port::text IS NOT DISTINCT FROM %s",
            [(str(one.new), known[one.vm].key, known[one.vm].pm_uuid, _text(one.old)) for one in displays],
        )
        written = max(cursor.rowcount, 0) if displays else 0
        for one in writes:
            if isinstance(one, PlaceWrite):
                row = known[one.vm]
                done = session.execute(
                    "UPDATE pengx_vm SET pm_uuid = %s, vnc_port = COALESCE(%s, vnc_port) WHERE uuid = %s"
                    " AND pm_uuid = %s AND vnc_port::text IS NOT DISTINCT FROM %s",
                    (one.new, _text(one.display), row.key, one.old, _text(row.display)),
                )
                written += done.rowcount
        return written

    def _outcome(
        self, transaction: int, identity: Identity, pms: Sequence[str], before: Tuple[VmRow, ...], lost: str
    ) -> Correction:
        """What became of a commit whose answer was lost: asked over new sessions until the server knows."""
        said = lost
        deadline = time.monotonic() + OUTCOME_SECONDS
        while time.monotonic() < deadline:
            try:
                with self._session() as session:
                    session.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
                    self._limit(session)
                    now = _identity(session)
                    if (now.system, now.timeline) != (identity.system, identity.timeline) or now.replica:
                        # its numbers may be another transaction's here
                        other = "another server answers: system %s, timeline %d" % (now.system, now.timeline)
                        return Correction("unknown", transaction, before, (), "%s; %s" % (lost, other))
                    # it waits for the lost transaction, if that still has the rows
                    rows = self._locked(session, pms, {row.vm: row for row in before})
                    ((status,),) = session.execute("SELECT txid_status(%d)" % transaction).fetchall()
                    session.execute("ROLLBACK")
                if status in ("committed", "aborted"):
                    return Correction(status, transaction, before, tuple(rows.values()), lost)
                said = "%s; the server says %s" % (lost, status or "that it is too long ago")
            except UxenDatabaseError as error:
                said = "%s; %s" % (lost, error)
            time.sleep(0.5)
        return Correction("unknown", transaction, before, (), said)

    def _locked(self, session: Any, pms: Sequence[str], known: Mapping[VmUuid, VmRow]) -> Dict[VmUuid, VmRow]:
        """The rows of these nodes and of these VMs, wherever they are now, kept from anybody else."""
        rows = session.execute(
            "SELECT uuid::text, pm_uuid::text, vnc_port::text FROM pengx_vm"
            " WHERE pm_uuid::text = ANY(%s) OR uuid::text = ANY(%s) ORDER BY uuid FOR UPDATE",
            (list(pms), [row.key for row in known.values()]),
        ).fetchall()
        names = {row.pm_uuid: row.node for row in known.values()}
        locked: Dict[VmUuid, VmRow] = {}
        for row in rows:
            try:
                one = _vm_row(row, names, {})
            except ValueError as error:
                # it was left out of what was seen, too
                if str(row[0]).lower() in known:
                    raise RowsMoved("The row of %s in pengx_vm: %s. Nothing was written." % (row[0], error)) from error
                continue
            if one.vm in locked:
                raise RowsMoved("pengx_vm has two rows for %s. Nothing was written." % one.vm)
            more = known[one.vm].more if one.vm in known else {}
            locked[one.vm] = replace(one, more=more)
        return locked

    def _select(
        self, session: Any, table: str, columns: Sequence[str], mapped: Mapping[str, str]
    ) -> List[Tuple[Tuple[Optional[str], ...], Dict[str, Optional[str]]]]:
        """Every row as the columns' texts and those of the mapped ones by their names."""
        sql = self._driver.sql
        wanted = [sql.SQL("{}::text").format(sql.Identifier(one)) for one in (*columns, *mapped.values())]
        query = sql.SQL("SELECT {} FROM {} ORDER BY 1").format(sql.SQL(", ").join(wanted), sql.Identifier(table))
        count = len(columns)
        return [(row[:count], dict(zip(mapped, row[count:]))) for row in session.execute(query).fetchall()]

    def _limit(self, session: Any) -> None:
        # A server set to commit asynchronously would lose what it said it had written in a crash.
        session.execute(
            "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true),"
            " set_config('idle_in_transaction_session_timeout', %s, true), set_config('synchronous_commit',"
            " CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'"
            " ELSE current_setting('synchronous_commit') END, true)",
            ("%ds" % LOCK_SECONDS, "%ds" % STATEMENT_SECONDS, "%ds" % ORPHAN_SECONDS),
        )

    @contextlib.contextmanager
    def _session(self, **more: str) -> Iterator[Any]:
        connection = None
        try:
            connection = self._driver.connect(**{**patience(), **self._libpq, **more}, autocommit=True)
            yield connection
        except self._driver.Error as error:
            code = error.sqlstate or "08"
            own = next((advice for start, advice in _ADVICE if code.startswith(start)), "")
            said = sentence(error.diag.message_primary or error)
            text = "The uxen database %s: %s. %s" % (self.place, said, own or cause(code)[1])
            raise UxenDatabaseError(text) from error
        finally:
            if connection is not None:
                # what was not committed is rolled back
                connection.close()


def _identity(session: Any) -> Identity:
    # The control file has a new timeline only some time after a promotion; the log being written has it at once.
    ((system, replica, file, control, transaction),) = session.execute(
        "SELECT (SELECT system_identifier::text FROM pg_control_system()), pg_is_in_recovery(),"
        " CASE WHEN NOT pg_is_in_recovery() THEN pg_walfile_name(pg_current_wal_lsn()) END,"
        " (SELECT timeline_id FROM pg_control_checkpoint()), txid_snapshot_xmax(txid_current_snapshot())"
    ).fetchall()
    return Identity(system, int(file[:8], 16) if file else control, transaction, replica)


def _holder(session: Any, zone: str) -> Optional[Holder]:
    key = _key(zone) % 2**64
    rows = session.execute(
        "SELECT a.pid, a.application_name, a.query, to_char(a.query_start AT TIME ZONE 'UTC',"
        """ 'YYYY-MM-DD"T"HH24:MI:SS"Z"') FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"""
        " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1"
        " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND l.classid::bigint = %s AND l.objid::bigint = %s",
        (key >> 32, key % 2**32),
    ).fetchall()
    if not rows:
        return None
    pid, application, query, since = rows[0]
    match = re.search(r"/\* cloudops\.hypervisor: (\{.*\}) \*/", query or "")
    try:
        words = {name: str(value) for name, value in json.loads(match.group(1)).items()} if match else {}
    except ValueError:
        words = {}
    # what another database user sees of the session
    who, _at, host = (application or "").rpartition(" ")[2].partition("@")
    known = {name: words.get(name, "") for name in ("run", "what")}
    return Holder(zone, words.get("who", who), words.get("host", host), since=since or "", session=pid, **known)


def _key(zone: str) -> int:
    """A lock's number, the same on every controller."""
    digest = hashlib.sha256(("cloudops.hypervisor zone " + zone).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _mapped(what: str, given: Mapping[str, Optional[str]], known: Sequence[str]) -> Dict[str, str]:
    mapped = {}
    for name, column in given.items():
        if name not in known:
            raise UxenDatabaseError("columns.%s.%s: no such column; there are %s." % (what, name, ", ".join(known)))
        if column is None:
            continue
        if not _IDENTIFIER.match(column):
            raise UxenDatabaseError("columns.%s.%s: %r is not the name of a column." % (what, name, column))
        mapped[name] = column
    return mapped


def _vm_row(row: Sequence[Optional[str]], nodes: Mapping[str, str], more: Mapping[str, Optional[str]]) -> VmRow:
    uuid, pm_uuid, port = row
    display = None if port is None else Display.of(port)
    return VmRow(uuid or "", VmUuid(uuid or ""), pm_uuid or "", nodes.get(pm_uuid or "", ""), display, more)


def _disk_row(row: Sequence[Optional[str]], _more: Mapping[str, Optional[str]]) -> DiskRow:
    uuid, vm, imgtype = row
    return DiskRow(uuid or "", VmUuid(vm or ""), imgtype or "")


def _meant(
    unreadable: List[Unreadable],
    table: str,
    nodes: Mapping[str, str],
    rows: Iterable[Tuple[Tuple[Optional[str], ...], Mapping[str, Optional[str]]]],
    make: Callable[[Sequence[Optional[str]], Mapping[str, Optional[str]]], T],
) -> Iterator[T]:
    for row, more in rows:
        one = _made(make, row, more)
        if isinstance(one, ValueError):
            unreadable.append(Unreadable(table, nodes.get(row[1] or "", ""), row[0] or "NULL", str(one)))
        else:
            yield one


def _made(make: Callable[..., T], *values: Any) -> Union[T, ValueError]:
    try:
        return make(*values)
    except ValueError as error:
        return error


def _same(found: Mapping[VmUuid, VmRow], expected: Mapping[VmUuid, VmRow], said: str) -> None:
    for vm in sorted({*found, *expected}):
        if found.get(vm) != expected.get(vm):
            was, now = (_shown(rows.get(vm)) for rows in (expected, found))
            raise RowsMoved("The row of %s in pengx_vm %s: %s, not %s. Nothing was written." % (vm, said, now, was))


def _shown(row: Optional[VmRow]) -> str:
    if row is None:
        return "no row on this node"
    return "vnc_port %s on %s" % ("NULL" if row.display is None else row.display, row.node or row.pm_uuid)


def _text(display: Optional[Display]) -> Optional[str]:
    return None if display is None else str(display)
