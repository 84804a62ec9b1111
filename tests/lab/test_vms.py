# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator does to one VM, on two Xen nodes under their faults. No guest may ever be seen to run twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

import remote
import vnc_cases
from conftest import SEED
from controller import Controller, Outcome
from fault import cut_ssh
from guests import GUESTS_BY_NAME, NODE_UUIDS, Guest
from node_jobs import await_job, install
from node_jobs import start as hold
from observer import Observer
from vnc_cases import Case
from xen_lab import XenLab

pytestmark = pytest.mark.timeout(1500)

WEB, DB, MAIL = GUESTS_BY_NAME["web-1"], GUESTS_BY_NAME["db-1"], GUESTS_BY_NAME["mail-1"]
TWINS = GUESTS_BY_NAME["twin-a"], GUESTS_BY_NAME["twin-b"]
SPARE = GUESTS_BY_NAME["spare-1"]
PROBLEMS = ("warning", "unknown", "critical")
SYNCED = {"vncport_sync_state": "synced", "vncport_sync_fail_on": "never"}


def of_guests(outcome: Outcome) -> dict[str, set[str]]:
    """Guest to what the report finds wrong with it; what is about no guest stands under its own subject."""
    names = {guest.uuid: guest.name for guest in GUESTS_BY_NAME.values()}
    found: dict[str, set[str]] = {}
    for finding in outcome.findings():
        if finding["status"] in PROBLEMS:
            subject = str(finding["subject"]).partition(" ")[0]
            found.setdefault(names.get(subject, subject), set()).add(finding["code"])
    return found


def displays(lab: XenLab) -> dict[str, int | None]:
    with lab.database.connect() as connection:
        return dict(connection.execute("SELECT name, vnc_port FROM pengx_vm").fetchall())


# VNC ports


@contextmanager
def wrong(lab: XenLab, cases: list[Case]) -> Iterator[None]:
    with ExitStack() as stack:
        for case in cases:
            case.make(lab)
            stack.callback(case.undo, lab)
        yield


def check_ports(lab: XenLab, controller: Controller, cases: list[Case]) -> None:
    with wrong(lab, cases):
        before = displays(lab)
        told = controller.run("vncport_sync", vncport_sync_fail_on="never")
        assert told.rc == 0
        assert of_guests(told) == {guest: set(codes.split()) for case in cases for guest, codes in case.found.items()}
        assert displays(lab) == before
        synced = controller.run("vncport_sync", "--diff", **SYNCED)
        assert synced.rc == 0
        after = displays(lab)
        assert after == {**before, **{guest: number for case in cases for guest, number in case.displays.items()}}
        changed = {guest for guest in after if after[guest] != before[guest]}
        assert all(f"{GUESTS_BY_NAME[guest].uuid} {guest}" in synced.words for guest in changed)


def test_ports_that_are_wrong_are_found_and_corrected_where_the_truth_is_proven(
    xen_lab: XenLab, observed: Observer, controller: Controller
) -> None:
    check_ports(xen_lab, controller, vnc_cases.batch(SEED))


@pytest.mark.soak
@pytest.mark.parametrize("case", vnc_cases.CASES, ids=lambda case: case.name)
def test_each_wrong_port_alone(case: Case, xen_lab: XenLab, observed: Observer, controller: Controller) -> None:
    check_ports(xen_lab, controller, [case])


@pytest.mark.soak
def test_two_that_started_with_one_display_are_told_apart(
    spoiled: XenLab, observed: Observer, controller: Controller
) -> None:
    """QEMU took the next free port, and its command line does not say so."""
    for twin in TWINS:
        spoiled.start_guest(twin, "x1")
    with spoiled.database.connect() as connection:
        connection.execute("UPDATE pengx_vm SET pm_uuid = %s WHERE name = 'twin-b'", (NODE_UUIDS["x1"],))
    told = controller.run("vncport_sync", **SYNCED)
    lies = [finding["subject"] for finding in told.findings() if finding["code"] == "vnc_command_line_lies"]
    assert len(lies) == 1
    drifted, kept = ("twin-b", "twin-a") if "twin-b" in lies[0] else ("twin-a", "twin-b")
    assert displays(spoiled)[kept] == 55 and displays(spoiled)[drifted] == 56
    again = controller.run("vncport_sync", vncport_sync_state="synced")
    assert "changed" not in again.screen and displays(spoiled)[drifted] == 56


@pytest.mark.soak
def test_a_vm_that_runs_twice_is_left_alone_by_the_sync(spoiled: XenLab, controller: Controller) -> None:
    remote.script("x2", f"xl create -q {WEB.config}", timeout=240)
    with wrong(spoiled, [case for case in vnc_cases.CASES if case.name == "a display nobody has"]):
        told = controller.run("vncport_sync", **SYNCED)
        assert "vnc_running_twice" in of_guests(told)[WEB.name]
        assert displays(spoiled)[WEB.name] == 77


