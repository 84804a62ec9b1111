# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VNC port each VM really has, whether the database says so, and which rows may be corrected.

Source: runbook "기타 vm 구동 관련 문제"; docs/rules.md, rules 2, 9, 49 and 50. A port is proven where xenstore, QMP and
the listening socket agree. The command line is never a proof: with ``to=99`` QEMU takes the next free display and the
command line keeps the one it was asked for. A row is planned only for a VM that runs in one place, proven, and where
the database says; everything else is named and left alone.
"""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Dict, FrozenSet, Iterable, List, Mapping, Optional, Sequence, Set, Tuple, TypeVar

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import Display, Port, VmUuid

T = TypeVar("T")

# A domain in one of these holds a port, but is not proven to be the VM in service.
_IN_BETWEEN = ("paused", "shutdown", "crashed", "dying")


class Standing(str, enum.Enum):
    """How a VM stands; the value is the code of its finding."""

    IN_STEP = "vnc_in_step"
    DIFFERS = "vnc_database_differs"
    OFF = "vnc_off"
    WITHOUT_CONSOLE = "vnc_without_console"
    NOT_IN_DATABASE = "vnc_not_in_database"
    ON_ANOTHER_NODE = "vnc_on_another_node"
    TWICE = "vnc_running_twice"
    IN_BETWEEN = "vnc_in_between"
    DISAGREE = "vnc_truths_disagree"
    NOT_PROVEN = "vnc_truth_missing"
    MAYBE_ELSEWHERE = "vnc_maybe_on_silent_node"
    ROW_TWICE = "vnc_row_twice"


@dataclass(frozen=True)
class Row:
    """What the database says of a VM; ``node`` is empty where it names none that it has."""

    vm: VmUuid
    node: str
    display: Optional[Display]
    name: str = ""


@dataclass(frozen=True)
class Domain:
    """One domain of a node. ``between`` says why it may not be the VM in service: incoming, paused, dying and the like.

    ``xenstore``, ``qmp`` and ``listening`` are what the port really is; ``command_line`` is what QEMU was asked for.
    """

    number: int
    vm: VmUuid
    xenstore: Optional[Port] = None
    qmp: Optional[Port] = None
    listening: Optional[Port] = None
    command_line: Optional[Display] = None
    configured: Optional[Display] = None
    between: str = ""

    @property
    def ports(self) -> Tuple[Port, ...]:
        return tuple(one for one in (self.xenstore, self.qmp, self.listening) if one is not None)


@dataclass(frozen=True)
class Config:
    path: str
    vm: VmUuid
    display: Optional[Display]


@dataclass(frozen=True)
class Listener:
    port: Port
    command: str = ""
    pid: Optional[int] = None


@dataclass(frozen=True)
class Node:
    """What a node answered. ``blind``: its domains could not be read, which is as good as silence.

    ``touched``: VMs that a toolstack process names or whose image is open here. ``missing``: readings that were not
    taken.
    """

    name: str
    domains: Tuple[Domain, ...] = ()
    configs: Tuple[Config, ...] = ()
    listeners: Tuple[Listener, ...] = ()
    touched: FrozenSet[VmUuid] = frozenset()
    missing: Tuple[str, ...] = ()
    blind: bool = False


@dataclass(frozen=True)
class Place:
    node: str
    domain: Domain


@dataclass(frozen=True)
class Judged:
    """``node`` is where its finding belongs; ``truth`` is proven; ``extras`` are what else is to be said of it."""

    vm: VmUuid
    standing: Standing
    node: str
    row: Optional[Row] = None
    places: Tuple[Place, ...] = ()
    truth: Optional[Port] = None
    extras: Tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Change:
    """One row to correct, or one write on the way there."""

    vm: VmUuid
    node: str
    old: Optional[Display]
    new: Display


@dataclass(frozen=True)
class Refused:
    """A row that differs and is left as it is, with the finding's code that says why."""

    vm: VmUuid
    node: str
    why: str


@dataclass(frozen=True)
class ConfigChange:
    """A ``.cfg`` of a VM that is off, whose display is not the database's. ``node`` is one that reads it."""

    vm: VmUuid
    node: str
    path: str
    old: Display
    new: Display


