# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role that lets a node come back, on machines without a hypervisor: nothing is proven there, or all is given."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.process import Process
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import (
    Author,
    Entry,
    Phase,
    Store,
    open_store,
)
from playbook import LOCAL, UNREACHABLE, Playbook
from roles.test_boot_gate import BOOT, Gate
from xen_answers import answer

ZONE = {"vm_where_zone": "zone-a", "vm_where_sources": ["inventory"], "node_return_node": "n1"}
ROLE = {"name": "cloudops.hypervisor.node_return", "rolespec_validate": False}


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    made = Gate(tmp_path)
    made("status")
    return made


@pytest.fixture
def playbook(tmp_path: Path) -> Playbook:
    made = Playbook(tmp_path)
    made.hosts = {"n1": UNREACHABLE, "n2": UNREACHABLE}
    return made


@pytest.fixture
def store(playbook: Playbook) -> Iterator[Store]:
    author = Author("lee", "another run", Process.at(os.getpid()))
    with open_store(author, playbook.environment["CLOUDOPS_STORE_URL"]) as one:
        yield one


def come_back(playbook: Playbook, *arguments: str, tasks_from: str = "main", **given: Any) -> tuple[int, str]:
    gate = playbook.directory / "gate"
    program = {"__node_return_gate_program": str(playbook.directory / "cloudops-boot-gate")}
    paths = {**program, "__boot_gate_folder": str(gate), "__boot_gate_program": program["__node_return_gate_program"]}
    task = {"name": "Return", "ansible.builtin.import_role": {**ROLE, "tasks_from": tasks_from}, "vars": given}
    code, output = playbook.run([task], "-e", json.dumps({**ZONE, **paths}), *arguments)
    return code, " ".join(output.split())


def test_a_node_that_is_off_may_be_switched_on_and_nothing_is_journalled(playbook: Playbook, store: Store) -> None:
    code, output = come_back(playbook)
    assert code == 2, output
    assert "n1 stays off, or behind its gate. n1 gave no answer" in output and "boots behind its gate" in output
    assert store.records() == [] and store.lock("zone-a") is None
    # it was held meanwhile
    assert store.acquire("zone-a", "look").epoch == 2


def test_check_mode_looks_and_takes_no_lock(playbook: Playbook, store: Store, gate: Gate) -> None:
    playbook.hosts = {"n1": {**LOCAL, "node_boot_check_checks": ["time"]}, "n2": UNREACHABLE}
    code, output = come_back(playbook, "--check")
    assert code == 2, output
    # this machine has no hypervisor
    assert "its domains: libxc did not answer" in output
    assert gate("status")[1].startswith("closed") and store.records() == []
    assert store.acquire("zone-a", "look").epoch == 1


def test_a_recovery_that_is_open_is_told_and_not_overtaken(playbook: Playbook, store: Store) -> None:
    store.record(Entry("ha_recovery", "zone-a", Phase.STARTED, zone="zone-a"))
    held = store.acquire("zone-a", "recovery")
    code, output = come_back(playbook, node_return_report_language="ko")
    assert code == 2 and "a recovery of its zone is open since" in output and "복구 작업이 아직 열려 있음" in output
    found = store.lock("zone-a")
    assert found is not None and found.epoch == held.epoch and len(store.records()) == 1


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        (["--limit", "n1"], {}, "Take away --limit"),
        ([], {"node_return_node": "n9"}, "before n9 comes back"),
        ([], {"node_return_move_back": "perhaps"}, "node_return_move_back"),
        ([], {"node_return_realease": "web-1"}, "is node_return_release meant?"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    playbook: Playbook, arguments: list[str], given: dict[str, Any], said: str
) -> None:
    code, output = come_back(playbook, *arguments, "-e", json.dumps(given))
    assert code == 2 and said in output, output


def test_what_is_moved_to_it_is_looked_at_first(playbook: Playbook) -> None:
    playbook.hosts["n1"] = LOCAL
    code, output = come_back(playbook, tasks_from="move", node_return_moves=["web-1"], vm_where_store_url="")
    assert code == 2 and "cloudops.hypervisor.vm_migrate -e vm=web-1 -e node=n1" in output, output
    assert "vm: web-1 means no VM that a node or row has" in output


class TestRelease:
    """What is done once nothing stands against it."""

    @pytest.fixture(autouse=True)
    def _seen(self, playbook: Playbook, store: Store) -> None:
        lock = {"lock": {"name": "zone-a", "epoch": store.acquire("zone-a", "return of n1").epoch}}
        node = {"name": "n1", "names": ["n1"], "boot_id": BOOT, "answers": True}
        self.seen = {"node": node, "gate": "closed", "guests": {}, "released": {}}
        reading = answer("n1")
        reading["node"]["boot_id"] = BOOT
        known = {"node_return_second": reading, "vm_where_lock": lock, "__node_return_gate": {"stdout": "closed"}}
        playbook.hosts = {"n1": {**LOCAL, **known}, "n2": {**UNREACHABLE, "vm_where_lock": lock}}

    def release(self, playbook: Playbook) -> tuple[int, str]:
        return come_back(playbook, tasks_from="return", node_return_seen=self.seen, vm_where_store_url="")

    def test_its_boot_is_released_and_its_return_journalled(self, playbook: Playbook, store: Store, gate: Gate) -> None:
        code, output = self.release(playbook)
        assert code == 0, output
        assert gate("status") == (0, f"released {BOOT}\n")
        assert [one.entry.phase for one in store.records(job="node_return")] == [Phase.STARTED, Phase.DONE]
        (released,) = store.records(job="boot_gate")
        assert "node_return" in released.entry.evidence["reason"] and store.open_jobs() == []

    def test_killed_in_between_it_goes_on(self, playbook: Playbook, store: Store, gate: Gate) -> None:
        store.record(Entry("node_return", "n1", Phase.STARTED, zone="zone-a"))
        gate("release", BOOT, "kim", "the run was killed here")
        self.seen["gate"] = "released"
        code, output = self.release(playbook)
        assert code == 0, output
        assert store.open_jobs() == [] and store.records(job="node_return")[-1].entry.evidence["boot_id"] == BOOT

    def test_a_gate_that_does_not_open_leaves_its_return_open(
        self, playbook: Playbook, store: Store, gate: Gate
    ) -> None:
        self.seen["node"]["boot_id"] = "0d5a1c11-1f6c-4bb0-9d7c-7a7b52a0a8f5"
        code, output = self.release(playbook)
        assert code == 2 and "is not proven that the boot of n1 is released" in output, output
        assert gate("status")[1].startswith("closed")
        assert [one.entry.job for one in store.open_jobs()] == ["node_return"]
