# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of a node in doubt, as ansible-playbook runs the triage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from playbook import UNREACHABLE, Playbook

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
