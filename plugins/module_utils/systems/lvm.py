# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""LVM: what ``pvs`` and ``lvs`` report, and what the kernel really has active.

Both report JSON since LVM2 2.02.158; an older one is asked again for separated text. They end with rc 0 and print
nothing when no disk can be read, so sysfs (device-mapper UUIDs that begin with ``LVM-``), /etc/fstab and the policy
tell whether an empty answer can be true. A duplicate PV is told on stderr alone.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple, TypeVar

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import Check
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Host, Missing, Problem, Touches
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding, NotUnderstood, absent, missing
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.lvm import TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.mount_table import FSTAB, Entry, parse_fstab
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.readings import first_line

SECTOR = 512
PV_FIELDS = ("pv_name", "pv_uuid", "pv_attr", "pv_size", "vg_name", "vg_uuid", "vg_attr", "vg_size", "vg_free")
LV_FIELDS = ("lv_name", "lv_uuid", "vg_name", "vg_uuid", "lv_attr", "lv_size", "origin")
# /dev/FOLDER/NAME of these is no /dev/VG/LV
NO_VOLUME_GROUPS = ("block", "bus", "cciss", "char", "disk", "drbd", "ida", "mapper", "md", "nbd", "net", "rbd", "zvol")

Row = TypeVar("Row")


@dataclass(frozen=True)
class Policy:
    """What LVM must have.

    ``required``: LVM must be on this node.
    ``vgs``: names of the VGs that must exist.
    ``lvs``: LVs that must exist and be active, each as VG/LV. Unset: those that /etc/fstab names as /dev/VG/LV.
    """

    required: bool = False
    vgs: Tuple[str, ...] = ()
    lvs: Tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.vgs:
            if not _NAME.match(name):
                raise PolicyError("vgs", "%r cannot be the name of a VG" % name)
        for name in self.lvs:
            if not _VOLUME.match(name):
                raise PolicyError("lvs", "VG/LV is wanted, not %r" % name)


_NAME = re.compile(r"^[A-Za-z0-9_+.][A-Za-z0-9_+.-]*$")
_VOLUME = re.compile(r"^[A-Za-z0-9_+.][A-Za-z0-9_+.-]*/[A-Za-z0-9_+.][A-Za-z0-9_+.-]*$")


@dataclass(frozen=True)
class PhysicalVolume:
    """``vg`` is empty for a PV of no VG. ``path_of``: the multipath map whose single path this PV lies on."""

    name: str
    uuid: str
    attributes: str
    bytes: Optional[int]
    vg: str
    vg_uuid: str = ""
    vg_attributes: str = ""
    vg_bytes: Optional[int] = None
    vg_free_bytes: Optional[int] = None
    path_of: str = ""

    @property
    def missing(self) -> bool:
        return self.attributes[2:3] == "m" or self.name in ("[unknown]", "unknown device", "")


@dataclass(frozen=True)
class LogicalVolume:
    name: str
    uuid: str
    vg: str
    vg_uuid: str
    attributes: str
    bytes: Optional[int]
    origin: str = ""

    @property
    def full_name(self) -> str:
        return "%s/%s" % (self.vg, self.name)

    @property
    def device_uuid(self) -> str:
        return "LVM-" + (self.vg_uuid + self.uuid).replace("-", "")

    @property
    def sized_as_its_device(self) -> bool:
        # a snapshot's size is that of its exception store, a pool's that of its data
        return self.attributes[:1] not in ("s", "S", "t", "d")


@dataclass(frozen=True)
class Device:
    """A device-mapper device of LVM as the kernel has it; ``name`` is VG-LV, hyphens within either doubled."""

    device: str
    name: str
    uuid: str
    suspended: bool
    bytes: Optional[int]

    @property
    def full_name(self) -> str:
        return _undoubled(self.name)

    @property
    def visible(self) -> bool:
        """``lvs`` names it without -a: neither a layer of an LV nor a part of one."""
        return len(self.uuid) == len("LVM-") + 64 and not _PART.search(self.name)


