# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a process is proven to run no more, and when that cannot be known."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.process import Process


def test_a_running_process_is_not_gone() -> None:
    assert not Process.at(os.getpid()).is_gone()


def test_a_process_is_gone_when_it_has_ended_even_before_its_parent_looks() -> None:
    child = subprocess.Popen(["sleep", "60"])
    process = Process.at(child.pid)
    assert not process.is_gone()
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert process.is_gone(), "a zombie acts no more"
    child.wait()
    assert process.is_gone()


def test_a_name_with_spaces_and_parentheses_does_not_hide_the_start(tmp_path: Path) -> None:
    program = tmp_path / "a) S 1 (b"
    program.symlink_to("/bin/sleep")
    child = subprocess.Popen([program, "60"])
    try:
        assert Process.at(child.pid).started.isdigit()
    finally:
        child.kill()
        child.wait()


def test_another_process_with_the_same_id_is_not_taken_for_it() -> None:
    assert replace(Process.at(os.getpid()), started="1").is_gone()


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"namespace": "pid:[4026532999]", "started": "1"},
        {"boot": "another", "host": "another-controller"},
        {"boot": "another", "machine": "another-machine"},
        {"boot": "another", "machine": ""},
        {"boot": "another", "namespace": "pid:[4026532999]"},
        {"boot": "", "started": "1"},
        {"started": ""},
    ],
    ids="-".join,
)
def test_what_cannot_be_seen_from_here_is_not_proven_gone(elsewhere: dict[str, Any]) -> None:
    assert not replace(Process.at(os.getpid()), **elsewhere).is_gone()


SEEN = Process(host="node1", pid=7, started="1", boot="b1", namespace="pid:[4026531836]", machine="m1")


def test_a_reboot_of_its_machine_ended_it() -> None:
    assert SEEN.is_gone_beside(replace(SEEN, boot="b2"))


def test_a_container_cannot_tell_a_reboot_from_another_machine() -> None:
    contained = replace(SEEN, namespace="pid:[4026532999]")
    assert not contained.is_gone_beside(replace(contained, boot="b2"))
