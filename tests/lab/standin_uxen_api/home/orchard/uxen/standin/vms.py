# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stand-in of the uxen API does to VMs: rows of its database, .cfg files, and the node's real xl."""

from __future__ import annotations

import json
import re
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

FIRST_DISPLAY = 50
SHUTDOWN_SECONDS = 60


class NoSuchVm(Exception):
    pass


class Refused(Exception):
    def __init__(self, why: str, status: int = 500) -> None:
        super().__init__(why)
        self.status = status


class Vms:
    """The VMs of the database, as this node sees and runs them."""

    def __init__(self, database: str, images: str) -> None:
        self._database = database
        self._images = Path(images)
        self._node = socket.gethostname()

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        """One transaction on a connection of its own."""
        # nodes without a database lack the driver's use, not the driver
        import psycopg2

        try:
            connection = psycopg2.connect(self._database)
            with closing(connection), connection, connection.cursor() as cursor:
                yield cursor
        except psycopg2.OperationalError as error:
            raise Refused(f"database: {error}", 503) from error

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._cursor() as cursor:
            cursor.execute(query, values)
            return list(cursor.fetchall())

    # What is there

    def listed(self) -> ElementTree.Element:
        """The VMs that are this node's by the database."""
        document = ElementTree.Element("vms")
        rows = self._rows(
            "SELECT vm.uuid::text FROM pengx_vm vm JOIN pengx_pm pm ON vm.pm_uuid = pm.uuid WHERE pm.name = %s"
            " ORDER BY vm.vnc_port, vm.uuid",
            self._node,
        )
        running = self._running()
        document.extend(self._shown(uuid, running) for (uuid,) in rows)
        return document

    def shown(self, vm: str) -> ElementTree.Element:
        return self._shown(self._known(vm), self._running())

    def _shown(self, vm: str, running: set[str]) -> ElementTree.Element:
        ((name, node, display),) = self._rows(
            "SELECT vm.name, pm.name, vm.vnc_port FROM pengx_vm vm LEFT JOIN pengx_pm pm ON vm.pm_uuid = pm.uuid"
            " WHERE vm.uuid = %s",
            vm,
        )
        document = ElementTree.Element("vm", id=vm)
        state = "running" if vm in running else "stopped"
        for tag, text in (("name", name), ("node", node), ("state", state), ("vnc_port", display)):
            ElementTree.SubElement(document, tag).text = "" if text is None else str(text)
        return document

    def interfaces(self, vm: str) -> ElementTree.Element:
        document = ElementTree.Element("interfaces")
        query = "SELECT id, mac, name, ip FROM pengx_interface WHERE vm_uuid = %s ORDER BY id"
        for number, mac, name, address in self._rows(query, self._known(vm)):
            interface = ElementTree.SubElement(document, "interface", id=str(number))
            for tag, text in (("mac", mac), ("name", name), ("ip", address)):
                ElementTree.SubElement(interface, tag).text = text
        return document

    def other_nodes(self) -> dict[str, str]:
        try:
            return dict(self._rows("SELECT name, mgmt_ip FROM pengx_pm WHERE name <> %s", self._node))
        except Refused:
            return {}

    def wanted_on(self, node: str) -> list[str]:
        rows = self._rows(
            "SELECT vm.uuid::text FROM pengx_vm vm JOIN pengx_pm pm ON vm.pm_uuid = pm.uuid"
            " WHERE pm.name = %s AND vm.power = 'running' ORDER BY vm.ha_priority, vm.uuid",
            node,
        )
        return [uuid for (uuid,) in rows]

    def _known(self, vm: str) -> str:
        if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", vm):
            raise NoSuchVm(f"no such vm: {vm}")
        if not self._rows("SELECT 1 FROM pengx_vm WHERE uuid = %s", vm):
            raise NoSuchVm(f"no such vm: {vm}")
        return vm

    def _running(self) -> set[str]:
        return {line.split()[0] for line in self._xl("vm-list").splitlines()[1:]}

    # What is done

    def start(self, vm: str, number: int | None) -> ElementTree.Element:
        if self._known(vm) in self._running():
            raise Refused(f"{vm} runs already", 409)
        display = self._take_display(vm, self._node, number)
        config = self._images / vm / "current" / f"{vm}.cfg"
        config.write_text(self._configured(config.read_text(), vm, display))
        self._xl("create", "-q", str(config))
        self._set_power(vm, "running")
        return self.shown(vm)

    def stop(self, vm: str, force: bool) -> ElementTree.Element:
        if self._known(vm) not in self._running():
            raise Refused(f"{vm} does not run here", 409)
        self._set_power(vm, "stopped")
        self._xl("destroy" if force else "shutdown", vm)
        deadline = time.monotonic() + SHUTDOWN_SECONDS
        while vm in self._running():
            if time.monotonic() > deadline:
                raise Refused(f"{vm} has not shut down within {SHUTDOWN_SECONDS} s")
            time.sleep(1)
        return self.shown(vm)

    def migrate(self, vm: str, target: str, number: int | None) -> ElementTree.Element:
        if self._known(vm) not in self._running():
            raise Refused(f"{vm} does not run here", 409)
        if target not in self.other_nodes():
            raise Refused(f"no such node: {target}", 400)
        self._xl("migrate", vm, target)
        self._take_display(vm, target, number)
        return self._shown(vm, {vm})

    def create_interface(self, vm: str, bridge: str) -> ElementTree.Element:
        mac = "00:16:3E:" + ":".join(f"{secrets.randbelow(256):02X}" for _byte in range(3))
        with self._cursor() as cursor:
            cursor.execute(
                "INSERT INTO pengx_interface (vm_uuid, mac, name, bridge) VALUES (%s, %s, %s, %s)",
                (self._known(vm), mac, "w" + secrets.token_hex(4), bridge),
            )
        if vm in self._running():
            self._xl("network-attach", vm, f"mac={mac}", f"bridge={bridge}", "script=vif-openvswitch")
        return self.interfaces(vm)

    def _take_display(self, vm: str, node: str, number: int | None) -> int | None:
        """The VM becomes the node's; it keeps its number, or is given the lowest that no row of the node has.

        What really listens there is not asked: that is how numbers and ports drift apart.
        """
        with self._cursor() as cursor:
            cursor.execute("SELECT uuid FROM pengx_pm WHERE name = %s", (node,))
            ((pm,),) = cursor.fetchall()
            cursor.execute("SELECT vnc_port FROM pengx_vm WHERE uuid = %s", (vm,))
            ((display,),) = cursor.fetchall()
            cursor.execute("SELECT vnc_port FROM pengx_vm WHERE pm_uuid = %s AND uuid <> %s", (pm, vm))
            taken = {port for (port,) in cursor.fetchall()}
            if display is not None and number is not None:
                display = number
            elif display is not None and display in taken:
                display = next(port for port in range(FIRST_DISPLAY, 65536) if port not in taken)
            cursor.execute("UPDATE pengx_vm SET pm_uuid = %s, vnc_port = %s WHERE uuid = %s", (pm, display, vm))
        return display

    def _set_power(self, vm: str, power: str) -> None:
        with self._cursor() as cursor:
            cursor.execute("UPDATE pengx_vm SET power = %s WHERE uuid = %s", (power, vm))

    def _configured(self, text: str, vm: str, display: int | None) -> str:
        """The .cfg with the disks, interfaces and display of the database."""
        folder = self._images / vm / "current"
        disks = self._rows("SELECT uuid::text, imgtype, dev FROM pengx_disk WHERE vm_uuid = %s ORDER BY dev", vm)
        nics = self._rows("SELECT mac, bridge FROM pengx_interface WHERE vm_uuid = %s ORDER BY id", vm)
        lists = {
            "disk": [f"format={form},vdev={dev},access=rw,target={folder}/{uuid}.{form}" for uuid, form, dev in disks],
            "vif": [f"mac={mac.lower()},bridge={bridge},script=vif-openvswitch" for mac, bridge in nics],
        }
        if display is not None:
            lists["vfb"] = [f"vnc=1,vnclisten=0.0.0.0,vncdisplay={display}"]
        kept = [line for line in text.splitlines() if not re.match(rf"({'|'.join(lists)})\s*=", line)]
        # the form of a list is JSON's
        return "\n".join([*kept, *(f"{name} = {json.dumps(items)}" for name, items in lists.items())]) + "\n"

    def _xl(self, *arguments: str) -> str:
        done = subprocess.run(["sudo", "-n", "/usr/sbin/xl", *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Refused(f"xl {arguments[0]}: rc {done.returncode}: {done.stderr.strip()[-400:]}")
        return done.stdout
