# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way to read a node: commands, files and sockets, each with a deadline, none of which can hang the caller.

Source of the rules: rule 44 and the health contract of docs/rules.md. A reading never raises: it comes back as an
:class:`Answer`, whose ``problem`` says why there is nothing to parse.
"""

from __future__ import annotations

import contextlib
import copy
import enum
import errno
import fcntl
import glob
import itertools
import math
import os
import re
import select
import signal
import socket
import stat
import struct
import subprocess
import threading
import time
from dataclasses import dataclass, replace
from typing import Dict, List, Mapping, Optional, Protocol, Sequence, Tuple, Union

from ansible_collections.cloudops.hypervisor.plugins.module_utils.host_names import is_address, is_name
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase

SEARCH_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
RUNTIME_DIRECTORY = "/run/cloudops-hypervisor"
OUTPUT_LIMIT = 8 * 1024 * 1024
PIECE = 65536
NO_TIME_LEFT = "not asked: the check's time was used up before"
_STUCK, _LOCK = "stuck", "lock"
KILL_PATIENCE = 1.0
# a node short of CPU may need as long to end what it was told to
SLOW_KILL_PATIENCE = 10.0
_UNINTERRUPTIBLE = "D"
_ENDED = ("Z", "X")
# fields of /proc/PID/stat; with its start time a recycled pid is not taken for the old process
_STATE, _SESSION, _STARTED = 0, 3, 19
_ARP = 0x0806
_ETHERNET = 1
# struct timex up to its clock reading, with the machine's own alignment
_TIMEX = "@Illllilll"
_TIMEX_NAMES = (
    "mode",
    "offset",
    "frequency",
    "maxerror",
    "esterror",
    "status",
    "time_constant",
    "precision",
    "tolerance",
)


class Problem(str, enum.Enum):
    """Why a reading gave nothing."""

    ABSENT = "absent"  # no such command or file
    DENIED = "denied"  # permission
    TIMEOUT = "timeout"  # ended by its deadline
    STUCK = "stuck"  # cannot even be killed: it sleeps in the kernel
    BLOCKED = "blocked"  # not tried: it would hang
    FAILED = "failed"  # refused, or ended with an error and nothing to read
    NOT_UNDERSTOOD = "not_understood"  # answered, but not in a form the parser knows


class Touches(str, enum.Enum):
    """What a reading may wait for in the kernel."""

    NOTHING = "nothing"
    DISKS = "disks"
    OCFS2 = "ocfs2"
    NFS = "nfs"


@dataclass(frozen=True)
class Missing:
    """A reading that could not be taken; ``detail`` is the tool's own words or the cause."""

    reading: str
    problem: Problem
    detail: str = ""


@dataclass(frozen=True)
class Answer:
    """What a command, file or socket gave. ``rc`` is None for everything but a command that ended."""

    source: str
    stdout: str = ""
    stderr: str = ""
    rc: Optional[int] = None
    problem: Optional[Problem] = None

    @property
    def ok(self) -> bool:
        """There is output to parse. A command's return code is the parser's business: many tools lie about it."""
        return self.problem is None

    @property
    def lines(self) -> List[str]:
        return self.stdout.splitlines()

    def quote(self, *lines: str) -> Tuple[str, ...]:
        """Evidence: these lines (or the last one of stderr) with the command or file they were read from."""
        chosen = [line.strip() for line in lines if line.strip()] or _last_line(self.stderr)
        return tuple("%s: %s" % (self.source, line[:300]) for line in chosen) or (self.source,)

    def missing(self, problem: Optional[Problem] = None, detail: str = "") -> Missing:
        said = detail or (self.stderr if isinstance(self.stderr, Phrase) else "")
        said = said or "; ".join(_last_line(self.stderr) or _last_line(self.stdout))[:300]
        return Missing(self.source, problem or self.problem or Problem.FAILED, said)


def _last_line(text: str) -> List[str]:
    return [line.strip() for line in text.splitlines() if line.strip()][-1:]


class Host(Protocol):
    """A node as a probe sees it: the real one (:class:`LocalHost`) or a recording."""

    def run(
        self,
        argv: Sequence[str],
        timeout: float = 10.0,
        touches: Touches = Touches.NOTHING,
        environment: Optional[Mapping[str, str]] = None,
    ) -> Answer: ...

    def read(self, path: str) -> Answer: ...

    def glob(self, pattern: str) -> List[str]: ...

    def link(self, path: str) -> Optional[str]: ...

    def exchange(self, address: str, port: int, request: bytes = b"", timeout: float = 3.0) -> Answer: ...

    def ask(self, path: str, request: bytes, until: bytes, timeout: float = 3.0) -> Answer: ...

    def who_has(self, interface: str, address: str, timeout: float = 1.0) -> Answer: ...

    def adjtimex(self) -> Answer: ...

    def now(self) -> float: ...

    def wait(self, seconds: float) -> None: ...


