# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bridges that guests are plugged into, and the MAC addresses that each has learned."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import List, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Host, Missing, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import Mac


@dataclass(frozen=True)
class Bridge:
    """``kind``: linux or openvswitch, empty where there is no such bridge. ``macs``: learned, not its ports' own."""

    name: str
    kind: str = ""
    macs: Tuple[Mac, ...] = ()


def parse_fdb(text: str) -> Tuple[Mac, ...]:
    """``bridge fdb show``: MAC, dev, and the words of the entry."""
    return tuple(
        Mac(line.split()[0])
        for line in _lines(text, r"^[0-9a-f]{2}(:[0-9a-f]{2}){5} dev \S")
        if "permanent" not in line
    )


def parse_ovs_fdb(text: str) -> Tuple[Mac, ...]:
    """``ovs-appctl fdb/show``: port, VLAN, MAC, age, under a heading; what the bridge itself has is on LOCAL."""
    lines = [line for line in text.split("\n") if not re.match(r"^\s*port\s+VLAN\s+MAC", line)]
    rows = _lines("\n".join(lines), r"^\s*\S+\s+[0-9]+\s+[0-9a-f]{2}(:[0-9a-f]{2}){5}\s+\S+")
    return tuple(Mac(row.split()[2]) for row in rows if row.split()[0] != "LOCAL")


def _lines(text: str, form: str) -> List[str]:
    lines = [line for line in text.split("\n") if line.strip()]
    for line in lines:
        if not re.match(form, line):
            raise NotUnderstood(line.strip()[:200])
    return lines


def probe(host: Host, name: str) -> Tuple[Bridge, Tuple[Missing, ...]]:
    """A bridge of this name, whichever kind the node has."""
    if not re.match(r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}\Z", name) or not host.glob("/sys/class/net/%s" % name):
        return Bridge(name), ()
    linux = bool(host.glob("/sys/class/net/%s/bridge" % name))
    if linux:
        answer, parse = host.run(["bridge", "fdb", "show", "br", name]), parse_fdb
    else:
        answer, parse = host.run(["ovs-appctl", "--timeout=5", "fdb/show", name]), parse_ovs_fdb
        if answer.ok and answer.rc:
            # an interface of this name, and no bridge
            return Bridge(name), ()
    kind = "linux" if linux else "openvswitch"
    if not answer.ok or answer.rc:
        return Bridge(name, kind), (answer.missing(),)
    try:
        return Bridge(name, kind, parse(answer.stdout)), ()
    except NotUnderstood as error:
        return Bridge(name, kind), (answer.missing(Problem.NOT_UNDERSTOOD, str(error)),)
