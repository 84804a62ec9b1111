# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's BMC: OpenIPMI's simulator speaks IPMI 2.0 over LAN, and its chassis is the node's virtual machine."""

from __future__ import annotations

import os
import signal
import sys
import time
import uuid
from pathlib import Path

from guests import NODE_UUIDS
from host import HERE, LabError, detach, kill, pid_of, run
from image import image_directory
from network import Namespace
from service import Service, remove
from topology import BMC_ADDRESSES, Machine

USER = "admin"
PASSWORD = "labpass"
CIPHER = "3"
START_SECONDS = 10
_AUTHENTICATION = "".join(
    f"    allowed_auths_{level} none md2 md5 straight\n" for level in ("callback", "user", "operator", "admin")
)
_LAN = """\
name "{node}"
set_working_mc 0x20
  startlan 1
    addr {address} 623
    priv_limit admin
{authentication}    guid {guid}
  endlan
  chassis_control "{chassis}"
  user 1 true "" "" user 10 none md2 md5 straight
  user 2 true "{user}" "{password}" admin 10 none md2 md5 straight
"""
_COMMANDS = """\
mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_enable 0x20
"""


class Bmc(Service):
    def __init__(self, node: Machine, namespace: Namespace, directory: Path) -> None:
        super().__init__()
        self._node = node.name
        self._namespace = namespace
        self._directory = directory
        self._own = directory / f"{node.name}.bmc"
        self._pid_file = directory / f"{node.name}.bmc.pid"
        self._lies = directory / f"{node.name}.bmc.lies"
        self.address = BMC_ADDRESSES[node.number - 1]
        self.guid = NODE_UUIDS[node.name]

    def start(self) -> None:
        remove(self._own)
        self.be_honest()
        self._own.mkdir()
        chassis = [sys.executable, HERE / "chassis.py", self._directory, image_directory(), self._node]
        (self._own / "lan.conf").write_text(
            _LAN.format(
                node=self._node,
                address=self.address,
                authentication=_AUTHENTICATION,
                # A GUID goes over the wire with its last byte first.
                guid=uuid.UUID(self.guid).bytes[::-1].hex(),
                chassis=" ".join(str(word) for word in chassis),
                user=USER,
                password=PASSWORD,
            )
        )
        (self._own / "commands").write_text(_COMMANDS)
        files: list[str | Path] = ["-c", self._own / "lan.conf", "-f", self._own / "commands", "-s", self._own]
        detach(self._pid_file, self._own / "output", *self._namespace.inside("ipmi_sim", "-n", *files))
        self._await_answer()

    def _await_answer(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.ask("chassis", "power", "status")
                return
            except LabError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def ask(self, *command: str) -> str:
        """What ipmitool prints; the lab's own look at it."""
        session = ["-I", "lanplus", "-C", CIPHER, "-H", self.address, "-U", USER, "-P", PASSWORD, "-N", "1", "-R", "2"]
        return run(*self._namespace.inside("ipmitool", *session, *command))

    def powered(self) -> bool:
        return self.ask("chassis", "power", "status").strip().endswith("on")

    def fence(self, action: str, timeout: float = 60) -> str:
        """Run fence_ipmilan from within the lab, as an operator of the zone would."""
        address = ["--lanplus", "--ip", self.address, "--username", USER, "--password", PASSWORD, "--cipher", CIPHER]
        return run(*self._namespace.inside("fence_ipmilan", *address, "--action", action), timeout=timeout)

    def freeze(self) -> None:
        """It takes requests and answers none."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def lie(self) -> None:
        """It takes each command, says that it is done, and does nothing."""
        self._lies.write_text("1")

    def be_honest(self) -> None:
        remove(self._lies)

    def _signal(self, number: signal.Signals) -> None:
        pid = pid_of(self._pid_file, self._own)
        if pid is None:
            raise LabError(f"the BMC of {self._node} does not run")
        os.kill(pid, number)

    def end(self) -> None:
        kill(self._pid_file, self._own)
