# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: node_job_info
short_description: Read what became of the jobs of a node
description:
  - Returns one job of the node, or all that it remembers, and the newest epoch it has heard of.
  - Any controller can read them, whichever started them.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
extends_documentation_fragment:
  - cloudops.hypervisor.reading
requirements:
  - root on the node
options:
  name:
    description: The job to read. One that is not there is returned as never started. Without it, all are.
    type: str
seealso:
  - module: cloudops.hypervisor.node_job
"""

EXAMPLES = r"""
- name: What became of the jobs of this node?
  cloudops.hypervisor.node_job_info:
  register: node_jobs

- name: Which jobs were cut short?
  ansible.builtin.debug:
    msg: "{{ node_jobs.jobs | selectattr('state', 'equalto', 'lost') }}"
"""

RETURN = r"""
jobs:
  description: The jobs by name, each as RV(cloudops.hypervisor.node_job#module:job).
  returned: success
  type: list
  elements: dict
  sample: [{name: start-21aaac9c-5b99-4229-9f83-0bf6b6dd8077-7, state: finished, rc: 0}]
zone:
  description: The zone of that epoch.
  returned: success
  type: str
  sample: zone-a
epoch:
  description: The newest epoch the node has heard of. Older ones are refused. Null if it has heard of none.
  returned: success
  type: int
  sample: 7
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils.jobs.options import NODE_JOB_INFO
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import node_job


def main() -> None:
    module = AnsibleModule(**NODE_JOB_INFO, supports_check_mode=True)
    answer = node_job.answer({"do": "read", "name": module.params["name"]})
    if answer.get("failed"):
        module.fail_json(**answer)
    module.exit_json(changed=False, **answer)


if __name__ == "__main__":
    main()
