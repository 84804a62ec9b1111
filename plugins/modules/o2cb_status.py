# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: o2cb_status
short_description: Judge the OCFS2 cluster stack of a node
description:
  - Reads configfs, sysfs, debugfs, the heartbeats and the slot map on disk, cluster.conf and the init script's text,
    and judges the cluster as this node sees it.
  - Multipath is examined first. While a map queues without paths the heartbeat on disk is not read, and that is said.
  - Reports and never fails because the node is sick. Nothing is written anywhere.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
extends_documentation_fragment:
  - cloudops.hypervisor.reading
options:
  required:
    description: Whether a node without o2cb is critical instead of skipped.
    type: bool
    default: false
  heartbeat_threshold:
    description:
      - The heartbeat's dead threshold that must be running, in intervals of 2 seconds. A node is dead after
        2 × (threshold - 1) seconds.
      - When not set, any is accepted.
    type: int
  idle_timeout_ms:
    description: The network idle timeout that must be running, in milliseconds. When not set, any is accepted.
    type: int
  keepalive_delay_ms:
    description: The network keepalive delay that must be running, in milliseconds. When not set, any is accepted.
    type: int
  reconnect_delay_ms:
    description: The network reconnect delay that must be running, in milliseconds. When not set, any is accepted.
    type: int
  max_freeze:
    description: How long writes may wait after a silent cut, in seconds. It is the idle timeout + 2 × (threshold + 2).
    type: float
    default: 300.0
  max_heartbeat_age:
    description: How old this node's own heartbeat on disk may be, in seconds.
    type: float
    default: 6.0
  regions:
    description: UUIDs of the volumes whose heartbeat must be active on this node.
    type: list
    elements: str
    default: []
  out_of_service:
    description: Names of peers that are not expected to heartbeat, because they are kept off.
    type: list
    elements: str
    default: []
  announced:
    description: Settings that were announced for the zone's next start, so that they may differ from the running ones.
    type: dict
    default: {}
  announced_on:
    description: The date of that announcement.
    type: str
    default: ""
notes:
  - It takes at least three seconds, because a heartbeat is alive only when two readings of it differ.
seealso:
  - module: cloudops.hypervisor.node_health
  - module: cloudops.hypervisor.multipath_health
"""

EXAMPLES = r"""
- name: Judge the cluster stack against the runbook's threshold
  cloudops.hypervisor.o2cb_status:
    heartbeat_threshold: 91
    max_freeze: 7000
  register: o2cb

- name: Stop unless the cluster is proven well
  ansible.builtin.assert:
    that: o2cb.health.status in ['ok', 'warning']
    fail_msg: "{{ o2cb.health.findings[0].message }}"
"""

RETURN = r"""
health:
  description: The check's result in the form every check of this collection returns.
  returned: success
  type: dict
  contains:
    check:
      description: Which check this is.
      type: str
      returned: success
      sample: o2cb
    status:
      description:
        - The worst status of the findings, V(ok), V(warning), V(unknown) or V(critical); V(skipped) if all are.
      type: str
      returned: success
      sample: ok
    findings:
      description:
        - What was found, worst first, each with code, values, subject, status, message, evidence, remedy and reference.
      type: list
      elements: dict
      returned: success
    facts:
      description: What was read, typed.
      type: dict
      returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils import examination
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError, argument_spec
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import o2cb


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(o2cb.Policy), supports_check_mode=True)
    order = {"checks": ["o2cb"], "policy": {"o2cb": module.params}, "timeout": 60.0}
    try:
        module.exit_json(changed=False, health=examination.answer(order)["checks"]["o2cb"])
    except PolicyError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
