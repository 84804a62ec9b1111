# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VM is started and stopped under its lease, after one more look, and what xl says is never taken for what is."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Missing, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.epoch import Epoch
from ansible_collections.cloudops.hypervisor.plugins.module_utils.jobs import power
from ansible_collections.cloudops.hypervisor.plugins.module_utils.jobs.power import (
    Sight,
    Vm,
    VmHold,
    VmPause,
    VmStart,
    VmStop,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.jobs.tools import Tools
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError, build
from ansible_collections.cloudops.hypervisor.plugins.module_utils.refusal import Refusal
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import lease, xen
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.node_job import Folder, Order
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import VmUuid
from replay import Replay, recording
from xen_answers import libxc

UUID = "21aaac9c-5b99-4229-9f83-0bf6b6dd8077"
CONFIG = f"/data/domu/{UUID}/current/{UUID}.cfg"
IMAGE = f"/data/domu/{UUID}/current/{UUID}.raw"
CAT, CREATE = f"cat -- {CONFIG}", f"xl create {CONFIG}"
TEXT = (
    f'name = "{UUID}"\nuuid = "{UUID}"\nmemory = 128\n'
    f'disk = [ "format=raw,vdev=xvda,access=rw,target={IMAGE}", "file:/data/iso/a.iso,hdc:cdrom,r" ]\n'
)
NO_LIBXC = Missing("libxc", Problem.TIMEOUT)
OFF = Sight()


def domain(number=3, name=UUID, **flags):
    states = dict.fromkeys(("running", "blocked", "paused", "shutdown", "crashed", "dying"), False)
    state = xen.State(**{**states, **flags}, shutdown_reason=None)
    counted = xen.Counted(number, VmUuid(UUID), state, 1, 131072, 131072, 1)
    return xen.Domain(counted, name, (xen.Disk("xvda", IMAGE), xen.Disk("hdc", "/data/iso/a.iso", writable=False)))


RUNS = Sight(domains=(domain(),))


class Work:
    """A job at work on a node that answers from recordings; its lease and its files are real."""

    def __init__(self, root, answers, stopping=lambda: False, within=None):
        device = root.stat().st_dev
        self.root, self.volume = root, str(root)
        self.host = Replay(
            {
                "/proc/self/mountinfo": f"25 1 {os.major(device)}:{os.minor(device)} / {root} rw - ext4 /dev/vda rw\n",
                "/proc/sys/kernel/hostname": "n1\n",
                "/proc/sys/kernel/random/boot_id": "boot-one\n",
                CAT: TEXT,
                **answers,
            }
        )
        limit = None if within is None else self.host.now() + within
        order = Order("job-one", "vm_start", {}, Epoch("zone-a", 7), 60.0, limit)
        Folder(str(root), order.name, self.host).set_order(order, "")
        self.tools = Tools(self.host, str(root), order, stopping)
        self.looked: list[Vm] = []

    def sights(self, *sights):
        """What is seen, look by look, the last one for good."""
        left = list(sights)

        def look(host, vm):
            self.looked.append(vm)
            return left.pop(0) if len(left) > 1 else left[0]

        return look

    def start(self, *sights, **spec):
        return power.vm_start(VmStart(UUID, CONFIG, self.volume, local=True, **spec), self.tools, self.sights(*sights))

    def stop(self, *sights, **spec):
        return power.vm_stop(VmStop(UUID, self.volume, local=True, **spec), self.tools, self.sights(*sights))

    def pause(self, *sights, **spec):
        return power.vm_pause(VmPause(UUID, self.volume, local=True, **spec), self.tools, self.sights(*sights))

    def hold(self, *sights, **spec):
        return power.vm_hold(VmHold(UUID, self.volume, local=True, **spec), self.tools, self.sights(*sights))

    @property
    def acts(self):
        return [asked for asked in self.host.asked if asked.startswith("xl ")]

    @property
    def record(self):
        return lease.parse_lease(Path(f"{self.volume}/{lease.FOLDER}/{UUID}").read_text())


@pytest.fixture
def work(tmp_path):
    return lambda answers=(), **options: Work(tmp_path, dict(answers), **options)


def refused(act, *arguments, **options):
    with pytest.raises(Refusal) as refusal:
        act(*arguments, **options)
    return refusal.value


# Starting


def test_a_vm_that_is_off_is_created_seen_to_run_and_its_lease_given_back(work):
    job = work({CREATE: recording("xl/create")})
    paused = Sight(domains=(domain(paused=True),))
    assert job.start(OFF, paused, RUNS) == {"domid": 3, "name": UUID, "lease": "node"}
    assert job.acts == [CREATE] and job.tools.acted
    assert (job.record.node, job.record.job, job.record.epoch, job.record.held) == ("n1", "job-one", 7, False)
    assert job.looked[0] == Vm(VmUuid(UUID), job.volume, (CONFIG, UUID), (IMAGE,))


@pytest.mark.parametrize(
    ("code", "sight"),
    [
        ("has_domain", RUNS),
        ("image_open", Sight(openers=(f"{IMAGE} by loop loop0",))),
        ("tool_works", Sight(tools=(f"xl create {CONFIG} (pid 41)",))),
        ("unread", Sight(missing=(NO_LIBXC,))),
    ],
)
def test_what_is_not_proven_off_is_not_started(work, code, sight):
    job = work()
    assert refused(job.start, sight).code == code
    assert job.acts == [] and not job.tools.acted and not job.record.held


def test_a_reading_that_fails_once_is_taken_again(work):
    job = work({CREATE: ""})
    assert job.start(Sight(missing=(NO_LIBXC,)), OFF, RUNS)["domid"] == 3


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("other_config", TEXT.replace(f'uuid = "{UUID}"', 'uuid = "40b5b25e-c356-45fc-a287-7525c6438041"')),
        ("other_config", 'name = "x"\n'),
        ("config_unread", "disk = [\n"),
        ("config_unread", Answer("", stderr=f"cat: {CONFIG}: No such file or directory", rc=1)),
        ("config_unread", Problem.STUCK),
    ],
)
def test_a_configuration_that_is_not_this_vms_is_not_started(work, code, answer):
    job = work({CAT: answer})
    assert refused(job.start, OFF).code == code
    assert job.acts == []


