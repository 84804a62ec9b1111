# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Xen lab: two dom0s with guests on one OCFS2 volume, their database, and a BMC for each."""

from __future__ import annotations

import time

import remote
from bmc import Bmc
from database import Database
from guests import GUESTS_BY_NAME, Guest, running_on
from host import side_by_side
from lifecycle import START_API, Lab
from topology import XEN_LAB, XEN_NODES, peer
from uxen import UxenApi
from xen_faults import XEN_FAULTS

CREATE_TIMEOUT = 240


class XenLab(Lab):
    topology = XEN_LAB
    faults = XEN_FAULTS
    inventory = "xen"

    def __init__(self) -> None:
        super().__init__()
        self.database = Database(self.namespace, self.directory)
        self.bmcs = {node.name: Bmc(node, self.namespace, self.directory) for node in XEN_NODES}
        self.services += [self.database, *self.bmcs.values()]
        self.uxen = {node.name: UxenApi(node.name) for node in XEN_NODES}

    def _accelerator(self) -> str:
        # Nested virtualisation would be needed for anything faster, and Xen in it.
        return "tcg"

    def _sources(self) -> list[str]:
        return ["guests.py", "database.py", "xen_lab.py"]

    def guests(self) -> dict[str, str]:
        return {guest.name: guest.address for guest in GUESTS_BY_NAME.values()}

    def _bring_into_service(self) -> None:
        def node(name: str) -> None:
            self.await_boot(name)
            for guest in GUESTS_BY_NAME.values():
                if guest.home == name:
                    remote.script(name, guest.create_script())
            self._into_service(name)

        side_by_side(node, (node.name for node in XEN_NODES))

    def health_script(self, name: str) -> str:
        guests = " ".join(f"{guest.uuid},{guest.address},{guest.port}" for guest in running_on(name))
        return f"guests='{guests}'; peer={peer(name).address}\n{super().health_script(name)}"

    def back_in_service(self, name: str) -> None:
        self.await_boot(name)
        self._into_service(name)

    def _into_service(self, name: str) -> None:
        """What the operator does after a boot: the API, and the guests that ran here and run nowhere now."""
        remote.script(name, START_API)
        elsewhere = {uuid for node in XEN_NODES if node.name != name for uuid in self.domains(node.name)}
        for guest in running_on(name):
            if guest.uuid not in elsewhere | self.domains(name):
                self.start_guest(guest, name)

    def set_clocks(self) -> None:
        side_by_side(lambda node: remote.script(node.name, f"date -s @{time.time():.3f}"), XEN_NODES)

    # Guests, by the node's own tools

    def hold_guests(self) -> None:
        # QEMU 7.2 saves a processor that is within a guest, and refuses to load it.
        self._each_guest("pause")

    def release_guests(self) -> None:
        self._each_guest("unpause")

    def _each_guest(self, action: str) -> None:
        script = f"for domain in $(xl list | awk 'NR > 2 {{print $2}}'); do xl {action} $domain; done"
        side_by_side(lambda node: remote.script(node.name, script), XEN_NODES)

    def domains(self, node: str) -> set[str]:
        """The uuids of all domains there but dom0."""
        if not self.machines[node].pid():
            return set()
        return set(remote.script(node, "xl vm-list | awk 'NR > 1 && $2 > 0 {print $1}'").split())

    def start_guest(self, guest: Guest, node: str) -> None:
        remote.script(node, f"xl create -q {guest.config}", timeout=CREATE_TIMEOUT)
