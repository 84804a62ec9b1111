# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The findings of one check in lines: the worst first, each with its evidence and what to do."""

from __future__ import annotations

import textwrap
from typing import Any, Iterable, List, Mapping

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding, Judgement, fill
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.common import TABLE as COMMON
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import restored, told
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.model import printable
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.words import say

WIDTH = 116
LABEL = 12


def lines(check: Mapping[str, Any], table: Mapping[str, Judgement], language: str = "en") -> List[str]:
    """``check``: a check's result in the health contract's form."""
    rows = {**COMMON, **table}
    found: List[str] = []
    for finding in check["findings"]:
        row = rows[finding["code"]]
        words = row.ko if language == "ko" else row.en
        one = Finding(finding["code"], finding["subject"], finding["values"])
        found += _labelled(say(language, "status." + finding["status"]), [fill(words.message, one, language)])
        phrases = finding.get("phrases") or {}
        evidence = [told(restored(said, phrases), language) for said in finding["evidence"]]
        found += _labelled(say(language, "label.evidence"), evidence)
        found += _labelled(say(language, "label.remedy"), [fill(words.remedy, one, language)] if words.remedy else [])
    return found


def _labelled(label: str, said: Iterable[str]) -> List[str]:
    found: List[str] = []
    for text in said:
        wrapped = textwrap.wrap(str(printable(text)), WIDTH - LABEL) or [""]
        found += [
            "%s%s" % (("" if found else label).ljust(LABEL) if not at else " " * LABEL, line)
            for at, line in enumerate(wrapped)
        ]
    return found
