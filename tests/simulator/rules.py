# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rule, switched off alone: around the decisions, never in them. Some schedule must break without it."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from unittest import mock

import reader
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import (
    fencing,
    migration_outcome,
    node_death,
    node_return,
    quorum,
    recovery,
    wanted,
    whereabouts,
)
from schedule import Broken, Play, Schedule, make


@dataclass(frozen=True)
class Off:
    """A rule that is switched off. ``patches``: where, and what stands there instead, made from what stood there.

    ``relaxed``: what the world's nodes do not heed; ``policy``: other numbers; ``stages``: another order.
    """

    said: str
    patches: tuple[tuple[object, str, Callable[[Callable], Callable]], ...] = ()
    relaxed: frozenset[str] = frozenset()
    policy: Mapping[str, object] = field(default_factory=dict)
    stages: Callable[[tuple], tuple] = tuple


def _inventory_alone(_node_set: Callable) -> Callable:
    return lambda sources: whereabouts.NodeSet(tuple(sorted(sources.inventory or ())))


def _who_answers(proof: Callable) -> Callable:
    def of(vm, nodes, rounds, excused=None, requests=()):
        names = {one.node for each in rounds for one in each} & set(nodes.names)
        return proof(vm, replace(nodes, names=tuple(sorted(names)), beating=()), rounds, excused, requests)

    return of


def _one_look(proof: Callable) -> Callable:
    def of(vm, nodes, rounds, excused=None, requests=()):
        now = [replace(one, recovering=False) for one in rounds[-1]]
        before = [replace(one, at=one.at - whereabouts.BETWEEN_READINGS) for one in now]
        return proof(vm, nodes, [before, now], excused, ())

    return of


def _all_wanted(_wanted: Callable) -> Callable:
    return lambda *arguments, **options: wanted.Wanted(wanted.Want.RUNS, "everybody is")


def _any_slot(heartbeat: Callable) -> Callable:
    """A slot that stands for two readings is dead, whoever read it."""

    def of(name, views):
        shown = {}
        for peer, view in views.items():
            own = [one["number"] for one in view.get("running", {}).get("nodes", ()) if one["local"]]
            volumes = [{**one, "moving": [*one["moving"], *own]} for one in view.get("volumes", ())]
            peers = [{**one, "live": False} for one in view.get("peers", ())]
            shown[peer] = {**view, "volumes": volumes, "peers": peers}
        return heartbeat(name, shown)

    return of


def _off_by_word_of_bmc(_proven: Callable) -> Callable:
    def of(node, readings, fence, present, words):
        seen = readings.management is node_death.Management.SILENT and readings.bmc is node_death.Bmc.OFF
        return fencing.Off(seen, "its BMC says so")

    return of


def _hears_the_deaf(_deaf: Callable) -> Callable:
    return lambda alive: {"controller": dict.fromkeys(alive, False)}


def _wanted_or_not(permit: Callable) -> Callable:
    return lambda case, *rest: permit(replace(case, maintenance=False, wanted=("any",)), *rest)


def _at_any_time(_quorum: Callable) -> Callable:
    return lambda cut, now, takes: quorum.Quorum(False, True, now, "at any time")


def _lost_answer_is_an_end(begun: Callable) -> Callable:
    def of(case, name, vm, attempt):
        return recovery._again(case, name, vm, attempt, "no answer")

    return of


def _fence_first(stages: tuple) -> tuple:
    fence = [one for one in stages if one[0] == "fence"]
    rest = [one for one in stages if one[0] != "fence"]
    return (*rest[:3], *fence, *rest[3:])


def _without(name: str) -> Callable[[tuple], tuple]:
    return lambda stages: tuple(one for one in stages if one[0] != name)


