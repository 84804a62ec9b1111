# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: bmc_power
short_description: Power a node off or on by its BMC, and read it back
description:
  - In one session the BMC says whose it is, is asked for power, and is read until it has it. An address that another
    node has by now gets no power command.
  - Off is asked for where the node is off already, too. A reset is never sent.
  - Where the BMC can, O(state=off) also sees to it that the node stays off when mains come back.
  - It proves what the BMC says. A BMC can lie; whoever rests on its word needs a second effect that has gone.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
requirements:
  - The Python package pyghmi on the controller
attributes:
  check_mode:
    description: Reads identity and power, and asks for nothing.
    support: full
  diff_mode:
    description: Returns what it changed, in diff mode.
    support: none
  platform:
    description: Where its work is done.
    support: full
    platforms: controller
  action:
    description: Runs on the controller. The host is not connected to.
    support: full
options:
  state:
    description: What is asked for; V(read) asks for nothing.
    type: str
    choices: [read, 'off', 'on']
    default: read
  bmc:
    description: How the BMC is reached, by IPMI 2.0.
    type: dict
    required: true
    suboptions:
      address:
        description: Its address.
        type: str
        required: true
      username:
        description: The user, an operator at least.
        type: str
        required: true
      password:
        description: The user's password.
        type: str
        required: true
      port:
        description: Its UDP port.
        type: int
        default: 623
      cipher:
        description: Not used here, the cipher suite is agreed on.
        type: int
        default: 17
  identity:
    description: The system GUID that O(state=read) told of this node before. Required to ask for power.
    type: str
  second:
    description:
      - A second fence device of the node, such as a switched PDU, by an agent of the package C(fence-agents). It is
        asked where the BMC does not do what is asked for.
      - The device has to list its outlets with their names, as most PDUs do. An outlet that is not called as recorded
        gets no power command.
    type: dict
    suboptions:
      agent:
        description: The agent, such as C(fence_apc_snmp).
        type: str
        required: true
      plugs:
        description: Each outlet of the node, and the name that the device has for it.
        type: dict
        required: true
      options:
        description: The agent's own options, such as C(ip), C(username) and C(password).
        type: dict
        default: {}
  timeout:
    description: How long it may take until the power is as asked for, in seconds.
    type: float
    default: 60.0
seealso:
  - module: cloudops.hypervisor.node_triage
"""

EXAMPLES = r"""
- name: Whose BMC is it?
  cloudops.hypervisor.bmc_power:
    bmc: {address: 192.0.2.21, username: operator, password: "{{ bmc_password }}"}

- name: Power the node off
  cloudops.hypervisor.bmc_power:
    state: 'off'
    bmc: {address: 192.0.2.21, username: operator, password: "{{ bmc_password }}"}
    identity: e31e6170-eee4-5235-81c3-a78cfa677997

- name: Power it off, by its PDU where its BMC is silent
  cloudops.hypervisor.bmc_power:
    state: 'off'
    bmc: {address: 192.0.2.21, username: operator, password: "{{ bmc_password }}"}
    identity: e31e6170-eee4-5235-81c3-a78cfa677997
    second:
      agent: fence_apc_snmp
      plugs: {"17": n1-a, "18": n1-b}
      options: {ip: 192.0.2.90, community: "{{ pdu_community }}"}
"""

RETURN = r"""
before:
  description:
    - Identity and power as they were. C(restore) is what the node does when mains come back, C(watts) null where the
      BMC has no power meter.
  returned: success
  type: dict
  sample: {identity: e31e6170-eee4-5235-81c3-a78cfa677997, power: 'on', restore: as before, watts: null}
after:
  description: The same, read back.
  returned: success
  type: dict
  sample: {identity: e31e6170-eee4-5235-81c3-a78cfa677997, power: 'off', restore: stays off, watts: null}
by:
  description: What did it, V(bmc) or the agent of the second fence device.
  returned: success
  type: str
  sample: bmc
stays_off:
  description: Whether mains that come back leave it off; null where that was not asked for.
  returned: when power was asked for
  type: bool
  sample: true
problem:
  description: V(silent), V(refused) without a session, V(other_node), V(not_installed), or V(failed).
  returned: failure
  type: str
  sample: other_node
asked:
  description: Whether power was asked for before it failed, so that what it is now is not known.
  returned: failure
  type: bool
  sample: false
clock:
  description: The controller's clock before the session and after it, in seconds since the epoch.
  returned: when power was asked for
  type: dict
  sample: {asked: 1795255706.1, answered: 1795255709.0}
"""
