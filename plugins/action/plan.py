# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import PLAN
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import Document, Header
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.store import existing_store, opened_store


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _result, options = self.validate_argument_spec(**PLAN)
        variables, url, number = task_vars or {}, options["store_url"], options["plan"]
        if options["state"] == "saved":
            if self._task.check_mode:
                return {**result, "changed": True, "plan": None}
            with opened_store(variables, url) as store:
                return {
                    **result,
                    "changed": True,
                    "plan": _told(store.save(options["kind"], options["name"], options["body"])),
                }
        with existing_store(variables, url) as store:
            document = None if store is None else store.get(number)
        if document is None:
            raise AnsibleActionFail(f"plan: there is no plan {number} in the store.")
        if options["state"] == "read":
            return {**result, "changed": False, "plan": _told(document.header), "body": document.body}
        return {**result, **self._approved(document, options, variables)}

    def _approved(self, document: Document, options: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        header = document.header
        if header.sha256 != options["sha256"]:
            raise AnsibleActionFail(f"sha256: plan {header.id} is {header.sha256}. Read it, then approve that.")
        if header.approval is not None or self._task.check_mode:
            return {"changed": header.approval is None, "plan": _told(header), "body": document.body}
        with opened_store(variables, options["store_url"]) as store:
            return {"changed": True, "plan": _told(store.approve(header.id, header.sha256)), "body": document.body}


def _told(header: Header) -> dict[str, Any]:
    return {**asdict(header), "approval": None if header.approval is None else asdict(header.approval)}
