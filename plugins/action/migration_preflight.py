# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import conclude, refused_unless_meant
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import MIGRATION_PREFLIGHT
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import migration_preflight as decision
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.migration_preflight import End, Row, Wanted
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.migration import TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.findings import lines
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.vm_zone import Zone


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _result, options = self.validate_argument_spec(**MIGRATION_PREFLIGHT)
        variables = task_vars or {}
        try:
            refused_unless_meant(options["statuses"], [TABLE])
        except PolicyError as error:
            raise AnsibleActionFail(str(error)) from None
        zone = Zone(options, variables)
        if options["target"] not in zone.hosts:
            raise AnsibleActionFail(f"target: {options['target']} is no host of this play: {', '.join(zone.hosts)}.")
        found = zone.resolve(options["vm"])
        if len(found) != 1:
            raise AnsibleActionFail(f"vm: {options['vm']} means {', '.join(found) or 'no VM that a node or row has'}.")
        vm = found[0]
        having = [
            host for host, answer in zone.last.items() if any(one["uuid"] == vm for one in answer["domains"] or ())
        ]
        # a copy that a migration left on the target is no source
        sources = [host for host in having if host != options["target"]] or having
        if not sources:
            raise AnsibleActionFail(f"{vm} runs on no node that answered: start it at the target instead.")
        source = sources[0]
        ends = [self._end(zone, host, variables) for host in (source, options["target"])]
        wanted = Wanted(
            vm,
            tuple(zone.names[host] for host in having if host != source),
            tuple(zone.silent),
            tuple(self._rows(zone)),
            options["reserve"],
        )
        findings = decision.judge(wanted, *ends)
        check = conclude("migration", findings, {"vm": str(vm)}, TABLE, options["statuses"])
        domains = [one for one in zone.last[source]["domains"] or () if one["uuid"] == vm]
        return {
            **result,
            "changed": False,
            "vm": str(vm),
            "name": ", ".join(sorted(zone.called(vm))) or domains[0]["name"],
            "source": source,
            "target": options["target"],
            "node": {name: (ends[1].reading.get("node") or {}).get(name) for name in ("hostname", "boot_id")},
            "check": check,
            "fixes": decision.fixes(findings),
            "page": lines(check, TABLE, options["language"]),
        }

    def _end(self, zone: Zone, host: str, variables: dict[str, Any]) -> End:
        end = variables["hostvars"].raw_get(host).get(self._task.args["ends"]) or {}
        return End(zone.names[host], zone.last.get(host) or {}, end if end.get("node") else {})

    def _rows(self, zone: Zone) -> list[Row]:
        rows = zone.database.vms if zone.database else ()
        return [Row(row.vm, row.node, None if row.display is None else row.display.number) for row in rows]
