# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils import counts_reading
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import xen
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import VmUuid
from replay import Replay, recording

FIRST = VmUuid("f32dcf34-e192-5ab7-8925-4fb3631e0deb")
LIBXC = " ".join(xen.ASK_LIBXC)
WRITTEN = "/sys/bus/xen-backend/devices/vbd-1-51712/statistics/wr_sect"


def test_three_counts_of_the_vms_own_domains_lie_a_second_apart():
    host = Replay(
        {
            LIBXC: recording("xen/libxc-two-guests"),
            "/proc/sys/kernel/hostname": "x1\n",
            WRITTEN: ["8\n", "8\n", "16\n"],
        },
        now=1000.0,
    )
    found = counts_reading.read(host, FIRST)
    assert found["vm"] == FIRST and found["vm"].__class__ is str
    assert found["node"] == {"hostname": "x1", "began": 1000.0, "ended": 1002.0}
    assert [one["at"] for one in found["rounds"]] == [1000.0, 1001.0, 1002.0]
    assert [[domain["id"] for domain in one["domains"]] for one in found["rounds"]] == [[1], [1], [1]]
    assert [one["writes"][0]["written"] for one in found["rounds"]] == [4096, 4096, 8192]
    assert found["missing"] == []


def test_what_libxc_does_not_answer_is_missing_and_no_domain_is_counted():
    host = Replay({LIBXC: [Problem.TIMEOUT, recording("xen/libxc-two-guests")]})
    found = counts_reading.read(host, FIRST)
    assert [one["domains"] is None for one in found["rounds"]] == [True, False, False]
    assert [(one["reading"], one["problem"]) for one in found["missing"]] == [("libxc", "timeout")]


def test_a_vm_that_cannot_be_meant_is_refused_by_name():
    with pytest.raises(PolicyError, match="vm"):
        counts_reading.meant({"vm": "web-1"})
