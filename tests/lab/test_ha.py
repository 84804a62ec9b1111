# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node is lost; its guests run on the other, each exactly once, whatever becomes of the controller meanwhile."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import Any

import pytest

import remote
import standin_pdu
from conftest import SEED
from controller import Controller, Outcome, Run
from database import OWNER
from fault import cut_ssh, make, undo
from guests import GUESTS_BY_NAME
from host import LabError
from listener import URL, listening, told
from observer import Observer
from topology import DATABASE_ADDRESS
from xen_lab import XenLab

pytestmark = pytest.mark.timeout(3000)

HOME = {
    node: [guest for guest in GUESTS_BY_NAME.values() if guest.home == node and guest.runs] for node in ("x1", "x2")
}
FAULTS = {
    "killed": ("node_killed",),
    "frozen": ("node_frozen",),
    "cut off": ("node_cut", "guests_cut"),
    "unmanaged": ("node_cut",),
    "killed with its BMC": ("bmc_silent", "node_killed"),
    "frozen before a silent BMC": ("node_frozen", "bmc_silent"),
    "frozen before a BMC that lies": ("node_frozen", "bmc_lies"),
    "while its storage hangs": ("storage_hangs",),
    "while its storage fails": ("storage_fails",),
}
ITS_OWN_HA = {"ha_every": 2, "ha_silent": 5}
# what never comes is not waited for long
HURRIED = {"patience": 60.0, "max_age": 60.0, "held_off": "the lab's own HA is off", "parallel": 1, "poll": 15.0}
KILLER = str(Path(__file__).parent / "killer")
# the records of a recovery that fences a node and starts two guests
RECORDS = 18


@pytest.fixture
def zone(xen_lab: XenLab, controller: Controller) -> Controller:
    """A controller with an address in the lab's own network: it reaches the BMCs and the switch."""
    controller.namespace = xen_lab.namespace
    return controller


def nodes_in_database(lab: XenLab) -> dict[str, str]:
    query = "SELECT v.name, p.name FROM pengx_vm v JOIN pengx_pm p ON p.uuid = v.pm_uuid"
    with lab.database.connect() as connection:
        return dict(connection.execute(query).fetchall())


def recovered(lab: XenLab, observer: Observer, lost: str) -> None:
    """Everything runs on the node that is left, once, and the database says so."""
    left = "x1" if lost == "x2" else "x2"
    guests = [guest for home in HOME.values() for guest in home]
    assert {guest.uuid for guest in guests} <= lab.domains(left)
    rows = nodes_in_database(lab)
    assert {guest.name: rows[guest.name] for guest in guests} == {guest.name: left for guest in guests}
    for guest in HOME[lost]:
        assert [copy.held for copy in observer.seen().latest(guest.uuid) if copy.node == left] == [False]


def lose(lab: XenLab, how: str, node: str) -> None:
    for fault in FAULTS[how]:
        make(lab, lab.faults[fault], node)


def recover(zone: Controller, **more: Any) -> Outcome:
    """The play to its end, its plan approved by nobody."""
    return zone.run("ha_recovery", ha_recovery_unasked=True, **more)


def recover_until(shown: str, zone: Controller, **more: Any) -> Run:
    """The play as far as its screen shows this; it goes on."""
    run = zone.begin("ha_recovery", ha_recovery_unasked=True, **more)
    run.wait_for(shown, 900)
    return run


def switched_off(node: str) -> dict[str, Any]:
    """A person's word."""
    return {"question": "off", "about": node, "yes": True, "reason": "switched off by hand"}


