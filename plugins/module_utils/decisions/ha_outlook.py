# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before a node dies: whose death could not be absorbed today, and would a recovery itself work?

Everything that a recovery of a zone asks is looked at while all is well: power, witnesses, room, and what is wanted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import placement, quorum
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding
from ansible_collections.cloudops.hypervisor.plugins.module_utils.host_names import same_host
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase

CHECK = "ha_outlook"
NO_BMC = "none"
_AUTOSTART = ("boot_autostart_without_gate", "boot_gate_ineffective")
# how the boot before ended says nothing of what the next one starts
_ENDING = ("journalctl", "last ")

View = Mapping[str, Any]


@dataclass(frozen=True)
class Bmc:
    """What came of one session with it. ``problem``: as BmcError has it, or NO_BMC; empty where it said all of this."""

    address: str = ""
    problem: str = ""
    said: str = ""
    recorded: str = ""
    identity: str = ""
    power: str = ""
    watts: Optional[int] = None


@dataclass(frozen=True)
class Look:
    """Something was asked. ``there`` is None where it could not be; ``said``: what was said then."""

    there: Optional[bool]
    said: str = ""


@dataclass(frozen=True)
class Node:
    """A node of the play. ``silent``: why it gave no whole answer; what it told is empty then.

    ``unread``: what its placement lacks. ``unfit``: what keeps guests off it, each with its evidence. ``guests``: how
    many it has. ``effects``: what ends with its power, by name. ``greeted``: by other node that answered, its ssh from
    there. ``o2cb``: the facts of that check. ``boot``: that check. ``api``: None where the site gives none.
    """

    name: str
    silent: str = ""
    unread: Sequence[str] = ()
    unfit: Mapping[str, str] = field(default_factory=dict)
    maintenance: bool = False
    guests: int = 0
    bmc: Bmc = field(default_factory=lambda: Bmc(problem=NO_BMC))
    effects: Mapping[str, Look] = field(default_factory=dict)
    ssh: str = ""
    greeted: Mapping[str, Look] = field(default_factory=dict)
    o2cb: View = field(default_factory=dict)
    boot: View = field(default_factory=dict)
    api: Optional[Look] = None
    api_place: str = ""


@dataclass(frozen=True)
class Death:
    """``reasons``: why each VM is left out."""

    outlook: placement.Death
    reasons: Sequence[placement.LeftOut] = ()


@dataclass(frozen=True)
class Zone:
    """``called``: VMs by what a person calls them. ``database``: why it was not read, empty where it was, None: none.

    ``snapshot_age``: of the last verified one, in seconds; None without one.
    """

    name: str
    nodes: Sequence[Node]
    deaths: Sequence[Death]
    called: Mapping[str, str] = field(default_factory=dict)
    differences: Sequence[str] = ()
    database: Optional[str] = ""
    snapshot_age: Optional[float] = None
    snapshot_max_age: float = 86400.0


def judge(zone: Zone) -> Dict[str, List[Finding]]:
    """By node; what is so of the whole zone stands with each of them, and names the zone."""
    deaths = {one.outlook.node: one for one in zone.deaths}
    views = {one.name: one.o2cb for one in zone.nodes if not one.silent}
    everywhere = _of_zone(zone, views)
    found = {}
    for node in zone.nodes:
        others = [one.name for one in zone.nodes if one.name != node.name]
        seen = _beats(node.name, views)
        found[node.name] = [*_room(node, deaths.get(node.name), zone), *_bmc(node, zone.nodes), *_effects(node, seen)]
        found[node.name] += _ssh(node)
        if not node.silent:
            found[node.name] += [*_witness(node, others, views), *_boot(node), *_api(node)]
        found[node.name] += everywhere
    return found


def _said(code: str, evidence: Sequence[str] = (), subject: str = "", **values: Any) -> Finding:
    """Of the node, unless there is a ``subject``."""
    return Finding("ha_outlook_" + code, subject, values, tuple(evidence))


def _lines_of(said: str) -> List[str]:
    return [said] if said else []


# Room


def _room(node: Node, death: Optional[Death], zone: Zone) -> List[Finding]:
    if node.silent:
        return [_said("silent", [node.silent], why=node.silent)]
    found = []
    if node.unread:
        found.append(_said("unread", what=list(node.unread)))
    if node.unfit:
        lines = [Phrase("about", pair) for pair in node.unfit.items()]
        found.append(_said("not_fit", lines, findings=list(node.unfit)))
    if node.maintenance:
        found.append(_said("maintenance"))
    if death is not None:
        found += _absorbed(node, death, zone)
    return found


