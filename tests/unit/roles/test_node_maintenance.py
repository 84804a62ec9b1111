# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node in maintenance, as the journal has it: what a recovery asks is asked here in the same way."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.process import Process
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import Author, Record, open_store
from playbook import LOCAL, UNREACHABLE, Playbook, show, shown
from xen_answers import answer, domain, uuid

HERE = os.uname().nodename


class Maintenance(Playbook):
    def role(self, state: str, *arguments: str, node: str = "n1", **given: Any) -> tuple[int, str]:
        """The role itself, on this machine, which has no hypervisor, and on one that never answers."""
        role = {"name": "cloudops.hypervisor.node_maintenance", "rolespec_validate": False}
        about = {"node_maintenance_node": node, "node_maintenance_state": state, "vm_where_zone": "zone-a", **given}
        return self.flat([{"name": "Maintenance", "ansible.builtin.import_role": role, "vars": about}], *arguments)

    def action(self, state: str, *arguments: str, **options: Any) -> tuple[int, str, dict[str, Any]]:
        """What the role does with what the nodes answered."""
        given = {"node": "n1", "state": state, "reason": "a fan", "zone": "zone-a", **options}
        task = {"cloudops.hypervisor.node_maintenance": given, "register": "done", "run_once": True}
        code, output = self.run([task, show("done", run_once=True)], *arguments)
        ((_host, done),) = shown(output) or [("", {})]
        return code, " ".join(output.split()), done

    def flat(self, tasks: list[dict[str, Any]], *arguments: str) -> tuple[int, str]:
        code, output = self.run(tasks, *arguments)
        return code, " ".join(output.split())

    def open(self) -> list[Record]:
        if not (self.directory / "state").exists():
            return []
        with open_store(Author("lee", "2", Process.at(os.getpid())), self.environment["CLOUDOPS_STORE_URL"]) as store:
            return store.open_jobs()

    def in_maintenance(self, name: str) -> bool:
        return any(one.entry.job == "node_maintenance" and one.entry.subject == name for one in self.open())


@pytest.fixture
def play(tmp_path: Path) -> Maintenance:
    made = Maintenance(tmp_path)
    made.hosts = {"n1": UNREACHABLE, "n2": LOCAL}
    return made


class TestRole:
    def test_a_node_that_does_not_answer_goes_in_by_its_name_in_the_inventory(self, play: Maintenance) -> None:
        code, output = play.role("entered", node_maintenance_reason="a fan is replaced")
        assert code == 0, output
        assert "known by this name of the inventory alone" in output and "changed=1" in output
        assert play.in_maintenance("n1")
        (record,) = play.open()
        assert (record.entry.zone, record.entry.evidence["reason"]) == ("zone-a", "a fan is replaced")
        code, output = play.role("entered", node_maintenance_reason="again")
        assert code == 0 and "changed=1" not in output
        assert f"n1 is in maintenance since {record.at} ({record.who}@" in output and "a fan is replaced" in output
        assert len(play.open()) == 1

    def test_it_leaves_and_a_recovery_may_fence_it_again(self, play: Maintenance) -> None:
        play.role("entered", node_maintenance_reason="a fan is replaced")
        code, output = play.role("left")
        assert code == 0 and "changed=1" in output and not play.in_maintenance("n1"), output
        code, output = play.role("left")
        assert code == 0 and "changed=1" not in output and "n1 is not in maintenance" in output

    def test_check_mode_writes_nothing(self, play: Maintenance) -> None:
        code, output = play.role("entered", "--check", node_maintenance_reason="a fan")
        assert code == 0 and "changed=1" in output and not play.open(), output

    def test_in_korean(self, play: Maintenance) -> None:
        code, output = play.role("left", node_maintenance_report_language="ko")
        assert code == 0 and "점검(maintenance) 중이 아님" in output, output

    @pytest.mark.parametrize(
        ("state", "given", "said"),
        [
            ("entered", {}, "reason: say why"),
            ("entered", {"node_maintenance_reason": " "}, "reason: say why"),
            ("out", {"node_maintenance_reason": "a fan"}, "node_maintenance_state"),
            ("entered", {"node_maintenance_reason": "a fan", "node": "n9"}, "n9 is no host of this play"),
            (
                "entered",
                {"node_maintenance_reason": "a fan", "node_maintenance_empty_to": ["n1"]},
                "n1 is emptied, and takes no VM itself",
            ),
            (
                "entered",
                {"node_maintenance_reason": "a fan", "node_maintenance_empty_to": ["n2"]},
                "n1 cannot be emptied: which VMs it has was not read",
            ),
        ],
    )
    def test_what_cannot_be_meant_or_done_is_refused(
        self, play: Maintenance, state: str, given: dict[str, Any], said: str
    ) -> None:
        code, output = play.role(state, **given)
        assert code == 2 and said in output, output
        assert not play.open()

    def test_a_node_that_answers_is_known_by_both_its_names(self, play: Maintenance) -> None:
        play.hosts = {"n1": LOCAL}
        code, output = play.role("entered", node_maintenance_reason="a fan")
        assert code == 0, output
        # the kernel's name while it answers, the inventory's while it is silent
        assert play.in_maintenance(HERE) and play.in_maintenance("n1")
        play.hosts = {"n1": UNREACHABLE}
        code, output = play.role("left")
        assert code == 0 and not play.open(), output


class TestAction:
    @pytest.fixture(autouse=True)
    def _nodes(self, play: Maintenance) -> None:
        play.hosts = {
            "n1": {**LOCAL, "node_maintenance_reading": answer("n1", domain(1), domain(2, state="paused"))},
            "n2": {**LOCAL, "node_maintenance_reading": answer("n2")},
        }

    def test_the_vms_it_has_are_told(self, play: Maintenance) -> None:
        code, output, done = play.action("entered")
        assert code == 0 and done["changed"], output
        assert done["check"]["status"] == "warning" and done["moves"] == []
        assert any("n1 has 2 VMs, and nobody recovers them" in line for line in done["page"])
        assert play.open()[0].entry.evidence["vms"] == [uuid(1), uuid(2)]

    def test_what_rests_cannot_be_moved(self, play: Maintenance) -> None:
        _code, _output, done = play.action("entered", "--check", targets=["n2"])
        assert done["check"]["status"] == "critical"
        assert "web-2 does not run and cannot be moved: paused" in " ".join(done["page"])

    def test_where_its_vms_would_go(self, play: Maintenance) -> None:
        play.hosts["n1"]["node_maintenance_reading"] = answer("n1", domain(1))
        code, output, done = play.action("entered", "--check", "--diff", targets=["n2"])
        assert code == 0 and not play.open(), output
        assert done["moves"] == [{"vm": uuid(1), "name": "web-1", "target": "n2"}]
        assert "+n1: in maintenance" in output

    def test_a_name_that_it_tells_later_is_added(self, play: Maintenance) -> None:
        reading = play.hosts["n1"].pop("node_maintenance_reading")
        play.action("entered")
        assert play.in_maintenance("n1") and not play.in_maintenance("node1")
        reading["node"]["hostname"] = "node1"
        play.hosts["n1"]["node_maintenance_reading"] = reading
        _code, _output, done = play.action("entered")
        assert done["changed"] and play.in_maintenance("node1") and len(play.open()) == 2
        assert not play.action("entered")[2]["changed"]
