# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of a node: named, run at most once, apart from the ssh session that asked for them (rule 31).

A job is a program in a transient systemd unit and a folder on the node's own disk, so that its story survives both the
session and a reboot::

    order.json     what was asked; there only once program.py is
    began.json     written by the program itself before anything else, once and never again
    progress.json  rewritten as it goes
    end.json       its result
    journalled     a controller has it in its journal

Beside the folders lies the newest epoch of the zone the node has heard of. A job of an older one is refused here,
whatever the controller thinks (rule 30).
"""

from __future__ import annotations

import contextlib
import enum
import fcntl
import json
import math
import os
import re
import shutil
import sys
import time
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Protocol, Sequence, Tuple, TypeVar

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Host, LocalHost, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.epoch import Epoch
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.refusal import Refusal

ROOT = "/var/lib/cloudops-hypervisor"
UNIT = "cloudops-job-%s.service"
BOOT_ID = "/proc/sys/kernel/random/boot_id"
STARTERS_WAIT = 30.0
KEPT = 30 * 86400.0
_NAME = re.compile(r"^[a-z0-9][a-z0-9._-]{0,127}\Z")
_REMOVED = ".removed-"
_ACTIVE = ("active", "activating", "reloading", "deactivating", "refreshing", "maintenance")
_DEAD = ("inactive", "failed")
_Read = TypeVar("_Read")


class State(str, enum.Enum):
    NEVER_STARTED = "never_started"
    REVOKED = "revoked"  # never started, and never will
    RUNNING = "running"
    FINISHED = "finished"
    LOST = "lost"  # it began, and ended without a result
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Order:
    """What is to be done. ``timeout``: seconds from its beginning after which a job begins nothing more.

    ``not_after``: by the node's clock, when what it rests on is too old to begin, or to go on waiting for the lease.
    """

    name: str
    kind: str
    spec: Mapping[str, Any]
    epoch: Epoch
    timeout: float
    # the same job may be asked for again, on newer grounds
    not_after: Optional[float] = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            said = "name: 1 to 128 of a-z, 0-9, '.', '_' and '-' are wanted, a letter or digit first, not %r"
            raise ValueError(said % self.name)
        if not (self.timeout > 0 and math.isfinite(self.timeout)):
            raise ValueError("timeout: more than 0 seconds is wanted, not %r" % self.timeout)


@dataclass(frozen=True)
class Beginning:
    """The process that runs it. ``started``: in ticks since boot; ``at``: seconds since the epoch."""

    boot_id: str
    pid: int
    started: int
    at: float
    revoked: bool = False


@dataclass(frozen=True)
class Progress:
    """How far it is. ``acted``: what it does from here on may have been done if it is lost."""

    step: str
    at: float
    acted: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class End:
    """``rc``: 0 done, 1 refused or failed for the reason in ``refusal``, 2 crashed.

    ``acted``: something was, or may have been, changed. ``warnings``: what went wrong beside it.
    """

    rc: int
    at: float
    acted: bool
    result: Mapping[str, Any] = field(default_factory=dict)
    refusal: Mapping[str, Any] = field(default_factory=dict)
    warnings: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Job:
    """A job as it is now. ``why``: what a state that is no success came from; ``left``: processes it left behind."""

    name: str
    state: State
    why: str = ""
    order: Optional[Order] = None
    beginning: Optional[Beginning] = None
    progress: Optional[Progress] = None
    end: Optional[End] = None
    left: Tuple[str, ...] = ()
    journalled: bool = False

    def as_dict(self) -> Dict[str, Any]:
        """JSON, as M(cloudops.hypervisor.node_job_info) documents it."""
        order, end = self.order, self.end
        return {
            "name": self.name,
            "state": self.state.value,
            "why": self.why,
            "kind": order.kind if order else None,
            "spec": dict(order.spec) if order else None,
            "zone": order.epoch.zone if order else None,
            "epoch": order.epoch.number if order else None,
            "timeout": order.timeout if order else None,
            "boot_id": self.beginning.boot_id if self.beginning else None,
            "began": self.beginning.at if self.beginning else None,
            "progress": asdict(self.progress) if self.progress else None,
            "ended": end.at if end else None,
            "rc": end.rc if end else None,
            "acted": end.acted if end else bool(self.progress and self.progress.acted),
            "result": dict(end.result) if end else None,
            "refusal": dict(end.refusal) if end and end.refusal else None,
            "warnings": list(end.warnings) if end else [],
            "left": list(self.left),
            "journalled": self.journalled,
        }


def state_of(
    ordered: bool,
    beginning: Optional[Beginning],
    end: Optional[End],
    alive: bool,
    unit: Optional[bool],
    boot_id: str,
) -> Tuple[State, str]:
    """The state and why it is no success. ``alive``: its process runs; ``unit``: systemd runs its unit (None: mute)."""
    if end is not None:
        return State.FINISHED, str(end.refusal.get("said", "")) if end.rc else ""
    if beginning is not None and beginning.revoked:
        return State.REVOKED, "it was taken back before it began"
    if beginning is None:
        if unit is None:
            return State.UNKNOWN, "systemd does not tell whether its unit runs"
        if unit:
            return State.RUNNING, ""
        return State.NEVER_STARTED, "it was ordered and did not begin" if ordered else "no such job on this node"
    if alive:
        return State.RUNNING, ""
    if beginning.boot_id != boot_id:
        return State.LOST, "the node rebooted: it began at boot id %s, this is %s" % (beginning.boot_id, boot_id)
    return State.LOST, "its process (pid %d) ended without a result" % beginning.pid


# The files


def parse_order(text: str) -> Order:
    content = _object(text)
    try:
        epoch = Epoch(str(content["zone"]), _typed(content["epoch"], int))
        spec = _typed(content["spec"], dict)
        limit = content.get("not_after")
        return Order(
            content["name"],
            str(content["kind"]),
            spec,
            epoch,
            _typed(content["timeout"], float),
            None if limit is None else _typed(limit, float),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise NotUnderstood("no order: %s" % error) from None


def format_order(order: Order) -> str:
    content = {"name": order.name, "kind": order.kind, "zone": order.epoch.zone, "epoch": order.epoch.number}
    times = {"timeout": order.timeout, "not_after": order.not_after}
    return json.dumps({**content, **times, "spec": dict(order.spec)})


def parse_beginning(text: str) -> Beginning:
    content = _object(text)
    try:
        return Beginning(
            boot_id=str(content["boot_id"]),
            pid=_typed(content["pid"], int),
            started=_typed(content["started"], int),
            at=_typed(content["at"], float),
            revoked=_typed(content["revoked"], bool),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise NotUnderstood("no beginning: %s" % error) from None


def parse_progress(text: str) -> Progress:
    content = _object(text)
    try:
        step, acted, values = str(content["step"]), _typed(content["acted"], bool), _typed(content["values"], dict)
        return Progress(step, _typed(content["at"], float), acted, values)
    except (KeyError, TypeError, ValueError) as error:
        raise NotUnderstood("no progress: %s" % error) from None


def parse_end(text: str) -> End:
    content = _object(text)
    try:
        result, refusal = _typed(content["result"], dict), _typed(content["refusal"], dict)
        rc, at = _typed(content["rc"], int), _typed(content["at"], float)
        warnings = tuple(str(warning) for warning in _typed(content["warnings"], list))
        return End(rc, at, _typed(content["acted"], bool), result, refusal, warnings)
    except (KeyError, TypeError, ValueError) as error:
        raise NotUnderstood("no end: %s" % error) from None


def parse_journalled(text: str) -> float:
    """Since when, in seconds since the epoch."""
    content = _object(text)
    try:
        return float(_typed(content["at"], float))
    except (KeyError, TypeError) as error:
        raise NotUnderstood("no time: %s" % error) from None


def parse_epoch(text: str) -> Epoch:
    content = _object(text)
    try:
        return Epoch(str(content["zone"]), _typed(content["epoch"], int))
    except (KeyError, TypeError, ValueError) as error:
        raise NotUnderstood("no epoch: %s" % error) from None


def parse_unit(text: str) -> bool:
    """``systemctl show --property=ActiveState``: whether it runs. A unit that systemd does not know is inactive."""
    name, _equals, value = text.strip().partition("=")
    if name != "ActiveState" or value not in _ACTIVE + _DEAD:
        raise NotUnderstood(text.strip()[:200] or "empty output")
    return value in _ACTIVE


def _object(text: str) -> Dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise NotUnderstood(text.strip()[:200] or "empty file")
    return content


def _typed(value: Any, kind: Any) -> Any:
    # true and false are integers, too
    boolean = isinstance(value, bool)
    if kind is float and isinstance(value, int) and not boolean and abs(value) < 2**53:
        return float(value)
    if not isinstance(value, kind) or boolean != (kind is bool):
        raise TypeError("%s is wanted, not %r" % (kind.__name__, value))
    return value


class Folder:
    """The files of one job. Each appears whole or not at all, and is on the disk once it is written."""

    def __init__(self, root: str, name: str, host: Host) -> None:
        self.path = os.path.join(root, "jobs", name)
        self.host = host

    def file(self, name: str) -> str:
        return os.path.join(self.path, name)

    def order(self) -> Optional[Order]:
        return self._parsed("order.json", parse_order)

    def beginning(self) -> Optional[Beginning]:
        return self._parsed("began.json", parse_beginning)

    def progress(self) -> Optional[Progress]:
        return self._parsed("progress.json", parse_progress)

    def end(self) -> Optional[End]:
        return self._parsed("end.json", parse_end)

    def journalled(self) -> Optional[float]:
        """Since when it is in a controller's journal, in seconds since the epoch."""
        return self._parsed("journalled", parse_journalled)

    def _parsed(self, name: str, parse: Callable[[str], _Read]) -> Optional[_Read]:
        answer = self.host.read(self.file(name))
        if answer.problem is Problem.ABSENT:
            return None
        if not answer.ok:
            raise NotUnderstood("%s: %s" % (answer.source, answer.stderr))
        try:
            return parse(answer.stdout)
        except NotUnderstood as error:
            raise NotUnderstood("%s: %s" % (answer.source, error)) from None

    def set_order(self, order: Order, program: str) -> None:
        for folder in (os.path.dirname(self.path), self.path):
            with contextlib.suppress(FileExistsError):
                os.makedirs(folder, mode=0o700)
                _settle(os.path.dirname(folder))
        write_whole(self.file("program.py"), program)
        write_whole(self.file("order.json"), format_order(order))

    def begin(self, revoked: bool = False) -> bool:
        """Whether this process is the one that may go on; nobody ever is again."""
        boot_id = self.host.read(BOOT_ID).stdout.strip()
        pid = os.getpid()
        beginning = Beginning(boot_id, pid, started(self.host, pid) or 0, time.time(), revoked)
        return write_once(self.file("began.json"), json.dumps(asdict(beginning)))

    def set_progress(self, progress: Progress) -> None:
        write_whole(self.file("progress.json"), json.dumps(asdict(progress)))

    def set_end(self, end: End) -> None:
        write_whole(self.file("end.json"), json.dumps(asdict(end)))

    def set_journalled(self) -> None:
        write_once(self.file("journalled"), json.dumps({"at": time.time()}))


