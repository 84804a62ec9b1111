# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Touches
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import probe_order
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.mounts import TABLE as MOUNTS
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.multipath import TABLE as MULTIPATH


def result(*findings):
    return {
        "findings": [{"code": code, "status": status, "subject": "mpatha", "message": "m"} for code, status in findings]
    }


def test_storage_is_examined_in_its_order_and_the_rest_beside_it():
    storage, beside = probe_order.lanes(["time", "mounts", "lvm", "o2cb", "multipath", "bonding"])
    assert storage == ["multipath", "o2cb", "lvm", "mounts"]
    assert beside == ["time", "bonding"]


@pytest.mark.parametrize(
    ("asked", "examined"),
    [
        (["lvm"], ("multipath",)),
        (["o2cb", "kernel_log", "boot"], ("multipath",)),
        (["mounts", "multipath"], ("o2cb",)),
        (["boot"], ("multipath", "o2cb")),
        (["time", "bonding"], ()),
    ],
)
def test_what_a_check_depends_on_is_examined_before_it_asked_for_or_not(asked, examined):
    assert probe_order.guards(asked) == examined


def test_a_map_that_queues_forbids_disks_and_ocfs2_and_names_the_cause():
    found = probe_order.blocked_after("multipath", result(("multipath_queueing_without_paths", "critical")), MULTIPATH)
    assert found == [(Touches.DISKS, "mpatha: m"), (Touches.OCFS2, "mpatha: m")]


def test_an_unknown_forbids_like_the_illness_it_may_hide():
    assert probe_order.blocked_after("o2cb", result(("reading_timeout", "unknown")), {}) == [
        (Touches.OCFS2, "mpatha: m")
    ]


def test_a_dead_nfs_server_forbids_nfs_alone():
    found = probe_order.blocked_after("mounts", result(("mounts_server_dead", "critical")), MOUNTS)
    assert found == [(Touches.NFS, "mpatha: m")]


@pytest.mark.parametrize(
    ("check", "code", "status"),
    [
        ("multipath", "multipath_paths_failed", "warning"),
        ("multipath", "multipath_all_paths_failed", "critical"),
        ("multipath", "component_absent", "skipped"),
        ("time", "reading_timeout", "unknown"),
    ],
)
def test_nothing_else_forbids_anything(check, code, status):
    assert probe_order.blocked_after(check, result((code, status)), MULTIPATH) == []
