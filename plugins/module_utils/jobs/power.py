# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting and stopping a VM by xl, under its lease: rules 29 to 31 and 36 of docs/rules.md.

The proof that a VM is off everywhere is taken before, from all nodes. What is looked at here is this node once more,
with the lease in hand.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Callable, Dict, Optional, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Host, Missing, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.jobs.tools import Tools
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.process_table import DEAD, read_processes
from ansible_collections.cloudops.hypervisor.plugins.module_utils.refusal import Refusal
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import xen
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import VmUuid

LOOKED_EVERY = 2.0
# a domain that was created late is still seen to run
VERIFIED_WITHIN = 30.0
XL_ANSWERS_WITHIN = 30.0
DESTROYED_WITHIN = 60.0
QUOTED = 5


@dataclass(frozen=True)
class VmStart:
    """Create a domain.

    ``uuid``: the VM's.
    ``config``: its xl configuration file.
    ``volume``: where its lease is kept: the mount point of the storage that holds its images, or a folder below.
    ``images``: its images, which nobody may have open.
    ``local``: only this node can open that storage.
    ``proven_ended``: NODE/JOB that did not give the lease back, and is proven to have ended.
    """

    uuid: str
    config: str
    volume: str
    images: Tuple[str, ...] = ()
    local: bool = False
    proven_ended: str = ""

    def __post_init__(self) -> None:
        _require_meant(self.uuid, config=self.config, volume=self.volume)


@dataclass(frozen=True)
class VmStop:
    """Shut a domain down.

    ``uuid``: the VM's.
    ``volume``: where its lease is kept.
    ``images``: its images, which nobody has open once it is off.
    ``grace``: seconds the guest may take to shut down.
    ``force``: destroy it if it takes longer.
    ``local``: only this node can open that storage.
    ``proven_ended``: NODE/JOB that did not give the lease back, and is proven to have ended.
    """

    uuid: str
    volume: str
    images: Tuple[str, ...] = ()
    grace: float = 120.0
    force: bool = False
    local: bool = False
    proven_ended: str = ""

    def __post_init__(self) -> None:
        _require_meant(self.uuid, volume=self.volume)
        if not 0 <= self.grace <= 3600:
            raise PolicyError("grace", "between 0 and 3600 s is wanted, not %g" % self.grace)


def _require_meant(uuid: str, **paths: str) -> None:
    try:
        VmUuid(uuid)
    except ValueError as error:
        raise PolicyError("uuid", str(error)) from None
    for option, path in paths.items():
        if not path.startswith("/") or os.path.normpath(path) != path:
            raise PolicyError(option, "an absolute path without detours is wanted, not %r" % path)


@dataclass(frozen=True)
class Sight:
    """What this node has of one VM: its domains, who has its images open, and what could not be read."""

    domains: Tuple[xen.Domain, ...] = ()
    openers: Tuple[str, ...] = ()
    missing: Tuple[Missing, ...] = ()

    @property
    def off(self) -> bool:
        return not (self.domains or self.openers or self.missing)


Look = Callable[[Host, VmUuid, Tuple[str, ...]], Sight]


def look(host: Host, uuid: VmUuid, images: Tuple[str, ...]) -> Sight:
    facts = xen.probe(host)
    domains = tuple(one for one in facts.domains or () if one.counted.uuid == uuid)
    return Sight(domains, (), facts.missing)


def vm_start(spec: VmStart, tools: Tools, look: Look = look) -> Dict[str, Any]:
    uuid = VmUuid(spec.uuid)
    with tools.lease(spec.volume, uuid, spec.local, spec.proven_ended) as lease:
        tools.progress("look")
        _require_off(look(tools.host, uuid, spec.images))
        tools.act("create", lease, config=spec.config)
        said = tools.host.run(["xl", "create", spec.config], timeout=tools.left)
        while said.problem is Problem.STUCK and _still_creating(tools.host):
            # it will create the domain, or die, when the disk comes back: until then nobody else may have the lease
            tools.progress("create_stuck", said=said.stderr)
            tools.host.wait(LOOKED_EVERY)
        tools.progress("verify")
        domain = _running(tools, look, spec, said)
        return {"domid": domain.counted.id, "name": domain.name}


