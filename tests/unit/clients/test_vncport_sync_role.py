# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's whole way on nodes without a hypervisor: nothing is proven there, and nothing is corrected."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.process import Process
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import Author, open_store
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.uxen_database import Holder, UxenDatabase
from clients.uxen import SCHEMA, Uxen, vm
from playbook import LOCAL, UNREACHABLE, Playbook


@pytest.fixture
def uxen(postgresql_url: str) -> Uxen:
    made = Uxen(postgresql_url)
    made.do(SCHEMA)
    made.fill({"n1": {1: 50}, "n2": {2: 51}, "n3": {3: 52}})
    return made


class Role(Playbook):
    def __init__(self, directory: Path, uxen: Uxen) -> None:
        super().__init__(directory)
        self.given = {f"vm_where_{name}": value for name, value in uxen.options.items()}
        self.hosts = {"n1": UNREACHABLE, "n2": LOCAL}

    def sync(self, *arguments: str, **more: Any) -> tuple[int, str]:
        imported = {"name": "cloudops.hypervisor.vncport_sync", "rolespec_validate": False}
        variables = {"vm_where_zone": "zone-a", **self.given, **more}
        role = {"name": "Sync", "ansible.builtin.import_role": imported, "vars": variables}
        return self.run([role], *arguments)


@pytest.fixture
def role(tmp_path: Path, uxen: Uxen) -> Role:
    return Role(tmp_path, uxen)


def test_silent_nodes_are_named_and_nothing_is_written(role: Role, uxen: Uxen) -> None:
    before = uxen.ports()
    code, output = role.sync(vncport_sync_state="synced", vncport_sync_config="corrected")
    assert code == 0, output
    for number in (1, 2, 3):
        assert re.search(rf"{vm(number)} +{49 + number} +- +runs on no node that answered", output)
    report = json.loads((role.directory / "reports/vncport_sync/latest/report.json").read_text())
    assert {node["name"]: node["verdict"] for node in report["nodes"]} == {"n1": "not proven", "n2": "not proven"}
    assert uxen.ports() == before
    assert UxenDatabase(uxen.options).holder("zone-a") is None
    with open_store(Author("lee", "run-2", Process.at(os.getpid())), role.environment["CLOUDOPS_STORE_URL"]) as store:
        assert store.lock("zone-a") is None and store.records() == []


def test_the_report_is_in_korean_and_fails_as_asked(role: Role) -> None:
    code, output = role.sync(
        vncport_sync_report_language="ko", vncport_sync_fail_on="unknown", vncport_sync_show="problems"
    )
    assert code != 0 and "VNC 포트 동기화" in output and "응답하지 않은 노드에 있을 수 있음" in output


def test_a_zone_another_controller_has_is_left_alone_and_its_lock_too(role: Role, uxen: Uxen) -> None:
    database = UxenDatabase(uxen.options)
    with database.holding(Holder("zone-a", "lee", "controller2", "run-9", "recovery of n1")):
        code, output = role.sync(vncport_sync_state="synced")
        assert code != 0 and "lee on controller2" in output and "Read every node" not in output
        held = database.holder("zone-a")
    assert held is not None and held.who == "lee"


def test_a_misspelt_option_is_refused_before_anything_is_read(role: Role) -> None:
    code, output = role.sync(vncport_sync_states="synced")
    assert code != 0 and "is vncport_sync_state meant?" in output and "Read every node" not in output


def test_a_cfg_that_cannot_be_changed_is_journalled_and_kept_for_the_end(role: Role) -> None:
    """No hypervisor tells here which domains there are: the VM is not proven off."""
    path = role.directory / "domu" / f"{vm(1)}.cfg"
    path.parent.mkdir()
    path.write_text(f"uuid = '{vm(1)}'\nvncdisplay = 49\n")
    change = {"vm": vm(1), "host": "n2", "path": str(path), "before": 49, "after": 50}
    tasks = {"name": "cloudops.hypervisor.vncport_sync", "tasks_from": "config", "rolespec_validate": False}
    variables = {
        "__vncport_sync_change": change,
        "__vncport_sync_lock": {},
        "vm_where_zone": "zone-a",
        "vm_where_image_roots": [str(path.parent)],
    }
    told = {"name": "Tell", "ansible.builtin.debug": {"var": "__vncport_sync_failure"}}
    role.hosts = {"n2": LOCAL}
    code, output = role.run([{"name": "Change", "ansible.builtin.import_role": tasks, "vars": variables}, told])
    assert code == 0, output
    assert "which domains this node has could not be read" in output.partition("Tell")[2]
    assert "49" in path.read_text()
    with open_store(Author("lee", "run-2", Process.at(os.getpid())), role.environment["CLOUDOPS_STORE_URL"]) as store:
        assert [record.entry.phase.value for record in store.records(subject=vm(1))] == ["started", "closed"]
