# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A uxen database as the runbook shows it, in a real PostgreSQL, and a wire to it that can be cut."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg

SCHEMA = """
CREATE TABLE pengx_pm (uuid uuid PRIMARY KEY, name varchar(64) NOT NULL UNIQUE);
CREATE TABLE pengx_vm (
    uuid uuid PRIMARY KEY, pm_uuid uuid REFERENCES pengx_pm, vnc_port integer CHECK (vnc_port >= 0)
);
CREATE TABLE pengx_disk (uuid uuid PRIMARY KEY, vm_uuid uuid NOT NULL REFERENCES pengx_vm, imgtype varchar(8) NOT NULL);
"""


def pm(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def vm(number: int) -> str:
    return f"{number:08x}-5b99-4229-9f83-0bf6b6dd8077"


class Uxen:
    """Its database; ``options`` are those of a task."""

    def __init__(self, url: str, **more: Any) -> None:
        self.url = url
        parts = psycopg.conninfo.conninfo_to_dict(url)
        names = {"login_unix_socket": "host", "login_user": "user", "login_db": "dbname"}
        self.options = {**{name: parts[libpq] for name, libpq in names.items()}, **more}

    def do(self, *statements: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def fill(self, nodes: dict[str, dict[int, int | None]]) -> None:
        """``nodes``: by name, its VMs' numbers with their vnc_port."""
        for at, (name, vms) in enumerate(nodes.items(), 1):
            self.do(f"INSERT INTO pengx_pm VALUES ('{pm(at)}', '{name}')")
            for number, port in vms.items():
                shown = "NULL" if port is None else port
                self.do(f"INSERT INTO pengx_vm (uuid, pm_uuid, vnc_port) VALUES ('{vm(number)}', '{pm(at)}', {shown})")

    def ports(self) -> dict[str, int | None]:
        return dict(self.do("SELECT uuid::text, vnc_port FROM pengx_vm"))


@contextlib.contextmanager
def cut_wire(
    directory: str, at: bytes, forward: bool, after: Callable[[], None] = lambda: None, skip: int = 0
) -> Iterator[str]:
    """A way to the server's socket in ``directory`` that goes dead when the client sends ``at``, once.

    ``forward``: the server gets what was sent, and only its answer is lost. ``after`` is called in the same moment.
    ``skip``: so many times it is let pass before.
    """
    cut = threading.Event()
    passed: list[bytes] = []

    def pump(source: socket.socket, target: socket.socket, outgoing: bool, dead: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                if outgoing and at in piece and not cut.is_set() and len(passed) < skip:
                    passed.append(piece)
                elif outgoing and at in piece and not cut.is_set():
                    cut.set()
                    dead.set()
                    if forward:
                        target.sendall(piece)
                    after()
                    source.shutdown(socket.SHUT_RDWR)
                    break
                if not dead.is_set():
                    target.sendall(piece)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client = opened.enter_context(listening.accept()[0])
                server = opened.enter_context(socket.socket(socket.AF_UNIX))
                server.connect(str(Path(directory, ".s.PGSQL.5432")))
                dead = threading.Event()
                for ends in ((client, server, True, dead), (server, client, False, dead)):
                    pumps.append(threading.Thread(target=pump, args=ends))
                    pumps[-1].start()

    pumps: list[threading.Thread] = []
    with tempfile.TemporaryDirectory(prefix="wire-") as place, contextlib.ExitStack() as opened:
        listening = opened.enter_context(socket.socket(socket.AF_UNIX))
        listening.bind(str(Path(place, ".s.PGSQL.5432")))
        listening.listen()
        serving = threading.Thread(target=serve)
        serving.start()
        try:
            yield place
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            for thread in (serving, *pumps):
                thread.join(30)
