# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where is a VM, and is it off? The readings of all nodes, by rules 1 to 4 and 33 of docs/rules.md.

Anything that names the VM or has its image open is a place. It is off only when two readings of every node found
none, and nothing that could have hidden one is missing; whatever is left is not known.
"""

from __future__ import annotations

import enum
import itertools
import posixpath
import re
from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Missing, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.host_names import same_host
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import VmUuid

BETWEEN_READINGS = 3.0
# what two readings of a domain at both ends may take together, for its CPU time to prove anything
TOGETHER = 5.0
# an `xl create` of a request to the API may begin this long after it, in seconds
REQUEST_BOUND = 300.0
# of the domain's state: what keeps it from running
_RESTS = ("paused", "shutdown", "crashed", "dying")
_PART = re.compile(r"--(incoming|migratedaway)$")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# these tell of consoles and sizes, never of where a VM is
_BESIDE = ("unix ", "ss ")
_SAVED = "saved"
SECOND_READING = Phrase("gap_second_reading", "%g" % BETWEEN_READINGS)


class Verdict(str, enum.Enum):
    OFF = "off"
    SOMEWHERE = "somewhere"
    TWICE_SUSPECTED = "twice_suspected"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Sources:
    """The names of a zone's nodes by source; None is a source that could not be read.

    ``heartbeat``: nodes whose slot moves; a node that left has none there. ``kept``: the sources that the zone has.
    """

    inventory: Optional[FrozenSet[str]]
    database: Optional[FrozenSet[str]]
    cluster_conf: Optional[FrozenSet[str]] = frozenset()
    heartbeat: Optional[FrozenSet[str]] = frozenset()
    kept: Tuple[str, ...] = ("inventory", "database", "cluster.conf", "heartbeat")


@dataclass(frozen=True)
class NodeSet:
    """Every node that must answer. ``differences``: what the sources do not agree on, or could not say."""

    names: Tuple[str, ...]
    beating: Tuple[str, ...] = ()
    differences: Tuple[str, ...] = ()


@dataclass(frozen=True)
class File:
    """An image. ``key`` is the same for one file under all its names, on all nodes that share it; None: not known."""

    path: str
    key: Optional[Tuple[str, ...]] = None


@dataclass(frozen=True)
class Domain:
    """``rests``: why it does not run: paused, shutdown, crashed, dying; empty while it may."""

    id: int
    uuid: VmUuid
    name: str
    cpu_ns: int
    rests: str = ""
    disks: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Opener:
    file: File
    by: str
    name: str
    pid: Optional[int] = None
    writes: bool = True


@dataclass(frozen=True)
class Tool:
    pid: int
    command: str
    names: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Config:
    path: str
    uuid: Optional[VmUuid]
    name: Optional[str] = None
    disks: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Saved:
    path: str
    uuid: Optional[VmUuid] = None


@dataclass(frozen=True)
class Reading:
    """What one node answered once. ``at``: when its domains were counted, by the controller's clock.

    ``domains`` is None where they are not known; so is ``recovering``.
    """

    node: str
    at: float
    boot_id: str = ""
    domains: Optional[Tuple[Domain, ...]] = ()
    configs: Tuple[Config, ...] = ()
    images: Tuple[File, ...] = ()
    openers: Tuple[Opener, ...] = ()
    tools: Tuple[Tool, ...] = ()
    saved: Tuple[Saved, ...] = ()
    recovering: Optional[bool] = False
    missing: Tuple[Missing, ...] = ()


@dataclass(frozen=True)
class Vm:
    """``names``: every name, ``.cfg`` and image path it is known by; ``backing``: files that its images stand on."""

    uuid: VmUuid
    names: FrozenSet[str] = frozenset()
    images: FrozenSet[File] = frozenset()
    backing: FrozenSet[File] = frozenset()


@dataclass(frozen=True)
class Request:
    """A request to the API that has had no answer yet; ``at``: when it was sent, seconds since the epoch."""

    what: str
    at: float


@dataclass(frozen=True, order=True)
class Place:
    """``kind``: domain, toolstack, saved, or by what an image is open. One that does not ``count`` is only named."""

    node: str
    kind: str
    evidence: str
    counts: bool = True


@dataclass(frozen=True, order=True)
class Gap:
    """A proof that is missing; ``node`` is empty where it is no node's."""

    node: str
    what: str
    why: str = ""


