# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan for a large fleet takes, and how far it is from what memory alone allows; beside it, Ganeti's tools.

Every run is a process of its own, measured in CPU time. Ours are asked for all that can limit a plan; Ganeti is given
the same nodes, VMs and memory. How many nodes could not be lost after it, our outlook says of everyone's result.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import re
import resource
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.placement import (
    Limits,
    Node,
    Running,
    Vm,
    outlook,
    plan,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import Display, VmUuid

SECONDS, MEGABYTES = 2.0, 1024
HAIL = "/usr/lib/ganeti/iallocators/hail"
GIB = 1 << 20
OVERHEAD_KIB = 32 << 10
SIZES = (1, 2, 2, 4, 4, 4, 8, 8, 16, 32)
RACK = 40
FORK = multiprocessing.get_context("fork")
LIMITS = Limits(overhead_kib=OVERHEAD_KIB, n_plus_one=True, per_rack=2, starts=100)


@dataclass(frozen=True)
class Fleet:
    nodes: tuple[Node, ...]
    down: tuple[Vm, ...]
    running: tuple[Running, ...] = ()


def fleet(nodes: int, vms: int, filled: float, zones: int = 1) -> Fleet:
    """All VMs are down. ``filled``: their memory as a share of the nodes'."""
    chance = random.Random(f"{nodes} {vms}")
    sizes = [chance.choice(SIZES) * GIB for _vm in range(vms)]
    memory = int(sum(size + OVERHEAD_KIB for size in sizes) / nodes / filled)
    return Fleet(
        tuple(
            Node(
                f"n{number:04}",
                f"rack-{number // RACK:02}",
                memory,
                memory,
                frozenset(map(Display, chance.sample(range(50, 80), 5))),
                frozenset({f"data-{number * zones // nodes}"}),
            )
            for number in range(nodes)
        ),
        tuple(
            Vm(
                VmUuid(f"{number:08x}-5b99-4229-9f83-0bf6b6dd8077"),
                f"vm-{number}",
                size,
                priority=chance.choice((0, 0, 0, 1, 2)),
                order=number % 10 > 0,
                display=Display(50 + number % 40),
                volumes=frozenset({f"data-{number * zones // vms}"}),
                group=f"group-{number // 4}" if number % 3 == 0 else "",
            )
            for number, size in enumerate(sizes)
        ),
    )


def started(of: Fleet, limits: Limits = LIMITS) -> Fleet:
    """All that can be placed runs."""
    return settled(of, {one.vm: one.node for one in plan(of.nodes, of.down, (), limits).places})


def settled(of: Fleet, at: dict[str, str]) -> Fleet:
    """Those with a node run there, beside what ran; the others are down."""
    used: dict[str, int] = defaultdict(int)
    new = [Running(vm, at[vm.uuid]) for vm in of.down if vm.uuid in at]
    for one in new:
        used[one.node] += one.vm.memory_kib + OVERHEAD_KIB
    nodes = tuple(replace(node, free_kib=node.free_kib - used[node.name]) for node in of.nodes)
    return Fleet(nodes, tuple(vm for vm in of.down if vm.uuid not in at), (*of.running, *new))


def without(of: Fleet, lost: set[str]) -> Fleet:
    """``lost`` nodes are gone, and what ran on them is down."""
    return Fleet(
        tuple(one for one in of.nodes if one.name not in lost),
        tuple(one.vm for one in of.running if one.node in lost),
        tuple(one for one in of.running if one.node not in lost),
    )


def bound(of: Fleet) -> int:
    """No plan places more than memory alone allows: of each zone's free memory N+1 keeps what its largest node has."""
    most = 0
    for volumes in {one.volumes for one in of.nodes}:
        free = {one.name: one.free_kib for one in of.nodes if one.volumes == volumes}
        has = dict(free)
        for one in of.running:
            if one.node in has:
                has[one.node] += one.vm.memory_kib + OVERHEAD_KIB
        left = sum(free.values()) - max(has.values())
        vms = [one for one in of.down if one.volumes == volumes]
        for vm in sorted(vms, key=lambda one: (-one.priority, one.memory_kib)):
            left -= vm.memory_kib + OVERHEAD_KIB
            most += left >= 0
            left += (left < 0) * (vm.memory_kib + OVERHEAD_KIB)
    return most


def in_process(work: Callable[[], Any]) -> tuple[float, int, Any]:
    """(CPU seconds, peak in MiB, what ``work`` returned)."""
    ours, theirs = FORK.Pipe()

    def run() -> None:
        began = time.process_time()
        result = work()
        seconds = time.process_time() - began
        theirs.send((seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, result))

    worker = FORK.Process(target=run)
    worker.start()
    answer: tuple[float, int, Any] = ours.recv()
    worker.join()
    return answer


def measured(work: Callable[[], Any], rounds: int) -> tuple[float, int, Any]:
    """The median of the seconds."""
    runs = [in_process(work) for _round in range(rounds)]
    return statistics.median(seconds for seconds, _peak, _result in runs), max(run[1] for run in runs), runs[0][2]


def ours(of: Fleet) -> dict[str, str]:
    return {one.vm: one.node for one in plan(of.nodes, of.down, of.running, LIMITS).places}


def unabsorbed(of: Fleet, at: dict[str, str]) -> int:
    then = settled(of, at)
    return sum(not one.absorbed for one in outlook(then.nodes, then.running, LIMITS))


# Ganeti

POLICY = "64,1,0,0,0,1|64,1,0,0,0,1;1048576,64,1048576,16,8,12|ext|1000.0|1000.0"


def text(of: Fleet, lost: set[str]) -> str:
    """Ganeti's text form: shared disks, which it does not look at."""
    role = {one.name: "Y" if one.name in lost else "N" for one in of.nodes}
    nodes = [
        f"{one.name}|{one.memory_kib >> 10}|0|{one.free_kib >> 10}|0|0|64|{role[one.name]}|g1|1||N|0|0|1.0"
        for one in of.nodes
    ]
    vms = [
        f"{one.vm.uuid}|{one.vm.memory_kib + OVERHEAD_KIB >> 10}|0|1|running|Y|{one.node}||ext||1|0|N"
        for one in of.running
    ]
    return "\n".join(["zone|g1|preferred||", "", *nodes, "", *vms, "", "", f"|{POLICY}", f"zone|{POLICY}", ""])


def request(vms: tuple[Vm, ...]) -> str:
    asked = [
        {
            "name": vm.uuid,
            "memory": vm.memory_kib + OVERHEAD_KIB >> 10,
            "vcpus": 1,
            "disks": [],
            "disk_space_total": 0,
            "disk_template": "ext",
            "nics": [],
            "tags": [],
            "os": "none",
            "hypervisor": "xen-hvm",
            "required_nodes": 1,
            "spindle_use": 1,
        }
        for vm in vms
    ]
    # the zone itself is in the text
    zone: dict[str, Any] = {"cluster_tags": [], "enabled_hypervisors": ["xen-hvm"]}
    zone.update(nodegroups={}, nodes={}, instances={})
    return json.dumps({**zone, "request": {"type": "multi-allocate", "instances": asked}})


def ganeti(argv: list[str], limit: int) -> tuple[float, int, str] | None:
    """(CPU seconds, peak in MiB, output); None: it took longer."""
    with tempfile.TemporaryFile("w+") as output:
        argv = ["prlimit", f"--cpu={limit}", *argv]
        child = subprocess.Popen(argv, stdout=output, stderr=subprocess.DEVNULL)
        _pid, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        spent = usage.ru_utime + usage.ru_stime
        return None if child.returncode else (spent, usage.ru_maxrss // 1024, output.read())


def placed_by_hail(output: str) -> dict[str, str]:
    return {vm: nodes[0] for vm, nodes in json.loads(output)["result"][0]}


def placed_by_hbal(output: str) -> dict[str, str]:
    return {vm: node for node, vm in re.findall(r"gnt-instance migrate -f -n (\S+) (\S+)", output)}


def side_by_side(nodes: int, vms: int, rounds: int, limit: int) -> Table:
    """One node of a zone dies."""
    before = started(fleet(nodes, vms, 0.75))
    lost = {before.nodes[0].name}
    after = without(before, lost)
    table = Table(title=f"one of {nodes} nodes with {vms:,} VMs is gone: {len(after.down)} VMs to place")
    for heading in ("who", "CPU s", "× ours", "MiB", "placed", "cannot be lost"):
        table.add_column(heading, justify="left" if heading == "who" else "right")
    seconds, peak, at = measured(lambda: ours(after), rounds)
    table.add_row("plan, N+1", f"{seconds:.2f}", "1", str(peak), str(len(at)), str(unabsorbed(after, at)))
    with tempfile.TemporaryDirectory() as folder:
        zone, dying, asked = (Path(folder) / name for name in ("zone", "dying", "request"))
        zone.write_text(text(after, set()))
        dying.write_text(text(before, lost))
        asked.write_text(request(after.down))
        for who, argv, read in (
            ("hail, N+1", [HAIL, "-t", str(zone), str(asked)], placed_by_hail),
            ("hail", [HAIL, "--no-capacity-checks", "-t", str(zone), str(asked)], placed_by_hail),
            ("hbal --evac-mode", ["hbal", "--evac-mode", "-C", "-t", str(dying)], placed_by_hbal),
        ):
            done = ganeti(argv, limit)
            if done is None:
                table.add_row(who, f"> {limit}", f"> {limit / seconds:.0f}", "", "not ended", "")
                continue
            spent, peak, output = done
            at = read(output)
            row = (f"{spent:.2f}", f"{spent / seconds:.0f}", str(peak), str(len(at)), str(unabsorbed(after, at)))
            table.add_row(who, *row)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--vms", type=int, default=20000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ganeti-nodes", type=int, default=400)
    parser.add_argument("--ganeti-vms", type=int, default=8000)
    parser.add_argument("--ganeti-limit", type=int, default=30, help="CPU seconds that one of its tools may take")
    arguments = parser.parse_args()
    nodes, vms, rounds = arguments.nodes, arguments.vms, arguments.rounds
    console = Console()
    table = Table(title=f"a plan for {nodes:,} nodes, {vms:,} VMs; bound: what memory allows")
    for heading in ("what is down", "to place", "CPU s", "MiB", "placed", "bound", "short"):
        table.add_column(heading, justify="left" if heading == "what is down" else "right")
    runs = started(fleet(nodes, vms, 0.75))
    zones = started(fleet(nodes, vms, 0.75, zones=25))
    rack = {one.name for one in runs.nodes[:RACK]}
    met = []
    for what, of in (
        ("all of it", fleet(nodes, vms, 0.85)),
        ("all of 25 zones", fleet(nodes, vms, 0.85, zones=25)),
        ("all, memory for 90%", fleet(nodes, vms, 1 / 0.9)),
        ("one node", without(runs, {runs.nodes[0].name})),
        (f"a rack of {len(rack)} nodes", without(runs, rack)),
        ("one node of 25 zones", without(zones, {zones.nodes[0].name})),
    ):
        seconds, peak, at = measured(lambda of=of: ours(of), rounds)
        most = bound(of)
        met.append(seconds <= SECONDS and peak <= MEGABYTES)
        short = f"{(most - len(at)) / most:.1%}"
        table.add_row(what, str(len(of.down)), f"{seconds:.2f}", str(peak), str(len(at)), str(most), short)
    console.print(table)
    console.print(f"at most {SECONDS:.0f} s and {MEGABYTES} MiB wanted: {sum(met)} of {len(met)} met")
    careless = replace(LIMITS, n_plus_one=False)
    tight = [started(fleet(*size, 0.95), careless) for size in ((40, 800), (nodes, vms))]
    for of in (runs, *tight):
        seconds, _peak, deaths = measured(lambda of=of: outlook(of.nodes, of.running, LIMITS), rounds)
        lost = [one for one in deaths if not one.absorbed]
        helped = [one for one in lost if one.remedy is not None and one.remedy.fits == one.left]
        console.print(
            f"outlook of {len(deaths):,} nodes: {seconds:.2f} CPU s; {len(lost)} cannot be lost, "
            f"for {len(helped)} of them migrations were found, {sum(len(one.remedy.moves) for one in helped)} in all"
        )
    console.print(side_by_side(arguments.ganeti_nodes, arguments.ganeti_vms, rounds, arguments.ganeti_limit))


if __name__ == "__main__":
    main()
