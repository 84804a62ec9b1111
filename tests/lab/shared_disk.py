# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk that several machines write: each has its own way to it, so that it can be lost to one of them alone."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from host import kill, pid_of, run
from service import Service
from topology import Disk


def _file(disk: str, directory: Path) -> Path:
    return directory / f"{disk}.raw"


class SharedDisk(Service):
    def __init__(self, disk: Disk, directory: Path) -> None:
        self._file = _file(disk.name, directory)
        self._size = disk.size
        super().__init__(self._file)

    def create(self) -> None:
        self._file.unlink(missing_ok=True)
        run("truncate", "--size", self._size, self._file)


class DiskServer:
    """One machine's way to a shared disk: a qemu-nbd of its own."""

    def __init__(self, disk: str, machine: str, directory: Path) -> None:
        self._disk = disk
        self._file = _file(disk, directory)
        self.socket = directory / f"{machine}-{disk}.nbd"
        self._pid_file = directory / f"{machine}-{disk}.nbd.pid"

    def pid(self) -> int | None:
        return pid_of(self._pid_file, self._pid_file)

    def start(self) -> None:
        """Serve the disk, whatever became of it before."""
        if self.pid() is not None:
            self.resume()
            return
        self.socket.unlink(missing_ok=True)
        # Every machine writes through the host's page cache: what one has written, the others read.
        image = f"driver=raw,cache.no-flush=on,file.driver=file,file.locking=off,file.filename={self._file}"
        run(
            *("qemu-nbd", "--fork", "--persistent", "--shared=0", f"--export-name={self._disk}"),
            *(f"--socket={self.socket}", f"--pid-file={self._pid_file}", "--image-opts", image),
        )

    def hang(self) -> None:
        """Requests wait, as behind multipath that queues."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """Requests fail, as behind multipath that does not queue."""
        kill(self._pid_file, self._pid_file)

    def end(self) -> None:
        self.kill()
        self.socket.unlink(missing_ok=True)

    def _signal(self, number: signal.Signals) -> None:
        pid = self.pid()
        if pid is not None:
            os.kill(pid, number)