@dataclass(frozen=True)
class Count:
    """A domain's CPU time; ``at``: by the controller's clock; ``rests``: why it cannot run, empty where it can."""

    at: float
    cpu_ns: int
    rests: str = ""


# of one VM's domains at about one moment, by node and Xen's number
Counts = Mapping[Tuple[str, int], Count]


@dataclass(frozen=True)
class Whereabouts:
    """``twice``: it is proven to run twice; a suspicion alone is the verdict's."""

    vm: VmUuid
    verdict: Verdict
    places: Tuple[Place, ...] = ()
    silent: Tuple[str, ...] = ()
    missing: Tuple[Gap, ...] = ()
    twice: bool = False


def node_set(sources: Sources) -> NodeSet:
    """The union of all sources, by rule 1. A node that one of them lacks is named, and is as good as missing."""
    given = {
        "inventory": sources.inventory,
        "database": sources.database,
        "cluster.conf": sources.cluster_conf,
        "heartbeat": sources.heartbeat,
    }
    wanted = [name for name in given if name in sources.kept]
    every = sorted(set().union(*(given[name] or () for name in wanted)))
    # a short name may be any of those that have a domain: these stand first
    names: List[str] = []
    for one in sorted(every, key=lambda name: "." not in name):
        if not any(same_host(one, other) for other in names):
            names.append(one)
    names.sort()
    differences = [Phrase("source_not_read", name) for name in wanted if given[name] is None]
    for name in wanted:
        found = given[name]
        # a node that is down has no heartbeat: that it lacks one is no difference
        if found is not None and name != "heartbeat":
            lacking = [one for one in names if not any(same_host(one, other) for other in found)]
            differences += [Phrase("source_lacks", one, name) for one in lacking]
    beating = tuple(one for one in names if any(same_host(one, other) for other in sources.heartbeat or ()))
    return NodeSet(tuple(names), beating, tuple(sorted(differences)))


def reading(node: str, answer: Mapping[str, Any]) -> Reading:
    """What M(cloudops.hypervisor.xen_vm_info) returned for a node."""
    about, domains = answer["node"], answer["domains"]
    return Reading(
        node=node,
        at=_taken(answer),
        boot_id=about["boot_id"],
        domains=None if domains is None else tuple(_domain(one) for one in domains),
        configs=tuple(
            Config(one["path"], _uuid(one["uuid"]), one["name"], tuple(one["disks"])) for one in answer["configs"]
        ),
        images=tuple(_file(node, one) for one in answer["images"]),
        openers=tuple(
            Opener(_file(node, one), one["by"], one["name"], one["pid"], one["writes"]) for one in answer["openers"]
        ),
        tools=tuple(Tool(one["pid"], one["command"], tuple(one["names"])) for one in answer["toolstack"]),
        saved=tuple(Saved(one["path"], _uuid(one["uuid"])) for one in answer["saved"]),
        recovering=about["recovering"],
        missing=tuple(Missing(one["reading"], Problem(one["problem"]), one["detail"]) for one in answer["missing"]),
    )


def _taken(answer: Mapping[str, Any]) -> float:
    """By the controller's clock where it is known: the nodes' own may differ."""
    about, clock = answer["node"], answer.get("clock")
    if not clock:
        return float(about["at"])
    return float(clock["answered"] - (about["ended"] - about["at"]))


def counted_after(answer: Mapping[str, Any]) -> float:
    """A moment of the controller's clock at which the domains were not counted yet: the reading is not older."""
    return _here(answer, answer["node"]["at"])


