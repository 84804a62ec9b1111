# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job runs once, apart from who asked, and what became of it can be told: real programs in real processes."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import ansible_collections
import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, LocalHost, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.epoch import Epoch
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.jobs import run, tools
from ansible_collections.cloudops.hypervisor.plugins.module_utils.refusal import Refusal
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import node_job
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.node_job import (
    Folder,
    Jobs,
    Order,
    State,
    Systemd,
    parse_unit,
    perform,
)
from crash import ended, in_child, killed_at_each_effect
from detached import Detached
from replay import Replay

# the runner as it is, with one more kind: it notes each of its runs, and goes on until a file is there
PROGRAM = """
import os, sys, time
sys.path.insert(0, {collections!r})
from dataclasses import dataclass
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import LocalHost
from ansible_collections.cloudops.hypervisor.plugins.module_utils.jobs.run import run
from ansible_collections.cloudops.hypervisor.plugins.module_utils.jobs.tools import Kind

@dataclass(frozen=True)
class Spec:
    ran: str
    until: str = ""
    deaf: bool = False

def work(spec, tools):
    tools.acted = True
    tools.progress("wait", percent=50)
    with open(spec.ran, "a") as stream:
        stream.write("ran\\n")
    while spec.until and not os.path.exists(spec.until):
        time.sleep(0.02)
        spec.deaf or tools.checkpoint()
    return {{"seen": True}}

run(LocalHost(), {root!r}, {name!r}, {{"wait": Kind(Spec, work)}})
"""
(COLLECTIONS,) = ansible_collections.__path__
SEVEN = Epoch("zone-a", 7)


def program(root, name):
    return PROGRAM.format(collections=os.path.dirname(COLLECTIONS), root=str(root), name=name)


class Site:
    """A node's folder of jobs, and one kind of job to be done there."""

    def __init__(self, root: Path) -> None:
        self.root = root / "jobs-of-a-node"
        self.launcher = Detached(self.root)
        self.jobs = Jobs(str(self.root), LocalHost(), self.launcher)
        self.ran = root / "ran"
        self.until = root / "until"

    def order(self, name="start-one", *, waits=False, epoch=SEVEN, timeout=60.0, **spec):
        until = str(self.until) if waits else ""
        return Order(name, "wait", {"ran": str(self.ran), "until": until, **spec}, epoch, timeout)

    def start(self, order):
        return self.jobs.start(order, program(self.root, order.name))

    def runs(self):
        return self.ran.read_text().count("ran") if self.ran.exists() else 0

    def forget(self, name="start-one"):
        while self.launcher.active(node_job.UNIT % name):
            time.sleep(0.01)
        self.ran.unlink(missing_ok=True)
        shutil.rmtree(self.root)

    def comes_to(self, state, name="start-one", within=20.0):
        ends = time.monotonic() + within
        while (job := self.jobs.read(name)).state is not state and time.monotonic() < ends:
            time.sleep(0.05)
        assert job.state is state, job
        return job

    def working(self, name="start-one"):
        ends = time.monotonic() + 20
        while not (job := self.jobs.read(name)).progress and time.monotonic() < ends:
            time.sleep(0.05)
        return job


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    yield site
    site.launcher.end()


def refused(act, *arguments, **options):
    with pytest.raises(Refusal) as refusal:
        act(*arguments, **options)
    return refusal.value


# Started, found again, ended


def test_a_job_is_told_from_before_its_start_to_its_result(site):
    assert site.jobs.read("start-one").state is State.NEVER_STARTED
    job, started = site.start(site.order(waits=True))
    assert started and job.state is State.RUNNING
    job = site.working()
    assert (job.state, job.progress.step, job.progress.values) == (State.RUNNING, "wait", {"percent": 50})
    site.until.touch()
    job = site.comes_to(State.FINISHED)
    assert (job.end.rc, job.end.result, job.end.acted) == (0, {"seen": True}, True)
    told = job.as_dict()
    assert (told["state"], told["kind"], told["epoch"], told["rc"]) == ("finished", "wait", 7, 0)
    assert told["began"] <= told["progress"]["at"] <= told["ended"]


