# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which copy of a VM that ran twice wrote last, and which one a person may keep: rule 33 of docs/rules.md."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

Answers = Mapping[str, Mapping[str, Any]]


def writers(domains: Sequence[Mapping[str, Any]], answers: Answers) -> List[Dict[str, Any]]:
    """Each copy with what it wrote between the first and the last count, None where that is not known.

    ``domains``: the copies, ``{host, id, …}``. ``answers``: what M(cloudops.hypervisor.vm_counts_info) returned for
    each host. ``wrote_last``: it alone wrote in between; None where that cannot be said.
    """
    told: List[Dict[str, Any]] = []
    for one in domains:
        rounds = (answers.get(one["host"]) or {}).get("rounds") or [{}]
        counts = [_counters(each, one["id"]) for each in (rounds[0], rounds[-1])]
        devices = counts[0].keys() & counts[1].keys()
        wrote = sum(max(counts[1][device] - counts[0][device], 0) for device in devices) if devices else None
        total = sum(counts[1].values()) if counts[1] else None
        said = "not known" if wrote is None else "%d bytes while it was counted, %d in all" % (wrote, total or 0)
        told.append(
            {
                "host": one["host"],
                "id": one["id"],
                "wrote": wrote,
                "total": total,
                "wrote_last": None,
                "said": "%s, domain %d: %s" % (one["host"], one["id"], said),
            }
        )
    known = all(one["wrote"] is not None for one in told)
    writing = [one for one in told if one["wrote"]]
    if known and len(writing) == 1:
        for one in told:
            one["wrote_last"] = one is writing[0]
    return told


def _counters(count: Mapping[str, Any], domain: int) -> Dict[str, int]:
    return {one["device"]: one["written"] for one in count.get("writes") or () if one["domain"] == domain}


def keep_obstacles(vm: Mapping[str, Any], keep: str) -> List[str]:
    """Why nothing may be destroyed yet; ``vm``: what M(cloudops.hypervisor.vm_whereabouts) told of it."""
    domains = vm.get("domains") or []
    found = ["%s is silent" % node for node in vm.get("silent") or ()]
    found += [
        "%s: domain %d runs: it is held first" % (one["host"], one["id"])
        for one in domains
        if not one["state"]["paused"] or one["state"]["dying"]
    ]
    here = [one for one in domains if one["host"] == keep]
    if len(here) != 1:
        found.append("%s has %s of it" % (keep, "several domains" if here else "no domain"))
    if len({one["host"] for one in domains}) < len(domains):
        found.append("a node has several domains of it: which is meant is said to xl, by number")
    return found
