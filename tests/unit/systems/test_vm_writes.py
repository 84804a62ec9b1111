# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import vm_writes
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.vm_writes import Writes
from replay import Replay

STATISTICS = "/sys/bus/xen-backend/devices/vbd-%d-51712/statistics/wr_sect"
IO = "rchar: 7\nwchar: 9\nread_bytes: 0\nwrite_bytes: 4096\ncancelled_write_bytes: 0\n"


def process(pid, *words):
    return {
        f"/proc/{pid}/stat": f"{pid} (xen-qemu-system) S 1 " + "0 " * 40,
        f"/proc/{pid}/cmdline": "\n".join(words) + "\n",
        f"/proc/{pid}/io": IO,
    }


def test_what_each_domain_wrote_is_counted_by_who_writes_for_it():
    host = Replay(
        {
            STATISTICS % 3: "2048\n",
            STATISTICS % 30: "1\n",
            **process(41, "/usr/bin/qemu-system-i386", "-xen-domid", "3", "-name", "web1"),
            **process(42, "/usr/bin/qemu-system-i386", "-xen-domid", "5"),
            **process(43, "cat", "-xen-domid"),
        }
    )
    assert vm_writes.probe(host, [3]) == (Writes(3, "vbd-3-51712", 1048576), Writes(3, "qemu", 4096))
    assert vm_writes.probe(host, []) == ()


def test_a_counter_that_cannot_be_read_is_none():
    broken = process(41, "qemu", "-xen-domid", "3")
    broken["/proc/41/io"] = "permission denied"
    assert vm_writes.probe(Replay({STATISTICS % 3: "many\n", **broken}), [3]) == ()
    with pytest.raises(NotUnderstood):
        vm_writes.parse_io("")
