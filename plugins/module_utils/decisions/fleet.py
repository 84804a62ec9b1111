# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VM is where, as one picture of a zone that can be kept: rule 5 of docs/rules.md.

It serves when the database is what is broken. So it takes nobody's word alone: a VM of which the nodes and the database
say different things goes in as disputed, and a recovery lists it as undecided.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.host_names import same_host

AGREED, DISPUTED, UNKNOWN = "agreed", "disputed", "unknown"
_RESTS = ("crashed", "dying", "shutdown", "paused")
# these tell of consoles and sizes, never of where a VM is
_BESIDE = ("unix ", "ss ")

Answers = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Row:
    """A VM of the database. ``wanted``: whether it is to run, as the site's column says it; None without one."""

    vm: str
    node: str
    display: Optional[int]
    name: Optional[str] = None
    wanted: Optional[str] = None
    address: Optional[str] = None


@dataclass(frozen=True)
class Zone:
    """``nodes``: all that there should be; ``rows`` is None where the database was not read, ``problem`` says why.

    ``out``: the nodes that are out of service, and how that is known; they need not answer.
    """

    name: str
    nodes: Tuple[str, ...]
    rows: Optional[Tuple[Row, ...]]
    problem: str = ""
    out: Mapping[str, str] = field(default_factory=dict)


def snapshot(zone: Zone, answers: Answers, at: float) -> Dict[str, Any]:
    """The zone at one time, JSON. ``answers``: what M(cloudops.hypervisor.xen_vm_info) returned, by node."""
    there = [*answers, *zone.out]
    silent = [name for name in zone.nodes if not any(same_host(name, one) for one in there)]
    lost = {name: _lost(answer) for name, answer in answers.items()}
    partial = sorted(name for name, said in lost.items() if said)
    vms = _vms(answers, zone.rows or ())
    whole = not silent and not partial
    return {
        "zone": zone.name,
        "at": at,
        "verified": whole and zone.rows is not None,
        "silent": silent,
        "missing": {name: lost[name] for name in partial},
        "database": "read" if zone.rows is not None else zone.problem or "not asked",
        "out_of_service": dict(zone.out),
        "nodes": {**dict.fromkeys(zone.out), **{name: _node(one) for name, one in sorted(answers.items())}},
        "vms": [_vm(vm, answers, zone.rows, whole) for vm in vms],
    }


def _lost(answer: Mapping[str, Any]) -> List[str]:
    lost = ["its domains"] if answer["domains"] is None else []
    return lost + [one["reading"] for one in answer["missing"] if not one["reading"].startswith(_BESIDE)]


def _node(answer: Mapping[str, Any]) -> Dict[str, Any]:
    about = answer["node"]
    return {"boot_id": about["boot_id"], "at": about["at"], "memory_kib": about["memory_kib"]}


def _vms(answers: Answers, rows: Sequence[Row]) -> List[str]:
    found = {row.vm for row in rows}
    for answer in answers.values():
        found |= {one["uuid"] for one in (*(answer["domains"] or ()), *answer["configs"]) if one["uuid"]}
    return sorted(found)


def _vm(vm: str, answers: Answers, rows: Optional[Sequence[Row]], whole: bool) -> Dict[str, Any]:
    domains = [(name, one) for name, answer in answers.items() for one in answer["domains"] or () if one["uuid"] == vm]
    configs = _distinct(one for answer in answers.values() for one in answer["configs"] if one["uuid"] == vm)
    own = [row for row in rows or () if row.vm == vm]
    row = own[0] if len(own) == 1 else None
    node, domain = domains[0] if len(domains) == 1 else (None, None)
    state = _state(domain) if domain else "off" if not domains and whole else "several" if domains else UNKNOWN
    why = _disputes(vm, domains, configs, rows, own, state)
    config = configs[0] if len(configs) == 1 else None
    console = domain["vnc"] if domain else {}
    display = console.get("listening")
    return {
        "vm": vm,
        "name": _name(domain, row, config),
        "node": node,
        "places": ["%s: domain %d" % (name, one["id"]) for name, one in domains],
        "state": state,
        "wanted": row.wanted if row and row.wanted is not None else None,
        "standing": DISPUTED if why else UNKNOWN if state == UNKNOWN else AGREED,
        "why": why,
        "display": None if display is None else display - 5900,
        "row": None if row is None else {"node": row.node, "display": row.display, "address": row.address},
        "config": None if config is None else config["path"],
        "configured_display": None if config is None else config["display"],
        "memory_mib": _memory(domain, config),
        "vcpus": domain["vcpus"] if domain else config["vcpus"] if config else None,
        "disks": sorted({path for one in configs for path in one["disks"]} | _disks(domains)),
        "macs": sorted({nic["mac"] for _name, one in domains for nic in one["nics"]} | _macs(configs)),
    }


def _distinct(configs: Iterable[Mapping[str, Any]]) -> List[Mapping[str, Any]]:
    """Nodes that share a volume read the same file."""
    found: List[Mapping[str, Any]] = []
    for one in configs:
        if one not in found:
            found.append(one)
    return found


def _state(domain: Mapping[str, Any]) -> str:
    return next((name for name in _RESTS if domain["state"][name]), "running")


def _disputes(
    vm: str,
    domains: Sequence[Tuple[str, Mapping[str, Any]]],
    configs: Sequence[Mapping[str, Any]],
    rows: Optional[Sequence[Row]],
    own: Sequence[Row],
    state: str,
) -> List[str]:
    why = []
    if len(domains) > 1:
        why.append("it has domains on %s" % ", ".join(sorted({name for name, _one in domains})))
    why += ["%s: domain %d is one end of a migration" % (name, one["id"]) for name, one in domains if _moves(one)]
    if state in _RESTS:
        why.append("its domain is %s" % state)
    if len(configs) > 1:
        why.append("it has different .cfg: %s" % ", ".join(sorted({one["path"] for one in configs})))
    if len(own) > 1:
        why.append("the database has %d rows of it" % len(own))
    if rows is not None and not own and domains:
        why.append("it runs, and is not in the database")
    for row in own[:1]:
        elsewhere = [name for name, _one in domains if not same_host(name, row.node)]
        if elsewhere:
            why.append("the database has it on %s, and it is on %s" % (row.node or "no node", ", ".join(elsewhere)))
    return why


def _moves(domain: Mapping[str, Any]) -> bool:
    return bool(domain["incoming"] or domain["migrated_away"])


def _name(
    domain: Optional[Mapping[str, Any]], row: Optional[Row], config: Optional[Mapping[str, Any]]
) -> Optional[str]:
    if row is not None and row.name:
        return row.name
    found = (domain or config or {}).get("name")
    return str(found) if found else None


def _memory(domain: Optional[Mapping[str, Any]], config: Optional[Mapping[str, Any]]) -> Optional[int]:
    """What a start would need: the .cfg's, else what it has."""
    if config is not None and config["memory_mib"]:
        return int(config["memory_mib"])
    return None if domain is None else int(-(-domain["maximum_kib"] // 1024))


def _disks(domains: Sequence[Tuple[str, Mapping[str, Any]]]) -> Set[str]:
    return {disk["path"] for _node, one in domains for disk in one["disks"] if disk["path"]}


def _macs(configs: Sequence[Mapping[str, Any]]) -> Set[str]:
    return {nic["mac"] for one in configs for nic in one["nics"] if nic["mac"]}
