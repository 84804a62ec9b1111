# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A migration ends with one copy, whatever became of it; the domains are those that each cut left under Xen 4.17."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.epoch import Epoch
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.jobs import ends, migration
from ansible_collections.cloudops.hypervisor.plugins.module_utils.jobs.migration import VmDiscard, VmMigrate, VmSettle
from ansible_collections.cloudops.hypervisor.plugins.module_utils.jobs.tools import Tools
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.refusal import Refusal
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import lease, xen_resume
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.node_job import Folder, Order
from replay import Replay
from xen_answers import libxc

UUID = "21aaac9c-5b99-4229-9f83-0bf6b6dd8077"
OTHER = "40b5b25e-c356-45fc-a287-7525c6438041"
BOOT = "6cb4279e-70b4-47df-be26-e619be0c8b1f"
HERE = f"python3 -I -c {ends.LOOK}"
SSH = "ssh -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=6"
MIGRATE = f"xl migrate -s {SSH} 3 10.0.0.2"
SUSPENDED = {"shutdown": 1, "shutdown_reason": 2}
INCOMING = {"paused": 1, "cpu_time": 0}
ASK = f"python3 -I -c {xen_resume.PROGRAM} 3 {UUID}"
WAS = '{"there": true, "suspended": true, "shutdown": true}\n'
IS = '{"there": true, "suspended": true, "shutdown": false}\n'


def there(*words: str) -> str:
    return " ".join([*ends.SSH, "10.0.0.2", ends.shlex.join(words)])


THERE = there("python3", "-I", "-c", ends.LOOK)


def domain(number=3, uuid=UUID, **state):
    flags = dict.fromkeys(("running", "blocked", "paused", "shutdown", "crashed", "dying"), 0)
    sizes = {"cpu_time": 32515953586, "mem_kb": 1, "maxmem_kb": 1, "online_vcpus": 1, "shutdown_reason": 255}
    return {"domid": number, "handle": uuid, **flags, **sizes, **state}


def seen(*domains, hostname="n2", boot_id=BOOT, receivers=()):
    about = {"hostname": hostname, "boot_id": boot_id, "receivers": list(receivers)}
    return json.dumps(about) + "\n" + libxc([domain(0, "00000000-0000-0000-0000-000000000000"), *domains]) + "\n"


def at_source(*domains):
    return seen(*domains, hostname="n1")


class Work:
    """A job at work on the source; its lease and its files are real, both nodes answer from what was recorded."""

    def __init__(self, root, answers, timeout=600.0):
        device = root.stat().st_dev
        number = f"{os.major(device)}:{os.minor(device)}"
        self.root = str(root)
        self.host = Replay(
            {
                "/proc/self/mountinfo": f"25 1 {number} / {root} rw - ocfs2 /dev/vdb rw,cluster_stack=o2cb\n",
                "/proc/sys/kernel/hostname": "n1\n",
                "/proc/sys/kernel/random/boot_id": "boot-one\n",
                "xenstore-read /local/domain/3/name": "web1\n",
                MIGRATE: "",
                **answers,
            },
            links={"/proc/self": "40"},
        )
        order = Order("job-one", "vm_migrate", {}, Epoch("zone-a", 7), timeout)
        Folder(str(root), order.name, self.host).set_order(order, "")
        self.tools = Tools(self.host, str(root), order, lambda: False)

    def migrate(self, **more):
        spec = {"uuid": UUID, "volume": self.root, "target": "10.0.0.2", "node": "n2", "boot_id": BOOT, **more}
        return migration.vm_migrate(VmMigrate(**spec), self.tools)

    def settle(self):
        return migration.vm_settle(VmSettle(UUID, self.root, "10.0.0.2", "n2"), self.tools)

    def discard(self):
        return migration.vm_discard(VmDiscard(UUID, self.root), self.tools)

    @property
    def acts(self):
        looks = (HERE, THERE, ASK, "/", "xenstore-read", "unix ")
        return [one for one in self.host.asked if not one.startswith(looks)]

    @property
    def record(self):
        return lease.parse_lease(Path(f"{self.root}/{lease.FOLDER}/{UUID}").read_text())


