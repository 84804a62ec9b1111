# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role refuses before anything runs: the node of these plays cannot be connected to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playbook import LOCAL, UNREACHABLE, Playbook

REFUSED = {
    "n1": ({"checks": "time,mutipath"}, "node_boot_check_checks: mutipath: no such check; there are services,"),
    "n2": ({"policy": {"mutipath": {}}}, "node_boot_check_policy: mutipath: no such check; there are services,"),
    "n3": ({"policy": {"time": {"max_ofset": 1}}}, "node_boot_check_policy: time.max_ofset: no such option"),
    "n4": ({"statuses": {"disk_sad": "ok"}}, "node_boot_check_statuses: disk_sad: no such finding code"),
    "n5": (
        {"statuses": {"lvm_pv_missing": "fine"}},
        "node_boot_check_statuses: lvm_pv_missing: ok, warning or",
    ),
    "n6": ({"repare": True}, "node_boot_check_repare: the role has no such variable; is node_boot_check_repair meant?"),
    # each can be meant, both together cannot
    "n7": (
        {
            "baseline": {"o2cb": {"announced_on": "2026-11-21", "announced": {"heartbeat_threshold": 91}}},
            "policy": {"o2cb": {"announced_on": ""}},
        },
        "node_boot_check_baseline with node_boot_check_policy: o2cb.announced_on: an announced value needs its date",
    ),
}


def check(playbook: Playbook) -> tuple[int, str]:
    role = {"name": "cloudops.hypervisor.node_boot_check", "rolespec_validate": False}
    code, output = playbook.run([{"name": "Check", "ansible.builtin.import_role": role}])
    return code, " ".join(output.split())


def options(**given: Any) -> dict[str, Any]:
    return {f"node_boot_check_{name}": value for name, value in given.items()}


def test_what_cannot_be_meant_is_refused_by_name_for_every_host_before_anything_runs(tmp_path: Path) -> None:
    playbook = Playbook(tmp_path)
    playbook.hosts = {name: {**UNREACHABLE, **options(**given)} for name, (given, _said) in REFUSED.items()}
    code, output = check(playbook)
    assert code == 2 and "Nothing was run." in output
    for name, (_given, said) in REFUSED.items():
        assert f"{name}: {said}" in output
    assert not (tmp_path / "reports").exists()


def test_a_policy_that_only_the_baseline_completes_is_taken(tmp_path: Path) -> None:
    playbook = Playbook(tmp_path)
    announced = {
        "baseline": {"o2cb": {"announced_on": "2026-11-21"}},
        "policy": {"o2cb": {"announced": {"heartbeat_threshold": 91}}},
    }
    playbook.hosts = {"n1": {**LOCAL, **options(checks=["time"], fail_on="never", **announced)}}
    code, output = check(playbook)
    assert code == 0, output
    assert (tmp_path / "reports").exists()
