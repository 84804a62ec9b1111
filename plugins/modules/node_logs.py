# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: node_logs
short_description: Collect the logs of a node's boot and of the boot before
description:
  - Returns the ends of the journal of this boot and the one before, of the kernel's ring buffer, of
    C(/var/log/messages) and its kind, of Xen's own console where there is Xen, of what C(pstore) kept of a crash, and
    the processes with what each waits for.
  - Each source has a deadline. Nothing is written on the node.
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
    platforms: linux
options:
  timeout:
    description: How long one source may take, in seconds.
    type: float
    default: 20
"""

EXAMPLES = r"""
- name: Keep what a node says before it is touched
  cloudops.hypervisor.node_logs:
  register: logs
"""

RETURN = r"""
files:
  description: The text of each source, by a name for a file. A source that the node has not is left out.
  returned: success
  type: dict
  sample: {dmesg.txt: "[Sat Nov 21 11:04:02 2026] Linux version 6.1.0-41-amd64"}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import LocalHost
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import log_files


def main() -> None:
    module = AnsibleModule(argument_spec={"timeout": {"type": "float", "default": 20.0}}, supports_check_mode=True)
    module.exit_json(changed=False, files=log_files.collect(LocalHost(), module.params["timeout"]))


if __name__ == "__main__":
    main()
