# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the observer calls a double, and what it must not: on sights made up here, without a lab."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from observer import Observation

UUID = "21aaac9c-5b99-4229-9f83-0bf6b6dd8077"
RUNS, HELD = "r-----", "--p---"


def told(at: float, node: str, cpu_ns: int | None, state: str = RUNS) -> str:
    """A node's line; ``cpu_ns`` None: it has no such domain."""
    domain = {"id": 3, "uuid": UUID, "name": "web-1", "state": state, "cpu_ns": cpu_ns}
    return json.dumps({"at": at, "node": node, "boot_id": "b", "domains": [] if cpu_ns is None else [domain]})


def seen(x1: Iterable[tuple[int | None, str]], x2: Iterable[tuple[int | None, str]]) -> Observation:
    """One reading of each node a second."""
    lines = [told(at, "x1", *one) for at, one in enumerate(x1)]
    lines += [told(at + 0.3, "x2", *one) for at, one in enumerate(x2)]
    return Observation(lines)


def rising(seconds: int, state: str = RUNS, begins: int = 1) -> list[tuple[int | None, str]]:
    return [(second * 1_000_000 + begins, state) for second in range(seconds)]


def test_two_that_run_at_once_are_a_double() -> None:
    (double,) = seen(rising(6), rising(6)).doubles()
    assert (double.uuid, double.nodes) == (UUID, ("x1", "x2"))


@pytest.mark.parametrize(
    ("x1", "x2"),
    [
        (rising(6), []),
        (rising(6), rising(6, HELD)),
        (rising(6), [(7, RUNS)] * 6),
        # a migration: the source ends before the target runs
        ([*rising(5), (None, RUNS)], [*[(0, HELD)] * 5, *rising(4)]),
        # one reading alone may be a node that told late
        ([*rising(2), (2, HELD), (2, HELD)], [(0, HELD), *rising(5)]),
    ],
    ids=["one", "one is held", "one stands still", "a migration", "once"],
)
def test_what_is_none(x1: list[tuple[int | None, str]], x2: list[tuple[int | None, str]]) -> None:
    assert seen(x1, x2).doubles() == []


def test_a_node_that_was_silent_says_nothing_of_the_time_between() -> None:
    lines = [told(at, "x1", at * 1000 + 1) for at in range(20)] + [told(at, "x2", at * 1000 + 1) for at in (0, 19)]
    assert Observation(lines).doubles() == []
