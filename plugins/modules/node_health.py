# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_health
short_description: Examine a hypervisor node in one task
description:
  - Runs any set of checks on a node and returns what each of them found, with evidence, remedy and runbook section.
  - Reports and never fails because the node is sick. Nothing is changed on the node, and nothing is written there.
  - Storage is examined first. What would hang behind an ill map, an ill heartbeat or a dead NFS server is not touched
    and is V(unknown), naming the cause. A check that does not come back in time is V(unknown) too.
  - Where the connection pipelines, the whole examination is one round trip that does not load Ansible's module code on
    the node.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
extends_documentation_fragment:
  - cloudops.hypervisor.reading
options:
  checks:
    description:
      - Which checks to run.
    type: list
    elements: str
    choices:
      - services
      - mounts
      - multipath
      - lvm
      - o2cb
      - bonding
      - openvswitch
      - network
      - time
      - kernel_log
      - boot
    default:
      - services
      - mounts
      - multipath
      - lvm
      - o2cb
      - bonding
      - openvswitch
      - network
      - time
      - kernel_log
      - boot
  policy:
    description:
      - What this site expects of the node, by check.
      - What is not said is discovered. What is configured on the node must be running there, and what is neither
        configured nor required is V(skipped).
    type: dict
    suboptions:
      services:
        description: What must serve on the node.
        type: dict
        suboptions:
          nginx:
            description: 'Nginx must run. Unset: where it is installed.'
            type: bool
          api:
            description: 'The uxen API must run. Unset: where its user exists.'
            type: bool
          api_user:
            description: The account the uxen API must run as.
            type: str
            default: orchard
          api_pattern:
            description: Regular expression that is searched in command lines to find the uxen API.
            type: str
            default: (^|[\s/=:])uxen([\s/.:]|$)
          http_address:
            description: Address of the HTTP request.
            type: str
            default: 127.0.0.1
          http_port:
            description: Port of the HTTP request.
            type: int
            default: 80
          http_path:
            description: Path of the HTTP request; any answer below 500 counts as one.
            type: str
            default: /api
          http_timeout:
            description: How long the HTTP answer may take, in seconds.
            type: float
            default: 5.0
          units:
            description: Other services that must run, by their systemd unit or init script.
            type: list
            elements: str
            default: []
      mounts:
        description: What must be mounted, and how full it may be.
        type: dict
        suboptions:
          mounts:
            description: The mounts and links the site expects.
            type: list
            elements: dict
            default: []
            suboptions:
              path:
                description: The mount point, absolute.
                type: str
                required: true
              source:
                description: 'Device, UUID=…, LABEL=… or server:/export. Unset: as /etc/fstab has it, or any.'
                type: str
                default: ''
              fstype:
                description: 'Type of the file system. Unset: as /etc/fstab has it, or any.'
                type: str
                default: ''
              options:
                description: Options that /proc/self/mountinfo must show; ro says that it is to be read-only.
                type: list
                elements: str
                default: []
              link:
                description: The path is no mount but a symbolic link that leads to this absolute path.
                type: str
                default: ''
          fstab:
            description: Expect every entry of /etc/fstab too that is not noauto.
            type: bool
            default: true
          used_warning:
            description: Space used at which a file system is reported as filling, in percent.
            type: int
            default: 90
          used_critical:
            description: Space used at which it is reported as full, in percent.
            type: int
            default: 95
          inodes_warning:
            description: Inodes used at which a file system is reported as filling, in percent.
            type: int
            default: 90
          inodes_critical:
            description: Inodes used at which it is reported as full, in percent.
            type: int
            default: 95
          server_timeout:
            description: How long an NFS server may take to accept a connection, in seconds.
            type: float
            default: 3.0
      multipath:
        description: What multipath must have. See M(cloudops.hypervisor.multipath_health).
        type: dict
        suboptions:
          required:
            description: The node must have multipath.
            type: bool
            default: false
          paths:
            description: 'Paths every map must have (unset: what the map has, at least 2).'
            type: int
          maps:
            description: WWID to its paths.
            type: dict
            default: {}
      lvm:
        description: What LVM must have.
        type: dict
        suboptions:
          required:
            description: LVM must be on this node.
            type: bool
            default: false
          vgs:
            description: Names of the VGs that must exist.
            type: list
            elements: str
            default: []
          lvs:
            description: 'LVs that must exist and be active, each as VG/LV. Unset: those that /etc/fstab names as
              /dev/VG/LV.'
            type: list
            elements: str
            default: []
      o2cb:
        description: What OCFS2's cluster stack must have. See M(cloudops.hypervisor.o2cb_status).
        type: dict
        suboptions:
          required:
            description: The node must have o2cb.
            type: bool
            default: false
          heartbeat_threshold:
            description: 'Missed intervals of 2 s, plus one, after which a node is dead (unset: any).'
            type: int
          idle_timeout_ms:
            description: 'O2net''s timeouts in milliseconds (unset: any).'
            type: int
          keepalive_delay_ms:
            description: 'O2net''s timeouts in milliseconds (unset: any).'
            type: int
          reconnect_delay_ms:
            description: 'O2net''s timeouts in milliseconds (unset: any).'
            type: int
          max_freeze:
            description: Seconds that writes may wait after a silent cut, idle timeout plus twice the threshold and
              two.
            type: float
            default: 300.0
          max_heartbeat_age:
            description: Seconds since this node's last heartbeat write.
            type: float
            default: 6.0
          regions:
            description: UUIDs of volumes whose heartbeat must be active.
            type: list
            elements: str
            default: []
          out_of_service:
            description: Names of peers that are not expected to heartbeat.
            type: list
            elements: str
            default: []
          announced:
            description: Setting to the value announced for the zone's next start.
            type: dict
            default: {}
          announced_on:
            description: The date of that.
            type: str
            default: ''
      bonding:
        description: What the bonds must have.
        type: dict
        suboptions:
          required:
            description: The node must have a bond.
            type: bool
            default: false
          mode:
            description: Mode of every bond.
            type: str
          speed:
            description: Least speed of every slave, in Mbps.
            type: int
          bonds:
            description: Bonds that must exist, each with what is expected of it; its mode and speed go before the
              others.
            type: list
            elements: dict
            default: []
            suboptions:
              name:
                description: The bond.
                type: str
                required: true
              mode:
                description: Its mode, as the kernel names it.
                type: str
              slaves:
                description: The interfaces that must be in it.
                type: list
                elements: str
                default: []
              active:
                description: The slave that carries the traffic when all is well.
                type: str
              speed:
                description: Least speed of each slave, in Mbps.
                type: int
      openvswitch:
        description: What Open vSwitch must have.
        type: dict
        suboptions:
          required:
            description: The node must have Open vSwitch.
            type: bool
            default: false
          bridges:
            description: Bridges that must exist, each with its ports.
            type: list
            elements: dict
            default: []
            suboptions:
              name:
                description: A bridge that must exist.
                type: str
                required: true
              ports:
                description: The ports that must be in it.
                type: list
                elements: str
                default: []
      network:
        description: What the node must reach.
        type: dict
        suboptions:
          required:
            description: The node must have a default gateway.
            type: bool
            default: false
          gateway:
            description: Address of that gateway.
            type: str
          gateways:
            description: IP addresses of other gateways that must answer, default route or not.
            type: list
            elements: str
            default: []
          addresses:
            description: IP addresses the node must have.
            type: list
            elements: str
            default: []
          peers:
            description: IP addresses that must answer, each over the interface whose network it is in; the node's
              own are left out, so that one list serves a zone. Without any, those of the OCFS2 cluster.
            type: list
            elements: str
            default: []
          mtu:
            description: Interface to its MTU, in bytes.
            type: dict
            default: {}
          max_loss:
            description: Lost packets that are tolerated, in percent.
            type: float
            default: 0.0
      time:
        description: How well the clock must be kept.
        type: dict
        suboptions:
          required:
            description: The node must have a time daemon.
            type: bool
            default: false
          servers:
            description: The only time servers allowed, names or addresses; the daemon must use each of them.
            type: list
            elements: str
            default: []
          max_offset:
            description: Greatest offset to its server, in seconds.
            type: float
            default: 0.5
          max_stratum:
            description: Greatest stratum of the node itself.
            type: int
            default: 15
          max_age:
            description: Greatest age of the last synchronisation, in seconds.
            type: float
            default: 10800.0
          max_difference:
            description: Greatest difference to the other nodes of the run, in seconds.
            type: float
            default: 2.0
      kernel_log:
        description: What of the kernel's log is reported.
        type: dict
        suboptions:
          required:
            description: There must be a kernel log (a container has none).
            type: bool
            default: false
          windows:
            description: Finding code to the hours for which its events are reported, instead of the code's own.
            type: dict
            default: {}
      boot:
        description: What must be up after a boot.
        type: dict
        suboptions:
          required:
            description: The node must have booted by itself (a container has not).
            type: bool
            default: false
          units:
            description: Systemd units (or sysvinit services) that must be active.
            type: list
            elements: str
            default: []
          gate:
            description: The boot gate must be there, whether or not anything starts guests by itself.
            type: bool
            default: false
          shared:
            description: Folders to be taken for shared storage besides those of OCFS2, NFS and the like in mounts
              and fstab.
            type: list
            elements: str
            default: []
          unclean_hours:
            description: For how many hours after it an unclean shutdown is reported.
            type: int
            default: 168
  statuses:
    description:
      - The status of a finding where this site judges otherwise, by the finding's code, V(ok), V(warning) or
        V(critical). C(docs/judgements.md) lists every code.
      - What could not be read stays V(unknown).
    type: dict
    default: {}
  timeout:
    description: When the examination is ended, in seconds. A check that has not finished by then is V(unknown).
    type: float
    default: 60.0
