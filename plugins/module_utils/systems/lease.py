# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lease of a VM: who alone may start, stop or move it, or write its images: rule 36 of docs/rules.md.

A file of its own on the volume that holds the VM, locked by flock(2), which OCFS2 makes cluster-wide. Only the lock
counts: nothing here breaks one, and the file is never renamed or unlinked. What is written in it is the newest epoch
under which it was taken, by whom, and whether that holder gave it back. A lock that came free without that came free by
a death, and counts only once the holder is proven to have ended (rule 37).

The file has two slots of one sector, written in turn: whatever crashes in the middle leaves the other one whole.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import fcntl
import json
import os
import select
import signal
import socket
import stat
import struct
import time
import zlib
from dataclasses import asdict, dataclass, replace
from types import TracebackType
from typing import Callable, NoReturn, Optional, Sequence, Tuple, Type, Union

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Host, Missing, Problem, Touches
from ansible_collections.cloudops.hypervisor.plugins.module_utils.epoch import Epoch
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.mount_table import (
    MOUNTINFO,
    Mount,
    lies_on,
    parse_mountinfo,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.refusal import Refusal

FOLDER = ".cloudops-leases"
OCFS2 = "ocfs2"
LOCAL_TYPES = ("ext2", "ext3", "ext4", "xfs")
SLOT = 512
SLOTS = 2
BUSY = 75
CHECKED_EVERY = 0.2
LEFT_BEHIND_AFTER = 1.0


class Scope(str, enum.Enum):
    """Whom the lock keeps out."""

    CLUSTER = "cluster"
    NODE = "node"


@dataclass(frozen=True)
class Place:
    """A lease that can be taken. ``device``: major:minor of the file system that must hold it."""

    path: str
    device: str
    scope: Scope


@dataclass(frozen=True)
class Holder:
    """Who takes a lease: a job on a node, under an epoch."""

    zone: str
    epoch: int
    node: str
    boot_id: str
    job: str

    def __str__(self) -> str:
        return "%s/%s" % (self.node, self.job)


@dataclass(frozen=True)
class Record(Holder):
    """What the file says. ``at``: seconds since the epoch; ``held``: its holder has not given it back."""

    at: float
    held: bool
    sequence: int


@dataclass(frozen=True)
class Reading:
    """A lease as one node sees it. ``locked`` is None, with ``missing``, when it cannot be told."""

    record: Optional[Record] = None
    locked: Optional[bool] = None
    missing: Optional[Missing] = None


def scope_of(mounts: Sequence[Mount], folder: str, local: bool) -> Tuple[Scope, Mount]:
    """Whom a lock in this folder would keep out, and the mount that holds it; refused where it would keep out nobody.

    ``local``: the site says that no other node can open this storage.
    """
    above = [mount for mount in mounts if lies_on(folder, mount.path)]
    if not above:
        raise Refusal("lease_not_mounted", Phrase("lease_no_mount", folder), folder=folder)
    # of several mounts on one path the last one is seen
    mount = max(reversed(above), key=lambda one: len(one.path))
    options = mount.options + mount.super_options
    values = {"folder": folder, "fstype": mount.fstype, "mount": mount.path}
    if mount.read_only:
        raise Refusal("lease_read_only", Phrase("lease_read_only", mount.path, mount.line), **values)
    if mount.fstype == OCFS2:
        if "localflocks" in options:
            said = Phrase("lease_localflocks", mount.path)
            raise Refusal("lease_localflocks", said, **values)
        if not mount.option("cluster_stack") and mount.option("heartbeat") not in ("local", "global"):
            said = Phrase("lease_without_cluster", mount.path, mount.line)
            raise Refusal("lease_without_cluster", said, **values)
        return Scope.CLUSTER, mount
    if mount.fstype not in LOCAL_TYPES:
        said = Phrase("lease_wrong_storage", folder, mount.fstype, LOCAL_TYPES)
        raise Refusal("lease_wrong_storage", said, **values)
    if not local:
        said = Phrase("lease_not_shared", folder, mount.fstype, mount.path)
        raise Refusal("lease_not_shared", said, **values)
    return Scope.NODE, mount


def place(host: Host, volume: str, name: str, local: bool = False) -> Place:
    """The lease of this name on the volume that is mounted at, or above, this path."""
    answer = host.read(MOUNTINFO)
    try:
        mounts = parse_mountinfo(answer.stdout) if answer.ok else ()
    except NotUnderstood as error:
        raise Refusal("lease_not_mounted", Phrase("lease_mounts_garbled", MOUNTINFO, error), folder=volume) from None
    scope, mount = scope_of(mounts, volume, local)
    return Place("%s/%s/%s" % (volume.rstrip("/"), FOLDER, name), mount.number, scope)


# The file's content


def parse_lease(text: str) -> Optional[Record]:
    """Who took it last; None if nobody ever did. NotUnderstood: it was damaged by something else than a crash."""
    slots = [text[start : start + SLOT] for start in range(0, min(len(text), SLOTS * SLOT), SLOT)]
    records = [record for record in map(_record, slots) if record is not None]
    if records:
        return max(records, key=lambda record: record.sequence)
    if any(len(slot) == SLOT and slot.strip("\0 \n") for slot in slots):
        raise NotUnderstood("no whole record: %s" % text.strip("\0 \n")[:100])
    return None


def format_record(record: Record) -> str:
    """One slot, a line to read in an editor."""
    content = asdict(record)
    line = json.dumps({**content, "crc": _crc(record)})
    if len(line) >= SLOT:
        raise ValueError("a lease holds %d characters, not %d: %s" % (SLOT - 1, len(line), line))
    return line.ljust(SLOT - 1) + "\n"


def _crc(record: Record) -> int:
    return zlib.crc32(json.dumps(asdict(record), sort_keys=True).encode())


def _record(slot: str) -> Optional[Record]:
    kinds = {"zone": str, "epoch": int, "node": str, "boot_id": str, "job": str, "held": bool, "sequence": int}
    try:
        content = json.loads(slot)
        crc = content.pop("crc")
        record = Record(**content)
        whole = crc == _crc(record) and all(_is(content[name], kind) for name, kind in kinds.items())
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return None
    return record if whole and isinstance(record.at, float) else None


def _is(value: object, kind: type) -> bool:
    # true and false are integers, too
    return isinstance(value, kind) and isinstance(value, bool) == (kind is bool)


# Reading


def read(host: Host, path: str, timeout: float = 10.0) -> Reading:
    """What the file says, and whether somebody has the lock, which is tried without waiting and given back."""
    said = host.run(["cat", "--", path], timeout=timeout, touches=Touches.OCFS2)
    if said.ok and said.rc and "No such file" in said.stderr + said.stdout:
        return Reading(None, False)
    # read under the lock, a record that is not given back is one whose holder died
    argv = ["flock", "--shared", "--nonblock", "--conflict-exit-code", str(BUSY), path, "cat", "--", path]
    tried = host.run(argv, timeout=timeout, touches=Touches.OCFS2) if said.ok and not said.rc else said
    if not tried.ok or tried.rc not in (0, BUSY):
        return Reading(missing=tried.missing())
    content = said if tried.rc == BUSY else tried
    try:
        return Reading(parse_lease(content.stdout), tried.rc == BUSY)
    except NotUnderstood as error:
        return Reading(None, tried.rc == BUSY, content.missing(Problem.NOT_UNDERSTOOD, str(error)))


# Taking


class Lease:
    """A lease that is held, from :func:`take` until :meth:`release`.

    ``descriptor`` is given to image tools (``pass_fds``), so that the lock lives as long as any of them. Every other
    child is started without it: a device model would keep it for the VM's life.
    """

    def __init__(self, descriptor: int, at: Place, record: Record, newest: Callable[[], Optional[Epoch]]) -> None:
        self.descriptor = descriptor
        self.place = at
        self.record = record
        self._newest = newest

    def confirm(self) -> None:
        """To be asked right before an act: nobody has taken it over while this process slept."""
        epoch = Epoch(self.record.zone, self.record.epoch)
        if os.fstat(self.descriptor).st_nlink == 0:
            raise Refusal("lease_lost", Phrase("lease_unlinked", self.place.path))
        found = _content(self.descriptor)
        if found != self.record:
            said = Phrase("lease_not_ours", self.place.path, found or Phrase("lease_empty"))
            raise Refusal("lease_lost", said, holder=str(found or ""))
        epoch.check(self._newest(), Phrase("this_node"))

    def release(self) -> str:
        """Give it back; why that could not be written down, if so. The next one must then prove our end."""
        try:
            _write(self.descriptor, replace(self.record, held=False, sequence=self.record.sequence + 1, at=time.time()))
        except OSError as error:
            return "%s: %s" % (self.place.path, error.strerror)
        finally:
            os.close(self.descriptor)
        return ""

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.release()


def take(
    at: Place,
    holder: Holder,
    newest: Callable[[], Optional[Epoch]],
    timeout: float,
    proven_ended: str = "",
    between: Callable[[], None] = lambda: None,
) -> Lease:
    """Wait for the lock, compare epochs while holding it, and write down who has it. Refusal says why not.

    ``newest``: the newest epoch this node knows. ``proven_ended``: NODE/JOB of the one holder on another node whose end
    is proven, should it not have given the lease back. ``between`` is called now and then; what it raises ends the
    waiting.
    """
    epoch = Epoch(holder.zone, holder.epoch)
    descriptor = _locked(at, timeout, between)
    try:
        found = _content(descriptor)
        if found is not None:
            epoch.check(Epoch(found.zone, found.epoch), at.path)
            _refuse_unproven(at, found, holder, proven_ended)
        epoch.check(newest(), Phrase("this_node"))
        sequence = 0 if found is None else found.sequence + 1
        record = Record(**asdict(holder), at=time.time(), held=True, sequence=sequence)
        _write(descriptor, record)
    except BaseException:
        os.close(descriptor)
        raise
    return Lease(descriptor, at, record, newest)


def _refuse_unproven(at: Place, found: Record, holder: Holder, proven_ended: str) -> None:
    # on this very node its processes, or the lack of them, are seen
    if not found.held or found.node == holder.node or str(found) == proven_ended:
        return
    said = Phrase("lease_not_given_back", at.path, found)
    raise Refusal("lease_not_given_back", said, holder=str(found), node=found.node, job=found.job)


def _content(descriptor: int) -> Optional[Record]:
    try:
        return parse_lease(os.pread(descriptor, SLOTS * SLOT, 0).decode("ascii", "replace"))
    except NotUnderstood as error:
        raise Refusal("lease_damaged", Phrase("lease_damaged", error)) from None


def _write(descriptor: int, record: Record) -> None:
    slot = format_record(record).encode("ascii")
    if os.pwrite(descriptor, slot, record.sequence % SLOTS * SLOT) != SLOT:
        raise OSError(errno.EIO, "written in part")
    os.fsync(descriptor)


def _locked(at: Place, timeout: float, between: Callable[[], None]) -> int:
    """The locked file, opened by a child: opening or locking may sleep in the kernel, and this process must not."""
    ends = time.monotonic() + timeout
    ours, childs = socket.socketpair()
    with ours, childs:
        child = os.fork()
        if child == 0:
            _child(at, ends, childs)
        childs.close()
        try:
            got = _received(ours, ends, between)
        finally:
            # once this end is closed nothing that the child still gets can arrive
            ours.close()
            _end(child)
    if isinstance(got, int):
        return got
    if got:
        raise Refusal("lease_refused", Phrase("about", [at.path, got]))
    raise Refusal("lease_busy", Phrase("lease_busy", at.path, "%.3g" % timeout), path=at.path, seconds=timeout)


def _received(ours: socket.socket, ends: float, between: Callable[[], None]) -> Union[int, str]:
    """The descriptor, or why there is none; empty when the time is up."""
    while time.monotonic() < ends:
        between()
        if not select.select([ours], [], [], min(CHECKED_EVERY, max(ends - time.monotonic(), 0)))[0]:
            continue
        size = socket.CMSG_SPACE(4)
        said, ancillary, _flags, _address = ours.recvmsg(1024, size, socket.MSG_CMSG_CLOEXEC)
        descriptors = [int(struct.unpack("i", data)[0]) for _level, _kind, data in ancillary]
        if descriptors and time.monotonic() < ends:
            return descriptors[0]
        for descriptor in descriptors:
            os.close(descriptor)
        return said.decode("utf-8", "replace") if said else Phrase("lease_waiter_ended")
    return ""


def _child(at: Place, ends: float, channel: socket.socket) -> NoReturn:
    """Takes the lock and hands it over in time, and does nothing else."""
    try:
        for name in (signal.SIGTERM, signal.SIGALRM):
            signal.signal(name, signal.SIG_DFL)
        # it may outlive its parent, and must keep nothing of its parent's open
        for number in map(int, os.listdir("/proc/self/fd")):
            if number > 2 and number != channel.fileno():
                with contextlib.suppress(OSError):
                    os.close(number)
        # nobody waits for it any more
        signal.setitimer(signal.ITIMER_REAL, max(ends - time.monotonic(), 0) + LEFT_BEHIND_AFTER)
        descriptor, wrong = _opened(at)
        if not wrong and time.monotonic() < ends:
            channel.sendmsg([b"locked"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", descriptor))])
        elif wrong:
            channel.send(wrong.encode())
    except OSError as error:
        with contextlib.suppress(OSError):
            channel.send((error.strerror or str(error)).encode())
    finally:
        os._exit(0)


def _opened(at: Place) -> Tuple[int, str]:
    """The file, made where it is not there, and locked; and why that lock would mean nothing."""
    folder, name = os.path.split(at.path)
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, 0o700)
        _settle(os.path.dirname(folder))
    above = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600, dir_fd=above)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    found, named = os.fstat(descriptor), os.stat(name, dir_fd=above, follow_symlinks=False)
    device = "%d:%d" % (os.major(found.st_dev), os.minor(found.st_dev))
    if device != at.device:
        return descriptor, "it lies on device %s, not on %s" % (device, at.device)
    if not stat.S_ISREG(found.st_mode) or (found.st_dev, found.st_ino) != (named.st_dev, named.st_ino):
        return descriptor, "it was replaced while it was waited for"
    if not found.st_size:
        os.fsync(above)
    return descriptor, ""


def _settle(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(descriptor)
    os.close(descriptor)


def _end(child: int) -> None:
    """One that sleeps in the kernel is left behind: all it can still do is to exit."""
    with contextlib.suppress(OSError):
        os.kill(child, signal.SIGKILL)
    patience = time.monotonic() + LEFT_BEHIND_AFTER
    while os.waitpid(child, os.WNOHANG)[0] == 0 and time.monotonic() < patience:
        time.sleep(0.01)
