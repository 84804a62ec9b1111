# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""May this VM be started, stopped, paused or moved now? From one proof of its whereabouts.

docs/rules.md: rule 10 gives a proof its age, rule 32 asks for quiet before a start, rule 33 leaves what may run twice
alone. What is missing is named.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase

MAX_AGE = 15.0
# a clock that was set back, or another machine's, has not this much of the future
AHEAD = 1.0
# uxen has an HA of its own, and people press buttons: so long nothing of the VM is seen before it is started
QUIET = 60.0


class State(str, enum.Enum):
    RUNNING = "running"
    STOPPED = "stopped"
    PAUSED = "paused"
    MIGRATED = "migrated"


class Act(str, enum.Enum):
    """What is to be done; the values are the kinds of node jobs."""

    NOTHING = ""
    START = "vm_start"
    STOP = "vm_stop"
    PAUSE = "vm_pause"
    UNPAUSE = "vm_unpause"
    MIGRATE = "vm_migrate"


@dataclass(frozen=True)
class Domain:
    """``rests``: paused, or why else it does not run. ``moving``: it is one end of a migration, by its name."""

    node: str
    id: int
    rests: str = ""
    moving: bool = False


@dataclass(frozen=True)
class Proof:
    """Of one VM. ``others``: what else has it, in words; ``gaps``: what is missing, in words.

    ``read_at``: its last readings are not older; ``off_since``: None unless it is off.
    """

    off: bool = False
    off_since: Optional[float] = None
    read_at: Optional[float] = None
    suspected: bool = False
    domains: Tuple[Domain, ...] = ()
    others: Tuple[str, ...] = ()
    silent: Tuple[str, ...] = ()
    gaps: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Wish:
    """``node``: the one that acts. ``held_off``: how the site's own HA is kept from the VM; else ``quiet`` counts."""

    state: State
    node: str
    target: str = ""
    max_age: float = MAX_AGE
    quiet: float = QUIET
    held_off: str = ""


@dataclass(frozen=True)
class Decision:
    """``act``, unless it is ``refused``: a code, and the sentence that names what is missing."""

    act: Act = Act.NOTHING
    refused: str = ""
    said: str = ""


def decide(proof: Proof, wish: Wish, now: float, jobs: Tuple[str, ...] = ()) -> Decision:
    """``jobs``: what the journal has open for the VM, in words."""
    if proof.read_at is None:
        return Decision(refused="no_proof", said=Phrase("vm_no_proof"))
    age = now - proof.read_at
    if not -AHEAD <= age <= wish.max_age:
        return Decision(
            refused="too_old",
            said=Phrase("vm_too_old", "%.0f" % age, "%.0f" % wish.max_age),
        )
    awake = [one for one in proof.domains if not one.rests]
    if proof.suspected or len(awake) > 1:
        return Decision(refused="twice", said=Phrase("vm_twice", _domains(proof)))
    decision = {
        State.RUNNING: _running,
        State.STOPPED: _stopped,
        State.PAUSED: _paused,
        State.MIGRATED: _migrated,
    }[wish.state](proof, wish, now)
    if jobs and decision.act is not Act.NOTHING:
        return Decision(refused="job_open", said=Phrase("vm_job_open", jobs))
    return decision


def _running(proof: Proof, wish: Wish, now: float) -> Decision:
    here, elsewhere = _split(proof, wish.node)
    if len(here) == 1 and not here[0].rests:
        return Decision()
    if elsewhere:
        return Decision(refused="elsewhere", said=Phrase("vm_elsewhere", _domains(proof)))
    if proof.off and not proof.domains:
        quiet = now - proof.off_since if proof.off_since is not None else 0.0
        if wish.held_off or quiet >= wish.quiet:
            return Decision(Act.START)
        return Decision(refused="not_quiet", said=Phrase("vm_not_quiet", "%.0f" % quiet, "%.0f" % wish.quiet))
    if len(here) == 1 and here[0].rests == "paused" and not here[0].moving:
        # its running copy could be where nobody looked
        unknown = _unknown(proof)
        return unknown if unknown.refused else Decision(Act.UNPAUSE)
    return _not_off(proof)


def _stopped(proof: Proof, wish: Wish, now: float) -> Decision:
    here, elsewhere = _split(proof, wish.node)
    if proof.off and not proof.domains:
        return Decision()
    if elsewhere:
        return Decision(refused="elsewhere", said=Phrase("vm_elsewhere", _domains(proof)))
    if len(here) == 1 and not here[0].moving:
        return Decision(Act.STOP)
    return _not_off(proof)


def _paused(proof: Proof, wish: Wish, now: float) -> Decision:
    here, elsewhere = _split(proof, wish.node)
    if elsewhere or len(here) != 1:
        return Decision(refused="not_here", said=Phrase("vm_one_here", _domains(proof)))
    if here[0].rests == "paused":
        return Decision()
    if here[0].rests or here[0].moving:
        return Decision(refused="not_running", said=_domains(proof)[0])
    return Decision(Act.PAUSE)


def _migrated(proof: Proof, wish: Wish, now: float) -> Decision:
    here, elsewhere = _split(proof, wish.node)
    if not here and [one.node for one in elsewhere if not one.rests] == [wish.target] and len(elsewhere) == 1:
        return Decision()
    if elsewhere or len(here) != 1 or here[0].rests or here[0].moving:
        return Decision(refused="not_here", said=Phrase("vm_runs_here", _domains(proof)))
    unknown = _unknown(proof)
    return unknown if unknown.refused else Decision(Act.MIGRATE)


def _split(proof: Proof, node: str) -> Tuple[List[Domain], List[Domain]]:
    return [one for one in proof.domains if one.node == node], [one for one in proof.domains if one.node != node]


def _unknown(proof: Proof) -> Decision:
    if not (proof.silent or proof.gaps):
        return Decision()
    return Decision(refused="not_known", said=Phrase("joined", [*_silent(proof), *proof.gaps]))


def _not_off(proof: Proof) -> Decision:
    found = [*([Phrase("vm_domains", _domains(proof))] if proof.domains else []), *proof.others]
    missing = [*_silent(proof), *proof.gaps]
    return Decision(refused="not_off", said=Phrase("vm_not_off", [*found, *missing] or [Phrase("vm_nothing_said")]))


def _silent(proof: Proof) -> List[str]:
    return [Phrase("vm_no_answer", name) for name in proof.silent]


def _domains(proof: Proof) -> Sequence[str]:
    runs = Phrase("vm_domain_runs")
    shown = [Phrase("vm_domain", one.node, one.id, one.rests or runs) for one in proof.domains]
    return shown or [Phrase("vm_no_domain")]
