# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a VM wanted to run? Rule 5 of docs/rules.md. Its owner may have stopped it: without knowing, it is not started."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Optional

from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase

MAX_AGE = 24 * 3600.0


class Want(str, enum.Enum):
    RUNS = "runs"
    STAYS_OFF = "stays off"
    ASK = "a person is asked"
    NOT_KNOWN = "not known"
    DISPUTED = "disputed"


@dataclass(frozen=True)
class Kept:
    """What the last verified snapshot has of a VM. ``at``: when it was taken."""

    at: float
    ran: bool
    disputed: str = ""


@dataclass(frozen=True)
class Wanted:
    want: Want
    why: str


def wanted(
    column: Optional[bool], kept: Optional[Kept], now: float, asked: Optional[str] = None, max_age: float = MAX_AGE
) -> Wanted:
    """``column``: what the column says that the site maps; None where it maps none, or it could not be read.

    ``asked``: who said, for the list shown, that an old snapshot still holds.
    """
    if kept is not None and kept.disputed and column is not False:
        return Wanted(Want.DISPUTED, kept.disputed)
    if column is not None:
        return Wanted(Want.RUNS if column else Want.STAYS_OFF, Phrase("wanted_column"))
    if kept is None:
        return Wanted(Want.NOT_KNOWN, Phrase("wanted_not_known"))
    state = Want.RUNS if kept.ran else Want.STAYS_OFF
    age = now - kept.at
    hours = "%.0f" % (age / 3600)
    if age <= max_age:
        return Wanted(state, Phrase("wanted_kept", hours))
    if asked:
        return Wanted(state, Phrase("wanted_said", hours, asked))
    return Wanted(Want.ASK if kept.ran else Want.STAYS_OFF, Phrase("wanted_old", hours))
