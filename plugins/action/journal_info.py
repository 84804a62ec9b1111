# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import datetime
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.journal_options import JOURNAL_INFO
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import Phase, Record, Store
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.store import existing_store


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _result, options = self.validate_argument_spec(**JOURNAL_INFO)
        result["changed"] = False
        with existing_store(task_vars or {}, options.get("store_url")) as store:
            if store is None:
                return {**result, "store": None, "records": []}
            return {**result, "store": store.place, "records": [one.as_dict() for one in _records(store, options)]}


def _records(store: Store, options: dict[str, Any]) -> list[Record]:
    where = {name: options[name] or "" for name in ("job", "subject", "run", "zone")}
    if options["open"] == "jobs":
        return store.open_jobs(**where)
    if options["open"] == "steps":
        return store.open_steps(**where)
    return store.records(
        **where,
        step=options["step"] or "",
        phase=Phase(options["phase"]) if options["phase"] else None,
        since=_moment(options["since"]) if options["since"] else None,
        limit=options["limit"],
    )


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise AnsibleActionFail(f"since: {text!r} is not a time such as 2026-01-31T09:00:00Z.") from None
