# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A snapshot is taken from nodes and a database, kept, and read back without either."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clients.uxen import SCHEMA, Uxen
from playbook import LOCAL, UNREACHABLE, Playbook, show, shown
from xen_answers import answer, domain, uuid


@pytest.fixture
def uxen(postgresql_url: str) -> Uxen:
    made = Uxen(postgresql_url)
    made.do(SCHEMA)
    made.fill({"n1": {1: 51}, "n2": {2: 52}})
    return made


@pytest.fixture
def playbook(tmp_path: Path) -> Playbook:
    made = Playbook(tmp_path)
    made.hosts = {
        "n1": {**LOCAL, "seen": answer("n1", domain(1), vms=(1, 2))},
        "n2": {**LOCAL, "seen": answer("n2", vms=(1, 2))},
    }
    return made


def snapshot(playbook: Playbook, *arguments: str, **options: Any) -> tuple[int, str, dict[str, Any]]:
    given = {"zone": "zone-a", "readings": ["seen"], "sources": ["inventory", "database"], **options}
    tasks = [
        {"name": "Snapshot", "cloudops.hypervisor.fleet_snapshot": given, "register": "found", "run_once": True},
        show("found", run_once=True),
    ]
    code, output = playbook.run(tasks, *arguments)
    found = dict(shown(output)).get("n1", {})
    return code, " ".join(output.split()), found


def test_it_serves_when_the_database_is_gone(playbook: Playbook, uxen: Uxen) -> None:
    code, output, found = snapshot(playbook, "--check", **uxen.options)
    assert code == 0 and found["document"] is None and not (playbook.directory / "state").exists()
    code, output, first = snapshot(playbook, **uxen.options)
    assert code == 0, output
    assert first["snapshot"]["verified"] and {vm["vm"]: vm["state"] for vm in first["snapshot"]["vms"]} == {
        uuid(1): "running",
        uuid(2): "off",
    }
    # the database is somewhere else now: what is taken says so, and is not verified
    code, output, second = snapshot(playbook, **{**uxen.options, "login_db": "gone"})
    assert code == 0, output
    assert not second["snapshot"]["verified"] and "gone" in second["snapshot"]["database"]
    code, output, back = snapshot(playbook, state="read", sources=["inventory"])
    assert back["snapshot"] == second["snapshot"] and back["document"] == second["document"]
    code, output, back = snapshot(playbook, state="read", verified=True, sources=["inventory"])
    assert back["snapshot"] == first["snapshot"]
    code, output, _back = snapshot(playbook, state="read", date="2001-01-01", sources=["inventory"])
    assert code == 2 and "no snapshot of zone-a of 2001-01-01 or before" in output


def test_the_role_takes_one_of_real_nodes_and_shows_who_was_silent(playbook: Playbook) -> None:
    playbook.hosts = {"n1": LOCAL, "n2": UNREACHABLE}
    role = {"name": "cloudops.hypervisor.fleet_snapshot", "rolespec_validate": False}
    given = {"vm_where_zone": "zone-a", "vm_where_sources": ["inventory"], "fleet_snapshot_report_language": "ko"}
    code, output = playbook.run([{"name": "Snapshot", "ansible.builtin.import_role": role, "vars": given}])
    assert code == 0, output
    assert "확인되지 않음" in output and "응답하지 않은 노드: n2" in output
