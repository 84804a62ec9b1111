# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_snapshot
short_description: Keep by date which VM is where, and read it back
description:
  - Puts what every node answered and what the database says into one document of the store, with wanted state, display,
    C(.cfg) and memory of every VM. It serves when the database is what is broken.
  - A VM of which nodes and database say different things goes in as disputed, and one that may be on a silent node as
    unknown. A snapshot is verified when every node and the database answered whole.
  - Run it with C(run_once) in the play that read the nodes. It connects to no host.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
extends_documentation_fragment:
  - cloudops.hypervisor.store
  - cloudops.hypervisor.uxen_database
  - cloudops.hypervisor.vm_zone
attributes:
  check_mode:
    support: full
    details: The snapshot is returned and not kept.
  diff_mode:
    support: none
options:
  state:
    description: V(taken) keeps a new one. V(read) reads one back, and no node.
    type: str
    choices: [taken, read]
    default: taken
  keep:
    description: How many of the zone are kept. Approved ones stay in any case.
    type: int
    default: 90
  date:
    description: With O(state=read), the newest of this UTC date, or before it, as C(2026-11-21).
    type: str
    default: ''
  verified:
    description: With O(state=read), only a verified one.
    type: bool
    default: false
  show:
    description: Whether RV(page) lists all VMs, or those that do not agree.
    type: str
    choices: [all, problems]
    default: all
  language:
    description: The language of RV(page).
    type: str
    choices: [en, ko]
    default: en
seealso:
  - module: cloudops.hypervisor.vm_whereabouts
"""

EXAMPLES = r"""
- name: Which VM was where, when all was well?
  cloudops.hypervisor.fleet_snapshot:
    zone: zone-a
    state: read
    verified: true
  run_once: true
"""

RETURN = r"""
snapshot:
  description:
    - The zone at one time. C(standing) of a VM is V(agreed), V(disputed) with C(why), or V(unknown). C(wanted) is the
      site's own column, null without one.
  returned: success
  type: dict
  sample:
    zone: zone-a
    at: 1795255706.4
    verified: true
    silent: []
    out_of_service: {}
    missing: {}
    database: read
    nodes: {n1: {boot_id: 6cb4279e-70b4-47df-be26-e619be0c8b1f, at: 1795255706.1, memory_kib: {free: 1013760}}}
    vms:
      - vm: 40b5b25e-c356-45fc-a287-7525c6438041
        name: web1
        node: n1
        places: ["n1: domain 2"]
        state: running
        wanted: null
        standing: agreed
        why: []
        display: 51
        row: {node: n1, display: 51}
        config: /data/domu/40b5b25e-c356-45fc-a287-7525c6438041/current/40b5b25e-c356-45fc-a287-7525c6438041.cfg
        configured_display: 50
        memory_mib: 128
        vcpus: 1
        disks: [/data/domu/40b5b25e-c356-45fc-a287-7525c6438041/current/root.raw]
        macs: ["00:16:3e:00:00:02"]
document:
  description: Where it is kept in the store, and since when; null in check mode.
  returned: success
  type: dict
  sample: {id: 17, created: "2026-11-21T03:00:07Z"}
page:
  description: The snapshot in lines, to be read.
  returned: success
  type: list
  elements: str
  sample: ["zone-a at 2026-11-21 03:00:07, verified"]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import FLEET_SNAPSHOT


def main() -> None:
    AnsibleModule(**FLEET_SNAPSHOT, supports_check_mode=True).fail_json(
        msg="This works on the controller: call it as cloudops.hypervisor.fleet_snapshot in a task, not directly."
    )


if __name__ == "__main__":
    main()
