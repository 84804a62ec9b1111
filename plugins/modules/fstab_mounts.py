# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fstab_mounts
short_description: Mount what /etc/fstab has and the node has not, each on proof
description:
  - Mounts the entries of C(/etc/fstab) that are not mounted, parents before what lies in them.
  - An entry is mounted only if its device holds the file system and the UUID or label that fstab says, or its NFS
    server answers, if the cluster of an OCFS2 volume is online and its other findings are fit, and if its mount point
    is an empty folder. What was written there while nothing was mounted would be hidden by the mount.
  - Each mount has a deadline, and is seen in the kernel's own list before it is called done.
  - M(ansible.posix.mount) keeps C(/etc/fstab) itself. It proves none of this, hides what lies in the folder, and waits
    for a server that is gone.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
attributes:
  check_mode:
    description: Can run in check mode and says what it would do, without any side effect.
    support: full
  diff_mode:
    description: Returns what it changed, in diff mode.
    support: full
  platform:
    description: Where its work is done.
    support: full
    platforms: linux
options:
  paths:
    description: The mount points to bring back. Empty for every entry that is not C(noauto).
    type: list
    elements: path
    default: []
  timeout:
    description: How long one mount may take, in seconds. OCFS2 waits for the recovery of a dead node.
    type: float
    default: 60
  server_timeout:
    description: How long an NFS server may take to accept a connection, in seconds.
    type: float
    default: 3
  statuses:
    description: As in M(cloudops.hypervisor.node_health), for what is found of multipath and o2cb before a mount.
    type: dict
    default: {}
seealso:
  - module: cloudops.hypervisor.node_health
  - module: ansible.posix.mount
"""

EXAMPLES = r"""
- name: Mount what is missing
  cloudops.hypervisor.fstab_mounts:

- name: Show what would be mounted, and why something would not
  cloudops.hypervisor.fstab_mounts:
    paths: [/data, /data/iso]
  check_mode: true
  diff: true
"""

RETURN = r"""
steps:
  description: Each entry in its order, and what was, or in check mode would be, done with it.
  returned: always
  type: list
  elements: dict
  contains:
    path:
      description: The mount point.
      type: str
      returned: always
      sample: /data
    source:
      description: What is mounted there, as fstab has it.
      type: str
      returned: always
      sample: /dev/mapper/mpathb
    state:
      description:
        - V(mounted) if it was already, V(mount) if it is now, V(waits) in check mode for what lies in a V(mount).
        - V(refused) if it may not be mounted, V(failed) if the mount was tried and the kernel does not have it.
      type: str
      returned: always
      sample: mount
    why:
      description: What it was refused or failed for, or what it waits for.
      type: str
      returned: always
      sample: "the folder is not empty: domu/1.cfg"
