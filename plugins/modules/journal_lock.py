# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: journal_lock
short_description: Lock a zone, or anything named, against a second operator
description:
  - A lock is held by the whole run, until it is freed or the C(ansible-playbook) process ends.
  - A second run is refused and told who holds it, since when, and for what.
  - A holder on the same controller whose process is proven gone is replaced. No other lock ends by itself, however
    silent its holder is; a person breaks it.
  - Each taking has a higher epoch than all before it. M(cloudops.hypervisor.journal) refuses a run that was put to
    sleep, lost its lock, and woke.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
extends_documentation_fragment: cloudops.hypervisor.store
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  name:
    description: What is locked.
    type: str
    required: true
  state:
    description:
      - V(held) takes the lock, or keeps it if this run has it.
      - V(free) gives it up. Nothing is done if nobody has it; another run's is refused.
      - V(broken) takes it from whoever holds it, which is journalled with O(reason). That run must have ended.
    type: str
    default: held
    choices: [held, free, broken]
  what:
    description: What it is needed for, told to whoever is refused. Required with O(state=held).
    type: str
  above:
    description:
      - With O(state=held) the epoch is higher than this. It is what a node has heard of that refused this run's epoch,
        as RV(cloudops.hypervisor.node_epoch#module:refusal) has it; another controller with a store of its own gave it.
    type: int
    default: 0
  epoch:
    description: The epoch of the holding to break, as the refusal told it. Required with O(state=broken).
    type: int
  reason:
    description: How it is known that its holder does nothing any more. Required with O(state=broken).
    type: str
"""

EXAMPLES = r"""
- name: Work on the zone alone
  cloudops.hypervisor.journal_lock:
    name: zone-a
    what: recovery of node07
  register: zone_lock

- name: Let others at it again
  cloudops.hypervisor.journal_lock:
    name: zone-a
    state: free

- name: Take it from a container that was killed
  cloudops.hypervisor.journal_lock:
    name: zone-a
    state: broken
    epoch: 7
    reason: the pod of AWX job 1204 was deleted, seen in its event log
"""

RETURN = r"""
changed:
  description: Whether a lock was broken. Taking and freeing one is no change of a host.
  returned: always
  type: bool
  sample: false
lock:
  description: The lock as held, or the one that was broken; null if it is free. Taken in check mode, its epoch is 0.
  returned: success
  type: dict
  contains:
    name:
      description: What is locked.
      returned: always
      type: str
      sample: zone-a
    epoch:
      description: Its number, for the journal.
      returned: always
      type: int
      sample: 7
    who:
      description: The person.
      returned: always
      type: str
      sample: kim
    run:
      description: The start of the playbook that holds it.
      returned: always
      type: str
      sample: awx-1204
    host:
      description: The controller it runs on.
      returned: always
      type: str
      sample: controller1
    pid:
      description: Its process there.
      returned: always
      type: int
      sample: 4242
    what:
      description: What it is needed for.
      returned: always
      type: str
      sample: recovery of node07
    since:
      description: Since when, in UTC.
      returned: always
      type: str
      sample: '2026-01-31T09:00:00.123Z'
    seen:
      description: When its holder last wrote to the journal under it, in UTC.
      returned: always
      type: str
      sample: '2026-01-31T09:02:10.456Z'
    replaced:
      description: The dead holder it was taken over from, in the same form, or null. Look at its open steps.
      returned: always
      type: dict
      sample: null
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.journal_options import JOURNAL_LOCK


def main() -> None:
    AnsibleModule(**JOURNAL_LOCK, supports_check_mode=True).fail_json(
        msg="This works on the controller: call it as cloudops.hypervisor.journal_lock in a task, not directly."
    )


if __name__ == "__main__":
    main()
