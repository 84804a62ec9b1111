# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: vm_writes_info
short_description: Read how much domains have written to their disks
description:
  - Reads the counters of xen-blkback, and those of a QEMU that is a disk's backend. Of two copies of one VM they show
    which one still writes.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
extends_documentation_fragment:
  - cloudops.hypervisor.reading
options:
  domains:
    description: The numbers of the domains on this node.
    type: list
    elements: int
    required: true
  timeout:
    description: How long the reading may take, in seconds.
    type: float
    default: 10.0
seealso:
  - module: cloudops.hypervisor.xen_vm_info
"""

EXAMPLES = r"""
- name: What has it written so far?
  cloudops.hypervisor.vm_writes_info:
    domains: [3]
"""

RETURN = r"""
at:
  description: When it was read, by the node's clock, in seconds since the epoch.
  returned: success
  type: float
  sample: 1795255706.4
writes:
  description: A counter of each device, in bytes since it was attached. A domain without one has none that can be read.
  returned: success
  type: list
  elements: dict
  sample: [{domain: 3, device: vbd-3-51712, written: 1048576}]
clock:
  description: The controller's clock when the node was asked and when it had answered, in seconds since the epoch.
  returned: when the whole reading was one round trip
  type: dict
  sample: {asked: 1795255706.1, answered: 1795255707.0}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils import writes_reading


def main() -> None:
    module = AnsibleModule(argument_spec=writes_reading.argument_spec(), supports_check_mode=True)
    module.exit_json(changed=False, **writes_reading.answer(module.params))


if __name__ == "__main__":
    main()
