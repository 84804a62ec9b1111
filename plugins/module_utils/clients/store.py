# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What outlives a run: the journal, documents (plans, snapshots, reports) and locks, in SQLite or PostgreSQL.

Every write is committed when its method returns. A store is used by the process that opened it, not by its forks.
"""

from __future__ import annotations

import enum
import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.database import (
    Database,
    Query,
    StoreError,
    StoreMissing,
    connect,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.process import Process


class StoreTooNew(StoreError):
    """A newer version of the collection has written there."""


class RecordRefused(StoreError):
    """The record would make the journal say what is not so."""


class LockHeld(StoreError):
    """Somebody else works on it; ``holder`` says who."""

    def __init__(self, holder: Lock) -> None:
        super().__init__(
            "%s is locked by %s. If that run is known to have ended, break the lock (epoch %d) and give the reason."
            % (holder.name, holder.describe(), holder.epoch)
        )
        self.holder = holder


class LockLost(StoreError):
    """The lock of this run was broken or taken over: it must do nothing more."""


class DocumentEdited(StoreError):
    """The body is not the one that was saved or approved."""


class Phase(str, enum.Enum):
    STARTED = "started"  # written before the step
    DONE = "done"  # written after its result was verified
    FAILED = "failed"  # the step has ended; its job stays open
    CLOSED = "closed"  # given up, lost or rolled back, for the reason in the evidence
    NOTE = "note"


@dataclass(frozen=True)
class Author:
    """``who`` is a person, ``run`` one start of a playbook."""

    who: str
    run: str
    process: Process

    @classmethod
    def parse(cls, text: str) -> Author:
        data = json.loads(text)
        return cls(data["who"], data["run"], Process(**data["process"]))


@dataclass(frozen=True)
class Entry:
    """What is to be journalled. Without a step it is about the job on its subject as a whole.

    A job is open from its first ``started`` until the job itself is ``done`` or ``closed``, across runs.
    """

    job: str
    subject: str
    phase: Phase
    step: str = ""
    zone: str = ""
    plan: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> Dict[str, Any]:
        return {**asdict(self), "phase": self.phase.value}


@dataclass(frozen=True)
class Record:
    id: int
    at: str
    who: str
    run: str
    host: str
    entry: Entry

    def as_dict(self) -> Dict[str, Any]:
        about = {"id": self.id, "at": self.at, "who": self.who, "run": self.run, "host": self.host}
        return {**about, **self.entry.as_dict()}


@dataclass(frozen=True)
class Token:
    """A fencing token: every taking of a lock has a higher epoch than all before it."""

    name: str
    epoch: int


@dataclass(frozen=True)
class Lock:
    """``seen`` is the holder's last journal record under it. It is told to people; no lock ends by silence.

    ``replaced`` is the holder it was taken over from: its last step may have been cut short.
    """

    name: str
    epoch: int
    owner: Author
    what: str
    since: str
    seen: str
    replaced: Optional[Lock] = None

    @property
    def token(self) -> Token:
        return Token(self.name, self.epoch)

    def as_dict(self) -> Dict[str, Any]:
        return {
            "name": self.name,
            "epoch": self.epoch,
            "who": self.owner.who,
            "run": self.owner.run,
            "host": self.owner.process.host,
            "pid": self.owner.process.pid,
            "what": self.what,
            "since": self.since,
            "seen": self.seen,
            "replaced": self.replaced and self.replaced.as_dict(),
        }

    def describe(self) -> str:
        return "%s on %s (process %d, run %s) since %s for %r, last heard of at %s" % (
            self.owner.who,
            self.owner.process.host,
            self.owner.process.pid,
            self.owner.run,
            self.since,
            self.what,
            self.seen,
        )


@dataclass(frozen=True)
class Approval:
    sha256: str
    approver: str
    at: str


@dataclass(frozen=True)
class Header:
    id: int
    kind: str
    name: str
    created: str
    who: str
    run: str
    sha256: str
    approval: Optional[Approval]


@dataclass(frozen=True)
class Document:
    header: Header
    body: Any


_RECORD = "id, at, who, run, host, job, subject, phase, step, zone, plan, evidence"
_LOCK = "name, epoch, owner, what, since, seen"
_HEADER = (
    "d.id, d.kind, d.name, d.created, d.who, d.run, d.sha256, a.sha256, a.approver, a.at FROM cloudops_document d "
    "LEFT JOIN cloudops_approval a ON a.id = (SELECT MAX(id) FROM cloudops_approval WHERE document = d.id)"
)
# Of the record s: whether a later record e ends the job as a whole, or the step (or starts it anew).
_JOB_ENDED = (
    "EXISTS (SELECT 1 FROM cloudops_journal e WHERE e.job = s.job AND e.subject = s.subject AND e.id > s.id"
    " AND e.step = '' AND e.phase IN ('done', 'closed'))"
)
_STEP_ENDED = (
    "EXISTS (SELECT 1 FROM cloudops_journal e WHERE e.job = s.job AND e.subject = s.subject AND e.id > s.id"
    " AND e.step = s.step AND e.phase <> 'note')"
)
_OPEN_STEP = "s.phase = 'started' AND s.step <> '' AND NOT %s AND NOT %s" % (_STEP_ENDED, _JOB_ENDED)
_OPEN_JOB = "s.phase = 'started' AND NOT %s" % _JOB_ENDED


def _first_schema(database: Database) -> List[str]:
    return [
        "CREATE TABLE cloudops_journal (id %s, at TEXT NOT NULL, who TEXT NOT NULL, run TEXT NOT NULL,"
        " host TEXT NOT NULL, job TEXT NOT NULL, subject TEXT NOT NULL, phase TEXT NOT NULL, step TEXT NOT NULL,"
        " zone TEXT NOT NULL, plan TEXT NOT NULL, evidence TEXT NOT NULL, lock_name TEXT, epoch BIGINT)"
        % database.serial,
        "CREATE INDEX cloudops_journal_subject ON cloudops_journal (subject, job)",
        "CREATE INDEX cloudops_journal_run ON cloudops_journal (run)",
        "CREATE INDEX cloudops_journal_zone ON cloudops_journal (zone, at)",
        "CREATE TABLE cloudops_document (id %s, kind TEXT NOT NULL, name TEXT NOT NULL, created TEXT NOT NULL,"
        " who TEXT NOT NULL, run TEXT NOT NULL, sha256 TEXT NOT NULL, body TEXT NOT NULL)" % database.serial,
        "CREATE INDEX cloudops_document_name ON cloudops_document (kind, name)",
        "CREATE TABLE cloudops_approval (id %s, document BIGINT NOT NULL REFERENCES cloudops_document (id),"
        " sha256 TEXT NOT NULL, approver TEXT NOT NULL, run TEXT NOT NULL, at TEXT NOT NULL)" % database.serial,
        "CREATE INDEX cloudops_approval_document ON cloudops_approval (document)",
        "CREATE TABLE cloudops_lock (name TEXT PRIMARY KEY, epoch BIGINT NOT NULL, owner TEXT, what TEXT NOT NULL,"
        " since TEXT NOT NULL, seen TEXT NOT NULL)",
        *database.refuse("UPDATE", "cloudops_journal"),
        *database.refuse("DELETE", "cloudops_journal"),
        *database.refuse("UPDATE", "cloudops_document"),
        *database.refuse("UPDATE", "cloudops_approval"),
        *database.refuse("DELETE", "cloudops_approval"),
    ]


# The schema's version is the number of these that have been applied; a released one never changes.
MIGRATIONS: Tuple[Callable[[Database], List[str]], ...] = (_first_schema,)


def open_store(author: Author, url: str = "", read_only: bool = False) -> Store:
    """Where ``url`` says (see :func:`database.connect`). Reading only, nothing is made or changed."""
    database = connect(url, read_only)
    try:
        _bring_up_to_date(database, read_only)
    except BaseException:
        database.close()
        raise
    return Store(database, author)


def _version(database: Database, query: Query) -> int:
    found = 0
    if database.has_table(query, "cloudops_store"):
        found = int(query("SELECT MAX(version) FROM cloudops_store")[0][0])
    if found > len(MIGRATIONS):
        raise StoreTooNew(
            "The store %s has version %d and this collection knows %d: a newer collection has written there. "
            "Use that one, or name another store." % (database.place, found, len(MIGRATIONS))
        )
    return found


def _bring_up_to_date(database: Database, read_only: bool) -> None:
    with database.transaction(write=False) as query:
        found = _version(database, query)
    if found == len(MIGRATIONS):
        return
    if read_only:
        raise StoreMissing("The store %s holds nothing for this version of the collection yet." % database.place)
    with database.transaction() as query:
        database.lock_schema(query)
        found = _version(database, query)
        if found == 0:
            query("CREATE TABLE cloudops_store (version BIGINT PRIMARY KEY)")
        for version, statements in enumerate(MIGRATIONS[found:], found + 1):
            for statement in statements(database):
                query(statement)
            query("INSERT INTO cloudops_store VALUES (?)", version)


class Store:
    """Opened by :func:`open_store` for one author."""

    def __init__(self, database: Database, author: Author) -> None:
        self._database = database
        self._author = author

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()

    @property
    def place(self) -> str:
        """For people; without a password."""
        return self._database.place

    # The journal

    def record(self, entry: Entry, token: Optional[Token] = None) -> Record:
        """Append to the journal; with ``token``, only while the lock it came from is still held in that epoch."""
        return self.record_all([entry], token)[0]

    def record_all(self, entries: Sequence[Entry], token: Optional[Token] = None) -> List[Record]:
        """All of them or none, in their order."""
        for entry in entries:
            _check(entry)
        with self._database.transaction() as query:
            if token is not None:
                self._hold(query, token)
            return [self._admitted(query, entry, token) for entry in entries]

    def _admitted(self, query: Query, entry: Entry, token: Optional[Token]) -> Record:
        if entry.phase is Phase.DONE:
            _admit_done(query, entry)
        return self._append(query, entry, token)

    def records(
        self,
        job: str = "",
        subject: str = "",
        run: str = "",
        zone: str = "",
        step: str = "",
        phase: Optional[Phase] = None,
        since: Optional[datetime] = None,
        limit: int = 1000,
    ) -> List[Record]:
        """The newest ``limit`` records that match all that is given, oldest first."""
        wanted = {"job": job, "subject": subject, "run": run, "zone": zone, "step": step}
        if phase is not None:
            wanted["phase"] = phase.value
        where, values = _where({"s.%s = ?" % name: value for name, value in wanted.items()})
        if since is not None:
            where, values = where + " AND s.at >= ?", [*values, _timestamp(since)]
        return self._select(where, values, limit)

    def open_steps(self, job: str = "", subject: str = "", run: str = "", zone: str = "") -> List[Record]:
        """The ``started`` of each step whose outcome nobody has journalled: it is probed before anything else."""
        where, values = _where({"s.job = ?": job, "s.subject = ?": subject, "s.run = ?": run, "s.zone = ?": zone})
        return self._select("%s AND %s" % (where, _OPEN_STEP), values)

    def open_jobs(self, job: str = "", subject: str = "", run: str = "", zone: str = "") -> List[Record]:
        """The first ``started`` of each job that is neither done nor closed, whichever run began it."""
        where, values = _where({"s.job = ?": job, "s.subject = ?": subject, "s.run = ?": run, "s.zone = ?": zone})
        first = "SELECT MIN(s.id) FROM cloudops_journal s WHERE %s AND %s GROUP BY s.job, s.subject"
        return self._select("s.id IN (%s)" % (first % (where, _OPEN_JOB)), values)

    def _select(self, where: str, values: List[Any], limit: int = -1) -> List[Record]:
        sql = "SELECT %s FROM cloudops_journal s WHERE %s ORDER BY s.id DESC" % (_RECORD, where)
        if limit >= 0:
            sql, values = sql + " LIMIT ?", [*values, limit]
        with self._database.transaction(write=False) as query:
            return [_record(row) for row in reversed(query(sql, *values))]

    def _append(self, query: Query, entry: Entry, token: Optional[Token] = None) -> Record:
        row = query(
            "INSERT INTO cloudops_journal (at, who, run, host, job, subject, phase, step, zone, plan, evidence,"
            " lock_name, epoch) VALUES (%s, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING %s"
            % (self._database.now, _RECORD),
            *(str(text) for text in (self._author.who, self._author.run, self._author.process.host)),
            *(str(text) for text in (entry.job, entry.subject, entry.phase.value, entry.step, entry.zone, entry.plan)),
            canonical(entry.evidence),
            token and str(token.name),
            token and token.epoch,
        )[0]
        return _record(row)

    # Locks

    def acquire(self, name: str, what: str, above: int = 0) -> Lock:
        """Take the lock, or raise :class:`LockHeld`. The run that holds it gets it again, with the same epoch.

        ``above``: an epoch that somebody has heard of, from another store too; this one is higher.

        A holder whose process is proven gone is replaced; any other keeps it until a person breaks it, however
        silent: it may sleep and wake.
        """
        _check_text(lock=name, what=what)
        with self._database.transaction() as query:
            query("INSERT INTO cloudops_lock VALUES (?, 0, NULL, '', '', '') ON CONFLICT (name) DO NOTHING", str(name))
            holder = _holder(query, name)
            if holder is not None and holder.owner == self._author and holder.epoch > above:
                return holder
            self._make_way(holder)
            replaced = holder if holder is not None and holder.owner != self._author else None
            now = self._database.now
            (taken,) = query(
                "UPDATE cloudops_lock SET epoch = CASE WHEN epoch > ? THEN epoch ELSE ? END + 1,"
                " owner = ?, what = ?, since = %s, seen = %s WHERE name = ? RETURNING %s" % (now, now, _LOCK),
                above,
                above,
                json.dumps(asdict(self._author)),
                str(what),
                str(name),
            )
            lock = _lock(taken, replaced)
            if replaced is not None:
                self._append(query, _lock_note("lock taken over", replaced, "its process is gone"), lock.token)
            return lock

    def lock(self, name: str) -> Optional[Lock]:
        """Who holds it now."""
        with self._database.transaction(write=False) as query:
            rows = query("SELECT %s FROM cloudops_lock WHERE name = ? AND owner IS NOT NULL" % _LOCK, str(name))
        return _lock(rows[0]) if rows else None

    def may_acquire(self, name: str) -> None:
        """Raise :class:`LockHeld` where :meth:`acquire` would, and change nothing."""
        self._make_way(self.lock(name))

    def release(self, name: str) -> bool:
        """Whether it was held. Another run's lock is refused."""
        with self._database.transaction() as query:
            holder = _holder(query, name)
            if holder is not None and holder.owner != self._author:
                raise LockHeld(holder)
            query("UPDATE cloudops_lock SET owner = NULL WHERE name = ?", str(name))
            return holder is not None

    def break_lock(self, token: Token, reason: str) -> Lock:
        """On a person's word, about the one holding they have seen. Returns what it was."""
        _check_text(lock=token.name, reason=reason)
        with self._database.transaction() as query:
            holder = _holder(query, token.name)
            if holder is None or holder.epoch != token.epoch:
                now = holder.describe() if holder else "nobody"
                raise LockLost("%s is no longer held in epoch %d; now by %s." % (token.name, token.epoch, now))
            self._append(query, _lock_note("lock broken", holder, reason))
            query("UPDATE cloudops_lock SET owner = NULL WHERE name = ?", str(token.name))
            return holder

    def _make_way(self, holder: Optional[Lock]) -> None:
        if holder is not None and holder.owner != self._author and not holder.owner.process.is_gone():
            raise LockHeld(holder)

    def _hold(self, query: Query, token: Token) -> None:
        """Nobody can take the lock between this look at it and the end of the transaction."""
        found = query(
            "UPDATE cloudops_lock SET seen = %s WHERE name = ? AND epoch = ? AND owner IS NOT NULL RETURNING name"
            % self._database.now,
            str(token.name),
            token.epoch,
        )
        if not found:
            holder = _holder(query, token.name)
            raise LockLost(
                "This run lost its lock on %s (epoch %d)%s. Nothing more may be done under it; read the journal and "
                "start again." % (token.name, token.epoch, ", now held by " + holder.describe() if holder else "")
            )

    # Documents

    def save(self, kind: str, name: str, body: Any, keep: Optional[int] = None) -> Header:
        """A new document. Of its kind and name the last ``keep`` stay (all if not given), and all approved ones."""
        _check_text(kind=kind, name=name)
        text = canonical(body)
        values = (str(kind), str(name))
        with self._database.transaction() as query:
            ((number,),) = query(
                "INSERT INTO cloudops_document (created, kind, name, who, run, sha256, body)"
                " VALUES (%s, ?, ?, ?, ?, ?, ?) RETURNING id" % self._database.now,
                *values,
                str(self._author.who),
                str(self._author.run),
                _sha256(text),
                text,
            )
            if keep is not None:
                query(
                    "DELETE FROM cloudops_document WHERE kind = ? AND name = ?"
                    " AND id NOT IN (SELECT document FROM cloudops_approval)"
                    " AND id NOT IN (SELECT id FROM cloudops_document WHERE kind = ? AND name = ?"
                    " ORDER BY id DESC LIMIT ?)",
                    *values,
                    *values,
                    max(keep, 1),
                )
            return _header(query("SELECT %s WHERE d.id = ?" % _HEADER, number)[0])

    def forget(self, kind: str, before: datetime) -> None:
        """The documents of a kind that were saved before then are deleted, but no approved one."""
        with self._database.transaction() as query:
            query(
                "DELETE FROM cloudops_document WHERE kind = ? AND created < ?"
                " AND id NOT IN (SELECT document FROM cloudops_approval)",
                str(kind),
                _timestamp(before),
            )

    def documents(self, kind: str, name: str = "", limit: int = 100) -> List[Header]:
        """Newest first."""
        where, values = _where({"d.kind = ?": kind, "d.name = ?": name})
        with self._database.transaction(write=False) as query:
            rows = query("SELECT %s WHERE %s ORDER BY d.id DESC LIMIT ?" % (_HEADER, where), *values, limit)
        return [_header(row) for row in rows]

    def latest(self, kind: str, name: str) -> Optional[Document]:
        newest = self.documents(kind, name, limit=1)
        return self.get(newest[0].id) if newest else None

    def get(self, number: int) -> Optional[Document]:
        """Read and proven: a body that is not what was saved, or approved, raises :class:`DocumentEdited`."""
        with self._database.transaction(write=False) as query:
            return _document(query, number)

    def approve(self, number: int, sha256: str) -> Header:
        """The author approves what they have read, which is the document with this hash and no other."""
        with self._database.transaction() as query:
            document = _document(query, number)
            if document is None or document.header.sha256 != sha256:
                raise DocumentEdited(
                    "Document %d is not the one that was read (sha256 %s): it is %s. Read it again."
                    % (number, sha256, "gone" if document is None else document.header.sha256)
                )
            query(
                "INSERT INTO cloudops_approval (document, sha256, approver, run, at) VALUES (?, ?, ?, ?, %s)"
                % self._database.now,
                number,
                document.header.sha256,
                str(self._author.who),
                str(self._author.run),
            )
            return _header(query("SELECT %s WHERE d.id = ?" % _HEADER, number)[0])


