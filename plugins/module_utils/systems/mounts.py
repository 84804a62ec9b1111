# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mounted file systems: what should be mounted, what is, and whether it can be used.

/proc/self/mountinfo never hangs; it is compared with /etc/fstab and the policy. Devices are compared by number, found
through /dev/disk and sysfs. Only then is a file system asked for its usage (``stat -f``), and one of NFS only after its
server has answered on its TCP port. What lies below a mount point is seen through a bind mount of the file system
below, in a mount namespace that ends with the command that looks.
"""

from __future__ import annotations

import math
import posixpath
import re
from dataclasses import dataclass, replace
from typing import Dict, Iterable, List, Optional, Sequence, Set, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import Check
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Host, Missing, Problem, Touches
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding, NotUnderstood, absent, missing
from ansible_collections.cloudops.hypervisor.plugins.module_utils.host_names import is_address
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.mounts import TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.mount_table import (
    FSTAB,
    MOUNTINFO,
    Entry,
    Mount,
    lies_on,
    parse_fstab,
    parse_mountinfo,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError

NFS_PORT = 2049
NFS = ("nfs", "nfs4")
# entries of fstab that hold nothing a check could judge
PSEUDO = ("swap", "proc", "sysfs", "devpts", "debugfs", "configfs", "securityfs", "cgroup", "cgroup2", "ignore")
IN_MEMORY = ("tmpfs", "ramfs", "devtmpfs", "overlay", "aufs", "rootfs", "hugetlbfs")
READ_ONLY = ("iso9660", "squashfs", "erofs", "cramfs", "udf")
LOCAL = ("btrfs", "zfs")
# options that mount and systemd read and the kernel never shows
USERSPACE = ("defaults", "_netdev", "nofail", "auto", "user", "users", "bind", "rbind")
STAT_FORMAT = "%S %b %f %a %c %d %n"
TAGS = {"UUID": "by-uuid", "LABEL": "by-label", "PARTUUID": "by-partuuid", "PARTLABEL": "by-partlabel"}

# An older unshare leaves the namespace's mounts shared with the node, hence rprivate. The bind goes over /sys because
# that folder exists everywhere and no file system that may hang is ever mounted there.
LOOK_BELOW = """
mount --make-rprivate / || exit 1
while [ $# -ge 3 ]; do
    if mount --bind "$1" /sys; then
        printf '%s\\n' "$3"
        find "/sys$2" -xdev -mindepth 1 ! -type d -printf '%P\\n' 2>/dev/null | head -n 3
    fi
    shift 3
done
"""


@dataclass(frozen=True)
class Expected:
    """One mount the site expects.

    ``path``: the mount point, absolute.
    ``source``: device, UUID=…, LABEL=… or server:/export. Unset: as /etc/fstab has it, or any.
    ``fstype``: type of the file system. Unset: as /etc/fstab has it, or any.
    ``options``: options that /proc/self/mountinfo must show; ro says that it is to be read-only.
    ``link``: the path is no mount but a symbolic link that leads to this absolute path.
    """

    path: str
    source: str = ""
    fstype: str = ""
    options: Tuple[str, ...] = ()
    link: str = ""

    def __post_init__(self) -> None:
        for option, value in (("path", self.path), ("link", self.link)):
            if (value or option == "path") and (not value.startswith("/") or ".." in value.split("/")):
                raise PolicyError(option, "an absolute path is wanted, not %r" % value)
        if self.link and (self.source or self.fstype or self.options):
            raise PolicyError("link", "%s is either a link or a mount, not both" % self.path)


@dataclass(frozen=True)
class Policy:
    """What must be mounted, and how full it may be.

    ``mounts``: the mounts and links the site expects.
    ``fstab``: expect every entry of /etc/fstab too that is not noauto.
    ``used_warning``: space used at which a file system is reported as filling, in percent.
    ``used_critical``: space used at which it is reported as full, in percent.
    ``inodes_warning``: inodes used at which a file system is reported as filling, in percent.
    ``inodes_critical``: inodes used at which it is reported as full, in percent.
    ``server_timeout``: how long an NFS server may take to accept a connection, in seconds.
    """

    mounts: Tuple[Expected, ...] = ()
    fstab: bool = True
    used_warning: int = 90
    used_critical: int = 95
    inodes_warning: int = 90
    inodes_critical: int = 95
    server_timeout: float = 3.0

    def __post_init__(self) -> None:
        for kind, warning, critical in (
            ("used", self.used_warning, self.used_critical),
            ("inodes", self.inodes_warning, self.inodes_critical),
        ):
            if not 0 < warning <= critical <= 100:
                said = "percentages between 1 and 100 are wanted, the warning not above the critical one"
                raise PolicyError("%s_warning" % kind, said)
        if not 0 < self.server_timeout <= 30:
            raise PolicyError("server_timeout", "between 0 and 30 s is wanted, not %g" % self.server_timeout)
        paths = [_clean(one.path) for one in self.mounts]
        for path in paths:
            if paths.count(path) > 1:
                raise PolicyError("mounts", "%s is there twice" % path)


@dataclass(frozen=True)
class Wanted:
    """What should be at a path; ``by`` names who says so: policy or /etc/fstab; empty: it was found mounted.

    ``required``: the options the policy wants to see; ``options``: the policy's, or else those of /etc/fstab.
    """

    path: str
    source: str = ""
    fstype: str = ""
    options: Tuple[str, ...] = ()
    by: str = ""
    required: Tuple[str, ...] = ()
    in_fstab: bool = False

    @property
    def nfs(self) -> bool:
        return self.fstype in NFS

    @property
    def bind(self) -> bool:
        return "bind" in self.options or "rbind" in self.options

    @property
    def line(self) -> str:
        return "%s: %s %s %s" % (self.by or MOUNTINFO, self.source or "any", self.path, self.fstype or "any")


@dataclass(frozen=True)
class Usage:
    """``used_percent`` as df counts it: what only root may still use is not free. ``inodes`` 0: none are counted."""

    path: str
    bytes: int
    free_bytes: int
    used_percent: int
    inodes: int
    free_inodes: int
    inodes_used_percent: int


@dataclass(frozen=True)
class Place:
    """A path and all that is known of it.

    ``device``: the wanted source's device, found as major:minor; None: it names no device; empty: no such device.
    ``right``: it is the wanted device; None: cannot be told by device. ``over``: the mount that hides this one.
    ``below``: files in the folder that the mount covers (or would cover); None: not looked.
    ``error``: what the file system answered instead of its usage.
    """

    wanted: Wanted
    mount: Optional[Mount] = None
    device: Optional[str] = None
    right: Optional[bool] = None
    over: str = ""
    automount: bool = False
    usage: Optional[Usage] = None
    error: str = ""
    parent: str = ""
    below: Optional[Tuple[str, ...]] = None


@dataclass(frozen=True)
class Link:
    """``target``: where the link leads, empty when it is none; ``detail``: why not, or why the target has no answer."""

    path: str
    wanted: str
    target: str = ""
    reached: Optional[bool] = None
    detail: str = ""


@dataclass(frozen=True)
class Server:
    """``answers`` is None when it cannot be told: its name has no address, or it is not used over TCP."""

    address: str
    port: int
    answers: Optional[bool]
    paths: Tuple[str, ...]
    detail: str = ""


@dataclass(frozen=True)
class Facts:
    places: Tuple[Place, ...] = ()
    links: Tuple[Link, ...] = ()
    servers: Tuple[Server, ...] = ()
    missing: Tuple[Missing, ...] = ()


def parse_usage(text: str) -> Tuple[Usage, ...]:
    """``stat -f -c`` STAT_FORMAT, one line a file system."""
    found = []
    for line in text.split("\n"):
        if not line.strip():
            continue
        match = re.match(r"^(\d{1,19}) (\d{1,19}) (\d{1,19}) (\d{1,19}) (\d{1,19}) (\d{1,19}) (/.*)$", line, re.ASCII)
        if not match:
            raise NotUnderstood(line.strip()[:200])
        unit, blocks, free, available, inodes, free_inodes = (int(number) for number in match.groups()[:6])
        used = max(blocks - free, 0)
        found.append(
            Usage(
                path=match.group(7),
                bytes=blocks * unit,
                free_bytes=available * unit,
                used_percent=_percent(used, used + available),
                inodes=inodes,
                free_inodes=free_inodes,
                inodes_used_percent=_percent(inodes - free_inodes, inodes),
            )
        )
    return tuple(found)


def _percent(part: int, whole: int) -> int:
    return math.ceil(100 * part / whole) if 0 < part <= whole else 0


def parse_stat_errors(text: str) -> Dict[str, str]:
    """stderr of ``stat``: path to the error it got."""
    # the path is quoted in a way that differs between versions
    matches = (re.match(r"^stat: [^/]*(?P<path>/.*).: (?P<said>[^:]+)$", line) for line in text.split("\n"))
    return {match.group("path"): match.group("said") for match in matches if match}


def parse_below(text: str) -> Dict[str, Tuple[str, ...]]:
    """What LOOK_BELOW prints: a mount point, then up to three names of files below it."""
    found: Dict[str, Tuple[str, ...]] = {}
    path = ""
    for line in text.split("\n"):
        if line.startswith("/"):
            path = line
            found[path] = ()
        elif line and not path:
            raise NotUnderstood(line.strip()[:200])
        elif line:
            found[path] += (line,)
    return found


def parse_addresses(text: str) -> str:
    """The first address of ``getent ahosts``."""
    words = text.split()
    if not words or not is_address(words[0]):
        raise NotUnderstood(text.strip()[:200] or "empty output")
    return words[0]


def _clean(path: str) -> str:
    return "/" + posixpath.normpath(path).lstrip("/") if path.startswith("/") else path


class Tree:
    """The mounts as the kernel walks them: a mount covers whatever lies below its mount point."""

    def __init__(self, mounts: Sequence[Mount]) -> None:
        self.mounts = tuple(mounts)
        self._ids = {one.id for one in mounts}
        self._below: Dict[Optional[int], List[Mount]] = {}
        for one in mounts:
            self._below.setdefault(one.parent if one.parent in self._ids else None, []).append(one)

    def route(self, path: str) -> Tuple[Mount, ...]:
        """The mounts that a lookup of this path passes through."""
        walked: List[Mount] = []
        below = self._below.get(None, [])
        while below and len(walked) <= len(self.mounts):
            passed = [one for one in below if lies_on(path, one.path) and one not in walked]
            if not passed:
                break
            walked.append(min(passed, key=lambda one: len(one.path)))
            below = self._below.get(walked[-1].id, [])
        return tuple(walked)

    def touches(self, *paths: str) -> Touches:
        """What a lookup waits for. What cannot be killed comes first: OCFS2 is worse than NFS or a disk."""
        passed = {_touches(mount) for path in paths for mount in self.route(path)}
        order = (Touches.OCFS2, Touches.NFS, Touches.DISKS)
        return next((one for one in order if one in passed), Touches.NOTHING)


def expected_at_boot(entries: Iterable[Entry]) -> Tuple[Wanted, ...]:
    """What a booted node has mounted."""
    found = []
    for one in entries:
        path = _clean(one.path)
        if path.startswith("/") and one.fstype not in PSEUDO and one.at_boot:
            found.append(Wanted(path, one.source, one.fstype, one.options, FSTAB, in_fstab=True))
    return tuple(found)


def wanted(policy: Policy, fstab: Iterable[Wanted]) -> Tuple[Wanted, ...]:
    """What should be mounted: the policy's word goes before fstab's, which fills what the policy leaves open."""
    entries = {one.path: one for one in fstab} if policy.fstab else {}
    known = {one.path: one for one in fstab}
    for one in policy.mounts:
        path = _clean(one.path)
        entries.pop(path, None)
        if not one.link:
            same = known.get(path, Wanted(path))
            entries[path] = Wanted(
                path=path,
                source=one.source or same.source,
                fstype=one.fstype or same.fstype,
                options=one.options or same.options,
                by="policy",
                required=one.options,
                in_fstab=same.in_fstab,
            )
    return tuple(entries[path] for path in sorted(entries))


def probe(host: Host, policy: Policy) -> Facts:
    listed = host.read(MOUNTINFO)
    lost: List[Missing] = []
    mounts = _parsed(listed, lost)
    if mounts is None:
        return Facts(missing=tuple(lost))
    tree = Tree(mounts)
    places = [_place(host, tree, one) for one in wanted(policy, _fstab(host, lost))]
    places += _found(tree, places)
    servers = _servers(host, policy, places, lost)
    silent = {path for server in servers if not server.answers for path in server.paths}
    dead = {place.mount.number for place in places if place.mount and place.wanted.path in silent}
    places = _with_usage(host, tree, dead, places, lost)
    places = _with_below(host, tree, dead, places, lost)
    links = tuple(_link(host, tree, dead, one, lost) for one in policy.mounts if one.link)
    return Facts(tuple(places), links, servers, tuple(lost))


def _parsed(listed: Answer, lost: List[Missing]) -> Optional[Tuple[Mount, ...]]:
    if not listed.ok or not listed.stdout.strip():
        lost.append(listed.missing())
        return None
    try:
        return parse_mountinfo(listed.stdout)
    except NotUnderstood as error:
        lost.append(listed.missing(Problem.NOT_UNDERSTOOD, str(error)))
        return None


def _fstab(host: Host, lost: List[Missing]) -> Tuple[Wanted, ...]:
    answer = host.read(FSTAB)
    if not answer.ok and answer.problem is not Problem.ABSENT:
        lost.append(answer.missing())
    entries, passed_over = parse_fstab(answer.stdout)
    lost.extend(answer.missing(Problem.NOT_UNDERSTOOD, line) for line in passed_over)
    return expected_at_boot(entries)


def _place(host: Host, tree: Tree, one: Wanted) -> Place:
    mount, over = _mounted(tree, one.path)
    if mount is None:
        real = _real_path(host, tree, one.path)
        mount, over = _mounted(tree, real) if real != one.path else (None, "")
        one = replace(one, path=real) if mount is not None else one
    device = _bound(tree, one.source) if one.bind else _device(host, one.source)
    if mount is not None and mount.fstype == "autofs":
        return Place(one, device=device, automount=True)
    return Place(one, mount, device, _right(host, one, mount, device), over)


def _mounted(tree: Tree, path: str) -> Tuple[Optional[Mount], str]:
    """What is mounted at this path, and the mount that covers it, if any."""
    walked = tree.route(path)
    if walked and walked[-1].path == path:
        return walked[-1], ""
    hidden = [each for each in tree.mounts if each.path == path]
    return (hidden[-1], walked[-1].path) if hidden and walked else (None, "")


def _real_path(host: Host, tree: Tree, path: str) -> str:
    """/etc/fstab may name a mount point through a symbolic link; the kernel shows where it leads."""
    touches = tree.touches(path)
    if touches is Touches.NFS:
        return path
    answer = host.run(["readlink", "-m", "--", path], timeout=10.0, touches=touches)
    real = answer.stdout.strip("\n")
    return real if answer.ok and not answer.rc and real.startswith("/") else path


def _bound(tree: Tree, source: str) -> Optional[str]:
    walked = tree.route(_clean(source))
    return walked[-1].number if walked else None


def _found(tree: Tree, places: Sequence[Place]) -> List[Place]:
    """The root and every mount of NFS or OCFS2, wanted or not: one of each device."""
    seen = {place.mount.number for place in places if place.mount}
    found = []
    for mount in tree.mounts:
        of_interest = mount.path == "/" or mount.fstype in (*NFS, "ocfs2")
        if of_interest and mount.number not in seen and tree.route(mount.path)[-1] is mount:
            seen.add(mount.number)
            found.append(Place(Wanted(mount.path, mount.source, mount.fstype), mount))
    return found


def _device(host: Host, source: str) -> Optional[str]:
    """major:minor of the device that a source names; empty when there is none; None when it names no device."""
    name = _device_name(host, source)
    if not name:
        return name
    number = host.read("/sys/class/block/%s/dev" % name).stdout.strip()
    return number if re.match(r"^[0-9]+:[0-9]+$", number) else ""


def _device_name(host: Host, source: str) -> Optional[str]:
    tag, equals, value = source.partition("=")
    if equals and tag in TAGS:
        # udev writes what may not be in a file name as \xNN
        value = re.sub(r"[^\w#+.:=@/-]", lambda match: "\\x%02x" % ord(match.group(0)), value.strip("\"'"))
        source = "/dev/disk/%s/%s" % (TAGS[tag], value)
        if not host.glob("/dev/disk/%s/*" % TAGS[tag]):
            return None
    if not source.startswith("/dev/"):
        return None
    for _hop in range(8):
        target = host.link(source)
        if target is None:
            break
        source = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    name = source[len("/dev/") :]
    if source.startswith("/dev/disk/"):
        return ""
    folder, slash, last = name.partition("/")
    if not slash:
        return name
    # without udev's links a device-mapper device is known to sysfs by its name alone
    mapped = last if folder == "mapper" else "%s-%s" % (folder.replace("-", "--"), last.replace("-", "--"))
    for path in host.glob("/sys/block/dm-*"):
        if host.read(path + "/dm/name").stdout.strip() == mapped:
            return path.rpartition("/")[2]
    return name.replace("/", "!")


def _right(host: Host, one: Wanted, mount: Optional[Mount], device: Optional[str]) -> Optional[bool]:
    if mount is None or device is None or (not device and one.source == mount.source):
        return None
    number = mount.number
    if number.startswith("0:") and not one.bind:
        number = _device(host, mount.source) or ""
        if not number:
            return None
    if not device:
        return False
    if number == device:
        return True
    # udev's link may lead to one path of the multipath map that is mounted
    held = (host.link("/sys/dev/block/" + device) or "").rpartition("/")[2]
    holder = (host.link("/sys/dev/block/" + number) or "").rpartition("/")[2]
    holders = host.glob("/sys/class/block/%s/holders/*" % held) if held else []
    return holder in [path.rpartition("/")[2] for path in holders]


def _servers(host: Host, policy: Policy, places: Sequence[Place], lost: List[Missing]) -> Tuple[Server, ...]:
    """Each NFS server once: a connection tells whether it lives, and cannot hang."""
    paths: Dict[Tuple[str, int], List[str]] = {}
    uncertain: Set[Tuple[str, int]] = set()
    for place in places:
        if place.mount is not None and place.mount.fstype in NFS:
            mount = place.mount
            address = mount.option("addr") or mount.option("mountaddr") or _server_name(mount.source)
            port = mount.option("port")
            where = (address, int(port) if re.match(r"^[1-9][0-9]{0,4}$", port) else NFS_PORT)
            if mount.option("proto") not in ("", "tcp", "tcp6"):
                uncertain.add(where)
        elif place.mount is None and place.wanted.nfs:
            where = (_server_name(place.wanted.source), NFS_PORT)
        else:
            continue
        paths.setdefault(where, []).append(place.wanted.path)
    servers = []
    for (name, number), mounted in paths.items():
        address = _address(host, name, lost)
        if not address:
            servers.append(Server(name, number, None, tuple(mounted), Phrase("no_address")))
            continue
        answer = host.exchange(address, number, timeout=policy.server_timeout)
        answers: Optional[bool] = answer.ok
        if not answer.ok and (name, number) in uncertain:
            answers = None
            lost.append(answer.missing(detail=Phrase("not_over_tcp", answer.stderr)))
        said = "" if answer.ok else "%s: %s" % (answer.source, answer.stderr)
        servers.append(Server(address, number, answers, tuple(mounted), said))
    return tuple(servers)


def _server_name(source: str) -> str:
    return source.rpartition(":/")[0].strip("[]")


def _address(host: Host, name: str, lost: List[Missing]) -> str:
    if is_address(name):
        return name
    answer = host.run(["getent", "ahosts", name], timeout=10.0) if name else Answer("getent ahosts")
    try:
        return parse_addresses(answer.stdout)
    except NotUnderstood:
        lost.append(answer.missing(detail=Phrase("no_address")))
        return ""


def _touches(mount: Mount) -> Touches:
    if mount.fstype == "ocfs2":
        return Touches.OCFS2
    if mount.path == "/" or mount.fstype in IN_MEMORY:
        return Touches.NOTHING
    if mount.number.startswith("0:") and mount.fstype not in LOCAL:
        # any other file system without a device is somebody's server or daemon
        return Touches.NFS
    return Touches.DISKS


def _hangs(tree: Tree, dead: Set[str], path: str) -> bool:
    return any(mount.number in dead for mount in tree.route(path))


def _with_usage(host: Host, tree: Tree, dead: Set[str], places: Sequence[Place], lost: List[Missing]) -> List[Place]:
    groups: Dict[Tuple[Touches, str], List[str]] = {}
    for place in places:
        path, mount = place.wanted.path, place.mount
        if mount is None or place.over or _hangs(tree, dead, path):
            continue
        # an NFS mount that nobody wants matters for its server alone
        if place.wanted.by or mount.fstype not in NFS:
            # a server that hangs must not cost the answers of the others
            server = (_server_name(mount.source) or mount.source) if _touches(mount) is Touches.NFS else ""
            groups.setdefault((tree.touches(path), server), []).append(path)
    usages: Dict[str, Usage] = {}
    errors: Dict[str, str] = {}
    order = list(Touches)
    for (touches, _server), paths in sorted(groups.items(), key=lambda item: order.index(item[0][0])):
        answer = host.run(["stat", "-f", "-c", STAT_FORMAT] + paths, timeout=10.0, touches=touches)
        try:
            usages.update({one.path: one for one in parse_usage(answer.stdout)})
        except NotUnderstood as error:
            lost.append(answer.missing(Problem.NOT_UNDERSTOOD, str(error)))
            continue
        said = parse_stat_errors(answer.stderr)
        errors.update(said)
        if not answer.ok or any(path not in usages and path not in said for path in paths):
            lost.append(Missing("stat -f " + " ".join(paths), answer.problem or Problem.FAILED, answer.stderr[:300]))
    for path, detail in list(errors.items()):
        if detail == "Permission denied":
            lost.append(Missing("stat -f " + path, Problem.DENIED, detail))
            del errors[path]
    return [replace(one, usage=usages.get(one.wanted.path), error=errors.get(one.wanted.path, "")) for one in places]


def _holder(tree: Tree, place: Place) -> Optional[Mount]:
    """The mount that the mount point itself lies on; None where a bind mount of it would not show the folder."""
    walked = [one for one in tree.route(place.wanted.path) if one.fstype != "autofs"]
    if place.mount is not None:
        walked = walked[:-1]
    if not walked or walked[-1].path == place.wanted.path or place.over:
        return None
    return walked[-1]


def _with_below(host: Host, tree: Tree, dead: Set[str], places: Sequence[Place], lost: List[Missing]) -> List[Place]:
    groups: Dict[Touches, List[str]] = {}
    parents: Dict[str, str] = {}
    for place in places:
        one, holder = place.wanted, _holder(tree, place)
        looked = one.by and not one.bind and not place.automount and one.fstype not in IN_MEMORY
        if looked and holder is not None and not _hangs(tree, dead, holder.path):
            parents[one.path] = holder.path
            inside = one.path if holder.path == "/" else one.path[len(holder.path) :]
            groups.setdefault(tree.touches(holder.path), []).extend([holder.path, inside, one.path])
    found: Dict[str, Tuple[str, ...]] = {}
    for touches, arguments in groups.items():
        argv = ["unshare", "--mount", "sh", "-c", LOOK_BELOW, "look-below"] + arguments
        answer = host.run(argv, timeout=10.0, touches=touches)
        reading = "files below " + ", ".join(arguments[2::3])
        try:
            seen = parse_below(answer.stdout)
        except NotUnderstood as error:
            lost.append(Missing(reading, Problem.NOT_UNDERSTOOD, str(error)))
            continue
        found.update(seen)
        if not answer.ok or any(path not in seen for path in arguments[2::3]):
            denied = "not permitted" in answer.stderr or "ermission denied" in answer.stderr
            problem = answer.problem or (Problem.DENIED if denied else Problem.FAILED)
            lost.append(Missing(reading, problem, answer.stderr.strip()[:300]))
    return [replace(one, below=found.get(one.wanted.path), parent=parents.get(one.wanted.path, "")) for one in places]


def _link(host: Host, tree: Tree, dead: Set[str], one: Expected, lost: List[Missing]) -> Link:
    path, target = _clean(one.path), _clean(one.link)
    link = Link(path, target)
    if _hangs(tree, dead, path):
        lost.append(Missing("readlink " + path, Problem.BLOCKED, Phrase("nfs_dead")))
        return link
    answer = host.run(["readlink", "-v", "--", path], timeout=10.0, touches=tree.touches(path))
    if not answer.ok:
        lost.append(answer.missing())
        return link
    if answer.rc:
        return replace(link, detail="; ".join(answer.stderr.split("\n")[:1]) or Phrase("no_link"))
    found = posixpath.normpath(posixpath.join(posixpath.dirname(path), answer.stdout.strip("\n")))
    link = replace(link, target=found)
    if found != target or _hangs(tree, dead, target):
        return link
    answer = host.run(["stat", "-L", "-c", "%F", "--", path], timeout=10.0, touches=tree.touches(path, target))
    if not answer.ok:
        lost.append(answer.missing())
        return link
    return replace(link, reached=not answer.rc, detail=answer.stderr.strip()[:200])


def judge(facts: Facts, policy: Policy) -> List[Finding]:
    findings = [missing(one) for one in facts.missing]
    for server in facts.servers:
        if server.answers is False:
            named = {"detail": server.detail, "paths": list(server.paths)}
            findings.append(Finding("mounts_server_dead", server.address, named, (server.detail,)))
    for place in facts.places:
        findings += _judge_place(place) + _judge_usage(place, policy)
    for link in facts.links:
        findings += _judge_link(link)
    if findings:
        return findings
    if not any(one.wanted.by for one in facts.places) and not facts.links:
        return [absent("mounts", Phrase("no_mounts", FSTAB), False)]
    usages = [one.usage for one in facts.places if one.usage is not None]
    fullest = max(usages, key=lambda usage: usage.used_percent, default=None)
    values = {
        "mounts": sum(1 for one in facts.places if one.wanted.by) + len(facts.links),
        "fullest": fullest.path if fullest else "-",
        "used": fullest.used_percent if fullest else 0,
    }
    return [Finding("mounts_ok", "mounts", values, (MOUNTINFO,))]


def _judge_place(place: Place) -> List[Finding]:
    one, mount = place.wanted, place.mount
    if place.automount:
        if place.device == "":
            return [_not_mounted(place)]
        line = "%s: autofs on %s" % (MOUNTINFO, one.path)
        return [Finding("mounts_automount_waits", one.path, {"source": one.source or "-"}, (line, one.line))]
    if mount is None:
        return [_not_mounted(place)] + _judge_below(place)
    evidence = (mount.line, one.line)
    findings = []
    if place.over:
        values = {"source": mount.source, "over": place.over}
        findings.append(Finding("mounts_hidden_mount", one.path, values, evidence))
    if not one.by:
        return findings
    if place.right is None and place.device is None and one.source.partition("=")[0] in TAGS:
        said = Phrase("found_by_device", one.source)
        findings.append(missing(Missing("/dev/disk", Problem.ABSENT, said), one.path))
    elif not _right_source(place, mount):
        values = {"found": mount.source, "expected": one.source}
        findings.append(Finding("mounts_wrong_source", one.path, values, evidence))
    if not _right_type(one, mount):
        values = {"found": mount.fstype, "expected": one.fstype, "source": mount.source}
        findings.append(Finding("mounts_wrong_type", one.path, values, evidence))
    if mount.read_only and "ro" not in one.options and mount.fstype not in READ_ONLY:
        findings.append(Finding("mounts_read_only", one.path, {}, (mount.line,)))
    shown = mount.options + mount.super_options + USERSPACE
    lacking = [word for word in one.required if word not in shown and not word.startswith("x-")]
    if lacking:
        findings.append(Finding("mounts_wrong_options", one.path, {"lacking": lacking}, evidence))
    return findings + _judge_below(place)


def _not_mounted(place: Place) -> Finding:
    one = place.wanted
    values = {"source": one.source or one.fstype or "any"}
    evidence = (one.line, "%s: nothing on %s" % (MOUNTINFO, one.path))
    if place.device == "":
        return Finding("mounts_device_missing", one.path, values, evidence)
    code = "mounts_fstab_not_mounted" if one.in_fstab else "mounts_missing"
    return Finding(code, one.path, values, evidence)


def _right_source(place: Place, mount: Mount) -> bool:
    expected, found = place.wanted.source, mount.source
    if place.right is not None:
        return place.right
    if not expected or expected.rstrip("/") == found.rstrip("/"):
        return True
    if mount.fstype in NFS:
        # the same server may be written by name and by address
        same_export = expected.rpartition(":/")[2].rstrip("/") == found.rpartition(":/")[2].rstrip("/")
        return same_export and _server_name(expected) == mount.option("addr")
    # in fstab any word may stand where the file system has no device
    names_a_server = expected.startswith("//") or ":/" in expected
    return place.wanted.by == FSTAB and place.device is None and not names_a_server


def _right_type(one: Wanted, mount: Mount) -> bool:
    if one.bind or one.fstype in ("", "auto", "none", mount.fstype):
        return True
    return (one.fstype == "nfs" and mount.fstype == "nfs4") or mount.fstype.startswith("fuse")


def _judge_below(place: Place) -> List[Finding]:
    if not place.below:
        return []
    evidence = tuple(
        "%s/%s lies on the file system of %s" % (place.wanted.path, name, place.parent) for name in place.below
    )
    values = {"files": list(place.below), "parent": place.parent}
    code = "mounts_hidden_files" if place.mount is not None else "mounts_written_unmounted"
    return [Finding(code, place.wanted.path, values, evidence)]


def _judge_usage(place: Place, policy: Policy) -> List[Finding]:
    path, usage = place.wanted.path, place.usage
    if place.error:
        return [Finding("mounts_unreadable", path, {"detail": place.error}, ("stat -f %s: %s" % (path, place.error),))]
    if usage is None or place.mount is None or place.mount.read_only:
        return []
    findings = []
    if usage.used_percent >= policy.used_warning:
        code = "mounts_full" if usage.used_percent >= policy.used_critical else "mounts_filling"
        said = "stat -f %s: %d of %d bytes are free" % (path, usage.free_bytes, usage.bytes)
        findings.append(Finding(code, path, {"used": usage.used_percent, "free_bytes": usage.free_bytes}, (said,)))
    # OCFS2 makes inodes as it needs them and reports its clusters in their place
    if usage.inodes_used_percent >= policy.inodes_warning and place.mount.fstype != "ocfs2":
        code = "mounts_inodes_full" if usage.inodes_used_percent >= policy.inodes_critical else "mounts_inodes_filling"
        said = "stat -f %s: %d of %d inodes are free" % (path, usage.free_inodes, usage.inodes)
        findings.append(Finding(code, path, {"used": usage.inodes_used_percent, "free": usage.free_inodes}, (said,)))
    return findings


def _judge_link(link: Link) -> List[Finding]:
    if link.target and link.target != link.wanted:
        said = "readlink %s: %s" % (link.path, link.target)
        return [Finding("mounts_link_wrong", link.path, {"expected": link.wanted, "found": link.target}, (said,))]
    if not link.target:
        if not link.detail:
            return []
        values = {"expected": link.wanted, "found": link.detail}
        return [Finding("mounts_link_wrong", link.path, values, (link.detail,))]
    if link.reached is False:
        values = {"target": link.target, "detail": link.detail}
        return [Finding("mounts_link_dangling", link.path, values, (link.detail or link.target,))]
    return []


# an operator waits for this one, with a dead server at its worst
CHECK = Check("mounts", Policy, probe, judge, TABLE, within=14.0)
