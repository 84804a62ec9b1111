# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real databases: a file, and a PostgreSQL server of the test's own on a Unix socket."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.process import Process
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import Author, Store, open_store

Opener = Callable[..., Store]


def server_programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        pytest.fail("PostgreSQL's server is not installed: on Debian the package is 'postgresql'")
    return found[-1].parent


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of its database 'postgres'."""
    programs = server_programs()
    # A socket's path may have 107 characters: pytest's own directories are too deep.
    directory = Path(tempfile.mkdtemp(prefix="store-"))
    as_owner: list[str] = []
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(directory, owner.pw_uid, owner.pw_gid)
        as_owner = ["runuser", "-u", "postgres", "--"]

    def run(program: str, *arguments: str) -> None:
        command = [*as_owner, str(programs / program), "-D", str(directory / "data"), *arguments]
        # Output to a file: the server keeps it open, and a pipe would never end.
        with (directory / "output").open("wb") as output:
            done = subprocess.run(command, cwd=directory, stdout=output, stderr=output, timeout=120, check=False)
        if done.returncode:
            pytest.fail((directory / "output").read_text())

    try:
        run("initdb", "-A", "trust", "-U", "operator", "-E", "UTF8", "--no-sync")
        run("pg_ctl", "-w", "-o", f"-c listen_addresses='' -k {directory} -c fsync=off", "start")
        try:
            yield f"postgresql://operator@/postgres?host={directory}"
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(directory)


@pytest.fixture
def postgresql_url(server: str) -> str:
    """A database of this test's own."""
    import psycopg

    name = f"store_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite://{tmp_path}/state/store.sqlite3"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def opener(url: str) -> Iterator[Opener]:
    """Opens the store, each time as its own connection."""
    opened: list[Store] = []

    def open_one(
        who: str = "kim", run: str = "run-1", process: Process | None = None, read_only: bool = False
    ) -> Store:
        store = open_store(Author(who, run, process or Process.at(os.getpid())), url, read_only)
        opened.append(store)
        return store

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(opener: Opener) -> Store:
    return opener()