@pytest.mark.soak
def test_a_database_that_is_lost_at_the_commit_is_asked_what_became_of_it(
    spoiled: XenLab, observed: Observer, controller: Controller
) -> None:
    """The server ends the session while it commits: nothing is written. The next run finds it so, and writes it."""
    die = (
        "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"
    )
    trigger = (
        "CREATE CONSTRAINT TRIGGER die AFTER UPDATE ON pengx_vm DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION die()"
    )
    case = next(case for case in vnc_cases.CASES if case.name == "a pair that must swap")
    case.make(spoiled)
    with spoiled.database.connect() as connection:
        connection.execute(die)
        connection.execute(trigger)
    failed = controller.run("vncport_sync", **SYNCED)
    assert failed.rc != 0 and "Traceback" not in failed.screen
    assert (displays(spoiled)[WEB.name], displays(spoiled)[MAIL.name]) == (51, 50)
    with spoiled.database.connect() as connection:
        connection.execute("DROP TRIGGER die ON pengx_vm")
    again = controller.run("vncport_sync", **SYNCED)
    assert again.rc == 0
    assert (displays(spoiled)[WEB.name], displays(spoiled)[MAIL.name]) == (50, 51)


@pytest.mark.soak
def test_the_api_hands_out_a_display_that_is_taken_while_the_ports_are_corrected(
    spoiled: XenLab, observed: Observer, controller: Controller
) -> None:
    case = next(case for case in vnc_cases.CASES if case.name == "a pair that must swap")
    case.make(spoiled)
    spoiled.uxen["x1"].behave(number=WEB.display)
    run = controller.begin("vncport_sync", **SYNCED)
    assert spoiled.uxen["x1"].post(f"/vms/{SPARE.uuid}/start").status == 200
    run.end()
    now = controller.run("vncport_sync", **SYNCED)
    assert now.rc == 0 and not [code for code in of_guests(now).get(SPARE.name, ()) if code == "vnc_port_shared"]
    really = {WEB.name: 50, MAIL.name: 51, SPARE.name: 52}
    assert {name: displays(spoiled)[name] for name in really} == really


# Starting

# no longer than this its lease is waited for
PATIENT = {"vm_where_max_age": 200}


def start(guest: Guest, node: str, **variables: Any) -> dict[str, Any]:
    """Its variables; nothing else starts guests in the lab, so that the long watches say nothing there."""
    short = {"vm_start_ha_held_off": "the lab has none", "vm_start_watch": 0, "vm_start_boot_time": 3}
    return {"vm": guest.name, "node": node, **short, **variables}


def test_a_start_waits_for_its_lease_and_is_found_again_when_its_ssh_was_cut(
    spoiled: XenLab, observed: Observer, controller: Controller
) -> None:
    install("x1")
    run = controller.begin("vm_start", **start(SPARE, "x2", **PATIENT))
    run.wait_for("everything that it needs is on x2")
    hold("x1", "holder", epoch=1, uuid=SPARE.uuid, seconds=30, timeout=200)
    run.wait_for("lease (")
    cut_ssh("x2", 60)
    holder = await_job("x1", "holder", 90)
    assert (holder["state"], holder["rc"]) == ("finished", 0)
    assert observed.seen().nodes_of(SPARE.uuid) == [], "it was not started while another job had the lease"
    outcome = run.end()
    assert outcome.rc == 0 and "no answer, asking again" in outcome.screen
    assert observed.seen().nodes_of(SPARE.uuid) == ["x2"]
    assert spoiled.database.place(SPARE) == ("x2", SPARE.display)
    began = remote.script("x2", "journalctl --quiet --output=cat -u 'cloudops-job-start-*' | grep -c result:")
    assert began == "1\n", "the job ran once"


@pytest.mark.soak
def test_two_operators_start_it_at_once_on_two_nodes(
    spoiled: XenLab, observed: Observer, controller: Controller, other: Controller
) -> None:
    """Each has a controller and a store of its own: the second is told who, and its guest runs once."""
    runs = [each.begin("vm_start", **start(SPARE, node)) for each, node in ((controller, "x1"), (other, "x2"))]
    outcomes = [run.end() for run in runs]
    assert sorted(outcome.rc for outcome in outcomes) == [0, 2]
    (refused,) = (outcome for outcome in outcomes if outcome.rc)
    assert f"start of {SPARE.name}" in refused.words and "Read every node" not in refused.screen
    assert len(observed.seen().nodes_of(SPARE.uuid)) == 1


@pytest.mark.soak
def test_a_controller_that_slept_and_was_overtaken_starts_nothing(
    spoiled: XenLab, observed: Observer, controller: Controller, other: Controller
) -> None:
    """It is held right before the start. A person knows it to be gone and takes the zone; then it wakes."""
    without = {"vm_where_sources": ["inventory", "cluster_conf", "heartbeat"]}
    config = {"vm_start_config": SPARE.config}
    sleeper = controller.begin("vm_start", **start(SPARE, "x1", **without, **config, vm=SPARE.uuid))
    sleeper.wait_for("everything that it needs is on x1")
    sleeper.hold()
    overtaker = other.run("vm_start", **start(SPARE, "x2", **without, **config, vm=SPARE.uuid))
    assert overtaker.rc == 0
    sleeper.go_on()
    slept = sleeper.end()
    assert slept.rc != 0
    assert observed.seen().nodes_of(SPARE.uuid) == ["x2"]


