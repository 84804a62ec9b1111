# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moving a running VM to another node, and ending with one copy whatever became of it: rules 29, 34 of docs/rules.md.

The job runs on the source. However xl ended, both ends are read, and the pure decision says which copy is kept; each
of its steps is followed by another reading. While one end is silent neither is touched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Host, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.migration_outcome import (
    Copy,
    End,
    Outcome,
    Step,
    Verdict,
    outcome,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.host_names import is_address, is_name
from ansible_collections.cloudops.hypervisor.plugins.module_utils.jobs.ends import SSH, Ends, Here, Seen, words
from ansible_collections.cloudops.hypervisor.plugins.module_utils.jobs.tools import Tools, require_vm
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.process_table import DEAD, read_processes
from ansible_collections.cloudops.hypervisor.plugins.module_utils.refusal import Refusal
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import xen_resume
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.lease import Lease
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import VmUuid

LOOKED_EVERY = 2.0
# of the job's time: what is kept back to end with one copy
SETTLES_WITHIN = 180.0
MIGRATES_AT_LEAST = 60.0
# a receiver that has its permission unpauses its copy at once
RECEIVER_UNPAUSES_WITHIN = 10.0
XL_ANSWERS_WITHIN = 60.0


@dataclass(frozen=True)
class VmMigrate:
    """Move a running domain, live.

    ``uuid``: the VM's.
    ``volume``: where its lease is kept, on storage that both nodes share.
    ``target``: the name or address at which this node reaches the other one as root by ssh.
    ``node``: the other node's own host name; ``boot_id``: its boot when it was found fit for the VM.
    ``proven_ended``: NODE/JOB that did not give the lease back, and is proven to have ended.
    """

    uuid: str
    volume: str
    target: str
    node: str
    boot_id: str
    proven_ended: str = ""

    def __post_init__(self) -> None:
        _require_meant(self.uuid, self.volume, self.target, self.node)
        if not re.match(r"^[0-9a-f-]{36}\Z", self.boot_id):
            raise PolicyError("boot_id", "the id of a boot is wanted, not %r" % self.boot_id)


@dataclass(frozen=True)
class VmSettle:
    """End with one copy what a migration left that broke; run on its source. The rest is as for :class:`VmMigrate`."""

    uuid: str
    volume: str
    target: str
    node: str
    proven_ended: str = ""

    def __post_init__(self) -> None:
        _require_meant(self.uuid, self.volume, self.target, self.node)


@dataclass(frozen=True)
class VmDiscard:
    """Destroy the copy that a migration left, if it was never unpaused; run at the target, once the source is off.

    ``uuid``: the VM's.
    ``volume``: where its lease is kept.
    ``proven_ended``: NODE/JOB that did not give the lease back, and is proven to have ended.
    """

    uuid: str
    volume: str
    proven_ended: str = ""

    def __post_init__(self) -> None:
        require_vm(self.uuid, volume=self.volume)


def _require_meant(uuid: str, volume: str, target: str, node: str) -> None:
    require_vm(uuid, volume=volume)
    if not (is_name(target) or is_address(target)):
        raise PolicyError("target", "a host's name or address is wanted, not %r" % target)
    if not is_name(node):
        raise PolicyError("node", "a host's name is wanted, not %r" % node)


def vm_migrate(spec: VmMigrate, tools: Tools) -> Dict[str, Any]:
    uuid = VmUuid(spec.uuid)
    with tools.lease(spec.volume, uuid, False, spec.proven_ended) as lease:
        tools.progress("look")
        ends = Ends(tools.host, uuid, spec.target, spec.node)
        domid, name = _ready(tools.host, ends, spec.boot_id)
        within = tools.left - SETTLES_WITHIN
        if within < MIGRATES_AT_LEAST:
            least = MIGRATES_AT_LEAST + SETTLES_WITHIN
            raise Refusal("too_short", Phrase("job_too_short", "%.3g" % least), seconds=least)
        tools.act("migrate", lease, domid=domid, target=spec.target)
        said = _xl_migrate(tools, domid, spec.target, within)
        return _told(_settle(tools, lease, ends, name), said)


def vm_settle(spec: VmSettle, tools: Tools) -> Dict[str, Any]:
    uuid = VmUuid(spec.uuid)
    with tools.lease(spec.volume, uuid, False, spec.proven_ended) as lease:
        tools.progress("look")
        ends = Ends(tools.host, uuid, spec.target, spec.node)
        seen = ends.source()
        mine = seen.of(uuid) if seen else ()
        name = xen_resume.own_name(_name(tools.host, mine[0].id)) if mine else ""
        return _settle(tools, lease, ends, name).as_dict()


def vm_discard(spec: VmDiscard, tools: Tools) -> Dict[str, Any]:
    uuid = VmUuid(spec.uuid)
    with tools.lease(spec.volume, uuid, False, spec.proven_ended) as lease:
        ends = Here(tools.host, uuid)
        steps = _Steps(tools, lease, ends, "")
        until = tools.host.now() + SETTLES_WITHIN
        while True:
            tools.progress("discard", done=list(steps.done))
            seen = ends.far()
            copy = None if seen is None else seen.end(uuid).copy
            if seen is not None and copy is None:
                return {"steps": list(steps.done)}
            if seen is not None and copy is not None and not copy.dying:
                if copy.ever_unpaused:
                    said = Phrase("job_was_unpaused", _shown(copy))
                    raise Refusal("unpaused", said, steps=list(steps.done))
                steps.take(Step.DESTROY_TARGET, seen, seen)
            if tools.host.now() > until:
                said = Phrase("joined", _with(Phrase("job_copy_stays", "%.3g" % SETTLES_WITHIN), ends))
                raise Refusal("still_on", said, steps=list(steps.done))
            tools.host.wait(LOOKED_EVERY)


def _ready(host: Host, ends: Ends, boot_id: str) -> Tuple[int, str]:
    """The one running domain's number and name; refused unless nothing of the VM is at the target."""
    source, target = ends.source(), ends.far()
    if source is None or target is None:
        said = Phrase("job_target_unseen", ends.said) if source else Phrase("job_source_unseen", ends.said)
        raise Refusal("end_unseen", said)
    if target.boot_id != boot_id:
        raise Refusal("other_boot", Phrase("job_other_boot", target.hostname))
    if target.end(ends.uuid).copy:
        ids = [one.id for one in target.of(ends.uuid)]
        said = Phrase("job_target_has_domain", target.hostname, ids)
        raise Refusal("target_has_domain", said, domids=ids, node=target.hostname)
    copy = source.end(ends.uuid).copy
    if copy is None:
        raise Refusal("no_domain", Phrase("job_no_domain"))
    if copy.paused or copy.shutdown_reason or copy.dying:
        raise Refusal("not_running", Phrase("job_not_moved", _shown(copy)))
    domid = source.of(ends.uuid)[0].id
    return domid, _name(host, domid)


def _name(host: Host, domid: int) -> str:
    said = host.run(["xenstore-read", "/local/domain/%d/name" % domid], timeout=XL_ANSWERS_WITHIN)
    if not said.ok or said.rc or not said.stdout.strip():
        raise Refusal("no_name", Phrase("job_no_name", domid, words(said)), domid=domid)
    return said.stdout.strip()


def _xl_migrate(tools: Tools, domid: int, target: str, within: float) -> Answer:
    host = tools.host
    # what xl calls must wait neither for a person, nor for a target that died before or behind its greeting
    said = host.run(["xl", "migrate", "-s", " ".join(SSH), str(domid), target], timeout=within)
    while said.problem is Problem.STUCK and _own_xl(host):
        # until it has died nobody else may have the lease, and nothing is known to stay as it is read
        tools.progress("migrate_stuck", said=said.stderr)
        host.wait(LOOKED_EVERY)
    return said


def _own_xl(host: Host) -> bool:
    """Whether an xl that this very process started has not ended."""
    own = int(host.link("/proc/self") or 0)
    processes = read_processes(host).values()
    return any(one.parent == own and one.name == "xl" and one.state not in DEAD for one in processes)


@dataclass(frozen=True)
class Settled:
    """``kept``: source or target; ``steps``: what had to be done for it."""

    kept: str
    domid: Optional[int]
    steps: Tuple[str, ...] = ()

    def as_dict(self) -> Dict[str, Any]:
        return {"kept": self.kept, "domid": self.domid, "steps": list(self.steps)}


def _told(settled: Settled, said: Answer) -> Dict[str, Any]:
    if settled.kept == "target":
        return settled.as_dict()
    text = Phrase("job_stayed", words(said))
    raise Refusal("stayed", text, rc=said.rc, **settled.as_dict())


class _Steps:
    """What the decision asks for, each done at most as often as it is still asked for."""

    def __init__(self, tools: Tools, lease: Lease, ends: Ends, name: str) -> None:
        self._tools = tools
        self._lease = lease
        self._ends = ends
        self._name = name
        self._waits_until = tools.host.now() + RECEIVER_UNPAUSES_WITHIN
        self.done: List[str] = []

    def take(self, step: Step, source: Seen, target: Seen) -> None:
        if step is Step.DESTROY_TARGET:
            if target.receivers:
                self._end_receivers(target)
                return
            (domid,) = (one.id for one in target.of(self._ends.uuid))
            self._act(step, domid=domid, node=target.hostname)
            self._ends.discard(domid)
        elif step is Step.RESUME_SOURCE:
            (domid,) = (one.id for one in source.of(self._ends.uuid))
            self._act(step, domid=domid)
            xen_resume.resume(self._tools.host, domid, self._ends.uuid, self._name)
        elif step is Step.DESTROY_SOURCE:
            (domid,) = (one.id for one in source.of(self._ends.uuid))
            self._act(step, domid=domid)
            self._tools.host.run(["xl", "destroy", str(domid)], timeout=XL_ANSWERS_WITHIN)

    def _end_receivers(self, target: Seen) -> None:
        """A receiver may hold the permission already: until it has ended, its copy may come to run at any time."""
        others = [one for one in target.domains if one.id and one.state.paused and one.uuid != self._ends.uuid]
        if self._tools.host.now() < self._waits_until:
            return
        if others:
            said = Phrase("job_receivers", target.hostname)
            raise Refusal("receivers", said, pids=list(target.receivers))
        self._act("end the receiver", pids=list(target.receivers), node=target.hostname)
        self._ends.end_receivers(target.receivers)

    def _act(self, step: str, **values: Any) -> None:
        """Not stopped half way, and not by the job's time: nobody may be left without its VM."""
        said = step.value if isinstance(step, Step) else step
        self._tools.acted = True
        self._tools.progress(said.replace(" ", "_"), **values)
        self._lease.confirm()
        if said not in self.done:
            self.done.append(said)


def _settle(tools: Tools, lease: Lease, ends: Ends, name: str) -> Settled:
    """Read, do the next step, read again: until one copy is left, or nothing may be done."""
    steps = _Steps(tools, lease, ends, name)
    until = tools.host.now() + SETTLES_WITHIN
    while True:
        tools.progress("settle", done=list(steps.done))
        source, target = ends.source(), ends.far()
        found = outcome(_end(source, ends.uuid), _end(target, ends.uuid))
        if found.verdict is Verdict.TWICE:
            raise Refusal("twice", Phrase("job_twice"), steps=list(steps.done))
        if found.verdict is Verdict.NOWHERE:
            raise Refusal("nowhere", Phrase("job_nowhere"), steps=list(steps.done))
        if source and target and found.verdict is not Verdict.UNTOUCHED:
            if not found.steps:
                kept, seen = (
                    (found.verdict.value, target) if found.verdict is Verdict.TARGET else (Verdict.SOURCE.value, source)
                )
                return Settled(kept, seen.of(ends.uuid)[0].id, tuple(steps.done))
            steps.take(found.steps[0], source, target)
        if tools.host.now() > until:
            raise _unsettled(found, ends, steps.done)
        tools.host.wait(LOOKED_EVERY)


def _end(seen: Optional[Seen], uuid: VmUuid) -> Optional[End]:
    return None if seen is None else seen.end(uuid)


def _unsettled(found: Outcome, ends: Ends, done: List[str]) -> Refusal:
    why = found.why or Phrase("job_not_proven", [step.value for step in found.steps])
    code = "end_silent" if why.startswith("silent") else "unsettled"
    said = Phrase("job_undecided", _with(why, ends))
    return Refusal(code, said, steps=done, why=why)


def _with(said: str, ends: Ends) -> List[str]:
    """This, and what the end that cannot be seen said."""
    return [said, ends.said] if ends.said else [said]


def _shown(copy: Copy) -> str:
    """A copy in words."""
    parts = ["paused" if copy.paused else copy.shutdown_reason or "up", "CPU %d ns" % copy.cpu_ns]
    return ", ".join(parts + (["dying"] if copy.dying else []))
