# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a recovery costs: the round trips that reading a zone takes, and on the Xen lab the time to the first VM.

Every "node" of the zone is this machine behind its own loopback ssh connection; its sshd counts the commands that reach
it. With --lab a node of the lab (make lab LAB=xen) is frozen and recovered, and the lab restored behind it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "run"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lab"))
from fleet import against, ansible, inventory, playbook, ssh_server

from checkout import CACHE, ROOT

GUEST = "db-1"
# each command that an ssh session runs is a round trip
COUNTING = 'echo >> {file}\nexec /bin/sh -c "$SSH_ORIGINAL_COMMAND"\n'


def trips(console: Console, nodes: int) -> None:
    """How often a node is asked when a zone is read as a turn of a recovery reads it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        counted, command = folder / "commands", folder / "count"
        counted.touch()
        command.write_text("#!/bin/sh\n" + COUNTING.format(file=counted))
        command.chmod(0o755)
        reading = {"cloudops.hypervisor.recovery_info": {"roots": [str(folder)], "checks": ["mounts", "o2cb"]}}
        with ssh_server(folder, ForceCommand=str(command)) as ssh:
            hosts = inventory(folder, ssh, nodes)
            book = playbook(folder, "read", [reading])
            ansible(folder, book, hosts)
            counted.write_text("")
            seconds = ansible(folder, book, hosts)[0]
        asked = len(counted.read_text().splitlines())
    console.print(f"{nodes} nodes read in {seconds:.1f} s, with {asked} round trips")
    against(console, "round trips a node", asked / nodes, 1)


def to_the_first(console: Console) -> None:
    from guests import GUESTS_BY_NAME
    from lifecycle import READY
    from xen_lab import XenLab

    lab, guest = XenLab(), GUESTS_BY_NAME[GUEST]
    first = {one.uuid for one in GUESTS_BY_NAME.values() if one.home == guest.home and one.runs}
    alone = statistics.median(reading_alone() for _round in range(3))
    lab.machines[guest.home].freeze()
    argv = [sys.executable, "-m", "ansible", "playbook", "-i", "inventories/xen", "playbooks/ha_recovery.yml"]
    environment = {**os.environ, "ANSIBLE_CONFIG": "ansible.cfg"}
    with tempfile.TemporaryDirectory() as name:
        environment["XDG_STATE_HOME"] = name
        screen = Path(name) / "screen"
        started = time.monotonic()
        with screen.open("w") as output:
            inside = [str(one) for one in lab.namespace.inside(*argv, "-e", "ha_recovery_unasked=true")]
            run = subprocess.Popen(inside, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
        while run.poll() is None and not first & lab.domains("x1"):
            time.sleep(1)
        seconds, turns = time.monotonic() - started, screen.read_text().count("Read every node  ")
        run.wait(1800)
    lab.restore(READY)
    console.print(f"on the lab: the first VM ran {seconds:.0f} s after the play began, of {turns} readings of the zone")
    console.print(
        f"a reading of the node that is left, alone: {alone:.1f} s; all of them: {100 * alone * turns / seconds:.0f} %"
    )


def reading_alone() -> float:
    from ansible_collections.cloudops.hypervisor.plugins.plugin_utils import one_trip

    spec = {"roots": ["/data/domu"], "checks": ["mounts", "o2cb"]}
    argv = ["ssh", "-F", str(CACHE / "lab" / "run-xen" / "ssh_config"), "x1", "python3 -I -S -"]
    started = time.monotonic()
    subprocess.run(argv, input=one_trip.program("recovery_reading", spec), text=True, capture_output=True, check=False)
    return time.monotonic() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=40)
    parser.add_argument("--lab", action="store_true", help="freeze a node of the Xen lab and recover it")
    arguments = parser.parse_args()
    console = Console()
    trips(console, arguments.nodes)
    if arguments.lab:
        to_the_first(console)
    else:
        console.print("on the lab: not measured (make lab LAB=xen, then this with --lab)")


if __name__ == "__main__":
    main()
