# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: vncport_sync
short_description: Compare the VNC port of every VM with the uxen database, and correct the database
description:
  - Puts together what M(cloudops.hypervisor.xen_vm_info) read on every node of a zone (xenstore, QMP, the listening
    socket, the command line and the C(.cfg)) and the rows of the uxen database, and says of every VM how it stands.
  - A port is proven where the listening socket and xenstore or QMP agree. The command line proves nothing. After a
    collision it goes on naming the display it was asked for.
  - With O(state=synced) it corrects C(vnc_port) of VMs that run in one place, proven, on the node the database says.
    Rows that must change together, such as a swapped pair, are written in one short transaction, with the old value
    in each C(WHERE), or not at all. Whatever is ambiguous, and a number another row keeps, is refused VM by VM.
  - Never changed are the node of a VM and anything on a node. A C(.cfg) is planned with O(config=corrected) and
    written by M(cloudops.hypervisor.vm_config_display).
  - If the answer to the commit is lost, the server is asked what became of it. What cannot be learnt fails the task
    and stays open in the journal; the next run settles it.
  - Run it with C(run_once) in the play that read the nodes, after a reading with C(ignore_unreachable). It connects to
    no host. C(--limit) does not shrink the zone. A node that was left out is silent.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
extends_documentation_fragment:
  - cloudops.hypervisor.store
  - cloudops.hypervisor.uxen_database
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
options:
  state:
    description:
      - V(reported) only reads.
      - V(synced) corrects the database. It takes the zone's advisory lock in the database, and is refused while
        another controller has it, or if a reading is older than O(max_age).
      - A database that is not the one last corrected (a promoted replica, another server, older contents) is only read
        until every node of the zone has answered in one run with V(synced). The run after that corrects it.
    type: str
    choices: [reported, synced]
    default: reported
  zone:
    description: The name of the cluster zone, for the lock, the journal, and the choice of nodes.
    type: str
    required: true
  nodes:
    description:
      - The nodes of the zone, as the database names them.
      - By default those whose O(columns.node.zone) is O(zone), and where that is not mapped, all that the database has.
      - The hosts of the play belong to it in any case.
    type: list
    elements: str
  readings:
    description: The variable in which M(cloudops.hypervisor.xen_vm_info) was registered for each host.
    type: str
    default: xen_vm_info_result
  max_age:
    description: How old a reading may be that a correction rests on, in seconds.
    type: float
    default: 15
  config:
    description:
      - V(corrected) returns as RV(configs) which C(.cfg) is to be given the database's display. Only those of VMs that
        are off, every node having answered whole.
    type: str
    choices: [untouched, corrected]
    default: untouched
  statuses:
    description: Other statuses than the collection's, by finding code.
    type: dict
    default: {}
  lock:
    description: The lock of the store that this run holds. Nothing is written once it is lost.
    type: str
  epoch:
    description: Its epoch, as M(cloudops.hypervisor.journal_lock) returned it. Required together with O(lock).
    type: int
seealso:
  - module: cloudops.hypervisor.xen_vm_info
  - module: cloudops.hypervisor.vm_config_display
  - module: cloudops.hypervisor.health_report
"""

EXAMPLES = r"""
- name: Compare, and correct the database
  hosts: zone_a
  gather_facts: false
  module_defaults:
    group/cloudops.hypervisor.uxen_database:
      login_host: db.example
      login_user: cloudops
      login_password: "{{ vault_uxen_password }}"
      ssl_mode: verify-full
      ca_cert: /etc/ssl/certs/site.pem
  tasks:
    - name: Read every node
      cloudops.hypervisor.xen_vm_info:
      register: xen_vm_info_result
      ignore_unreachable: true

    - name: Correct the database
      cloudops.hypervisor.vncport_sync:
        zone: zone-a
        state: synced
      register: sync
      run_once: true
      diff: true

    - name: Name what was refused
      ansible.builtin.debug:
        var: sync.refused
      run_once: true
"""

RETURN = r"""
changes:
  description: The rows that were corrected, or with O(state=reported) and in check mode would be.
  returned: success
  type: list
  elements: dict
  contains:
    vm:
      description: The VM's UUID.
      type: str
      returned: success
      sample: 40b5b25e-c356-45fc-a287-7525c6438041
    node:
      description: Its node, as the database names it.
      type: str
      returned: success
      sample: node07
    before:
      description: The display the row had, null if it had none.
      type: int
      returned: success
      sample: 50
    after:
      description: The display it has now.
      type: int
      returned: success
      sample: 51
refused:
  description: Rows that differ from what the nodes tell and were left alone, each with its finding's code.
  returned: success
  type: list
  elements: dict
  sample: [{"vm": "21aaac9c-5b99-4229-9f83-0bf6b6dd8077", "node": "node07", "why": "vnc_truths_disagree"}]
configs:
  description: Which C(.cfg) is to be given the database's display. Empty with O(config=untouched).
  returned: success
  type: list
  elements: dict
  contains:
    vm:
      description: The VM's UUID.
      type: str
      returned: success
      sample: 40b5b25e-c356-45fc-a287-7525c6438041
    host:
      description: The host that reads the file.
      type: str
      returned: success
      sample: node07
    path:
      description: The file.
      type: str
      returned: success
      sample: /data/domu/40b5b25e-c356-45fc-a287-7525c6438041/current/40b5b25e-c356-45fc-a287-7525c6438041.cfg
    before:
      description: The display in it.
      type: int
      returned: success
      sample: 50
    after:
      description: The display it should have.
      type: int
      returned: success
      sample: 51
silent:
  description: Nodes of the zone that gave no reading of their VMs.
  returned: success
  type: list
  elements: str
  sample: []
database:
  description: Which database was read, and why it may not be corrected; its C(doubts) are empty if it may.
  returned: success
  type: dict
  sample:
    place: cloudops@db.example:5432/uxenapi_production
    system_identifier: '7436216437212345678'
    timeline: 1
    doubts: []
nodes:
  description:
    - By host of the play (and by the database's name for a node that is none) what
      M(cloudops.hypervisor.health_report) takes, with the check C(vnc) in the form of the health contract.
    - Its C(facts.vms) has every VM with its standing, its row and its proven port.
  returned: success
  type: dict
  sample:
    node07:
      verdict: fit
      checks:
        vnc:
          check: vnc
          status: warning
          facts:
            vms:
              - vm: 40b5b25e-c356-45fc-a287-7525c6438041
                name: null
                standing: vnc_database_differs
                database_node: node07
                database_display: 50
                display: 51
                port: 5951
          findings:
            - code: vnc_database_differs
              status: warning
              subject: 40b5b25e-c356-45fc-a287-7525c6438041
              message: the database says display 50, it really has 51 (port 5951)
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import VNCPORT_SYNC


def main() -> None:
    AnsibleModule(**VNCPORT_SYNC, supports_check_mode=True).fail_json(
        msg="This works on the controller: call it as cloudops.hypervisor.vncport_sync in a task, not directly."
    )


if __name__ == "__main__":
    main()
