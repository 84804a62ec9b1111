# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import ast
import copy
import json
import pickle
import re
import string
from pathlib import Path

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils import phrases
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Missing, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.recovery_steps import Placed
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import (
    Finding,
    absent,
    missing,
    plain,
    rendered,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.common import TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import (
    PHRASES,
    Phrase,
    phrases_in,
    restored,
    told,
)

PLUGINS = Path(phrases.__file__).parents[1]


def korean(finding: Finding) -> str:
    """As a report says it, of what came over the wire."""
    row = TABLE[finding.code]
    result = json.loads(json.dumps(rendered(finding, row)))
    return rendered(Finding(result["code"], result["subject"], result["values"]), row, language="ko")["message"]


def test_why_a_component_is_not_there_is_said_in_both_languages():
    finding = absent("multipath", Phrase("not_installed", "multipathd"), False)
    assert rendered(finding, TABLE[finding.code])["message"] == "not on this node: multipathd is not installed"
    assert korean(finding) == "이 노드에 없음: multipathd 이(가) 설치되어 있지 않음"
    assert finding.evidence == ("multipathd is not installed",)


def test_what_a_tool_said_is_evidence_in_korean_and_what_a_probe_concluded_is_told():
    quoted = missing(Missing("pvs", Problem.FAILED, "WARNING: something"))
    assert korean(quoted) == "pvs 실패"
    assert quoted.evidence == ("pvs: WARNING: something",)
    assert korean(missing(Missing("chronyc", Problem.FAILED, Phrase("chronyd_mute")))).startswith(
        "chronyc 실패: chronyd 가 구동 중이나"
    )


def test_a_phrase_is_english_text_wherever_a_string_is():
    phrase = Phrase("no_map", "/etc/multipath.conf")
    assert phrase == "no map, and no /etc/multipath.conf"
    assert plain(Missing("x", Problem.FAILED, phrase))["detail"] == phrase
    assert not isinstance(pickle.loads(pickle.dumps(phrase)), Phrase)
    assert told(copy.deepcopy(phrase), "ko") == "맵이 없고 /etc/multipath.conf 파일도 없음"


def test_a_phrase_of_phrases_is_told_whole_after_it_was_kept_beside_its_text():
    why = Phrase("ha_no_death", [Phrase("breaker_many", 2, 3), Phrase("breaker_rack", "r1")])
    assert why == "it does not look like the death of a node: 2 of 3 nodes are silent; all of r1 is silent"
    step = {"why": why, "outs": {"a": Placed(why=Phrase("ha_silent", "n1"))}, "node": "n2"}
    text, kept = json.loads(json.dumps([plain(step), phrases_in(step)]))
    assert set(kept) == {why, "n1 is silent"}
    assert (
        told(restored(text["why"], kept), "ko")
        == "노드 장애로 보기 어려움: 노드 3대 중 2대가 응답하지 않음; r1 전체가 응답하지 않음"
    )
    assert restored(text["why"], kept) == why and restored(text["node"], kept) == "n2"
    # another version's
    assert restored("x", {"x": {"phrase": "no such phrase", "about": []}}) == "x"


@pytest.mark.parametrize("code", PHRASES)
def test_every_phrase_is_used_and_says_the_same_in_both_languages(code):
    def places(text):
        return {part[1] for part in string.Formatter().parse(text) if part[1] is not None}

    english, hangul = PHRASES[code]
    assert places(english) == places(hangul)
    # what only joins has no words
    assert re.search("[가-힣]", hangul) or not re.search("[a-z]", english)
    assert not re.search(r"\} ?(으로|가|이|을|를|은|는|와|과|로)(?=[ ,.:]|$)", hangul)
    files = [*PLUGINS.rglob("*.py")]
    assert any(
        f'"{code}"' in file.read_text(encoding="utf-8") for file in files if not file.name.endswith("phrases.py")
    )


# whose sentences a person reads on the pages of HA recovery
SPEAKERS = (
    "clients/bmc_power",
    *(
        f"decisions/{name}"
        for name in (
            "approved_plan",
            "fencing",
            "ha_outlook",
            "migration_outcome",
            "node_death",
            "placement",
            "quorum",
            "recovery",
            "recovery_steps",
            "vm_act",
            "wanted",
            "whereabouts",
        )
    ),
)
# the name of a state, a stage or a step is no sentence
NAMES = {"observe again", "what failed", "stays off", "as before"}


@pytest.mark.parametrize("name", SPEAKERS)
def test_a_recovery_says_nothing_of_its_own_but_phrases(name):
    tree = ast.parse((PLUGINS / "module_utils" / f"{name}.py").read_text(encoding="utf-8"))
    silent = [one for one in ast.walk(tree) if isinstance(one, ast.Raise) and "Phrase" not in ast.dump(one)]
    for one in ast.walk(tree):
        if isinstance(one, ast.ClassDef) and re.search("Enum|Reading", ast.dump(one)[:200]):
            silent += [each for each in one.body if isinstance(each, ast.Assign)]
        if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant):
            silent.append(one)
    unheard = {each for one in silent for each in ast.walk(one)}
    said = [one.value for one in ast.walk(tree) if isinstance(one, ast.Constant) and one not in unheard]
    texts = [re.sub("%[a-z.0-9]+", "", text) for text in said if isinstance(text, str)]
    sentences = [text for text in texts if re.search("[a-z]+ +[a-z]", text)]
    assert set(sentences) <= NAMES
    assert not any(isinstance(one, ast.JoinedStr) for one in ast.walk(tree))