def test_a_failure_of_xl_is_told_in_its_own_words(work):
    job = work({CREATE: recording("xl/create-missing-image")})
    refusal = refused(job.start, OFF)
    assert refusal.code == "not_created" and "Disk vdev=xvda failed to stat" in refusal.said
    assert refusal.values["rc"] == 3 and job.tools.acted


def test_a_domain_that_runs_decides_whatever_xl_said(work):
    assert work({CREATE: Problem.TIMEOUT}).start(OFF, RUNS)["domid"] == 3
    assert refused(work({CREATE: Problem.TIMEOUT}).start, OFF).code == "not_created"


@pytest.mark.parametrize("state", ["paused", "crashed", "shutdown", "dying"])
def test_a_domain_that_does_not_come_to_run_is_left_and_told(work, state):
    refusal = refused(work({CREATE: ""}).start, OFF, Sight(domains=(domain(**{state: True}),)))
    assert (refusal.code, refusal.values) == ("not_running", {"domid": 3, "state": state})


def test_a_start_whose_end_cannot_be_seen_is_not_called_one(work):
    assert refused(work({CREATE: ""}).start, OFF, Sight(missing=(NO_LIBXC,))).code == "unread"
    assert refused(work({CREATE: ""}).start, OFF, OFF).code == "not_created"
    assert refused(work({CREATE: ""}).start, OFF, Sight(domains=(domain(), domain(4)))).code == "twice_here"


def process(pid, name, state, parent):
    return {f"/proc/{pid}/stat": f"{pid} ({name}) {state} {parent} " + "0 " * 40}


def test_while_an_xl_cannot_be_killed_nobody_else_gets_the_lease(work):
    job = work({CREATE: Problem.STUCK, **process(41, "xl", "D", 40)})
    looks = job.sights(OFF, RUNS)
    waits = []

    def wait(seconds):
        waits.append(job.record.held)
        if len(waits) == 3:
            job.host._answers.update({path: [text] for path, text in process(41, "xl", "Z", 40).items()})

    job.host.wait = wait
    job.host._links["/proc/self"] = "40"
    spec = VmStart(UUID, CONFIG, job.volume, local=True)
    assert power.vm_start(spec, job.tools, looks)["domid"] == 3
    assert waits[:3] == [True] * 3


