# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person should know of one VM: where it is, and what of all that is said about it contradicts the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.whereabouts import (
    SECOND_READING,
    File,
    Place,
    Reading,
    Verdict,
    Vm,
    Whereabouts,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding

# said of consoles; where the VM is has words of its own
OF_CONSOLES = (
    "vnc_in_step",
    "vnc_database_differs",
    "vnc_value_taken",
    "vnc_without_console",
    "vnc_not_in_database",
    "vnc_on_another_node",
    "vnc_truths_disagree",
    "vnc_truth_missing",
    "vnc_row_twice",
    "vnc_port_shared",
    "vnc_port_foreign",
    "vnc_command_line_lies",
    "vnc_config_differs",
)
# these leave a process behind for the life of the domain that they made
_STAYS = ("create", "migrate-receive", "restore")


@dataclass(frozen=True)
class Job:
    """An open job of the journal; ``by``: who, on which controller; ``at``: since when."""

    name: str
    at: str
    by: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Lease:
    """``holder``: NODE/JOB that took it last; ``held``: it was not given back; ``locked``: None if it is not known."""

    holder: str = ""
    held: bool = False
    locked: Optional[bool] = None
    problem: str = ""


def judge(
    seen: Whereabouts,
    vm: Vm,
    last: Sequence[Reading],
    consoles: Iterable[Finding] = (),
    jobs: Iterable[Job] = (),
) -> List[Finding]:
    """``last``: the newest reading of each node that answered; ``consoles``: what vnc_truth says of the zone."""
    return [
        *_where(seen, last),
        *_beside_domains(seen, last),
        *(one for one in consoles if one.code in OF_CONSOLES and one.subject.partition(" ")[0] == seen.vm),
        *_files(vm, last),
        *_open_jobs(seen, jobs),
        *_unproven(seen),
    ]


def _where(seen: Whereabouts, last: Sequence[Reading]) -> Iterable[Finding]:
    domains = [place for place in seen.places if place.kind == "domain"]
    evidence = tuple(_said(place) for place in domains)
    if seen.twice or seen.verdict is Verdict.TWICE_SUSPECTED:
        code = "vm_where_twice" if seen.twice else "vm_where_twice_suspected"
        yield Finding(code, seen.vm, {"where": sorted({place.node for place in domains})}, evidence)
        return
    for place in domains:
        code = "vm_where_rests" if " runs, CPU" not in place.evidence else "vm_where_runs"
        yield Finding(code, seen.vm, {"node": place.node, "said": place.evidence}, (_said(place),))
    if domains:
        return
    if seen.verdict is Verdict.OFF:
        yield Finding("vm_where_off", seen.vm, {"nodes": len(last)}, tuple(one.node for one in last))
    else:
        yield Finding("vm_where_not_found", seen.vm, {}, ())


def _beside_domains(seen: Whereabouts, last: Sequence[Reading]) -> Iterable[Finding]:
    """What has the VM beside a domain of it."""
    own = {one.node for one in last for domain in one.domains or () if domain.uuid == seen.vm}
    for place in seen.places:
        values = {"node": place.node, "said": place.evidence}
        if place.kind == "saved":
            yield Finding("vm_where_saved", seen.vm, values, (_said(place),))
        elif place.kind == "toolstack":
            if place.node not in own or not any(" %s" % verb in place.evidence for verb in _STAYS):
                yield Finding("vm_where_tool", seen.vm, values, (_said(place),))
        elif place.kind != "domain" and not place.counts:
            yield Finding("vm_where_image_read", seen.vm, values, (_said(place),))
        elif place.kind != "domain" and place.node not in own:
            yield Finding("vm_where_image_open", seen.vm, values, (_said(place),))


