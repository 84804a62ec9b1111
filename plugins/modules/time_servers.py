# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: time_servers
short_description: Set the only time servers of a node's time daemon
description:
  - Writes the servers into the configuration of ntpd, chronyd or systemd-timesyncd and takes all others out of it and
    of the files it includes. A reference clock counts as one. Comments and all other lines stay as they are.
  - The line of a server that stays keeps its options.
  - The daemon is neither restarted nor told.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
attributes:
  check_mode:
    description: Can run in check mode and says what it would do, without any side effect.
    support: full
  diff_mode:
    description: Returns what it changed, in diff mode.
    support: full
  platform:
    description: Where its work is done.
    support: full
    platforms: linux
options:
  servers:
    description: Names or addresses of the servers.
    type: list
    elements: str
    required: true
  daemon:
    description: The node's time daemon.
    type: str
    required: true
    choices: [chronyd, ntpd, timesyncd]
seealso:
  - module: cloudops.hypervisor.clock_offset
"""

EXAMPLES = r"""
- name: Follow the one time server
  cloudops.hypervisor.time_servers:
    servers: [192.168.0.10]
    daemon: ntpd
"""

RETURN = r"""
files:
  description: The files that were changed.
  returned: success
  type: list
  elements: str
  sample: [/etc/ntp.conf]
service:
  description: What the daemon's service is called on this node.
  returned: success
  type: str
  sample: ntp
"""

import os
from typing import Dict, Tuple

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import LocalHost
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.time_servers import (
    EDITS,
    INCLUDED,
    MAIN_FILES,
    SERVICES,
)

UNITS = ("/etc/systemd/system/%s.service", "/lib/systemd/system/%s.service", "/usr/lib/systemd/system/%s.service")


def edited(module: AnsibleModule, host: LocalHost) -> Dict[str, Tuple[str, str]]:
    """Path to its text as it is and as it should be."""
    daemon, servers = module.params["daemon"], module.params["servers"]
    main = next((path for path in MAIN_FILES[daemon] if host.glob(path)), "")
    if not main:
        module.fail_json(msg="%s has none of its files on this node: %s" % (daemon, ", ".join(MAIN_FILES[daemon])))
    included = [path for pattern in INCLUDED[daemon] for path in host.glob(pattern)]
    texts = {}
    for path in [main, *included]:
        answer = host.read(path)
        if not answer.ok:
            module.fail_json(msg="%s: %s" % (path, answer.stderr))
        texts[path] = (answer.stdout, EDITS[daemon](answer.stdout, servers if path == main else ()))
    return {path: pair for path, pair in texts.items() if pair[0] != pair[1]}


def write(module: AnsibleModule, path: str, text: str) -> None:
    scratch = os.path.join(module.tmpdir, "time-servers")
    with open(scratch, "w", encoding="utf-8") as stream:
        stream.write(text)
    module.atomic_move(scratch, path)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "servers": {"type": "list", "elements": "str", "required": True},
            "daemon": {"type": "str", "required": True, "choices": ["chronyd", "ntpd", "timesyncd"]},
        },
        supports_check_mode=True,
    )
    if not module.params["servers"]:
        module.fail_json(msg="servers: at least one is wanted, or the node is left without time")
    host = LocalHost()
    names = SERVICES[module.params["daemon"]]
    known = [name for name in names if any(host.glob(unit % name) for unit in (*UNITS, "/etc/init.d/%s"))]
    changes = edited(module, host)
    if not module.check_mode:
        for path, (_before, after) in changes.items():
            write(module, path, after)
    module.exit_json(
        changed=bool(changes),
        files=list(changes),
        service=(known or list(names))[0],
        diff=[
            {"before_header": path, "after_header": path, "before": before, "after": after}
            for path, (before, after) in changes.items()
        ],
    )


if __name__ == "__main__":
    main()
