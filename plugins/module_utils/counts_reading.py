# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CPU time of one VM's domains and what they wrote: the body of M(cloudops.hypervisor.vm_counts_info).

Three counts are taken in one trip: on nodes whose full reading takes long, two of them would lie too far apart to prove
that two domains run at the same time.
"""

from __future__ import annotations

import time
from typing import Any, Dict, List, Mapping

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import LocalHost, Missing
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import plain
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import vm_writes, xen
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import VmUuid

ROUNDS = 3
BETWEEN = 1.0


def argument_spec() -> Dict[str, Any]:
    """The options of M(cloudops.hypervisor.vm_counts_info)."""
    return {
        "vm": {"type": "str", "required": True},
        "timeout": {"type": "float", "default": 15.0},
    }


def meant(params: Mapping[str, Any]) -> VmUuid:
    """The VM; PolicyError names the option that cannot be meant."""
    try:
        return VmUuid(params["vm"])
    except ValueError as error:
        raise PolicyError("vm", str(error)) from None


def answer(params: Mapping[str, Any]) -> Dict[str, Any]:
    host = LocalHost().until(time.monotonic() + params["timeout"])
    return read(host, meant(params))


def read(host: LocalHost, vm: VmUuid) -> Dict[str, Any]:
    """``{vm, node, rounds, missing}``; a round whose domains could not be counted has None for them."""
    began = host.now()
    rounds: List[Dict[str, Any]] = []
    lost: List[Missing] = []
    for number in range(ROUNDS):
        if number:
            host.wait(BETWEEN)
        at = host.now()
        found = xen.count(host, lost)
        own = None if found is None else [one for one in found if one.uuid == vm]
        domains = None if own is None else [{"id": one.id, "state": one.state, "cpu_ns": one.cpu_ns} for one in own]
        rounds.append({"at": at, "domains": domains, "writes": vm_writes.probe(host, [one.id for one in own or ()])})
    about = {
        "hostname": host.read("/proc/sys/kernel/hostname").stdout.strip(),
        "began": began,
        "ended": host.now(),
    }
    shown: Dict[str, Any] = plain({"vm": vm, "node": about, "rounds": rounds, "missing": list(dict.fromkeys(lost))})
    return shown
