# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_health
short_description: Examine a hypervisor node in one task
"""

EXAMPLES = r"""
"""

RETURN = r"""
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cloudops.hypervisor.plugins.module_utils import examination
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError


def main() -> None:
    module = AnsibleModule(argument_spec=examination.argument_spec(), supports_check_mode=True)
    try:
        module.exit_json(changed=False, **examination.answer(module.params))
    except PolicyError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
