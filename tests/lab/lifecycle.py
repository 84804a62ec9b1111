# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of the lab: from nothing, from its snapshot, and down again."""

from __future__ import annotations

import fcntl
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

import network
import remote
from host import HERE, LabError, digest, require_host, run, run_directory, say, side_by_side
from image import ensure_image, image_directory, pack_initrd
from machine import VirtualMachine, accelerator
from topology import MACHINES, NODES, SAN

READY = "ready"
BOOT_TIMEOUT = 900
RESTORE_TIMEOUT = 120
POLL_SECONDS = 2
OVERLAYS = {
    "node": [HERE / "guest/common", HERE / "guest/node", HERE / "standin_uxen_api"],
    "san": [HERE / "guest/common", HERE / "guest/san"],
}
START_API = "su - orchard -c 'cd ~/uxen/scripts && ./uxen_was.sh start'"


class Lab:
    def __init__(self) -> None:
        self.directory = run_directory()
        self.image = image_directory()
        self.machines = {machine.name: VirtualMachine(machine, self.directory, self.image) for machine in MACHINES}
        self._made_from = self.directory / "made-from"
        self._active_faults = self.directory / "faults.json"
        # There while the lab runs and nothing is under way that would leave it in pieces.
        self._complete = self.directory / "complete"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One command at a time changes the lab."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    # Bringing up

    def up(self) -> None:
        require_host()
        if self.running():
            if self._complete.exists():
                made = ", ".join(f"{name} on {node}" for name, node in self.active_faults())
                say("the lab is up already" + (f", with faults: {made}" if made else ""))
                return
            say("ending what an interrupted run has left")
            self._end_machines()
        started = time.monotonic()
        ensure_image()
        self._prepare()
        definition = self._definition()
        if self._made_from.exists() and self._made_from.read_text() == definition and READY in self.snapshots():
            try:
                self.restore(READY)
            except LabError as error:
                say(f"the snapshot is of no use, building anew: {error}")
                self._end_machines()
                self._from_nothing(definition)
        else:
            self._from_nothing(definition)
        say(f"the lab is up after {time.monotonic() - started:.0f} s")

    def running(self) -> list[str]:
        return [name for name, machine in self.machines.items() if machine.pid()]

    def snapshots(self) -> list[str]:
        """The snapshots every machine has."""
        each = [set(machine.snapshots()) for machine in self.machines.values()]
        return sorted(set.intersection(*each))

    def _prepare(self) -> None:
        pack_initrd(self.image, self.directory / "initrd", OVERLAYS)
        remote.write_config(self.image)
        network.down()
        network.up()

    def _accelerator(self) -> str:
        return accelerator(self.image, self.directory / "initrd", self.directory / "accelerator")

    def _definition(self) -> str:
        """What the machines were made from; a snapshot is good for nothing else."""
        sources = [HERE / name for name in ("guest", "standin_uxen_api", "topology.py", "machine.py", "network.py")]
        return digest(self.image.name, self._accelerator(), run("qemu-system-x86_64", "--version"), *sources)

    def _from_nothing(self, definition: str) -> None:
        self._made_from.unlink(missing_ok=True)
        self._complete.unlink(missing_ok=True)
        self._forget_faults()
        accel = self._accelerator()
        say(f"making {', '.join(self.machines)} ({accel})")
        for machine in self.machines.values():
            machine.create_disks()
        side_by_side(lambda machine: machine.start(accel), self.machines.values())
        side_by_side(lambda node: self._await_ssh(node.name, BOOT_TIMEOUT), MACHINES)
        say("ssh answers on all")
        side_by_side(lambda node: remote.script(node.name, START_API), NODES)
        self.await_healthy(BOOT_TIMEOUT)
        say("healthy")
        self.snapshot(READY)
        self._made_from.write_text(definition)
        self._complete.touch()

    def _await_ssh(self, name: str, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not remote.answers(name):
            if not self.machines[name].pid():
                raise LabError(f"{name} has ended; see {self.machines[name].console}")
            if time.monotonic() > deadline:
                raise LabError(f"{name} does not answer ssh; see {self.machines[name].console}")
            time.sleep(POLL_SECONDS)

    # Health

    def ailments(self, name: str) -> list[str]:
        """What is not as the lab made it on this machine."""
        if not self.machines[name].pid():
            return ["does not run"]
        role = self.machines[name].machine.role
        try:
            said = remote.script(name, (HERE / f"health/{role}.sh").read_text(), timeout=60)
        except LabError as error:
            return [f"cannot be asked: {str(error).splitlines()[-1]}"]
        return said.splitlines()

    def await_healthy(self, timeout: float) -> None:
        """Wait until no machine has an ailment."""
        deadline = time.monotonic() + timeout

        def wait(name: str) -> None:
            while ailments := self.ailments(name):
                if time.monotonic() > deadline:
                    raise LabError(f"{name} is not healthy after {timeout:.0f} s: {'; '.join(ailments)}")
                time.sleep(POLL_SECONDS)

        side_by_side(wait, self.machines)

    # Snapshots

    def snapshot(self, name: str) -> None:
        """Hold all machines, save memory and disks of each, let all go on: one moment of the whole lab."""
        self.require_running()
        machines = self.machines.values()
        for machine in machines:
            machine.stop()
        try:
            side_by_side(lambda machine: machine.save(name), machines)
        finally:
            side_by_side(lambda machine: machine.resume(), machines)
        say(f"snapshot {name} saved")

    def restore(self, name: str) -> None:
        """Go back to a snapshot, in fresh processes: loading it into running ones makes the nodes fence each other."""
        if name not in self.snapshots():
            raise LabError(f"no snapshot {name}; there are: {', '.join(self.snapshots()) or 'none'}")
        started = time.monotonic()
        self._complete.unlink(missing_ok=True)
        self._end_machines()
        network.replug()
        accel = self._accelerator()
        machines = self.machines.values()
        side_by_side(lambda machine: machine.start(accel, name), machines)
        side_by_side(lambda machine: machine.resume(), machines)
        self._forget_faults()
        side_by_side(lambda machine: self._await_ssh(machine.name, RESTORE_TIMEOUT), MACHINES)
        self.set_clocks()
        self.await_healthy(RESTORE_TIMEOUT)
        self._complete.touch()
        say(f"snapshot {name} restored in {time.monotonic() - started:.1f} s")

    def set_clocks(self) -> None:
        """A restored machine goes on with the time it was saved at."""
        remote.script(SAN.name, f"date -s @{time.time():.3f}")
        side_by_side(
            lambda node: remote.script(node.name, f"date -s @{time.time():.3f}; systemctl restart chrony"), NODES
        )

    # Single machines

    def power_on(self, name: str) -> None:
        """Start a machine that has lost its power."""
        if not self.machines[name].pid():
            self.machines[name].start(self._accelerator())
        self.back_in_service(name)

    def back_in_service(self, name: str) -> None:
        """Wait for a boot to end and start the API, which nothing starts at boot."""
        remote.forget_connection(name)
        self._await_ssh(name, BOOT_TIMEOUT)
        remote.script(name, f"systemctl is-system-running --wait || true; {START_API}", timeout=BOOT_TIMEOUT)

    def await_other_boot(self, name: str, boot_id: str) -> None:
        deadline = time.monotonic() + BOOT_TIMEOUT
        while True:
            try:
                if remote.script(name, "cat /proc/sys/kernel/random/boot_id", timeout=30) != boot_id:
                    return
            except LabError:
                remote.forget_connection(name)
            if time.monotonic() > deadline:
                raise LabError(f"{name} does not boot; see {self.machines[name].console}")
            time.sleep(POLL_SECONDS)

    # Faults

    def active_faults(self) -> list[tuple[str, str]]:
        """The faults made and not repaired: (fault, node)."""
        if not self._active_faults.exists():
            return []
        return [tuple(entry) for entry in json.loads(self._active_faults.read_text())]

    def note_faults(self, faults: list[tuple[str, str]]) -> None:
        self._active_faults.write_text(json.dumps(faults))

    def _forget_faults(self) -> None:
        self._active_faults.unlink(missing_ok=True)

    # Ending

    def require_running(self, *names: str) -> None:
        missing = set(names or self.machines) - set(self.running())
        if missing:
            raise LabError(f"not running: {', '.join(sorted(missing))}")

    def _end_machines(self) -> None:
        remote.forget_connections()
        side_by_side(lambda machine: machine.end(), self.machines.values())

    def down(self, purge: bool = False) -> None:
        """End what up() started, see that it has ended, and remove the namespace. The snapshots stay."""
        self._complete.unlink(missing_ok=True)
        self._end_machines()
        if self.running():
            raise LabError(f"still running: {', '.join(self.running())}")
        network.down()
        self._forget_faults()
        if purge:
            shutil.rmtree(self.directory)
        say("the lab is down")
