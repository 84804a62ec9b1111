# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import VM_WHEREABOUTS
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import plain
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.vm_zone import Zone


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _result, options = self.validate_argument_spec(**VM_WHEREABOUTS)
        zone = Zone(options, task_vars or {})
        found = {text: zone.resolve(text) for text in options["vms"]}
        vms = {uuids[0]: zone.told(uuids[0], options["counts"]) for uuids in found.values() if len(uuids) == 1}
        return {
            **result,
            "changed": False,
            "zone": options["zone"],
            "vms": list(vms.values()),
            "off": all(vm["verdict"] == "off" for vm in vms.values()) and all(len(one) == 1 for one in found.values()),
            "unresolved": plain({text: uuids for text, uuids in found.items() if len(uuids) != 1}),
            "nodes": {
                **plain(zone.nodes),
                "answered": sorted(zone.names[host] for host in zone.last),
                "out_of_service": plain(zone.out_of_service),
            },
            "hosts": {zone.names[host]: host for host in sorted(zone.last)},
            "boots": {zone.names[host]: answer["node"]["boot_id"] for host, answer in sorted(zone.last.items())},
            "ahead": {zone.names[host]: zone.ahead(host) for host in sorted(zone.last)},
            "read_at": zone.read_at,
            "database": {"read": zone.database is not None, "problem": zone.database_problem},
        }
