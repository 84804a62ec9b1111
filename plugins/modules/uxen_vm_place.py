# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: uxen_vm_place
short_description: Write into the uxen database on which node a VM runs
description:
  - After a migration the row of the VM names its old node. This writes C(pm_uuid), and C(vnc_port) where the console's
    port is proven, in one short transaction with the old values in its C(WHERE).
  - It is refused unless the VM runs on O(host) and on no other node that answered, by readings that are fresh.
  - Run it with C(run_once) in the play that read the nodes. It connects to no host.
  - The database user needs C(UPDATE (pm_uuid, vnc_port\)) on C(pengx_vm).
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
extends_documentation_fragment:
  - cloudops.hypervisor.store
  - cloudops.hypervisor.uxen_database
  - cloudops.hypervisor.vm_zone
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
options:
  vm:
    description: The VM's UUID.
    type: str
    required: true
  host:
    description: The host of the play on which it runs.
    type: str
    required: true
  max_age:
    description: How old the readings may be, in seconds.
    type: float
    default: 15
seealso:
  - module: cloudops.hypervisor.vncport_sync
"""

EXAMPLES = r"""
- name: Say where it is now
  cloudops.hypervisor.uxen_vm_place:
    zone: zone-a
    vm: 21aaac9c-5b99-4229-9f83-0bf6b6dd8077
    host: n2
    readings: [vm_where_first]
  run_once: true
"""

RETURN = r"""
before:
  description: The node and the display of its row, as they were.
  returned: success
  type: dict
  sample: {node: n1, display: 50}
after:
  description: As they are now.
  returned: success
  type: dict
  sample: {node: n2, display: 51}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import UXEN_VM_PLACE


def main() -> None:
    AnsibleModule(**UXEN_VM_PLACE, supports_check_mode=True).fail_json(
        msg="This works on the controller: call it as cloudops.hypervisor.uxen_vm_place in a task, not directly."
    )


if __name__ == "__main__":
    main()
