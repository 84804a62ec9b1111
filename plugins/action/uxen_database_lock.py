# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import UXEN_DATABASE_LOCK
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.uxen_database import (
    Holder,
    UxenDatabase,
    UxenDatabaseError,
    ZoneLocked,
)
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils import zone_keeper
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.store import author


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _result, options = self.validate_argument_spec(**UXEN_DATABASE_LOCK)
        try:
            holder = self._apply(options, task_vars or {})
        except UxenDatabaseError as error:
            raise AnsibleActionFail(str(error)) from error
        return {**result, "changed": False, "lock": holder and asdict(holder)}

    def _apply(self, options: dict[str, Any], variables: dict[str, Any]) -> Holder | None:
        database, zone = UxenDatabase(options), options["zone"]
        who = author(variables)
        held = database.holder(zone)
        if held is not None and held.run != who.run:
            raise ZoneLocked(held)
        if options["state"] == "free":
            if not self._task.check_mode:
                database.release(zone, who.run)
            return None
        if held is not None:
            return held
        wanted = Holder(zone, who.who, who.process.host, who.run, options["what"])
        if self._task.check_mode:
            return wanted
        zone_keeper.keep(database, wanted, who.process)
        return database.holder(zone)
