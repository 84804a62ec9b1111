# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One virtual machine: its QEMU process, its disks, its QMP socket."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import network
from host import LabError, run
from topology import Machine

TRANSLATION_BUFFER_MIB = 64
# Machines with deadlines of their own come before what else the host does; where that is not permitted, nice says so.
PRIORITY = "-5"
PROBE_TIMEOUT = 15
END_TIMEOUT = 10


def accelerator(image: Path, initrd: Path, known: Path) -> str:
    """The accelerator that boots a kernel here: /dev/kvm may exist and hang. Remembered until the host reboots."""
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    if known.exists():
        for_boot, name = known.read_text().split()
        if for_boot == boot_id:
            return name
    name = "kvm" if os.access("/dev/kvm", os.R_OK | os.W_OK) and _kvm_boots(image, initrd) else "tcg"
    known.write_text(f"{boot_id} {name}\n")
    return name


def _kvm_boots(image: Path, initrd: Path) -> bool:
    probe = subprocess.Popen(
        [
            *("qemu-system-x86_64", "-nodefaults", "-display", "none", "-accel", "kvm", "-cpu", "host", "-m", "256"),
            *("-no-reboot", "-serial", "stdio", "-kernel", str(image / "vmlinuz"), "-initrd", str(initrd)),
            *("-append", "console=ttyS0 panic=-1 quiet lab.probe"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        said = probe.communicate(timeout=PROBE_TIMEOUT)[0]
    except subprocess.TimeoutExpired:
        probe.kill()
        said = probe.communicate()[0]
    return b"lab-accelerator-works" in said


class VirtualMachine:
    """A machine of the topology, with what belongs to it in the run directory."""

    def __init__(self, machine: Machine, directory: Path, image: Path) -> None:
        self.machine = machine
        self.directory = directory
        self.image = image
        self.console = directory / f"{machine.name}.console"
        self._pid_file = directory / f"{machine.name}.pid"
        self._qmp = directory / f"{machine.name}.qmp"

    def pid(self) -> int | None:
        """The pid of our QEMU, if it runs: the one whose command line names our pid file."""
        try:
            pid = int(self._pid_file.read_text())
            command_line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None
        return pid if str(self._pid_file).encode() in command_line.split(b"\0") else None

    def resident_mib(self) -> int:
        status = Path(f"/proc/{self.pid()}/status").read_text()
        (resident,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(resident) // 1024

    def create_disks(self) -> None:
        root = self._root()
        root.unlink(missing_ok=True)
        run("qemu-img", "create", "-q", "-f", "qcow2", "-b", self.image / "root.raw", "-F", "raw", root)
        for disk in self.machine.disks:
            path = self._disk(disk.name)
            path.unlink(missing_ok=True)
            run("qemu-img", "create", "-q", "-f", "qcow2", path, disk.size)

    def start(self, accel: str, snapshot: str | None = None) -> None:
        """Start QEMU; from a snapshot it stays stopped until resume(), so that all machines go on together."""
        self._qmp.unlink(missing_ok=True)
        run(*network.inside("setsid", "nice", "-n", PRIORITY, *self._command(accel, snapshot)), timeout=60)

    def _command(self, accel: str, snapshot: str | None) -> list[str]:
        machine = self.machine
        fast = accel == "kvm"
        command = ["qemu-system-x86_64", "-nodefaults", "-display", "none", "-name", machine.name, "-smp", "1"]
        command += ["-m", str(machine.memory_mib), "-pidfile", str(self._pid_file), "-daemonize"]
        command += ["-accel", "kvm" if fast else f"tcg,thread=multi,tb-size={TRANSLATION_BUFFER_MIB}"]
        command += ["-cpu", "host" if fast else "max", "-rtc", "base=utc,clock=host"]
        command += ["-serial", f"file:{self.console}", "-qmp", f"unix:{self._qmp},server,nowait"]
        command += ["-kernel", str(self.image / "vmlinuz"), "-initrd", str(self.directory / "initrd")]
        identity = f"lab.name={machine.name} lab.number={machine.number} lab.role={machine.role}"
        command += ["-append", f"console=ttyS0 root=/dev/vda rw net.ifnames=0 quiet mitigations=off {identity}"]
        command += ["-device", "virtio-rng-pci"]
        command += self._drive("root", self._root())
        for disk in machine.disks:
            command += self._drive(disk.name, self._disk(disk.name))
        for index in range(len(machine.networks)):
            tap = machine.tap(f"eth{index}")
            command += ["-netdev", f"tap,id=eth{index},ifname={tap},script=no,downscript=no"]
            device = f"virtio-net-pci,netdev=eth{index},id=nic{index},mac={machine.mac(index)},romfile="
            command += ["-device", f"{device},speed=1000,duplex=full"]
        if snapshot is not None:
            command += ["-S", "-loadvm", snapshot]
        return command

    @staticmethod
    def _drive(name: str, path: Path) -> list[str]:
        return [
            *("-drive", f"file={path},if=none,id={name},cache=unsafe"),
            *("-device", f"virtio-blk-pci,drive={name},id={name}-disk,serial={name}"),
        ]

    def _root(self) -> Path:
        return self.directory / f"{self.machine.name}.qcow2"

    def _disk(self, name: str) -> Path:
        return self.directory / f"{self.machine.name}-{name}.qcow2"

    def stop(self) -> None:
        """Hold the virtual CPU."""
        self.qmp("stop")

    def resume(self) -> None:
        self.qmp("cont")

    def snapshots(self) -> list[str]:
        if not self._root().exists():
            return []
        about = json.loads(run("qemu-img", "info", "--force-share", "--output", "json", self._root()))
        return [snapshot["name"] for snapshot in about.get("snapshots", [])]

    def save(self, snapshot: str) -> None:
        self.monitor(f"savevm {snapshot}", timeout=120)

    def set_link(self, interface: str, up: bool) -> None:
        self.qmp("set_link", name=interface.replace("eth", "nic"), up=up)

    def monitor(self, command: str, timeout: float = 20) -> None:
        """A command of the human monitor; it has no error but what it says."""
        said = self.qmp("human-monitor-command", timeout=timeout, **{"command-line": command})
        if said:
            raise LabError(f"{self.machine.name}: {command}: {said.strip()}")

    def qmp(self, command: str, timeout: float = 20, **arguments: Any) -> Any:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout)
            try:
                connection.connect(str(self._qmp))
            except OSError as error:
                raise LabError(f"{self.machine.name} does not run") from error
            stream = connection.makefile("rw")
            stream.readline()
            _ask(stream, "qmp_capabilities", {})
            answer = _ask(stream, command, arguments)
        if "error" in answer:
            raise LabError(f"{self.machine.name}: {command}: {answer['error']['desc']}")
        return answer["return"]

    def kill(self) -> None:
        """The end of power: nothing is flushed, nobody is told."""
        pid = self.pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            self._await_end(pid)

    def end(self) -> None:
        """Quit QEMU so that its disks are closed cleanly; the guest is not asked."""
        pid = self.pid()
        if pid is None:
            return
        try:
            self.qmp("quit")
        except (LabError, OSError):
            os.kill(pid, signal.SIGTERM)
        try:
            self._await_end(pid)
        except LabError:
            self.kill()

    def _await_end(self, pid: int) -> None:
        deadline = time.monotonic() + END_TIMEOUT
        while self.pid() == pid:
            if time.monotonic() > deadline:
                raise LabError(f"QEMU of {self.machine.name} (pid {pid}) does not end")
            time.sleep(0.05)
        self._pid_file.unlink(missing_ok=True)


def _ask(stream: Any, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
    stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
    stream.flush()
    while True:
        line = stream.readline()
        if not line:
            return {"return": None}
        answer: dict[str, Any] = json.loads(line)
        if "return" in answer or "error" in answer:
            return answer
