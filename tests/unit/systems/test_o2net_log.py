# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import calendar
import re
import time

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import o2net_log
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.o2net_log import parse_dmesg
from replay import Replay, recording

NOW = 1_790_000_000.0
PEER = "node n1 (num 0) at 10.77.4.11:7777"


def log(*lines: tuple[float, str]) -> str:
    return "".join(f"[{at:12.6f}] o2net: {said}\n" for at, said in lines)


def idle(seconds: str = "30.720", peer: str = PEER) -> str:
    return f"Connection to {peer} has been idle for {seconds} secs."


def at(text: str) -> dict[int, float]:
    return {number: loss.at for number, loss in parse_dmesg(text).items()}


def lost(text: str | Answer | Problem, uptime: str = "2000.00") -> tuple[tuple[int, float], ...]:
    """Seconds since the boot."""
    facts = o2net_log.probe(Replay({"dmesg": text, "/proc/uptime": f"{uptime} 9000.00\n"}, now=NOW))
    return tuple((number, round(moment - NOW + float(uptime), 3)) for number, moment in facts.lost)


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("dmesg-cut", {0: 769.190304}),
        ("dmesg-peer_killed", {0: 627.891481}),
        ("dmesg-evicted", {1: 818.338165}),
        ("dmesg-peer_left", {1: 781.956089}),
        ("dmesg-mounted", {}),
    ],
)
def test_a_loss_is_of_the_first_line_about_it(name: str, first: dict[int, float]) -> None:
    assert at(recording(f"o2net_log/{name}").stdout) == first


def test_a_peer_that_came_back_and_was_lost_again_counts_from_the_second_time() -> None:
    def since_the_first_second(match: re.Match[str]) -> str:
        moment = calendar.timegm(time.strptime(match[1], "%a %b %d %H:%M:%S %Y"))
        return f"[{moment - calendar.timegm((2026, 11, 20, 7, 0, 0)):5d}.000000] "

    text = re.sub(
        r"^\[(.*?)\] ", since_the_first_second, recording("o2net_log/dmesg_T-peer_back").stdout, flags=re.MULTILINE
    )
    assert at(text) == {1: 33 * 60 + 15}
    assert at(text[: text.index("has been idle")]) == {}
    assert at(text[: text.index("o2dlm: Leaving")]) == {1: 31 * 60 + 11}


def test_the_quorum_that_the_kernel_decided_was_counted_from_that_line() -> None:
    text = recording("o2net_log/dmesg-cut").stdout
    decided = float(re.findall(r"\[ *([0-9.]+)\] .*o2quo_make_decision", text)[0])
    # threshold 61: 2 * (61 + 2)
    assert decided - at(text)[0] == pytest.approx(126, abs=1.5)


@pytest.mark.parametrize(
    "made", ["Connected to", "Accepted connection from", "connected to", "accepted connection from"]
)
def test_a_connection_that_was_made_again_is_not_lost(made: str) -> None:
    gone = "no longer connected to node xen1 (num 3) at 192.168.0.1:7777"
    assert at(log((200.0, gone))) == {3: 200.0}
    assert at(log((200.0, gone), (230.0, f"{made} node xen1 (num 3) at 192.168.0.1:7777"))) == {}


def test_an_idle_time_that_began_after_the_line_before_is_another_loss() -> None:
    recovered = log((769.190304, idle("31.2")), (5000.0, idle("31.5")), (5030.72, idle()))
    assert at(recovered) == {0: 5000.0}
    # a connection that the log does not say was made
    assert at(log((700.0, f"No longer connected to {PEER}"), (900.0, idle()))) == {0: 900.0}


def test_an_idle_connection_that_is_no_longer_told_of_came_back() -> None:
    text = recording("o2net_log/dmesg-cut").stdout
    assert lost(text, "922.79") == ((0, 769.19),)
    assert lost(text, "931.00") == ()
    # one that was shut down is not told of again
    assert lost(recording("o2net_log/dmesg-evicted").stdout, "90000.00") == ((1, 818.338),)


def test_every_peer_counts_by_itself() -> None:
    other = "node n3 (num 2) at 10.77.4.13:7777"
    text = log((100.0, idle()), (110.0, idle(peer=other)), (115.0, f"Connected to {PEER}"))
    assert lost(text, "120.00") == ((2, 110.0),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[  769.190304] o2net: Connection to node n1 (num",
        "[Fri Nov 20 07:33:15 2026] o2net: " + idle(),
        "[  769.190304] o2cb: " + idle(),
        "[  769.190304] o2net: Connection attempt from unknown node",
        "[  769.190304] o2net: Connection to node n1 (num ²) at 10.77.4.11:7777 shutdown, state 8",
        "[1²9.190304] o2net: " + idle(),
    ],
)
def test_a_line_in_another_form_tells_nothing(text: str) -> None:
    assert parse_dmesg(text) == {}


def test_a_truncated_log_never_names_an_earlier_moment() -> None:
    text = recording("o2net_log/dmesg-evicted").stdout
    for end in range(len(text)):
        assert at(text[:end]) in ({}, {1: 818.338165})


@pytest.mark.parametrize("dmesg", [Problem.ABSENT, Problem.TIMEOUT, Answer("", stderr="not permitted", rc=1)])
def test_a_log_that_was_not_read_is_missing(dmesg: Problem | Answer) -> None:
    facts = o2net_log.probe(Replay({"dmesg": dmesg, "/proc/uptime": "2000.00 9000.00\n"}, now=NOW))
    assert facts.lost == () and facts.missing is not None and facts.missing.reading == "dmesg"


@pytest.mark.parametrize("uptime", ["", "soon", "²000.00 1.00"])
def test_without_the_time_of_the_boot_it_is_the_uptime_that_is_missing(uptime: str) -> None:
    facts = o2net_log.probe(Replay({"dmesg": "", "/proc/uptime": uptime}, now=NOW))
    assert facts.lost == () and facts.missing is not None and facts.missing.reading == "/proc/uptime"