@pytest.fixture
def work(tmp_path):
    return lambda answers, **options: Work(tmp_path, answers, **options)


def refused(act, **options):
    with pytest.raises(Refusal) as refusal:
        act(**options)
    return refusal.value


def ready(source, target):
    """What is seen: both ends as they are before a migration, then these."""
    return {HERE: [at_source(domain()), *source], THERE: [seen(), *target]}


def test_a_migration_that_arrives_keeps_the_target(work):
    job = work(ready([at_source()], [seen(domain(5, cpu_time=2492903287))]))
    assert job.migrate() == {"kept": "target", "domid": 5, "steps": []}
    assert job.acts == [MIGRATE] and job.tools.acted
    assert (job.record.job, job.record.epoch, job.record.held) == ("job-one", 7, False)


def test_a_source_that_goes_away_late_is_waited_for(work):
    job = work(ready([at_source(domain(dying=1)), at_source()], [seen(domain(5))]))
    assert job.migrate()["kept"] == "target"


def test_one_cut_in_mid_stream_goes_on_at_the_source(work):
    failed = Answer("", stderr="libxl: error: receiver gave up\nMigration failed, resuming at sender.\n", rc=1)
    job = work({**ready([at_source(domain())], [seen()]), MIGRATE: failed})
    refusal = refused(job.migrate)
    assert refusal.code == "stayed" and "receiver gave up" in refusal.said
    assert refusal.values == {"rc": 1, "kept": "source", "domid": 3, "steps": []}


def test_a_paused_copy_that_stays_for_good_is_destroyed_and_proven_gone(work):
    incoming = seen(domain(5, **INCOMING))
    job = work({**ready([at_source(domain())], [incoming, seen()]), there(*discard(5)): ""})
    assert refused(job.migrate).values["steps"] == ["destroy the target"]
    assert job.acts == [MIGRATE, there(*discard(5))]


def discard(number):
    return ("python3", "-I", "-c", ends.DISCARD, str(number), UUID)


def test_where_the_permission_was_lost_the_source_is_resumed_under_its_name(work):
    answers = {
        **ready([at_source(domain(**SUSPENDED))] * 2 + [at_source(domain())], [seen(domain(5, **INCOMING)), seen()]),
        there(*discard(5)): "",
        ASK: WAS,
        f"{ASK} resume": IS,
        "xl rename 3 web1": "",
    }
    job = work(answers)
    refusal = refused(job.migrate)
    assert refusal.values["steps"] == ["destroy the target", "resume the source"]
    assert job.acts == [MIGRATE, there(*discard(5)), "xl rename 3 web1"]


def test_a_receiver_is_given_time_to_unpause_then_ended_before_its_copy_is_destroyed(work):
    held = seen(domain(5, **INCOMING), receivers=(41, 42))
    answers = {
        **ready([at_source(domain())], [held] * 6 + [seen(domain(5, **INCOMING)), seen()]),
        there("kill", "-KILL", "41", "42"): "",
        there(*discard(5)): "",
    }
    job = work(answers)
    assert refused(job.migrate).values["steps"] == ["end the receiver", "destroy the target"]
    assert job.acts == [MIGRATE, there("kill", "-KILL", "41", "42"), there(*discard(5))]


def test_a_receiver_that_unpauses_late_keeps_the_target(work):
    held = seen(domain(5, **INCOMING), receivers=(41,))
    answers = ready([at_source(domain(**SUSPENDED))] * 3 + [at_source()], [held, held, seen(domain(5, cpu_time=7))])
    job = work({**answers, "xl destroy 3": ""})
    assert job.migrate() == {"kept": "target", "domid": 5, "steps": ["destroy the source"]}
    assert job.acts == [MIGRATE, "xl destroy 3"]


def test_a_receiver_that_may_be_another_vms_is_left(work):
    held = seen(domain(5, **INCOMING), domain(6, OTHER, **INCOMING), receivers=(41, 42))
    job = work(ready([at_source(domain(**SUSPENDED))], [held]))
    assert refused(job.migrate).code == "receivers" and job.acts == [MIGRATE]


