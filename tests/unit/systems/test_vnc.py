# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import vnc
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.vnc import CommandLine, Console, Listener
from replay import Replay, recording

FIRST = "21aaac9c-5b99-4229-9f83-0bf6b6dd8077"
SECOND = "40b5b25e-c356-45fc-a287-7525c6438041"
SS = "ss -l -t -n -p"
MONITOR = "unix /run/xen/qmp-libxenstat-%d"
# ps shows the words of a command line, which hold no blank here, behind seven columns of its own
COMMANDS = {int(line.split()[1]): line.split()[7:] for line in recording("vnc/ps-collision").lines if "qemu" in line}
ANSWERS = {
    SS: recording("vnc/ss-two-guests"),
    MONITOR % 1: recording("vnc/qmp-second-guest").stdout.replace("5951", "5950"),
    MONITOR % 2: recording("vnc/qmp-second-guest"),
    "/run/xen/qmp-libxenstat-1": "",
    "/run/xen/qmp-libxenstat-2": "",
}


def look(domains=(1, 2), commands=COMMANDS, **changes):
    answers = {key: value for key, value in {**ANSWERS, **changes}.items() if value is not None}
    return vnc.probe(Replay(answers), domains, commands)


def test_after_a_collision_the_command_line_is_the_only_one_that_lies():
    facts = look()
    assert facts.missing == ()
    assert facts.consoles == {1: Console(1, 557, 5950, 5950, 50), 2: Console(2, 587, 5951, 5951, 50)}


def test_only_ports_of_consoles_are_told_each_with_its_process():
    assert look().listeners == (
        Listener("0.0.0.0", 5951, 587, "xen-qemu-system"),
        Listener("0.0.0.0", 5950, 557, "xen-qemu-system"),
    )


def test_a_port_held_by_a_foreign_process_is_told_with_its_name():
    text = "State Recv-Q Send-Q Local Peer\n"
    text += 'LISTEN 0 5 [::]:5952 [::]:* users:(("nc (a),b",pid=9,fd=3),("nc",pid=11,fd=3))\n'
    facts = look(**{SS: text + "LISTEN 0 5 *:5960 *:*\n"})
    assert facts.listeners == (
        Listener("[::]", 5952, 9, "nc (a),b"),
        Listener("[::]", 5952, 11, "nc"),
        Listener("*", 5960, None, None),
    )
    assert facts.consoles[1].listening is None


def test_a_device_model_on_two_ports_is_ambiguous():
    text = recording("vnc/ss-two-guests").stdout + 'LISTEN 0 1 0.0.0.0:5970 0.0.0.0:* users:(("q",pid=587,fd=40))\n'
    facts = look(**{SS: text})
    assert facts.consoles[2].listening is None
    assert [(one.problem, one.detail) for one in facts.missing] == [
        (Problem.NOT_UNDERSTOOD, "domain 2 listens on 5951, 5970")
    ]


def test_a_guest_without_device_model_has_no_console_and_nothing_is_missing():
    facts = look((3,), {})
    assert facts.consoles == {3: Console(3)}
    assert facts.missing == ()


def test_a_monitor_that_does_not_answer_is_missing_and_the_others_are_asked():
    facts = look(**{MONITOR % 1: Problem.TIMEOUT})
    assert [(one.reading, one.problem) for one in facts.missing] == [(MONITOR % 1, Problem.TIMEOUT)]
    assert (facts.consoles[1].qmp, facts.consoles[2].qmp) == (None, 5951)


def test_a_monitor_that_says_something_else_is_not_understood():
    for said in ("", "hello\n", '{"id": "vnc", "error": {"class": "GenericError", "desc": "x"}}\n'):
        assert look(**{MONITOR % 1: said}).missing[0].problem is Problem.NOT_UNDERSTOOD


def test_sockets_that_could_not_be_listed_are_missing():
    for answer in (Problem.ABSENT, "Netid what\n"):
        assert [one.reading for one in look(**{SS: answer}).missing] == [SS]


@pytest.mark.parametrize(
    ("said", "port"),
    [
        ('{"return": {"enabled": false}, "id": "vnc"}', None),
        ('{"return": {"enabled": true, "family": "unix", "service": "/run/x"}, "id": "vnc"}', None),
        ('{"id": "vnc", "error": {"class": "CommandNotFound", "desc": "x"}}', None),
        ('{"event": "RTC_CHANGE"}\n{"return": {"enabled": true, "service": "5999"}, "id": "vnc"}', 5999),
    ],
)
def test_the_monitor_may_have_no_port_to_tell(said, port):
    assert vnc.parse_query_vnc('{"QMP": {}}\n{"return": {}}\n' + said) == port


def test_a_console_on_something_that_is_no_port_is_not_understood():
    with pytest.raises(NotUnderstood):
        vnc.parse_query_vnc('{"return": {"enabled": true, "service": "vnc"}}')


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (COMMANDS[557], CommandLine(1, FIRST, 50)),
        (COMMANDS[587], CommandLine(2, SECOND, 50)),
        (COMMANDS[527], CommandLine(0, "dom0", None)),
        (["/usr/bin/qemu-system-i386", "-xen-domid", "4", "-vnc", "none"], CommandLine(4, "", None)),
        (["qemu-system-x86_64", "-xen-domid", "4", "-vnc", ":7,password"], CommandLine(4, "", 7)),
        (["qemu-system-x86_64", "-xen-domid", "4", "-vnc", "[::1]:8"], CommandLine(4, "", 8)),
        (["qemu-system-x86_64", "-xen-domid", "4", "-vnc", "unix:/run/a:9"], CommandLine(4, "", None)),
        (["/usr/lib/xen/bin/qemu-dm", "-d", "5", "-domain-name", "web", "-vnc", "0.0.0.0:3"], CommandLine(5, "web", 3)),
        (["qemu-system-x86_64", "-name", "no-xen"], None),
        (["vi", "-xen-domid", "4"], None),
        ([], None),
    ],
)
def test_a_device_model_is_known_by_its_command_line(words, expected):
    assert vnc.parse_command_line("\n".join(words)) == expected
