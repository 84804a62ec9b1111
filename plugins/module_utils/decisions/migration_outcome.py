# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which copy of a migrated VM is kept, and what brings it back: rule 34 of docs/rules.md.

It ends with one copy. The target is kept if it was ever unpaused; else it is destroyed, proven gone, and the source
resumed. Whatever the migration itself said does not count: its last words may be lost, or wrong.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Optional, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase


@dataclass(frozen=True)
class Copy:
    """The VM's domain at one end. ``shutdown_reason``: suspend for a source that has been sent; None while it is up."""

    paused: bool
    cpu_ns: int
    shutdown_reason: Optional[str] = None
    dying: bool = False

    @property
    def ever_unpaused(self) -> bool:
        return not self.paused or self.cpu_ns > 0

    @property
    def suspended(self) -> bool:
        return self.shutdown_reason == "suspend"


@dataclass(frozen=True)
class End:
    """One node: it answered that it has this copy of the VM, or none. A silent node is no End but None."""

    copy: Optional[Copy] = None


class Verdict(str, enum.Enum):
    TARGET = "target"  # it runs on the target
    SOURCE = "source"  # it stays on the source
    UNTOUCHED = "untouched"  # nothing is decided; ``why`` says what for
    TWICE = "twice"  # both copies may run: rule 33
    NOWHERE = "nowhere"  # both ends answered, and neither has it


class Step(str, enum.Enum):
    """What is done next, in this order; each is proven before the next."""

    DESTROY_TARGET = "destroy the target"
    PROVE_TARGET_GONE = "prove the target gone"
    RESUME_SOURCE = "resume the source"
    DESTROY_SOURCE = "destroy the source"


@dataclass(frozen=True)
class Outcome:
    verdict: Verdict
    steps: Tuple[Step, ...] = ()
    why: str = ""


def outcome(source: Optional[End], target: Optional[End]) -> Outcome:
    """What is to be done after a migration, from readings of both ends; None is an end that did not answer."""
    if source is None or target is None:
        silent = [name for name, end in (("source", source), ("target", target)) if end is None]
        return Outcome(Verdict.UNTOUCHED, why=Phrase("copies_silent", silent))
    if any(end.copy and end.copy.dying for end in (source, target)):
        return Outcome(Verdict.UNTOUCHED, why=Phrase("copies_dying"))
    if target.copy is None:
        return _without_target(source.copy)
    if target.copy.ever_unpaused:
        return _kept(source.copy, target.copy)
    if source.copy is None:
        return Outcome(Verdict.UNTOUCHED, why=Phrase("copies_never_unpaused"))
    gone = (Step.DESTROY_TARGET, Step.PROVE_TARGET_GONE)
    back = _without_target(source.copy)
    return Outcome(back.verdict, gone + back.steps, back.why) if back.verdict is Verdict.SOURCE else back


def _without_target(source: Optional[Copy]) -> Outcome:
    if source is None:
        return Outcome(Verdict.NOWHERE)
    if source.suspended:
        return Outcome(Verdict.SOURCE, (Step.RESUME_SOURCE,))
    if source.shutdown_reason:
        return Outcome(Verdict.UNTOUCHED, why=Phrase("copies_source_ended", source.shutdown_reason))
    return Outcome(Verdict.SOURCE)


def _kept(source: Optional[Copy], target: Copy) -> Outcome:
    if target.shutdown_reason:
        return Outcome(Verdict.UNTOUCHED, why=Phrase("copies_target_ended", target.shutdown_reason))
    if source is None:
        return Outcome(Verdict.TARGET)
    if source.shutdown_reason:
        return Outcome(Verdict.TARGET, (Step.DESTROY_SOURCE,))
    return Outcome(Verdict.TWICE, why=Phrase("copies_not_suspended"))
