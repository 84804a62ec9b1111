# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood, plain
from ansible_collections.cloudops.hypervisor.plugins.module_utils.interfaces import INTERFACES
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError, build
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import network
from replay import Replay, by_code, judged, recording

# the recorded node: eth0 10.77.0.11 with the gateway 10.77.0.1, xenbr0 10.77.3.11 with the peers
FULL = "ping -n -q -c 3 -i 0.2 -W 1 -M do -s 1472"
SMALL = "ping -n -q -c 3 -i 0.2 -W 1"
GATEWAY = "-I eth0 10.77.0.1"
PEER = "-I xenbr0 10.77.3.12"
SECOND = "-I xenbr0 10.77.3.13"
ARP_GATEWAY = "arp who-has 10.77.0.1 dev eth0"
ARP_OWN = "arp who-has 10.77.3.11 dev xenbr0"
NOBODY = ""
SOMEBODY = "Unicast reply from 10.77.0.1 [F2:24:c5:5c:17:a2]\n"
ZONE = network.Policy(peers=("10.77.3.11", "10.77.3.12"))


def ping(name):
    return recording(f"network/ping-{name}")


def complained(name):
    """A recording of a command that only complained: it does so on stderr."""
    answer = ping(name)
    return replace(answer, stdout="", stderr=answer.stdout)


def node(**changes):
    """The recorded node, where everybody answers; a change replaces one of its answers."""
    answers = {
        "ip -j addr": recording("network/ip_addr_json"),
        "/proc/net/route": recording("network/proc_net_route").stdout,
        "/proc/net/ipv6_route": recording("network/proc_net_ipv6_route").stdout,
        f"{FULL} {GATEWAY}": ping("good"),
        f"{FULL} {PEER}": ping("good"),
        "arp who-has 10.77.0.11 dev eth0": NOBODY,
        ARP_OWN: NOBODY,
    }
    return Replay({**answers, **changes})


def check(policy=ZONE, **changes):
    return judged(network.CHECK, node(**changes), policy)


def silent(*targets):
    return {f"{command} {target}": ping("silent") for target in targets for command in (FULL, SMALL)}


def test_gateway_and_peer_answer_at_full_mtu():
    found = check()
    assert set(found) == {"network_ok"}
    assert found["network_ok"].values == {"targets": ["10.77.0.1", "10.77.3.12"], "interfaces": ["eth0", "xenbr0"]}


def test_the_text_of_ip_says_what_its_json_says():
    assert network.parse_ip_addr(recording("network/ip_addr_text").stdout) == network.parse_ip_addr_json(
        recording("network/ip_addr_json").stdout
    )


def test_an_iproute2_without_json_is_read_as_text():
    old = Answer("", stderr='Option "-j" is unknown, try "ip -help".', rc=255)
    assert set(check(**{"ip -j addr": old, "ip addr": recording("network/ip_addr_text")})) == {"network_ok"}


def test_an_interface_without_gateway_or_peer_is_named():
    found = check(network.Policy())
    assert set(found) == {"network_ok", "network_untested"}
    assert found["network_untested"].values == {"interfaces": ["xenbr0"]}


def test_a_gateway_that_filters_ping_is_there():
    found = check(**silent(GATEWAY), **{ARP_GATEWAY: SOMEBODY})
    assert set(found) == {"network_gateway_silent"}
    assert found["network_gateway_silent"].values["mac"] == "f2:24:c5:5c:17:a2"


def test_a_gateway_that_answers_nothing_is_down():
    found = check(**silent(GATEWAY), **{ARP_GATEWAY: NOBODY})
    assert set(found) == {"network_gateway_down"}
    assert found["network_gateway_down"].evidence[-1] == f"{ARP_GATEWAY}: no reply"


def test_a_gateway_is_unknown_when_arp_cannot_be_asked():
    found = check(**silent(GATEWAY), **{ARP_GATEWAY: Problem.DENIED})
    assert set(found) == {"reading_denied", "reading_failed"}


def test_without_ping_the_gateway_is_unknown_but_not_down():
    absent = {f"{FULL} {GATEWAY}": Problem.ABSENT, f"{FULL} {PEER}": Problem.ABSENT}
    found = check(**absent, **{ARP_GATEWAY: SOMEBODY})
    assert set(found) == {"reading_absent"}
    assert found["reading_absent"].values["reading"] == "ping"
    assert "network_gateway_down" in check(**absent, **{ARP_GATEWAY: NOBODY})


