# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.quorum import Cut, Timing, lives, quorum

USUAL = Timing(30.0, 31)
# node 0 of two is cut off at 0; a peer's kernel says so after its idle timeout
LOWER = Cut(cut=(0,), rest=(1,), timing=USUAL, observed=5.0, seen=5.0, connected=0.0)


def test_the_time_that_was_measured():
    assert USUAL.after_cut == 96.0
    assert Timing(30.0, 7).after_cut == 48.0
    # the runbook's idle of 6000 s makes it 103 minutes
    assert Timing(6000.0, 91).after_cut / 60 == pytest.approx(103, abs=0.2)


@pytest.mark.parametrize(
    ("part", "other", "expected"),
    [
        ((0,), (1,), True),
        ((1,), (0,), False),
        ((1, 2), (0,), True),
        ((2, 3), (0, 1), False),
        ((0, 3), (1, 2), True),
        ((), (0,), False),
        ((), (), False),
    ],
)
def test_who_lives(part, other, expected):
    assert lives(part, other) is expected


@given(st.sets(st.integers(0, 31), min_size=1), st.integers(0, 2**32))
def test_one_part_lives_and_one_alone(nodes, mask):
    part = {number for number in nodes if mask >> number & 1}
    assert lives(part, nodes - part) is not lives(nodes - part, part)


def test_a_part_that_loses_is_fenced_at_any_time():
    for now in (5.0, 50.0, 500.0):
        assert quorum(replace(LOWER, cut=(1,), rest=(0,)), now, 20.0).may_fence


@pytest.mark.parametrize(
    ("change", "now", "may"),
    [
        # off before any peer can have reported the connection
        ({}, 5.0, True),
        ({}, 10.0, True),
        ({}, 10.1, False),
        # off at +70 s: both parts were gone at +99 s
        ({"error": 30.0, "observed": 49.0}, 50.0, False),
        ({"error": 30.0, "observed": 95.0}, 97.0, False),
        ({"error": 30.0, "observed": 97.0}, 97.5, True),
        # nobody knows since when
        ({"connected": None}, 5.0, False),
        ({"connected": None, "observed": 102.0}, 103.0, True),
        ({"timing": None}, 5.0, False),
        ({"timing": Timing(6000.0, 91)}, 600.0, True),
    ],
)
def test_when_a_part_that_would_live_is_fenced(change, now, may):
    assert quorum(replace(LOWER, **change), now, 20.0).may_fence is may


def test_the_time_left_is_told():
    told = quorum(replace(LOWER, error=30.0), 50.0, 20.0)
    assert told.decided_at == 96.0 and told.left(50.0) == 46.0 and told.left(200.0) == 0.0
    assert quorum(replace(LOWER, timing=None), 50.0, 20.0).left(50.0) is None


@given(
    st.floats(0, 7000),
    st.floats(1, 6000),
    st.integers(2, 120),
    st.floats(0, 7000),
    st.floats(0, 60),
    st.booleans(),
)
def test_never_between_the_first_report_and_the_decision(now, idle, threshold, seen, takes, reported):
    timing = Timing(idle, threshold)
    cut_at = 0.0
    error = cut_at + idle if reported and now >= idle else None
    cut = replace(LOWER, timing=timing, seen=min(seen, now), observed=now, connected=cut_at, error=error)
    if quorum(cut, now, takes).may_fence:
        assert now + takes <= cut_at + idle + 1e-6 or now >= cut_at + timing.after_cut - 1e-6
