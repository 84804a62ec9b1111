# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A BMC that is real but for its machine."""

from __future__ import annotations

import signal
from dataclasses import replace

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.bmc_power import BmcError, Session
from clients.ipmi import IDENTITY, Machine

OTHER = "11111111-6745-23a1-efcd-ab89674523a1"


def test_it_says_whose_it_is_and_whether_that_is_on(machine: Machine) -> None:
    with Session(machine.bmc) as session:
        state = session.state()
    assert (state.identity, state.power, state.watts) == (IDENTITY, "on", None)
    assert machine.asked == []


def test_off_is_asked_for_and_read_back_and_on_again(machine: Machine) -> None:
    with Session(machine.bmc) as session:
        off = session.switch("off", IDENTITY)
        assert (off.before.power, off.after.power) == ("on", "off")
        on = session.switch("on", IDENTITY.upper())
    assert (on.before.power, on.after.power, on.stays_off) == ("off", "on", None)
    # a question whose answer was late is asked again
    assert list(dict.fromkeys(machine.asked)) == ["power 0", "power 1"]


def test_off_is_asked_for_where_it_is_off_already(machine: Machine) -> None:
    with Session(machine.bmc) as session:
        session.switch("off", IDENTITY)
        assert session.switch("off", IDENTITY).before.power == "off"
    assert set(machine.asked) == {"power 0"} and len(machine.asked) >= 2


def test_another_nodes_bmc_gets_no_power_command(machine: Machine) -> None:
    with Session(machine.bmc) as session, pytest.raises(BmcError, match="is the BMC of") as refused:
        session.switch("off", OTHER)
    assert (refused.value.problem, refused.value.asked) == ("other_node", False)
    assert machine.asked == []


def test_a_bmc_that_takes_the_command_and_stays_on_is_told(machine: Machine) -> None:
    machine.lie()
    with Session(machine.bmc, timeout=3.0) as session, pytest.raises(BmcError, match="still says on") as failed:
        session.switch("off", IDENTITY)
    assert (failed.value.problem, failed.value.asked) == ("failed", True)


def test_a_wrong_password_is_told_from_a_bmc_that_is_silent(machine: Machine) -> None:
    with pytest.raises(BmcError, match="gives no session") as refused:
        Session(replace(machine.bmc, password="wrong"))
    assert refused.value.problem == "refused"
    machine.process.send_signal(signal.SIGSTOP)
    with pytest.raises(BmcError, match="does not answer") as silent:
        Session(machine.bmc)
    assert silent.value.problem == "silent"
