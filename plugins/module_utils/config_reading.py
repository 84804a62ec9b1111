# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a ``.cfg`` needs of this node, and whether it is there: the body of M(cloudops.hypervisor.xen_config_info)."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import LocalHost, Missing, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood, plain
from ansible_collections.cloudops.hypervisor.plugins.module_utils.mount_table import Entry, Mount, lies_on, parse_fstab
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import (
    bridge_macs,
    image_openers,
    vm_config,
    vm_paths,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm_reading import (
    Volumes,
    guard,
    mounts_of,
    touches_on,
)

LARGEST = 65536


def argument_spec() -> Dict[str, Any]:
    """The options of M(cloudops.hypervisor.xen_config_info)."""
    return {
        "path": {"type": "str", "required": True},
        "timeout": {"type": "float", "default": 30.0},
    }


def meant(params: Mapping[str, Any]) -> None:
    """PolicyError names the option that cannot be meant."""
    path = params["path"]
    if not path.startswith("/") or os.path.normpath(path) != path:
        raise PolicyError("path", "an absolute path without detours is wanted, not %r" % path)


def answer(params: Mapping[str, Any]) -> Dict[str, Any]:
    """Everything M(cloudops.hypervisor.xen_config_info) returns, read on this node."""
    meant(params)
    return read(LocalHost(), params["path"], params["timeout"])


def read(local: LocalHost, path: str, timeout: float) -> Dict[str, Any]:
    """``{config, problem, paths, bridges, missing}``, as JSON has it."""
    host = local.until(time.monotonic() + timeout)
    lost: List[Missing] = []
    mounts = mounts_of(host, lost)
    guard(host, mounts, lost)
    touches = touches_on([path], mounts)
    volumes = Volumes(host, mounts, lost)
    fstab = _fstab(host)
    said = host.run(["head", "-c", str(LARGEST), "--", path], timeout=15.0, touches=touches)
    config, problem = _config(replace(said, source=path), lost)
    uses = [("config", path), *(_uses(config) if config else [])]
    places, missing = vm_paths.probe(host, [used for _use, used in uses], touches)
    found = {place.path: place for place in places}
    seen = [
        bridge_macs.probe(host, name)
        for name in sorted({nic.bridge for nic in config.nics if nic.bridge} if config else ())
    ]
    lost += missing
    lost += [one for _bridge, some in seen for one in some]
    shown: Dict[str, Any] = plain(
        {
            "config": config,
            "problem": problem,
            "paths": [
                {"use": use, **_place(found[used], mounts, volumes, fstab)} for use, used in uses if used in found
            ],
            "bridges": [bridge for bridge, _missing in seen],
            "missing": list(dict.fromkeys(lost)),
        }
    )
    return shown


def _config(said: Any, lost: List[Missing]) -> Tuple[Optional[vm_config.Config], str]:
    """The configuration, or why xl would not read it; what could not be asked is missing instead."""
    if not said.ok:
        lost.append(said.missing())
        return None, ""
    if said.rc:
        return None, said.missing().detail
    try:
        return replace(vm_config.parse_config(said.stdout), path=said.source), ""
    except NotUnderstood as error:
        return None, "%s: %s" % (Problem.NOT_UNDERSTOOD.value, error)


def _uses(config: vm_config.Config) -> List[Tuple[str, str]]:
    disks = [("cdrom" if one.cdrom else "disk", one.path) for one in config.disks if one.path]
    named = [*disks, ("kernel", config.kernel), ("ramdisk", config.ramdisk)]
    # a name without a folder is xl's own, such as a script's
    return [(use, path) for use, path in named if path and path.startswith("/")]


def _fstab(host: LocalHost) -> Tuple[Entry, ...]:
    """What is not there expects nothing."""
    return parse_fstab(host.read("/etc/fstab").stdout)[0]


def _place(place: vm_paths.Place, mounts: Sequence[Mount], volumes: Volumes, fstab: Sequence[Entry]) -> Dict[str, Any]:
    mount = image_openers.volume_at(place.real, mounts)
    over = [one for one in fstab if lies_on(place.real, one.path) and one.path != "/"]
    expected = max(over, key=lambda one: len(one.path), default=None)
    unmounted = expected is not None and (mount is None or len(mount.path) < len(expected.path.rstrip("/")))
    device = place.kind == "device"
    return {
        "path": place.path,
        "real": place.real,
        "kind": place.kind,
        "inode": place.inode,
        "size": place.size,
        "problem": place.problem,
        "volume": None if device else volumes.name(place.number),
        "mount": None
        if mount is None
        else {"path": mount.path, "source": mount.source, "fstype": mount.fstype, "read_only": mount.read_only},
        "unmounted": "%s %s %s" % (expected.source, expected.path, expected.fstype) if expected and unmounted else None,
    }
