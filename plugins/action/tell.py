# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import TELL


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _result, options = self.validate_argument_spec(**TELL)
        if not options["to"]:
            return {**result, "changed": False, "told": 0, "untold": []}
        try:
            import apprise
        except ImportError as error:
            raise AnsibleActionFail(f"{error}. Install the Python package apprise on the controller.") from error
        # one by one: which of them failed is told by its place, because an address may hold a password
        untold, told = [], 0
        for number, url in enumerate(options["to"], 1):
            one = apprise.Apprise()
            if not one.add(url):
                untold.append(f"to[{number}]: no address that apprise understands")
            elif not self._task.check_mode and not one.notify(title=options["title"], body=options["text"] or " "):
                untold.append(f"to[{number}]: not delivered")
            else:
                told += 1
        return {**result, "changed": told > 0, "told": told, "untold": untold}