@pytest.mark.sample("ha")
@pytest.mark.parametrize(
    ("how", "node"),
    [("frozen", "x1"), ("frozen", "x2"), ("cut off", "x2")],
    ids=["frozen x1", "frozen x2", "cut off x2"],
)
def test_the_guests_of_a_lost_node_run_on_the_other_though_the_controller_is_killed(
    how: str, node: str, spoiled: XenLab, observed: Observer, zone: Controller
) -> None:
    lose(spoiled, how, node)
    zone.environment = {"PYTHONPATH": KILLER, "CLOUDOPS_KILL_AFTER": str(random.Random(SEED).randint(4, RECORDS))}
    killed = recover(zone)
    zone.environment = {}
    assert killed.rc == -9
    again = recover(zone)
    assert again.rc == 0, again.screen
    recovered(spoiled, observed, node)
    shown = zone.run("ha_status")
    assert "no recovery is under way" in shown.words


@pytest.mark.soak
@pytest.mark.parametrize("after", range(2, RECORDS + 1))
def test_it_goes_on_from_every_record_at_which_its_controller_was_killed(
    after: int, spoiled: XenLab, observed: Observer, zone: Controller
) -> None:
    lose(spoiled, "frozen", "x2")
    zone.environment = {"PYTHONPATH": KILLER, "CLOUDOPS_KILL_AFTER": str(after)}
    assert recover(zone).rc == -9
    zone.environment = {}
    assert recover(zone).rc == 0
    recovered(spoiled, observed, "x2")


@pytest.mark.soak
@pytest.mark.parametrize("with_workers", [True, False], ids=["with its workers", "before its workers"])
def test_it_goes_on_though_every_controller_dies_soon(
    with_workers: bool, spoiled: XenLab, observed: Observer, zone: Controller
) -> None:
    """Where a worker outlives its controller, it ends its task beside the next one."""
    lose(spoiled, "frozen", "x2")
    chosen, own, taken = random.Random(SEED), 0, 0
    # one that switched it off after its controller's death told nobody, and what was to be seen going is gone
    word = switched_off("x2")
    while True:
        # it says that it begins, and holds the zone by two records; then a step has one before and one after
        zone.environment = {"PYTHONPATH": KILLER, "CLOUDOPS_KILL_AFTER": str(own + chosen.randint(4, 7))}
        if not with_workers:
            zone.environment["CLOUDOPS_KILL_ALONE"] = str(chosen.uniform(0, 6))
        if recover(zone, ha_recovery_words=[] if with_workers else [word]).rc == 0:
            break
        own, taken = zone.records("ha_recovery"), taken + 1
        assert taken < 2 * RECORDS
        # the next one's epoch refuses a start that has not come to its guest yet: nobody runs it again that soon
        time.sleep(30)
    assert taken > 3
    recovered(spoiled, observed, "x2")


@pytest.mark.soak
def test_another_controller_goes_on_by_the_store_that_both_have(
    spoiled: XenLab, observed: Observer, zone: Controller, other: Controller
) -> None:
    with spoiled.database.connect() as connection:
        connection.execute("CREATE DATABASE store")
    store = f"postgresql://{OWNER}@{DATABASE_ADDRESS}/store"
    lose(spoiled, "frozen", "x2")
    recover_until("Start this node's", zone, vm_where_store_url=store).kill()
    other.namespace = spoiled.namespace
    done = recover(other, vm_where_store_url=store)
    assert done.rc == 0 and "Switch it off" not in done.words
    recovered(spoiled, observed, "x2")


@pytest.mark.soak
def test_a_node_that_lost_its_power_proves_by_its_new_boot_that_it_was_off(
    spoiled: XenLab, observed: Observer, zone: Controller
) -> None:
    assert zone.run("boot_gate").rc == 0
    lose(spoiled, "killed", "x1")
    done = recover(zone, ha_recovery_gated=True)
    assert done.rc == 0 and "a new boot is the proof" in done.words
    assert spoiled.bmcs["x1"].powered()
    recovered(spoiled, observed, "x1")


