# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import conclude
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Missing, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import cause_of, missing
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.model import (
    Parts,
    fold_names,
    merged,
    printable,
    reached,
)
from replay import recording
from report.fleet import CREATED, EARLIER, FAILED, UNREACHABLE, answer, earlier, healthy, mixed, multipath, report


def node(made, name):
    return next(one for one in made.nodes if one.name == name)


def codes(findings):
    return [finding.code for finding in findings]


def test_the_worst_node_is_first_and_the_order_is_the_same_every_time():
    results = mixed()
    made = report(results)
    assert [one.name for one in made.nodes] == ["n3", "n4", "n5", "n2", "n1", "n6"]
    assert report(dict(reversed(results.items()))) == made


def test_verdicts_and_statuses_are_counted():
    made = report(mixed())
    assert made.verdicts == {"not fit": 1, "not proven": 2, "fit": 3}
    assert made.status == "critical"
    assert made.counts["critical"] == 2 and made.counts["unknown"] == 2 and made.counts["warning"] == 2


def test_nodes_without_an_answer_are_unknown_and_say_why():
    made = report({"gone": UNREACHABLE, "broken": FAILED, "mute": {}, "left": {"skipped": True}})
    assert {one.name: codes(one.findings) for one in made.nodes} == {
        "gone": ["node_unreachable"],
        "broken": ["node_silent"],
        "mute": ["node_silent"],
        "left": ["node_silent"],
    }
    assert {one.verdict for one in made.nodes} == {"not proven"}
    said = "the node could not be reached: Failed to connect to the host via ssh: Connection timed out"
    assert node(made, "gone").findings[0].message == said
    assert "sh: 1: python3: not found" in node(made, "broken").findings[0].evidence


def test_a_korean_report_names_the_cause_in_korean():
    queueing = multipath("allfailed-queueing")
    sick = answer(queueing, "multipath")
    cause, *_others = [one for one in sick["checks"]["multipath"]["findings"] if one["code"].endswith("without_paths")]
    blocked = missing(Missing("pvs", Problem.BLOCKED, cause_of(cause)))
    sick["checks"]["lvm"] = conclude("lvm", [blocked], None, {})
    finding = next(one for one in report({"n1": sick}, "ko").nodes[0].findings if one.code == "reading_blocked")
    assert finding.message.startswith("멈출 수 있어 읽지 않음: pvs; 원인: mpatha")
    assert "남은 경로가 없고 I/O 가 대기 중" in finding.message


def test_what_only_the_nodes_together_can_tell_is_added_to_the_node_it_belongs_to():
    grown = answer(multipath("healthy", **{"/sys/block/dm-0/size": "8388608\n"}), "multipath")
    alone = report({"n1": answer(multipath("healthy"), "multipath")})
    both = report({"n1": answer(multipath("healthy"), "multipath"), "n2": grown})
    assert alone.nodes[0].verdict == "fit"
    assert node(both, "n1").verdict == "not fit" and node(both, "n2").verdict == "fit"
    # the check's own good news would contradict it
    assert codes(node(both, "n1").findings) == ["multipath_size_differs_between_nodes"]


def test_a_clock_that_the_controller_saw_apart_is_told_of_its_node():
    chrony = {"chronyc -c -n -m tracking sources": recording("time/chrony-good")}
    chrony["adjtimex --print"] = recording("time/adjtimex-synchronised")
    results = {name: answer(chrony, "time") for name in ("n1", "n2", "n3")}
    for name, ahead in (("n1", 0.0), ("n2", 25.0), ("n3", 0.0)):
        clock = results[name]["checks"]["time"]["facts"]["clock"]["node"] - ahead
        results[name]["clock"] = {"asked": clock - 1, "answered": clock + 2}
    made = report(results)
    assert "time_differs" not in codes(node(made, "n1").findings + node(made, "n3").findings)
    (finding,) = (one for one in node(made, "n2").findings if one.code == "time_differs")
    assert finding.values == {"seconds": "+23.0"}


