# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.node_return import (
    Back,
    Gate,
    Job,
    Stale,
    apart,
    came_back,
    gate_obstacles,
    judge,
    obstacles,
    outage,
    released,
    restarted,
    returned,
    stands,
    taken_down,
    unreturned,
)

READY = Back("n1", fit=True, epoch_known=True, recovery_open=False, guests={"a": "n2", "b": "n3"})
KIM = Job("node_maintenance", "2026-01-31T09:00:00.000Z", "kim")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"recovery_open": True}, "a recovery"),
        ({"guests": {"a": ""}}, "a is not proven"),
        # running on itself is no proof that it may come back
        ({"guests": {"a": "n1"}}, "a is not proven to run elsewhere, nor released: it runs on n1 itself"),
        ({"guests": {"a": ""}, "said": {"a": "n3 is silent"}}, "n3 is silent"),
        ({"guests": {"a": ""}, "released": ("a",)}, ""),
        ({"stale": (Stale("a", "domain 3 paused", "n2"),)}, "n1 has a domain of a, which runs on n2"),
        ({"stale": (Stale("a", "domain 3", "n2", runs=False),)}, "which the database has on n2"),
        ({"fit": False}, "not fit"),
        ({"fit": False, "unfit": ("mounts: /data", "o2cb: down")}, "mounts: /data; o2cb: down"),
        ({"epoch_known": False}, "epoch"),
        ({"apart": ("n2 does not see n1 beat",)}, "n2 does not see n1 beat"),
        ({"gate": Gate.NONE}, "no boot gate"),
        ({"waiting": ("web: n2: domain 3",)}, "web: n2: domain 3"),
        # nothing waits at a gate that is open
        ({"waiting": ("web: n2: domain 3",), "gate": Gate.RELEASED}, ""),
        ({"unread": (("the database", "it is down"),)}, "the database: it is down"),
        ({"jobs": (Job("node_boot_check", "09:00", "lee"),)}, "node_boot_check is open"),
        # it is still off: nothing of it was read
        ({"fit": None, "epoch_known": False, "gate": Gate.NONE}, ""),
        ({"fit": None, "guests": {"a": ""}}, "a is not proven"),
        # a recovery leaves it alone, which is no reason to keep it out
        ({"maintenance": KIM}, ""),
        # what was proven once is not asked again
        ({"guests": {"a": "n1"}, "came_back": Job("node_return", "09:00", "kim")}, ""),
    ],
)
def test_what_stands_against_its_return(change: dict[str, Any], said: str) -> None:
    found = obstacles(replace(READY, **change))
    assert len(found) == bool(said)
    assert said in "".join(found)


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({}, ["node_return_ready"]),
        ({"maintenance": KIM}, ["node_return_ready", "node_return_maintenance"]),
        ({"fit": None}, ["node_return_off"]),
        ({"came_back": KIM, "maintenance": KIM}, ["node_return_back", "node_return_maintenance"]),
    ],
)
def test_what_is_told_where_nothing_stands_against_it(change: dict[str, Any], codes: list[str]) -> None:
    assert [one.code for one in judge(replace(READY, **change))] == codes


def test_a_node_that_is_off_does_not_come_back_by_itself() -> None:
    assert [one.code for one in stands(judge(replace(READY, fit=None)))] == ["node_return_off"]


def test_who_runs_elsewhere_and_who_was_released_is_counted() -> None:
    (ready,) = judge(replace(READY, guests={"a": "n2", "b": "", "c": "n3"}, released=("b", "c")))
    assert (ready.values["elsewhere"], ready.values["released"]) == (2, 1)
    assert ready.evidence == ("a runs on n2", "c runs on n3")


JOINED = {"heartbeat": ["n1", "n2.example"], "recovering": False}


@pytest.mark.parametrize(
    ("clusters", "said"),
    [
        ({"n1": JOINED, "n2": JOINED}, []),
        ({"n1": None, "n2": JOINED}, ["n1: who beats was not read", "n1: o2cb recovers, or that was not read"]),
        ({"n1": {**JOINED, "heartbeat": ["n2"]}, "n2": JOINED}, ["n1 does not beat"]),
        ({"n1": JOINED, "n2": {**JOINED, "heartbeat": ["n2"]}}, ["n2 does not see n1 beat"]),
        ({"n1": JOINED, "n2": {**JOINED, "recovering": True}}, ["n2: o2cb recovers"]),
    ],
)
def test_the_cluster_has_it_when_all_who_answer_see_it_beat(clusters: dict[str, Any], said: list[str]) -> None:
    assert apart("n1", clusters) == said