notes:
  - As an unprivileged user, what needs root is V(unknown) and says so.
  - With O(ignore:async) or without pipelining the examination runs as an ordinary module, with the same result.
seealso:
  - module: cloudops.hypervisor.health_report
  - module: cloudops.hypervisor.multipath_health
  - module: cloudops.hypervisor.o2cb_status
"""

EXAMPLES = r"""
- name: Examine the node
  cloudops.hypervisor.node_health:
    policy:
      multipath:
        required: true
        paths: 4
      mounts:
        mounts:
          - path: /data
            fstype: ocfs2
    statuses:
      multipath_paths_failed: critical
  register: node

- name: Go on only on a node that is proven well
  ansible.builtin.assert:
    that: node.verdict == 'fit'

- name: Look at storage alone
  cloudops.hypervisor.node_health:
    checks: [multipath, o2cb, lvm, mounts]
"""

RETURN = r"""
verdict:
  description:
    - V(fit) if nothing is worse than a warning, V(not fit) if anything is critical, V(not proven) otherwise.
  returned: success
  type: str
  sample: fit
checks:
  description: The result of each check by its name, in the form that M(cloudops.hypervisor.multipath_health) documents.
  returned: success
  type: dict
  sample:
    multipath:
      check: multipath
      status: ok
      findings:
        - code: multipath_ok
          status: ok
          subject: multipath
          values: {maps: 2, paths: 4}
          message: all 4 paths of 2 maps are ready
          evidence: [multipathd -kshow maps json]
          remedy: ""
          reference: "uxen 구동 후 스토리지 점검사항: Multipath 확인"
      facts: {installed: true}
took:
  description: How long each check took, in seconds.
  returned: success
  type: dict
  sample: {multipath: 0.031}
node:
  description: Which node and which boot answered.
  returned: success
  type: dict
  contains:
    hostname:
      description: The node's own name.
      type: str
      returned: success
    kernel:
      description: The release of the running kernel.
      type: str
      returned: success
    boot_id:
      description: The kernel's id of this boot; another id means that the node has rebooted.
      type: str
      returned: success
    uptime_seconds:
      description: How long the node has been up.
      type: float
      returned: success
    time:
      description: The node's clock, in seconds since the epoch.
      type: float
      returned: success
    python:
      description: The version of the Python that ran the examination.
      type: str
      returned: success
clock:
  description: The controller's clock when the node was asked and when it had answered, in seconds since the epoch.
  returned: when the node was read in one round trip
  type: dict
  sample: {asked: 1790000000.1, answered: 1790000003.4}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils import examination
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError


def main() -> None:
    module = AnsibleModule(argument_spec=examination.argument_spec(), supports_check_mode=True)
    try:
        module.exit_json(changed=False, **examination.answer(module.params))
    except PolicyError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
