# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults of the Xen lab."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from fault import Fault, Step, back_in_service, crash, on_node, plug, power_on, table, together, unplug
from lifecycle import Lab
from shared_disk import DiskServer
from topology import XEN_LAB

if TYPE_CHECKING:
    from bmc import Bmc
    from xen_lab import XenLab

# A node that was held longer than its peer waits restarts itself soon after it goes on.
SECOND_THOUGHTS = 10
MIGRATION_CUTS = {
    "stream": "in the middle of its memory: it heals by itself",
    "ready": "before the sender hears that all has arrived: a paused copy stays on the target",
    "go": "before the target hears that it may run: nobody runs",
    "report": "before the sender hears that the target runs: it is left suspended on the source",
    "kill-ready": "by killing the sending xl when all has arrived",
    "kill-go": "by killing the sending xl when it gives permission: nobody runs",
}


def freeze(lab: Lab, name: str) -> None:
    lab.machines[name].freeze()


def thaw(lab: Lab, name: str) -> None:
    lab.machines[name].thaw()
    time.sleep(SECOND_THOUGHTS)
    lab.back_in_service(name)


def disks(action: Callable[[DiskServer], None]) -> Step:
    """What is done to the node's own way to the shared storage."""

    def step(lab: Lab, name: str) -> None:
        for server in lab.machines[name].disk_servers.values():
            action(server)

    return step


def bmc(action: Callable[[Bmc], None]) -> Step:
    def step(lab: Lab, name: str) -> None:
        action(cast("XenLab", lab).bmcs[name])

    return step


def database(action: str) -> Step:
    def step(lab: Lab, name: str) -> None:
        server = cast("XenLab", lab).database
        getattr(server, action)()

    return step


def wait(seconds: float) -> Step:
    def step(lab: Lab, name: str) -> None:
        time.sleep(seconds)

    return step


def behave(**behaviour: object) -> Step:
    """How the stand-in of the uxen API answers on this node."""

    def step(lab: Lab, name: str) -> None:
        cast("XenLab", lab).uxen[name].behave(**behaviour)

    return step


XEN_FAULTS = table(
    XEN_LAB,
    (
        Fault("node_killed", "the node loses its power", crash, power_on, heals=240),
        Fault("node_frozen", "the node stands still, memory and all; its BMC answers", freeze, thaw, heals=300),
        Fault(
            "node_cut",
            "ssh, o2cb and migration of the node are cut silently; after 96 s the higher number restarts itself",
            unplug("eth0"),
            together(plug("eth0"), wait(SECOND_THOUGHTS), back_in_service),
            node="x2",
            heals=300,
        ),
        Fault(
            "guests_cut",
            "the guests of the node are cut off their network; the node itself is well",
            unplug("eth2"),
            plug("eth2"),
        ),
        Fault(
            "storage_hangs",
            "the shared storage stops answering the node alone; after 60 s the node restarts itself",
            disks(DiskServer.hang),
            together(disks(DiskServer.resume), wait(SECOND_THOUGHTS), back_in_service),
            heals=300,
        ),
        Fault(
            "storage_fails",
            "the shared storage gives the node alone an I/O error for every request; the node panics",
            disks(DiskServer.kill),
            together(disks(DiskServer.start), wait(SECOND_THOUGHTS), back_in_service),
            heals=300,
        ),
        Fault(
            "bmc_silent",
            "the node's BMC takes requests and answers none",
            bmc(lambda each: each.freeze()),
            bmc(lambda each: each.thaw()),
        ),
        Fault(
            "bmc_lies",
            "the node's BMC takes each command, says that it is done, and does nothing",
            bmc(lambda each: each.lie()),
            bmc(lambda each: each.be_honest()),
        ),
        Fault("database_gone", "the uxen database is down", database("end"), database("start")),
        Fault(
            "api_down",
            "the uxen API of the node is stopped: nginx answers 502",
            on_node("su - orchard -c 'uxen/scripts/uxen_was.sh stop'"),
            on_node("su - orchard -c 'uxen/scripts/uxen_was.sh start'"),
        ),
        *(
            Fault(
                f"migration_cut_{point.replace('-', '_')}",
                f"each live migration from the node is cut {meaning}",
                on_node(f"migration-proxy install {point}"),
                on_node("migration-proxy remove"),
            )
            for point, meaning in MIGRATION_CUTS.items()
        ),
    ),
)
