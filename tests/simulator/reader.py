# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The world as a controller reads it, in the forms that the decisions take; and as it truly is, for the invariants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Missing, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import (
    fencing,
    node_death,
    quorum,
    recovery,
    recovery_steps,
    vm_act,
    wanted,
    whereabouts,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.migration_outcome import Copy
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.node_death import (
    Bmc,
    Guests,
    Heartbeat,
    Management,
    Peers,
    Readings,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import VmUuid
from world import Job, Node, World

SNAPSHOT_AGES = {"fresh": 10 * 3600.0, "old": 30 * 3600.0}
EPOCH_OF_TIME = 1_000_000.0


def uuid(vm: str) -> VmUuid:
    return VmUuid("00000000-0000-4000-8000-%012d" % int(vm[2:]))


def image(vm: str) -> whereabouts.File:
    return whereabouts.File(f"/data/domu/{vm}", ("volume", vm))


VMS: dict[str, whereabouts.Vm] = {}


def known(vm: str) -> whereabouts.Vm:
    if vm not in VMS:
        VMS[vm] = whereabouts.Vm(uuid(vm), frozenset({vm, str(uuid(vm))}), frozenset({image(vm)}))
    return VMS[vm]


@dataclass
class Kept:
    """What a site has beside the nodes: a mapped column, a snapshot."""

    column: bool
    snapshot: str
    ran: dict[str, bool]
    disputed: set[str] = field(default_factory=set)


@dataclass
class Memory:
    """What one run of a controller remembers, and no other: readings that it took."""

    rounds: list[tuple[float, dict[str, frozenset[str]]]] = field(default_factory=list)
    off_since: dict[str, float] = field(default_factory=dict)
    connected: dict[str, float] = field(default_factory=dict)
    cut_seen: dict[str, float] = field(default_factory=dict)


def answers(world: World, node: Node) -> bool:
    """To this controller: a node that its inventory lacks cannot be asked."""
    return node.runs and not node.hung and node.management and world.controller_reaches and node.name in world.inventory


def read_round(world: World) -> list[whereabouts.Reading]:
    return [read_node(world, node) for node in world.nodes.values() if answers(world, node)]


def read_node(world: World, node: Node) -> whereabouts.Reading:
    domains = tuple(
        whereabouts.Domain(number, uuid(vm), vm, int((world.now - one.since) * 1e9) if not one.rests else 0, one.rests)
        for number, (vm, one) in enumerate(node.domains.items(), 1)
    )
    tools = tuple(
        whereabouts.Tool(number, f"job {name}", (vm,) if vm else ())
        for number, (name, vm) in enumerate(node.tools.items(), 100)
    )
    openers = tuple(
        whereabouts.Opener(image(vm), "process", "qemu-img", 7) for vm, at in world.images.items() if node.name in at
    )
    recovering = world.recovering(node)
    ill = world.shape.ocfs2 and node.mounted and not node.storage
    missing = (Missing("stat of the images", Problem.BLOCKED, "o2cb is ill"),) if ill else ()
    return whereabouts.Reading(
        node=node.name,
        at=EPOCH_OF_TIME + world.now,
        boot_id=str(node.boot),
        domains=domains,
        tools=tools,
        openers=openers,
        recovering=recovering,
        missing=missing,
    )


def sources(world: World, views: Mapping[str, object]) -> whereabouts.Sources:
    every = frozenset(world.nodes)
    beating = frozenset(name for name, node in world.nodes.items() if world.beats(node)) if views else frozenset()
    return whereabouts.Sources(
        inventory=frozenset(world.inventory),
        database=every,
        cluster_conf=every if world.shape.ocfs2 else None,
        heartbeat=beating,
        kept=("inventory", "database", "cluster.conf", "heartbeat") if world.shape.ocfs2 else ("inventory", "database"),
    )


def o2cb_view(world: World, node: Node) -> dict[str, object]:
    """The facts of check o2cb on an answering node."""
    if not world.shape.ocfs2:
        return {"configured": ""}
    nodes = [
        {"name": one.name, "number": one.number, "local": one is node, "address": one.name, "port": 7777}
        for one in world.nodes.values()
    ]
    running = {"nodes": nodes, "regions": [{"uuid": "R"}] if node.mounted else []}
    if not node.mounted:
        return {"configured": "conf", "running": running, "volumes": [], "peers": []}
    stale = not node.storage
    moving = [] if stale else [one.number for one in world.nodes.values() if world.beats(one)]
    written = [one.number for one in world.nodes.values() if one.mounted or one.stopped_beating is not None]
    standing = [number for number in written if number not in moving]
    peers = []
    for one in nodes:
        other = world.nodes[str(one["name"])]
        if other is node:
            continue
        reachable = world.connected(node, other) and other.mounted
        error = tuple(sorted((node.number, other.number))) in world.errors
        live = not other.evicted and (other.mounted or other.stopped_beating is not None)
        connected = live and not error
        peers.append({"node": one, "live": live, "connected": connected, "reachable": reachable, "said": "timed out"})
    volume = {"source": "/dev/x", "region": "R", "moving": moving, "standing": standing, "left": [], "lines": []}
    return {"configured": "conf", "running": running, "volumes": [volume], "peers": peers}


def power_of(world: World, name: str) -> Bmc:
    """Identity and power, in one session."""
    bmc = world.bmcs[name]
    if bmc.answers == "silent":
        return Bmc.SILENT
    if bmc.answers == "denied" or not fencing.is_its_bmc(name, bmc.leads):
        return Bmc.MISSING
    if bmc.answers == "lies":
        return Bmc(bmc.said)
    return Bmc.ON if world.nodes[bmc.leads].power else Bmc.OFF


def witnesses(
    world: World, name: str, views: Mapping[str, Mapping[str, object]], elsewhere: dict[str, str]
) -> Readings:
    node = world.nodes[name]
    seen = tuple(sorted(views))
    others = {peer: view for peer, view in views.items() if peer != name}
    boot = str(node.boot) if answers(world, node) else None
    given = {
        "management": node_death.management(boot, str(node.recorded_boot), (), seen),
        "heartbeat": node_death.heartbeat(name, others),
        "peers": node_death.peers(name, others),
        "bmc": node_death.Witness(power_of(world, name)),
    }
    # a row may be old: whatever no node that answers has may be on this one
    asked = tuple(vm for vm in world.vms if world.wanted[vm])
    alive = {vm: any(world.nodes[one].guest_net for one in world.running(vm)) for vm in asked}
    heard = {"controller": alive} if world.controller_guest_net and world.controller_reaches else {}
    if not heard and asked:
        heard = deaf_hearing(alive)
    given["guests"] = node_death.guests(asked, heard, elsewhere)
    return node_death.readings(given)


def deaf_hearing(alive: Mapping[str, bool]) -> dict[str, dict[str, bool]]:
    """An observer without the guests' network could not ask, and is no witness."""
    return {}


def truth(world: World, name: str) -> Readings:
    """What an observer would read who sees everything."""
    node = world.nodes[name]
    management = Management.SILENT
    if node.runs and not node.hung and node.management:
        management = Management.SAME_BOOT if node.boot == node.recorded_boot else Management.NEW_BOOT
    if not world.shape.ocfs2:
        heartbeat = Heartbeat.ABSENT
    elif world.beats(node):
        heartbeat = Heartbeat.MOVING
    else:
        heartbeat = Heartbeat.STANDING if node.evicted or not node.mounted else Heartbeat.MISSING
    near = [
        one
        for one in world.nodes.values()
        if one is not node and world.beats(one) and world.connected(node, one) and answers(world, one)
    ]
    living = [vm for vm, one in node.domains.items() if not one.rests and node.runs and not node.guests_dead]
    return Readings(
        management,
        heartbeat,
        Peers.CONNECTED if near and node.mounted else Peers.NONE,
        Guests.ANSWER if living and node.guest_net else Guests.NONE,
        Bmc.SILENT if world.bmcs[name].answers == "silent" else Bmc.ON if node.power else Bmc.OFF,
    )


def sight(
    world: World,
    kept: Kept,
    memory: Memory,
    journal: list[recovery_steps.Past],
    hold: recovery_steps.Hold | None,
    first: list[whereabouts.Reading],
    stop: bool,
    asked: str | None,
) -> recovery_steps.Sight:
    """The second reading of a zone, and everything that the two tell."""
    second = read_round(world)
    views = {one.node: o2cb_view(world, world.nodes[one.node]) for one in second}
    elsewhere = {domain.name: one.node for one in second for domain in one.domains or () if not domain.rests}
    names = whereabouts.node_set(sources(world, views))
    nodes = {name: _node(world, memory, name, views, elsewhere) for name in names.names}
    _remember(world, memory, second)
    excused = recovery.excused(nodes, journal)
    requests = api_requests(world, journal)
    vms = {
        vm: _vm(world, kept, memory, vm, names, [first, second], excused, requests.get(vm, ()), asked)
        for vm in world.vms
    }
    quiet = recovery.quiet_since(memory.rounds, _ours(journal)) if memory.rounds else world.now
    asked = "a person: asked for it" if stop else ""
    return recovery_steps.Sight(world.now, hold, nodes, vms, database_answers(world), quiet, asked)


def database_answers(world: World) -> bool:
    return world.database_up and world.controller_reaches


def _ours(journal: list[recovery_steps.Past]) -> frozenset[str]:
    return frozenset(one.subject for one in journal if one.kind == "start")


def _node(
    world: World, memory: Memory, name: str, views: Mapping[str, Mapping[str, object]], elsewhere: dict[str, str]
) -> recovery_steps.Node:
    node = world.nodes[name]
    if name not in world.inventory:
        return recovery_steps.Node()
    readings = witnesses(world, name, views, elsewhere)
    here = name in views
    present: list[str] | None = []
    if readings.heartbeat is Heartbeat.MOVING:
        present.append("heartbeat")
    if world.shape.switch and node.power:
        present.append("link")
    if readings.heartbeat is Heartbeat.MISSING and not world.shape.switch:
        present = None
    return recovery_steps.Node(
        readings=readings,
        cut=_cut(world, memory, name, readings, views),
        present=present,
        recovering=world.recovering(node) if here else None,
        fit=here and (node.mounted and node.storage),
        epoch=node.epoch if here else 0,
        gated=node.gated,
        maintenance=in_maintenance(node),
        rack=node.rack,
        jobs={one: _job(job) for one, job in node.jobs.items()}
        | {one: recovery_steps.Job(recovery_steps.JobState.REVOKED) for one in node.revoked}
        if here
        else {},
    )


def in_maintenance(node: Node) -> bool:
    """The journal says so."""
    return node.maintenance


def _job(job: Job) -> recovery_steps.Job:
    states = {"running": "RUNNING", "finished": "FINISHED", "lost": "LOST", "unknown": "UNKNOWN"}
    return recovery_steps.Job(recovery_steps.JobState[states[job.state]], job.acted, job.said)


def _cut(world: World, memory: Memory, name: str, readings: Readings, views: Mapping[str, object]) -> quorum.Cut | None:
    if not world.shape.ocfs2:
        return None
    node = world.nodes[name]
    if name in views or readings.peers is Peers.CONNECTED:
        memory.connected[name] = world.now
        memory.cut_seen.pop(name, None)
    if readings.peers is not Peers.NONE or readings.heartbeat is not Heartbeat.MOVING:
        return None
    memory.cut_seen.setdefault(name, world.now)
    rest = [one.number for one in world.nodes.values() if one.name in views and world.beats(one)]
    parted = [one.number for one in world.nodes.values() if world.beats(one) and one.number not in rest]
    # as the logs of those say who answer
    heard = [tuple(sorted((node.number, world.nodes[peer].number))) for peer in views]
    errors = [at for pair, at in world.errors.items() if pair in heard]
    return quorum.Cut(
        cut=tuple(parted),
        rest=tuple(rest),
        timing=quorum.Timing(world.shape.idle, world.shape.threshold),
        observed=world.now,
        seen=memory.cut_seen[name],
        connected=memory.connected.get(name),
        error=max(errors, default=None),
    )


def _remember(world: World, memory: Memory, second: list[whereabouts.Reading]) -> None:
    found = {one.node: frozenset(domain.name for domain in one.domains or () if not domain.rests) for one in second}
    memory.rounds.append((world.now, found))
    del memory.rounds[:-60]


def _vm(
    world: World,
    kept: Kept,
    memory: Memory,
    vm: str,
    names: whereabouts.NodeSet,
    rounds: list[list[whereabouts.Reading]],
    excused: Mapping[str, str],
    requests: tuple[whereabouts.Request, ...],
    asked: str | None,
) -> recovery_steps.Vm:
    seen = whereabouts.whereabouts(known(vm), names, rounds, excused, requests)
    domains = [
        (one.node, domain) for one in rounds[-1] for domain in one.domains or () if domain.uuid == known(vm).uuid
    ]
    off = seen.verdict is whereabouts.Verdict.OFF
    if off:
        memory.off_since.setdefault(vm, world.now)
    else:
        memory.off_since.pop(vm, None)
    moving = {node: world.nodes[node].domains[vm].moving for node, _domain in domains}
    proof = vm_act.Proof(
        off=off,
        off_since=memory.off_since.get(vm),
        read_at=world.now,
        suspected=seen.twice or seen.verdict is whereabouts.Verdict.TWICE_SUSPECTED,
        domains=tuple(vm_act.Domain(node, one.id, one.rests, moving[node]) for node, one in domains),
        others=tuple(f"{one.node}: {one.evidence}" for one in seen.places if one.kind != "domain" and one.counts),
        silent=seen.silent,
        gaps=tuple(": ".join(filter(None, (one.node, one.what, one.why))) for one in seen.missing),
    )
    snapshot = None
    if kept.snapshot:
        disputed = "the nodes and the database disagreed" if vm in kept.disputed else ""
        snapshot = wanted.Kept(world.now - SNAPSHOT_AGES[kept.snapshot], kept.ran[vm], disputed)
    column = world.wanted[vm] if kept.column and database_answers(world) else None
    return recovery_steps.Vm(
        wanted=wanted.wanted(column, snapshot, world.now, asked),
        proof=proof,
        row=world.rows[vm] if database_answers(world) else None,
        jobs=open_jobs(world, vm),
        copies={
            node: Copy(
                one.rests == "paused",
                int(world.nodes[node].domains[vm].ever_ran),
                "suspend" if one.rests == "shutdown" else None,
            )
            for node, one in domains
        }
        if vm in world.migrations
        else {},
        may_start=next(
            (
                node.name
                for node in world.nodes.values()
                if not node.gated and vm in node.autostart and node.power and not node.mounted and answers(world, node)
            ),
            "",
        ),
    )


def api_requests(world: World, journal: list[recovery_steps.Past]) -> dict[str, tuple[whereabouts.Request, ...]]:
    """Those that had no answer, from the journal."""
    found = {}
    if world.shape.by_api:
        for one in journal:
            if one.kind == "start" and one.phase is not recovery_steps.Phase.DONE:
                found[one.subject] = (whereabouts.Request("a start by the API", EPOCH_OF_TIME + one.at),)
            elif one.kind == "start":
                found.pop(one.subject, None)
    return found


def open_jobs(world: World, vm: str) -> tuple[recovery_steps.OpenJob, ...]:
    """What the journal has open for it."""
    found = []
    if vm in world.migrations:
        name, source, target = world.migrations[vm]
        found.append(recovery_steps.OpenJob(name, "vm_migrate", source, target))
    if vm in world.image_jobs and not world.image_jobs[vm][1].startswith("foreign"):
        node, name = world.image_jobs[vm]
        found.append(recovery_steps.OpenJob(name, "vm_convert", node))
    return tuple(found)
