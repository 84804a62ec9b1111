# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VM that runs twice, one that will not stop, one that lost a disk; the nightly snapshot; and the boot gate."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

import remote
from controller import Controller
from guests import GUESTS_BY_NAME
from observer import Observer
from xen_lab import XenLab

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1500)]

WEB, MAIL, DEAF = (GUESTS_BY_NAME[name] for name in ("web-1", "mail-1", "deaf-1"))
CREATE = 240


def test_a_vm_that_runs_twice_is_held_and_a_person_keeps_one(
    spoiled: XenLab, controller: Controller, tmp_path: Path
) -> None:
    remote.script("x2", f"xl create -q {WEB.config}", timeout=CREATE)
    assert "may run twice" in controller.run("vm_where", vm=WEB.name).words
    held = controller.run("vm_twice", vm=WEB.name, vm_twice_directory=str(tmp_path / "evidence"))
    assert held.rc == 0 and "Both copies are held" in held.words
    with Observer(spoiled.namespace, tmp_path) as observer:
        time.sleep(10)
        copies = observer.seen().latest(WEB.uuid)
        assert sorted(copy.node for copy in copies) == ["x1", "x2"] and all(copy.held for copy in copies)
        evidence = json.loads(next((tmp_path / "evidence").rglob("evidence.json")).read_text())
        assert evidence["writers"] and evidence["whereabouts"]["twice"]
        # nothing else may touch it before a person has decided
        refused = controller.run("vm_start", vm=WEB.name, node="x1", vm_start_ha_held_off="the lab has none")
        assert refused.rc != 0
        kept = controller.run("vm_twice", vm=WEB.name, vm_twice_keep="x1", vm_twice_reason="it was there first")
        assert kept.rc == 0
        time.sleep(10)
        (copy,) = observer.seen().latest(WEB.uuid)
        assert copy.node == "x1" and not copy.held
        assert observer.seen().doubles() == []
    assert "open for it" not in controller.run("vm_where", vm=WEB.name).words


def test_a_lost_disk_comes_back_by_a_clean_restart(spoiled: XenLab, observed: Observer, controller: Controller) -> None:
    """Added live, in the database and in the .cfg; Xen lost it."""
    disk = "5f0a2d7e-93c4-4a55-8a0e-6b1f0f4d2c11"
    path = f"{MAIL.directory}/{disk}.raw"
    target = f'"format=raw,vdev=xvdc,access=rw,target={path}"'
    remote.script("x1", f"qemu-img create -q -f raw {path} 16M; sed -i 's|^disk = \\[ |&{target}, |' {MAIL.config}")
    with spoiled.database.connect() as connection:
        connection.execute("INSERT INTO pengx_disk VALUES (%s, %s, 'raw', 'xvdc')", (disk, MAIL.uuid))
    options: dict[str, Any] = {"vm": MAIL.name, "vm_devices_ha_held_off": "the lab has none"}
    looked = controller.run("vm_devices", **options)
    assert looked.rc == 0 and f"{disk}.raw: database yes, .cfg yes, Xen NO" in looked.words
    restarted = controller.run("vm_devices", **options, vm_devices_restart=True)
    assert restarted.rc == 0
    assert "xvdc" in remote.script(
        "x1", f"xl block-list {MAIL.uuid} || true; xenstore-ls -f /local/domain/0/backend/vbd"
    )
    assert observed.seen().nodes_of(MAIL.uuid) == ["x1"]


