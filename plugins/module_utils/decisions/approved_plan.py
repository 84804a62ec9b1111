# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan that was approved earlier, beside the one that reality makes today: what of today's is covered by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase


@dataclass(frozen=True)
class Limits:
    """``age``: seconds that an approval holds; ``moved``: the share of items that may no longer be as approved."""

    age: float = 3600.0
    moved: float = 0.2


@dataclass(frozen=True)
class Covered:
    """``fences`` and ``starts``: of today's plan, what was approved. ``moved``: what was not, or not like this.

    ``refused``: why the approval does not hold at all.
    """

    fences: Mapping[str, str]
    starts: Mapping[str, str]
    moved: Tuple[str, ...] = ()
    refused: str = ""


def covered(
    today: Mapping[str, Mapping[str, Any]], approved: Mapping[str, Mapping[str, Any]], age: float, limits: Limits
) -> Covered:
    """Both: ``{fences: {node: why}, starts: {vm: node}}``; ``age``: of the approved one, in seconds."""
    if age < 0:
        return Covered({}, {}, refused=Phrase("plan_ahead", "%.0f" % -age))
    if age > limits.age:
        return Covered({}, {}, refused=Phrase("plan_old", "%.0f" % (age / 60), "%.0f" % (limits.age / 60)))
    fences: Dict[str, str] = {name: why for name, why in today["fences"].items() if name in approved["fences"]}
    starts = {vm: node for vm, node in today["starts"].items() if approved["starts"].get(vm) == node}
    moved = sorted({*today["fences"], *today["starts"]} - {*fences, *starts})
    items = len(today["fences"]) + len(today["starts"])
    if len(moved) > limits.moved * items:
        return Covered({}, {}, tuple(moved), Phrase("plan_moved", len(moved), items))
    return Covered(fences, starts, tuple(moved))
