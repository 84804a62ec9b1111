# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""May a node be fenced, and is it off? Rules 11 to 25 of docs/rules.md.

Observing permits fencing; only power that was switched off permits a start elsewhere. Every question here fails
closed: what is not known lets nothing go ahead.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.node_death import (
    WORDS,
    Bmc,
    Death,
    Decision,
    Guests,
    Heartbeat,
    Management,
    Peers,
    Readings,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.quorum import Quorum
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase


class Question(str, enum.Enum):
    """What a person is asked, each about one named thing."""

    FENCE = "fence"
    OFF = "off"
    BREAKER = "breaker"
    WANTED = "wanted"
    PLAN = "plan"


@dataclass(frozen=True)
class Word:
    """A person's yes or no. ``plan``: the one plan it is for."""

    question: Question
    about: str
    who: str
    at: float
    reason: str
    yes: bool = True
    plan: str = ""


@dataclass(frozen=True)
class Limits:
    """``silent_nodes``, ``silent_share``: more of a zone at once are no death of a node. ``fences`` in a ``window``.

    ``word``: seconds that a person's word holds. ``takes``: seconds from an off command until the node is off.
    """

    silent_nodes: int = 1
    silent_share: float = 0.10
    fences: int = 2
    window: float = 24 * 3600.0
    word: float = 3600.0
    takes: float = 20.0


@dataclass(frozen=True)
class Zone:
    """``silent``: nodes that do not answer and are not proven off. ``racks``: the rack or switch of each node.

    ``reached``: whether the controller reaches anything of the zone. ``fences``: when nodes were fenced, in all runs.
    """

    nodes: Sequence[str]
    silent: Sequence[str]
    reached: bool = True
    racks: Mapping[str, str] = field(default_factory=dict)
    fences: Sequence[float] = ()


def breaker(zone: Zone, words: Iterable[Word], plan: str, now: float, limits: Limits) -> Tuple[str, ...]:
    """What it looks like, by rule 24, if it is not the death of a node: then nothing is fenced. Empty: go on.

    A person lifts it for a named node, one plan, one hour.
    """
    lifted = {
        one.about
        for one in words
        if one.question is Question.BREAKER and one.yes and one.plan == plan and now - one.at <= limits.word
    }
    found: List[str] = []
    if not zone.reached:
        found.append(Phrase("breaker_cut_off"))
    counted = [name for name in zone.silent if name not in lifted]
    most = max(limits.silent_nodes, int(limits.silent_share * len(zone.nodes)))
    if len(zone.silent) > most and counted:
        found.append(Phrase("breaker_many", len(zone.silent), len(zone.nodes)))
    for rack in sorted({zone.racks[name] for name in counted if zone.racks.get(name)}):
        behind = [name for name in zone.nodes if zone.racks.get(name) == rack]
        if 1 < len(behind) < len(zone.nodes) and set(behind) <= set(zone.silent):
            found.append(Phrase("breaker_rack", rack))
    recent = [at for at in zone.fences if now - at < limits.window]
    if len(recent) >= limits.fences and counted:
        found.append(Phrase("breaker_fences", len(recent), "%.0f" % (limits.window / 3600)))
    return tuple(found)


@dataclass(frozen=True)
class Case:
    """A node that may be fenced. ``wanted``: VMs that may be recovered by it; ``quorum``: of a node that is cut off."""

    node: str
    decision: Decision
    wanted: Sequence[str]
    maintenance: bool = False
    quorum: Optional[Quorum] = None


@dataclass(frozen=True)
class Permit:
    """``granted``, or else ``why`` not; a person's word on ``ask`` would grant it, ``wait`` says that time may."""

    granted: bool
    why: str
    ask: Optional[Question] = None
    wait: bool = False


_BY_WORD = (Death.EVICTED, Death.DOM0_HUNG)
_AT_ONCE = (Death.HUNG, Death.OFF)


def permit(case: Case, words: Iterable[Word], now: float, limits: Limits) -> Permit:
    """By rule 25, and by the row that the node's readings fall into."""
    verdict, rule = case.decision.verdict, case.decision.rule
    if case.maintenance:
        return Permit(False, Phrase("fence_maintenance"))
    if not case.wanted:
        return Permit(False, Phrase("fence_for_nobody"))
    row = Phrase("fence_row", rule, verdict.value)
    if verdict in _AT_ONCE:
        return Permit(True, row)
    if verdict in _BY_WORD:
        said = word(words, Question.FENCE, case.node, now, limits)
        if said is None:
            return Permit(False, Phrase("fence_by_word", row), Question.FENCE)
        return Permit(said.yes, Phrase("fence_said", row, said.who, said.reason))
    if verdict is Death.CUT_OFF:
        if case.quorum is None:
            return Permit(False, Phrase("fence_parts_unknown", row), wait=True)
        why = Phrase("joined", [row, case.quorum.why])
        return Permit(case.quorum.may_fence, why, wait=not case.quorum.may_fence)
    if verdict is Death.CUT_OFF_WITH_BMC:
        return Permit(False, Phrase("fence_quorum_awaited", row), wait=True)
    if verdict is Death.UNPROVEN:
        return Permit(False, Phrase("fence_bmc_silent", row), Question.OFF)
    if verdict is Death.UNKNOWN:
        return Permit(False, Phrase("fence_not_read", case.decision.missing), wait=True)
    return Permit(False, row)


def word(words: Iterable[Word], question: Question, about: str, now: float, limits: Limits) -> Optional[Word]:
    """The newest answer to it that still holds."""
    found = [
        one for one in words if one.question is question and one.about == about and 0 <= now - one.at <= limits.word
    ]
    return max(found, key=lambda one: one.at) if found else None


def is_its_bmc(recorded: str, read: str) -> bool:
    """By rule 8: the identity recorded beforehand, and that of this very session. None recorded is no match."""
    return bool(recorded) and recorded == read


@dataclass(frozen=True)
class Fence:
    """An off command of ours. ``before``: what was present just before it, of what ends with the power.

    ``commanded``: the BMC took it, and its identity had matched in the same session.
    """

    node: str
    at: float
    before: Sequence[str] = ()
    commanded: bool = False


@dataclass(frozen=True)
class Off:
    """``missing``: the proof that is wanted yet."""

    proven: bool
    how: str = ""
    missing: str = ""


def off_proven(
    node: str,
    readings: Readings,
    fence: Optional[Fence],
    present: Optional[Sequence[str]],
    words: Iterable[Word],
) -> Off:
    """Rules 22 and 23. ``present``: of the fence's effects those that are there now; None where nobody could look.

    The readings are new ones: any sign of life since then ends it.
    """
    signs = [
        WORDS[reading.value]
        for reading, dead in (
            (readings.management, (Management.SILENT,)),
            (readings.heartbeat, (Heartbeat.STANDING, Heartbeat.ABSENT, Heartbeat.MISSING)),
            (readings.peers, (Peers.NONE, Peers.MISSING)),
            (readings.guests, (Guests.NONE, Guests.MISSING)),
        )
        if reading not in dead
    ]
    if signs:
        return Off(False, missing=Phrase("off_signs", signs))
    if readings.heartbeat not in (Heartbeat.STANDING, Heartbeat.ABSENT):
        return Off(False, missing=Phrase("off_eviction"))
    said = [one for one in words if one.question is Question.OFF and one.about == node]
    newest = max(said, key=lambda one: one.at) if said else None
    if newest is not None and newest.yes and readings.bmc is not Bmc.ON:
        return Off(True, "%s: %s" % (newest.who, newest.reason))
    if fence is None or not fence.commanded:
        return Off(False, missing=Phrase("off_command"))
    if readings.bmc is not Bmc.OFF:
        return Off(False, missing=Phrase("off_power"))
    if present is None:
        return Off(False, missing=Phrase("off_not_looked"))
    gone = [one for one in fence.before if one not in present]
    if not gone:
        missing = Phrase("off_still_there", fence.before) if fence.before else Phrase("off_no_effect")
        return Off(False, missing=missing)
    return Off(True, Phrase("off_gone", gone))