@dataclass(frozen=True)
class Comparison:
    vms: Tuple[Judged, ...]
    changes: Tuple[Change, ...]
    refused: Tuple[Refused, ...]
    configs: Tuple[ConfigChange, ...]
    silent: Tuple[str, ...]
    blind: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)

    def findings(self) -> Dict[str, List[Finding]]:
        """By node, those of nodes that gave no answer too."""
        found: Dict[str, List[Finding]] = {}
        for node in self.silent:
            evidence = self.blind.get(node, ())
            found.setdefault(node, []).append(Finding("vnc_node_silent", node, {}, evidence or ("no reading",)))
        for one in self.vms:
            nodes = sorted({place.node for place in one.places} or {one.node})
            for node in nodes if one.standing is Standing.TWICE else nodes[:1]:
                found.setdefault(node, []).append(_finding(one))
            found.setdefault(one.node, []).extend(one.extras)
        return found


def node(name: str, answer: Mapping[str, Any]) -> Node:
    """What ``xen_vm_info`` answered for a node, under the name the database has for it."""
    domains = answer.get("domains")
    missing = tuple("%(reading)s: %(problem)s" % one for one in answer.get("missing") or ())
    if (answer.get("node") or {}).get("recovering"):
        # rule 4: a start may wait for that, unseen, and then succeed
        missing += ("OCFS2 takes over what a dead node held",)
    if domains is None:
        return Node(name, missing=missing or ("domains",), blind=True)
    return Node(
        name,
        tuple(filter(None, (_domain(one) for one in domains))),
        tuple(filter(None, (_config(one) for one in answer.get("configs") or ()))),
        tuple(filter(None, (_listener(one) for one in answer.get("listeners") or ()))),
        _touched(answer),
        missing,
    )


def compare(rows: Iterable[Row], nodes: Iterable[Node], expected: Iterable[str]) -> Comparison:
    """``rows``: all that the database has; of those, what is on the ``expected`` nodes or runs on them is judged."""
    known = list(rows)
    read = sorted(nodes, key=lambda one: one.name)
    answered = {one.name: one for one in read if not one.blind}
    blind = {one.name: one.missing for one in read if one.blind}
    silent = tuple(sorted((set(expected) | set(blind)) - set(answered)))
    by_vm: Dict[VmUuid, List[Row]] = {}
    for row in known:
        by_vm.setdefault(row.vm, []).append(row)
    places: Dict[VmUuid, List[Place]] = {}
    for one in answered.values():
        for domain in one.domains:
            places.setdefault(domain.vm, []).append(Place(one.name, domain))
    scope = set(places) | {row.vm for row in known if row.node in answered or row.node in silent}
    contested = _contested(answered.values())
    judged = [_judge(vm, by_vm.get(vm, []), places.get(vm, []), silent, answered, contested) for vm in sorted(scope)]
    changes, taken = _plan(judged, known)
    moving = {change.vm for change in changes}
    refused = [
        Refused(one.vm, one.node, "vnc_value_taken" if one.vm in taken else one.standing.value)
        for one in judged
        if one.vm not in moving and _row_is_off_the_truth(one)
    ]
    off = frozenset(one.vm for one in judged if one.standing is Standing.OFF)
    context = _Context(answered, known, taken, off)
    return Comparison(
        tuple(replace(one, extras=tuple(_extras(one, context))) for one in judged),
        tuple(changes),
        tuple(refused),
        tuple(_configs(judged, context)),
        silent,
        blind,
    )


def writes(changes: Sequence[Change], rows: Iterable[Row]) -> List[Change]:
    """The changes in an order in which no two rows of a node ever hold one display because of them.

    A chain is written from its free end; a circle takes one more write, through a display that nobody has.
    """
    ordered: List[Change] = []
    known = list(rows)
    for name in sorted({change.node for change in changes}):
        pending = {change.vm: change for change in changes if change.node == name}
        held = {row.display for row in known if row.node == name} | {change.new for change in pending.values()}
        while pending:
            olds = [(change.old, change.vm) for change in pending.values()]
            free = [
                change
                for change in pending.values()
                if not any(old == change.new and vm != change.vm for old, vm in olds)
            ]
            if free:
                ordered += free[:1]
                del pending[free[0].vm]
                continue
            change = next(iter(pending.values()))
            aside = next(one for one in map(Display, range(Display.LARGEST, -1, -1)) if one not in held)
            held.add(aside)
            ordered.append(replace(change, new=aside))
            pending[change.vm] = replace(change, old=aside)
    return ordered