@pytest.mark.sample("ha left alone")
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"password": "another"}, "bmc"),
        ({"identity": "00000000-0000-4000-8000-000000000001"}, "is the BMC of"),
        ({"address": "10.78.9.21", "identity": "5823e874-44d6-577c-b315-32c1b4d97ef1"}, "is the BMC of"),
    ],
    ids=["a wrong password", "an identity that is another's", "the address of another node's"],
)
def test_a_bmc_that_cannot_be_trusted_fences_nobody(
    wrong: dict[str, str], said: str, spoiled: XenLab, observed: Observer, zone: Controller
) -> None:
    own: dict[str, Any] = {"address": "10.78.9.22", "username": "admin", "password": "labpass"}
    own["identity"] = spoiled.bmcs["x2"].guid
    lose(spoiled, "frozen", "x2")
    shown = zone.run("ha_plan", ha_recovery_bmc={**own, **wrong})
    assert shown.rc == 0 and said in shown.words and "saved as plan" not in shown.words
    assert spoiled.bmcs["x1"].powered() and spoiled.bmcs["x2"].powered()


@pytest.mark.sample("ha left alone")
def test_a_lost_management_network_alone_is_left_alone(spoiled: XenLab, observed: Observer, zone: Controller) -> None:
    """Its heartbeat moves and its guests answer: nothing is fenced."""
    lose(spoiled, "unmanaged", "x2")
    shown = zone.run("node_verdict")
    assert "its heartbeat moves and its VMs answer" in shown.words


@pytest.mark.soak
def test_a_plan_is_carried_out_as_it_was_approved(spoiled: XenLab, observed: Observer, zone: Controller) -> None:
    lose(spoiled, "frozen", "x2")
    unasked = zone.run("ha_recovery")
    assert "nobody could be asked" in unasked.words and "x2" in spoiled.running()
    planned = zone.run("ha_plan").words
    number, sha256 = planned.partition("saved as plan ")[2].split(",")[0], planned.partition("sha256 ")[2].split()[0]
    assert zone.run("plan_approve", plan=number, sha256=sha256).rc == 0
    done = zone.run("ha_recovery", ha_recovery_plan=int(number))
    assert done.rc == 0
    recovered(spoiled, observed, "x2")


@pytest.mark.soak
def test_two_operators_recover_once(spoiled: XenLab, observed: Observer, zone: Controller, other: Controller) -> None:
    lose(spoiled, "frozen", "x2")
    other.namespace = spoiled.namespace
    first = recover_until("Read every node", zone)
    second = recover(other)
    assert second.rc != 0 and "recovery of the zone" in second.words
    assert first.end(1500).rc == 0
    recovered(spoiled, observed, "x2")


def runs_once(lab: XenLab, observer: Observer) -> None:
    """Every guest runs, wherever, and the database says where."""
    rows = nodes_in_database(lab)
    for guest in (guest for home in HOME.values() for guest in home):
        places = [node for node in HOME if guest.uuid in lab.domains(node)]
        assert places == [rows[guest.name]], f"{guest.name} is on {places}, its row has {rows[guest.name]}"


def is_untouched(lab: XenLab, lost: str) -> None:
    """Nothing of what the lost node had was started elsewhere."""
    left = "x1" if lost == "x2" else "x2"
    assert not {guest.uuid for guest in HOME[lost]} & lab.domains(left)


@pytest.mark.soak
def test_it_ends_where_it_is_told_to_and_goes_on_when_it_is_run_again(
    spoiled: XenLab, observed: Observer, zone: Controller
) -> None:
    lose(spoiled, "frozen", "x2")
    first = recover_until("Switch it off", zone)
    stopped = zone.run("ha_stop", reason="the node was only slow")
    assert stopped.rc == 0, stopped.screen
    assert "the node was only slow" in stopped.words
    assert "VMs not in service" in first.end().words
    is_untouched(spoiled, "x2")
    assert recover(zone).rc == 0
    recovered(spoiled, observed, "x2")


@pytest.mark.soak
def test_where_the_bmc_is_silent_too_a_persons_word_is_needed(
    spoiled: XenLab, observed: Observer, zone: Controller
) -> None:
    lose(spoiled, "killed with its BMC", "x2")
    first = recover(zone, ha_recovery_numbers=HURRIED)
    assert "nobody could be asked" in first.words
    is_untouched(spoiled, "x2")
    word = switched_off("x2")
    assert recover(zone, ha_recovery_words=[word]).rc == 0
    recovered(spoiled, observed, "x2")


