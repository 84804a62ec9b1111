# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: node_job
short_description: Run a named job on a node, apart from the connection that asked for it
description:
  - Starts a job as a transient systemd unit of the node and follows it. The job goes on when the connection breaks or
    the controller dies, and is found again by its name, by this or by the next controller.
  - A job runs at most once. The same name with the same order is the same job. With another order it is refused.
  - The node stores the newest epoch of its zone that it has heard of, and refuses every job of an older one, whatever
    the controller thinks. A job compares it again, holding the VM's lease, right before it acts.
  - A lost answer is followed by the same question to the same node.
  - The program is sent by the controller. The node needs Python and systemd, and nothing is installed there.
  - What a job wrote lies in C(/var/lib/cloudops-hypervisor/jobs/) until 30 days after it was journalled.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
requirements:
  - Python 3.8 or later and systemd on the node
  - root on the node
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
  name:
    description:
      - The job's name on this node, 1 to 128 of a-z, 0-9, C(.), C(_) and C(-). Name what it is about and the epoch, so
        that a later attempt is another job.
    type: str
    required: true
  state:
    description:
      - V(started) starts the job, or finds it, and with O(wait) follows it to its end. It fails unless the job was
        done.
      - V(stopped) asks it to stop, with SIGTERM, and fails unless its end is proven. A job that has not begun never
        will, even if its order is still on its way.
      - V(journalled) notes on the node that the job, which must have ended, is in the journal. Only such jobs are ever
        forgotten.
    type: str
    default: started
    choices: [started, stopped, journalled]
  kind:
    description:
      - What the job does. Required with O(state=started).
      - V(vm_start) takes the VM's lease, looks once more whether this node has a domain of it, an open image or a tool
        that works on it, creates the domain with C(xl create), and holds the lease until the domain is seen to run.
        That the VM is off on all other nodes is proven before.
      - V(vm_stop) takes the VM's lease, shuts its domain down, and waits until the domain, its images and its tools are
        gone.
      - V(vm_pause) takes the VM's lease and holds its domain, or lets it go on.
      - V(vm_hold) takes the VM's lease and has it until the job is stopped, while somebody else acts on the VM.
      - V(vm_migrate) runs on the source. It takes the VM's lease, sees that nothing of the VM is at the target, and
        moves the domain with C(xl migrate). However that ended, both ends are read, and one copy is kept. The target's,
        if it was ever unpaused. Otherwise the target's is destroyed, proven gone, and the source's resumed. While one
        end is silent neither is touched.
      - V(vm_settle) runs on the source, too, and does only the latter, for what a migration left that broke.
      - V(vm_discard) runs at the target of a migration whose source is proven off. It takes the VM's lease and destroys
        the copy there, unless it was ever unpaused, and proves it gone.
    type: str
    choices: [vm_start, vm_stop, vm_pause, vm_hold, vm_migrate, vm_settle, vm_discard]
  spec:
    description:
      - What exactly. Required with O(state=started).
      - For both kinds, C(uuid) is the VM's, C(volume) the mount point of the storage that holds its images, where its
        lease is kept. C(local=true) says that no other node can open that storage. C(proven_ended) is NODE/JOB of a
        holder that did not give the lease back and is proven to have ended, as a refusal named it.
      - For V(vm_start), C(config) is the VM's xl configuration file.
      - For V(vm_stop), C(grace) is how long the guest may take, in seconds, 120 if it is not given. With C(force=true)
        it is destroyed after that.
      - For V(vm_pause), C(paused) says whether it is to be held, which it is if that is not given.
      - For V(vm_hold), C(seconds) is how long it has the lease at most, 600 if that is not given. With C(off=true) this
        node must have nothing of the VM.
      - For V(vm_migrate) and V(vm_settle), C(target) is the name or address at which root of this node reaches the
        other one by ssh, and C(node) is the other node's own host name. C(local) is not theirs.
      - For V(vm_migrate), C(boot_id) is the other node's boot when it was found fit for the VM.
    type: dict
  zone:
    description: The zone, whose lock has the epoch. Required with O(state=started).
    type: str
  epoch:
    description: The epoch of the zone's lock, as M(cloudops.hypervisor.journal_lock) returned it. Required with
      O(state=started).
    type: int
  timeout:
    description:
      - How long after its beginning a job may still begin something, in seconds. With O(state=stopped), how long its
        end is waited for.
    type: float
    default: 300
  not_after:
    description:
      - When what the job rests on is too old, by the node's clock in seconds since the epoch. It does not begin after
        that, and does not wait longer for a lease. By default it has the whole O(timeout) for both.
      - The same job may be asked for again with a later one, until it has begun.
    type: float
  wait:
    description: Whether to follow the job to its end. Each of its steps is shown as a line.
    type: bool
    default: true
  poll:
    description: How often it is looked at, in seconds.
    type: float
    default: 2
  patience:
    description: How long a node that gives no answer is asked again, in seconds.
    type: float
    default: 60
seealso:
  - module: cloudops.hypervisor.node_job_info
  - module: cloudops.hypervisor.node_epoch
  - module: cloudops.hypervisor.journal_lock
