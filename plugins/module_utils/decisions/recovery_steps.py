# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a recovery is decided from, and what is decided: the zone as it is, what was done, what is to be done.

The machine itself is in recovery.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field
from typing import Any, Callable, ClassVar, Mapping, Optional, Sequence, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import (
    migration_outcome,
    node_death,
    quorum,
    vm_act,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.fencing import Limits, Question
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.wanted import Wanted


@dataclass(frozen=True)
class Policy:
    """The numbers of the rules. ``patience``: seconds after the last step that a proof is waited for.

    ``held_off``: how the site's own HA is kept away; without it ``quiet`` and ``watch`` count. ``tries``: of one step.
    ``booting``: seconds a node may take to boot. ``poll``: seconds between two looks at what is waited for.
    ``database_vm``: the VM of this zone that holds the uxen database.
    """

    limits: Limits = field(default_factory=Limits)
    max_age: float = vm_act.MAX_AGE
    quiet: float = vm_act.QUIET
    watch: float = 120.0
    held_off: str = ""
    patience: float = 600.0
    booting: float = 600.0
    poll: float = 5.0
    parallel: int = 4
    tries: int = 3
    database_vm: str = ""


# What is so


class JobState(str, enum.Enum):
    """Of a node job, as its node tells."""

    NEVER_STARTED = "never started"
    RUNNING = "running"
    FINISHED = "finished"
    LOST = "lost"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Job:
    """``acted``: it changed something, or may have; ``said``: why it did not succeed."""

    state: JobState
    acted: bool = False
    said: str = ""


@dataclass(frozen=True)
class Node:
    """A node of the zone as it was read. ``cut``: of one that is cut off, the two parts of its cluster.

    ``present``: what it shows of what ends with its power; None where nobody could look. ``recovering``: o2cb there.
    ``fit``: guests may be started there. ``jobs``: by name. ``gated``: nothing starts there by itself after a boot.
    """

    readings: node_death.Readings = field(default_factory=node_death.Readings)
    cut: Optional[quorum.Cut] = None
    present: Optional[Sequence[str]] = None
    recovering: Optional[bool] = False
    fit: bool = False
    epoch: int = 0
    gated: bool = True
    maintenance: bool = False
    rack: str = ""
    jobs: Mapping[str, Job] = field(default_factory=dict)

    @property
    def answers(self) -> bool:
        return self.readings.management in node_death.ANSWERS


@dataclass(frozen=True)
class OpenJob:
    """A job of somebody that the journal has open for a VM. ``target``: the other end of a migration."""

    name: str
    kind: str
    node: str
    target: str = ""


@dataclass(frozen=True)
class Vm:
    """``proof``: its whereabouts, by readings of this sight. ``row``: its node by the database, None if not read.

    ``copies``: its domain by node, for one that was being migrated. ``may_start``: a node without a boot gate that
    would start it by itself.
    """

    wanted: Wanted
    proof: vm_act.Proof
    row: Optional[str] = None
    jobs: Sequence[OpenJob] = ()
    copies: Mapping[str, migration_outcome.Copy] = field(default_factory=dict)
    may_start: str = ""


@dataclass(frozen=True)
class Hold:
    """The zone's locks. ``held_by``: another has them; else they are ours, with this epoch."""

    epoch: int = 0
    held_by: str = ""


@dataclass(frozen=True)
class Sight:
    """The zone, read after ``at``. ``quiet_since``: nobody else was seen to start or stop a VM of it since then.

    ``stop``: who asked the recovery to end, and why.
    """

    at: float
    hold: Optional[Hold]
    nodes: Mapping[str, Node]
    vms: Mapping[str, Vm]
    database: bool = True
    quiet_since: float = math.inf
    stop: str = ""


# What was done


class Phase(str, enum.Enum):
    STARTED = "started"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Past:
    """A record of the journal about a recovery of this zone; ``values``: the step's own, then those of its result."""

    at: float
    phase: Phase
    kind: str
    subject: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Attempt:
    """A step that was begun. ``ended`` is None while nobody journalled what came of it."""

    kind: str
    subject: str
    began: float
    values: Mapping[str, Any]
    ended: Optional[float] = None
    done: bool = False

    @property
    def last(self) -> float:
        return self.began if self.ended is None else self.ended


# What is to be done, and what becomes of a VM


class Way(str, enum.Enum):
    RUNS = "runs"
    NOT_STARTED = "not started"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Out:
    """``why``: where it runs, why it was not started, or which proof is missing. ``do``: what a person does next."""

    way: Way
    why: str
    do: str = ""


@dataclass(frozen=True)
class Step:
    """``not_after``: past it what the step rests on is too old, and it is not done."""

    kind: ClassVar[str] = ""
    subject: str
    why: str = ""
    not_after: float = math.inf


@dataclass(frozen=True)
class TakeHold(Step):
    """Take the zone's locks, in the store and in the uxen database, and a new epoch: rules 30 and 51."""

    kind = "hold"


@dataclass(frozen=True)
class Observe(Step):
    """Read everything again, not before ``until``. Not journalled."""

    kind = "observe"
    until: float = 0.0


@dataclass(frozen=True)
class Ask(Step):
    """A question about one named thing; its answer is journalled as a word, also that there was none."""

    kind = "word"
    question: Question = Question.FENCE
    plan: str = ""


@dataclass(frozen=True)
class Show(Step):
    """Show the plan, save it, have it approved.

    ``fences``: by node, why; ``starts``: by VM, where; ``left``: by VM, why not.
    """

    kind = "plan"
    fences: Mapping[str, str] = field(default_factory=dict)
    starts: Mapping[str, str] = field(default_factory=dict)
    left: Mapping[str, Out] = field(default_factory=dict)


@dataclass(frozen=True)
class Returned(Step):
    """A node that was off shows life: what was proven of it before counts no more. Journalled, nothing else."""

    kind = "returned"


@dataclass(frozen=True)
class Fence(Step):
    """Switch a node off: the BMC's identity matched in the same session, the command sent, power kept off.

    ``before``: what is present now of what ends with the power. The result says whether it was ``commanded``.
    """

    kind = "fence"
    before: Tuple[str, ...] = ()


@dataclass(frozen=True)
class PowerOn(Step):
    """Into the boot gate: its new boot id is the proof that it was off. Identity matched as for a fence."""

    kind = "power_on"


@dataclass(frozen=True)
class Announce(Step):
    """Every answering node stores the epoch, before the first start."""

    kind = "announce"
    nodes: Tuple[str, ...] = ()
    epoch: int = 0


@dataclass(frozen=True)
class CloseJob(Step):
    """Journal an open job of a node that is proven off as lost; its restore step is run on ``node``, with the lease."""

    kind = "close_job"
    job: str = ""
    node: str = ""


@dataclass(frozen=True)
class DestroyCopy(Step):
    """Of a VM whose migration ended with its source: the copy on ``node``, which was never unpaused."""

    kind = "destroy_copy"
    node: str = ""


@dataclass(frozen=True)
class Start(Step):
    """As a node job of this name, with the lease. Asked for again, the same job is found again."""

    kind = "start"
    node: str = ""
    job: str = ""


@dataclass(frozen=True)
class Revoke(Step):
    """Take back a job that did not begin: it never will."""

    kind = "revoke"
    node: str = ""
    job: str = ""


@dataclass(frozen=True)
class Write(Step):
    """Write into the database where the VM runs: the old node in the ``WHERE``."""

    kind = "write"
    node: str = ""
    was: str = ""


@dataclass(frozen=True)
class Close(Step):
    """Journal every way out, tell of it, and give the locks back. ``outs``: by VM."""

    kind = "close"
    outs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Placed:
    """Where a VM goes; without a ``node`` it fits nowhere, for this reason."""

    node: str = ""
    why: str = ""


# Where to: the VMs in the order they are to be started, and the nodes that may take them. All of them are answered.
Place = Callable[[Sequence[str], Sequence[str]], Mapping[str, Placed]]
