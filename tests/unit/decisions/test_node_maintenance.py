# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.node_maintenance import (
    Case,
    Guest,
    Since,
    Target,
    guests,
    judge,
    moves,
)
from xen_answers import domain, uuid

MIB = 1024
CASE = Case("n1", ("n1",), enters=True, answered=True, guests=(), untold=("n1",))
SINCE = Since("2026-01-31T09:00:00.000Z", "kim@c1", "a fan")
WEB, DB = Guest("a", "web", 128 * MIB, 1), Guest("b", "db", 512 * MIB, 2)


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({}, ["enters"]),
        ({"since": SINCE, "untold": ()}, ["in"]),
        # it answers now, and has a second name
        ({"since": SINCE, "untold": ("node1",)}, ["enters"]),
        ({"answered": False, "guests": None}, ["enters", "silent"]),
        ({"guests": None}, ["enters", "unread"]),
        ({"guests": (WEB,)}, ["enters", "guests"]),
        ({"guests": (WEB,), "targets": (Target("n2", 900 * MIB),)}, ["enters", "moves"]),
        ({"guests": (), "targets": (Target("n2", 900 * MIB),)}, ["enters"]),
        ({"guests": (WEB,), "targets": (Target("n2", None),)}, ["enters", "target", "no_room"]),
        ({"guests": (WEB, DB), "targets": (Target("n2", 300 * MIB),)}, ["enters", "no_room"]),
        (
            {"guests": (replace(WEB, rests="paused"), DB), "targets": (Target("n2", 900 * MIB),)},
            ["enters", "rests"],
        ),
        (
            {"answered": False, "guests": None, "targets": (Target("n2", 900 * MIB),)},
            ["enters", "silent", "not_emptied"],
        ),
        # what runs there is no matter for a node that leaves
        ({"enters": False, "guests": (WEB,)}, ["out"]),
        ({"enters": False, "answered": False, "guests": None, "since": SINCE}, ["leaves"]),
    ],
)
def test_what_a_person_is_told(change: dict[str, Any], codes: list[str]) -> None:
    found = judge(replace(CASE, **change))
    assert [one.code.removeprefix("node_maintenance_") for one in found] == codes


def test_who_is_told_since_when() -> None:
    (found,) = judge(replace(CASE, since=SINCE, untold=()))
    assert (found.values["at"], found.values["who"], found.values["reason"]) == (SINCE.at, "kim@c1", "a fan")


def test_the_largest_goes_where_most_is_free() -> None:
    targets = (Target("n2", 400 * MIB), Target("n3", 700 * MIB))
    found, left = moves(replace(CASE, guests=(WEB, DB), targets=targets))
    assert [(one.name, one.target) for one in found] == [("db", "n3"), ("web", "n2")] and left == []


def test_nothing_is_moved_that_nobody_asked_for() -> None:
    targets = (Target("n2", 900 * MIB),)
    assert moves(replace(CASE, guests=(WEB,))) == ([], [])
    assert moves(replace(CASE, guests=(WEB,), targets=targets, enters=False)) == ([], [])


def test_a_domain_that_rests_is_no_vm_that_can_be_moved() -> None:
    runs, rests = guests([domain(1), domain(2, state="paused")])
    assert (runs.vm, runs.name, runs.memory_kib, runs.rests) == (uuid(1), "web-1", 132096, "")
    assert rests.rests == "paused"
