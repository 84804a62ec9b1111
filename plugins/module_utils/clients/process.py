# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which process wrote or holds something, told so exactly that its end can be proven."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

# The kernel's PROC_PID_INIT_INO: a process in this namespace sees every process of its machine.
_FIRST_NAMESPACE = "pid:[4026531836]"


@dataclass(frozen=True)
class Process:
    """A process id alone is reused, and means nothing in another container or after a reboot: hence the rest.

    Parts that the system does not tell are empty; such a process is never proven gone.
    """

    host: str
    pid: int
    started: str = ""
    boot: str = ""
    namespace: str = ""
    machine: str = ""

    @classmethod
    def at(cls, pid: int) -> Process:
        return cls(
            host=socket.gethostname(),
            pid=pid,
            started=_started(pid),
            boot=_read("/proc/sys/kernel/random/boot_id"),
            namespace=_namespace(),
            machine=_read("/etc/machine-id"),
        )

    def is_gone(self) -> bool:
        """Whether it is proven, from here, to run no more. False also means: cannot be known."""
        return self.is_gone_beside(Process.at(self.pid))

    def is_gone_beside(self, here: Process) -> bool:
        """The same, ``here`` being what the one who asks finds at this process id."""
        if not self.started or not self.boot or not self.namespace:
            return False
        if self.boot == here.boot:
            return self.namespace == here.namespace and self.started != here.started
        rebooted = (self.host, self.machine) == (here.host, here.machine) and self.machine != ""
        return rebooted and self.namespace == here.namespace == _FIRST_NAMESPACE


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _started(pid: int) -> str:
    """In ticks since boot. A zombie has ended: it acts no more."""
    # The name, in parentheses, may hold anything, spaces and parentheses too.
    fields = _read("/proc/%d/stat" % pid).rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 and fields[0] != "Z" else ""
