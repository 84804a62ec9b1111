# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is recorded of a node is policy that the same node fits, and that a loss does not."""

from __future__ import annotations

from typing import Any

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import examine
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import baseline
from ansible_collections.cloudops.hypervisor.plugins.module_utils.examination import CHECKS
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import build
from replay import Replay, recording
from report.fleet import multipath

FULL = "ping -n -c 3 -i 0.2 -W 1 -M do -s 1472"
NETWORK = {
    "ip -j addr": recording("network/ip_addr_json"),
    "/proc/net/route": recording("network/proc_net_route").stdout,
    "/proc/net/ipv6_route": recording("network/proc_net_ipv6_route").stdout,
}
CHRONY = "chronyc -c -n -m tracking sources"
TIME = {CHRONY: recording("time/chrony-good"), "/proc/self/status": "CapBnd:\t000001ffffffffff\n"}
NOW = 1795263179.5


def examined(name: str, answers: dict[str, Any], policy: dict[str, Any] | None = None) -> dict[str, Any]:
    return examine(CHECKS[name], Replay(answers, now=NOW), build(CHECKS[name].policy, policy or {}))


def recorded(name: str, answers: dict[str, Any], policy: dict[str, Any] | None = None) -> dict[str, Any]:
    return baseline.policy({"checks": {name: examined(name, answers, policy)}}).get(name, {})


def codes(result: dict[str, Any]) -> set[str]:
    return {finding["code"] for finding in result["findings"]}


def test_the_paths_of_each_map_are_expected_and_a_missing_one_is_seen():
    expected = recorded("multipath", multipath("healthy"))
    assert set(expected["maps"].values()) == {2}
    assert examined("multipath", multipath("healthy"), expected)["status"] == "ok"
    more = {**expected, "maps": dict.fromkeys(expected["maps"], 4)}
    assert codes(examined("multipath", multipath("healthy"), more)) == {"multipath_paths_missing"}


def test_what_the_node_does_not_have_is_not_recorded():
    assert baseline.policy({"checks": {"multipath": examined("multipath", {})}}) == {}


def test_addresses_are_recorded_so_that_a_lost_one_is_seen():
    expected = recorded("network", NETWORK)
    assert expected["gateway"] == "10.77.0.1"
    assert "10.77.3.11" in expected["addresses"] and "127.0.0.1" not in expected["addresses"]
    assert not [address for address in expected["addresses"] if address.startswith("fe80")]
    lost = str(recording("network/ip_addr_json").stdout).replace('"local":"10.77.3.11"', '"local":"10.77.3.99"')
    assert "10.77.3.99" in lost
    assert "network_address_missing" in codes(examined("network", {**NETWORK, "ip -j addr": lost}, expected))


def test_peers_are_recorded_that_answer():
    asked = next(command for command in _asked({"peers": ["10.77.3.12"]}) if command.endswith(" 10.77.3.12"))
    answers = {**NETWORK, asked: recording("network/ping-good")}
    assert recorded("network", answers, {"peers": ["10.77.3.12", "10.77.3.13"]})["peers"] == ["10.77.3.12"]


def _asked(policy: dict[str, Any]) -> list[str]:
    host = Replay(NETWORK)
    examine(CHECKS["network"], host, build(CHECKS["network"].policy, policy))
    return host.asked


def test_time_servers_are_recorded_as_they_are_configured():
    conf = (
        "# server never.example\nserver ntp1.example iburst\nserver 10.99.0.2 iburst\ndriftfile /var/lib/chrony/drift\n"
    )
    expected = recorded("time", {**TIME, "/etc/chrony/chrony.conf": conf})
    assert expected == {"required": True, "servers": ["10.99.0.2", "ntp1.example"]}


def test_what_a_pool_gave_today_is_not_expected_tomorrow():
    pool = "pool 2.debian.pool.ntp.org iburst\nserver 10.99.0.2 iburst\n"
    assert recorded("time", {**TIME, "/etc/chrony/chrony.conf": pool}) == {"required": True}
    assert recorded("time", TIME) == {"required": True}, "what configures the daemon was not found"
