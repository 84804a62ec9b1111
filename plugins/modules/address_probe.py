# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: address_probe
short_description: Ask addresses for a sign of life from a host
description:
  - Pings addresses and connects to ports, all at the same time, each with a deadline.
  - A refused connection is an answer, because a kernel gave it. Silence is none. What could not be asked, because there
    is no ping or no route, is neither.
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
  addresses:
    description:
      - What to ask, as V(192.168.0.5) for a ping or V(192.168.0.5:22) for a connection.
      - An IPv6 address with a port stands in brackets.
    type: list
    elements: str
    default: []
  greetings:
    description: The same, for ssh servers that have to greet. A node whose processes hang still accepts connections.
    type: list
    elements: str
    default: []
  timeout:
    description: How long one answer may take, in seconds.
    type: float
    default: 3
"""

EXAMPLES = r"""
- name: Do the VMs of a node answer?
  cloudops.hypervisor.address_probe:
    addresses: [10.0.0.21, "10.0.0.22:443"]
    greetings: ["10.0.0.2:22"]
"""

RETURN = r"""
answers:
  description: Whether each address answers. One that could not be asked is not in it.
  returned: success
  type: dict
  sample: {10.0.0.21: true, "10.0.0.22:443": false}
said:
  description: How that is known, or why it could not be asked, by address.
  returned: success
  type: dict
  sample: {10.0.0.21: "ping -n -c 2 -W 3 10.0.0.21: 2 packets transmitted, 2 received, 0% packet loss, time 1001ms"}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import LocalHost
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import addresses


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "addresses": {"type": "list", "elements": "str", "default": []},
            "greetings": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "float", "default": 3.0},
        },
        supports_check_mode=True,
    )
    names = [*module.params["addresses"], *module.params["greetings"]]
    try:
        places = [(name, addresses.parse_place(name)) for name in names]
    except NotUnderstood as error:
        module.fail_json(msg=str(error))
    replies = addresses.ask_all(LocalHost(), places, module.params["timeout"], module.params["greetings"])
    module.exit_json(
        changed=False,
        answers={name: reply.answers for name, reply in replies.items() if reply.answers is not None},
        said={name: reply.said for name, reply in replies.items()},
    )


if __name__ == "__main__":
    main()