# lvm(8): what RAID, mirrors, thin pools and caches are made of
_PART = re.compile(
    r"_(?:rimage|rmeta|mimage|mlog|tdata|tmeta|cdata|cmeta|corig|cvol|pmspare|vdata|vorigin|imeta)(?:_\d+)*$"
)


def _undoubled(name: str) -> str:
    """VG/LV of a device-mapper name, in which hyphens within either are doubled."""
    vg, _hyphen, lv = re.sub(r"(?<!-)-(?!-)", "/", name, count=1).partition("/")
    return "%s/%s" % (vg.replace("--", "-"), lv.replace("--", "-"))


@dataclass(frozen=True)
class Duplicate:
    uuid: str
    unused: str
    line: str


@dataclass(frozen=True)
class Facts:
    """``pvs`` and ``lvs`` are None when they could not be read. ``fstab_lvs``: as VG/LV. ``warnings``: pvs' stderr."""

    installed: bool
    pvs: Optional[Tuple[PhysicalVolume, ...]] = None
    lvs: Optional[Tuple[LogicalVolume, ...]] = None
    devices: Tuple[Device, ...] = ()
    duplicates: Tuple[Duplicate, ...] = ()
    fstab_lvs: Tuple[str, ...] = ()
    warnings: Tuple[str, ...] = ()
    missing: Tuple[Missing, ...] = ()


def parse_pvs(text: str) -> Tuple[PhysicalVolume, ...]:
    """``pvs -o`` PV_FIELDS, as JSON or separated by ``|``."""
    return tuple(_physical(row) for row in _rows(text, "pv", PV_FIELDS))


def parse_lvs(text: str) -> Tuple[LogicalVolume, ...]:
    """``lvs -o`` LV_FIELDS, as JSON or separated by ``|``."""
    return tuple(_logical(row) for row in _rows(text, "lv", LV_FIELDS))


def _rows(text: str, kind: str, fields: Sequence[str]) -> List[Mapping[str, str]]:
    if not text.lstrip().startswith("{"):
        return [_separated(line, fields) for line in text.splitlines() if line.strip()]
    try:
        rows = [row for report in json.loads(text)["report"] for row in report[kind]]
        return [{str(key): str(value) for key, value in row.items()} for row in rows]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NotUnderstood(first_line(text)) from None


def _separated(line: str, fields: Sequence[str]) -> Mapping[str, str]:
    words = line.strip().split("|")
    if len(words) != len(fields):
        raise NotUnderstood(line.strip()[:200])
    return dict(zip(fields, words))


def _physical(row: Mapping[str, str]) -> PhysicalVolume:
    try:
        return PhysicalVolume(
            name=row["pv_name"],
            uuid=row.get("pv_uuid", ""),
            attributes=row["pv_attr"],
            bytes=_bytes(row.get("pv_size", "")),
            vg=row["vg_name"],
            vg_uuid=row.get("vg_uuid", ""),
            vg_attributes=row.get("vg_attr", ""),
            vg_bytes=_bytes(row.get("vg_size", "")),
            vg_free_bytes=_bytes(row.get("vg_free", "")),
        )
    except KeyError as error:
        raise NotUnderstood("a PV without %s" % error) from None


def _logical(row: Mapping[str, str]) -> LogicalVolume:
    try:
        return LogicalVolume(
            name=row["lv_name"],
            uuid=row.get("lv_uuid", ""),
            vg=row["vg_name"],
            vg_uuid=row.get("vg_uuid", ""),
            attributes=row["lv_attr"],
            bytes=_bytes(row.get("lv_size", "")),
            origin=row.get("origin", ""),
        )
    except KeyError as error:
        raise NotUnderstood("an LV without %s" % error) from None


def _bytes(word: str) -> Optional[int]:
    match = re.match(r"^([0-9]{1,30})B?$", word)
    return int(match.group(1)) if match else None


_DUPLICATE = (
    re.compile(r"Not using (?:duplicate PV )?(?:device )?(?P<unused>/\S+) for PV (?P<uuid>[\w-]+)"),
    re.compile(r"Found duplicate PV (?P<uuid>[\w-]+): using \S+ not (?P<unused>/\S+)"),
    re.compile(r"PV (?P<uuid>[\w-]+) on (?P<unused>/\S+) was already found on "),
)


