# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes judgements.md: every judgement of every check in one table, from the tables the checks themselves use."""

from __future__ import annotations

import sys
from pathlib import Path

from ansible_collections.cloudops.hypervisor.plugins.module_utils.examination import CHECKS
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Judgement
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements import common
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.model import OTHERS

HEAD = """\
# Every judgement

Made from `plugins/module_utils/judgements/` by `docs/judgements.py`; do not edit.
A site overrides a status by its code (option `statuses` of `node_health`); what could not be read stays `unknown`.
"""


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def section(title: str, rows: list[Judgement]) -> str:
    lines = [f"\n## {title}\n", "| code | status | says | what to do | source |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        words = f"{cell(row.en.message)}<br>{cell(row.ko.message)}"
        remedy = f"{cell(row.en.remedy)}<br>{cell(row.ko.remedy)}" if row.en.remedy else ""
        lines.append(f"| `{row.code}` | {row.status.value} | {words} | {remedy} | {cell(row.reference)} |")
    return "\n".join(lines) + "\n"


def document() -> str:
    sections = [section("Any check", list(common.TABLE.values()))]
    tables = {**{name: check.table for name, check in CHECKS.items()}, **OTHERS}
    sections += [section(name, list(table.values())) for name, table in tables.items()]
    return HEAD + "".join(sections)


if __name__ == "__main__":
    (Path(__file__).parent / "judgements.md").write_text(document(), encoding="utf-8")
    sys.stdout.write("docs/judgements.md written\n")
