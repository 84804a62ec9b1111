# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils import migration_reading
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from replay import Replay, recording

CFG, ISO = "/data/domu/a/a.cfg", "/data/iso/a.iso"
# major 252, minor 17
STAT = f"stat -L --format %d %i %n -- {CFG} {ISO}"
NODE = {
    "xl info": recording("xen/xl_info"),
    "/proc/self/mountinfo": "25 1 252:17 / /data rw - ocfs2 /dev/vdb rw\n",
    "/proc/sys/kernel/hostname": "n2\n",
    "/proc/sys/kernel/random/boot_id": "boot-one\n",
    STAT: f"64529 12 {CFG}\n",
}


def read(**more):
    found = migration_reading.read(Replay({**NODE, **more}), {"files": [CFG, ISO], "peer": ""})
    assert json.loads(json.dumps(found)) == found
    return found


def test_a_target_tells_what_it_has_for_the_vm():
    found = read()
    assert found["node"] == {"hostname": "n2", "boot_id": "boot-one"} and found["features"]["minor"] == 17
    assert found["files"] == [
        {"path": CFG, "found": True, "mount": "/data"},
        {"path": ISO, "found": False, "mount": None},
    ]
    assert found["missing"] == [] and found["ssh"] is None


def test_what_could_not_be_looked_for_is_missing():
    found = read(**{STAT: Problem.TIMEOUT, "/proc/self/mountinfo": "odd\n"})
    assert found["files"] == [] and {one["problem"] for one in found["missing"]} == {"timeout", "not_understood"}


@pytest.mark.parametrize(
    ("option", "value"), [("files", ["a.cfg"]), ("files", ["/a\nb"]), ("peer", "-oProxyCommand=x"), ("peer", "a b")]
)
def test_what_cannot_be_meant_is_refused_by_name(option, value):
    with pytest.raises(PolicyError, match=option):
        migration_reading.answer({"files": [], "peer": "", "timeout": 5.0, option: value})


def test_this_machine_answers_whatever_it_is():
    found = migration_reading.answer({"files": ["/proc/version"], "peer": "", "timeout": 20.0})
    assert found["node"]["boot_id"] and set(found) == {
        "node",
        "features",
        "bridges",
        "model",
        "ssh",
        "files",
        "missing",
    }
    assert set(migration_reading.argument_spec()) == {"files", "peer", "timeout"}
