# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import conclude
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import NODE_MAINTENANCE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import Entry, Phase, Record
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import node_maintenance as decision
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.node_maintenance import Case, Since, Target
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.node_maintenance import TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.findings import lines
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.store import existing_store, opened_store


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _result, options = self.validate_argument_spec(**NODE_MAINTENANCE)
        variables = task_vars or {}
        for host in (options["node"], *options["targets"]):
            if host not in variables["ansible_play_hosts_all"]:
                raise AnsibleActionFail(f"Nothing was done: {host} is no host of this play.")
        if options["state"] == "entered" and not options["reason"].strip():
            raise AnsibleActionFail("Nothing was done. reason: say why, for the journal.")
        if options["node"] in options["targets"]:
            raise AnsibleActionFail(f"Nothing was done: {options['node']} is emptied, and takes no VM itself.")
        case, records = _case(options, variables)
        findings = decision.judge(case)
        check = conclude("node_maintenance", findings, {"names": list(case.names)}, TABLE)
        changed = bool(case.untold) if case.enters else case.since is not None
        if changed and not self._task.check_mode:
            with opened_store(variables, options["store_url"]) as store:
                store.record_all(_entries(case, records, options))
        wanted, _left = decision.moves(case)
        state = {False: "not in maintenance", True: "in maintenance"}
        before, after = case.since is not None, case.enters
        return {
            **result,
            "changed": changed,
            "diff": {"before": f"{case.node}: {state[before]}\n", "after": f"{case.node}: {state[after]}\n"},
            "names": list(case.names),
            "since": None if case.since is None else asdict(case.since),
            "vms": [asdict(one) for one in case.guests or ()],
            "moves": [asdict(one) for one in wanted],
            "check": check,
            "page": lines(check, TABLE, options["language"]),
        }


def _case(options: Mapping[str, Any], variables: Mapping[str, Any]) -> tuple[Case, list[Record]]:
    node, enters = options["node"], options["state"] == "entered"
    answer = _answer(variables, node, options["reading"])
    # a recovery calls a node by the inventory's name while it is silent, and by its kernel's while it answers
    names = list(dict.fromkeys([*([answer["node"]["hostname"]] if answer else []), node]))
    with existing_store(variables, options["store_url"]) as store:
        found = [] if store is None else store.open_jobs(job=decision.JOB)
    # it may have answered when it went in, and be silent now
    records = [one for one in found if one.entry.subject in names or one.entry.evidence.get("host") == node]
    since = None
    if records:
        first = records[0]
        reason = str(first.entry.evidence.get("reason") or "")
        since = Since(first.at, f"{first.who}@{first.host}", reason)
    domains = answer.get("domains")
    case = Case(
        node,
        names,
        enters,
        bool(answer),
        None if domains is None else decision.guests(domains),
        since,
        [name for name in names if name not in {one.entry.subject for one in records}],
        [_target(variables, host, options["reading"]) for host in options["targets"]],
    )
    return case, records


def _answer(variables: Mapping[str, Any], host: str, name: str) -> Mapping[str, Any]:
    answer = variables["hostvars"].raw_get(host).get(name) or {}
    return answer if answer.get("node") else {}


def _target(variables: Mapping[str, Any], host: str, name: str) -> Target:
    answer = _answer(variables, host, name)
    free = (answer["node"].get("memory_kib") or {}).get("free") if answer else None
    return Target(host, free)


def _entries(case: Case, records: Sequence[Record], options: Mapping[str, Any]) -> list[Entry]:
    """One open job for each name, so that a recovery finds it by whichever it knows the node."""
    evidence = {"host": case.node, "reason": options["reason"], "answered": case.answered}
    if case.enters:
        about = {**evidence, "vms": [one.vm for one in case.guests or ()]}
        return [Entry(decision.JOB, name, Phase.STARTED, zone=options["zone"], evidence=about) for name in case.untold]
    return [
        Entry(decision.JOB, one.entry.subject, Phase.DONE, zone=one.entry.zone, evidence=evidence) for one in records
    ]
