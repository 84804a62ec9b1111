# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: role_options
short_description: Refuse a role's wrong options before anything runs
description:
  - Validates the variables of the role it is a task of, for every host of the play at once, against the role's
    C(meta/argument_specs.yml), and refuses variables that begin with the role's name and are none of its own.
  - Run it with C(run_once), and import the role with C(rolespec_validate=false). Ansible's own validation is one more
    task for every host, and a misspelt variable passes it.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
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
    platforms: controller
  action:
    description: Runs on the controller. The host is not connected to.
    support: full
options:
  entry_point:
    description: The entry point of the role whose options they are.
    type: str
    default: main
  results:
    description: Variables that begin with the role's name and are not set by people, because the role registers them.
    type: list
    elements: str
    default: []
  policies:
    description:
      - Variables that hold an option O(cloudops.hypervisor.node_health#module:policy), each above those before it.
      - What is judged is the policy that they are together.
    type: list
    elements: str
    default: []
  checks:
    description: The variable that holds the option O(cloudops.hypervisor.node_health#module:checks), empty for all.
    type: str
  statuses:
    description: The variable that holds the option O(cloudops.hypervisor.node_health#module:statuses).
    type: str
seealso:
  - module: cloudops.hypervisor.node_health
"""

EXAMPLES = r"""
- name: Refuse options that cannot be meant
  cloudops.hypervisor.role_options:
    results: [node_boot_check_result]
    policies: [node_boot_check_baseline, node_boot_check_policy]
    checks: node_boot_check_checks
    statuses: node_boot_check_statuses
  run_once: true
"""

RETURN = r"""
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import ROLE_OPTIONS


def main() -> None:
    AnsibleModule(supports_check_mode=True, **ROLE_OPTIONS).fail_json(
        msg="This works on the controller: call it as cloudops.hypervisor.role_options in a task, not directly."
    )


if __name__ == "__main__":
    main()