def _here(answer: Mapping[str, Any], at: float) -> float:
    """A moment of the node's clock by the controller's, not later than it really was."""
    about, clock = answer["node"], answer.get("clock")
    if not clock:
        return float(at)
    # what the node's clock says cannot be more than what went by here, should somebody have set it meanwhile
    most = clock["answered"] - clock["asked"] - (about["ended"] - at)
    return float(clock["asked"] + max(0.0, min(at - about["began"], most)))


def counts(answers: Mapping[str, Mapping[str, Any]]) -> List[Counts]:
    """From what M(cloudops.hypervisor.vm_counts_info) returned, by node."""
    rounds: List[Dict[Tuple[str, int], Count]] = []
    for node, answer in answers.items():
        for number, each in enumerate(answer["rounds"]):
            rounds += [{}] * (number + 1 - len(rounds))
            found = {
                (node, one["id"]): Count(_here(answer, each["at"]), one["cpu_ns"], _resting(one["state"]))
                for one in each["domains"] or ()
            }
            rounds[number] = {**rounds[number], **found}
    return list(rounds)


def _resting(state: Mapping[str, Any]) -> str:
    return ", ".join(name for name in _RESTS if state[name])


def _uuid(text: Optional[str]) -> Optional[VmUuid]:
    return None if text is None else VmUuid(text)


def is_end(name: str) -> bool:
    """Whether a domain of this name is one end of a migration."""
    return _PART.search(name) is not None


def _domain(one: Mapping[str, Any]) -> Domain:
    disks = tuple(disk["path"] for disk in one["disks"] if disk["path"])
    return Domain(one["id"], VmUuid(one["uuid"]), one["name"], one["cpu_ns"], _resting(one["state"]), disks)


def _file(node: str, one: Mapping[str, Any]) -> File:
    """What several nodes share is one file on all of them: its volume is a UUID or an NFS export."""
    volume, inode = one["volume"], one["inode"]
    if volume is None or inode is None:
        return File(one["path"])
    shared = _UUID.fullmatch(volume) or ":/" in volume
    return File(one["path"], (volume, str(inode)) if shared else (node, volume, str(inode)))


def vms(
    rounds: Sequence[Sequence[Reading]],
    names: Optional[Mapping[VmUuid, Iterable[str]]] = None,
    paths: Optional[Mapping[VmUuid, Iterable[str]]] = None,
) -> Dict[VmUuid, Vm]:
    """Every VM that a reading or the database knows. The database's part: other ``names``, ``paths`` of disks."""
    called: Dict[VmUuid, Set[str]] = {uuid: set(given) for uuid, given in (names or {}).items()}
    disks: Dict[VmUuid, Set[str]] = {uuid: set(given) for uuid, given in (paths or {}).items()}
    files: Dict[str, Set[File]] = {}
    for one in itertools.chain(*rounds):
        for config in one.configs:
            for uuid in _owners(config):
                called.setdefault(uuid, set()).update([config.path, *filter(None, [config.name])])
                disks.setdefault(uuid, set()).update(config.disks)
        for domain in one.domains or ():
            called.setdefault(domain.uuid, set()).add(_PART.sub("", domain.name))
            disks.setdefault(domain.uuid, set()).update(domain.disks)
        for file in one.images:
            files.setdefault(file.path, set()).add(file)
    return {uuid: _vm(uuid, called.get(uuid, set()), disks.get(uuid, set()), files) for uuid in {*called, *disks}}


def _owners(config: Config) -> List[VmUuid]:
    """Without a UUID in it a ``.cfg`` belongs to the VM it is called after."""
    if config.uuid is not None:
        return [config.uuid]
    return [VmUuid(one) for one in {each.lower() for each in _UUID.findall(config.path)}]


def _vm(uuid: VmUuid, called: Set[str], disks: Set[str], files: Mapping[str, Set[File]]) -> Vm:
    images = set().union(*(files.get(path) or {File(path)} for path in disks))
    return Vm(uuid, frozenset({str(uuid), *called, *disks}), frozenset(images))