def record(at: int, job: str, phase: str, subject: str = "zone-a", step: str = "", **evidence: Any) -> dict[str, Any]:
    about = {"job": job, "phase": phase, "subject": subject, "step": step, "who": "kim"}
    return {**about, "at": f"2026-01-31T09:00:{at:02}.000Z", "evidence": evidence}


def step(at: int, kind: str, subject: str, phase: str = "done", **said: Any) -> dict[str, Any]:
    journalled = record(at, "ha_recovery", phase, step=f"{kind} {subject}")
    return {**journalled, "evidence": {"kind": kind, "subject": subject, **said}}


def at(second: int) -> str:
    return f"2026-01-31T09:00:{second:02}.000Z"


NAMES = ("n1", "node1")
FENCED = [step(1, "fence", "n1", "started"), step(2, "fence", "n1", commanded=True)]
WORD = step(4, "word", "n1", question="off", about="n1", yes=True)


def test_it_counts_as_off_until_a_sign_of_life_is_journalled() -> None:
    assert unreturned([], NAMES) == []
    assert unreturned(FENCED, NAMES) == ["n1"]
    assert unreturned([*FENCED, WORD, step(5, "returned", "n1")], NAMES) == []
    assert unreturned([*FENCED, step(5, "returned", "n2"), WORD], NAMES) == ["n1"]
    assert unreturned([step(1, "fence", "node1"), WORD], NAMES) == ["node1", "n1"]
    # no, and not about this
    assert unreturned([{**WORD, "evidence": {**WORD["evidence"], "yes": False}}], NAMES) == []
    assert unreturned([step(1, "fence", "n2"), step(2, "start", "a", node="n1")], NAMES) == []


def test_when_it_was_taken_down_and_when_it_came_back() -> None:
    back = record(9, "node_return", "done", "n1", boot_id="b")
    assert (taken_down([], NAMES), taken_down([*FENCED, WORD], NAMES)) == ("", at(4))
    assert (returned([], NAMES), returned([back], NAMES), returned([back], NAMES, "c")) == ("", at(9), "")
    assert returned([back], NAMES, "b") == at(9)
    assert returned([{**back, "subject": "n2"}, {**back, "phase": "closed"}], NAMES) == ""


def test_a_boot_that_is_back_counts_until_it_is_taken_down_again() -> None:
    back = record(9, "node_return", "done", "n1", boot_id="b")
    again = step(20, "fence", "n1", "started")
    assert (came_back([*FENCED, back], NAMES, "b"), came_back([*FENCED, back], NAMES, "c")) == (at(9), "")
    assert came_back([back], NAMES, "") == "" and came_back([*FENCED, back, again], NAMES, "b") == ""
    assert outage([], NAMES, "b") == "" and outage(FENCED, NAMES, "b") == at(2)
    # to move back what was its own, once it is back; an ordinary boot later is another matter
    assert (outage([*FENCED, back], NAMES, "b"), outage([*FENCED, back], NAMES, "c")) == (at(2), "")
    assert outage([*FENCED, back, again], NAMES, "b") == at(20)


def test_it_is_known_by_either_of_its_names() -> None:
    back = record(9, "node_return", "done", "node1", boot_id="b", host="n1")
    assert returned([back], ("n1",)) == at(9) and returned([back], ("n2",)) == ""


def test_a_repair_leaves_the_gate_of_a_node_that_was_fenced() -> None:
    back = record(9, "node_return", "done", "n1", boot_id="b")
    assert gate_obstacles([], NAMES) == [] and gate_obstacles([*FENCED, back], NAMES) == []
    # a sign of life is no return
    (said,) = gate_obstacles([*FENCED, step(5, "returned", "n1")], NAMES)
    assert at(2) in said and "node_return" in said


def test_a_release_counts_for_one_return() -> None:
    word = record(3, "node_return", "note", "n1", "release", vm="a", reason="its owner waits")
    back = record(9, "node_return", "done", "n1", boot_id="b")
    assert released([word], NAMES) == {"a": "kim: its owner waits"}
    assert released([word, back], NAMES) == {} and released([word], ("n2",)) == {}


def test_what_recoveries_started_since_it_was_taken_down() -> None:
    records = [step(0, "start", "old"), *FENCED, step(3, "start", "a", "started"), step(4, "start", "a")]
    assert restarted([*records, step(5, "start", "b")], at(1)) == ["a", "b"]