def parse_duplicates(text: str) -> Tuple[Duplicate, ...]:
    """stderr of ``pvs``, in the words of 2.02.98 to 2.03: each device left aside because its PV was seen before."""
    found: Dict[Tuple[str, str], Duplicate] = {}
    for line in text.splitlines():
        for pattern in _DUPLICATE:
            match = pattern.search(line)
            if match:
                uuid, unused = match.group("uuid"), match.group("unused").rstrip(".")
                found.setdefault((uuid.replace("-", ""), unused), Duplicate(uuid, unused, line.strip()[:300]))
    return tuple(found.values())


def expected_lvs(entries: Iterable[Entry]) -> Tuple[str, ...]:
    """The LVs that /etc/fstab needs, as VG/LV, of entries written as /dev/VG/LV or /dev/mapper/VG-LV."""
    names = []
    for entry in entries:
        match = re.match(r"^/dev/([^/]+)/([^/]+)$", entry.source)
        if match is None or not entry.at_boot:
            continue
        name = entry.source[5:]
        if match.group(1) == "mapper" and not _NO_VOLUME.search(match.group(2)):
            name = _undoubled(match.group(2))
        if name.partition("/")[0] not in NO_VOLUME_GROUPS and _VOLUME.match(name):
            names.append(name)
    return tuple(dict.fromkeys(names))


# partitions of a map, and encrypted devices, are named with a hyphen, too
_NO_VOLUME = re.compile(r"-part\d+$|^luks-|^crypt")


def probe(host: Host, policy: Policy) -> Facts:
    """sysfs and fstab first, which never hang; then one ``pvs`` and one ``lvs``, which read disks."""
    devices, others = _devices(host)
    entries, _passed_over = parse_fstab(host.read(FSTAB).stdout)
    fstab_lvs = tuple(name for name in expected_lvs(entries) if name not in others)
    lost: List[Missing] = []
    answer, pvs = _report(host, "pvs", PV_FIELDS, parse_pvs, lost)
    if answer.problem is Problem.ABSENT:
        needed = devices or fstab_lvs
        return Facts(False, devices=devices, fstab_lvs=fstab_lvs, missing=tuple(lost) if needed else ())
    lvs: Optional[Tuple[LogicalVolume, ...]] = None
    # after a pvs that hung or was refused, lvs would do the same
    if answer.ok and not any(one.problem is Problem.DENIED for one in lost):
        _answer, lvs = _report(host, "lvs", LV_FIELDS, parse_lvs, lost)
    return Facts(
        installed=True,
        pvs=None if pvs is None else tuple(_placed(host, one) for one in pvs),
        lvs=lvs,
        devices=devices,
        duplicates=parse_duplicates(answer.stderr),
        fstab_lvs=fstab_lvs,
        warnings=tuple(line.strip()[:300] for line in answer.stderr.splitlines()[:50] if line.strip()),
        missing=tuple(lost),
    )


def _devices(host: Host) -> Tuple[Tuple[Device, ...], Set[str]]:
    """LVM's devices, and what the names of other device-mapper devices would be as VG/LV."""
    found, others = [], set()
    for path in host.glob("/sys/block/dm-*"):
        uuid = host.read(path + "/dm/uuid").stdout.strip()
        if not uuid.startswith("LVM-"):
            others.add(_undoubled(host.read(path + "/dm/name").stdout.strip()))
        else:
            size = host.read(path + "/size").stdout.strip()
            found.append(
                Device(
                    device=path.rpartition("/")[2],
                    name=host.read(path + "/dm/name").stdout.strip(),
                    uuid=uuid,
                    suspended=host.read(path + "/dm/suspended").stdout.strip() == "1",
                    bytes=int(size) * SECTOR if re.match(r"^[0-9]{1,18}$", size) else None,
                )
            )
    return tuple(found), others