def test_the_same_order_is_found_again_and_not_run_again(site):
    site.start(site.order(waits=True))
    job, started = site.start(site.order(waits=True))
    assert (job.state, started) == (State.RUNNING, False)
    site.until.touch()
    site.comes_to(State.FINISHED)
    job, started = site.start(site.order(waits=True))
    assert (job.state, started, site.runs()) == (State.FINISHED, False, 1)


@pytest.mark.parametrize(
    "other", [{"spec": {"ran": "/elsewhere"}}, {"kind": "vm_stop"}, {"epoch": Epoch("zone-a", 8)}, {"timeout": 9.0}]
)
def test_the_same_name_for_something_else_is_refused(site, other):
    site.start(site.order())
    site.comes_to(State.FINISHED)
    refusal = refused(site.start, replace(site.order(), **other))
    assert (refusal.code, refusal.values["state"]) == ("other_job", "finished")


def test_of_two_who_start_it_at_once_one_does(site):
    pids = [in_child(lambda: os._exit(10 + site.start(site.order())[1])) for _each in range(2)]
    assert sorted(ended(pid) for pid in pids) == [10, 11]
    site.comes_to(State.FINISHED)
    assert site.runs() == 1


def test_while_another_start_does_not_end_a_start_is_refused(site, monkeypatch):
    monkeypatch.setattr(node_job, "STARTERS_WAIT", 0.2)
    with site.jobs._alone():
        assert refused(site.start, site.order()).code == "starting"


def test_names_that_could_lead_elsewhere_are_no_names():
    for name in ("", "../x", "a/b", ".hidden", "A", "a" * 129, "a\n"):
        with pytest.raises(ValueError, match="name"):
            Order(name, "wait", {}, SEVEN, 1.0)
    for timeout in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="timeout"):
            Order("a", "wait", {}, SEVEN, timeout)


