# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting, stopping and pausing a VM by xl, under its lease, or having that alone: rule 29 of docs/rules.md.

The proof that a VM is off everywhere is taken before, from all nodes. What is looked at here is this node once more,
with the lease in hand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable, Dict, Optional, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import (
    Answer,
    Host,
    Missing,
    Problem,
    Touches,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.jobs.tools import Tools, require_vm
from ansible_collections.cloudops.hypervisor.plugins.module_utils.mount_table import MOUNTINFO, parse_mountinfo
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.process_table import DEAD, read_processes
from ansible_collections.cloudops.hypervisor.plugins.module_utils.refusal import Refusal
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import (
    image_openers,
    node_job,
    toolstack,
    vm_config,
    xen,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import VmUuid

LOOKED_EVERY = 2.0
LOOKS = 3
# a domain that was created late is still seen to run
VERIFIED_WITHIN = 30.0
XL_ANSWERS_WITHIN = 30.0
DESTROYED_WITHIN = 60.0
QUOTED = 5
# whoever received or restored a domain stays as its daemon; while it does so, the helper is there or the name tells
_MOVES = re.compile(r"^\S*\bxl (?:-\S+ )*(?:migrate|save)(?![-\w])|libxl-save-helper")


@dataclass(frozen=True)
class VmStart:
    """Create a domain.

    ``uuid``: the VM's.
    ``config``: its xl configuration file, which must be of this uuid.
    ``volume``: where its lease is kept: the mount point of the storage that holds its images, or a folder below.
    ``local``: only this node can open that storage.
    ``proven_ended``: NODE/JOB that did not give the lease back, and is proven to have ended.
    """

    uuid: str
    config: str
    volume: str
    local: bool = False
    proven_ended: str = ""

    def __post_init__(self) -> None:
        require_vm(self.uuid, config=self.config, volume=self.volume)


@dataclass(frozen=True)
class VmStop:
    """Shut a domain down.

    ``uuid``: the VM's.
    ``volume``: where its lease is kept.
    ``grace``: seconds the guest may take to shut down.
    ``force``: destroy it if it takes longer.
    ``local``: only this node can open that storage.
    ``proven_ended``: NODE/JOB that did not give the lease back, and is proven to have ended.
    """

    uuid: str
    volume: str
    grace: float = 120.0
    force: bool = False
    local: bool = False
    proven_ended: str = ""

    def __post_init__(self) -> None:
        require_vm(self.uuid, volume=self.volume)
        if not 0 <= self.grace <= 3600:
            raise PolicyError("grace", "between 0 and 3600 s is wanted, not %g" % self.grace)


@dataclass(frozen=True)
class VmPause:
    """Hold a domain, or let it go on.

    ``uuid``: the VM's.
    ``volume``: where its lease is kept.
    ``paused``: whether it is to be held.
    ``local``: only this node can open that storage.
    ``proven_ended``: NODE/JOB that did not give the lease back, and is proven to have ended.
    """

    uuid: str
    volume: str
    paused: bool = True
    local: bool = False
    proven_ended: str = ""

    def __post_init__(self) -> None:
        require_vm(self.uuid, volume=self.volume)


@dataclass(frozen=True)
class VmHold:
    """Have the lease of a VM while somebody else acts on it, until this job is stopped.

    ``uuid``: the VM's.
    ``volume``: where its lease is kept.
    ``seconds``: how long it is had at most.
    ``off``: this node must have nothing of the VM when it is taken.
    ``local``: only this node can open that storage.
    ``proven_ended``: NODE/JOB that did not give the lease back, and is proven to have ended.
    """

    uuid: str
    volume: str
    seconds: float = 600.0
    off: bool = False
    local: bool = False
    proven_ended: str = ""

    def __post_init__(self) -> None:
        require_vm(self.uuid, volume=self.volume)
        if not 0 < self.seconds <= 86400:
            raise PolicyError("seconds", "more than 0 and at most 86400 s is wanted, not %g" % self.seconds)


@dataclass(frozen=True)
class Vm:
    """What is looked for: whatever has this uuid, works on one of these names, or has one of these images open."""

    uuid: VmUuid
    volume: str
    names: Tuple[str, ...] = ()
    images: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Sight:
    """What this node has of one VM, and what could not be read. ``tools``: the command lines that work on it."""

    domains: Tuple[xen.Domain, ...] = ()
    openers: Tuple[str, ...] = ()
    tools: Tuple[str, ...] = ()
    missing: Tuple[Missing, ...] = ()

    @property
    def off(self) -> bool:
        return not (self.domains or self.openers or self.tools or self.missing)


Look = Callable[[Host, Vm], Sight]


def look(host: Host, vm: Vm) -> Sight:
    table = host.read(MOUNTINFO)
    missing: Tuple[Missing, ...] = ()
    try:
        mounts = parse_mountinfo(table.stdout)
    except NotUnderstood as error:
        mounts, missing = (), (table.missing(Problem.NOT_UNDERSTOOD, str(error)),)
    files, unknown = image_openers.stat_files(host, vm.images, Touches.OCFS2) if vm.images else ((), ())
    processes = read_processes(host)
    opened = image_openers.probe(host, processes, mounts, (), files, Touches.OCFS2)
    working = toolstack.probe(host, processes, (vm.volume,), ())
    # last: what ended as a tool is a domain by now
    facts = xen.probe(host)
    domains = tuple(one for one in facts.domains or () if one.counted.uuid == vm.uuid)
    # xl takes a domain by its name or number
    called = [name for one in domains for name in (one.name, str(one.counted.id))]
    ours = {vm.uuid, *vm.names, *vm.images, *called}
    # what is received by now was received when its tool was seen, or that has ended
    received = tuple(str(one.counted.uuid) for one in facts.domains or () if one.incoming)
    named = {one.pid: received if one.restores else one.names for one in working.tools}
    return Sight(
        domains=domains,
        openers=tuple("%s by %s %s" % (one.path, one.by, one.name) for one in opened.openers if one.inode is not None),
        # another job that waits for the lease does nothing without it
        tools=tuple(
            "%s (pid %d)" % (one.command, one.pid)
            for one in working.tools
            if (ours & set(named[one.pid]) or not named[one.pid]) and node_job.ROOT not in one.command
        ),
        missing=missing + unknown + opened.missing + working.missing + facts.missing,
    )


def vm_start(spec: VmStart, tools: Tools, look: Look = look) -> Dict[str, Any]:
    with tools.lease(spec.volume, VmUuid(spec.uuid), spec.local, spec.proven_ended) as lease:
        tools.progress("look")
        vm = _configured(tools.host, spec)
        _require_off(_settled(tools, look, vm))
        tools.act("create", lease, config=spec.config)
        said = tools.host.run(["xl", "create", spec.config], timeout=tools.left)
        while said.problem is Problem.STUCK and _still_creating(tools.host):
            # it will create the domain, or die, when the disk comes back: until then nobody else may have the lease
            tools.progress("create_stuck", said=said.stderr)
            tools.host.wait(LOOKED_EVERY)
        tools.progress("verify")
        domain = _running(tools, look, vm, said)
        return {"domid": domain.counted.id, "name": domain.name, "lease": lease.place.scope.value}


def vm_stop(spec: VmStop, tools: Tools, look: Look = look) -> Dict[str, Any]:
    with tools.lease(spec.volume, VmUuid(spec.uuid), spec.local, spec.proven_ended) as lease:
        tools.progress("look")
        vm = Vm(VmUuid(spec.uuid), spec.volume)
        domain = _only(_settled(tools, look, vm))
        if domain is None:
            return {"domid": None, "how": "off"}
        images = tuple(disk.path for disk in domain.disks if disk.path and disk.writable)
        vm = Vm(vm.uuid, vm.volume, (domain.name,), images)
        tools.act("shutdown", lease, domid=domain.counted.id)
        said = _xl(tools.host, "shutdown", domain, min(XL_ANSWERS_WITHIN, tools.left))
        if _gone(tools, look, vm, min(spec.grace, tools.left)):
            return {"domid": domain.counted.id, "how": "shutdown"}
        if not spec.force:
            raise _still_on(domain, "xl shutdown", spec.grace, said)
        again = _only(_settled(tools, look, vm))
        if again is not None:
            tools.act("destroy", lease, domid=again.counted.id)
            said = _xl(tools.host, "destroy", again, XL_ANSWERS_WITHIN)
            if not _gone(tools, look, vm, DESTROYED_WITHIN):
                raise _still_on(again, "xl destroy", DESTROYED_WITHIN, said)
        return {"domid": domain.counted.id, "how": "shutdown" if again is None else "destroyed"}


def vm_pause(spec: VmPause, tools: Tools, look: Look = look) -> Dict[str, Any]:
    with tools.lease(spec.volume, VmUuid(spec.uuid), spec.local, spec.proven_ended) as lease:
        tools.progress("look")
        vm = Vm(VmUuid(spec.uuid), spec.volume)
        domain = _only(_settled(tools, look, vm))
        if domain is None:
            raise Refusal("no_domain", Phrase("job_no_domain"))
        state = domain.counted.state
        if state.shutdown or state.crashed or state.dying:
            # xl unpause of a suspended domain says that it went well, and does nothing
            said = Phrase("job_not_held", domain.counted.id, _state(domain))
            raise Refusal("not_running", said, domid=domain.counted.id, state=_state(domain))
        verb = "pause" if spec.paused else "unpause"
        if state.paused == spec.paused:
            return {"domid": domain.counted.id, "how": "already"}
        tools.act(verb, lease, domid=domain.counted.id)
        answer = _xl(tools.host, verb, domain, XL_ANSWERS_WITHIN)
        tools.progress("verify")
        ends = tools.host.now() + VERIFIED_WITHIN
        while tools.host.now() <= ends:
            seen = look(tools.host, vm)
            if [one.counted.state.paused for one in seen.domains if one.counted.id == domain.counted.id] == [
                spec.paused
            ]:
                return {"domid": domain.counted.id, "how": verb}
            tools.host.wait(LOOKED_EVERY)
        text = Phrase("job_not_paused", domain.counted.id, verb, _words(answer))
        raise Refusal("not_%sd" % verb, text, domid=domain.counted.id)


def vm_hold(spec: VmHold, tools: Tools, look: Look = look) -> Dict[str, Any]:
    with tools.lease(spec.volume, VmUuid(spec.uuid), spec.local, spec.proven_ended) as lease:
        if spec.off:
            tools.progress("look")
            _require_off(_settled(tools, look, Vm(VmUuid(spec.uuid), spec.volume)))
        lease.confirm()
        tools.checkpoint()
        tools.progress("held")
        ends = tools.host.now() + spec.seconds
        while not tools.stopping() and tools.host.now() < ends:
            tools.wait(LOOKED_EVERY)
        return {"lease": lease.place.scope.value}


def _xl(host: Host, verb: str, domain: xen.Domain, timeout: float) -> Answer:
    return host.run(["xl", verb, str(domain.counted.id)], timeout=timeout)


def _still_on(domain: xen.Domain, what: str, seconds: float, said: Answer) -> Refusal:
    text = Phrase("job_still_there", domain.counted.id, Phrase("job_after", "%.3g" % seconds, what), _words(said))
    return Refusal("still_on", text, domid=domain.counted.id)


def _configured(host: Host, spec: VmStart) -> Vm:
    """The VM as its configuration file has it; refused if that is another's."""
    answer = host.run(["cat", "--", spec.config], timeout=20.0, touches=Touches.OCFS2)
    try:
        if not answer.ok or answer.rc:
            raise NotUnderstood(_words(answer))
        config = vm_config.parse_config(answer.stdout)
    except NotUnderstood as error:
        raise Refusal("config_unread", Phrase("about", [spec.config, error]), config=spec.config) from None
    if config.uuid != VmUuid(spec.uuid):
        said = Phrase("job_other_config", spec.config, config.uuid or Phrase("job_without_uuid"))
        raise Refusal("other_config", said, config=spec.config, uuid=config.uuid)
    names = (spec.config, *([config.name] if config.name else []))
    return Vm(config.uuid, spec.volume, names, tuple(one.path for one in config.disks if one.path and one.writable))


def _settled(tools: Tools, look: Look, vm: Vm) -> Sight:
    """What this node has; looked again for what could not be read, which may be over in a moment."""
    for _again in range(LOOKS - 1):
        seen = look(tools.host, vm)
        if not seen.missing:
            return seen
        tools.wait(LOOKED_EVERY)
        tools.checkpoint()
    return look(tools.host, vm)


def _require_off(seen: Sight) -> None:
    if seen.domains:
        values = {"domids": [domain.counted.id for domain in seen.domains]}
        raise Refusal("has_domain", Phrase("job_has_domain", _named(seen)), **values)
    if seen.openers:
        raise Refusal("image_open", Phrase("job_image_open", seen.openers), openers=list(seen.openers))
    if seen.tools:
        raise Refusal("tool_works", Phrase("job_tool_works", seen.tools), tools=list(seen.tools))
    _require_read(seen)


def _require_read(seen: Sight) -> None:
    if seen.missing:
        unread = [Phrase("about", [one.reading, one.detail or one.problem.value]) for one in seen.missing]
        raise Refusal("unread", Phrase("job_unread", unread), readings=unread)


def _only(seen: Sight) -> Optional[xen.Domain]:
    """The one domain to be stopped; None when the VM is off."""
    if not seen.domains:
        _require_off(seen)
        return None
    if len(seen.domains) > 1:
        raise Refusal("many_domains", Phrase("job_which_domain", _named(seen)))
    domain = seen.domains[0]
    # xl stays as a daemon for the life of the domain it created: that is none
    moving = [command for command in seen.tools if _MOVES.search(command)]
    if domain.incoming or domain.migrated_away or moving:
        said = Phrase("job_moving", _named(seen), "; ".join(moving) or domain.name)
        raise Refusal("moving", said, domid=domain.counted.id)
    _require_read(seen)
    return domain


def _named(seen: Sight) -> str:
    return ", ".join("%d (%s)" % (domain.counted.id, domain.name) for domain in seen.domains)


def _running(tools: Tools, look: Look, vm: Vm, said: Answer) -> xen.Domain:
    """The domain, seen to run; however xl ended, the domain decides."""
    ends = tools.host.now() + VERIFIED_WITHIN
    while True:
        seen = look(tools.host, Vm(vm.uuid, vm.volume))
        if len(seen.domains) > 1:
            raise Refusal("twice_here", Phrase("job_two_domains", _named(seen)))
        for domain in seen.domains:
            if _runs(domain):
                return domain
        failed = not said.ok or bool(said.rc)
        if failed and not seen.domains and not seen.missing:
            raise Refusal("not_created", Phrase("about", ["xl create", _words(said)]), rc=said.rc)
        if tools.host.now() > ends:
            break
        tools.host.wait(LOOKED_EVERY)
    if not seen.domains:
        _require_read(seen)
        raise Refusal("not_created", Phrase("job_create_in_vain", _words(said)), rc=said.rc)
    state = _state(seen.domains[0])
    text = Phrase("job_created_does_not_run", _named(seen), state, _words(said))
    raise Refusal("not_running", text, domid=seen.domains[0].counted.id, state=state)


def _gone(tools: Tools, look: Look, vm: Vm, within: float) -> bool:
    """Whether it came to be off in time. Asked to stop, the job ends here, and the guest goes on shutting down."""
    ends = tools.host.now() + within
    while not look(tools.host, vm).off:
        if tools.host.now() > ends:
            return False
        tools.wait(LOOKED_EVERY)
        if tools.stopping():
            tools.checkpoint()
    return True


def _runs(domain: xen.Domain) -> bool:
    state = domain.counted.state
    return not (state.paused or state.shutdown or state.crashed or state.dying)


def _state(domain: xen.Domain) -> str:
    state = domain.counted.state
    return ", ".join(name for name in ("paused", "shutdown", "crashed", "dying") if getattr(state, name))


def _still_creating(host: Host) -> bool:
    """Whether a child of this very process that was started as xl has not ended."""
    parent = int(host.link("/proc/self") or 0)
    return any(
        one.parent == parent and one.name == "xl" and one.state not in DEAD for one in read_processes(host).values()
    )


def _words(said: Answer) -> str:
    # the first of libxl's lines names the cause, the others what it led to
    lines = [line.strip() for line in (said.stderr or said.stdout).splitlines() if line.strip()]
    return "; ".join(lines[:QUOTED]) or "nothing was said"
