# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A controller that runs a recovery: observe, decide, journal, act, journal. It may crash or sleep anywhere."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace

import reader
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import (
    fencing,
    node_death,
    recovery,
    recovery_steps,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.node_death import Death
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.recovery_steps import Past, Phase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.epoch import Epoch
from ansible_collections.cloudops.hypervisor.plugins.module_utils.refusal import Refusal
from reader import Kept, Memory
from world import ZONE, Broken, Domain, Node, Process, World

BETWEEN = 3.2


class LockLost(Exception):
    """Another run has the zone: nothing may be journalled any more."""


@dataclass
class Store:
    """The journal and the lock, of one controller or of several."""

    journal: list[Past] = field(default_factory=list)
    epoch: int = 0
    owner: Controller | None = None


@dataclass
class People:
    """How those answer who are asked. What they say of power is true."""

    fence: bool = True
    breaker: bool = False
    plan: bool = True
    patience: float = 30.0


@dataclass(eq=False)
class Controller:
    name: str
    world: World
    store: Store
    kept: Kept
    people: People
    policy: recovery_steps.Policy
    place: Callable[[World], recovery_steps.Place]
    dead: bool = False
    ended: bool = False
    outs: dict[str, recovery_steps.Out] | None = None
    hold: recovery_steps.Hold | None = None
    sight: recovery_steps.Sight | None = None
    memory: Memory = field(default_factory=Memory)
    stop: bool = False
    naps: list[tuple[int, float]] = field(default_factory=list)
    crash_at: int = -1
    steps: int = 0
    asleep: bool = False
    truths: dict[str, node_death.Readings] = field(default_factory=dict)
    stages: tuple = recovery.STAGES

    # A point at which it may crash, or sleep

    def point(self) -> Process:
        self.steps += 1
        if self.steps == self.crash_at:
            self.world.note(self.name, "crashes")
            self.die()
        for at, seconds in self.naps:
            if at == self.steps:
                self.world.note(self.name, "sleeps for", round(seconds))
                self.asleep = seconds > 60
                yield seconds
                self.asleep = False
        if self.dead:
            raise LockLost

    def die(self) -> None:
        self.dead = True
        if self.world.database_lock == self.name:
            self.world.database_lock = None

    def run(self) -> Process:
        try:
            yield from self._run()
        except LockLost:
            self.world.note(self.name, "has ended without the zone")
        self.ended = True
        if self.world.database_lock == self.name:
            self.world.database_lock = None

    def _run(self) -> Process:
        world = self.world
        while True:
            place = self.place(world)
            decision = recovery.decide(self.sight, self.store.journal, self.policy, place, world.now, self.stages)
            yield from self.point()
            if not decision.steps:
                world.note(self.name, "ends:", decision.why)
                return
            if not isinstance(decision.steps[0], recovery_steps.Observe):
                world.note(self.name, decision.stage, "|", decision.why)
            for step in decision.steps:
                if isinstance(step, recovery_steps.Observe):
                    yield max(step.until - world.now, 0.0)
                    continue
                if isinstance(step, recovery_steps.TakeHold):
                    yield from self.take_hold()
                    continue
                if isinstance(step, recovery_steps.Close):
                    self.close(decision)
                    return
                yield from self.do(step)
            yield from self.observe()

    def observe(self) -> Process:
        first = reader.read_round(self.world)
        yield BETWEEN
        yield from self.point()
        asked = next((one.who for one in self._words() if one.question is fencing.Question.WANTED and one.yes), None)
        self.sight = reader.sight(
            self.world, self.kept, self.memory, self.store.journal, self.hold, first, self.stop, asked
        )
        self.truths = {name: reader.truth(self.world, name) for name in self.world.nodes}
        yield 0.3

    def _words(self) -> list[fencing.Word]:
        return recovery.words_of(self.store.journal)

    def journal(self, phase: Phase, step: recovery_steps.Step, values: dict[str, object]) -> None:
        if self.store.owner is not self or self.dead:
            raise LockLost
        self.store.journal.append(Past(self.world.now, phase, step.kind, step.subject, values))

    def take_hold(self) -> Process:
        """As the roles do it: the store's lock, the database's, then an epoch that no node has heard of."""
        world, store = self.world, self.store
        if store.owner is not None and store.owner is not self and not store.owner.dead and not store.owner.ended:
            self.hold = recovery_steps.Hold(held_by=store.owner.name)
        elif world.database_up and world.database_lock not in (None, self.name) and "hold" not in world.relaxed:
            self.hold = recovery_steps.Hold(held_by=world.database_lock or "")
        else:
            store.owner = self
            world.holder = self.name
            if world.database_up:
                world.database_lock = self.name
            store.epoch += 1
            heard = [one.epoch for one in world.nodes.values() if reader.answers(world, one)]
            if max(heard, default=0) >= store.epoch:
                store.epoch = max(heard) + 1
            self.hold = recovery_steps.Hold(store.epoch)
            step = recovery_steps.TakeHold("recovery")
            self.journal(Phase.STARTED, step, {})
            self.journal(Phase.DONE, step, {"epoch": store.epoch})
            self.tell_epoch([one.name for one in world.nodes.values() if reader.answers(world, one)])
        yield 0.5
        if self.sight is not None:
            self.sight = replace(self.sight, hold=self.hold)

    def tell_epoch(self, names: list[str]) -> None:
        for name in names:
            node = self.world.nodes[name]
            if reader.answers(self.world, node):
                newest = Epoch(ZONE, node.epoch) if node.epoch else None
                try:
                    Epoch(ZONE, self.store.epoch).check(newest, name)
                except Refusal:
                    continue
                node.epoch = self.store.epoch

    def do(self, step: recovery_steps.Step) -> Process:
        """Journal it, do it unless what it rests on is too old by now, journal what came of it."""
        values = {name: value for name, value in asdict(step).items() if name not in ("kind", "subject")}
        yield from self.point()
        self.journal(Phase.STARTED, step, values)
        yield from self.point()
        if self.world.now > step.not_after:
            self.journal(Phase.FAILED, step, {"said": "too late"})
            return
        if self.world.holder != self.name and step.not_after < math.inf:
            raise Broken(f"{self.name} acts on the zone, which {self.world.holder} has: {step.kind} {step.subject}")
        act = getattr(self, "_" + step.kind)
        done, result = yield from act(step)
        yield from self.point()
        if result is not None:
            self.journal(Phase.DONE if done else Phase.FAILED, step, result)

    # The steps

    def _word(self, step: recovery_steps.Ask) -> Process:
        yield self.people.patience
        world, question = self.world, step.question
        yes = {
            fencing.Question.FENCE: self.people.fence,
            fencing.Question.BREAKER: self.people.breaker,
            # this one is kept off by hand, and stays it
            fencing.Question.OFF: step.subject in world.nodes and self.keeps_off(step.subject),
            fencing.Question.WANTED: all(world.wanted[vm] for vm in world.vms if self.kept.ran[vm]),
            fencing.Question.PLAN: self.people.plan,
        }[question]
        said = {"question": question.value, "about": step.subject, "who": "a person", "plan": step.plan}
        return True, {**said, "reason": "seen", "yes": yes}

    def keeps_off(self, name: str) -> bool:
        return not self.world.nodes[name].power

    def _plan(self, step: recovery_steps.Show) -> Process:
        yield self.people.patience
        return True, {"approved": self.people.plan}

    def _returned(self, step: recovery_steps.Returned) -> Process:
        yield 0.0
        return True, {}

    def _announce(self, step: recovery_steps.Announce) -> Process:
        yield 0.5
        self.tell_epoch(list(step.nodes))
        return True, {}

    def _fence(self, step: recovery_steps.Fence) -> Process:
        yield 0.5
        commanded = self.command(step.subject, False)
        yield 2.0
        return commanded, {"commanded": commanded}

    def command(self, name: str, on: bool) -> bool:
        """One session: who is it, then the command."""
        world = self.world
        bmc = world.bmcs[name]
        if bmc.answers in ("silent", "denied") or not fencing.is_its_bmc(name, bmc.leads):
            return False
        node = world.nodes[bmc.leads]
        if not on:
            self.may_be_fenced(node)
            world.fences.append((world.now, node.name))
        bmc.said = "on" if on else "off"
        world.note(self.name, "switches", node.name, bmc.said)
        if bmc.answers == "ok":
            world.power_on(node) if on else world.power_off(node)
        return True

    def may_be_fenced(self, node: Node) -> None:
        """No fence without its row: true now, or when it was read a moment ago."""
        world = self.world
        said = fencing.word(self._words(), fencing.Question.FENCE, node.name, world.now, self.policy.limits)
        rows = [node_death.decide(reader.truth(world, node.name))]
        if self.sight is not None and world.now - self.sight.at <= 16.0:
            rows.append(node_death.decide(self.truths[node.name]))
        by_word = said is not None and said.yes
        for one in rows:
            if one.verdict in (Death.HUNG, Death.OFF, Death.CUT_OFF, Death.CUT_OFF_WITH_BMC, Death.UNPROVEN):
                break
            if one.verdict in (Death.EVICTED, Death.DOM0_HUNG) and by_word:
                break
        else:
            raise Broken(f"{node.name} was fenced, and is {rows[0].verdict.value}: no row allows it")
        if node.maintenance:
            raise Broken(f"{node.name} was fenced in maintenance")
        if not any(one.kind == "plan" and one.phase is Phase.DONE for one in self.store.journal):
            raise Broken(f"{node.name} was fenced before any plan was shown")
        lifted = any(
            one.question is fencing.Question.BREAKER and one.yes and one.about == node.name for one in self._words()
        )
        recent = {name for at, name in world.fences if world.now - at < 24 * 3600.0} | {node.name}
        silent = [
            one.name
            for one in world.nodes.values()
            if not reader.answers(world, one) and (one.power or one is node) and not one.maintenance
        ]
        if not lifted and len(recent) > 2:
            raise Broken(f"{node.name} is the third node fenced in a day")
        if not lifted and len(silent) > 1 and self.silent_at_sight() > 1:
            raise Broken(f"{node.name} was fenced while {len(silent)} nodes are silent")

    def silent_at_sight(self) -> int:
        off = recovery.excused(self.sight.nodes, self.store.journal) if self.sight else {}
        nodes = self.sight.nodes if self.sight else {}
        return len([name for name, one in nodes.items() if not one.answers and name not in off and not one.maintenance])

    def _power_on(self, step: recovery_steps.PowerOn) -> Process:
        yield 1.0
        return self.command(step.subject, True), {}

    def _start(self, step: recovery_steps.Start) -> Process:
        world = self.world
        node = world.nodes[step.node]
        if world.wanted[step.subject] is False:
            raise Broken(f"{step.subject} was started, and its owner had stopped it")
        if not world.database_up and self.policy.database_vm not in ("", step.subject):
            raise Broken(f"{step.subject} was started while the database was gone")
        world.ours.add(step.subject)
        delay = world.random.choice((0.2, 0.5, 1.0, 8.0))
        if world.shape.slow and world.random.random() < 0.4:
            delay = world.random.uniform(20, 400)
        lost = delay > 10 or world.random.random() < 0.15
        epoch = self.store.epoch
        if reader.answers(world, node):
            if world.shape.by_api:
                world.api_start(node, step.job, step.subject, lost)
            else:
                world.after(delay, lambda: world.order(node, step.job, step.subject, epoch))
        yield 1.5 if lost else delay + 0.5
        # what became of it is what its node tells
        return not lost, {}

    def _revoke(self, step: recovery_steps.Revoke) -> Process:
        yield 0.5
        node = self.world.nodes[step.node]
        if reader.answers(self.world, node) and step.job not in node.jobs:
            node.revoked.add(step.job)
            return True, {}
        return False, {}

    def _close_job(self, step: recovery_steps.CloseJob) -> Process:
        yield 0.5
        self.world.migrations.pop(step.subject, None)
        self.world.image_jobs.pop(step.subject, None)
        return True, {}

    def _destroy_copy(self, step: recovery_steps.DestroyCopy) -> Process:
        yield 1.0
        node = self.world.nodes[step.node]
        copy = node.domains.get(step.subject)
        if isinstance(copy, Domain) and reader.answers(self.world, node):
            if copy.ever_ran:
                raise Broken(f"the copy of {step.subject} on {node.name} was destroyed, and it had run")
            node.domains.pop(step.subject)
        return True, {}

    def _write(self, step: recovery_steps.Write) -> Process:
        yield 0.5
        world = self.world
        if world.database_up and world.rows[step.subject] == step.was:
            world.rows[step.subject] = step.node
            # the answer to the commit may be lost
            return world.random.random() < 0.9, {}
        return False, {}

    def close(self, decision: recovery.Decision) -> None:
        step = decision.steps[0]
        self.journal(Phase.STARTED, step, {"outs": step.outs})
        self.journal(Phase.DONE, step, {})
        self.outs = dict(decision.outs)
        self.store.owner = None
        self.world.note(
            self.name, "closes:", decision.why, {vm: f"{o.way.value}: {o.why}" for vm, o in self.outs.items()}
        )
        self.all_out(step.why)

    def all_out(self, why: str) -> None:
        """Nobody is forgotten, and what is said to run does."""
        world = self.world
        for vm in world.vms:
            out = self.outs.get(vm) if self.outs is not None else None
            if out is None:
                if world.wanted[vm]:
                    raise Broken(f"{vm} is forgotten")
                continue
            if not out.why:
                raise Broken(f"{vm}: {out.way.value}, without a reason")
            begun = any(one.kind == "start" and one.subject == vm for one in self.store.journal)
            where = world.running(vm)
            # nobody can know of what the database came back with since it was read
            known = self.sight is None or world.rows_aged < self.sight.at
            if out.way is recovery_steps.Way.RUNS and begun and known and where and world.rows[vm] != where[0]:
                wrong = f"{vm} runs on {where[0]}, and its row says {world.rows[vm]}"
                if not out.do:
                    raise Broken(f"{wrong}: nobody is told")
                # a person may end it at once; what ends by itself corrects what it can read
                if (
                    not why.startswith(("stopped", "not approved"))
                    and self.sight
                    and self.sight.vms[vm].row is not None
                ):
                    raise Broken(wrong)
