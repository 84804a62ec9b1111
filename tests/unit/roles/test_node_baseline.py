# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""node_baseline after its reading: what it writes, what it refuses, and what it shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from playbook import LOCAL, Playbook
from report.fleet import answer, multipath


@pytest.fixture
def playbook(tmp_path: Path) -> Playbook:
    made = Playbook(tmp_path)
    made.hosts = {"n1": LOCAL}
    return made


def run(playbook: Playbook, state: str, **options: Any) -> tuple[int, str]:
    role = {
        "name": "Compare and record",
        "ansible.builtin.include_role": {
            "name": "cloudops.hypervisor.node_baseline",
            "tasks_from": "compare",
            "rolespec_validate": False,
        },
        "vars": {
            "node_baseline_directory": str(playbook.directory / "host_vars"),
            "node_baseline_reading": answer(multipath(state), "multipath"),
            **options,
        },
    }
    return playbook.run([role])


def maps(playbook: Playbook) -> set[int]:
    text = (playbook.directory / "host_vars/n1/baseline.yml").read_text()
    return set(yaml.safe_load(text)["node_boot_check_baseline"]["multipath"]["maps"].values())


def test_a_healthy_node_is_recorded_and_a_second_run_changes_nothing(playbook: Playbook) -> None:
    assert run(playbook, "healthy")[0] == 0
    assert maps(playbook) == {2}
    code, output = run(playbook, "healthy")
    assert code == 0 and "changed=0" in output


def test_a_node_with_a_warning_is_refused_by_name_unless_that_is_accepted(playbook: Playbook) -> None:
    code, output = run(playbook, "onefailed")
    assert code == 2 and "1 of 2 paths failed" in " ".join(output.split())
    assert not (playbook.directory / "host_vars").exists()
    assert run(playbook, "onefailed", node_baseline_accept_warnings=True)[0] == 0
    assert maps(playbook)


def test_a_second_run_shows_the_drift_and_writes_only_when_told(playbook: Playbook) -> None:
    run(playbook, "healthy")
    file = playbook.directory / "host_vars/n1/baseline.yml"
    file.write_text(file.read_text().replace(": 2", ": 4"))
    code, output = run(playbook, "allfailed-queueing")
    assert code == 0 and ": 4\n" in output and ": 2\n" in output, "an unfit node shows its drift too"
    assert maps(playbook) == {4}
    assert run(playbook, "allfailed-queueing", node_baseline_update=True)[0] == 2
    assert maps(playbook) == {4}
    assert run(playbook, "healthy", node_baseline_update=True)[0] == 0
    assert maps(playbook) == {2}
