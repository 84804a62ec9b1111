# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.node_death import WORDS, Death
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.recovery_steps import Out, Way
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import plain
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase, phrases_in
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.recovery import PARTS, page

A, B, C = (f"{one}aaac9c-5b99-4229-9f83-0bf6b6dd8077" for one in ("21", "40", "3a"))
SHOW = {
    "kind": "plan",
    "subject": "recovery",
    "why": "",
    "fences": {"n2": "row 20: off"},
    "starts": {A: "n1"},
    "left": {B: {"way": "not started", "why": "memory: lacks 128", "do": "Make room, then run this again."}},
}
SAVED = {"id": 17, "sha256": "9f86d081"}
SILENT = {"reading": "silent", "evidence": ["silent, while n1 answered"]}


def node(verdict: str = "off", rule: int | None = 20, answers: bool = False, **more: Any) -> dict[str, Any]:
    return {
        "verdict": verdict,
        "rule": rule,
        "missing": [],
        "readings": {"management": SILENT},
        "age": 3.2,
        "answers": answers,
        "maintenance": False,
        "quorum": None,
        **more,
    }


def out(way: str, why: str, do: str = "") -> dict[str, str]:
    return {"way": way, "why": why, "do": do}


def decision(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    """As ha_decision returns it."""
    return {
        "zone": "zone-a",
        "stage": "plan",
        "why": "the plan is shown",
        "steps": list(steps),
        "outs": {
            A: out("runs", "n1"),
            B: out("not started", "memory", "Make room."),
            C: out("undecided", "n2 is silent"),
        },
        "vms": {A: ["/data/domu/a.cfg", "web-1"], B: [], C: ["(null)", "db"]},
        "nodes": {"n1": node("alive", 12, answers=True), "n2": node()},
        "remedy": None,
        "open": None,
        "database": {"read": True, "problem": ""},
        **more,
    }


def text(part: str, given: dict[str, Any], language: str = "en") -> str:
    return "\n".join(page(given, part, language, width=200))


@pytest.mark.parametrize("part", [*PARTS])
def test_every_part_is_told_in_both_languages(part: str) -> None:
    given = decision(SHOW, saved=SAVED, records=[], open="2026-11-21T09:00:00.000Z")
    en, ko = text(part, given), text(part, given, "ko")
    assert en and "{" not in en + ko
    if part != "turn":
        assert en.startswith("recovery of zone-a") and ko.startswith("zone-a 복구")


def test_a_turn_says_where_it_stands_and_what_is_done() -> None:
    start = {"kind": "start", "subject": A, "node": "n1"}
    fence = {"kind": "fence", "subject": "n2"}
    lines = page(decision({"kind": "observe", "subject": "zone"}, fence, start, stage="start", why="a batch"), "turn")
    assert [line.split() for line in lines] == [
        ["start", "a", "batch"],
        ["fence", "n2"],
        ["start", "web-1", A, "->", "n1"],
    ]


@pytest.mark.parametrize("death", [*Death])
def test_every_verdict_on_a_node_has_its_words(death: Death) -> None:
    nodes = {"n2": node(death.value, None, missing=["bmc"])}
    assert "n2" in text("verdict", decision(nodes=nodes)) and "n2" in text("verdict", decision(nodes=nodes), "ko")


def test_a_verdict_stands_on_its_rule_its_readings_and_its_age() -> None:
    said = text("verdict", decision())
    assert "rule 20" in said and "read 3 s ago" in said and "silent; silent, while n1 answered" in said
    assert "n1 " not in said.replace("while n1 answered", "")
    asked = text("verdict", decision(nodes={"n2": node("unknown", None, missing=["bmc", "guests"])}))
    assert "missing for a verdict: bmc, guests" in asked


def test_a_verdict_tells_when_quorum_is_decided_or_why_that_is_not_known() -> None:
    quorum = {"decided_at": 1_790_000_066.0, "left": 41.3, "why": "the part that is cut off loses"}
    known = decision(nodes={"n2": node("cut_off", 17, quorum=quorum)})
    unknown = decision(nodes={"n2": node("cut_off", 17, quorum={**quorum, "decided_at": None, "left": None})})
    assert "in 41 s" in text("verdict", known) and "41초" in text("verdict", known, "ko")
    assert "is not known: the part that" in text("verdict", unknown)


def test_a_zone_that_answers_is_told_to_be_well_and_its_database_is_not_forgotten() -> None:
    well = decision(nodes={"n1": node("alive", 12, answers=True)}, database={"read": False, "problem": "it is down"})
    said = text("verdict", well)
    assert "every node answers" in said and "the database was not read: it is down" in said


def test_a_plan_says_what_is_fenced_started_and_left_out() -> None:
    remedy = {"moves": [{"vm": C, "source": "n1", "target": "n3"}], "memory": [["n1", 131073]]}
    said = text("plan", decision(SHOW, remedy=remedy))
    assert "n2: row 20: off" in said and f"web-1 {A} on n1" in said
    assert f"{B}: memory: lacks 128. Make room, then run this again." in said
    # a KiB more than 128 MiB needs one more
    assert f"db {C} n1 -> n3" in said and "n1 +129 MiB" in said


def test_a_plan_says_how_it_is_approved_by_whom_or_why_that_does_not_hold() -> None:
    how = "plan_approve -e plan=17 -e sha256=9f86d081"
    saved = text("plan", decision(SHOW, saved=SAVED))
    assert "saved as plan 17" in saved and how in saved
    approved = text("plan", decision({**SHOW, "approval": {"by": "kim", "refused": "", "moved": []}}, saved=SAVED))
    assert "approved by kim" in approved and how not in approved
    refusal = {"by": "kim", "refused": "it is 90 min old", "moved": []}
    refused = text("plan", decision({**SHOW, "approval": refusal}, saved=SAVED))
    assert "does not hold: it is 90 min old" in refused and "approved by" not in refused
    assert "plan_approve" not in text("plan", decision(SHOW))


def test_of_a_node_in_maintenance_that_is_said_and_not_what_to_do_to_it() -> None:
    hung = {"n2": node("hung", 19)}
    assert "Photograph the console" in text("verdict", decision(nodes=hung))
    said = text("verdict", decision(nodes={"n2": node("hung", 19, maintenance=True)}))
    assert "in maintenance: it is never fenced" in said and "Photograph the console" not in said


def test_without_a_plan_it_is_said_why_and_what_is_asked() -> None:
    ask = {"kind": "word", "subject": "n2", "why": "2 of 3 nodes are silent"}
    said = text("plan", decision(ask, stage="breaker", why="it does not look like the death of a node"))
    assert "breaker" in said and "n2: 2 of 3 nodes are silent" in said
    assert "there is nothing to recover" in text("plan", decision(outs={}))


def test_reasons_are_told_in_the_language_of_the_page() -> None:
    """As ha_decision returns them: text, and its phrases beside it."""
    silent = Out(Way.UNDECIDED, Phrase("joined", [Phrase("ha_silent", "n2")]), Phrase("do_run_again"))
    left = Out(Way.NOT_STARTED, Phrase("ha_target_not_fit", "n1"), Phrase("do_mend"))
    fence = Phrase("fence_by_word", Phrase("fence_row", 15, "evicted"))
    show = {"kind": "plan", "subject": "recovery", "why": "", "fences": {"n2": fence}, "starts": {}, "left": {B: left}}
    show["approval"] = {"by": "kim", "refused": Phrase("plan_old", 90, 60), "moved": []}
    why = Phrase("ha_no_death", [Phrase("breaker_many", 2, 3)])
    ask = {"kind": "word", "subject": "n2", "why": Phrase("ha_is_it_off", Phrase("ha_bmc_refused"))}
    readings = {"management": {"reading": WORDS["silent"], "evidence": [Phrase("witness_silent", ["n1"])]}}
    quorum = {"decided_at": None, "left": None, "why": Phrase("quorum_timing")}
    nodes = {"n2": node("evicted", 15, readings=readings, quorum=quorum)}
    asked = {"kind": "word", "subject": "n2", "why": ask["why"], "phrases": phrases_in(ask)}
    records = [{"at": "09:00", "step": "word n2", "phase": "started", "evidence": plain(asked)}]
    told = ""
    for steps in ([show], [ask]):
        given = decision(*steps, why=why, outs={A: left, C: silent}, nodes=nodes, records=records, open="09:00")
        given = json.loads(json.dumps({**plain(given), "phrases": phrases_in(given)}))
        told += "".join(text(part, given, "ko") for part in PARTS)
        assert str(why) in text("turn", given) and "Run this again." in text("close", given)
    for said in (
        "노드 장애로 보기 어려움: 노드 3대 중 2대가 응답하지 않음",
        "n2: 규칙 15: evicted: 담당자 승인 필요",
        "구동 대상 노드 n1 이(가) 적합하지 않음. 복구한 뒤 다시 실행하십시오.",
        "n2 응답 없음. 다시 실행하십시오.",
        "n2: BMC 가 전원 명령을 받지 않음; 전원이 꺼져 있습니까?",
        "승인된 계획을 쓸 수 없음: 승인한 지 90분 지남",
        "응답 없음; 응답 없음 (응답한 노드: n1)",
        "실행 중인 timeout 값을 알 수 없음",
        "started  BMC 가 전원 명령을 받지 않음; 전원이 꺼져 있습니까?",
    ):
        assert said in told
    assert not re.search("[a-z]+ [a-z]+ [a-z]+", told)


@pytest.mark.parametrize("part", ["close", "status", "plan"])
def test_vms_that_do_not_run_come_first(part: str) -> None:
    said = text(part, decision({"kind": "close", "subject": "recovery"}))
    assert said.index("undecided") < said.index("not started") < said.index(f"web-1 {A}")
    assert f"db {C}: n2 is silent" in said and f"{B}: memory. Make room." in said


def test_the_status_tells_the_newest_steps_of_the_journal() -> None:
    def record(number: int, **evidence: Any) -> dict[str, Any]:
        return {"at": f"at {number:02d}", "step": "start", "phase": "done", "evidence": evidence}

    records = [record(number, kind="start", subject=A, said="too late") for number in range(30)]
    own = {"at": "at 99", "step": "", "phase": "done", "evidence": {}}
    said = text("status", decision(records=[*records, own], open="09:00"))
    assert "under way since 09:00" in said and f"at 29  start web-1 {A}  done  too late" in said
    assert "at 18" in said and "at 17" not in said and "at 99" not in said
    assert "no recovery is under way" in text("status", decision())


def test_a_status_of_a_record_that_names_nothing_is_told_too() -> None:
    empty = {"at": "09:00", "step": "close recovery", "phase": "done", "evidence": {"subject": None}}
    assert "09:00" in text("status", decision(records=[empty]))


@pytest.mark.parametrize("part", [*PARTS])
def test_a_name_of_a_vm_cannot_command_the_terminal(part: str) -> None:
    evil = "web\x1b[2J\u202e\x9b31m\rx [bold red]y[/bold red] [link=http://x]z[/link]"
    start = {"kind": "start", "subject": A, "node": evil}
    ask = {"kind": "word", "subject": evil, "why": evil}
    record = {"at": evil, "step": "start", "phase": "done", "evidence": {"kind": "start", "subject": A, "said": evil}}
    for steps in ((SHOW, start), (ask,)):
        given = decision(*steps, vms={A: [evil]}, records=[record], zone=evil, why=evil, open=evil)
        given["nodes"] = {evil: node("unknown", None, missing=[evil], readings={evil: {**SILENT, "evidence": [evil]}})}
        given["outs"] = {A: out("undecided", evil, evil)}
        given["database"] = {"read": False, "problem": evil}
        said = text(part, given)
        assert not set(said) & {"\x1b", "\u202e", "\x9b", "\r"}
        # nor is it markup
        assert "[bold red]y[/bold red]" in said and "\\x1b[2J" in said


def test_colour_is_of_the_page_alone() -> None:
    given = decision(SHOW, vms={A: ["web\x1b[2J"]})
    coloured = "\n".join(page(given, "plan", width=200, colored=True))
    assert "\x1b[" in coloured and "\x1b[2J" not in coloured
    assert "\x1b" not in text("plan", given)
