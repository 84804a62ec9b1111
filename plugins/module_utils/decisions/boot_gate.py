# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""May the boot gate be opened? Rules 3, 4 and 27 of docs/rules.md.

What waits behind it starts guests without a lease. Each of them must be off on every other node, by the same proof that
a start of ours needs; what this node itself has of it is no hindrance.
"""

from __future__ import annotations

from typing import Any, Iterable, List, Mapping, Optional, Sequence

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.whereabouts import (
    NodeSet,
    Verdict,
    Vm,
    Whereabouts,
    reading,
    vms,
    whereabouts,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import VmUuid

Answers = Mapping[str, Mapping[str, Any]]


def obstacles(
    guests: Sequence[Mapping[str, Any]], own: str, nodes: Iterable[str], rounds: Sequence[Answers]
) -> List[str]:
    """Why it stays closed; empty: it may be opened.

    ``guests``: what would start by itself, as the boot check's facts have it. ``own``: this node; ``nodes``: all of
    them. ``rounds``: what M(cloudops.hypervisor.xen_vm_info) returned for each node, two times.
    """
    waiting = [one for one in guests if one["shared"] is not False]
    found = []
    names = tuple(sorted({own, *nodes}))
    readings = [[reading(node, answer) for node, answer in answers.items() if answer.get("node")] for answers in rounds]
    known = vms(readings)
    for guest in waiting:
        # saved states are set aside, and never restored
        if guest["name"] == "saved states" or _is_saved(guest["path"], rounds):
            continue
        uuid = _uuid(guest["path"], own, rounds)
        if uuid is None:
            found.append("%s: which VM it starts is not known" % guest["path"])
            continue
        where = whereabouts(known.get(uuid, Vm(uuid)), NodeSet(names), readings)
        found += ["%s: %s" % (guest["name"], said) for said in _against(where, own)]
    return found


def _against(where: Whereabouts, own: str) -> List[str]:
    elsewhere = [one for one in where.places if one.counts and (one.node != own or one.kind == "saved")]
    if elsewhere:
        return ["%s: %s" % (one.node, one.evidence) for one in elsewhere]
    said = ["%s is silent" % node for node in where.silent]
    said += [" ".join(part for part in (gap.node, gap.what, gap.why) if part) for gap in where.missing]
    return said if where.verdict is not Verdict.OFF else []


def _is_saved(path: str, rounds: Sequence[Answers]) -> bool:
    return any(
        path == one["path"] for answers in rounds for answer in answers.values() for one in answer.get("saved") or ()
    )


def _uuid(path: str, own: str, rounds: Sequence[Answers]) -> Optional[VmUuid]:
    """By this node's own reading of the folder that starts guests."""
    for answers in rounds:
        for one in (answers.get(own) or {}).get("configs") or ():
            if one["path"] == path and one["uuid"]:
                return VmUuid(one["uuid"])
    return None
