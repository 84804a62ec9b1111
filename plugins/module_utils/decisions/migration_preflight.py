# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""May a VM be moved from one node to another? Rules 9, 29 and 34 of docs/rules.md, and the runbook's section on it.

Everything that xl would find out only in the middle is looked at before. Pure: readings in, findings out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding
from ansible_collections.cloudops.hypervisor.plugins.module_utils.host_names import same_host
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import Display

_SHARED = re.compile(r"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|.+:/.*)\Z")
# these tell of consoles and sizes of others, never of what is moved
_BESIDE = ("unix ", "ss ")
_WORKS = {
    "host_key": "migration_ssh_host_key",
    "denied": "migration_ssh_denied",
    "changed_key": "migration_ssh_changed",
}
# what a finding can be mended by
FIXES = {
    "migration_ssh_host_key": "host_key",
    "migration_ssh_changed": "host_key",
    "migration_ssh_denied": "root_key",
}


@dataclass(frozen=True)
class End:
    """A node: what M(cloudops.hypervisor.xen_vm_info) and M(cloudops.hypervisor.migration_end_info) returned for it."""

    name: str
    reading: Mapping[str, Any]
    end: Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """A VM of the database: where it is, and with which display."""

    vm: str
    node: str
    display: Optional[int]


@dataclass(frozen=True)
class Wanted:
    """``elsewhere``: other nodes that have a domain of it; ``silent``: nodes that gave no answer.

    ``reserve_mib``: what the target keeps beyond the guest's memory and overhead.
    """

    vm: str
    elsewhere: Tuple[str, ...] = ()
    silent: Tuple[str, ...] = ()
    rows: Tuple[Row, ...] = ()
    reserve_mib: int = 64