def test_a_copy_whose_source_is_gone_is_destroyed_where_it_is(work):
    held = seen(domain(5, **INCOMING), receivers=(41,))
    answers = {HERE: [held] * 6 + [seen(domain(5, **INCOMING)), seen(domain(5, dying=1)), seen()]}
    job = work({**answers, "kill -KILL 41": "", " ".join(discard(5)): ""})
    assert job.discard() == {"steps": ["end the receiver", "destroy the target"]}
    assert job.acts == ["kill -KILL 41", " ".join(discard(5))] and job.tools.acted
    assert work({HERE: [seen()]}).discard() == {"steps": []}


@pytest.mark.parametrize(
    ("here", "code"),
    [
        (seen(domain(5)), "unpaused"),
        (seen(domain(5, paused=1, cpu_time=7)), "unpaused"),
        (seen(domain(5, **INCOMING), domain(6, **INCOMING)), "many_domains"),
        (seen(domain(5, **INCOMING), domain(6, OTHER, **INCOMING), receivers=(41, 42)), "receivers"),
        (Problem.TIMEOUT, "still_on"),
        ("", "still_on"),
    ],
)
def test_what_is_more_than_a_copy_or_not_seen_is_not_destroyed(here, code, work):
    job = work({HERE: [here]})
    assert refused(job.discard).code == code and job.acts == []


@pytest.mark.parametrize(
    ("source", "target", "code"),
    [
        (at_source(domain(**SUSPENDED)), Problem.TIMEOUT, "end_silent"),
        (Problem.TIMEOUT, seen(domain(5, **INCOMING)), "end_silent"),
        (at_source(domain(**SUSPENDED)), seen(hostname="n9"), "end_silent"),
        (at_source(domain(**SUSPENDED)), Answer("", stderr="Permission denied (publickey).", rc=255), "end_silent"),
        (at_source(domain(shutdown=1, shutdown_reason=0)), seen(), "unsettled"),
        (at_source(domain()), seen(domain(5)), "twice"),
        (at_source(domain()), seen(domain(5), domain(6)), "many_domains"),
        (at_source(), seen(), "nowhere"),
    ],
)
def test_what_is_not_decided_is_not_touched(work, source, target, code):
    job = work(ready([source], [target]))
    assert refused(job.migrate).code == code
    assert job.acts == [MIGRATE] and job.tools.acted and not job.record.held


def test_a_silent_end_that_comes_back_is_settled(work):
    job = work(ready([at_source(domain())], [Problem.TIMEOUT, Problem.TIMEOUT, seen()]))
    assert refused(job.migrate).code == "stayed"


@pytest.mark.parametrize(
    ("code", "source", "target"),
    [
        ("end_unseen", at_source(domain()), Problem.TIMEOUT),
        ("end_unseen", Problem.FAILED, seen()),
        ("end_unseen", at_source(domain()), "xl: command not found\n"),
        ("other_boot", at_source(domain()), seen(boot_id="0d5a1c11-1f6c-4bb0-9d7c-7a7b52a0a8f5")),
        ("target_has_domain", at_source(domain()), seen(domain(5, **INCOMING))),
        ("no_domain", at_source(), seen()),
        ("not_running", at_source(domain(paused=1)), seen()),
        ("not_running", at_source(domain(**SUSPENDED)), seen()),
        ("many_domains", at_source(domain(), domain(4)), seen()),
    ],
)
def test_nothing_is_moved_unless_it_runs_here_alone(work, code, source, target):
    job = work({HERE: source, THERE: target})
    assert refused(job.migrate).code == code
    assert job.acts == [] and not job.tools.acted and not job.record.held


def test_a_job_without_time_to_settle_moves_nothing(work):
    job = work(ready([], []), timeout=100.0)
    assert refused(job.migrate).code == "too_short" and job.acts == []


def test_a_job_that_was_overtaken_destroys_nothing(work):
    job = work(ready([at_source(domain())], [seen(domain(5, **INCOMING))]))
    moved = job.host.run

    def run(argv, **options):
        if argv[:2] == ["xl", "migrate"]:
            job.host._answers[f"{job.root}/epoch.json"] = ['{"zone": "zone-a", "epoch": 8}']
        return moved(argv, **options)

    job.host.run = run
    assert refused(job.migrate).code == "overtaken" and job.acts == [MIGRATE]


