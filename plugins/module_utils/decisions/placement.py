# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where VMs are started when their node is gone, and whether a node could be lost at all.

Runbook "HA 실패": VMs stay down for want of memory, or because their console's port is taken. Pure: the same zone gives
the same plan, whatever the order it is told in. Memory is in KiB and counted as rule 9 has it: a guest costs its memory
plus an overhead, and dom0's own is never given away.

Who is left out: as few as possible of the highest priority, then of the next, and so on. So no VM is left out while one
of lower priority is placed that it could replace on its node. ``proven``: there is no better plan. A zone too large to
search is filled in order of priority.

N+1: a node is absorbed when, with it gone, each of its VMs that may run elsewhere has a place within all limits. A node
that is absorbed before the plan is so after it; one that is not takes no VM. Each VM has a stand-in for this: the node
that would take it. Stand-ins for different nodes share their room, because one node is lost at a time.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass
from itertools import groupby, islice, takewhile
from typing import Any, Collection, Dict, FrozenSet, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.migration_preflight import overhead_kib
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import Display, VmUuid

# A search is begun where VMs times nodes are not more.
_SMALL = 256
# Nodes that are tried for one VM, and stand-ins of how many nodes are made anew for it, in a zone that is not small.
_TRIES = 4
_ANEW = 32
# Nodes that are emptied in thought for one VM, likewise.
_NEAREST = 50


@dataclass(frozen=True)
class Node:
    """A node that answers. ``memory_kib``: all that guests may have; ``free_kib``: of it, what Xen has free.

    ``dom0_lacks_kib``: what dom0 was ballooned below its own; it gets that back first. ``displays``: taken there in any
    of the truths (database, .cfg, xenstore, QMP, sockets). ``barred``: why it takes no VM: not fit, in maintenance.
    """

    name: str
    rack: str
    memory_kib: int
    free_kib: int
    displays: FrozenSet[Display] = frozenset()
    volumes: FrozenSet[str] = frozenset()
    barred: str = ""
    dom0_lacks_kib: int = 0


@dataclass(frozen=True)
class Vm:
    """``priority``: the greater, the later it is left out. ``order``: the smaller, the earlier it starts (databases).

    ``display``: what it had, kept where it is free. ``volumes``: all that its paths lie on. ``group``: VMs that run
    apart. ``was``: its last node, taken if it can be. ``bound``: why it may run there alone: pinned, a local disk.
    """

    uuid: VmUuid
    name: str
    memory_kib: int
    vcpus: int = 1
    priority: int = 0
    order: int = 0
    display: Optional[Display] = None
    volumes: FrozenSet[str] = frozenset()
    group: str = ""
    was: str = ""
    bound: str = ""


@dataclass(frozen=True)
class Running:
    """A VM that runs: its memory is not in what its node has free, its display is among the node's taken ones."""

    vm: Vm
    node: str
    may_move: bool = True


@dataclass(frozen=True)
class Limits:
    """``overhead_kib``: of one guest, as measured; None: as libxl asks for it.

    ``per_node``, ``per_rack``: VMs of one group together; 0: any number. ``starts``, ``starts_per_node``: in one wave.
    ``displays``: the first and the last to give. ``steps``: how long a search may be; it bounds time, not a result.
    """

    overhead_kib: Optional[int] = None
    n_plus_one: bool = False
    per_node: int = 1
    per_rack: int = 0
    starts: int = 20
    starts_per_node: int = 2
    displays: Tuple[Display, Display] = (Display(50), Display(999))
    steps: int = 20000


@dataclass(frozen=True)
class Place:
    """``wave``: 0 first. The VMs of a later ``order`` are in later waves than all of an earlier one."""

    vm: VmUuid
    node: str
    display: Display
    wave: int


@dataclass(frozen=True)
class LeftOut:
    """``values`` are JSON; ``evidence``: the nodes that come nearest, and what each lacks."""

    vm: VmUuid
    code: str
    values: Mapping[str, Any]
    evidence: Tuple[str, ...] = ()

    @property
    def why(self) -> Phrase:
        return Phrase(self.code, *(_mib(name, one) for name, one in self.values.items()))


