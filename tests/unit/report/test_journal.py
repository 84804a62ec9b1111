# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.journal import table

RECORD = {"at": "2026-01-31T15:30:00.123Z", "who": "김철수", "subject": "n1", "job": "node_boot_check"}
RECORDS = [
    {**RECORD, "step": "", "phase": "started", "evidence": {"steps": ["mounts"]}},
    {**RECORD, "step": "mounts", "phase": "failed", "evidence": {"failure": "/data: 장치 없음"}},
]


@pytest.fixture
def _in_seoul(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TZ", "Asia/Seoul")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("_in_seoul")
def test_a_record_is_a_line_in_local_time_with_its_evidence() -> None:
    heading, _rule, job, step = table(RECORDS)
    assert heading.split() == ["time", "who", "subject", "job", "step", "phase", "evidence"]
    assert job.split() == [
        "2026-02-01",
        "00:30:00",
        "김철수",
        "n1",
        "node_boot_check",
        "started",
        "steps:",
        '["mounts"]',
    ]
    assert step.endswith("n1        node_boot_check   mounts   failed    failure: /data: 장치 없음")


def test_long_evidence_is_wrapped_in_its_column_and_nothing_is_cut() -> None:
    reason = "Not mounted: /data/iso: the folder is not empty: x/install.iso"
    lines = table([{**RECORDS[1], "evidence": {"failure": reason}}], width=100)
    assert len(lines) > 3 and all(len(line) <= 100 for line in lines)
    assert reason.replace(" ", "") in "".join("".join(line[75:] for line in lines[2:]).split())
    assert "…" not in "".join(lines)


def test_what_stands_in_the_journal_is_shown_and_not_interpreted() -> None:
    assert "reason: [red]x[/red] \\[y]" in table([{**RECORDS[0], "evidence": {"reason": "[red]x[/red] \\[y]"}}])[-1]
