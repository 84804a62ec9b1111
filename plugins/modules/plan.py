# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: plan
short_description: Save, read and approve plans
description:
  - A plan that was saved can be read by a person, approved by them as it is, and carried out later by another run.
  - An approval is of one hash. A plan that was edited after it is refused by whoever reads it.
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
  state:
    description: What is to be done with it.
    type: str
    choices: [saved, read, approved]
    default: saved
  kind:
    description: The job that it is a plan of. Required with O(state=saved).
    type: str
  name:
    description: What it is a plan for, such as the zone. Required with O(state=saved).
    type: str
  body:
    description: The plan. Required with O(state=saved).
    type: dict
  plan:
    description: Its number. Required with O(state=read) and O(state=approved).
    type: int
  sha256:
    description: The hash of what was read. Required with O(state=approved).
    type: str
"""

EXAMPLES = r"""
- name: Save what would be done
  cloudops.hypervisor.plan:
    kind: ha_recovery
    name: zone-a
    body: {fences: {n1: it is hung}, starts: {}, left: {}}
  register: saved
  run_once: true

- name: Approve it
  cloudops.hypervisor.plan:
    state: approved
    plan: "{{ saved.plan.id }}"
    sha256: "{{ saved.plan.sha256 }}"
  run_once: true
"""

RETURN = r"""
plan:
  description: Its number, kind, name, hash, who saved it and when, and its C(approval), null without one.
  returned: success
  type: dict
  sample:
    id: 17
    kind: ha_recovery
    name: zone-a
    created: "2026-11-21T09:00:00.000Z"
    who: kim
    run: controller-1
    sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    approval: null
body:
  description: The plan itself.
  returned: when O(state) is V(read) or V(approved)
  type: dict
  sample: {fences: {}, starts: {}, left: {}}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import PLAN


def main() -> None:
    AnsibleModule(supports_check_mode=True, **PLAN).fail_json(
        msg="This works on the controller: call it as cloudops.hypervisor.plan in a task, not directly."
    )


if __name__ == "__main__":
    main()