def tasks(controller: Controller, tmp_path: Path, state: dict[str, Any]) -> Any:
    """Prove where it is, and bring it into a state, as a site's own playbook would."""
    zone = {"ansible.builtin.import_role": {"name": "cloudops.hypervisor.vm_where", "rolespec_validate": False}}
    role = {name: {**zone["ansible.builtin.import_role"], "tasks_from": name} for name in ("lock", "prove", "unlock")}
    named = {"vm_where_vm": DEAF.uuid, "vm_where_what": "a test"}
    act = {
        "vm": DEAF.uuid,
        "proof": "{{ vm_where_seen }}",
        "zone": "{{ vm_where_zone }}",
        "epoch": "{{ vm_where_lock.lock.epoch }}",
        "ha_held_off": "the lab has none",
        **state,
    }
    play = {
        "name": "A site's own",
        "hosts": "all",
        "gather_facts": False,
        "vars": named,
        "tasks": [
            {"name": "Lock", "ansible.builtin.import_role": role["lock"]},
            {"name": "Prove", "ansible.builtin.import_role": role["prove"]},
            {"name": "Act", "cloudops.hypervisor.xen_vm": act, "when": "inventory_hostname == 'x2'"},
            {"name": "Unlock", "ansible.builtin.import_role": role["unlock"]},
        ],
    }
    playbook = tmp_path / "own.json"
    playbook.write_text(json.dumps([play]))
    return controller.run_file(playbook)


def test_a_guest_that_does_not_hear_is_destroyed_only_with_force(
    spoiled: XenLab, observed: Observer, controller: Controller, tmp_path: Path
) -> None:
    spoiled.start_guest(DEAF, "x2")
    assert tasks(controller, tmp_path, {"state": "paused"}).rc == 0
    assert tasks(controller, tmp_path, {"state": "running", "config": DEAF.config}).rc == 0
    # the kernel of a guest that has no poweroff ends it by itself some time later; one that is paused hears nothing
    assert tasks(controller, tmp_path, {"state": "paused"}).rc == 0
    asked = tasks(controller, tmp_path, {"state": "stopped", "grace": 10})
    assert asked.rc != 0 and DEAF.uuid in spoiled.domains("x2")
    forced = tasks(controller, tmp_path, {"state": "stopped", "grace": 5, "force": True})
    assert forced.rc == 0 and DEAF.uuid not in spoiled.domains("x2")
    again = tasks(controller, tmp_path, {"state": "stopped"})
    assert again.rc == 0 and "changed: [x2]" not in again.screen.partition("Act")[2]


def test_the_snapshot_serves_when_the_database_is_gone(
    spoiled: XenLab, observed: Observer, controller: Controller
) -> None:
    taken = controller.run("fleet_snapshot")
    assert taken.rc == 0
    spoiled.database.end()
    read = controller.run("fleet_snapshot", fleet_snapshot_state="read", fleet_snapshot_verified=True)
    assert read.rc == 0 and all(guest.name in read.words for guest in GUESTS_BY_NAME.values())
    where = controller.run("vm_where", vm=WEB.uuid)
    assert where.rc == 0 and "runs on x1" in where.words
    spoiled.database.start()


def test_no_guest_starts_at_boot_before_the_gate_is_released(
    spoiled: XenLab, observed: Observer, controller: Controller
) -> None:
    """x2 has autostart on; it reboots; what would start is held back until this boot is released."""
    assert controller.run("boot_gate", "--limit", "x2").rc == 0
    remote.script(
        "x2",
        f"mkdir -p /etc/xen/auto; ln -s {DEAF.config} /etc/xen/auto/; systemctl enable xendomains.service;"
        " sed -i 's/^XENDOMAINS_SAVE=.*/XENDOMAINS_SAVE=/' /etc/default/xendomains; sync",
    )
    boot_id = remote.script("x2", "cat /proc/sys/kernel/random/boot_id")
    remote.script("x2", "systemctl reboot || true")
    spoiled.await_other_boot("x2", boot_id)
    time.sleep(30)
    assert spoiled.domains("x2") == set()
    assert controller.run("boot_gate", "--limit", "x2", boot_gate_state="released").rc != 0, "a reason is wanted"
    released = controller.run(
        "boot_gate", "--limit", "x2", boot_gate_state="released", boot_gate_reason="looked at, and well"
    )
    assert released.rc == 0
    deadline = time.monotonic() + CREATE
    while DEAF.uuid not in spoiled.domains("x2"):
        assert time.monotonic() < deadline
        time.sleep(3)
    assert controller.run("boot_gate", "--limit", "x2", boot_gate_state="absent").rc == 0
    assert "cloudops" not in remote.script("x2", "ls /etc/systemd/system /usr/local/sbin /usr/local/lib | cat")
