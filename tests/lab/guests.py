# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guests of the Xen lab: what each is called, where it runs, and every number that belongs to it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from topology import GUESTS, XEN_LAB

VNC_BASE = 5900
MEMORY_MIB = 128
DISK_SIZE = "32M"
ROOT = "/data/domu"
# An image here is on the disk of the one node alone; a link in ROOT leads to it.
LOCAL_ROOT = "/data2/domu"
# qemu-img's name of what xl and the fleet call vhd
QEMU_FORMATS = {"raw": "raw", "qcow2": "qcow2", "vhd": "vpc"}


@dataclass(frozen=True)
class Guest:
    """``home``: the node it belongs to; ``formats``: of its disks, the first one is xvda.

    ``display``: as .cfg and database have it (50), None: it has no screen. ``local``: only its home has its image.
    ``deaf``: it does not shut down when asked.
    """

    number: int
    name: str
    home: str
    runs: bool = True
    display: int | None = None
    formats: tuple[str, ...] = ("raw",)
    local: bool = False
    deaf: bool = False

    @property
    def uuid(self) -> str:
        return _uuid(f"vm {self.name}")

    @property
    def mac(self) -> str:
        return f"00:16:3e:78:05:{self.number:02x}"

    @property
    def address(self) -> str:
        return f"{GUESTS.subnet}.{100 + self.number}"

    @property
    def port(self) -> int | None:
        """Where its screen should listen."""
        return None if self.display is None else VNC_BASE + self.display

    @property
    def directory(self) -> str:
        return f"{ROOT}/{self.uuid}/current"

    @property
    def config(self) -> str:
        return f"{self.directory}/{self.uuid}.cfg"

    @property
    def disks(self) -> list[Disk]:
        return [
            Disk(_uuid(f"disk {index} of {self.name}"), f"xvd{'abcd'[index]}", form, self.directory)
            for index, form in enumerate(self.formats)
        ]

    def config_text(self) -> str:
        disks = ", ".join(f'"{disk.specification}"' for disk in self.disks)
        deaf = " lab.deaf" if self.deaf else ""
        lines = [
            f'name = "{self.uuid}"',
            f'uuid = "{self.uuid}"',
            'type = "pvh"',
            f"memory = {MEMORY_MIB}",
            "vcpus = 1",
            'kernel = "/boot/vmlinux-guest"',
            'ramdisk = "/boot/initrd-guest"',
            f'cmdline = "console=hvc0 quiet lab.address={self.address}{deaf}"',
            f"disk = [ {disks} ]",
            f'vif = [ "mac={self.mac},bridge=xenbr0,script=vif-openvswitch" ]',
        ]
        if self.display is not None:
            lines.append(f'vfb = [ "vnc=1,vnclisten=0.0.0.0,vncdisplay={self.display}" ]')
        lines += ['on_poweroff = "destroy"', 'on_reboot = "restart"', 'on_crash = "destroy"']
        return "\n".join(lines) + "\n"

    def create_script(self) -> str:
        """For the shell of its home: folder, images and .cfg, as the API makes them."""
        # /data/domu is the API's, which rewrites .cfg files.
        lines = [f"mkdir -p {self.directory}", f"chown orchard: {ROOT} {ROOT}/{self.uuid} {self.directory}"]
        for disk in self.disks:
            place = disk.path
            if self.local:
                place = f"{LOCAL_ROOT}/{self.uuid}/{disk.file}"
                lines += [f"mkdir -p {LOCAL_ROOT}/{self.uuid}", f"ln -s {place} {disk.path}"]
            lines.append(f"qemu-img create -q -f {QEMU_FORMATS[disk.format]} {place} {DISK_SIZE}")
        lines += [f"cat > {self.config} << 'END OF CONFIG'", f"{self.config_text()}END OF CONFIG"]
        return "\n".join([*lines, f"chown orchard: {self.config}\n"])


@dataclass(frozen=True)
class Disk:
    uuid: str
    vdev: str
    format: str
    directory: str

    @property
    def specification(self) -> str:
        return f"format={self.format},vdev={self.vdev},access=rw,target={self.path}"

    @property
    def file(self) -> str:
        return f"{self.uuid}.{self.format}"

    @property
    def path(self) -> str:
        return f"{self.directory}/{self.file}"


def _uuid(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.lab.hypervisor"))


NODE_UUIDS = {node.name: _uuid(f"node {node.name}") for node in XEN_LAB.nodes}

GUESTS_BY_NAME = {
    guest.name: guest
    for guest in (
        Guest(1, "web-1", "x1", display=50),
        Guest(2, "mail-1", "x1", display=51, formats=("qcow2", "raw")),
        Guest(3, "db-1", "x2", display=50),
        Guest(4, "quiet-1", "x2", formats=("vhd",)),
        # Each has its display on its own node, and they collide on either.
        Guest(5, "twin-a", "x1", runs=False, display=55),
        Guest(6, "twin-b", "x2", runs=False, display=55),
        Guest(7, "local-1", "x2", runs=False, display=56, local=True),
        Guest(8, "deaf-1", "x2", runs=False, display=57, deaf=True),
        Guest(9, "spare-1", "x1", runs=False, display=58, formats=("vhd",)),
    )
}


def running_on(node: str) -> Iterator[Guest]:
    return (guest for guest in GUESTS_BY_NAME.values() if guest.runs and guest.home == node)
