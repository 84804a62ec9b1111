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

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.bmc import Bmc
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.bmc_power import BmcError, Session
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
            with Session(Bmc(**options["bmc"]), options["timeout"]) as session:
                if wanted == "read" or self._task.check_mode:
                    state = session.state()
                    # off is asked for where it is off, too
                    changed = wanted == "off" or wanted not in ("read", state.power)
                    return {**result, "changed": changed, "before": asdict(state), "after": asdict(state)}
                done = session.switch(wanted, identity)
        except BmcError as error:
            return {**result, "failed": True, "msg": str(error), "problem": error.problem, "asked": error.asked}
        changed = wanted == "off" or done.before.power != done.after.power
        return {**result, "changed": changed, **asdict(done), "clock": {"asked": asked, "answered": time.time()}}
