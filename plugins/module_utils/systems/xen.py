# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Xen as a dom0 has it: libxc's list of domains and its count of the memory, and what xenstore says of each domain.

libxc alone says which domains there are, and counts their CPU time in nanoseconds (``xl list`` rounds to tenths of a
second). It is asked last: a domain that began meanwhile is there without its name, never missing.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, TypeVar

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Host, Missing, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.readings import first_line
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import Mac, VmUuid

NAMELESS = "(null)"
INCOMING = "--incoming"
MIGRATED_AWAY = "--migratedaway"
SHUTDOWN_REASONS = ("poweroff", "reboot", "suspend", "crash", "watchdog", "soft_reset")
_DOM0 = 0
T = TypeVar("T")

# What libxc has, in ``found``. Any Python 3 of the node; Debian keeps the bindings of each Xen version in a folder of
# their own.
LIBXC = """\
import glob, json, sys
def version(part):
    try:
        return open("/sys/hypervisor/version/" + part).read().strip()
    except OSError:
        return "*"
sys.path[:0] = glob.glob("/usr/lib/xen-%s.%s/lib/python" % (version("major"), version("minor")))
import xen.lowlevel.xc
xc = xen.lowlevel.xc.xc()
found = {"xen": xc.xeninfo(), "memory": xc.physinfo(), "domains": xc.domain_getinfo(0, 4096)}
for domain in found["domains"]:
    digits = bytes(bytearray(domain["handle"])).hex()
    domain["handle"] = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
"""
SHOW = "print(json.dumps(found))\n"
ASK_LIBXC = ("python3", "-I", "-c", LIBXC + SHOW)
ASK_XENSTORE = ("xenstore-ls", "-f", "/local/domain")
# while a guest is built, xenstored answers everybody else late
XENSTORE_WITHIN = 20.0


@dataclass(frozen=True)
class Info:
    """Memory in KiB."""

    version: str
    total_kib: int
    free_kib: int


@dataclass(frozen=True)
class State:
    """As the hypervisor has it; ``shutdown_reason`` is None unless it is shut down."""

    running: bool
    blocked: bool
    paused: bool
    shutdown: bool
    shutdown_reason: Optional[str]
    crashed: bool
    dying: bool


@dataclass(frozen=True)
class Counted:
    """A domain as libxc counts it. ``cpu_ns``: of all its vCPUs since it was created."""

    id: int
    uuid: VmUuid
    state: State
    cpu_ns: int
    memory_kib: int
    maximum_kib: int
    vcpus: int


@dataclass(frozen=True)
class Disk:
    """``path`` is None for a drive without medium; ``backend``: phy, qdisk or as Xen says; ``loop``: /dev/loop0."""

    vdev: str
    path: Optional[str]
    format: Optional[str] = None
    backend: Optional[str] = None
    loop: Optional[str] = None
    writable: bool = True


@dataclass(frozen=True)
class Nic:
    mac: str
    bridge: Optional[str] = None
    device: Optional[str] = None


@dataclass(frozen=True)
class Stored:
    """A domain as xenstore has it; ``port``: where its console listens."""

    id: int
    uuid: Optional[VmUuid] = None
    name: Optional[str] = None
    disks: Tuple[Disk, ...] = ()
    nics: Tuple[Nic, ...] = ()
    port: Optional[int] = None


@dataclass(frozen=True)
class Domain:
    counted: Counted
    name: str
    disks: Tuple[Disk, ...] = ()
    nics: Tuple[Nic, ...] = ()
    port: Optional[int] = None

    @property
    def incoming(self) -> bool:
        return self.name.endswith(INCOMING)

    @property
    def migrated_away(self) -> bool:
        return self.name.endswith(MIGRATED_AWAY)


@dataclass(frozen=True)
class Facts:
    """``at``: when libxc was asked, seconds since the epoch; ``domains``: without dom0, None if it did not answer."""

    info: Optional[Info]
    dom0: Optional[Counted]
    domains: Optional[Tuple[Domain, ...]]
    at: float
    missing: Tuple[Missing, ...] = ()


