# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection that breaks at any word changes neither what is done nor how often."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import LocalHost
from ansible_collections.cloudops.hypervisor.plugins.module_utils.jobs import options
from ansible_collections.cloudops.hypervisor.plugins.module_utils.jobs.run import KINDS
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.node_job import Jobs, perform
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.job_talk import NoAnswer, Talk, shortcoming, step
from detached import Detached
from playbook import LOCAL, UNREACHABLE, Playbook

UUID = "21aaac9c-5b99-4229-9f83-0bf6b6dd8077"
PROGRAM = """
import json, os, sys, time
folder, ran = {folder!r}, {ran!r}
def write(name, content):
    with open(folder + name + ".new", "w") as stream:
        stream.write(json.dumps(content))
    os.rename(folder + name + ".new", folder + name)
with open("/proc/self/stat") as stream:
    started = int(stream.read().rpartition(")")[2].split()[19])
with open("/proc/sys/kernel/random/boot_id") as stream:
    boot_id = stream.read().strip()
write("began.json", {{"boot_id": boot_id, "pid": os.getpid(), "started": started, "at": 1.0, "revoked": False}})
with open(ran, "a") as stream:
    stream.write("ran\\n")
for number in range(3):
    write("progress.json", {{"step": "step %d" % number, "at": 1.0, "acted": True, "values": {{"of": 3}}}})
    time.sleep(0.3)
write("end.json", {{"rc": 0, "at": 2.0, "acted": True, "result": {{}}, "refusal": {{}}, "warnings": []}})
"""


class Node:
    """A real node's side of the talk, behind a connection that is cut at the given questions."""

    def __init__(self, root: Path, cut_before=(), cut_after=()):
        self.root = root
        self.ran = root / "ran"
        self.launcher = Detached(root)
        self.jobs = Jobs(str(root), LocalHost(), self.launcher)
        self.cut_before, self.cut_after = set(cut_before), set(cut_after)
        self.asked = 0
        self.told: list[str] = []

    def ask(self, params):
        self.asked += 1
        if self.asked in self.cut_before:
            raise NoAnswer("connection reset before it arrived")
        answer = json.loads(json.dumps(perform(self.jobs, json.loads(json.dumps(params)))))
        if self.asked in self.cut_after:
            raise NoAnswer("connection reset before the answer arrived")
        return answer

    def start(self, patience=10.0):
        talk = Talk(self.ask, self.told.append, patience, poll=0.1)
        order = {"name": "a", "kind": "wait", "zone": "zone-a", "epoch": 7, "timeout": 60, "spec": {}}
        program = PROGRAM.format(folder=f"{self.root}/jobs/a/", ran=str(self.ran))
        answer = talk.persist({"do": "start", "order": order, "program": program})
        return talk.follow(answer["job"], 30.0), talk.lost


@pytest.fixture
def node(tmp_path):
    nodes = []

    def make(**cuts):
        nodes.append(Node(tmp_path, **cuts))
        return nodes[-1]

    yield make
    for one in nodes:
        one.launcher.end()


@pytest.mark.parametrize(
    "cuts", [{}, {"cut_before": [1]}, {"cut_after": [1]}, {"cut_before": [2], "cut_after": [1, 4]}]
)
def test_wherever_the_connection_breaks_the_job_runs_once_and_is_followed_to_its_end(node, cuts):
    talked = node(**cuts)
    job, lost = talked.start()
    assert (job["state"], job["rc"], talked.ran.read_text()) == ("finished", 0, "ran\n")
    assert lost == sum(len(questions) for questions in cuts.values())
    assert "a: step 2 (of 3)" in talked.told and shortcoming(job) == ""


def test_when_no_answer_comes_any_more_the_job_goes_on_and_is_found_again(node):
    talked = node(cut_after=range(2, 100))
    with pytest.raises(NoAnswer):
        talked.start(patience=0.5)
    later = node()
    job, lost = later.start()
    assert (job["state"], lost, later.ran.read_text()) == ("finished", 0, "ran\n")


def test_a_job_that_takes_longer_than_is_waited_is_told_as_running(node):
    talked = node()
    talk = Talk(talked.ask, talked.told.append, 1.0, 0.05)
    order = {"name": "a", "kind": "wait", "zone": "zone-a", "epoch": 7, "timeout": 60, "spec": {}}
    program = PROGRAM.format(folder=f"{talked.root}/jobs/a/", ran=str(talked.ran))
    job = talk.follow(talk.persist({"do": "start", "order": order, "program": program})["job"], 0.1)
    assert job["state"] == "running" and "is running" in shortcoming(job)
    talk.follow(job, 30.0)


