# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has an image open on this node: processes, loop devices, nbd devices, and device-mapper devices on top of these.

lsof and fuser never suffice: a raw image of a guest hangs on a loop device that no process holds. Paths lie after
renames and links, so that a file is its volume and its inode; the path is what the kernel last called it. An opener's
inode is read from the kernel's tables, which do not ask the volume, except on kernels that do not keep it there.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Host, Missing, Problem, Touches
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.mount_table import Mount, lies_on, parse_mountinfo
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.process_table import Stat
from ansible_collections.cloudops.hypervisor.plugins.module_utils.readings import first_line

ASK_LOOPS = ("losetup", "--list", "--output", "NAME,RO,BACK-INO,BACK-MAJ:MIN,BACK-FILE")
DELETED = " (deleted)"
# what a list of arguments may hold, far below the kernel's limit
FILES_AT_ONCE = 2000
_WRITES = 0o3


@dataclass(frozen=True)
class File:
    """A file as this node finds it. ``number``: its device as major:minor; without ``inode`` it is not there."""

    path: str
    number: Optional[str] = None
    inode: Optional[int] = None


@dataclass(frozen=True)
class Opener:
    """``name``: the process, or the device that has it open; ``number`` is None where no mount tells it."""

    path: str
    number: Optional[str]
    inode: Optional[int]
    by: str
    name: str
    pid: Optional[int]
    writes: bool


@dataclass(frozen=True)
class Descriptor:
    """/proc/PID/fdinfo/FD; the inode since Linux 5.14."""

    writes: bool
    mount: int
    inode: Optional[int] = None


@dataclass(frozen=True)
class Loop:
    name: str
    read_only: bool
    inode: int
    number: str
    path: str


@dataclass(frozen=True)
class Facts:
    openers: Tuple[Opener, ...] = ()
    missing: Tuple[Missing, ...] = ()


def parse_fdinfo(text: str) -> Descriptor:
    """/proc/PID/fdinfo/FD: its flags in octal, the id of its mount."""
    values = dict(re.findall(r"^([a-z_]+):\s*([0-9]{1,20})$", text, re.MULTILINE))
    if not re.match(r"^[0-7]+\Z", values.get("flags", "")) or "mnt_id" not in values:
        raise NotUnderstood(first_line(text))
    inode = int(values["ino"]) if "ino" in values else None
    return Descriptor(bool(int(values["flags"], 8) & _WRITES), int(values["mnt_id"]), inode)


def parse_loops(text: str) -> Tuple[Loop, ...]:
    """``losetup --list`` with the columns of ``ASK_LOOPS``; nothing at all where there is no loop device."""
    found = []
    for line in text.split("\n"):
        match = re.match(r"^/dev/(loop[0-9]+)\s+([01])\s+([0-9]{1,20})\s+([0-9]+:[0-9]+)\s+(/.*?)\s*$", line)
        if match:
            name, read_only, inode, number, path = match.groups()
            found.append(Loop(name, read_only == "1", int(inode), number, _living(path)))
        elif line.strip() and not line.startswith("NAME "):
            raise NotUnderstood(line.strip()[:200])
    return tuple(found)


def parse_files(text: str) -> Tuple[File, ...]:
    """``stat --format '%d %i %n'``: device, inode and path of each file."""
    found = []
    for line in text.split("\n"):
        match = re.match(r"^([0-9]{1,18}) ([0-9]{1,20}) (/.*)$", line)
        if match:
            device = int(match.group(1))
            found.append(File(match.group(3), "%d:%d" % (os.major(device), os.minor(device)), int(match.group(2))))
        elif line.strip():
            raise NotUnderstood(line.strip()[:200])
    return tuple(found)


def _living(path: str) -> str:
    return path[: -len(DELETED)] if path.endswith(DELETED) else path


def stat_files(host: Host, paths: Iterable[str], touches: Touches) -> Tuple[Tuple[File, ...], Tuple[Missing, ...]]:
    """Each file as it is found through links. One that is not there is an answer, too."""
    wanted = sorted({path for path in paths if path.startswith("/") and "\n" not in path})
    found: List[File] = []
    lost: List[Missing] = []
    for at in range(0, len(wanted), FILES_AT_ONCE):
        some = wanted[at : at + FILES_AT_ONCE]
        answer = host.run(["stat", "-L", "--format", "%d %i %n", "--", *some], timeout=20.0, touches=touches)
        answer = replace(answer, source="stat of %d images" % len(some))
        if not answer.ok:
            lost.append(answer.missing())
            continue
        try:
            there = {one.path: one for one in parse_files(answer.stdout)}
        except NotUnderstood as error:
            lost.append(answer.missing(Problem.NOT_UNDERSTOOD, str(error)))
            continue
        odd = [line for line in answer.stderr.splitlines() if "No such file" not in line]
        lost += [answer.missing(Problem.FAILED, line) for line in odd[:1]]
        found += [there.get(path, File(path)) for path in some if path in there or not odd]
    return tuple(found), tuple(lost)


def volume_at(path: str, mounts: Sequence[Mount]) -> Optional[Mount]:
    """The mount a path lies on, by the names the kernel has; links are not followed."""
    over = [one for one in mounts if lies_on(path, one.path)]
    # of two mounts at one place the later one hides the other
    return max(enumerate(over), key=lambda pair: (len(pair[1].path), pair[0]))[1] if over else None


