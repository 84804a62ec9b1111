# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: vm_lease_info
short_description: Read who has the lease of a VM
description:
  - A lease is what every start, stop and migration of this collection holds, and whatever writes an image. This reads
    the lease's file, and tries without waiting whether somebody holds its lock. Nothing is changed.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
extends_documentation_fragment:
  - cloudops.hypervisor.reading
options:
  vm:
    description: The VM's UUID.
    type: str
    required: true
  volume:
    description: Where its lease is kept, which is where the storage with its images is mounted, or a folder below.
    type: path
    default: /data
  local:
    description: Whether no other node can open that storage.
    type: bool
    default: false
  timeout:
    description: How long the reading may take, in seconds.
    type: float
    default: 10.0
seealso:
  - module: cloudops.hypervisor.node_job
"""

EXAMPLES = r"""
- name: Does a job hold the VM?
  cloudops.hypervisor.vm_lease_info:
    vm: 21aaac9c-5b99-4229-9f83-0bf6b6dd8077
  register: vm_lease
"""

RETURN = r"""
path:
  description: The lease's file; null where no lease can be kept there.
  returned: success
  type: str
  sample: /data/.cloudops-leases/21aaac9c-5b99-4229-9f83-0bf6b6dd8077
scope:
  description: Whom its lock keeps out, every node of the V(cluster) or this V(node) alone.
  returned: success
  type: str
  sample: cluster
record:
  description: Who took it last, and whether it was given back; null if nobody ever took it.
  returned: success
  type: dict
  sample: {zone: zone-a, epoch: 7, node: n1, boot_id: 0d5a1c11, job: start-x-7, at: 1795220513.2,
    held: true, sequence: 4}
locked:
  description: Whether somebody holds its lock now; null where that cannot be told.
  returned: success
  type: bool
  sample: true
problem:
  description: Why it could not be read; empty if it was.
  returned: success
  type: str
  sample: ""
clock:
  description: The controller's clock when the node was asked and when it had answered, in seconds since the epoch.
  returned: when the whole reading was one round trip
  type: dict
  sample: {asked: 1795255706.1, answered: 1795255707.0}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils import lease_reading
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError


def main() -> None:
    module = AnsibleModule(argument_spec=lease_reading.argument_spec(), supports_check_mode=True)
    try:
        module.exit_json(changed=False, **lease_reading.answer(module.params))
    except PolicyError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