def applied(rows: Iterable[Row], changes: Iterable[Change]) -> List[Row]:
    """The rows as they are after the changes."""
    displays: Dict[VmUuid, Display] = {change.vm: change.new for change in changes}
    return [replace(row, display=displays[row.vm]) if row.vm in displays else row for row in rows]


def too_old(ages: Mapping[str, float], allowed: float) -> List[str]:
    """The readings that a correction may not rest on (rule 10), by name; one from the future has no age."""
    return [
        "%s (%s)" % (name, "its clock is ahead" if age < -1 else "%.0f s old" % age)
        for name, age in sorted(ages.items())
        if not -1 <= age <= allowed
    ]


@dataclass(frozen=True)
class _Context:
    answered: Mapping[str, Node]
    rows: Sequence[Row]
    taken: Mapping[VmUuid, Tuple[Row, ...]]
    off: FrozenSet[VmUuid]
    sharing: Mapping[Tuple[str, Display], Tuple[Row, ...]] = field(init=False)
    foreign: Mapping[str, Mapping[Port, Listener]] = field(init=False)
    cfgs: Mapping[VmUuid, Tuple[Tuple[str, Config], ...]] = field(init=False)

    def __post_init__(self) -> None:
        sharing = _grouped(((row.node, row.display), row) for row in self.rows if row.display is not None and row.node)
        object.__setattr__(self, "sharing", {key: held for key, held in sharing.items() if len(held) > 1})
        object.__setattr__(self, "foreign", {name: _foreign(one) for name, one in self.answered.items()})
        # every node reads every .cfg of a shared volume
        every = ((name, cfg) for name, one in self.answered.items() for cfg in one.configs if cfg.vm in self.off)
        object.__setattr__(self, "cfgs", _grouped((cfg.vm, (name, cfg)) for name, cfg in every))


def _grouped(pairs: Iterable[Tuple[Any, T]]) -> Dict[Any, Tuple[T, ...]]:
    grouped: Dict[Any, List[T]] = {}
    for key, value in pairs:
        grouped.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in grouped.items()}


def _foreign(one: Node) -> Dict[Port, Listener]:
    own = {domain.listening for domain in one.domains}
    return {listener.port: listener for listener in one.listeners if listener.port not in own}


def _contested(nodes: Iterable[Node]) -> Set[Tuple[str, Port]]:
    """(node, port) that two domains of the node claim: one socket has one owner."""
    claimed = _grouped(((one.name, port), domain) for one in nodes for domain in one.domains for port in domain.ports)
    return {key for key, domains in claimed.items() if len({domain.number for domain in domains}) > 1}


def _judge(
    vm: VmUuid,
    rows: Sequence[Row],
    places: Sequence[Place],
    silent: Sequence[str],
    answered: Mapping[str, Node],
    contested: Set[Tuple[str, Port]],
) -> Judged:
    row = rows[0] if rows else None
    node_of = places[0].node if places else row.node if row else ""
    said = Judged(vm, Standing.ROW_TWICE, node_of, row, tuple(places))
    in_service = [place for place in places if not place.domain.between]
    if len(in_service) > 1:
        return replace(said, standing=Standing.TWICE)
    if len(places) > len(in_service):
        return replace(said, standing=Standing.IN_BETWEEN)
    if len(rows) > 1:
        return said
    if not places:
        return replace(said, standing=Standing.MAYBE_ELSEWHERE if silent else Standing.OFF)
    (place,) = places
    if row is None:
        standing, truth = Standing.NOT_IN_DATABASE, None
    elif row.node != place.node:
        standing, truth = Standing.ON_ANOTHER_NODE, None
    else:
        standing, truth = _truth(place, answered[place.node], contested)
        if truth is not None:
            standing = Standing.IN_STEP if row.display == truth.display else Standing.DIFFERS
    return replace(said, standing=standing, truth=truth)


def _truth(place: Place, one: Node, contested: Set[Tuple[str, Port]]) -> Tuple[Standing, Optional[Port]]:
    """The proven port; without one, what it is instead."""
    domain = place.domain
    if not domain.ports and domain.command_line is None and domain.configured is None and not one.missing:
        return Standing.WITHOUT_CONSOLE, None
    if len(set(domain.ports)) > 1 or any((one.name, port) in contested for port in domain.ports):
        return Standing.DISAGREE, None
    # one witness proves nothing, and that nobody listens says that the others are of the past
    if len(domain.ports) < 2 or domain.listening is None:
        return Standing.NOT_PROVEN, None
    return Standing.IN_STEP, domain.listening


