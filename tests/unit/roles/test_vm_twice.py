# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles that look for a VM in many places at once, on nodes that have no hypervisor: nothing is proven there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from playbook import LOCAL, UNREACHABLE, Playbook
from xen_answers import uuid

ZONE = {"vm_where_zone": "zone-a", "vm_where_sources": ["inventory"]}


@pytest.fixture
def playbook(tmp_path: Path) -> Playbook:
    made = Playbook(tmp_path)
    made.hosts = {"n1": LOCAL, "n2": UNREACHABLE}
    return made


def twice(playbook: Playbook, **given: Any) -> tuple[int, str]:
    role = {"name": "cloudops.hypervisor.vm_twice", "rolespec_validate": False}
    given = {**ZONE, "vm_twice_vm": uuid(1), **given}
    code, output = playbook.run([{"name": "Twice", "ansible.builtin.import_role": role, "vars": given}])
    return code, " ".join(output.split())


def test_what_is_not_proven_to_run_twice_is_not_held(playbook: Playbook) -> None:
    code, output = twice(playbook)
    assert code == 0, output
    assert f"{uuid(1)} is not proven to run twice. Nothing was done." in output and "n2" in output
    assert not (playbook.directory / "reports").exists() and "Hold this node's copy" not in output


def test_nothing_is_destroyed_while_a_node_is_silent(playbook: Playbook) -> None:
    code, output = twice(playbook, vm_twice_keep="n1", vm_twice_reason="asked for")
    assert code == 2, output
    assert "Nothing was destroyed. n2 is silent" in output and "n1 has no domain of it" in output
    assert "Destroy the other copies" not in output
