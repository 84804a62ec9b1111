# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: node_triage
short_description: Tell whether a node is dead, from what all others see of it
description:
  - Puts together what the other hosts of the play, the controller and the node's BMC saw of the host it runs for, and
    finds its row in the collection's table of dead nodes. The verdict has the form of a check's result, so that
    M(cloudops.hypervisor.health_report) shows it.
  - It decides nothing about a reading that is missing. The finding then names it.
  - Of a host in doubt it keeps all readings, the logs that were collected, the BMC's event log and its identity, and
    what the BMC gives of the console or why it gives nothing, in a directory on the controller, and writes a note to
    the journal. Nothing is typed on the console.
  - It never sends a power command, and runs nothing on a node.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
extends_documentation_fragment: cloudops.hypervisor.store
requirements:
  - ipmitool (on the controller, where a BMC is given)
attributes:
  check_mode:
    support: full
    details: The verdict is returned. Neither evidence nor journal is written.
  diff_mode:
    support: none
options:
  results:
    description: The variable in which M(cloudops.hypervisor.node_health) was registered, with at least its check o2cb.
    type: str
    required: true
  probes:
    description: The variable in which M(cloudops.hypervisor.address_probe) was registered for each host.
    type: str
    required: true
  controller_probe:
    description: What M(cloudops.hypervisor.address_probe) returned on the controller.
    type: dict
    default: {}
  logs:
    description: What M(cloudops.hypervisor.node_logs) returned for this host, if it answered.
    type: dict
    default: {}
  in_doubt:
    description: Whether the host is in doubt. Only then its BMC is asked and evidence is kept.
    type: bool
    required: true
  ssh:
    description: The host's ssh server as it was given to the probes.
    type: str
    required: true
  vm_addresses:
    description: The addresses of its VMs as they were given to the probes.
    type: list
    elements: str
    default: []
  vm_macs:
    description:
      - The MAC address of a VM by its address, as far as they are known. A VM whose MAC is on another node that answers
        is not this host's, whatever answers at its address.
    type: dict
    default: {}
  vms:
    description:
      - The two variables in which M(cloudops.hypervisor.xen_vm_info) was registered for each host that answered, some
        seconds apart. A VM of this host that got CPU time in between lives.
    type: list
    elements: str
    default: []
  bmc:
    description: The host's BMC, which is read over IPMI 2.0 by C(ipmitool).
    type: dict
    suboptions:
      address:
        description: Its address.
        type: str
        required: true
      username:
        description: A user who may read it.
        type: str
        required: true
      password:
        description: That user's password. It stays on the controller.
        type: str
        required: true
      port:
        description: Its UDP port.
        type: int
        default: 623
      cipher:
        description: The IPMI cipher suite. Older BMCs know only V(3).
        type: int
        default: 17
  directory:
    description: Where evidence is kept, in a directory for each host and time.
    type: path
    default: reports/hang_triage
"""

EXAMPLES = r"""
- name: Is it dead?
  cloudops.hypervisor.node_triage:
    results: hang_triage_reading
    probes: hang_triage_probe
    in_doubt: true
    ssh: "10.0.0.2:22"
    vm_addresses: [10.0.0.21]
  register: hang_triage_result
"""

RETURN = r"""
verdict:
  description: As of M(cloudops.hypervisor.node_health), the row of the table included.
  returned: success
  type: str
  sample: not fit
checks:
  description: The checks of the host if it answered, and C(node_death), whose facts hold the verdict and every reading.
  returned: success
  type: dict
  sample:
    node_death:
      check: node_death
      status: critical
      findings: []
      facts:
        verdict: unmanaged
        rule: 14
        missing: []
        readings: {management: silent, heartbeat: moving, peers: connected, guests: answer, bmc: missing}
took:
  description: Seconds each check took.
  returned: success
  type: dict
  sample: {o2cb: 3.1}
node:
  description: The node's identity, empty if it gave no answer.
  returned: success
  type: dict
  sample: {hostname: n2}
in_doubt:
  description: As O(in_doubt).
  returned: success
  type: bool
  sample: true
evidence_directory:
  description: Where the evidence was kept.
  returned: for a host in doubt, outside check mode
  type: str
  sample: /srv/hypervisors/reports/hang_triage/n2/20261121T114000Z
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import NODE_TRIAGE


def main() -> None:
    AnsibleModule(**NODE_TRIAGE, supports_check_mode=True).fail_json(
        msg="This works on the controller: call it as cloudops.hypervisor.node_triage in a task, not directly."
    )


if __name__ == "__main__":
    main()
