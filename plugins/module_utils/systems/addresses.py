# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does anybody answer at an address? Asked by ping, or by a connection to a port.

A refused connection is an answer: a kernel gave it. A port that has to greet (ssh) shows that more than a kernel lives:
a node whose processes all hang still accepts connections.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Dict, Optional, Sequence, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.beside import Beside
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Host, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood

# what an ssh server waits for after its own greeting; it then ends the connection
GREETING = b"SSH-2.0-probe\r\n"
NO_WAY_THERE = ("network is unreachable", "name or service not known", "no address associated", "temporary failure")


@dataclass(frozen=True)
class Place:
    """``port`` is None for a ping."""

    address: str
    port: Optional[int] = None


@dataclass(frozen=True)
class Reply:
    """``answers`` is None when it could not be asked; ``said``: how that is known."""

    answers: Optional[bool]
    said: str


def parse_place(text: str) -> Place:
    """``address``, ``address:port`` or ``[address]:port``; a name instead of an address is allowed."""
    match = re.match(r"^\[([0-9A-Fa-f:.%\w]+)\](?::([0-9]{1,5}))?$", text, re.ASCII)
    match = match or re.match(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?::([0-9]{1,5}))?$", text, re.ASCII)
    if match is None and re.match(r"^[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$", text, re.ASCII):
        return Place(text)
    if match is None or not 0 < int(match.group(2) or 1) < 65536:
        raise NotUnderstood("no address, address:port or [address]:port: %r" % text[:100])
    return Place(match.group(1), int(match.group(2)) if match.group(2) else None)


def ask(host: Host, place: Place, timeout: float, greets: bool = False) -> Reply:
    if place.port is None:
        return _ping(host, place.address, timeout)
    answer = host.exchange(place.address, place.port, GREETING if greets else b"", timeout)
    if greets:
        line = answer.stdout.split("\n")[0].strip()
        return Reply(line.startswith("SSH-"), "%s: %s" % (answer.source, line or answer.stderr or "no greeting"))
    refused = "refused" in answer.stderr.lower()
    return _reply(answer, answer.ok or refused)


def _ping(host: Host, address: str, timeout: float) -> Reply:
    answer = host.run(["ping", "-n", "-c", "2", "-W", "%d" % max(round(timeout), 1), address], timeout=timeout + 3)
    if answer.problem not in (None, Problem.TIMEOUT):
        return Reply(None, "%s: %s" % (answer.source, answer.stderr))
    if answer.rc is not None and answer.rc > 1:
        return Reply(None, "%s: %s" % (answer.source, answer.stderr.strip() or "rc %d" % answer.rc))
    return _reply(answer, answer.rc == 0)


def _reply(answer: Answer, answers: bool) -> Reply:
    said = answer.stderr.strip() or next((line for line in answer.lines if "received" in line), "")
    if not answers and any(word in said.lower() for word in NO_WAY_THERE):
        return Reply(None, "%s: %s" % (answer.source, said))
    return Reply(answers, "%s: %s" % (answer.source, said or ("answers" if answers else "silent")))


def ask_all(
    host: Host, places: Sequence[Tuple[str, Place]], timeout: float, greeting: Sequence[str] = ()
) -> Dict[str, Reply]:
    """All at the same time; one that never comes back was not asked."""
    asked = {name: Beside(partial(ask, host, place, timeout, name in greeting)) for name, place in places}
    nothing = Reply(None, "no result within %g s" % timeout)
    return {name: reply.result(timeout + 5, nothing) for name, reply in asked.items()}
