# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal's tasks as ansible-playbook runs them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients import store as store_module
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.process import Process
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import Author, open_store
from playbook import show, shown

Task = dict[str, Any]
COLLECTIONS = next(path.parent for path in Path(store_module.__file__).parents if path.name == "ansible_collections")


class Ansible:
    """ansible-playbook with a store of its own and hosts that nothing can connect to."""

    def __init__(self, directory: Path, url: str) -> None:
        self.directory = directory
        (directory / "ansible.cfg").touch()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "AWX_"))},
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_CONFIG": str(directory / "ansible.cfg"),
            "CLOUDOPS_STORE_URL": url,
        }

    def command(self, tasks: list[Task], *arguments: str) -> list[str]:
        play = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
        playbook = self.directory / "playbook.json"
        playbook.write_text(json.dumps(play))
        program = str(Path(sys.executable).parent / "ansible-playbook")
        return [program, "-i", "node07,node08,", *arguments, str(playbook)]

    def run(self, tasks: list[Task], *arguments: str, **variables: str) -> Result:
        """Each task's result is kept, by host."""
        for number, task in enumerate(tasks):
            task["register"] = f"result_{number}"
        everything = ", ".join(f"result_{number} | default({{}})" for number in range(len(tasks)))
        done = subprocess.run(
            self.command([*tasks, show(f"[{everything}]")], "-e", json.dumps(variables), *arguments),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Result(done.returncode, done.stdout + done.stderr, dict(shown(done.stdout)))


class Result:
    def __init__(self, code: int, output: str, results: Mapping[str, list[dict[str, Any]]]) -> None:
        self.code = code
        self.output = output
        self.results = results


@pytest.fixture
def ansible(tmp_path: Path, sqlite_url: str) -> Ansible:
    return Ansible(tmp_path, sqlite_url)


def journal(phase: str, **options: Any) -> Task:
    subject = {"job": "node_boot_check", "subject": "{{ inventory_hostname }}"}
    return {"cloudops.hypervisor.journal": {**subject, "phase": phase, **options}}


def lock(**options: Any) -> Task:
    return {"cloudops.hypervisor.journal_lock": {"name": "zone-a", **options}, "run_once": True}


def info(**options: Any) -> Task:
    return {"cloudops.hypervisor.journal_info": options}


HOLD = {"what": "repair of the zone"}
EPOCH = {"lock": "zone-a", "epoch": "{{ result_0.lock.epoch }}"}


def test_a_role_journals_its_steps_under_the_zones_lock_on_all_hosts(ansible: Ansible) -> None:
    mounted = {"mounted": ["/data"]}
    result = ansible.run(
        [
            lock(**HOLD),
            journal("started", step="mount", zone="zone-a", **EPOCH),
            journal("done", step="mount", evidence=mounted, **EPOCH),
            info(subject="{{ inventory_hostname }}"),
            info(open="jobs", subject="{{ inventory_hostname }}"),
            lock(state="free"),
        ],
        awx_user_name="kim",
        awx_job_id="1204",
    )
    assert result.code == 0, result.output
    for node in ("node07", "node08"):
        held, started, done, records, jobs, freed = result.results[node]
        assert held["lock"]["what"] == "repair of the zone" and freed["lock"] is None
        assert records["records"] == [started["record"], done["record"]]
        assert done["record"]["evidence"] == mounted
        assert (done["record"]["who"], done["record"]["run"]) == ("kim", "awx-1204")
        assert jobs["records"] == [started["record"]], "the job itself is not done"
    assert "changed=0" in result.output and "changed=1" not in result.output


def test_check_mode_says_what_would_be_written_and_makes_nothing(ansible: Ansible, tmp_path: Path) -> None:
    tasks = [lock(**HOLD), journal("started", step="mount", **EPOCH), info(), lock(state="free")]
    result = ansible.run(tasks, "--check")
    assert result.code == 0, result.output
    held, started, records, _freed = result.results["node07"]
    assert held["lock"]["epoch"] == 0
    assert (started["record"]["subject"], started["record"]["step"]) == ("node07", "mount")
    assert "id" not in started["record"]
    assert (records["store"], records["records"]) == (None, [])
    assert not (tmp_path / "state").exists()


def test_a_second_run_is_told_who_holds_the_lock(ansible: Ansible, sqlite_url: str) -> None:
    with open_store(Author("kim", "run-1", Process.at(os.getpid())), sqlite_url) as store:
        store.acquire("zone-a", "recovery of node07")
        for check in ((), ("--check",)):
            result = ansible.run([lock(**HOLD)], *check)
            assert result.code != 0
            assert "zone-a is locked by kim" in result.output and "recovery of node07" in result.output


def test_a_run_that_lost_its_lock_stops_before_the_step(ansible: Ansible, sqlite_url: str) -> None:
    with open_store(Author("kim", "run-1", Process.at(os.getpid())), sqlite_url) as store:
        old = store.acquire("zone-a", "recovery")
        breaking = lock(state="broken", epoch=old.epoch, reason="the laptop was closed")
        late = journal("started", step="fence", lock="zone-a", epoch=old.epoch)
        result = ansible.run([breaking, late])
        assert result.code != 0 and "lost its lock on zone-a" in result.output
        assert [record.entry.step for record in store.records()] == ["lock broken"]


def test_after_kill_9_of_ansible_playbook_the_next_run_takes_over_and_sees_the_open_step(
    ansible: Ansible, sqlite_url: str
) -> None:
    tasks = [
        {**lock(**HOLD), "register": "result_0"},
        journal("started", step="mount", **EPOCH),
        {"ansible.builtin.pause": {"seconds": 60}},
    ]
    killed = subprocess.Popen(
        ansible.command(tasks), env=ansible.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        with open_store(Author("lee", "run-2", Process.at(os.getpid())), sqlite_url) as store:
            deadline = time.monotonic() + 60
            while len(store.open_steps()) < 2 and time.monotonic() < deadline:
                time.sleep(0.2)
            held = store.lock("zone-a")
            assert held is not None and held.owner.process.pid == killed.pid
    finally:
        # A worker has a session of its own and outlives its parent: only ansible-playbook is to be gone, then they too.
        workers = Path(f"/proc/{killed.pid}/task/{killed.pid}/children").read_text().split()
        killed.kill()
        killed.wait()
        for worker in workers:
            os.kill(int(worker), signal.SIGKILL)

    result = ansible.run([lock(**HOLD), info(open="steps", subject="{{ inventory_hostname }}")])

    assert result.code == 0, result.output
    taken, steps = result.results["node07"]
    assert taken["lock"]["replaced"]["pid"] == killed.pid
    (step,) = steps["records"]
    assert (step["step"], step["run"]) == ("mount", taken["lock"]["replaced"]["run"])


@pytest.mark.parametrize(
    ("task", "told"),
    [
        (journal("finished"), "value of phase must be one of"),
        (journal("started", lock="zone-a"), "required together"),
        (journal("closed", step="mount"), "takes a reason"),
        (journal("done", step="mount"), "is not open"),
        (lock(), "state is held but all of the following are missing: what"),
        (lock(state="broken", epoch=1), "state is broken but all of the following are missing: reason"),
        (info(open="jobs", step="mount"), "mutually exclusive"),
        (info(since="yesterday"), "2026-01-31T09:00:00Z"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_option_is_refused_by_name(ansible: Ansible, sqlite_url: str, task: Task, told: str) -> None:
    open_store(Author("kim", "run-1", Process.at(os.getpid())), sqlite_url).close()
    result = ansible.run([task])
    assert result.code != 0 and told in result.output, result.output


def test_the_urls_password_is_not_shown_however_much_is_said(ansible: Ansible, tmp_path: Path) -> None:
    url = f"postgresql://operator:s3cret@/store?host={tmp_path}"
    result = ansible.run([{**journal("note"), "args": {"store_url": url}}], "-vvvv")
    assert result.code != 0 and "whether the server is up" in result.output
    assert "s3cret" not in result.output


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("journal", {"job": "a", "subject": "b", "phase": "note"}),
        ("journal_info", {}),
        ("journal_lock", {"name": "zone-a", "what": "c"}),
    ],
)
def test_a_module_that_is_run_by_itself_says_how_it_is_used(name: str, options: dict[str, str]) -> None:
    module = COLLECTIONS / "ansible_collections/cloudops/hypervisor/plugins/modules" / f"{name}.py"
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": options})
    done = subprocess.run(
        [sys.executable, module],
        env={**os.environ, "PYTHONPATH": str(COLLECTIONS)},
        input=arguments,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1 and f"call it as cloudops.hypervisor.{name}" in json.loads(done.stdout)["msg"]
