# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The uxen database of the Xen lab: PostgreSQL with the runbook's tables, filled from the table of guests.

It listens on the observer's network, which nothing cuts, and on a socket in the run directory. Where the runbook does
not know of a column it has the site's own name for it; docs/assumptions.md lists them.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import psycopg

from guests import GUESTS_BY_NAME, MEMORY_MIB, NODE_UUIDS, Guest
from host import LabError, run
from network import Namespace
from service import Service, remove
from topology import DATABASE_ADDRESS, OBSERVER, PREFIX_LENGTH, machine

NAME = "uxenapi_production"
OWNER = "orchard"
PORT = 5432
SCHEMA = """
CREATE TABLE pengx_pm (
    uuid uuid PRIMARY KEY, name varchar(64) NOT NULL UNIQUE, zone_name varchar(64) NOT NULL, mgmt_ip varchar(15)
);
CREATE TABLE pengx_vm (
    uuid uuid PRIMARY KEY, pm_uuid uuid REFERENCES pengx_pm, name varchar(64) NOT NULL, vnc_port integer,
    mem_mb integer NOT NULL, power varchar(8) NOT NULL, ha_priority integer NOT NULL DEFAULT 100,
    main_mac varchar(17), main_ip varchar(15)
);
CREATE TABLE pengx_disk (
    uuid uuid PRIMARY KEY, vm_uuid uuid NOT NULL REFERENCES pengx_vm, imgtype varchar(8) NOT NULL,
    dev varchar(8) NOT NULL
);
CREATE TABLE pengx_interface (
    id serial PRIMARY KEY, vm_uuid uuid NOT NULL REFERENCES pengx_vm, mac varchar(17) NOT NULL UNIQUE,
    name varchar(16) NOT NULL, ip varchar(15) NOT NULL DEFAULT '', bridge varchar(16) NOT NULL
);
"""
# What the runbook's tables do not have, in the form of the option columns
COLUMNS = {
    "vm": {
        "name": "name",
        "memory": "mem_mb",
        "wanted_state": "power",
        "priority": "ha_priority",
        "mac": "main_mac",
        "address": "main_ip",
    },
    "node": {"zone": "zone_name", "address": "mgmt_ip"},
}
ZONE = "lab"


class Database(Service):
    def __init__(self, namespace: Namespace, directory: Path) -> None:
        super().__init__(directory / "postgresql/data")
        self._namespace = namespace
        # The server's own directory, with its socket
        self.directory = directory / "postgresql"
        self._data = self.directory / "data"

    @property
    def options(self) -> dict[str, Any]:
        """How a task on the controller reaches it."""
        return {"login_unix_socket": str(self.directory), "login_user": OWNER, "login_db": NAME, "columns": COLUMNS}

    def connect(self, **more: Any) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(host=str(self.directory), user=OWNER, dbname=NAME, autocommit=True, **more)

    def place(self, guest: Guest) -> tuple[str, int | None]:
        """The node and the display that its row has."""
        query = "SELECT p.name, v.vnc_port FROM pengx_vm v JOIN pengx_pm p ON p.uuid = v.pm_uuid WHERE v.uuid = %s"
        with self.connect() as connection:
            row = connection.execute(query, (guest.uuid,)).fetchone()
        assert row is not None
        return row[0], row[1]

    def create(self) -> None:
        remove(self.directory)
        self.directory.mkdir(parents=True)
        shutil.chown(self.directory, "postgres", "postgres")
        self._as_server("initdb", "--auth", "trust", "--username", OWNER, "--encoding", "UTF8", "--no-sync")
        with (self._data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all {OWNER} {OBSERVER.subnet}.0/{PREFIX_LENGTH} trust\n")
        self.start()
        self._as_server("createdb", "--host", "SOCKET", "--username", OWNER, NAME)
        with self.connect() as connection:
            connection.execute(SCHEMA)
            for node, uuid in NODE_UUIDS.items():
                row = (uuid, node, ZONE, machine(node).address)
                connection.execute("INSERT INTO pengx_pm VALUES (%s, %s, %s, %s)", row)
            for guest in GUESTS_BY_NAME.values():
                _insert(connection, guest)
        self.end()

    def start(self) -> None:
        settings = {
            "listen_addresses": DATABASE_ADDRESS,
            "port": PORT,
            "unix_socket_directories": "SOCKET",
            "fsync": "off",
            "log_statement": "mod",
        }
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        self._as_server("pg_ctl", "--wait", "--log", "SOCKET/output", "--options", options, "start")

    def end(self) -> None:
        if (self._data / "postmaster.pid").exists():
            # A machine that lost its power leaves the file behind, and nothing to stop.
            self._as_server("pg_ctl", "--wait", "--mode", "fast", "stop", may_fail=True)

    def save(self, snapshot: str) -> None:
        self.end()
        super().save(snapshot)
        self.start()

    def _as_server(self, program: str, *arguments: str, may_fail: bool = False) -> None:
        """Run a program of the server as its own user, who cannot reach the run directory by its path.

        It sees it in the place of its home; SOCKET in the arguments stands for that.
        """
        home = "/var/lib/postgresql"
        (programs, *_older) = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
        data = [] if program == "createdb" else ["--pgdata", f"{home}/data"]
        command = [str(programs / program), *data, *(argument.replace("SOCKET", home) for argument in arguments)]
        enter = 'mount --bind "$0" /var/lib/postgresql && cd /var/lib/postgresql && exec runuser -u postgres -- "$@"'
        # The server keeps its output open, and a pipe would never end.
        quiet = f'{{ {enter}; }} > "$0/said" 2>&1 < /dev/null'
        try:
            run(*self._namespace.inside("unshare", "--mount", "sh", "-c", quiet, self.directory, *command))
        except LabError as error:
            if not may_fail:
                said = (self.directory / "said").read_text(errors="replace").strip()
                raise LabError(f"{program}: {said[-2000:]}") from error


def _version(programs: Path) -> int:
    return int(programs.parent.name)


def _insert(connection: psycopg.Connection[tuple[Any, ...]], guest: Guest) -> None:
    node, power, mac = NODE_UUIDS[guest.home], "running" if guest.runs else "stopped", guest.mac.upper()
    connection.execute(
        "INSERT INTO pengx_vm (uuid, pm_uuid, name, vnc_port, mem_mb, power, main_mac, main_ip)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (guest.uuid, node, guest.name, guest.display, MEMORY_MIB, power, mac, guest.address),
    )
    for disk in guest.disks:
        row = (disk.uuid, guest.uuid, disk.format, disk.vdev)
        connection.execute("INSERT INTO pengx_disk VALUES (%s, %s, %s, %s)", row)
    connection.execute(
        "INSERT INTO pengx_interface (vm_uuid, mac, name, ip, bridge) VALUES (%s, %s, %s, %s, %s)",
        (guest.uuid, mac, f"vif{guest.number}", guest.address, "xenbr0"),
    )