def test_a_site_decides_how_bad_a_finding_between_nodes_is():
    grown = answer(multipath("healthy", **{"/sys/block/dm-0/size": "8388608\n"}), "multipath")
    results = {"n1": answer(multipath("healthy"), "multipath"), "n2": grown}
    made = report(results, statuses={"multipath_size_differs_between_nodes": "warning"})
    assert node(made, "n1").status == "warning" and node(made, "n1").verdict == "fit"


def test_a_status_a_node_was_told_stays_as_the_node_returned_it():
    results = {"n1": answer(multipath("onefailed"), "multipath")}
    for finding in results["n1"]["checks"]["multipath"]["findings"]:
        finding["status"] = "critical"
    results["n1"]["checks"]["multipath"]["status"] = "critical"
    assert report(results).nodes[0].verdict == "not fit"


def test_facts_that_cannot_be_compared_are_unknown_and_no_traceback():
    results = {"n1": answer(multipath("healthy"), "multipath"), "n2": answer(multipath("healthy"), "multipath")}
    results["n2"]["checks"]["multipath"]["facts"]["maps"] = 3
    made = report(results)
    assert {one.verdict for one in made.nodes} == {"not proven"}
    assert codes(made.nodes[0].findings) == ["check_failed"]


def test_words_are_rendered_anew_in_the_reports_language():
    finding = node(report(mixed(), "ko"), "n2").problems[0]
    assert finding.message == "경로 2개 중 1개 실패: sdb failed faulty running"
    assert "스토리지 담당자" in finding.remedy


def test_a_code_this_version_does_not_know_keeps_its_words():
    results = {"n1": answer(multipath("onefailed"), "multipath")}
    results["n1"]["checks"]["multipath"]["findings"][0].update(code="of_the_future", message="as it was said")
    finding = report(results, "ko").nodes[0].findings[0]
    assert (finding.code, finding.message) == ("of_the_future", "as it was said")


class TestAgainstTheReportBefore:
    def test_without_one_nothing_is_new(self):
        made = report(mixed())
        assert made.previous == "" and made.new == [] and made.gone == []
        assert {finding.since for one in made.nodes for finding in one.problems} == {CREATED}

    def test_new_standing_and_gone(self):
        before = earlier({"n1": answer(multipath("onefailed")), "n2": answer(multipath("onefailed")), "n3": healthy()})
        made = report(
            {"n1": healthy(), "n2": answer(multipath("onefailed")), "n3": answer(multipath("onefailed"))},
            history=[before],
        )
        assert made.previous == EARLIER
        assert {one.name for one, _finding in made.new} == {"n3"}
        assert {one.name for one, _finding in made.gone} == {"n1"}
        assert {finding.since for finding in node(made, "n2").problems} == {EARLIER}

    def test_since_is_the_first_of_the_unbroken_row(self):
        results = {"n1": answer(multipath("onefailed"))}
        first = earlier(results, "2026-11-18T20:40:00+09:00", "run-0")
        second = earlier(results, history=[first])
        assert report(results, history=[second, first]).nodes[0].problems[0].since == "2026-11-18T20:40:00+09:00"

    def test_a_finding_whose_node_is_silent_now_is_not_gone_and_not_new_when_it_is_read_again(self):
        sick = {"n1": answer(multipath("onefailed"))}
        first = earlier(sick, "2026-11-18T20:40:00+09:00", "run-0")
        silent = earlier({"n1": UNREACHABLE}, history=[first])
        assert silent.gone == [] and len(silent.unproven) == 2
        made = report(sick, history=[silent, first])
        assert made.new == [] and made.unproven == []
        assert {finding.since for finding in made.nodes[0].problems} == {"2026-11-18T20:40:00+09:00"}
        assert codes(made.nodes[0].gone) == ["node_unreachable"]

    def test_a_finding_of_a_check_that_was_not_run_or_could_not_read_is_not_gone(self):
        before = earlier({"n1": answer(multipath("onefailed")), "n2": answer(multipath("onefailed"))})
        denied = answer(multipath("healthy", **{"dmsetup status --target multipath": "garbage"}), "multipath")
        made = report({"n1": answer({}, "lvm"), "n2": denied}, history=[before])
        assert made.gone == []
        assert {one.name for one, _finding in made.unproven} == {"n1", "n2"}

    def test_a_run_on_some_nodes_leaves_the_others_for_the_next_comparison(self):
        full = earlier({"n1": healthy(), "n2": answer(multipath("onefailed"))}, "2026-11-18T20:40:00+09:00", "run-0")
        limited = earlier({"n1": healthy()}, history=[full])
        made = report({"n1": healthy(), "n2": answer(multipath("onefailed"))}, history=[limited, full])
        assert made.new == [] and made.previous == EARLIER
        assert node(made, "n2").problems[0].since == "2026-11-18T20:40:00+09:00"

    def test_history_is_read_no_further_than_it_is_needed(self):
        def history():
            from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.documents import as_json

            yield as_json(earlier({"n1": healthy()}))
            pytest.fail("one report knows all nodes")

        from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.model import build

        assert build({"n1": healthy()}, "node_boot_check", "run-2", CREATED, history=history()).previous == EARLIER

    def test_what_the_same_run_reported_before_is_no_earlier_report(self):
        part = earlier({"n1": answer(multipath("onefailed"))}, run="run-2")
        made = report({"n1": answer(multipath("onefailed")), "n2": healthy()}, history=[part])
        assert made.previous == "" and made.new == []

    def test_old_findings_are_told_in_the_language_of_today(self):
        before = earlier({"n1": answer(multipath("onefailed"))})
        _node, finding = report({"n1": healthy()}, "ko", history=[before]).gone[0]
        assert "실패" in finding.message


