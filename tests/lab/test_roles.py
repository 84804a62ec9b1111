# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs that change something, on the lab: what they do, what they refuse, and that a second run changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import remote
from broken import broken
from controller import Controller, Playbook
from lifecycle import Lab
from topology import NODES

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]

SAN_ADDRESS = "10.77.0.19"
NOBODY = "10.77.0.99"
THRESHOLD = "grep -o 'THRESHOLD=[0-9]*' /etc/default/o2cb"


@pytest.fixture
def operator(lab: Lab, tmp_path: Path) -> Iterator[Controller]:
    """For each test another, whose journal knows nothing of the one before."""
    made = Controller("lab", tmp_path / "operator")
    yield made
    made.leave()


@pytest.fixture
def hang_triage(operator: Controller) -> Playbook:
    return Playbook("hang_triage", operator)


def _row(outcome, node: str) -> str:
    (code,) = {finding["code"] for finding in outcome.findings(node) if finding["check"] == "node_death"}
    return code


def test_a_node_whose_vms_answer_is_left_alone_and_one_without_addresses_is_unknown(
    lab: Lab, hang_triage: Playbook
) -> None:
    with broken(lab, ("node_unreachable", "n2")):
        alive = hang_triage(vm_addresses={"n2": [SAN_ADDRESS]})
        assert (alive.rc, _row(alive, "n2")) == (0, "node_unmanaged")
        assert "Leave the node alone" in alive.screen
        korean = hang_triage(report_language="ko")
        assert _row(korean, "n2") == "node_unknown"
        assert "guests: missing" in korean.screen and re.search("[가-힣]", korean.screen)


def test_a_frozen_node_is_unknown_until_its_peer_declares_it_dead(lab: Lab, hang_triage: Playbook) -> None:
    silent = {"vm_addresses": {"n2": [NOBODY]}}
    try:
        lab.machines["n2"].stop()
        early = hang_triage(**silent)
        assert _row(early, "n2") == "node_unknown" and "heartbeat: missing" in early.screen
        remote.script(
            "n1", "for try in $(seq 60); do dmesg | grep -q 'No longer connected' && exit; sleep 2; done; exit 1"
        )
        late = hang_triage(**silent)
        # only the BMC could tell more
        assert _row(late, "n2") == "node_unknown" and "heartbeat: standing" in late.screen
    finally:
        lab.restore("ready")


def test_the_threshold_is_written_on_all_nodes_or_on_none(lab: Lab, hang_triage: Playbook) -> None:
    def written() -> list[str]:
        return [remote.script(node.name, THRESHOLD) for node in NODES]

    before = written()
    try:
        limited = hang_triage("--limit", "n1", heartbeat_threshold=91)
        assert limited.rc != 0 and "takes no --limit" in limited.screen
        foreseen = hang_triage("--check", heartbeat_threshold=91)
        assert foreseen.rc == 0 and written() == before

        remote.script("n2", "chattr +i /etc/default/o2cb")
        halfway = hang_triage(heartbeat_threshold=91)
        assert halfway.rc != 0 and "could not be written on n2" in " ".join(halfway.screen.split())
        assert written() == before
        remote.script("n2", "chattr -i /etc/default/o2cb")

        done = hang_triage(heartbeat_threshold=91)
        assert done.rc == 0 and "next start of the WHOLE zone" in " ".join(done.screen.split())
        assert written() == ["THRESHOLD=91\n"] * 2
        assert "changed:" not in hang_triage(heartbeat_threshold=91).screen
    finally:
        for node in NODES:
            remote.script(
                node.name, "chattr -i /etc/default/o2cb; sed -i s/THRESHOLD=91/THRESHOLD=31/ /etc/default/o2cb"
            )


def test_the_page_cache_is_dropped_by_a_timer_that_can_be_taken_away(lab: Lab, hang_triage: Playbook) -> None:
    there = "systemctl list-timers --all --no-legend 'cloudops-*' | wc -l; ls -d /etc/systemd/system/cloudops-* | wc -l"
    hang_triage("--limit", "n1", page_cache_drop="present")
    assert remote.script("n1", there) == "1\n2\n"
    drop = "systemctl start cloudops-page-cache-drop.service; awk '/^Cached/ {print $2}' /proc/meminfo"
    cached = "cat /usr/bin/* > /dev/null; awk '/^Cached/ {print $2}' /proc/meminfo"
    assert int(remote.script("n1", cached)) > 1.5 * int(remote.script("n1", drop))
    beside = "exec 9> /var/lock/cloudops-page-cache-drop; flock 9; systemctl start cloudops-page-cache-drop || echo no"
    assert remote.script("n1", beside) == "no\n"
    assert "changed:" not in hang_triage("--limit", "n1", page_cache_drop="present").screen
    hang_triage("--limit", "n1", page_cache_drop="absent")
    assert remote.script("n1", f"{there}; systemctl --failed --no-legend | wc -l") == "0\n0\n0\n"


def test_clocks_follow_the_one_server_and_a_second_run_changes_nothing(lab: Lab, operator: Controller) -> None:
    time_sync = Playbook("time_sync", operator)
    before = remote.script("n1", "cat /etc/chrony/chrony.conf")
    try:
        remote.script(
            "n1", "echo 'pool 2.debian.pool.ntp.org iburst' >> /etc/chrony/chrony.conf; date -s '+30 seconds'"
        )
        done = time_sync("--diff", servers=SAN_ADDRESS)
        assert done.rc == 0 and "-pool 2.debian.pool.ntp.org iburst" in done.screen
        assert re.search(r"n1: \+(29|30)\.\d+ s before, [+-]0\.\d+ s now", done.screen)
        assert remote.script("n1", "cat /etc/chrony/chrony.conf") == before
        again = time_sync(servers=SAN_ADDRESS)
        assert again.rc == 0 and "changed:" not in again.screen
    finally:
        remote.script("n1", f"cat > /etc/chrony/chrony.conf << 'END'\n{before}END\nchronyc makestep")


def test_a_healthy_node_becomes_its_baseline_and_a_loss_is_drift(
    lab: Lab, operator: Controller, tmp_path: Path
) -> None:
    node_baseline, variables = Playbook("node_baseline", operator), {"directory": str(tmp_path / "host_vars")}
    assert node_baseline("--limit", "n1", **variables).rc == 0
    recorded = tmp_path / "host_vars/n1/baseline.yml"
    text = recorded.read_text()
    policy = yaml.safe_load(text)["node_boot_check_baseline"]
    assert set(policy["multipath"]["maps"].values()) == {2} and policy["o2cb"]["heartbeat_threshold"] == 31
    assert "changed:" not in node_baseline("--limit", "n1", **variables).screen

    boot_check = Playbook("node_boot_check", operator)
    fit = boot_check("--limit", "n1", "--extra-vars", f"@{recorded}", policy={})
    assert fit.verdicts == {"n1": "fit"}
    with broken(lab, ("path_missing", "n1"), ("nginx_down", "n1")):
        sick = boot_check(
            *("--limit", "n1", "--extra-vars", f"@{recorded}"), policy={}, checks=["multipath", "services"]
        )
        assert sick.problems["n1"] == {"multipath_paths_missing", "services_nginx_down"}
        drift = node_baseline("--limit", "n1", **variables)
        assert drift.rc == 0 and "-    nginx: true" in drift.screen
        refused = node_baseline("--limit", "n1", **variables, update=True)
        assert refused.rc != 0 and "Nothing is recorded of n1, which is not fit" in refused.screen
    assert recorded.read_text() == text
