# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random fault schedules over the decisions of HA recovery: what must never happen does not, and it always ends."""

from __future__ import annotations

import json
import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from rules import FOUND, RULES, breaks, search
from schedule import Broken, Play, Run, Schedule, make
from world import Shape

KEPT = sorted(Path(__file__).with_name("kept").glob("*.json"))
PARTS = 5
A_PART = int(os.environ.get("CLOUDOPS_SCHEDULES", "500")) // PARTS


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_breaks(part):
    first = random.SystemRandom().randrange(2**40)
    print(f"seeds {first} to {first + A_PART - 1}")
    for seed in range(first, first + A_PART):
        schedule = make(seed, random.Random(seed).choice(["", "", "", *RULES]))
        try:
            Play(schedule).run()
        except Broken as broken:
            kept = json.dumps(schedule.as_dict())
            pytest.fail(f"seed {seed}: {broken}\nkeep this schedule:\n{kept}")


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_what_broke_once_does_not_again(path):
    Play(Schedule.parse(json.loads(path.read_text()))).run()


@pytest.mark.parametrize("rule", RULES)
def test_without_a_rule_something_breaks(rule):
    seed, said = search(rule)
    assert said, f"no schedule breaks without rule {rule}"
    print(f"rule {rule:2} | {RULES[rule].said} | schedule {seed} | {said}")


def test_the_rules_that_can_be_switched_off_are_all_those_of_the_simulator():
    marked = (1, 2, 4, 5, 6, 7, 8, 10, 21, 23, 24, 25, 26, 28, 29, 30, 31, 32, 34, 37, 49, 51, 53)
    assert list(RULES) == list(FOUND) == [str(rule) for rule in marked]


def test_a_schedule_survives_its_file():
    schedule = make(7, "37")
    assert Schedule.parse(json.loads(json.dumps(schedule.as_dict()))) == schedule


def test_the_same_schedule_runs_the_same_way_again():
    first, again = (Play(make(11)).run() for _time in range(2))
    assert first.world.log == again.world.log


@pytest.mark.parametrize("nodes", [2, 3, 4])
@pytest.mark.parametrize("switch", [True, False])
@pytest.mark.parametrize("held_off", [True, False])
@pytest.mark.parametrize("fault", ["power_loss", "freeze", "reboot"])
def test_an_ordinary_death_leaves_every_vm_in_service(nodes, switch, held_off, fault):
    shape = Shape(nodes=nodes, ocfs2=True, idle=30.0, threshold=31, vms=5, held_off=held_off, switch=switch)
    for seed in range(3):
        ran = Play(Schedule(seed, shape, ((10.0, fault, ("n1",)),), (Run(100.0),))).run()
        outs = ran.controllers[-1].outs
        assert {out.way.value for out in outs.values()} == {"runs"}, (seed, outs, ran.world.log)


def test_a_wait_of_the_runbooks_idle_timeout_ends():
    """The lower half is cut off, nobody knows since when: 103 minutes are waited, and everybody observed again."""
    shape = Shape(nodes=4, ocfs2=True, idle=6000.0, threshold=91, vms=4, held_off=True)
    schedule = Schedule(1, shape, ((10.0, "cut", (("n0", "n1"), True)),), (Run(100.0),))
    play = Play(replace(schedule, people=replace(schedule.people, breaker=True))).run()
    assert play.world.now > 10 + 6000 + 2 * (91 + 2)


def test_a_break_is_found_by_its_schedule():
    assert breaks("26", make(FOUND["26"], "26"))