def whereabouts(
    vm: Vm,
    nodes: NodeSet,
    rounds: Sequence[Sequence[Reading]],
    excused: Optional[Mapping[str, str]] = None,
    requests: Iterable[Request] = (),
    counted: Sequence[Counts] = (),
) -> Whereabouts:
    """The verdict on one VM. ``rounds``: readings of all nodes, oldest first; the last two decide.

    ``counted``: its domains' CPU time, which alone proves that it runs twice.
    ``excused``: nodes proven off, or journalled out of service, and how that is known; any sign of life ends it.
    """
    last = list(rounds)[-2:]
    places: Dict[Tuple[str, str], Place] = {}
    for one in itertools.chain(*last):
        # of a domain that both rounds have, the later word stands
        places.update({(one.node, mark): place for mark, place in _places(vm, one)})
    silent = _silent(nodes, last, excused or {})
    missing = sorted({*_gaps_of_nodes(nodes, last), *_gaps_of_rounds(last), *_gaps_of_vm(vm, last, requests)})
    found = tuple(sorted(set(places.values())))
    counting = [one for one in found if one.counts]
    awake = [domain for one in (last[-1] if last else ()) for domain in one.domains or () if _awake(domain, vm)]
    if len(awake) > 1:
        verdict = Verdict.TWICE_SUSPECTED
    elif any(one.kind != _SAVED for one in counting):
        verdict = Verdict.SOMEWHERE
    else:
        verdict = Verdict.UNKNOWN if silent or missing or counting else Verdict.OFF
    return Whereabouts(vm.uuid, verdict, found, silent, tuple(missing), runs_twice(counted))


def _awake(domain: Domain, vm: Vm) -> bool:
    return domain.uuid == vm.uuid and not domain.rests


def _places(vm: Vm, one: Reading) -> Iterable[Tuple[str, Place]]:
    """(what it is known by from round to round, the place)."""
    top, below = _Files(vm.images), _Files(vm.backing)
    for domain in one.domains or ():
        if domain.uuid == vm.uuid:
            rests = domain.rests or Phrase("place_runs")
            said: str = Phrase("place_domain", domain.id, domain.name, rests, domain.cpu_ns)
            yield "domain %d" % domain.id, Place(one.node, "domain", said)
    for opener in one.openers:
        own = top.have(opener.file)
        if own or below.have(opener.file):
            who = "%s (pid %d)" % (opener.name, opener.pid) if opener.pid is not None else opener.name
            path = opener.file.path
            said = Phrase("place_open", who, path) if opener.writes else Phrase("place_open_read_only", who, path)
            yield said, Place(one.node, opener.by, said, own or opener.writes)
    for tool in one.tools:
        if _names(vm, tool):
            said = "%s (pid %d)" % (tool.command, tool.pid)
            yield said, Place(one.node, "toolstack", said)
    for saved in one.saved:
        if saved.uuid == vm.uuid or (saved.uuid is None and _is_called(saved.path, vm)):
            yield saved.path, Place(one.node, _SAVED, saved.path)


class _Files:
    """Files by what they are and what they are called: another file at a path of these is no less suspicious."""

    def __init__(self, files: Iterable[File]) -> None:
        self._keys = {one.key for one in files if one.key is not None}
        self._paths = {one.path for one in files}

    def have(self, file: File) -> bool:
        return file.key in self._keys or file.path in self._paths


def _names(vm: Vm, tool: Tool) -> bool:
    return any(name in vm.names or name.lower() == vm.uuid for name in tool.names)


def _is_called(path: str, vm: Vm) -> bool:
    """A saved state without its VM in its head is called after it."""
    name = posixpath.basename(path)
    return vm.uuid in path.lower() or name in vm.names or posixpath.splitext(name)[0] in vm.names