@pytest.mark.soak
def test_where_the_bmc_is_silent_too_a_second_fence_device_takes_its_place(
    spoiled: XenLab, observed: Observer, zone: Controller, tmp_path: Path
) -> None:
    lose(spoiled, "frozen before a silent BMC", "x2")
    zone.environment = {"PATH": f"{standin_pdu.installed(tmp_path)}:{os.environ['PATH']}"}
    pdu = {"agent": "fence_standin_pdu", "plugs": {"2": "x2"}}
    wrong = zone.run("ha_plan", ha_recovery_second={**pdu, "plugs": {"1": "x2"}}, ha_recovery_numbers=HURRIED)
    assert "outlet 1 is called x1 there, recorded is x2" in wrong.words
    done = recover(zone, ha_recovery_second=pdu)
    assert done.rc == 0 and "fence_standin_pdu: power on" in done.words
    recovered(spoiled, observed, "x2")


@pytest.mark.soak
def test_a_bmc_that_lies_proves_nothing_and_the_node_may_wake(
    spoiled: XenLab, observed: Observer, zone: Controller
) -> None:
    lose(spoiled, "frozen before a BMC that lies", "x2")
    asked = recover(zone, ha_recovery_numbers=HURRIED)
    assert "its link at the switch" in asked.words
    is_untouched(spoiled, "x2")
    # as it does by itself, sooner or later: its guests go on writing
    spoiled.machines["x2"].thaw()


def await_gone(node: str, boot: str) -> None:
    """Until it has left its boot, whether or not it comes back."""
    for _look in range(60):
        try:
            if remote.script(node, "cat /proc/sys/kernel/random/boot_id", timeout=10) != boot:
                return
        except LabError:
            remote.forget_connection(node)
            return
        time.sleep(5)
    raise LabError(f"{node} goes on")


@pytest.mark.soak
@pytest.mark.parametrize("how", ["while its storage hangs", "while its storage fails"])
def test_a_node_that_lost_its_storage_restarts_itself_and_its_guests_run_elsewhere(
    how: str, spoiled: XenLab, observed: Observer, zone: Controller
) -> None:
    boot = remote.script("x2", "cat /proc/sys/kernel/random/boot_id")
    lose(spoiled, how, "x2")
    await_gone("x2", boot)
    # with its storage as it is it may not come up again: then it is switched off
    assert recover(zone).rc == 0
    recovered(spoiled, observed, "x2")


@pytest.mark.soak
def test_a_database_that_goes_in_the_middle_is_written_by_the_next_run(
    spoiled: XenLab, observed: Observer, zone: Controller
) -> None:
    lose(spoiled, "frozen", "x2")
    first = recover_until("Start this node's", zone, ha_recovery_numbers=HURRIED)
    make(spoiled, spoiled.faults["database_gone"], "x1")
    assert "uxen database" in first.end(1500).words
    undo(spoiled, [("database_gone", "x1")])
    assert recover(zone).rc == 0
    recovered(spoiled, observed, "x2")


@pytest.mark.soak
def test_an_ha_that_wakes_in_the_middle_starts_beside_us_and_nothing_runs_twice(
    spoiled: XenLab, observed: Observer, zone: Controller
) -> None:
    lose(spoiled, "frozen", "x2")
    numbers = {"held_off": "", "parallel": 1, "poll": 15, "max_age": 60}
    first = recover_until("Switch it off", zone, ha_recovery_numbers=numbers)
    spoiled.uxen["x1"].behave(**ITS_OWN_HA)
    first.end(1500)
    assert recover(zone, ha_recovery_numbers=numbers).rc == 0
    recovered(spoiled, observed, "x2")


