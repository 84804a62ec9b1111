# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal's records as a table for a terminal, in the controller's time."""

from __future__ import annotations

import io
import json
from datetime import datetime
from typing import Any, Iterable, List, Mapping

PHASE_STYLES = {"started": "cyan", "done": "green", "failed": "red", "closed": "yellow", "note": "dim"}


def table(records: Iterable[Mapping[str, Any]], width: int = 120, colored: bool = False) -> List[str]:
    """Lines, oldest record first. Of a job as a whole the step is empty."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("time", "who", "subject", "job", "step", "phase"):
        shown.add_column(heading, no_wrap=True)
    shown.add_column("evidence", overflow="fold", ratio=1)
    for record in records:
        at = datetime.fromisoformat(record["at"].replace("Z", "+00:00")).astimezone()
        phase = Text(record["phase"], style=PHASE_STYLES.get(record["phase"], ""))
        place = [record["who"], record["subject"], record["job"], record["step"]]
        cells = [Text(str(one)) for one in (at.strftime("%Y-%m-%d %H:%M:%S"), *place)]
        shown.add_row(*cells, phase, Text(_evidence(record["evidence"])))
    screen = io.StringIO()
    console = Console(file=screen, width=width, force_terminal=colored, no_color=not colored, legacy_windows=False)
    console.print(shown)
    return [line.rstrip() for line in screen.getvalue().splitlines() if line.strip()]


def _evidence(evidence: Mapping[str, Any]) -> str:
    return "\n".join("%s: %s" % (name, _plain(value)) for name, value in evidence.items() if name != "phrases")


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
