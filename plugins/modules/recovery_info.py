# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: recovery_info
short_description: Read in one task what a recovery asks of a Xen node
description:
  - Its checks, so that it can be a witness and a target; its VMs; the jobs it was given; when its kernel lost the
    connections of o2cb; and which addresses answer it.
  - Nothing is changed on the node. Where the connection pipelines, all of it is one round trip.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
extends_documentation_fragment:
  - cloudops.hypervisor.reading
requirements:
  - The node's own Python bindings of Xen, C(xen.lowlevel.xc), which Xen's tools bring
options:
  roots:
    description: The folders with images and C(.cfg) files, as O(cloudops.hypervisor.xen_vm_info#module:roots).
    type: list
    elements: str
    default: [/data/domu]
  checks:
    description: The checks that say whether guests may be started there. C(o2cb) is also what it says of its peers.
    type: list
    elements: str
    choices: [services, mounts, multipath, lvm, o2cb, bonding, openvswitch, network, time, kernel_log, boot]
    default: [mounts, multipath, o2cb]
  policy:
    description: What the site expects of the node, as O(cloudops.hypervisor.node_health#module:policy).
    type: dict
    default: {}
  statuses:
    description: Other statuses of findings, by code.
    type: dict
    default: {}
  addresses:
    description: Addresses of VMs on nodes in doubt that are asked from here.
    type: list
    elements: str
    default: []
  greetings:
    description: Where the ssh of nodes in doubt would answer, as C(address:port).
    type: list
    elements: str
    default: []
  leases:
    description: The VMs whose leases are read, by their UUIDs.
    type: list
    elements: str
    default: []
  lease_volume:
    description: Where leases are kept, as O(cloudops.hypervisor.vm_lease_info#module:volume).
    type: path
    default: /data
  lease_local:
    description: No other node can open that storage, as O(cloudops.hypervisor.vm_lease_info#module:local).
    type: bool
    default: false
  timeout:
    description: How long the whole reading may take, in seconds.
    type: float
    default: 90.0
seealso:
  - module: cloudops.hypervisor.ha_decision
  - module: cloudops.hypervisor.node_health
  - module: cloudops.hypervisor.xen_vm_info
"""

EXAMPLES = r"""
- name: Read every node
  cloudops.hypervisor.recovery_info:
  register: ha_recovery_reading
  ignore_unreachable: true
"""

RETURN = r"""
checks:
  description: What the checks found, as RV(cloudops.hypervisor.node_health#module:checks).
  returned: success
  type: dict
  sample: {o2cb: {check: o2cb, status: ok, findings: [], facts: {}}}
verdict:
  description: V(fit), V(not fit) or V(not proven).
  returned: success
  type: str
  sample: fit
took:
  description: How long each check took, in seconds.
  returned: success
  type: dict
  sample: {o2cb: 2.1}
node:
  description: Which node and boot answered, and when, as RV(cloudops.hypervisor.node_health#module:node).
  returned: success
  type: dict
  sample: {hostname: n1, boot_id: 6cb4279e-70b4-47df-be26-e619be0c8b1f, began: 1795255706.1, ended: 1795255712.9}
jobs:
  description: The jobs the node was given, each as RV(cloudops.hypervisor.node_job_info#module:jobs).
  returned: success
  type: list
  elements: dict
  sample: []
zone:
  description: The zone the node has heard an epoch of; null before the first.
  returned: success
  type: str
  sample: zone-a
epoch:
  description: The newest epoch of it that the node has heard of.
  returned: success
  type: int
  sample: 17
lost_connections:
  description: When the kernel reported connections of o2cb that have not come back since, by node number.
  returned: success
  type: dict
  sample: {lost: [[1, 1795255706.1]], missing: null}
answers:
  description: Which of O(addresses) and O(greetings) answered this node. One that could not be asked is not there.
  returned: success
  type: dict
  sample: {192.0.2.31: false}
said:
  description: What was said to each, or why it could not be asked.
  returned: success
  type: dict
  sample: {192.0.2.31: no answer within 3 s}
leases:
  description: What the lease of each of O(leases) says here, as M(cloudops.hypervisor.vm_lease_info) returns it.
  returned: success
  type: dict
  sample: {}
vms:
  description: Its VMs, as M(cloudops.hypervisor.xen_vm_info) returns them; null where that took too long.
  returned: success
  type: dict
  sample: {domains: []}
clock:
  description: The controller's clock when the node was asked and when it had answered, in seconds since the epoch.
  returned: when the whole reading was one round trip
  type: dict
  sample: {asked: 1795255706.1, answered: 1795255707.0}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils import recovery_reading
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError


def main() -> None:
    module = AnsibleModule(argument_spec=recovery_reading.argument_spec(), supports_check_mode=True)
    try:
        module.exit_json(changed=False, **recovery_reading.answer(module.params))
    except PolicyError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
