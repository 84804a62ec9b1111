# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines of the lab and the networks between them."""

from __future__ import annotations

from dataclasses import dataclass

GATEWAY = "10.77.0.1"
RUNNER = "10.77.0.2"
PREFIX_LENGTH = 24
NETWORKS = ("mgmt", "sana", "sanb", "lan", "hb", "vm")


@dataclass(frozen=True)
class Disk:
    """A disk the SAN exports as a LUN."""

    name: str
    size: str


@dataclass(frozen=True)
class Machine:
    """A virtual machine; the n-th entry of networks is where its ethn is plugged in."""

    name: str
    number: int
    role: str
    memory_mib: int
    networks: tuple[str, ...]
    disks: tuple[Disk, ...] = ()

    @property
    def address(self) -> str:
        return f"10.77.0.1{self.number}"

    def tap(self, interface: str) -> str:
        return f"{self.name}-{interface}"

    def mac(self, index: int) -> str:
        return f"52:54:00:77:{index:02x}:{self.number:02x}"


_NODE_NETWORKS = ("mgmt", "sana", "sanb", "lan", "lan", "hb", "vm")
SAN = Machine(
    name="san",
    number=9,
    role="san",
    memory_mib=512,
    networks=("mgmt", "sana", "sanb"),
    disks=(Disk("vg1-first", "512M"), Disk("data", "1G"), Disk("vg1-second", "64M")),
)
NODES = (
    Machine(name="n1", number=1, role="node", memory_mib=768, networks=_NODE_NETWORKS),
    Machine(name="n2", number=2, role="node", memory_mib=768, networks=_NODE_NETWORKS),
)
MACHINES = (SAN, *NODES)


def machine(name: str) -> Machine:
    for candidate in MACHINES:
        if candidate.name == name:
            return candidate
    raise KeyError(name)


def peer(name: str) -> Machine:
    (other,) = (node for node in NODES if node.name != name)
    return other
