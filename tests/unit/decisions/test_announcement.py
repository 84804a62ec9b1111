# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.announcement import announced
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import build
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import o2cb

RUNNING = {"heartbeat_threshold": 31, "idle_timeout_ms": 30000, "keepalive_delay_ms": 2000, "reconnect_delay_ms": 2000}


def record(subject="n1", threshold=91, **other):
    given = {"at": "2026-11-21T14:54:49.123Z", "job": "heartbeat_threshold", "subject": subject, "phase": "done"}
    return {**given, "step": "", "evidence": {"threshold": threshold}, **other}


def codes(records, pending, node="n1"):
    """What check o2cb says of a node that runs 31 and starts next with ``pending``."""
    cluster = o2cb.Cluster("pengx", "local", "reset", RUNNING, (), ())
    facts = o2cb.Facts(
        configured="/etc/ocfs2/cluster.conf",
        defaults_path="/etc/default/o2cb",
        pending={**RUNNING, "heartbeat_threshold": pending},
        running=cluster,
    )
    policy = build(o2cb.Policy, announced(records, node).get("o2cb", {}))
    found = {one.code: one for one in o2cb.judge(facts, policy) if one.subject == "heartbeat_threshold"}
    return {code: one.values["announced_on"] for code, one in found.items()}


def test_what_the_journal_announced_is_a_warning_with_its_date():
    assert codes([record()], 91) == {"o2cb_setting_announced": "2026-11-21"}
    assert o2cb.TABLE["o2cb_setting_announced"].status.value == "warning"


@pytest.mark.parametrize(
    "records",
    [
        [],
        [record("n2")],
        [record(phase="started")],
        [record(phase="closed")],
        [record(job="node_boot_check")],
        [record(step="fence")],
    ],
)
def test_nothing_else_in_the_journal_announces_it(records):
    assert codes(records, 91) == {"o2cb_setting_pending": ""}


def test_another_value_than_the_one_announced_is_still_critical():
    assert list(codes([record()], 61)) == ["o2cb_setting_pending"]
    assert o2cb.TABLE["o2cb_setting_pending"].status.value == "critical"


def test_the_newest_announcement_counts():
    later = record(threshold=61, at="2026-12-24T00:00:00.000Z")
    assert codes([record(), later], 61) == {"o2cb_setting_announced": "2026-12-24"}
    assert list(codes([record(), later], 91)) == ["o2cb_setting_pending"]
