# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node lab: two hypervisor nodes and their SAN."""

from __future__ import annotations

import time

import remote
from faults import FAULTS
from host import side_by_side
from lifecycle import START_API, Lab
from topology import NODE_LAB, NODES, SAN


class NodeLab(Lab):
    topology = NODE_LAB
    faults = FAULTS
    inventory = "lab"

    def _bring_into_service(self) -> None:
        side_by_side(lambda node: remote.script(node.name, START_API), NODES)

    def back_in_service(self, name: str) -> None:
        self.await_boot(name)
        remote.script(name, START_API)

    def set_clocks(self) -> None:
        remote.script(SAN.name, f"date -s @{time.time():.3f}")
        side_by_side(
            lambda node: remote.script(node.name, f"date -s @{time.time():.3f}; systemctl restart chrony"), NODES
        )
