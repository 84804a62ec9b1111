# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fast way of the module of the same name: options are refused on the controller, the node is read in one trip."""

from __future__ import annotations

from ansible.errors import AnsibleActionFail

from ansible_collections.cloudops.hypervisor.plugins.module_utils import recovery_reading
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.one_trip import OneTripAction


class ActionModule(OneTripAction):
    body = "recovery_reading"

    def options(self) -> dict:
        _result, params = self.validate_argument_spec(argument_spec=recovery_reading.argument_spec())
        try:
            recovery_reading.refused_unless_meant(params)
        except PolicyError as error:
            raise AnsibleActionFail(str(error)) from None
        return params
