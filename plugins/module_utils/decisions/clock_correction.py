# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a clock is set right: not at all, slowly, at once, or not before a person has asked for it by the node's name.

A clock that jumps back under running guests breaks their timers and the order of everything they log and replicate.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Optional

# Beyond so many seconds a daemon steps by itself, whatever it is asked; chronyd only when it is started.
OWN_STEP = {"ntpd": 0.128, "timesyncd": 0.4}
STEP_AT_START = {"chronyd": 1.0}


class Correction(str, enum.Enum):
    SLEW = "slew"
    STEP = "step"
    REFUSED = "refused"


@dataclass(frozen=True)
class Rules:
    """``correction``: slew, step or auto, which steps what is further off than ``step_above`` seconds.

    ``max_backward_step``: a longer one, in seconds, is not made under running guests unless ``backward_allowed``.
    """

    correction: str = "auto"
    step_above: float = 0.5
    max_backward_step: float = 1.0
    backward_allowed: bool = False


@dataclass(frozen=True)
class Plan:
    correction: Correction
    why: str


@dataclass(frozen=True)
class Clock:
    """``ahead``: seconds this node is ahead of its server, None if no server answered.

    ``guests``: how many run, None if that is not known. ``ntpdate``: where that program is, which ntpd is stopped for.
    """

    ahead: Optional[float]
    guests: Optional[int]
    ntpdate: Optional[str]


def plan(daemon: str, running: bool, clock: Clock, rules: Rules) -> Plan:
    """``running``: the daemon is."""
    ahead, guests = clock.ahead, clock.guests
    if not daemon:
        return Plan(Correction.REFUSED, "no time daemon is installed: install chrony")
    if ahead is None:
        return Plan(Correction.REFUSED, "no time server answers this node: it would be left without one")
    steps = rules.correction == "step" or (rules.correction == "auto" and abs(ahead) > rules.step_above)
    if not steps:
        limit = OWN_STEP.get(daemon, None if running else STEP_AT_START.get(daemon))
        if limit is not None and abs(ahead) > limit:
            said = "%s steps by itself beyond %g s, and the clock is %+.3f s off" % (daemon, limit, ahead)
            return Plan(Correction.REFUSED, said + ": let it be stepped, or use another daemon")
        return Plan(Correction.SLEW, "%+.3f s is slewed" % ahead)
    if ahead > rules.max_backward_step and guests != 0 and not rules.backward_allowed:
        guests_said = "whether guests run is not known" if guests is None else "%d guests run" % guests
        said = "%s, and the clock would jump back by %.3f s" % (guests_said, ahead)
        return Plan(Correction.REFUSED, said + ": name the node in time_sync_backward_step_nodes, or slew")
    if daemon == "ntpd" and not clock.ntpdate:
        said = "%+.3f s would be stepped by ntpdate, which is not on this node" % ahead
        return Plan(Correction.REFUSED, said + ": install it, or slew")
    return Plan(Correction.STEP, "%+.3f s is stepped" % ahead)
