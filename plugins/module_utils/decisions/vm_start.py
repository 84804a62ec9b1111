# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a VM will not start on a node, before it is tried; and whether it came up as it should, after it.

Runbook "VM 구동 실패시" and "VM 구동 후 서비스 점검 사항". Pure: what the modules returned in, findings with their
evidence out. Whatever was not read is unknown, and nothing is started on it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import vm_devices
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.migration_preflight import overhead_kib
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding
from ansible_collections.cloudops.hypervisor.plugins.module_utils.mount_table import lies_on
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import VNC_BASE

# these tell of consoles of others, never of what is started
_BESIDE = ("unix ", "ss ")
_SHARED = re.compile(r"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|.+:/.*)\Z")
_PLACES = {"domain": "vm_start_runs", "toolstack": "vm_start_tool", "saved": "vm_start_saved"}

Answer = Mapping[str, Any]


@dataclass(frozen=True)
class Wanted:
    """``node``: where it is to start, by its own name; ``mounts``: what lies below these lies on a mounted volume.

    ``reserve_mib``: what the node keeps beyond the guest's memory and overhead.
    """

    node: str
    mounts: Tuple[str, ...] = ("/data",)
    reserve_mib: int = 64


def before(wanted: Wanted, vm: Answer, reading: Answer, needs: Answer) -> List[Finding]:
    """``vm``: one of vm_whereabouts' answer; the node's ``reading`` is xen_vm_info's, ``needs`` xen_config_info's."""
    name = str(vm["vm"])
    unread = _unread(wanted, reading, needs)
    told = {(one.subject, one.values["what"]) for one in unread}
    found = unread + [one for one in _places(vm) if (one.subject, one.values.get("what")) not in told]
    if reading.get("node") and "paths" in needs:
        found += _config(name, needs)
        found += [one for path in needs["paths"] for one in _path(wanted, vm, path)]
        if needs["config"]:
            found += _neighbours(name, wanted, reading, needs["config"])
            found += _memory(name, wanted, reading, needs["config"])
            found += _bridges(name, wanted, needs)
    if not found:
        said = tuple("%(use)s %(real)s" % path for path in needs["paths"])
        found.append(Finding("vm_start_ready", name, {"node": wanted.node}, said))
    return found


def _unread(wanted: Wanted, reading: Answer, needs: Answer) -> List[Finding]:
    found = []
    for what, answer, sign in (("xen_vm_info", reading, "node"), ("xen_config_info", needs, "paths")):
        if sign not in answer:
            values = {"what": what, "why": str(answer.get("msg") or "no answer")}
            found.append(Finding("vm_start_unread", wanted.node, values))
        for lost in answer.get("missing") or ():
            if not lost["reading"].startswith(_BESIDE):
                values = {"what": lost["reading"], "why": lost["detail"] or lost["problem"]}
                found.append(Finding("vm_start_unread", wanted.node, values))
    return found


def _places(vm: Answer) -> List[Finding]:
    """Rules 2 to 4: it is off everywhere, or it is said what has it and who has not answered."""
    found = []
    running = {place["node"] for place in vm["places"] if place["kind"] == "domain"}
    for place in vm["places"]:
        # what a domain has open, and the xl that waits for its end, is said with it
        if place["counts"] and (place["kind"] == "domain" or place["node"] not in running):
            code = _PLACES.get(place["kind"], "vm_start_image_open")
            said = "%s: %s" % (place["node"], place["evidence"])
            found.append(Finding(code, vm["vm"], {"node": place["node"], "said": place["evidence"]}, (said,)))
    found += [Finding("vm_start_silent", name) for name in vm["silent"]]
    for gap in vm["missing"]:
        values = {"what": gap["what"], "why": gap["why"]}
        found.append(Finding("vm_start_unread", gap["node"] or vm["vm"], values))
    return found


def _config(name: str, needs: Answer) -> List[Finding]:
    config, problem = needs["config"], needs["problem"]
    if problem:
        path = needs["paths"][0]["path"] if needs["paths"] else "?"
        return [Finding("vm_start_config_unread", name, {"path": path, "said": problem}, (problem,))]
    if config and config["uuid"] != name:
        values = {"path": config["path"], "uuid": config["uuid"] or "-"}
        return [Finding("vm_start_other_config", name, values, ("%s: uuid %s" % (config["path"], values["uuid"]),))]
    return []


