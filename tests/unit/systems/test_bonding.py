# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.interfaces import INTERFACES
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError, build
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import bonding
from replay import Replay, judged, recording

BOND0 = "/proc/net/bonding/bond0"


def node(name, **changes):
    """A node with that recording as its bond0; a change replaces one of its answers."""
    text = recording(f"bonding/{name}").stdout
    return Replay({BOND0: text, INTERFACES: recording("interfaces/ifupdown-openvswitch").stdout, **changes})


def check(name, policy=None, **changes):
    return judged(bonding.CHECK, node(name, **changes), policy)


def policy(**bond):
    return build(bonding.Policy, {"bonds": [{"name": "bond0", **bond}]})


def test_a_healthy_bond():
    found = check("proc-healthy")
    assert set(found) == {"bonding_ok"}
    assert found["bonding_ok"].values == {"bonds": ["bond0"], "slaves": 2}


def test_one_slave_down_names_it_and_who_carries_the_traffic():
    found = check("proc-slave-eth3-down")
    assert set(found) == {"bonding_slave_down"}, "that another slave took over is no second fault"
    values = found["bonding_slave_down"].values
    assert values == {"down": 1, "of": 2, "slaves": ["eth3 down"], "up": ["eth4"]}
    assert found["bonding_slave_down"].evidence[0].startswith(BOND0 + ": eth3, MII Status: down")


def test_no_slave_up_is_critical():
    found = check("proc-both-slaves-down")
    assert set(found) == {"bonding_all_slaves_down"}
    assert found["bonding_all_slaves_down"].values["slaves"] == ["eth3 down", "eth4 down"]


def test_a_bond_that_recovered_is_ok_and_remembers_its_failures():
    assert set(check("proc-recovered")) == {"bonding_ok"}
    bond = bonding.parse_bond(recording("bonding/proc-recovered").stdout, "bond0")
    assert [slave.failures for slave in bond.slaves] == [1, 1]


def test_another_active_slave_than_the_primary_or_the_baseline():
    text = recording("bonding/proc-healthy").stdout.replace("Active Slave: eth3", "Active Slave: eth4")
    found = check("proc-healthy", **{BOND0: text})
    assert found["bonding_active_changed"].values == {"active": "eth4", "expected": "eth3", "expected_by": "primary"}
    found = check("proc-healthy", policy(active="eth4"))
    assert found["bonding_active_changed"].values == {"active": "eth3", "expected": "eth4", "expected_by": "policy"}


def test_the_mode_of_policy_goes_before_the_file_s():
    found = check("proc-healthy", policy(mode="802.3ad"))
    assert found["bonding_mode_differs"].values["expected_by"] == "policy"
    found = check(
        "proc-healthy", **{INTERFACES: "auto bond0\niface bond0 inet manual\n bond-mode 4\n bond-slaves none\n"}
    )
    assert found["bonding_mode_differs"].values == {
        "mode": "active-backup",
        "expected": "802.3ad",
        "expected_by": INTERFACES,
    }


def test_a_configured_slave_that_is_not_in_the_bond():
    interfaces = "auto bond0\niface bond0 inet manual\n bond-slaves eth3 eth4 eth8\n"
    assert check("proc-healthy", **{INTERFACES: interfaces})["bonding_slave_missing"].values["slaves"] == ["eth8"]
    found = check("proc-healthy", policy(slaves=["eth3", "eth9"]))
    assert found["bonding_slave_missing"].values == {"slaves": ["eth9"], "expected_by": "policy"}


def test_slaves_that_name_their_master():
    interfaces = "auto bond0\niface bond0 inet manual\n bond-mode 1\niface eth8 inet manual\n bond-master bond0\n"
    assert check("proc-healthy", **{INTERFACES: interfaces})["bonding_slave_missing"].values["slaves"] == ["eth8"]


def test_a_bond_that_should_be_there():
    found = judged(bonding.CHECK, node("proc-healthy", **{BOND0: Problem.ABSENT}))
    assert "reading_absent" in found, "a bond that vanished while it was read"
    found = judged(bonding.CHECK, Replay({INTERFACES: "auto bond0\niface bond0 inet manual\n bond-slaves eth0\n"}))
    assert found["bonding_bond_missing"].values == {"expected_by": INTERFACES}
    found = check("proc-healthy", build(bonding.Policy, {"bonds": [{"name": "bond7"}]}))
    assert found["bonding_bond_missing"].subject == "bond7"


def test_an_open_vswitch_bond_is_not_the_kernel_s():
    interfaces = "allow-ovs bond0\niface bond0 inet manual\n ovs_type OVSBond\n bond_mode balance-slb\n"
    assert set(judged(bonding.CHECK, Replay({INTERFACES: interfaces}))) == {"component_absent"}