def test_a_job_that_was_no_success_is_told_with_its_reason_and_whether_it_may_have_acted():
    job = {
        "name": "a",
        "rc": None,
        "acted": True,
        "progress": None,
        "why": "its process (pid 7) ended without a result",
        "refusal": None,
    }
    assert shortcoming({**job, "state": "lost"}) == (
        "The job a is lost, and may have changed something: its process (pid 7) ended without a result"
    )
    assert (
        shortcoming({**job, "state": "finished", "rc": 1, "acted": False, "why": "no"}) == "The job a is finished: no"
    )
    assert step({**job, "state": "running"}) == "a: running"


# As tasks


def task(**changes):
    spec = {"uuid": UUID, "config": "/data/x.cfg", "volume": "/data"}
    asked = {"name": "a", "kind": "vm_start", "zone": "zone-a", "epoch": 7, "spec": spec, "patience": 0, **changes}
    given = {name: value for name, value in asked.items() if value is not None}
    return {"name": "A job", "cloudops.hypervisor.node_job": given, "register": "result"}


@pytest.fixture
def playbook(tmp_path):
    return Playbook(tmp_path)


@pytest.mark.parametrize(
    ("said", "changes"),
    [
        ("spec.uuid: not a UUID", {"spec": {"uuid": "x", "config": "/x", "volume": "/data"}}),
        ("spec.images: no such option", {"spec": {"uuid": UUID, "images": []}}),
        ("name: 1 to 128", {"name": "../x"}),
        ("epoch: a positive whole number", {"epoch": 0}),
        ("timeout: more than 0", {"timeout": 0}),
        ("missing: zone", {"zone": None}),
    ],
)
def test_what_cannot_be_meant_is_refused_before_the_node_is_asked(playbook, said, changes):
    playbook.hosts = {"n1": UNREACHABLE}
    rc, screen = playbook.run([task(**changes)])
    assert rc != 0 and said in screen and "UNREACHABLE" not in screen


def test_a_node_that_cannot_be_reached_leaves_the_outcome_open_and_says_what_to_do(playbook):
    playbook.hosts = {"n1": UNREACHABLE}
    rc, screen = playbook.run([task()])
    assert rc != 0 and "it is not known what became of the job a" in " ".join(screen.split())


@pytest.mark.parametrize("pipelining", [True, False])
def test_the_node_itself_says_whether_it_can_run_jobs(playbook, pipelining):
    playbook.hosts = {"n1": {**LOCAL, "ansible_pipelining": pipelining}}
    rc, screen = playbook.run([task()], "--check")
    if os.geteuid() != 0:
        assert rc != 0 and "the jobs of a node are root's" in screen
    elif not Path("/run/systemd/system").exists():
        assert rc != 0 and "jobs need systemd, and this node's init is" in screen
    else:
        assert rc == 0 and "changed=1" in screen


@pytest.mark.parametrize("pipelining", [True, False])
def test_jobs_and_epochs_are_read_by_the_action_and_by_the_module(playbook, pipelining):
    playbook.hosts = {"n1": {**LOCAL, "ansible_pipelining": pipelining}}
    read = {"cloudops.hypervisor.node_job_info": {"name": f"no-such-job-{os.getpid()}"}}
    store = {"cloudops.hypervisor.node_epoch": {"zone": "zone-a", "epoch": 2**62}, "check_mode": True}
    tasks = [
        {**read, "register": "read", "ignore_errors": True},
        {**store, "register": "stored", "ignore_errors": True},
        {"ansible.builtin.debug": {"msg": "{{ read.jobs[0].state | default(read.msg) }}"}},
        {"ansible.builtin.debug": {"msg": "{{ stored.msg | default('it would be news') }}"}},
    ]
    rc, screen = playbook.run(tasks)
    assert rc == 0
    if os.geteuid() == 0:
        assert "never_started" in screen and "it would be news" in screen
    else:
        assert screen.count("the jobs of a node are root's") >= 4


def test_the_module_offers_every_kind_there_is():
    assert options.NODE_JOB["argument_spec"]["kind"]["choices"] == list(KINDS)