def _mib(name: str, value: Any) -> Any:
    """What it needs is rounded up, and what there is down: they never look the same."""
    if not name.endswith("_kib"):
        return value
    return -(-value // 1024) if name == "needs_kib" else value // 1024


@dataclass(frozen=True)
class Move:
    vm: VmUuid
    source: str
    target: str


@dataclass(frozen=True)
class Remedy:
    """What would make room for the VMs left out for want of it: ``moves`` or ``memory``, each enough by itself.

    ``moves``: migrations, one after the other, each into room that is there by then; ``fits``: who has a place after
    them. ``fewest``: proven, no smaller number makes room for all; with no moves: proven, none do.
    ``memory``: KiB more by node, for all of them; ``least``: proven, no smaller sum is enough.
    """

    moves: Tuple[Move, ...] = ()
    fits: Tuple[VmUuid, ...] = ()
    fewest: bool = False
    memory: Tuple[Tuple[str, int], ...] = ()
    least: bool = False


@dataclass(frozen=True)
class Plan:
    """``proven``: no plan leaves out fewer. ``unabsorbed``: with N+1, nodes that could not be lost before the plan."""

    places: Tuple[Place, ...]
    left: Tuple[LeftOut, ...]
    remedy: Optional[Remedy]
    proven: bool
    unabsorbed: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Death:
    """What the loss of ``node`` would mean: ``left``: VMs without a place; ``bound``: VMs that go down with it.

    ``remedy``: migrations between the other nodes, or memory, after which there would be no ``left``.
    """

    node: str
    left: Tuple[VmUuid, ...]
    bound: Tuple[VmUuid, ...]
    remedy: Optional[Remedy]
    proven: bool

    @property
    def absorbed(self) -> bool:
        return not self.left


def plan(nodes: Iterable[Node], vms: Iterable[Vm], running: Iterable[Running], limits: Limits) -> Plan:
    """Places for ``vms``, which are proven off; what cannot be placed is left out with its reason."""
    zone = _Zone(nodes, running, vms, limits)
    runs = {one.vm.uuid: one.node for one in zone.running}
    board = _Board(zone)
    wanted = [v for v in zone.wanted if zone.vms[v].uuid not in runs]
    unabsorbed = board.watch() if limits.n_plus_one else []
    found = _solve(board, wanted)
    left = [
        LeftOut(zone.vms[v].uuid, "placement_runs", {"node": runs[zone.vms[v].uuid]})
        for v in zone.wanted
        if zone.vms[v].uuid in runs
    ]
    reasons = _Reasons(found.board)
    left += [reasons.of(v) for v in found.left]
    return Plan(
        tuple(_places(found.board, wanted)),
        tuple(sorted(left, key=lambda one: one.vm)),
        _remedy(board, found, wanted),
        found.proven,
        tuple(zone.nodes[n].name for n in unabsorbed),
    )


def outlook(
    nodes: Iterable[Node], running: Iterable[Running], limits: Limits, deaths: Optional[Iterable[str]] = None
) -> List[Death]:
    """Each node's loss today, one at a time; ``deaths``: of these alone."""
    zone = _Zone(nodes, running, (), limits)
    board = _Board(zone)
    watched = board.copy()
    unabsorbed = set(watched.watch())
    asked = None if deaths is None else set(deaths)
    found = []
    for n, node in enumerate(zone.nodes):
        if asked is None or node.name in asked:
            bound = tuple(zone.vms[v].uuid for v in sorted(board.guests[n]) if zone.vms[v].bound)
            if n in unabsorbed:
                found.append(_death(board, n, bound))
            else:
                found.append(Death(node.name, (), bound, None, True))
    return found


def _death(board: _Board, n: int, bound: Tuple[VmUuid, ...]) -> Death:
    vms, name = board.zone.vms, board.zone.nodes[n].name
    board.zone.begin()
    alone = board.copy()
    wanted = alone.lose(n)
    found = _solve(alone, wanted)
    left = tuple(vms[v].uuid for v in found.left)
    return Death(name, left, bound, _remedy(alone, found, wanted), found.proven)


class _Zone:
    """What does not change while a plan is made; nodes and VMs are numbers from here on, running VMs the first."""

    def __init__(self, nodes: Iterable[Node], running: Iterable[Running], vms: Iterable[Vm], limits: Limits) -> None:
        self.limits = limits
        self.begin()
        self.nodes = sorted(nodes, key=lambda one: one.name)
        self.running = sorted(running, key=lambda one: one.vm.uuid)
        wanted = sorted(vms, key=lambda one: one.uuid)
        self.vms = [one.vm for one in self.running] + wanted
        self.number = _numbered([one.name for one in self.nodes])
        _numbered([one.vm.uuid for one in self.running])
        for one in self.running:
            if one.node not in self.number:
                raise ValueError("%s runs on a node that is not in the zone: %s" % (one.vm.uuid, one.node))
        # where a VM's display is counted among the node's own: it stays taken until the rows are corrected
        self.home = [self.number[one.node] for one in self.running] + [-1] * len(wanted)
        _numbered([one.uuid for one in wanted])
        self.cost = [_cost(one, limits) for one in self.vms]
        self.group = [one.group for one in self.vms]
        self.rack = [one.rack for one in self.nodes]
        self.movable = frozenset(v for v, one in enumerate(self.running) if one.may_move and not one.vm.bound)
        self.members: Dict[str, List[int]] = {}
        for v, group in enumerate(self.group):
            if group:
                self.members.setdefault(group, []).append(v)
        first, last = (one.number for one in limits.displays)
        self.slots = [
            last - first + 1 - sum(first <= one.number <= last for one in node.displays) for node in self.nodes
        ]
        self._reaches()
        priorities = sorted({one.priority for one in self.vms}, reverse=True)
        level = {priority: at for at, priority in enumerate(priorities)}
        self.levels = len(priorities)
        self.level = [level[one.priority] for one in self.vms]
        self.wanted = sorted(range(len(self.running), len(self.vms)), key=self.rank)

    def _reaches(self) -> None:
        """``reach`` of a VM: the number of its set of ``reaches``, the nodes that it may run on at all."""
        able = [n for n, one in enumerate(self.nodes) if not one.barred]
        has: Dict[str, Set[int]] = {}
        for n in able:
            for volume in self.nodes[n].volumes:
                has.setdefault(volume, set()).add(n)
        known: Dict[Tuple[FrozenSet[str], str], int] = {}
        same: Dict[Tuple[int, ...], int] = {}
        self.reach: List[int] = []
        self.reaches: List[Tuple[int, ...]] = []
        for vm in self.vms:
            key = (vm.volumes, vm.was if vm.bound else "")
            if key not in known:
                there = set(able).intersection(*(has.get(volume, ()) for volume in vm.volumes))
                nodes = tuple(n for n in sorted(there) if not vm.bound or self.nodes[n].name == vm.was)
                known[key] = same.setdefault(nodes, len(self.reaches))
                if known[key] == len(self.reaches):
                    self.reaches.append(nodes)
            self.reach.append(known[key])
        self.largest = [max((self.nodes[n].memory_kib for n in nodes), default=0) for nodes in self.reaches]
        self.reached_by: List[List[int]] = [[] for _node in self.nodes]
        for r, nodes in enumerate(self.reaches):
            for n in nodes:
                self.reached_by[n].append(r)

    def begin(self) -> None:
        """A question of its own; ``unsure``: something was not searched to its end."""
        self.steps = self.limits.steps
        self.unsure = False

    def rank(self, v: int) -> Tuple[int, int, int]:
        """The order of placing: priority, then size; VMs are numbered in the order of their uuids."""
        return -self.vms[v].priority, -self.cost[v], v

    def alike(self, v: int) -> Tuple[int, int, str, bool]:
        """VMs of the same can stand for each other; a bound one needs no stand-in."""
        return self.cost[v], self.reach[v], self.group[v], bool(self.vms[v].bound)

    def is_small(self, vms: Collection[int]) -> bool:
        return len(vms) * len(self.nodes) <= _SMALL

    def step(self) -> bool:
        """Whether a search may go on."""
        self.steps -= 1
        self.unsure = self.unsure or self.steps < 0
        return self.steps >= 0


def _numbered(names: Sequence[str]) -> Dict[str, int]:
    number = {name: at for at, name in enumerate(names)}
    if len(number) < len(names):
        twice = next(one for at, one in enumerate(names) if number[one] != at)
        raise ValueError("twice in the zone: %s" % twice)
    return number


def _cost(vm: Vm, limits: Limits) -> int:
    if limits.overhead_kib is not None:
        return vm.memory_kib + limits.overhead_kib
    return vm.memory_kib + overhead_kib(vm.memory_kib, vm.vcpus)


class _Board:
    """Which VM is where, and what each node has left.

    ``room``: what is free and kept for no stand-in. ``order``: by reach, its nodes by their room, each as one number.
    ``stand_ins``: by node lost, who would take each of its VMs. ``standing``: by node, what it would take of each node
    lost; ``reserve``: the most of these. ``holders``: by reach, nodes that have a reserve. ``widest``: the most
    stand-ins that a lost node had.
    """

    def __init__(self, zone: _Zone) -> None:
        self.zone = zone
        size = len(zone.nodes)
        self.free = [max(0, node.free_kib - node.dom0_lacks_kib) for node in zone.nodes]
        self.slots = list(zone.slots)
        self.guests: List[FrozenSet[int]] = [frozenset()] * size
        self.together: Dict[Tuple[int, str], int] = {}
        self.in_rack: Dict[Tuple[str, str], int] = {}
        self.where = [-1] * len(zone.vms)
        self.closed: Set[int] = set()
        self.watched = False
        self.reserve = [0] * size
        self._no_stand_ins()
        for v in range(len(zone.running)):
            self._note(v, zone.home[v], 1)
        self.room = list(self.free)
        self.order = [sorted(self.room[n] * size + n for n in nodes) for nodes in zone.reaches]

    def _no_stand_ins(self) -> None:
        self.stand_ins: List[Dict[int, int]] = [{} for _node in self.free]
        self.standing: List[Dict[int, int]] = [{} for _node in self.free]
        self.holders: List[List[int]] = [[] for _reach in self.zone.reaches]
        self.widest = 0

    def copy(self) -> _Board:
        other = _Board.__new__(_Board)
        other.__dict__.update(self.__dict__)
        for name in ("free", "slots", "guests", "together", "in_rack", "where", "closed", "reserve", "room"):
            setattr(other, name, getattr(self, name).copy())
        # without N+1 nobody stands in
        for name in ("order", "stand_ins", "standing", "holders") if self.watched else ("order",):
            setattr(other, name, [one.copy() for one in getattr(self, name)])
        return other

    def _note(self, v: int, n: int, by: int) -> None:
        """``by``: 1, it is there; -1, no longer."""
        self.guests[n] = self.guests[n] ^ {v}
        self.where[v] = n if by > 0 else -1
        group = self.zone.group[v]
        if group:
            rack = self.zone.rack[n]
            self.together[n, group] = self.together.get((n, group), 0) + by
            self.in_rack[rack, group] = self.in_rack.get((rack, group), 0) + by

    def _set_room(self, n: int) -> None:
        old, new = self.room[n], self.free[n] - self.reserve[n]
        if old != new:
            size = len(self.room)
            self.room[n] = new
            for r in self.zone.reached_by[n]:
                order = self.order[r]
                del order[bisect_left(order, old * size + n)]
                insort(order, new * size + n)

    def give(self, n: int, kib: int) -> None:
        self.free[n] += kib
        self._set_room(n)

    def put(self, v: int, n: int) -> None:
        self._note(v, n, 1)
        self.slots[n] -= n != self.zone.home[v]
        self.give(n, -self.zone.cost[v])

    def take(self, v: int) -> None:
        n = self.where[v]
        if v in self.stand_ins[n]:
            self._dismiss(n, v)
        self._note(v, n, -1)
        self.slots[n] += n != self.zone.home[v]
        self.give(n, self.zone.cost[v])

    def lose(self, n: int) -> List[int]:
        """The node is gone; the VMs that may run elsewhere, in the order of placing."""
        lost = sorted(self._movable(n), key=self.zone.rank)
        for v in lost:
            self.take(v)
        for v in self.guests[n]:
            self._note(v, n, -1)
        self.closed.add(n)
        return lost

    def _movable(self, n: int) -> List[int]:
        return [v for v in self.guests[n] if not self.zone.vms[v].bound]

    def may(self, v: int, n: int) -> bool:
        """Whatever is not memory."""
        group = self.zone.group[v]
        return self.slots[n] > 0 and n not in self.closed and (not group or self._is_apart(group, n))

    def _is_apart(self, group: str, n: int, lost: Optional[int] = None, more: int = 1) -> bool:
        """Whether ``more`` of the group may be on the node; with ``lost`` gone and its VMs with their stand-ins."""
        zone = self.zone
        rack, limits = zone.rack[n], zone.limits
        here, around = self.together.get((n, group), 0) + more, self.in_rack.get((rack, group), 0) + more
        if lost is not None:
            if zone.rack[lost] == rack:
                around -= self.together.get((lost, group), 0)
            for u, b in self.stand_ins[lost].items():
                if zone.group[u] == group:
                    here += b == n
                    around += zone.rack[b] == rack
        return (not limits.per_node or here <= limits.per_node) and (not limits.per_rack or around <= limits.per_rack)

    # N+1

    def watch(self) -> List[int]:
        """Stand-ins for the VMs of every node from now on; the nodes that cannot be absorbed, which take no VM more."""
        self.watched = True
        self._no_stand_ins()
        self.closed = {n for n in range(len(self.free)) if not self._pack(n)}
        return sorted(self.closed)

    def _may_stand_in(self, v: int, n: int, lost: int) -> bool:
        group = self.zone.group[v]
        others = self.stand_ins[lost]
        if self.slots[n] <= len(others) and self.slots[n] <= self._count(lost, n):
            return False
        return not group or self._is_apart(group, n, lost)

    def _count(self, lost: int, n: int) -> int:
        return sum(b == n for b in self.stand_ins[lost].values())

    def _stand_in(self, v: int, lost: int) -> Optional[int]:
        """Who can take it. First whose reserve is enough already, then whose can grow, last who has none yet."""
        cost, r, size = self.zone.cost[v], self.zone.reach[v], len(self.room)
        growing = None
        for n in self.holders[r]:
            more = self.standing[n].get(lost, 0) + cost - self.reserve[n]
            if more > self.room[n] or n == lost or (more > 0 and growing is not None):
                continue
            if self._may_stand_in(v, n, lost):
                if more <= 0:
                    return n
                growing = n
        if growing is not None:
            return growing
        for key in reversed(self.order[r]):
            room, n = divmod(key, size)
            if room < cost:
                return None
            if n != lost and self._may_stand_in(v, n, lost):
                return n
        return None

    def _appoint(self, lost: int, v: int, n: int) -> None:
        self.stand_ins[lost][v] = n
        self.widest = max(self.widest, len(self.stand_ins[lost]))
        kib = self.standing[n].get(lost, 0) + self.zone.cost[v]
        self.standing[n][lost] = kib
        if kib > self.reserve[n]:
            if not self.reserve[n]:
                for r in self.zone.reached_by[n]:
                    if n not in self.holders[r]:
                        self.holders[r].append(n)
            self.reserve[n] = kib
            self._set_room(n)

    def _dismiss(self, lost: int, v: int) -> None:
        n = self.stand_ins[lost].pop(v)
        standing = self.standing[n]
        kib = standing[lost]
        standing[lost] = kib - self.zone.cost[v]
        if not standing[lost]:
            del standing[lost]
        if kib == self.reserve[n]:
            self.reserve[n] = max(standing.values(), default=0)
            self._set_room(n)

    def unwatch(self) -> None:
        self.closed = set()
        for lost, others in enumerate(self.stand_ins):
            for v in tuple(others):
                self._dismiss(lost, v)
        self.watched = False

    def _anew(self, lost: int) -> bool:
        """Other stand-ins for the VMs of a node; where there are none, those it had."""
        old = self.stand_ins[lost].copy()
        for v in old:
            self._dismiss(lost, v)
        if self._pack(lost):
            return True
        for v, n in old.items():
            self._appoint(lost, v, n)
        return False

    def _pack(self, lost: int) -> bool:
        vms = sorted(self._movable(lost), key=lambda v: (-self.zone.cost[v], v))
        if self._pack_quickly(vms, lost):
            return True
        if not self.zone.is_small(vms):
            self.zone.unsure = True
            return False
        return self._pack_by_search(vms, lost, 0, 0)

    def _pack_quickly(self, vms: Sequence[int], lost: int) -> bool:
        for v in vms:
            n = self._stand_in(v, lost)
            if n is None:
                for u in tuple(self.stand_ins[lost]):
                    self._dismiss(lost, u)
                return False
            self._appoint(lost, v, n)
        return True

    def _pack_by_search(self, vms: Sequence[int], lost: int, at: int, first: int) -> bool:
        if at == len(vms):
            return True
        v = vms[at]
        for n in self.zone.reaches[self.zone.reach[v]]:
            if n < first or n == lost or self.standing[n].get(lost, 0) + self.zone.cost[v] > self.free[n]:
                continue
            if not self._may_stand_in(v, n, lost) or not self.zone.step():
                continue
            self._appoint(lost, v, n)
            same = at + 1 < len(vms) and self.zone.alike(v) == self.zone.alike(vms[at + 1])
            if self._pack_by_search(vms, lost, at + 1, n if same else 0):
                return True
            self._dismiss(lost, v)
        return False

    def _stale(self, v: int, n: int) -> List[int]:
        """The nodes whose stand-ins do not hold any more, now that this VM is here."""
        stale = set()
        if self.room[n] < 0:
            stale = {lost for lost, kib in self.standing[n].items() if kib > self.free[n]}
        if self.slots[n] < self.widest:
            stale |= {lost for lost in self.standing[n] if self.slots[n] < self._count(lost, n)}
        group, rack = self.zone.group[v], self.zone.rack
        for u in self.zone.members.get(group, ()):
            lost = self.where[u]
            b = self.stand_ins[lost].get(u) if lost not in (-1, n) else None
            if b is not None and rack[b] == rack[n] and not self._is_apart(group, b, lost, 0):
                stale.add(lost)
        return sorted(stale)

    def place(self, v: int, n: int, most: Optional[int] = None) -> bool:
        """Put it there, if every node absorbed can be absorbed then; ``most``: how many may need other stand-ins."""
        self.put(v, n)
        if not self.watched:
            return True
        stale = self._stale(v, n)
        few = most is None or len(stale) <= most
        if few and all(self._anew(lost) for lost in stale) and self._is_stood_in(v, n):
            return True
        self.take(v)
        return False

    def _is_stood_in(self, v: int, n: int) -> bool:
        if self.zone.vms[v].bound:
            return True
        other = self._stand_in(v, n)
        if other is None:
            return self._anew(n)
        self._appoint(n, v, other)
        return True


# Who is placed


@dataclass(frozen=True)
class _Found:
    board: _Board
    left: List[int]
    proven: bool


def _solve(board: _Board, wanted: Sequence[int]) -> _Found:
    """``wanted``: in the order of placing."""
    zone = board.zone
    best, left = _fill(board, wanted)
    possible = [v for v in wanted if _alone(board, v)]
    proven = len(left) == len(wanted) - len(possible)
    if not proven and zone.is_small(possible):
        search = _Search(board, possible, _weight(zone, set(left) & set(possible)))
        if search.found is not None:
            best = search.found
            left = [v for v in wanted if best.where[v] < 0]
        proven = True
    return _Found(best, left, proven and not zone.unsure)


def _alone(board: _Board, v: int) -> bool:
    """Whether it would fit if nothing else was to be placed; not yet a promise that N+1 holds."""
    cost = board.zone.cost[v]
    return any(board.free[n] >= cost and board.may(v, n) for n in board.zone.reaches[board.zone.reach[v]])


def _weight(zone: _Zone, left: Iterable[int]) -> List[int]:
    """How many are left out by priority, the highest first: the smaller, the better."""
    count = [0] * zone.levels
    for v in left:
        count[zone.level[v]] += 1
    return count


def _fill(board: _Board, wanted: Iterable[int]) -> Tuple[_Board, List[int]]:
    """Priority by priority. The largest first is how all may fit; where they do not, the smallest first is how most do.

    ``wanted``: in the order of placing, as is what is left.
    """
    left: List[int] = []
    board = board.copy()
    for _level, group in groupby(wanted, key=lambda v: board.zone.level[v]):
        same = list(group)
        rest = _fill_with(board, same, spread=True)
        if rest and len(same) > 1:
            before = board.copy()
            for v in same:
                if before.where[v] >= 0:
                    before.take(v)
            for vms in (same, same[::-1]):
                trial = before.copy()
                other = _fill_with(trial, vms, spread=False)
                if len(other) < len(rest):
                    board, rest = trial, other
        left += sorted(rest, key=board.zone.rank)
    return board, left


def _fill_with(board: _Board, vms: Iterable[int], spread: bool) -> List[int]:
    """``spread``: to the node with the most room, where they start side by side; else to where it is tightest."""
    zone = board.zone
    least: Dict[Tuple[int, bool, str], int] = {}
    left = []
    for v in vms:
        cost, r, group, bound = zone.alike(v)
        # where one did not fit, none fits that is as large and asks as much
        failed = min(least.get((r, bound, group), cost + 1), least.get((r, bound, ""), cost + 1))
        if cost >= failed or not _settle(board, v, spread):
            least[r, bound, group] = min(cost, least.get((r, bound, group), cost))
            left.append(v)
    return left


def _settle(board: _Board, v: int, spread: bool) -> bool:
    zone = board.zone
    cost, small = zone.cost[v], zone.is_small((v,))
    was = zone.number.get(zone.vms[v].was)
    first = [was] if was is not None and zone.reach[v] in zone.reached_by[was] else []
    first = [n for n in first if board.room[n] >= cost and board.may(v, n)]
    if any(board.place(v, n) for n in first + _candidates(board, v, spread, len(zone.nodes) if small else _TRIES)):
        return True
    if not board.watched:
        return False
    # what is kept for stand-ins may be kept elsewhere
    kept = [n for n in zone.reaches[zone.reach[v]] if board.room[n] < cost <= board.free[n] and board.may(v, n)]
    kept.sort(key=lambda n: (-board.room[n], n))
    return any(board.place(v, n, None if small else _ANEW) for n in (kept if small else kept[:_TRIES]))


def _candidates(board: _Board, v: int, spread: bool, most: int) -> List[int]:
    order, size = board.order[board.zone.reach[v]], len(board.room)
    first = bisect_left(order, board.zone.cost[v] * size)
    found = []
    for at in range(len(order) - 1, first - 1, -1) if spread else range(first, len(order)):
        n = order[at] % size
        if board.may(v, n):
            found.append(n)
            if len(found) == most:
                break
    return found


class _Search:
    """Every way to place them, but for those that cannot be better than ``best``. ``found``: the best, if better."""

    def __init__(self, board: _Board, vms: Sequence[int], best: List[int]) -> None:
        self.found: Optional[_Board] = None
        self._best = best
        self._vms = vms
        self._board = board.copy()
        self._left = [0] * board.zone.levels
        self._go(0, 0)

    def _go(self, at: int, first: int) -> None:
        zone, board = self._board.zone, self._board
        if self._left >= self._best:
            return
        if at == len(self._vms):
            self._best, self.found = list(self._left), board.copy()
            return
        v = self._vms[at]
        same = at + 1 < len(self._vms) and self._alike(v) == self._alike(self._vms[at + 1])
        for n in zone.reaches[zone.reach[v]]:
            if n >= first and board.free[n] >= zone.cost[v] and board.may(v, n):
                if not zone.step():
                    return
                if board.place(v, n):
                    self._go(at + 1, n if same else 0)
                    board.take(v)
        self._left[zone.level[v]] += 1
        self._go(at + 1, len(zone.nodes) if same else 0)
        self._left[zone.level[v]] -= 1

    def _alike(self, v: int) -> Tuple[Tuple[int, int, str, bool], int]:
        return self._board.zone.alike(v), self._board.zone.level[v]


def _places(board: _Board, wanted: Iterable[int]) -> Iterator[Place]:
    zone = board.zone
    placed = sorted((v for v in wanted if board.where[v] >= 0), key=lambda v: (zone.vms[v].order, zone.rank(v)))
    displays = _displays(board, placed)
    for v, wave in zip(placed, _waves(board, placed)):
        yield Place(zone.vms[v].uuid, zone.nodes[board.where[v]].name, displays[v], wave)


def _displays(board: _Board, placed: Iterable[int]) -> Dict[int, Display]:
    """Its own, where that is free; then the lowest that is left. One that others have is never given."""
    zone = board.zone
    first, last = zone.limits.displays
    taken: Dict[int, Set[Display]] = {}
    found: Dict[int, Display] = {}
    others = []
    for v in placed:
        n, own = board.where[v], zone.vms[v].display
        held = taken.setdefault(n, set(zone.nodes[n].displays))
        if own is not None and first <= own <= last and own not in held:
            found[v] = own
            held.add(own)
        else:
            others.append(v)
    lowest: Dict[int, int] = {}
    for v in others:
        n = board.where[v]
        number = lowest.get(n, first.number)
        while Display(number) in taken[n]:
            number += 1
        found[v] = Display(number)
        lowest[n] = number + 1
    return found


def _waves(board: _Board, placed: Iterable[int]) -> Iterator[int]:
    """The first wave with a start to spare, in all and on its node, for each."""
    zone, limits = board.zone, board.zone.limits
    begins, ends, order = 0, 0, None
    started: Dict[int, int] = {}
    on_node: Dict[int, Tuple[int, int]] = {}
    full: Dict[int, int] = {}
    for v in placed:
        if order != zone.vms[v].order:
            order, begins = zone.vms[v].order, ends
        n = board.where[v]
        wave, count = on_node.get(n, (begins, 0))
        if wave < begins or count == limits.starts_per_node:
            wave, count = max(begins, wave + 1), 0
        free = _not_full(full, wave)
        wave, count = free, count if free == wave else 0
        on_node[n] = (wave, count + 1)
        started[wave] = started.get(wave, 0) + 1
        if started[wave] == limits.starts:
            full[wave] = wave + 1
        ends = max(ends, wave + 1)
        yield wave


def _not_full(full: Dict[int, int], wave: int) -> int:
    """``full``: by full wave, a later one; what was passed on the way leads there at once from now on."""
    passed = []
    while wave in full:
        passed.append(wave)
        wave = full[wave]
    for one in passed:
        full[one] = wave
    return wave


# Who is not, and what would help


class _Reasons:
    """Why a VM has no place: the limit that ruled out the last node."""

    def __init__(self, board: _Board) -> None:
        self._board = board
        self._zone = board.zone
        self._freest: Dict[int, List[int]] = {}

    def of(self, v: int) -> LeftOut:
        zone = self._zone
        vm, cost, r = zone.vms[v], zone.cost[v], zone.reach[v]
        if not zone.reaches[r]:
            return self._nowhere(vm)
        code, values = self._limit(v, cost, self._freest_of(r))
        return LeftOut(vm.uuid, code, values, tuple(self._free(n) for n in self._freest_of(r)[:3]))

    def _free(self, n: int) -> Phrase:
        name, free = self._zone.nodes[n].name, self._board.free[n] // 1024
        if not self._board.watched:
            return Phrase("placement_free", name, free)
        return Phrase("placement_free_but_kept", name, free, -(-self._board.reserve[n] // 1024))

    def _nowhere(self, vm: Vm) -> LeftOut:
        barred = tuple(Phrase("about", [one.name, one.barred]) for one in self._zone.nodes if one.barred)
        able = [one for one in self._zone.nodes if not one.barred]
        if vm.bound and not any(one.name == vm.was for one in able):
            return LeftOut(vm.uuid, "placement_bound", {"why": vm.bound, "node": vm.was}, barred)
        if not able:
            return LeftOut(vm.uuid, "placement_no_node", {"nodes": len(barred)}, barred)
        lacks = sorted((len(vm.volumes - one.volumes), one.name, sorted(vm.volumes - one.volumes)) for one in able)
        said = tuple(Phrase("placement_lacks", name, volumes) for _count, name, volumes in lacks[:3])
        return LeftOut(vm.uuid, "placement_volumes", {"volumes": sorted(vm.volumes)}, said)

    def _limit(self, v: int, cost: int, freest: Sequence[int]) -> Tuple[str, Dict[str, Any]]:
        zone, board = self._zone, self._board
        if zone.largest[zone.reach[v]] < cost:
            return "placement_too_large", {"needs_kib": cost, "largest_kib": zone.largest[zone.reach[v]]}
        if board.free[freest[0]] < cost:
            return "placement_memory", {"needs_kib": cost, "free_kib": board.free[freest[0]]}
        roomy = [n for n in takewhile(lambda n: board.free[n] >= cost, freest) if n not in board.closed]
        shown = [n for n in roomy if board.slots[n] > 0]
        if roomy and not shown:
            first, last = zone.limits.displays
            return "placement_display", {"first": first.number, "last": last.number}
        if shown and not any(board.may(v, n) for n in shown):
            limits = zone.limits
            return "placement_apart", {"group": zone.group[v], "node": limits.per_node, "rack": limits.per_rack}
        return "placement_reserve", {"needs_kib": cost}

    def _freest_of(self, r: int) -> List[int]:
        if r not in self._freest:
            self._freest[r] = sorted(self._zone.reaches[r], key=lambda n: (-self._board.free[n], n))
        return self._freest[r]


def _remedy(before: _Board, found: _Found, wanted: Sequence[int]) -> Optional[Remedy]:
    """``before``: nothing is placed yet. What no node is large enough for is not spoken of."""
    zone = before.zone
    hopeless = {v for v in found.left if zone.largest[zone.reach[v]] < zone.cost[v]}
    left = [v for v in found.left if v not in hopeless]
    if not left:
        return None
    wanted = [v for v in wanted if v not in hopeless]
    # of a lost node's VMs none runs, though they did
    movable = zone.movable.difference(wanted)
    zone.begin()
    memory, least = None, False
    if not before.watched and zone.is_small(wanted):
        memory, least = _LeastMemory(before, wanted).found, not zone.unsure
    if memory is None:
        memory, least = _enough_memory(found.board, left), False
    moves: Optional[_Moves] = None
    fits, fewest = left, False
    if zone.is_small(wanted) and zone.is_small(movable):
        zone.begin()
        moves = _fewest_moves(before, wanted, sorted(movable))
        fewest = moves is not None and not zone.unsure
    if moves is None:
        zone.begin()
        moves, fits = _some_moves(found.board, left, movable) if movable else ((), [])
        fewest = len(moves) == 1 and fits == left and found.proven
    return Remedy(
        tuple(Move(zone.vms[v].uuid, zone.nodes[a].name, zone.nodes[b].name) for v, a, b in moves),
        tuple(zone.vms[v].uuid for v in fits),
        fewest,
        tuple((zone.nodes[n].name, kib) for n, kib in sorted(memory.items()) if kib),
        least,
    )


_Moves = Tuple[Tuple[int, int, int], ...]


def _fewest_moves(before: _Board, wanted: Sequence[int], movable: Sequence[int]) -> Optional[_Moves]:
    """Breadth first."""
    zone = before.zone
    start = before.copy()
    if start.watched:
        start.unwatch()
    levels: List[Tuple[_Board, _Moves]] = [(start, ())]
    seen = {tuple(start.where)}
    while levels:
        deeper: List[Tuple[_Board, _Moves]] = []
        for board, moves in levels:
            for v in movable:
                for n in zone.reaches[zone.reach[v]]:
                    source = board.where[v]
                    if n == source or board.free[n] < zone.cost[v]:
                        continue
                    after = board.copy()
                    after.take(v)
                    if not after.may(v, n):
                        continue
                    after.put(v, n)
                    if tuple(after.where) in seen:
                        continue
                    seen.add(tuple(after.where))
                    if not zone.step():
                        return None
                    done = moves + ((v, source, n),)
                    if _all_fit(before, after, wanted):
                        return done
                    deeper.append((after, done))
        levels = deeper
    return None


def _all_fit(before: _Board, after: _Board, wanted: Sequence[int]) -> bool:
    board = after.copy()
    if before.watched and not set(board.watch()) <= before.closed:
        return False
    if not _fill(board, wanted)[1]:
        return True
    none_left = [0] * (board.zone.levels - 1) + [1]
    return _Search(board, wanted, none_left).found is not None


def _some_moves(board: _Board, left: Sequence[int], movable: FrozenSet[int]) -> Tuple[_Moves, List[int]]:
    """VM by VM, each to the node where the fewest moves make room for it; what is planned stays as it is."""
    moves: _Moves = ()
    fits = []
    board = board.copy()
    for v in left:
        if not _settle(board, v, spread=False):
            found = _moves_for(board, v, movable)
            if found is None:
                continue
            done = _move(board, v, *found)
            if done is None:
                # it would have done; the search for stand-ins has ended since
                break
            moves += done
        fits.append(v)
    return moves, fits


def _moves_for(board: _Board, v: int, movable: FrozenSet[int]) -> Optional[Tuple[int, List[int]]]:
    """The node, and who leaves it."""
    zone = board.zone
    best: Optional[Tuple[int, List[int]]] = None
    near = sorted((zone.cost[v] - board.room[n], n) for n in zone.reaches[zone.reach[v]] if n not in board.closed)
    for lacks, n in near[: len(near) if zone.is_small((v,)) else _NEAREST]:
        movers = [u for u in board.guests[n] & movable if _elsewhere(board, u, n)]
        movers.sort(key=lambda u: (zone.cost[u], u))
        # the smallest that is enough, or else the largest together
        ways = [[u] for u in movers] + [movers[-count:] for count in range(2, len(movers) + 1)]
        for way in ways:
            if (best is not None and len(way) >= len(best[1])) or not zone.step():
                break
            if sum(zone.cost[u] for u in way) >= lacks and _would_do(board, v, n, way):
                best = n, way
        if best is not None and len(best[1]) == 1:
            break
    return best


def _elsewhere(board: _Board, v: int, n: int) -> List[int]:
    return [other for other in _candidates(board, v, spread=False, most=_TRIES) if other != n]


def _would_do(board: _Board, v: int, n: int, way: Sequence[int]) -> bool:
    if board.watched:
        return _move(board.copy(), v, n, way) is not None
    moves = _move(board, v, n, way)
    if moves is not None:
        board.take(v)
        _undo(board, moves)
    return moves is not None


def _move(board: _Board, v: int, n: int, way: Iterable[int]) -> Optional[_Moves]:
    """They leave the node, and the VM is placed there; without N+1, what does not come to its end is undone."""
    moves: _Moves = ()
    for u in way:
        targets = _elsewhere(board, u, n)
        board.take(u)
        target = next((one for one in targets if board.place(u, one, _ANEW)), None)
        if target is None:
            board.put(u, n)
            break
        moves += ((u, n, target),)
    else:
        if board.free[n] >= board.zone.cost[v] and board.may(v, n) and board.place(v, n, _ANEW):
            return moves
    _undo(board, moves)
    return None


def _undo(board: _Board, moves: _Moves) -> None:
    for u, source, _target in reversed(moves):
        board.take(u)
        board.put(u, source)


def _enough_memory(board: _Board, left: Sequence[int]) -> Dict[int, int]:
    """Each VM on the node that lacks least of what it needs; where N+1 asks for it, room for a stand-in likewise."""
    zone = board.zone
    board = board.copy()
    given: Dict[int, int] = {}
    for v in left:
        order, cost = board.order[zone.reach[v]], zone.cost[v]
        nodes = (key % len(zone.nodes) for key in reversed(order))
        for n in islice((n for n in nodes if board.may(v, n)), 2 if board.watched else 1):
            more = max(0, cost - board.room[n])
            given[n] = given.get(n, 0) + more
            board.give(n, more)
            if board.place(v, n, _ANEW):
                break
    return given


class _LeastMemory:
    """Every way to place all of them, however little memory there is. ``found``: what each node lacks for the best."""

    def __init__(self, board: _Board, vms: Sequence[int]) -> None:
        self.found: Optional[Dict[int, int]] = None
        self._least = 0
        self._vms = vms
        self._board = board.copy()
        self._go(0, 0, 0)

    def _go(self, at: int, first: int, lacks: int) -> None:
        zone, board = self._board.zone, self._board
        if self.found is not None and lacks >= self._least:
            return
        if at == len(self._vms):
            self.found = {n: -free for n, free in enumerate(board.free) if free < 0}
            self._least = lacks
            return
        v = self._vms[at]
        same = at + 1 < len(self._vms) and zone.alike(v) == zone.alike(self._vms[at + 1])
        for n in zone.reaches[zone.reach[v]]:
            if n >= first and board.may(v, n) and zone.step():
                more = min(zone.cost[v], max(0, zone.cost[v] - board.free[n]))
                board.put(v, n)
                self._go(at + 1, n if same else 0, lacks + more)
                board.take(v)
