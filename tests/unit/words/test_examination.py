# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils import examination
from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import Check, conclude
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import LocalHost, Missing, Problem, Touches
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import (
    Finding,
    Judgement,
    Status,
    Words,
    missing,
    table,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.common import TABLE as COMMON
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import multipath

ALL = {"checks": list(examination.CHECKS), "policy": None, "statuses": {}, "timeout": 60.0}


@dataclass(frozen=True)
class NoPolicy:
    """Takes nothing."""


def small_check(name, probe, status=Status.OK, blocks=False):
    """A check whose probe is given and whose judge says one thing, or what could not be read."""
    row = Judgement(f"{name}_said", status, "test", Words("said", "Do."), Words("말함", "하십시오."), blocks)

    def judge(facts, policy):
        if facts is not None and not facts.ok:
            return [missing(facts.missing())]
        return [Finding(row.code, name, {}, ("line",))]

    return Check(name, NoPolicy, probe, judge, table(row))


@pytest.fixture
def checks(monkeypatch, tmp_path):
    """Run these checks on this machine: ``checks(timeout, *checks)``."""

    def run(timeout, *given):
        monkeypatch.setattr(examination, "CHECKS", {one.name: one for one in given})
        order = examination.Order({one.name: NoPolicy() for one in given}, {}, timeout)
        return examination.run(LocalHost(runtime_directory=str(tmp_path)), order)

    return run


def test_an_ill_map_keeps_lvm_from_the_disks_and_the_cause_is_named(checks):
    ill = small_check("multipath", lambda host, policy: None, Status.CRITICAL, blocks=True)
    reads = small_check("lvm", lambda host, policy: host.run(["true"], touches=Touches.DISKS))
    result = checks(10, reads, ill)
    (finding,) = result["checks"]["lvm"]["findings"]
    assert (finding["code"], finding["status"]) == ("reading_blocked", "unknown")
    assert "multipath: said" in finding["message"]
    assert result["verdict"] == "not fit"


def test_what_one_cause_keeps_from_being_read_is_one_finding():
    queues, silent = "mpatha: no path is left", "10.77.0.19: the NFS server does not answer"
    long = "pvs --reportformat json --units b --nosuffix -o pv_name,pv_uuid,pv_attr,pv_size,vg_name"
    readings = [(long, queues), ("stat -f /data/iso", silent), ("stat -f /data", queues)]
    findings = [missing(Missing(reading, Problem.BLOCKED, cause)) for reading, cause in readings]
    result = conclude("mounts", findings, None, COMMON)
    first, second = result["findings"]
    assert first["message"] == (
        "not read because it would hang: pvs --reportformat json --units b --nosuffix -o …, stat -f /data; "
        "the cause: mpatha: no path is left"
    )
    assert first["evidence"] == [long, "stat -f /data"]
    assert (second["values"]["reading"], second["values"]["detail"]) == (["stat -f /data/iso"], silent)


@pytest.fixture
def guarded(monkeypatch, tmp_path):
    """Runs lvm, which reads a disk, behind the guard multipath, which is ill; with a map in the kernel, or none."""
    ill = small_check("multipath", lambda host, policy: None, Status.CRITICAL, blocks=True)
    reads = small_check("lvm", lambda host, policy: host.run(["true"], touches=Touches.DISKS))
    monkeypatch.setattr(examination, "CHECKS", {one.name: one for one in (ill, reads)})

    def run(in_kernel):
        monkeypatch.setattr(examination.multipath, "map_in_kernel", lambda host: in_kernel)
        order = examination.Order({"lvm": NoPolicy()}, {}, 10, {"multipath": NoPolicy()})
        return examination.run(LocalHost(runtime_directory=str(tmp_path)), order)

    return run


def test_a_guard_that_was_not_asked_for_protects_and_is_not_returned(guarded):
    result = guarded("/sys/block/dm-0")
    (finding,) = result["checks"]["lvm"]["findings"]
    assert finding["code"] == "reading_blocked" and "multipath: said" in finding["message"]
    assert set(result["checks"]) == set(result["took"]) == {"lvm"}
    assert result["verdict"] == "not proven"


def test_where_the_kernel_has_no_map_multipath_is_not_waited_for(guarded):
    (finding,) = guarded("")["checks"]["lvm"]["findings"]
    assert finding["code"] == "lvm_said", "the disk was read"


def test_a_check_that_waits_leaves_time_for_those_behind_it(checks):
    waits = small_check("multipath", lambda host, policy: host.run(["sleep", "60"], timeout=50))
    reads = small_check("services", lambda host, policy: host.run(["true"]))
    started = time.monotonic()
    result = checks(4, waits, reads)
    assert time.monotonic() - started < 4
    codes = {name: [finding["code"] for finding in one["findings"]] for name, one in result["checks"].items()}
    assert codes == {"multipath": ["reading_timeout"], "services": ["services_said"]}


def test_a_check_may_have_to_answer_sooner(checks):
    waits = small_check("mounts", lambda host, policy: host.run(["sleep", "60"], timeout=50))
    result = checks(30, replace(waits, within=0.3))
    assert result["took"]["mounts"] < 5


def test_well_storage_blocks_nothing(checks):
    well = small_check("multipath", lambda host, policy: None)
    reads = small_check("lvm", lambda host, policy: host.run(["true"], touches=Touches.DISKS))
    assert checks(10, reads, well)["verdict"] == "fit"


def test_a_check_that_never_returns_is_unknown_and_the_others_answer(checks):
    forever = threading.Event()
    started = time.monotonic()
    result = checks(
        0.5,
        small_check("bonding", lambda host, policy: forever.wait()),
        small_check("time", lambda host, policy: None),
    )
    forever.set()
    assert time.monotonic() - started < 5
    (finding,) = result["checks"]["bonding"]["findings"]
    assert finding["code"] == "check_not_finished"
    assert result["checks"]["time"]["status"] == "ok"
    assert result["verdict"] == "not proven"


def test_checks_that_wait_for_no_storage_run_beside_each_other(checks):
    meet = threading.Barrier(2, timeout=5)

    def both(host, policy):
        meet.wait()

    result = checks(
        10,
        small_check("bonding", both),
        small_check("time", both),
    )
    assert {one["status"] for one in result["checks"].values()} == {"ok"}


def test_this_machine_answers_every_check_without_a_defect_of_ours():
    result = examination.answer(ALL)
    assert list(result["checks"]) == list(examination.CHECKS)
    codes = {finding["code"] for one in result["checks"].values() for finding in one["findings"]}
    assert not codes & {"check_failed", "check_silent", "check_not_finished"}
    assert result["node"]["boot_id"] and result["node"]["uptime_seconds"] > 0


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ({"checks": []}, "checks"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": float("inf")}, "timeout"),
        ({"policy": {"multipath": {"paths": 0}}}, "policy.multipath.paths"),
        ({"checks": ["lvm"], "policy": {"multipath": {"paths": 0}}}, "policy.multipath.paths"),
        ({"statuses": {"multipath_path": "ok"}}, "statuses.multipath_path"),
    ],
)
def test_an_order_that_cannot_be_meant_is_refused_by_name(given, option):
    with pytest.raises(PolicyError) as refused:
        examination.order({**ALL, **given})
    assert refused.value.option == option


def test_an_order_keeps_the_checks_own_order_and_their_policies():
    assert set(examination.order({**ALL, "checks": ["lvm"]}).guards) == {"multipath"}
    order = examination.order({**ALL, "checks": ["o2cb", "multipath"], "policy": {"multipath": {"paths": 4}}})
    assert next(iter(order.policies)) == "multipath" and set(order.policies) == {"multipath", "o2cb"}
    assert order.policies["multipath"] == multipath.Policy(paths=4)
