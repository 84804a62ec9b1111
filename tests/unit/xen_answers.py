# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What xen_vm_info answers, made short: a zone of nodes with VMs by number, in the module's own form."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from replay import recording

VOLUME = "afb05a48-6073-442b-8ed6-7e87aded6e9c"
FLAGS = dict.fromkeys(("running", "paused", "shutdown", "crashed", "dying"), False)


def uuid(number: int) -> str:
    return f"{number:08x}-5b99-4229-9f83-0bf6b6dd8077"


def mac(number: int) -> str:
    return f"00:16:3e:78:05:{number:02x}"


def image(number: int) -> str:
    return f"/data/domu/{uuid(number)}/current/root.raw"


def cfg(number: int) -> str:
    return f"/data/domu/{uuid(number)}/current/{uuid(number)}.cfg"


def libxc(domains: Sequence[Any], **changes: Any) -> str:
    """What libxc says of a node with these domains; the rest as a real one said it."""
    return json.dumps({**json.loads(recording("xen/libxc-two-guests").stdout), "domains": list(domains), **changes})


def config(number: int, **more: Any) -> dict[str, Any]:
    return {
        "path": cfg(number),
        "uuid": uuid(number),
        "name": f"web-{number}",
        "display": 50 + number,
        "memory_mib": 128,
        "vcpus": 1,
        "kernel": "/boot/vmlinux-guest",
        "ramdisk": None,
        "disks": [image(number)],
        "nics": [{"mac": mac(number), "bridge": "xenbr0", "script": None}],
        **more,
    }


def domain(number: int, domid: int = 0, state: str = "", **more: Any) -> dict[str, Any]:
    port = 5950 + number
    return {
        "id": domid or number,
        "uuid": uuid(number),
        "name": f"web-{number}",
        "state": {**FLAGS, "blocked": not state, "shutdown_reason": None, **({state: True} if state else {})},
        "cpu_ns": 1_000_000,
        "memory_kib": 131072,
        "maximum_kib": 132096,
        "vcpus": 1,
        "incoming": False,
        "migrated_away": False,
        "config": cfg(number),
        "disks": [
            {
                "vdev": "xvda",
                "path": image(number),
                "format": "raw",
                "backend": "phy",
                "loop": "/dev/loop0",
                "writable": True,
            }
        ],
        "nics": [
            {"mac": mac(number), "bridge": "xenbr0", "device": f"vif{domid or number}.0", "sent": 7, "received": 9}
        ],
        "vnc": {
            **dict.fromkeys(("xenstore", "qmp", "listening"), port),
            "command_line": 50 + number,
            "configured": None,
        },
        **more,
    }


def opener(number: int, **more: Any) -> dict[str, Any]:
    known = {"path": image(number), "volume": VOLUME, "inode": 70000 + number}
    about = {"by": "loop", "name": "loop0", "pid": None, "writes": True, "backing": False}
    return {**known, **about, **more}


def answer(
    node: str, *domains: dict[str, Any], vms: tuple[int, ...] = (1,), age: float = 0.0, took: float = 0.5, **more: Any
) -> dict[str, Any]:
    """A node that reads the .cfg and images of ``vms`` on the shared volume; asked ``age`` seconds ago."""
    asked = time.time() - age
    return {
        "node": {
            "hostname": node,
            "boot_id": f"boot of {node}",
            "at": asked + took / 2,
            "began": asked,
            "ended": asked + took,
            "recovering": False,
            "cluster": {"nodes": ["n1", "n2"], "heartbeat": ["n1", "n2"]},
            "xen_version": "4.17.5",
            "memory_kib": {"total": 3144704, "free": 1013760, "dom0": 1048576, "dom0_maximum": 1048576},
        },
        "clock": {"asked": asked, "answered": asked + took},
        "domains": list(domains),
        "configs": [config(number) for number in vms],
        "images": [{"path": image(number), "volume": VOLUME, "inode": 70000 + number} for number in vms],
        "listeners": [],
        "openers": [],
        "toolstack": [],
        "saved": [],
        "missing": [],
        **more,
    }
