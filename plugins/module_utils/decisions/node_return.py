# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""May a node that was off come back? By rule 27 and rule 28 of docs/rules.md.

It stays off, or behind its boot gate, until each VM that was its own is proven to run elsewhere, or a person has
released it. What waits behind the gate must be off everywhere besides: that is asked by boot_gate.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Collection, List, Mapping, Optional


@dataclass(frozen=True)
class Back:
    """``guests``: the VMs that were its own, and where each is proven to run now; empty where it is not.

    ``fit``: the boot check's verdict behind the gate; None while it is still off. ``epoch_known``: it has the zone's.
    ``stale``: domains that it has of VMs which run elsewhere. ``released``: VMs that a person gave up for it.
    """

    node: str
    fit: Optional[bool]
    epoch_known: bool
    recovery_open: bool
    guests: Mapping[str, str]
    stale: Collection[str] = ()
    released: Collection[str] = field(default_factory=tuple)


def obstacles(back: Back) -> List[str]:
    """Why it may not be switched on, or its gate not be opened; empty: it may."""
    found = []
    if back.recovery_open:
        found.append("a recovery of its zone is open")
    for vm, where in sorted(back.guests.items()):
        if (not where or where == back.node) and vm not in back.released:
            found.append("%s is not proven to run elsewhere, nor released" % vm)
    found += ["it has a domain of %s, which runs elsewhere" % vm for vm in sorted(back.stale)]
    if back.fit is not None:
        if not back.fit:
            found.append("its boot check is not fit")
        if not back.epoch_known:
            found.append("it does not know the newest epoch of its zone")
    return found
