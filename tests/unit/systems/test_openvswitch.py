# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood, plain
from ansible_collections.cloudops.hypervisor.plugins.module_utils.interfaces import INTERFACES
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError, build
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import openvswitch
from replay import Replay, judged, recording

TABLES = (
    "ovs-vsctl --timeout=5 --format=json -- --columns=name,ports list Bridge"
    " -- --columns=_uuid,name,interfaces list Port -- --columns=name,_uuid,ofport,external_ids,error list Interface"
)
OLD_TABLES = TABLES.replace(",error", "")
VERSION = "ovs-appctl -t ovs-vswitchd version"


def said(name):
    """A recording of a command that only complained: it does so on stderr."""
    answer = recording(f"openvswitch/{name}")
    return replace(answer, stdout="", stderr=answer.stdout)


def lab(state):
    """The lab node's three tables, recorded one by one."""
    one, two, three = (recording(f"openvswitch/{table}-{state}").stdout for table in ("bridge", "port", "interface"))
    return one + two + three


def node(tables, **changes):
    return Replay({TABLES: tables, VERSION: recording("openvswitch/version"), **changes})


def check(tables, policy=None, **changes):
    return judged(openvswitch.CHECK, node(tables, **changes), policy)


def good(**changes):
    return node(recording("openvswitch/tables-good"), **changes)


def policy(**bridges):
    return build(openvswitch.Policy, {"bridges": [{"name": name, "ports": ports} for name, ports in bridges.items()]})


def test_a_healthy_node_with_what_ifupdown_configures():
    found = check(lab("healthy"), **{INTERFACES: recording("interfaces/ifupdown-openvswitch").stdout})
    assert set(found) == {"openvswitch_ok"}
    assert found["openvswitch_ok"].values == {"bridges": ["xenbr1", "xenbr0"], "ports": 4}
    assert found["openvswitch_ok"].evidence == ("Open vSwitch 3.1.0",)


def test_a_bond_without_link_does_not_show_here():
    assert set(check(lab("both-slaves-down"))) == {"openvswitch_ok"}


def test_every_interface_of_a_bonded_port_is_read():
    facts = openvswitch.CHECK.probe(good(), openvswitch.Policy())
    bond = [port for bridge in facts.bridges for port in bridge.ports if port.name == "bond9"]
    assert {port.interface for port in bond} == {"eth6", "eth7"}
    assert plain(facts)["bridges"][0]["name"] == "xenbr1"


def test_a_port_without_its_device_is_critical_and_a_vanished_vm_s_port_is_not():
    found = check(recording("openvswitch/tables-in-error"))
    assert set(found) == {"openvswitch_interface_error", "openvswitch_guest_port_left"}
    error = found["openvswitch_interface_error"]
    assert error.subject == "eth9"
    assert error.values["error"] == "could not open network device eth9 (No such device)"
    assert found["openvswitch_guest_port_left"].values == {"ports": ["vif3.0"]}


def test_a_vif_that_policy_names_is_no_left_over():
    found = check(recording("openvswitch/tables-in-error"), policy(xenbr1=["vif3.0"]))
    assert "openvswitch_guest_port_left" not in found


def test_without_an_error_column_the_port_number_tells():
    tables = recording("openvswitch/tables-in-error").stdout.splitlines()
    old = "\n".join(tables).replace('"error"', '"unused"')
    refused = said("tables-no-such-column")
    found = judged(
        openvswitch.CHECK, Replay({TABLES: refused, OLD_TABLES: old, VERSION: recording("openvswitch/version")})
    )
    assert found["openvswitch_interface_error"].values["error"] == "OpenFlow port -1"


def test_a_port_the_switch_has_not_taken_up():
    tables = recording("openvswitch/tables-good").stdout
    found = check(tables.replace(",1,[", ',["set",[]],['))
    assert found["openvswitch_interface_error"].values["error"] == "OpenFlow port none"


def test_a_missing_bridge_and_a_missing_port():
    found = judged(openvswitch.CHECK, good(), policy(xenbr2=["bond2"], xenbr1=["eth5", "bond1"]))
    assert found["openvswitch_bridge_missing"].subject == "xenbr2"
    assert found["openvswitch_port_missing"].values == {"port": "bond1", "expected_by": "policy"}


