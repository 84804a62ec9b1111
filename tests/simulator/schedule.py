# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fault schedules: made from a seed, kept as JSON, run against the decisions."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

import reader
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import node_return, recovery, recovery_steps
from driver import Controller, People, Store
from world import Broken, Domain, Process, Shape, World

LIMIT = 60_000.0
MOST_RUNS = 5


@dataclass(frozen=True)
class Run:
    """A start of the play. ``crash_at``, ``naps``: counted in its steps. ``own_store``: of a controller of its own."""

    at: float
    crash_at: int = -1
    naps: tuple[tuple[int, float], ...] = ()
    own_store: bool = False


@dataclass(frozen=True)
class Schedule:
    """``events``: (when, what, with what)."""

    seed: int
    shape: Shape
    events: tuple[tuple[float, str, tuple[object, ...]], ...] = ()
    runs: tuple[Run, ...] = ()
    people: People = field(default_factory=People)
    snapshot: str = "fresh"
    stopped: tuple[str, ...] = ()
    stopped_later: tuple[str, ...] = ()
    disputed: tuple[str, ...] = ()
    maintenance: tuple[str, ...] = ()
    stop_at: float = -1.0

    def as_dict(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def parse(cls, body: dict[str, object]) -> Schedule:
        given = dict(body)
        given["shape"] = Shape(**given["shape"])
        given["people"] = People(**given["people"])
        given["runs"] = tuple(Run(**{**run, "naps": tuple(tuple(nap) for nap in run["naps"])}) for run in given["runs"])
        given["events"] = tuple((at, what, tuple(map(_frozen, args))) for at, what, args in given["events"])
        for name in ("stopped", "stopped_later", "disputed", "maintenance"):
            given[name] = tuple(given[name])
        return cls(**given)


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


FAULTS = (
    ("power_loss", 4),
    ("freeze", 4),
    ("freeze_thaw", 4),
    ("cut", 5),
    ("hang", 3),
    ("reboot", 2),
    ("management", 3),
    ("storage", 3),
    ("management_and_guests", 2),
)

TROUBLE = (
    *("bmc", "bmc", "swap", "controller_guest_net", "controller", "database", "database_old", "ha", "ha"),
    *("person", "image_job", "image_job", "migration", "migration", "return", "return", "drift"),
)


def make(seed: int, focus: str = "") -> Schedule:
    """A random schedule. ``focus``: a rule whose kind of trouble is made likelier."""
    rng = random.Random(f"{seed} {focus}")
    nodes = rng.choice((2, 2, 3, 3, 4))
    shape = Shape(
        nodes=nodes,
        ocfs2=rng.random() < 0.88,
        idle=rng.choice((30.0, 30.0, 60.0, 6000.0)),
        threshold=rng.choice((7, 31, 31, 91)),
        vms=rng.randint(2, 5),
        gated=rng.random() < 0.9,
        held_off=rng.random() < 0.5,
        database_vm=rng.random() < 0.2,
        by_api=rng.random() < 0.2,
        inventory_lacks=rng.randrange(nodes) if rng.random() < 0.05 else -1,
        switch=rng.random() < 0.5,
        column=rng.choice(("all", "all", "none")),
        slow=rng.random() < 0.1,
    )
    names = [f"n{number}" for number in range(nodes)]
    vms = [f"vm{number}" for number in range(shape.vms)]
    events: list[tuple[float, str, tuple[object, ...]]] = []
    began = rng.uniform(2, 30)
    _fault(rng, events, began, names, vms)
    if rng.random() < 0.3:
        _fault(rng, events, began + rng.expovariate(1 / 300), names, vms)
    for _more in range(rng.choice((0, 0, 1, 1, 2, 3))):
        _trouble(rng, events, began, names, vms, shape)
    runs = []
    at = began + rng.uniform(5, 300)
    for _run in range(rng.randint(1, 3)):
        crash = rng.randint(1, 60) if rng.random() < 0.35 else -1
        naps = tuple(
            (rng.randint(1, 60), rng.choice((5.0, 20.0, 200.0, 2000.0))) for _nap in range(rng.choice((0, 0, 0, 1, 2)))
        )
        # what was asked of the API and has no answer is known to the store that asked, and to no other
        another = bool(runs) and rng.random() < 0.2 and not shape.by_api
        runs.append(Run(at, crash, naps, own_store=another))
        at += rng.choice((rng.uniform(1, 60), rng.uniform(60, 2000)))
    schedule = Schedule(
        seed=seed,
        shape=shape,
        events=tuple(events),
        runs=tuple(runs),
        people=People(rng.random() < 0.8, rng.random() < 0.3, rng.random() < 0.95, rng.choice((5.0, 30.0, 200.0))),
        snapshot=rng.choice(("fresh", "fresh", "old", "")),
        stopped=tuple(vm for vm in vms[shape.database_vm :] if rng.random() < 0.1),
        stopped_later=tuple(vm for vm in vms[shape.database_vm :] if rng.random() < 0.1),
        disputed=tuple(vm for vm in vms if rng.random() < 0.05),
        maintenance=(rng.choice(names),) if rng.random() < 0.06 else (),
        stop_at=at * rng.random() if rng.random() < 0.05 else -1.0,
    )
    return _told(FOCUS[focus](rng, schedule) if focus in FOCUS else schedule)


def _told(schedule: Schedule) -> Schedule:
    """Stores of their own know of each other by the database alone: one zone has one store, docs/rules.md says."""
    if not any(run.own_store for run in schedule.runs):
        return schedule
    events = tuple(one for one in schedule.events if one[1] != "database")
    return replace(schedule, events=events, shape=replace(schedule.shape, database_vm=False))


def _fault(rng: random.Random, events: list, at: float, names: list[str], vms: list[str]) -> None:
    kind = rng.choices([one for one, _weight in FAULTS], [weight for _one, weight in FAULTS])[0]
    name = rng.choice(names)
    if kind == "cut":
        side = tuple(rng.sample(names, rng.randint(1, max(1, len(names) // 2))))
        with_management = rng.random() < 0.8
        events.append((at, "cut", (side, with_management)))
        if rng.random() < 0.4:
            events.append((at + rng.expovariate(1 / 200), "heal", ()))
    elif kind == "freeze_thaw":
        events.append((at, "freeze", (name,)))
        events.append((at + rng.expovariate(1 / 400), "thaw", (name,)))
    elif kind == "hang":
        events.append((at, "hang", (name, rng.random() < 0.5)))
    elif kind == "storage":
        events.append((at, "storage", (name,)))
        if rng.random() < 0.6:
            events.append((at + rng.uniform(0, 3), "management", (name, False)))
    elif kind in ("management", "management_and_guests"):
        events.append((at, "management", (name, False)))
        if kind == "management_and_guests":
            events.append((at + 1, "guest_net", (name, False)))
        if rng.random() < 0.5:
            events.append((at + rng.expovariate(1 / 300), "management", (name, True)))
    else:
        events.append((at, kind, (name,)))


def _trouble(rng: random.Random, events: list, began: float, names: list[str], vms: list[str], shape: Shape) -> None:
    name, other, vm = rng.choice(names), rng.choice(names), rng.choice(vms)
    at = max(0.0, began + rng.uniform(-30, 600))
    kind = rng.choice(TROUBLE)
    if kind == "bmc":
        events.append((at * rng.random(), "bmc", (name, rng.choice(("silent", "lies", "lies", "denied")))))
    elif kind == "swap":
        events.append((0.0, "swap", (name, other)))
    elif kind == "controller_guest_net":
        events.append((at * rng.random(), kind, (False,)))
    elif kind == "controller":
        events.append((at, kind, (False,)))
        events.append((at + rng.expovariate(1 / 100), kind, (True,)))
    elif kind == "database":
        events.append((at * rng.random(), kind, (False,)))
        if rng.random() < 0.5:
            events.append((at + rng.expovariate(1 / 500), kind, (True,)))
    elif kind == "database_old":
        events.append((at, kind, ()))
    elif kind == "ha" and not (shape.held_off or shape.slow):
        events.append((at + rng.uniform(0, 1500), "ha", ()))
    elif kind == "person" and not shape.slow:
        events.append((at, "person", (vm, name)))
    elif kind == "image_job":
        events.append((began - 1, kind, (vm, name, rng.uniform(100, 1500), rng.random() < 0.4)))
    elif kind == "migration" and name != other:
        point = rng.choice(("stream", "sent", "unpaused", "held"))
        events.append((began - 1, kind, (vm, other, point)))
    elif kind == "return":
        events.append((at + rng.uniform(100, 2000), "return", (name,)))
    elif kind == "drift" and name != other:
        events.append((0.5, "drift", (vm, other)))


# What makes the trouble of one rule likelier


def _first_node(schedule: Schedule) -> str:
    return next((str(args[0]) for _at, what, args in schedule.events if what not in ("swap", "cut", "heal")), "n0")


def _more(schedule: Schedule, *events: tuple[float, str, tuple[object, ...]], **shape: object) -> Schedule:
    return replace(schedule, shape=replace(schedule.shape, **shape), events=schedule.events + events)


def _focus_1(rng: random.Random, one: Schedule) -> Schedule:
    lacks = one.shape.nodes - 1
    vm = rng.choice([f"vm{number}" for number in range(one.shape.vms)])
    return _more(one, (0.5, "drift", (vm, f"n{lacks}")), inventory_lacks=lacks)


def _focus_6(rng: random.Random, one: Schedule) -> Schedule:
    events = (
        (20.0, "management", ("n0", False)),
        (20.0, "guest_net", ("n0", False)),
        (20.0 + rng.uniform(0, 200), "storage", ("n1",)),
    )
    shape = replace(one.shape, nodes=2, ocfs2=True, threshold=91, switch=True)
    return replace(one, shape=shape, events=events, runs=(Run(25.0 + rng.uniform(0, 60)),))


def _focus_37(rng: random.Random, one: Schedule) -> Schedule:
    """An image job that this journal does not know, with its image closed for a while, and several runs."""
    vm = rng.choice([f"vm{number}" for number in range(one.shape.vms)])
    name = f"n{one.shape.nodes - 1}"
    job = (1.0, "image_job", (vm, name, rng.uniform(400, 1500), True))
    runs = tuple(Run(60.0 + 250.0 * number) for number in range(4))
    return replace(_more(one, job, ocfs2=True, by_api=False, nodes=max(3, one.shape.nodes)), runs=runs)


def _focus_51(rng: random.Random, one: Schedule) -> Schedule:
    first = one.runs[0].at
    return replace(one, runs=(Run(first), Run(first + rng.uniform(0, 60), own_store=True)))


def _focus_31(rng: random.Random, one: Schedule) -> Schedule:
    return _more(one, (10.0, "power_loss", ("n0",)), by_api=True, held_off=True, ocfs2=True)


def _focus_4(rng: random.Random, one: Schedule) -> Schedule:
    """An owner stops and starts a VM, and its start waits for locks that are taken over."""
    off = ((0.1, "shutdown", ("vm1",)), (rng.uniform(0.5, 6), "person", ("vm1", "n1")))
    shape = {"held_off": True, "ocfs2": True, "slow": False, "threshold": 31, "by_api": True, "switch": True}
    shape["column"] = "all"
    run = Run(rng.uniform(55, 70))
    people = replace(one.people, patience=5.0, plan=True)
    one = replace(_more(one, **shape, nodes=3), events=((10.0, "freeze", ("n0",)), *off), runs=(run,))
    return replace(one, people=people)


def _focus_10(rng: random.Random, one: Schedule) -> Schedule:
    """A node that is cut off for a while, and a controller that sleeps."""
    events = ((10.0, "cut", (("n1",), True)), (rng.uniform(60, 200), "heal", ()))
    run = Run(rng.uniform(15, 50), naps=((rng.randint(3, 30), rng.uniform(20, 200)),))
    return replace(_more(one, ocfs2=True, nodes=2, idle=60.0, threshold=91), events=events, runs=(run,))


def _focus_23(rng: random.Random, one: Schedule) -> Schedule:
    events = ((5.0, "bmc", ("n0", "lies")), (10.0, "freeze", ("n0",)), (rng.uniform(200, 900), "thaw", ("n0",)))
    return replace(_more(one, held_off=True, ocfs2=True), events=events)


def _focus_24(rng: random.Random, one: Schedule) -> Schedule:
    events = ((10.0, "freeze", ("n0",)), (rng.uniform(10, 200), "freeze", ("n1",)))
    return replace(_more(one, held_off=True, ocfs2=True, nodes=4), events=events)


def _focus_25(rng: random.Random, one: Schedule) -> Schedule:
    return replace(_more(one, (10.0, "freeze", ("n0",)), ocfs2=True), maintenance=("n0",))


def _focus_30(rng: random.Random, one: Schedule) -> Schedule:
    """A controller that crashes, or sleeps, with an order under way; another with a store of its own goes on."""
    first = rng.uniform(30, 60)
    runs = (Run(first, crash_at=rng.randint(12, 30)), Run(first + rng.uniform(40, 100), own_store=True))
    shape = {"held_off": True, "ocfs2": True, "slow": True, "by_api": False, "threshold": 7, "column": "all"}
    one = _more(one, **shape, switch=True, nodes=3)
    return replace(one, events=((10.0, "freeze", ("n0",)),), runs=runs, people=replace(one.people, patience=5.0))


def _focus_21(rng: random.Random, one: Schedule) -> Schedule:
    events = ((10.0, "cut", (("n0",), True)),)
    shape = replace(one.shape, nodes=2, ocfs2=True, idle=30.0)
    return replace(one, shape=shape, events=events, runs=(Run(rng.uniform(15, 100)),), snapshot="fresh")


def _focus_32(rng: random.Random, one: Schedule) -> Schedule:
    """uxen's HA starts one after the other, and we begin in the middle of it."""
    events = ((5.0, "bmc", ("n0", "silent")), (10.0, "power_loss", ("n0",)), (rng.uniform(30, 60), "ha", ()))
    shape = {"held_off": False, "vms": 5, "slow": False, "by_api": False, "ocfs2": True, "threshold": 7}
    shape |= {"database_vm": False, "inventory_lacks": -1, "column": "all", "nodes": 3, "gated": True}
    one = replace(_more(one, **shape), events=events, runs=(Run(rng.uniform(60, 120)),), disputed=(), maintenance=())
    return replace(one, people=replace(one.people, patience=5.0, plan=True), stopped=(), stopped_later=())


def _focus_34(rng: random.Random, one: Schedule) -> Schedule:
    events = ((5.0, "migration", ("vm0", "n1", rng.choice(("stream", "sent", "held")))), (6.0, "freeze", ("n0",)))
    return replace(_more(one, ocfs2=True, held_off=True, switch=True), events=events)


def _focus_29(rng: random.Random, one: Schedule) -> Schedule:
    vm = rng.choice([f"vm{number}" for number in range(one.shape.vms)])
    return _more(one, (1.0, "image_job", (vm, f"n{rng.randrange(one.shape.nodes)}", 1500.0, False)), ocfs2=True)


def _focus_53(rng: random.Random, one: Schedule) -> Schedule:
    return _more(one, (12.0, "power_loss", ("n0",)), database_vm=True, column="none")


def _focus_28(rng: random.Random, one: Schedule) -> Schedule:
    return _more(one, (10.0, "freeze", ("n0",)), *((200.0 + 60.0 * n, "return", ("n0",)) for n in range(10)))


FOCUS = {
    "1": _focus_1,
    "4": _focus_4,
    "10": _focus_10,
    "23": _focus_23,
    "24": _focus_24,
    "25": _focus_25,
    "30": _focus_30,
    "6": _focus_6,
    "21": _focus_21,
    "28": _focus_28,
    "29": _focus_29,
    "31": _focus_31,
    "32": _focus_32,
    "34": _focus_34,
    "37": _focus_37,
    "51": _focus_51,
    "53": _focus_53,
}


# Running one


class Play:
    """One schedule, run."""

    def __init__(
        self, schedule: Schedule, relaxed: frozenset[str] = frozenset(), stages: tuple = recovery.STAGES
    ) -> None:
        self.schedule = schedule
        self.world = World(schedule.shape, schedule.seed, relaxed)
        self.stages = stages
        self.store = Store()
        self.controllers: list[Controller] = []
        shape = schedule.shape
        self.policy = recovery_steps.Policy(
            held_off="its HA is switched off" if shape.held_off else "",
            database_vm="vm0" if shape.database_vm else "",
        )
        world = self.world
        for vm in (*schedule.stopped, *schedule.stopped_later):
            world.wanted[vm] = False
            for node in world.nodes.values():
                node.domains.pop(vm, None)
                node.autostart.discard(vm)
        for name in schedule.maintenance:
            if name in world.nodes:
                world.nodes[name].maintenance = True
        world.inventory = tuple(name for number, name in enumerate(world.nodes) if number != shape.inventory_lacks)
        old = schedule.snapshot == "old"
        ran = {vm: vm not in schedule.stopped and (old or world.wanted[vm]) for vm in world.vms}
        self.kept = reader.Kept(shape.column == "all", schedule.snapshot, ran, set(schedule.disputed))
        for at, what, args in schedule.events:
            world.after(at, lambda what=what, args=args: self.event(what, args))
        if shape.database_vm:
            world.spawn(self.database())
        world.spawn(self.operator())

    def run(self) -> Play:
        self.world.run(lambda: self.done, LIMIT)
        return self

    @property
    def done(self) -> bool:
        return bool(self.controllers) and self.all_started and all(one.ended or one.dead for one in self.controllers)

    all_started = False
    ha_busy_until = 0.0

    def operator(self) -> Process:
        """Starts the play as scheduled, and again while somebody is not in service."""
        world = self.world
        for run in self.schedule.runs:
            yield max(run.at - world.now, 0.0)
            self.start(run)
        for _again in range(2):
            while not all(one.ended or one.dead for one in self.controllers):
                yield 30.0
            outs = [one.outs for one in self.controllers if one.outs is not None]
            if outs and all(out.way is recovery_steps.Way.RUNS for out in outs[-1].values()):
                break
            yield 60.0
            self.start(Run(world.now))
        self.all_started = True

    def start(self, run: Run) -> None:
        store = Store() if run.own_store else self.store
        owner = store.owner
        if owner is not None and (owner.dead or owner.asleep):
            # its process is gone, or a person breaks the lock
            store.owner = None
            if self.world.database_lock == owner.name:
                self.world.database_lock = None
        one = Controller(
            name=f"c{len(self.controllers)}",
            world=self.world,
            store=store,
            kept=self.kept,
            people=self.schedule.people,
            policy=self.policy,
            place=placement,
            naps=list(run.naps),
            crash_at=run.crash_at,
            stages=self.stages,
        )
        self.controllers.append(one)
        self.world.note(one.name, "starts")
        self.world.spawn(one.run())
        if self.schedule.stop_at > self.world.now:
            self.world.after(self.schedule.stop_at - self.world.now, lambda: setattr(one, "stop", True))

    def database(self) -> Process:
        """It is a VM of the zone."""
        while True:
            self.world.database_up = bool(self.world.running("vm0"))
            if not self.world.database_up:
                self.world.database_lock = None
            yield 5.0

    # What happens

    def event(self, what: str, args: Sequence[object]) -> None:
        world = self.world
        first = world.nodes.get(args[0]) if args and isinstance(args[0], str) else None
        world.note("*", what, *args)
        if what == "power_loss":
            world.power_off(first)
        elif what == "freeze":
            world.freeze(first)
        elif what == "thaw":
            world.thaw(first)
        elif what == "reboot" and first.power:
            world.reboot(first, "by itself")
        elif what == "shutdown":
            for node in world.nodes.values():
                node.domains.pop(args[0], None)
        elif what == "hang" and first.runs:
            first.hung, first.guests_dead = True, bool(args[1])
        elif what == "management":
            first.management = bool(args[1])
        elif what == "guest_net":
            first.guest_net = bool(args[1])
        elif what == "storage":
            world.lose_storage(first)
        elif what == "cut":
            self.cut(args[0], bool(args[1]))
        elif what == "heal":
            world.cut(world.nodes.values(), 0)
            for node in world.nodes.values():
                node.management = True
        elif what == "bmc":
            world.bmcs[args[0]].answers = args[1]
        elif what == "swap":
            one, other = world.bmcs[args[0]], world.bmcs[args[1]]
            one.leads, other.leads = other.leads, one.leads
        elif what == "controller":
            world.controller_reaches = bool(args[0])
        elif what == "controller_guest_net":
            world.controller_guest_net = bool(args[0])
        elif what == "database" and not world.shape.database_vm:
            world.database_up = bool(args[0])
            world.database_lock = world.database_lock if args[0] else None
        elif what == "database_old" and not any(one.outs for one in self.controllers):
            names = list(world.nodes)
            world.rows = {vm: names[number % len(names)] for number, vm in enumerate(world.vms)}
            world.rows_aged = world.now
        elif what == "ha":
            world.spawn(self.ha())
        elif what == "person":
            world.spawn(self.person(args[0], world.nodes[args[1]]))
        elif what == "image_job":
            world.spawn(self.image_job(args[0], world.nodes[args[1]], args[2], bool(args[3])))
        elif what == "migration":
            self.migration(args[0], world.nodes[args[1]], args[2])
        elif what == "return":
            self.comes_back(first)
        elif what == "drift":
            self.drift(args[0], world.nodes[args[1]])

    def cut(self, names: Sequence[str], with_management: bool) -> None:
        nodes = [self.world.nodes[name] for name in names if name in self.world.nodes]
        self.world.cut(nodes, 1)
        if with_management:
            for node in nodes:
                node.management = node.guest_net = False

    def drift(self, vm: str, node: object) -> None:
        """It was moved, and the database does not know."""
        world = self.world
        for one in world.nodes.values():
            if vm in one.domains and one is not node and node.runs:
                node.domains[vm] = one.domains.pop(vm)
                one.autostart.discard(vm)
                node.autostart.add(vm)
                return

    def other_start(self, vm: str, node: object, by: str) -> None:
        """Somebody's `xl create`, who looked before whether it runs."""
        if node.runs and node.mounted and not self.world.anywhere(vm):
            self.world.create_later(node, vm, by)

    def ha(self) -> Process:
        """uxen's own: it works for a while before it starts the first, then starts one after the other."""
        world = self.world
        living = [node for node in world.nodes.values() if reader.answers(world, node) and node.mounted]
        if not living or any("uxen-ha" in node.tools for node in living) or world.now < self.ha_busy_until:
            return
        # one of them at a time
        self.ha_busy_until = world.now + 35.0 + 50.0 * len(world.vms)
        worker = world.random.choice(living)
        boot = worker.boot
        worker.tools["uxen-ha"] = ""
        yield 35.0
        if worker.boot != boot:
            return
        worker.tools.pop("uxen-ha", None)
        for vm in world.vms:
            row = world.nodes[world.rows[vm]]
            if reader.answers(world, row) or not world.wanted[vm] or world.anywhere(vm) or not world.database_up:
                continue
            if not (worker.runs and worker.mounted):
                return
            yield 3.0
            if worker.boot == boot and worker.runs and worker.mounted and vm not in worker.domains:
                world.create_later(worker, vm, "uxen's HA")
                world.rows[vm] = worker.name
            yield world.random.uniform(20, 45)

    def person(self, vm: str, node: object) -> Process:
        """Presses start: the API's task is to be seen for a minute before it acts."""
        if not (node.runs and node.mounted and self.world.wanted[vm]):
            return
        boot = node.boot
        node.tools[f"api-{vm}"] = vm
        yield 60.0
        if node.boot == boot and node.power:
            node.tools.pop(f"api-{vm}", None)
            self.other_start(vm, node, "a person")

    def image_job(self, vm: str, node: object, seconds: float, foreign: bool) -> Process:
        """Its guest is stopped for it. The image is open at the beginning and at the end, not all the time."""
        world = self.world
        if not (world.shape.ocfs2 and node.runs) or world.leases[vm].holder or vm == self.policy.database_vm:
            return
        for one in world.nodes.values():
            one.domains.pop(vm, None)
        boot = node.boot
        holder = (node.name, f"convert-{vm}")
        world.leases[vm].holder = holder
        world.image_jobs[vm] = (node.name, ("foreign " if foreign else "") + holder[1])
        world.note(node.name, "works on the image of", vm)
        for part, opened in ((0.2, True), (0.6, False), (0.2, True)):
            while node.frozen:
                yield 5.0
            if node.boot != boot or not node.power:
                return
            world.images[vm] = [node.name] if opened else []
            world.check(vm)
            yield seconds * part
        while node.frozen:
            yield 5.0
        if node.boot == boot and node.power:
            world.images[vm] = []
            world.image_jobs.pop(vm, None)
            world.release(vm, holder)

    def migration(self, vm: str, target: object, point: str) -> None:
        """One that stood at this point when the fault came; the job goes on where its node lives."""
        world = self.world
        source = next((node for node in world.nodes.values() if vm in node.domains and node.runs), None)
        if source is None or target is source or not target.mounted or vm in world.image_jobs:
            return
        holder = (source.name, f"migrate-{vm}")
        if world.leases[vm].holder is not None:
            return
        world.leases[vm].holder = holder
        world.migrations[vm] = (holder[1], source.name, target.name)
        mine = source.domains[vm]
        copy = target.domains[vm] = Domain(world.now, "paused", True, ever_ran=False)
        if point != "stream":
            mine.rests, mine.moving = "shutdown", True
        if point == "unpaused":
            copy.rests, copy.ever_ran, copy.moving = "", True, False
        elif point == "held":
            # a person held it after that
            copy.ever_ran, copy.moving = True, False
        world.spawn(self.settle(vm, source, target, holder))

    def settle(self, vm: str, source: object, target: object, holder: tuple[str, str]) -> Process:
        """The job of the source ends it with one copy, once it reaches the target; else it touches neither."""
        world = self.world
        boots = (source.boot, target.boot)
        yield 20.0
        while True:
            if (source.boot, target.boot) != boots or not source.power:
                if source.boot == boots[0] and source.power and vm in source.domains:
                    # the target is gone, and with it its copy: a person has to say so
                    world.migrations.pop(vm, None)
                    source.domains[vm] = Domain(world.now)
                    world.check(vm)
                    world.release(vm, holder)
                return
            if source.runs and target.runs and world.connected(source, target) and target.management:
                break
            yield 5.0
        copy = target.domains.get(vm)
        if copy is not None and copy.ever_ran:
            source.domains.pop(vm, None)
        else:
            target.domains.pop(vm, None)
            source.domains[vm] = Domain(world.now)
            world.check(vm)
        world.migrations.pop(vm, None)
        world.release(vm, holder)

    def comes_back(self, node: object) -> None:
        """Somebody wants a node back that is off, or waits behind its gate."""
        world = self.world
        if node.power and node.gate_open:
            return
        mine = sorted(node.autostart)
        found = {vm: world.running(vm) for vm in mine}
        open_one = any(not (one.ended or one.dead) for one in self.controllers)
        against = node_return.obstacles(
            node_return.Back(
                node=node.name,
                fit=None if not node.power else node.mounted,
                epoch_known=True,
                recovery_open=open_one,
                guests={vm: (where[0] if len(where) == 1 else "") for vm, where in found.items()},
            )
        )
        world.note("return of", node.name, against or "granted")
        if against:
            return
        for vm, where in found.items():
            if where and "return" not in world.relaxed:
                node.autostart.discard(vm)
        if not node.power:
            world.power_on(node)
        world.after(150.0, lambda: world.open_gate(node))


def placement(world: World) -> recovery_steps.Place:
    """Round and round; a local disk stays where it is."""

    def place(vms: Sequence[str], nodes: Sequence[str]) -> dict[str, recovery_steps.Placed]:
        placed = {}
        turn = int(world.now)
        for number, vm in enumerate(vms):
            if not world.shape.ocfs2:
                home = next((node.name for node in world.nodes.values() if vm in node.autostart), "")
                why = f"its disk is on {home or 'no node'}"
                placed[vm] = recovery_steps.Placed(home) if home in nodes else recovery_steps.Placed(why=why)
            elif not nodes:
                placed[vm] = recovery_steps.Placed(why="no node is fit")
            else:
                placed[vm] = recovery_steps.Placed(nodes[(turn + number) % len(nodes)])
        return placed

    return place


__all__ = ["Broken", "Play", "Run", "Schedule", "make"]