def test_ping_that_is_not_permitted_needs_root():
    answer = Answer("", stderr="ping: socket: Operation not permitted", rc=2)
    found = check(
        network.Policy(), **{f"{FULL} {GATEWAY}": answer, f"{SMALL} {GATEWAY}": answer, ARP_GATEWAY: SOMEBODY}
    )
    assert set(found) == {"reading_denied"}


def test_the_same_missing_right_is_told_once():
    denied = {ARP_OWN: Problem.DENIED, "arp who-has 10.77.0.11 dev eth0": Problem.DENIED}
    host = node(**denied)
    findings = network.judge(network.probe(host, ZONE), ZONE)
    assert [one.code for one in findings] == ["reading_denied"]
    by_code(network.CHECK, findings)


def test_big_packets_that_a_peer_does_not_get():
    found = check(**{f"{FULL} {PEER}": ping("too-big-for-peer"), f"{SMALL} {PEER}": ping("small")})
    assert set(found) == {"network_mtu_peer"}
    assert found["network_mtu_peer"].values == {"target": "10.77.3.12", "mtu": 1500}
    found = check(**{f"{FULL} {GATEWAY}": ping("too-big-for-peer"), f"{SMALL} {GATEWAY}": ping("small")})
    assert set(found) == {"network_mtu_gateway"}


def test_a_peer_that_was_busy_for_a_moment_has_no_wrong_mtu():
    found = check(**{f"{FULL} {PEER}": [ping("silent"), ping("good")], f"{SMALL} {PEER}": ping("small")})
    assert set(found) == {"network_loss"}
    assert found["network_loss"].values == {"target": "10.77.3.12", "lost": 3, "sent": 11}


def test_packets_that_are_lost():
    some = replace(ping("good"), stdout=ping("good").stdout.replace("3 received, 0%", "2 received, 33%"))
    lossy = {f"{FULL} {PEER}": some, f"{SMALL} {PEER}": ping("good")}
    assert check(**lossy)["network_loss"].values == {"target": "10.77.3.12", "lost": 1, "sent": 6}
    assert set(check(replace(ZONE, max_loss=20), **lossy)) == {"network_ok"}


def test_one_silent_peer_may_be_down_itself():
    assert set(check(**silent(PEER))) == {"network_peer_down"}


def test_without_a_policy_the_peers_are_those_of_the_cluster():
    conf = "node:\n\tip_address = 10.77.3.11\n\tname = n1\nnode:\n\tip_address = 10.77.3.12\n\tname = n2\n"
    found = check(network.Policy(), **{"/etc/ocfs2/cluster.conf": conf})
    assert set(found) == {"network_ok"}
    assert found["network_ok"].values["targets"] == ["10.77.0.1", "10.77.3.12"]
    gone = check(network.Policy(), **{"/etc/ocfs2/cluster.conf": conf}, **silent(PEER))
    assert gone["network_peer_down"].values["peers"] == ["10.77.3.12"]
    other = check(**{"/etc/ocfs2/cluster.conf": conf.replace("10.77.3.12", "10.77.3.99")})
    assert set(other) == {"network_ok"}, "policy's word goes first"


def test_one_of_several_peers():
    policy = network.Policy(peers=("10.77.3.12", "10.77.3.13"))
    found = check(policy, **silent(SECOND))
    assert found["network_peer_down"].values == {"count": 1, "of": 2, "peers": ["10.77.3.13"]}


def test_an_interface_over_which_nobody_answers():
    policy = network.Policy(peers=("10.77.3.12", "10.77.3.13"))
    found = check(policy, **silent(PEER, SECOND))
    assert set(found) == {"network_isolated"}
    assert found["network_isolated"].subject == "xenbr0"


def test_a_peer_behind_a_router_is_asked_with_small_packets():
    policy = network.Policy(peers=("10.99.0.1",))
    host = node(**{f"{SMALL} 10.99.0.1": complained("unreachable-network")})
    found = judged(network.CHECK, host, policy)
    assert found["network_peer_down"].evidence == (f"{SMALL} 10.99.0.1: ping: connect: Network is unreachable",)
    assert set(check(policy, **{f"{SMALL} 10.99.0.1": ping("good")})) == {"network_ok", "network_untested"}


