# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as JSON, JUnit, HTML and on a terminal."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import html5lib
import jsonschema
import pytest
from rich.cells import cell_len

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Status, Verdict
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report import documents, files, page, terminal, words
from report.fleet import CREATED, UNREACHABLE, answer, earlier, healthy, mixed, multipath, report

SCHEMA = json.loads((Path(__file__).parents[3] / "docs/schema/report-1.json").read_text(encoding="utf-8"))
HOSTILE = '</pre><script>alert(1)</script><img src=x onerror="alert(2)">]]> & \x1b[2J\u202e'
FLEET = [f"pengx2-{number:03}" for number in range(1, 501)]
LANGUAGES = pytest.mark.parametrize("language", words.LANGUAGES)


def sample(language="en"):
    """Every kind of node, and a report before it that makes findings new, gone and unproven."""
    before = mixed()
    before.update(n1=answer(multipath("onefailed")), n3=healthy(), n4=answer(multipath("onefailed")))
    return report(mixed(), language, history=[earlier(before)])


def hostile(language="en"):
    """A node whose tools print what would break a page, a document or a terminal."""
    maps = multipath("onefailed")["multipathd -kshow maps json"].stdout.replace('"sdb"', json.dumps(HOSTILE))
    sick = answer(multipath("onefailed", **{"multipathd -kshow maps json": maps}), "multipath")
    return report({"n<1>": sick, "n2": {**UNREACHABLE, "msg": HOSTILE}}, language)


def valid(document):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(SCHEMA, format_checker=checker).validate(document)


@LANGUAGES
@pytest.mark.parametrize("make", [sample, hostile])
def test_the_json_is_as_the_schema_says(make, language):
    valid(json.loads(documents.as_text(make(language))))


def test_the_schema_refuses_a_critical_finding_without_evidence_or_remedy():
    document = documents.as_json(sample())
    finding = document["nodes"][0]["checks"][0]["findings"][0]
    for broken in ({"evidence": []}, {"remedy": ""}, {"status": "fine"}):
        with pytest.raises(jsonschema.ValidationError):
            valid({**document, "nodes": [{**document["nodes"][0], "gone": [{**finding, **broken}]}]})


def test_the_summary_names_the_nodes_and_what_has_changed():
    short = documents.summary(sample())
    assert short["verdicts"] == {"not fit": ["n3"], "not proven": ["n4", "n5"], "fit": ["n2", "n1", "n6"]}
    assert {one["node"] for one in short["new"]} == {"n3", "n4"}
    assert [(one["node"], one["code"]) for one in short["gone"]] == [("n1", "multipath_paths_failed")] * 2
    json.dumps(short)


@LANGUAGES
@pytest.mark.parametrize("make", [sample, hostile])
def test_junit_is_well_formed_and_its_numbers_add_up(make, language):
    root = ET.fromstring(documents.as_junit(make(language)))
    assert root.tag == "testsuites"
    for kind, element in (
        ("failures", "failure"),
        ("errors", "error"),
        ("skipped", "skipped"),
        ("tests", "../testcase"),
    ):
        by_suite = [int(suite.get(kind)) for suite in root]
        found = root.findall("testsuite/testcase" + ("" if kind == "tests" else "/" + element))
        assert int(root.get(kind)) == sum(by_suite) == len(found)


def test_junit_tells_critical_unknown_skipped_and_warning_apart():
    root = ET.fromstring(documents.as_junit(sample()))
    cases = {(case.get("classname"), case.get("name")): case for case in root.iter("testcase")}
    failure = cases["node_boot_check.n3", "multipath"].find("failure")
    assert failure.get("type") == "multipath_queueing_without_paths"
    assert failure.get("message").startswith("mpatha (3600140596b1dce4b47843b0854ab19e7): no path is left")
    assert "8:0 F" in failure.text and "Call the storage team" in failure.text
    assert cases["node_boot_check.n4", "node"].find("error") is not None
    assert cases["node_boot_check.n6", "multipath"].find("skipped") is not None
    assert "1 of 2 paths failed" in cases["node_boot_check.n2", "multipath"].find("system-out").text


