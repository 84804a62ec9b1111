# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's examination: any set of checks, in the order that cannot hang, in one run.

The storage lane runs one check after the other, because each may forbid what the next would touch; what waits for no
storage runs beside it. A check that does not come back in time is unknown and is left behind.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Dict, List, Mapping, Optional

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import Check, conclude, examine
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import LocalHost
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import probe_order
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding, Status, verdict
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError, build
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import multipath

CHECKS: Dict[str, "Check[Any, Any]"] = {one.CHECK.name: one.CHECK for one in (multipath,)}


def policies(names: List[str], options: Mapping[str, Any]) -> Dict[str, Any]:
    """The policy of each check from the options of a person; PolicyError names what cannot be meant."""
    for name in options:
        if name not in CHECKS:
            raise PolicyError("policy." + name, "no such check; there are %s" % ", ".join(CHECKS))
    return {name: build(CHECKS[name].policy, options.get(name) or {}, "policy.%s." % name) for name in names}


def refuse_unknown_codes(overrides: Mapping[str, str]) -> None:
    """A status can be overridden only for a code that exists, and only by a status a finding may have."""
    from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.common import TABLE as COMMON

    known = set(COMMON).union(*(one.table for one in CHECKS.values()))
    for code, status in overrides.items():
        if code not in known:
            raise PolicyError("statuses." + code, "no such finding code")
        if status not in ("ok", "warning", "critical"):
            raise PolicyError("statuses." + code, "ok, warning or critical is wanted, not %r" % (status,))


def run(
    host: LocalHost, chosen: Mapping[str, Any], overrides: Optional[Mapping[str, str]] = None, deadline: float = 60.0
) -> Dict[str, Any]:
    """``chosen`` maps check to policy. Returns ``{checks: {name: health}, verdict, took: {name: seconds}}``."""
    ends = time.monotonic() + deadline
    results: Dict[str, Dict[str, Any]] = {}
    took: Dict[str, float] = {}

    def one(name: str) -> None:
        started = time.monotonic()
        result = examine(CHECKS[name], host, chosen[name], overrides)
        for touches, cause in probe_order.blocked_after(name, result, CHECKS[name].table):
            host.block(touches, cause)
        took[name] = round(time.monotonic() - started, 3)
        results[name] = result

    def lane(names: List[str]) -> None:
        for name in names:
            one(name)

    storage, beside = probe_order.lanes(chosen)
    # daemon threads: one that never returns must not keep the answer back
    threads = [threading.Thread(target=lane, args=(names,), daemon=True) for names in [storage] + [[n] for n in beside]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(ends - time.monotonic(), 0))
    done = dict(results)
    for name in chosen:
        if name not in done:
            finding = Finding("check_not_finished", name, {"seconds": deadline})
            done[name] = conclude(name, [finding], None, CHECKS[name].table, overrides)
    ordered = {name: done[name] for name in chosen}
    return {
        "checks": ordered,
        "verdict": verdict(Status(result["status"]) for result in ordered.values()).value,
        "took": dict(took),
    }
