# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.journal_options import JOURNAL
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import Entry, Phase, Token
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.store import opened_store


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _result, options = self.validate_argument_spec(**JOURNAL)
        names = ("job", "subject", "step", "zone", "plan", "evidence")
        entry = Entry(phase=Phase(options["phase"]), **{name: options[name] for name in names})
        result["changed"] = False
        if self._task.check_mode:
            return {**result, "msg": "It would be journalled.", "record": entry.as_dict()}
        token = Token(options["lock"], options["epoch"]) if options.get("lock") else None
        with opened_store(task_vars or {}, options.get("store_url")) as store:
            return {**result, "record": store.record(entry, token).as_dict()}
