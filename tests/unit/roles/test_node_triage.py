# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of a node in doubt, as ansible-playbook runs the triage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from playbook import LOCAL, UNREACHABLE, Playbook
from xen_answers import answer, domain, mac

TRIAGE = {
    "name": "Is it dead?",
    "cloudops.hypervisor.node_triage": {
        "results": "reading",
        "probes": "probe",
        "in_doubt": True,
        "ssh": "127.0.0.1:9",
    },
}


@pytest.fixture
def playbook(tmp_path: Path) -> Playbook:
    made = Playbook(tmp_path)
    made.hosts = {"n1": UNREACHABLE}
    return made


def test_without_a_bmc_the_evidence_says_that_the_console_was_not_taken(playbook: Playbook) -> None:
    code, output = playbook.run([TRIAGE])
    assert code == 0, output
    (kept,) = (playbook.directory / "reports/hang_triage/n1").glob("2*")
    expected = "# not taken, because no BMC was given: photograph what stands on the console\n"
    assert (kept / "console.txt").read_text() == expected
    assert json.loads((kept / "readings.json").read_text())["bmc"]["reading"] == "missing"


def guests(playbook: Playbook, name: str, **options: object) -> dict:
    given = {**TRIAGE["cloudops.hypervisor.node_triage"], "vms": ["first", "second"], **options}
    task = {"name": "Is it dead?", "cloudops.hypervisor.node_triage": given, "when": f"inventory_hostname == '{name}'"}
    code, output = playbook.run([task])
    assert code == 0, output
    (kept,) = (playbook.directory / f"reports/hang_triage/{name}").glob("2*")
    health = json.loads((kept / "checks.json").read_text())["node_death"]
    return {"facts": health["facts"], "evidence": health["findings"][0]["evidence"]}


READING = {"checks": {"boot": {"status": "ok", "findings": [], "facts": {}}}, "node": {"boot_id": "b"}}


def test_a_node_that_answers_is_asked_which_of_its_vms_live(playbook: Playbook) -> None:
    seen = {
        "first": answer("n1", domain(1), domain(2)),
        "second": answer("n1", domain(1, cpu_ns=13_000_000), domain(2)),
    }
    playbook.hosts = {"n1": {**LOCAL, "reading": READING, **seen}}
    found = guests(playbook, "n1")
    assert found["facts"]["readings"]["guests"] == "answer"
    assert [(one["name"], one["lives"]) for one in found["facts"]["vms"]] == [("web-1", True), ("web-2", False)]
    assert any(line.startswith("VMs: domain 1 web-1: its CPU time rose by 12 ms") for line in found["evidence"])


def test_an_answer_of_a_vm_that_is_on_another_node_is_not_counted(playbook: Playbook) -> None:
    probe = {"answers": {"10.0.0.21": True}}
    has = {"first": answer("n1", domain(1)), "second": answer("n1", domain(1))}
    playbook.hosts = {"n1": {**LOCAL, "reading": READING, "probe": probe, **has}, "n2": UNREACHABLE}
    found = guests(playbook, "n2", vm_addresses=["10.0.0.21"], vm_macs={"10.0.0.21": mac(1).upper()})
    assert found["facts"]["readings"]["guests"] == "missing"
    assert "guests: missing: 10.0.0.21 is on n1, and tells nothing of this node" in found["evidence"]
