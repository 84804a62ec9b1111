# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's second fence device, such as a switched PDU, by the agent that the package fence-agents has for it.

Which outlets are the node's is recorded beforehand, with the names that the device itself has for them; they are read
again before each command, because whoever moves a plug renames it: rule 8 of docs/rules.md. Options go to the agent's
standard input, never to a command line that others could list.
"""

from __future__ import annotations

import re
import subprocess
import time
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.bmc_power import BmcError, State, Switched
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase

_AGENT = re.compile(r"fence_[a-z0-9_]+\Z")
# what an agent's status ends with
_POWER = {0: "on", 2: "off"}
LOOKED_EVERY = 1.0


@dataclass(frozen=True)
class Outlets:
    """``agent``: its program; ``options``: the agent's own; ``plugs``: each outlet of the node, and its name there."""

    agent: str
    plugs: Mapping[str, str]
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not _AGENT.match(self.agent):
            raise ValueError("agent: a program of fence-agents is wanted, such as fence_apc_snmp, not %r" % self.agent)
        if not self.plugs or not all(self.plugs.values()):
            raise ValueError("plugs: each outlet of the node is wanted, with the name that the device has for it")


class Session:
    """Like one with a BMC: identity first. Raises BmcError; nothing here waits longer than ``timeout`` seconds."""

    def __init__(self, outlets: Outlets, timeout: float = 60.0) -> None:
        self._outlets = outlets
        self._ends = time.monotonic() + timeout
        listed = self._run("list")
        if listed.returncode:
            raise BmcError("refused", self._said(listed))
        names = parse_list(listed.stdout)
        for plug, recorded in outlets.plugs.items():
            if names.get(plug) != recorded:
                said = Phrase("outlet_other", outlets.agent, plug, names.get(plug) or "-", recorded)
                raise BmcError("other_node", said)

    def state(self) -> State:
        """On while any of them is."""
        found = set()
        for plug in self._outlets.plugs:
            done = self._run("status", plug)
            if done.returncode not in _POWER:
                raise BmcError("failed", self._said(done))
            found.add(_POWER[done.returncode])
        return State(", ".join(self._outlets.plugs.values()), "on" if "on" in found else "off", "unknown")

    def switch(self, wanted: str) -> Switched:
        """Ask for on or off, off where it is off already, too, and read it back until it is so."""
        before = self.state()
        for plug in self._outlets.plugs:
            done = self._run(wanted, plug, asked=True)
            if done.returncode:
                raise BmcError("failed", self._said(done), asked=True)
        while True:
            after = self.state()
            if after.power == wanted:
                return Switched(before, after)
            if time.monotonic() + LOOKED_EVERY > self._ends:
                said = Phrase("bmc_unmoved", self._outlets.agent, wanted, after.power)
                raise BmcError("failed", said, asked=True)
            time.sleep(LOOKED_EVERY)

    def _run(self, action: str, plug: Optional[str] = None, asked: bool = False) -> subprocess.CompletedProcess[str]:
        given = {**self._outlets.options, "action": action}
        if plug is not None:
            given["plug"] = plug
        text = "".join("%s=%s\n" % item for item in given.items())
        try:
            return subprocess.run(
                [self._outlets.agent],
                input=text,
                capture_output=True,
                timeout=max(self._ends - time.monotonic(), 0.1),
                encoding="utf-8",
                errors="replace",
                check=False,
            )
        except FileNotFoundError:
            raise BmcError("not_installed", Phrase("not_installed", self._outlets.agent)) from None
        except subprocess.TimeoutExpired:
            raise BmcError("silent", Phrase("bmc_silent", self._outlets.agent), asked) from None

    def _said(self, done: subprocess.CompletedProcess[str]) -> str:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        return "%s: %s" % (self._outlets.agent, lines[0].strip() if lines else "rc %d" % done.returncode)


def parse_list(text: str) -> Dict[str, str]:
    """Outlet to name, as an agent's action list prints them: ``17,n1``."""
    found = {}
    for line in text.splitlines():
        plug, comma, name = line.partition(",")
        if comma and plug.strip():
            found[plug.strip()] = name.strip()
    return found
