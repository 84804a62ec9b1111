# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: node_epoch
short_description: Let a node refuse whatever belongs to an older epoch of its zone
description:
  - Stores the epoch on the node's own disk. From then on the node refuses every job of an older one.
  - A job brings its epoch with it. This is for what must be said to all nodes before the first of a series of jobs,
    where no lock on shared storage keeps a controller out that was overtaken.
  - An older epoch than the node has heard of, and another zone's, are refused.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
requirements:
  - Python 3.8 or later on the node
  - root on the node
attributes:
  check_mode:
    description: Can run in check mode and says what it would do, without any side effect.
    support: full
  diff_mode:
    description: Returns what it changed, in diff mode.
    support: none
  platform:
    description: Where its work is done.
    support: full
    platforms: linux
options:
  zone:
    description: The zone.
    type: str
    required: true
  epoch:
    description: The epoch of the zone's lock, as M(cloudops.hypervisor.journal_lock) returned it.
    type: int
    required: true
  begin:
    description:
      - Whether the epoch begins with this. It is refused then if the node has heard of it already, because a
        controller with another store began one of the same number.
    type: bool
    default: false
seealso:
  - module: cloudops.hypervisor.node_job
  - module: cloudops.hypervisor.journal_lock
"""

EXAMPLES = r"""
- name: Let no node listen to whoever had the zone before
  cloudops.hypervisor.node_epoch:
    zone: zone-a
    epoch: "{{ zone_lock.lock.epoch }}"
"""

RETURN = r"""
changed:
  description: Whether the node had not heard of it.
  returned: always
  type: bool
  sample: true
refusal:
  description: Why it was refused, as RV(cloudops.hypervisor.node_job#module:refusal).
  returned: when it was refused
  type: dict
  sample: {code: overtaken, said: "overtaken: this node has epoch 8, this is epoch 7", values: {newest: 8, epoch: 7}}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils.jobs.options import NODE_EPOCH
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import node_job


def main() -> None:
    module = AnsibleModule(**NODE_EPOCH, supports_check_mode=True)
    answer = node_job.answer({"do": "store", **module.params, "foresee": module.check_mode})
    if answer.get("failed"):
        module.fail_json(**answer)
    module.exit_json(**answer)


if __name__ == "__main__":
    main()
