# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second fence device, by an agent that speaks as those of fence-agents do: its outlets are files of the test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.bmc_power import BmcError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.fence_agent import (
    Outlets,
    Session,
    parse_list,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.node_death import Bmc
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils import node_power
from clients.ipmi import IDENTITY, Machine
from playbook import LOCAL, Playbook

AGENT = """#!/bin/sh
cd "{directory}"
[ -z "$*" ] || exit 9
while IFS== read -r key value; do
  case $key in action) action=$value;; plug) plug=$value;; password) given=$value;; esac
done
[ -e hangs ] && exec sleep 60
[ "$given" = secret ] || {{ echo "Unable to connect/login to fencing device" >&2; exit 1; }}
case $action in
  list) for one in outlets/*; do echo "${{one#outlets/}},$(cat names/${{one#outlets/}})"; done;;
  status) [ "$(cat outlets/$plug)" = on ] || exit 2;;
  *) echo "$action $plug" >> asked; [ -e stuck ] || echo $action > outlets/$plug;;
esac
"""


class Pdu:
    """Outlets 17 and 18 are n1's."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        for folder in ("outlets", "names", "bin"):
            (directory / folder).mkdir()
        for plug, name in (("16", "n0"), ("17", "n1-a"), ("18", "n1-b")):
            (directory / "outlets" / plug).write_text("on\n")
            (directory / "names" / plug).write_text(f"{name}\n")
        agent = directory / "bin/fence_standin"
        agent.write_text(AGENT.format(directory=directory))
        agent.chmod(0o755)

    @property
    def asked(self) -> list[str]:
        path = self.directory / "asked"
        return path.read_text().splitlines() if path.exists() else []

    def is_on(self, plug: str) -> bool:
        return (self.directory / "outlets" / plug).read_text() == "on\n"

    def call(self, plug: str, name: str) -> None:
        (self.directory / "names" / plug).write_text(name)


OPTIONS: Mapping[str, Any] = {
    "agent": "fence_standin",
    "plugs": {"17": "n1-a", "18": "n1-b"},
    "options": {"ip": "192.0.2.90", "password": "secret"},
}
OURS = Outlets(**OPTIONS)


@pytest.fixture
def pdu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pdu:
    (tmp_path / "pdu").mkdir()
    pdu = Pdu(tmp_path / "pdu")
    monkeypatch.setenv("PATH", str(pdu.directory / "bin"), prepend=":")
    return pdu


def test_a_node_is_on_while_any_of_its_outlets_is(pdu: Pdu) -> None:
    assert Session(OURS).state().power == "on"
    (pdu.directory / "outlets/17").write_text("off\n")
    assert Session(OURS).state().power == "on"
    (pdu.directory / "outlets/18").write_text("off\n")
    assert Session(OURS).state().power == "off"
    assert pdu.asked == []


def test_all_its_outlets_are_switched_and_read_back_and_nobody_elses(pdu: Pdu) -> None:
    done = Session(OURS).switch("off")
    assert (done.before.power, done.after.power, done.after.identity) == ("on", "off", "n1-a, n1-b")
    assert pdu.asked == ["off 17", "off 18"] and pdu.is_on("16")
    assert Session(OURS).switch("on").after.power == "on"


def test_an_outlet_that_is_called_otherwise_gets_no_command(pdu: Pdu) -> None:
    pdu.call("18", "n2-a")
    with pytest.raises(BmcError, match="outlet 18 is called n2-a there, recorded is n1-b") as refused:
        Session(OURS)
    assert (refused.value.problem, refused.value.asked, pdu.asked) == ("other_node", False, [])
    with pytest.raises(BmcError, match="outlet 19 is called - there"):
        Session(Outlets("fence_standin", {"19": "n1"}, OURS.options))


def test_what_does_not_answer_or_let_in_or_obey_is_told_apart(pdu: Pdu) -> None:
    with pytest.raises(BmcError, match="Unable to connect") as refused:
        Session(Outlets("fence_standin", OURS.plugs, {"password": "wrong"}))
    assert refused.value.problem == "refused"
    with pytest.raises(BmcError, match="fence_none is not installed"):
        Session(Outlets("fence_none", OURS.plugs))
    (pdu.directory / "stuck").touch()
    with pytest.raises(BmcError, match="still says on") as failed:
        Session(OURS, timeout=3.0).switch("off")
    assert (failed.value.problem, failed.value.asked) == ("failed", True)
    (pdu.directory / "hangs").touch()
    with pytest.raises(BmcError, match="does not answer") as silent:
        Session(OURS, timeout=0.5)
    assert silent.value.problem == "silent"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"agent": "/bin/sh", "plugs": {"1": "n1"}}, "agent"),
        ({"agent": "fence_apc; true", "plugs": {"1": "n1"}}, "agent"),
        ({"agent": "fence_apc", "plugs": {}}, "plugs"),
        ({"agent": "fence_apc", "plugs": {"1": ""}}, "plugs"),
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Outlets(**options)


@given(st.text())
def test_any_list_is_borne(text: str) -> None:
    assert all(plug == plug.strip() != "" for plug in parse_list(text))


# Beside a BMC


def test_it_is_asked_where_the_bmc_does_not_tell(pdu: Pdu) -> None:
    bmc = {"address": "127.0.0.1", "port": 1, "username": "operator", "password": "secret", "identity": IDENTITY}
    powered = node_power.power(bmc, OPTIONS)
    assert powered.witness.reading is Bmc.ON
    assert [str(one) for one in powered.witness.evidence] == ["127.0.0.1 does not answer", "fence_standin: power on"]
    alone = node_power.power(bmc, {**OPTIONS, "plugs": {"16": "n1-a"}})
    assert alone.witness.reading is Bmc.SILENT and alone.state is None


def test_a_bmc_that_answers_is_asked_alone(pdu: Pdu, machine: Machine) -> None:
    given = {name: getattr(machine.bmc, name) for name in ("address", "port", "username", "password")}
    powered = node_power.power({**given, "identity": IDENTITY}, {**OPTIONS, "agent": "fence_none"})
    assert powered.state is not None and powered.state.identity == IDENTITY


def test_the_module_says_what_did_it(pdu: Pdu, tmp_path: Path) -> None:
    playbook = Playbook(tmp_path)
    playbook.hosts = {"n1": LOCAL}
    bmc = {"address": "127.0.0.1", "port": 1, "username": "operator", "password": "secret"}
    task = {"state": "off", "bmc": bmc, "identity": IDENTITY, "second": dict(OPTIONS), "timeout": 20}
    tasks = [
        {"name": "Off", "cloudops.hypervisor.bmc_power": task, "register": "done"},
        {"name": "Show", "ansible.builtin.debug": {"msg": "{{ done.after.power }} by {{ done.by }}"}},
    ]
    code, output = playbook.run(tasks)
    assert code == 0 and "off by fence_standin" in output, output
    assert pdu.asked == ["off 17", "off 18"]
    pdu.call("17", "n3")
    code, output = playbook.run(tasks[:1])
    assert code == 2 and "127.0.0.1 does not answer; fence_standin: outlet 17 is called n3" in " ".join(output.split())
