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

from host import LabError, kill, pid_of, run
from network import Namespace
from shared_disk import DiskServer
from topology import Machine

# What was translated is thrown away when this is full: with 64 and 128 that is every few seconds, a sixth of the time.
TRANSLATION_BUFFER_MIB = 512
# Xen, its dom0 and guests share one.
DOM0_TRANSLATION_BUFFER_MIB = 1024
# Machines with deadlines of their own come before what else the host does; where that is not permitted, nice says so.
PRIORITY = "-5"
PROBE_TIMEOUT = 15
END_TIMEOUT = 10
JOB_TIMEOUT = 120


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

    def __init__(self, machine: Machine, directory: Path, image: Path, namespace: Namespace) -> None:
        self.machine = machine
        self.directory = directory
        self.image = image
        self.namespace = namespace
        self.disk_servers = {disk.name: DiskServer(disk.name, machine.name, directory) for disk in machine.shared}
        self.console = directory / f"{machine.name}.console"
        self._pid_file = directory / f"{machine.name}.pid"
        self._qmp = directory / f"{machine.name}.qmp"

    def pid(self) -> int | None:
        return pid_of(self._pid_file, self._pid_file)

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
        for server in self.disk_servers.values():
            server.start()
        command = self._command(accel)
        if snapshot is not None:
            command.append("-S")
        run(*self.namespace.inside("setsid", "nice", "-n", PRIORITY, *command), timeout=60)
        if snapshot is not None:
            self._job("snapshot-load", tag=snapshot, vmstate="root", devices=self._own_disks())

    def _command(self, accel: str) -> list[str]:
        machine = self.machine
        command = ["qemu-system-x86_64", "-nodefaults", "-display", "none", "-name", machine.name, "-smp", "1"]
        command += ["-m", str(machine.memory_mib), "-pidfile", str(self._pid_file), "-daemonize"]
        command += self._processor(accel)
        command += ["-rtc", "base=utc,clock=host"]
        command += ["-serial", f"file:{self.console}", "-qmp", f"unix:{self._qmp},server,nowait"]
        command += self._boot()
        command += ["-device", "virtio-rng-pci"]
        for name in self._own_disks():
            path = self._root() if name == "root" else self._disk(name)
            command += self._drive(name, f"driver=qcow2,file.driver=file,file.filename={path},cache.no-flush=on")
        for name, server in self.disk_servers.items():
            # A request to a server that has gone fails at once.
            options = f"driver=nbd,server.type=unix,server.path={server.socket},export={name},reconnect-delay=0"
            command += self._drive(name, options, ",share-rw=on")
        for index in range(len(machine.networks)):
            tap = machine.tap(f"eth{index}")
            command += ["-netdev", f"tap,id=eth{index},ifname={tap},script=no,downscript=no"]
            device = f"virtio-net-pci,netdev=eth{index},id=nic{index},mac={machine.mac(index)},romfile="
            command += ["-device", f"{device},speed=1000,duplex=full"]
        return command

    def _processor(self, accel: str) -> list[str]:
        if self.machine.dom0_mib:
            # Guests need nested paging to be migrated, which the emulated processor has; with another dom0 crashes.
            return ["-accel", f"tcg,thread=multi,tb-size={DOM0_TRANSLATION_BUFFER_MIB}", "-cpu", "qemu64,+npt"]
        if accel == "kvm":
            return ["-accel", "kvm", "-cpu", "host"]
        return ["-accel", f"tcg,thread=multi,tb-size={TRANSLATION_BUFFER_MIB}", "-cpu", "max"]

    def _boot(self) -> list[str]:
        machine = self.machine
        initrd = self.directory / "initrd"
        linux = "root=/dev/vda rw net.ifnames=0 quiet mitigations=off"
        linux += f" lab.name={machine.name} lab.number={machine.number} lab.role={machine.role}"
        if not machine.dom0_mib:
            return ["-kernel", str(self.image / "vmlinuz"), "-initrd", str(initrd), "-append", f"console=ttyS0 {linux}"]
        memory = f"dom0_mem={machine.dom0_mib}M,max:{machine.dom0_mib}M"
        return [
            *("-kernel", str(self.image / "xen"), "-append", f"{memory} console=com1 bootscrub=0"),
            *("-initrd", f"{self.image / 'vmlinux'} console=hvc0 {linux},{initrd}"),
        ]

    @staticmethod
    def _drive(name: str, options: str, device: str = "") -> list[str]:
        return [
            *("-blockdev", f"node-name={name},{options}"),
            *("-device", f"virtio-blk-pci,drive={name},id={name}-disk,serial={name}{device}"),
        ]

    def _own_disks(self) -> list[str]:
        return ["root", *(disk.name for disk in self.machine.disks)]

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
        """Memory and own disks; the shared ones are not this machine's alone."""
        if snapshot in self.snapshots():
            self._job("snapshot-delete", tag=snapshot, devices=self._own_disks())
        self._job("snapshot-save", tag=snapshot, vmstate="root", devices=self._own_disks())

    def _job(self, command: str, **arguments: Any) -> None:
        """Run a QMP command that makes a job, and see the job end well."""
        arguments["job-id"] = "lab"
        # QEMU hears nothing while it loads: from a disk that is slow or not cached that takes its time
        self.qmp(command, timeout=JOB_TIMEOUT, **arguments)
        deadline = time.monotonic() + JOB_TIMEOUT
        while True:
            (job,) = self.qmp("query-jobs", timeout=JOB_TIMEOUT)
            if job["status"] == "concluded":
                break
            if time.monotonic() > deadline:
                raise LabError(f"{self.machine.name}: {command} has not ended after {JOB_TIMEOUT} s")
            time.sleep(0.05)
        self.qmp("job-dismiss", id="lab")
        if "error" in job:
            raise LabError(f"{self.machine.name}: {command}: {job['error']}")

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
            try:
                stream.readline()
                _ask(stream, "qmp_capabilities", {})
                answer = _ask(stream, command, arguments)
            except TimeoutError as error:
                raise LabError(f"{self.machine.name}: {command}: QEMU gave no answer within {timeout:.0f} s") from error
        if "error" in answer:
            raise LabError(f"{self.machine.name}: {command}: {answer['error']['desc']}")
        return answer["return"]

    def kill(self) -> None:
        """The end of power: nothing is flushed, nobody is told."""
        kill(self._pid_file, self._pid_file)

    def freeze(self) -> None:
        """Stop QEMU itself: nothing of the machine moves, and nobody can ask QEMU either."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        pid = self.pid()
        if pid is None:
            raise LabError(f"{self.machine.name} does not run")
        os.kill(pid, number)

    def end(self) -> None:
        """Quit QEMU so that its disks are closed cleanly; the guest is not asked."""
        pid = self.pid()
        if pid is not None:
            # It cannot hear while it is frozen, and waits for the requests it has sent.
            self.thaw()
            for server in self.disk_servers.values():
                server.resume()
            try:
                self.qmp("quit")
            except (LabError, OSError):
                os.kill(pid, signal.SIGTERM)
            try:
                self._await_end(pid)
            except LabError:
                self.kill()
        for server in self.disk_servers.values():
            server.end()

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
