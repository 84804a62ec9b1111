# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report on a terminal: one line a node, the worst first, then the findings, then what was well, then the verdict.

Findings with the same words are shown once with the nodes they stand for; healthy nodes share a line.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Callable, Dict, Iterable, List, Sequence, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import severity
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.model import (
    NO_CHECK,
    PROBLEMS,
    NodeReport,
    Report,
    ReportFinding,
    fold_names,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.words import job_title, minute, say

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

NODE_LINES = 40
SAME_CODE = 5
EVIDENCE_LINES = 5
NAMES = 12
STYLES = {
    "critical": "red",
    "unknown": "magenta",
    "warning": "yellow",
    "ok": "green",
    "skipped": "dim",
    "not fit": "red",
    "not proven": "magenta",
    "fit": "green",
}
MARKS = {"not fit": "✗", "not proven": "?", "fit": "✓"}

Group = List[Tuple[NodeReport, ReportFinding]]
Key = Callable[[ReportFinding], Tuple[str, ...]]


def render(report: Report, width: int, color: bool, notes: Sequence[str] = ()) -> str:
    """``notes``: what a person should know of this report itself, such as where its files are."""
    from rich.console import Console

    written = io.StringIO()
    console = Console(
        file=written,
        width=width,
        color_system="standard" if color else None,
        force_terminal=color,
        no_color=not color,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=False,
    )
    for table in _Screen(report, width).tables(notes):
        console.print(table)
        console.print()
    return "\n".join(line.rstrip() for line in written.getvalue().rstrip().splitlines())


class _Screen:
    def __init__(self, report: Report, width: int) -> None:
        from rich.cells import cell_len

        self._report = report
        self._width = width
        first = [self._mark(verdict) for verdict in MARKS]
        first += [self._say("status." + status) for status in (*PROBLEMS, "ok", "skipped")]
        first += [self._say("label." + label) for label in ("evidence", "remedy", "reference", "gone", "unproven")]
        self._first = max(cell_len(text) for text in first)

    def tables(self, notes: Sequence[str]) -> Iterable[Table]:
        yield self._title()
        yield self._nodes()
        for groups in _by_code(self._report):
            for group in groups[:SAME_CODE]:
                yield self._finding(group)
            if groups[SAME_CODE:]:
                yield self._more(groups[SAME_CODE:])
        for table in (self._earlier(), self._well()):
            if table.row_count:
                yield table
        yield self._end(notes)

    def _say(self, key: str, **values: object) -> str:
        return say(self._report.language, key, **values)

    def _grid(self, *columns: int) -> Table:
        """A first column for labels, the same in all tables, and further ones."""
        from rich.table import Table

        grid = Table.grid(padding=(0, 2))
        grid.add_column(width=self._first, no_wrap=True)
        for max_width in columns:
            grid.add_column(max_width=max_width or None, overflow="fold")
        return grid

    def _title(self) -> Table:
        from rich.table import Table

        grid = Table.grid()
        grid.add_column(overflow="fold")
        title = job_title(self._report.language, self._report.job)
        time = "%s %s" % (minute(self._report.created, self._report.created), self._report.created[-6:])
        grid.add_row(_styled((title, "bold"), ("  " + time, "dim")))
        return grid

    def _nodes(self) -> Table:
        ailing = [node for node in self._report.nodes if node.problems]
        grid = self._grid(max(self._width // 3, 12), 0)
        for node in ailing[:NODE_LINES]:
            checks = ", ".join(
                check.findings[0].code if check.check == NO_CHECK else check.check
                for check in node.checks
                if check.status in PROBLEMS
            )
            said = self._counts({status: _count(node.findings, status) for status in PROBLEMS})
            said.append("  " + checks, "dim")
            grid.add_row(self._verdict(node.verdict), node.name, said)
        for verdict in self._report.verdicts:
            folded = [node for node in ailing[NODE_LINES:] if node.verdict == verdict]
            healthy = [node for node in self._report.nodes if not node.problems and node.verdict == verdict]
            for nodes in (folded, healthy):
                if len(nodes) == 1:
                    grid.add_row(self._verdict(verdict), nodes[0].name, "")
                elif nodes:
                    grid.add_row(self._verdict(verdict), self._say("count.nodes", n=len(nodes)), self._names(nodes))
        return grid

    def _mark(self, verdict: str) -> str:
        return "%s %s" % (MARKS[verdict], self._say("verdict." + verdict))

    def _verdict(self, verdict: str) -> Text:
        return _styled((self._mark(verdict), "bold " + STYLES[verdict]))

    def _status(self, status: str) -> Text:
        return _styled((self._say("status." + status), "bold " + STYLES[status]))

    def _counts(self, counts: Dict[str, int]) -> Text:
        parts = []
        for status, number in counts.items():
            if number:
                parts += [(", ", ""), (self._say("count." + status, n=number), STYLES[status])]
        return _styled(*parts[1:])

    def _names(self, nodes: Sequence[NodeReport]) -> Text:
        folded = fold_names(node.name for node in nodes)
        return _styled((", ".join(folded[:NAMES] + ["…"] * (len(folded) > NAMES)), "dim"))

    def _finding(self, group: Group) -> Table:
        node, finding = group[0]
        nodes = [node for node, _finding in group]
        head = _styled((node.name, "bold"))
        if len(nodes) > 1:
            head = _styled((self._say("count.nodes", n=len(nodes)), "bold"), (" ", ""))
            head.append_text(self._names(nodes))
        if finding.check != NO_CHECK:
            head.append("  " + finding.check)
        if finding.subject not in ("", finding.check, node.name):
            head.append("  " + finding.subject)
        since = min(finding.since for _node, finding in group)
        if finding.new:
            head.append("  " + self._say("label.new"), "bold cyan")
        elif since != self._report.created:
            head.append("  %s %s" % (self._say("label.since"), minute(since, self._report.created)), "dim")
        grid = self._grid(0)
        grid.add_row(self._status(finding.status), head)
        grid.add_row("", finding.message)
        evidence = [line for line in finding.evidence if line not in finding.message]
        if evidence:
            lines = evidence[:EVIDENCE_LINES]
            if len(evidence) > len(lines):
                lines.append("… " + self._say("count.more_evidence", n=len(evidence) - len(lines)))
            grid.add_row(self._label("evidence"), _styled(("\n".join(lines), "dim")))
        if finding.remedy:
            grid.add_row(self._label("remedy"), finding.remedy)
        grid.add_row(self._label("reference"), _styled((finding.reference, "dim")))
        return grid

    def _label(self, name: str) -> Text:
        return _styled((self._say("label." + name), "dim"))

    def _more(self, groups: Sequence[Group]) -> Table:
        nodes = {node.name: node for group in groups for node, _finding in group}
        _node, finding = groups[0][0]
        number = sum(len(group) for group in groups)
        said = _styled(("… " + self._say("count.more_findings", n=number, code=finding.code) + "  ", ""))
        said.append_text(self._names(list(nodes.values())))
        grid = self._grid(0)
        grid.add_row(self._status(finding.status), said)
        return grid

    def _earlier(self) -> Table:
        grid = self._grid(0)
        for label, pairs in (("gone", self._report.gone), ("unproven", self._report.unproven)):
            for (check, code), same in _grouped(pairs, lambda finding: (finding.check, finding.code)).items():
                node, finding = same[0]
                if len(same) <= SAME_CODE:
                    for node, finding in same:
                        told = "  %s  %s" % (check, ": ".join(filter(None, (finding.subject, finding.message))))
                        grid.add_row(self._label(label), _styled((node.name, "bold"), (told, "dim")))
                else:
                    nodes = list({node.name: node for node, _finding in same}.values())
                    said = _styled((self._say("count.nodes", n=len(nodes)), "bold"), ("  %s  %s  " % (check, code), ""))
                    said.append_text(self._names(nodes))
                    grid.add_row(self._label(label), said)
        return grid

    def _well(self) -> Table:
        """What was looked at and found well, or is not there and why: a check a line while the nodes agree."""
        grid = self._grid(0, 0)
        for status in ("ok", "skipped"):
            label = self._status(status)
            pairs = [
                (node, finding)
                for node in self._report.nodes
                for check in node.checks
                for finding in check.findings
                if check.status == status
            ]
            for (check,), same in _grouped(pairs, lambda finding: (finding.check,)).items():
                nodes = {node.name for node, _finding in same}
                messages = list(dict.fromkeys(finding.message for _node, finding in same))
                said = "; ".join(messages)
                if len(nodes) > 1 and len(messages) > 1:
                    said = self._say("count.on_nodes", n=len(nodes))
                elif len(nodes) < len(self._report.nodes):
                    said += " (%s)" % self._say("count.on_nodes", n=len(nodes))
                grid.add_row(label, check, _styled((said, "dim")))
                label = _styled()
        return grid

    def _end(self, notes: Sequence[str]) -> Table:
        from rich.table import Table

        grid = Table.grid()
        grid.add_column(overflow="fold")
        said = _styled((self._say("count.nodes", n=len(self._report.nodes)) + ":", "bold"))
        for verdict, number in self._report.verdicts.items():
            if number:
                text = self._say("count.verdict", n=number, verdict=self._say("verdict." + verdict))
                said.append("  " + text, "bold " + STYLES[verdict])
        said.append("  ")
        if self._report.previous:
            said.append(self._say("count.changes", new=len(self._report.new), gone=len(self._report.gone)) + " ")
            time = minute(self._report.previous, self._report.created)
            said.append(self._say("changes.since", time=time), "dim")
        else:
            said.append(self._say("changes.first"), "dim")
        grid.add_row(said)
        for note in notes:
            grid.add_row(_styled((note, "")))
        return grid


def _styled(*parts: Tuple[str, str]) -> Text:
    from rich.text import Text

    text = Text()
    for part, style in parts:
        text.append(part, style)
    return text


def _count(findings: Sequence[ReportFinding], status: str) -> int:
    return sum(finding.status == status for finding in findings)


def _grouped(pairs: Iterable[Tuple[NodeReport, ReportFinding]], key: Key) -> Dict[Tuple[str, ...], Group]:
    groups: Dict[Tuple[str, ...], Group] = {}
    for node, finding in pairs:
        groups.setdefault(key(finding), []).append((node, finding))
    return groups


def _by_code(report: Report) -> List[List[Group]]:
    """The problems, the worst first: those of one code together, of these the ones with the same words as one."""
    pairs = [(node, finding) for node in report.nodes for finding in node.problems]
    pairs.sort(key=lambda pair: -severity(pair[1].status))
    codes = _grouped(pairs, lambda finding: (finding.status, finding.check, finding.code))
    return [list(_grouped(same, _words).values()) for same in codes.values()]


def _words(finding: ReportFinding) -> Tuple[str, ...]:
    return (finding.subject, finding.message, finding.remedy, str(finding.new))
