# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's examination: any set of checks, in the order that cannot hang, in one run.

The storage lane runs one check after the other, because each may forbid what the next would touch; what waits for no
storage runs beside it, a few at a time: on a node short of CPU they would eat up each other's deadlines. What a check
depends on is examined before it, asked for or not. The readings of a check end in time for those behind it, so that
each says itself what it waited for; one that does not come back all the same is unknown and is left behind.
"""

from __future__ import annotations

import math
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import (
    Check,
    conclude,
    examine,
    refused_unless_meant,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Host, LocalHost
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import probe_order
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding, Status, verdict
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError, build
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import argument_spec as options
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import (
    bonding,
    boot,
    kernel_log,
    lvm,
    mounts,
    multipath,
    network,
    o2cb,
    openvswitch,
    services,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import time as clock

BESIDE_AT_ONCE = 2
# of the whole time: what is kept to end a child and to judge, and what all checks behind one may count on
TO_CONCLUDE = 0.05
FOR_THE_REST = 0.5
CHECKS: Dict[str, Check[Any, Any]] = {
    one.CHECK.name: one.CHECK
    for one in (services, mounts, multipath, lvm, o2cb, bonding, openvswitch, network, clock, kernel_log, boot)
}


def argument_spec() -> Dict[str, Any]:
    """The options of M(cloudops.hypervisor.node_health)."""
    policy = {name: {"type": "dict", "options": options(check.policy)} for name, check in CHECKS.items()}
    return {
        "checks": {"type": "list", "elements": "str", "choices": list(CHECKS), "default": list(CHECKS)},
        "policy": {"type": "dict", "options": policy},
        "statuses": {"type": "dict", "default": {}},
        "timeout": {"type": "float", "default": 60.0},
    }


@dataclass(frozen=True)
class Order:
    """What to examine, refused as a whole when any of it cannot be meant. ``guards``: what is examined beside it, to
    know what may be touched.
    """

    policies: Mapping[str, Any]
    statuses: Mapping[str, str]
    timeout: float
    guards: Mapping[str, Any] = field(default_factory=dict)


def order(params: Mapping[str, Any]) -> Order:
    """The order from a module's options; PolicyError names the option that cannot be meant."""
    wanted, given = params["checks"], params.get("policy") or {}
    chosen = {name: CHECKS[name] for name in CHECKS if name in wanted}
    if not chosen:
        raise PolicyError("checks", "nothing is left to check")
    built = {
        name: build(check.policy, given.get(name) or {}, "policy.%s." % name)
        for name, check in CHECKS.items()
        # a policy that cannot be meant is refused even where its check is not asked for
    }
    statuses = refused_unless_meant(params.get("statuses") or {}, [check.table for check in CHECKS.values()])
    if not (params["timeout"] > 0 and math.isfinite(params["timeout"])):
        raise PolicyError("timeout", "more than 0 seconds is wanted, not %g" % params["timeout"])
    return Order(
        {name: built[name] for name in chosen},
        statuses,
        params["timeout"],
        {name: built[name] for name in probe_order.guards(chosen)},
    )


def answer(params: Mapping[str, Any]) -> Dict[str, Any]:
    """Everything M(cloudops.hypervisor.node_health) returns, read on this node."""
    ordered = order(params)
    host = LocalHost()
    result = run(host, ordered)
    result["node"] = identity(host)
    return result


def identity(host: Host) -> Dict[str, Any]:
    """Which node, which boot, and what its clock says (seconds since the epoch)."""
    uptime = host.read("/proc/uptime").stdout.split()
    return {
        "hostname": host.read("/proc/sys/kernel/hostname").stdout.strip(),
        "kernel": host.read("/proc/sys/kernel/osrelease").stdout.strip(),
        "boot_id": host.read("/proc/sys/kernel/random/boot_id").stdout.strip(),
        "uptime_seconds": float(uptime[0]) if uptime else None,
        "time": host.now(),
        "python": "%d.%d.%d" % sys.version_info[:3],
    }


def run(host: LocalHost, ordered: Order) -> Dict[str, Any]:
    """``{checks: {name: health}, verdict, took: {name: seconds}}``"""
    ends = time.monotonic() + ordered.timeout
    readings_end = ends - TO_CONCLUDE * ordered.timeout
    # without a map there is nothing that could queue: what the daemon says of it is not waited for
    idle = () if multipath.map_in_kernel(host) else (multipath.CHECK.name,)
    guards = {name: policy for name, policy in ordered.guards.items() if name not in idle}
    policies = {**guards, **ordered.policies}
    results: Dict[str, Dict[str, Any]] = {}
    took: Dict[str, float] = {}

    def lane(names: List[str], share: float) -> None:
        while True:
            try:
                name = names.pop(0)
            except IndexError:
                return
            started, check = time.monotonic(), CHECKS[name]
            until = min(readings_end - share * len(names), started + (check.within or ordered.timeout))
            result = examine(check, host.until(until), policies[name], ordered.statuses)
            for touches, cause in probe_order.blocked_after(name, result, check.table):
                host.block(touches, cause)
            took[name] = round(time.monotonic() - started, 3)
            results[name] = result

    storage, beside = probe_order.lanes(policies)
    # daemon threads: one that never returns must not keep the answer back
    # the lanes beside the storage share one list: each takes the next check
    lanes = [(names, FOR_THE_REST * ordered.timeout / max(len(names), 1)) for names in (storage, beside)]
    lanes += lanes[1:] * (BESIDE_AT_ONCE - 1)
    threads = [threading.Thread(target=lane, args=given, daemon=True) for given in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(ends - time.monotonic(), 0))
    done = dict(results)
    for name in ordered.policies:
        if name not in done:
            finding = Finding("check_not_finished", name, {"seconds": ordered.timeout})
            done[name] = conclude(name, [finding], None, CHECKS[name].table, ordered.statuses)
    checks = {name: done[name] for name in ordered.policies}
    return {
        "checks": checks,
        "verdict": verdict(Status(result["status"]) for result in checks.values()).value,
        "took": {name: took[name] for name in checks if name in took},
    }
