# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report for programs: JSON as docs/schema/report-1.json publishes it, and JUnit."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import Any, Dict

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Status, plain
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.model import (
    CheckReport,
    NodeReport,
    Report,
    ReportFinding,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.words import job_title, say

SCHEMA = "report-1"


def as_json(report: Report) -> Dict[str, Any]:
    """A later version of the schema only adds to it."""
    return {
        "schema": SCHEMA,
        "job": report.job,
        "run": report.run,
        "created": report.created,
        "language": report.language,
        "previous": report.previous or None,
        "parts": plain(report.parts),
        "status": report.status,
        "verdicts": report.verdicts,
        "counts": report.counts,
        "nodes": [_node(node) for node in report.nodes],
    }


def _node(node: NodeReport) -> Dict[str, Any]:
    return {
        "name": node.name,
        "verdict": node.verdict,
        "status": node.status,
        "identity": plain(node.identity),
        "checks": [plain(check) for check in node.checks],
        "gone": plain(node.gone),
        "unproven": plain(node.unproven),
    }


def summary(report: Report) -> Dict[str, Any]:
    """What fits into a job's artifacts."""
    return {
        "job": report.job,
        "run": report.run,
        "created": report.created,
        "previous": report.previous or None,
        "parts": plain(report.parts),
        "status": report.status,
        "nodes": len(report.nodes),
        "verdicts": {
            verdict: [node.name for node in report.nodes if node.verdict == verdict] for verdict in report.verdicts
        },
        "counts": report.counts,
        "new": [_line(node, finding) for node, finding in report.new],
        "gone": [_line(node, finding) for node, finding in report.gone],
    }


def _line(node: NodeReport, finding: ReportFinding) -> Dict[str, str]:
    names = ("check", "code", "subject", "status", "message")
    return {"node": node.name, **{name: getattr(finding, name) for name in names}}


def as_text(report: Report) -> str:
    return json.dumps(as_json(report), ensure_ascii=False, indent=1) + "\n"


def as_junit(report: Report) -> str:
    """A suite for a node, a case for a check: critical is a failure, unknown an error, a warning passes and is told."""
    root = ET.Element("testsuites", {"name": job_title(report.language, report.job)})
    totals = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for node in report.nodes:
        statuses = [check.status for check in node.checks]
        counts = {
            "tests": len(statuses),
            "failures": statuses.count("critical"),
            "errors": statuses.count("unknown"),
            "skipped": statuses.count("skipped"),
        }
        suite = ET.SubElement(
            root,
            "testsuite",
            {
                "name": node.name,
                "timestamp": report.created,
                "time": "%.3f" % sum(check.seconds or 0 for check in node.checks),
                **{name: str(count) for name, count in counts.items()},
            },
        )
        for check in node.checks:
            _case(suite, report, node, check)
        totals = {name: totals[name] + counts[name] for name in totals}
    root.attrib.update({name: str(count) for name, count in totals.items()})
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


_OUTCOMES = {Status.CRITICAL.value: "failure", Status.UNKNOWN.value: "error", Status.SKIPPED.value: "skipped"}


def _case(suite: ET.Element, report: Report, node: NodeReport, check: CheckReport) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        {"classname": "%s.%s" % (report.job, node.name), "name": check.check, "time": "%.3f" % (check.seconds or 0)},
    )
    told = "\n\n".join(_told(report.language, finding) for finding in check.findings)
    outcome = _OUTCOMES.get(check.status)
    if outcome is None:
        ET.SubElement(case, "system-out").text = told
        return
    worst = next(finding for finding in check.findings if finding.status == check.status)
    about = {"message": "%s: %s" % (worst.subject, worst.message)}
    if outcome != "skipped":
        about["type"] = worst.code
    ET.SubElement(case, outcome, about).text = told


def _told(language: str, finding: ReportFinding) -> str:
    lines = ["%s %s: %s" % (say(language, "status." + finding.status), finding.subject, finding.message)]
    lines += ["  %s: %s" % (say(language, "label.evidence"), line) for line in finding.evidence]
    if finding.remedy:
        lines.append("  %s: %s" % (say(language, "label.remedy"), finding.remedy))
    lines.append("  %s: %s" % (say(language, "label.reference"), finding.reference))
    return "\n".join(lines)
