# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do the VMs of a node live? Two readings of the node itself, when it answers, and where else a VM may be: rule 7.

A domain that gets CPU time lives, whether or not anything in it answers the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Tuple

Answers = Mapping[str, Mapping[str, Any]]
_RESTS = ("crashed", "dying", "shutdown", "paused")


@dataclass(frozen=True)
class Guest:
    """``lives`` is None where it cannot be told."""

    vm: str
    name: str
    id: int
    lives: Optional[bool]
    why: str

    @property
    def said(self) -> str:
        return "domain %d %s: %s" % (self.id, self.name, self.why)


def life(first: Mapping[str, Any], second: Mapping[str, Any]) -> Tuple[Guest, ...]:
    """The domains of a node, by what M(cloudops.hypervisor.xen_vm_info) returned of it twice; no node, no domains."""
    before = {one["id"]: one for one in first.get("domains") or ()}
    after = {one["id"]: one for one in second.get("domains") or ()}
    seconds = second["node"]["at"] - first["node"]["at"] if after and before else 0.0
    return tuple(_guest(before.get(number), after.get(number), seconds) for number in sorted({*before, *after}))


def _guest(before: Optional[Mapping[str, Any]], after: Optional[Mapping[str, Any]], seconds: float) -> Guest:
    one: Mapping[str, Any] = after or before or {}
    lives, why = _moved(before, after, seconds)
    return Guest(one["uuid"], one["name"], one["id"], lives, why)


def _moved(
    before: Optional[Mapping[str, Any]], after: Optional[Mapping[str, Any]], seconds: float
) -> Tuple[Optional[bool], str]:
    if after is None or before is None or after["uuid"] != before["uuid"]:
        return None, "only one reading has it"
    resting = [name for name in _RESTS if after["state"][name]]
    if resting:
        return False, ", ".join(resting)
    rose = after["cpu_ns"] - before["cpu_ns"]
    if rose > 0:
        return True, "its CPU time rose by %.3g ms in %.3g s" % (rose / 1e6, seconds)
    return False, "its CPU time stood still for %.3g s" % seconds


def elsewhere(macs: Mapping[str, str], nodes: Answers) -> Dict[str, str]:
    """Addresses of VMs that are on a node that answers: by address, that node. What answers there is not this node's.

    ``macs``: by address, the VM's MAC. ``nodes``: what other nodes answered.
    """
    having = {
        nic["mac"].lower(): name
        for name, answer in nodes.items()
        for one in answer.get("domains") or ()
        for nic in one["nics"]
        if not any(one["state"][rest] for rest in _RESTS)
    }
    return {address: having[mac.lower()] for address, mac in macs.items() if mac.lower() in having}


def summary(guests: Tuple[Guest, ...]) -> List[str]:
    """The lines of evidence, those that live first."""
    return [one.said for one in sorted(guests, key=lambda one: (one.lives is not True, one.id))]
