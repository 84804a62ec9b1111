# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A BMC that is real but for its machine: OpenIPMI's ipmi_sim, whose serial port this test writes to."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients import bmc
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import LocalHost

BOOTED = b"[    0.000000] Linux version 4.9.0-xen\r\n"
HUNG = b"[86399.123456] INFO: task xl:4242 blocked for more than 120 seconds.\r\n"
CONFIGURATION = """
name "simulated"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 {port}
    priv_limit admin
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
  endlan
  {console}
  user 1 true "" "" user 10 none md2 md5 straight
  user 2 true "operator" "secret" admin 10 none md2 md5 straight
"""
COMMANDS = """
mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_enable 0x20
"""


class SerialPort:
    """The node's end: it has booted, and goes on to say that it hangs."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.typed = b""
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def _serve(self) -> None:
        connection, _from = self._server.accept()
        with connection:
            self._threads.append(threading.Thread(target=self._listen, args=(connection,), daemon=True))
            self._threads[1].start()
            connection.sendall(BOOTED)
            while not self._ended.wait(0.5):
                connection.sendall(HUNG)

    def _listen(self, connection: socket.socket) -> None:
        while typed := connection.recv(100):
            self.typed += typed

    def close(self) -> None:
        self._ended.set()
        self._threads[0].join(10)
        self._server.close()


class Simulator:
    def __init__(self, directory: Path, console: str = "") -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        (directory / "lan.conf").write_text(CONFIGURATION.format(port=port, console=console))
        (directory / "commands").write_text(COMMANDS)
        (directory / "state").mkdir()
        argv = ["ipmi_sim", "-c", "lan.conf", "-f", "commands", "-s", "state", "-n"]
        self._process = subprocess.Popen(argv, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.bmc = bmc.Bmc("127.0.0.1", "operator", "secret", port, cipher=3)
        ends = time.monotonic() + 20
        while not bmc.present(self.bmc, 0.5) and time.monotonic() < ends:
            assert self._process.poll() is None, "ipmi_sim has ended"

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(20)


@pytest.fixture
def port() -> Iterator[SerialPort]:
    made = SerialPort()
    yield made
    made.close()


@pytest.fixture
def simulator(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """``request.param``: how the BMC treats the console, with the place of its serial port filled in."""
    console = request.param and request.param % request.getfixturevalue("port").port
    made = Simulator(tmp_path, console)
    yield made
    made.close()


KEPT = 'sol "tcp:127.0.0.1:%d" 115200 history=4000'
LIVE = 'sol "tcp:127.0.0.1:%d" 115200'


@pytest.mark.parametrize("simulator", [KEPT], indirect=True)
def test_what_the_bmc_kept_of_the_console_is_taken_and_nothing_is_typed(simulator: Simulator, port: SerialPort) -> None:
    text = bmc.console(LocalHost(), simulator.bmc, 2.0)
    assert text.startswith("# serial over LAN, what the BMC kept:\n[    0.000000] Linux version 4.9.0-xen\n")
    assert "task xl:4242 blocked" in text
    assert port.typed == b""


@pytest.mark.parametrize("simulator", [LIVE], indirect=True)
def test_without_that_the_console_is_listened_to(simulator: Simulator, port: SerialPort) -> None:
    text = bmc.console(LocalHost(), simulator.bmc, 2.0)
    assert text.startswith("# serial over LAN, what was printed while it was listened to:\n")
    assert "task xl:4242 blocked" in text and "Linux version" not in text
    assert port.typed == b""


@pytest.mark.parametrize("simulator", [""], indirect=True)
def test_a_bmc_without_a_console_says_why_it_was_not_taken(simulator: Simulator) -> None:
    text = bmc.console(LocalHost(), simulator.bmc, 1.0)
    assert text.startswith("# not taken, because ") and text.endswith(": photograph what stands on the console\n")
    assert "SOL" in text
    assert "secret" not in text