def _files(vm: Vm, last: Sequence[Reading]) -> Iterable[Finding]:
    """Its .cfg files, the disks that they and its domains name, and the nodes that have these."""
    configs = {(one.path, one.disks) for each in last for one in each.configs if one.path in vm.names}
    paths = sorted({path for path, _disks in configs})
    if last and not paths and not any(one.missing for one in last):
        yield Finding("vm_where_no_config", vm.uuid, {}, tuple(one.node for one in last))
    if len(paths) > 1:
        yield Finding("vm_where_configs", vm.uuid, {"paths": paths}, tuple(paths))
    known = {path for _path, disks in configs for path in disks}
    for each in last:
        for domain in each.domains or ():
            if domain.uuid == vm.uuid and paths and not domain.rests:
                yield from _disks_differ(vm, each, domain.disks, known)
    for path in sorted(known):
        there, lacking = _who_has(path, last)
        if lacking and not there:
            yield Finding(
                "vm_where_image_missing", vm.uuid, {"path": path}, tuple("%s: %s" % (n, path) for n in lacking)
            )
        elif lacking:
            yield Finding("vm_where_image_local", vm.uuid, {"path": path, "nodes": there, "lacking": lacking}, (path,))


def _disks_differ(vm: Vm, each: Reading, disks: Sequence[str], known: Set[str]) -> Iterable[Finding]:
    has = _same_files(disks, each.images)
    wants = _same_files(known, each.images)
    if set(has) != set(wants):
        values = {
            "node": each.node,
            "config": sorted(path for key, path in wants.items() if key not in has),
            "domain": sorted(path for key, path in has.items() if key not in wants),
        }
        evidence = tuple(".cfg: %s" % path for path in sorted(known)) + tuple("domain: %s" % path for path in disks)
        yield Finding("vm_where_disks_differ", vm.uuid, values, evidence)


def _same_files(paths: Iterable[str], images: Iterable[File]) -> Mapping[Tuple[str, ...], str]:
    """By what they are; a path that leads to no known file is itself."""
    keys = {one.path: one.key for one in images if one.key is not None}
    return {keys.get(path) or (path,): path for path in paths}


def _who_has(path: str, last: Sequence[Reading]) -> Tuple[List[str], List[str]]:
    """The nodes on which the path leads to a file, and those on which it does not."""
    there: List[str] = []
    lacking: List[str] = []
    for one in last:
        for image in one.images:
            if image.path == path:
                (there if image.key is not None else lacking).append(one.node)
    return sorted(there), sorted(lacking)


def _open_jobs(seen: Whereabouts, jobs: Iterable[Job]) -> Iterable[Finding]:
    for job in jobs:
        values = {"job": job.name, "at": job.at, "by": job.by}
        evidence = tuple("%s: %s" % pair for pair in job.evidence.items()) or ("%s %s" % (job.at, job.by),)
        yield Finding("vm_where_job_open", seen.vm, values, evidence)


def _unproven(seen: Whereabouts) -> Iterable[Finding]:
    for name in seen.silent:
        yield Finding("vm_where_silent", name, {}, ())
    found = any(place.kind == "domain" for place in seen.places)
    for gap in seen.missing:
        if found and gap.what == SECOND_READING:
            # one reading shows where it is, and two would be needed for where it is not
            continue
        words = {"what": gap.what, "why": gap.why, "node": gap.node}
        yield Finding("vm_where_unproven", gap.node or seen.vm, words, (": ".join(filter(None, (gap.what, gap.why))),))


def judge_lease(vm: str, lease: Lease) -> List[Finding]:
    """What its lease says; nothing of one that nobody ever took."""
    if lease.locked is None:
        return [Finding("vm_where_lease_unread", vm, {"said": lease.problem}, (lease.problem,))]
    if lease.locked:
        return [Finding("vm_where_lease_held", vm, {"holder": lease.holder or "?"}, (lease.holder,))]
    if lease.held:
        return [Finding("vm_where_lease_left", vm, {"holder": lease.holder}, (lease.holder,))]
    return []


def _said(place: Place) -> str:
    return "%s: %s" % (place.node, place.evidence)
