# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One check from probe to result: the form every system's check has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, Generic, Iterable, List, Mapping, Optional, Type, TypeVar

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Host
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import (
    Finding,
    Status,
    Table,
    one_for_each_cause,
    plain,
    rendered,
    severity,
    worst,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.common import TABLE as COMMON
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError

P = TypeVar("P")
F = TypeVar("F")
Compare = Callable[[Mapping[str, Mapping[str, Any]]], Mapping[str, List[Finding]]]


@dataclass(frozen=True)
class Check(Generic[P, F]):
    """One system's check: ``probe`` reads (never raises), ``judge`` is pure; ``compare`` judges facts of many nodes.

    ``compare`` takes ``{node: facts}`` as returned by the nodes, each with the controller's clock as ``controller``
    (``asked`` and ``answered``, where it is known), and gives the findings that belong to each node.
    ``within``: seconds after which its readings are ended, where it must answer sooner than its share of the time.
    """

    name: str
    policy: Type[P]
    probe: Callable[[Host, P], F]
    judge: Callable[[F, P], List[Finding]]
    table: Table
    compare: Optional[Compare] = None
    within: Optional[float] = None


def conclude(
    name: str, findings: Iterable[Finding], facts: Any, table: Table, overrides: Optional[Mapping[str, str]] = None
) -> Dict[str, Any]:
    """The check's result in the contract's form. A judge that says nothing has proven nothing."""
    rows = {**COMMON, **table}
    listed = one_for_each_cause(findings) or [Finding("check_silent", name)]
    shown = [rendered(finding, rows[finding.code], overrides) for finding in listed]
    shown.sort(key=lambda one: -severity(one["status"]))
    return {
        "check": name,
        "status": worst(Status(one["status"]) for one in shown).value,
        "findings": shown,
        "facts": plain(facts),
    }


def examine(check: Check[P, F], host: Host, policy: P, overrides: Optional[Mapping[str, str]] = None) -> Dict[str, Any]:
    """Probe and judge. A defect of the check itself is an unknown, with the line it happened in."""
    facts: Any = None
    try:
        facts = check.probe(host, policy)
        findings = check.judge(facts, policy)
        return conclude(check.name, findings, facts, check.table, overrides)
    except Exception as error:  # the contract: unknown, never a traceback
        finding = Finding("check_failed", check.name, {"detail": describe(error)}, (describe(error),))
        return conclude(check.name, [finding], facts, check.table, overrides)


def refused_unless_meant(statuses: Mapping[str, Any], tables: Iterable[Table]) -> Dict[str, str]:
    """A site's overrides of statuses by code, or a PolicyError: an unknown stays unknown whatever a site says."""
    rows = {code: row for one in (COMMON, *tables) for code, row in one.items()}
    for code, status in statuses.items():
        option = "statuses.%s" % code
        if code not in rows:
            raise PolicyError(option, "no such finding code")
        if rows[code].status is Status.UNKNOWN:
            raise PolicyError(option, "what could not be read stays unknown; set the check's policy instead")
        if status not in ("ok", "warning", "critical"):
            raise PolicyError(option, "ok, warning or critical is wanted, not %r" % (status,))
        if rows[code].blocks and status == "ok":
            raise PolicyError(option, "while it stands, other checks would hang: it cannot be ok")
    return {code: str(status) for code, status in statuses.items()}


def describe(error: BaseException) -> str:
    """An error and the innermost place it came from, on one line."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        code = trace.tb_frame.f_code
        place = "%s line %d" % (code.co_name, trace.tb_lineno)
        trace = trace.tb_next
    return "%s: %s (in %s)" % (type(error).__name__, error, place)
