# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""time_sync where it cannot do its work: every node stands in the report, and nothing is changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from playbook import LOCAL, UNREACHABLE, Playbook

# A name that never has an address (RFC 6761): no server answers, so that no clock may be touched.
ROLE = {
    "name": "Follow the one time server",
    "ansible.builtin.import_role": {"name": "cloudops.hypervisor.time_sync", "rolespec_validate": False},
    "vars": {"time_sync_servers": ["nowhere.invalid"]},
}


@pytest.fixture
def playbook(tmp_path: Path) -> Playbook:
    return Playbook(tmp_path)


def codes(playbook: Playbook) -> dict[str, set[str]]:
    report = json.loads((playbook.directory / "reports/time_sync/latest/report.json").read_text())
    return {
        node["name"]: {finding["code"] for check in node["checks"] for finding in check["findings"]}
        for node in report["nodes"]
    }


def test_nodes_that_cannot_be_reached_are_said_to_be_so_and_fail_the_run(playbook: Playbook) -> None:
    playbook.hosts = {"dead": UNREACHABLE, "gone": UNREACHABLE}
    code, output = playbook.run([ROLE])
    assert code == 2
    assert codes(playbook) == {"dead": {"node_unreachable"}, "gone": {"node_unreachable"}}
    for name in ("dead", "gone"):
        assert f"fatal: [{name}]: FAILED! => " in output
    assert "The node could not be reached: nothing was done on it." in output


def test_a_node_whose_clock_may_not_be_set_is_reported_beside_one_that_cannot_be_reached(playbook: Playbook) -> None:
    playbook.hosts = {"here": LOCAL, "dead": UNREACHABLE}
    code, output = playbook.run([ROLE])
    assert code == 2
    found = codes(playbook)
    assert found["dead"] == {"node_unreachable"}
    assert found["here"] and not found["here"] & {"node_silent", "node_unreachable"}
    # neither a daemon to be told nor a server to follow: whichever this machine lacks
    assert "it would be left without one" in output or "install chrony" in output
    assert "changed: [" not in output