@pytest.mark.soak
def test_a_node_that_somebody_switches_on_in_the_middle_gets_nothing_twice(
    spoiled: XenLab, observed: Observer, zone: Controller
) -> None:
    lose(spoiled, "frozen", "x2")
    first = recover_until("Start this node's", zone)
    spoiled.bmcs["x2"].fence("on")
    first.end(1500)
    assert recover(zone).rc == 0
    recovered(spoiled, observed, "x2")


@pytest.mark.soak
def test_a_node_that_was_fenced_returns_and_gets_its_guests_back(
    spoiled: XenLab, observed: Observer, zone: Controller
) -> None:
    assert zone.run("boot_gate").rc == 0
    assert zone.run("fleet_snapshot").rc == 0
    lose(spoiled, "frozen", "x2")
    assert recover(zone).rc == 0
    # nobody waits for a node that is proven off
    spare = GUESTS_BY_NAME["spare-1"]
    short = {"vm_start_ha_held_off": "the lab has none", "vm_start_watch": 0, "vm_start_boot_time": 3}
    assert zone.run("vm_start", vm=spare.uuid, node="x1", **short).rc == 0
    off = zone.run("node_return", node="x2")
    assert off.rc != 0 and "boots behind its gate" in off.words
    spoiled.bmcs["x2"].fence("on")
    spoiled.await_boot("x2")
    assert zone.run("node_boot_check", "--limit", "x2", node_boot_check_repair=True).rc == 0
    assert not spoiled.domains("x2")
    (guest, *_others) = HOME["x2"]
    back = zone.run("node_return", node="x2", node_return_moves=[guest.uuid])
    assert back.rc == 0, back.screen
    assert spoiled.domains("x2") == {guest.uuid}
    assert nodes_in_database(spoiled)[guest.name] == "x2"
    assert "has come back with this boot already" in zone.run("node_return", node="x2").words


@pytest.mark.soak
def test_a_source_that_dies_in_a_migration_leaves_a_guest_that_runs_once(
    spoiled: XenLab, observed: Observer, zone: Controller
) -> None:
    """Its job is lost with it, and at the target waits a copy that was never unpaused."""
    moved = HOME["x2"][0]
    run = zone.begin("vm_migrate", vm=moved.name, node="x1", vm_migrate_ha_held_off="the lab has none")
    run.wait_for("migrate (")
    lose(spoiled, "frozen", "x2")
    assert run.end().rc != 0
    done = recover(zone)
    assert done.rc == 0 and "close_job" in done.words
    recovered(spoiled, observed, "x2")


@pytest.mark.soak
def test_a_node_in_maintenance_is_emptied_first_and_never_fenced(
    spoiled: XenLab, observed: Observer, zone: Controller
) -> None:
    empty = {"node_maintenance_empty_to": ["x1"], "vm_migrate_ha_held_off": "the lab has none"}
    why = {"node_maintenance_state": "entered", "node_maintenance_reason": "a fan is replaced"}
    entered = zone.run("node_maintenance", node="x2", **why, **empty)
    assert entered.rc == 0, entered.screen
    assert not spoiled.domains("x2")
    lose(spoiled, "frozen", "x2")
    # of a guest that is wanted nobody knows now whether it runs there
    lost = HOME["x1"][0]
    remote.script("x1", f"xl destroy {lost.uuid}")
    done = recover(zone, ha_recovery_numbers=HURRIED)
    assert "in maintenance: it is never fenced" in done.words and "Switch it off" not in done.words
    assert "nobody could be asked" in done.words
    assert spoiled.bmcs["x2"].powered()
    assert lost.uuid not in spoiled.domains("x1")
    # whoever replaces the fan says that it is off, and its BMC does not say otherwise
    spoiled.bmcs["x2"].fence("off")
    word = switched_off("x2")
    assert recover(zone, ha_recovery_words=[word]).rc == 0
    recovered(spoiled, observed, "x2")