def test_no_bond_is_skipped_unless_required():
    assert set(judged(bonding.CHECK, Replay({}))) == {"component_absent"}
    assert set(judged(bonding.CHECK, Replay({}), bonding.Policy(required=True))) == {"component_required"}


def test_the_driver_of_2_6_32_with_its_speeds():
    found = check("proc-2.6.32")
    assert set(found) == {"bonding_ok"}
    found = check("proc-2.6.32", bonding.Policy(speed=10000))
    assert found["bonding_speed_low"].values["slaves"] == ["eth3 1000 Mbps", "eth4 1000 Mbps"]


def test_unequal_speeds_and_half_duplex():
    text = recording("bonding/proc-2.6.32").stdout.replace(
        "Speed: 1000 Mbps\nDuplex: full", "Speed: 100 Mbps\nDuplex: half", 1
    )
    found = check("proc-2.6.32", **{BOND0: text})
    assert found["bonding_speed_unequal"].values["slaves"] == ["eth3 100 Mbps", "eth4 1000 Mbps"]
    assert found["bonding_half_duplex"].values["slaves"] == ["eth3"]


def test_a_speed_that_policy_wants_and_nobody_tells_is_unknown():
    found = check("proc-healthy", policy(speed=1000), **{"/sys/class/net/eth3/speed": "-1\n"})
    assert set(found) == {"reading_failed"}
    assert found["reading_failed"].values["reading"] == "/sys/class/net/eth3/speed"


def test_speed_and_duplex_come_from_sysfs_where_the_driver_does_not_print_them():
    sysfs = {
        "/sys/class/net/eth3/speed": "10000\n",
        "/sys/class/net/eth3/duplex": "full\n",
        "/sys/class/net/eth4/speed": "1000\n",
        "/sys/class/net/eth4/duplex": "half\n",
    }
    found = check("proc-healthy", **sysfs)
    assert set(found) == {"bonding_speed_unequal", "bonding_half_duplex"}


def test_lacp_with_one_aggregator_and_a_partner_is_ok():
    assert set(check("proc-lacp-good", **{INTERFACES: ""})) == {"bonding_ok"}


def test_lacp_aggregators_that_differ():
    found = check("proc-lacp-split", **{INTERFACES: ""})
    assert set(found) == {"bonding_aggregators_differ"}
    assert len(set(found["bonding_aggregators_differ"].values["slaves"])) == 2


def test_lacp_without_a_partner():
    found = check("proc-lacp-no-partner", **{INTERFACES: ""})
    assert set(found) == {"bonding_lacp_partner_missing"}


def test_lacp_is_hidden_from_ordinary_users():
    found = check("proc-lacp-user", **{INTERFACES: "", "/sys/class/net/bond0/bonding/ad_partner_mac": "\n"})
    assert set(found) == {"reading_denied"}
    found = check(
        "proc-lacp-user", **{INTERFACES: "", "/sys/class/net/bond0/bonding/ad_partner_mac": "52:54:00:00:00:09\n"}
    )
    assert set(found) == {"bonding_ok"}


def test_a_bond_that_is_down_over_slaves_that_are_up():
    text = recording("bonding/proc-healthy").stdout.replace("MII Status: up", "MII Status: down", 1)
    assert check("proc-healthy", **{BOND0: text})["bonding_down"].values == {"up": ["eth3", "eth4"]}


@pytest.mark.parametrize("text", ["", "garbage", "Bonding Mode: x", "Slave Interface: eth0\nMII Status: up"])
def test_anything_else_is_not_understood(text):
    with pytest.raises(NotUnderstood):
        bonding.parse_bond(text)
    assert set(judged(bonding.CHECK, Replay({BOND0: text}))) == {"reading_not_understood"}


def test_an_unreadable_bond_is_unknown_and_not_missing():
    assert set(check("proc-healthy", **{BOND0: Problem.DENIED})) == {"reading_denied"}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"mode": "active"}, "mode"),
        ({"speed": 0}, "speed"),
        ({"bonds": [{"name": "bond0", "mode": "lacp"}]}, r"bonds\[0\].mode"),
        ({"bonds": [{"name": "bond0", "slaves": ["eth1"], "active": "eth2"}]}, r"bonds\[0\].active"),
        ({"bonds": [{"name": "bond0"}, {"name": "bond0"}]}, "bonds"),
    ],
)
def test_impossible_policy_is_refused_by_name(options, named):
    with pytest.raises(PolicyError, match=named):
        build(bonding.Policy, options)
