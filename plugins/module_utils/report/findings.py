# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A few findings on a terminal: each with its evidence, and what is to be done."""

from __future__ import annotations

import io
from typing import Any, List, Mapping, Sequence

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding, fill
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.common import TABLE as COMMON
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.model import OTHERS, printable
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.words import say

STYLES = {"critical": "bold red", "unknown": "bold magenta", "warning": "bold yellow", "ok": "green"}
EVIDENCE_LINES = 5


def lines(
    findings: Sequence[Mapping[str, Any]], language: str = "en", width: int = 120, colored: bool = False
) -> List[str]:
    """``findings``: as a check's result has them, the worst first."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows = {**COMMON, **{code: row for table in OTHERS.values() for code, row in table.items()}}
    screen = io.StringIO()
    console = Console(file=screen, width=width, force_terminal=colored, no_color=not colored, legacy_windows=False)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for finding in findings:
        row = rows[finding["code"]]
        words = row.ko if language == "ko" else row.en
        one = Finding(finding["code"], finding["subject"], finding["values"])
        status = Text(say(language, "status." + finding["status"]), style=STYLES.get(finding["status"], "dim"))
        grid.add_row(status, Text(str(printable("%s: %s" % (finding["subject"], fill(words.message, one, language))))))
        for line in finding["evidence"][:EVIDENCE_LINES]:
            grid.add_row(Text(say(language, "label.evidence"), style="dim"), Text(str(printable(line)), style="dim"))
        if words.remedy:
            grid.add_row(Text(say(language, "label.remedy"), style="dim"), Text(fill(words.remedy, one, language)))
    console.print(grid)
    return [line.rstrip() for line in screen.getvalue().splitlines() if line.strip()]
