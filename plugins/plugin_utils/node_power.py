# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's power as the controller itself can see it: what its fence devices say, and what else ends with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients import fence_agent
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.bmc import Bmc
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.bmc_power import BmcError, Session, State
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import LocalHost
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import fencing, node_death
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.node_death import Heartbeat, Witness
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase

ASKED_WITHIN = 15.0


class Powered:
    """What a BMC said, or why it said nothing."""

    def __init__(self, state: State | None, witness: Witness) -> None:
        self.state = state
        self.witness = witness

    @property
    def identity(self) -> str:
        return self.state.identity.lower() if self.state is not None else ""


def power(options: Mapping[str, Any], second: Mapping[str, Any] | None = None) -> Powered:
    """By its BMC, or where that does not tell, by its second fence device."""
    powered = _by_bmc(options)
    if powered.state is not None or not second:
        return powered
    other = _by_second(second)
    reading = powered.witness.reading if other.state is None else other.witness.reading
    return Powered(other.state, Witness(reading, (*powered.witness.evidence, *other.witness.evidence)))


def _by_second(options: Mapping[str, Any]) -> Powered:
    try:
        state = fence_agent.Session(fence_agent.Outlets(**options), ASKED_WITHIN).state()
    except (TypeError, ValueError) as error:
        return Powered(None, Witness(node_death.Bmc.MISSING, (f"second fence device: {error}",)))
    except BmcError as error:
        return Powered(None, Witness(node_death.Bmc.MISSING, (error.said,)))
    reading = node_death.Bmc.ON if state.power == "on" else node_death.Bmc.OFF
    said = Phrase("bmc_power", options["agent"], node_death.WORDS[state.power])
    return Powered(state, Witness(reading, (said,)))


def _by_bmc(options: Mapping[str, Any]) -> Powered:
    """Identity and power in one session: rule 8."""
    recorded = str(options.get("identity") or "")
    given = {name: value for name, value in options.items() if name != "identity"}
    try:
        bmc = Bmc(**given)
    except TypeError as error:
        return Powered(None, Witness(node_death.Bmc.MISSING, (f"bmc: {error}",)))
    try:
        with Session(bmc, ASKED_WITHIN) as session:
            state = session.state()
    except BmcError as error:
        reading = node_death.Bmc.SILENT if error.problem == "silent" else node_death.Bmc.MISSING
        return Powered(None, Witness(reading, (error.said,)))
    if not fencing.is_its_bmc(recorded.lower(), state.identity):
        said = Phrase("bmc_other", given["address"], state.identity, recorded or Phrase("bmc_not_recorded"))
        return Powered(None, Witness(node_death.Bmc.MISSING, (said,)))
    reading = node_death.Bmc.ON if state.power == "on" else node_death.Bmc.OFF
    return Powered(state, Witness(reading, (Phrase("bmc_power", given["address"], node_death.WORDS[state.power]),)))


def effect(argv: Sequence[Any]) -> tuple[bool | None, str]:
    """Whether it is there, by a command of ``ha_recovery_effects``; None where that does not tell. And its words."""
    answer = LocalHost().run([str(one) for one in argv], timeout=ASKED_WITHIN)
    if answer.ok and answer.rc in (0, 1):
        return answer.rc == 0, f"{answer.source}: rc {answer.rc}"
    return None, "; ".join(answer.quote()) if answer.stderr else f"{answer.source}: rc {answer.rc}"


def present(heartbeat: Heartbeat, state: State | None, effects: Mapping[str, Sequence[Any]]) -> list[str] | None:
    """What is there of what ends with the node's power; None where nobody could look at any of it."""
    found, looked = [], heartbeat is not Heartbeat.MISSING
    if heartbeat is Heartbeat.MOVING:
        found.append("its heartbeat")
    if state is not None and state.watts is not None:
        looked = True
        if state.watts:
            found.append("the power it draws")
    for name, argv in sorted(effects.items()):
        there, _said = effect(argv)
        looked = looked or there is not None
        if there:
            found.append(name)
    return found if looked else None
