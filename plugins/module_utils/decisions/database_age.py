# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the uxen database is the one that was last corrected, and not an older one: docs/rules.md, rule 52.

A database brought back from a backup, or a replica that was promoted, may have lost what was written. It is only read
until every node of its zone has been probed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Collection, Dict, List, Mapping, Optional

from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase


@dataclass(frozen=True)
class Written:
    """A row as it was corrected last: on which node, from which display to which."""

    node: str
    was: Optional[int]
    now: int


@dataclass(frozen=True)
class Known:
    """What is kept of a zone's database; ``written`` by the VM's uuid."""

    system: str
    timeline: int
    transaction: int
    written: Mapping[str, Written] = field(default_factory=dict)

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Known:
        written = {vm: Written(node, was, now) for vm, (node, was, now) in body["written"].items()}
        return cls(body["system"], body["timeline"], body["transaction"], written)

    def as_dict(self) -> Dict[str, Any]:
        written = {vm: [one.node, one.was, one.now] for vm, one in self.written.items()}
        about = {"system": self.system, "timeline": self.timeline, "transaction": self.transaction}
        return {**about, "written": written}


@dataclass(frozen=True)
class Row:
    node: str
    display: Optional[int]


def doubts(
    kept: Optional[Known], now: Known, replica: bool, rows: Mapping[str, Row], proven: Collection[str]
) -> List[Phrase]:
    """Why it may not be corrected; nothing where nothing was ever written to it. ``proven``: rows that are in step."""
    if replica:
        return [Phrase("uxen_replica")]
    if kept is None:
        return []
    if now.system != kept.system:
        return [Phrase("uxen_other_system", now.system, kept.system)]
    found = []
    if now.timeline != kept.timeline:
        found.append(Phrase("uxen_other_timeline", now.timeline, kept.timeline))
    if now.transaction <= kept.transaction:
        found.append(Phrase("uxen_older", now.transaction, kept.transaction))
    for vm, written in sorted(kept.written.items()):
        # the API may have good reasons to give it the old number again: then it is what the node has, too
        if rows.get(vm) == Row(written.node, written.was) and vm not in proven:
            was = "NULL" if written.was is None else written.was
            found.append(Phrase("uxen_row_back", vm, was, written.now))
    return found