def parsed(text):
    """Parsed as a browser does; anything HTML forbids is an error."""
    return html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), strict=True, namespaceHTMLElements=False).parse(
        text
    )


def texts(element):
    return " ".join("".join(element.itertext()).split())


@LANGUAGES
@pytest.mark.parametrize("make", [sample, hostile])
def test_the_page_is_valid_and_needs_nothing_from_elsewhere(make, language):
    text = page.render(make(language), ["a note"])
    tree = parsed(text)
    assert tree.get("lang") == language
    for element in tree.iter():
        assert not {"src", "href", "action", "background", "poster", "srcset"} & {*element.keys()}
        assert not [name for name, _value in element.items() if name.startswith("on") or name == "style"]
    assert not re.search(r"@import|url\(|https?:", text)
    assert [element.tag for element in tree.iter() if element.tag in ("link", "img", "iframe", "object")] == []


def test_the_page_runs_its_own_script_and_no_other():
    tree = parsed(page.render(hostile()))
    policy = tree.find("head/meta[@http-equiv='Content-Security-Policy']").get("content")
    scripts = list(tree.iter("script"))
    assert len(scripts) == 1 and "alert" not in scripts[0].text
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/]{43}='", policy) and "default-src 'none'" in policy
    assert "<script>alert(1)</script>" in texts(tree.find("body/main"))


def test_the_page_reads_without_javascript():
    tree = parsed(page.render(sample()))
    hidden = [element for element in tree.iter() if element.get("hidden") is not None]
    assert {element.tag for element in hidden} == {"nav", "button", "p"}
    sections = tree.findall("body/main/section[@data-name]")
    assert [section.get("data-name") for section in sections] == ["n3", "n4", "n5", "n2"]
    assert "no path is left and I/O is queued" in texts(sections[0])
    for details in tree.iter("details"):
        assert details[0].tag == "summary" and texts(details[0])
    evidence = sections[0].find("ul/li/details/pre")
    assert evidence.text.splitlines()[0] == "multipathd -kshow maps json: sda 8:0 failed faulty running"


def test_healthy_nodes_are_folded_on_the_page():
    tree = parsed(page.render(report({f"n{number}": healthy() for number in range(1, 9)})))
    folded = tree.find("body/main/details")
    assert folded.get("open") is None and texts(folded[0]) == "8 nodes without a problem"
    assert len(folded.findall("section")) == 8


@LANGUAGES
def test_gone_and_unproven_findings_have_a_place_on_the_page(language):
    tree = parsed(page.render(sample(language)))
    headings = [texts(section.find("h2")) for section in tree.findall("body/main/section[@class='earlier']")]
    assert headings == [words.say(language, "heading.gone"), words.say(language, "heading.unproven")]


def screen(made, width=100, color=False, notes=()):
    return terminal.render(made, width, color, notes)


def test_the_screen_has_a_line_a_node_the_worst_first_then_the_findings_then_the_verdict():
    lines = screen(sample(), notes=["Report: here"]).splitlines()
    assert [line.split()[:4] for line in lines[2:7]] == [
        ["✗", "not", "fit", "n3"],
        ["?", "not", "proven", "n4"],
        ["?", "not", "proven", "n5"],
        ["✓", "fit", "n2", "2"],
        ["✓", "fit", "2", "nodes"],
    ]
    assert lines[6].endswith("n1, n6")
    firsts = [line.split()[0] for line in lines[8:] if line[:1].strip()]
    assert firsts.index("critical") < firsts.index("unknown") < firsts.index("warning") < firsts.index("gone")
    assert lines[-1] == "Report: here"
    assert lines[-2].startswith("6 nodes:  1 not fit  2 not proven  3 fit")


