# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import guests
from replay import Replay, recording

XEN = {"/proc/xen/capabilities": "control_d\n"}


def test_guests_of_xen_are_the_domains_besides_dom0():
    assert guests.running(Replay({**XEN, "xl list": recording("guests/xl_list-two-guests")})) == 2


@pytest.mark.parametrize("answer", ["", "xl: command failed\n", Problem.TIMEOUT, Problem.ABSENT, Answer("", rc=1)])
def test_a_xen_that_does_not_tell_is_not_taken_for_empty(answer):
    assert guests.running(Replay({**XEN, "xl list": answer})) is None


def test_guests_without_xen_are_the_processes_of_qemu():
    host = Replay({"/proc/1/comm": "systemd\n", "/proc/77/comm": "qemu-system-x86\n", "/proc/78/comm": "nginx\n"})
    assert guests.running(host) == 1
    assert guests.running(Replay({"/proc/1/comm": "systemd\n"})) == 0
    assert guests.running(Replay({"/proc/1/comm": Problem.DENIED})) is None


def test_a_list_without_dom0_is_not_understood():
    with pytest.raises(NotUnderstood):
        guests.parse_xl_list("Name ID Mem VCPUs State Time(s)\nvm 3 128 1 r 1.0\n")
