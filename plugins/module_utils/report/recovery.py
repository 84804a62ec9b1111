# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A recovery on a terminal: what is known of each node in doubt, the plan, how far it is, and how each VM came out."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any, Callable, Dict, Iterable, List, Mapping, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding, fill
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.node_death import TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import restored, told
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.model import natural, printable
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.words import say

STYLES = {"critical": "bold red", "unknown": "bold magenta", "warning": "bold yellow", "ok": "green"}
WAYS = {"undecided": STYLES["unknown"], "not started": STYLES["warning"], "runs": STYLES["ok"]}
RECENT = 12

Row = Tuple[str, str, str]


def page(
    decision: Mapping[str, Any], part: str, language: str = "en", width: int = 120, colored: bool = False
) -> List[str]:
    """``decision``: what ha_decision returned, with ``saved``, the plan's header, and ``records``, where there are."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    screen = io.StringIO()
    console = Console(file=screen, width=width, force_terminal=colored, no_color=not colored, legacy_windows=False)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for label, words, style in PARTS[part](decision, language):
        grid.add_row(Text(str(printable(label)), style=style or "dim"), Text(str(printable(words))))
    if part != "turn":
        console.print(Text(str(printable(say(language, "ha.zone", zone=decision["zone"]))), style="bold"))
    console.print(grid)
    return [line.rstrip() for line in screen.getvalue().splitlines() if line.strip()]


def said(text: str, whose: Mapping[str, Any], language: str) -> str:
    """A text of a decision, a step or a record, which have their phrases beside it."""
    return told(restored(text, whose.get("phrases") or {}), language)


def _turn(decision: Mapping[str, Any], language: str) -> Iterable[Row]:
    yield decision["stage"], said(decision["why"], decision, language), ""
    for step in decision["steps"]:
        if step["kind"] not in ("observe", "plan", "close"):
            subject = _called(decision, step["subject"])
            target = "-> " + step["node"] if step.get("node") else ""
            yield step["kind"], " ".join(filter(None, (subject, target))), ""


def _doubted(decision: Mapping[str, Any]) -> List[str]:
    return sorted((name for name, one in decision["nodes"].items() if not one["answers"]), key=natural)


def _verdict(decision: Mapping[str, Any], language: str) -> Iterable[Row]:
    doubted = _doubted(decision)
    for name in doubted:
        yield from _node(name, decision, language)
    if not doubted:
        yield say(language, "status.ok"), say(language, "ha.well"), STYLES["ok"]
    yield from _database(decision, language)


def _node(name: str, decision: Mapping[str, Any], language: str) -> Iterable[Row]:
    node = decision["nodes"][name]
    row = TABLE["node_" + node["verdict"]]
    words = row.ko if language == "ko" else row.en
    finding = Finding(row.code, name, {"missing": ", ".join(node["missing"])})
    rule = say(language, "ha.row", rule=node["rule"]) if node["rule"] else "-"
    age = say(language, "ha.read", age="%.0f" % node["age"])
    yield name, "%s (%s; %s)" % (fill(words.message, finding, language), rule, age), STYLES[row.status.value]
    if node["missing"]:
        yield "", say(language, "ha.missing", what=", ".join(node["missing"])), ""
    if node["maintenance"]:
        yield "", say(language, "ha.maintenance"), STYLES["warning"]
    elif words.remedy:
        yield say(language, "label.remedy"), fill(words.remedy, finding, language), ""
    for what, one in node["readings"].items():
        yield what, "; ".join(said(each, decision, language) for each in (one["reading"], *one["evidence"])), ""
    quorum = node["quorum"]
    if quorum is None:
        return
    why = said(quorum["why"], decision, language)
    if quorum["decided_at"] is None:
        yield "T", say(language, "ha.quorum_unknown", why=why), ""
    else:
        at = datetime.fromtimestamp(quorum["decided_at"]).astimezone().strftime("%H:%M:%S")
        yield "T", say(language, "ha.quorum", left="%.0f" % quorum["left"], at=at, why=why), ""


def _database(decision: Mapping[str, Any], language: str) -> Iterable[Row]:
    if decision["database"]["problem"]:
        yield "DB", say(language, "ha.database", why=decision["database"]["problem"]), STYLES["warning"]


def _plan(decision: Mapping[str, Any], language: str) -> Iterable[Row]:
    yield from _verdict(decision, language)
    yield "", "", ""
    shown = [step for step in decision["steps"] if step["kind"] == "plan"]
    if not shown:
        yield decision["stage"], said(decision["why"], decision, language), STYLES["unknown"]
        for step in decision["steps"]:
            if step["kind"] == "word":
                yield "?", "%s: %s" % (step["subject"], said(step["why"], decision, language)), STYLES["unknown"]
        if not decision["outs"]:
            yield "", say(language, "ha.nothing"), ""
        yield from _outs(decision, language)
        return
    (plan,) = shown
    for name, why in plan["fences"].items():
        yield say(language, "ha.fence"), "%s: %s" % (name, said(why, decision, language)), STYLES["critical"]
    for vm, node in plan["starts"].items():
        yield say(language, "ha.start"), say(language, "ha.on", vm=_called(decision, vm), node=node), STYLES["ok"]
    for vm, out in plan["left"].items():
        yield say(language, "ha.left"), _out(decision, vm, out, language), STYLES["warning"]
    yield from _remedy(decision, language)
    approval, saved = plan.get("approval"), decision.get("saved")
    if saved:
        yield "", say(language, "ha.saved", id=saved["id"], sha256=saved["sha256"]), ""
    if approval and approval["refused"]:
        yield "", say(language, "ha.refused", why=said(approval["refused"], decision, language)), STYLES["critical"]
    elif approval:
        yield "", say(language, "ha.approved", by=approval["by"]), STYLES["ok"]
    elif saved:
        yield "", say(language, "ha.approve", id=saved["id"], sha256=saved["sha256"]), ""


def _remedy(decision: Mapping[str, Any], language: str) -> Iterable[Row]:
    remedy = decision["remedy"] or {}
    moves = [
        "%s %s -> %s" % (_called(decision, one["vm"]), one["source"], one["target"]) for one in remedy.get("moves", ())
    ]
    memory = ["%s +%d MiB" % (node, -(-kib // 1024)) for node, kib in remedy.get("memory", ())]
    if moves:
        yield "", say(language, "ha.moves", moves=", ".join(moves)), ""
    if memory:
        yield "", say(language, "ha.memory", memory=", ".join(memory)), ""


def _outs(decision: Mapping[str, Any], language: str) -> Iterable[Row]:
    """Those that do not run first."""
    for way, style in WAYS.items():
        for vm, out in decision["outs"].items():
            if out["way"] == way:
                yield say(language, "ha." + way), _out(decision, vm, out, language), style


def _out(decision: Mapping[str, Any], vm: str, out: Mapping[str, Any], language: str) -> str:
    words = [said(text, decision, language) for text in (out["why"], out["do"]) if text]
    return "%s: %s" % (_called(decision, vm), ". ".join(words))


def _called(decision: Mapping[str, Any], vm: str) -> str:
    names = [name for name in decision["vms"].get(vm, ()) if not name.startswith(("/", "("))]
    return "%s %s" % (names[0], vm) if names else vm


def _close(decision: Mapping[str, Any], language: str) -> Iterable[Row]:
    yield decision["stage"], said(decision["why"], decision, language), ""
    yield from _outs(decision, language)
    yield from _database(decision, language)


def _status(decision: Mapping[str, Any], language: str) -> Iterable[Row]:
    at = decision["open"]
    yield "", say(language, "ha.open", at=at) if at else say(language, "ha.closed"), STYLES["warning" if at else "ok"]
    for record in [one for one in decision.get("records", ()) if one["step"]][-RECENT:]:
        evidence = record["evidence"]
        step = " ".join(filter(None, (evidence.get("kind"), _called(decision, str(evidence.get("subject") or "")))))
        why = str(evidence.get("said") or evidence.get("reason") or evidence.get("why") or "")
        yield "", "%s  %s  %s  %s" % (record["at"], step, record["phase"], said(why, evidence, language)), ""
    if at:
        yield decision["stage"], said(decision["why"], decision, language), ""
    yield from _verdict(decision, language)
    yield from _outs(decision, language)


PARTS: Dict[str, Callable[[Mapping[str, Any], str], Iterable[Row]]] = {
    "turn": _turn,
    "verdict": _verdict,
    "plan": _plan,
    "close": _close,
    "status": _status,
}
