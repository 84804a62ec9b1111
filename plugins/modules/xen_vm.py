# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: xen_vm
short_description: Start, stop, pause or move one VM, from a proof of where it is
description:
  - Brings a VM on this node into a state. What is to be done is decided from O(proof), which is what
    M(cloudops.hypervisor.vm_whereabouts) returned seconds ago. Without a whole and fresh one it refuses, and names what
    is missing.
  - A VM is started only if it is proven off everywhere and nothing was seen of it for O(quiet) seconds, or the site's
    own HA is held off. It is asked to shut down, and destroyed only with O(force). It is moved live.
  - With O(by=xl) each act is a job of the node, M(cloudops.hypervisor.node_job), which holds the VM's lease and looks
    once more. With O(by=api) the API acts, while a node job has the lease.
  - Every act is journalled before and after. An answer that was lost is followed by a look, never by another try. The
    job then stays open in the journal, and the same task on the same host settles it.
  - Where the VM really runs and its port are read again after every act.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
extends_documentation_fragment:
  - cloudops.hypervisor.store
  - cloudops.hypervisor.uxen_api
requirements:
  - Python 3.8 or later and systemd on the node, with O(by=xl)
  - root on the node
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
  platform:
    support: full
    platforms: linux
  action:
    description: Runs on the controller and on the node.
    support: full
options:
  vm:
    description: The VM's UUID.
    type: str
    required: true
  state:
    description:
      - V(running) starts it, or lets a paused domain go on. V(stopped) asks it to shut down. V(paused) holds it.
      - V(migrated) moves it from this node to O(target), live.
    type: str
    choices: [running, stopped, paused, migrated]
    required: true
  proof:
    description: What M(cloudops.hypervisor.vm_whereabouts) returned of this VM.
    type: dict
    required: true
  by:
    description: Who acts. The API is asked for a start, a stop or a move, and nothing else.
    type: str
    choices: [xl, api]
    default: xl
  zone:
    description: The zone, which is the name of its lock too.
    type: str
    required: true
  epoch:
    description: The epoch of the zone's lock, as M(cloudops.hypervisor.journal_lock) returned it.
    type: int
    required: true
  config:
    description: The C(.cfg) that it is started from. By default the only one that this node has of it.
    type: path
  volume:
    description: Where its lease is kept, which is where the storage with its images is mounted, or a folder below.
    type: path
    default: /data
  local:
    description: Whether no other node can open that storage.
    type: bool
    default: false
  proven_ended:
    description: NODE/JOB of a holder that did not give the lease back and is proven to have ended.
    type: str
    default: ''
  max_age:
    description: How old the readings of O(proof) may be, in seconds.
    type: float
    default: 15.0
  quiet:
    description: How long nothing may have been seen of a VM before it is started, in seconds.
    type: float
    default: 60.0
  ha_held_off:
    description:
      - How the site's own HA is kept from starting the VM, in words for the journal. O(quiet) then does not count.
    type: str
    default: ''
  grace:
    description: How long the guest may take to shut down, in seconds.
    type: float
    default: 120.0
  force:
    description: Whether it is destroyed if it takes longer.
    type: bool
    default: false
  target:
    description: The node it is moved to, by the name that it has in O(proof). Required with O(state=migrated).
    type: str
  target_address:
    description: The name or address at which root of this node reaches the target by ssh. By default O(target).
    type: str
  timeout:
    description: How long a job may begin something, in seconds.
    type: float
    default: 300.0
  within:
    description: The jobs of the journal in whose course this is. Any other that is open for the VM is in the way.
    type: list
    elements: str
    default: []
  roots:
    description: The folders below which images and C(.cfg) files lie.
    type: list
    elements: str
    default: [/data/domu]
seealso:
  - module: cloudops.hypervisor.vm_whereabouts
  - module: cloudops.hypervisor.node_job
"""

EXAMPLES = r"""
- name: Start a VM that is proven off
  cloudops.hypervisor.xen_vm:
    vm: 21aaac9c-5b99-4229-9f83-0bf6b6dd8077
    state: running
    proof: "{{ whereabouts }}"
    zone: zone-a
    epoch: "{{ zone_lock.lock.epoch }}"
    ha_held_off: the HA of this zone was switched off at 14:05
  register: started

- name: Shut it down, and destroy it if it does not heed that
  cloudops.hypervisor.xen_vm:
    vm: 21aaac9c-5b99-4229-9f83-0bf6b6dd8077
    state: stopped
    force: true
    proof: "{{ whereabouts }}"
    zone: zone-a
    epoch: "{{ zone_lock.lock.epoch }}"
"""

RETURN = r"""
changed:
  description: Whether something was done, or may have been.
  returned: always
  type: bool
  sample: true
vm:
  description: The VM's UUID.
  returned: success
  type: str
  sample: 21aaac9c-5b99-4229-9f83-0bf6b6dd8077
node:
  description: The node.
  returned: success
  type: str
  sample: n1
by:
  description: Who acted.
  returned: success
  type: str
  sample: xl
act:
  description:
    - What was done, as V(vm_start), V(vm_stop), V(vm_pause), V(vm_unpause) or V(vm_migrate). Null if nothing was.
  returned: success
  type: str
  sample: vm_start
job:
  description: The node's job that did it.
  returned: when the node did it by a job
  type: str
  sample: start-21aaac9c-5b99-4229-9f83-0bf6b6dd8077-7-1795220513
domain:
  description: Its domain on this node with the port where its console really listens; null where it has none.
  returned: success
  type: dict
  sample: {node: n1, id: 3, name: web-1, rests: "", port: 5951}
refusal:
  description:
    - Why it was refused or failed, as a code and a sentence. V(unknown) says that nobody knows whether it was done. By
      its C(phrases) a report says the sentence in its own language.
  returned: failure
  type: dict
  sample: {code: not_off, said: "it is not proven off: n2 did not answer"}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import XEN_VM


def main() -> None:
    AnsibleModule(supports_check_mode=True, **XEN_VM).fail_json(
        msg="Its job is sent by the controller: call it as cloudops.hypervisor.xen_vm in a task, not directly."
    )


if __name__ == "__main__":
    main()
