# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate's own program, in a folder of this test, and the role that opens it."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.process import Process
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import (
    Author,
    Entry,
    Phase,
    open_store,
)
from playbook import LOCAL, UNREACHABLE, Playbook

ROLE = Path(__file__).resolve().parents[3] / "roles" / "boot_gate"
BOOT = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()


class Gate:
    def __init__(self, root: Path) -> None:
        self.folder, self.saved = root / "gate", root / "save"
        self.saved.mkdir()
        settings = root / "xendomains"
        settings.write_text(f'XENDOMAINS_SAVE=/nowhere\nXENDOMAINS_SAVE="{self.saved}" # ours\n', encoding="utf-8")
        text = (ROLE / "files/cloudops-boot-gate").read_text(encoding="utf-8")
        for path, here in {
            "/var/lib/cloudops-hypervisor/boot-gate": str(self.folder),
            "/etc/default/xendomains": str(settings),
        }.items():
            assert path in text
            text = text.replace(path, here)
        self.program = root / "cloudops-boot-gate"
        self.program.write_text(text, encoding="utf-8")
        self.program.chmod(0o755)

    def __call__(self, *words: str) -> tuple[int, str]:
        done = subprocess.run([self.program, *words], capture_output=True, text=True, check=False, timeout=20)
        return done.returncode, done.stdout + done.stderr

    def waiting(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen([self.program, "wait"])

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.saved.parent.glob("save-set-aside/*"))


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path)


def test_it_waits_until_this_very_boot_is_released(gate: Gate) -> None:
    assert gate("status") == (0, f"closed {BOOT}\n")
    waiting = gate.waiting()
    try:
        code, output = gate("release", "0d5a1c11-1f6c-4bb0-9d7c-7a7b52a0a8f5", "kim", "by mistake")
        assert code == 1 and f"this boot is {BOOT}" in output
        time.sleep(1.5)
        assert waiting.poll() is None
        assert gate("release", BOOT, "kim", "nothing runs elsewhere") == (0, f"released {BOOT}\n")
        assert waiting.wait(10) == 0
    finally:
        waiting.kill()
        waiting.wait()
    assert gate("status") == (0, f"released {BOOT}\n")
    assert gate("release", BOOT, "kim", "again") == (0, "released already\n")


def test_the_boot_before_is_not_this_one(gate: Gate) -> None:
    gate("release", BOOT, "kim", "fine")
    (gate.folder / "released").write_text("0d5a1c11-1f6c-4bb0-9d7c-7a7b52a0a8f5\n", encoding="utf-8")
    assert gate("status") == (0, f"closed {BOOT}\n")


def test_saved_states_are_set_aside_before_anything_may_restore_them(gate: Gate) -> None:
    (gate.saved / "web1").write_bytes(b"Xen saved domain")
    (gate.saved / "web 2").write_bytes(b"Xen saved domain")
    code, output = gate("release", BOOT, "kim", "fine")
    assert code == 0 and output.endswith(f"released {BOOT}\n") and output.count("set aside") == 2
    assert gate.names == [f"web 2.{BOOT}", f"web1.{BOOT}"] and not list(gate.saved.iterdir())


def test_what_cannot_be_set_aside_keeps_it_closed(gate: Gate) -> None:
    (gate.saved / "web1").write_bytes(b"Xen saved domain")
    (gate.saved.parent / "save-set-aside").write_text("in the way", encoding="utf-8")
    assert gate("release", BOOT, "kim", "fine")[0] != 0
    assert gate("status") == (0, f"closed {BOOT}\n")


def test_nobody_releases_it_without_a_name_and_a_reason(gate: Gate) -> None:
    assert gate("release", BOOT, "kim")[0] == 1 and gate("release")[0] == 1 and gate("open")[0] == 1
    assert gate("status") == (0, f"closed {BOOT}\n")


def test_a_boot_that_began_without_a_gate_counts_as_released(gate: Gate) -> None:
    (gate.saved / "web1").write_bytes(b"Xen saved domain")
    assert gate("adopt") == (0, "") and gate("status") == (0, f"released {BOOT}\n")
    assert (gate.saved / "web1").exists() and not list((gate.folder / "releases").iterdir())


@pytest.fixture
def released(tmp_path: Path, gate: Gate) -> Callable[..., tuple[int, str, list[dict[str, Any]]]]:
    playbook = Playbook(tmp_path)
    paths = {"__boot_gate_folder": str(gate.folder), "__boot_gate_program": str(gate.program)}

    def run(*arguments: str, **given: Any) -> tuple[int, str, list[dict[str, Any]]]:
        playbook.hosts = {"n1": LOCAL}
        extra = json.dumps({**paths, "boot_gate_state": "released", **given})
        role = {"name": "cloudops.hypervisor.boot_gate", "rolespec_validate": False}
        code, output = playbook.run([{"name": "Gate", "ansible.builtin.import_role": role}], "-e", extra, *arguments)
        if not (tmp_path / "state").exists():
            return code, output, []
        with open_store(Author("lee", "2", Process.at(os.getpid())), playbook.environment["CLOUDOPS_STORE_URL"]) as one:
            return code, output, [record.entry.evidence for record in one.records(job="boot_gate")]

    return run