def test_parts_of_a_run_are_one_report_and_the_later_answer_of_a_node_counts():
    first = {"n1": healthy(), "n2": UNREACHABLE}
    again = {"n2": answer(multipath("onefailed"))}
    together = merged([first, again])
    assert report(together, parts=Parts(2, 2)) == report({"n1": first["n1"], "n2": again["n2"]}, parts=Parts(2, 2))


def test_findings_between_nodes_of_different_parts_are_found():
    grown = answer(multipath("healthy", **{"/sys/block/dm-0/size": "8388608\n"}), "multipath")
    made = report(merged([{"n1": answer(multipath("healthy"), "multipath")}, {"n2": grown}]))
    assert node(made, "n1").verdict == "not fit"


@pytest.mark.parametrize(
    ("fail_on", "names"),
    [
        ("never", []),
        ("critical", ["n3"]),
        ("unknown", ["n3", "n4", "n5"]),
        ("warning", ["n3", "n4", "n5", "n2"]),
    ],
)
def test_the_run_fails_from_the_asked_status_on(fail_on, names):
    assert [one.name for one in reached(report(mixed()), fail_on)] == names


@pytest.mark.parametrize(
    ("names", "folded"),
    [
        ([], []),
        (["n2"], ["n2"]),
        (["n10", "n9", "n8", "n1"], ["n1", "n[8-10]"]),
        (["pengx2-03", "pengx2-01", "pengx2-02", "db"], ["db", "pengx2-[01-03]"]),
        (["a1.example", "a2.example", "b2.example"], ["a[1-2].example", "b2.example"]),
    ],
)
def test_names_in_a_row_are_folded(names, folded):
    assert fold_names(names) == folded


def test_a_long_row_of_nodes_is_one_name():
    assert fold_names(f"n{number:03}" for number in range(1, 501)) == ["n[001-500]"]


def test_what_a_node_says_cannot_move_the_cursor_or_hide():
    said = printable({"evidence": ["a\x1b[2Jb", "tab\there", "\u202eabc", "\udcff", "한글 é"]})
    assert said == {"evidence": ["a\\x1b[2Jb", "tab here", "\\u202eabc", "\\udcff", "한글 é"]}