def test_a_port_in_another_bridge():
    found = judged(openvswitch.CHECK, good(), policy(xenbr0=["eth5"]))
    assert set(found) == {"openvswitch_port_elsewhere"}
    assert found["openvswitch_port_elsewhere"].subject == "xenbr0"
    assert found["openvswitch_port_elsewhere"].values["bridge"] == "xenbr1"


def test_what_ifupdown_configures_must_be_there():
    text = "allow-ovs xenbr5\niface xenbr5 inet manual\n ovs_type OVSBridge\n ovs_ports eth8\nallow-xenbr5 eth8\n"
    found = judged(openvswitch.CHECK, good(**{INTERFACES: text}))
    assert found["openvswitch_bridge_missing"].values == {"expected_by": INTERFACES}


def test_ports_that_name_their_bridge_count_too():
    text = (
        "auto xenbr1 eth5 eth8\niface xenbr1 inet manual\n ovs_type OVSBridge\n"
        "iface eth5 inet manual\n ovs_bridge xenbr1\niface eth8 inet manual\n ovs_bridge xenbr1\n"
    )
    assert judged(openvswitch.CHECK, good(**{INTERFACES: text}))["openvswitch_port_missing"].values["port"] == "eth8"


def test_a_dead_switch_is_seen_although_its_database_shows_no_fault():
    found = judged(openvswitch.CHECK, good(**{VERSION: said("version-killed")}))
    assert set(found) == {"openvswitch_switch_down"}
    assert "No such process" in found["openvswitch_switch_down"].values["detail"]
    assert set(judged(openvswitch.CHECK, good(**{VERSION: Problem.TIMEOUT}))) == {"openvswitch_switch_down"}


@pytest.mark.parametrize("recorded", ["tables-refused", "tables-stopped"])
def test_a_database_that_does_not_answer(recorded):
    journal = {"/etc/openvswitch/conf.db": recording("openvswitch/conf_db").stdout}
    found = check(said(recorded), **journal)
    assert set(found) == {"openvswitch_database_down"}
    found = check(said(recorded), **{INTERFACES: recording("interfaces/ifupdown-openvswitch").stdout})
    assert set(found) == {"openvswitch_database_down"}
    assert set(check(Problem.TIMEOUT, **journal)) == {"openvswitch_database_down"}


def test_an_installed_open_vswitch_that_nobody_uses_is_skipped():
    assert set(check(said("tables-refused"))) == {"component_absent"}
    assert set(check(recording("openvswitch/tables-empty"))) == {"component_absent"}
    assert set(check(recording("openvswitch/tables-empty"), openvswitch.Policy(required=True))) == {
        "component_required"
    }


def test_a_node_without_open_vswitch_is_skipped_unless_required():
    assert set(judged(openvswitch.CHECK, Replay({}))) == {"component_absent"}
    assert set(judged(openvswitch.CHECK, Replay({}), policy(xenbr0=[]))) == {"component_required"}


def test_an_ordinary_user_is_told_to_be_root():
    host = node(said("tables-denied"), **{VERSION: said("version-denied")})
    assert set(judged(openvswitch.CHECK, host)) == {"reading_denied"}
    assert VERSION not in host.asked
    assert set(judged(openvswitch.CHECK, good(**{VERSION: said("version-denied")}))) == {"reading_denied"}


def test_other_failures_are_unknown():
    assert set(check(replace(said("tables-refused"), stderr="ovs-vsctl: unknown option"))) == {"reading_failed"}
    assert set(check("not JSON")) == {"reading_not_understood"}
    assert set(judged(openvswitch.CHECK, good(**{VERSION: "something else"}))) == {"reading_not_understood"}


@pytest.mark.parametrize("text", ["", "[]", "{}\n{}\n{}", '{"headings":[],"data":[]}', "[" * 20000, "null\nnull\nnull"])
def test_anything_else_is_not_understood(text):
    with pytest.raises(NotUnderstood):
        openvswitch.parse_tables(text)


def test_impossible_policy_is_refused_by_name():
    with pytest.raises(PolicyError, match="bridges"):
        policy(xenbr0=["eth5"], xenbr1=["eth5"])
