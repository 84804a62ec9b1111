# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: xen_vm_info
short_description: Read what a Xen node has of every VM in one task
description:
  - Reads the domains with their devices and where their consoles really are, every C(.cfg) and saved state below the
    image roots, who has an image open, and which processes are about to have a VM.
  - Nothing is changed on the node, and a C(.cfg) is data that is never executed.
  - A reading that could not be taken is listed in RV(missing). An empty list proves nothing while one that it needs is
    missing.
  - While multipath or o2cb is ill, or OCFS2 recovers a dead node, the images are not touched; RV(missing) names the
    cause.
  - Where the connection pipelines, the whole reading is one round trip that does not load Ansible's module code on the
    node.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
extends_documentation_fragment:
  - cloudops.hypervisor.reading
requirements:
  - The node's own Python bindings of Xen, C(xen.lowlevel.xc), which Xen's tools bring
options:
  roots:
    description:
      - The folders below which images and C(.cfg) files lie, on this node. They are walked five levels deep.
      - Links are followed; they may lead from one root into another.
    type: list
    elements: str
    default:
      - /data/domu
  timeout:
    description: How long the whole reading may take, in seconds.
    type: float
    default: 30.0
  lease_of:
    description:
      - The VM whose lease is read in the same trip, by its UUID, or by the name or MAC address that its domain or
        C(.cfg) has on this node.
    type: str
    default: ""
  lease_volume:
    description: Where leases are kept, as O(cloudops.hypervisor.vm_lease_info#module:volume).
    type: path
    default: /data
  lease_local:
    description: No other node can open that storage, as O(cloudops.hypervisor.vm_lease_info#module:local).
    type: bool
    default: false
notes:
  - Root reads everything. Whoever may not see other users' processes finds that in RV(missing).
  - CPU time, to tell whether a VM runs twice, comes from libxc; C(xl list) rounds it to tenths of a second.
  - The database and a C(.cfg) hold a VNC display (50), xenstore, QMP and sockets hold a TCP port (5950).
seealso:
  - module: cloudops.hypervisor.node_health
"""

EXAMPLES = r"""
- name: Read every VM of the node
  cloudops.hypervisor.xen_vm_info:
    roots:
      - /data/domu
      - /local/domu
  register: vms

- name: Show which consoles are not where they were configured
  ansible.builtin.debug:
    msg: "{{ item.name }} listens on {{ item.vnc.listening }}, not on {{ item.vnc.configured + 5900 }}"
  loop: "{{ vms.domains }}"
  loop_control:
    label: "{{ item.uuid }}"
  when:
    - item.vnc.listening is not none and item.vnc.configured is not none
    - item.vnc.listening != item.vnc.configured + 5900
"""

RETURN = r"""
node:
  description: Which node and boot answered, and when.
  returned: success
  type: dict
  contains:
    hostname:
      description: The kernel's host name.
      type: str
      returned: success
      sample: n1
    boot_id:
      description: The kernel's id of this boot.
      type: str
      returned: success
      sample: 6cb4279e-70b4-47df-be26-e619be0c8b1f
    began:
      description: When the reading began, by the node's clock, in seconds since the epoch.
      type: float
      returned: success
      sample: 1795255706.1
    at:
      description: When the domains were counted, by the same clock.
      type: float
      returned: success
      sample: 1795255706.4
    ended:
      description: When the reading ended, by the same clock.
      type: float
      returned: success
      sample: 1795255706.9
    recovering:
      description: Whether OCFS2 takes over what a dead node held; null where that cannot be told.
      type: bool
      returned: success
      sample: false
    cluster:
      description:
        - The names in its OCFS2 cluster. C(nodes) are those of C(cluster.conf) and of the running cluster, C(heartbeat)
          those that this node sees beating, itself included. One that could not be read is null; so is all of it on a
          node without a cluster.
      type: dict
      returned: success
      sample: {nodes: [n1, n2], heartbeat: [n1, n2]}
    xen_version:
      description: Version of the hypervisor, null where libxc gave none.
      type: str
      returned: success
      sample: 4.17.5
    memory_kib:
      description: Memory of the machine, what is free, and what dom0 has and may have, in KiB; null where not known.
      type: dict
      returned: success
      sample: {total: 3144704, free: 1013760, dom0: 1572864, dom0_maximum: 1572864}
domains:
  description:
    - The domains besides dom0, whatever their state. Null where libxc did not answer, because nothing else knows them
      all.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Xen's number of the domain.
      type: int
      returned: success
      sample: 2
    uuid:
      description: The VM's UUID. Two domains may have the same.
      type: str
      returned: success
      sample: 40b5b25e-c356-45fc-a287-7525c6438041
    name:
      description: Its name as xenstore has it, V((null\)) where it has none.
      type: str
      returned: success
      sample: 40b5b25e-c356-45fc-a287-7525c6438041--incoming
    state:
      description: The hypervisor's flags. C(shutdown_reason) is null unless it is shut down.
      type: dict
      returned: success
      sample:
        running: false
        blocked: true
        paused: false
        shutdown: false
        shutdown_reason: null
        crashed: false
        dying: false
    cpu_ns:
      description: CPU time of all its vCPUs since it was created, in nanoseconds.
      type: int
      returned: success
      sample: 32515953586
    memory_kib:
      description: Memory it has, in KiB.
      type: int
      returned: success
      sample: 131072
    maximum_kib:
      description: Memory it may have, in KiB.
      type: int
      returned: success
      sample: 132096
    vcpus:
      description: Number of its vCPUs that are online.
      type: int
      returned: success
      sample: 1
    incoming:
      description: It is the target of a migration, by its name.
      type: bool
      returned: success
      sample: false
    migrated_away:
      description: It is the source of a migration, by its name.
      type: bool
      returned: success
      sample: false
    config:
      description: The one C(.cfg) below the roots with its UUID; null where there is none, or more than one.
      type: str
      returned: success
      sample: /data/domu/40b5b25e-c356-45fc-a287-7525c6438041/current/40b5b25e-c356-45fc-a287-7525c6438041.cfg
    disks:
      description: Its disks, with the loop device that a raw image is behind.
      type: list
      elements: dict
      returned: success
      sample:
        - vdev: xvda
          path: /data/domu/40b5b25e-c356-45fc-a287-7525c6438041/current/root.raw
          format: raw
          backend: phy
          loop: /dev/loop0
          writable: true
    nics:
      description: Its interfaces, with their name in dom0 and the packets that the guest sent and received.
      type: list
      elements: dict
      returned: success
      sample:
        - {mac: "00:16:3e:00:00:02", bridge: xenbr0, device: vif2.0, sent: 112, received: 390}
    vnc:
      description:
        - Its console as each source has it. C(xenstore), C(qmp) and C(listening) are TCP ports; C(command_line), what
          QEMU was asked for, and C(configured), what the C(.cfg) says, are displays. Null where a source has none.
      type: dict
      returned: success
      sample: {xenstore: 5951, qmp: 5951, listening: 5951, command_line: 50, configured: 50}
configs:
  description: Every C(.cfg) below the roots, whether its VM runs or not.
  returned: success
  type: list
  elements: dict
  sample:
    - path: /data/domu/40b5b25e-c356-45fc-a287-7525c6438041/current/40b5b25e-c356-45fc-a287-7525c6438041.cfg
      uuid: 40b5b25e-c356-45fc-a287-7525c6438041
      name: web1
      display: 50
      memory_mib: 128
      vcpus: 1
      kernel: /boot/vmlinux-guest
      ramdisk: null
      disks: [/data/domu/40b5b25e-c356-45fc-a287-7525c6438041/current/root.raw]
      nics:
        - {mac: "00:16:3e:00:00:02", bridge: xenbr0, script: null}
images:
  description:
    - Every disk that a domain or a C(.cfg) names, found through links. C(volume) is the file system's UUID or the NFS
      export where nodes share it, else the device. C(inode) is null where no such file is on this node.
  returned: success
  type: list
  elements: dict
  sample:
    - path: /data/domu/40b5b25e-c356-45fc-a287-7525c6438041/current/root.raw
      volume: afb05a48-6073-442b-8ed6-7e87aded6e9c
      inode: 70185
listeners:
  description: Who listens on a TCP port from 5900 to 6899; C(pid) and C(command) are null where they are not shown.
  returned: success
  type: list
  elements: dict
  sample:
    - {address: 0.0.0.0, port: 5951, pid: 587, command: xen-qemu-system}
openers:
  description:
    - Who has an image open. C(by) is V(process), V(loop), V(nbd), or V(dm) for a device on top of one of these;
      C(writes) says whether it may write, and C(backing) that it only reads a file that is no VM's own disk.
    - The path is what the kernel last called the file; after a rename or through a link only volume and inode tell.
  returned: success
  type: list
  elements: dict
  sample:
    - path: /data/domu/40b5b25e-c356-45fc-a287-7525c6438041/current/root.raw
      volume: afb05a48-6073-442b-8ed6-7e87aded6e9c
      inode: 70185
      by: loop
      name: loop0
      pid: null
      writes: true
      backing: false
toolstack:
  description:
    - Processes that work on a VM. C(names) are the UUIDs, names and paths that tell which; without any it may be every
      VM.
  returned: success
  type: list
  elements: dict
  sample:
    - pid: 1038
      command: /usr/lib/xen-4.17/bin/xl migrate-receive
      names: [40b5b25e-c356-45fc-a287-7525c6438041]
saved:
  description: Saved states below the roots and where xendomains keeps them; C(uuid) is null where their head has none.
  returned: success
  type: list
  elements: dict
  sample:
    - path: /var/lib/xen/save/web1
      uuid: 40b5b25e-c356-45fc-a287-7525c6438041
lease:
  description:
    - The lease of O(lease_of), as M(cloudops.hypervisor.vm_lease_info) returns it, with the UUID of its VM as C(vm).
    - Null where none was asked for, and where this node knows nobody, or more than one VM, by that name.
  returned: success
  type: dict
  sample:
    vm: 40b5b25e-c356-45fc-a287-7525c6438041
    path: /data/.cloudops-leases/40b5b25e-c356-45fc-a287-7525c6438041
    scope: cluster
    record: null
    locked: false
    problem: ""
missing:
  description: The readings that could not be taken, each with the problem and the tool's own words.
  returned: success
  type: list
  elements: dict
  sample:
    - reading: unix /run/xen/qmp-libxenstat-2
      problem: timeout
      detail: gave no answer within 2 s
clock:
  description: The controller's clock when the node was asked and when it had answered, in seconds since the epoch.
  returned: when the whole reading was one round trip
  type: dict
  sample: {asked: 1795255706.1, answered: 1795255707.0}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils import vm_reading
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError


def main() -> None:
    module = AnsibleModule(argument_spec=vm_reading.argument_spec(), supports_check_mode=True)
    try:
        module.exit_json(changed=False, **vm_reading.answer(module.params))
    except PolicyError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