def test_a_job_that_was_overtaken_while_it_looked_creates_nothing(work):
    job = work({CREATE: ""})
    looks = job.sights(OFF)

    def look(host, vm):
        host._answers[f"{job.root}/epoch.json"] = ['{"zone": "zone-a", "epoch": 8}']
        return looks(host, vm)

    refusal = refused(power.vm_start, VmStart(UUID, CONFIG, job.volume, local=True), job.tools, look)
    assert refusal.code == "overtaken" and job.acts == [] and not job.tools.acted


def test_asked_to_stop_or_out_of_time_before_the_act_it_creates_nothing(work):
    asked = []
    job = work({CREATE: ""}, stopping=lambda: bool(asked))
    looks = job.sights(OFF)

    def look(host, vm):
        asked.append(True)
        return looks(host, vm)

    spec = VmStart(UUID, CONFIG, job.volume, local=True)
    assert refused(power.vm_start, spec, job.tools, look).code == "stopped"
    asked.clear()
    job.tools.ends = 0.0
    with pytest.raises(Refusal):
        job.start(OFF)
    assert job.acts == []


# Stopping


def test_a_vm_is_off_once_its_domain_its_images_and_its_tools_are_gone(work):
    job = work({"xl shutdown 3": "Shutting down domain 3\n"})
    going = [Sight(domains=(domain(shutdown=True),)), Sight(openers=(f"{IMAGE} by loop loop0",))]
    assert job.stop(RUNS, *going, OFF) == {"domid": 3, "how": "shutdown"}
    assert job.acts == ["xl shutdown 3"] and not job.record.held
    assert job.looked[-1].images == (IMAGE,), "an image that is only read is not waited for"


def test_what_is_off_already_is_left_alone(work):
    job = work()
    assert job.stop(OFF) == {"domid": None, "how": "off"}
    assert job.acts == [] and not job.tools.acted


def test_a_guest_that_does_not_heed_it_is_destroyed_only_by_name(work):
    answers = {"xl shutdown 3": "", "xl destroy 3": ""}
    job = work(answers)
    refusal = refused(job.stop, RUNS, grace=10)
    assert (refusal.code, job.acts) == ("still_on", ["xl shutdown 3"])
    job = work(answers)
    seen = [RUNS] * 9 + [OFF]
    assert job.stop(*seen, grace=10, force=True) == {"domid": 3, "how": "destroyed"}
    assert job.acts == ["xl shutdown 3", "xl destroy 3"]
    job = work(answers)
    assert refused(job.stop, RUNS, grace=10, force=True).said.count("xl destroy")


def test_a_guest_that_went_off_at_the_last_moment_is_not_destroyed(work):
    job = work({"xl shutdown 3": ""})
    seen = [RUNS] * 7 + [Sight(missing=(NO_LIBXC,)), OFF]
    assert job.stop(*seen, grace=10, force=True)["how"] == "shutdown"
    assert job.acts == ["xl shutdown 3"]


def test_what_cannot_be_seen_is_not_destroyed(work):
    job = work({"xl shutdown 3": ""})
    unseen = Sight(domains=(domain(),), missing=(NO_LIBXC,))
    assert refused(job.stop, RUNS, unseen, grace=10, force=True).code == "unread"
    assert job.acts == ["xl shutdown 3"]


@pytest.mark.parametrize(
    ("code", "sight"),
    [
        ("many_domains", Sight(domains=(domain(), domain(4)))),
        ("moving", Sight(domains=(domain(name=f"{UUID}--incoming", paused=True),))),
        ("moving", Sight(domains=(domain(name=f"{UUID}--migratedaway"),))),
        ("moving", replace(RUNS, tools=(f"xl migrate {UUID} n2 (pid 41)",))),
        ("moving", replace(RUNS, tools=("/usr/lib/xen-4.17/bin/xl -v save 3 /data/x.save (pid 41)",))),
        ("moving", replace(RUNS, tools=("/usr/lib/xen-4.17/bin/libxl-save-helper --restore-domain (pid 41)",))),
        ("image_open", Sight(openers=(f"{IMAGE} by process qemu-img",))),
        ("unread", Sight(missing=(NO_LIBXC,))),
    ],
)
def test_what_is_not_simply_on_is_not_stopped(work, code, sight):
    job = work()
    assert refused(job.stop, sight).code == code
    assert job.acts == []


