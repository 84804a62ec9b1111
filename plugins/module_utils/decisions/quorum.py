# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which part of a cut cluster lives, when that is decided, and when a cut node may be fenced: rule 21 of docs/rules.md.

All times are of one clock, in seconds. The values that run are meant, not those of a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Collection, Optional

from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase

HEARTBEAT_INTERVAL = 2.0


@dataclass(frozen=True)
class Timing:
    """``idle``: o2net's idle timeout in seconds; ``threshold``: o2cb's heartbeat dead threshold."""

    idle: float
    threshold: int

    @property
    def after_error(self) -> float:
        """From the connection error in a peer's kernel log until quorum is decided."""
        return HEARTBEAT_INTERVAL * (self.threshold + 2)

    @property
    def after_cut(self) -> float:
        return self.idle + self.after_error


@dataclass(frozen=True)
class Cut:
    """``cut``: the node numbers that are cut off, and ``rest``: those that are not; both beat on the shared disk.

    ``connected``: the last time the two parts are known to have been connected. ``seen``: since when they are known
    not to be. ``error``: when the last of the peers' kernels reported the connection: each decides by itself.
    ``observed``: the time of the readings.
    """

    cut: Collection[int]
    rest: Collection[int]
    timing: Optional[Timing]
    observed: float
    seen: float
    connected: Optional[float] = None
    error: Optional[float] = None


@dataclass(frozen=True)
class Quorum:
    """``may_fence`` now. ``decided_at``: T, or the latest that it can be; None where it cannot be told.

    ``rest_lives``: what o2cb decides if nobody does anything.
    """

    rest_lives: bool
    may_fence: bool
    decided_at: Optional[float]
    why: str

    def left(self, now: float) -> Optional[float]:
        """Seconds until quorum is decided."""
        return None if self.decided_at is None else max(self.decided_at - now, 0.0)


def lives(part: Collection[int], other: Collection[int]) -> bool:
    """The larger part; of equal halves the one with the lowest number."""
    if len(part) != len(other):
        return len(part) > len(other)
    return bool(part) and min(part) < min(other)


def quorum(cut: Cut, now: float, takes: float) -> Quorum:
    """``takes``: seconds from an off command until the node is off, at most.

    The part that would live may be fenced only while no peer can have reported the connection yet, or once quorum is
    decided and every node was observed after that: in between, both parts would be lost.
    """
    rest_lives = lives(cut.rest, cut.cut)
    timing = cut.timing
    if timing is None:
        return Quorum(rest_lives, rest_lives, None, Phrase("quorum_timing"))
    decided = cut.seen + timing.after_cut if cut.error is None else cut.error + timing.after_error
    if rest_lives:
        return Quorum(True, True, decided, Phrase("quorum_loses"))
    if cut.observed > decided:
        return Quorum(False, True, decided, Phrase("quorum_after"))
    if cut.error is None and cut.connected is not None:
        ends = cut.connected + timing.idle - takes
        if now <= ends:
            return Quorum(False, True, decided, Phrase("quorum_unreported", "%.0f" % (ends - now + takes)))
    return Quorum(False, False, decided, Phrase("quorum_awaited"))
