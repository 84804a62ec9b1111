# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The states are those that a migration cut at each step of xl's protocol left on two nodes under Xen 4.17."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.migration_outcome import (
    Copy,
    End,
    Outcome,
    Step,
    Verdict,
    outcome,
)

RUNNING = Copy(paused=False, cpu_ns=32515953586)
SUSPENDED = Copy(paused=False, cpu_ns=20392124338, shutdown_reason="suspend")
INCOMING = Copy(paused=True, cpu_ns=0)
ARRIVED = Copy(paused=False, cpu_ns=2492903287)
NONE = End()

COPIES = st.builds(
    Copy,
    paused=st.booleans(),
    cpu_ns=st.sampled_from([0, 1, 10**12]),
    shutdown_reason=st.sampled_from([None, "suspend", "poweroff", "crash"]),
    dying=st.booleans(),
)
ENDS = st.none() | st.builds(End, st.none() | COPIES)
RETURN_TO_SOURCE = (Step.DESTROY_TARGET, Step.PROVE_TARGET_GONE, Step.RESUME_SOURCE)


@pytest.mark.parametrize(
    ("cut", "source", "target", "verdict", "steps"),
    [
        ("mid-stream", End(RUNNING), NONE, Verdict.SOURCE, ()),
        ("ready", End(RUNNING), End(INCOMING), Verdict.SOURCE, (Step.DESTROY_TARGET, Step.PROVE_TARGET_GONE)),
        ("permission", End(SUSPENDED), End(INCOMING), Verdict.SOURCE, RETURN_TO_SOURCE),
        ("report", End(SUSPENDED), End(ARRIVED), Verdict.TARGET, (Step.DESTROY_SOURCE,)),
        ("nowhere", NONE, End(ARRIVED), Verdict.TARGET, ()),
        ("target destroyed by hand", End(SUSPENDED), NONE, Verdict.SOURCE, (Step.RESUME_SOURCE,)),
        ("both destroyed", NONE, NONE, Verdict.NOWHERE, ()),
        ("started a second time", End(RUNNING), End(ARRIVED), Verdict.TWICE, ()),
        ("source silent", None, End(INCOMING), Verdict.UNTOUCHED, ()),
        ("target silent", End(SUSPENDED), None, Verdict.UNTOUCHED, ()),
        ("source gone", NONE, End(INCOMING), Verdict.UNTOUCHED, ()),
        ("guest shut down", End(replace(RUNNING, shutdown_reason="poweroff")), NONE, Verdict.UNTOUCHED, ()),
        ("guest shut down there", NONE, End(replace(ARRIVED, shutdown_reason="crash")), Verdict.UNTOUCHED, ()),
        ("ended with a twin", End(replace(RUNNING, shutdown_reason="crash")), End(INCOMING), Verdict.UNTOUCHED, ()),
        ("being destroyed", End(SUSPENDED), End(replace(INCOMING, dying=True)), Verdict.UNTOUCHED, ()),
    ],
)
def test_what_each_cut_leaves_is_brought_to_one_copy(cut, source, target, verdict, steps):
    decided = outcome(source, target)
    assert (decided.verdict, decided.steps) == (verdict, steps)
    assert bool(decided.why) == (verdict in (Verdict.UNTOUCHED, Verdict.TWICE))


def test_a_target_that_was_paused_again_has_run_and_is_kept():
    assert outcome(End(SUSPENDED), End(replace(ARRIVED, paused=True))) == Outcome(
        Verdict.TARGET, (Step.DESTROY_SOURCE,)
    )


@given(source=ENDS, target=ENDS)
def test_with_one_end_silent_neither_is_touched(source, target):
    decided = outcome(source, target)
    if source is None or target is None:
        assert (decided.verdict, decided.steps) == (Verdict.UNTOUCHED, ())


@given(source=ENDS, target=ENDS)
def test_a_copy_that_ever_ran_is_never_destroyed_while_the_other_may_not_run(source, target):
    decided = outcome(source, target)
    if Step.DESTROY_TARGET in decided.steps:
        assert not target.copy.ever_unpaused
        assert source.copy is not None and source.copy.shutdown_reason in (None, "suspend")
    if Step.DESTROY_SOURCE in decided.steps:
        assert source.copy.shutdown_reason and target.copy.ever_unpaused and not target.copy.shutdown_reason


@given(source=ENDS, target=ENDS)
def test_the_source_is_resumed_only_once_the_target_is_gone(source, target):
    steps = outcome(source, target).steps
    if Step.RESUME_SOURCE in steps:
        assert target.copy is None or steps == RETURN_TO_SOURCE
        assert source.copy.suspended


@given(source=ENDS, target=ENDS)
def test_following_the_steps_never_leaves_two_copies(source, target):
    decided = outcome(source, target)
    if decided.verdict in (Verdict.SOURCE, Verdict.TARGET):
        left = [
            source.copy if source and source.copy and Step.DESTROY_SOURCE not in decided.steps else None,
            target.copy if target and target.copy and Step.DESTROY_TARGET not in decided.steps else None,
        ]
        assert len([one for one in left if one]) == 1
