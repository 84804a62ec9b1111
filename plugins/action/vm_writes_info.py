# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fast way of the module of the same name: the node is read in one trip."""

from __future__ import annotations

from ansible_collections.cloudops.hypervisor.plugins.module_utils import writes_reading
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.one_trip import OneTripAction


class ActionModule(OneTripAction):
    body = "writes_reading"

    def options(self) -> dict:
        _result, params = self.validate_argument_spec(argument_spec=writes_reading.argument_spec())
        return params