def _path(wanted: Wanted, vm: Answer, path: Answer) -> Iterable[Finding]:
    values: Dict[str, Any] = {"use": path["use"], "path": path["path"], "real": path["real"], "node": wanted.node}
    mount = path["mount"]
    said = "%s: %s -> %s: %s" % (wanted.node, path["path"], path["real"], path["problem"] or path["kind"])
    on = "on %(source)s, mounted at %(path)s" % mount if mount else "on no mount"
    expected = [one for one in wanted.mounts if lies_on(path["real"], one)]
    hidden = [one for one in expected if mount is None or len(mount["path"]) < len(one.rstrip("/"))]
    if path["unmounted"] or hidden:
        lacks = path["unmounted"] or hidden[0]
        yield Finding("vm_start_not_mounted", vm["vm"], {**values, "lacks": lacks}, (said, on))
    elif not path["kind"]:
        there = sorted(
            {one["node"] for one in vm["images"] if one["path"] == path["path"] and one["inode"] is not None}
        )
        code = "vm_start_path_elsewhere" if there else "vm_start_path_missing"
        yield Finding(code, vm["vm"], {**values, "nodes": there}, (said, on))
    elif path["problem"] or path["kind"] in ("folder", "other"):
        problem = path["problem"] or path["kind"]
        yield Finding("vm_start_path_unusable", vm["vm"], {**values, "problem": problem}, (said, on))
    elif path["use"] == "disk" and mount and mount["read_only"] and path["kind"] == "file":
        yield Finding("vm_start_read_only", vm["vm"], {**values, "mount": mount["path"]}, (said, on))
    else:
        others = [one for one in vm["images"] if one["path"] == path["path"] and one["node"] != wanted.node]
        differing = [one for one in others if _is_other_volume(path["volume"], one["volume"])]
        if differing:
            evidence = tuple("%(node)s: %(path)s on %(volume)s" % one for one in differing)
            nodes = sorted(one["node"] for one in differing)
            values = {**values, "volume": path["volume"], "nodes": nodes}
            yield Finding("vm_start_other_volume", vm["vm"], values, (said, on, *evidence))


def _is_other_volume(here: Optional[str], there: Optional[str]) -> bool:
    """Of two that nodes share; a local disk is another one on every node."""
    return bool(here and there and here != there and _SHARED.match(here) and _SHARED.match(there))


def _neighbours(name: str, wanted: Wanted, reading: Answer, config: Answer) -> Iterable[Finding]:
    """What the other domains of the node have already: the name, an image, the console's port."""
    disks = {disk["path"] for disk in config["disks"] if disk["path"] and disk["writable"]}
    domains = [one for one in reading["domains"] or () if one["uuid"] != name]
    for one in domains:
        about = {"id": one["id"], "uuid": one["uuid"], "node": wanted.node}
        said = ("%s: domain %d %s, uuid %s" % (wanted.node, one["id"], one["name"], one["uuid"]),)
        if config["name"] and one["name"] == config["name"]:
            yield Finding("vm_start_name_taken", name, {**about, "name": one["name"]}, said)
        shared = sorted(disks & {disk["path"] for disk in one["disks"] if disk["path"]})
        if shared:
            yield Finding("vm_start_image_shared", name, {**about, "paths": shared}, said)
    display = (config["display"] or {}).get("number")
    if display is None:
        return
    port = VNC_BASE + display
    for listener in reading["listeners"]:
        if listener["port"] == port:
            owner = next((one["name"] for one in domains if one["vnc"]["listening"] == port), None)
            by = owner or "%s (pid %s)" % (listener["command"] or "?", listener["pid"] or "?")
            said = ("%s: %s listens on %s:%d" % (wanted.node, by, listener["address"], port),)
            yield Finding("vm_start_port_taken", name, {"display": display, "port": port, "by": by}, said)