def test_a_unit_that_cannot_be_started_is_a_refusal_and_may_be_tried_again(site, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nonexistent/python3")
    site.launcher.launch = lambda unit, description, argv: f"Failed to find executable {argv[0]}"
    refusal = refused(site.start, site.order())
    assert refusal.code == "not_launched" and "/nonexistent/python3" in refusal.said
    monkeypatch.undo()
    del site.launcher.launch
    assert site.start(site.order())[1]
    site.comes_to(State.FINISHED)


def test_what_comes_too_late_does_not_begin_and_may_be_asked_for_on_newer_grounds(site):
    late = replace(site.order(), not_after=time.time() - 1)
    assert refused(site.start, late).code == "too_old"
    assert site.jobs.read("start-one").state is State.NEVER_STARTED
    assert site.start(replace(late, not_after=time.time() + 60))[1]
    assert site.comes_to(State.FINISHED).order.not_after > time.time()
    # it is found again, whatever the time
    assert site.start(late)[0].state is State.FINISHED


# Epochs


def test_the_node_refuses_an_older_epoch_whatever_the_controller_thinks(site):
    site.start(site.order("newer", epoch=Epoch("zone-a", 9)))
    refusal = refused(site.start, site.order("older"))
    assert (refusal.code, refusal.values) == ("overtaken", {"newest": 9, "epoch": 7, "where": "this node"})
    assert refused(site.jobs.store, SEVEN).code == "overtaken"
    assert refused(site.start, site.order("other", epoch=Epoch("zone-b", 99))).code == "other_zone"
    assert site.jobs.read("older").state is State.NEVER_STARTED
    assert site.start(site.order("same", epoch=Epoch("zone-a", 9)))[1]


def test_an_epoch_can_be_stored_without_a_job(site):
    assert site.jobs.newest() is None
    assert site.jobs.store(SEVEN) is True
    assert site.jobs.store(SEVEN) is False
    assert Jobs(str(site.root), LocalHost(), site.launcher).newest() == SEVEN


def test_an_epoch_that_another_store_began_is_not_begun_again(site):
    assert site.jobs.store(SEVEN, begin=True)
    taken = refused(site.jobs.store, SEVEN, begin=True)
    assert (taken.code, taken.values["newest"]) == ("epoch_taken", 7)
    assert refused(site.jobs.store, SEVEN, foresee=True, begin=True).code == "epoch_taken"
    assert not site.jobs.store(SEVEN), "who began it goes on"
    assert site.jobs.store(Epoch("zone-a", 8), begin=True)


def test_a_job_that_was_overtaken_before_it_began_does_nothing(site):
    order = site.order()
    Folder(str(site.root), order.name, LocalHost()).set_order(order, program(site.root, order.name))
    site.jobs.store(Epoch("zone-a", 8))
    site.launcher.launch(
        node_job.UNIT % order.name, "", [sys.executable, str(site.root / "jobs" / order.name / "program.py")]
    )
    job = site.comes_to(State.FINISHED)
    assert (job.end.rc, job.end.refusal["code"], job.end.acted, site.runs()) == (1, "overtaken", False, 0)
    assert "epoch 8" in job.why


@pytest.mark.parametrize("text", ["", "{}", '{"zone": "zone-a", "epoch": -1}', '{"zone": "zone-a", "epoch": "9"}'])
def test_an_epoch_that_cannot_be_read_lets_nothing_start(site, text):
    site.jobs.store(SEVEN)
    (site.root / "epoch.json").write_text(text)
    assert refused(site.start, site.order()).code == "epoch_unread"


# Stopped, revoked, lost


def test_a_job_that_is_asked_to_stop_ends_where_it_can(site):
    site.start(site.order(waits=True))
    site.working()
    job, asked = site.jobs.stop("start-one", 10.0)
    assert (asked, job.state, job.end.rc, job.end.refusal["code"]) == (True, State.FINISHED, 1, "stopped")
    assert site.jobs.stop("start-one", 1.0)[1] is False


def test_one_that_does_not_heed_it_is_said_to_run_still(site):
    site.start(site.order(waits=True, deaf=True))
    site.working()
    job, asked = site.jobs.stop("start-one", 1.0)
    assert (asked, job.state) == (True, State.RUNNING)
    site.until.touch()
    assert site.comes_to(State.FINISHED).end.rc == 0


def test_a_job_stopped_before_it_was_started_never_will(site):
    job, changed = site.jobs.stop("start-one", 1.0)
    assert (job.state, changed) == (State.REVOKED, True)
    assert refused(site.start, site.order()).code == "other_job"
    assert site.jobs.stop("start-one", 1.0)[1] is False


def test_a_unit_that_comes_late_finds_its_job_revoked(site):
    order = site.order()
    folder = Folder(str(site.root), order.name, LocalHost())
    folder.set_order(order, program(site.root, order.name))
    assert site.jobs.read(order.name).state is State.NEVER_STARTED
    assert site.jobs.stop(order.name, 1.0)[0].state is State.REVOKED
    unit = node_job.UNIT % order.name
    site.launcher.launch(unit, "", [sys.executable, folder.file("program.py")])
    time.sleep(0.1)
    while site.launcher.active(unit):
        time.sleep(0.05)
    assert (site.jobs.read(order.name).state, site.runs()) == (State.REVOKED, 0)
    assert site.start(order) == (site.jobs.read(order.name), False)


def test_a_killed_job_is_lost_and_says_that_it_may_have_acted(site):
    site.start(site.order(waits=True))
    job = site.working()
    os.kill(job.beginning.pid, signal.SIGKILL)
    job = site.comes_to(State.LOST)
    assert f"pid {job.beginning.pid}" in job.why and job.as_dict()["acted"] is True
    assert site.start(site.order(waits=True)) == (job, False)


class Rebooted(LocalHost):
    def read(self, path):
        answer = super().read(path)
        return replace(answer, stdout="another-boot\n") if path == node_job.BOOT_ID else answer


def test_a_reboot_loses_what_ran_and_keeps_what_had_ended(site):
    site.start(site.order("done"))
    site.comes_to(State.FINISHED, "done")
    site.start(site.order("cut", waits=True))
    boot_id = site.working("cut").beginning.boot_id
    os.kill(site.jobs.read("cut").beginning.pid, signal.SIGKILL)
    after = Jobs(str(site.root), Rebooted(), site.launcher)
    assert after.read("done").state is State.FINISHED
    lost = after.read("cut")
    assert lost.state is State.LOST and boot_id in lost.why and "another-boot" in lost.why


def test_a_recycled_pid_is_not_taken_for_the_job(site):
    order = site.order()
    folder = Folder(str(site.root), order.name, LocalHost())
    folder.set_order(order, "")
    folder.begin()
    assert site.jobs.read(order.name).state is State.RUNNING
    began = Path(folder.file("began.json"))
    began.write_text(began.read_text().replace('"started": ', '"started": 1'))
    assert site.jobs.read(order.name).state is State.LOST


@pytest.mark.parametrize("file", ["order.json", "began.json", "progress.json", "end.json", "journalled"])
def test_a_file_that_is_not_understood_leaves_the_state_unknown(site, file):
    site.start(site.order())
    site.comes_to(State.FINISHED)
    (site.root / "jobs/start-one" / file).write_text("[]")
    job = site.jobs.read("start-one")
    assert job.state is State.UNKNOWN and file in job.why
    assert refused(site.start, site.order()).code == "job_unknown"
    assert refused(site.jobs.journal, "start-one").code == "job_not_ended"


@pytest.mark.parametrize("text", ["", "x", "[]", "{}", '{"name": "a"}', '{"at": "now", "rc": true}'])
@pytest.mark.parametrize("kind", ["order", "beginning", "progress", "end", "journalled", "epoch"])
def test_a_file_of_another_form_is_not_understood(kind, text):
    with pytest.raises(NotUnderstood):
        getattr(node_job, "parse_" + kind)(text)


# Forgotten


def test_only_what_has_ended_is_journalled_and_only_that_is_forgotten_with_age(site):
    site.start(site.order(waits=True))
    assert refused(site.jobs.journal, "start-one").code == "job_not_ended"
    site.start(site.order("kept"))
    site.until.touch()
    for name in ("start-one", "kept"):
        site.comes_to(State.FINISHED, name)
    assert site.jobs.journal("start-one")[1] is True
    job, news = site.jobs.journal("start-one")
    assert (job.journalled, news) == (True, False)

    class InAMonth(LocalHost):
        def now(self):
            return super().now() + 31 * 86400

    site.start(site.order("next"))
    assert set(site.jobs.names()) == {"start-one", "kept", "next"}
    later = Jobs(str(site.root), InAMonth(), site.launcher)
    later.start(site.order("later"), program(site.root, "later"))
    assert set(site.jobs.names()) == {"kept", "next", "later"}
    assert not list((site.root / "jobs").glob(".removed-*"))
    for name in ("next", "later"):
        site.comes_to(State.FINISHED, name)


# Killed anywhere


def test_a_starter_killed_anywhere_is_repeated_and_the_job_runs_once(site):
    order = site.order()
    for _line in killed_at_each_effect(lambda: site.start(order), node_job):
        job, _started = site.start(order)
        site.comes_to(State.FINISHED)
        assert site.runs() == 1, job
        assert site.jobs.newest() == SEVEN
        site.forget()


def test_a_job_killed_anywhere_ran_at_most_once_and_what_it_did_is_not_forgotten(site):
    order, code = site.order(), compile(program(site.root, "start-one"), "program", "exec")
    folder = Folder(str(site.root), order.name, LocalHost())
    folder.set_order(order, program(site.root, order.name))
    seen = set()
    for _line in killed_at_each_effect(lambda: exec(code, {}), node_job, run, tools):
        job = site.jobs.read(order.name)
        seen.add(job.state)
        if site.runs():
            assert job.state in (State.FINISHED, State.LOST)
            assert (job.as_dict()["acted"], site.runs()) == (True, 1)
        if job.state is State.NEVER_STARTED:
            assert site.runs() == 0
            site.start(order)
            site.comes_to(State.FINISHED)
            assert site.runs() == 1
        else:
            again, started = site.start(order)
            assert (again.state, started) == (job.state, False)
        site.forget()
        folder.set_order(order, program(site.root, order.name))
    assert seen == {State.NEVER_STARTED, State.LOST, State.FINISHED}


# systemd


def shown(state):
    answer = f"ActiveState={state}\n"
    return {"/run/systemd/system/x": "", "systemctl show --property=ActiveState -- cloudops-job-a.service": answer}


@pytest.mark.parametrize(
    ("state", "active"), [("active", True), ("activating", True), ("inactive", False), ("failed", False)]
)
def test_whether_a_unit_runs(state, active):
    assert Systemd(Replay(shown(state))).active("cloudops-job-a.service") is active


def test_a_mute_systemd_leaves_a_job_that_did_not_begin_unknown():
    host = Replay(shown("strange"))
    assert Jobs("/nowhere", host, Systemd(host)).read("a").state is State.UNKNOWN
    host = Replay({"/run/systemd/system/x": ""})
    assert Systemd(host).active("cloudops-job-a.service") is None
    with pytest.raises(NotUnderstood):
        parse_unit("")


def test_a_node_without_systemd_is_refused_with_the_reason(tmp_path):
    host = Replay({"/proc/1/comm": "init\n"})
    jobs, order = Jobs(str(tmp_path), host, Systemd(host)), Order("a", "wait", {}, SEVEN, 1.0)
    refusal = refused(jobs.check, order)
    assert (refusal.code, refusal.said) == ("no_systemd", "jobs need systemd, and this node's init is init")
    assert refused(jobs.start, order, "").code == "no_systemd"
    assert not list(tmp_path.glob("jobs"))
    assert jobs.read("a").state is State.NEVER_STARTED
    assert not Systemd(Replay({"/run/systemd/system/x": ""})).refusal()


def test_a_unit_leaves_alone_what_its_job_leaves_running():
    argv = ["/usr/bin/python3", "-I", "-S", "/var/lib/cloudops-hypervisor/jobs/a/program.py"]
    command = (
        "systemd-run --quiet --unit cloudops-job-a.service --description cloudops vm_start a"
        " --property=KillMode=process --property=UMask=0077 --setenv=LC_ALL=C -- " + " ".join(argv)
    )
    assert Systemd(Replay({command: ""})).launch("cloudops-job-a.service", "cloudops vm_start a", argv) == ""
    loaded = Answer("", stderr="Failed to start transient service unit: Unit was already loaded.\n", rc=1)
    host = Replay({command: loaded})
    assert "already loaded" in Systemd(host).launch("cloudops-job-a.service", "cloudops vm_start a", argv)
    mute = Replay({command: Problem.TIMEOUT})
    assert Systemd(mute).launch("cloudops-job-a.service", "cloudops vm_start a", argv) == "timeout"


def test_only_the_main_process_of_a_unit_is_asked_to_stop_and_what_is_left_is_named():
    kill = "systemctl kill --kill-who=main --signal=SIGTERM -- cloudops-job-a.service"
    assert Systemd(Replay({kill: ""})).terminate("cloudops-job-a.service") == ""
    assert Systemd(Replay({})).terminate("cloudops-job-a.service") == "systemctl: not found"
    host = Replay(
        {
            "/sys/fs/cgroup/system.slice/cloudops-job-a.service/cgroup.procs": "41\n42\n43\n",
            "/proc/41/comm": "xl\n",
            "/proc/42/comm": "qemu-system-i38\n",
        }
    )
    assert Systemd(host).left("cloudops-job-a.service") == ["xl (pid 41)", "qemu-system-i38 (pid 42)"]
    Systemd(host).forget("cloudops-job-a.service")
    assert host.asked[-1] == "systemctl reset-failed -- cloudops-job-a.service"


# As one request


def test_what_is_asked_in_one_trip_is_answered_in_json(site):
    order = {"name": "a", "kind": "wait", "zone": "zone-a", "epoch": 7, "timeout": 60, "spec": {"ran": str(site.ran)}}
    assert perform(site.jobs, {"do": "check", "order": order})["job"]["state"] == "never_started"
    begun = perform(site.jobs, {"do": "start", "order": order, "program": program(site.root, "a")})
    assert begun["changed"] is True
    site.comes_to(State.FINISHED, "a")
    read = perform(site.jobs, {"do": "read"})
    assert [job["name"] for job in read["jobs"]] == ["a"] and (read["zone"], read["epoch"]) == ("zone-a", 7)
    assert perform(site.jobs, {"do": "read", "name": "b"})["jobs"][0]["state"] == "never_started"
    assert perform(site.jobs, {"do": "journal", "name": "a"})["changed"] is True
    assert perform(site.jobs, {"do": "stop", "name": "a", "patience": 1.0})["changed"] is False
    newer = {"do": "store", "zone": "zone-a", "epoch": 8}
    assert perform(site.jobs, {**newer, "foresee": True})["changed"] is True
    assert perform(site.jobs, newer)["changed"] is True
    assert perform(site.jobs, {**newer, "foresee": True})["changed"] is False
    assert refused(perform, site.jobs, {**newer, "epoch": 7, "foresee": True}).code == "overtaken"
    assert refused(perform, site.jobs, {**newer, "epoch": 0}).code == "epoch"