@pytest.mark.parametrize("came", [f"xl create {CONFIG}", "/usr/lib/xen-4.17/bin/xl migrate-receive", "xl restore /s/x"])
def test_the_daemon_of_a_running_domain_is_no_reason_not_to_stop_it(work, came):
    job = work({"xl shutdown 3": ""})
    assert job.stop(replace(RUNS, tools=(f"{came} (pid 41)",)), OFF)["how"] == "shutdown"


def test_asked_to_stop_while_the_guest_shuts_down_the_job_ends(work):
    asked = []
    job = work({"xl shutdown 3": ""}, stopping=lambda: len(asked) > 3)
    looks = job.sights(RUNS)

    def look(host, vm):
        asked.append(True)
        return looks(host, vm)

    assert refused(power.vm_stop, VmStop(UUID, job.volume, local=True), job.tools, look).code == "stopped"
    assert job.tools.acted and not job.record.held


# The look itself


def counted(number, uuid):
    flags = dict.fromkeys(("running", "paused", "shutdown", "crashed", "dying"), 0)
    sizes = {"cpu_time": 1, "mem_kb": 1, "maxmem_kb": 1, "online_vcpus": 1, "shutdown_reason": 255}
    return {"domid": number, "handle": uuid, "blocked": 1, **flags, **sizes}


OTHER = "40b5b25e-c356-45fc-a287-7525c6438041"


def node(*domains, **answers):
    return Replay(
        {
            "/proc/self/mountinfo": recording("mounts/mountinfo-lab"),
            " ".join(xen.ASK_XENSTORE): f'/local/domain/3/name = "{UUID}"\n',
            " ".join(xen.ASK_LIBXC): libxc([counted(0, "00000000-0000-0000-0000-000000000000"), *domains]),
            f"stat -L --format %d %i %n -- {IMAGE}": f"64768 12 {IMAGE}\n",
            **process(1, "systemd", "S", 0),
            "/proc/1/cmdline": "/sbin/init\n",
            **answers,
        },
        links={"/proc/1/exe": "/usr/lib/systemd/systemd", "/proc/self": "50"},
    )


VM = Vm(VmUuid(UUID), "/data", (CONFIG, UUID), (IMAGE,))


def test_a_node_that_has_nothing_of_it_sees_it_off():
    assert power.look(node(counted(4, OTHER)), VM) == OFF


def test_a_node_sees_domains_and_tools_of_it_but_not_the_jobs_that_wait_for_its_lease():
    working = {
        **process(41, "xl", "S", 1),
        "/proc/41/cmdline": f"xl\ncreate\n{CONFIG}\n",
        **process(42, "python3", "S", 1),
        "/proc/42/cmdline": f"python3\n-I\n/var/lib/cloudops-hypervisor/jobs/start-{UUID}/program.py\n",
        **process(43, "xl", "S", 1),
        "/proc/43/cmdline": "xl\nreboot\n3\n",
    }
    seen = power.look(node(counted(3, UUID), **working), VM)
    assert [one.counted.id for one in seen.domains] == [3]
    assert seen.tools == (f"xl create {CONFIG} (pid 41)", "xl reboot 3 (pid 43)")
    assert seen.missing == ()


@pytest.mark.parametrize(("received", "works"), [(UUID, True), (OTHER, False)])
def test_a_tool_that_receives_a_domain_works_on_no_other_vm(received, works):
    receiving = {
        " ".join(xen.ASK_XENSTORE): f'/local/domain/3/name = "{received}--incoming"\n',
        **process(41, "xl", "S", 1),
        "/proc/41/cmdline": "xl\nmigrate-receive\n",
        **process(42, "libxl-save-help", "S", 41),
        "/proc/42/cmdline": "/usr/lib/xen-4.17/bin/libxl-save-helper\n--restore-domain\n11\n",
    }
    assert len(power.look(node(counted(3, received), **receiving), VM).tools) == 2 * works
    # before it has made its domain it may be anybody's
    assert len(power.look(node(**{**receiving, **process(42, "libxl-save-help", "Z", 41)}), VM).tools) == 1


