# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where one VM is, on a terminal: what is well in a line, what contradicts, then each witness in its own words."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding, fill
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.common import TABLE as COMMON
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.vm_where import TABLE as VM_WHERE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.vnc import TABLE as VNC
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.model import natural, printable
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.words import say

STYLES = {"critical": "bold red", "unknown": "bold magenta", "warning": "bold yellow", "ok": "green"}
TABLES = {**COMMON, **VM_WHERE, **VNC}
PLACES = ("vm_where_twice", "vm_where_twice_suspected", "vm_where_runs", "vm_where_rests", "vm_where_off")
_RESTS = ("crashed", "dying", "shutdown", "paused")

Row = Tuple[str, str, str]


def page(
    where: Mapping[str, Any],
    lease: Optional[Mapping[str, Any]] = None,
    records: Optional[Sequence[Mapping[str, Any]]] = None,
    language: str = "en",
    width: int = 120,
    colored: bool = False,
) -> List[str]:
    """``where``: what vm_whereabouts returned; ``lease``: what vm_lease_info did; ``records``: the VM's.

    What is None was not read, and is not told.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    screen = io.StringIO()
    console = Console(file=screen, width=width, force_terminal=colored, no_color=not colored, legacy_windows=False)
    for vm in where["vms"]:
        title = Text("%s  %s" % (", ".join(vm["names"]) or "-", vm["vm"]), style="bold")
        grid = Table.grid(padding=(0, 2))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for label, said, style in (*_findings(vm, language), *_witnesses(where, vm, lease, records, language)):
            lines = "\n".join(str(printable(line)) for line in said.split("\n"))
            grid.add_row(Text(str(printable(label)), style=style or "dim"), Text(lines))
        console.print(title)
        console.print(grid)
    for name, uuids in where["unresolved"].items():
        key = "where.ambiguous" if uuids else "where.unresolved"
        console.print(
            Text(str(printable(say(language, key, name=name, vms=", ".join(uuids)))), style=STYLES["unknown"])
        )
        for row in _silent(where, language):
            console.print(Text("%s  %s" % row[:2]))
    return [line.rstrip() for line in screen.getvalue().splitlines() if line.strip()]


def _findings(vm: Mapping[str, Any], language: str) -> Iterable[Row]:
    """Where it is, then the worst first, as the check has them; a remedy under what has one."""
    for finding in sorted(vm["health"]["findings"], key=lambda one: one["code"] not in PLACES):
        row = TABLES[finding["code"]]
        words = row.ko if language == "ko" else row.en
        one = Finding(finding["code"], finding["subject"], finding["values"])
        about = "" if finding["subject"].partition(" ")[0] == vm["vm"] else finding["subject"] + ": "
        yield (
            say(language, "status." + finding["status"]),
            about + fill(words.message, one, language),
            STYLES[finding["status"]],
        )
        if words.remedy:
            yield say(language, "label.remedy"), fill(words.remedy, one, language), ""


def _witnesses(
    where: Mapping[str, Any],
    vm: Mapping[str, Any],
    lease: Optional[Mapping[str, Any]],
    records: Optional[Sequence[Mapping[str, Any]]],
    language: str,
) -> Iterable[Row]:
    for label, said in (
        *_database(where, vm, language),
        *_nodes(where, vm, language),
        *_configs(vm, language),
        *_images(vm, language),
        *(() if lease is None else [("lease", _lease(lease, language))]),
        *(() if records is None else _journal(records, language)),
    ):
        yield (say(language, "where." + label) if label in LABELS else label), said, ""
    yield from _silent(where, language)


LABELS = ("database", "config", "image", "lease", "journal")


def _database(where: Mapping[str, Any], vm: Mapping[str, Any], language: str) -> Iterable[Tuple[str, str]]:
    if not where["database"]["read"]:
        problem = where["database"]["problem"]
        yield (
            "database",
            say(language, "where.unread", problem=problem) if problem else say(language, "where.not_asked"),
        )
        return
    for row in vm["rows"]:
        disks = ", ".join("%(uuid)s %(imgtype)s" % disk for disk in row["disks"]) or "-"
        yield "database", say(language, "where.row", node=row["node"] or "?", display=_or(row["display"]), disks=disks)
    if not vm["rows"]:
        yield "database", say(language, "where.no_row")


def _nodes(where: Mapping[str, Any], vm: Mapping[str, Any], language: str) -> Iterable[Tuple[str, str]]:
    for node in sorted(where["nodes"]["answered"], key=natural):
        domains = [one for one in vm["domains"] if one["node"] == node]
        others = [place for place in vm["places"] if place["node"] == node and place["kind"] != "domain"]
        for one in domains:
            memory, port = one["memory_kib"] // 1024, _or(one["vnc"]["listening"])
            state = _state(one["state"], language)
            said = say(language, "where.domain", id=one["id"], name=one["name"], state=state, port=port, memory=memory)
            disks = ["%s %s" % (disk["vdev"], _or(disk["path"])) for disk in one["disks"]]
            nics = ["%s %s" % (nic["mac"], _or(nic["bridge"])) for nic in one["nics"]]
            yield node, "\n".join([said, *disks, *nics])
        for place in others:
            yield node, place["evidence"]
        if not domains and not others:
            yield node, say(language, "where.nothing")


def _silent(where: Mapping[str, Any], language: str) -> Iterable[Row]:
    out = where["nodes"]["out_of_service"]
    for node in sorted(set(where["nodes"]["names"]) - set(where["nodes"]["answered"]), key=natural):
        if node in out:
            yield node, say(language, "where.out", how=out[node]), ""
        else:
            yield node, say(language, "where.silent"), STYLES["unknown"]


def _state(state: Mapping[str, Any], language: str) -> str:
    kind = next((name for name in _RESTS if state.get(name)), "running")
    return say(language, "where.state." + kind, reason=state.get("shutdown_reason") or "?")


def _configs(vm: Mapping[str, Any], language: str) -> Iterable[Tuple[str, str]]:
    for one in vm["configs"]:
        values = {"display": _or(one["display"]), "memory": _or(one["memory_mib"]), "nodes": ", ".join(one["hosts"])}
        yield "config", "%s\n%s" % (one["path"], say(language, "where.settings", **values))


def _images(vm: Mapping[str, Any], language: str) -> Iterable[Tuple[str, str]]:
    """One line for what several nodes find in the same way."""
    found: Dict[Tuple[str, Any, Any], List[str]] = {}
    for image in vm["images"]:
        found.setdefault((image["path"], image["volume"], image["inode"]), []).append(image["node"])
    for (path, volume, inode), nodes in found.items():
        key = "where.no_file" if inode is None else "where.inode"
        said = say(language, key, inode=inode, volume=_or(volume), nodes=", ".join(sorted(nodes, key=natural)))
        yield "image", "%s\n%s" % (path, said)


def _lease(lease: Mapping[str, Any], language: str) -> str:
    if not lease or lease.get("locked") is None:
        return say(language, "where.unread", problem=lease.get("problem") or "-")
    record = lease["record"]
    if record is None:
        return say(language, "where.never")
    holder = "%(node)s/%(job)s" % record
    key = "where.held" if lease["locked"] else "where.left" if record["held"] else "where.free"
    return say(language, key, holder=holder)


def _journal(records: Sequence[Mapping[str, Any]], language: str) -> Iterable[Tuple[str, str]]:
    for record in records:
        at = datetime.fromisoformat(record["at"].replace("Z", "+00:00")).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        words = [at, record["who"], record["job"], record["step"], record["phase"]]
        reason = str(record["evidence"].get("reason") or record["evidence"].get("failure") or "")
        yield "journal", "  ".join(filter(None, [*words, reason]))
    if not records:
        yield "journal", say(language, "where.no_records")


def _or(value: Any) -> str:
    return "-" if value is None else str(value)
