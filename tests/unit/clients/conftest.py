# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real databases: a file, and a PostgreSQL server of the test's own on a Unix socket."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.process import Process
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import Author, Store, open_store
from clients.ipmi import Machine
from clients.postgresql import PostgresqlServer

Opener = Callable[..., Store]


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of its database 'postgres'."""
    with PostgresqlServer() as started:
        started.initialise()
        started.start()
        yield started.url


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


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    directory = tmp_path / "bmc"
    directory.mkdir()
    made = Machine(directory)
    yield made
    made.stop()
