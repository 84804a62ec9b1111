# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The VMs of a zone and their VNC ports as a table for a terminal, one a line."""

from __future__ import annotations

import io
from typing import Any, Dict, List, Mapping

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding, fill
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.vnc import TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.model import natural, printable
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.words import say

STYLES = {"critical": "bold red", "unknown": "magenta", "warning": "yellow", "ok": "green"}
QUIET = ("vnc_in_step", "vnc_off", "vnc_without_console")


def table(
    sync: Mapping[str, Any], language: str = "en", every: bool = True, width: int = 120, colored: bool = False
) -> List[str]:
    """``sync``: what vncport_sync returned. Without ``every``, what is in step or off is only counted."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("node", "vm", "database", "really"):
        shown.add_column(say(language, "vnc.heading." + heading), no_wrap=True)
    shown.add_column("", overflow="fold", ratio=1)
    changes = {change["vm"]: change for change in sync["changes"]}
    quiet = 0
    for node in sorted(sync["nodes"], key=natural):
        health = sync["nodes"][node]["checks"]["vnc"]
        words = _words(health["findings"], language)
        for vm in health["facts"]["vms"]:
            change = changes.get(vm["vm"])
            if not every and change is None and vm["standing"] in QUIET:
                quiet += 1
                continue
            status, said = words.get((vm["standing"], vm["vm"]), ("", ""))
            if change is not None:
                before = "NULL" if change["before"] is None else change["before"]
                done = "corrected" if sync["changed"] and vm["standing"] == "vnc_in_step" else "planned"
                said = say(language, "vnc." + done, before=before, after=change["after"])
            lie = words.get(("vnc_command_line_lies", vm["vm"]))
            if lie is not None:
                said = "%s; %s" % (said, lie[1])
            name = "%s %s" % (vm["vm"], vm["name"]) if vm["name"] else vm["vm"]
            numbers = ["-" if vm[key] is None else str(vm[key]) for key in ("database_display", "display")]
            cells = [Text(str(printable(one))) for one in (node, name, *numbers)]
            shown.add_row(*cells, Text(str(printable(said)), style=STYLES.get(status, "")))
    screen = io.StringIO()
    console = Console(file=screen, width=width, force_terminal=colored, no_color=not colored, legacy_windows=False)
    if shown.row_count:
        console.print(shown)
    lines = [line.rstrip() for line in screen.getvalue().splitlines() if line.strip()]
    return [*lines, say(language, "vnc.quiet", n=quiet)] if quiet else lines


def _words(findings: List[Mapping[str, Any]], language: str) -> Dict[Any, Any]:
    """(status, words) by a finding's code and VM, whose subject may have its name behind its uuid."""
    words = {}
    for finding in findings:
        row = TABLE.get(finding["code"])
        one = Finding(finding["code"], finding["subject"], finding["values"])
        said = (
            finding["message"] if row is None else fill((row.ko if language == "ko" else row.en).message, one, language)
        )
        words[finding["code"], finding["subject"].partition(" ")[0]] = (finding["status"], said)
    return words