@pytest.mark.soak
@pytest.mark.parametrize("where", ["x1", "x2"])
def test_the_api_starts_it_while_we_do(where: str, spoiled: XenLab, observed: Observer, controller: Controller) -> None:
    run = controller.begin("vm_start", **start(SPARE, "x1"))
    run.wait_for("everything that it needs is on x1")
    assert spoiled.uxen[where].post(f"/vms/{SPARE.uuid}/start").status == 200
    outcome = run.end()
    seen = observed.seen()
    assert len(seen.nodes_of(SPARE.uuid)) == 1
    assert outcome.rc != 0 or seen.nodes_of(SPARE.uuid) == ["x1"]


# What keeps a VM from starting: how it is made, its sign on the screen, how it is undone
_CFG = SPARE.config
_EDIT = "sed -i.before {} " + _CFG
_MENDED = f"mv {_CFG}.before {_CFG}"
REASONS = {
    "its image lies on another node's disk": ("local-1", "", "is not on x1 but on x2", ""),
    "its image is open elsewhere": (
        "spare-1",
        f"ssh x2 losetup /dev/loop7 {SPARE.disks[0].path}",
        "loop7",
        "ssh x2 losetup -d /dev/loop7",
    ),
    "it runs already": ("db-1", "", "a domain of it is on x2 already", ""),
    "its kernel is not there": (
        "spare-1",
        _EDIT.format("s,/boot/vmlinux-guest,/boot/none,"),
        "its kernel /boot/none is not on",
        _MENDED,
    ),
    "its memory does not fit": ("spare-1", _EDIT.format("s/^memory.*/memory=9000/"), "memory", _MENDED),
    "its bridge is not there": (
        "spare-1",
        _EDIT.format("s/bridge=xenbr0/bridge=xenbr9/"),
        "has no bridge xenbr9",
        _MENDED,
    ),
    "its .cfg cannot be read": (
        "spare-1",
        _EDIT.format("'1i name = [ broken'"),
        f"cannot read its .cfg {SPARE.config}",
        _MENDED,
    ),
    "a link leads to nothing": (
        "spare-1",
        f"mv {SPARE.disks[0].path} {SPARE.disks[0].path}.away; ln -s /data2/gone {SPARE.disks[0].path}",
        "/data2/gone",
        f"rm {SPARE.disks[0].path}; mv {SPARE.disks[0].path}.away {SPARE.disks[0].path}",
    ),
    "its storage is not mounted": ("spare-1", "umount -l /data", "/data", "mount /data"),
}


@pytest.mark.sample("reason")
@pytest.mark.parametrize("reason", REASONS)
def test_why_a_vm_does_not_start_is_said_and_nothing_is_started(
    reason: str, xen_lab: XenLab, observed: Observer, controller: Controller
) -> None:
    name, make, said, undo = REASONS[reason]
    guest = GUESTS_BY_NAME[name]
    remote.script("x1", make)
    try:
        before = xen_lab.domains("x1")
        outcome = controller.run("vm_start", **start(guest, "x1"))
        assert outcome.rc == 2 and "Traceback" not in outcome.screen
        assert said in outcome.words
        assert xen_lab.domains("x1") == before
    finally:
        remote.script("x1", undo)


@pytest.mark.soak
def test_the_apis_own_refusal_is_shown(xen_lab: XenLab, observed: Observer, controller: Controller) -> None:
    controller.namespace = xen_lab.namespace
    xen_lab.uxen["x1"].behave(fail=["start"])
    try:
        outcome = controller.run("vm_start", **start(SPARE, "x1", vm_start_by="api"))
    finally:
        xen_lab.uxen["x1"].behave()
    assert outcome.rc == 2 and "start failed" in outcome.words
    assert SPARE.uuid not in xen_lab.domains("x1")


@pytest.mark.soak
def test_the_api_starts_it_under_its_lease(spoiled: XenLab, observed: Observer, controller: Controller) -> None:
    controller.namespace = spoiled.namespace
    install("x2")
    run = controller.begin("vm_start", **start(SPARE, "x1", vm_start_by="api", **PATIENT))
    run.wait_for("everything that it needs is on x1")
    hold("x2", "holder", epoch=1, uuid=SPARE.uuid, seconds=30, timeout=200)
    outcome = run.end()
    assert outcome.rc == 0, outcome.screen
    assert observed.seen().nodes_of(SPARE.uuid) == ["x1"]
    ended = remote.script("x1", "journalctl --quiet --output=short-unix -u 'cloudops-job-hold-*' | grep result:")
    assert float(ended.split()[0]) > await_job("x2", "holder", 1)["ended"], "it waited for the other job's lease"
    assert remote.script("x1", "systemctl list-units --plain --no-legend 'cloudops-job-hold-*'") == ""
