# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import log_files
from replay import Replay


def test_xens_own_console_is_kept_where_there_is_xen_and_left_out_elsewhere():
    said = "(XEN) Assertion 'page->count_info' failed at memory.c:211\n"
    assert log_files.collect(Replay({"xl dmesg": said}), 1.0) == {"xl-dmesg.txt": said}
    assert log_files.collect(Replay({}), 1.0) == {}


def test_a_source_that_gives_nothing_says_why():
    stuck = Answer("dmesg -T", stderr="gave no answer within 20 s", problem=Problem.TIMEOUT)
    assert log_files.collect(Replay({"dmesg -T": stuck}), 1.0) == {
        "dmesg.txt": "# dmesg -T: gave no answer within 20 s\n"
    }