class LocalHost:
    """The node this process runs on.

    Anything that may sleep in the kernel is a child process: the parent abandons it and goes on. At most one such
    child is left behind on a node: it is written down, so that the next run finds it and does not add a second, and
    of several runs only one at a time reads what may hang.
    """

    def __init__(self, runtime_directory: Optional[str] = None) -> None:
        self._runtime = runtime_directory
        self._blocked: Dict[Touches, str] = {}
        self._one_at_a_time = threading.Lock()
        self._ends = math.inf

    def until(self, ends: float) -> LocalHost:
        """The same node, whose readings end by then (time.monotonic()); what is refused here is refused there."""
        hurried = copy.copy(self)
        hurried._ends = ends
        return hurried

    def block(self, touches: Touches, cause: str) -> None:
        """Refuse from now on every reading that touches this; the cause is part of its answer."""
        self._blocked.setdefault(touches, cause)

    def _block_everything(self, cause: str) -> None:
        for touches in (Touches.DISKS, Touches.OCFS2, Touches.NFS):
            self.block(touches, cause)

    def run(
        self,
        argv: Sequence[str],
        timeout: float = 10.0,
        touches: Touches = Touches.NOTHING,
        environment: Optional[Mapping[str, str]] = None,
    ) -> Answer:
        if touches is Touches.NOTHING:
            return self._run(argv, timeout, environment)
        source = " ".join(argv)
        ends = min(time.monotonic() + timeout, self._ends)
        with self._one_at_a_time:
            cause = self._blocked.get(touches)
            if cause is None:
                lock, cause = self._alone(ends)
            if cause is not None:
                return Answer(source, stderr=cause, problem=Problem.BLOCKED)
            try:
                return self._run(argv, timeout, environment)
            finally:
                if lock is not None:
                    os.close(lock)

    def _run(self, argv: Sequence[str], timeout: float, environment: Optional[Mapping[str, str]]) -> Answer:
        answer = Answer(" ".join(argv))
        timeout = min(timeout, self._ends - time.monotonic())
        if timeout <= 0:
            return replace(answer, stderr=NO_TIME_LEFT, problem=Problem.TIMEOUT)
        # LANGUAGE outranks LC_ALL for gettext's messages
        clean = {k: v for k, v in os.environ.items() if k not in ("LANGUAGE", "LANG") and not k.startswith("LC_")}
        clean.update({"LC_ALL": "C", "PATH": SEARCH_PATH})
        clean.update(environment or {})
        try:
            # the path is given in env and looked up by the child: a module may be started with a bare one
            program = _which(argv[0])
            child = subprocess.Popen(
                [program] + list(argv[1:]),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=clean,
                cwd="/",
                start_new_session=True,
            )
        except FileNotFoundError:
            return replace(answer, stderr="%s: command not found" % argv[0], problem=Problem.ABSENT)
        except PermissionError as error:
            return replace(answer, stderr=str(error), problem=Problem.DENIED)
        except (OSError, ValueError) as error:
            return replace(answer, stderr=str(error), problem=Problem.FAILED)
        started = _stat(child.pid, _STARTED) or "0"
        stdout, stderr, in_time = _collect(child, timeout)
        if in_time:
            return replace(answer, stdout=stdout, stderr=stderr, rc=child.returncode)
        stuck = _kill(child, int(started))
        if stuck is None:
            said = "gave no answer within %.3g s" % timeout
            return replace(answer, stdout=stdout, stderr=said, problem=Problem.TIMEOUT)
        cause = Phrase("unkillable", answer.source, stuck)
        self._remember_stuck(child.pid, started, answer.source)
        self._block_everything(cause)
        return replace(answer, stdout=stdout, stderr=cause, problem=Problem.STUCK)

    def read(self, path: str) -> Answer:
        """A file that cannot hang: procfs, sysfs, configfs, debugfs, or the root file system's /etc."""
        answer = Answer(path)
        try:
            with open(path, "rb", buffering=0) as stream:
                # /proc/sys answers ENOMEM to a read of some megabytes
                pieces = list(itertools.islice(iter(lambda: stream.read(PIECE), b""), OUTPUT_LIMIT // PIECE))
                return replace(answer, stdout=_text(b"".join(pieces)))
        except (FileNotFoundError, NotADirectoryError):
            return replace(answer, stderr="no such file", problem=Problem.ABSENT)
        except PermissionError:
            return replace(answer, stderr="permission denied", problem=Problem.DENIED)
        except OSError as error:
            return replace(answer, stderr=error.strerror or str(error), problem=Problem.FAILED)

    def glob(self, pattern: str) -> List[str]:
        return sorted(glob.glob(pattern))

    def link(self, path: str) -> Optional[str]:
        """Where a symbolic link of procfs, sysfs or /etc leads, as written; None when it is none."""
        try:
            return os.readlink(path)
        except OSError:
            return None

    def exchange(self, address: str, port: int, request: bytes = b"", timeout: float = 3.0) -> Answer:
        """Connect, send, and read until the peer closes; with no request the connection alone is the answer."""
        answer = Answer("tcp %s:%d" % (address, port))
        timeout = min(timeout, self._ends - time.monotonic())
        if timeout <= 0:
            return replace(answer, stderr=NO_TIME_LEFT, problem=Problem.TIMEOUT)
        deadline = time.monotonic() + timeout
        received = bytearray()
        try:
            place = self._resolved(address, timeout)
            remaining = max(deadline - time.monotonic(), 0.001)
            with socket.create_connection((place, port), timeout=remaining) as connection:
                if not request:
                    return answer
                connection.sendall(request)
                _receive(connection, received, deadline)
        except socket.timeout:
            said = "gave no answer within %.3g s" % timeout
            return replace(answer, stdout=_text(received), stderr=said, problem=Problem.TIMEOUT)
        except (OSError, ValueError, OverflowError) as error:
            said = getattr(error, "strerror", None) or str(error)
            return replace(answer, stdout=_text(received), stderr=said, problem=Problem.FAILED)
        return replace(answer, stdout=_text(received))

    def ask(self, path: str, request: bytes, until: bytes, timeout: float = 3.0) -> Answer:
        """Send to a daemon's Unix socket and read until a whole line with ``until`` has come, or the peer closes."""
        answer = Answer("unix %s" % path)
        timeout = min(timeout, self._ends - time.monotonic())
        if timeout <= 0:
            return replace(answer, stderr=NO_TIME_LEFT, problem=Problem.TIMEOUT)
        received = bytearray()
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(timeout)
                connection.connect(path)
                connection.sendall(request)
                _receive(connection, received, time.monotonic() + timeout, until)
        except socket.timeout:
            said = "gave no answer within %.3g s" % timeout
            return replace(answer, stdout=_text(received), stderr=said, problem=Problem.TIMEOUT)
        except FileNotFoundError:
            return replace(answer, stderr="no such socket", problem=Problem.ABSENT)
        except PermissionError:
            return replace(answer, stderr="permission denied", problem=Problem.DENIED)
        except (OSError, ValueError) as error:
            said = getattr(error, "strerror", None) or str(error)
            return replace(answer, stdout=_text(received), stderr=said, problem=Problem.FAILED)
        return replace(answer, stdout=_text(received))

    def _resolved(self, address: str, timeout: float) -> str:
        """An address as it is, that of a name from a child: the resolver has no deadline. Raises OSError."""
        if is_address(address):
            return address
        answer = self._run(["getent", "ahosts", address], timeout, None) if is_name(address) else Answer("getent")
        if answer.problem is Problem.TIMEOUT:
            raise socket.timeout
        found = answer.stdout.split()
        if not found or not is_address(found[0]):
            raise OSError(errno.ENOENT, "name or service not known")
        return found[0]

    def who_has(self, interface: str, address: str, timeout: float = 1.0) -> Answer:
        """ARP probes (RFC 5227: no sender address, so no neighbour learns from them); a line for each MAC that answers.

        Written as arping(8) writes it, which many nodes lack. Nobody answering is an answer too: empty.
        """
        answer = Answer("arp who-has %s dev %s" % (address, interface))
        try:
            with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ARP)) as link:
                link.bind((interface, _ARP))
                answered = _arp_replies(link, socket.inet_aton(address), timeout)
        except PermissionError:
            return replace(answer, stderr="raw sockets are not permitted", problem=Problem.DENIED)
        except OSError as error:
            return replace(answer, stderr=error.strerror or str(error), problem=Problem.FAILED)
        lines = ["Unicast reply from %s [%s]\n" % (address, mac) for mac in answered]
        return replace(answer, stdout="".join(lines))

    def adjtimex(self) -> Answer:
        """The kernel's clock discipline, read and never set, in the form of adjtimex(8) ``--print``."""
        # only what reads the clock pays for this import
        import ctypes

        answer = Answer("adjtimex --print")
        timex = ctypes.create_string_buffer(512)
        try:
            state = ctypes.CDLL(None, use_errno=True).adjtimex(timex)
        except (OSError, AttributeError) as error:
            return replace(answer, stderr=str(error), problem=Problem.ABSENT)
        if state < 0:
            return replace(answer, stderr=os.strerror(ctypes.get_errno()), problem=Problem.FAILED)
        values = struct.unpack_from(_TIMEX, timex)
        lines = ["%13s: %d" % pair for pair in zip(_TIMEX_NAMES, values)] + [" return value = %d" % state]
        return replace(answer, stdout="\n".join(lines) + "\n")

    def now(self) -> float:
        return time.time()

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)

    def _alone(self, ends: float) -> Tuple[Optional[int], Optional[str]]:
        """(the lock that keeps other runs out until it is closed, why nothing may be read that can hang)."""
        try:
            os.makedirs(self._notes(), mode=0o755, exist_ok=True)
            # nobody but its owner can hold it
            lock = os.open(os.path.join(self._notes(), os.pardir, _LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return None, self._still_stuck()
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > ends:
                    os.close(lock)
                    return None, "another run reads it, and did not end in time"
                time.sleep(0.05)
        stuck = self._still_stuck()
        if stuck is not None:
            os.close(lock)
            return None, stuck
        return lock, None

    def _notes(self) -> str:
        if self._runtime is None:
            self._runtime = _runtime_directory()
        return os.path.join(self._runtime, _STUCK)

    def _remember_stuck(self, session: int, started: str, source: str) -> None:
        try:
            os.makedirs(self._notes(), mode=0o755, exist_ok=True)
            with open(os.path.join(self._notes(), str(session)), "w", encoding="utf-8") as stream:
                stream.write("%s %s\n" % (started, source))
        except OSError:
            # a full /run; the child is still reported by this run
            return

    def _still_stuck(self) -> Optional[str]:
        """The child of an earlier run, of this user or of root, that has not ended."""
        found = None
        for directory in dict.fromkeys((os.path.join(RUNTIME_DIRECTORY, _STUCK), self._notes())):
            for path in glob.glob(os.path.join(glob.escape(directory), "*")):
                started, _blank, source = self.read(path).stdout.strip().partition(" ")
                session = os.path.basename(path)
                if not (_whole(session) and _whole(started)):
                    continue
                if _session(int(session), int(started)):
                    found = Phrase("earlier_probe_stuck", "%s (pid %s)" % (source, session))
                    continue
                try:
                    os.unlink(path)
                except OSError:
                    continue
        return found


def _runtime_directory() -> str:
    """Where root, or this user, keeps a note of what is stuck; nobody else can write there."""
    if os.geteuid() == 0:
        return RUNTIME_DIRECTORY
    for parent in (os.environ.get("XDG_RUNTIME_DIR", ""), "/run/user/%d" % os.geteuid()):
        if parent and _is_own(parent):
            return os.path.join(parent, "cloudops-hypervisor")
    fallback = "/tmp/cloudops-hypervisor-%d" % os.geteuid()
    try:
        os.mkdir(fallback, 0o700)
    except OSError:
        # it is there already, or cannot be: whose it is decides
        return fallback if _is_own(fallback) else RUNTIME_DIRECTORY
    return fallback


def _is_own(directory: str) -> bool:
    try:
        found = os.lstat(directory)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022


def _whole(text: str) -> bool:
    return re.match(r"^[0-9]{1,18}$", text) is not None


def _which(program: str) -> str:
    if os.sep in program:
        return program
    for directory in SEARCH_PATH.split(":"):
        candidate = os.path.join(directory, program)
        if os.access(candidate, os.X_OK) and not os.path.isdir(candidate):
            return candidate
    raise FileNotFoundError(program)


def _collect(child: subprocess.Popen[bytes], timeout: float) -> Tuple[str, str, bool]:
    """Both streams of a child until it has ended, or until the deadline: what it said so far is kept."""
    pipes = [pipe for pipe in (child.stdout, child.stderr) if pipe]
    received = {pipe.fileno(): b"" for pipe in pipes}
    open_streams = dict.fromkeys(received)
    poller = select.poll()
    for stream in open_streams:
        os.set_blocking(stream, False)
        poller.register(stream, select.POLLIN | select.POLLHUP)
    deadline = time.monotonic() + timeout
    in_time = True
    while open_streams and in_time:
        remaining = deadline - time.monotonic()
        in_time = remaining > 0
        # a daemon that inherited the pipes keeps them open after the command itself has ended
        if child.poll() is not None and not poller.poll(0):
            break
        for stream, _event in poller.poll(min(max(remaining, 0), 0.5) * 1000) if in_time else []:
            piece = os.read(stream, PIECE)
            if piece and len(received[stream]) < OUTPUT_LIMIT:
                received[stream] += piece
            elif not piece:
                poller.unregister(stream)
                del open_streams[stream]
    try:
        child.wait(max(deadline - time.monotonic(), 0.05) if in_time else 0)
    except subprocess.TimeoutExpired:
        in_time = False
    stdout, stderr = (_text(received[pipe.fileno()]) for pipe in pipes)
    for pipe in pipes:
        pipe.close()
    return stdout, stderr, in_time


def _receive(connection: socket.socket, received: bytearray, deadline: float, until: Optional[bytes] = None) -> None:
    """Until the peer closes, or a whole line with ``until`` has come. Raises socket.timeout; what came is kept."""
    while len(received) < OUTPUT_LIMIT:
        connection.settimeout(max(deadline - time.monotonic(), 0.001))
        piece = connection.recv(PIECE)
        received += piece
        if not piece or (until is not None and until in received and received.endswith(b"\n")):
            return


def _kill(child: subprocess.Popen[bytes], started: int) -> Optional[int]:
    """End a child and its session; the process of it that survives because it sleeps in the kernel, if one does."""
    deadline = time.monotonic() + SLOW_KILL_PATIENCE
    patience = time.monotonic() + KILL_PATIENCE
    while True:
        for pid in _session(child.pid, started):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        left = _session(child.pid, started)
        asleep = [pid for pid in left if _stat(pid, _STATE) == _UNINTERRUPTIBLE]
        now = time.monotonic()
        if (child.poll() is not None and not left) or now > deadline:
            return None
        if asleep and now > patience:
            return asleep[0]
        time.sleep(0.05)


def _session(leader: int, started: int) -> List[int]:
    """The living processes of a session whose leader started then, in ticks since boot; it may itself have ended."""
    found = _fields(leader)
    if found and int(found[_STARTED]) != started:
        return []
    every = ((int(name), _fields(int(name))) for name in os.listdir("/proc") if _whole(name))
    return [
        pid
        for pid, fields in every
        if fields
        and int(fields[_SESSION]) == leader
        and int(fields[_STARTED]) >= started
        and fields[_STATE] not in _ENDED
    ]


def _arp_replies(link: socket.socket, address: bytes, timeout: float) -> List[str]:
    """Who answers for the address, asked three times within the deadline. Raises OSError."""
    own, hardware = link.getsockname()[4], link.getsockname()[3]
    if hardware != _ETHERNET:
        raise OSError(errno.EPROTONOSUPPORT, "no ARP on this link")
    request = struct.pack("!HHBBH6s4s6s4s", _ETHERNET, 0x0800, 6, 4, 1, own, b"", b"", address)
    frame = (b"\xff" * 6 + own + struct.pack("!H", _ARP) + request).ljust(60, b"\0")
    found: Dict[str, None] = {}
    started = time.monotonic()
    sent = 0
    while True:
        elapsed = time.monotonic() - started
        if elapsed >= timeout:
            return list(found)
        if elapsed >= sent * timeout / 3:
            link.send(frame)
            sent += 1
            continue
        link.settimeout(min(sent * timeout / 3, timeout) - elapsed + 0.001)
        try:
            received = link.recv(256)
        except socket.timeout:
            continue
        # a reply (2) whose sender address is the one asked for
        if received[20:22] == b"\0\2" and received[28:32] == address and received[22:28] != own:
            found[":".join("%02x" % byte for byte in received[22:28])] = None


def _stat(pid: int, field: int) -> Optional[str]:
    """A field of /proc/PID/stat, counted from the one behind the name; reading it needs no mm lock."""
    fields = _fields(pid)
    return fields[field] if fields else None


def _fields(pid: int) -> List[str]:
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as stream:
            return stream.read().rpartition(")")[2].split()
    except OSError:
        return []


def _text(data: Union[bytes, bytearray]) -> str:
    return data.decode("utf-8", "replace").replace("\x00", "\n")
