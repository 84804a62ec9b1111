# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ha_outlook
short_description: Say whose death a zone could not absorb, and whether a recovery would work
description:
  - From the readings of all nodes, all BMCs, the effects of their power, the uxen database and the store. Each thing
    that a recovery would rest on is a finding with its evidence and what to do.
  - It changes nothing. BMCs are asked whose they are and whether the power is on, and no more.
  - Run it with C(run_once) after one reading with C(ignore_unreachable). That reading is to have the checks C(boot) and
    C(o2cb), and the ssh of every node in O(cloudops.hypervisor.recovery_info#module:greetings).
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
extends_documentation_fragment:
  - cloudops.hypervisor.store
  - cloudops.hypervisor.uxen_api
  - cloudops.hypervisor.uxen_database
  - cloudops.hypervisor.vm_zone
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  readings:
    description: The variable in which M(cloudops.hypervisor.recovery_info) was registered for each host of the play.
    default: [ha_outlook_reading]
  node:
    description:
      - The variable that says of each host what the site has of it, as O(cloudops.hypervisor.ha_decision#module:node).
    type: str
    default: ha_recovery_node
  checks:
    description: The checks that a node has to pass before guests are started there.
    type: list
    elements: str
    default: [mounts, multipath, o2cb]
  snapshot_max_age:
    description: Seconds after which a snapshot no longer says by itself what is wanted.
    type: float
    default: 86400.0
  vms:
    description: What the site says of a VM, by UUID. C(priority), C(order), C(group) and C(bound).
    type: dict
    default: {}
  placement:
    description: The limits of a placement, as O(cloudops.hypervisor.ha_decision#module:placement).
    type: dict
    default: {}
  uxen_api:
    description:
      - How the uxen API of each node is asked, from the controller, about one VM. Left out, it is not asked.
  statuses:
    description: Other statuses of findings, by code.
    type: dict
    default: {}
seealso:
  - module: cloudops.hypervisor.recovery_info
  - module: cloudops.hypervisor.ha_decision
  - module: cloudops.hypervisor.health_report
"""

EXAMPLES = r"""
- name: Read every node
  cloudops.hypervisor.recovery_info:
    checks: [mounts, multipath, o2cb, boot]
    greetings: [192.0.2.11:22, 192.0.2.12:22]
  register: ha_outlook_reading
  ignore_unreachable: true

- name: Could a node be lost today?
  cloudops.hypervisor.ha_outlook:
    zone: zone-a
  register: outlook
  run_once: true

- name: Name those that could not
  ansible.builtin.debug:
    msg: "{{ outlook.unabsorbed }}"
  run_once: true
"""

RETURN = r"""
zone:
  description: The zone.
  returned: success
  type: str
  sample: zone-a
unabsorbed:
  description: The nodes whose death would leave VMs without a place.
  returned: success
  type: list
  elements: str
  sample: [n1]
nodes:
  description:
    - By host of the play, its findings as RV(cloudops.hypervisor.node_health#module:checks), under C(ha_outlook), and
      its verdict. What is so of the whole zone stands with each of them.
    - C(facts.death) says of a node that answered which VMs would be left out, and which migrations or memory change
      that.
  returned: success
  type: dict
  sample: {n1: {checks: {ha_outlook: {check: ha_outlook, status: ok, findings: [], facts: {}}}, verdict: fit}}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import HA_OUTLOOK


def main() -> None:
    AnsibleModule(supports_check_mode=True, **HA_OUTLOOK).fail_json(
        msg="This works on the controller: call it as cloudops.hypervisor.ha_outlook in a task, not directly."
    )


if __name__ == "__main__":
    main()
