# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node has of every VM: the body of M(cloudops.hypervisor.xen_vm_info).

The storage is guarded first, as an examination does it: while multipath or o2cb is ill nothing touches the images, and
whatever was not read for that is missing. What changes fastest is read last and close together. A thing that could not
be read is listed as missing and never taken for nothing.
"""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils import lease_reading
from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import Check, examine
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import (
    Answer,
    LocalHost,
    Missing,
    Problem,
    Touches,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import probe_order
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood, plain
from ansible_collections.cloudops.hypervisor.plugins.module_utils.mount_table import (
    FSTAB,
    MOUNTINFO,
    Mount,
    lies_on,
    parse_fstab,
    parse_mountinfo,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.process_table import read_processes
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import (
    block_device,
    image_openers,
    multipath,
    o2cb,
    toolstack,
    vm_config,
    vnc,
    xen,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import VmUuid

CLUSTERED = ("ocfs2", "gfs2")
NFS = ("nfs", "nfs4")
# of the whole time: what the walk through the images may take
FOR_IMAGES = 0.5


def argument_spec() -> Dict[str, Any]:
    """The options of M(cloudops.hypervisor.xen_vm_info)."""
    return {
        "roots": {"type": "list", "elements": "str", "default": ["/data/domu"]},
        "timeout": {"type": "float", "default": 30.0},
        "lease_of": {"type": "str", "default": ""},
        "lease_volume": {"type": "path", "default": "/data"},
        "lease_local": {"type": "bool", "default": False},
    }


@dataclass(frozen=True)
class Order:
    """``roots``: the folders below which images and ``.cfg`` files lie; ``timeout``: seconds for the whole reading.

    ``lease_of``: UUID, name or MAC address of the VM whose lease is read too, if any.
    """

    roots: Tuple[str, ...] = ("/data/domu",)
    timeout: float = 30.0
    lease_of: str = ""
    lease_volume: str = "/data"
    lease_local: bool = False

    def __post_init__(self) -> None:
        if not self.roots:
            raise PolicyError("roots", "at least one folder is wanted")
        for root in self.roots:
            if not re.match(r"^/[^\n]*[^/\n]\Z", root):
                raise PolicyError("roots", "an absolute path below / is wanted, not %r" % root)
        if not (self.timeout > 0 and math.isfinite(self.timeout)):
            raise PolicyError("timeout", "more than 0 seconds is wanted, not %g" % self.timeout)


def order(params: Mapping[str, Any]) -> Order:
    """The order from a module's options; PolicyError names the option that cannot be meant."""
    return Order(
        tuple(params["roots"]), params["timeout"], params["lease_of"], params["lease_volume"], params["lease_local"]
    )


def answer(params: Mapping[str, Any]) -> Dict[str, Any]:
    """Everything M(cloudops.hypervisor.xen_vm_info) returns, read on this node."""
    return read(LocalHost(), order(params))


def read(local: LocalHost, ordered: Order) -> Dict[str, Any]:
    """``{node, domains, configs, images, listeners, openers, toolstack, saved, missing}``, as JSON has it."""
    host = local.until(time.monotonic() + ordered.timeout)
    began = host.now()
    lost: List[Missing] = []
    mounts = mounts_of(host, lost)
    recovering, cluster = guard(host, mounts, lost)
    touches = touches_on(ordered.roots, mounts)
    gone = roots_of_no_volume(host, ordered.roots, mounts)
    there = [root for root in ordered.roots if root not in gone]
    configs = vm_config.probe(host, there, touches, FOR_IMAGES * ordered.timeout)
    found = xen.probe(host)
    domains = found.domains or ()
    roots = tuple(dict.fromkeys(ordered.roots + configs.roots))
    paths = {disk.path for config in configs.configs for disk in config.disks if disk.path}
    paths |= {disk.path for domain in domains for disk in domain.disks if disk.path}
    files, unread = image_openers.stat_files(host, paths, touches)
    volumes = Volumes(host, mounts, lost)
    processes = read_processes(host)
    incoming = [one.counted.uuid for one in domains if one.incoming]
    tools = toolstack.probe(host, processes, roots, incoming)
    numbers = [mount.number for mount in (image_openers.volume_at(root, mounts) for root in roots) if mount]
    openers = image_openers.probe(host, processes, mounts, numbers, files, touches)
    consoles = vnc.probe(host, [one.counted.id for one in domains], tools.commands)
    images = {(one.number, one.inode) for one in files if one.inode is not None}
    near = [one for one in openers.openers if _is_near(one, roots, images)]
    listed = [
        {
            **_fields(one, "path", "inode", "by", "name", "pid", "writes"),
            "volume": volumes.name(one.number),
            "backing": bool(configs.roots) and not one.writes and (one.number, one.inode) not in images,
        }
        for one in near
    ]
    known = [{"path": one.path, "volume": volumes.name(one.number), "inode": one.inode} for one in files]
    missing = (*lost, *found.missing, *configs.missing, *unread, *tools.missing, *openers.missing, *consoles.missing)
    result = {
        "node": {"began": began, **_node(host, found), "recovering": recovering, "cluster": cluster},
        "domains": None if found.domains is None else [_domain(host, one, configs, consoles) for one in domains],
        "configs": [_config(one) for one in configs.configs],
        "images": known,
        "listeners": list(consoles.listeners),
        "openers": listed,
        "toolstack": list(tools.tools),
        "saved": list(configs.saved),
        "lease": _lease(host, ordered, configs.configs, domains),
        "missing": list(dict.fromkeys(missing)),
    }
    shown: Dict[str, Any] = plain(result)
    return shown


