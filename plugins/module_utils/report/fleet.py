# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A snapshot of a zone in lines: a VM a line, what is disputed first."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, List, Mapping

from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.model import printable
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.words import say

ORDER = ("disputed", "unknown", "agreed")


def page(snapshot: Mapping[str, Any], language: str = "en", problems: bool = False) -> List[str]:
    """``problems``: those that agree are only counted."""
    at = datetime.fromtimestamp(snapshot["at"], timezone.utc).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    verified = "fleet.verified" if snapshot["verified"] else "fleet.unverified"
    lines = [say(language, "fleet.head", zone=snapshot["zone"], at=at, verified=say(language, verified))]
    vms = sorted(snapshot["vms"], key=lambda one: (ORDER.index(one["standing"]), one["name"] or "", one["vm"]))
    shown = [one for one in vms if not problems or one["standing"] != "agreed"]
    rows = [_row(one, language) for one in shown]
    widths = [max((len(row[at]) for row in rows), default=0) for at in range(7)]
    for row, one in zip(rows, shown):
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
        lines += ["    %s" % printable(said) for said in one["why"]]
    counts = {name: sum(one["standing"] == name for one in vms) for name in ORDER}
    lines.append(say(language, "fleet.counts", **counts))
    if snapshot["silent"]:
        lines.append(say(language, "fleet.silent", nodes=", ".join(snapshot["silent"])))
    for name, how in (snapshot.get("out_of_service") or {}).items():
        lines.append("%s  %s" % (name, say(language, "where.out", how=how)))
    lines += ["%s: %s" % (node, ", ".join(said)) for node, said in sorted(snapshot["missing"].items())]
    if snapshot["database"] != "read":
        lines.append(say(language, "fleet.database", why=snapshot["database"]))
    return [str(printable(line)) for line in lines]


def _row(one: Mapping[str, Any], language: str) -> List[str]:
    display = one["display"] if one["display"] is not None else one["configured_display"]
    memory = "-" if one["memory_mib"] is None else "%d MiB" % one["memory_mib"]
    return [
        say(language, "fleet." + one["standing"]),
        one["name"] or "-",
        one["vm"],
        one["node"] or ", ".join(one["places"]) or "-",
        one["state"] + (" (%s)" % one["wanted"] if one["wanted"] else ""),
        "-" if display is None else ":%d" % display,
        memory,
    ]
