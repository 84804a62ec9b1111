# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What roles take from the journal and leave in it, and the lock they hold on a node."""

from __future__ import annotations

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
from playbook import LOCAL, Playbook, show, shown

BEFORE = "# what is here stays\nO2CB_HEARTBEAT_THRESHOLD=31\n"


@pytest.fixture
def playbook(tmp_path: Path) -> Playbook:
    return Playbook(tmp_path)


@pytest.fixture
def store(playbook: Playbook) -> Iterator[Store]:
    """The store as another run has it, which is alive."""
    with open_store(
        Author("lee", "another run", Process.at(os.getpid())), playbook.environment["CLOUDOPS_STORE_URL"]
    ) as one:
        yield one


def role(name: str, tasks_from: str = "main", **variables: Any) -> dict[str, Any]:
    imported = {"name": f"cloudops.hypervisor.{name}", "tasks_from": tasks_from, "rolespec_validate": False}
    return {"name": name, "ansible.builtin.import_role": imported, "vars": variables}


class TestHeartbeatThreshold:
    """The files of all nodes or of none. No node of these plays runs o2cb, so that none is proven to have it."""

    @pytest.fixture(autouse=True)
    def _nodes(self, playbook: Playbook) -> None:
        for name in ("n1", "n2", "n3"):
            path = playbook.directory / f"{name}.default"
            path.write_text(BEFORE)
            reading = {"checks": {"o2cb": {"facts": {"running": {"settings": {"heartbeat_threshold": 31}}}}}}
            playbook.hosts[name] = {**LOCAL, "hang_triage_reading": reading, "__hang_triage_path": str(path)}

    def write(self, playbook: Playbook, *arguments: str) -> tuple[int, str]:
        drop = {"name": "Drop out", "ansible.builtin.fail": {"msg": "gone"}, "when": "inventory_hostname == 'n3'"}
        wanted = {"hang_triage_heartbeat_threshold": 91}
        code, output = playbook.run([drop, role("hang_triage", "heartbeat_threshold_write", **wanted)], *arguments)
        return code, " ".join(output.split())

    def files(self, playbook: Playbook) -> dict[str, str]:
        return {path.name: path.read_text() for path in sorted(playbook.directory.glob("*.default*"))}

    def test_one_node_that_drops_out_has_the_files_of_all_others_put_back(
        self, playbook: Playbook, store: Store
    ) -> None:
        # n2's reading is refused before it is taken
        playbook.hosts["n2"]["hang_triage_policy"] = {"o2cb": {"max_freeze": 0}}
        code, output = self.write(playbook)
        assert code == 2
        assert "could not be written on n1, n2, n3 and was put back on the others" in output
        assert self.files(playbook) == {f"{name}.default": BEFORE for name in ("n1", "n2", "n3")}
        ends = {one.entry.subject: one.entry for one in store.records(job="heartbeat_threshold", phase=Phase.CLOSED)}
        assert {name: end.evidence["reason"] for name, end in ends.items()} == {
            "n1": "put back; not on n1, n2, n3",
            "n2": "put back; not on n1, n2, n3",
        }
        assert not store.open_jobs()
        assert store.lock("node n1") is None and store.lock("node n2") is None

    def test_a_node_that_another_run_works_on_keeps_it_from_all(self, playbook: Playbook, store: Store) -> None:
        store.acquire("node n2", "repair")
        code, output = self.write(playbook)
        assert code == 2 and "node n2 is locked by lee" in output
        assert set(self.files(playbook).values()) == {BEFORE}
        assert {one.entry.subject for one in store.records(job="heartbeat_threshold")} == {"n1"}
        held = store.lock("node n2")
        assert held is not None and held.owner.who == "lee" and store.lock("node n1") is None

    def test_check_mode_names_who_is_missing_and_writes_nothing(self, playbook: Playbook) -> None:
        code, output = self.write(playbook, "--check")
        assert code == 2 and "could not be written on n3 " in output
        assert set(self.files(playbook).values()) == {BEFORE}
        assert not (playbook.directory / "state").exists()


ANSWER = {
    "checks": {
        name: {"check": name, "status": "ok", "findings": [], "facts": {}}
        for name in ("network", "multipath", "o2cb", "mounts")
    },
    "node": {"boot_id": "b"},
    "verdict": "not fit",
}
NGINX_DOWN = {"code": "services_nginx_down", "status": "critical", "subject": "nginx", "message": "down"}
ANSWER["checks"]["services"] = {"check": "services", "status": "critical", "findings": [NGINX_DOWN], "facts": {}}


class TestRepair:
    """A node with work to do, whose reading is of this machine: what it finds there stands in the way of the step."""

    def repair(self, playbook: Playbook) -> tuple[int, str]:
        playbook.hosts = {"n1": {**LOCAL, "node_boot_check_result": ANSWER, "node_boot_check_checks": ["time"]}}
        code, output = playbook.run([role("node_boot_check", "repair")])
        return code, " ".join(output.split())

    def test_a_node_that_another_run_repairs_is_left_alone(self, playbook: Playbook, store: Store) -> None:
        store.acquire("node n1", "node_boot_check")
        code, output = self.repair(playbook)
        assert code == 2
        assert "node n1 is locked by lee" in output
        assert store.records() == []
        held = store.lock("node n1")
        assert held is not None and held.owner.who == "lee"

    def test_the_lock_is_let_go_of_where_a_repair_fails(self, playbook: Playbook, store: Store) -> None:
        store.record(Entry("node_recovery", "n1", Phase.STARTED))
        code, output = self.repair(playbook)
        assert code == 2
        assert "Nothing was repaired: node_recovery is open for this node" in output
        assert store.lock("node n1") is None
        assert store.acquire("node n1", "look").epoch == 2, "the run held the lock before"

    def test_what_stands_in_the_way_is_read_under_the_lock(self, playbook: Playbook, store: Store) -> None:
        code, output = self.repair(playbook)
        # nothing of the first answer is left: the node was read again, by the one check asked for
        assert "network: was not checked" not in output and code == 0
        assert store.lock("node n1") is None


def test_a_boot_check_takes_its_warnings_of_the_next_start_from_the_journal(playbook: Playbook, store: Store) -> None:
    evidence = {"threshold": 91}
    store.record(Entry("heartbeat_threshold", "n1", Phase.STARTED, evidence=evidence))
    store.record(Entry("heartbeat_threshold", "n1", Phase.DONE, evidence=evidence))
    today = store.records()[-1].at[:10]
    given = {"o2cb": {"max_freeze": 100}}
    for name in ("n1", "n2"):
        playbook.hosts[name] = {**LOCAL, "node_boot_check_checks": ["time"], "node_boot_check_policy": given}
    playbook.hosts["n2"]["node_boot_check_policy"] = {}
    code, output = playbook.run(
        [role("node_boot_check", node_boot_check_fail_on="never"), show("__node_boot_check_policy")]
    )
    assert code == 0, output
    policies = dict(shown(output))
    assert policies["n1"]["o2cb"] == {
        "announced": {"heartbeat_threshold": 91},
        "announced_on": today,
        "max_freeze": 100,
    }
    assert policies["n2"] == {}
