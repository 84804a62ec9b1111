# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import UXEN_VM_PLACE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.uxen_database import (
    DisplayWrite,
    Holder,
    NodeRow,
    PlaceWrite,
    Reading,
    UxenDatabase,
    UxenDatabaseError,
    VmRow,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.host_names import same_host
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import Display, Port, VmUuid
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.store import author
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.vm_zone import Zone

RESTS = ("paused", "shutdown", "crashed", "dying")


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _result, options = self.validate_argument_spec(**UXEN_VM_PLACE)
        try:
            vm = VmUuid(options["vm"])
        except ValueError as error:
            raise AnsibleActionFail(f"vm: {error}") from None
        try:
            return {**result, **self._place(vm, options, task_vars or {})}
        except AnsibleActionFail as error:
            # returned, so that a role may say what was done besides
            return {**result, "changed": False, "failed": True, "msg": str(error)}

    def _place(self, vm: VmUuid, options: Mapping[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        zone = Zone(options, variables)
        domain = _proven(zone, vm, options)
        if zone.database is None:
            raise AnsibleActionFail(f"Nothing was written. {zone.database_problem or 'The zone has no database.'}")
        row, node = _row(zone.database, vm), _node(zone.database, zone.names[options["host"]])
        display, holders = _display(domain), _holders(zone.database, vm, node, domain)
        shared = f"{node.name} has display {display} for {', '.join(holders)} too, in the database: run vncport_sync."
        told: dict[str, Any] = {
            "before": {"node": row.node, "display": _number(row.display)},
            "after": {"node": node.name, "display": _number(row.display if display is None else display)},
            "warnings": [shared] if holders else [],
        }
        told["diff"] = {side: f"{vm}  {told[side]['node']}  {told[side]['display']}\n" for side in ("before", "after")}
        write = _write(row, node, display)
        if write is not None and not self._task.check_mode:
            _correct(options, zone.database, write, variables)
        return {**told, "changed": write is not None}


def _proven(zone: Zone, vm: VmUuid, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one domain of it; refused unless it runs on this host, and on no other that answered, by fresh readings."""
    host, age = options["host"], time.time() - (zone.read_at or 0.0)
    if host not in zone.last:
        raise AnsibleActionFail(f"host: {host} gave no answer.")
    if age > options["max_age"]:
        raise AnsibleActionFail(f"The readings are {age:.0f} s old, and may be {options['max_age']:g} s: read again.")
    found = [(name, one) for name, answer in zone.last.items() for one in answer["domains"] or () if one["uuid"] == vm]
    awake = [(name, one) for name, one in found if not any(one["state"][rest] for rest in RESTS)]
    if len(found) != 1 or [name for name, _one in awake] != [host]:
        shown = ", ".join(f"{name}: domain {one['id']}" for name, one in found) or "no domain"
        raise AnsibleActionFail(f"Nothing was written: {vm} does not run on {host} alone: {shown}.")
    return awake[0][1]


def _row(database: Reading, vm: VmUuid) -> VmRow:
    rows = [row for row in database.vms if row.vm == vm]
    if len(rows) != 1:
        raise AnsibleActionFail(f"Nothing was written: pengx_vm has {len(rows)} rows for {vm}.")
    return rows[0]


def _node(database: Reading, name: str) -> NodeRow:
    rows = [row for row in database.nodes if same_host(row.name, name)]
    if len(rows) != 1:
        raise AnsibleActionFail(f"Nothing was written: pengx_pm has {len(rows)} rows for {name}.")
    return rows[0]


def _display(domain: Mapping[str, Any]) -> Display | None:
    """Where the socket listens, if the node's other truths agree."""
    vnc = domain["vnc"]
    listening = vnc["listening"]
    if listening is None or listening not in (vnc["xenstore"], vnc["qmp"]):
        return None
    return Port(listening).display


def _holders(database: Reading, vm: VmUuid, node: NodeRow, domain: Mapping[str, Any]) -> list[str]:
    display = _display(domain)
    rows = [row for row in database.vms if row.pm_uuid == node.uuid and row.vm != vm]
    return [str(row.vm) for row in rows if display is not None and row.display == display]


def _write(row: VmRow, node: NodeRow, display: Display | None) -> DisplayWrite | PlaceWrite | None:
    if row.pm_uuid != node.uuid:
        return PlaceWrite(row.vm, row.pm_uuid, node.uuid, display)
    if display is None or row.display == display:
        return None
    return DisplayWrite(row.vm, row.display, display)


def _correct(
    options: Mapping[str, Any], seen: Reading, write: DisplayWrite | PlaceWrite, variables: Mapping[str, Any]
) -> None:
    who = author(variables)
    holder = Holder(options["zone"], who.who, who.process.host, who.run, "place of a VM")
    database = UxenDatabase(options)
    try:
        with database.holding(holder):
            ended = database.correct([write], seen.vms, holder)
    except UxenDatabaseError as error:
        raise AnsibleActionFail(str(error)) from error
    if ended.state != "committed":
        raise AnsibleActionFail(f"Whether the row was written is {ended.state}: {ended.said}. Run it again.")


def _number(display: Display | None) -> int | None:
    return None if display is None else display.number
