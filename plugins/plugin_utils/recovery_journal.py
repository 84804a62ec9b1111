# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the journal has of the recoveries of a zone, as the decisions take it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import Phase, Record, Store
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import recovery_steps
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.node_return import RECOVERY

RECORDS = 20000
_PHASES = {
    Phase.STARTED: recovery_steps.Phase.STARTED,
    Phase.DONE: recovery_steps.Phase.DONE,
    Phase.FAILED: recovery_steps.Phase.FAILED,
}


def recoveries(store: Store, zone: str) -> list[Record]:
    return store.records(job=RECOVERY, zone=zone, limit=RECORDS)


def past(records: Iterable[Record]) -> list[recovery_steps.Past]:
    """Their own notes are left out."""
    found = []
    for one in records:
        phase, about = _PHASES.get(one.entry.phase), one.entry.evidence
        if phase is not None and one.entry.step and "kind" in about:
            values = {name: value for name, value in about.items() if name not in ("kind", "subject")}
            found.append(recovery_steps.Past(moment(one.at), phase, str(about["kind"]), str(about["subject"]), values))
    return found


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
