# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The labs as values: the machines of each, and the networks and disks between them."""

from __future__ import annotations

from dataclasses import dataclass

PREFIX_LENGTH = 24


@dataclass(frozen=True)
class Network:
    """A bridge. ``own``: the addresses the namespace itself has on it, the first of them as a source."""

    name: str
    subnet: str
    own: tuple[str, ...] = ()


@dataclass(frozen=True)
class Disk:
    name: str
    size: str


@dataclass(frozen=True)
class Machine:
    """A virtual machine; the n-th entry of networks is where its ethn is plugged in.

    ``shared``: disks that other machines write too. ``dom0_mib``: it boots Xen, and its dom0 has this much.
    """

    name: str
    number: int
    role: str
    memory_mib: int
    networks: tuple[Network, ...]
    disks: tuple[Disk, ...] = ()
    shared: tuple[Disk, ...] = ()
    dom0_mib: int | None = None

    @property
    def address(self) -> str:
        """Where operators and its peers reach it."""
        return self.address_on(self.networks[0])

    def address_on(self, network: Network) -> str:
        return f"{network.subnet}.1{self.number}"

    def tap(self, interface: str) -> str:
        return f"{self.name}-{interface}"

    def network(self, interface: str) -> Network:
        return self.networks[int(interface.removeprefix("eth"))]

    def mac(self, index: int) -> str:
        lab = self.networks[0].subnet.split(".")[1]
        return f"52:54:00:{lab}:{index:02x}:{self.number:02x}"


@dataclass(frozen=True)
class Topology:
    """``nodes``: the hypervisors among the machines. ``observer``: the network the lab itself comes in by.

    ``overlays``: for each role the trees laid over the image at the first boot, relative to this directory.
    """

    name: str
    networks: tuple[Network, ...]
    machines: tuple[Machine, ...]
    nodes: tuple[Machine, ...]
    observer: Network
    overlays: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def shared(self) -> tuple[Disk, ...]:
        return tuple(dict.fromkeys(disk for machine in self.machines for disk in machine.shared))


GATEWAY = "10.77.0.1"
RUNNER = "10.77.0.2"

_MGMT = Network("mgmt", "10.77.0", (RUNNER, GATEWAY))
_SANA, _SANB = Network("sana", "10.77.1"), Network("sanb", "10.77.2")
_LAN, _HB, _VM = Network("lan", "10.77.3"), Network("hb", "10.77.4"), Network("vm", "10.77.5")
_NODE_NETWORKS = (_MGMT, _SANA, _SANB, _LAN, _LAN, _HB, _VM)

SAN = Machine(
    name="san",
    number=9,
    role="san",
    memory_mib=512,
    networks=(_MGMT, _SANA, _SANB),
    disks=(Disk("vg1-first", "512M"), Disk("data", "1G"), Disk("vg1-second", "64M")),
)
NODES = (
    Machine(name="n1", number=1, role="node", memory_mib=768, networks=_NODE_NETWORKS),
    Machine(name="n2", number=2, role="node", memory_mib=768, networks=_NODE_NETWORKS),
)
NODE_LAB = Topology(
    name="node",
    networks=(_MGMT, _SANA, _SANB, _LAN, _HB, _VM),
    machines=(SAN, *NODES),
    nodes=NODES,
    observer=_MGMT,
    overlays=(
        ("node", ("guest/common", "guest/hypervisor", "guest/node", "standin_uxen_api")),
        ("san", ("guest/common", "guest/san")),
    ),
)

ZONE = Network("zone", "10.78.0", ("10.78.0.1",))
GUESTS = Network("guests", "10.78.5", ("10.78.5.1",))
OBSERVER = Network("observer", "10.78.9", ("10.78.9.1", "10.78.9.21", "10.78.9.22"))
DATABASE_ADDRESS, *BMC_ADDRESSES = OBSERVER.own

XEN_NODES = tuple(
    Machine(
        name=f"x{number}",
        number=number,
        role="dom0",
        memory_mib=2560,
        dom0_mib=1024,
        networks=(ZONE, OBSERVER, GUESTS),
        shared=(Disk("data", "2G"),),
    )
    for number in (1, 2)
)
XEN_LAB = Topology(
    name="xen",
    networks=(ZONE, GUESTS, OBSERVER),
    machines=XEN_NODES,
    nodes=XEN_NODES,
    observer=OBSERVER,
    overlays=(("dom0", ("guest/common", "guest/hypervisor", "guest/dom0", "standin_uxen_api")),),
)

LABS = (NODE_LAB, XEN_LAB)


def lab_of(name: str) -> Topology:
    """The lab that has this machine: no two labs have machines of one name."""
    for lab in LABS:
        if name in (machine.name for machine in lab.machines):
            return lab
    raise KeyError(name)


def machine(name: str) -> Machine:
    (found,) = (machine for machine in lab_of(name).machines if machine.name == name)
    return found


def peer(name: str) -> Machine:
    (other,) = (node for node in lab_of(name).nodes if node.name != name)
    return other