def parse_libxc(text: str) -> Tuple[Info, Tuple[Counted, ...]]:
    """What ``SHOW`` prints: version and memory, and libxc's list of domains."""
    try:
        found = json.loads(text)
        return _info(found["xen"], found["memory"]), tuple(_counted(one) for one in found["domains"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise NotUnderstood(first_line(text)) from None


def parse_xenstore(text: str) -> Dict[str, str]:
    """``xenstore-ls -f``: path to value."""
    found = {}
    for line in text.split("\n"):
        match = re.match(r'^(/\S*) = "(.*)"\s*$', line)
        if match:
            found[match.group(1)] = _unescaped(match.group(2))
        elif line.strip():
            raise NotUnderstood(line.strip()[:200])
    if not found:
        raise NotUnderstood("empty output")
    return found


def _unescaped(value: str) -> str:
    """What is not printable is written as C writes it."""
    plain = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}

    def one(match: re.Match[str]) -> str:
        word = match.group(1)
        if word in plain:
            return plain[word]
        return chr(int(word[1:], 16) if word.startswith("x") else int(word, 8))

    return re.sub(r"\\(x[0-9a-fA-F]{2}|[0-7]{3}|[tnr\\])", one, value)


def _info(about: Mapping[str, Any], memory: Mapping[str, Any]) -> Info:
    version, total, free = (about["xen_major"], about["xen_minor"]), memory["total_memory"], memory["free_memory"]
    if not all(isinstance(value, int) for value in (*version, total, free)):
        raise NotUnderstood(json.dumps([about, memory])[:200])
    return Info("%d.%d%s" % (*version, about["xen_extra"]), total, free)


def _counted(one: Mapping[str, Any]) -> Counted:
    numbers = {name: one.get(name) for name in ("domid", "cpu_time", "mem_kb", "maxmem_kb", "online_vcpus")}
    flags = {name: one.get(name) for name in ("running", "blocked", "paused", "shutdown", "crashed", "dying")}
    if not all(isinstance(value, int) for value in (*numbers.values(), *flags.values())):
        raise NotUnderstood(json.dumps(one)[:200])
    reason = one.get("shutdown_reason")
    named = isinstance(reason, int) and 0 <= reason < len(SHUTDOWN_REASONS)
    said = SHUTDOWN_REASONS[reason] if named and isinstance(reason, int) else "reason %s" % json.dumps(reason)[:20]
    whole: Dict[str, int] = {name: int(value or 0) for name, value in numbers.items()}
    state = State(
        **{name: bool(value) for name, value in flags.items()}, shutdown_reason=said if flags["shutdown"] else None
    )
    return Counted(
        id=whole["domid"],
        uuid=_uuid(one.get("handle")),
        state=state,
        cpu_ns=whole["cpu_time"],
        memory_kib=whole["mem_kb"],
        maximum_kib=whole["maxmem_kb"],
        vcpus=whole["online_vcpus"],
    )


def _uuid(value: Any) -> VmUuid:
    try:
        return VmUuid(value)
    except ValueError as error:
        raise NotUnderstood(str(error)) from None


def _mac(value: Any) -> Mac:
    try:
        return Mac(value)
    except ValueError as error:
        raise NotUnderstood(str(error)) from None


def _decimal(text: Any) -> bool:
    return isinstance(text, str) and re.match(r"^[0-9]{1,9}\Z", text) is not None


_OWN = re.compile(r"^/local/domain/([0-9]{1,9})/(name|vm|console/vnc-port)$")
_BACKEND = re.compile(r"^(/local/domain/[0-9]+/backend/(vbd|vbd3|qdisk|tap|vif)/([0-9]{1,9})/([0-9]{1,9}))/")
# libxl's name of a raw image that QEMU opens
_RAW = "aio"


def stored(tree: Mapping[str, str]) -> Tuple[Stored, ...]:
    """The domains that xenstore names, dom0 too. Pure; NotUnderstood names a value that cannot be meant."""
    own: Dict[int, Dict[str, str]] = {}
    devices: Dict[int, Dict[str, Tuple[str, int]]] = {}
    for path, value in tree.items():
        mine, backend = _OWN.match(path), _BACKEND.match(path)
        if mine:
            own.setdefault(int(mine.group(1)), {})[mine.group(2)] = value
        elif backend:
            place = (backend.group(2), int(backend.group(4)))
            devices.setdefault(int(backend.group(3)), {})[backend.group(1)] = place
    return tuple(
        _stored(number, own.get(number, {}), devices.get(number, {}), tree) for number in sorted({*own, *devices})
    )


def _stored(
    number: int, own: Mapping[str, str], devices: Mapping[str, Tuple[str, int]], tree: Mapping[str, str]
) -> Stored:
    disks, nics = [], []
    for folder, (kind, device) in devices.items():
        if kind == "vif":
            nics += _stored_nic(folder, number, device, tree)
        else:
            disks.append(_stored_disk(folder, kind, device, tree))
    vm = own.get("vm", "")
    return Stored(
        id=number,
        uuid=_uuid(vm[len("/vm/") :]) if vm.startswith("/vm/") else None,
        name=own.get("name") or None,
        disks=tuple(disks),
        nics=tuple(nics),
        port=int(own["console/vnc-port"]) if _decimal(own.get("console/vnc-port")) else None,
    )


def _stored_disk(folder: str, kind: str, device: int, tree: Mapping[str, str]) -> Disk:
    """A block backend's ``params`` is the path, or format and path; a raw file is behind the loop device ``node``."""
    path, form = tree.get(folder + "/params", ""), "raw"
    if kind != "vbd" and not path.startswith("/"):
        form, _colon, path = path.partition(":")
    node = tree.get(folder + "/node", "")
    return Disk(
        vdev=tree.get(folder + "/dev") or str(device),
        path=path or None,
        format="raw" if form == _RAW else form or None,
        backend=tree.get(folder + "/type") or kind,
        loop=node if node.startswith("/dev/loop") else None,
        writable=tree.get(folder + "/mode", "w") != "r",
    )


def _stored_nic(folder: str, number: int, device: int, tree: Mapping[str, str]) -> List[Nic]:
    mac = tree.get(folder + "/mac")
    if not mac:
        return []
    name = tree.get(folder + "/vifname") or "vif%d.%d" % (number, device)
    return [Nic(_mac(mac), tree.get(folder + "/bridge") or None, name)]


def domains(counted: Sequence[Counted], known: Sequence[Stored]) -> Tuple[Domain, ...]:
    """What libxc counts, dom0 left out, with what xenstore knows of each. Pure."""
    by_id = {one.id: one for one in known}
    return tuple(
        _domain(one, by_id.get(one.id, Stored(one.id)))
        for one in sorted(counted, key=lambda one: one.id)
        if one.id != _DOM0
    )


def _domain(counted: Counted, found: Stored) -> Domain:
    # ids are used again: what names another VM is of a domain that has gone
    mine = found if found.uuid in (None, counted.uuid) else Stored(counted.id)
    return Domain(counted, mine.name or NAMELESS, mine.disks, mine.nics, mine.port)


def probe(host: Host) -> Facts:
    """Two commands, neither of which waits for a guest's disks."""
    lost: List[Missing] = []
    known = _read(lost, host.run(ASK_XENSTORE, XENSTORE_WITHIN), lambda text: stored(parse_xenstore(text))) or ()
    at = host.now()
    answer = _read(lost, _libxc(host), parse_libxc)
    if answer is None:
        return Facts(None, None, None, at, tuple(lost))
    info, counted = answer
    dom0 = next((one for one in counted if one.id == _DOM0), None)
    return Facts(info, dom0, domains(counted, known), at, tuple(lost))


def count(host: Host, lost: List[Missing]) -> Optional[Tuple[Counted, ...]]:
    """libxc's list alone, dom0 left out; None, and noted as missing, where it does not answer."""
    answer = _read(lost, _libxc(host), parse_libxc)
    return None if answer is None else tuple(one for one in answer[1] if one.id != _DOM0)


def _libxc(host: Host) -> Answer:
    answer = replace(host.run(ASK_LIBXC), source="libxc")
    if answer.ok and "No module named" in answer.stderr:
        return replace(answer, problem=Problem.ABSENT)
    return answer


def _read(lost: List[Missing], answer: Answer, parse: Callable[[str], T]) -> Optional[T]:
    """What a command said, or None: noted as missing."""
    if not answer.ok or answer.rc:
        lost.append(answer.missing())
        return None
    try:
        return parse(answer.stdout)
    except NotUnderstood as error:
        lost.append(answer.missing(Problem.NOT_UNDERSTOOD, str(error)))
        return None
