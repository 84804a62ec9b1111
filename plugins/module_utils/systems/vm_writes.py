# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much each domain has written to its disks: xen-blkback's counters, and those of a QEMU that is a disk's backend.

A counter only ever rises while its device lives, so that of two copies the one whose counters still rise is the one
that writes. A raw image's loop device belongs to blkback's counter already.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterable, List, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Host
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.process_table import arguments, read_processes

BACKENDS = "/sys/bus/xen-backend/devices/vbd-%d-*/statistics/wr_sect"
SECTOR = 512


@dataclass(frozen=True)
class Writes:
    """``written``: in bytes, since the device was attached."""

    domain: int
    device: str
    written: int


def parse_io(text: str) -> int:
    """/proc/PID/io: the bytes a process wrote to storage."""
    found = re.search(r"^write_bytes: ([0-9]{1,20})$", text, re.MULTILINE)
    if not found:
        raise NotUnderstood(text.strip()[:200])
    return int(found.group(1))


def probe(host: Host, domains: Iterable[int]) -> Tuple[Writes, ...]:
    """A domain without an entry has no counter that could be read."""
    wanted = set(domains)
    found: List[Writes] = []
    for number in sorted(wanted):
        for path in host.glob(BACKENDS % number):
            sectors = host.read(path).stdout.strip()
            if re.match(r"^[0-9]{1,20}\Z", sectors):
                found.append(Writes(number, path.split("/")[5], int(sectors) * SECTOR))
    for pid in sorted(read_processes(host)) if wanted else []:
        words = arguments(host, pid)
        owner = words[words.index("-xen-domid") + 1 :][:1] if "-xen-domid" in words else []
        if owner and owner[0].isdigit() and int(owner[0]) in wanted:
            try:
                found.append(Writes(int(owner[0]), "qemu", parse_io(host.read("/proc/%d/io" % pid).stdout)))
            except NotUnderstood:
                continue
    return tuple(found)