def canonical(value: Any) -> str:
    """One text for one meaning: what a hash is taken of. ASCII, so that no database's encoding can change it."""
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise RecordRefused("What is to be stored is not JSON: %s." % error) from error


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _timestamp(moment: datetime) -> str:
    """Without a time zone it is UTC, as everything in the store."""
    moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _where(conditions: Mapping[str, str]) -> Tuple[str, List[Any]]:
    """Those that are given, all of which must hold."""
    given = {condition: str(value) for condition, value in conditions.items() if value}
    return " AND ".join(["1 = 1", *given]), list(given.values())


def _check_text(**texts: str) -> None:
    for name, text in texts.items():
        if not text.strip() or not text.isprintable():
            raise RecordRefused("%s must be printable text and not empty, not %r." % (name, text))


def _check(entry: Entry) -> None:
    _check_text(job=entry.job, subject=entry.subject)
    _check_text(
        **{name: text for name, text in (("step", entry.step), ("zone", entry.zone), ("plan", entry.plan)) if text}
    )
    if entry.phase is Phase.CLOSED and not entry.evidence.get("reason"):
        raise RecordRefused("Closing %s of %s takes a reason in its evidence." % (entry.job, entry.subject))


def _admit_done(query: Query, entry: Entry) -> None:
    """Nothing that was never begun, or is half done, is called done."""
    where, values = _where({"s.job = ?": entry.job, "s.subject = ?": entry.subject})
    found = [
        step for (step,) in query("SELECT step FROM cloudops_journal s WHERE %s AND %s" % (where, _OPEN_STEP), *values)
    ]
    if entry.step:
        if entry.step not in found:
            raise RecordRefused(
                "Step %r of %s for %s is not open: it was never started, or has ended."
                % (entry.step, entry.job, entry.subject)
            )
        return
    if found:
        raise RecordRefused(
            "%s of %s is not done: nobody knows the outcome of %s." % (entry.job, entry.subject, ", ".join(found))
        )
    if not query("SELECT 1 FROM cloudops_journal s WHERE %s AND %s LIMIT 1" % (where, _OPEN_JOB), *values):
        raise RecordRefused("%s of %s is not open: it was never started, or has ended." % (entry.job, entry.subject))


