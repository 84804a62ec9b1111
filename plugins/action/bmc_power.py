# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
import uuid
from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients import fence_agent
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.bmc import Bmc
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.bmc_power import BmcError, Session, Switched
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import BMC_POWER


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _result, options = self.validate_argument_spec(**BMC_POWER)
        wanted, identity = options["state"], options["identity"]
        if wanted != "read":
            try:
                uuid.UUID(identity)
            except ValueError:
                raise AnsibleActionFail(f"identity: {identity!r} is no UUID, as state: read tells it") from None
        asked = time.time()
        try:
            done, by = self._done(options), "bmc"
        except BmcError as error:
            second = options["second"]
            try:
                if not second:
                    raise
                done, by = self._by_second(options), second["agent"]
            except BmcError as other:
                said = str(error) if other is error else f"{error}; {other}"
                problem = {"problem": other.problem, "asked": error.asked or other.asked}
                return {**result, "failed": True, "msg": said, **problem}
        # off is asked for where it is off, too
        changed = wanted == "off" or wanted not in ("read", done.before.power)
        clock = {"asked": asked, "answered": time.time()}
        return {**result, "changed": changed, **asdict(done), "by": by, "clock": clock}

    def _done(self, options: dict[str, Any]) -> Switched:
        with Session(Bmc(**options["bmc"]), options["timeout"]) as session:
            if options["state"] == "read" or self._task.check_mode:
                state = session.state()
                return Switched(state, state)
            return session.switch(options["state"], options["identity"])

    def _by_second(self, options: dict[str, Any]) -> Switched:
        try:
            outlets = fence_agent.Outlets(**options["second"])
        except ValueError as error:
            raise AnsibleActionFail(f"second: {error}") from None
        session = fence_agent.Session(outlets, options["timeout"])
        if options["state"] == "read" or self._task.check_mode:
            state = session.state()
            return Switched(state, state)
        return session.switch(options["state"])