def _silent(nodes: NodeSet, last: Sequence[Sequence[Reading]], excused: Mapping[str, str]) -> Tuple[str, ...]:
    """Rule 2: who has not answered in each of the readings, and is not excused."""
    silent = []
    for name in nodes.names:
        answers = [any(_is_answer(one, name, nodes) for one in each) for each in last]
        signs = any(answers) or name in nodes.beating
        out = any(same_host(name, one) for one in excused) and not signs
        if not out and not (last and all(answers)):
            silent.append(name)
    return tuple(sorted(silent))


def _is_answer(one: Reading, name: str, nodes: NodeSet) -> bool:
    """Of this node, and of no other: a short name may be that of two."""
    return [other for other in nodes.names if same_host(one.node, other)] == [name]


def _gaps_of_nodes(nodes: NodeSet, last: Sequence[Sequence[Reading]]) -> Iterable[Gap]:
    if not nodes.names:
        yield Gap("", Phrase("gap_names"))
    for said in nodes.differences:
        yield Gap("", said)
    for one in itertools.chain(*last):
        if not any(same_host(one.node, name) for name in nodes.names):
            yield Gap(one.node, Phrase("gap_nobodys_node"))


def _gaps_of_rounds(last: Sequence[Sequence[Reading]]) -> Iterable[Gap]:
    """Two readings, far enough apart, of the same boot."""
    if len(last) < 2:
        yield Gap("", SECOND_READING)
        return
    before = {one.node: one for one in last[0]}
    for one in last[1]:
        first = before.get(one.node)
        if first is not None and one.at - first.at < BETWEEN_READINGS:
            yield Gap(one.node, SECOND_READING)
        if first is not None and one.boot_id != first.boot_id:
            yield Gap(one.node, Phrase("gap_one_boot"))


def _gaps_of_vm(vm: Vm, last: Sequence[Sequence[Reading]], requests: Iterable[Request]) -> Iterable[Gap]:
    if not vm.images:
        yield Gap("", Phrase("gap_images"))
    newest = max((one.at for each in last for one in each), default=0.0)
    for request in requests:
        if newest - request.at < REQUEST_BOUND:
            yield Gap("", request.what, Phrase("gap_no_answer"))
    for one in itertools.chain(*last):
        if one.domains is None:
            yield Gap(one.node, Phrase("gap_domains"))
        if one.recovering is not False:
            yield Gap(one.node, Phrase("gap_recovery"))
        for tool in one.tools:
            if not tool.names:
                yield Gap(one.node, Phrase("gap_tool", tool.command, tool.pid))
        for lost in one.missing:
            if _is_needed(lost.reading, vm):
                yield Gap(one.node, lost.reading, lost.detail or lost.problem.value)


def _is_needed(what: str, vm: Vm) -> bool:
    """Not for this VM: what tells of consoles, and a file of another VM."""
    others = [one.lower() for one in _UUID.findall(what)]
    return not what.startswith(_BESIDE) and not (what.startswith("/") and others and vm.uuid not in others)


def runs_twice(counted: Sequence[Counts]) -> bool:
    """Rule 33: two domains of it rose in CPU time together, and a third count saw both rise again.

    Neither rests at the end of a rise: a live migration has a paused twin, or a source that was suspended.
    """
    seen = list(counted)[-3:]
    if len(seen) < 3:
        return False
    both = sorted(set(seen[0]) & set(seen[1]) & set(seen[2]))
    steps = list(zip(seen, seen[1:]))
    return any(all(_rose(step, pair) for step in steps) for pair in itertools.combinations(both, 2))


def _rose(step: Tuple[Counts, Counts], pair: Iterable[Tuple[str, int]]) -> bool:
    """Each of the pair used its CPU between the two counts, in the time that proves them together."""
    before, after = step
    times, rose = [], []
    for place in pair:
        first, then = before[place], after[place]
        times += [first.at, then.at]
        rose.append(first.at < then.at and then.cpu_ns > first.cpu_ns and not then.rests)
    return all(rose) and max(times) - min(times) <= TOGETHER
