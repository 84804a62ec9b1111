# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nodes answer, made by running the real checks on recordings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import examine
from ansible_collections.cloudops.hypervisor.plugins.module_utils.examination import CHECKS
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Status, verdict
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.documents import as_json
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.model import Report, build
from replay import Replay, recording

EARLIER = "2026-11-20T20:40:00+09:00"
CREATED = "2026-11-21T20:40:00+09:00"
UNREACHABLE = {"unreachable": True, "msg": "Task failed: Failed to connect to the host via ssh: Connection timed out"}
FAILED = {"failed": True, "msg": "No python interpreters found", "module_stderr": "sh: 1: python3: not found\n"}


def multipath(state: str, **changes: Any) -> dict[str, Any]:
    answers = {
        "multipathd -kshow maps json": recording(f"multipath/show_maps_json-{state}"),
        "multipathd -kshow daemon": recording(f"multipath/show_daemon-{state}"),
        "multipath -ll": recording(f"multipath/multipath_ll-{state}"),
        "dmsetup status --target multipath": recording(f"multipath/dmsetup_status-{state}"),
        "dmsetup table --target multipath": recording(f"multipath/dmsetup_table-{state}"),
        "/etc/multipath.conf": "defaults {\n}\n",
        "/sys/block/dm-0/size": "4194304\n",
    }
    return {**answers, **changes}


def answer(answers: dict[str, Any], *checks: str) -> dict[str, Any]:
    """What node_health registers for a node with these answers."""
    host = Replay(answers)
    health = {name: examine(CHECKS[name], host, CHECKS[name].policy()) for name in checks or ("multipath", "lvm")}
    return {
        "changed": False,
        "checks": health,
        "verdict": verdict(Status(one["status"]) for one in health.values()).value,
        "took": dict.fromkeys(health, 0.25),
        "node": {"hostname": "n", "boot_id": "8c2c-1", "uptime_seconds": 93784.5, "kernel": "6.1.0", "python": "3.8.2"},
    }


def healthy() -> dict[str, Any]:
    return answer(multipath("healthy"))


def mixed() -> dict[str, dict[str, Any]]:
    """One node of each kind; the worst is not the first."""
    return {
        "n1": healthy(),
        "n2": answer(multipath("onefailed")),
        "n3": answer(multipath("allfailed-queueing")),
        "n4": UNREACHABLE,
        "n5": FAILED,
        "n6": answer({}),
    }


def report(results: dict[str, Any], language: str = "en", history: Iterable[Report] = (), **more: Any) -> Report:
    documents = [as_json(one) for one in history]
    more = {"run": "run-2", "created": CREATED, **more}
    return build(results, "node_boot_check", language=language, history=documents, **more)


def earlier(results: dict[str, Any], created: str = EARLIER, run: str = "run-1", **more: Any) -> Report:
    return report(results, run=run, created=created, **more)