def test_the_role_releases_and_journals_what_a_person_released_too(gate: Gate, released: Any) -> None:
    gate("release", BOOT, "kim", 'said "yes"\nat night')
    code, output, journal = released(boot_gate_reason="looked at")
    assert code == 0, output
    assert "changed=0" in output
    (entry,) = journal
    assert (entry["who"], entry["reason"], entry["boot_id"]) == ("kim", "said yesat night", BOOT)
    assert len(released(boot_gate_reason="looked at")[2]) == 1


def test_the_role_releases_this_boot_alone_and_once(gate: Gate, released: Any) -> None:
    gate("status")
    code, output, journal = released(boot_gate_reason="")
    assert code == 2 and "boot_gate_reason: say why" in output and journal == []
    code, output, journal = released(boot_gate_reason="fit", boot_gate_boot_id="0d5a1c11-1f6c-4bb0-9d7c-7a7b52a0a8f5")
    assert code == 2 and f"this boot is {BOOT}" in output and journal == []
    code, output, journal = released("--check", boot_gate_reason="fit")
    assert code == 0 and "changed=1" in output and journal == [] and gate("status")[1].startswith("closed")
    code, output, journal = released(boot_gate_reason="fit")
    assert code == 0 and "changed=1" in output and [one["reason"] for one in journal] == ["fit"]
    assert gate("status")[1].startswith("released")


class TestRepair:
    """The last step of node_boot_check's repair, with a boot that waits."""

    def release(self, tmp_path: Path, gate: Gate, guests: list[dict[str, Any]], **hosts: Any) -> tuple[int, str]:
        playbook = Playbook(tmp_path)
        reading = {"checks": {"boot": {"facts": {"guests": guests}}}, "node": {"boot_id": BOOT}}
        playbook.hosts = {"n1": {**LOCAL, "node_boot_check_result": reading}, **hosts}
        paths = {"__boot_gate_folder": str(gate.folder), "__boot_gate_program": str(gate.program)}
        role = {"name": "cloudops.hypervisor.node_boot_check", "tasks_from": "boot_gate", "rolespec_validate": False}
        task = {"name": "Gate", "ansible.builtin.import_role": role}
        code, output = playbook.run([task], "-e", json.dumps(paths), "--limit", "n1")
        return code, " ".join(output.split())

    def test_a_boot_with_nothing_that_waits_is_released(self, tmp_path: Path, gate: Gate) -> None:
        gate("status")
        code, output = self.release(tmp_path, gate, [], n2=UNREACHABLE)
        assert code == 0, output
        assert gate("status")[1].startswith("released")

    def test_it_stays_closed_while_a_node_is_silent_that_may_run_what_waits(self, tmp_path: Path, gate: Gate) -> None:
        gate("status")
        auto = tmp_path / "auto" / "web.cfg"
        auto.parent.mkdir()
        auto.write_text('uuid = "21aaac9c-5b99-4229-9f83-0bf6b6dd8077"\nname = "web"\n', encoding="utf-8")
        guest = {"name": "web", "path": str(auto), "starter": "xendomains.service", "shared": True}
        code, output = self.release(tmp_path, gate, [guest], n2=UNREACHABLE)
        assert code == 2 and "The gate stays closed: web: n2 is silent" in output
        assert gate("status")[1].startswith("closed")

    def test_a_node_that_a_recovery_fenced_is_left_to_its_return(self, tmp_path: Path, gate: Gate) -> None:
        gate("status")
        url = Playbook(tmp_path).environment["CLOUDOPS_STORE_URL"]
        evidence = {"kind": "fence", "subject": "n1"}
        with open_store(Author("lee", "2", Process.at(os.getpid())), url) as store:
            store.record(Entry("ha_recovery", "zone-a", Phase.STARTED, "fence n1", "zone-a", evidence=evidence))
        code, output = self.release(tmp_path, gate, [])
        assert code == 2 and "run the playbook node_return for it" in output
        assert gate("status")[1].startswith("closed")
        with open_store(Author("lee", "2", Process.at(os.getpid())), url) as store:
            store.record(Entry("node_return", "n1", Phase.STARTED, zone="zone-a"))
            store.record(Entry("node_return", "n1", Phase.DONE, zone="zone-a"))
        code, output = self.release(tmp_path, gate, [])
        assert code == 0 and gate("status")[1].startswith("released"), output


def test_a_gate_that_something_waits_at_is_not_taken_away(gate: Gate, released: Any) -> None:
    gate("status")
    code, output, _journal = released(boot_gate_state="absent")
    assert code == 2 and "Release this boot first" in output and gate.program.exists()
