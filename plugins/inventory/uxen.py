# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: uxen
short_description: Zones, nodes and VMs from the uxen database
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
description:
  - Every node of the uxen database is a host of the group C(uxen_nodes), and of a group of its zone where the site maps
    one. It has its VMs as the variable C(uxen_vms).
  - With O(vms=true) every VM is a host of the group C(uxen_vms) too, by its UUID. Plays for C(all) then reach VMs.
  - The database is read in one short transaction that can write nothing.
  - A row that cannot be meant is left out with a warning that names it.
extends_documentation_fragment:
  - cloudops.hypervisor.uxen_database
  - constructed
  - inventory_cache
options:
  plugin:
    description: Marks the file as this plugin's.
    type: str
    required: true
    choices: [cloudops.hypervisor.uxen]
  vms:
    description: Whether VMs are hosts too.
    type: bool
    default: false
notes:
  - The source is a file whose name ends in C(uxen.yml) or C(uxen.yaml).
  - >-
    A node has the variables C(uxen_uuid) and C(uxen_vms), C(uxen_zone) where O(columns.node.zone) is mapped, and
    C(ansible_host) where O(columns.node.address) is. Each VM in C(uxen_vms) has C(uuid), C(display), C(disks) (each
    with C(uuid) and C(imgtype)) and every column mapped in O(columns.vm).
  - >-
    A VM that is a host has the same as C(uxen_uuid), C(uxen_display), C(uxen_disks) and C(uxen_NAME) of each mapped
    column, its node as C(uxen_node), its zone, and C(ansible_host) where O(columns.vm.address) is mapped.
"""

EXAMPLES = r"""
# zone-a.uxen.yml: its nodes, in groups by zone
plugin: cloudops.hypervisor.uxen
login_host: db.example
login_user: cloudops
ssl_mode: verify-full
ca_cert: /etc/ssl/certs/site.pem
columns:
  node:
    zone: zone_name
    address: management_ip

---
# vms.uxen.yml: its VMs too, in groups by what they are to do
plugin: cloudops.hypervisor.uxen
login_host: db.example
login_user: cloudops
vms: true
columns:
  vm:
    name: name
    memory: memory_mb
    wanted_state: status
keyed_groups:
  - key: uxen_wanted_state
    prefix: wanted
groups:
  large: uxen_memory | default(0, true) | int >= 16384
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_timeout: 300
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.uxen_database import (
    UXEN_DATABASE,
    UxenDatabase,
    UxenDatabaseError,
)

NODES = "uxen_nodes"
VMS = "uxen_vms"


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = "cloudops.hypervisor.uxen"

    def verify_file(self, path: str) -> bool:
        return super().verify_file(path) and path.endswith(("uxen.yml", "uxen.yaml"))

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        content = self._content(self.get_cache_key(path), cache)
        for said in content["unreadable"]:
            self.display.warning(f"{path}: {said}")
        for group in (NODES, VMS) if self.get_option("vms") else (NODES,):
            self.inventory.add_group(group)
        for node in content["nodes"]:
            self._add_node(node)

    def _content(self, key: str, cache: bool) -> dict[str, Any]:
        kept = self.get_option("cache")
        if kept and cache and key in self._cache:
            return self._cache[key]
        content = self._read()
        if kept:
            self._cache[key] = content
        return content

    def _read(self) -> dict[str, Any]:
        """``{nodes: [{name, uuid, zone, address, vms: [...]}], unreadable: [text]}``, as a cache keeps it."""
        try:
            reading = UxenDatabase({name: self.get_option(name) for name in UXEN_DATABASE}).read(disks=True)
        except UxenDatabaseError as error:
            raise AnsibleParserError(str(error)) from error
        disks: dict[str, list[dict[str, str]]] = {}
        for disk in reading.disks:
            disks.setdefault(disk.vm, []).append({"uuid": disk.uuid, "imgtype": disk.imgtype})
        vms: dict[str, list[dict[str, Any]]] = {}
        for row in reading.vms:
            display = None if row.display is None else row.display.number
            held = {"uuid": str(row.vm), "display": display, "disks": disks.get(row.vm, []), **row.more}
            vms.setdefault(row.pm_uuid, []).append(held)
        nodes = [
            {"name": node.name, "uuid": node.uuid, **node.more, "vms": vms.pop(node.uuid, [])} for node in reading.nodes
        ]
        unreadable = [f"{one.table} {one.row}: {one.said}" for one in reading.unreadable]
        unreadable += [f"pengx_vm {vm['uuid']}: its node is not in pengx_pm" for held in vms.values() for vm in held]
        return {"nodes": nodes, "unreadable": unreadable}

    def _add_node(self, node: Mapping[str, Any]) -> None:
        name, zone = node["name"], node.get("zone")
        shared = {} if zone is None else {"uxen_zone": zone}
        self._add(name, NODES, node.get("address"), {"uxen_uuid": node["uuid"], **shared, "uxen_vms": node["vms"]})
        if zone is not None:
            group = self.inventory.add_group(self._sanitize_group_name(f"uxen_zone_{zone}"))
            self.inventory.add_host(name, group)
        if self.get_option("vms"):
            for vm in node["vms"]:
                variables = {f"uxen_{key}": value for key, value in vm.items()}
                self._add(vm["uuid"], VMS, vm.get("address"), {**variables, **shared, "uxen_node": name})

    def _add(self, host: str, group: str, address: str | None, variables: dict[str, Any]) -> None:
        if address:
            # of PostgreSQL's type inet the text has a prefix length
            variables = {**variables, "ansible_host": address.partition("/")[0]}
        self.inventory.add_host(host, group)
        for key, value in variables.items():
            self.inventory.set_variable(host, key, value)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, host, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, host, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, host, strict=strict)