@pytest.mark.soak
def test_a_node_that_restarted_by_itself_is_not_fenced_and_its_guests_run_again(
    spoiled: XenLab, observed: Observer, zone: Controller
) -> None:
    boot = remote.script("x2", "cat /proc/sys/kernel/random/boot_id")
    assert zone.run("fleet_snapshot").rc == 0
    spoiled.bmcs["x2"].ask("chassis", "power", "reset")
    spoiled.await_other_boot("x2", boot)
    done = recover(zone)
    assert done.rc == 0 and "Switch it off" not in done.words
    runs_once(spoiled, observed)


@pytest.mark.soak
def test_a_cut_lower_half_is_not_fenced_before_quorum_took_the_healthy_node(
    spoiled: XenLab, observed: Observer, zone: Controller
) -> None:
    """By rule 21: fenced later than o2net's idle timeout, and before quorum is decided, both nodes would be gone."""
    boot = remote.script("x2", "cat /proc/sys/kernel/random/boot_id")
    lose(spoiled, "cut off", "x1")
    first = zone.begin("ha_recovery", ha_recovery_unasked=True)
    spoiled.await_other_boot("x2", boot)
    assert spoiled.bmcs["x1"].powered(), "it was fenced before the healthy node went"
    first.end(1500)
    # who came back cannot join beside a node that beats and cannot be reached: a person ends that
    spoiled.await_boot("x2")
    assert "missing for a verdict: heartbeat" in zone.run("node_verdict").words
    spoiled.bmcs["x1"].fence("off")
    assert zone.run("node_boot_check", "--limit", "x2", node_boot_check_repair=True).rc == 0
    # nothing of its power was left to be seen going
    word = switched_off("x1")
    assert recover(zone, ha_recovery_words=[word]).rc == 0
    recovered(spoiled, observed, "x1")


@pytest.mark.sample("ha left alone")
def test_a_controller_that_is_cut_off_itself_does_nothing(
    spoiled: XenLab, observed: Observer, zone: Controller
) -> None:
    spoiled.namespace.ip("address del 10.78.0.1/24 dev zone", "address del 10.78.5.1/24 dev guests")
    try:
        done = recover(zone, ha_recovery_numbers={"patience": 60.0, "poll": 15.0})
    finally:
        spoiled.namespace.replug()
    assert "the controller itself may be cut off" in done.words and "Switch it off" not in done.words
    runs_once(spoiled, observed)


@pytest.mark.soak
def test_ssh_that_is_lost_right_after_a_start_starts_nothing_twice(
    spoiled: XenLab, observed: Observer, zone: Controller
) -> None:
    lose(spoiled, "frozen", "x2")
    run = recover_until("Start this node's", zone)
    cut_ssh("x1", 60)
    if run.end(1500).rc:
        assert recover(zone).rc == 0
    recovered(spoiled, observed, "x2")
    began = remote.script("x1", "journalctl --quiet --output=cat -u 'cloudops-job-ha-*' | grep -c result:")
    assert began == "2\n", "each job ran once"


@pytest.mark.soak
def test_where_memory_is_too_small_who_fits_is_started_and_who_does_not_is_named(
    spoiled: XenLab, observed: Observer, zone: Controller, tmp_path: Path
) -> None:
    lose(spoiled, "frozen", "x2")
    free = int(remote.script("x1", "xl info free_memory"))
    # each then takes more than half of what is free
    taken = {"overhead_kib": (free // 2 - 100) * 1024}
    with listening(spoiled.namespace, tmp_path / "told"):
        to = [URL, "json://127.0.0.1:1"]
        done = recover(zone, ha_recovery_placement=taken, ha_recovery_tell=to)
    assert "room would be made by x1 +" in done.words
    assert done.rc != 0 and "VMs not in service, as listed above: 1." in done.words
    assert "Not told: to[2]: not delivered" in done.words
    notifications = told(tmp_path / "told")
    assert [title for title, _text in notifications] == [
        "lab: a node is lost",
        "lab: x2 is switched off",
        "lab: recovery has ended",
    ]
    assert "MiB free. Make room, then run this again." in notifications[-1][1]
    assert len({guest.uuid for guest in HOME["x2"]} & spoiled.domains("x1")) == 1
