# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A BMC that is real but for its machine: OpenIPMI's ipmi_sim, whose chassis is a file of the test."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from pathlib import Path

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients import bmc

IDENTITY = "efcdab89-6745-23a1-efcd-ab89674523a1"
CONFIGURATION = """
name "simulated"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 {port}
    priv_limit admin
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
  endlan
  chassis_control "{chassis}"
  user 1 true "" "" user 10 none md2 md5 straight
  user 2 true "operator" "secret" admin 10 none md2 md5 straight
"""
COMMANDS = """
mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_enable 0x20
"""
CHASSIS = """#!/bin/sh
# get|set power [0|1]
cd "{directory}" || exit
if [ "$1" = get ]; then echo "power:$(cat power)"; exit; fi
echo "$2 $3" >> asked
[ -e lies ] || echo "$3" > power
"""


class Machine:
    """``asked``: the power commands that reached the chassis."""

    def __init__(self, directory: Path) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._directory = directory
        chassis = directory / "chassis"
        chassis.write_text(CHASSIS.format(directory=directory))
        chassis.chmod(0o755)
        (directory / "power").write_text("1\n")
        (directory / "lan.conf").write_text(CONFIGURATION.format(port=port, chassis=chassis))
        (directory / "commands").write_text(COMMANDS)
        (directory / "state").mkdir()
        argv = ["ipmi_sim", "-c", "lan.conf", "-f", "commands", "-s", "state", "-n"]
        self.process = subprocess.Popen(argv, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.bmc = bmc.Bmc("127.0.0.1", "operator", "secret", port, cipher=3)
        ends = time.monotonic() + 20
        while not bmc.present(self.bmc, 0.5) and time.monotonic() < ends:
            assert self.process.poll() is None, "ipmi_sim has ended"

    @property
    def asked(self) -> list[str]:
        path = self._directory / "asked"
        return path.read_text().splitlines() if path.exists() else []

    def lie(self) -> None:
        (self._directory / "lies").touch()

    def off(self) -> None:
        (self._directory / "power").write_text("0\n")

    def on(self) -> None:
        (self._directory / "power").write_text("1\n")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        self.process.wait(20)
