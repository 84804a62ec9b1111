# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.bridge_macs import (
    Bridge,
    parse_fdb,
    parse_ovs_fdb,
    probe,
)
from replay import Replay, recording

LINUX = {
    "/sys/class/net/xenbr0/bridge/ageing_time": "",
    "bridge fdb show br xenbr0": recording("bridge_macs/bridge_fdb"),
}
OVS_SHOW = "ovs-appctl --timeout=5 fdb/show ovsbr0"
OVS = {"/sys/class/net/ovsbr0/mtu": "", OVS_SHOW: recording("bridge_macs/ovs_fdb")}


def test_what_a_bridge_has_learned_is_read_without_its_ports_own_addresses():
    found, missing = probe(Replay(LINUX), "xenbr0")
    assert found == Bridge("xenbr0", "linux", ("ce:47:01:bc:24:33", "00:16:3e:00:00:02")) and missing == ()
    found, missing = probe(Replay(OVS), "ovsbr0")
    macs = ("06:92:51:f9:13:46", "00:16:3e:00:00:07", "76:6f:7e:cc:57:72")
    assert found == Bridge("ovsbr0", "openvswitch", macs) and missing == ()


@pytest.mark.parametrize("name", ["xenbr0", "../..", "a" * 16, ""])
def test_a_bridge_that_is_not_there_is_an_answer(name):
    assert probe(Replay({}), name) == (Bridge(name), ())


def test_an_interface_that_is_no_bridge_is_none():
    refused = recording("bridge_macs/ovs_fdb")
    host = Replay({**OVS, OVS_SHOW: type(refused)("", stderr="no such bridge", rc=2)})
    assert probe(host, "ovsbr0") == (Bridge("ovsbr0"), ())


@pytest.mark.parametrize(("answer", "problem"), [(Problem.TIMEOUT, "timeout"), ("port of call\n", "not_understood")])
def test_a_table_that_cannot_be_read_is_missing(answer, problem):
    found, missing = probe(Replay({**OVS, OVS_SHOW: answer}), "ovsbr0")
    assert found == Bridge("ovsbr0", "openvswitch") and [one.problem.value for one in missing] == [problem]


def test_a_line_of_another_form_is_not_understood():
    for parse in (parse_fdb, parse_ovs_fdb):
        with pytest.raises(NotUnderstood):
            parse("something else\n")