def test_while_an_xl_cannot_be_killed_nobody_else_gets_the_lease(work):
    sleeping, dead = ("41 (xl) %s 40 " % state + "0 " * 40 for state in "DZ")
    answers = {
        **ready([at_source(domain())], [seen()]),
        MIGRATE: Problem.STUCK,
        "/proc/41/stat": [sleeping] * 3 + [dead],
    }
    job = work(answers)
    held = []
    waited = job.host.wait
    job.host.wait = lambda seconds: (held.append(job.record.held), waited(seconds))
    assert refused(job.migrate).code == "stayed"
    assert len(held) >= 3 and all(held)


def test_what_an_earlier_migration_left_is_settled_by_itself(work):
    answers = {
        HERE: [at_source(domain(**SUSPENDED))] * 3 + [at_source(domain())],
        THERE: [seen(domain(5, **INCOMING)), seen()],
        "xenstore-read /local/domain/3/name": "web1--migratedaway\n",
        there(*discard(5)): "",
        ASK: WAS,
        f"{ASK} resume": IS,
        "xl rename 3 web1": "",
    }
    steps = ["destroy the target", "resume the source"]
    assert work(answers).settle() == {"kept": "source", "domid": 3, "steps": steps}
    assert work({HERE: at_source(), THERE: seen(domain(5))}).settle() == {"kept": "target", "domid": 5, "steps": []}


@pytest.mark.parametrize(
    ("option", "value"),
    [("uuid", "web1"), ("volume", "data"), ("target", "-oProxyCommand=x"), ("node", "a b"), ("boot_id", "boot")],
)
def test_an_order_that_cannot_be_meant_is_refused(option, value):
    spec = {"uuid": UUID, "volume": "/data", "target": "10.0.0.2", "node": "n2", "boot_id": BOOT, option: value}
    with pytest.raises(PolicyError, match=option):
        VmMigrate(**spec)


@pytest.mark.parametrize("text", ["", "{}", "[]\n[]", '{"hostname": "n1", "boot_id": "b", "receivers": ["x"]}\n[]'])
def test_what_is_no_look_is_not_understood(text):
    with pytest.raises(NotUnderstood):
        ends.parse_look(text)


# The resuming itself


@pytest.mark.parametrize(
    ("code", "answers"),
    [
        ("no_domain", {ASK: '{"there": false, "suspended": false, "shutdown": false}'}),
        ("not_suspended", {ASK: '{"there": true, "suspended": false, "shutdown": true}'}),
        ("not_resumed", {ASK: WAS, f"{ASK} resume": WAS}),
        ("not_resumed", {ASK: Problem.TIMEOUT}),
        ("not_resumed", {ASK: "ModuleNotFoundError"}),
        ("not_resumed", {ASK: '{"there": 1, "suspended": 1, "shutdown": 0}'}),
        ("not_renamed", {ASK: WAS, f"{ASK} resume": IS, "xl rename 3 web1": Answer("", stderr="no", rc=1)}),
    ],
)
def test_a_domain_that_is_not_brought_back_is_told(code, answers):
    with pytest.raises(Refusal) as refusal:
        xen_resume.resume(Replay(answers), 3, xen_resume.VmUuid(UUID), "web1")
    assert refusal.value.code == code


def test_a_domain_that_runs_again_is_only_given_its_name():
    runs = '{"there": true, "suspended": false, "shutdown": false}'
    host = Replay({ASK: runs, "xl rename 3 web1": ""})
    xen_resume.resume(host, 3, xen_resume.VmUuid(UUID), "web1")
    assert host.asked == [ASK, "xl rename 3 web1"]


def test_the_device_model_goes_on_before_the_guest_does():
    socket = "unix /var/run/xen/qmp-libxenstat-3"
    host = Replay({ASK: WAS, f"{ASK} resume": IS, "xl rename 3 web1": "", socket: '{"return": {}, "id": "cont"}'})
    xen_resume.resume(host, 3, xen_resume.VmUuid(UUID), "web1")
    assert host.asked.index(socket) < host.asked.index(f"{ASK} resume")