def _record(row: Tuple[Any, ...]) -> Record:
    number, at, who, run, host, job, subject, phase, step, zone, plan, evidence = row
    entry = Entry(job, subject, Phase(phase), step, zone, plan, json.loads(evidence))
    return Record(number, at, who, run, host, entry)


def _lock(row: Tuple[Any, ...], replaced: Optional[Lock] = None) -> Lock:
    name, epoch, owner, what, since, seen = row
    return Lock(name, epoch, Author.parse(owner), what, since, seen, replaced)


def _holder(query: Query, name: str) -> Optional[Lock]:
    # An update that changes nothing: PostgreSQL holds the row, free or not, until the transaction ends.
    rows = query("UPDATE cloudops_lock SET name = name WHERE name = ? RETURNING %s" % _LOCK, str(name))
    lock = next(iter(rows), None)
    return _lock(lock) if lock is not None and lock[2] is not None else None


def _lock_note(step: str, holder: Lock, reason: str) -> Entry:
    evidence = {"reason": reason, "holder": holder.describe(), "epoch": holder.epoch, "run": holder.owner.run}
    return Entry("lock", holder.name, Phase.NOTE, step, evidence=evidence)


def _header(row: Tuple[Any, ...]) -> Header:
    number, kind, name, created, who, run, sha256, approved, approver, at = row
    approval = Approval(approved, approver, at) if approved is not None else None
    return Header(number, kind, name, created, who, run, sha256, approval)


def _document(query: Query, number: int) -> Optional[Document]:
    rows = query("SELECT %s WHERE d.id = ?" % _HEADER, number)
    if not rows:
        return None
    header = _header(rows[0])
    ((text,),) = query("SELECT body FROM cloudops_document WHERE id = ?", number)
    really = _sha256(text)
    if really != header.sha256:
        raise DocumentEdited("%s %r (%d) was edited after it was saved." % (header.kind, header.name, number))
    if header.approval is not None and really != header.approval.sha256:
        raise DocumentEdited(
            "%s %r (%d) was edited after %s approved it at %s."
            % (header.kind, header.name, number, header.approval.approver, header.approval.at)
        )
    return Document(header, json.loads(text))
