# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real PostgreSQL server of a test's own, in a directory that goes with it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest


def server_programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        pytest.fail("PostgreSQL's server is not installed: on Debian the package is 'postgresql'")
    return found[-1].parent


class PostgresqlServer:
    """It listens on a Unix socket in ``directory``; ``data`` is its data directory."""

    def __init__(self) -> None:
        # A socket's path may have 107 characters: pytest's own directories are too deep.
        self.directory = Path(tempfile.mkdtemp(prefix="store-"))
        self.data = self.directory / "data"
        self.url = f"postgresql://operator@/postgres?host={self.directory}"
        self._programs = server_programs()
        self._as_owner: list[str] = []
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.directory, owner.pw_uid, owner.pw_gid)
            self._as_owner = ["runuser", "-u", "postgres", "--"]

    def __enter__(self) -> PostgresqlServer:
        return self

    def __exit__(self, *_exception: object) -> None:
        try:
            if (self.data / "postmaster.pid").exists():
                self.stop()
        finally:
            shutil.rmtree(self.directory)

    def initialise(self) -> None:
        self.run("initdb", "-A", "trust", "-U", "operator", "-E", "UTF8", "--no-sync")

    def start(self, *settings: str) -> None:
        given = ["listen_addresses=", f"unix_socket_directories={self.directory}", "fsync=off", *settings]
        self.run("pg_ctl", "-w", "-o", " ".join(f"-c '{one}'" for one in given), "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-w", "-m", "immediate", "stop")

    def own(self, path: Path) -> None:
        """Let the server read it."""
        if self._as_owner:
            shutil.chown(path, "postgres", "postgres")

    def run(self, program: str, *arguments: str) -> None:
        command = [*self._as_owner, str(self._programs / program), "-D", str(self.data), *arguments]
        # Output to a file: the server keeps it open, and a pipe would never end.
        with (self.directory / "output").open("wb") as output:
            done = subprocess.run(command, cwd=self.directory, stdout=output, stderr=output, timeout=120, check=False)
        if done.returncode:
            pytest.fail((self.directory / "output").read_text())
