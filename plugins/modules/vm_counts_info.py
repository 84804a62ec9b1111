# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: vm_counts_info
short_description: Count CPU time and written blocks of a VM's domains
description:
  - Counts three times, a second apart and in one trip, the CPU time of each domain that has the UUID of a VM, and what
    it has written to its disks.
  - Asked of all nodes at once it is what M(cloudops.hypervisor.vm_whereabouts) proves with that a VM runs twice, and
    shows which of two copies still writes.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
extends_documentation_fragment:
  - cloudops.hypervisor.reading
requirements:
  - The node's own Python bindings of Xen, C(xen.lowlevel.xc), which Xen's tools bring
options:
  vm:
    description: The VM's UUID.
    type: str
    required: true
  timeout:
    description: How long the whole reading may take, in seconds.
    type: float
    default: 15.0
notes:
  - Blocks are those of xen-blkback, and of a QEMU that is a disk's backend.
seealso:
  - module: cloudops.hypervisor.xen_vm_info
  - module: cloudops.hypervisor.vm_whereabouts
"""

EXAMPLES = r"""
- name: Does it run, and does it write?
  cloudops.hypervisor.vm_counts_info:
    vm: 40b5b25e-c356-45fc-a287-7525c6438041
"""

RETURN = r"""
vm:
  description: The VM's UUID.
  returned: success
  type: str
  sample: 40b5b25e-c356-45fc-a287-7525c6438041
node:
  description: The node's name, and when the reading began and ended by its clock, in seconds since the epoch.
  returned: success
  type: dict
  sample: {hostname: n1, began: 1795255706.1, ended: 1795255708.4}
rounds:
  description:
    - Three counts. C(at) is a moment before it by the node's clock; C(cpu_ns) is in nanoseconds, C(written) in bytes
      since the device was attached. C(domains) is null where libxc did not answer.
  returned: success
  type: list
  elements: dict
  sample:
    - at: 1795255706.2
      domains: [{id: 3, cpu_ns: 32515953586, state: {running: false, blocked: true, paused: false, shutdown: false,
        shutdown_reason: null, crashed: false, dying: false}}]
      writes: [{domain: 3, device: vbd-3-51712, written: 1048576}]
missing:
  description: The readings that could not be taken, each with the problem and the tool's own words.
  returned: success
  type: list
  elements: dict
  sample: [{reading: libxc, problem: timeout, detail: gave no answer within 10 s}]
clock:
  description: The controller's clock when the node was asked and when it had answered, in seconds since the epoch.
  returned: when the whole reading was one round trip
  type: dict
  sample: {asked: 1795255706.1, answered: 1795255709.0}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils import counts_reading
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError


def main() -> None:
    module = AnsibleModule(argument_spec=counts_reading.argument_spec(), supports_check_mode=True)
    try:
        module.exit_json(changed=False, **counts_reading.answer(module.params))
    except PolicyError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
