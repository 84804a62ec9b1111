# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ha_decision
short_description: Decide what a recovery of a zone does next
description:
  - From the readings of all nodes, the BMCs of those that do not answer, the uxen database and the journal. What was
    done is in the journal, what is so is in the readings, and both say the next steps, whoever asks.
  - It changes nothing. BMCs are asked whose they are and whether the power is on, and no more.
  - Run it with C(run_once) after readings with C(ignore_unreachable).
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
  state:
    description:
      - V(plan) looks and decides without the zone in hand, up to the plan.
    type: str
    choices: [recover, plan]
    default: recover
  readings:
    description:
      - The variables in which M(cloudops.hypervisor.recovery_info) was registered, the one before and the newest. They
        are at least 3 s apart.
    default: [ha_recovery_before, ha_recovery_reading]
  node:
    description:
      - The variable that says of each host what the site has of it. C(bmc) is how its BMC is reached, as for
        M(cloudops.hypervisor.bmc_power), with its C(identity), C(effects) commands of the controller that succeed while
        the node has power, C(gated) whether nothing starts there by itself after a boot, C(rack) its rack or switch,
        C(ssh) where its ssh answers.
    type: str
    default: ha_recovery_node
  addresses:
    description: Addresses of VMs that the database does not have, by UUID.
    type: dict
    default: {}
  wanted_running:
    description: The words in the column C(wanted_state) that mean that the VM is to run.
    type: list
    elements: str
    default: ['on', running, 'true', t, '1']
  snapshot_max_age:
    description: Seconds after which a snapshot no longer says by itself what is wanted.
    type: float
    default: 86400.0
  vms:
    description: What the site says of a VM, by UUID. C(priority), C(order), C(group) and C(bound).
    type: dict
    default: {}
  limits:
    description: The numbers of the breaker. C(silent_nodes), C(silent_share), C(fences), C(window), C(word), C(takes).
    type: dict
    default: {}
  policy:
    description:
      - The numbers of the recovery. C(max_age), C(quiet), C(watch), C(held_off), C(patience), C(booting), C(poll),
        C(parallel), C(tries), C(database_vm).
    type: dict
    default: {}
  placement:
    description:
      - The limits of a placement. C(n_plus_one), C(per_node), C(per_rack), C(starts), C(starts_per_node),
        C(overhead_kib).
    type: dict
    default: {}
  hold:
    description: The zone's locks as this run has them, with their C(epoch). Without it, to take them is the next step.
    type: dict
  plan:
    description: The number of the plan that was approved.
    type: int
  approval:
    description: How long an approval holds in seconds, C(age), and which share of a plan may have moved, C(moved).
    type: dict
    default: {}
  memory:
    description: What the turn before returned under RV(memory).
    type: dict
    default: {}
seealso:
  - module: cloudops.hypervisor.recovery_info
"""

EXAMPLES = r"""
- name: Read every node
  cloudops.hypervisor.recovery_info:
  register: ha_recovery_before
  ignore_unreachable: true

- name: Read every node again
  cloudops.hypervisor.recovery_info:
  register: ha_recovery_reading
  ignore_unreachable: true

- name: What would be done?
  cloudops.hypervisor.ha_decision:
    state: plan
    zone: zone-a
  register: decision
  run_once: true

- name: Show it
  ansible.builtin.debug:
    msg: "{{ decision | cloudops.hypervisor.ha_page('plan') }}"
  run_once: true
"""

RETURN = r"""
zone:
  description: The zone.
  returned: success
  type: str
  sample: zone-a
stage:
  description: The stage of the recovery that does not let go on.
  returned: success
  type: str
  sample: fence
why:
  description: Why it does not.
  returned: success
  type: str
  sample: "row 19: hung"
ended:
  description: Whether nothing follows these steps.
  returned: success
  type: bool
  sample: false
steps:
  description: What is done next, side by side where there is more than one. C(kind) and C(subject), and what it needs.
  returned: success
  type: list
  elements: dict
  sample: [{kind: fence, subject: n1, why: "row 19: hung", not_after: 1795255720.1, before: [its heartbeat]}]
phrases:
  description:
    - What is said here that M(cloudops.hypervisor.ha_decision) has in more than one language, by its English text. Each
      step has its own, which the journal keeps.
  returned: success
  type: dict
  sample: {"row 19: hung": {phrase: fence_row, about: ["19", hung]}}
outs:
  description: How each VM stands that is wanted, or may be.
  returned: success
  type: dict
  sample: {21aaac9c-5b99-4229-9f83-0bf6b6dd8077: {way: undecided, why: n1 is silent, do: ""}}
vms:
  description: What each VM of the zone is called.
  returned: success
  type: dict
  sample: {21aaac9c-5b99-4229-9f83-0bf6b6dd8077: [web-1]}
memory:
  description: What the next turn of the same run is to be given.
  returned: success
  type: dict
  sample: {}
hosts:
  description: The hosts of the play, by the names of their nodes.
  returned: success
  type: dict
  sample: {n1: n1.example}
nodes:
  description: Of each node its verdict, the rule it stands on, its readings with their evidence, and its quorum.
  returned: success
  type: dict
  sample: {n1: {verdict: hung, rule: 19, answers: false}}
"off":
  description: The nodes that are proven off, and how.
  returned: success
  type: dict
  sample: {n1: "switched off, read back, and gone: its heartbeat"}
leases:
  description: The VMs whose leases the next reading is to tell.
  returned: success
  type: list
  elements: str
  sample: []
addresses:
  description: Of each host that did not answer, the addresses of its VMs.
  returned: success
  type: dict
  sample: {n1.example: [192.0.2.31]}
remedy:
  description: What would make room for the VMs that fit nowhere; null where a plan was not made.
  returned: success
  type: dict
  sample: {moves: [], fits: [], fewest: true, memory: [[n2, 131072]], least: true}
open:
  description: Since when the journal has a recovery of the zone open; null without one.
  returned: success
  type: str
  sample: "2026-11-21T09:00:00.000Z"
database:
  description: Whether the uxen database was read, and why not.
  returned: success
  type: dict
  sample: {read: true, problem: ""}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import HA_DECISION


def main() -> None:
    AnsibleModule(supports_check_mode=True, **HA_DECISION).fail_json(
        msg="This works on the controller: call it as cloudops.hypervisor.ha_decision in a task, not directly."
    )


if __name__ == "__main__":
    main()
