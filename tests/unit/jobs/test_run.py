# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's program, as a controller packs it, needs nothing but Python, and leaves a result whatever happens to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import LocalHost
from ansible_collections.cloudops.hypervisor.plugins.module_utils.epoch import Epoch
from ansible_collections.cloudops.hypervisor.plugins.module_utils.jobs import run as runner
from ansible_collections.cloudops.hypervisor.plugins.module_utils.jobs.run import KINDS
from ansible_collections.cloudops.hypervisor.plugins.module_utils.jobs.tools import Kind
from ansible_collections.cloudops.hypervisor.plugins.module_utils.refusal import Refusal
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.node_job import Folder, Order
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils import one_trip

UUID = "21aaac9c-5b99-4229-9f83-0bf6b6dd8077"


def ordered(root, kind, spec, timeout=60.0):
    folder = Folder(str(root), "job-one", LocalHost())
    folder.set_order(Order("job-one", kind, spec, Epoch("zone-a", 7), timeout), "")
    return folder


@pytest.mark.parametrize("python_of_the_node", ["the controller's", "another"])
def test_the_packed_program_runs_its_order_on_bare_python(tmp_path, python_of_the_node):
    folder = ordered(tmp_path, "vm_start", {"uuid": UUID, "config": "/none.cfg", "volume": str(tmp_path)})
    program = one_trip.program("jobs.run", {"root": str(tmp_path), "name": "job-one"})
    if python_of_the_node == "another":
        program = program.replace(sys.implementation.cache_tag, "another")
    path = tmp_path / "program.py"
    path.write_text(program)
    subprocess.run([sys.executable, "-I", "-S", path], check=True, capture_output=True)
    end = folder.end()
    # no other node's storage, and not declared as this node's own
    assert (end.rc, end.acted) == (1, False) and end.refusal["code"].startswith("lease_")
    assert folder.progress() is None or folder.progress().step == "lease"


@dataclass(frozen=True)
class Nothing:
    pass


def crashes(spec, tools):
    tools.acted = True
    tools.warnings.append("something beside it")
    raise ZeroDivisionError("by nothing")


@pytest.fixture(autouse=True)
def own_signals():
    """A job heeds SIGTERM in its own way; this process keeps its own."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def worked(root, kind, spec, kinds):
    folder = ordered(root, kind, spec)
    answered = runner.run(LocalHost(), str(root), "job-one", kinds)
    end = folder.end()
    assert (answered["begun"], answered["rc"]) == (True, end.rc)
    return end


def test_what_its_work_returns_is_its_result(tmp_path):
    def works(spec, tools):
        os.kill(os.getpid(), signal.SIGTERM)
        assert tools.stopping()
        with pytest.raises(Refusal, match="asked to stop"):
            tools.checkpoint()
        tools.wait(5.0)
        return {"done": True}

    end = worked(tmp_path, "works", {}, {"works": Kind(Nothing, works)})
    assert (end.rc, end.result, end.acted, end.refusal, end.warnings) == (0, {"done": True}, False, {}, ())


def test_a_job_that_was_overtaken_before_it_began_does_not_begin(tmp_path):
    (tmp_path / "epoch.json").write_text('{"zone": "zone-a", "epoch": 8}')
    end = worked(tmp_path, "crashes", {}, {"crashes": Kind(Nothing, crashes)})
    assert (end.rc, end.acted, end.refusal["code"]) == (1, False, "overtaken")


def test_a_crash_is_a_result_with_its_trace(tmp_path):
    end = worked(tmp_path, "crashes", {}, {"crashes": Kind(Nothing, crashes)})
    assert (end.rc, end.acted, end.warnings) == (2, True, ("something beside it",))
    assert end.refusal["said"] == "ZeroDivisionError: by nothing"
    assert "in crashes" in end.refusal["values"]["trace"]


def test_a_spec_that_cannot_be_meant_is_refused_on_the_node_too(tmp_path):
    end = worked(tmp_path, "vm_stop", {"uuid": UUID, "volume": "/data", "grace": -1}, KINDS)
    assert (end.rc, end.acted, end.refusal["values"]) == (1, False, {"option": "grace"})


def test_a_kind_this_collection_does_not_know_is_not_lost_either(tmp_path):
    assert worked(tmp_path, "vm_fly", {}, KINDS).rc == 2


def test_a_program_without_an_order_or_with_one_that_began_does_nothing(tmp_path):
    job = {"root": str(tmp_path), "name": "job-one"}
    assert runner.answer(job) == {"begun": False}
    folder = ordered(tmp_path, "vm_stop", {})
    folder.begin()
    assert runner.answer(job) == {"begun": False}
    assert folder.end() is None
