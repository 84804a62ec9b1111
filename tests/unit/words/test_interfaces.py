# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.interfaces import (
    INTERFACES,
    configured,
    parse_interfaces,
)
from replay import Replay, recording


def by_name(text):
    return {one.name: one for one in parse_interfaces(text)}


def test_a_node_s_bridges_bond_and_addresses():
    found = by_name(recording("interfaces/ifupdown-openvswitch").stdout)
    assert all(one.boots for one in found.values())
    assert found["xenbr0"].addresses == ("10.77.3.11",)
    assert found["xenbr0"].option("ovs-ports") == ("bond0",)
    assert found["bond0"].option("bond-slaves") == ("eth3", "eth4")
    assert found["bond0"].addresses == ()


def test_old_spellings_continued_lines_and_comments():
    found = by_name(
        "# the bond\nauto bond0\niface bond0 inet static\n\taddress 10.0.0.5\n\tnetmask 255.255.255.0\n"
        "\tbond_slaves eth0 \\\n\t  eth1\n\tbond_mode 1\n"
    )
    assert found["bond0"].option("bond-slaves") == ("eth0", "eth1")
    assert found["bond0"].option("bond-mode") == ("1",)
    assert found["bond0"].addresses == ("10.0.0.5",)


def test_both_families_of_an_interface_are_one_interface():
    found = by_name("iface eth0 inet static\n address 10.0.0.5/24\niface eth0 inet6 static\n address fd00::5/64\n")
    assert found["eth0"].addresses == ("10.0.0.5", "fd00::5")


def test_hotplug_and_dhcp_promise_nothing():
    found = by_name("allow-hotplug eth0\niface eth0 inet dhcp\n")
    assert not found["eth0"].boots and found["eth0"].addresses == ()


def test_none_is_no_slave():
    assert by_name("iface bond0 inet manual\n bond-slaves none\n")["bond0"].option("bond-slaves") == ()


@pytest.mark.parametrize("text", ["address 10.0.0.1\n", "auto eth0\naddress 10.0.0.1\n", "iface\n"])
def test_what_ifupdown_refuses_is_not_understood(text):
    with pytest.raises(NotUnderstood):
        parse_interfaces(text)


def test_options_of_a_mapping_belong_to_no_interface():
    assert parse_interfaces("mapping eth0\n script /bin/true\n map home\n") == ()


def test_sourced_files_are_read():
    host = Replay(
        {
            INTERFACES: "source interfaces.d/*\nsource-directory /etc/network/more\nauto eth0 eth1 eth2\n",
            "/etc/network/interfaces.d/eth0": "iface eth0 inet static\n address 10.0.0.1/24\n",
            "/etc/network/more/eth1": "iface eth1 inet manual\n",
            "/etc/network/more/eth2.bak": "iface eth2 inet manual\n",
        }
    )
    lost = []
    assert {one.name: one.boots for one in configured(host, lost)} == {"eth0": True, "eth1": True}
    assert lost == []


def test_files_that_source_each_other_end():
    assert configured(Replay({INTERFACES: f"source {INTERFACES}\niface lo inet loopback\n"}), [])[0].name == "lo"


def test_no_file_expects_nothing():
    lost = []
    assert configured(Replay({}), lost) == () and lost == []


def test_an_unreadable_or_broken_file_is_named():
    lost = []
    assert configured(Replay({INTERFACES: Problem.DENIED}), lost) == ()
    assert configured(Replay({INTERFACES: "address 10.0.0.1\n"}), lost) == ()
    assert [one.problem for one in lost] == [Problem.DENIED, Problem.NOT_UNDERSTOOD]
