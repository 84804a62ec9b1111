# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import itertools

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.clock_correction import (
    Clock,
    Correction,
    Rules,
    plan,
)

DAEMONS = ("chronyd", "ntpd", "timesyncd")
OFFSETS = (None, -7200.0, -0.3, -0.01, 0.0, 0.01, 0.3, 0.9, 30.0)
GUESTS = (None, 0, 3)
EVERY = list(itertools.product(DAEMONS, (True, False), OFFSETS, GUESTS, ("slew", "step", "auto"), (True, False)))


def clock(ahead, guests=0, ntpdate="/usr/sbin/ntpdate"):
    return Clock(ahead, guests, ntpdate)


def test_no_clock_jumps_far_back_under_guests_that_run_or_may_run_unless_asked():
    for daemon, running, ahead, guests, correction, allowed in EVERY:
        found = plan(daemon, running, clock(ahead, guests), Rules(correction, backward_allowed=allowed))
        if found.correction is Correction.STEP:
            assert ahead <= 1.0 or guests == 0 or allowed


def test_nothing_is_stepped_where_slewing_was_asked_for_nor_by_the_daemon_itself():
    for daemon, running, ahead, guests, _correction, allowed in EVERY:
        found = plan(daemon, running, clock(ahead, guests), Rules("slew", backward_allowed=allowed))
        assert found.correction is not Correction.STEP
        if found.correction is Correction.SLEW:
            assert abs(ahead) <= {"ntpd": 0.128, "timesyncd": 0.4, "chronyd": 1e9 if running else 1.0}[daemon]


def test_a_node_no_server_answers_is_not_touched():
    for daemon, running, _ahead, guests, correction, allowed in EVERY:
        rules = Rules(correction, backward_allowed=allowed)
        assert plan(daemon, running, clock(None, guests), rules).correction is Correction.REFUSED


@pytest.mark.parametrize(
    ("ahead", "guests", "rules", "correction"),
    [
        (0.2, 3, Rules(), Correction.SLEW),
        (-30.0, 3, Rules(), Correction.STEP),
        (30.0, 0, Rules(), Correction.STEP),
        (30.0, 3, Rules(), Correction.REFUSED),
        (30.0, None, Rules(), Correction.REFUSED),
        (30.0, 3, Rules(backward_allowed=True), Correction.STEP),
        (30.0, 3, Rules("slew"), Correction.SLEW),
        (0.001, 3, Rules("step"), Correction.STEP),
        (30.0, 3, Rules(step_above=60.0), Correction.SLEW),
        (5.0, 3, Rules(max_backward_step=10.0), Correction.STEP),
    ],
)
def test_a_chronyd_that_runs_is_set_as_the_site_wants(ahead, guests, rules, correction):
    assert plan("chronyd", True, clock(ahead, guests), rules).correction is correction


def test_a_refusal_names_what_lets_it_go_ahead():
    assert "time_sync_backward_step_nodes" in plan("chronyd", True, clock(30.0, 3), Rules()).why
    assert "not known" in plan("chronyd", True, clock(30.0, None), Rules()).why
    assert "steps by itself" in plan("ntpd", True, clock(0.3, 0), Rules()).why
    assert "install" in plan("", False, clock(0.0, 0), Rules()).why


def test_ntpd_is_not_stopped_for_a_program_that_is_not_there():
    refused = plan("ntpd", True, clock(-30.0, ntpdate=None), Rules())
    assert refused.correction is Correction.REFUSED and "install it" in refused.why
    assert plan("ntpd", True, clock(-30.0), Rules()).correction is Correction.STEP
    assert plan("ntpd", True, clock(0.01, ntpdate=None), Rules()).correction is Correction.SLEW
    for daemon in ("chronyd", "timesyncd"):
        assert plan(daemon, True, clock(-30.0, ntpdate=None), Rules()).correction is Correction.STEP
