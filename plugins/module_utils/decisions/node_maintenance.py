# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node that goes into maintenance, or out of it: rule 25 of docs/rules.md. A recovery does not fence it meanwhile.

Nothing recovers its VMs either. So they are told, and moved away first where that is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.migration_preflight import overhead_kib
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding

JOB = "node_maintenance"
_RESTS = ("paused", "shutdown", "crashed", "dying")


@dataclass(frozen=True)
class Guest:
    """A domain of the node. ``rests``: why it does not run, and cannot be moved; empty while it may."""

    vm: str
    name: str
    memory_kib: int
    vcpus: int
    rests: str = ""


@dataclass(frozen=True)
class Target:
    """A host that VMs may be moved to; ``free_kib`` is None where it gave no answer."""

    host: str
    free_kib: Optional[int]


@dataclass(frozen=True)
class Move:
    vm: str
    name: str
    target: str


@dataclass(frozen=True)
class Since:
    """Its maintenance, as the journal has it open."""

    at: str
    who: str
    reason: str


@dataclass(frozen=True)
class Case:
    """``enters``: else it leaves. ``guests`` is None where the node gave no answer, or its domains were not read.

    ``names``: what it is journalled under, which is what its kernel and the inventory call it; ``untold``: of these,
    the ones under which nothing is open. ``targets``: where its VMs go first; without one they stay.
    """

    node: str
    names: Sequence[str]
    enters: bool
    answered: bool
    guests: Optional[Sequence[Guest]]
    since: Optional[Since] = None
    untold: Sequence[str] = ()
    targets: Sequence[Target] = ()


def guests(domains: Sequence[Mapping[str, Any]]) -> List[Guest]:
    """From what M(cloudops.hypervisor.xen_vm_info) returned."""
    return [
        Guest(
            one["uuid"],
            one["name"],
            int(one["maximum_kib"]),
            int(one["vcpus"]),
            ", ".join(rest for rest in _RESTS if one["state"][rest]),
        )
        for one in domains
    ]


def moves(case: Case, reserve_kib: int = 65536) -> Tuple[List[Move], List[Guest]]:
    """Who goes where, one after the other, and who has no room. The largest first, to where most is free.

    Only memory is counted: everything else is looked at before each migration.
    """
    if not case.enters or not case.targets:
        return [], []
    free: Dict[str, int] = {one.host: one.free_kib for one in case.targets if one.free_kib is not None}
    found, left = [], []
    for one in sorted(case.guests or (), key=lambda one: (-one.memory_kib, one.vm)):
        if one.rests:
            continue
        needs = one.memory_kib + overhead_kib(one.memory_kib, one.vcpus)
        # of equal ones the first that was named
        host = max(free, key=lambda name: free[name], default="")
        if not host or free[host] < needs + reserve_kib:
            left.append(one)
            continue
        free[host] -= needs
        found.append(Move(one.vm, one.name, host))
    return found, left


def judge(case: Case) -> List[Finding]:
    return [*_standing(case), *(_entering(case) if case.enters else ())]


def _standing(case: Case) -> List[Finding]:
    values: Dict[str, Any] = {"node": case.node, "names": list(case.names)}
    since = case.since
    if since is not None:
        values.update(at=since.at, who=since.who, reason=since.reason)
    if case.enters:
        code = "node_maintenance_in" if since and not case.untold else "node_maintenance_enters"
    else:
        code = "node_maintenance_leaves" if since else "node_maintenance_out"
    return [Finding(code, case.node, values)]


def _entering(case: Case) -> List[Finding]:
    found = []
    if not case.answered:
        found.append(Finding("node_maintenance_silent", case.node, {"node": case.node}))
    elif case.guests is None:
        found.append(Finding("node_maintenance_unread", case.node, {"node": case.node}))
    if case.targets:
        found += _emptying(case)
    elif case.guests:
        shown = tuple(_told(one) for one in case.guests)
        found.append(Finding("node_maintenance_guests", case.node, {"node": case.node, "count": len(shown)}, shown))
    return found


def _emptying(case: Case) -> List[Finding]:
    found = []
    if case.guests is None:
        found.append(Finding("node_maintenance_not_emptied", case.node, {"node": case.node}))
    found += [
        Finding("node_maintenance_target", target.host, {"target": target.host})
        for target in case.targets
        if target.free_kib is None
    ]
    found += [
        Finding("node_maintenance_rests", one.vm, {"name": one.name, "said": one.rests}, (_told(one),))
        for one in case.guests or ()
        if one.rests
    ]
    wanted, left = moves(case)
    for one in left:
        values = {"name": one.name, "memory": one.memory_kib // 1024, "targets": [each.host for each in case.targets]}
        found.append(Finding("node_maintenance_no_room", one.vm, values, (_told(one),)))
    if wanted and not found:
        shown = tuple("%s (%s) to %s" % (one.name, one.vm, one.target) for one in wanted)
        found.append(Finding("node_maintenance_moves", case.node, {"node": case.node, "count": len(shown)}, shown))
    return found


def _told(one: Guest) -> str:
    return "%s (%s), %d MiB%s" % (one.name, one.vm, one.memory_kib // 1024, ", " + one.rests if one.rests else "")
