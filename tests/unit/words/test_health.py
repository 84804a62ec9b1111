# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
import string

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils import check as checks
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Missing, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.examination import CHECKS
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import (
    Finding,
    Judgement,
    Status,
    Verdict,
    Words,
    absent,
    missing,
    plain,
    rendered,
    table,
    verdict,
    worst,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.common import TABLE as COMMON
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import VmUuid

ROW = Judgement(
    "disk_hot",
    Status.WARNING,
    "the runbook",
    en=Words("{subject} has {celsius} degrees", "Cool {subject}."),
    ko=Words("{subject} 온도 {celsius}도", "{subject} 을(를) 식히십시오."),
)
BLOCKING = Judgement("disk_gone", Status.CRITICAL, "the runbook", ROW.en, ROW.ko, blocks=True)
TABLE = table(ROW, BLOCKING)
ALL_ROWS = [row for rows in [COMMON, *(one.table for one in CHECKS.values())] for row in rows.values()]


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], Status.UNKNOWN),
        (["skipped", "skipped"], Status.SKIPPED),
        (["skipped", "ok"], Status.OK),
        (["ok", "warning"], Status.WARNING),
        (["warning", "unknown"], Status.UNKNOWN),
        (["unknown", "critical", "ok"], Status.CRITICAL),
    ],
)
def test_the_worst_status_counts_and_nothing_is_unknown(statuses, expected):
    assert worst(Status(one) for one in statuses) is expected


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], Verdict.NOT_PROVEN),
        (["ok", "skipped", "warning"], Verdict.FIT),
        (["ok", "unknown"], Verdict.NOT_PROVEN),
        (["unknown", "critical"], Verdict.NOT_FIT),
    ],
)
def test_a_node_is_fit_not_fit_or_not_proven(statuses, expected):
    assert verdict(Status(one) for one in statuses) is expected


def test_a_finding_is_rendered_in_both_languages_and_by_the_sites_status():
    finding = Finding("disk_hot", "sda", {"celsius": 71}, ("sensors: 71",))
    assert rendered(finding, ROW) == {
        "code": "disk_hot",
        "values": {"celsius": 71},
        "subject": "sda",
        "status": "warning",
        "message": "sda has 71 degrees",
        "evidence": ["sensors: 71"],
        "remedy": "Cool sda.",
        "reference": "the runbook",
    }
    korean = rendered(finding, ROW, {"disk_hot": "critical"}, "ko")
    assert (korean["message"], korean["status"]) == ("sda 온도 71도", "critical")


def test_a_type_of_text_is_text_to_everybody_else():
    uuid = VmUuid("21aaac9c-5b99-4229-9f83-0bf6b6dd8077")
    told = rendered(Finding("disk_hot", uuid, {"vms": [uuid], "status": Status.OK}, (uuid,)), ROW)
    values = told["values"]
    assert {type(one) for one in (told["subject"], *values["vms"], values["status"], *told["evidence"])} == {str}
    assert (told["subject"], values) == (uuid, {"vms": [uuid], "status": "ok"})


def test_words_never_fail_a_report():
    assert rendered(Finding("disk_hot", "sda"), ROW)["message"] == "sda has {celsius} degrees"
    row = Judgement("x", Status.OK, "", Words("{a} {b:5.1f}"), Words("{a}"))
    assert rendered(Finding("x", "", {"a": ["p", "q"], "b": "no number"}), row)["message"] == "p, q no number"


def test_a_list_in_a_command_is_joined_as_the_command_wants_it():
    row = Judgement("x", Status.WARNING, "", Words("{a}", "systemctl status {a: }"), Words("{a:, 또는 }"))
    finding = Finding("x", "", {"a": ("p.service", "q.service")})
    assert rendered(finding, row)["remedy"] == "systemctl status p.service q.service"
    assert rendered(finding, row, language="ko")["message"] == "p.service, 또는 q.service"


def test_every_problem_of_a_reading_is_an_unknown_with_both_texts():
    for problem in Problem:
        finding = missing(Missing("pvs", problem, "why"))
        assert COMMON[finding.code].status is Status.UNKNOWN
        assert "pvs" in rendered(finding, COMMON[finding.code], language="ko")["message"]


def test_a_component_that_is_not_there_is_skipped_unless_required():
    assert COMMON[absent("lvm", "no vgs", False).code].status is Status.SKIPPED
    assert COMMON[absent("lvm", "no vgs", True).code].status is Status.CRITICAL


@pytest.mark.parametrize("row", ALL_ROWS, ids=lambda row: row.code)
def test_every_row_has_both_languages_with_the_same_places_and_a_remedy_where_one_is_needed(row):
    def places(text):
        return {part[1] for part in string.Formatter().parse(text) if part[1] is not None}

    assert row.en.message and row.ko.message and row.reference
    assert bool(row.en.remedy) == bool(row.ko.remedy)
    assert places(row.en.message + row.en.remedy) == places(row.ko.message + row.ko.remedy)
    if row.status not in (Status.OK, Status.SKIPPED):
        assert row.en.remedy, "a person is told what to do next"
    assert any("\uac00" <= letter <= "\ud7a3" for letter in row.ko.message)
    # which particle fits depends on the value's last sound, so both forms stand there
    assert not re.search(r"\} ?(으로|가|이|을|를|은|는|와|과|로)(?=[ ,.:]|의 |$)", f"{row.ko.message}; {row.ko.remedy}")


def test_a_code_belongs_to_one_check():
    codes = [row.code for row in ALL_ROWS]
    assert len(codes) == len(set(codes))
    for name, one in CHECKS.items():
        assert f"{name}_ok" in one.table, f"{name} has no word for being well"


def test_a_result_is_sorted_worst_first_and_silence_is_unknown():
    result = checks.conclude("disk", [Finding("disk_hot", "sda"), Finding("disk_gone", "sdb")], None, TABLE)
    assert [one["code"] for one in result["findings"]] == ["disk_gone", "disk_hot"]
    assert result["status"] == "critical"
    assert checks.conclude("disk", [], None, TABLE)["status"] == "unknown"


def test_a_defect_of_a_check_is_an_unknown_that_names_the_place():
    def probe(host, policy):
        raise KeyError("size")

    broken = checks.Check("disk", dict, probe, lambda facts, policy: [], TABLE)
    (finding,) = checks.examine(broken, None, {})["findings"]
    assert (finding["code"], finding["status"]) == ("check_failed", "unknown")
    assert "KeyError" in finding["message"] and "probe line" in finding["message"]


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        ({"no_such_code": "ok"}, "statuses.no_such_code"),
        ({"disk_hot": "unknown"}, "statuses.disk_hot"),
        ({"reading_timeout": "ok"}, "statuses.reading_timeout"),
        ({"node_unreachable": "ok"}, "statuses.node_unreachable"),
        ({"disk_gone": "ok"}, "statuses.disk_gone"),
    ],
)
def test_an_override_that_cannot_be_meant_is_refused_by_name(statuses, said):
    with pytest.raises(PolicyError, match=said):
        checks.refused_unless_meant(statuses, [TABLE])
    meant = {"disk_hot": "critical", "component_required": "warning"}
    assert checks.refused_unless_meant(meant, [TABLE]) == meant


def test_facts_become_json():
    facts = plain({"a": (Status.OK, {1}), "b": Missing("x", Problem.ABSENT)})
    assert facts == {"a": ["ok", [1]], "b": {"reading": "x", "problem": "absent", "detail": ""}}