def test_an_address_in_use_by_another_machine():
    reply = "Unicast reply from 10.77.3.11 [6e:3f:0f:07:5a:14]\n"
    found = check(**{ARP_OWN: reply})
    assert set(found) == {"network_duplicate_address"}
    assert found["network_duplicate_address"].values == {"address": "10.77.3.11", "macs": ["6e:3f:0f:07:5a:14"]}
    assert found["network_duplicate_address"].evidence == (f"{ARP_OWN}: {reply.strip()}",)


def test_an_answer_of_the_node_s_own_other_port_is_no_duplicate():
    mac = network.parse_ip_addr(recording("network/ip_addr_text").stdout)[2].mac
    assert set(check(**{ARP_OWN: f"Unicast reply from 10.77.3.11 [{mac}]\n"})) == {"network_ok"}


def test_a_duplicate_that_the_kernel_found_by_itself():
    text = recording("network/ip_addr_json").stdout
    text = text.replace(
        '"local":"fe80::f068:ff:fe1c:292f","prefixlen":64,"scope":"link"',
        '"local":"fd00::2","prefixlen":64,"scope":"global","dadfailed":true',
    )
    assert check(**{"ip -j addr": text})["network_duplicate_address"].values["address"] == "fd00::2"


def test_a_gateway_other_than_policy_s():
    found = check(network.Policy(gateway="10.77.0.254"))
    assert found["network_gateway_missing"].values == {
        "expected": "10.77.0.254",
        "expected_by": "policy",
        "routes": ["10.77.0.1 dev eth0"],
    }


def no_route():
    return "\n".join(line for line in node().read("/proc/net/route").lines if "\t00000000\t01004D0A" not in line)


def test_a_gateway_of_another_network_than_the_default_route_s():
    policy = network.Policy(gateways=("10.77.3.12", "10.77.3.11", "10.77.0.1"))
    assert set(check(policy)) == {"network_ok"}
    found = check(policy, **silent(PEER), **{"arp who-has 10.77.3.12 dev xenbr0": NOBODY})
    assert found["network_gateway_down"].subject == "xenbr0"


def test_no_gateway_is_a_warning_unless_somebody_wants_one():
    assert "network_no_gateway" in check(**{"/proc/net/route": no_route()})
    wanted = "auto eth0\niface eth0 inet static\n address 10.77.0.11/24\n gateway 10.77.0.1\n"
    found = check(**{"/proc/net/route": no_route(), INTERFACES: wanted})
    assert found["network_gateway_missing"].values["expected_by"] == INTERFACES
    found = check(network.Policy(required=True), **{"/proc/net/route": no_route()})
    assert "network_gateway_required" in found


def test_a_node_that_is_configured_without_a_gateway_needs_none():
    meant = "auto eth0\niface eth0 inet static\n address 10.77.0.11/24\n"
    assert set(check(**{"/proc/net/route": no_route(), INTERFACES: meant})) == {"network_ok", "network_untested"}


def test_an_ipv6_gateway_counts_where_there_is_no_other():
    route = f"{'0' * 32} 00 {'0' * 32} 00 fe80{'0' * 27}1 00000400 00000002 00000000 00450003     eth0\n"
    asked = "ping -n -q -c 3 -i 0.2 -W 1 -M do -s 1452 -I eth0 fe80::1"
    changes = {"/proc/net/route": no_route(), "/proc/net/ipv6_route": route, asked: ping("good")}
    assert set(check(**changes)) == {"network_ok"}
    changes[asked] = changes[f"{SMALL} -I eth0 fe80::1"] = ping("silent")
    assert set(check(**changes)) == {"reading_failed"}


def test_a_point_to_point_default_route_has_no_gateway_to_ask():
    route = no_route() + "\ntun0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n"
    assert network.parse_route(route) == (network.Route("", "tun0"),)
    assert set(check(network.Policy(), **{"/proc/net/route": route})) == {"network_untested"}


def test_an_expected_address_that_is_missing():
    text = "auto eth5\niface eth5 inet static\n address 10.77.5.11/24\n"
    found = check(**{INTERFACES: text})
    assert found["network_address_missing"].subject == "eth5"
    assert "network_link_down" not in found
    found = check(network.Policy(addresses=("10.9.9.9",)))
    assert found["network_address_missing"].values == {"address": "10.9.9.9", "expected_by": "policy"}


