# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order a node is brought into service, and what stands in the way of a step.

Source: runbook "uxen 서비스 점검 사항" and SAFETY rule 48: the API never starts on a /data that is not mounted, and
what is unknown never lets an action go ahead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, Tuple

FIT = ("ok", "skipped", "warning")
BELOW_MOUNTS = ("network", "multipath", "o2cb")

# With no volume mounted there is no heartbeat: mounting is what ends these.
WITHOUT_MOUNT = frozenset({"o2cb_heartbeat_inactive", "o2cb_region_inactive"})


@dataclass(frozen=True)
class Step:
    """``mends``: findings that call for it. ``needs``: checks that must be fit before it; ``proves``: those after it.

    ``brings_back``: findings of what it needs that only the step itself can end.
    """

    mends: FrozenSet[str]
    needs: Tuple[str, ...]
    proves: Tuple[str, ...]
    brings_back: FrozenSet[str] = frozenset()


STEPS: Dict[str, Step] = {
    "mounts": Step(
        mends=frozenset({"mounts_fstab_not_mounted", "mounts_missing"}),
        needs=BELOW_MOUNTS,
        proves=BELOW_MOUNTS + ("mounts",),
        brings_back=WITHOUT_MOUNT,
    ),
    "nginx": Step(
        mends=frozenset({"services_nginx_down"}),
        needs=BELOW_MOUNTS + ("mounts",),
        # what it passes requests to is started after it: what it answers is no proof yet
        proves=(),
    ),
    "uxen_api": Step(
        mends=frozenset({"services_api_down"}),
        needs=BELOW_MOUNTS + ("mounts",),
        proves=("services",),
    ),
}


def wanted(result: Mapping[str, Any]) -> List[str]:
    """The steps that the findings of node_health call for, in their order."""
    codes = {finding["code"] for check in _checks(result).values() for finding in check["findings"]}
    return [name for name, step in STEPS.items() if step.mends & codes]


def obstacles(result: Mapping[str, Any], name: str, assumed: Iterable[str] = ()) -> List[str]:
    """What stands in the way of this step; ``assumed``: steps that are taken as done, where nothing is really done."""
    step = STEPS[name]
    apart_from = step.brings_back
    for other in assumed:
        if other != name:
            apart_from = apart_from | STEPS[other].mends | STEPS[other].brings_back
    return standing(_checks(result), step.needs, apart_from)


def unproven(result: Mapping[str, Any], name: str) -> List[str]:
    """What is not as the step should have left it; empty: it came good."""
    step, checks = STEPS[name], _checks(result)
    left = standing(checks, step.proves)
    left += [
        _line(check, finding)
        for check, health in checks.items()
        for finding in health["findings"]
        if finding["code"] in step.mends and check not in step.proves
    ]
    return left if checks else ["the node gave no answer"]


def standing(
    checks: Mapping[str, Mapping[str, Any]], needs: Iterable[str], apart_from: FrozenSet[str] = frozenset()
) -> List[str]:
    """Every finding of these checks that is not fit. A check that did not run proves nothing."""
    found = []
    for name in needs:
        if name not in checks:
            found.append("%s: was not checked" % name)
            continue
        found += [
            _line(name, finding)
            for finding in checks[name]["findings"]
            if finding["status"] not in FIT and finding["code"] not in apart_from
        ]
    return found


def _checks(result: Mapping[str, Any]) -> Mapping[str, Any]:
    checks: Mapping[str, Any] = result.get("checks") or {}
    return checks


def _line(check: str, finding: Mapping[str, Any]) -> str:
    return ": ".join(part for part in (check, finding["subject"], finding["message"]) if part)