def overhead_kib(memory_kib: int, vcpus: int) -> int:
    """What Xen needs for a guest beside its memory, as libxl asks for it: page tables, a device model."""
    return 4 * (256 * vcpus + 2 * -(-memory_kib // 1024)) + 2048


def judge(wanted: Wanted, source: End, target: End) -> List[Finding]:
    if source.name == target.name:
        return [Finding("migration_same_node", wanted.vm, {"node": source.name}, ("asked for: %s" % target.name,))]
    domains = [one for one in source.reading.get("domains") or () if one["uuid"] == wanted.vm]
    findings = _unread(source, target)
    findings += _alone(wanted, source, target, domains)
    if len(domains) == 1:
        domain = domains[0]
        config = _config(wanted.vm, source)
        findings += _ssh(wanted, source, target)
        findings += _memory(wanted, domain, target)
        findings += _disks(domain, source, target)
        findings += _files(wanted, config, target)
        findings += _bridges(domain, target)
        findings += _display(wanted, domain, config, target)
        findings += _xen(wanted, source, target)
    if not findings:
        said = "%s: domain %d runs" % (source.name, domains[0]["id"])
        findings.append(Finding("migration_ready", wanted.vm, {"source": source.name, "target": target.name}, (said,)))
    return findings


def fixes(findings: Iterable[Finding]) -> List[str]:
    """What would mend them, of what may be mended."""
    return sorted({FIXES[one.code] for one in findings if one.code in FIXES})


def _unread(source: End, target: End) -> List[Finding]:
    found = []
    for one in (source, target):
        if not one.reading.get("node") or not one.end.get("node"):
            found.append(Finding("migration_unread", one.name, {"what": "the node", "why": "no answer"}))
            continue
        if one.reading["domains"] is None:
            found.append(Finding("migration_unread", one.name, {"what": "libxc", "why": "its domains are not known"}))
        for lost in [*one.reading["missing"], *one.end["missing"]]:
            if not lost["reading"].startswith(_BESIDE):
                values = {"what": lost["reading"], "why": lost["detail"] or lost["problem"]}
                found.append(Finding("migration_unread", one.name, values))
        if one.reading["node"]["recovering"]:
            values = {"what": "OCFS2", "why": "it takes over what a dead node held"}
            found.append(Finding("migration_unread", one.name, values))
    return found


def _alone(wanted: Wanted, source: End, target: End, domains: Sequence[Mapping[str, Any]]) -> List[Finding]:
    found = []
    here = ["domain %d %s" % (one["id"], one["name"]) for one in domains]
    if len(domains) != 1 or not _runs(domains[0]):
        states = [", ".join(_rests(one)) or "runs" for one in domains]
        values = {"node": source.name, "state": states or ["no domain of it"]}
        found.append(Finding("migration_not_running", wanted.vm, values, tuple(here)))
    there = [one for one in target.reading.get("domains") or () if one["uuid"] == wanted.vm]
    for one in there:
        code = "migration_left_over" if one["state"]["paused"] and not one["cpu_ns"] else "migration_elsewhere"
        said = ("%s: domain %d %s, CPU %d ns" % (target.name, one["id"], one["name"], one["cpu_ns"]),)
        found.append(Finding(code, wanted.vm, {"nodes": [target.name]}, said))
    others = [name for name in wanted.elsewhere if name not in (source.name, target.name)]
    if others:
        found.append(Finding("migration_elsewhere", wanted.vm, {"nodes": others}))
    silent = [name for name in wanted.silent if name not in (source.name, target.name)]
    if silent:
        found.append(Finding("migration_silent", wanted.vm, {"nodes": silent}))
    return found


def _runs(domain: Mapping[str, Any]) -> bool:
    return not (_rests(domain) or domain["incoming"] or domain["migrated_away"])


def _rests(domain: Mapping[str, Any]) -> List[str]:
    return [name for name in ("paused", "shutdown", "crashed", "dying") if domain["state"][name]]


def _config(vm: str, source: End) -> Optional[Mapping[str, Any]]:
    own = [one for one in source.reading["configs"] if one["uuid"] == vm]
    return own[0] if len(own) == 1 else None


def _ssh(wanted: Wanted, source: End, target: End) -> List[Finding]:
    ssh = source.end.get("ssh")
    if not ssh:
        values = {"what": "root's ssh to %s" % target.name, "why": "not tried"}
        return [Finding("migration_unread", source.name, values)] if source.end.get("node") else []
    values = {"source": source.name, "target": target.name, "address": ssh["address"], "said": ssh["said"]}
    said = ("%s: ssh %s: %s" % (source.name, ssh["address"], ssh["said"] or ssh["failure"] or ssh["hostname"]),)
    if ssh["failure"]:
        return [Finding(_WORKS.get(ssh["failure"], "migration_ssh_failed"), source.name, values, said)]
    node = target.reading.get("node") or {}
    if node and (not same_host(ssh["hostname"], node["hostname"]) or ssh["boot_id"] != node["boot_id"]):
        values["said"] = ssh["hostname"]
        return [Finding("migration_ssh_other_node", source.name, values, said)]
    return []


def _memory(wanted: Wanted, domain: Mapping[str, Any], target: End) -> List[Finding]:
    memory = (target.reading.get("node") or {}).get("memory_kib") or {}
    free, dom0, most = memory.get("free"), memory.get("dom0"), memory.get("dom0_maximum")
    if not target.reading.get("node"):
        return []
    if free is None:
        return [Finding("migration_unread", target.name, {"what": "libxc", "why": "its free memory is not known"})]
    guest = max(domain["memory_kib"], domain["maximum_kib"])
    needs = guest + overhead_kib(guest, domain["vcpus"]) + wanted.reserve_mib * 1024
    said = ("%s: free %d MiB" % (target.name, free // 1024), "needed %d MiB" % -(-needs // 1024))
    found = []
    if free < needs:
        values = {"node": target.name, "free": free // 1024, "needs": -(-needs // 1024)}
        found.append(Finding("migration_memory", wanted.vm, values, said))
    # what dom0 gave to guests it lacks itself
    if dom0 is not None and most is not None and dom0 < most and most < 2**40:
        values = {"node": target.name, "dom0": dom0 // 1024, "maximum": most // 1024}
        found.append(Finding("migration_dom0_ballooned", target.name, values, said))
    return found


def _disks(domain: Mapping[str, Any], source: End, target: End) -> List[Finding]:
    if not target.reading.get("node"):
        return []
    known = [{one["path"]: one for one in end.reading["images"]} for end in (source, target)]
    found = []
    for path in dict.fromkeys(disk["path"] for disk in domain["disks"] if disk["path"]):
        here, there = (images.get(path) for images in known)
        values: Dict[str, Any] = {"path": path, "source": source.name, "target": target.name}
        said = tuple("%s: %s" % (end.name, _place(one)) for end, one in ((source, here), (target, there)))
        if here is None or here["inode"] is None or here["volume"] is None:
            found.append(Finding("migration_unread", source.name, {"what": path, "why": "its volume is not known"}))
        elif not _SHARED.match(here["volume"]):
            found.append(Finding("migration_local_disk", path, {**values, "volume": here["volume"]}, said))
        elif there is None:
            found.append(Finding("migration_unread", target.name, {"what": path, "why": "not looked for there"}))
        elif (there["volume"], there["inode"]) != (here["volume"], here["inode"]):
            found.append(Finding("migration_other_disk", path, values, said))
    return found


def _place(image: Optional[Mapping[str, Any]]) -> str:
    if image is None:
        return "not looked for"
    if image["inode"] is None:
        return "%s: no such file" % image["path"]
    return "%s: volume %s inode %s" % (image["path"], image["volume"], image["inode"])


def files_of(config: Mapping[str, Any]) -> List[str]:
    """What a start at the target would need of this .cfg beside its disks: whoever reboots the guest finds out."""
    return [one for one in (config["path"], config["kernel"], config["ramdisk"], *config["disks"]) if one]


def _files(wanted: Wanted, config: Optional[Mapping[str, Any]], target: End) -> List[Finding]:
    if config is None:
        return [Finding("migration_no_config", wanted.vm, {"node": target.name})]
    there = {one["path"]: one for one in target.end.get("files") or ()}
    found = []
    for path in dict.fromkeys(files_of(config)):
        if not path.startswith("/"):
            continue
        if path not in there:
            found.append(Finding("migration_unread", target.name, {"what": path, "why": "not looked for there"}))
        elif not there[path]["found"]:
            said = ("%s: %s: no such file" % (target.name, path),)
            found.append(Finding("migration_no_file", path, {"path": path, "node": target.name}, said))
    return found if target.end.get("node") else []


def _bridges(domain: Mapping[str, Any], target: End) -> List[Finding]:
    if not target.end.get("node"):
        return []
    there = target.end["bridges"]
    wanted = dict.fromkeys(nic["bridge"] for nic in domain["nics"] if nic["bridge"])
    said = ("%s: bridges %s" % (target.name, ", ".join(there) or "none"),)
    return [
        Finding("migration_no_bridge", bridge, {"bridge": bridge, "node": target.name}, said)
        for bridge in wanted
        if bridge not in there
    ]


def _display(
    wanted: Wanted, domain: Mapping[str, Any], config: Optional[Mapping[str, Any]], target: End
) -> List[Finding]:
    """The guest asks for the display it was given, and gets the next free one: it moves, and is called elsewhere."""
    asked = domain["vnc"]["command_line"]
    if asked is None:
        asked = config["display"] if config else None
    if asked is None or not target.reading.get("node"):
        return []
    port = Display(asked).port.number
    who: Set[str] = set()
    for one in target.reading["listeners"]:
        if one["port"] == port:
            who.add("%s: port %d: %s" % (target.name, port, one["command"] or "a process"))
    for one in target.reading["domains"] or ():
        if one["uuid"] != wanted.vm and port in (one["vnc"]["xenstore"], one["vnc"]["qmp"], one["vnc"]["listening"]):
            who.add("%s: port %d: domain %d %s" % (target.name, port, one["id"], one["name"]))
    for row in wanted.rows:
        if row.vm != wanted.vm and row.display == asked and same_host(row.node, target.name):
            who.add("pengx_vm: display %d of %s: %s" % (asked, target.name, row.vm))
    if not who:
        return []
    values = {"display": asked, "node": target.name, "who": sorted(who)}
    return [Finding("migration_display_taken", wanted.vm, values, tuple(sorted(who)))]


def _xen(wanted: Wanted, source: End, target: End) -> List[Finding]:
    here, there = source.end.get("features"), target.end.get("features")
    # that a node's could not be read is said already
    if not here or not there:
        return []
    found = []
    versions = [(one["major"], one["minor"]) for one in (here, there)]
    values: Dict[str, Any] = {"source": "%d.%d" % versions[0], "target": "%d.%d" % versions[1], "node": target.name}
    said = tuple("%s: Xen %d.%d" % (end.name, *version) for end, version in zip((source, target), versions))
    if versions[1] < versions[0]:
        found.append(Finding("migration_xen_older", wanted.vm, values, said))
    elif versions[1] != versions[0] and (versions[1][0], versions[1][1] - 1) != versions[0]:
        found.append(Finding("migration_xen_newer", wanted.vm, values, said))
    lacks = [
        "word %d: %08x" % (at, word & ~(there["cpu"][at] if at < len(there["cpu"]) else 0))
        for at, word in enumerate(here["cpu"])
        if word & ~(there["cpu"][at] if at < len(there["cpu"]) else 0)
    ]
    models = tuple("%s: %s" % (end.name, end.end["model"] or "unnamed CPU") for end in (source, target))
    if lacks:
        found.append(Finding("migration_cpu", wanted.vm, {"lacks": lacks, "node": target.name}, models))
    modes = [one for one in here["modes"] if one not in there["modes"]]
    if modes:
        found.append(Finding("migration_modes", wanted.vm, {"lacks": modes, "node": target.name}, models))
    return found
