# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The row of a VM that was migrated, in a real PostgreSQL, from what the nodes answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clients.uxen import SCHEMA, Uxen, pm
from playbook import LOCAL, Playbook
from xen_answers import answer, domain, uuid

VM = uuid(1)
ZONE = {"zone": "zone-a", "readings": ["seen"], "sources": ["inventory", "database"]}


@pytest.fixture
def playbook(tmp_path: Path) -> Playbook:
    return Playbook(tmp_path)


@pytest.fixture
def uxen(postgresql_url: str) -> Uxen:
    made = Uxen(postgresql_url)
    made.do(SCHEMA)
    made.fill({"n1": {1: 51}, "n2": {2: 52}})
    return made


def place(playbook: Playbook, uxen: Uxen, *arguments: str, **more: Any) -> tuple[int, str]:
    options = {"vm": VM, "host": "n2", **ZONE, **uxen.options, **more}
    task = {"name": "Place", "cloudops.hypervisor.uxen_vm_place": options, "run_once": True}
    code, output = playbook.run([task], *arguments)
    return code, " ".join(output.split())


def row(uxen: Uxen) -> Any:
    return uxen.do(f"SELECT pm_uuid::text, vnc_port FROM pengx_vm WHERE uuid = '{VM}'")[0]


def test_after_a_migration_the_row_has_its_node_and_the_display_it_really_has(playbook: Playbook, uxen: Uxen) -> None:
    drifted = {**domain(1)["vnc"], **dict.fromkeys(("xenstore", "qmp", "listening"), 5953)}
    hosts = {
        "n1": lambda: {**LOCAL, "seen": answer("n1")},
        "n2": lambda: {**LOCAL, "seen": answer("n2", domain(1, 7, vnc=drifted))},
    }

    def again(*arguments: str, **more: Any) -> tuple[int, str]:
        playbook.hosts = {name: made() for name, made in hosts.items()}
        return place(playbook, uxen, *arguments, **more)

    code, output = again("--check", "--diff")
    assert code == 0 and "changed=1" in output and f"+{VM} n2 53" in output and row(uxen) == (pm(1), 51)
    code, output = again()
    assert code == 0 and "changed=1" in output and row(uxen) == (pm(2), 53)
    code, output = again()
    assert code == 0 and "changed=0" in output
    code, output = again(host="n1")
    assert code == 2 and "does not run on n1 alone" in output
    hosts["n1"] = lambda: {**LOCAL, "seen": answer("n1", domain(1, state="paused"))}
    code, output = again()
    assert code == 2 and "does not run on n2 alone: n1: domain 1, n2: domain 7" in output
    hosts["n1"] = lambda: {**LOCAL, "seen": answer("n1", age=60.0)}
    code, output = again()
    assert code == 2 and "read again" in output
