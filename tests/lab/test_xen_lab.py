# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Xen lab is what it says it is: what tests of VMs stand on."""

from __future__ import annotations

import time
from pathlib import Path

import psycopg
import pytest

import remote
from fault import make, repair
from guests import GUESTS_BY_NAME, running_on
from host import LabError, run
from lifecycle import READY
from node_lab import NodeLab
from observer import Observation, Observer
from topology import XEN_NODES
from xen_faults import MIGRATION_CUTS, XEN_FAULTS
from xen_lab import XenLab

pytestmark = pytest.mark.timeout(900)

WEB, DB, MAIL = GUESTS_BY_NAME["web-1"], GUESTS_BY_NAME["db-1"], GUESTS_BY_NAME["mail-1"]
TWINS = GUESTS_BY_NAME["twin-a"], GUESTS_BY_NAME["twin-b"]
SPARE = GUESTS_BY_NAME["spare-1"]
NOBODY_RUNS = ("go", "kill-ready", "kill-go")


def ports(node: str) -> set[int]:
    """The ports of screens that listen there."""
    said = remote.script(node, "ss -ltnH 'sport >= :5900 and sport <= :5999'")
    return {int(line.split()[3].rpartition(":")[2]) for line in said.splitlines()}


def migrate(guest_uuid: str, source: str, target: str) -> None:
    remote.script(source, f"xl migrate {guest_uuid} {target} > /run/migration 2>&1", timeout=300)


