# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: xen_config_info
short_description: Read what the configuration of a VM needs of a Xen node
description:
  - Reads a C(.cfg), follows each path in it through links to the volume it lies on, and says which bridges are there.
    Nothing is changed, and the C(.cfg) is data that is never executed.
  - While multipath or o2cb is ill, or OCFS2 recovers a dead node, the storage is not touched; RV(missing) names the
    cause.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
extends_documentation_fragment:
  - cloudops.hypervisor.reading
options:
  path:
    description: The C(.cfg).
    type: str
    required: true
  timeout:
    description: How long the whole reading may take, in seconds.
    type: float
    default: 30.0
seealso:
  - module: cloudops.hypervisor.xen_vm_info
"""

EXAMPLES = r"""
- name: What does it need?
  cloudops.hypervisor.xen_config_info:
    path: /data/domu/21aaac9c-5b99-4229-9f83-0bf6b6dd8077/current/21aaac9c-5b99-4229-9f83-0bf6b6dd8077.cfg
  register: needs
"""

RETURN = r"""
config:
  description: The C(.cfg); null where it could not be read.
  returned: success
  type: dict
  sample:
    path: /data/domu/x/current/x.cfg
    uuid: 40b5b25e-c356-45fc-a287-7525c6438041
    name: web1
    display: {number: 50}
    memory_mib: 128
    vcpus: 1
    disks: [{path: /data/domu/x/current/root.raw, format: raw, vdev: xvda, writable: true, cdrom: false}]
    nics: [{mac: "00:16:3e:00:00:02", bridge: xenbr0, script: null}]
    kernel: /boot/vmlinux-guest
    ramdisk: null
problem:
  description: Why xl would not read it; empty otherwise.
  returned: success
  type: str
  sample: ""
paths:
  description:
    - The C(.cfg) and every path in it. C(use) is V(config), V(disk), V(cdrom), V(kernel) or V(ramdisk).
    - C(real) is behind all links. C(kind) is V(file), V(device), V(folder), V(other), or empty where nothing is there.
    - C(volume) is the file system's UUID or the NFS export where nodes share it, else the device.
    - C(unmounted) is what C(/etc/fstab) has for this place and is not mounted, null otherwise.
  returned: success
  type: list
  elements: dict
  sample:
    - use: disk
      path: /data/domu/x/current/root.raw
      real: /data2/domu/x/root.raw
      kind: file
      inode: 70185
      size: 33554432
      problem: ""
      volume: afb05a48-6073-442b-8ed6-7e87aded6e9c
      mount: {path: /data2, source: /dev/mapper/mpathb, fstype: ocfs2, read_only: false}
      unmounted: null
bridges:
  description:
    - The bridges that its interfaces name. C(kind) is V(linux) or V(openvswitch), empty where there is none; C(macs)
      are the addresses that it has learned.
  returned: success
  type: list
  elements: dict
  sample: [{name: xenbr0, kind: openvswitch, macs: ["00:16:3e:00:00:02"]}]
missing:
  description: The readings that could not be taken, each with the problem and the tool's own words.
  returned: success
  type: list
  elements: dict
  sample: [{reading: ovs-appctl --timeout=5 fdb/show xenbr0, problem: timeout, detail: gave no answer within 10 s}]
clock:
  description: The controller's clock when the node was asked and when it had answered, in seconds since the epoch.
  returned: when the whole reading was one round trip
  type: dict
  sample: {asked: 1795255706.1, answered: 1795255707.0}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils import config_reading
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError


def main() -> None:
    module = AnsibleModule(argument_spec=config_reading.argument_spec(), supports_check_mode=True)
    try:
        module.exit_json(changed=False, **config_reading.answer(module.params))
    except PolicyError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
