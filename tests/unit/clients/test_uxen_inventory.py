# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin as ansible-inventory runs it, on a real uxen database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from clients.uxen import SCHEMA, Uxen, pm, vm
from playbook import COLLECTIONS

COLUMNS = {
    "node": {"zone": "zone", "address": "management_ip"},
    "vm": {"name": "name", "memory": "memory_mb", "wanted_state": "status"},
}


@pytest.fixture
def uxen(postgresql_url: str) -> Uxen:
    made = Uxen(postgresql_url)
    made.do(SCHEMA)
    made.fill({"n1": {1: 50, 2: None}, "n2": {}})
    made.do(
        "ALTER TABLE pengx_pm ADD zone text, ADD management_ip inet",
        "UPDATE pengx_pm SET zone = 'zone a', management_ip = ('192.0.2.' || right(name, 1))::inet",
        "ALTER TABLE pengx_vm ADD name text, ADD memory_mb integer, ADD status text",
        f"UPDATE pengx_vm SET name = 'web', memory_mb = 2048, status = 'on' WHERE uuid = '{vm(1)}'",
        f"INSERT INTO pengx_disk VALUES ('{vm(8)}', '{vm(1)}', 'qcow2'), ('{vm(9)}', '{vm(1)}', 'raw')",
    )
    return made


class Inventory:
    def __init__(self, directory: Path, uxen: Uxen) -> None:
        self.directory = directory
        (directory / "ansible.cfg").touch()
        self.uxen = uxen

    def listed(self, name: str = "zone-a.uxen.yml", **options: Any) -> tuple[dict[str, Any], str]:
        """(what ansible-inventory lists, what it said beside that)"""
        source = self.directory / name
        source.write_text(yaml.safe_dump({"plugin": "cloudops.hypervisor.uxen", **self.uxen.options, **options}))
        ended = subprocess.run(
            [str(Path(sys.executable).parent / "ansible-inventory"), "-i", str(source), "--list"],
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
                "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
                "ANSIBLE_CONFIG": str(self.directory / "ansible.cfg"),
                "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
                "ANSIBLE_HOME": str(self.directory / "home"),
            },
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return (json.loads(ended.stdout) if ended.returncode == 0 else {}), ended.stderr


@pytest.fixture
def inventory(tmp_path: Path, uxen: Uxen) -> Inventory:
    return Inventory(tmp_path, uxen)


def variables(listed: dict[str, Any], host: str) -> Any:
    """Ansible marks what no person has written, so that it is never run as a template."""

    def plain(pairs: list[tuple[str, Any]]) -> Any:
        return pairs[0][1] if [key for key, _value in pairs] == ["__ansible_unsafe"] else dict(pairs)

    return json.loads(json.dumps(listed["_meta"]["hostvars"][host]), object_pairs_hook=plain)


def test_nodes_have_their_vms_and_are_grouped_by_zone(inventory: Inventory) -> None:
    listed, _said = inventory.listed(columns=COLUMNS)
    assert listed["uxen_nodes"]["hosts"] == listed["uxen_zone_zone_a"]["hosts"] == ["n1", "n2"]
    assert variables(listed, "n1") == {
        "ansible_host": "192.0.2.1",
        "uxen_uuid": pm(1),
        "uxen_zone": "zone a",
        "uxen_vms": [
            {
                "uuid": vm(1),
                "display": 50,
                "disks": [{"uuid": vm(8), "imgtype": "qcow2"}, {"uuid": vm(9), "imgtype": "raw"}],
                "name": "web",
                "memory": "2048",
                "wanted_state": "on",
            },
            {"uuid": vm(2), "display": None, "disks": [], "name": None, "memory": None, "wanted_state": None},
        ],
    }
    assert "uxen_vms" not in listed and vm(1) not in listed["_meta"]["hostvars"]


def test_without_a_mapping_nothing_is_assumed(inventory: Inventory) -> None:
    listed, _said = inventory.listed()
    assert variables(listed, "n2") == {"uxen_uuid": pm(2), "uxen_vms": []}
    assert set(listed) == {"_meta", "all", "uxen_nodes"}


def test_vms_are_hosts_where_that_is_asked_for_and_groups_are_made_of_what_they_have(inventory: Inventory) -> None:
    listed, _said = inventory.listed(
        columns=COLUMNS,
        vms=True,
        keyed_groups=[{"key": "uxen_wanted_state", "prefix": "wanted"}],
        groups={"large": "uxen_memory | default(0, true) | int >= 2048"},
        compose={"vnc": "uxen_display + 5900"},
        strict=False,
    )
    assert listed["uxen_vms"]["hosts"] == [vm(1), vm(2)]
    assert listed["wanted_on"]["hosts"] == listed["large"]["hosts"] == [vm(1)]
    assert variables(listed, vm(1))["vnc"] == 5950 and variables(listed, vm(1))["uxen_node"] == "n1"


def test_a_cached_inventory_needs_no_database_and_holds_no_password(inventory: Inventory, tmp_path: Path) -> None:
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(tmp_path / "cache")}
    fresh, _said = inventory.listed(login_password="s3cret", **cache)
    inventory.uxen.do("ALTER TABLE pengx_vm RENAME TO gone")
    assert inventory.listed(login_password="s3cret", **cache)[0] == fresh
    kept = [path.read_text() for path in (tmp_path / "cache").iterdir()]
    assert kept and not [text for text in kept if "s3cret" in text]
    failed, said = inventory.listed(login_password="s3cret")
    assert not failed and '"pengx_vm" does not exist' in said and "s3cret" not in said


def test_rows_that_cannot_be_meant_are_left_out_with_a_warning(inventory: Inventory) -> None:
    inventory.uxen.do(
        f"UPDATE pengx_vm SET pm_uuid = NULL WHERE uuid = '{vm(2)}'",
        f"UPDATE pengx_vm SET vnc_port = 99999 WHERE uuid = '{vm(1)}'",
    )
    listed, said = inventory.listed()
    assert variables(listed, "n1")["uxen_vms"] == []
    said = " ".join(said.split())
    assert "not a VNC display: 99999" in said and f"{vm(2)}: its node is not in pengx_pm" in said


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("uxen.yml", {"columns": {"vm": {"rack": "rack"}}}, "columns.vm.rack: no such column"),
        ("uxen.yml", {"ssl_mode": "never"}, "ssl_mode"),
        ("hosts.yml", {}, "hosts.yml"),
    ],
)
def test_a_source_that_cannot_be_meant_is_refused(
    inventory: Inventory, name: str, options: dict[str, Any], told: str
) -> None:
    listed, said = inventory.listed(name, **options)
    assert not listed and told in said
