# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_devices where it may not act: a VM that is in no one place, and a device that xl alone cannot bring back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudops.hypervisor.plugins.filter.vm_start import devices, shown
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.process import Process
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import Author, open_store
from playbook import LOCAL, Playbook
from xen_answers import config, domain, uuid


@pytest.fixture
def playbook(tmp_path: Path) -> Playbook:
    made = Playbook(tmp_path)
    made.hosts = {"n1": LOCAL}
    return made


def run(playbook: Playbook, tasks_from: str = "main", **given: Any) -> tuple[int, str]:
    imported = {"name": "cloudops.hypervisor.vm_devices", "tasks_from": tasks_from, "rolespec_validate": False}
    known = {"vm_where_vm": uuid(1), "vm_where_zone": "zone-a", "vm_where_sources": ["inventory"]}
    roots = {"vm_where_image_roots": [str(playbook.directory)]}
    role = {"name": "Devices", "ansible.builtin.import_role": imported, "vars": {**known, **roots, **given}}
    code, output = playbook.run([role])
    return code, " ".join(output.split())


def test_a_vm_that_runs_nowhere_is_left_alone_and_the_zone_let_go_of(playbook: Playbook) -> None:
    code, output = run(playbook, vm_devices_restart=True)
    assert code == 2 and "does not run in one place" in output
    url = playbook.environment["CLOUDOPS_STORE_URL"]
    with open_store(Author("lee", "other", Process.at(os.getpid())), url) as store:
        assert store.lock("zone-a") is None and store.acquire("zone-a", "look").epoch > 1


def test_what_its_cfg_lacks_too_is_not_started_by_xl(playbook: Playbook) -> None:
    playbook.hosts["n1"] = {**LOCAL, "vm_devices_result": {"act": "restart_by_api"}}
    code, output = run(playbook, "restart")
    assert code == 2 and "only the API writes that anew" in output and "Have it shut down" not in output


def test_the_columns_stand_side_by_side() -> None:
    lost = "0a22b5cd-2be5-4e6c-a4b5-2bd8a6b5e6d2"
    row = {"node": "n1", "display": 51, "disks": [{"uuid": lost, "imgtype": "raw"}]}
    vm = {"vm": uuid(1), "rows": [row], "domains": [{**domain(1), "disks": []}]}
    wanted = [{"path": f"/data/domu/x/{lost}.raw", "vdev": "xvda", "cdrom": False}]
    needs = {"config": {**config(1), "disks": wanted, "nics": []}}
    found = devices(vm, needs)
    assert found["act"] == "restart"
    assert found["lines"][0] == f"disk {lost}.raw: database yes, .cfg yes, Xen NO, guest ?"
    assert any("DB 와 .cfg 에 있는 disk" in line for line in shown(found, "ko"))
