# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order a node is brought into service, and what stands in the way of a step.

Source: runbook "uxen 서비스 점검 사항": the API never starts on a /data that is not mounted, and what is unknown never
lets an action go ahead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, Optional, Tuple

FIT = ("ok", "skipped", "warning")
BELOW_MOUNTS = ("network", "multipath", "o2cb")

# A site's statuses say how loud these are. Whatever they are called, the storage is not the one that services rest on.
NOT_PROVEN = frozenset(
    {
        "mounts_device_missing",
        "mounts_fstab_not_mounted",
        "mounts_hidden_mount",
        "mounts_missing",
        "mounts_wrong_source",
        "mounts_wrong_type",
        "mounts_written_unmounted",
    }
)

# With no volume mounted there is no heartbeat: mounting is what ends these.
WITHOUT_MOUNT = frozenset({"o2cb_heartbeat_inactive", "o2cb_region_inactive"})


@dataclass(frozen=True)
class Step:
    """``mends``: findings that call for it. ``needs``: checks that must be fit before it; ``proves``: those after it.

    ``brings_back``: findings of what it needs that only the step itself can end. ``writes``: what it starts writes to
    the data volume.
    """

    mends: FrozenSet[str]
    needs: Tuple[str, ...]
    proves: Tuple[str, ...]
    brings_back: FrozenSet[str] = frozenset()
    writes: bool = False


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
        writes=True,
    ),
    # last: what it lets go on rests on everything before
    "boot_gate": Step(
        mends=frozenset({"boot_gate_closed"}),
        needs=BELOW_MOUNTS + ("mounts", "services"),
        # the boot goes on: guests are started, which takes its time
        proves=(),
    ),
}


def wanted(result: Mapping[str, Any]) -> List[str]:
    """The steps that the findings of node_health call for, in their order."""
    codes = {finding["code"] for check in _checks(result).values() for finding in check["findings"]}
    return [name for name, step in STEPS.items() if step.mends & codes]


def obstacles(
    result: Mapping[str, Any], name: str, assumed: Iterable[str] = (), data_mount: str = "/data"
) -> List[str]:
    """What stands in the way of this step; ``assumed``: steps that are taken as done, where nothing is really done.

    ``data_mount``: where the volume that the uxen API writes to is mounted; empty where it writes to none.
    """
    step, checks = STEPS[name], _checks(result)
    done = [other for other in assumed if other != name]
    apart_from = step.brings_back
    for other in done:
        apart_from = apart_from | STEPS[other].mends | STEPS[other].brings_back
    found = standing(checks, step.needs, apart_from)
    if step.writes and data_mount and not found:
        found += _not_there(checks["mounts"].get("facts") or {}, data_mount.rstrip("/") or "/", "mounts" in done)
    return found


def _not_there(facts: Mapping[str, Any], path: str, mounted_by_then: bool) -> List[str]:
    """No finding speaks of a mount that neither /etc/fstab nor the policy names: it has to be seen."""
    leads = {link["path"]: link["target"] for link in facts.get("links") or () if link["reached"]}
    place = _place(facts, leads.get(path, path))
    if place is not None and ((place["mount"] is not None and not place["over"]) or mounted_by_then):
        return []
    return ["mounts: %s: nothing is mounted there, and the service would write to the disk below" % path]


def _place(facts: Mapping[str, Any], path: str) -> Optional[Mapping[str, Any]]:
    return next((place for place in facts.get("places") or () if place["wanted"]["path"] == path), None)


def unproven(result: Mapping[str, Any], name: str) -> List[str]:
    """What is not as the step should have left it; empty: it came good."""
    step, checks = STEPS[name], _checks(result)
    left = standing(checks, step.proves, mended=step.mends)
    left += [
        _line(check, finding)
        for check, health in checks.items()
        for finding in health["findings"]
        if finding["code"] in step.mends and check not in step.proves
    ]
    return left if checks else ["the node gave no answer"]


def standing(
    checks: Mapping[str, Mapping[str, Any]],
    needs: Iterable[str],
    apart_from: FrozenSet[str] = frozenset(),
    mended: FrozenSet[str] = frozenset(),
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
            if (finding["status"] not in FIT or finding["code"] in NOT_PROVEN | mended)
            and finding["code"] not in apart_from
        ]
    return found


def _checks(result: Mapping[str, Any]) -> Mapping[str, Any]:
    checks: Mapping[str, Any] = result.get("checks") or {}
    return checks


def _line(check: str, finding: Mapping[str, Any]) -> str:
    return ": ".join(part for part in (check, finding["subject"], finding["message"]) if part)
