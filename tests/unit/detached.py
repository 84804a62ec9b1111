# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs a job's program where there is no systemd: the same command line, in a session of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path


class Detached:
    """A launcher. A unit is known by its program's path, as any other process may find it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._children: list[subprocess.Popen[bytes]] = []

    def refusal(self) -> str:
        return ""

    def launch(self, unit: str, description: str, argv: Sequence[str]) -> str:
        if self.pids(unit):
            return f"Unit {unit} was already loaded."
        with (self.root / unit).open("wb") as log:
            child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self._children.append(child)
        # a process has no command line yet while it is being made
        while child.poll() is None and not self.pids(unit):
            time.sleep(0.005)
        return ""

    def active(self, unit: str) -> bool | None:
        return bool(self.pids(unit))

    def terminate(self, unit: str) -> str:
        for pid in self.pids(unit):
            os.kill(pid, signal.SIGTERM)
        return ""

    def left(self, unit: str) -> list[str]:
        return []

    def forget(self, unit: str) -> None:
        return

    def pids(self, unit: str) -> list[int]:
        name = unit.removeprefix("cloudops-job-").removesuffix(".service")
        program = str(self.root / "jobs" / name / "program.py").encode()
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if program in path.read_bytes().split(b"\0"):
                    found.append(int(path.parent.name))
        return found

    def end(self) -> None:
        for folder in (self.root / "jobs").glob("*"):
            for pid in self.pids(f"cloudops-job-{folder.name}.service"):
                os.kill(pid, signal.SIGKILL)
        for child in self._children:
            child.wait()