def _row_is_off_the_truth(one: Judged) -> bool:
    """Some port is claimed for it, and its row has another."""
    claimed = {port.display for place in one.places for port in place.domain.ports}
    return one.row is not None and bool(claimed) and claimed != {one.row.display}


def _plan(judged: Sequence[Judged], rows: Sequence[Row]) -> Tuple[List[Change], Dict[VmUuid, Tuple[Row, ...]]]:
    """The changes, and by VM that cannot be changed the rows which hold the display it should have.

    Who cannot move blocks whoever wants its display, so refusals are followed until none is added.
    """
    moving = {
        one.vm: Change(one.vm, one.node, one.row.display, one.truth.display)
        for one in judged
        if one.standing is Standing.DIFFERS and one.row is not None and one.truth is not None
    }
    holding = _grouped(((row.node, row.display), row) for row in rows)
    taken: Dict[VmUuid, Tuple[Row, ...]] = {}
    while True:
        stopped = {}
        for change in moving.values():
            staying = [row for row in holding.get((change.node, change.new), ()) if row.vm not in moving]
            if staying:
                stopped[change.vm] = tuple(staying)
        if not stopped:
            return list(moving.values()), taken
        taken.update(stopped)
        for vm in stopped:
            del moving[vm]


def _extras(one: Judged, context: _Context) -> Iterable[Finding]:
    row = one.row
    if one.vm in context.taken and one.truth is not None:
        holders = [_called(holder.vm, holder) for holder in context.taken[one.vm]]
        values = {"display": one.truth.display.number, "holders": holders}
        yield Finding("vnc_value_taken", _called(one.vm, row), values, _evidence(one))
    if row is not None and row.display is not None and row.node == one.node:
        others = [held for held in context.sharing.get((row.node, row.display), ()) if held.vm != one.vm]
        if others:
            values = {"display": row.display.number, "others": [_called(held.vm, held) for held in others]}
            yield Finding("vnc_port_shared", _called(one.vm, row), values, tuple(map(_row_said, [row, *others])))
        listener = context.foreign.get(row.node, {}).get(row.display.port)
        if listener is not None:
            said = "%s listens on %s (pid %s)" % (listener.command or "a process", listener.port, listener.pid or "?")
            values = {"port": listener.port.number, "command": listener.command or "?", "pid": listener.pid or "?"}
            yield Finding("vnc_port_foreign", _called(one.vm, row), values, (said, _row_said(row)))
    if one.truth is not None:
        domain, shown = one.places[0].domain, one.truth.display
        if domain.command_line not in (None, shown):
            values = {"command_line": str(domain.command_line), "display": shown.number}
            yield Finding("vnc_command_line_lies", _called(one.vm, row), values, _evidence(one))
        if domain.configured not in (None, shown):
            values = {"configured": str(domain.configured), "display": shown.number}
            yield Finding("vnc_config_differs", _called(one.vm, row), values, _evidence(one))
    if one.standing is Standing.OFF and row is not None and row.display is not None:
        for path, display in sorted({(cfg.path, cfg.display) for _name, cfg in context.cfgs.get(one.vm, ())}):
            if display not in (None, row.display):
                values = {"configured": str(display), "display": row.display.number}
                said = "%s: vncdisplay %s" % (path, display)
                yield Finding("vnc_config_differs", _called(one.vm, row), values, (said, _row_said(row)))


def _configs(judged: Sequence[Judged], context: _Context) -> Iterable[ConfigChange]:
    """Of VMs that are off beyond doubt: every node answered whole, and none of them has a hand on the VM."""
    if any(one.missing for one in context.answered.values()):
        return
    touched = {vm for one in context.answered.values() for vm in one.touched}
    for one in judged:
        row = one.row
        if one.standing is not Standing.OFF or one.vm in touched or row is None or row.display is None:
            continue
        if (row.node, row.display) in context.sharing:
            continue
        readers: Dict[Tuple[str, Display], List[str]] = {}
        for name, cfg in context.cfgs.get(one.vm, ()):
            if cfg.display is not None and cfg.display != row.display:
                readers.setdefault((cfg.path, cfg.display), []).append(name)
        for (path, display), names in sorted(readers.items()):
            yield ConfigChange(one.vm, row.node if row.node in names else min(names), path, display, row.display)


