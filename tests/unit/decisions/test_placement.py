# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import itertools
import random
from collections import Counter
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import placement
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.placement import (
    Limits,
    Move,
    Node,
    Running,
    Vm,
    outlook,
    plan,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import Display
from xen_answers import uuid

GIB = 1 << 20
PLAIN = Limits(overhead_kib=0)
N_PLUS_ONE = replace(PLAIN, n_plus_one=True)


def node(name: str, free: int, **more) -> Node:
    """``free`` in GiB."""
    return Node(name, **{"rack": "r1", "memory_kib": 64 * GIB, "free_kib": free * GIB, **more})


def vm(number: int, memory: int, **more) -> Vm:
    return Vm(uuid(number), f"vm-{number}", memory * GIB, **more)


def at(found) -> dict[str, str]:
    return {one.vm: one.node for one in found.places}


def codes(found) -> dict[str, str]:
    return {one.vm: one.code for one in found.left}


A, B, C, D = (uuid(number) for number in range(1, 5))


class TestMemory:
    @pytest.mark.parametrize(("overhead", "free"), [(1024, GIB + 1024), (None, GIB + 4 * (256 + 2 * 1024) + 2048)])
    def test_a_guest_costs_its_memory_and_its_overhead(self, overhead, free):
        limits = Limits(overhead_kib=overhead)
        enough, short = (node("n1", 0, free_kib=kib) for kib in (free, free - 1))
        assert at(plan([enough], [vm(1, 1)], [], limits)) == {A: "n1"}
        found = plan([short], [vm(1, 1)], [], limits)
        assert codes(found) == {A: "placement_memory"}
        assert found.left[0].values == {"needs_kib": free, "free_kib": free - 1}
        # what it lacks is less than a MiB, and shows
        said = (-(-free // 1024), (free - 1) // 1024)
        assert found.left[0].why == "it needs %d MiB, and the freest node has %d MiB free" % said
        assert found.left[0].evidence == (f"n1: {(free - 1) // 1024} MiB free",)
        assert found.remedy.memory == (("n1", 1),) and found.remedy.least and found.proven

    def test_dom0_has_its_own_back_before_any_guest(self):
        assert codes(plan([node("n1", 4, dom0_lacks_kib=1)], [vm(1, 4)], [], PLAIN)) == {A: "placement_memory"}

    def test_they_are_spread_and_go_back_where_they_were_if_they_can(self):
        nodes = [node("n1", 9), node("n2", 5), node("n3", 9)]
        found = plan(nodes, [vm(1, 4, was="n2"), vm(2, 4, was="n9"), vm(3, 4, was="n2")], [], PLAIN)
        assert at(found)[A] == "n2" and {at(found)[B], at(found)[C]} == {"n1", "n3"}


class TestWhy:
    @pytest.mark.parametrize(
        ("nodes", "one", "code", "evidence"),
        [
            ([node("n1", 9, barred="not fit")], {}, "placement_no_node", "n1: not fit"),
            ([node("n1", 9)], {"bound": "pinned", "was": "n0"}, "placement_bound", None),
            ([node("n1", 9, barred="not fit")], {"bound": "pinned", "was": "n1"}, "placement_bound", "n1: not fit"),
            ([node("n1", 9, volumes=frozenset("v"))], {"volumes": frozenset("vw")}, "placement_volumes", "n1: lacks w"),
            ([node("n1", 1, memory_kib=GIB)], {}, "placement_too_large", "n1: 1024 MiB free"),
            ([node("n1", 1)], {}, "placement_memory", "n1: 1024 MiB free"),
            ([node("n1", 9, displays=frozenset([Display(50)]))], {}, "placement_display", "n1: 9216 MiB free"),
        ],
    )
    def test_it_is_said(self, nodes, one, code, evidence):
        limits = replace(PLAIN, displays=(Display(50), Display(50)))
        (left,) = plan(nodes, [vm(1, 2, **one)], [], limits).left
        assert (left.code, left.evidence) == (code, (evidence,) if evidence else ())
        assert left.why.code == code and "{" not in left.why

    def test_a_pinned_one_starts_where_it_was(self):
        assert at(plan([node("n1", 9), node("n2", 2)], [vm(1, 2, bound="pinned", was="n2")], [], PLAIN)) == {A: "n2"}

    def test_groups_are_kept_apart_on_nodes_and_racks(self):
        nodes = [node("n1", 9), node("n2", 9)]
        same = [vm(number, 1, group="db") for number in (1, 2)]
        assert set(at(plan(nodes, same, [], PLAIN)).values()) == {"n1", "n2"}
        found = plan(nodes, same, [], replace(PLAIN, per_rack=1))
        assert codes(found) == {B: "placement_apart"}
        assert found.left[0].values == {"group": "db", "node": 1, "rack": 1}

    def test_one_that_runs_is_never_started(self):
        found = plan([node("n1", 9)], [vm(1, 1)], [Running(vm(1, 1), "n1")], PLAIN)
        assert not found.places and codes(found) == {A: "placement_runs"} and found.left[0].values == {"node": "n1"}

    @pytest.mark.parametrize(
        ("nodes", "vms", "running"),
        [
            ([node("n1", 1), node("n1", 1)], [], []),
            ([node("n1", 1)], [vm(1, 1), vm(1, 1)], []),
            ([node("n1", 1)], [], [Running(vm(1, 1), "n1"), Running(vm(1, 1), "n1")]),
            ([node("n1", 1)], [], [Running(vm(1, 1), "n2")]),
        ],
    )
    def test_a_zone_that_cannot_be_is_refused(self, nodes, vms, running):
        with pytest.raises(ValueError, match=r"twice in the zone|not in the zone"):
            plan(nodes, vms, running, PLAIN)


class TestPriority:
    def test_a_large_vm_of_higher_priority_goes_before_small_ones(self):
        found = plan([node("n1", 4)], [vm(1, 1), vm(2, 1), vm(3, 4, priority=1)], [], PLAIN)
        assert at(found) == {C: "n1"} and set(codes(found)) == {A, B}

    def test_of_one_priority_as_many_as_can_be_are_placed(self):
        found = plan([node("n1", 4)], [vm(1, 4), vm(2, 2), vm(3, 2)], [], PLAIN)
        assert set(at(found)) == {B, C}


class TestConsoleAndWave:
    def test_a_display_is_kept_where_it_is_free_and_never_one_that_another_has(self):
        nodes = [node("n1", 9, displays=frozenset(map(Display, (50, 52))))]
        vms = [vm(1, 1, display=Display(51), priority=-1), vm(2, 1, display=Display(50)), vm(3, 1)]
        found = {one.vm: one.display.number for one in plan(nodes, vms, [], PLAIN).places}
        assert found == {A: 51, B: 53, C: 54}

    def test_databases_are_first_and_starts_are_few_at_a_time(self):
        limits = replace(PLAIN, starts=3, starts_per_node=1)
        vms = [vm(number, 1, order=number > 3, priority=number) for number in range(1, 8)]
        found = plan([node("n1", 20), node("n2", 20)], vms, [], limits)
        wave = {one.vm: one.wave for one in found.places}
        assert max(wave[uuid(number)] for number in (1, 2, 3)) < min(wave[uuid(number)] for number in (4, 5, 6, 7))
        assert wave[uuid(3)] == wave[uuid(2)] == 0 and wave[uuid(1)] == 1


class TestNPlusOne:
    def test_room_is_kept_once_for_all_nodes(self):
        nodes = [node(f"n{number}", 8) for number in range(1, 5)]
        found = plan(nodes, [vm(number, 4) for number in range(1, 9)], [], N_PLUS_ONE)
        assert len(found.places) == 6 and set(codes(found).values()) == {"placement_reserve"} and found.proven
        assert any("MiB of it kept for N+1" in said for one in found.left for said in one.evidence)

    def test_a_node_that_cannot_be_lost_takes_no_vm(self):
        found = plan([node("n1", 9), node("n2", 4)], [vm(1, 1)], [Running(vm(2, 5), "n1")], N_PLUS_ONE)
        assert found.unabsorbed == ("n1",) and at(found) == {A: "n2"}

    def test_the_least_memory_is_not_searched_for(self):
        found = plan([node("n1", 4), node("n2", 4)], [vm(1, 4), vm(2, 2)], [], N_PLUS_ONE)
        assert found.remedy.memory and not found.remedy.least


class TestRemedy:
    nodes = (node("n1", 2), node("n2", 2))

    def test_one_migration_makes_room(self):
        found = plan(self.nodes, [vm(1, 4)], [Running(vm(2, 2), "n1"), Running(vm(3, 3), "n2")], PLAIN)
        assert found.remedy.moves == (Move(B, "n1", "n2"),) and found.remedy.fits == (A,) and found.remedy.fewest
        assert found.remedy.memory == (("n1", 2 * GIB),) and found.remedy.least

    def test_what_may_not_move_stays(self):
        running = [Running(vm(2, 2), "n1", may_move=False), Running(vm(3, 2, bound="local disk"), "n2")]
        assert not plan(self.nodes, [vm(1, 4)], running, PLAIN).remedy.moves

    def test_nothing_is_proven_that_was_not_searched_to_its_end(self):
        vms = [vm(number, 3) for number in (1, 2, 3)]
        found = plan([node("n1", 5), node("n2", 5)], vms, [Running(vm(4, 2), "n1")], replace(PLAIN, steps=0))
        assert len(found.places) == 2 and not found.proven
        assert not found.remedy.fewest and not found.remedy.least and found.remedy.memory

    def test_in_a_large_zone_too(self):
        nodes = [node(f"n{number:02}", 2) for number in range(40)]
        running = [Running(vm(100 + number, 2), one.name) for number, one in enumerate(nodes)]
        found = plan(nodes, [vm(1, 4), vm(2, 4)], running, PLAIN)
        assert len(found.remedy.moves) == 2 and set(found.remedy.fits) == {A, B} and not found.remedy.fewest
        # its only stand-in is the node that has room for it
        found = plan([*nodes, node("n40", 8)], [vm(1, 4)], running, N_PLUS_ONE)
        assert codes(found) == {A: "placement_reserve"} and len(found.remedy.moves) == 1 and found.remedy.fits == (A,)


class TestOutlook:
    def test_whose_loss_cannot_be_absorbed_and_what_changes_that(self):
        nodes = [node("n1", 1), node("n2", 2), node("n3", 2)]
        running = [
            Running(vm(1, 4), "n1"),
            Running(vm(2, 1, bound="local disk"), "n1"),
            Running(vm(3, 2), "n2"),
            Running(vm(4, 1), "n3"),
        ]
        first, second, third = outlook(nodes, running, PLAIN)
        assert not first.absorbed and first.left == (A,) and first.bound == (B,)
        assert first.remedy.moves == (Move(C, "n2", "n3"),) and first.remedy.fewest
        assert second.absorbed and third.absorbed and third.remedy is None
        assert outlook(nodes, running, PLAIN, deaths=["n1"]) == [first]

    def test_a_fleet_that_was_planned_with_n_plus_one_can_lose_any_node(self):
        chance = random.Random(14)
        nodes = [node(f"n{number:02}", 64, rack=f"r{number // 8}") for number in range(40)]
        limits = replace(N_PLUS_ONE, per_rack=3)
        vms = [vm(number, chance.choice((1, 2, 4, 8, 16)), group=f"g{number // 5}") for number in range(450)]
        found = plan(nodes, vms, [], limits)
        assert len(found.places) > 350
        used = Counter()
        for one in vms:
            used[at(found).get(one.uuid)] += one.memory_kib
        full = [replace(one, free_kib=one.free_kib - used[one.name]) for one in nodes]
        running = [Running(one, at(found)[one.uuid]) for one in vms if one.uuid in at(found)]
        assert all(one.absorbed for one in outlook(full, running, limits))


# The rules once more, as plainly as they can be said: every way is tried


@dataclass(frozen=True)
class Rules:
    """``where``: each VM's node; ``new``: those that are put there, now or by a migration."""

    nodes: dict[str, Node]
    vms: dict[str, Vm]
    home: dict[str, str]
    limits: Limits

    def load(self, where, name):
        """What is there that was not, less what was there and is not."""
        here = {one for one, at in where.items() if at == name}
        before = {one for one, at in self.home.items() if at == name}
        return sum(self.vms[one].memory_kib for one in here - before) - sum(
            self.vms[one].memory_kib for one in before - here
        )

    def room(self, name):
        return max(0, self.nodes[name].free_kib - self.nodes[name].dom0_lacks_kib)

    def may_be(self, one, name):
        about, there = self.vms[one], self.nodes[name]
        bound = about.bound and name != about.was
        return not there.barred and not bound and about.volumes <= there.volumes

    def hold(self, where, new, lacks=None):
        """``lacks``: memory that is lent, by node."""
        first, last = self.limits.displays
        for name, there in self.nodes.items():
            if self.load(where, name) > self.room(name) + (lacks or {}).get(name, 0):
                return False
            taken = sum(first <= one <= last for one in there.displays)
            arrived = sum(at == name and self.home.get(one) != name for one, at in where.items())
            if arrived > max(0, last.number - first.number + 1 - taken):
                return False
        return all(self.may_be(one, where[one]) and self.is_apart(one, where) for one in new)

    def is_apart(self, one, where):
        group, rack = self.vms[one].group, self.nodes[where[one]].rack
        same = [at for other, at in where.items() if self.vms[other].group == group]
        per_node, per_rack = self.limits.per_node, self.limits.per_rack
        return not group or (
            (not per_node or same.count(where[one]) <= per_node)
            and (not per_rack or sum(self.nodes[at].rack == rack for at in same) <= per_rack)
        )

    def absorbs(self, where, new, name):
        lost = [one for one, at in where.items() if at == name]
        go = [one for one in lost if not self.vms[one].bound]
        rest = {one: at for one, at in where.items() if at != name}
        others = [other for other in self.nodes if other != name]
        for targets in itertools.product(others, repeat=len(go)):
            after = {**rest, **dict(zip(go, targets, strict=True))}
            without = replace(self, nodes={one: there for one, there in self.nodes.items() if one != name})
            if without.hold(after, go):
                return True
        return not go

    def absorbed(self, where):
        return {name for name in self.nodes if self.absorbs(where, (), name)}

    def keeps(self, where, new, absorbed):
        """N+1: ``absorbed`` before; nothing new where that does not hold."""
        return all(self.absorbs(where, new, name) for name in absorbed) and all(where[one] in absorbed for one in new)


def rules(nodes, vms, running, limits) -> Rules:
    every = {one.uuid: one for one in vms} | {one.vm.uuid: one.vm for one in running}
    return Rules({one.name: one for one in nodes}, every, {one.vm.uuid: one.node for one in running}, limits)


def weight(vms, left):
    """How many are left out, by priority, the highest first."""
    return [sum(one.uuid in left and one.priority == priority for one in vms) for priority in (2, 1, 0)]


def ways(said: Rules, vms, may_leave=True):
    """Every way to place them: (who is left out, where each VM is then, who is new), the best first."""
    options = [[name for name in said.nodes if said.may_be(one.uuid, name)] + [None] * may_leave for one in vms]
    found = []
    for targets in itertools.product(*options):
        new = {one.uuid: name for one, name in zip(vms, targets, strict=True) if name}
        found.append(({one.uuid for one in vms} - set(new), new))
    return sorted(found, key=lambda one: weight(vms, one[0]))


def best(said: Rules, vms, where, absorbed=None):
    """The least weight of what is left out."""
    for left, new in ways(said, vms):
        after = {**where, **new}
        if said.hold(after, new) and (absorbed is None or said.keeps(after, new, absorbed)):
            return weight(vms, left)
    raise AssertionError("to place nothing is always a way")


def fewest_moves(said: Rules, vms, running, most=2):
    """None: there are none up to ``most``."""
    watched = said.limits.n_plus_one
    absorbed = said.absorbed(said.home) if watched else set()
    level, seen = [said.home], [said.home]
    for count in range(1, most + 1):
        deeper = []
        for where, one, name in itertools.product(level, running, said.nodes):
            after = {**where, one.vm.uuid: name}
            may = one.may_move and not one.vm.bound and said.may_be(one.vm.uuid, name)
            if may and after not in seen and said.hold(after, [one.vm.uuid]):
                seen.append(after)
                deeper.append(after)
                then = said.absorbed(after) if watched else None
                if (not watched or absorbed <= then) and not any(best(said, vms, after, then)):
                    return count
        level = deeper
    return None


def least_memory(said: Rules, vms):
    """The least sum of KiB that is lacking; None: no memory is enough."""
    sums = []
    for _left, new in ways(said, vms, may_leave=False):
        after = {**said.home, **new}
        lacks = {name: max(0, said.load(after, name) - said.room(name)) for name in said.nodes}
        if said.hold(after, new, lacks):
            sums.append(sum(lacks.values()))
    return min(sums, default=None)


DISPLAYS = st.sampled_from([Display(number) for number in range(50, 54)])
TAKEN = [{50}, {50}, {51, 52}, {50, 51, 53}]


@st.composite
def zones(
    draw,
    nodes=(3, 3, 2, 1),
    free=range(9),
    vms=(5, 4, 3, 1),
    running=(3, 2, 0),
    sizes=(1, 1, 2, 2, 3, 4, 5),
    n_plus_one=(False, True),
):
    """A small zone: memory in GiB, four displays, so that all that is limited is short now and then."""
    names = [f"n{number}" for number in range(draw(st.sampled_from(nodes)))]
    all_nodes = [
        node(
            name,
            draw(st.sampled_from(free)),
            memory_kib=draw(st.sampled_from([5, 64])) * GIB,
            rack=draw(st.sampled_from(["r1", "r2"])),
            displays=frozenset(map(Display, draw(st.sampled_from(TAKEN)))),
            volumes=draw(st.sampled_from([frozenset("vw")] * 3 + [frozenset("v")])),
            barred=draw(st.sampled_from([""] * 9 + ["in maintenance"])),
            dom0_lacks_kib=draw(st.sampled_from([0, 0, 0, GIB])),
        )
        for name in names
    ]

    def a_vm(number, sizes):
        return vm(
            number,
            draw(st.sampled_from(sizes)),
            priority=draw(st.sampled_from([0, 1, 2])),
            order=draw(st.sampled_from([0, 1])),
            display=draw(st.none() | DISPLAYS),
            volumes=frozenset(draw(st.sampled_from(["v", "v", "v", "vw"]))),
            group=draw(st.sampled_from(["", "", "g"])),
            was=draw(st.sampled_from([*names, "gone"])),
            bound=draw(st.sampled_from([""] * 7 + ["local disk"])),
        )

    runs = [
        Running(
            a_vm(100 + number, (1, 1, 2, 3)), draw(st.sampled_from(names)), draw(st.sampled_from([True] * 4 + [False]))
        )
        for number in range(draw(st.sampled_from(running)))
    ]
    limits = Limits(
        overhead_kib=0,
        n_plus_one=draw(st.sampled_from(n_plus_one)),
        per_node=draw(st.sampled_from([1, 1, 2, 0])),
        per_rack=draw(st.sampled_from([0, 0, 2])),
        starts=draw(st.integers(1, 3)),
        starts_per_node=draw(st.integers(1, 2)),
        displays=(Display(50), Display(53)),
    )
    return all_nodes, [a_vm(number, sizes) for number in range(draw(st.sampled_from(vms)))], runs, limits


def check(found, nodes, vms, running, limits):
    """What holds of every plan."""
    said = rules(nodes, vms, running, limits)
    new = at(found)
    assert {one.uuid for one in vms} == set(new) | set(codes(found)) and not set(new) & set(codes(found))
    after = {**said.home, **new}
    assert said.hold(after, new)
    taken = Counter((one.node, one.display) for one in found.places)
    assert all(count == 1 for count in taken.values())
    assert not any(one.display in said.nodes[one.node].displays for one in found.places)
    assert all(limits.displays[0] <= one.display <= limits.displays[1] for one in found.places)
    waves = Counter(one.wave for one in found.places)
    assert all(count <= limits.starts for count in waves.values()) and sorted(waves) == list(range(len(waves)))
    assert all(n <= limits.starts_per_node for n in Counter((one.node, one.wave) for one in found.places).values())
    for one, other in itertools.permutations(found.places, 2):
        first, then = said.vms[one.vm], said.vms[other.vm]
        if first.order < then.order:
            assert one.wave < other.wave
        if first.order == then.order and one.node == other.node and first.priority > then.priority:
            assert one.wave <= other.wave
    for one in found.left:
        assert one.code.startswith("placement_") and one.values
    if limits.n_plus_one:
        assert said.keeps(after, new, set(said.nodes) - set(found.unabsorbed))
        assert set(found.unabsorbed) >= set(said.nodes) - said.absorbed(said.home)
    return said


@given(zones(), st.randoms())
@settings(max_examples=150, deadline=None)
def test_no_limit_is_passed_and_no_vm_left_out_that_an_exact_solver_places(zone, chance):
    nodes, vms, running, limits = zone
    found = plan(*zone)
    said = check(found, *zone)
    assert found.proven
    assert set(found.unabsorbed) == (set(said.nodes) - said.absorbed(said.home) if limits.n_plus_one else set())
    absorbed = said.absorbed(said.home) if limits.n_plus_one else None
    assert weight(vms, codes(found)) == best(said, vms, said.home, absorbed)
    for shuffled in (nodes, vms, running):
        chance.shuffle(shuffled)
    assert plan(iter(nodes), iter(vms), iter(running), limits) == found


@given(zones())
@settings(max_examples=150, deadline=None)
def test_no_limit_is_passed_without_a_search(zone):
    nodes, _vms, running, limits = zone
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(placement, "_SMALL", 0)
        found = plan(*zone)
        deaths = outlook(nodes, running, limits)
    said = check(found, *zone)
    new = at(found)
    if not limits.n_plus_one:
        for high, low in itertools.product(codes(found), new):
            if said.vms[high].priority > said.vms[low].priority and said.may_be(high, new[low]):
                instead = {**{one: name for one, name in new.items() if one != low}, high: new[low]}
                assert not said.hold({**said.home, **instead}, instead)
    check_remedy(found, *zone)
    for one in deaths:
        check_remedy(one, *without(one.node, nodes, running, limits))


def check_remedy(found, nodes, vms, running, limits):
    """Each move has room when it begins, and those named have a place after the last; the memory is enough for all."""
    said = rules(nodes, vms, running, limits)
    if found.remedy is None:
        return
    left = codes(found) if isinstance(found, placement.Plan) else set(found.left)
    where = dict(said.home)
    movable = {one.vm.uuid for one in running if one.may_move and not one.vm.bound}
    for move in found.remedy.moves:
        assert move.vm in movable and where[move.vm] == move.source and said.may_be(move.vm, move.target)
        where[move.vm] = move.target
        assert said.hold(where, [move.vm])
    if found.remedy.moves:
        fitting = [one for one in vms if one.uuid not in left or one.uuid in found.remedy.fits]
        absorbed = None
        if limits.n_plus_one:
            absorbed = said.absorbed(where)
            assert set(said.nodes) - set(found.unabsorbed) <= absorbed
        assert not any(best(said, fitting, where, absorbed))
    else:
        assert not found.remedy.fits and not found.remedy.fewest


def without(name, nodes, running, limits):
    """The zone that is left when a node is lost, and who is to be placed in it."""
    lost = [one.vm for one in running if one.node == name and not one.vm.bound]
    others = [one for one in nodes if one.name != name]
    return others, lost, [one for one in running if one.node != name], replace(limits, n_plus_one=False)


@given(
    zones(
        nodes=(3,), free=(0, 1, 1, 2, 3), vms=(2, 1), running=(4, 3), sizes=(2, 3, 4), n_plus_one=(False, False, True)
    )
)
@settings(max_examples=100, deadline=None)
def test_the_remedy_is_the_least(zone):
    _nodes, vms, running, limits = zone
    found = plan(*zone)
    check_remedy(found, *zone)
    if found.remedy is not None:
        said = rules(*zone)
        here = [one for one in vms if codes(found).get(one.uuid) in (None, *ROOM)]
        fewest = fewest_moves(said, here, running)
        if fewest is not None:
            assert found.remedy.fewest and len(found.remedy.moves) == fewest
        elif found.remedy.fewest:
            assert len(found.remedy.moves) > 2
        if not limits.n_plus_one:
            least = least_memory(said, here)
            assert found.remedy.least is (least is not None)
            assert least is None or sum(kib for _name, kib in found.remedy.memory) == least


ROOM = ("placement_memory", "placement_display", "placement_apart", "placement_reserve")


@given(zones(nodes=(3, 3, 4), free=range(5), vms=(1,), running=(5, 4, 3)))
@settings(max_examples=100, deadline=None)
def test_the_outlook_is_the_plan_of_each_death(zone):
    nodes, _vms, running, limits = zone
    said = rules(nodes, (), running, limits)
    for one in outlook(nodes, running, limits):
        alone = without(one.node, nodes, running, limits)
        found = plan(*alone)
        assert one.absorbed is said.absorbs(said.home, (), one.node)
        assert set(one.left) == set(codes(found)) and one.proven and found.proven
        assert set(one.bound) == {each.vm.uuid for each in running if each.node == one.node and each.vm.bound}
        check_remedy(one, *alone)
        if one.remedy is not None and found.remedy is not None:
            assert (one.remedy.moves, one.remedy.fewest) == (found.remedy.moves, found.remedy.fewest)