def await_text(node: str, command: str, text: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while text not in remote.script(node, command):
        assert time.monotonic() < deadline, f"{command} on {node} does not say {text}"
        time.sleep(2)


def test_each_node_and_guest_is_as_made(xen_lab: XenLab, observed: Observer) -> None:
    assert {name: xen_lab.ailments(name) for name in xen_lab.machines} == {"x1": [], "x2": []}
    running = {guest.name: guest for node in XEN_NODES for guest in running_on(node.name)}

    def greets(seen: Observation, name: str) -> bool:
        # right after a restore one may be too slow for the first question
        return any("SSH-2.0-dropbear" in banner for banner in seen.banners(name))

    seen = observed.wait_for(
        lambda seen: all(greets(seen, name) and seen.places(name) for name in running), 120, "every guest's banner"
    )
    assert {name: seen.places(name) for name in running} == {name: [guest.home] for name, guest in running.items()}
    assert {guest.uuid: seen.nodes_of(guest.uuid) for guest in running.values()} == {
        guest.uuid: [guest.home] for guest in running.values()
    }
    with xen_lab.database.connect() as connection:
        rows = dict(connection.execute("SELECT name, vnc_port FROM pengx_vm").fetchall())
    assert rows == {guest.name: guest.display for guest in GUESTS_BY_NAME.values()}
    assert ports("x1") == {WEB.port, MAIL.port}


@pytest.mark.soak
def test_no_other_lab_is_started_beside_it(xen_lab: XenLab) -> None:
    with pytest.raises(LabError, match="the xen lab is up"):
        NodeLab().up()


@pytest.mark.soak
def test_a_guest_that_runs_on_both_nodes_is_seen_and_a_restore_takes_it_back(spoiled: XenLab, tmp_path: Path) -> None:
    with Observer(spoiled.namespace, tmp_path) as observer:
        remote.script("x2", f"touch /data/left-behind; xl create -q {WEB.config}", timeout=240)
        with spoiled.database.connect() as connection:
            connection.execute("UPDATE pengx_vm SET vnc_port = 77")
        seen = observer.wait_for(lambda seen: bool(seen.doubles()), 60, "the double")
    (double,) = seen.doubles()
    assert (double.uuid, double.nodes) == (WEB.uuid, ("x1", "x2"))

    spoiled.restore(READY)
    assert spoiled.domains("x2") == {guest.uuid for guest in running_on("x2")}
    assert remote.script("x1", "ls /data") == remote.script("x2", "ls /data") == "domu\nlost+found\n"
    with spoiled.database.connect() as connection:
        assert connection.execute("SELECT count(*) FROM pengx_vm WHERE vnc_port = 77").fetchone() == (0,)


@pytest.mark.soak
def test_a_live_migration_is_one_copy_all_the_time(spoiled: XenLab, observed: Observer) -> None:
    observed.wait_for(lambda seen: bool(seen.places(WEB.name)), 30, "the guest's MAC")
    migrate(WEB.uuid, "x1", "x2")
    seen = observed.wait_for(lambda seen: seen.places(WEB.name) == ["x1", "x2"], 60, "its MAC behind the target")
    assert seen.nodes_of(WEB.uuid) == ["x1", "x2"]
    assert spoiled.domains("x1") == {MAIL.uuid}
    # db-1 has display 50 there
    assert ports("x2") == {5950, 5951}


@pytest.mark.soak
def test_two_guests_with_one_display_get_two_ports(spoiled: XenLab, observed: Observer) -> None:
    for twin in TWINS:
        spoiled.start_guest(twin, "x1")
    assert ports("x1") == {5950, 5951, 5955, 5956}
    lines = remote.script("x1", "pgrep -fa qemu-system | grep -c 'vnc 0.0.0.0:55,to=99'")
    assert lines == "2\n"


@pytest.mark.soak
@pytest.mark.parametrize("point", MIGRATION_CUTS)
def test_a_migration_is_cut_at_its_point(point: str, spoiled: XenLab, observed: Observer) -> None:
    fault = XEN_FAULTS[f"migration_cut_{point.replace('-', '_')}"]
    make(spoiled, fault, "x1")
    with pytest.raises(LabError):
        migrate(WEB.uuid, "x1", "x2")
    said = remote.script("x1", "cat /run/migration")
    assert f"migration-proxy: cut at {point}" in said
    time.sleep(5)
    copies = observed.seen().latest(WEB.uuid)
    assert len([copy for copy in copies if not copy.held]) == (0 if point in NOBODY_RUNS else 1), copies


@pytest.mark.soak
def test_a_node_is_fenced_by_its_bmc_and_comes_back(spoiled: XenLab, observed: Observer) -> None:
    bmc = spoiled.bmcs["x2"]
    assert bmc.guid in bmc.ask("mc", "guid")
    assert bmc.powered()
    bmc.fence("off")
    assert not bmc.powered() and "x2" not in spoiled.running()
    bmc.fence("on")
    spoiled.back_in_service("x2")
    assert bmc.powered()
    boot_id = remote.script("x2", "cat /proc/sys/kernel/random/boot_id")
    bmc.ask("chassis", "power", "reset")
    spoiled.await_other_boot("x2", boot_id)


@pytest.mark.soak
def test_the_stand_in_starts_and_stops_and_loses_its_answer(spoiled: XenLab, observed: Observer) -> None:
    uxen = spoiled.uxen["x1"]
    listed = uxen.get("/vms")
    assert listed.document is not None and len(listed.document) == 4
    assert uxen.get(f"/vms/{WEB.uuid}/interfaces").text("mac") == WEB.mac.upper()

    uxen.behave(lose=["start"], number=WEB.display)
    assert uxen.post(f"/vms/{SPARE.uuid}/start").status == 0
    started = uxen.get(f"/vms/{SPARE.uuid}")
    assert (started.text("state"), started.text("vnc_port")) == ("running", str(WEB.display))
    # web-1 and mail-1 listen on 5950 and 5951
    assert 5952 in ports("x1")

    uxen.behave(asynchronous=True)
    asked = uxen.post(f"/vms/{SPARE.uuid}/stop")
    assert (asked.status, asked.text("state")) == (202, "running")
    assert asked.document is not None
    number = asked.document.get("id")
    deadline = time.monotonic() + 120
    while uxen.get(f"/tasks/{number}").text("state") == "running" and time.monotonic() < deadline:
        time.sleep(2)
    assert uxen.get(f"/tasks/{number}").text("state") == "done"
    assert SPARE.uuid not in spoiled.domains("x1")

    uxen.behave(fail=["start"])
    assert uxen.post(f"/vms/{SPARE.uuid}/start").status == 500


@pytest.mark.soak
def test_the_stand_ins_ha_takes_over_a_dead_node(spoiled: XenLab, observed: Observer) -> None:
    spoiled.uxen["x1"].behave(ha_every=2, ha_silent=5)
    spoiled.machines["x2"].kill()
    await_text("x1", "xl vm-list", DB.uuid, 300)


def is_ailing(lab: XenLab, node: str) -> bool:
    return bool(lab.ailments(node))


def is_unheard(lab: XenLab, node: str) -> bool:
    """A guest there, by whoever is on its network."""
    guest = next(running_on(node))
    try:
        run(*lab.namespace.inside("ping", "-c", "1", "-W", "3", guest.address))
    except LabError:
        return True
    return False


def is_out_of_control(lab: XenLab, node: str) -> bool:
    try:
        lab.bmcs[node].ask("chassis", "power", "status")
    except LabError:
        return True
    return False


def has_no_database(lab: XenLab, _node: str) -> bool:
    try:
        lab.database.connect().close()
    except psycopg.OperationalError:
        return True
    return False


def is_a_bad_gateway(lab: XenLab, node: str) -> bool:
    return lab.uxen[node].get("/vms").status == 502


HAVE_TESTS_OF_THEIR_OWN = ("migration_cut", "bmc_lies")
# Where the node itself is asked, it may first have to notice: a hung disk restarts it after 60 s.
SIGNS = {
    "guests_cut": is_unheard,
    "bmc_silent": is_out_of_control,
    "database_gone": has_no_database,
    "api_down": is_a_bad_gateway,
}


@pytest.mark.soak
@pytest.mark.parametrize("name", [name for name in XEN_FAULTS if not name.startswith(HAVE_TESTS_OF_THEIR_OWN)])
def test_each_fault_is_made_and_mended(name: str, xen_lab: XenLab, observed: Observer) -> None:
    fault = XEN_FAULTS[name]

    def await_sign(wanted: bool) -> None:
        deadline = time.monotonic() + 180
        while SIGNS.get(name, is_ailing)(xen_lab, fault.node) is not wanted:
            assert time.monotonic() < deadline, f"{name} shows: {not wanted}"
            time.sleep(2)

    await_sign(False)
    try:
        make(xen_lab, fault, fault.node)
        await_sign(True)
    finally:
        repair(xen_lab, xen_lab.active_faults())
    await_sign(False)
