# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import FLEET_SNAPSHOT
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import fleet
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.fleet import page
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.fleet_snapshots import KIND, newest_snapshot
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.store import existing_store, opened_store
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.vm_zone import Zone


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _result, options = self.validate_argument_spec(**FLEET_SNAPSHOT)
        told = self._taken if options["state"] == "taken" else self._read
        body, document = told(options, task_vars or {})
        shown = page(body, options["language"], options["show"] == "problems")
        return {**result, "changed": False, "snapshot": body, "document": document, "page": shown}

    def _taken(self, options: Mapping[str, Any], variables: dict[str, Any]) -> tuple[dict[str, Any], Any]:
        zone = Zone(options, variables)
        answers = {zone.names[host]: answer for host, answer in zone.last.items()}
        body = fleet.snapshot(
            fleet.Zone(
                options["zone"], tuple(zone.nodes.names), _rows(zone), zone.database_problem, zone.out_of_service
            ),
            answers,
            time.time(),
        )
        if self._task.check_mode:
            return body, None
        with opened_store(variables, options["store_url"]) as store:
            header = store.save(KIND, options["zone"], body, keep=options["keep"])
        return body, {"id": header.id, "created": header.created}

    def _read(self, options: Mapping[str, Any], variables: dict[str, Any]) -> tuple[dict[str, Any], Any]:
        with existing_store(variables, options["store_url"]) as store:
            asked = (options["zone"], options["date"], options["verified"])
            found = None if store is None else newest_snapshot(store, *asked)
        if found is None:
            which = " verified" if options["verified"] else ""
            until = f" of {options['date']} or before" if options["date"] else ""
            raise AnsibleActionFail(f"There is no{which} snapshot of {options['zone']}{until} in the store.")
        return found.body, {"id": found.header.id, "created": found.header.created}


def _rows(zone: Zone) -> tuple[fleet.Row, ...] | None:
    if zone.database is None:
        return None
    return tuple(
        fleet.Row(
            str(row.vm),
            row.node,
            None if row.display is None else row.display.number,
            row.more.get("name"),
            row.more.get("wanted_state"),
            row.more.get("address"),
        )
        for row in zone.database.vms
    )
