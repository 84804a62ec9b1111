# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices of a VM as the database, its ``.cfg``, Xen and the guest have them, side by side.

Runbook "vm 리부팅 후 추가 디스크 인식 실패": a disk that was added live is lost by a reboot. When the database has all
of them and Xen has not, the VM is stopped, proven off, and started; when the database lacks one, that is only said.
"""

from __future__ import annotations

import enum
import posixpath
from dataclasses import dataclass
from typing import Any, Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding

Rows = Sequence[Mapping[str, Any]]


class Act(str, enum.Enum):
    """``RESTART_BY_API``: the ``.cfg`` lacks it too, and only the API writes that anew from the database."""

    NONE = "none"
    RESTART = "restart"
    RESTART_BY_API = "restart_by_api"


@dataclass(frozen=True)
class Line:
    """One device; None is a column that was not read. ``name``: the file, or the MAC address."""

    kind: str
    name: str
    database: Optional[bool]
    config: bool
    domain: bool
    guest: Optional[bool]

    @property
    def text(self) -> str:
        columns = (("database", self.database), (".cfg", self.config), ("Xen", self.domain), ("guest", self.guest))
        shown = ", ".join("%s %s" % (name, "?" if has is None else "yes" if has else "NO") for name, has in columns)
        return "%s %s: %s" % (self.kind, self.name, shown)


@dataclass(frozen=True)
class Verdict:
    act: Act
    findings: Tuple[Finding, ...]


def disks(rows: Optional[Rows], config: Rows, domain: Rows, guest: Optional[Iterable[str]]) -> List[Line]:
    """``rows``: the VM's rows of the database, None or nothing where it was not read; ``guest``: its device names."""
    known = None if not rows else [disk for row in rows for disk in row["disks"]]
    seen = None if guest is None else set(guest)
    wanted = {str(one["path"]): one["vdev"] for one in config if one["path"] and not one.get("cdrom")}
    has = {str(one["path"]): one["vdev"] for one in domain if one["path"] and one.get("writable", True)}
    lines: List[Line] = []
    for path in dict.fromkeys([*wanted, *has]):
        vdev = wanted.get(path) or has.get(path) or ""
        row = None if known is None else any(_is_file(disk, path) for disk in known)
        there = None if seen is None or not vdev.startswith(("xvd", "sd", "hd", "vd")) else vdev in seen
        lines.append(Line("disk", posixpath.basename(path), row, path in wanted, path in has, there))
    nowhere = [disk for disk in known or () if not any(_is_file(disk, path) for path in (*wanted, *has))]
    return lines + [Line("disk", "%(uuid)s.%(imgtype)s" % disk, True, False, False, None) for disk in nowhere]


def _is_file(disk: Mapping[str, Any], path: str) -> bool:
    return str(disk["uuid"]).lower() in path.lower()


def nics(api: Optional[Iterable[str]], config: Rows, domain: Rows, guest: Optional[Iterable[str]]) -> List[Line]:
    """``api``: the MAC addresses that the API has for the VM; the runbook's tables have none."""
    columns = [
        None if macs is None else {str(mac).lower() for mac in macs if mac}
        for macs in (api, [one["mac"] for one in config], [one["mac"] for one in domain], guest)
    ]
    every = dict.fromkeys(mac for column in columns if column for mac in sorted(column))
    known, wanted, has, seen = columns
    return [
        Line(
            "nic",
            mac,
            None if known is None else mac in known,
            mac in (wanted or ()),
            mac in (has or ()),
            None if seen is None else mac in seen,
        )
        for mac in every
    ]


def judge(vm: str, lines: Sequence[Line]) -> Verdict:
    """What is to be done, and each line that is not as it should be."""
    unknown = [line for line in lines if line.database is None and not line.domain]
    unlisted = [line for line in lines if line.database is False]
    lost = [line for line in lines if line.database and not line.domain]
    unseen = [line for line in lines if line.domain and line.guest is False]
    findings = [_finding("vm_devices_not_in_database", vm, line) for line in unlisted]
    findings += [_finding("vm_devices_database_unread", vm, line) for line in unknown]
    findings += [_finding("vm_devices_lost" if line.config else "vm_devices_lost_in_config", vm, line) for line in lost]
    findings += [_finding("vm_devices_guest_lacks", vm, line) for line in unseen]
    if not findings:
        findings.append(Finding("vm_devices_in_step", vm, {"count": len(lines)}, tuple(line.text for line in lines)))
    if unlisted or unknown or not lost:
        return Verdict(Act.NONE, tuple(findings))
    whole = all(line.config for line in lost)
    return Verdict(Act.RESTART if whole else Act.RESTART_BY_API, tuple(findings))


def _finding(code: str, vm: str, line: Line) -> Finding:
    return Finding(code, vm, {"what": line.kind, "name": line.name}, (line.text,))