def _memory(name: str, wanted: Wanted, reading: Answer, config: Answer) -> Iterable[Finding]:
    memory = reading["node"]["memory_kib"]
    if config["memory_mib"] is None or memory["free"] is None:
        yield Finding("vm_start_unread", wanted.node, {"what": "memory", "why": "libxc, .cfg"})
        return
    guest = config["memory_mib"] * 1024
    needs = guest + overhead_kib(guest, config["vcpus"] or 1) + wanted.reserve_mib * 1024
    values = {"node": wanted.node, "free": memory["free"] // 1024, "needs": -(-needs // 1024)}
    said = ("libxc: free_memory %d KiB; .cfg: memory %d MiB" % (memory["free"], config["memory_mib"]),)
    if memory["free"] < needs:
        yield Finding("vm_start_memory", name, values, said)
    if memory["dom0"] and memory["dom0_maximum"] and memory["dom0"] < memory["dom0_maximum"]:
        values = {"node": wanted.node, "dom0": memory["dom0"] // 1024, "maximum": memory["dom0_maximum"] // 1024}
        yield Finding(
            "vm_start_dom0_ballooned", wanted.node, values, ("dom0 has %(dom0)d of %(dom0_maximum)d KiB" % memory,)
        )


def _bridges(name: str, wanted: Wanted, needs: Answer) -> Iterable[Finding]:
    for bridge in needs["bridges"]:
        if not bridge["kind"]:
            values = {"bridge": bridge["name"], "node": wanted.node}
            yield Finding("vm_start_bridge", name, values, ("%s: no %s" % (wanted.node, bridge["name"]),))


def refused(name: str, node: str, said: str) -> Finding:
    """What whoever was asked to start it said."""
    return Finding("vm_start_refused", name, {"node": node, "said": said}, (said,))


# After the start


@dataclass(frozen=True)
class Guest:
    """``answers``: by address, whether it answered; ``said``: lines of its own that a person should see."""

    answers: Mapping[str, bool]
    said: Tuple[str, ...] = ()


def after(
    wanted: Wanted, vm: Answer, first: Optional[Answer], needs: Answer, guest: Guest, macs: Sequence[str] = ()
) -> List[Finding]:
    """``vm``: where it is now; ``first``: its domain right after the start; ``macs``: what the bridges have learned."""
    name = str(vm["vm"])
    domains = vm["domains"]
    awake = [
        one for one in domains if not any(one["state"].get(flag) for flag in ("paused", "crashed", "dying", "shutdown"))
    ]
    if len(awake) != 1 or len(domains) != 1:
        said = tuple("%s: domain %d %s" % (one["node"], one["id"], one["name"]) for one in domains)
        return [
            Finding("vm_started_not", name, {"node": wanted.node, "found": list(said) or ["-"]}, said or ("no domain",))
        ]
    (domain,) = domains
    port = domain["vnc"]["listening"]
    said = ("%s: domain %d, port %s" % (domain["node"], domain["id"], port or "-"),)
    values: Dict[str, Any] = {"node": domain["node"], "id": domain["id"], "port": port or "-"}
    found = [Finding("vm_started", name, values, said)]
    if domain["node"] != wanted.node:
        found.append(Finding("vm_started_elsewhere", name, {**values, "wanted": wanted.node}, said))
    config = needs.get("config") or {}
    display = (config.get("display") or {}).get("number")
    if display is not None and port and port != VNC_BASE + display:
        found.append(Finding("vm_started_drifted", name, {**values, "display": display}, said))
    lines = vm_devices.disks(vm["rows"], config.get("disks") or (), domain["disks"], None)
    lines += vm_devices.nics(None, config.get("nics") or (), domain["nics"], None)
    found += [
        Finding("vm_started_lacks", name, {"what": line.kind, "name": line.name}, (line.text,))
        for line in lines
        if not line.domain and (line.config or line.database)
    ]
    return found + [*_life(name, first, domain, guest, macs)]


def _life(name: str, first: Optional[Answer], domain: Answer, guest: Guest, macs: Sequence[str]) -> Iterable[Finding]:
    """Whether its network lives: it answers, or else its address is in the bridge and its counters move."""
    for line in guest.said:
        yield Finding("vm_started_guest_said", name, {"said": line}, (line,))
    if any(guest.answers.values()):
        told = sorted(address for address, came in guest.answers.items() if came)
        yield Finding("vm_started_answers", name, {"addresses": told}, tuple(told))
        return
    sent = {nic["mac"]: nic["sent"] for nic in (first or {}).get("nics") or ()}
    moving = [nic for nic in domain["nics"] if (nic["sent"] or 0) > (sent.get(nic["mac"]) or 0)]
    learned = [nic["mac"] for nic in moving if nic["mac"] in macs]
    evidence = tuple("%s on %s: sent %s" % (nic["mac"], nic["bridge"] or "-", nic["sent"]) for nic in domain["nics"])
    if not domain["nics"]:
        return
    if learned:
        yield Finding("vm_started_sends", name, {"macs": learned}, evidence)
    else:
        asked = sorted(guest.answers) or ["-"]
        yield Finding("vm_started_mute", name, {"addresses": asked}, evidence)
