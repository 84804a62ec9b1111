# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import fencing, node_death
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.fencing import (
    Case,
    Fence,
    Limits,
    Question,
    Word,
    Zone,
    breaker,
    off_proven,
    permit,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.node_death import (
    Bmc,
    Death,
    Guests,
    Heartbeat,
    Management,
    Peers,
    Readings,
    decide,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.quorum import Quorum

NOW = 100_000.0
LIMITS = Limits()
EVERY = [Readings(*one) for one in itertools.product(Management, Heartbeat, Peers, Guests, Bmc)]
GONE = Readings(Management.SILENT, Heartbeat.STANDING, Peers.NONE, Guests.NONE, Bmc.OFF)
FENCE = Fence("n1", NOW - 60, ("heartbeat", "link"), True)


def word(question, about="n1", age=60.0, yes=True, plan=""):
    return Word(question, about, "kim", NOW - age, "seen on the console", yes, plan)


# The breaker


def zone(count, *silent, **more):
    return Zone([f"n{number}" for number in range(count)], [f"n{number}" for number in silent], **more)


@pytest.mark.parametrize(
    ("seen", "looks"),
    [
        (zone(2, 1), 0),
        (zone(4, 1), 0),
        (zone(4, 1, 2), 1),
        # a tenth of forty
        (zone(40, 1, 2, 3, 4), 0),
        (zone(40, 1, 2, 3, 4, 5), 1),
        (zone(2, 1, reached=False), 1),
        (zone(40, 1, 2, racks={"n1": "r1", "n2": "r1", "n3": "r2"}), 1),
        (zone(40, 1, 2, racks={"n1": "r1", "n2": "r1", "n3": "r1"}), 0),
        # a rack of its own is one node
        (zone(40, 1, racks={"n1": "r1"}), 0),
        (zone(4, 1, fences=(NOW - 10,)), 0),
        (zone(4, 1, fences=(NOW - 10, NOW - 20)), 1),
        (zone(4, 1, fences=(NOW - 10, NOW - 90_000)), 0),
    ],
)
def test_the_breaker(seen, looks):
    assert len(breaker(seen, (), "7", NOW, LIMITS)) == looks


def test_a_person_lifts_it_for_named_nodes_one_plan_one_hour():
    seen = zone(4, 1, 2, fences=(NOW - 10, NOW - 20))
    both = [word(Question.BREAKER, "n1", plan="7"), word(Question.BREAKER, "n2", plan="7")]
    assert breaker(seen, both, "7", NOW, LIMITS) == ()
    assert breaker(seen, both[:1], "7", NOW, LIMITS)
    assert breaker(seen, both, "8", NOW, LIMITS)
    assert breaker(seen, [replace(one, at=NOW - 3601) for one in both], "7", NOW, LIMITS)
    assert breaker(seen, [replace(one, yes=False) for one in both], "7", NOW, LIMITS)
    assert breaker(replace(seen, reached=False), both, "7", NOW, LIMITS)


# Permits


def case(readings, **more):
    return Case("n1", decide(readings), ("vm1",), **more)


EXPECTED = {
    Death.HUNG: (True, None, False),
    Death.OFF: (True, None, False),
    Death.EVICTED: (False, Question.FENCE, False),
    Death.DOM0_HUNG: (False, Question.FENCE, False),
    Death.CUT_OFF: (False, None, True),
    Death.CUT_OFF_WITH_BMC: (False, None, True),
    Death.UNPROVEN: (False, Question.OFF, False),
    Death.UNKNOWN: (False, None, True),
    Death.ALIVE: (False, None, False),
    Death.REBOOTED: (False, None, False),
    Death.UNMANAGED: (False, None, False),
    Death.CONTRADICTION: (False, None, False),
}


def test_every_combination_of_readings_is_permitted_as_its_row_says():
    for readings in EVERY:
        found = permit(case(readings), (), NOW, LIMITS)
        assert (found.granted, found.ask, found.wait) == EXPECTED[decide(readings).verdict], readings
        assert found.why


def test_a_word_on_one_row_opens_no_other():
    for readings in EVERY:
        verdict = decide(readings).verdict
        granted = permit(case(readings), [word(Question.FENCE)], NOW, LIMITS).granted
        assert granted is (verdict in (Death.HUNG, Death.OFF, Death.EVICTED, Death.DOM0_HUNG)), readings


@pytest.mark.parametrize("said", [word(Question.FENCE, "n2"), word(Question.OFF), word(Question.FENCE, age=3601)])
def test_a_word_is_for_one_node_one_question_and_an_hour(said):
    hung = Readings(Management.SILENT, Heartbeat.MOVING, Peers.CONNECTED, Guests.NONE, Bmc.ON)
    assert permit(case(hung), [said], NOW, LIMITS).ask is Question.FENCE
    assert not permit(case(hung), [word(Question.FENCE, yes=False)], NOW, LIMITS).granted


@pytest.mark.parametrize("may", [True, False])
def test_a_node_that_is_cut_off_is_a_matter_of_quorum(may):
    cut = Readings(Management.SILENT, Heartbeat.MOVING, Peers.NONE, Guests.NONE, Bmc.ON)
    found = permit(case(cut, quorum=Quorum(may, may, NOW, "because")), (), NOW, LIMITS)
    assert found.granted is may and found.wait is not may


def test_neither_in_maintenance_nor_without_a_vm_to_recover():
    hung = replace(GONE, bmc=Bmc.ON)
    assert permit(case(hung), (), NOW, LIMITS).granted
    assert not permit(case(hung, maintenance=True), (), NOW, LIMITS).granted
    assert not permit(replace(case(hung), wanted=()), (), NOW, LIMITS).granted


def test_a_bmc_is_known_by_what_was_recorded():
    assert fencing.is_its_bmc("SN1", "SN1")
    assert not fencing.is_its_bmc("SN1", "SN2")
    assert not fencing.is_its_bmc("", "")


# Off


@pytest.mark.parametrize(
    ("readings", "fence", "present", "words", "proven"),
    [
        (GONE, FENCE, (), (), True),
        (GONE, FENCE, ("heartbeat",), (), True),
        # nothing changed with the power: a BMC can lie
        (GONE, FENCE, ("heartbeat", "link"), (), False),
        (GONE, replace(FENCE, before=()), (), (), False),
        (GONE, FENCE, None, (), False),
        (GONE, replace(FENCE, commanded=False), (), (), False),
        (GONE, None, (), (), False),
        (replace(GONE, bmc=Bmc.ON), FENCE, (), (), False),
        (replace(GONE, bmc=Bmc.SILENT), FENCE, (), (), False),
        (replace(GONE, heartbeat=Heartbeat.ABSENT), FENCE, (), (), True),
        # rule 22: its word, and its eviction
        (replace(GONE, bmc=Bmc.SILENT), None, None, (word(Question.OFF),), True),
        (replace(GONE, bmc=Bmc.SILENT, heartbeat=Heartbeat.MISSING), None, None, (word(Question.OFF),), False),
        (replace(GONE, bmc=Bmc.ON), None, None, (word(Question.OFF),), False),
        (GONE, None, None, (word(Question.OFF, "n2"),), False),
        (GONE, None, None, (word(Question.OFF), word(Question.OFF, age=1.0, yes=False)), False),
    ],
)
def test_what_proves_that_a_node_is_off(readings, fence, present, words, proven):
    found = off_proven("n1", readings, fence, present, words)
    assert found.proven is proven
    assert found.how if proven else found.missing


@given(st.sampled_from(EVERY), st.booleans())
def test_any_sign_of_life_ends_it(readings, said):
    words = (word(Question.OFF),) if said else ()
    if off_proven("n1", readings, FENCE, (), words).proven:
        assert readings.management is Management.SILENT
        assert readings.heartbeat in node_death.DEAD_BEAT
        assert readings.peers not in node_death.SIGN_OF_PEERS
        assert readings.guests is not Guests.ANSWER
        assert readings.bmc is not Bmc.ON