"""

EXAMPLES = r"""
- name: Work on the zone alone
  cloudops.hypervisor.journal_lock:
    name: zone-a
    what: start of a VM
  register: zone_lock
  run_once: true

- name: Start a VM that is proven off
  cloudops.hypervisor.node_job:
    name: "start-21aaac9c-5b99-4229-9f83-0bf6b6dd8077-{{ zone_lock.lock.epoch }}"
    kind: vm_start
    zone: zone-a
    epoch: "{{ zone_lock.lock.epoch }}"
    spec:
      uuid: 21aaac9c-5b99-4229-9f83-0bf6b6dd8077
      config: /data/domu/21aaac9c-5b99-4229-9f83-0bf6b6dd8077/current/21aaac9c-5b99-4229-9f83-0bf6b6dd8077.cfg
      volume: /data

- name: Make sure that a job does nothing any more
  cloudops.hypervisor.node_job:
    name: start-21aaac9c-5b99-4229-9f83-0bf6b6dd8077-7
    state: stopped
    timeout: 60
"""

RETURN = r"""
changed:
  description: Whether this task started, stopped or journalled the job.
  returned: always
  type: bool
  sample: true
refusal:
  description: Why the node refused to start it, as RV(job.refusal).
  returned: when the node refused
  type: dict
  sample: {code: overtaken, said: "overtaken: this node has epoch 8, this is epoch 7", values: {newest: 8, epoch: 7}}
job:
  description: The job as it is now; null where the node gave no answer any more.
  returned: always, unless the node refused
  type: dict
  contains:
    name:
      description: Its name.
      returned: always
      type: str
      sample: start-21aaac9c-5b99-4229-9f83-0bf6b6dd8077-7
    state:
      description:
        - V(never_started), V(running) and V(finished) are what they say. V(lost) began and ended without a result, by a
          kill or a reboot. V(revoked) was stopped before it began.
        - V(unknown) could not be told.
      returned: always
      type: str
      sample: finished
    why:
      description: What a state that is no success came from; empty for one that is.
      returned: always
      type: str
      sample: ''
    kind:
      description: What it does; null where there is no such job.
      returned: always
      type: str
      sample: vm_start
    spec:
      description: What exactly.
      returned: always
      type: dict
      sample: {uuid: 21aaac9c-5b99-4229-9f83-0bf6b6dd8077, config: /data/domu/x.cfg, volume: /data}
    zone:
      description: The zone of its epoch.
      returned: always
      type: str
      sample: zone-a
    epoch:
      description: Its epoch.
      returned: always
      type: int
      sample: 7
    timeout:
      description: How long it may begin something, in seconds.
      returned: always
      type: float
      sample: 300.0
    boot_id:
      description: The boot of the node at which it began; null before that.
      returned: always
      type: str
      sample: 0d5a1c11-1f6c-4bb0-9d7c-7a7b52a0a8f5
    began:
      description: When it began, in seconds since the epoch.
      returned: always
      type: float
      sample: 1795220513.2
    progress:
      description: Its step, when it came to it in seconds since the epoch, the step's own values, and whether something
        may have been changed since then; null before its first step.
      returned: always
      type: dict
      sample: {step: verify, at: 1795220520.1, acted: true, values: {}}
    ended:
      description: When it ended with a result, in seconds since the epoch.
      returned: always
      type: float
      sample: 1795220521.9
    rc:
      description: 0 if it was done, 1 if it was refused or failed, 2 if its program crashed; null without a result.
      returned: always
      type: int
      sample: 0
    acted:
      description: Whether it changed something, or may have.
      returned: always
      type: bool
      sample: true
    result:
      description: What its kind returns. For V(vm_start) the domain's C(domid) and C(name), and whether the C(lease)
        kept out the whole V(cluster) or this V(node) alone. For V(vm_stop) the domain's C(domid) and C(how) it came to
        be off. For V(vm_migrate) and V(vm_settle) which copy was C(kept), V(source) or V(target), its C(domid), and the
        C(steps) that took.
      returned: always
      type: dict
      sample: {domid: 3, name: 21aaac9c-5b99-4229-9f83-0bf6b6dd8077, lease: cluster}
    refusal:
      description: Why it was refused or failed, as a code with its values and as a sentence; null otherwise. By its
        C(phrases) a report says that sentence in its own language.
      returned: always
      type: dict
      sample:
        code: too_old
        said: "what it rests on is 40 s too old: read the nodes again"
        values: {}
        phrases: {"what it rests on is 40 s too old: read the nodes again": {phrase: job_too_old, about: ["40"]}}
    warnings:
      description: What went wrong beside it.
      returned: always
      type: list
      elements: str
      sample: []
    left:
      description: The processes that a lost job left behind.
      returned: always
      type: list
      elements: str
      sample: []
    journalled:
      description: Whether it was noted to be in a journal.
      returned: always
      type: bool
      sample: false
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils.jobs.options import NODE_JOB


def main() -> None:
    AnsibleModule(**NODE_JOB, supports_check_mode=True).fail_json(
        msg="Its program is sent by the controller: call it as cloudops.hypervisor.node_job in a task, not directly."
    )


if __name__ == "__main__":
    main()