"""

from dataclasses import asdict
from typing import Any, Dict, List, Mapping, Optional

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils import examination
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import LocalHost, Missing, Touches
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.mount_plan import (
    NFS,
    OCFS2,
    Entry,
    Signature,
    State,
    plan,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.repair import WITHOUT_MOUNT, standing
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import plain
from ansible_collections.cloudops.hypervisor.plugins.module_utils.mount_table import FSTAB, MOUNTINFO
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import block_device, mounts

GUARDS = ("multipath", "o2cb")
SERVERS = {OCFS2: Touches.OCFS2, **dict.fromkeys(NFS, Touches.NFS)}


class Mounter:
    """Reads, plans, mounts one, and reads again: what lies in a folder is known only once its parent is mounted."""

    def __init__(self, options: Mapping[str, Any], host: LocalHost) -> None:
        self.options = options
        self.host = host
        # before anything is touched: what is ill forbids the readings behind it, and the mounts
        guards = examination.order({"checks": GUARDS, "statuses": options["statuses"], "timeout": 60.0})
        self.ill = "; ".join(standing(examination.run(self.host, guards)["checks"], GUARDS, WITHOUT_MOUNT))
        self.done: Dict[str, Dict[str, Any]] = {}

    def run(self, check_mode: bool) -> List[Dict[str, Any]]:
        while True:
            entries = self._entries()
            steps = [plain(asdict(step)) for step in plan(entries, self.ill)]
            steps = [step for step in steps if step["path"] in self.options["paths"] or not self.options["paths"]]
            ready = [step for step in steps if step["state"] == State.MOUNT.value and step["path"] not in self.done]
            if check_mode or not ready:
                return [self.done.get(step["path"], step) for step in steps]
            step = ready[0]
            said = self._mount(step["path"], next(one.fstype for one in entries if one.path == step["path"]))
            now = next(one for one in self._entries() if one.path == step["path"])
            if now.right:
                self.done[now.path] = step
            else:
                why = said or "the kernel does not have it: %s" % (now.mounted or "nothing is mounted there")
                self.done[now.path] = {**step, "state": "failed", "why": why}

    def _entries(self) -> List[Entry]:
        facts = mounts.probe(self.host, mounts.Policy(server_timeout=self.options["server_timeout"]))
        unread = next((one for one in facts.missing if one.reading in (FSTAB, MOUNTINFO)), None)
        if unread is not None:
            raise Refused("%s could not be read: %s" % (unread.reading, unread.detail))
        servers = {path: server.answers for server in facts.servers for path in server.paths}
        wanted = [place for place in facts.places if place.wanted.by and not place.automount]
        unknown = set(self.options["paths"]) - {place.wanted.path for place in wanted}
        if unknown:
            raise Refused("paths: /etc/fstab has no %s" % ", ".join(sorted(unknown)))
        return [self._entry(place, servers.get(place.wanted.path)) for place in wanted]

    def _entry(self, place: mounts.Place, server: Optional[bool]) -> Entry:
        one, mount = place.wanted, place.mount
        device = self._device(place.device)
        right = mount is not None and not place.over and place.right is not False
        return Entry(
            path=one.path,
            source=one.source,
            fstype=one.fstype,
            mounted=mount.line if mount is not None else "",
            right=right and mount is not None and _same_type(one.fstype, mount.fstype),
            bind=one.bind,
            device=device,
            signature=self._signature(device) if device and mount is None else None,
            server=server,
            folder=place.below,
            folder_there=place.below != () or self._is_folder(one.path),
        )

    def _device(self, number: Optional[str]) -> Optional[str]:
        if not number:
            return number
        name = (self.host.link("/sys/dev/block/" + number) or "").rpartition("/")[2]
        return "/dev/" + name.replace("!", "/") if name else None

    def _signature(self, device: str) -> Optional[Signature]:
        content = block_device.probe(self.host, device)
        return None if isinstance(content, Missing) else Signature(content.fstype, content.uuid, content.label)

    def _is_folder(self, path: str) -> bool:
        answer = self.host.run(["stat", "-c", "%F", "--", path], timeout=5.0, touches=Touches.OCFS2)
        return answer.stdout.strip() == "directory"

    def _mount(self, path: str, fstype: str) -> str:
        """What the command said; whether it is mounted is read afterwards."""
        touches = SERVERS.get(fstype, Touches.DISKS)
        answer = self.host.run(["mount", path], timeout=self.options["timeout"], touches=touches)
        return (answer.stderr or answer.stdout).strip()


class Refused(Exception):
    """Nothing can be planned."""


def _same_type(wanted: str, found: str) -> bool:
    return wanted in (found, "auto") or {wanted, found} <= set(NFS)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "paths": {"type": "list", "elements": "path", "default": []},
            "timeout": {"type": "float", "default": 60.0},
            "server_timeout": {"type": "float", "default": 3.0},
            "statuses": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    try:
        steps = Mounter(module.params, LocalHost()).run(module.check_mode)
    except (PolicyError, Refused) as error:
        module.fail_json(msg=str(error))
    bad = ["%(path)s: %(why)s" % step for step in steps if step["state"] in (State.REFUSED.value, "failed")]
    mounted = [step for step in steps if step["state"] in (State.MOUNT.value, State.WAITS.value)]
    before = "".join("%(source)s on %(path)s\n" % step for step in steps if step["state"] == State.MOUNTED.value)
    result = {
        "changed": bool(mounted),
        "steps": steps,
        "diff": {
            "before_header": "mounted",
            "after_header": "mounted",
            "before": before,
            "after": before + "".join("%(source)s on %(path)s\n" % step for step in mounted),
        },
    }
    if bad:
        module.fail_json(msg="Not mounted: " + "; ".join(bad), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