def vm_stop(spec: VmStop, tools: Tools, look: Look = look) -> Dict[str, Any]:
    uuid = VmUuid(spec.uuid)
    with tools.lease(spec.volume, uuid, spec.local, spec.proven_ended) as lease:
        tools.progress("look")
        domain = _only(look(tools.host, uuid, spec.images))
        if domain is None:
            return {"domid": None, "how": "off"}
        tools.act("shutdown", lease, domid=domain.counted.id)
        said = tools.host.run(["xl", "shutdown", str(domain.counted.id)], timeout=min(XL_ANSWERS_WITHIN, tools.left))
        if _gone(tools, look, spec, min(spec.grace, tools.left)):
            return {"domid": domain.counted.id, "how": "shutdown"}
        if not spec.force:
            text = "domain %d is still there after %.3g s" % (domain.counted.id, spec.grace)
            raise Refusal("still_on", "%s; %s" % (text, _words(said)), domid=domain.counted.id)
        again = _only(look(tools.host, uuid, spec.images))
        if again is not None:
            tools.act("destroy", lease, domid=again.counted.id)
            said = tools.host.run(["xl", "destroy", str(again.counted.id)], timeout=XL_ANSWERS_WITHIN)
            if not _gone(tools, look, spec, DESTROYED_WITHIN):
                text = "domain %d is still there after xl destroy: %s" % (again.counted.id, _words(said))
                raise Refusal("still_on", text, domid=again.counted.id)
        return {"domid": domain.counted.id, "how": "shutdown" if again is None else "destroyed"}


def _require_off(seen: Sight) -> None:
    if seen.domains:
        named = ", ".join("%d (%s)" % (domain.counted.id, domain.name) for domain in seen.domains)
        said = "this node has a domain of it: %s" % named
        raise Refusal("has_domain", said, domids=[domain.counted.id for domain in seen.domains])
    if seen.openers:
        said = "an image of it is open: %s" % "; ".join(seen.openers)
        raise Refusal("image_open", said, openers=list(seen.openers))
    _require_read(seen)


def _require_read(seen: Sight) -> None:
    if seen.missing:
        unread = ["%s: %s" % (one.reading, one.detail or one.problem.value) for one in seen.missing]
        raise Refusal("unread", "not known: %s" % "; ".join(unread), readings=unread)


def _only(seen: Sight) -> Optional[xen.Domain]:
    """The one domain to be stopped; None when the VM is off."""
    if len(seen.domains) > 1:
        named = ", ".join("%d (%s)" % (domain.counted.id, domain.name) for domain in seen.domains)
        raise Refusal("many_domains", "which of them is meant is a person's word: %s" % named)
    for domain in seen.domains:
        if domain.incoming or domain.migrated_away:
            said = "domain %d (%s) is one end of a migration" % (domain.counted.id, domain.name)
            raise Refusal("migrating", said, domid=domain.counted.id)
        return domain
    _require_off(seen)
    return None


def _running(tools: Tools, look: Look, spec: VmStart, said: Answer) -> xen.Domain:
    """The domain, seen to run; however xl ended, the domain decides."""
    ends = tools.host.now() + VERIFIED_WITHIN
    while True:
        seen = look(tools.host, VmUuid(spec.uuid), ())
        ours = seen.domains
        if len(ours) > 1:
            raise Refusal(
                "twice_here", "two domains of it are here now: %s" % ", ".join(str(one.counted.id) for one in ours)
            )
        if ours and _runs(ours[0]):
            return ours[0]
        if not ours and not seen.missing and not said.ok:
            raise Refusal("not_created", "xl create was ended: %s" % _words(said))
        if not ours and not seen.missing and said.rc:
            raise Refusal("not_created", "xl create: %s" % _words(said), rc=said.rc)
        if tools.host.now() > ends:
            if not ours:
                _require_read(seen)
                raise Refusal("not_created", "xl create ended well, and there is no domain: %s" % _words(said))
            said_of = "domain %d does not run: %s; xl create: %s" % (ours[0].counted.id, _state(ours[0]), _words(said))
            raise Refusal("not_running", said_of, domid=ours[0].counted.id, state=_state(ours[0]))
        tools.host.wait(LOOKED_EVERY)


def _gone(tools: Tools, look: Look, spec: VmStop, within: float) -> bool:
    """Whether it came to be off in time; asked to stop, the job ends here, and the guest goes on shutting down."""
    ends = tools.host.now() + within
    while not look(tools.host, VmUuid(spec.uuid), spec.images).off:
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
    names = ("paused", "shutdown", "crashed", "dying")
    return ", ".join(name for name in names if getattr(state, name)) or "running"


def _still_creating(host: Host) -> bool:
    """Whether a child of this very process, started as xl, has not ended."""
    parent = int(host.link("/proc/self") or 0)
    return any(
        one.parent == parent and one.name == "xl" and one.state not in DEAD for one in read_processes(host).values()
    )


def _words(said: Answer) -> str:
    lines = [line.strip() for line in (said.stderr + "\n" + said.stdout).splitlines() if line.strip()]
    return "; ".join(lines[-QUOTED:]) or "nothing was said"