RULES: dict[str, Off] = {
    "1": Off("the inventory alone names the nodes", ((whereabouts, "node_set", _inventory_alone),)),
    "2": Off("who does not answer has nothing", ((whereabouts, "whereabouts", _who_answers),)),
    "4": Off("one look is enough, while o2cb recovers too", ((whereabouts, "whereabouts", _one_look),)),
    "5": Off("every VM is wanted", ((wanted, "wanted", _all_wanted),)),
    "6": Off("a slot that stands is dead, whoever reads it", ((node_death, "heartbeat", _any_slot),)),
    "7": Off("silence counts for who could not hear", ((reader, "deaf_hearing", _hears_the_deaf),)),
    "8": Off("any BMC at the address", ((fencing, "is_its_bmc", lambda _old: lambda recorded, read: True),)),
    "10": Off("readings do not grow old", policy={"max_age": math.inf}),
    "21": Off("fence at any time", ((quorum, "quorum", _at_any_time),)),
    "23": Off("the BMC's word is off", ((fencing, "off_proven", _off_by_word_of_bmc),)),
    "24": Off("no breaker", ((fencing, "breaker", lambda _old: lambda *arguments: ()),)),
    "25": Off(
        "maintenance is no matter",
        (
            (fencing, "permit", _wanted_or_not),
            (reader, "in_maintenance", lambda _old: lambda node: False),
        ),
    ),
    "26": Off("fence first", stages=_fence_first),
    "28": Off("back at once", ((node_return, "obstacles", lambda _old: lambda back: []),), frozenset({"return"})),
    "29": Off(
        "no lease, no heed of open jobs",
        ((reader, "open_jobs", lambda _old: lambda world, vm: ()),),
        frozenset({"leases"}),
    ),
    "30": Off("no epoch", relaxed=frozenset({"epoch"})),
    "31": Off(
        "no answer is taken for not done",
        (
            (recovery, "_begun", _lost_answer_is_an_end),
            (reader, "api_requests", lambda _old: lambda world, journal: {}),
        ),
    ),
    "32": Off("no quiet, no watch", policy={"quiet": 0.0, "watch": 0.0}),
    "34": Off(
        "a copy that came in was never unpaused",
        ((migration_outcome.Copy, "ever_unpaused", lambda _old: property(lambda self: False)),),
    ),
    "37": Off("who waits for a lease acts when it comes", relaxed=frozenset({"late child"})),
    "49": Off("the database is not told", stages=_without("database")),
    "51": Off("one controller does not know of another", relaxed=frozenset({"hold"})),
    "53": Off("nobody waits for the database", ((recovery, "without_database", lambda _old: lambda *rest: None),)),
}


# A schedule that breaks without the rule; should the schedules be made otherwise one day, others are looked for.
FOUND = {
    "1": 10,
    "2": 92,
    "4": 135,
    "5": 0,
    "6": 176,
    "7": 31,
    "8": 24,
    "10": 11,
    "21": 1,
    "23": 6,
    "24": 4,
    "25": 0,
    "26": 1,
    "28": 9,
    "29": 16,
    "30": 523,
    "31": 34,
    "32": 69,
    "34": 9,
    "37": 0,
    "49": 12,
    "51": 12,
    "53": 6,
}


@contextlib.contextmanager
def switched_off(rule: str) -> Iterator[Off]:
    off = RULES[rule]
    with contextlib.ExitStack() as stack:
        for place, name, instead in off.patches:
            stack.enter_context(mock.patch.object(place, name, instead(getattr(place, name))))
        yield off


def breaks(rule: str, schedule: Schedule) -> str:
    """What is broken without the rule; empty if nothing is."""
    with switched_off(rule) as off:
        play = Play(schedule, off.relaxed, off.stages(recovery.STAGES))
        play.policy = replace(play.policy, **off.policy)
        try:
            play.run()
        except Broken as broken:
            return str(broken)
    return ""


def search(rule: str) -> tuple[int, str]:
    """A schedule that breaks without it, and with it does not; and how."""
    for seed in (FOUND[rule], *range(1500)):
        schedule = make(seed, rule)
        said = breaks(rule, schedule)
        if said:
            Play(schedule).run()
            return seed, said
    return -1, ""
