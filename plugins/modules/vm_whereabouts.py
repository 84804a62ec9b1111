# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: vm_whereabouts
short_description: Tell where VMs are, and prove them off
description:
  - Is it off everywhere, and does anything have its image open? Answered from two readings of every node of the zone,
    the uxen database and the journal.
  - A VM is somewhere if a domain has its uuid in any state, if anything has one of its images open, or if a toolstack
    process or a node job names it. It is off only if every node has answered twice and nothing that could have hidden
    it is missing. Whatever is left is V(unknown), and what is missing for a proof is named.
  - It decides nothing and changes nothing. Jobs on VMs take its answer as their proof, and refuse without it.
  - Run it with C(run_once) in the play that read the nodes, after readings with C(ignore_unreachable). It connects to
    no host.
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
  diff_mode:
    support: none
options:
  vms:
    description: The VMs, each by its UUID, its name or the MAC address of one of its interfaces.
    type: list
    elements: str
    required: true
  counts:
    description:
      - The name under which the results of M(cloudops.hypervisor.vm_counts_info) were registered.
      - They alone prove that a VM runs twice; without them it is suspected at most.
    type: str
    default: ""
seealso:
  - module: cloudops.hypervisor.vm_counts_info
  - module: cloudops.hypervisor.xen_vm_info
  - module: cloudops.hypervisor.xen_vm
"""

EXAMPLES = r"""
- name: Read all nodes
  cloudops.hypervisor.xen_vm_info:
  register: vm_where_first
  ignore_unreachable: true

- name: Let 3 s go by
  ansible.builtin.wait_for:
    timeout: 3
  delegate_to: localhost
  run_once: true

- name: Read all nodes again
  cloudops.hypervisor.xen_vm_info:
  register: vm_where_second
  ignore_unreachable: true

- name: Is it off everywhere?
  cloudops.hypervisor.vm_whereabouts:
    zone: zone-a
    vms: [21aaac9c-5b99-4229-9f83-0bf6b6dd8077]
  register: whereabouts
  run_once: true
"""

RETURN = r"""
zone:
  description: The zone.
  returned: success
  type: str
  sample: zone-a
"off":
  description: Whether each of the VMs is proven off.
  returned: success
  type: bool
  sample: false
vms:
  description: The VMs that were found out, in the order asked for, each once.
  returned: success
  type: list
  elements: dict
  contains:
    vm:
      description: Its UUID.
      returned: always
      type: str
      sample: 21aaac9c-5b99-4229-9f83-0bf6b6dd8077
    names:
      description: What else it is called, by the C(.cfg), its domains and the database.
      returned: always
      type: list
      elements: str
      sample: [web-1]
    verdict:
      description: V(off), V(somewhere), V(twice_suspected) or V(unknown).
      returned: always
      type: str
      sample: somewhere
    twice:
      description: Whether O(counts) proved that it runs twice.
      returned: always
      type: bool
      sample: false
    off_since:
      description: Since when every reading had it off, in seconds since the epoch; null unless it is off.
      returned: always
      type: float
      sample: 1795220513.2
    places:
      description: Where it is. One that does not count is only named.
      returned: always
      type: list
      elements: dict
      sample: [{node: n1, kind: domain, evidence: "domain 2 web-1 runs, CPU 32515953586 ns", counts: true}]
    silent:
      description: The nodes that did not answer, and might have it.
      returned: always
      type: list
      elements: str
      sample: [n2]
    missing:
      description: The proofs that are missing; C(node) is empty where it is no node's.
      returned: always
      type: list
      elements: dict
      sample: [{node: n1, what: a second reading 3 s later, why: ""}]
    rows:
      description: What the database says of it, with its disks and the columns that the site maps.
      returned: always
      type: list
      elements: dict
      sample: [{node: n1, display: 50, disks: [{uuid: 0a11b5cd-2be5-4e6c-a4b5-2bd8a6b5e6d1, imgtype: raw}]}]
    domains:
      description: Its domains, each as RV(cloudops.hypervisor.xen_vm_info#module:domains) with its node.
      returned: always
      type: list
      elements: dict
      sample: [{node: n1, host: n1, id: 2, name: web-1}]
    configs:
      description:
        - Its C(.cfg) files, each as RV(cloudops.hypervisor.xen_vm_info#module:configs) with the hosts that have it.
      returned: always
      type: list
      elements: dict
      sample: [{path: /data/domu/x/current/x.cfg, hosts: [n1, n2]}]
    images:
      description:
        - Its disks as each node finds them through links, as RV(cloudops.hypervisor.xen_vm_info#module:images).
      returned: always
      type: list
      elements: dict
      sample: [{node: n1, path: /data/domu/x/root.raw, volume: afb05a48-6073-442b-8ed6-7e87aded6e9c, inode: 70185}]
    jobs:
      description: The jobs that the journal has open for it.
      returned: always
      type: list
      elements: dict
      sample: [{name: xen_vm, at: "2026-11-21T09:00:00.000Z", by: kim@controller, evidence: {node: n1}}]
    health:
      description: All this as findings, in the form of RV(cloudops.hypervisor.node_health#module:checks).
      returned: always
      type: dict
      sample: {check: vm_where, status: ok, findings: [], facts: {}}
unresolved:
  description: What means no VM, or more than one, with those that it may mean.
  returned: success
  type: dict
  sample: {web-9: []}
nodes:
  description:
    - Every node that must answer, those that heartbeat, where the sources differ, and who has answered.
    - C(out_of_service) says of silent nodes how a recovery proved them off; they need not answer.
  returned: success
  type: dict
  sample: {names: [n1, n2], beating: [n1, n2], differences: [], answered: [n1, n2], out_of_service: {}}
hosts:
  description: The hosts of the play that answered, by the names of their nodes.
  returned: success
  type: dict
  sample: {n1: n1.example}
boots:
  description: The boot that each node is in.
  returned: success
  type: dict
  sample: {n1: 0d5a1c11-1f6c-4bb0-9d7c-7a7b52a0a8f5}
ahead:
  description: How far each node's clock is ahead of the controller's, in seconds, to within the time of a question.
  returned: success
  type: dict
  sample: {x1: 0.2, x2: -0.1}
read_at:
  description: What no part of the last readings is older than, in seconds since the epoch; null without any.
  returned: success
  type: float
  sample: 1795220516.4
database:
  description: Whether the uxen database was read, and why not.
  returned: success
  type: dict
  sample: {read: true, problem: ""}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import VM_WHEREABOUTS


def main() -> None:
    AnsibleModule(supports_check_mode=True, **VM_WHEREABOUTS).fail_json(
        msg="This works on the controller: call it as cloudops.hypervisor.vm_whereabouts in a task, not directly."
    )


if __name__ == "__main__":
    main()