def _report(
    host: Host,
    command: str,
    fields: Sequence[str],
    parse: Callable[[str], Tuple[Row, ...]],
    lost: List[Missing],
) -> Tuple[Answer, Optional[Tuple[Row, ...]]]:
    """The answer and its rows; what could not be had is added to ``lost``."""
    rest = ["--units", "b", "--nosuffix", "-o", ",".join(fields)]
    answer = host.run([command, "--reportformat", "json"] + rest, timeout=15.0, touches=Touches.DISKS)
    if answer.ok and answer.rc and "reportformat" in answer.stderr:
        answer = host.run([command, "--noheadings", "--separator", "|"] + rest, timeout=15.0, touches=Touches.DISKS)
    if not answer.ok:
        lost.append(answer.missing())
        return answer, None
    if "non-root user" in answer.stderr or "Permission denied" in answer.stderr:
        # refused, it may still end with rc 0 and an empty report
        lost.append(answer.missing(Problem.DENIED))
        return answer, None
    try:
        rows = parse(answer.stdout)
    except NotUnderstood as error:
        lost.append(answer.missing(Problem.NOT_UNDERSTOOD, str(error)))
        return answer, None
    if answer.rc:
        lost.append(answer.missing(Problem.FAILED))
    return answer, rows


def _placed(host: Host, volume: PhysicalVolume) -> PhysicalVolume:
    """With the map it bypasses, when the PV's device is itself a path of a multipath map."""
    match = re.match(r"^/dev/([^/]+)$", volume.name)
    if not match:
        return volume
    device = match.group(1)
    disk = host.link("/sys/class/block/%s" % device) or ""
    # a partition lies in its disk's folder: …/block/sda/sda1
    parent = disk.split("/")[-2] if disk.count("/") >= 2 else ""
    for name in dict.fromkeys(one for one in (device, parent) if one and one != "block"):
        for holder in host.glob("/sys/class/block/%s/holders/*" % name):
            where = "/sys/block/%s/dm/" % holder.rpartition("/")[2]
            if "mpath-" in host.read(where + "uuid").stdout:
                map_name = host.read(where + "name").stdout.strip()
                return replace(volume, path_of=map_name or holder.rpartition("/")[2])
    return volume


def judge(facts: Facts, policy: Policy) -> List[Finding]:
    if not facts.installed and not facts.missing:
        return [absent("LVM", Phrase("not_installed", "pvs"), policy.required or bool(policy.vgs or policy.lvs))]
    findings = [missing(one) for one in facts.missing] + _judge_suspended(facts)
    if facts.pvs is None:
        return findings
    if not facts.pvs:
        return findings + _judge_empty(facts, policy, bool(findings))
    findings += _judge_volumes(facts)
    findings += _judge_expected(facts, policy)
    findings += _judge_unreported(facts)
    findings += _judge_sizes(facts)
    if not findings:
        active = {one.uuid for one in facts.devices}
        values = {
            "pvs": len(facts.pvs),
            "vgs": len({one.vg for one in facts.pvs if one.vg}),
            "lvs": len(facts.lvs or ()),
            "active": sum(one.device_uuid in active for one in facts.lvs or ()),
        }
        findings.append(Finding("lvm_ok", "LVM", values, ("pvs, lvs",)))
    return findings


def _judge_suspended(facts: Facts) -> List[Finding]:
    return [
        Finding(
            "lvm_lv_suspended",
            one.full_name,
            {"device": one.name},
            ("/sys/block/%s/dm/suspended: 1 (%s)" % (one.device, one.name),),
        )
        for one in facts.devices
        if one.suspended
    ]


def _judge_empty(facts: Facts, policy: Policy, judged: bool) -> List[Finding]:
    """No PV at all: true only where nothing says that there should be one."""
    for proof, names in (
        ("/sys/block", sorted(one.full_name for one in facts.devices)),
        (FSTAB, list(facts.fstab_lvs)),
        (Phrase("policy"), list(policy.vgs) + list(policy.lvs)),
    ):
        if names:
            said = "%s: %s" % (proof, ", ".join(names))
            return [Finding("lvm_nothing_reported", "LVM", {"proof": proof, "names": names}, ("pvs: no PV", said))]
    if judged:
        return []
    return [absent("LVM", Phrase("no_pv"), policy.required)]


