# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell the lab's observer once a second which domains are here: domain-sampler ADDRESS PORT.

Each datagram is one reading, as JSON: {"node", "boot_id", "domains": [{"id", "uuid", "name", "state", "cpu_ns"}]};
state is the letters of xl list. CPU time is the hypervisor's own, in nanoseconds: xl list rounds it.
"""

from __future__ import annotations

import json
import socket
import sys
import time
import uuid
from pathlib import Path

import xen.lowlevel.xc
import xen.lowlevel.xs

SECONDS = 1.0
STATES = {"running": "r", "blocked": "b", "paused": "p", "shutdown": "s", "crashed": "c", "dying": "d"}


def domains(hypervisor, store) -> list:
    try:
        found = hypervisor.domain_getinfo(1, 100)
    except xen.lowlevel.xc.Error:
        # none but dom0
        return []
    return [
        {
            "id": domain["domid"],
            "uuid": str(uuid.UUID(bytes=bytes(domain["handle"]))),
            "name": (store.read("", "/local/domain/%d/name" % domain["domid"]) or b"(null)").decode(),
            "state": "".join(letter for flag, letter in STATES.items() if domain[flag]),
            "cpu_ns": domain["cpu_time"],
        }
        for domain in found
    ]


def main() -> None:
    observer = (sys.argv[1], int(sys.argv[2]))
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    hypervisor, store = xen.lowlevel.xc.xc(), xen.lowlevel.xs.xs()
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    while True:
        reading = {"node": socket.gethostname(), "boot_id": boot_id, "domains": domains(hypervisor, store)}
        try:
            sender.sendto(json.dumps(reading).encode(), observer)
        except OSError as error:
            print(error, file=sys.stderr)
        time.sleep(SECONDS)


if __name__ == "__main__":
    main()
