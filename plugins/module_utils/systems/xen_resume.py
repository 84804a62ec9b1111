# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing back a domain that a broken migration left suspended: rule 34 of docs/rules.md.

Xen 4.17 has no ``xl resume``, and ``xl unpause`` of a suspended domain does nothing and says so with rc 0. libxc
resumes it, xenstored is told that it lives, its device model goes on, and it has its own name again.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Host
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.readings import first_line
from ansible_collections.cloudops.hypervisor.plugins.module_utils.refusal import Refusal
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import VmUuid

WITHIN = 20.0
SOCKETS = ("/run/xen/qmp-libxenstat-%d", "/var/run/xen/qmp-libxenstat-%d")
CONTINUE = b'{"execute": "qmp_capabilities"}\n{"execute": "cont", "id": "cont"}\n'
CONTINUED = b'"id": "cont"'
_PART = re.compile(r"--(incoming|migratedaway)$")

# 1: the guest itself cancels its suspension, as xl has it where a migration fails
PROGRAM = """\
import glob, json, sys, uuid
def version(part):
    try:
        return open("/sys/hypervisor/version/" + part).read().strip()
    except OSError:
        return "*"
sys.path[:0] = glob.glob("/usr/lib/xen-%s.%s/lib/python" % (version("major"), version("minor")))
import xen.lowlevel.xc, xen.lowlevel.xs
number, wanted, act = int(sys.argv[1]), sys.argv[2], sys.argv[3:] == ["resume"]
xc = xen.lowlevel.xc.xc()
def look():
    for one in xc.domain_getinfo(number, 1):
        if one["domid"] == number and str(uuid.UUID(bytes=bytes(bytearray(one["handle"])))) == wanted:
            return one
found = look()
suspended = bool(found and found["shutdown"] and found["shutdown_reason"] == 2)
if suspended and act:
    xc.domain_resume(number, 1)
    xen.lowlevel.xs.xs().resume_domain(number)
    found = look()
print(json.dumps({"there": bool(found), "suspended": suspended, "shutdown": bool(found and found["shutdown"])}))
"""


@dataclass(frozen=True)
class State:
    """``suspended``: it was when this was asked. ``shutdown``: it is now."""

    there: bool
    suspended: bool
    shutdown: bool


def parse_state(text: str) -> State:
    """What ``PROGRAM`` prints last; Xen's library may say something before it."""
    lines = [line for line in text.splitlines() if line.strip()]
    try:
        found = json.loads(lines[-1])
        state = State(found["there"], found["suspended"], found["shutdown"])
    except (IndexError, KeyError, TypeError, ValueError, RecursionError):
        raise NotUnderstood(first_line(text)) from None
    if not all(isinstance(one, bool) for one in (state.there, state.suspended, state.shutdown)):
        raise NotUnderstood(first_line(text))
    return state


def own_name(name: str) -> str:
    """A domain's name without what a migration hangs on it."""
    return _PART.sub("", name)


def resume(host: Host, domid: int, uuid: VmUuid, name: str) -> None:
    """The domain runs again under this name. Only for who has proven that no other copy is on any node."""
    before = _ask(host, domid, uuid)
    if not before.there:
        raise Refusal("no_domain", Phrase("job_not_of", domid, uuid), domid=domid)
    if before.suspended:
        _continue_device_model(host, domid)
        if _ask(host, domid, uuid, "resume").shutdown:
            raise Refusal("not_resumed", Phrase("job_stays_down", domid), domid=domid)
    elif before.shutdown:
        said = Phrase("job_not_suspended", domid)
        raise Refusal("not_suspended", said, domid=domid)
    renamed = host.run(["xl", "rename", str(domid), name], timeout=WITHIN)
    if not renamed.ok or renamed.rc:
        raise Refusal("not_renamed", Phrase("job_not_renamed", renamed.missing().detail), domid=domid)


def _ask(host: Host, domid: int, uuid: VmUuid, *more: str) -> State:
    answer: Answer = host.run(["python3", "-I", "-c", PROGRAM, str(domid), uuid, *more], timeout=WITHIN)
    answer = replace(answer, source="libxc, domain %d%s" % (domid, ": resume" if more else ""))
    try:
        if not answer.ok or answer.rc:
            raise NotUnderstood(answer.missing().detail)
        return parse_state(answer.stdout)
    except NotUnderstood as error:
        raise Refusal("not_resumed", Phrase("about", [answer.source, error]), domid=domid) from None


def _continue_device_model(host: Host, domid: int) -> None:
    """Of an HVM guest it was stopped with the guest. One that goes on already, or is none, is no hindrance."""
    for path in SOCKETS:
        if host.ask(path % domid, CONTINUE, CONTINUED).ok:
            return
