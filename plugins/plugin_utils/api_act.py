# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request to the uxen API that changes a VM, under the VM's lease, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import Phase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.uxen_api import Outcome

# after the API said that it was done
SEEN_WITHIN = 60.0


@dataclass(frozen=True)
class Done:
    """``phase``: of the journal's record that ends it; None leaves it open, because nobody knows what became of it."""

    phase: Phase | None
    evidence: Mapping[str, Any]
    code: str = ""
    said: str = ""
    domain: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Node:
    """The node whose API is asked.

    ``hold`` has the VM's lease until ``give_back``, for so many seconds at most; else a code and why not. ``seen`` says
    within so many seconds whether the node came to show what was asked for, and its domain.
    """

    name: str
    hold: Callable[[float], tuple[str, str] | None]
    give_back: Callable[[], None]
    seen: Callable[[float], tuple[bool, Mapping[str, Any] | None]]


def ask(node: Node, asked: str, send: Callable[[], Outcome], bound: float) -> Done:
    """``asked``: the request in words; ``bound``: seconds after which an unanswered one has ended, whatever it did.

    Where that is not known the lease is kept until the bound is over.
    """
    refused = node.hold(bound + SEEN_WITHIN)
    if refused is not None:
        code, said = refused
        return Done(Phase.CLOSED, {"reason": said}, code, f"The API was not asked: {said}")
    outcome = send()
    if outcome.state == "refused":
        node.give_back()
        said = f"The API refused {asked}: {outcome.said}"
        return Done(Phase.CLOSED, {"reason": outcome.said}, "api_refused", said)
    within = SEEN_WITHIN if outcome.state == "done" else bound
    came, domain = node.seen(within)
    evidence = {"found": domain, "said": outcome.said}
    if came or outcome.state == "done":
        node.give_back()
    if came:
        return Done(Phase.DONE, evidence, domain=domain)
    if outcome.state == "done":
        said = f"The API says that {asked} is done, and {node.name} does not show it after {within:g} s: look for it."
        return Done(Phase.DONE, evidence, "not_seen", said, domain)
    said = f"Whether {asked} was done is not known ({outcome.said}). It is not asked again, and stays open."
    return Done(None, {}, "unknown", said, domain)
