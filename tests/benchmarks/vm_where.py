# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it takes to say where a VM is: the controller's share in a large zone, and all of it on the Xen lab.

On the lab, if it is up (make lab LAB=xen), the playbook is held against the same reading over bare parallel ssh.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.console import Console

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import whereabouts as decision
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import VmUuid
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils import one_trip
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.vm_zone import Zone

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "run"))
from checkout import CACHE, ROOT
from xen_answers import answer, domain, uuid

WANTED = 5.0
ROUNDS = ("first", "second")


class Hosts:
    """The hosts' variables, as a task gets at them."""

    def __init__(self, answers: dict[str, dict[str, Any]]) -> None:
        self._answers = answers

    def raw_get(self, host: str) -> dict[str, Any]:
        return self._answers[host]


def told(vms: int, nodes: int) -> tuple[float, float]:
    """Seconds for one VM of the zone with all that is told of it, and for the verdict on each of them."""
    names = [f"n{number}" for number in range(nodes)]
    everything = tuple(range(1, vms + 1))
    answers = {
        name: {
            each: answer(
                name,
                *(domain(vm) for vm in everything[at::nodes]),
                vms=everything,
                age=3.0 - 3.0 * number,
            )
            for number, each in enumerate(ROUNDS)
        }
        for at, name in enumerate(names)
    }
    options = {"zone": "z", "readings": list(ROUNDS), "sources": ["inventory"], "columns": {}, "store_url": None}
    variables = {"hostvars": Hosts(answers), "ansible_play_hosts_all": names}
    started = time.perf_counter()
    zone = Zone(options, variables)
    zone.told(VmUuid(uuid(1)))
    one = time.perf_counter() - started
    started = time.perf_counter()
    for vm in everything:
        decision.whereabouts(zone.vm(VmUuid(uuid(vm))), zone.nodes, zone.rounds)
    return one, time.perf_counter() - started


def on_the_lab(console: Console, rounds: int) -> None:
    ssh = CACHE / "lab" / "run-xen" / "ssh_config"
    if not ssh.exists():
        console.print("on the lab: not up, not measured (make lab LAB=xen)")
        return
    spec = {"roots": ["/data/domu"], "timeout": 30.0, "lease_of": "", "lease_volume": "/data", "lease_local": False}
    program = one_trip.program("vm_reading", spec)

    def read(node: str) -> None:
        argv = ["ssh", "-F", str(ssh), node, "python3 -I -S -"]
        subprocess.run(argv, input=program, text=True, capture_output=True, check=True)

    def bare() -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(read, ("x1", "x2")))

    def playbook() -> None:
        argv = [sys.executable, "-m", "ansible", "playbook", "-i", "inventories/xen", "playbooks/vm_where.yml"]
        environment = {**os.environ, "ANSIBLE_CONFIG": "ansible.cfg"}
        subprocess.run([*argv, "-e", f"vm={vm}"], cwd=ROOT, env=environment, capture_output=True, check=True)

    listed = ["ssh", "-F", str(ssh), "x1", "ls /data/domu"]
    vm = subprocess.run(listed, text=True, capture_output=True, check=True).stdout.split()[0]
    seconds: dict[str, list[float]] = {}
    for _round in range(rounds):
        for name, work in (("bare", bare), ("playbook", playbook)):
            started = time.perf_counter()
            work()
            seconds.setdefault(name, []).append(time.perf_counter() - started)
    bare_, ours = (statistics.median(seconds[name]) for name in ("bare", "playbook"))
    met = "met" if ours <= WANTED else f"missed by {ours - WANTED:.1f} s"
    console.print(f"on the lab: {ours:.1f} s, at most {WANTED:g} wanted: {met}; {ours / bare_:.2f} x the bare reading")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vms", type=int, default=1000)
    parser.add_argument("--nodes", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    console = Console()
    one, every = told(arguments.vms, arguments.nodes)
    console.print(
        f"vm_where on the controller, {arguments.vms} VMs on {arguments.nodes} nodes: {one * 1000:.0f} ms for one VM, "
        f"{every / arguments.vms * 1000:.2f} ms a VM for the verdict on all"
    )
    on_the_lab(console, arguments.rounds)


if __name__ == "__main__":
    main()
