# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""May a node that was off come back? By rule 27 and rule 28 of docs/rules.md.

It stays off, or behind its boot gate, until each VM that was its own is proven to run elsewhere, or a person has
released it. What waits behind the gate must be off everywhere besides: that is asked by boot_gate.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Collection, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding, rendered
from ansible_collections.cloudops.hypervisor.plugins.module_utils.host_names import same_host
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.node_return import TABLE

JOB = "node_return"
RECOVERY = "ha_recovery"
MAINTENANCE = "node_maintenance"
RELEASE = "release"
# of the steps that a recovery journals: after these its node is taken to be off, as long as it gives no sign of life
_FENCE, _POWER_ON, _WORD, _RETURNED, _START = "fence", "power_on", "word", "returned", "start"
# a person's answer to whether a node is off
_OFF = "off"


class Gate:
    """What the gate's own program says of this boot; NONE: there is no such program."""

    CLOSED, RELEASED, NONE = "closed", "released", ""


@dataclass(frozen=True)
class Job:
    """An open job of the journal."""

    name: str
    at: str = ""
    who: str = ""


@dataclass(frozen=True)
class Stale:
    """What the node has of a VM that is elsewhere. ``runs``: it was seen to run there; else the database says so."""

    vm: str
    what: str
    where: str
    runs: bool = True


@dataclass(frozen=True)
class Back:
    """``guests``: the VMs that were its own, and where each is proven to run now; empty where it is not.

    ``fit``: the boot check's verdict behind the gate, None while it is still off; ``unfit``: what it found.
    ``epoch_known``: it has the zone's. ``released``: VMs that a person gave up for it. ``said``: of a guest that is
    not proven to run elsewhere, why. ``apart``: why it is not proven to be in the cluster. ``waiting``: why what waits
    at its gate may not be started. ``unread``: what was not read, and why. ``titles``: what a VM is called.
    """

    node: str
    fit: Optional[bool]
    epoch_known: bool
    recovery_open: bool
    guests: Mapping[str, str]
    stale: Collection[Stale] = ()
    released: Collection[str] = field(default_factory=tuple)
    said: Mapping[str, str] = field(default_factory=dict)
    gate: str = Gate.CLOSED
    boot: str = ""
    unfit: Sequence[str] = ()
    apart: Sequence[str] = ()
    waiting: Sequence[str] = ()
    unread: Sequence[Tuple[str, str]] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    jobs: Sequence[Job] = ()
    recovery: Job = Job(RECOVERY)
    maintenance: Optional[Job] = None
    came_back: Optional[Job] = None


def judge(back: Back) -> List[Finding]:
    """Everything that stands against its return, or that nothing does; a node that is back is not asked again."""
    if back.came_back is not None:
        came = {"node": back.node, "at": back.came_back.at, "who": back.came_back.who}
        return [Finding("node_return_back", back.node, came), *_in_maintenance(back)]
    found = _of_the_zone(back)
    if back.fit is None:
        found.append(Finding("node_return_off", back.node, {"node": back.node}))
    else:
        found += _of_the_node(back)
    if not found:
        elsewhere = {vm: where for vm, where in back.guests.items() if where}
        evidence = tuple("%s runs on %s" % one for one in sorted(elsewhere.items()))
        values: Dict[str, Any] = {"node": back.node, "boot": back.boot}
        values.update(elsewhere=len(elsewhere), released=len(_freed(back)))
        found.append(Finding("node_return_ready", back.node, values, evidence))
    return found + _in_maintenance(back)


def _of_the_zone(back: Back) -> List[Finding]:
    """What is asked before it is switched on, too."""
    found = []
    if back.recovery_open:
        values = {"at": back.recovery.at or "?", "who": back.recovery.who or "?"}
        found.append(Finding("node_return_recovery_open", back.node, values))
    for job in back.jobs:
        values = {"job": job.name, "at": job.at, "who": job.who}
        found.append(Finding("node_return_job_open", back.node, values))
    for what, why in back.unread:
        found.append(Finding("node_return_unread", back.node, {"what": what, "why": why}))
    for vm, where in sorted(back.guests.items()):
        if (not where or where == back.node) and vm not in back.released:
            said = back.said.get(vm) or ("it runs on %s itself" % where if where else "no node was seen to run it")
            found.append(Finding("node_return_vm_unproven", vm, {"vm": vm, "title": _title(back, vm), "said": said}))
    for one in sorted(back.stale, key=lambda one: one.vm):
        code = "node_return_stale_runs" if one.runs else "node_return_stale_row"
        values = {"node": back.node, "title": _title(back, one.vm), "what": one.what, "where": one.where}
        found.append(Finding(code, one.vm, values, ("%s: %s" % (back.node, one.what),)))
    return found


def _of_the_node(back: Back) -> List[Finding]:
    found = []
    if not back.fit:
        values = {"node": back.node, "said": list(back.unfit) or ["it gave no verdict"]}
        found.append(Finding("node_return_not_fit", back.node, values))
    if back.apart:
        found.append(Finding("node_return_apart", back.node, {"node": back.node, "said": list(back.apart)}))
    if back.gate == Gate.NONE:
        found.append(Finding("node_return_no_gate", back.node, {"node": back.node}))
    elif back.gate == Gate.CLOSED:
        found += [Finding("node_return_waits", back.node, {"said": said}) for said in back.waiting]
    if not back.epoch_known:
        found.append(Finding("node_return_epoch", back.node, {"node": back.node}))
    return found


def _in_maintenance(back: Back) -> List[Finding]:
    if back.maintenance is None:
        return []
    values = {"node": back.node, "at": back.maintenance.at, "who": back.maintenance.who}
    return [Finding("node_return_maintenance", back.node, values)]


