# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import json
import re
import string
from pathlib import Path

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils import phrases
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Missing, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import (
    Finding,
    absent,
    missing,
    plain,
    rendered,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.common import TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import PHRASES, Phrase

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
    assert phrases.told(copy.deepcopy(phrase), "ko") == "맵이 없고 /etc/multipath.conf 파일도 없음"


@pytest.mark.parametrize("code", PHRASES)
def test_every_phrase_is_used_and_says_the_same_in_both_languages(code):
    def places(text):
        return {part[1] for part in string.Formatter().parse(text) if part[1] is not None}

    english, hangul = PHRASES[code]
    assert places(english) == places(hangul)
    assert re.search("[가-힣]", hangul)
    assert not re.search(r"\} ?(으로|가|이|을|를|은|는|와|과|로)(?=[ ,.:]|$)", hangul)
    files = [*PLUGINS.rglob("*.py")]
    assert any(f'"{code}"' in file.read_text(encoding="utf-8") for file in files if file.name != "phrases.py")