def test_what_a_node_cannot_read_is_missing():
    blind = node(**{"/proc/self/mountinfo": "garbage\n", " ".join(xen.ASK_LIBXC): Problem.TIMEOUT})
    assert {one.reading for one in power.look(blind, VM).missing} >= {"/proc/self/mountinfo", "libxc"}


# What may be asked


@pytest.mark.parametrize(
    ("option", "spec"),
    [
        ("uuid", {"uuid": "x"}),
        ("config", {"config": "relative.cfg"}),
        ("config", {"config": "/data/../etc/x.cfg"}),
        ("volume", {"volume": "/data/"}),
        ("images", {"images": []}),
    ],
)
def test_a_spec_that_cannot_be_meant_is_refused_by_its_option(option, spec):
    good = {"uuid": UUID, "config": CONFIG, "volume": "/data"}
    assert build(VmStart, good) == VmStart(UUID, CONFIG, "/data")
    with pytest.raises(PolicyError) as error:
        build(VmStart, {**good, **spec})
    assert error.value.option == option
    with pytest.raises(PolicyError):
        build(VmStop, {"uuid": UUID, "volume": "/data", "grace": 4000})


# Pausing


HELD = Sight(domains=(domain(paused=True),))


@pytest.mark.parametrize(
    ("before", "paused", "after", "verb"), [(RUNS, True, HELD, "pause"), (HELD, False, RUNS, "unpause")]
)
def test_a_domain_is_held_and_let_go_and_seen_to_be(work, before, paused, after, verb):
    job = work({f"xl {verb} 3": ""})
    assert job.pause(before, before, after, paused=paused) == {"domid": 3, "how": verb}
    assert job.acts == [f"xl {verb} 3"] and not job.record.held
    job = work()
    assert job.pause(after, paused=paused) == {"domid": 3, "how": "already"}
    assert job.acts == [] and not job.tools.acted


def test_what_xl_says_of_a_pause_does_not_count(work):
    refusal = refused(work({"xl pause 3": ""}).pause, RUNS)
    assert (refusal.code, refusal.values) == ("not_paused", {"domid": 3})


@pytest.mark.parametrize(
    ("sight", "code"),
    [
        (OFF, "no_domain"),
        (Sight(domains=(domain(shutdown=True),)), "not_running"),
        (Sight(domains=(domain(name=f"{UUID}--incoming", paused=True),)), "moving"),
        (Sight(missing=(NO_LIBXC,)), "unread"),
    ],
)
def test_what_cannot_be_let_go_is_refused(work, sight, code):
    job = work()
    assert refused(job.pause, sight, paused=False).code == code
    assert job.acts == [] and not job.tools.acted


# Holding its lease


def test_a_lease_is_not_waited_for_longer_than_what_the_job_rests_on_holds(work):
    job = work({CREATE: ""}, within=0.3)
    with job.tools.lease(job.volume, UUID, True, ""):
        assert refused(job.start, OFF).code == "lease_busy"
    job.host.wait(1)
    assert refused(job.start, OFF).code == "too_old" and job.acts == []


def test_a_lease_is_had_until_the_job_is_stopped_or_its_time_is_over(work):
    stops = iter([False] * 8)
    job = work(stopping=lambda: next(stops, True))
    assert job.hold(seconds=600) == {"lease": "node"}
    assert next(stops, "no more") == "no more"
    assert job.acts == [] and not job.tools.acted
    assert work().hold(seconds=0.1) == {"lease": "node"}


def test_before_a_start_by_somebody_else_this_node_must_have_nothing_of_it(work):
    assert work().hold(OFF, seconds=0.1, off=True) == {"lease": "node"}
    assert refused(work().hold, RUNS, off=True).code == "has_domain"
    assert refused(work().hold, RUNS, off=True).code == "has_domain"


def test_a_lease_is_had_for_some_time(work):
    for seconds in (0, -1, 86401):
        with pytest.raises(PolicyError, match="seconds"):
            VmHold(UUID, "/data", seconds)
