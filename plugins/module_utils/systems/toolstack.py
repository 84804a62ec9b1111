# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that are about to have a VM, or have it already: ``xl`` and its helper, tasks of an API, node jobs.

An ``xl create`` may wait half a minute for a volume, with no domain and no open image to show for it, and then
succeed. ``xl`` stays as a daemon for the life of its domain; one that received a migration names nobody on its command
line, but its log is called after the domain.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, List, Mapping, Sequence, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Host, Missing, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.process_table import (
    BYSTANDER,
    DEAD,
    UNINTERRUPTIBLE,
    Stat,
    ancestors,
    arguments,
    program,
)

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LOG = re.compile(r"/xl-(.+)\.log$")
_PART = re.compile(r"--(incoming|migratedaway)$")
_HELPER = "libxl-save-helper"
_TOOLS = ("xl", "xm", _HELPER)
# verbs of xl that change nothing and may run for long
_LOOKS = re.compile(r"^(console|dmesg|domid|domname|help|info|list|top|uptime|vncviewer|.*-list)$")
_SHELL = re.compile(r"^([bdz]a|k|z)?sh$")


@dataclass(frozen=True)
class Tool:
    """``names``: UUIDs, names and paths of the VMs it works on; empty: it may work on any.

    ``restores``: it names none, and already restores the memory of a domain that is being received.
    """

    pid: int
    command: str
    names: Tuple[str, ...]
    restores: bool = False


@dataclass(frozen=True)
class Facts:
    """``commands``: pid to command line, of every process that could be read."""

    tools: Tuple[Tool, ...]
    commands: Mapping[int, Sequence[str]]
    missing: Tuple[Missing, ...] = ()


def named(words: Sequence[str], roots: Sequence[str]) -> Tuple[str, ...]:
    """The VMs that a command line names: UUIDs, ``.cfg`` files, what lies below the image roots. Pure."""
    found: Dict[str, None] = {}
    for word in words:
        found.update(dict.fromkeys(one.lower() for one in _UUID.findall(word)))
        # --config=/data/… too
        for part in re.split(r"[=:,\s]", word):
            below = any(part.startswith(root.rstrip("/") + "/") for root in roots)
            if part.startswith("/") and (below or part.endswith(".cfg")):
                found[part] = None
    return tuple(found)


def probe(host: Host, processes: Mapping[int, Stat], roots: Sequence[str], incoming: Sequence[str]) -> Facts:
    """``incoming``: the UUIDs of domains that are being received."""
    if 1 not in processes:
        return Facts((), {}, (Missing("/proc/*/cmdline", Problem.DENIED, Phrase("processes_hidden")),))
    own = ancestors(dict(processes), host.link("/proc/self") or "")
    lost: List[Missing] = []
    commands: Dict[int, List[str]] = {}
    for stat in processes.values():
        if stat.in_kernel or stat.state in DEAD:
            continue
        if stat.state != UNINTERRUPTIBLE:
            commands[stat.pid] = arguments(host, stat.pid)
        elif not BYSTANDER.match(stat.name):
            said = Phrase("process_sleeps", stat.name, stat.pid)
            lost.append(Missing("/proc/%d/cmdline" % stat.pid, Problem.BLOCKED, said))
    found = {pid: words for pid, words in commands.items() if pid not in own and _works(words, roots)}
    parents = {processes[pid].parent for pid, words in found.items() if program(words) == _HELPER}
    tools = []
    for pid, words in sorted(found.items()):
        names = _names(host, pid, words, roots)
        parent = processes[pid].parent
        if not names and parent in found:
            names = _names(host, parent, found[parent], roots)
        restores = not names and (pid in parents or program(words) == _HELPER)
        if restores:
            # whoever already restores memory has made its domain
            names = tuple(incoming)
        tools.append(Tool(pid, " ".join(words)[:300], names, restores))
    return Facts(tuple(tools), commands, tuple(lost))


def _works(words: Sequence[str], roots: Sequence[str]) -> bool:
    name = program(words)
    if name in _TOOLS:
        return not (name != _HELPER and _LOOKS.match(_verb(words)))
    if _SHELL.match(name):
        # a script is a task; what -c quotes runs as a process of its own
        return len(words) > 1 and not words[1].startswith("-") and bool(named(words, roots))
    return not BYSTANDER.match(name) and "-xen-domid" not in words and bool(named(words, roots))


def _verb(words: Sequence[str]) -> str:
    return next((word for word in words[1:] if not word.startswith("-")), "")


def _names(host: Host, pid: int, words: Sequence[str], roots: Sequence[str]) -> Tuple[str, ...]:
    found = dict.fromkeys(named(words, roots))
    if program(words) in ("xl", "xm"):
        # a domain by its own name: whatever follows the verb and is no option
        rest = [word for word in words[1:] if not word.startswith("-")][1:]
        found.update(dict.fromkeys(rest))
        logs = {_LOG.search(host.link("/proc/%d/fd/%d" % (pid, fd)) or "") for fd in (1, 2)}
        found.update(dict.fromkeys(_PART.sub("", log.group(1)) for log in logs if log))
    return tuple(found)
