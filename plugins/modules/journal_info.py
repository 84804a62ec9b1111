# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: journal_info
short_description: Read the journal
description:
  - Returns the records of the journal that match all options given, oldest first.
  - Before a job is taken up, O(open=steps) tells the steps whose outcome nobody knows, and O(open=jobs) the jobs on a
    subject that have neither been done nor closed, whichever run began them.
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
    description: Only of this job.
    type: str
  subject:
    description: Only on this subject.
    type: str
  run:
    description: Only from this run.
    type: str
  zone:
    description: Only of this zone.
    type: str
  step:
    description: Only of this step.
    type: str
  phase:
    description: Only of this phase.
    type: str
    choices: [started, done, failed, closed, note]
  since:
    description: Only from this time on, in ISO 8601. Without an offset it is UTC.
    type: str
  limit:
    description: How many records at most; of more, the newest. Not applied to what is open.
    type: int
    default: 1000
  open:
    description:
      - V(steps) returns the V(started) records of steps that have no end.
      - V(jobs) returns the first V(started) record of each job on a subject that has not ended.
      - Mutually exclusive with O(step), O(phase) and O(since).
    type: str
    choices: [jobs, steps]
"""

EXAMPLES = r"""
- name: Look for an open recovery of this node
  cloudops.hypervisor.journal_info:
    job: node_recovery
    subject: "{{ inventory_hostname }}"
    open: jobs
  register: recovery

- name: Leave its storage alone while it is recovered
  ansible.builtin.assert:
    that: recovery.records | length == 0

- name: Count the fences of a day
  cloudops.hypervisor.journal_info:
    zone: zone-a
    step: fence
    phase: done
    since: "{{ '%Y-%m-%dT%H:%M:%SZ' | ansible.builtin.strftime(now().timestamp() - 86400, utc=true) }}"
  register: fences
"""

RETURN = r"""
store:
  description: Where it was read; null if nothing was ever written there.
  returned: success
  type: str
  sample: postgresql://cloudops@db1/cloudops
records:
  description: The records.
  returned: success
  type: list
  elements: dict
  sample:
    - id: 4711
      at: '2026-01-31T09:00:00.123Z'
      who: kim
      run: awx-1204
      host: controller1
      job: node_recovery
      subject: node07
      phase: started
      step: fence
      zone: zone-a
      plan: recover-node07
      evidence: {}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.journal_options import JOURNAL_INFO


def main() -> None:
    AnsibleModule(**JOURNAL_INFO, supports_check_mode=True).fail_json(
        msg="This works on the controller: call it as cloudops.hypervisor.journal_info in a task, not directly."
    )


if __name__ == "__main__":
    main()