def _judge_volumes(facts: Facts) -> List[Finding]:
    findings = []
    for one in facts.pvs or ():
        if one.missing:
            lines = tuple("pvs: %s" % line for line in facts.warnings if one.uuid and one.uuid in line)
            row = "pvs: %s %s %s" % (one.name, one.vg, one.attributes)
            values = {"uuid": one.uuid, "vg": one.vg, "last_seen": _last_seen(one.uuid, facts.warnings)}
            findings.append(Finding("lvm_pv_missing", one.vg or one.uuid or "LVM", values, (row,) + lines))
        elif one.path_of:
            values = {"path": one.name, "map": one.path_of, "vg": one.vg}
            row = "pvs: %s %s %s" % (one.name, one.vg, one.attributes)
            findings.append(Finding("lvm_pv_on_path", one.name, values, (row,)))
    for duplicate in facts.duplicates:
        values = {"uuid": duplicate.uuid, "unused": duplicate.unused}
        findings.append(Finding("lvm_pv_duplicate", duplicate.unused, values, ("pvs: %s" % duplicate.line,)))
    return findings


def _last_seen(uuid: str, warnings: Sequence[str]) -> str:
    for line in warnings:
        match = re.search(r"last written to ([^)]+)\)", line)
        if match and uuid in line:
            return match.group(1)
    return Phrase("unknown_device")


def _judge_expected(facts: Facts, policy: Policy) -> List[Finding]:
    findings = []
    groups = {one.vg for one in facts.pvs or () if one.vg}
    by_policy: str = Phrase("policy")
    expected = dict.fromkeys(policy.lvs, by_policy) or dict.fromkeys(facts.fstab_lvs, FSTAB)
    needed = {name.partition("/")[0]: by for name, by in expected.items()}
    needed.update(dict.fromkeys(policy.vgs, by_policy))
    for name, by in sorted(needed.items()):
        if name not in groups:
            seen = "pvs: VGs: %s" % (", ".join(sorted(groups)) or "none")
            findings.append(Finding("lvm_vg_missing", name, {"expected_by": by}, (seen,)))
    if facts.lvs is None:
        return findings
    volumes = {one.full_name: one for one in facts.lvs}
    active = {one.uuid for one in facts.devices} | {one.full_name for one in facts.devices}
    for name, by in sorted(expected.items()):
        volume = volumes.get(name)
        if volume is None:
            if name.partition("/")[0] in groups:
                seen = "lvs: %s" % (", ".join(sorted(volumes)) or "no LV")
                findings.append(Finding("lvm_lv_missing", name, {"expected_by": by}, (seen,)))
        elif volume.device_uuid not in active and name not in active:
            row = "lvs: %s %s; no such device in /sys/block" % (name, volume.attributes)
            findings.append(Finding("lvm_lv_inactive", name, {"expected_by": by}, (row,)))
    return findings


def _judge_unreported(facts: Facts) -> List[Finding]:
    """What is active although LVM, asked for all it can see, does not know it: its disks have gone from under it."""
    if facts.lvs is None:
        return []
    known = {one.device_uuid for one in facts.lvs}
    return [
        Finding(
            "lvm_lv_not_reported",
            one.full_name,
            {"device": one.name},
            ("/sys/block/%s/dm/uuid: %s" % (one.device, one.uuid), "lvs: no LV with this UUID"),
        )
        for one in facts.devices
        if one.visible and one.uuid not in known
    ]


def _judge_sizes(facts: Facts) -> List[Finding]:
    findings = []
    devices = {one.uuid: one for one in facts.devices}
    for volume in facts.lvs or ():
        device = devices.get(volume.device_uuid)
        if device is None or not volume.sized_as_its_device or None in (device.bytes, volume.bytes):
            continue
        if device.bytes != volume.bytes:
            lines = (
                "lvs: %s %s" % (volume.full_name, volume.bytes),
                "/sys/block/%s/size: %s bytes" % (device.device, device.bytes),
            )
            values = {"lvm_bytes": volume.bytes, "device_bytes": device.bytes}
            findings.append(Finding("lvm_lv_size_differs", volume.full_name, values, lines))
    return findings


CHECK = Check("lvm", Policy, probe, judge, TABLE)
