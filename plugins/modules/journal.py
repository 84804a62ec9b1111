# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: journal
short_description: Write a step of a job to the journal
description:
  - Appends one record to the journal, which outlives the run, and commits it.
  - O(phase=started) is written before a step, its end after the step's result was verified. What a killed run leaves
    without an end is shown by M(cloudops.hypervisor.journal_info) with
    O(cloudops.hypervisor.journal_info#module:open=steps).
  - A record is no change of a host, so the task never reports one.
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
  job:
    description: The job, such as V(node_recovery).
    type: str
    required: true
  subject:
    description: The one thing it works on, such as a node's name or a VM's UUID.
    type: str
    required: true
  phase:
    description:
      - V(started) opens a step, or without O(step) the job. A later run that takes it up writes it anew.
      - V(done) ends it well. Refused for what is not open, and for a job with a step that is open.
      - V(failed) ends a step that did not succeed. Its job stays open.
      - V(closed) ends it otherwise, rolled back, lost or given up. O(evidence) holds the C(reason).
      - V(note) is any other fact.
    type: str
    required: true
    choices: [started, done, failed, closed, note]
  step:
    description: The step, such as V(fence). Without it the record is about the job as a whole.
    type: str
    default: ''
  zone:
    description: The zone the subject belongs to, for what is counted by zone.
    type: str
    default: ''
  plan:
    description: The plan that is carried out.
    type: str
    default: ''
  evidence:
    description: What proves the record. It is stored as it is given; keep secrets out of it.
    type: dict
    default: {}
  lock:
    description: The lock the step is done under, from M(cloudops.hypervisor.journal_lock).
    type: str
  epoch:
    description: That lock's epoch. If the lock was lost since, nothing is written and the task fails.
    type: int
"""

EXAMPLES = r"""
- name: Say that the mounts are about to be made
  cloudops.hypervisor.journal:
    job: node_boot_check
    subject: "{{ inventory_hostname }}"
    step: mount
    phase: started

- name: Say what proved them
  cloudops.hypervisor.journal:
    job: node_boot_check
    subject: "{{ inventory_hostname }}"
    step: mount
    phase: done
    evidence:
      mounted: "{{ node_boot_check_mounts }}"

- name: Fence only while the zone is still ours
  cloudops.hypervisor.journal:
    job: node_recovery
    subject: node07
    zone: zone-a
    step: fence
    phase: started
    lock: zone-a
    epoch: "{{ zone_lock.lock.epoch }}"
"""

RETURN = r"""
record:
  description: What was written, or in check mode what would have been.
  returned: success
  type: dict
  contains:
    id:
      description: Its number. Later records have a higher one.
      returned: outside of check mode
      type: int
      sample: 4711
    at:
      description: When it was written, in UTC, by the store's clock.
      returned: outside of check mode
      type: str
      sample: '2026-01-31T09:00:00.123Z'
    who:
      description: The person, the user of AWX or the login behind C(sudo).
      returned: outside of check mode
      type: str
      sample: kim
    run:
      description: The start of the playbook that wrote it.
      returned: outside of check mode
      type: str
      sample: awx-1204
    host:
      description: The controller that wrote it.
      returned: outside of check mode
      type: str
      sample: controller1
    job:
      description: The job.
      returned: always
      type: str
      sample: node_recovery
    subject:
      description: What it works on.
      returned: always
      type: str
      sample: node07
    phase:
      description: The phase.
      returned: always
      type: str
      sample: started
    step:
      description: The step, empty for the job as a whole.
      returned: always
      type: str
      sample: fence
    zone:
      description: The zone, or empty.
      returned: always
      type: str
      sample: zone-a
    plan:
      description: The plan, or empty.
      returned: always
      type: str
      sample: recover-node07
    evidence:
      description: The evidence.
      returned: always
      type: dict
      sample: {power: 'off'}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.journal_options import JOURNAL


def main() -> None:
    AnsibleModule(**JOURNAL, supports_check_mode=True).fail_json(
        msg="This works on the controller: call it as cloudops.hypervisor.journal in a task, not directly."
    )


if __name__ == "__main__":
    main()
