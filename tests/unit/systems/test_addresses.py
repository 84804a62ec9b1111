# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import addresses
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.addresses import Place
from replay import Replay

PING = "ping -n -c 2 -W 3 10.0.0.5"
# iputils 20221126
ANSWERED = """\
PING 10.0.0.5 (10.0.0.5) 56(84) bytes of data.
64 bytes from 10.0.0.5: icmp_seq=1 ttl=64 time=0.301 ms
64 bytes from 10.0.0.5: icmp_seq=2 ttl=64 time=0.284 ms

--- 10.0.0.5 ping statistics ---
2 packets transmitted, 2 received, 0% packet loss, time 1001ms
"""
SILENT = """\
PING 10.0.0.5 (10.0.0.5) 56(84) bytes of data.
From 10.0.0.2 icmp_seq=1 Destination Host Unreachable

--- 10.0.0.5 ping statistics ---
2 packets transmitted, 0 received, +2 errors, 100% packet loss, time 1001ms
"""


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("10.0.0.5", Place("10.0.0.5")),
        ("10.0.0.5:22", Place("10.0.0.5", 22)),
        ("vm-7.example.org:443", Place("vm-7.example.org", 443)),
        ("fe80::1", Place("fe80::1")),
        ("[fe80::1]:22", Place("fe80::1", 22)),
    ],
)
def test_places(text, place):
    assert addresses.parse_place(text) == place


@pytest.mark.parametrize("text", ["", "-c", "10.0.0.5:0", "10.0.0.5:70000", "a b", "$(id)", "10.0.0.5:", ":22"])
def test_what_is_no_place_is_not_understood(text):
    with pytest.raises(NotUnderstood):
        addresses.parse_place(text)


@pytest.mark.parametrize(
    ("answer", "answers"),
    [
        (Answer("", stdout=ANSWERED, rc=0), True),
        (Answer("", stdout=SILENT, rc=1), False),
        (Problem.TIMEOUT, False),
        # neither an answer nor silence: it was not asked
        (Answer("", stderr="ping: connect: Network is unreachable\n", rc=2), None),
        (Problem.ABSENT, None),
    ],
)
def test_ping(answer, answers):
    assert addresses.ask(Replay({PING: answer}), Place("10.0.0.5"), 3.0).answers is answers


@pytest.mark.parametrize(
    ("answer", "answers"),
    [
        (Answer(""), True),
        # a kernel refused it
        (Answer("", stderr="Connection refused", problem=Problem.FAILED), True),
        (Answer("", stderr="No route to host", problem=Problem.FAILED), False),
        (Answer("", stderr="gave no answer within 3 s", problem=Problem.TIMEOUT), False),
        (Answer("", stderr="Network is unreachable", problem=Problem.FAILED), None),
    ],
)
def test_port(answer, answers):
    assert addresses.ask(Replay({"tcp 10.0.0.5:443": answer}), Place("10.0.0.5", 443), 3.0).answers is answers


@pytest.mark.parametrize(
    ("answer", "answers"),
    [
        (Answer("", stdout="SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", problem=Problem.TIMEOUT), True),
        # the kernel accepts for a process that hangs
        (Answer("", problem=Problem.TIMEOUT), False),
        (Answer("", stdout="HTTP/1.1 400 Bad Request\r\n"), False),
    ],
)
def test_a_greeting(answer, answers):
    host = Replay({"tcp 10.0.0.5:22": answer})
    assert addresses.ask(host, Place("10.0.0.5", 22), 3.0, greets=True).answers is answers


def test_all_are_asked():
    host = Replay({PING: Answer("", stdout=ANSWERED, rc=0), "tcp 10.0.0.5:22": Problem.TIMEOUT})
    places = [("10.0.0.5", Place("10.0.0.5")), ("10.0.0.5:22", Place("10.0.0.5", 22))]
    replies = addresses.ask_all(host, places, 3.0, greeting=["10.0.0.5:22"])
    assert {name: reply.answers for name, reply in replies.items()} == {"10.0.0.5": True, "10.0.0.5:22": False}
