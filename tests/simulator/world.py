# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A zone as it really is, in discrete events: nodes, guests, o2cb, BMCs, leases, jobs, the database, uxen's own HA.

It knows none of the rules. What it does was measured on real nodes. Where what somebody else does cannot be seen in
time by anybody (a button pressed in the very second of a start), it is not done here: the README says so.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field

from ansible_collections.cloudops.hypervisor.plugins.module_utils.epoch import Epoch
from ansible_collections.cloudops.hypervisor.plugins.module_utils.refusal import Refusal

BEAT = 2.0
ZONE = "zone"
# a start's job waits for its lease no longer: what was read of the other nodes grows old meanwhile
LEASE_WITHIN = 10.0
# no request to the API has an effect later
API_BOUND = 290.0

Process = Generator[float, None, None]


class Broken(Exception):
    """An invariant does not hold."""


@dataclass
class Domain:
    """``left``: a source that was suspended, or a copy that comes in; both rest, like a paused one."""

    since: float
    rests: str = ""
    moving: bool = False
    ever_ran: bool = True


@dataclass
class Job:
    """A node job of ours. ``acted``: it came to `xl create`."""

    name: str
    vm: str
    epoch: int
    state: str = "running"
    acted: bool = False
    said: str = ""
    boot: int = 0


@dataclass
class Lease:
    """``queue``: who waits, in order: (node, boot, what to do with it). ``held_by``: node and job."""

    holder: tuple[str, str] | None = None
    queue: list[tuple[str, int, Callable[[], None]]] = field(default_factory=list)


@dataclass
class Bmc:
    """``answers``: ok, silent, lies (says what was asked for and does nothing) or denied; ``leads``: to which node."""

    leads: str
    answers: str = "ok"
    said: str = "on"


@dataclass(eq=False)
class Node:
    name: str
    number: int
    power: bool = True
    up: bool = True
    boot: int = 1
    frozen: bool = False
    hung: bool = False
    guests_dead: bool = False
    management: bool = True
    side: int = 0
    guest_net: bool = True
    storage: bool = True
    mounted: bool = True
    evicted: bool = False
    recovering_until: float = 0.0
    gated: bool = True
    gate_open: bool = True
    maintenance: bool = False
    rack: str = ""
    epoch: int = 0
    recorded_boot: int = 1
    stopped_beating: float | None = None
    beating_before: bool = True
    autostart: set[str] = field(default_factory=set)
    domains: dict[str, Domain] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    tools: dict[str, str] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)

    @property
    def runs(self) -> bool:
        """Its kernel does something."""
        return self.power and self.up and not self.frozen


@dataclass(frozen=True)
class Shape:
    """What a zone is from the beginning."""

    nodes: int
    ocfs2: bool
    idle: float
    threshold: int
    vms: int
    gated: bool = True
    held_off: bool = False
    database_vm: bool = False
    by_api: bool = False
    inventory_lacks: int = -1
    switch: bool = True
    column: str = "all"
    slow: bool = False