def probe(
    host: Host,
    processes: Mapping[int, Stat],
    mounts: Sequence[Mount],
    numbers: Sequence[str],
    files: Sequence[File],
    touches: Touches,
) -> Facts:
    """Who has a file of these file systems (``numbers``: major:minor), or one of these ``files``, open."""
    lost: List[Missing] = []
    wanted = {(number, one.inode) for one in files if one.inode is not None for number in (one.number, None)}
    if host.link("/proc/1/exe") is None:
        lost.append(Missing("/proc/*/fd", Problem.DENIED, Phrase("processes_hidden")))
    found = _loops(host, mounts, touches, lost) + _descriptors(host, processes, mounts, touches, lost)
    openers = [one for one in found if one.number in numbers or (one.number, one.inode) in wanted]
    return Facts(tuple(openers + _stacked(host, openers)), tuple(dict.fromkeys(lost)))


def _loops(host: Host, mounts: Sequence[Mount], touches: Touches, lost: List[Missing]) -> List[Opener]:
    """losetup asks the volume for the inode; where it must not, or cannot, the path that the kernel keeps is left."""
    paths = [path for path in host.glob("/sys/block/loop*") if host.read(path + "/loop/backing_file").ok]
    if not paths:
        return []
    answer = host.run(ASK_LOOPS, timeout=10.0, touches=touches)
    if answer.ok and not answer.rc:
        try:
            loops = parse_loops(answer.stdout)
            return [Opener(one.path, one.number, one.inode, "loop", one.name, None, not one.read_only) for one in loops]
        except NotUnderstood as error:
            lost.append(answer.missing(Problem.NOT_UNDERSTOOD, str(error)))
    else:
        lost.append(answer.missing())
    openers = []
    for path in paths:
        backing = _living(host.read(path + "/loop/backing_file").stdout.rstrip("\n"))
        mount = volume_at(backing, mounts)
        number = mount.number if mount else None
        openers.append(Opener(backing, number, None, "loop", path.rpartition("/")[2], None, _writable(host, path)))
    return openers


def _writable(host: Host, device: str) -> bool:
    return host.read(device + "/ro").stdout.strip() != "1"


def _descriptors(
    host: Host, processes: Mapping[int, Stat], mounts: Sequence[Mount], touches: Touches, lost: List[Missing]
) -> List[Opener]:
    served = _served(host)
    numbers = {one.id: one.number for one in mounts}
    openers: List[Opener] = []
    unnumbered: Dict[str, int] = {}
    for stat in processes.values():
        for fd in [] if stat.in_kernel else host.glob("/proc/%d/fd/*" % stat.pid):
            path = host.link(fd) or ""
            if not path.startswith("/") or path.startswith(("/proc/", "/sys/", "/memfd:")):
                continue
            info = host.read(fd.replace("/fd/", "/fdinfo/"))
            try:
                one = parse_fdinfo(info.stdout) if info.ok else None
            except NotUnderstood as error:
                lost.append(info.missing(Problem.NOT_UNDERSTOOD, str(error)))
                one = None
            if one is None:
                # it was closed meanwhile
                continue
            number = numbers.get(one.mount) or _elsewhere(host, stat.pid, one.mount)
            device = served.get(stat.pid)
            by, name = ("nbd", device) if device else ("process", stat.name)
            if one.inode is None:
                unnumbered[fd] = len(openers)
            openers.append(Opener(_living(path), number, one.inode, by, name, stat.pid, one.writes))
    known, missing = stat_files(host, unnumbered, touches) if unnumbered else ((), ())
    lost += missing
    for file in known:
        at = unnumbered[file.path]
        openers[at] = replace(openers[at], inode=file.inode)
    return openers


def _elsewhere(host: Host, pid: int, mount: int) -> Optional[str]:
    """The device of a mount that only the process has, in a mount namespace of its own."""
    try:
        own = parse_mountinfo(host.read("/proc/%d/mountinfo" % pid).stdout)
    except NotUnderstood:
        return None
    return next((one.number for one in own if one.id == mount), None)


def _served(host: Host) -> Dict[int, str]:
    """Process to the nbd device that it serves; the kernel notes the thread."""
    found = {}
    for path in host.glob("/sys/block/nbd*/pid"):
        thread = host.read(path).stdout.strip()
        group = re.search(r"^Tgid:\s*([0-9]{1,9})$", host.read("/proc/%s/status" % thread).stdout, re.MULTILINE)
        if group:
            found[int(group.group(1))] = path.split("/")[3]
    return found


def _stacked(host: Host, openers: Sequence[Opener]) -> List[Opener]:
    """The device-mapper devices on top of loop and nbd devices, partitions as kpartx maps them, however deep."""
    slaves = {
        path: [name.rpartition("/")[2] for name in host.glob(path + "/slaves/*")]
        for path in host.glob("/sys/block/dm-*")
    }
    below: Dict[str, List[Opener]] = {}
    for one in openers:
        if one.by in ("loop", "nbd"):
            below.setdefault(one.name, []).append(one)
    found: List[Opener] = []
    waiting = True
    while waiting:
        waiting = False
        for path, names in slaves.items():
            device = path.rpartition("/")[2]
            under = [one for name in names for one in below.get(re.sub(r"^(loop\d+|nbd\d+)p\d+$", r"\1", name), [])]
            if under and device not in below:
                name = host.read(path + "/dm/name").stdout.strip() or device
                writes = _writable(host, path)
                below[device] = [replace(one, by="dm", name=name, pid=None, writes=writes) for one in under]
                found += below[device]
                waiting = True
    return found
