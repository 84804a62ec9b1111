# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The epoch of a zone, rule 30 of docs/rules.md: every taking of the zone's lock has a higher one than all before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.refusal import Refusal


@dataclass(frozen=True)
class Epoch:
    zone: str
    number: int

    def __post_init__(self) -> None:
        if not self.zone or len(self.zone) > 64 or not self.zone.isprintable():
            raise ValueError("zone: a name of 1 to 64 printable characters is wanted, not %r" % self.zone)
        if not 0 < self.number < 2**63:
            raise ValueError("epoch: a positive whole number is wanted, not %r" % self.number)

    def __str__(self) -> str:
        return "%s/%d" % (self.zone, self.number)

    def check(self, newest: Optional[Epoch], where: str) -> None:
        """Refuse to act in this epoch where a newer one, or another zone's, is known. ``where``: who knows it."""
        if newest is None:
            return
        if newest.zone != self.zone:
            said = Phrase("epoch_other_zone", where, newest.zone, self.zone)
            raise Refusal("other_zone", said, zone=newest.zone, where=where)
        if newest.number > self.number:
            said = Phrase("epoch_overtaken", where, newest.number, self.number)
            values = {"newest": newest.number, "epoch": self.number, "where": where}
            raise Refusal("overtaken", said, **values)

    def claim(self, newest: Optional[Epoch], where: str) -> None:
        """Refuse to begin this epoch where it is known already: it began elsewhere, in another controller's store."""
        self.check(newest, where)
        if newest == self:
            said = Phrase("epoch_not_new", where, self.number)
            values = {"newest": self.number, "epoch": self.number, "where": where}
            raise Refusal("epoch_taken", said, **values)
