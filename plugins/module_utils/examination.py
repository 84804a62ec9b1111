# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's examination: any set of checks, in the order that cannot hang, in one run.

The storage lane runs one check after the other, because each may forbid what the next would touch; what waits for no
storage runs beside it, a few at a time: on a node short of CPU they would eat up each other's deadlines. A check that
does not come back in time is unknown and is left behind.
"""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from typing import Any, Dict, Iterator, Mapping

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
    """What to examine, refused as a whole when any of it cannot be meant."""

    policies: Mapping[str, Any]
    statuses: Mapping[str, str]
    timeout: float


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
    if not params["timeout"] > 0:
        raise PolicyError("timeout", "more than 0 seconds is wanted, not %g" % params["timeout"])
    return Order({name: built[name] for name in chosen}, statuses, params["timeout"])


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
    results: Dict[str, Dict[str, Any]] = {}
    took: Dict[str, float] = {}

    def lane(names: Iterator[str]) -> None:
        for name in names:
            started = time.monotonic()
            result = examine(CHECKS[name], host, ordered.policies[name], ordered.statuses)
            for touches, cause in probe_order.blocked_after(name, result, CHECKS[name].table):
                host.block(touches, cause)
            took[name] = round(time.monotonic() - started, 3)
            results[name] = result

    storage, beside = probe_order.lanes(ordered.policies)
    # daemon threads: one that never returns must not keep the answer back
    # the lanes beside the storage share one iterator: each takes the next check
    lanes = [iter(storage)] + [iter(beside)] * BESIDE_AT_ONCE
    threads = [threading.Thread(target=lane, args=(names,), daemon=True) for names in lanes]
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
        "took": dict(took),
    }