def _title(back: Back, vm: str) -> str:
    name = back.titles.get(vm)
    return "%s (%s)" % (name, vm) if name else vm


def _freed(back: Back) -> List[str]:
    return [vm for vm, where in back.guests.items() if vm in back.released and (not where or where == back.node)]


def stands(findings: Iterable[Finding]) -> List[Finding]:
    """Those that keep it from coming back. That it gives no answer yet keeps nobody from switching it on."""
    return [one for one in findings if TABLE[one.code].status.value not in ("ok", "warning")]


def obstacles(back: Back) -> List[str]:
    """Why it may not be switched on, or its gate not be opened; empty: it may."""
    found = [one for one in stands(judge(back)) if one.code != "node_return_off"]
    return [str(rendered(one, TABLE[one.code])["message"]) for one in found]


def apart(node: str, clusters: Mapping[str, Optional[Mapping[str, Any]]]) -> List[str]:
    """Why it is not proven to have joined o2cb. ``clusters``: by node that answered, what it says of the cluster.

    Each as M(cloudops.hypervisor.xen_vm_info) has it, with its ``recovering``.
    """
    found = []
    for name, seen in sorted(clusters.items(), key=lambda one: (one[0] != node, one[0])):
        beats = (seen or {}).get("heartbeat")
        if beats is None:
            found.append("%s: who beats was not read" % name)
        elif not any(same_host(node, one) for one in beats):
            found.append("%s does not beat" % node if name == node else "%s does not see %s beat" % (name, node))
        recovering = (seen or {}).get("recovering")
        if recovering is not False:
            found.append("%s: o2cb recovers%s" % (name, "" if recovering else ", or that was not read"))
    return found


# What the journal has of it. A record is as M(cloudops.hypervisor.journal_info) returns it, oldest first.

Record = Mapping[str, Any]


def _about(record: Record, names: Collection[str]) -> str:
    """The kind of the recovery's step that this record is about, for a node of these names."""
    evidence = record["evidence"]
    kind = str(evidence.get("kind", ""))
    if record["job"] != RECOVERY or kind not in (_FENCE, _POWER_ON, _WORD, _RETURNED):
        return ""
    if kind == _WORD and not (evidence.get("question") == _OFF and evidence.get("yes")):
        return ""
    about = evidence.get("about") if kind == _WORD else evidence.get("subject")
    return kind if any(same_host(str(about), name) for name in names) else ""


def taken_down(records: Iterable[Record], names: Collection[str]) -> str:
    """When a recovery last fenced it, or a person last said that it is off; empty if neither ever was."""
    times = [str(one["at"]) for one in records if _about(one, names) in (_FENCE, _WORD)]
    return times[-1] if times else ""


def unreturned(records: Sequence[Record], names: Collection[str]) -> List[str]:
    """The names under which it counts as off, or fenced, with no sign of life journalled since."""
    found: Dict[str, None] = {}
    for record in records:
        kind = _about(record, names)
        about = str(record["evidence"].get("about") if kind == _WORD else record["evidence"].get("subject"))
        if kind == _RETURNED:
            found.pop(about, None)
        elif kind:
            found[about] = None
    return list(found)


def gate_obstacles(records: Sequence[Record], names: Collection[str]) -> List[str]:
    """Why the gate of a node is not opened by a repair: it was fenced, and only its return proves where its VMs are.

    ``records``: those of the recoveries and of the returns.
    """
    off = taken_down(records, names)
    if not off or returned(records, names) > off:
        return []
    said = "a recovery took it down at %s, and it has not come back since: run the playbook node_return for it"
    return [said % off]


def returned(records: Iterable[Record], names: Collection[str], boot: str = "") -> str:
    """When it last came back, with this boot if one is named; empty if it did not."""
    times = [
        str(one["at"])
        for one in records
        if _is_return(one, names) and (not boot or one["evidence"].get("boot_id") == boot)
    ]
    return times[-1] if times else ""


def came_back(records: Sequence[Record], names: Collection[str], boot: str) -> str:
    """When it came back with this boot, unless it was taken down once more since: a fence may have missed it."""
    back = returned(records, names, boot) if boot else ""
    return back if back > taken_down(records, names) else ""


def _is_return(record: Record, names: Collection[str]) -> bool:
    return record["job"] == JOB and record["phase"] == "done" and not record["step"] and _is_of(record, names)


def _is_of(record: Record, names: Collection[str]) -> bool:
    """It is known by its kernel's name while it answers, and by the inventory's alone while it is silent."""
    return record["subject"] in names or record["evidence"].get("host") in names


def outage(records: Sequence[Record], names: Collection[str], boot: str) -> str:
    """When it was taken down, where this ``boot`` of it is the one that comes back from that; else empty."""
    down, last = taken_down(records, names), returned(records, names)
    return "" if last > down and last != returned(records, names, boot) else down


def released(records: Sequence[Record], names: Collection[str]) -> Dict[str, str]:
    """The VMs that people released for it since it last came back, each with who and why."""
    back = returned(records, names)
    return {
        str(one["evidence"]["vm"]): "%s: %s" % (one["who"], one["evidence"]["reason"])
        for one in records
        if one["job"] == JOB and one["step"] == RELEASE and _is_of(one, names) and str(one["at"]) > back
    }


def restarted(records: Iterable[Record], since: str) -> List[str]:
    """The VMs that recoveries have started since then, in their order."""
    found = [
        str(one["evidence"]["subject"])
        for one in records
        if one["job"] == RECOVERY and one["evidence"].get("kind") == _START and str(one["at"]) >= since
    ]
    return list(dict.fromkeys(found))