def _absorbed(node: Node, death: Death, zone: Zone) -> List[Finding]:
    found, told = [], death.outlook
    count = node.guests - len(told.bound)
    if told.bound:
        bound = [zone.called.get(vm, vm) for vm in told.bound]
        found.append(_said("bound", count=len(bound), vms=bound))
    if told.absorbed:
        # what could not be counted may be too large
        return found if node.unread else [*found, _said("absorbed", count=count)]
    why = {one.vm: one for one in death.reasons}
    evidence = [_left_out(zone.called.get(vm, vm), why.get(vm)) for vm in told.left]
    if not told.proven:
        evidence.append(Phrase("outlook_unproven"))
    if why and all(one.code == "placement_no_node" for one in why.values()):
        return [_said("left_out_nowhere", evidence, left=len(told.left), count=count), *found]
    remedy = told.remedy or placement.Remedy()
    moves = ["%s %s -> %s" % (zone.called.get(one.vm, one.vm), one.source, one.target) for one in remedy.moves]
    memory = ["%s +%d MiB" % (name, -(-kib // 1024)) for name, kib in remedy.memory]
    if moves:
        proven = Phrase("outlook_fewest") if remedy.fewest else Phrase("outlook_fewer")
        evidence.append(Phrase("outlook_after_moves", len(remedy.fits), len(told.left), proven))
    if memory:
        evidence.append(Phrase("outlook_least") if remedy.least else Phrase("outlook_less"))
    code = "left_out" if moves else "left_out_memory" if memory else "left_out_for_good"
    values: Dict[str, Any] = {"left": len(told.left), "count": count, "moves": moves, "memory": memory or ["-"]}
    return [_said(code, evidence, **values), *found]


def _left_out(called: str, why: Optional[placement.LeftOut]) -> str:
    if why is None:
        return called
    return Phrase("about", [called, Phrase("joined", [why.why, *why.evidence])])


# Power


def _bmc(node: Node, nodes: Sequence[Node]) -> List[Finding]:
    bmc, values = node.bmc, {"address": node.bmc.address, "why": node.bmc.said}
    if bmc.problem in (NO_BMC, "silent", "refused"):
        return [_said("bmc_" + bmc.problem, _lines_of(bmc.said), **values)]
    if bmc.problem:
        return [_said("bmc_unread", _lines_of(bmc.said), **values)]
    read = Phrase("outlook_bmc", bmc.address, bmc.identity, bmc.power)
    values.update(identity=bmc.identity, recorded=bmc.recorded)
    if not bmc.recorded:
        return [_said("bmc_unrecorded", [read], **values)]
    if bmc.recorded.lower() != bmc.identity.lower():
        return [_said("bmc_other", [read], **values)]
    others = [one.name for one in nodes if one is not node and one.bmc.recorded.lower() == bmc.recorded.lower()]
    if others:
        return [_said("bmc_shared", [read], **values, others=others)]
    if bmc.power != "on":
        return [_said("power_is_off" if node.silent else "power_off", [read], **values)]
    return [_said("bmc", [read], **values)]


def _effects(node: Node, beating: Sequence[str]) -> List[Finding]:
    """What is there now, of what would be looked for after a fence."""
    present, evidence = [], []
    if beating:
        present.append("heartbeat")
        evidence.append(Phrase("outlook_heartbeat", beating))
    if node.bmc.watts:
        present.append("%d W" % node.bmc.watts)
        evidence.append(Phrase("outlook_watts", node.bmc.address, node.bmc.watts))
    present += [name for name, look in node.effects.items() if look.there]
    found = [_said("effects", evidence, effects=present)] if present else []
    if not present and not node.silent:
        found.append(_said("effects_none"))
    for name, look in node.effects.items():
        if look.there is None:
            found.append(_said("effect_unread", _lines_of(look.said), name, effect=name, why=look.said))
        elif not look.there and not node.silent:
            found.append(_said("effect_gone", _lines_of(look.said), name, effect=name))
    return found


# Witnesses


def _ssh(node: Node) -> List[Finding]:
    mute = {peer: look.said for peer, look in node.greeted.items() if not look.there and look.said}
    evidence = [Phrase("about", pair) for pair in mute.items()]
    silent = [peer for peer, look in node.greeted.items() if look.there is False]
    unasked = [peer for peer, look in node.greeted.items() if look.there is None]
    found = []
    if silent:
        found.append(_said("ssh_silent", evidence, ssh=node.ssh, nodes=silent))
    if unasked:
        found.append(_said("ssh_unasked", evidence, ssh=node.ssh, nodes=unasked))
    if node.greeted and not found:
        found.append(_said("ssh", ssh=node.ssh, count=len(node.greeted)))
    return found


def _witness(node: Node, others: Sequence[str], views: Mapping[str, View]) -> List[Finding]:
    """Rule 6: only a reader whose own slot moved in the same readings counts, and every region has to be read."""
    if not any(view.get("configured") for view in views.values()):
        return [_said("no_o2cb")]
    view = node.o2cb
    running = view.get("running")
    if not running:
        return [_said("heartbeat_unread", why=Phrase("outlook_no_cluster"))]
    read = {volume["region"]: volume for volume in _read(view)}
    unread = sorted({region["uuid"] for region in running["regions"]} - set(read))
    if unread or not read:
        return [_said("heartbeat_unread", _lines(view), why=", ".join(unread) or "debugfs.ocfs2 -R hb")]
    moving = {number for volume in read.values() for number in volume["moving"]}
    unseen = [name for name in others if _number(name, view) not in moving]
    if unseen:
        return [_said("heartbeat_unseen", _lines(view), nodes=unseen)]
    return [_said("heartbeat", _lines(view), count=len(others))]


def _lines(view: View) -> List[str]:
    return [line for volume in view.get("volumes") or () for line in volume["lines"]]


def _read(view: View) -> List[View]:
    """Its volumes on which its own heartbeat moved."""
    own = next((one["number"] for one in (view.get("running") or {}).get("nodes") or () if one["local"]), None)
    return [volume for volume in view.get("volumes") or () if own in volume["moving"]]


def _number(name: str, view: View) -> Optional[int]:
    nodes = (view.get("running") or {}).get("nodes") or ()
    return next((int(one["number"]) for one in nodes if same_host(one["name"], name)), None)


def _beats(name: str, views: Mapping[str, View]) -> List[str]:
    """The others that see its heartbeat move."""
    return [
        peer
        for peer, view in views.items()
        if peer != name and any(_number(name, view) in volume["moving"] for volume in _read(view))
    ]


# Boot and API


def _boot(node: Node) -> List[Finding]:
    facts = node.boot.get("facts") or {}
    if facts.get("container"):
        return [_said("boot_skipped", why=facts["container"])]
    findings = [one for one in node.boot.get("findings") or () if one["code"] in _AUTOSTART]
    if findings:
        told = ["%s: %s" % (one["values"]["starter"], ", ".join(one["values"]["guests"])) for one in findings]
        evidence = [line for one in findings for line in one["evidence"]]
        return [_said("autostart", evidence, findings=told)]
    lost = [one for one in facts.get("missing") or () if not one["reading"].startswith(_ENDING)]
    if lost or not facts:
        why = [one["reading"] for one in lost] or ["-"]
        return [_said("boot_unread", [one.get("detail") or one["reading"] for one in lost], why=why)]
    gate = facts.get("gate")
    return [_said("gate" if gate else "gate_none", _lines_of((gate or {}).get("name") or ""))]


def _api(node: Node) -> List[Finding]:
    if node.api is None:
        return [_said("api_skipped")]
    values = {"place": node.api_place, "why": node.api.said}
    return [_said("api" if node.api.there else "api_silent", _lines_of(node.api.said), **values)]


# The zone


def _of_zone(zone: Zone, views: Mapping[str, View]) -> List[Finding]:
    found = _timeouts(zone, views)
    if zone.differences:
        found.append(_said("nodes_differ", subject=zone.name, differences=list(zone.differences)))
    age = zone.snapshot_age
    if age is None:
        found.append(_said("snapshot_none", subject=zone.name))
    else:
        code = "snapshot" if age <= zone.snapshot_max_age else "snapshot_old"
        values = {"hours": "%.0f" % (age / 3600), "most": "%.0f" % (zone.snapshot_max_age / 3600)}
        found.append(_said(code, subject=zone.name, **values))
    if zone.database is None:
        found.append(_said("database_none", subject=zone.name))
    elif zone.database:
        found.append(_said("database_unread", [zone.database], zone.name, why=zone.database))
    else:
        found.append(_said("database", subject=zone.name))
    return found


def _timeouts(zone: Zone, views: Mapping[str, View]) -> List[Finding]:
    """Rule 21's T, by the values that run."""
    asked = {name: view for name, view in views.items() if view.get("configured")}
    read = {name: dict((view.get("running") or {}).get("settings") or {}) for name, view in asked.items()}
    told = ["%s: %s" % (name, ", ".join("%s %s" % one for one in sorted(each.items()))) for name, each in read.items()]
    if len({tuple(sorted(each.items())) for each in read.values() if each}) > 1:
        return [_said("timeouts_differ", told, zone.name)]
    found = []
    lacking = [name for name, each in read.items() if not {"idle_timeout_ms", "heartbeat_threshold"} <= set(each)]
    if lacking:
        found.append(_said("timeouts_unread", told, zone.name, nodes=lacking))
    known = [each for name, each in read.items() if name not in lacking]
    if known and not lacking:
        timing = quorum.Timing(known[0]["idle_timeout_ms"] / 1000.0, known[0]["heartbeat_threshold"])
        values = {"after_cut": "%g" % timing.after_cut, "after_error": "%g" % timing.after_error}
        found.append(_said("timeouts", told, zone.name, count=len(known), **values))
    return found
