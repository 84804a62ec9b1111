# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils import process_table
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import LocalHost
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.process_table import Stat
from replay import Replay


def test_a_process_name_may_hold_anything():
    assert process_table.parse_stat("77 (a) S 1 (b) R 5 77 77 0 -1\n") == Stat(77, "a) S 1 (b", "R", 5)
    with pytest.raises(NotUnderstood):
        process_table.parse_stat("")


def test_kernel_threads_are_known_by_their_parent():
    assert Stat(2, "kthreadd", "S", 0).in_kernel and Stat(40, "kworker/0:1", "I", 2).in_kernel
    assert not Stat(1, "systemd", "S", 0).in_kernel


def test_one_that_slept_for_a_moment_is_seen_awake():
    host = Replay(
        {"/proc/7/stat": ["7 (dd) D 1 7\n", "7 (dd) R 1 7\n"], "/proc/8/stat": "", "/proc/9/stat": "9 (x) S 1 9\n"}
    )
    assert process_table.read_processes(host) == {7: Stat(7, "dd", "R", 1), 9: Stat(9, "x", "S", 1)}


def test_this_very_process_is_found_with_its_command_line_and_those_that_started_it():
    host = LocalHost()
    found = process_table.read_processes(host)
    own = process_table.ancestors(found, host.link("/proc/self"))
    assert {os.getpid(), os.getppid()} - {1} <= own
    assert process_table.program(process_table.arguments(host, os.getpid())).startswith("python")
    assert process_table.ancestors(found, "none") == set()
