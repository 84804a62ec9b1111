# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a recovery does next: the order of rule 26 of docs/rules.md, as one state machine.

Nothing is remembered between two questions. What was done is in the journal, what is so is in the sight of the zone,
and both together say the next steps: whoever asks, after whatever crash, on whichever controller. Each stage lets what
comes to it go on, or holds it with the steps that are to be done first. :data:`STAGES` is the whole order.

Who drives it: observe, decide, journal a step as started, do it unless it is past its ``not_after``, journal what came
of it, observe again. A VM leaves in one of three ways: it runs (proven), it was not started (why, and what to do), or
it is undecided (which proof is missing).
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import (
    fencing,
    migration_outcome,
    node_death,
    quorum,
    vm_act,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.fencing import Question, Word
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.node_death import Death
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.recovery_steps import (
    Announce,
    Ask,
    Attempt,
    Close,
    CloseJob,
    DestroyCopy,
    Fence,
    Job,
    JobState,
    Node,
    Observe,
    OpenJob,
    Out,
    Past,
    Phase,
    Place,
    Policy,
    PowerOn,
    Returned,
    Revoke,
    Show,
    Sight,
    Start,
    Step,
    TakeHold,
    Vm,
    Way,
    Write,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.wanted import Want
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase, restored

ROOM = Phrase("do_make_room")
CUT_OFF = Phrase("breaker_cut_off")


@dataclass(frozen=True)
class Decision:
    """``stage``: the one that holds, and ``why``. ``steps`` may be done side by side. ``outs``: as it stands, by VM.

    Ended without a step, nothing may be journalled either: another has the zone.
    """

    stage: str
    why: str
    steps: Tuple[Step, ...]
    outs: Mapping[str, Out]

    @property
    def ended(self) -> bool:
        return not self.steps or isinstance(self.steps[0], Close)


@dataclass(frozen=True)
class Holds:
    """A stage does not let go on."""

    steps: Tuple[Step, ...]
    why: str


@dataclass(frozen=True)
class Waits:
    """A VM, or a node, waits for a proof; ``out`` is what becomes of it when patience ends."""

    out: Out
    until: float


Standing = Union[Out, Waits, Step]
_STATES = {
    JobState.NEVER_STARTED: Phrase("job_never_started"),
    JobState.RUNNING: Phrase("job_running"),
    JobState.FINISHED: Phrase("job_finished"),
    JobState.LOST: Phrase("job_lost"),
    JobState.REVOKED: Phrase("job_revoked"),
    JobState.UNKNOWN: Phrase("job_state_unknown"),
}


class Case:
    """The question: what a stage looks at."""

    def __init__(self, sight: Optional[Sight], journal: Sequence[Past], policy: Policy, place: Place, now: float):
        self.policy = policy
        self.place = place
        self.now = now
        self.seen = sight
        self.attempts, self.words = _read(journal)
        closed = [one.began for one in self.attempts if one.kind == Close.kind]
        self.closed = max(closed, default=-math.inf)
        self.own = [one for one in self.attempts if one.began > self.closed]
        self.last_act = max((one.last for one in self.own), default=now)
        self.off: Mapping[str, str] = {}
        if sight is not None:
            self.off = excused(sight.nodes, journal)
        self._standings: Dict[str, Standing] = {}

    @property
    def sight(self) -> Sight:
        if self.seen is None:
            raise ValueError("nothing was observed")
        return self.seen

    @property
    def id(self) -> str:
        """Of this recovery, and of its one plan."""
        held = self.of(TakeHold.kind)
        return str(held[0].values.get("epoch", "")) if held else ""

    @property
    def not_after(self) -> float:
        return self.sight.at + self.policy.max_age

    @property
    def impatient(self) -> bool:
        return self.now - self.last_act > self.policy.patience

    def of(self, kind: str, subject: str = "") -> List[Attempt]:
        """The steps of this recovery, oldest first."""
        return [one for one in self.own if one.kind == kind and subject in ("", one.subject)]

    def word(self, question: Question, about: str) -> Optional[Word]:
        return fencing.word(self.words, question, about, self.now, self.policy.limits)

    def silent(self) -> List[str]:
        """Nodes that do not answer, and are neither proven off nor in maintenance."""
        return [
            name
            for name, node in self.sight.nodes.items()
            if not node.answers and name not in self.off and not node.maintenance
        ]

    def tried(self, name: str) -> List[Attempt]:
        """The fences of it, in this recovery, since it was back."""
        back = max((one.last for one in self.of(Returned.kind, name)), default=-math.inf)
        return [one for one in self.of(Fence.kind, name) if one.began > back]

    def lost(self) -> List[str]:
        """VMs that are wanted, and not seen to run."""
        return [
            name
            for name, vm in self.sight.vms.items()
            if vm.wanted.want is Want.RUNS and not any(not one.rests for one in vm.proof.domains)
        ]

    def ours(self) -> List[str]:
        """VMs that were started, by this recovery or an earlier one that may have ended before it wrote their rows."""
        return list(dict.fromkeys(one.subject for one in self.attempts if one.kind == Start.kind))

    def plan(self) -> Optional[Attempt]:
        shown = self.of(Show.kind)
        return shown[-1] if shown and shown[-1].done else None

    def starts(self) -> Mapping[str, str]:
        plan = self.plan()
        return plan.values["starts"] if plan is not None and plan.values.get("approved") else {}

    def fence_permit(self, name: str) -> fencing.Permit:
        node = self.sight.nodes[name]
        decided = None
        if node.cut is not None:
            decided = quorum.quorum(node.cut, self.now, self.policy.limits.takes)
        # it gains nothing while another silent node may have them
        others = [one for one in self.silent() if one != name and one not in self.fences()]
        case = fencing.Case(
            name, node_death.decide(node.readings), () if others else self.recoverable(), node.maintenance, decided
        )
        return fencing.permit(case, self.words, self.now, self.policy.limits)

    def fences(self) -> Mapping[str, str]:
        plan = self.plan()
        if plan is None:
            return {name: "" for name in self.silent() if self.may_be_fenced(name)}
        return plan.values["fences"] if plan.values.get("approved") else {}

    def may_be_fenced(self, name: str) -> bool:
        verdict = node_death.decide(self.sight.nodes[name].readings).verdict
        return verdict not in (Death.CONTRADICTION, Death.UNMANAGED, Death.UNKNOWN)

    def recoverable(self) -> List[str]:
        return [name for name in self.lost() if self.hindrance(name) is None]

    def hindrance(self, name: str) -> Optional[Out]:
        """Why a lost VM is left out of the plan."""
        vm = self.sight.vms[name]
        proof = vm.proof
        if proof.suspected:
            return Out(Way.UNDECIDED, Phrase("ha_twice"), Phrase("do_vm_twice"))
        for job in vm.jobs:
            node = self.sight.nodes.get(job.node)
            if job.node not in self.off and (node is None or node.answers or not self.may_be_fenced(job.node)):
                said = Phrase("ha_job_open", job.name, job.node) if job.node else Phrase("vm_job_open", [job.name])
                return Out(Way.UNDECIDED, said, Phrase("do_end_job"))
        rests = [one for one in proof.domains if one.rests and not vm.jobs]
        if rests or proof.others:
            found = [*(Phrase("ha_domain", one.node, one.id, one.rests) for one in rests), *proof.others]
            return Out(Way.UNDECIDED, Phrase("ha_somewhere", found), Phrase("do_decide_where"))
        if vm.may_start:
            return Out(Way.UNDECIDED, Phrase("ha_may_start_it", vm.may_start), Phrase("do_install_gate"))
        return None

    def standing(self, name: str) -> Standing:
        if name not in self._standings:
            self._standings[name] = _standing(self, name)
        return self._standings[name]


def _read(journal: Sequence[Past]) -> Tuple[List[Attempt], List[Word]]:
    attempts: List[Attempt] = []
    open_ones: Dict[Tuple[str, str], int] = {}
    words: List[Word] = []
    for one in journal:
        key = (one.kind, one.subject)
        if one.phase is Phase.STARTED:
            open_ones[key] = len(attempts)
            attempts.append(Attempt(one.kind, one.subject, one.at, one.values))
            continue
        place = open_ones.pop(key, None)
        if place is not None:
            begun = attempts[place]
            values = {**begun.values, **one.values}
            attempts[place] = Attempt(one.kind, one.subject, begun.began, values, one.at, one.phase is Phase.DONE)
        if one.kind == Ask.kind:
            words.append(_word(one))
    return attempts, words


def _word(one: Past) -> Word:
    said = one.values
    question, plan = Question(said["question"]), str(said.get("plan", ""))
    return Word(question, str(said["about"]), str(said["who"]), one.at, str(said["reason"]), bool(said["yes"]), plan)


def excused(nodes: Mapping[str, Node], journal: Sequence[Past]) -> Dict[str, str]:
    """Nodes proven off, and how: what whereabouts takes. A sign of life since a fence or a word ends what it proved."""
    attempts, words = _read(journal)
    found = {}
    for name, node in nodes.items():
        off = _off(name, node, attempts, words)
        if off.proven:
            found[name] = off.how
    return found


def _off(name: str, node: Node, attempts: Sequence[Attempt], words: Sequence[Word]) -> fencing.Off:
    back = max((one.last for one in attempts if one.kind == Returned.kind and one.subject == name), default=-math.inf)
    fence = _fence(name, attempts, back)
    said = [one for one in words if one.at > back]
    return fencing.off_proven(name, node.readings, fence, node.present, said)


def _fence(name: str, attempts: Sequence[Attempt], since: float = -math.inf) -> Optional[fencing.Fence]:
    """The last one that was not followed by power on."""
    for one in reversed(attempts):
        if one.subject == name and one.began > since and one.kind in (Fence.kind, PowerOn.kind):
            if one.kind == PowerOn.kind:
                return None
            if one.ended is None or one.done:
                commanded = bool(one.values.get("commanded"))
                return fencing.Fence(name, one.began, tuple(one.values.get("before", ())), commanded)
    return None


def decide(
    sight: Optional[Sight],
    journal: Sequence[Past],
    policy: Policy,
    place: Place,
    now: float,
    stages: Sequence[Stage] = (),
) -> Decision:
    """The first stage that holds says what is done next. ``place`` is asked once, for the plan."""
    case = Case(sight, journal, policy, place, now)
    name, held = "close", Holds((Close("recovery"),), Phrase("ha_all_out"))
    for stage in stages or STAGES:
        holds = stage.gate(case)
        if holds is not None:
            name, held = stage.name, holds
            break
    found = outs(case)
    ways = {vm: out.way.value for vm, out in found.items()}
    steps = tuple(replace(one, outs=ways) if isinstance(one, Close) else one for one in held.steps)
    return Decision(name, held.why, steps, found)


# The stages


def alone(case: Case) -> Optional[Holds]:
    if case.seen is None or case.seen.hold is None:
        return Holds((TakeHold("recovery"),), Phrase("ha_not_ours"))
    hold = case.seen.hold
    if hold.held_by:
        return Holds((), Phrase("ha_held_by", hold.held_by))
    held = case.of(TakeHold.kind)
    if not held or held[-1].values.get("epoch") != hold.epoch:
        return Holds((), Phrase("ha_overtaken"))
    newer = sorted(name for name, node in case.seen.nodes.items() if node.epoch > hold.epoch)
    if newer:
        return Holds((), Phrase("ha_newer_epoch", newer[0], hold.epoch))
    return None


def not_stopped(case: Case) -> Optional[Holds]:
    if case.sight.stop:
        why = Phrase("ha_stopped", case.sight.stop)
        return Holds((Close("recovery", why),), why)
    return None


def observed(case: Case) -> Optional[Holds]:
    """Nothing rests on what is old, or was read before the last step ended."""
    sight = case.sight
    done = max((one.last for one in case.own if one.kind not in (Ask.kind, Show.kind)), default=-math.inf)
    if case.now - sight.at > case.policy.max_age or sight.at < done:
        return Holds((Observe("zone"),), Phrase("ha_read_again"))
    returned = [name for name in case.sight.nodes if _has_returned(case, name)]
    if returned:
        return Holds(tuple(Returned(name) for name in returned), Phrase("ha_returned"))
    return None


def _has_returned(case: Case, name: str) -> bool:
    """It answers, and the journal says that it was fenced, or that it is off."""
    if not case.sight.nodes[name].answers:
        return False
    back = max((one.last for one in case.attempts if _is(one, Returned, name)), default=-math.inf)
    fenced = any(one.began > back for one in case.attempts if _is(one, Fence, name) or _is(one, PowerOn, name))
    said = any(one.at > back for one in case.words if one.question is Question.OFF and one.about == name and one.yes)
    return fenced or said


def _is(one: Attempt, step: Any, subject: str) -> bool:
    return bool(one.kind == step.kind and one.subject == subject)


def not_broken(case: Case) -> Optional[Holds]:
    """Before a node is fenced: is it the death of a node at all?"""
    silent = case.silent()
    coming = [name for name in silent if name in case.fences() and not case.tried(name)]
    if not coming or not case.lost():
        return None
    looks = breaks(case)
    if not looks:
        return None
    why = Phrase("ha_no_death", looks)
    for name in silent:
        said = [one for one in case.words if one.question is Question.BREAKER and one.about == name]
        if not any(one.plan == case.id for one in said):
            return Holds((Ask(name, why, question=Question.BREAKER, plan=case.id),), why)
    return written(case) or Holds((Close("recovery", why),), why)


def breaks(case: Case) -> Tuple[str, ...]:
    nodes = case.sight.nodes
    racks = {name: node.rack for name, node in nodes.items() if node.rack}
    reached = any(node.answers for node in nodes.values())
    zone = fencing.Zone(tuple(nodes), case.silent(), reached, racks, fence_times(case.attempts))
    return fencing.breaker(zone, case.words, case.id, case.now, case.policy.limits)


def fence_times(attempts: Iterable[Attempt]) -> Tuple[float, ...]:
    """Every off command that was begun, of all recoveries; one that is repeated until its BMC takes it is one."""
    times = []
    open_one: Dict[str, bool] = {}
    for one in attempts:
        if one.kind == Fence.kind:
            if not open_one.get(one.subject):
                times.append(one.began)
            open_one[one.subject] = not one.values.get("commanded")
        elif one.kind in (Close.kind, PowerOn.kind, Returned.kind):
            open_one.clear()
    return tuple(times)


def failed(case: Case) -> Optional[Holds]:
    """What failed: who is wanted and does not run. An old snapshot is asked about once, as the list shown."""
    unsure = sorted(name for name, vm in case.sight.vms.items() if vm.wanted.want is Want.ASK)
    if unsure and not case.of(Ask.kind, "wanted"):
        why = Phrase("ha_old_snapshot", unsure)
        return Holds((Ask("wanted", why, question=Question.WANTED),), why)
    return None


def planned(case: Case) -> Optional[Holds]:
    """Where to, and the plan shown. It names what is fenced and started; nothing else is."""
    plan = case.plan()
    if plan is not None:
        if plan.values.get("approved"):
            return None
        return Holds((Close("recovery", Phrase("ha_not_approved")),), Phrase("ha_plan_not_approved"))
    if not case.lost():
        return None
    unread = [name for name in case.silent() if _is_unread(case, name)]
    nodes = case.sight.nodes
    cut_off = not any(node.answers for node in nodes.values())
    if unread and not case.impatient:
        return Holds((_later(case),), CUT_OFF if cut_off else Phrase("ha_not_known_of", unread))
    fences = {name: case.fence_permit(name) for name in case.silent()}
    chosen = {name: permit.why for name, permit in fences.items() if permit.granted or permit.ask or permit.wait}
    chosen = {name: why for name, why in chosen.items() if case.may_be_fenced(name)}
    left = {name: out for name in case.lost() for out in [case.hindrance(name)] if out is not None}
    unproven = [name for name in case.silent() if name not in chosen]
    wanted = [name for name in case.lost() if name not in left]
    if unproven:
        said = Phrase("ha_silent_why", unproven[0], fences[unproven[0]].why)
        left.update(dict.fromkeys(wanted, Out(Way.UNDECIDED, said, Phrase("do_find_out", unproven[0]))))
        wanted, chosen = [], {}
    able = [name for name, node in nodes.items() if node.answers and not node.maintenance]
    # the node that is lost makes its peers ill, too: where none is fit yet, whoever becomes so will start them
    fit = [name for name in able if nodes[name].fit] or able
    placed = case.place(tuple(_database_first(case, wanted)), tuple(fit)) if wanted else {}
    starts = {name: one.node for name, one in placed.items() if one.node}
    left.update({name: Out(Way.NOT_STARTED, one.why, ROOM) for name, one in placed.items() if not one.node})
    if not starts:
        why = CUT_OFF if cut_off else Phrase("ha_nothing_starts")
        return written(case) or Holds((Close("recovery", why),), why)
    return Holds((Show("recovery", fences=chosen, starts=starts, left=left),), Phrase("ha_plan_shown"))


def _is_unread(case: Case, name: str) -> bool:
    return node_death.decide(case.sight.nodes[name].readings).verdict in (Death.UNKNOWN, Death.CONTRADICTION)


def _database_first(case: Case, names: Sequence[str]) -> List[str]:
    return sorted(names, key=lambda name: name != case.policy.database_vm)


def observed_again(case: Case) -> Optional[Holds]:
    """A person took their time over the plan, or over a question."""
    asked = max((one.last for one in case.own if one.kind in (Ask.kind, Show.kind)), default=-math.inf)
    if case.sight.at < asked:
        return Holds((Observe("zone"),), Phrase("ha_read_again"))
    return None


def fenced(case: Case) -> Optional[Holds]:
    """One node after the other; one that cannot be is given up, and its VMs are undecided."""
    for name in case.fences():
        if name in case.sight.nodes:
            standing = fence_standing(case, name)
            if isinstance(standing, Step):
                return Holds((standing,), standing.why)
            if isinstance(standing, Waits):
                return Holds((_later(case, standing.until),), standing.out.why)
    return None


def fence_standing(case: Case, name: str) -> Standing:
    node = case.sight.nodes[name]
    if name in case.off or node.answers:
        return Out(Way.RUNS, name)
    tried = case.tried(name)
    commanded = [one for one in tried if one.values.get("commanded")]
    if commanded:
        return _after_fence(case, name, commanded[-1])
    if len(tried) >= case.policy.tries:
        return _ask_off(case, name, Phrase("ha_bmc_refused"))
    permit = case.fence_permit(name)
    if permit.granted:
        return Fence(name, permit.why, case.not_after, tuple(node.present or ()))
    if permit.ask is Question.OFF:
        return _ask_off(case, name, permit.why)
    if permit.ask is not None:
        said = [one for one in case.of(Ask.kind, name) if one.values.get("question") == permit.ask.value]
        return Out(Way.UNDECIDED, permit.why) if said else Ask(name, permit.why, question=permit.ask)
    if permit.wait:
        return _until(case, permit.why, name)
    return Out(Way.UNDECIDED, permit.why)


def _until(case: Case, why: str, name: str) -> Standing:
    """Until quorum is decided and observed after, or patience ends."""
    cut = case.sight.nodes[name].cut
    decided = quorum.quorum(cut, case.now, case.policy.limits.takes).decided_at if cut is not None else None
    if decided is not None and case.now <= decided + case.policy.max_age:
        return Waits(Out(Way.UNDECIDED, why), min(decided + case.policy.poll, case.now + 60.0))
    return _patiently(case, Out(Way.UNDECIDED, why))


def _after_fence(case: Case, name: str, fence: Attempt) -> Standing:
    """The command was taken: is it off? A BMC can lie."""
    off = _off(name, case.sight.nodes[name], case.attempts, case.words)
    out = Out(Way.UNDECIDED, Phrase("ha_missing", name, off.missing))
    on = [one for one in case.of(PowerOn.kind, name) if one.began > fence.began]
    if on:
        if case.now - on[-1].last <= case.policy.booting:
            boots = Out(Way.UNDECIDED, Phrase("ha_boot_awaited", name))
            return Waits(boots, case.now + case.policy.poll)
        return _ask_off(case, name, out.why)
    # what was not there before cannot end: then no more is waited for than the power itself
    ends = _dead_time(case, name) if fence.values.get("before") else case.policy.limits.takes
    if case.now - fence.last <= ends:
        return Waits(out, case.now + case.policy.poll)
    readings = case.sight.nodes[name].readings
    dead = node_death.decide(readings).verdict is Death.OFF
    if dead and case.sight.nodes[name].gated:
        return PowerOn(name, Phrase("ha_no_effect"), case.not_after)
    if readings.bmc is node_death.Bmc.ON and len(case.of(Fence.kind, name)) < case.policy.tries:
        permit = case.fence_permit(name)
        if permit.granted:
            return Fence(name, permit.why, case.not_after, tuple(case.sight.nodes[name].present or ()))
    return _ask_off(case, name, out.why)


def _dead_time(case: Case, name: str) -> float:
    """So long its peers may take to declare it dead."""
    cut = case.sight.nodes[name].cut
    threshold = cut.timing.threshold if cut is not None and cut.timing is not None else 91
    return quorum.HEARTBEAT_INTERVAL * threshold + 30.0


def _ask_off(case: Case, name: str, why: str) -> Standing:
    asked = [one for one in case.of(Ask.kind, name) if one.values.get("question") == Question.OFF.value]
    if not asked:
        return Ask(name, Phrase("ha_is_it_off", why), question=Question.OFF)
    said = case.word(Question.OFF, name)
    if said is not None and said.yes:
        return _patiently(case, Out(Way.UNDECIDED, Phrase("ha_eviction_of", name)))
    return Out(Way.UNDECIDED, why)


def _patiently(case: Case, out: Out) -> Standing:
    return out if case.impatient else Waits(out, case.now + case.policy.poll)


def _later(case: Case, until: Optional[float] = None) -> Observe:
    return Observe("zone", until=case.now + case.policy.poll if until is None else until)


def _left_to_start(case: Case) -> bool:
    return any(not isinstance(case.standing(name), Out) for name in case.starts())


def recovered(case: Case) -> Optional[Holds]:
    """Until o2cb's recovery has ended on every node that answers, an `xl create` may wait unseen."""
    busy = [name for name, node in case.sight.nodes.items() if node.answers and node.recovering is not False]
    if busy and _left_to_start(case) and not case.impatient:
        return Holds((_later(case),), Phrase("ha_o2cb_recovers", busy))
    return None


def announced(case: Case) -> Optional[Holds]:
    hold = case.sight.hold
    epoch = hold.epoch if hold is not None else 0
    behind = [name for name, node in case.sight.nodes.items() if node.answers and node.epoch < epoch]
    tried = [one for one in case.of(Announce.kind) if one.values.get("epoch") == epoch]
    if behind and _left_to_start(case) and len(tried) < case.policy.tries:
        return Holds((Announce("zone", nodes=tuple(behind), epoch=epoch),), Phrase("ha_older_epochs"))
    return None


def started(case: Case) -> Optional[Holds]:
    """A batch at a time: what is under way comes first. One VM's failure never stops the others."""
    standings = {name: case.standing(name) for name in case.starts()}
    under_way = [one for name, one in standings.items() if case.of(Start.kind, name) and not isinstance(one, Out)]
    settling = [one for one in standings.values() if isinstance(one, Step) and not isinstance(one, Start)]
    again = [one for one in under_way if isinstance(one, Step)][: case.policy.parallel]
    if settling or again:
        return Holds((*settling, *(one for one in again if one not in settling)), Phrase("ha_under_way"))
    if under_way:
        return Holds((_later(case),), under_way[0].out.why if isinstance(under_way[0], Waits) else "")
    watched = _watched(case)
    if watched is not None:
        return watched
    ready = [one for one in standings.values() if isinstance(one, Start)]
    if ready:
        return Holds(tuple(ready[: case.policy.parallel]), Phrase("ha_batch"))
    waiting = [one for one in standings.values() if isinstance(one, Waits)]
    if waiting:
        return Holds((_later(case, min(one.until for one in waiting)),), waiting[0].out.why)
    return None


def _watched(case: Case) -> Optional[Holds]:
    """Without the site's HA held off all nodes are watched after each batch; its rows are written first."""
    if case.policy.held_off:
        return None
    begun = [one.last for one in case.of(Start.kind)]
    if begun and case.now - max(begun) <= case.policy.watch:
        return written(case) or Holds((_later(case, case.now + 2 * case.policy.poll),), Phrase("ha_watched"))
    return None


def verified(case: Case) -> Optional[Holds]:
    """Nothing is called running that was not seen to run, once, in readings after its start."""
    late = max((one.last for one in case.of(Start.kind)), default=-math.inf)
    if case.sight.at < late:
        return Holds((Observe("zone"),), Phrase("ha_where_again"))
    return None


def written(case: Case) -> Optional[Holds]:
    """Only what we started, and only what differs. The database may come up with the guests; rows are read again.

    What ends by itself, and not by a person's word, comes past here first.
    """
    steps: List[Step] = []
    unread: List[str] = []
    for name in case.ours():
        vm = case.sight.vms.get(name)
        node = _runs_on(vm)
        if vm is None or not node or vm.row == node:
            continue
        if vm.row is None:
            unread.append(name)
        elif len(case.of(Write.kind, name)) < case.policy.tries:
            steps.append(Write(name, Phrase("ha_runs_on", node), case.not_after, node, vm.row))
    if steps:
        return Holds(tuple(steps), Phrase("ha_row_written"))
    if unread and not case.impatient:
        return Holds((_later(case),), Phrase("ha_rows_unread", unread))
    return None


def _runs_on(vm: Optional[Vm]) -> str:
    awake = [one for one in vm.proof.domains if not one.rests] if vm is not None else []
    return awake[0].node if len(awake) == 1 else ""


class Fails(str, enum.Enum):
    """What a gate does with what is not known, once patience has ended."""

    CLOSED = "closed"  # what waited is given up, or the recovery ends
    OPEN = "open"  # it goes on: a later gate is closed, or what was not done is said


class Stage(NamedTuple):
    name: str
    gate: Callable[[Case], Optional[Holds]]
    fails: Fails


STAGES: Tuple[Stage, ...] = (
    Stage("alone", alone, Fails.CLOSED),
    Stage("stop", not_stopped, Fails.CLOSED),
    Stage("observe", observed, Fails.CLOSED),
    Stage("breaker", not_broken, Fails.CLOSED),
    Stage("what failed", failed, Fails.CLOSED),
    Stage("plan", planned, Fails.CLOSED),
    Stage("observe again", observed_again, Fails.CLOSED),
    # a node that is not proven off is left, and whatever may be on it is not started
    Stage("fence", fenced, Fails.OPEN),
    # no VM is proven off while o2cb recovers
    Stage("o2cb", recovered, Fails.OPEN),
    # a node that does not hear of the epoch is silent for every proof
    Stage("epoch", announced, Fails.OPEN),
    Stage("start", started, Fails.CLOSED),
    Stage("verify", verified, Fails.CLOSED),
    # the way out says that the row is not written
    Stage("database", written, Fails.OPEN),
)


# One VM


def _standing(case: Case, name: str) -> Standing:
    vm = case.sight.vms.get(name)
    if vm is None:
        return Out(Way.UNDECIDED, Phrase("ha_not_known"), Phrase("do_vm_where"))
    proof = vm.proof
    node = _runs_on(vm)
    if proof.suspected or len([one for one in proof.domains if not one.rests]) > 1:
        return Out(Way.UNDECIDED, Phrase("ha_twice"), Phrase("do_vm_twice"))
    begun = _open_start(case, name)
    if begun is not None:
        return _begun(case, name, vm, begun)
    if node:
        return Out(Way.RUNS, node)
    lost = [one for one in vm.jobs if one.node in case.off]
    if lost:
        return _lost_job(case, name, vm, lost[0])
    return _unbegun(case, name, vm)


def _open_start(case: Case, name: str) -> Optional[Attempt]:
    """The last start, of whichever recovery, unless what became of it was known when that one was closed."""
    open_one = None
    for one in case.attempts:
        if _is(one, Start, name):
            open_one = one
        elif one.kind == Close.kind and one.values.get("outs", {}).get(name) in (Way.RUNS, Way.NOT_STARTED):
            open_one = None
    return open_one


def _begun(case: Case, name: str, vm: Vm, begun: Attempt) -> Standing:
    """A start was asked for: what became of its job? Until that is known nobody else is asked."""
    where, job = str(begun.values["node"]), str(begun.values["job"])
    node = case.sight.nodes.get(where)
    runs = _runs_on(vm)
    ours = begun.began > case.closed
    if where in case.off:
        return _again(case, name, vm, begun, Phrase("ha_went_off", where))
    if node is None or not node.answers:
        return _patiently(case, Out(Way.UNDECIDED, Phrase("ha_job_unheard", job, where)))
    told = node.jobs.get(job, Job(JobState.NEVER_STARTED))
    if told.state in (JobState.RUNNING, JobState.UNKNOWN):
        return _patiently(case, Out(Way.UNDECIDED, Phrase("ha_job_is", job, _STATES[told.state], where)))
    if runs:
        return Out(Way.RUNS, runs)
    if told.state is JobState.NEVER_STARTED:
        sent = [one for one in case.of(Start.kind, name) if one.values["job"] == job]
        if ours and len(sent) < case.policy.tries:
            start = _unbegun(case, name, vm)
            if isinstance(start, Start):
                return Start(name, Phrase("ha_same_job"), case.not_after, where, job)
        if case.of(Revoke.kind, name):
            return Out(Way.UNDECIDED, Phrase("ha_not_revoked", job, where), Phrase("do_node_job_info"))
        return Revoke(name, Phrase("ha_not_begun"), node=where, job=job)
    if told.state is JobState.FINISHED and not told.said:
        return _patiently(case, Out(Way.NOT_STARTED, Phrase("ha_ended_again", where), Phrase("do_see_log")))
    return _again(case, name, vm, begun, told.said or Phrase("ha_job_was", job, _STATES[told.state]))


def _again(case: Case, name: str, vm: Vm, begun: Attempt, why: str) -> Standing:
    """That job has ended, or its node is off: another is a new start, for which everything is proven anew."""
    node = _runs_on(vm)
    if node:
        return Out(Way.RUNS, node)
    jobs = {str(one.values["job"]) for one in case.of(Start.kind, name)}
    if len(jobs) >= case.policy.tries - 1:
        return Out(Way.NOT_STARTED, why, Phrase("do_mend_said"))
    return _unbegun(case, name, vm)


def _unbegun(case: Case, name: str, vm: Vm) -> Standing:
    """May it be started now?"""
    target = case.starts().get(name, "")
    node = case.sight.nodes.get(target)
    if node is None or not node.answers or not node.fit:
        return _patiently(
            case,
            Out(Way.NOT_STARTED, Phrase("ha_target_not_fit", target), Phrase("do_mend")),
        )
    hindered = case.hindrance(name)
    if hindered is not None:
        return _patiently(case, hindered)
    late = without_database(case, name)
    if late is not None:
        return late
    quiet = case.now - case.sight.quiet_since
    if not case.policy.held_off and quiet < case.policy.quiet:
        # whoever else starts guests here does not come to an end: this waits as long as anything
        return _patiently(case, Out(Way.UNDECIDED, Phrase("ha_quiet", "%.0f" % quiet)))
    wish = vm_act.Wish(
        vm_act.State.RUNNING,
        target,
        max_age=case.policy.max_age,
        quiet=case.policy.quiet,
        held_off=case.policy.held_off,
    )
    decided = vm_act.decide(vm.proof, wish, case.now)
    if decided.act is vm_act.Act.START:
        number = len([one for one in case.attempts if _is(one, Start, name)]) + 1
        hold = case.sight.hold
        job = "ha-%d-%d-%s" % (hold.epoch if hold is not None else 0, number, name)
        return Start(name, Phrase("ha_proven_off"), case.not_after, target, job)
    without_answer = [one for one in vm.proof.silent if one in case.sight.nodes]
    silent = [one for one in without_answer if not case.sight.nodes[one].answers]
    if silent:
        return _may_be_on(case, silent[0])
    if without_answer:
        return _patiently(case, Out(Way.UNDECIDED, Phrase("ha_read_once", without_answer)))
    return _patiently(case, Out(Way.UNDECIDED, decided.said or Phrase("vm_not_proven_off")))


def _may_be_on(case: Case, name: str) -> Standing:
    """The node is silent. One in maintenance is never switched off by us: a person says that it is."""
    node, do = case.sight.nodes[name], Phrase("do_say_off", name)
    if node.maintenance:
        asked = _ask_off(case, name, Phrase("ha_in_maintenance", name))
        out = Out(Way.UNDECIDED, Phrase("ha_may_be_maintained", name), do)
        return out if isinstance(asked, Out) else asked
    missing = _off(name, node, case.attempts, case.words).missing
    out = Out(Way.UNDECIDED, Phrase("ha_may_be_there", name, missing), do)
    fence = fence_standing(case, name)
    # of a node that was given up a person has to say more, in a run of their own
    given_up = isinstance(fence, Out) and fence.way is Way.UNDECIDED
    return out if given_up else _patiently(case, out)


def without_database(case: Case, name: str) -> Optional[Standing]:
    """By rule 53: without the database only the VM that holds it is started."""
    if case.sight.database or name == case.policy.database_vm:
        return None
    return _patiently(case, Out(Way.UNDECIDED, Phrase("ha_no_database"), Phrase("do_bring_back")))


def _lost_job(case: Case, name: str, vm: Vm, job: OpenJob) -> Standing:
    """By rule 29 and rule 34: its node is proven off. Its restore step is run elsewhere, and the VM is taken in."""
    if job.target:
        outcome = migration_outcome.outcome(_end(case, vm, job.node), _end(case, vm, job.target))
        copy = vm.copies.get(job.target)
        if outcome.verdict is not migration_outcome.Verdict.NOWHERE:
            if outcome.verdict is not migration_outcome.Verdict.UNTOUCHED or copy is None or copy.ever_unpaused:
                said = Phrase("ha_copy_on", job.target, outcome.why or Phrase("ha_copy_rests"))
                return _patiently(case, Out(Way.UNDECIDED, said, Phrase("do_decide_where")))
            if len(case.of(DestroyCopy.kind, name)) >= case.policy.tries:
                return Out(Way.UNDECIDED, Phrase("ha_copy_stays", job.target))
            return DestroyCopy(name, Phrase("ha_never_unpaused"), case.not_after, job.target)
    if len(case.of(CloseJob.kind, name)) >= case.policy.tries:
        return Out(Way.UNDECIDED, Phrase("ha_not_closed", job.name))
    where = case.starts().get(name, "")
    return CloseJob(name, Phrase("ha_is_off", job.node), case.not_after, job.name, where)


def _end(case: Case, vm: Vm, name: str) -> Optional[migration_outcome.End]:
    node = case.sight.nodes.get(name)
    if name in case.off:
        return migration_outcome.End()
    if node is None or not node.answers:
        return None
    return migration_outcome.End(vm.copies.get(name))


def outs(case: Case) -> Dict[str, Out]:
    """Every VM that is wanted, or may be, as it stands."""
    found: Dict[str, Out] = {}
    if case.seen is None:
        return found
    starts, ours = case.starts(), case.ours()
    for name, vm in case.seen.vms.items():
        if vm.wanted.want is Want.STAYS_OFF:
            continue
        out = _out(case, name, vm, name in starts)
        if out.way is Way.RUNS and name in ours and vm.row != out.why:
            out = Out(out.way, out.why, Phrase("do_write_row"))
        found[name] = out
    return found


def _out(case: Case, name: str, vm: Vm, planned: bool) -> Out:
    node = _runs_on(vm)
    if planned:
        standing = case.standing(name)
        if isinstance(standing, Out):
            return standing
        if isinstance(standing, Waits):
            return standing.out
        begun = _open_start(case, name) is not None
        return Out(
            Way.UNDECIDED if begun else Way.NOT_STARTED,
            Phrase("ha_not_done_yet", standing.kind),
            Phrase("do_run_again"),
        )
    if vm.proof.suspected:
        return Out(Way.UNDECIDED, Phrase("ha_twice"), Phrase("do_vm_twice"))
    if node:
        return Out(Way.RUNS, node)
    if vm.wanted.want is Want.DISPUTED:
        return Out(Way.UNDECIDED, vm.wanted.why, Phrase("do_vm_where"))
    if vm.wanted.want in (Want.ASK, Want.NOT_KNOWN):
        return Out(Way.NOT_STARTED, vm.wanted.why, Phrase("do_ask_owner"))
    hindered = case.hindrance(name)
    if hindered is not None:
        return hindered
    plan = case.plan()
    left = plan.values["left"].get(name) if plan is not None else None
    if left:
        kept = plan.values.get("phrases", {}) if plan is not None else {}
        return Out(Way(left["way"]), restored(left["why"], kept), restored(left["do"], kept))
    missing = [*(Phrase("ha_silent", one) for one in vm.proof.silent), *vm.proof.gaps]
    why = Phrase("joined", missing) if missing else Phrase("ha_no_plan")
    return Out(Way.UNDECIDED, why, Phrase("do_run_again"))


def quiet_since(rounds: Sequence[Tuple[float, Mapping[str, Iterable[str]]]], ours: Iterable[str]) -> float:
    """Since when nobody else was seen to start or stop a VM. ``rounds``: when, and by answering node what ran there.

    ``ours``: VMs that this collection started. Before the first reading nothing is known.
    """
    own = set(ours)
    since = rounds[0][0]
    for (_at, before), (at, after) in zip(rounds, rounds[1:]):
        for node in set(before) & set(after):
            if (set(before[node]) ^ set(after[node])) - own:
                since = at
    return since


def words_of(journal: Sequence[Past]) -> List[Word]:
    """What people said, with their names and reasons."""
    return _read(journal)[1]