def _finding(one: Judged) -> Finding:
    where = ", ".join("%s (domain %d)" % (place.node, place.domain.number) for place in one.places)
    states = sorted({place.domain.between for place in one.places if place.domain.between})
    values: Dict[str, Any] = {
        "row": str(one.row.display) if one.row and one.row.display is not None else "-",
        "row_node": one.row.node or "?" if one.row else "-",
        "where": where,
        "state": states,
    }
    if one.truth is not None:
        values.update(display=one.truth.display.number, port=one.truth.number)
    return Finding(one.standing.value, _called(one.vm, one.row), values, _evidence(one))


def _evidence(one: Judged) -> Tuple[str, ...]:
    said = [_row_said(one.row)] if one.row else []
    for place in one.places:
        domain = place.domain
        readings = (
            ("xenstore", domain.xenstore),
            ("QMP", domain.qmp),
            ("listening", domain.listening),
            ("command line", domain.command_line),
            (".cfg", domain.configured),
        )
        shown = ", ".join("%s %s" % (name, "-" if value is None else value) for name, value in readings)
        between = " (%s)" % domain.between if domain.between else ""
        said.append("%s domain %d%s: %s" % (place.node, domain.number, between, shown))
    return tuple(said)


def _row_said(row: Row) -> str:
    shown = "NULL" if row.display is None else str(row.display)
    return "database: %s on %s, vnc_port %s" % (_called(row.vm, row), row.node or "?", shown)


def _called(vm: VmUuid, row: Optional[Row]) -> str:
    return "%s (%s)" % (vm, row.name) if row is not None and row.name and row.name != vm else str(vm)


def _domain(reading: Mapping[str, Any]) -> Optional[Domain]:
    number = int(reading["id"])
    vm = _made(VmUuid, reading.get("uuid"))
    if number == 0 or vm is None:
        return None
    state = reading.get("state") or {}
    names = ["incoming", "migrated_away"] + ["state." + one for one in _IN_BETWEEN]
    flags = {**reading, **{"state." + one: state.get(one) for one in _IN_BETWEEN}}
    between = [one.rpartition(".")[2] for one in names if flags.get(one)]
    if reading.get("name") in (None, "", "(null)"):
        between.append("nameless")
    vnc = reading.get("vnc") or {}
    return Domain(
        number,
        vm,
        _made(Port.of, vnc.get("xenstore")),
        _made(Port.of, vnc.get("qmp")),
        _made(Port.of, vnc.get("listening")),
        _made(Display.of, vnc.get("command_line")),
        _made(Display.of, vnc.get("configured")),
        ", ".join(between),
    )


def _config(reading: Mapping[str, Any]) -> Optional[Config]:
    return _config_of(str(reading.get("path")), reading.get("uuid"), reading.get("display"))


@functools.lru_cache(maxsize=16384)
def _config_of(path: str, uuid: Optional[str], display: Optional[int]) -> Optional[Config]:
    """Every node of a zone reads the same ones."""
    vm = _made(VmUuid, uuid)
    return None if vm is None else Config(path, vm, _made(Display.of, display))


def _listener(reading: Mapping[str, Any]) -> Optional[Listener]:
    port = _made(Port.of, reading.get("port"))
    return None if port is None else Listener(port, str(reading.get("command") or ""), reading.get("pid"))


def _touched(answer: Mapping[str, Any]) -> FrozenSet[VmUuid]:
    """Every VM whose uuid stands in what a toolstack process names or in the path of an open image."""
    texts = [str(name) for one in answer.get("toolstack") or () for name in one.get("names") or ()]
    texts += [str(one.get("path")) for one in answer.get("openers") or ()]
    parts = {part for text in texts for part in text.replace(".", "/").split("/")}
    return frozenset(filter(None, (_made(VmUuid, part) for part in parts)))


def _made(make: Callable[[Any], T], value: Any) -> Optional[T]:
    """A value a node could not tell, or told in a form nobody knows, is not there: what needs it is not proven."""
    if value is None:
        return None
    try:
        return make(value)
    except ValueError:
        return None
