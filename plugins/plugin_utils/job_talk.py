# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Talking to a node about its jobs over a connection that may break at any word.

Everything that is asked may arrive twice: the same order is found again, and the rest is reading. So a lost answer is
followed by the same question, to the same node alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.refusal import said_by
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.node_job import State

Answer = dict[str, Any]


class NoAnswer(Exception):
    """The connection was lost, before or after the node did what it was asked."""


@dataclass
class Talk:
    """``ask`` takes what one trip carries and raises NoAnswer; ``tell`` shows a line to the person; times in seconds.

    ``patience``: how long a node that gives no answer is asked again. ``lost``: answers that were.
    """

    ask: Callable[[Answer], Answer]
    tell: Callable[[str], None]
    patience: float
    poll: float
    lost: int = 0

    def persist(self, params: Answer) -> Answer:
        ends = time.monotonic() + self.patience
        while True:
            try:
                return self.ask(params)
            except NoAnswer as error:
                self.lost += 1
                if time.monotonic() >= ends:
                    raise
                self.tell(f"no answer, asking again: {error}")
                time.sleep(self.poll)

    def follow(self, job: Answer, within: float) -> Answer:
        """The job as it ended, or as it is when the time is over; each new step is told."""
        ends = time.monotonic() + within
        told = None
        while job["state"] in (State.RUNNING, State.UNKNOWN):
            if (line := step(job)) != told:
                self.tell(line)
                told = line
            if time.monotonic() >= ends:
                break
            time.sleep(self.poll)
            answer = self.persist({"do": "read", "name": job["name"]})
            if not answer.get("failed"):
                (job,) = answer["jobs"]
        return job


def step(job: Answer) -> str:
    """How far it is, in a line."""
    progress = job["progress"]
    if not progress:
        return f"{job['name']}: {job['state']}"
    values = ", ".join(f"{name} {value}" for name, value in progress["values"].items())
    return f"{job['name']}: {progress['step']}" + (f" ({values})" if values else "")


def shortcoming(job: Answer) -> str:
    """Why this is no success; empty for one that is."""
    if job["state"] == State.FINISHED and job["rc"] == 0:
        return ""
    why = said_by(job["refusal"]) if job["refusal"] else job["why"] or step(job)
    if job["acted"] and job["state"] != State.RUNNING:
        return Phrase("job_is_and_acted", job["name"], job["state"], why)
    return Phrase("job_is", job["name"], job["state"], why)
