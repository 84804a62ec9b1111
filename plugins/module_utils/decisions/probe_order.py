# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which check runs when, and what may no longer be touched after what was found. Source: docs/rules.md, rule 44.

While a map queues without paths nothing that reads disks is run; while o2net or the heartbeat is ill nothing stats or
opens on OCFS2; while an NFS server is dead nothing touches NFS. The storage's own checks therefore come first, asked
for or not; what waits for no storage runs beside them.
"""

from __future__ import annotations

from typing import Any, Iterable, List, Mapping, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Touches
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Status, Table

STORAGE_LANE = ("multipath", "o2cb", "lvm", "mounts", "services", "boot")
GUARDS = {
    "multipath": (Touches.DISKS, Touches.OCFS2),
    "o2cb": (Touches.OCFS2,),
    "mounts": (Touches.NFS,),
}
# whose result must be there before a check may touch what it touches
NEEDED = {
    "o2cb": ("multipath",),
    "lvm": ("multipath",),
    "mounts": ("multipath", "o2cb"),
    "boot": ("multipath", "o2cb"),
}


def guards(checks: Iterable[str]) -> Tuple[str, ...]:
    """The checks that are examined for the safety of these alone."""
    wanted = list(checks)
    needed = {guard for name in wanted for guard in NEEDED.get(name, ())}
    return tuple(name for name in STORAGE_LANE if name in needed and name not in wanted)


def lanes(checks: Iterable[str]) -> Tuple[List[str], List[str]]:
    """(one after the other, beside them): the storage lane in its order, and the checks that wait for no storage."""
    wanted = list(checks)
    storage = [name for name in STORAGE_LANE if name in wanted]
    return storage, [name for name in wanted if name not in storage]


def blocked_after(check: str, result: Mapping[str, Any], table: Table) -> List[Tuple[Touches, str]]:
    """What must not be touched any more after this check's result, each with the cause to name.

    An unknown blocks like the illness it may hide.
    """
    for finding in result["findings"]:
        row = table.get(finding["code"])
        if finding["status"] == Status.UNKNOWN.value or (row is not None and row.blocks):
            cause = ": ".join(part for part in (finding["subject"], finding["message"]) if part)
            return [(touches, cause) for touches in GUARDS.get(check, ())]
    return []
