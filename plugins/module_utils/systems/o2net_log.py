# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When this node's kernel lost its o2net connections, by its own log: from that moment o2cb counts to its quorum.

``connected_nodes`` names a peer that was cut off as connected for minutes; only the log has the moment. A connection
that came back since counts no more. One that was made again is logged; one that was idle and heard its peer again is
not (``o2net_sc_postpone_idle``): then the next line about it is missing, or began to count after the one before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Dict, Optional, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Host, Missing

ASK = ("dmesg",)
_LINE = re.compile(r"^\[ *([0-9]{1,12}\.[0-9]{1,9})\] o2net: (.*)$")
_NODE = re.compile(r"^.*?\bnode \S+ \(num ([0-9]{1,3})\)(.*)$")
_LOST = re.compile(r"^(?:[Nn]o longer connected to|[Cc]onnection to) ")
_MADE = re.compile(r"^(?:[Cc]onnected to|[Aa]ccepted connection from) ")
_LOSS = ("has been idle", "shutdown, state", "No longer connected", "no longer connected")
# the kernel does not pad its milliseconds
_IDLE = re.compile(r" has been idle for ([0-9]{1,9})\.([0-9]{1,3}) sec")
_UPTIME = re.compile(r"([0-9]{1,12}\.[0-9]{1,3}) ")
# seconds: measured, an idle time begins 10 ms after the line before; and it is told up to 7 % late
_AT_ONCE = 0.1
_LATE = 1.25


@dataclass(frozen=True)
class Loss:
    """In seconds since the boot. ``at``: the first line about it. ``last``: the newest, that tells ``idle`` seconds."""

    at: float
    last: float
    idle: Optional[float] = None

    def holds(self, uptime: float) -> bool:
        """A connection that stays idle is told of again and again."""
        return self.idle is None or uptime - self.last <= self.idle * _LATE


@dataclass(frozen=True)
class Facts:
    """``lost``: by node number, when the connection that is gone was first reported, in seconds since the epoch."""

    lost: Tuple[Tuple[int, float], ...] = ()
    missing: Optional[Missing] = None


def parse_dmesg(text: str) -> Dict[int, Loss]:
    """By node number. A line in another form tells nothing."""
    lost: Dict[int, Loss] = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        said = match and _NODE.match(match.group(2))
        if not (match and said):
            continue
        at, number, about = float(match.group(1)), int(said.group(1)), match.group(2)
        if _MADE.match(about):
            lost.pop(number, None)
        elif _LOST.match(about) and any(word in about for word in _LOSS):
            lost[number] = _after(lost.get(number), at, _idle(about))
    return lost


def _idle(about: str) -> Optional[float]:
    match = _IDLE.search(about)
    return None if match is None else int(match.group(1)) + int(match.group(2)) / 1000.0


def _after(before: Optional[Loss], at: float, idle: Optional[float]) -> Loss:
    if before is None or (idle is not None and at - idle > before.last + _AT_ONCE):
        return Loss(at, at, idle)
    return replace(before, last=at, idle=idle)


def probe(host: Host) -> Facts:
    answer, uptime = host.run(ASK), host.read("/proc/uptime")
    if not answer.ok or answer.rc:
        return Facts(missing=answer.missing())
    match = _UPTIME.match(uptime.stdout)
    if match is None:
        return Facts(missing=uptime.missing())
    up = float(match.group(1))
    lost = {number: loss.at for number, loss in parse_dmesg(answer.stdout).items() if loss.holds(up)}
    return Facts(tuple((number, host.now() - up + at) for number, at in sorted(lost.items())))
