# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the nodes answered as one report: findings between nodes added, worst first, compared with the reports before.

Pure. The words of a finding are rendered here from its code and values, in the language of the report.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import describe
from ansible_collections.cloudops.hypervisor.plugins.module_utils.examination import CHECKS
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import (
    BLOCKED,
    Finding,
    Judgement,
    Status,
    Verdict,
    cause_of,
    rendered,
    severity,
    verdict,
    worst,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.common import TABLE as COMMON
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.ha_outlook import TABLE as HA_OUTLOOK
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.migration import TABLE as MIGRATION
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.node_death import TABLE as NODE_DEATH
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.node_maintenance import (
    TABLE as NODE_MAINTENANCE,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.node_return import TABLE as NODE_RETURN
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.vm_start import TABLE as VM_START
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.vm_where import TABLE as VM_WHERE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.vnc import TABLE as VNC
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase, restored

PROBLEMS = ("critical", "unknown", "warning")
FAIL_ON = ("never", "critical", "unknown", "warning")
# A node that gave no answer has no check; its finding stands under this name.
NO_CHECK = "node"
# What is judged on the controller and is no check of a node.
OTHERS = {
    "node_death": NODE_DEATH,
    "vnc": VNC,
    "vm_where": VM_WHERE,
    "migration": MIGRATION,
    "vm_start": VM_START,
    "node_return": NODE_RETURN,
    "node_maintenance": NODE_MAINTENANCE,
    "ha_outlook": HA_OUTLOOK,
}
IDENTITY = ("hostname", "boot_id", "uptime_seconds", "time", "kernel", "python")

Key = Tuple[str, str, str]
Results = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class ReportFinding:
    """A finding as the report shows it. ``since``: the first of the unbroken row of reports it stands in.

    ``new``: it was not in the last report its node stood in; without such a report nothing is new.
    """

    check: str
    code: str
    subject: str
    values: Mapping[str, Any]
    status: str
    message: str
    evidence: Tuple[str, ...]
    remedy: str
    reference: str
    since: str = ""
    new: bool = False

    @property
    def key(self) -> Key:
        return self.check, self.code, self.subject

    @property
    def problem(self) -> bool:
        return self.status in PROBLEMS


@dataclass(frozen=True)
class CheckReport:
    check: str
    status: str
    findings: Tuple[ReportFinding, ...]
    seconds: Optional[float] = None


@dataclass(frozen=True)
class NodeReport:
    """``gone``: findings of the report before that are proven gone; ``unproven``: those nobody could look at again."""

    name: str
    verdict: str
    checks: Tuple[CheckReport, ...]
    identity: Mapping[str, Any] = field(default_factory=dict)
    gone: Tuple[ReportFinding, ...] = ()
    unproven: Tuple[ReportFinding, ...] = ()

    @property
    def status(self) -> str:
        return worst(Status(check.status) for check in self.checks).value

    @property
    def findings(self) -> Tuple[ReportFinding, ...]:
        return tuple(finding for check in self.checks for finding in check.findings)

    @property
    def problems(self) -> Tuple[ReportFinding, ...]:
        return tuple(finding for finding in self.findings if finding.problem)


@dataclass(frozen=True)
class Parts:
    """Of a run that is sliced over several jobs: how many have reported, of how many."""

    done: int = 1
    of: int = 1


@dataclass(frozen=True)
class Report:
    """``created`` and ``previous`` (the newest report compared with, or empty) are ISO 8601 times."""

    job: str
    run: str
    created: str
    language: str
    nodes: Tuple[NodeReport, ...]
    previous: str = ""
    parts: Parts = field(default_factory=Parts)

    @property
    def status(self) -> str:
        return worst(Status(node.status) for node in self.nodes).value

    @property
    def verdicts(self) -> Dict[str, int]:
        """How many nodes have each verdict, the worst first."""
        order = (Verdict.NOT_FIT, Verdict.NOT_PROVEN, Verdict.FIT)
        return {one.value: sum(node.verdict == one.value for node in self.nodes) for one in order}

    @property
    def counts(self) -> Dict[str, int]:
        """How many findings have each status, the worst first."""
        statuses = [finding.status for node in self.nodes for finding in node.findings]
        return {one.value: statuses.count(one.value) for one in reversed(Status)}

    @property
    def new(self) -> List[Tuple[NodeReport, ReportFinding]]:
        return [(node, finding) for node in self.nodes for finding in node.findings if finding.new]

    @property
    def gone(self) -> List[Tuple[NodeReport, ReportFinding]]:
        return [(node, finding) for node in self.nodes for finding in node.gone]

    @property
    def unproven(self) -> List[Tuple[NodeReport, ReportFinding]]:
        return [(node, finding) for node in self.nodes for finding in node.unproven]


def build(
    results: Results,
    job: str,
    run: str,
    created: str,
    language: str = "en",
    statuses: Optional[Mapping[str, str]] = None,
    history: Iterable[Mapping[str, Any]] = (),
    parts: Optional[Parts] = None,
) -> Report:
    """``results``: what each node's check registered. ``history``: earlier reports as JSON, the newest first; only as
    many are taken from it as it needs to find each node once. ``statuses``: a site's overrides for findings made here.
    """
    nodes = {name: _node(name, result, language) for name, result in results.items()}
    for name, check, finding in _between(results):
        shown = _shown(check, rendered(finding, _rows(check)[finding.code], statuses, language), language)
        nodes[name] = _with_finding(nodes[name], shown)
    before, previous = _before(history, nodes, run)
    compared = [_compared(node, before.get(name), created, language) for name, node in nodes.items()]
    return Report(job, run, created, language, tuple(sorted(compared, key=_worst_first)), previous, parts or Parts())


def reached(report: Report, fail_on: str) -> List[NodeReport]:
    """The nodes for which the run is to fail."""
    if fail_on == "never":
        return []
    return [node for node in report.nodes if severity(node.status) >= severity(fail_on)]


def merged(parts: Iterable[Results]) -> Dict[str, Mapping[str, Any]]:
    """The results of several parts, the oldest first: of a node that was checked again the later one counts."""
    return {name: result for part in parts for name, result in part.items()}


def fold_names(names: Iterable[str]) -> List[str]:
    """n01, n02, n03, m1 as ``m1``, ``n[01-03]``."""
    runs: List[List[str]] = []
    for name in sorted(names, key=natural):
        if runs and _next_name(runs[-1][-1]) == name:
            runs[-1].append(name)
        else:
            runs.append([name])
    folded = []
    for run in runs:
        start, first, end = _number(run[0])
        last = _number(run[-1])[1]
        folded.append(run[0] if len(run) == 1 else "%s[%s-%s]%s" % (start, first, last, end))
    return folded


def natural(name: str) -> List[Tuple[int, str]]:
    """Sorts n2 before n10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", name)]


def printable(value: Any) -> Any:
    """What a node said may not move a cursor, break a line or a document's encoding: such characters are spelt out."""
    if isinstance(value, str):
        return _UNPRINTABLE.sub(lambda match: _spelt(match.group()), value)
    if isinstance(value, Mapping):
        return {str(printable(str(key))): printable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [printable(item) for item in value]
    return value


# C0 and C1 controls, line and paragraph separators, changes of the writing direction, surrogates, non-characters.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]")


def _spelt(character: str) -> str:
    return " " if character in "\t\n" else character.encode("unicode_escape").decode("ascii")


def _rows(check: str) -> Dict[str, Judgement]:
    return {**COMMON, **(CHECKS[check].table if check in CHECKS else OTHERS.get(check, {}))}


def _node(name: str, result: Mapping[str, Any], language: str) -> NodeReport:
    if not result.get("checks"):
        finding = _no_answer(name, result)
        shown = _shown(NO_CHECK, rendered(finding, COMMON[finding.code], None, language), language)
        return NodeReport(name, Verdict.NOT_PROVEN.value, (CheckReport(NO_CHECK, shown.status, (shown,)),))
    took = result.get("took") or {}
    causes = _causes(result["checks"], language)
    checks = [
        CheckReport(
            check,
            health["status"],
            tuple(_shown(check, _with_cause(finding, causes), language) for finding in health["findings"]),
            took.get(check),
        )
        for check, health in result["checks"].items()
    ]
    identity = result.get("node") or {}
    known = {key: printable(identity[key]) for key in IDENTITY if identity.get(key) is not None}
    return _judged(NodeReport(name, "", tuple(checks), known))


def _causes(checks: Results, language: str) -> Dict[str, str]:
    """What the node's findings say where they are named as a cause, and what they say in the report."""
    causes = {}
    for check, health in checks.items():
        for finding in health["findings"]:
            shown = _shown(check, finding, language)
            named = cause_of({"subject": shown.subject, "message": shown.message})
            causes[cause_of(finding)] = named
    return causes


def _with_cause(finding: Mapping[str, Any], causes: Mapping[str, str]) -> Mapping[str, Any]:
    detail = finding["values"].get("detail") if finding["code"] == BLOCKED else None
    # a long one was cut
    said = next((cause for cause in causes if detail and isinstance(detail, str) and cause.startswith(detail)), None)
    return finding if said is None else {**finding, "values": {**finding["values"], "detail": causes[said]}}


def _no_answer(name: str, result: Mapping[str, Any]) -> Finding:
    # what comes before it is Ansible's, and says no more
    said = re.sub(r"^Task failed: ", "", str(result.get("msg") or ""))
    if result.get("unreachable"):
        detail = said or Phrase("no_reason")
        return Finding("node_unreachable", name, {"detail": detail}, (detail,))
    detail = said or Phrase("check_skipped" if result.get("skipped") else "no_result")
    lines = [line for key in ("module_stderr", "exception") for line in str(result.get(key) or "").splitlines()]
    return Finding("node_silent", name, {"detail": detail}, (detail, *[line for line in lines if line.strip()][-3:]))


def _shown(check: str, finding: Mapping[str, Any], language: str) -> ReportFinding:
    """In the words of the report's language; a code this version does not know keeps the words it came with."""
    code, status = str(finding["code"]), str(finding["status"])
    row = _rows(check).get(code)
    if row is not None:
        phrases = finding.get("phrases") or {}
        evidence = tuple(restored(one, phrases) for one in finding["evidence"])
        known = Finding(code, finding["subject"], finding["values"], evidence)
        finding = rendered(known, row, {code: status}, language)
    text = printable(finding)
    return ReportFinding(
        check=check,
        code=text["code"],
        subject=text["subject"],
        values=text["values"],
        status=status,
        message=text["message"],
        evidence=tuple(text["evidence"]),
        remedy=text["remedy"],
        reference=text["reference"],
    )


def _between(results: Results) -> Iterable[Tuple[str, str, Finding]]:
    """(node, check, finding) of what only the nodes together can tell."""
    for name, check in CHECKS.items():
        facts = {}
        for node, result in results.items():
            health = (result.get("checks") or {}).get(name)
            if health and health.get("facts"):
                facts[node] = {**health["facts"], "controller": result.get("clock") or {}}
        if check.compare is None or len(facts) < 2:
            continue
        try:
            found = check.compare(facts)
        except Exception as error:  # the contract: unknown, never a traceback
            defect = Finding("check_failed", name, {"detail": describe(error)}, (describe(error),))
            found = {node: [defect] for node in facts}
        for node, findings in found.items():
            for finding in findings:
                yield node, name, finding


def _with_finding(node: NodeReport, finding: ReportFinding) -> NodeReport:
    checks = []
    for check in node.checks:
        if check.check == finding.check:
            # all is well in itself, and yet not: the good news would contradict it
            good_news = finding.check + "_ok" if finding.problem else ""
            kept = [one for one in check.findings if one.code != good_news] + [finding]
            status = worst(Status(one.status) for one in kept).value
            check = replace(check, status=status, findings=tuple(kept))
        checks.append(check)
    return _judged(replace(node, checks=tuple(checks)))


def _judged(node: NodeReport) -> NodeReport:
    checks = [
        replace(check, findings=tuple(sorted(check.findings, key=lambda one: -severity(one.status))))
        for check in sorted(node.checks, key=lambda one: -severity(one.status))
    ]
    return replace(node, checks=tuple(checks), verdict=verdict(Status(check.status) for check in checks).value)


def _before(
    history: Iterable[Mapping[str, Any]], nodes: Iterable[str], run: str
) -> Tuple[Dict[str, Mapping[str, Any]], str]:
    """(each node as the last report it stood in has it, the time of the newest report)."""
    wanted, found, previous = set(nodes), {}, ""
    for document in history:
        if document["run"] == run:
            continue
        previous = previous or document["created"]
        for node in document["nodes"]:
            if node["name"] in wanted:
                wanted.remove(node["name"])
                found[node["name"]] = node
        if not wanted:
            break
    return found, previous


def _compared(node: NodeReport, before: Optional[Mapping[str, Any]], created: str, language: str) -> NodeReport:
    known: Dict[Key, ReportFinding] = {}
    for raw in _problems_of(before):
        finding = replace(_shown(raw["check"], raw, language), since=raw["since"])
        known[finding.key] = finding
    answered = {
        check.check
        for check in node.checks
        if not any(finding.status == Status.UNKNOWN.value for finding in check.findings)
    }
    if any(check.check != NO_CHECK for check in node.checks):
        answered.add(NO_CHECK)
    now = {finding.key for finding in node.problems}
    missed = [finding for key, finding in known.items() if key not in now]
    checks = [
        replace(check, findings=tuple(_dated(one, before, known, created) for one in check.findings))
        for check in node.checks
    ]
    return replace(
        node,
        checks=tuple(checks),
        gone=tuple(finding for finding in missed if finding.check in answered),
        unproven=tuple(finding for finding in missed if finding.check not in answered),
    )


def _problems_of(before: Optional[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    if before is None:
        return []
    standing = [finding for check in before["checks"] for finding in check["findings"]]
    return [finding for finding in standing + list(before["unproven"]) if finding["status"] in PROBLEMS]


def _dated(
    finding: ReportFinding,
    before: Optional[Mapping[str, Any]],
    known: Mapping[Key, ReportFinding],
    created: str,
) -> ReportFinding:
    if not finding.problem:
        return finding
    if finding.key in known:
        return replace(finding, since=known[finding.key].since)
    return replace(finding, since=created, new=before is not None)


def _worst_first(node: NodeReport) -> Tuple[Any, ...]:
    counts = [-sum(finding.status == status for finding in node.findings) for status in PROBLEMS]
    return (-severity(node.status), counts, natural(node.name))


def _number(name: str) -> Tuple[str, str, str]:
    """A name before its last number, the number, what follows."""
    match = re.match(r"^(.*?)([0-9]+)([^0-9]*)$", name)
    return (match.group(1), match.group(2), match.group(3)) if match else (name, "", "")


def _next_name(name: str) -> str:
    start, number, end = _number(name)
    return "%s%0*d%s" % (start, len(number), int(number) + 1, end) if number else ""