def test_a_finding_on_the_screen_has_evidence_remedy_and_source():
    text = screen(sample())
    start = text.index("critical      n3  multipath  mpatha")
    told = text[start : text.index("\n\n", start)]
    assert told.splitlines()[0].endswith("new")
    assert re.search(r"(?m)^evidence +multipathd -kshow maps json: sda 8:0 failed faulty running$", told)
    assert re.search(r"(?m)^do +Call the storage team now\.", told)
    assert re.search(r"(?m)^source +uxen 구동 후 스토리지 점검사항: Multipath 확인$", told)


@LANGUAGES
@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_line_is_wider_than_the_terminal_and_columns_stand_under_each_other(width, language):
    for line in screen(sample(language), width).splitlines():
        assert cell_len(line) <= width
    narrow = screen(sample(language), 120).splitlines()
    findings = [line for line in narrow if line.startswith(words.say(language, "label.remedy"))]
    starts = {cell_len(line[: re.match(r"\S+ +", line).end()]) for line in findings}
    assert len(starts) == 1


def test_colour_only_where_it_is_wanted():
    assert "\x1b[" not in screen(sample())
    colored = screen(sample(), color=True)
    assert "\x1b[1;31m" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored).split() == screen(sample()).split()


def test_what_a_node_says_reaches_the_screen_as_text_only():
    told = screen(hostile(), color=True)
    assert "\x1b[2J" not in told and "\\x1b[2J" in told and "\u202e" not in told
    assert "[bold]" in screen(report({"n1": {**UNREACHABLE, "msg": "[bold]x[/bold]"}}))


def test_hundreds_of_healthy_nodes_take_one_line():
    fleet = dict.fromkeys(FLEET, healthy())
    text = screen(report(fleet))
    assert len(text.splitlines()) < 10
    assert "500 nodes" in text and "pengx2-[001-500]" in text


def test_the_same_finding_on_hundreds_of_nodes_is_told_once_with_their_names():
    fleet = dict.fromkeys(FLEET, answer(multipath("onefailed"), "multipath"))
    text = screen(report(fleet))
    assert len(re.findall("Service goes on over the other paths", text)) == 2
    assert re.search(r"(?m)^warning +500 nodes pengx2-\[001-500\]  multipath", text)
    assert len(text.splitlines()) < 40 + 30


def test_many_findings_of_one_code_with_different_words_are_cut_and_counted():
    fleet = {f"n{number}": {**UNREACHABLE, "msg": f"timed out after {number} s"} for number in range(1, 31)}
    text = screen(report(fleet))
    assert text.count("hang_triage") == terminal.SAME_CODE
    assert "25 more node_unreachable" in text


def test_what_is_gone_on_many_nodes_is_told_once():
    before = earlier(dict.fromkeys(FLEET, answer(multipath("onefailed"), "multipath")))
    text = screen(report(dict.fromkeys(FLEET, answer(multipath("healthy"), "multipath")), history=[before]))
    assert re.search(r"(?m)^gone +500 nodes  multipath  multipath_paths_failed  pengx2-\[001-500\]$", text)
    assert "0 new, 1000 gone" in text


def test_long_evidence_is_cut_and_what_the_message_says_already_is_left_out():
    sick = answer(multipath("onefailed"), "multipath")
    sick["checks"]["multipath"]["findings"][0]["evidence"] = [f"line {number}" for number in range(9)]
    silent = {**UNREACHABLE, "msg": "timed out"}
    text = screen(report({"n1": sick, "n2": silent}))
    assert "line 4" in text and "line 5" not in text and "… 4 more lines" in text
    assert text.count("timed out") == 1


def test_what_is_not_on_the_machine_is_told_with_its_reason():
    text = screen(report({"this-machine": answer({})}))
    assert re.search(r"(?m)^skipped +multipath +not on this node: multipathd is not installed$", text)
    assert "1 node:  1 fit  no earlier report to compare with" in text