class World:
    """``relaxed``: what of the rules the nodes and locks do not heed: epoch, leases, late child, hold, return."""

    def __init__(self, shape: Shape, seed: int, relaxed: frozenset[str] = frozenset()) -> None:
        self.shape = shape
        self.random = random.Random(seed)
        self.relaxed = relaxed
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self.log: list[str] = []
        names = [f"n{number}" for number in range(shape.nodes)]
        self.nodes = {
            name: Node(name, number, gated=shape.gated, rack=f"r{number % 2}" if shape.nodes > 2 else "")
            for number, name in enumerate(names)
        }
        self.bmcs = {name: Bmc(name) for name in names}
        self.vms = [f"vm{number}" for number in range(shape.vms)]
        self.leases = {vm: Lease() for vm in self.vms}
        self.rows = {vm: names[number % len(names)] for number, vm in enumerate(self.vms)}
        self.rows_aged = -math.inf
        # by whom a VM is wanted: its owner's word is the truth, a column or a snapshot may tell
        self.wanted = dict.fromkeys(self.vms, True)
        self.images: dict[str, list[str]] = {vm: [] for vm in self.vms}
        self.image_jobs: dict[str, tuple[str, str]] = {}
        self.migrations: dict[str, tuple[str, str, str]] = {}
        self.database_up = True
        self.database_lock: str | None = None
        self.holder = ""
        self.controller_guest_net = True
        self.controller_reaches = True
        self.ours: set[str] = set()
        self.api_tasks: dict[str, str] = {}
        """Our starts that it was asked for and has not done, with their VMs: whoever asks the API sees them."""
        self.errors: dict[tuple[int, int], float] = {}
        self.cuts: dict[tuple[int, int], float] = {}
        self.last_connected: dict[tuple[int, int], float] = {}
        self.fences: list[tuple[float, str]] = []
        self.inventory: tuple[str, ...] = tuple(names)
        for vm, name in self.rows.items():
            self.nodes[name].domains[vm] = Domain(0.0)
            self.nodes[name].autostart.add(vm)

    # Time

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (self.now + seconds, self._count, do))

    def spawn(self, process: Process) -> None:
        def step() -> None:
            try:
                seconds = next(process)
            except StopIteration:
                return
            self.after(seconds, step)

        self.after(0.0, step)

    def run(self, until: Callable[[], bool], limit: float) -> None:
        while self._events and not until():
            self.now, _count, do = heapq.heappop(self._events)
            if self.now > limit:
                raise Broken("it does not end")
            do()

    def note(self, *said: object) -> None:
        self.log.append(f"{self.now:9.1f} " + " ".join(map(str, said)))

    # Guests

    def running(self, vm: str) -> list[str]:
        return [
            node.name
            for node in self.nodes.values()
            if node.runs and not node.guests_dead and vm in node.domains and not node.domains[vm].rests
        ]

    def anywhere(self, vm: str) -> bool:
        """Also where it is frozen, comes in, is worked on, or somebody is about to start it."""
        return vm in (*self.image_jobs, *self.api_tasks.values()) or any(
            node.power and (vm in node.domains or vm in node.tools.values()) for node in self.nodes.values()
        )

    def check(self, vm: str) -> None:
        where = self.running(vm)
        if len(where) > 1:
            raise Broken(f"{vm} runs twice: {' and '.join(where)}")
        writers = [one for one in self.images[vm] if self.nodes[one].runs]
        if where and writers:
            raise Broken(f"the image of {vm} has two writers: its guest on {where[0]}, a job on {writers[0]}")

    def create(self, node: Node, vm: str, by: str) -> str:
        """What `xl create` does: it refuses a name that it has itself, and nothing else."""
        if vm in node.domains:
            return "has_domain"
        if self.shape.ocfs2 and not node.mounted:
            return "not_mounted"
        node.domains[vm] = Domain(self.now)
        self.note(by, "creates", vm, "on", node.name)
        self.check(vm)
        return ""

    # Power

    def power_off(self, node: Node) -> None:
        if node.power:
            self.note(node.name, "loses power")
        node.power = node.up = node.mounted = node.frozen = node.hung = node.guests_dead = False
        node.domains.clear()
        node.tools.clear()
        for vm, job in list(self.image_jobs.items()):
            if job[0] == node.name:
                self.images[vm] = []
        self.touch(node)

    def power_on(self, node: Node) -> None:
        if not node.power:
            self.note(node.name, "gets power")
            node.power = True
            self._boots(node)

    def reboot(self, node: Node, why: str) -> None:
        self.note(node.name, "reboots:", why)
        self.power_off(node)
        node.power = True
        self._boots(node)

    def _boots(self, node: Node) -> None:
        node.boot += 1
        boot = node.boot
        node.gate_open = not node.gated

        def is_up() -> None:
            if node.power and node.boot == boot:
                node.up = True
                node.storage = True
                for job in node.jobs.values():
                    if job.state == "running":
                        job.state = "lost"
                self.note(node.name, "is up")
                self._mounts(node, boot)

        self.after(self.random.uniform(40, 120), is_up)

    def _mounts(self, node: Node, boot: int) -> None:
        """A node joins only if it reaches everybody who beats."""
        if not (node.runs and node.boot == boot) or node.mounted:
            return
        others = [one for one in self.nodes.values() if one is not node and self.beats(one)]
        if self.shape.ocfs2 and not all(self.connected(node, one) for one in others):
            self.after(10.0, lambda: self._mounts(node, boot))
            return
        if not node.evicted and node.stopped_beating is not None:
            self._declare(node)
        node.mounted, node.evicted = True, False
        self.touch(node)
        self.note(node.name, "has its storage")
        if node.gate_open:
            self.autostart(node)

    def autostart(self, node: Node) -> None:
        """It looks at nothing; that it doubles what others than we have started is not our matter."""
        for vm in sorted(node.autostart):
            if node.runs and vm not in self.image_jobs and (vm in self.ours or not self.anywhere(vm)):
                self.create(node, vm, "autostart")

    def create_later(self, node: Node, vm: str, by: str) -> None:
        """Somebody else's `xl create`: while locks are taken over it waits, unseen, and goes on."""
        boot = node.boot
        if self.locks_blocked():
            self.after(2.0, lambda: node.runs and node.boot == boot and self.create_later(node, vm, by))
        elif vm in self.image_jobs:
            self.note(by, "finds no image of", vm)
        elif vm not in self.ours and self.running(vm):
            # two others that double each other are not our matter either
            self.note(by, "finds", vm, "running")
        elif node.runs and node.mounted:
            self.create(node, vm, by)

    def open_gate(self, node: Node) -> None:
        node.gate_open = True
        if node.runs and node.mounted:
            self.autostart(node)

    def freeze(self, node: Node) -> None:
        if node.runs:
            self.note(node.name, "freezes")
            node.frozen = True
            self.touch(node)

    def thaw(self, node: Node) -> None:
        if node.power and node.frozen:
            self.note(node.name, "thaws")
            node.frozen = False
            boot = node.boot
            if node.evicted:
                self.after(
                    self.random.uniform(2, 40),
                    lambda: node.runs and node.boot == boot and self.reboot(node, "it was evicted"),
                )
            else:
                self.touch(node)
            for vm in list(node.domains):
                self.check(vm)

    def lose_storage(self, node: Node) -> None:
        if not (node.runs and node.mounted and self.shape.ocfs2):
            return
        self.note(node.name, "loses its storage")
        node.storage = False
        self.touch(node)
        boot = node.boot

        def fences_itself() -> None:
            if node.runs and not node.storage and node.boot == boot:
                self.reboot(node, "its storage is gone")

        self.after(self.dead_time, fences_itself)

    # o2cb

    @property
    def dead_time(self) -> float:
        return BEAT * (self.shape.threshold - 1)

    def beats(self, node: Node) -> bool:
        return self.shape.ocfs2 and node.runs and node.mounted and node.storage and not node.evicted

    def touch(self, node: Node) -> None:
        """Whatever could have changed its heartbeat has changed."""
        if not self.shape.ocfs2:
            return
        beats = self.beats(node)
        if node.beating_before and not beats:
            node.stopped_beating = stopped = self.now

            def dead() -> None:
                if node.stopped_beating == stopped and not self.beats(node):
                    self._declare(node)

            self.after(self.dead_time + BEAT, dead)
        if beats:
            node.stopped_beating = None
        node.beating_before = beats
        self._links()

    def _declare(self, node: Node) -> None:
        """The others call it dead, and take over what it held."""
        if node.evicted:
            return
        node.evicted = True
        self.note(node.name, "is declared dead")
        ends = self.now + self.random.uniform(2, 30)
        for other in self.nodes.values():
            if other is not node and self.beats(other):
                other.recovering_until = max(other.recovering_until, ends)

        def free() -> None:
            for vm, lease in self.leases.items():
                lease.queue = [one for one in lease.queue if one[0] != node.name]
                if lease.holder is not None and lease.holder[0] == node.name:
                    lease.holder = None
                    self._grant(vm)
                elif lease.holder is None:
                    self._grant(vm)

        self.after(ends - self.now, free)

    def recovering(self, node: Node) -> bool:
        return self.shape.ocfs2 and self.now < node.recovering_until

    def locks_blocked(self) -> bool:
        """While somebody beats no more and is not declared dead, and until its locks are taken over."""
        return any(node.stopped_beating is not None and not node.evicted for node in self.nodes.values()) or any(
            self.recovering(node) for node in self.nodes.values() if self.beats(node)
        )

    def connected(self, one: Node, other: Node) -> bool:
        return one is other or (one.runs and other.runs and one.side == other.side)

    def _links(self) -> None:
        """Who lost whom: the connection is reported when it was idle for its time, and quorum decided after that."""
        nodes = list(self.nodes.values())
        for one in nodes:
            for other in nodes:
                if one.number >= other.number:
                    continue
                pair = (one.number, other.number)
                together = self.connected(one, other) and self.beats(one) and self.beats(other)
                if together:
                    self.cuts.pop(pair, None)
                    self.errors.pop(pair, None)
                elif pair not in self.cuts and (self.beats(one) or self.beats(other)):
                    self.cuts[pair] = self.now
                    self._report(pair, self.now)

    def _report(self, pair: tuple[int, int], cut: float) -> None:
        def reported() -> None:
            if self.cuts.get(pair) != cut:
                return
            # a peer that was declared dead has no connection any more
            if any(node.evicted for node in self.nodes.values() if node.number in pair):
                return
            self.errors[pair] = self.now
            self.after(BEAT * (self.shape.threshold + 2), decide)

        def decide() -> None:
            if self.cuts.get(pair) != cut:
                return
            ends = [node for node in self.nodes.values() if node.number in pair]
            for node, other in (ends, ends[::-1]):
                if self.beats(node) and not other.evicted:
                    self._quorum(node)

        self.after(self.shape.idle, reported)

    def _quorum(self, node: Node) -> None:
        seen = [
            one
            for one in self.nodes.values()
            if (self.beats(one) or one.stopped_beating is not None) and not one.evicted
        ]
        mine = [one for one in seen if self.connected(node, one)]
        lowest = min(one.number for one in seen)
        if 2 * len(mine) < len(seen) or (2 * len(mine) == len(seen) and all(one.number != lowest for one in mine)):
            dead = [one.name for one in seen if one not in mine and not self.beats(one)]
            fenced = [name for name in dead if any(name == one for _at, one in self.fences)]
            self.reboot(node, "it has no quorum")
            # another that died by itself would have cost it quorum anyway
            if fenced == dead and fenced and not any(self.beats(one) for one in self.nodes.values()):
                raise Broken(f"{fenced[0]} was fenced too late, {node.name} reboots all the same: both parts are gone")

    def cut(self, nodes: Iterable[Node], side: int) -> None:
        for node in nodes:
            node.side = side
        self._links()

    # Leases, and jobs of ours

    def want_lease(self, vm: str, node: Node, got: Callable[[], None]) -> None:
        self.leases[vm].queue.append((node.name, node.boot, got))
        self._grant(vm)

    def _grant(self, vm: str) -> None:
        lease = self.leases[vm]
        if self.shape.ocfs2 and self.locks_blocked():
            # asked again when the recovery has ended
            self.after(5.0, lambda: self._grant(vm) if lease.queue and lease.holder is None else None)
            return
        while lease.queue and lease.holder is None:
            name, boot, got = lease.queue.pop(0)
            node = self.nodes[name]
            if node.runs and node.boot == boot:
                got()

    def release(self, vm: str, holder: tuple[str, str]) -> None:
        lease = self.leases[vm]
        if lease.holder == holder:
            lease.holder = None
            self._grant(vm)

    def order(self, node: Node, name: str, vm: str, epoch: int) -> None:
        """The order of a start arrives at its node."""
        if not node.runs or name in node.jobs or name in node.revoked:
            return
        if "epoch" not in self.relaxed:
            try:
                Epoch(ZONE, epoch).check(Epoch(ZONE, node.epoch) if node.epoch else None, node.name)
            except Refusal as refusal:
                self.note(node.name, "refuses", name, refusal.code)
                return
        node.epoch = max(node.epoch, epoch)
        job = node.jobs[name] = Job(name, vm, epoch, boot=node.boot)
        node.tools[name] = vm
        self.spawn(self._start(node, job))

    def _start(self, node: Node, job: Job) -> Process:
        holder = (node.name, job.name)
        late = [False]

        def ends(said: str = "") -> None:
            if node.boot == job.boot and job.state == "running":
                job.state, job.said = "finished", said
                node.tools.pop(job.name, None)

        if "leases" not in self.relaxed:
            got = [False]

            def take() -> None:
                if late[0] and "late child" not in self.relaxed:
                    return
                self.leases[job.vm].holder = holder
                got[0] = True
                if late[0]:
                    self.create(node, job.vm, "a late child")
                    self.leases[job.vm].holder = None

            self.want_lease(job.vm, node, take)
            waited = 0.0
            while not got[0]:
                yield 0.5
                waited += 0.5
                if not self._goes_on(node, job):
                    return
                if waited >= LEASE_WITHIN and not got[0]:
                    late[0] = True
                    ends("lease_busy")
                    return
        try:
            if "epoch" not in self.relaxed and node.epoch > job.epoch:
                ends("overtaken")
                return
            yield 0.5
            while node.frozen:
                yield 1.0
            if not self._goes_on(node, job):
                return
            if self.images[job.vm] and node.name in self.images[job.vm]:
                ends("image_open")
                return
            job.acted = True
            said = self.create(node, job.vm, job.name)
            if not said and self.random.random() < 0.03:
                # out of memory, a bridge that is missing: the text tells
                node.domains.pop(job.vm, None)
                said = "xl create: rc 3"
            yield self.random.uniform(2, 8)
            while node.frozen:
                yield 1.0
            if self._goes_on(node, job):
                ends(said)
        finally:
            if node.boot == job.boot and node.power:
                self.release(job.vm, holder)

    def _goes_on(self, node: Node, job: Job) -> bool:
        return node.power and node.up and node.boot == job.boot

    def api_start(self, node: Node, name: str, vm: str, lost: bool) -> None:
        """Asynchronous, without lease or epoch; it may choose another node, and act when nobody waits any more."""
        if not node.runs or name in node.jobs:
            return
        job = node.jobs[name] = Job(name, vm, 0, boot=node.boot)
        job.state = "unknown" if lost else "running"
        delay = self.random.uniform(30, API_BOUND - 10) if lost else self.random.uniform(1, 5)
        fit = [one for one in self.nodes.values() if one.runs and one.mounted]
        self.api_tasks[name] = vm

        def acts() -> None:
            self.api_tasks.pop(name, None)
            if node.runs and node.boot == job.boot:
                target = self.random.choice(fit)
                if target.runs and vm not in target.domains:
                    self.create_later(target, vm, "the API")
                    self.rows[vm] = target.name

        def bound() -> None:
            if job.state == "unknown":
                job.state, job.said = "finished", "no answer within its bound"

        def answered() -> None:
            node.tools.pop(name, None)
            job.state = "finished"

        if not lost:
            node.tools[name] = vm
            self.after(delay + 1.0, answered)
        self.after(delay, acts)
        self.after(API_BOUND + 10, bound)
