# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: node_maintenance
short_description: Journal that a node goes into maintenance, or leaves it
description:
  - A node in maintenance has an open job C(node_maintenance) in the journal, for each name it is known by. A recovery
    does not fence it, and nobody recovers its VMs.
  - A node that answered in RV(names) is known by what its kernel calls it and by its name in the inventory, one that is
    silent by the latter alone.
  - Run it with C(run_once) in the play that read the node. It connects to no host.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
extends_documentation_fragment:
  - cloudops.hypervisor.store
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  node:
    description: The node, as the play has the host.
    type: str
    required: true
  state:
    description: Whether it goes into maintenance or leaves it.
    type: str
    choices: [entered, left]
    required: true
  reason:
    description: Why, for the journal. Required with O(state=entered).
    type: str
    default: ""
  reading:
    description:
      - The variable in which M(cloudops.hypervisor.xen_vm_info) was registered for the node and for O(targets). A node
        without it gave no answer.
    type: str
    default: node_maintenance_reading
  targets:
    description: Hosts of the play that the node's VMs are to be moved to before, for RV(moves). Nothing is moved here.
    type: list
    elements: str
    default: []
  zone:
    description: The zone, for the journal.
    type: str
    default: ""
  language:
    description: The language of RV(page).
    type: str
    choices: [en, ko]
    default: en
seealso:
  - module: cloudops.hypervisor.node_return
"""

EXAMPLES = r"""
- name: Read the node
  cloudops.hypervisor.xen_vm_info:
  register: node_maintenance_reading
  failed_when: false
  ignore_unreachable: true

- name: Keep recoveries off it
  cloudops.hypervisor.node_maintenance:
    node: n1
    state: entered
    reason: a fan is replaced
  run_once: true
"""

RETURN = r"""
names:
  description: The names under which it is journalled.
  returned: success
  type: list
  elements: str
  sample: [n1]
since:
  description: Its maintenance before this task, as the journal had it open; null where it was in none.
  returned: success
  type: dict
  sample: {at: "2026-01-31T09:00:00.000Z", who: kim@c1, reason: a fan is replaced}
vms:
  description: The domains on it. C(rests) says why one does not run.
  returned: success
  type: list
  elements: dict
  sample: [{vm: 21aaac9c-5b99-4229-9f83-0bf6b6dd8077, name: web-1, memory_kib: 132096, vcpus: 1, rests: ""}]
moves:
  description: Which of them goes to which of O(targets), one after the other.
  returned: success
  type: list
  elements: dict
  sample: [{vm: 21aaac9c-5b99-4229-9f83-0bf6b6dd8077, name: web-1, target: n2}]
check:
  description: The findings in the form of M(cloudops.hypervisor.node_health).
  returned: success
  type: dict
  sample: {check: node_maintenance, status: ok, findings: [], facts: {names: [n1]}}
page:
  description: The findings in lines, to be read.
  returned: success
  type: list
  elements: str
  sample: ["ok          n1 is not in maintenance"]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import NODE_MAINTENANCE


def main() -> None:
    AnsibleModule(**NODE_MAINTENANCE, supports_check_mode=True).fail_json(
        msg="This works on the controller: call it as cloudops.hypervisor.node_maintenance in a task, not directly."
    )


if __name__ == "__main__":
    main()
