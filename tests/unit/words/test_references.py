# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.examination import CHECKS
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements import common
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.model import OTHERS

RULES = (Path(__file__).resolve().parents[3] / "docs" / "rules.md").read_text(encoding="utf-8")
HEADINGS = re.findall(r"^#+ (.*)$", RULES, re.MULTILINE)
ANCHORS = {"docs/rules.md#" + re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in HEADINGS}
SECTIONS = set(re.findall(r"^- (.*)$", RULES.partition("## The runbook's sections")[2], re.MULTILINE))
TABLES = [common.TABLE, *OTHERS.values(), *(check.table for check in CHECKS.values())]
REFERENCES = sorted({row.reference for table in TABLES for row in table.values()})


@pytest.mark.parametrize("reference", REFERENCES)
def test_a_reference_leads_to_a_section_of_the_runbook_or_to_a_rule(reference):
    for part in reference.split("; "):
        section, _colon, item = part.partition(": ")
        assert part in ANCHORS or section in SECTIONS, part
        assert part not in ANCHORS or not item


def test_every_rule_is_one_that_a_finding_or_the_code_stands_on():
    files = (Path(__file__).resolve().parents[3] / "plugins").rglob("*.py")
    code = "\n".join(file.read_text(encoding="utf-8") for file in files)
    numbers = [heading.removeprefix("Rule ") for heading in HEADINGS if heading.startswith("Rule ")]
    unused = [number for number in numbers if not re.search(rf"rule[- ]{number}\b", code)]
    assert not unused
