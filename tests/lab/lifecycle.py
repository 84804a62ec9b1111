# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a lab: from nothing, from its snapshot, and down again."""

from __future__ import annotations

import fcntl
import json
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

import remote
from host import HERE, LabError, digest, require_host, run, run_directory, say, side_by_side
from image import ensure_image, image_directory, pack_initrd
from machine import VirtualMachine, accelerator
from network import Namespace
from service import Service
from shared_disk import SharedDisk
from topology import LABS, Topology

if TYPE_CHECKING:
    from fault import Fault

READY = "ready"
BOOT_TIMEOUT = 900
RESTORE_TIMEOUT = 120
POLL_SECONDS = 2
START_API = "su - orchard -c 'cd ~/uxen/scripts && ./uxen_was.sh start'"


class Lab:
    """What every lab has; each one's own is in a subclass."""

    topology: ClassVar[Topology]
    faults: ClassVar[Mapping[str, Fault]]
    # Its nodes as Ansible knows them, below inventories/
    inventory: ClassVar[str]

    def __init__(self) -> None:
        self.directory = run_directory(self.topology.name)
        self.image = image_directory()
        self.namespace = Namespace(self.topology)
        self.machines = {
            machine.name: VirtualMachine(machine, self.directory, self.image, self.namespace)
            for machine in self.topology.machines
        }
        self.services: list[Service] = [SharedDisk(disk, self.directory) for disk in self.topology.shared]
        self._made_from = self.directory / "made-from"
        self._active_faults = self.directory / "faults.json"
        # There while the lab runs and nothing is under way that would leave it in pieces.
        self._complete = self.directory / "complete"

    # What differs between labs

    def _sources(self) -> list[str]:
        """The files of this directory that a machine's state comes from, beyond overlays, topology and machine.py."""
        return []

    def _bring_into_service(self) -> None:
        """All machines have booted for the first time: do what nothing does at boot."""
        raise NotImplementedError

    def back_in_service(self, name: str) -> None:
        """A node has booted again, or will: wait for it, and do what the operator does then."""
        raise NotImplementedError

    def set_clocks(self) -> None:
        """A restored machine goes on with the time it was saved at."""
        raise NotImplementedError

    def guests(self) -> dict[str, str]:
        """Guests that can be logged in to, and their addresses."""
        return {}

    def hold_guests(self) -> None:
        """Nested machines, which a snapshot cannot have running."""

    def release_guests(self) -> None:
        """They go on: behind a snapshot and behind a restore."""

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
        self._require_no_other()
        if self.running():
            if self._complete.exists():
                made = ", ".join(f"{name} on {node}" for name, node in self.active_faults())
                say("the lab is up already" + (f", with faults: {made}" if made else ""))
                return
            say("ending what an interrupted run has left")
        self._end()
        started = time.monotonic()
        ensure_image()
        self._prepare()
        definition = self._definition()
        if self._made_from.exists() and self._made_from.read_text() == definition and READY in self.snapshots():
            try:
                self.restore(READY)
            except LabError as error:
                say(f"the snapshot is of no use, building anew: {error}")
                self._end()
                self._from_nothing(definition)
        else:
            self._from_nothing(definition)
        say(f"the lab is up after {time.monotonic() - started:.0f} s")

    def running(self) -> list[str]:
        return [name for name, machine in self.machines.items() if machine.pid()]

    def _require_no_other(self) -> None:
        """The host has room for one lab."""
        for other in LABS:
            directory, namespace = run_directory(other.name), Namespace(other)
            machines = [VirtualMachine(machine, directory, self.image, namespace) for machine in other.machines]
            if other is not self.topology and any(machine.pid() for machine in machines):
                raise LabError(f"the {other.name} lab is up, and there is room for one: make lab-down LAB={other.name}")

    def snapshots(self) -> list[str]:
        """The snapshots every part of the lab has."""
        each = [set(machine.snapshots()) for machine in self.machines.values()]
        each += [kept for service in self.services if (kept := service.snapshots()) is not None]
        return sorted(set.intersection(*each))

    def _prepare(self) -> None:
        overlays = {role: [HERE / tree for tree in trees] for role, trees in self.topology.overlays}
        pack_initrd(self.image, self.directory / "initrd", overlays)
        remote.write_config(self.topology, self.image, self.guests())
        self.namespace.down()
        self.namespace.up()

    def _accelerator(self) -> str:
        return accelerator(self.image, self.directory / "initrd", self.directory / "accelerator")

    def _definition(self) -> str:
        """What the machines were made from; a snapshot is good for nothing else."""
        trees = [tree for _role, trees in self.topology.overlays for tree in trees]
        sources = [
            HERE / name for name in ("guest/init", "machine.py", "network.py", *dict.fromkeys(trees), *self._sources())
        ]
        versions = run("qemu-system-x86_64", "--version")
        return digest(self.image.name, self._accelerator(), versions, repr(self.topology), *sources)

    def _from_nothing(self, definition: str) -> None:
        self._made_from.unlink(missing_ok=True)
        self._complete.unlink(missing_ok=True)
        self._forget_faults()
        accel = self._accelerator()
        say(f"making {', '.join(self.machines)} ({accel})")
        for service in self.services:
            service.create()
            service.start()
        for machine in self.machines.values():
            machine.create_disks()
        side_by_side(lambda machine: machine.start(accel), self.machines.values())
        side_by_side(lambda name: self._await_ssh(name, BOOT_TIMEOUT), self.machines)
        say("ssh answers on all")
        self._bring_into_service()
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
        try:
            said = remote.script(name, self.health_script(name), timeout=60)
        except LabError as error:
            return [f"cannot be asked: {str(error).splitlines()[-1]}"]
        return said.splitlines()

    def health_script(self, name: str) -> str:
        return (HERE / f"health/{self.machines[name].machine.role}.sh").read_text()

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
        self.hold_guests()
        machines = self.machines.values()
        for machine in machines:
            machine.stop()
        try:
            for service in self.services:
                service.save(name)
            side_by_side(lambda machine: machine.save(name), machines)
        finally:
            side_by_side(lambda machine: machine.resume(), machines)
            self.release_guests()
        say(f"snapshot {name} saved")

    def restore(self, name: str) -> None:
        """Go back to a snapshot, in fresh processes: loading it into running ones makes the nodes fence each other."""
        if name not in self.snapshots():
            raise LabError(f"no snapshot {name}; there are: {', '.join(self.snapshots()) or 'none'}")
        started = time.monotonic()
        self._complete.unlink(missing_ok=True)
        self._end()
        self.namespace.replug()

        def bring_back(service: Service) -> None:
            service.load(name)
            service.start()

        side_by_side(bring_back, self.services)
        accel = self._accelerator()
        machines = self.machines.values()
        side_by_side(lambda machine: machine.start(accel, name), machines)
        side_by_side(lambda machine: machine.resume(), machines)
        self._forget_faults()
        side_by_side(lambda name: self._await_ssh(name, RESTORE_TIMEOUT), self.machines)
        self.set_clocks()
        self.release_guests()
        self.await_healthy(RESTORE_TIMEOUT)
        self._complete.touch()
        say(f"snapshot {name} restored in {time.monotonic() - started:.1f} s")

    # Single machines

    def power_on(self, name: str) -> None:
        """Start a machine that has lost its power."""
        if not self.machines[name].pid():
            self.machines[name].start(self._accelerator())
        self.back_in_service(name)

    def await_boot(self, name: str) -> None:
        remote.forget_connection(name)
        self._await_ssh(name, BOOT_TIMEOUT)
        remote.script(name, "systemctl is-system-running --wait || true", timeout=BOOT_TIMEOUT)

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

    def _end(self) -> None:
        remote.forget_connections(self.topology)
        side_by_side(lambda machine: machine.end(), self.machines.values())
        for service in reversed(self.services):
            service.end()

    def down(self, purge: bool = False) -> None:
        """End what up() started, see that it has ended, and remove the namespace. The snapshots stay."""
        self._complete.unlink(missing_ok=True)
        self._end()
        if self.running():
            raise LabError(f"still running: {', '.join(self.running())}")
        self.namespace.down()
        self._forget_faults()
        if purge:
            shutil.rmtree(self.directory)
        say(f"the {self.topology.name} lab is down")
