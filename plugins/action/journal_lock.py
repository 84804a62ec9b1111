# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.journal_options import JOURNAL_LOCK
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import Lock, Token
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.store import (
    author,
    existing_store,
    opened_store,
)


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _result, options = self.validate_argument_spec(**JOURNAL_LOCK)
        lock = (
            self._foresee(task_vars or {}, options) if self._task.check_mode else self._apply(task_vars or {}, options)
        )
        result["changed"] = options["state"] == "broken"
        return {**result, "lock": lock and lock.as_dict()}

    def _apply(self, variables: dict[str, Any], options: dict[str, Any]) -> Lock | None:
        with opened_store(variables, options.get("store_url")) as store:
            if options["state"] == "held":
                return store.acquire(options["name"], options["what"], options["above"])
            if options["state"] == "broken":
                return store.break_lock(Token(options["name"], options["epoch"]), options["reason"])
            store.release(options["name"])
            return None

    def _foresee(self, variables: dict[str, Any], options: dict[str, Any]) -> Lock | None:
        holder = None
        with existing_store(variables, options.get("store_url")) as store:
            if store is not None:
                if options["state"] == "held":
                    store.may_acquire(options["name"])
                holder = store.lock(options["name"])
        if options["state"] == "free":
            return None
        if options["state"] == "broken":
            return holder
        # Later tasks of a role read the epoch, in check mode too.
        return Lock(options["name"], 0, author(variables), options["what"], since="", seen="")
