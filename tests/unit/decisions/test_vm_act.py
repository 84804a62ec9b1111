# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.vm_act import (
    Act,
    Domain,
    Proof,
    State,
    Wish,
    decide,
)

NOW = 1_795_255_700.0
OFF = Proof(off=True, off_since=NOW - 70, read_at=NOW - 5)
HERE = Domain("n1", 3)
RUNS = Proof(read_at=NOW - 5, domains=(HERE,))


def wish(state, **more):
    return Wish(State(state), "n1", **more)


def act(proof, state, **more):
    found = decide(proof, wish(state, **more), NOW)
    return found.refused or found.act


@pytest.mark.parametrize(
    ("proof", "state", "expected"),
    [
        (OFF, "running", Act.START),
        (OFF, "stopped", Act.NOTHING),
        (OFF, "paused", "not_here"),
        (OFF, "migrated", "not_here"),
        (RUNS, "running", Act.NOTHING),
        (RUNS, "stopped", Act.STOP),
        (RUNS, "paused", Act.PAUSE),
        (RUNS, "migrated", Act.MIGRATE),
        (replace(RUNS, domains=(replace(HERE, rests="paused"),)), "running", Act.UNPAUSE),
        (replace(RUNS, domains=(replace(HERE, rests="paused"),)), "paused", Act.NOTHING),
        (replace(RUNS, domains=(replace(HERE, rests="paused", moving=True),)), "running", "not_off"),
        (replace(RUNS, domains=(replace(HERE, rests="paused", moving=True),)), "stopped", "not_off"),
        (replace(RUNS, domains=(replace(HERE, rests="shutdown"),)), "paused", "not_running"),
        (replace(RUNS, domains=(replace(HERE, rests="crashed"),)), "running", "not_off"),
        (replace(RUNS, domains=(replace(HERE, node="n2"),)), "running", "elsewhere"),
        (replace(RUNS, domains=(replace(HERE, node="n2"),)), "stopped", "elsewhere"),
        (replace(RUNS, domains=(replace(HERE, node="n2"),)), "migrated", Act.NOTHING),
        (replace(RUNS, domains=(replace(HERE, node="n3"),)), "migrated", "not_here"),
        (Proof(read_at=NOW, others=("n2: loop0 has x open",)), "running", "not_off"),
        (Proof(), "running", "no_proof"),
    ],
)
def test_what_is_done_for_a_state(proof, state, expected):
    assert act(proof, state, target="n2") == expected


def test_a_start_without_a_proof_names_what_is_missing():
    proof = Proof(read_at=NOW, others=("n2: loop0 has x open",), silent=("n3",), gaps=("n1: its domains",))
    said = decide(proof, wish("running"), NOW).said
    assert "loop0 has x open" in said and "n3 did not answer" in said and "its domains" in said


@pytest.mark.parametrize("age", [16.0, 3600.0, -30.0])
def test_readings_that_are_too_old_or_from_another_time_prove_nothing(age):
    assert act(replace(OFF, read_at=NOW - age), "running") == "too_old"
    assert act(replace(RUNS, read_at=NOW - age), "stopped") == "too_old"


def test_a_start_waits_until_it_was_quiet_unless_the_sites_own_ha_is_held_off():
    brief = replace(OFF, off_since=NOW - 8)
    assert act(brief, "running") == "not_quiet"
    assert act(brief, "running", quiet=5.0) == Act.START
    assert act(brief, "running", held_off="ha.service is stopped on all nodes") == Act.START


@pytest.mark.parametrize("state", [one.value for one in State])
def test_nothing_is_done_to_what_may_run_twice_or_is_in_another_job(state):
    twice = replace(RUNS, domains=(HERE, replace(HERE, node="n2")))
    assert act(twice, state, target="n2") == "twice"
    assert act(replace(RUNS, suspected=True), state, target="n2") == "twice"
    found = decide(OFF if state == "running" else RUNS, wish(state, target="n2"), NOW, ("convert, since yesterday",))
    assert found.refused == "job_open" and "convert" in found.said


def test_what_is_as_wished_is_no_matter_of_other_jobs():
    assert decide(RUNS, wish("running"), NOW, ("convert",)).refused == ""


DOMAINS = st.builds(
    Domain,
    node=st.sampled_from(["n1", "n2", "n3"]),
    id=st.integers(1, 9),
    rests=st.sampled_from(["", "paused", "shutdown", "crashed"]),
    moving=st.booleans(),
)
PROOFS = st.builds(
    Proof,
    off=st.booleans(),
    off_since=st.none() | st.floats(NOW - 200, NOW),
    read_at=st.none() | st.floats(NOW - 40, NOW + 10),
    suspected=st.booleans(),
    domains=st.lists(DOMAINS, max_size=3).map(tuple),
    others=st.lists(st.just("n2: loop0"), max_size=1).map(tuple),
    silent=st.lists(st.just("n3"), max_size=1).map(tuple),
    gaps=st.lists(st.just("its domains"), max_size=1).map(tuple),
)


@given(PROOFS, st.sampled_from(list(State)))
def test_only_a_fresh_proof_that_it_is_off_starts_it_and_only_a_whole_one_moves_or_wakes_it(proof, state):
    found = decide(proof, Wish(state, "n1", "n2"), NOW)
    awake = [one for one in proof.domains if not one.rests]
    if found.act is not Act.NOTHING:
        assert proof.read_at is not None and -1 <= NOW - proof.read_at <= 15
        assert not proof.suspected and len(awake) < 2 and not found.refused
    if found.act is Act.START:
        assert proof.off and not proof.domains and NOW - proof.off_since >= 60
    if found.act in (Act.UNPAUSE, Act.MIGRATE):
        assert not proof.silent and not proof.gaps and {one.node for one in proof.domains} == {"n1"}
    if found.act in (Act.STOP, Act.PAUSE):
        assert {one.node for one in proof.domains} == {"n1"}
