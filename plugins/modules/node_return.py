# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: node_return
short_description: Tell what stands against the return of a node that was off
description:
  - Each VM that was the node's own runs elsewhere, or a person has released it; the node has no domain of a VM that is
    elsewhere; its boot check is fit, it has joined the cluster, and what waits at its boot gate is off everywhere else.
    Where one of these is not proven, it is named, with what to do next.
  - The node's own VMs are those that ran on it in the last verified snapshot before it was taken down, and those whose
    row in the database has it, unless they are known to be stopped.
  - Run it with C(run_once) in the play that read the nodes, after readings with C(ignore_unreachable). It connects to
    no host, and opens no gate.
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
  node:
    description: The node, as the play has the host.
    type: str
    required: true
  state:
    description:
      - V(looked) tells what stands against its return. The journal is written only for O(release).
      - V(alive) journals that it shows life, for each name under which a recovery takes it to be off.
      - V(returned) journals that it is back; its job C(node_return) is open.
    type: str
    choices: [looked, alive, returned]
    default: looked
  health:
    description: The variable in which M(cloudops.hypervisor.node_health) was registered for it.
    type: str
    default: node_boot_check_result
  gate:
    description: What the program of its boot gate says of this boot; empty where there is none.
    type: str
    default: ""
  epoch_told:
    description: Whether it has heard of the zone's newest epoch.
    type: bool
    default: true
  max_age:
    description: How old the last readings may be, in seconds.
    type: float
    default: 15.0
  release:
    description:
      - A VM that a person gives up for its return, by UUID, name or MAC address. It may start on this node, or stay
        off. It is journalled, and counts until the node is back.
    type: str
    default: ""
  reason:
    description: Why it is released. Required with O(release).
    type: str
    default: ""
  wanted_running:
    description: The words in the column O(columns.vm.wanted_state) that mean that a VM is to run.
    type: list
    elements: str
    default: ["on", running, "true", t, "1"]
  language:
    description: The language of RV(page).
    type: str
    choices: [en, ko]
    default: en
  lock:
    description: The zone's lock that this run holds. Nothing is journalled once it is lost.
    type: str
  epoch:
    description: Its epoch.
    type: int
seealso:
  - module: cloudops.hypervisor.node_maintenance
  - module: cloudops.hypervisor.vm_whereabouts
"""

EXAMPLES = r"""
- name: May it come back?
  cloudops.hypervisor.node_return:
    node: n1
    zone: zone-a
    gate: "{{ gate.stdout }}"
    readings: [vm_where_first, vm_where_second]
  register: seen
  run_once: true

- name: Go on only if it may
  ansible.builtin.assert:
    that: seen.may
  run_once: true
"""

RETURN = r"""
node:
  description: What it is called, which boot answered, and whether any did.
  returned: when O(state=looked)
  type: dict
  sample: {name: n1, names: [n1], boot_id: 6cb4279e-70b4-47df-be26-e619be0c8b1f, answers: true}
gate:
  description: V(closed) or V(released), empty where it has no gate.
  returned: when O(state=looked)
  type: str
  sample: closed
may:
  description: Whether nothing stands against its return.
  returned: when O(state=looked)
  type: bool
  sample: true
back:
  description: Whether it has come back with this boot already.
  returned: when O(state=looked)
  type: bool
  sample: false
guests:
  description: Its own VMs, and where each is proven to run now; empty where it is not.
  returned: when O(state=looked)
  type: dict
  sample: {21aaac9c-5b99-4229-9f83-0bf6b6dd8077: n2}
released:
  description: The VMs that people released for it, with who and why.
  returned: when O(state=looked)
  type: dict
  sample: {21aaac9c-5b99-4229-9f83-0bf6b6dd8077: "kim: its owner stopped it"}
moves:
  description: Of its own VMs, those that recoveries started elsewhere, and where they still run.
  returned: when O(state=looked)
  type: list
  elements: dict
  sample: [{vm: 21aaac9c-5b99-4229-9f83-0bf6b6dd8077, name: web-1, node: n2}]
check:
  description: The findings in the form of M(cloudops.hypervisor.node_health).
  returned: when O(state=looked)
  type: dict
  sample: {check: node_return, status: ok, findings: [], facts: {guests: {}}}
page:
  description: The findings in lines, to be read.
  returned: when O(state=looked)
  type: list
  elements: str
  sample: ["ok          n1 has come back with this boot already: 2026-01-31T09:00:00.000Z, kim@c1"]
ended:
  description: The names under which a recovery took it to be off until now.
  returned: when O(state=alive)
  type: list
  elements: str
  sample: [n1]
journalled:
  description: The evidence that was journalled.
  returned: when O(state=returned)
  type: dict
  sample: {host: n1, boot_id: 6cb4279e-70b4-47df-be26-e619be0c8b1f, names: [n1]}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import NODE_RETURN


def main() -> None:
    AnsibleModule(**NODE_RETURN, supports_check_mode=True).fail_json(
        msg="This works on the controller: call it as cloudops.hypervisor.node_return in a task, not directly."
    )


if __name__ == "__main__":
    main()