def _lease(
    host: LocalHost, ordered: Order, configs: Sequence[vm_config.Config], domains: Sequence[xen.Domain]
) -> Optional[Dict[str, Any]]:
    """Of the one VM that is meant, as this node knows it; None where that is nobody, or more than one."""
    if not ordered.lease_of:
        return None
    known = {one.uuid for one in configs if one.uuid and _means(ordered.lease_of, one.uuid, one.name, one.nics)}
    known |= {one.counted.uuid for one in domains if _means(ordered.lease_of, one.counted.uuid, one.name, one.nics)}
    if len(known) != 1:
        return None
    vm = known.pop()
    read = lease_reading.read(host, vm, ordered.lease_volume, ordered.lease_local, ordered.timeout)
    return {"vm": vm, **read}


def _means(text: str, uuid: VmUuid, name: Optional[str], nics: Sequence[Any]) -> bool:
    return text == name or text.lower() in (uuid, *(one.mac for one in nics if one.mac))


def mounts_of(host: LocalHost, lost: List[Missing]) -> Tuple[Mount, ...]:
    table = host.read(MOUNTINFO)
    try:
        return parse_mountinfo(table.stdout)
    except NotUnderstood as error:
        lost.append(table.missing(Problem.NOT_UNDERSTOOD, str(error)))
        return ()


def guard(
    host: LocalHost, mounts: Sequence[Mount], lost: List[Missing]
) -> Tuple[Optional[bool], Optional[Mapping[str, Any]]]:
    """Forbid what would hang. Whether OCFS2 recovers, None where that cannot be told, and who is in its cluster."""
    # without a map there is nothing that could queue: what the daemon says of it is not waited for
    maps: Tuple[Check[Any, Any], ...] = (multipath.CHECK,) if multipath.map_in_kernel(host) else ()
    guards: Tuple[Check[Any, Any], ...] = (*maps, o2cb.GLANCE)
    facts: Dict[str, Any] = {}
    for check in guards:
        result = examine(check, host, check.policy())
        facts = result["facts"] or {}
        for touches, cause in probe_order.blocked_after(check.name, result, check.table):
            host.block(touches, cause)
    recovering, missing = o2cb.recovering(host, any(one.fstype == "ocfs2" for one in mounts))
    lost += missing
    if recovering:
        host.block(Touches.OCFS2, Phrase("ocfs2_recovers"))
    return recovering, _cluster(host, facts, lost)


def _cluster(host: LocalHost, facts: Mapping[str, Any], lost: List[Missing]) -> Optional[Mapping[str, Any]]:
    """The names of its nodes, from cluster.conf and from the kernel, and of those that heartbeat; None without one.

    ``facts``: what the glance at o2cb found, last of the guards.
    """
    running, conf = facts.get("running"), host.read(o2cb.CLUSTER_CONF)
    if not running and conf.problem is Problem.ABSENT:
        return None
    names: Optional[List[str]] = []
    try:
        names = [one.name for one in o2cb.parse_cluster_conf(conf.stdout).nodes] if conf.ok else []
    except NotUnderstood as error:
        conf = replace(conf, stderr=str(error), problem=Problem.NOT_UNDERSTOOD)
    if not conf.ok:
        lost.append(conf.missing())
        names = None
    if not running:
        return {"nodes": names, "heartbeat": None}
    peers, own = facts["peers"], [one["name"] for one in running["nodes"] if one["local"]]
    beating = (
        None if any(one["live"] is None for one in peers) else [one["node"]["name"] for one in peers if one["live"]]
    )
    nodes = None if names is None else sorted({*names, *(one["name"] for one in running["nodes"])})
    return {"nodes": nodes, "heartbeat": None if beating is None else sorted([*beating, *own])}


def touches_on(roots: Sequence[str], mounts: Sequence[Mount]) -> Touches:
    """What reading the roots may wait for: links may lead from any of them onto the cluster's volume."""
    kinds = [mount.fstype for mount in (image_openers.volume_at(root, mounts) for root in roots) if mount]
    if any(one.fstype in CLUSTERED for one in mounts):
        return Touches.OCFS2
    return Touches.NFS if any(kind in NFS for kind in kinds) else Touches.DISKS


