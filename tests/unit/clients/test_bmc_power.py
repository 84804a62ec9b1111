# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A BMC that is real but for its machine: OpenIPMI's ipmi_sim, whose chassis is a file of this test."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients import bmc
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.bmc_power import BmcError, Session

IDENTITY = "efcdab89-6745-23a1-efcd-ab89674523a1"
OTHER = "11111111-6745-23a1-efcd-ab89674523a1"
CONFIGURATION = """
name "simulated"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 {port}
    priv_limit admin
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
  endlan
  chassis_control "{chassis}"
  user 1 true "" "" user 10 none md2 md5 straight
  user 2 true "operator" "secret" admin 10 none md2 md5 straight
"""
COMMANDS = """
mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_enable 0x20
"""
CHASSIS = """#!/bin/sh
# get|set power [0|1]
cd "{directory}" || exit
if [ "$1" = get ]; then echo "power:$(cat power)"; exit; fi
echo "$2 $3" >> asked
[ -e lies ] || echo "$3" > power
"""


class Machine:
    """``asked``: the power commands that reached the chassis."""

    def __init__(self, directory: Path) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._directory = directory
        chassis = directory / "chassis"
        chassis.write_text(CHASSIS.format(directory=directory))
        chassis.chmod(0o755)
        (directory / "power").write_text("1\n")
        (directory / "lan.conf").write_text(CONFIGURATION.format(port=port, chassis=chassis))
        (directory / "commands").write_text(COMMANDS)
        (directory / "state").mkdir()
        argv = ["ipmi_sim", "-c", "lan.conf", "-f", "commands", "-s", "state", "-n"]
        self.process = subprocess.Popen(argv, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.bmc = bmc.Bmc("127.0.0.1", "operator", "secret", port, cipher=3)
        ends = time.monotonic() + 20
        while not bmc.present(self.bmc, 0.5) and time.monotonic() < ends:
            assert self.process.poll() is None, "ipmi_sim has ended"

    @property
    def asked(self) -> list[str]:
        path = self._directory / "asked"
        return path.read_text().splitlines() if path.exists() else []

    def lie(self) -> None:
        (self._directory / "lies").touch()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    made.process.send_signal(signal.SIGCONT)
    made.process.terminate()
    made.process.wait(20)


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
    assert machine.asked == ["power 0", "power 1"]


def test_off_is_asked_for_where_it_is_off_already(machine: Machine) -> None:
    with Session(machine.bmc) as session:
        session.switch("off", IDENTITY)
        assert session.switch("off", IDENTITY).before.power == "off"
    assert machine.asked == ["power 0", "power 0"]


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
