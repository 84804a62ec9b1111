# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_start on nodes without a hypervisor, where nothing is proven off: each reason is shown, and nothing is started."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudops.hypervisor.plugins.filter.vm_start import without_secrets
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.process import Process
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import Author, open_store
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.refusal import Refusal
from playbook import LOCAL, UNREACHABLE, Playbook
from xen_answers import config, uuid


class Start(Playbook):
    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.hosts = {"n1": LOCAL}
        self.root = directory / "domu"
        self.root.mkdir()
        self.cfg = self.root / f"{uuid(1)}.cfg"
        text = f"uuid = '{uuid(1)}'\nname = 'web-1'\nmemory = 128\nkernel = '/boot/none'\n"
        self.cfg.write_text(text + f"disk = [ '{self.root}/root.raw,raw,xvda,w' ]\nvif = [ 'bridge=xenbr7' ]\n")

    def start(self, *arguments: str, tasks_from: str = "main", **given: Any) -> tuple[int, str]:
        known = {
            "vm_where_vm": "web-1",
            "vm_where_zone": "zone-a",
            "vm_where_sources": ["inventory"],
            "vm_where_image_roots": [str(self.root)],
            "vm_start_node": "n1",
            "vm_start_quiet": 3,
            "vm_start_watch": 0,
        }
        imported = {"name": "cloudops.hypervisor.vm_start", "tasks_from": tasks_from, "rolespec_validate": False}
        role = {"name": "Start", "ansible.builtin.import_role": imported, "vars": {**known, **given}}
        code, output = self.run([role], *arguments)
        return code, " ".join(output.split())

    def store(self) -> Any:
        return open_store(Author("lee", "other", Process.at(os.getpid())), self.environment["CLOUDOPS_STORE_URL"])


@pytest.fixture
def play(tmp_path: Path) -> Start:
    return Start(tmp_path)


def test_every_reason_is_shown_with_its_evidence_and_nothing_is_started(play: Start) -> None:
    play.hosts["n2"] = UNREACHABLE
    code, output = play.start()
    assert code == 2 and "Nothing was started" in output
    assert f"its disk {play.root}/root.raw is not on" in output
    assert "its kernel /boot/none is not on" in output and "has no bridge xenbr7" in output
    assert "n2 did not answer: the VM may be there" in output
    assert "not known: libxc" in output or "not known: its domains" in output
    assert "No such file or directory" in output and "mounted at /" in output
    with play.store() as store:
        assert store.records(subject=uuid(1)) == [] and store.lock("zone-a") is None
        assert store.acquire("zone-a", "look").epoch > 1, "the run held the zone before"


def test_a_zone_that_another_run_has_is_left_alone(play: Start) -> None:
    with play.store() as store:
        store.acquire("zone-a", "recovery of n1")
        code, output = play.start()
        assert code == 2 and "zone-a is locked by lee" in output and "Read every node" not in output
        assert store.lock("zone-a").owner.who == "lee"


def test_a_name_of_no_vm_and_a_node_that_is_none_are_refused(play: Start) -> None:
    code, output = play.start(vm_where_vm="web-9")
    assert code == 2 and "web-9 is no VM that anybody knows" in output
    code, output = play.start(vm_start_node="n7")
    assert code == 2 and "n7 is no host of the play" in output and "Keep other runs" not in output


def test_a_vm_that_was_refused_although_all_was_well_leaves_a_bundle_without_secrets(play: Start) -> None:
    seen = {"vms": [{"vm": uuid(1), "domains": [], "configs": [{**config(1), "hosts": ["n1"]}]}], "hosts": {"n1": "n1"}}
    refusal = Refusal("not_created", Phrase("job_create_in_vain", "no memory")).as_dict()
    play.hosts["n1"] = {
        **LOCAL,
        "vm_where_seen": seen,
        "vm_start_check": {"status": "ok", "findings": []},
        "vm_start_needs": {"config": {"name": "web-1", "vncpasswd": "hunter2"}},
        "vm_start_done": {"msg": refusal["said"], "refusal": refusal},
    }
    code, output = play.start(tasks_from="failed", vm_start_report_language="ko")
    assert code == 2 and "n1 에서 구동되지 않음: xl create 는 성공했으나 도메인이 없음: no memory" in output
    (kept,) = (play.directory / "reports/vm_start" / uuid(1)).glob("2*")
    assert {"refusal.json", "config.json", "where.json", "xl.txt"} <= {path.name for path in kept.iterdir()}
    assert json.loads((kept / "refusal.json").read_text())["refusal"]["code"] == "not_created"
    assert "hunter2" not in (kept / "config.json").read_text()


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ('vfb = [ "vnc=1,vncpasswd=hunter2,vncdisplay=50" ]', "hunter2"),
        ("password: hunter2", "hunter2"),
        ("Nov 21 n1 api: token=abc123 ok", "abc123"),
        ('"vncpasswd": "hunter2"', "hunter2"),
    ],
)
def test_what_follows_a_secrets_name_is_blanked(text: str, secret: str) -> None:
    assert secret not in without_secrets(text)
    assert without_secrets("memory = 128\nname = 'web-1'\n") == "memory = 128\nname = 'web-1'\n"


def test_after_the_start_what_runs_is_judged(play: Start) -> None:
    """The readings of a node that has it; this machine itself has none, and says so."""
    code, output = play.start(tasks_from="verify", vm_start_boot_time=3)
    assert code == 2 and "does not run once, and on one node" in output
