# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: migration_preflight
short_description: Judge whether a VM may be moved to another node
description:
  - Puts together what the nodes of a zone, both ends of the migration and the database say, and names everything that
    C(xl migrate) would find out only in the middle.
  - Run it with C(run_once) in the play that read the nodes. It connects to no host and changes nothing.
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
    support: none
options:
  vm:
    description: The VM, by its UUID, its name, or the MAC address of one of its interfaces.
    type: str
    required: true
  target:
    description: Where it is to go, as the play has the host.
    type: str
    required: true
  ends:
    description: The variable in which M(cloudops.hypervisor.migration_end_info) was registered on both ends.
    type: str
    required: true
  reserve:
    description: What the target keeps free beyond the guest's memory and overhead, in MiB.
    type: int
    default: 64
  statuses:
    description: Other statuses than the collection's, by finding code.
    type: dict
    default: {}
  language:
    description: The language of RV(page).
    type: str
    choices: [en, ko]
    default: en
seealso:
  - module: cloudops.hypervisor.migration_end_info
  - module: cloudops.hypervisor.vm_whereabouts
"""

EXAMPLES = r"""
- name: May it be moved?
  cloudops.hypervisor.migration_preflight:
    zone: zone-a
    vm: web-1
    target: n2
    readings: [vm_where_first]
    ends: migration_end
  register: preflight
  run_once: true
"""

RETURN = r"""
vm:
  description: The VM's UUID.
  returned: success
  type: str
  sample: 21aaac9c-5b99-4229-9f83-0bf6b6dd8077
name:
  description: What people call it, by the database and the nodes; else the name of its domain.
  returned: success
  type: str
  sample: web-1
source:
  description: The host of the play on which it runs.
  returned: success
  type: str
  sample: n1
target:
  description: O(target).
  returned: success
  type: str
  sample: n2
node:
  description: The target's own host name and boot, which the migration holds it to.
  returned: success
  type: dict
  sample: {hostname: n2, boot_id: 6cb4279e-70b4-47df-be26-e619be0c8b1f}
check:
  description: The findings in the form of M(cloudops.hypervisor.node_health).
  returned: success
  type: dict
  sample: {check: migration, status: ok, findings: [], facts: {}}
fixes:
  description: What of it can be mended, V(host_key) or V(root_key).
  returned: success
  type: list
  elements: str
  sample: [host_key]
page:
  description: The findings in lines, to be read.
  returned: success
  type: list
  elements: str
  sample: ["ok        nothing keeps it from moving from n1 to n2"]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import MIGRATION_PREFLIGHT


def main() -> None:
    AnsibleModule(**MIGRATION_PREFLIGHT, supports_check_mode=True).fail_json(
        msg="This works on the controller: call it as cloudops.hypervisor.migration_preflight in a task, not directly."
    )


if __name__ == "__main__":
    main()
