# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab with faults, for the length of a with block."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from fault import make, repair
from faults import FORGET_LOGS
from host import LabError
from lifecycle import READY, Lab
from topology import NODES


@contextmanager
def broken(lab: Lab, *faults: tuple[str, str]) -> Iterator[None]:
    """Make the faults and wait until they show; behind the block they are repaired, and forgotten by the logs."""
    try:
        try:
            for name, node in faults:
                make(lab, lab.faults[name], node)
            time.sleep(max(lab.faults[name].visible for name, _node in faults))
            yield
        finally:
            repair(lab, lab.active_faults())
            for node in NODES:
                FORGET_LOGS(lab, node.name)
    except LabError:
        # what could not be repaired must not spoil the tests behind it
        lab.restore(READY)
        raise