def write_whole(path: str, text: str) -> None:
    """Replace a file by a whole one that is on the disk."""
    new = _written_beside(path, text)
    os.rename(new, path)
    _settle(os.path.dirname(path))


def write_once(path: str, text: str) -> bool:
    """The same, unless it is there."""
    new = _written_beside(path, text)
    try:
        os.link(new, path)
    except FileExistsError:
        return False
    finally:
        os.unlink(new)
    _settle(os.path.dirname(path))
    return True


def _written_beside(path: str, text: str) -> str:
    # two processes may write the same file
    new = "%s.%d" % (path, os.getpid())
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(descriptor)
    return new


def _settle(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def require_in_time(order: Order, now: float) -> None:
    if order.not_after is not None and now > order.not_after:
        said = Phrase("job_too_old", "%.0f" % (now - order.not_after))
        raise Refusal("too_old", said)


def newest(host: Host, root: str) -> Optional[Epoch]:
    """The newest epoch this node has heard of."""
    answer = host.read(os.path.join(root, "epoch.json"))
    if answer.problem is Problem.ABSENT:
        return None
    try:
        return parse_epoch(answer.stdout)
    except NotUnderstood as error:
        said = "%s: %s" % (answer.source, error if answer.ok else answer.stderr)
        raise Refusal("epoch_unread", said) from None


def started(host: Host, pid: int) -> Optional[int]:
    """When the process of this id started, in ticks since boot; None when there is none, or it has ended."""
    # the name, in parentheses, may hold anything
    fields = host.read("/proc/%d/stat" % pid).stdout.rpartition(")")[2].split()
    return int(fields[19]) if len(fields) > 19 and fields[19].isdigit() and fields[0] not in ("Z", "X") else None


# The unit


class Launcher(Protocol):
    """What runs a program apart from the session that asked for it."""

    def refusal(self) -> str:
        """Why this node cannot; empty if it can."""

    def launch(self, unit: str, description: str, argv: Sequence[str]) -> str:
        """Why the unit was not started; empty if it was, or nothing was said against it."""

    def active(self, unit: str) -> Optional[bool]:
        """Whether it runs; None when that cannot be told."""

    def terminate(self, unit: str) -> str:
        """Send SIGTERM to the unit's main process; why that failed."""

    def left(self, unit: str) -> List[str]:
        """The processes of the unit."""

    def forget(self, unit: str) -> None:
        """Let go of a unit that has failed."""


class Systemd:
    """Transient systemd units. A failed one stays loaded, for people to see, until its job is journalled."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def refusal(self) -> str:
        # sd_booted(3)
        if self.host.glob("/run/systemd/system"):
            return ""
        init = self.host.read("/proc/1/comm").stdout.strip() or "unknown"
        return "jobs need systemd, and this node's init is %s" % init

    def launch(self, unit: str, description: str, argv: Sequence[str]) -> str:
        command = ["systemd-run", "--quiet", "--unit", unit, "--description", description]
        # what xl leaves running, device models too, is of this unit's control group and must survive it
        command += ["--property=KillMode=process", "--property=UMask=0077", "--setenv=LC_ALL=C", "--"]
        answer = self.host.run(command + list(argv), timeout=30.0)
        return "" if answer.ok and not answer.rc else (answer.stderr or answer.stdout).strip() or "nothing was said"

    def active(self, unit: str) -> Optional[bool]:
        if self.refusal():
            return False
        answer = self.host.run(["systemctl", "show", "--property=ActiveState", "--", unit], timeout=15.0)
        try:
            return parse_unit(answer.stdout) if answer.ok and not answer.rc else None
        except NotUnderstood:
            return None

    def terminate(self, unit: str) -> str:
        answer = self.host.run(["systemctl", "kill", "--kill-who=main", "--signal=SIGTERM", "--", unit], timeout=15.0)
        return "" if answer.ok and not answer.rc else answer.stderr.strip()

    def left(self, unit: str) -> List[str]:
        pids: List[str] = []
        for group in ("/sys/fs/cgroup/system.slice/%s", "/sys/fs/cgroup/systemd/system.slice/%s"):
            pids += self.host.read("%s/cgroup.procs" % (group % unit)).lines
        names = [(pid, self.host.read("/proc/%s/comm" % pid).stdout.strip()) for pid in dict.fromkeys(pids)]
        return ["%s (pid %s)" % (name, pid) for pid, name in names if name]

    def forget(self, unit: str) -> None:
        self.host.run(["systemctl", "reset-failed", "--", unit], timeout=15.0)


# What is done with them


class Jobs:
    """All jobs of this node."""

    def __init__(self, root: str, host: Host, launcher: Launcher) -> None:
        self.root = root
        self.host = host
        self.launcher = launcher

    def names(self) -> List[str]:
        paths = self.host.glob(os.path.join(self.root, "jobs", "*"))
        return [name for name in map(os.path.basename, paths) if _NAME.match(name)]

    def read(self, name: str) -> Job:
        folder = Folder(self.root, name, self.host)
        try:
            return self._read(name, folder)
        except NotUnderstood as error:
            return Job(name, State.UNKNOWN, str(error))

    def _read(self, name: str, folder: Folder) -> Job:
        unit = UNIT % name
        end = folder.end()
        # in this order: what ends while it is read is found ended, and never lost
        active = None if end else self.launcher.active(unit)
        beginning = folder.beginning()
        boot_id = self.host.read(BOOT_ID).stdout.strip()
        alive = (
            not end
            and beginning is not None
            and beginning.boot_id == boot_id
            and started(self.host, beginning.pid) == beginning.started
        )
        order, end = folder.order(), end or folder.end()
        state, why = state_of(order is not None, beginning, end, alive, active, boot_id)
        left = tuple(self.launcher.left(unit)) if state is State.LOST else ()
        return Job(name, state, why, order, beginning, folder.progress(), end, left, folder.journalled() is not None)

    def newest(self) -> Optional[Epoch]:
        return newest(self.host, self.root)

    def check(self, order: Order) -> Job:
        """The job of this name, if it is this one; refused if it is another, or may not be started any more."""
        said = self.launcher.refusal()
        if said:
            raise Refusal("no_systemd", said)
        job = self.read(order.name)
        # without an order it was revoked, or is nobody's of ours
        if job.order != order and not (job.order is None and job.state in (State.NEVER_STARTED, State.UNKNOWN)):
            said = "%s is another job here (%s): %s" % (order.name, job.state.value, job.order or job.why)
            raise Refusal("other_job", said, name=order.name, state=job.state.value)
        if job.state is State.UNKNOWN:
            raise Refusal("job_unknown", "%s: %s" % (order.name, job.why), name=order.name)
        if job.state is State.NEVER_STARTED:
            order.epoch.check(self.newest(), Phrase("this_node"))
            require_in_time(order, self.host.now())
        return job

    def start(self, order: Order, program: str) -> Tuple[Job, bool]:
        """The job, and whether it was this call that started it. Asked again with the same order it is found again."""
        with self._alone():
            job = self.check(order)
            if job.state is not State.NEVER_STARTED:
                return job, False
            self._prune()
            self._store(order.epoch, order.epoch.check)
            folder, unit = Folder(self.root, order.name, self.host), UNIT % order.name
            if job.order is not None:
                self.launcher.forget(unit)
            folder.set_order(order, program)
            description = "cloudops %s %s" % (order.kind, order.name)
            said = self.launcher.launch(unit, description, [sys.executable, "-I", "-S", folder.file("program.py")])
            job = self.read(order.name)
        if job.state is State.NEVER_STARTED:
            raise Refusal("not_launched", "%s was not started: %s" % (unit, said or job.why), name=order.name)
        return job, True

    def stop(self, name: str, patience: float) -> Tuple[Job, bool]:
        """The job, ended if it could be, and whether it was this call that ended it; one not begun never will."""
        ends = self.host.now() + patience
        asked = False
        while True:
            job = self.read(name)
            if job.state is State.NEVER_STARTED:
                with self._alone():
                    os.makedirs(Folder(self.root, name, self.host).path, mode=0o700, exist_ok=True)
                    asked = Folder(self.root, name, self.host).begin(revoked=True) or asked
                continue
            if job.state is not State.RUNNING or self.host.now() > ends:
                return job, asked
            if not asked:
                said = self.launcher.terminate(UNIT % name)
                asked = not said
            self.host.wait(0.5)

    def journal(self, name: str) -> Tuple[Job, bool]:
        """Note that a controller has it in its journal: it may be forgotten one day. Refused while it may still run."""
        job = self.read(name)
        if job.state not in (State.FINISHED, State.LOST, State.REVOKED):
            said = "%s is %s: only what has ended is journalled" % (name, job.state.value)
            raise Refusal("job_not_ended", said, name=name, state=job.state.value)
        if not job.journalled:
            Folder(self.root, name, self.host).set_journalled()
            self.launcher.forget(UNIT % name)
        return replace(job, journalled=True), not job.journalled

    def store(self, epoch: Epoch, foresee: bool = False, begin: bool = False) -> bool:
        """Refuse all older ones from now on; whether that is news: with ``begin`` it must be. ``foresee``: no more."""
        refuse = epoch.claim if begin else epoch.check
        if foresee:
            stored = self.newest()
            refuse(stored, Phrase("this_node"))
            return stored != epoch
        with self._alone():
            return self._store(epoch, refuse)

    def _store(self, epoch: Epoch, refuse: Callable[[Optional[Epoch], str], None]) -> bool:
        newest = self.newest()
        refuse(newest, Phrase("this_node"))
        if newest != epoch:
            content = {"zone": epoch.zone, "epoch": epoch.number}
            write_whole(os.path.join(self.root, "epoch.json"), json.dumps(content))
        return newest != epoch

    def _prune(self) -> None:
        jobs = os.path.join(self.root, "jobs")
        for name in self.names():
            folder = Folder(self.root, name, self.host)
            with contextlib.suppress(NotUnderstood):
                since = folder.journalled()
                if since is not None and self.host.now() - since > KEPT:
                    # in one step: half of its files would tell another story
                    os.rename(folder.path, os.path.join(jobs, _REMOVED + name))
        for path in self.host.glob(os.path.join(jobs, _REMOVED + "*")):
            shutil.rmtree(path, ignore_errors=True)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        os.makedirs(self.root, mode=0o700, exist_ok=True)
        lock = os.open(os.path.join(self.root, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        ends = time.monotonic() + STARTERS_WAIT
        try:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > ends:
                        said = "another run is starting a job here and does not come to an end"
                        raise Refusal("starting", said) from None
                    time.sleep(0.05)
            yield
        finally:
            os.close(lock)


def answer(params: Mapping[str, Any]) -> Dict[str, Any]:
    """What M(cloudops.hypervisor.node_job) and M(cloudops.hypervisor.node_job_info) return, done on this node.

    ``do``: read, check, start, stop, journal or store. A refusal is ``{failed: true, refusal, msg}``.
    """
    host = LocalHost()
    jobs = Jobs(ROOT, host, Systemd(host))
    try:
        if os.geteuid() != 0:
            raise Refusal("not_root", "the jobs of a node are root's: become root")
        done = perform(jobs, params)
    except Refusal as refusal:
        done = {"failed": True, "msg": refusal.said, "refusal": refusal.as_dict()}
    except OSError as error:
        said = "%s: %s" % (error.filename or ROOT, error.strerror)
        done = {"failed": True, "msg": said, "refusal": Refusal("disk", said).as_dict()}
    return done


def perform(jobs: Jobs, params: Mapping[str, Any]) -> Dict[str, Any]:
    do = params["do"]
    if do == "read":
        newest = jobs.newest()
        names = [params["name"]] if params.get("name") else jobs.names()
        return {
            "jobs": [jobs.read(name).as_dict() for name in names],
            "zone": newest.zone if newest else None,
            "epoch": newest.number if newest else None,
        }
    if do == "store":
        try:
            epoch = Epoch(params["zone"], params["epoch"])
        except ValueError as error:
            raise Refusal("epoch", str(error)) from None
        return {"changed": jobs.store(epoch, params.get("foresee", False), params.get("begin", False))}
    if do == "stop":
        job, changed = jobs.stop(params["name"], params["patience"])
    elif do == "journal":
        job, changed = jobs.journal(params["name"])
    else:
        order = parse_order(json.dumps(params["order"]))
        if do == "check":
            job, changed = jobs.check(order), False
        else:
            job, changed = jobs.start(order, params["program"])
    return {"changed": changed, "job": job.as_dict()}
