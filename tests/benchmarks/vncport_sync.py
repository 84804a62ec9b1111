# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What vncport_sync takes of a zone of 1,000 VMs, from the nodes' answers to its result, beside a real PostgreSQL.

Each run is a process of its own, forked as Ansible forks a worker, so that nothing is warm that is not warm there.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from ansible_collections.cloudops.hypervisor.plugins.action.vncport_sync import _Sync
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import VNCPORT_SYNC

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit"))
from clients.postgresql import PostgresqlServer
from clients.uxen import SCHEMA, Uxen, pm, vm

TARGET = 0.3
FORK = multiprocessing.get_context("fork")


class Hosts:
    """The hosts' variables, as a task gets at them."""

    def __init__(self, answers: dict[str, dict[str, Any]]) -> None:
        self._answers = answers

    def raw_get(self, host: str) -> dict[str, Any]:
        return {"xen_vm_info_result": self._answers[host]}


def answers(vms: int, nodes: int, drifted: int) -> dict[str, dict[str, Any]]:
    """What each node says; of every ``drifted``-th VM another display than the database has. 0: of none."""
    paths = [f"/data/domu/{vm(number)}/current/{vm(number)}" for number in range(vms)]
    # a shared volume: every node reads every .cfg
    configs = [
        {"path": f"{paths[number]}.cfg", "uuid": vm(number), "name": vm(number), "display": 50 + number // nodes}
        for number in range(vms)
    ]
    read: dict[str, dict[str, Any]] = {}
    for node in range(nodes):
        domains, now = [], time.time()
        for number in range(node, vms, nodes):
            asked = 50 + number // nodes
            display = asked + 500 if drifted and number % drifted == 0 else asked
            ports = dict.fromkeys(("xenstore", "qmp", "listening"), 5900 + display)
            domains.append(
                {
                    "id": number + 1,
                    "uuid": vm(number),
                    "name": vm(number),
                    "state": {"blocked": True},
                    "vnc": {**ports, "command_line": asked, "configured": asked},
                }
            )
        read[f"n{node}"] = {
            "node": {"hostname": f"n{node}", "boot_id": "b", "at": now},
            "clock": {"asked": now, "answered": now},
            "domains": domains,
            "configs": configs,
            "listeners": [{"port": one["vnc"]["listening"], "pid": 1, "command": "qemu"} for one in domains],
            "openers": [{"path": f"{paths[one['id'] - 1]}.qcow2"} for one in domains],
            "toolstack": [],
            "missing": [],
        }
    return read


def fill(uxen: Uxen, vms: int, nodes: int) -> None:
    with psycopg.connect(uxen.url) as connection, connection.cursor() as cursor:
        cursor.execute("TRUNCATE pengx_disk, pengx_vm, pengx_pm")
        cursor.executemany("INSERT INTO pengx_pm VALUES (%s, %s)", [(pm(at), f"n{at}") for at in range(nodes)])
        rows = [(vm(number), pm(number % nodes), 50 + number // nodes) for number in range(vms)]
        cursor.executemany("INSERT INTO pengx_vm VALUES (%s, %s, %s)", rows)


def took(options: dict[str, Any], variables: dict[str, Any], write: bool) -> tuple[float, int]:
    """(seconds, rows changed) of one run in a process of its own."""
    ours, theirs = FORK.Pipe()

    def run() -> None:
        started = time.perf_counter()
        sync = _Sync(options, variables)
        if write:
            sync.correct()
        else:
            sync.look()
        result = sync.result()
        theirs.send((time.perf_counter() - started, len(result["changes"])))

    worker = FORK.Process(target=run)
    worker.start()
    worker.join()
    if worker.exitcode:
        sys.exit("vncport_sync failed")
    seconds, changes = ours.recv()
    return seconds, changes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vms", type=int, default=1000)
    parser.add_argument("--nodes", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    console = Console()
    table = Table(title=f"vncport_sync: {arguments.vms} VMs on {arguments.nodes} nodes, milliseconds")
    for heading in ("what", "rows changed", "median", "longest"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    longest = []
    with PostgresqlServer() as server, tempfile.TemporaryDirectory() as folder:
        server.initialise()
        server.start()
        uxen = Uxen(server.url)
        uxen.do(SCHEMA)
        for what, drifted, write in (("all in step", 0, False), ("1 in 10 drifted, corrected", 10, True)):
            seconds, changed = [], 0
            for number in range(arguments.rounds):
                fill(uxen, arguments.vms, arguments.nodes)
                read = answers(arguments.vms, arguments.nodes, drifted)
                defaults = {name: spec.get("default") for name, spec in VNCPORT_SYNC["argument_spec"].items()}
                given = {"zone": f"zone-{number}", "store_url": f"sqlite://{folder}/{number}/store.sqlite3"}
                variables = {"hostvars": Hosts(read), "ansible_play_hosts_all": list(read)}
                spent, changed = took({**defaults, **uxen.options, **given}, variables, write)
                seconds.append(spent)
            longest.append(statistics.median(seconds))
            table.add_row(what, str(changed), f"{longest[-1] * 1000:.0f}", f"{max(seconds) * 1000:.0f}")
    console.print(table)
    met = "met" if max(longest) <= TARGET else f"missed by {(max(longest) - TARGET) * 1000:.0f} ms"
    console.print(f"the slower median, at most {TARGET * 1000:.0f} ms wanted: {met}")


if __name__ == "__main__":
    main()
