# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import Check
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.vm_devices import (
    Act,
    Line,
    disks,
    judge,
    nics,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.vm_start import TABLE
from replay import by_code
from xen_answers import uuid

HELD = Check("vm_devices", object, lambda host, policy: None, lambda facts, policy: [], TABLE)
FIRST, SECOND = "0a11b5cd-2be5-4e6c-a4b5-2bd8a6b5e6d1", "0a22b5cd-2be5-4e6c-a4b5-2bd8a6b5e6d2"


def path(disk):
    return f"/data/domu/x/current/{disk}.raw"


def rows(*uuids):
    return [{"disks": [{"uuid": one.upper(), "imgtype": "raw"} for one in uuids]}]


def config(*uuids):
    return [{"path": path(one), "vdev": f"xvd{'abc'[at]}", "cdrom": False} for at, one in enumerate(uuids)]


def domain(*uuids):
    return [{**one, "writable": True} for one in config(*uuids)]


def found(database, wanted, has, guest=None):
    verdict = judge(uuid(1), disks(database, wanted, has, guest))
    return verdict.act, set(by_code(HELD, verdict.findings))


@pytest.mark.parametrize(
    ("database", "wanted", "has", "guest", "act", "code"),
    [
        (
            rows(FIRST, SECOND),
            config(FIRST, SECOND),
            domain(FIRST, SECOND),
            ["xvda", "xvdb"],
            Act.NONE,
            "vm_devices_in_step",
        ),
        (rows(FIRST, SECOND), config(FIRST, SECOND), domain(FIRST), None, Act.RESTART, "vm_devices_lost"),
        (rows(FIRST, SECOND), config(FIRST), domain(FIRST), None, Act.RESTART_BY_API, "vm_devices_lost_in_config"),
        (rows(FIRST), config(FIRST, SECOND), domain(FIRST), None, Act.NONE, "vm_devices_not_in_database"),
        (rows(FIRST), config(FIRST), domain(FIRST, SECOND), None, Act.NONE, "vm_devices_not_in_database"),
        ([], config(FIRST, SECOND), domain(FIRST), None, Act.NONE, "vm_devices_database_unread"),
        ([], config(FIRST), domain(FIRST), None, Act.NONE, "vm_devices_in_step"),
        (
            rows(FIRST, SECOND),
            config(FIRST, SECOND),
            domain(FIRST, SECOND),
            ["xvda"],
            Act.NONE,
            "vm_devices_guest_lacks",
        ),
    ],
)
def test_four_columns_decide_and_only_what_the_database_has_is_brought_back(database, wanted, has, guest, act, code):
    assert found(database, wanted, has, guest) == (act, {code})


def test_one_that_the_database_lacks_keeps_everything_as_it_is():
    third = "0a33b5cd-2be5-4e6c-a4b5-2bd8a6b5e6d3"
    act, codes = found(rows(FIRST, SECOND), config(FIRST, SECOND, third), domain(FIRST), None)
    assert act is Act.NONE and codes == {"vm_devices_lost", "vm_devices_not_in_database"}


def test_interfaces_are_compared_by_their_addresses():
    macs = ["00:16:3e:78:05:01", "00:16:3e:78:05:02"]
    wanted, has = [{"mac": mac} for mac in macs], [{"mac": macs[0]}]
    lines = nics([mac.upper() for mac in macs], wanted, has, None)
    assert [line.text for line in lines] == [
        f"nic {macs[0]}: database yes, .cfg yes, Xen yes, guest ?",
        f"nic {macs[1]}: database yes, .cfg yes, Xen NO, guest ?",
    ]
    assert judge(uuid(1), lines).act is Act.RESTART
    assert judge(uuid(1), nics(None, wanted, has, macs)).act is Act.NONE
    assert nics(None, [{"mac": None}], [], None) == []


LINES = st.lists(
    st.builds(
        Line,
        kind=st.sampled_from(["disk", "nic"]),
        name=st.sampled_from(["a", "b"]),
        database=st.none() | st.booleans(),
        config=st.booleans(),
        domain=st.booleans(),
        guest=st.none() | st.booleans(),
    ),
    max_size=4,
)


@given(LINES)
def test_a_vm_is_only_restarted_for_what_the_database_has_and_never_takes_one_away(lines):
    verdict = judge(uuid(1), lines)
    if verdict.act is not Act.NONE:
        assert any(line.database and not line.domain for line in lines)
        assert not any(line.database is False for line in lines)
    if verdict.act is Act.RESTART:
        assert all(line.config for line in lines if line.database and not line.domain)
