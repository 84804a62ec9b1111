# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's power by its BMC: whose BMC it is, and what is asked of it, in one session of IPMI 2.0.

An address may be another node's by now: rules 8 and 23 of docs/rules.md. The BMC says who it is in the very session in
which it is then asked. A reset is never sent: off is read back first.
"""

from __future__ import annotations

import contextlib
import importlib
import time
import uuid
from dataclasses import dataclass
from typing import Any, Optional, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.bmc import Bmc, present
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase

# network functions and commands of the IPMI 2.0 specification
_CHASSIS, _GET_CHASSIS_STATUS, _CHASSIS_CONTROL, _SET_RESTORE_POLICY = 0x00, 0x01, 0x02, 0x06
_CONTROLS = {"off": 0, "on": 1}
_APPLICATION, _GET_SYSTEM_GUID = 0x06, 0x37
_DCMI, _GET_POWER_READING = 0x2C, 0x02
_STAY_OFF = 0
RESTORE_POLICIES = ("stays off", "as before", "on", "unknown")
LOOKED_EVERY = 1.0


class BmcError(Exception):
    """``problem``: not_installed, silent, refused, other_node, or failed; ``asked``: power was asked for before."""

    def __init__(self, problem: str, said: str, asked: bool = False) -> None:
        super().__init__(said)
        self.said = said
        self.problem = problem
        self.asked = asked


@dataclass(frozen=True)
class State:
    """``identity``: the system's GUID as a UUID; ``restore``: what it does when mains return; ``watts``: if known."""

    identity: str
    power: str
    restore: str
    watts: Optional[int] = None


@dataclass(frozen=True)
class Switched:
    """``stays_off``: mains that come back do not start it; None where that was not asked for."""

    before: State
    after: State
    stays_off: Optional[bool] = None


class Session:
    """One session with a BMC, until it is left. Raises BmcError; nothing here waits longer than ``timeout`` seconds."""

    def __init__(self, bmc: Bmc, timeout: float = 60.0) -> None:
        self._bmc = bmc
        self._ends = time.monotonic() + timeout
        try:
            command = importlib.import_module("pyghmi.ipmi.command")
            self._failure = importlib.import_module("pyghmi.exceptions").PyghmiException
        except ImportError as error:
            raise BmcError("not_installed", Phrase("bmc_no_pyghmi", error)) from error
        try:
            self._command: Any = command.Command(
                bmc=bmc.address, userid=bmc.username, password=bmc.password, port=bmc.port, keepalive=False
            )
        except (self._failure, OSError) as error:
            raise self._not_let_in(str(error)) from error

    def _not_let_in(self, said: str) -> BmcError:
        if present(self._bmc):
            return BmcError("refused", Phrase("bmc_no_session", self._bmc.address, said))
        return BmcError("silent", Phrase("bmc_silent", self._bmc.address))

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_error: object) -> None:
        with contextlib.suppress(self._failure, OSError):
            self._command.ipmi_session.logout()

    def state(self) -> State:
        guid = self._raw(_APPLICATION, _GET_SYSTEM_GUID)
        status = self._raw(_CHASSIS, _GET_CHASSIS_STATUS)
        if len(guid) != 16 or not status:
            raise BmcError("failed", Phrase("bmc_mute", self._bmc.address))
        # the specification has the last byte first
        identity = str(uuid.UUID(bytes=guid[::-1]))
        power = "on" if status[0] & 1 else "off"
        return State(identity, power, RESTORE_POLICIES[status[0] >> 5 & 3], self._watts())

    def switch(self, wanted: str, identity: str) -> Switched:
        """Ask for on or off, and read it back until it is so. ``identity`` is what was recorded of this node before.

        Off is asked for where it is off already, too: what was read may have been the answer of a BMC that lies.
        """
        before = self.state()
        if before.identity != str(uuid.UUID(identity)):
            said = Phrase("bmc_not_its", self._bmc.address, before.identity, identity)
            raise BmcError("other_node", said)
        stays_off = self._keep_off() if wanted == "off" else None
        self._raw(_CHASSIS, _CHASSIS_CONTROL, (_CONTROLS[wanted],), asked=True)
        while True:
            after = self.state()
            if after.power == wanted:
                return Switched(before, after, stays_off)
            if time.monotonic() + LOOKED_EVERY > self._ends:
                said = Phrase("bmc_unmoved", self._bmc.address, wanted, after.power)
                raise BmcError("failed", said, asked=True)
            time.sleep(LOOKED_EVERY)

    def _keep_off(self) -> bool:
        try:
            self._raw(_CHASSIS, _SET_RESTORE_POLICY, (_STAY_OFF,))
        except BmcError:
            # optional in the specification
            return False
        return True

    def _watts(self) -> Optional[int]:
        try:
            answer = self._raw(_DCMI, _GET_POWER_READING, (0xDC, 1, 0, 0))
        except BmcError:
            return None
        return int.from_bytes(answer[1:3], "little") if len(answer) >= 3 and answer[0] == 0xDC else None

    def _raw(self, function: int, command: int, data: Tuple[int, ...] = (), asked: bool = False) -> bytes:
        try:
            answer = self._command.xraw_command(netfn=function, command=command, data=data)
        except (self._failure, OSError) as error:
            if not asked and not present(self._bmc):
                raise BmcError("silent", Phrase("bmc_silent", self._bmc.address)) from error
            raise BmcError("failed", "%s: %s" % (self._bmc.address, error), asked) from error
        return bytes(answer["data"])
