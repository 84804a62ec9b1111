# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run of the boot check goes while nodes are silent or ill: in time, complete, and leaving nothing behind."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import jsonschema
import pytest

import remote
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils import one_trip
from broken import broken
from controller import ROOT, Playbook
from expectations import contradictions
from lifecycle import Lab

pytestmark = pytest.mark.timeout(600)

# Places a program might leave something in. Logs and systemd's own state change by themselves.
_FILES = "find /tmp /var/tmp /root /run/cloudops-hypervisor -xdev -type f ! -path '*/systemd-private-*' 2> /dev/null"
_FILES += " | grep -v '^/run/cloudops-hypervisor/lock$' | sort"
# Not the kernel's own threads.
_PROCESSES = "ps --ppid 2 -p 2 --deselect -o pid=,args="
# What brought this question, and what comes and goes by itself.
_OTHERS = re.compile(r"sshd|ps --ppid|sh -eu -s|systemd|\(sd-|chronyd")

# pvs as no check runs it: without having asked what may hang
_PVS = "print(module.LocalHost().run(['pvs'], timeout=5.0, touches=module.Touches.DISKS).problem.value)"


def unguarded_pvs(node: str) -> str:
    """What became of it."""
    program, _call, _rest = one_trip.program("command", {}).partition("answer = module.answer")
    return remote.script(node, f"exec python3 -IS - << 'END OF PROGRAM'\n{program}\n{_PVS}\nEND OF PROGRAM\n").strip()


@contextmanager
def nothing_left_behind(node: str) -> Iterator[None]:
    files, processes = remote.script(node, _FILES), remote.script(node, _PROCESSES)
    yield
    assert remote.script(node, _FILES) == files
    left = set(remote.script(node, _PROCESSES).splitlines()) - set(processes.splitlines())
    assert not [line for line in left if not _OTHERS.search(line)]


@pytest.mark.sample("stuck")
def test_a_dead_nfs_server_is_told_in_time_and_nothing_is_left_behind(lab: Lab, boot_check: Playbook) -> None:
    fault = ("nfs_dead", "n1")
    with broken(lab, fault), nothing_left_behind("n1"):
        outcome = boot_check()
        assert contradictions([fault], outcome.problems) == []
        (node,) = (node for node in outcome.report["nodes"] if node["name"] == "n1")
        (mounts,) = (check for check in node["checks"] if check["check"] == "mounts")
        assert mounts["seconds"] < 15


@pytest.mark.sample("stuck")
def test_where_maps_queue_nothing_reads_disks_and_one_stuck_child_stays_one(lab: Lab, boot_check: Playbook) -> None:
    fault = ("all_paths_lost", "n1")
    with broken(lab, fault):
        with nothing_left_behind("n1"):
            assert contradictions([fault], boot_check().problems) == []
            alone = boot_check("--limit", "n1", checks=["lvm"])
            assert alone.problems["n1"] == {"lvm.reading_blocked"}
            assert all("mpath" in finding["message"] for finding in alone.findings("n1"))
        assert [unguarded_pvs("n1") for _run in range(2)] == ["stuck", "blocked"]
        assert boot_check("--limit", "n1", checks=["time", "lvm"]).problems["n1"] == {"lvm.reading_blocked"}
        assert remote.script("n1", "pgrep -x pvs | wc -l; ls /run/cloudops-hypervisor/stuck | wc -l") == "1\n1\n"
    assert not any(boot_check(checks=["multipath", "lvm"]).problems.values())
    assert remote.script("n1", "pgrep -x pvs | wc -l; ls /run/cloudops-hypervisor/stuck | wc -l") == "0\n0\n"


@pytest.mark.sample("silent")
def test_a_node_that_falls_silent_in_the_middle_is_unknown_and_the_other_one_answers(
    lab: Lab, boot_check: Playbook
) -> None:
    faults = [("node_unreachable_mid_check", "n1"), ("slave_down", "n2")]
    with broken(lab, *faults):
        outcome = boot_check(fail_on="unknown")
        assert contradictions(faults, outcome.problems) == []
        assert outcome.rc != 0
        jsonschema.validate(outcome.report, json.loads((ROOT / "docs/schema/report-1.json").read_text()))


@pytest.mark.sample("silent")
def test_there_is_a_report_though_no_node_answers(lab: Lab, boot_check: Playbook) -> None:
    with broken(lab, ("node_unreachable", "n1")):
        outcome = boot_check("--limit", "n1", fail_on="critical")
    assert outcome.verdicts == {"n1": "not proven"}
    assert outcome.problems["n1"] == {"node_unreachable"}
    assert outcome.rc == 0


def test_limit_language_and_the_exit_code_are_the_operators(lab: Lab, boot_check: Playbook) -> None:
    checks = ["bonding", "services"]
    with broken(lab, ("slave_down", "n1"), ("nginx_down", "n2")):
        korean = boot_check(checks=checks, fail_on="critical", report_language="ko")
        assert korean.rc != 0
        assert korean.problems == {"n1": {"bonding_slave_down"}, "n2": {"services_nginx_down"}}
        assert "nginx" in korean.screen and re.search("[가-힣]", korean.screen)
        remedies = [
            finding["remedy"] for node in ("n1", "n2") for finding in korean.findings(node) if finding["remedy"]
        ]
        assert len(remedies) == 2 and all(re.search("[가-힣]", remedy) for remedy in remedies)

        tolerant = boot_check("--limit", "n1", checks=checks, fail_on="critical")
        assert (tolerant.rc, tolerant.verdicts) == (0, {"n1": "fit"})
        strict = boot_check("--limit", "n1", checks=checks, fail_on="warning")
        assert strict.rc != 0 and strict.problems["n1"] == {"bonding_slave_down"}
