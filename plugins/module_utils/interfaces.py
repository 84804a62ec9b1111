# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What /etc/network/interfaces says a node must have: its addresses, bonds, and Open vSwitch bridges and ports.

Source: interfaces(5), and the README.Debian of openvswitch-switch. A node that is configured otherwise has no such
file, or one with the loopback alone: then nothing is expected from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Dict, List, Mapping, Optional, Set, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Host, Missing, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood

INTERFACES = "/etc/network/interfaces"
_DEPTH = 3


@dataclass(frozen=True)
class Interface:
    """All stanzas of one interface. ``options``: name, with hyphens, to its words; ``boots``: up after a boot."""

    name: str
    boots: bool = False
    addresses: Tuple[str, ...] = ()
    options: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)

    def option(self, *names: str) -> Tuple[str, ...]:
        """The words of the first of these options that is given; "none" is no word."""
        given = next((self.options[name] for name in names if name in self.options), ())
        return tuple(word for word in given if word != "none")


def parse_interfaces(text: str) -> Tuple[Interface, ...]:
    """interfaces(5). ``allow-hotplug`` promises nothing: the hardware may be elsewhere."""
    found: Dict[str, Interface] = {}
    boots: Set[str] = set()
    current: Optional[str] = None
    stanza = static = False
    for line in re.sub(r"\\\n", " ", text).splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        keyword, rest = words[0], words[1:]
        if keyword == "iface":
            if not rest:
                raise NotUnderstood(line.strip()[:200])
            current, stanza, static = rest[0], True, "static" in rest[1:]
            found.setdefault(current, Interface(current))
        elif keyword == "auto" or keyword.startswith("allow-"):
            current, stanza = None, False
            if keyword != "allow-hotplug":
                boots.update(rest)
        elif keyword in ("mapping", "rename", "template", "source", "source-directory", "no-auto-down", "no-scripts"):
            current, stanza = None, keyword in ("mapping", "template")
        elif current is not None:
            found[current] = _with_option(found[current], keyword.replace("_", "-"), tuple(rest), static)
        elif not stanza:
            raise NotUnderstood(line.strip()[:200])
    return tuple(Interface(one.name, name in boots, one.addresses, one.options) for name, one in found.items())


def _with_option(one: Interface, name: str, words: Tuple[str, ...], static: bool) -> Interface:
    addresses = one.addresses
    if name == "address" and static and words:
        addresses += (words[0].partition("/")[0],)
    options = dict(one.options)
    options[name] = options.get(name, ()) + words
    return Interface(one.name, one.boots, addresses, options)


def configured(host: Host, lost: List[Missing]) -> Tuple[Interface, ...]:
    """The node's configured interfaces, with every file that is sourced; none where there is no such file."""
    text = _with_sources(host, INTERFACES, lost, _DEPTH)
    try:
        return parse_interfaces(text)
    except NotUnderstood as error:
        lost.append(Missing(INTERFACES, Problem.NOT_UNDERSTOOD, str(error)))
        return ()


def _with_sources(host: Host, path: str, lost: List[Missing], depth: int) -> str:
    answer = host.read(path)
    if not answer.ok:
        if answer.problem is not Problem.ABSENT:
            lost.append(answer.missing())
        return ""
    parts = [answer.stdout]
    for line in answer.lines if depth else ():
        words = line.split()
        if len(words) < 2 or words[0] not in ("source", "source-directory"):
            continue
        pattern = words[1] if words[1].startswith("/") else "/etc/network/" + words[1]
        files = host.glob(pattern)
        if words[0] == "source-directory":
            inside = host.glob(pattern.rstrip("/") + "/*")
            files = [name for name in inside if re.match(r"[\w-]+$", name.rpartition("/")[2])]
        parts += [_with_sources(host, name, lost, depth - 1) for name in files]
    return "\n".join(parts)
