# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: clock_offset
short_description: Ask time servers how far a node's clock is off
description:
  - Asks the servers directly, so the answer does not depend on the node's time daemon or on what it is configured with.
  - Also tells how many guests run, because their time may not jump back, and whether the clock could be stepped.
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
  servers:
    description: Names or addresses of time servers.
    type: list
    elements: str
    required: true
  timeout:
    description: How long one answer may take, in seconds. Each server is asked three times.
    type: float
    default: 2
seealso:
  - module: cloudops.hypervisor.time_servers
"""

EXAMPLES = r"""
- name: How far is the clock off?
  cloudops.hypervisor.clock_offset:
    servers: [192.168.0.10]
  register: clock
"""

RETURN = r"""
ahead:
  description: Seconds the node is ahead of the first server that answered. Null if none did.
  returned: success
  type: float
  sample: -0.004
servers:
  description: Each server's answer.
  returned: success
  type: dict
  sample: {192.168.0.10: {server: 192.168.0.10, address: 192.168.0.10, seconds: -0.004, delay: 0.0009, said: ''}}
guests:
  description: How many guests run on the node. Null if that cannot be told.
  returned: success
  type: int
  sample: 12
ntpdate:
  description: Where C(ntpdate) is, without which a clock under ntpd cannot be stepped. Null if it is not on the node.
  returned: success
  type: str
  sample: /usr/sbin/ntpdate
"""

from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import LocalHost
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import guests, sntp


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "servers": {"type": "list", "elements": "str", "required": True},
            "timeout": {"type": "float", "default": 2.0},
        },
        supports_check_mode=True,
    )
    offsets = [sntp.ask(server, module.params["timeout"]) for server in module.params["servers"]]
    module.exit_json(
        changed=False,
        ahead=next((one.seconds for one in offsets if one.seconds is not None), None),
        servers={one.server: asdict(one) for one in offsets},
        guests=guests.running(LocalHost()),
        ntpdate=module.get_bin_path("ntpdate"),
    )


if __name__ == "__main__":
    main()
