# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: migration_end_info
short_description: Read what one end of a migration has for the other
description:
  - Reads the features of Xen and the CPU, the bridges, and whether the files are there that a VM needs. On the source
    it also tries root's ssh to the target as C(xl migrate) will use it, without anything to answer a prompt.
  - Nothing is changed. M(cloudops.hypervisor.migration_preflight) judges what both ends returned.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
extends_documentation_fragment:
  - cloudops.hypervisor.reading
options:
  files:
    description: Absolute paths that the VM needs, such as its C(.cfg), kernel and ISO. Links are followed.
    type: list
    elements: str
    default: []
  peer:
    description: The name or address at which this node reaches the target. Empty where this is the target.
    type: str
    default: ''
  timeout:
    description: How long the whole reading may take, in seconds.
    type: float
    default: 60.0
seealso:
  - module: cloudops.hypervisor.xen_vm_info
  - module: cloudops.hypervisor.migration_preflight
"""

EXAMPLES = r"""
- name: Does root of this node reach n2 without a prompt?
  cloudops.hypervisor.migration_end_info:
    peer: n2
  register: end
"""

RETURN = r"""
node:
  description: Which node and boot answered.
  returned: success
  type: dict
  sample: {hostname: n1, boot_id: 6cb4279e-70b4-47df-be26-e619be0c8b1f}
features:
  description: Xen's version, the words of its C(hw_caps) and what guests it can run; null where C(xl info) gave none.
  returned: success
  type: dict
  sample: {major: 4, minor: 17, cpu: [395047933, 2147491841], modes: [pv, hvm, hap]}
bridges:
  description: The names of the bridges, those of Open vSwitch too.
  returned: success
  type: list
  elements: str
  sample: [xenbr0]
model:
  description: The CPU's name.
  returned: success
  type: str
  sample: Intel(R) Xeon(R) CPU E5-2680 v4
ssh:
  description:
    - Root's ssh to O(peer); null without one. C(failure) is empty where it does, else V(host_key), V(changed_key),
      V(denied), V(unresolved), V(unreachable), V(no_xl) or V(other).
  returned: success
  type: dict
  sample: {address: n2, failure: denied, said: "root@n2: Permission denied (publickey).", hostname: '', boot_id: ''}
files:
  description: Each of O(files) that could be looked for, with the mount it lies on.
  returned: success
  type: list
  elements: dict
  sample: [{path: /data/iso/a.iso, found: true, mount: /data}]
missing:
  description: The readings that could not be taken, each with the problem and the tool's own words.
  returned: success
  type: list
  elements: dict
  sample: [{reading: xl info, problem: absent, detail: "xl: command not found"}]
clock:
  description: The controller's clock when the node was asked and when it had answered, in seconds since the epoch.
  returned: when the whole reading was one round trip
  type: dict
  sample: {asked: 1795255706.1, answered: 1795255707.0}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils import migration_reading
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError


def main() -> None:
    module = AnsibleModule(argument_spec=migration_reading.argument_spec(), supports_check_mode=True)
    try:
        module.exit_json(changed=False, **migration_reading.answer(module.params))
    except PolicyError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