def roots_of_no_volume(host: LocalHost, roots: Sequence[str], mounts: Sequence[Mount]) -> Tuple[str, ...]:
    """Roots that are not there because the volume that fstab has for them is not mounted: nothing of it is missing.

    With a shared volume at a place that fstab does not have for one, it may be theirs: then that is no answer. Nor is
    it with one that the kernel has though nothing shows it mounted (umount -l), which processes may use still.
    """
    entries, _passed_over = parse_fstab(host.read(FSTAB).stdout)
    shared = {mount.path for mount in mounts if mount.fstype in CLUSTERED + NFS}
    mounted, places = {mount.path for mount in mounts}, {entry.path for entry in entries}
    hidden = host.glob(o2cb.FS_STATE) if all(mount.fstype != "ocfs2" for mount in mounts) else []
    if not mounts or hidden or not shared <= places:
        return ()
    waiting = [root for root in roots if any(lies_on(root, place) for place in places - mounted)]
    theirs = {root for root in waiting if any(lies_on(root, place) for place in shared)}
    return tuple(root for root in waiting if root not in theirs and host.read(root).problem is Problem.ABSENT)


class Volumes:
    """Names of volumes: what several nodes share is named in the same way on each of them."""

    def __init__(self, host: LocalHost, mounts: Sequence[Mount], lost: List[Missing]) -> None:
        self._host = host
        self._mounts = {mount.number: mount for mount in reversed(mounts)}
        self._lost = lost
        self._names: Dict[Optional[str], Optional[str]] = {None: None}

    def name(self, number: Optional[str]) -> Optional[str]:
        """A UUID, an NFS export, or for what this node alone has its device."""
        if number not in self._names:
            mount = self._mounts.get(number or "")
            self._names[number] = None if mount is None else self._of(mount)
        return self._names[number]

    def _of(self, mount: Mount) -> Optional[str]:
        if mount.fstype not in CLUSTERED:
            return mount.source
        content = block_device.probe(self._host, mount.source)
        if isinstance(content, Missing):
            self._lost.append(content)
            return None
        if not content.uuid:
            self._lost.append(Answer("blkid %s" % mount.source).missing(Problem.NOT_UNDERSTOOD, "no UUID"))
        return content.uuid.lower() or None


def _is_near(one: image_openers.Opener, roots: Sequence[str], images: Any) -> bool:
    below = any(one.path.startswith(root.rstrip("/") + "/") for root in roots)
    return below or one.number is None or (one.number, one.inode) in images


def _node(host: LocalHost, found: xen.Facts) -> Dict[str, Any]:
    info, dom0 = found.info, found.dom0
    return {
        "hostname": host.read("/proc/sys/kernel/hostname").stdout.strip(),
        "boot_id": host.read("/proc/sys/kernel/random/boot_id").stdout.strip(),
        "at": found.at,
        "ended": host.now(),
        "xen_version": info.version if info else None,
        "memory_kib": {
            "total": info.total_kib if info else None,
            "free": info.free_kib if info else None,
            "dom0": dom0.memory_kib if dom0 else None,
            "dom0_maximum": dom0.maximum_kib if dom0 else None,
        },
    }


def _domain(host: LocalHost, one: xen.Domain, configs: vm_config.Facts, consoles: vnc.Facts) -> Dict[str, Any]:
    counted = one.counted
    console = consoles.consoles[counted.id]
    own = [config for config in configs.configs if config.uuid == counted.uuid]
    display = own[0].display if len(own) == 1 else None
    return {
        **_fields(counted, "id", "uuid", "state", "cpu_ns", "memory_kib", "maximum_kib", "vcpus"),
        **_fields(one, "name", "incoming", "migrated_away", "disks"),
        "nics": [{**_fields(nic, "mac", "bridge", "device"), **_packets(host, nic.device)} for nic in one.nics],
        "config": own[0].path if len(own) == 1 else None,
        "vnc": {
            "xenstore": one.port,
            "qmp": console.qmp,
            "listening": console.listening,
            "command_line": console.command_line,
            "configured": display.number if display else None,
        },
    }


def _packets(host: LocalHost, device: Optional[str]) -> Dict[str, Optional[int]]:
    """As the guest counts them: what dom0's end of the interface received, the guest has sent."""
    counters = {}
    for name, file in (("sent", "rx_packets"), ("received", "tx_packets")):
        text = host.read("/sys/class/net/%s/statistics/%s" % (device, file)).stdout.strip() if device else ""
        counters[name] = int(text) if re.match(r"^[0-9]{1,20}\Z", text) else None
    return counters


def _config(one: vm_config.Config) -> Dict[str, Any]:
    return {
        **_fields(one, "path", "uuid", "name", "memory_mib", "vcpus", "kernel", "ramdisk", "nics"),
        "display": one.display.number if one.display else None,
        "disks": [disk.path for disk in one.disks if disk.path],
    }


def _fields(record: object, *names: str) -> Dict[str, Any]:
    return {name: getattr(record, name) for name in names}