def test_a_configured_port_without_link():
    down = recording("network/ip_addr_json").stdout.replace(
        '"ifname":"xenbr0","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"]',
        '"ifname":"xenbr0","flags":["NO-CARRIER","BROADCAST","MULTICAST","UP"]',
    )
    text = "auto xenbr0 eth7\niface xenbr0 inet manual\niface eth7 inet manual\n"
    found = check(**{"ip -j addr": down, INTERFACES: text})
    assert found["network_link_down"].subject == "xenbr0"
    findings = network.judge(network.probe(node(**{INTERFACES: text}), ZONE), ZONE)
    assert [one.subject for one in findings] == ["eth7"]


def test_a_bond_and_its_slaves_are_judged_elsewhere():
    text = "auto bond0 eth7\niface bond0 inet manual\n bond-slaves none\niface eth7 inet manual\n bond-master bond0\n"
    assert set(check(**{INTERFACES: text})) == {"network_ok"}


def test_an_mtu_other_than_policy_s():
    found = check(replace(ZONE, mtu={"xenbr0": 9000}))
    assert found["network_interface_mtu"].values == {"mtu": 1500, "expected": 9000}


def test_a_node_with_the_loopback_alone_is_skipped():
    only = recording("network/ip_addr_json").stdout.partition(',{"ifindex":3')[0] + "]"
    alone = {"ip -j addr": only, "/proc/net/route": no_route().splitlines()[0], "/proc/net/ipv6_route": ""}
    assert set(judged(network.CHECK, Replay(alone))) == {"component_absent"}
    assert set(judged(network.CHECK, Replay(alone), network.Policy(required=True))) == {"component_required"}


def test_what_cannot_be_read_is_unknown():
    assert set(judged(network.CHECK, Replay({}))) == {"reading_absent"}
    assert "reading_not_understood" in check(**{"ip -j addr": "{"})
    assert "reading_not_understood" in check(**{"/proc/net/route": "garbage"})
    assert "reading_timeout" in check(**{f"{FULL} {PEER}": Problem.TIMEOUT, f"{SMALL} {PEER}": Problem.TIMEOUT})
    assert "reading_failed" in check(
        **{f"{FULL} {PEER}": complained("no-device"), f"{SMALL} {PEER}": complained("no-device")}
    )
    assert "reading_not_understood" in check(**{ARP_OWN: "garbage"})
    assert "reading_not_understood" in check(**{INTERFACES: "address 10.0.0.1\n"})


def test_facts_are_plain_and_in_the_order_asked():
    facts = plain(network.probe(node(), ZONE))
    assert [one["target"] for one in facts["reached"]] == ["10.77.0.1", "10.77.3.12"]
    assert facts["routes"] == [{"gateway": "10.77.0.1", "interface": "eth0"}]


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (network.parse_ip_addr_json, '[{"ifname":"eth0"}]'),
        (network.parse_ip_addr_json, '[{"ifname":"eth0","flags":[],"mtu":1e999}]'),
        (network.parse_ip_addr_json, "[" * 20000),
        (network.parse_ip_addr, "garbage"),
        (network.parse_route, ""),
        (network.parse_route, "Iface Destination Gateway\neth0 00000000"),
        (network.parse_route, "Iface Destination Gateway\neth0 00000000 XX 3 0 0 0 00000000"),
        (network.parse_ipv6_route, "garbage"),
        (network.parse_ping, "Usage: ping"),
        (network.parse_arp, "garbage"),
    ],
)
def test_anything_else_is_not_understood(parse, text):
    with pytest.raises(NotUnderstood):
        parse(text)


def test_a_network_that_is_none_holds_nobody():
    text = recording("network/ip_addr_json").stdout.replace('"prefixlen":24', '"prefixlen":240')
    assert "network_peer_down" in check(**{"ip -j addr": text, f"{SMALL} 10.77.3.12": ping("silent")})


def test_busybox_and_error_summaries_are_understood():
    assert network.parse_ping("3 packets transmitted, 1 packets received, 66% packet loss") == network.Count(3, 1)
    assert network.parse_ping("3 packets transmitted, 0 received, +3 errors, 100% packet loss") == network.Count(3, 0)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"gateway": "router"}, "gateway"),
        ({"gateways": ["router"]}, "gateways"),
        ({"peers": ["10.0.0.300"]}, "peers"),
        ({"addresses": ["10.0.0.1/24"]}, "addresses"),
        ({"mtu": {"eth0": 1}}, "mtu.eth0"),
        ({"max_loss": 101}, "max_loss"),
    ],
)
def test_impossible_policy_is_refused_by_name(options, named):
    with pytest.raises(PolicyError, match=named):
        build(network.Policy, options)