def test_every_text_is_there_in_both_languages_and_takes_the_same_values():
    for key, text in words.CATALOGUE.items():
        assert text.en and text.ko, key
        assert sorted(re.findall(r"{(\w+)}", text.en)) == sorted(re.findall(r"{(\w+)}", text.ko)), key
        left = re.sub(r"{\w+}", "", text.ko).strip()
        assert not left or re.search("[가-힣]", left), key


def test_every_status_and_verdict_has_its_word():
    for status in Status:
        assert "status." + status.value in words.CATALOGUE and "count." + status.value in words.CATALOGUE
    for verdict in Verdict:
        assert "verdict." + verdict.value in words.CATALOGUE


def test_every_job_that_reports_has_a_title_in_both_languages():
    tasks = [*(Path(__file__).parents[3] / "roles").glob("*/tasks/*.yml")]
    jobs = {
        job for path in tasks for job in re.findall(r"health_report:\n    job: (\w+)", path.read_text(encoding="utf-8"))
    }
    assert {"node_boot_check", "hang_triage", "time_sync"} <= jobs
    assert {"job." + job for job in jobs | {"node_health"}} <= set(words.CATALOGUE)


def test_a_job_without_a_title_is_called_by_its_name():
    assert words.job_title("ko", "node_boot_check") == "노드 부팅 점검"
    assert words.job_title("ko", "my_own_job") == "My own job"


def test_times_are_told_in_the_zone_of_the_report():
    assert words.minute("2026-11-21T11:40:00+00:00", CREATED) == "2026-11-21 20:40"


class TestFiles:
    def test_latest_leads_to_the_newest_report_and_older_ones_stay(self, tmp_path):
        first = files.write(str(tmp_path / "reports"), "one", {"report.html": "1"}, 50)
        second = files.write(str(tmp_path / "reports"), "two", {"report.html": "2"}, 50)
        latest = tmp_path / "reports" / "latest"
        assert (latest / "report.html").read_text() == "2" and latest.readlink() == Path("two")
        assert Path(first, "report.html").read_text() == "1"
        assert {path.name for path in (tmp_path / "reports").iterdir()} == {"one", "two", "latest"}
        assert second.endswith("two")

    def test_the_newest_are_kept_and_what_is_no_report_is_let_alone(self, tmp_path):
        (tmp_path / "20200101T000000Z.tar").write_text("somebody's own")
        times = ["20261121T114003Z", "20261121T114001Z", "20261121T114002Z", "20261121T114002Z", "20200101T000000Z"]
        for time in times:
            files.write(str(tmp_path), time, {"report.html": time}, 3)
        kept = {"20261121T114003Z", "20261121T114002Z-2", "20200101T000000Z"}
        assert {path.name for path in tmp_path.iterdir()} == kept | {"latest", "20200101T000000Z.tar"}
        assert (tmp_path / "latest" / "report.html").read_text() == "20200101T000000Z"

    def test_two_reports_of_one_second_have_a_directory_each(self, tmp_path):
        placed = [files.write(str(tmp_path), "now", {"report.html": str(number)}, 50) for number in range(3)]
        assert [Path(one).name for one in placed] == ["now", "now-2", "now-3"]

    def test_colleagues_may_read_what_the_umask_lets_them(self, tmp_path):
        assert Path(files.write(str(tmp_path), "now", {"report.html": ""}, 50)).stat().st_mode & 0o055

    def test_a_report_that_cannot_be_written_whole_is_not_there_at_all(self, tmp_path):
        files.write(str(tmp_path), "one", {"report.html": "1"}, 50)
        with pytest.raises(OSError, match="missing"):
            files.write(str(tmp_path), "two", {"report.html": "2", "missing/report.json": "{}"}, 50)
        assert {path.name for path in tmp_path.iterdir()} == {"one", "latest"}
        assert (tmp_path / "latest" / "report.html").read_text() == "1"
