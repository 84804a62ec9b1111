# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health contract: what every check returns, whatever it looked at.

A judge yields :class:`Finding` objects: a code, the values that fill its words, the subject and the evidence. Status,
words, remedy and reference are the code's row in the table of :mod:`judgements`; a site overrides a status by code.
"""

from __future__ import annotations

import enum
import string
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Missing, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import (
    Phrase,
    carried,
    is_phrase,
    phrases_in,
    told,
)


class Status(str, enum.Enum):
    SKIPPED = "skipped"
    OK = "ok"
    WARNING = "warning"
    UNKNOWN = "unknown"
    CRITICAL = "critical"


class Verdict(str, enum.Enum):
    """May the node take service? Actions take FIT alone."""

    FIT = "fit"
    NOT_FIT = "not fit"
    NOT_PROVEN = "not proven"


_RANK = {status: rank for rank, status in enumerate(Status)}


def severity(status: str) -> int:
    """Greater is worse."""
    return _RANK[Status(status)]


def worst(statuses: Iterable[Status]) -> Status:
    """The worst of them; skipped only if all are; nothing at all is unknown."""
    return max(statuses, key=lambda status: _RANK[status], default=Status.UNKNOWN)


def verdict(statuses: Iterable[Status]) -> Verdict:
    """Of a node's checks. Nothing at all proves nothing."""
    worst_one = worst(statuses)
    if worst_one is Status.CRITICAL:
        return Verdict.NOT_FIT
    return Verdict.NOT_PROVEN if worst_one is Status.UNKNOWN else Verdict.FIT


@dataclass(frozen=True)
class Finding:
    """One judgement about one thing; ``values`` fill the words of ``code`` and are JSON."""

    code: str
    subject: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    evidence: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Words:
    """What a person reads, with ``{value}`` places; ``remedy`` is in the imperative, empty where nothing is to do."""

    message: str
    remedy: str = ""


@dataclass(frozen=True)
class Judgement:
    """One row of the table: how bad a code is, where it comes from, and its words in both languages.

    ``blocks``: while it stands, a reading that touches what this check guards would hang (docs/rules.md, rule 44).
    """

    code: str
    status: Status
    reference: str
    en: Words
    ko: Words
    blocks: bool = False


Table = Mapping[str, Judgement]


def table(*rows: Judgement) -> Dict[str, Judgement]:
    return {row.code: row for row in rows}


class _Forgiving(string.Formatter):
    """A value that is not there shows as its name: words never fail a report. A list's format is what joins it.

    A format that begins with ``?`` leaves out what a tool said, which is evidence, and puts its rest before a phrase.
    """

    def __init__(self, language: str) -> None:
        self._language = language

    def get_value(self, key: Any, args: Any, kwargs: Any) -> Any:
        return kwargs.get(key, "{%s}" % key)

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec.startswith("?"):
            return format_spec[1:] + told(value, self._language) if is_phrase(value) else ""
        if isinstance(value, (list, tuple)):
            return (format_spec or ", ").join(told(item, self._language) for item in value)
        if is_phrase(value):
            return told(value, self._language)
        try:
            return str(format(value, format_spec))
        except (ValueError, TypeError):
            return str(value)


def fill(words: str, finding: Finding, language: str = "en") -> str:
    return _Forgiving(language).vformat(words, (), {"subject": finding.subject, **finding.values})


def rendered(
    finding: Finding, row: Judgement, overrides: Optional[Mapping[str, str]] = None, language: str = "en"
) -> Dict[str, Any]:
    """The finding as the health contract returns it."""
    words = row.ko if language == "ko" else row.en
    phrases = phrases_in(finding.evidence)
    return {
        "code": finding.code,
        "values": carried(finding.values),
        "subject": str(finding.subject),
        "status": Status((overrides or {}).get(finding.code, row.status.value)).value,
        "message": fill(words.message, finding, language),
        "evidence": [told(one, language) for one in finding.evidence],
        "remedy": fill(words.remedy, finding, language),
        "reference": row.reference,
        **({"phrases": phrases} if phrases else {}),
    }


BLOCKED = "reading_blocked"
_NAMED_IN_FULL = 60
_MISSING_CODES = {
    Problem.ABSENT: "reading_absent",
    Problem.DENIED: "reading_denied",
    Problem.TIMEOUT: "reading_timeout",
    Problem.STUCK: "reading_stuck",
    Problem.BLOCKED: BLOCKED,
    Problem.FAILED: "reading_failed",
    Problem.NOT_UNDERSTOOD: "reading_not_understood",
}


def missing(reading: Missing, subject: str = "") -> Finding:
    """The unknown finding that names a proof which could not be had."""
    code = _MISSING_CODES[Problem(reading.problem)]
    evidence = "%s: %s" % (reading.reading, reading.detail) if reading.detail else reading.reading
    return Finding(
        code=code,
        subject=subject,
        values={"reading": reading.reading, "detail": reading.detail or Phrase("none_said")},
        evidence=(reading.reading if code == BLOCKED else evidence,),
    )


def cause_of(finding: Mapping[str, Any]) -> str:
    """A finding as what it keeps from being read names it."""
    return ": ".join(filter(None, (finding["subject"], finding["message"])))


def one_for_each_cause(findings: Iterable[Finding]) -> List[Finding]:
    """The findings, with all that one cause keeps from being read as one: its ``reading`` is a list."""
    listed: List[Finding] = []
    blocked: Dict[Any, int] = {}
    for finding in findings:
        if finding.code != BLOCKED:
            listed.append(finding)
            continue
        name = finding.values["reading"]
        names = [name if len(name) <= _NAMED_IN_FULL else name[:_NAMED_IN_FULL].rpartition(" ")[0] + " …"]
        evidence = finding.evidence
        place = blocked.setdefault((finding.subject, finding.values["detail"]), len(listed))
        if place == len(listed):
            listed.append(finding)
        else:
            names = [*listed[place].values["reading"], *names]
            evidence = (*listed[place].evidence, *evidence)
        listed[place] = replace(finding, values={**finding.values, "reading": names}, evidence=evidence)
    return listed


def absent(component: str, why: Phrase, required: bool) -> Finding:
    """The node has no such component: skipped, or critical where policy requires it."""
    code = "component_required" if required else "component_absent"
    return Finding(code, component, {"component": component, "why": why}, (why,))


class NotUnderstood(ValueError):
    """The one error a parser raises: the output has not the form it knows. Its text quotes what was read."""


def plain(value: Any) -> Any:
    """Dataclasses, enums, tuples and types of text as JSON has them."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, str):
        # a type of its own, such as VmUuid, is text to everybody else
        return str(value)
    return value
