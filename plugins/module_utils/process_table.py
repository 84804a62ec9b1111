# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which processes run, from /proc alone.

The command line of one that sleeps in the kernel is left alone: reading it may wait for the same lock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, List, Sequence, Set

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Host
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood

# what shows a pattern in its command line because a person, a shell or a log reader was given it
BYSTANDER = re.compile(
    r"^([bdz]a|k|z)?sh$|^[efz]?grep$|^[gm]?awk$|^(cat|cp|du|ed|emacs.*|find|head|ionice|joe|journalctl|less|ln|login"
    r"|logger|lsof|man|mc|mcedit|more|mv|nano|nice|nohup|ps|rm|rsync|scp|screen|sed|service|setsid|sftp(-server)?|sshd?"
    r"|start-stop-daemon|strace|sudo|su|systemctl|tail|tar|tee|timeout|tmux.*|top|view|vim?(\..*)?|vimdiff|watch|xargs)$"
)
UNINTERRUPTIBLE = "D"
DEAD = ("Z", "X", "x")
_KTHREADD = 2


@dataclass(frozen=True)
class Stat:
    """/proc/PID/stat, as far as it is used."""

    pid: int
    name: str
    state: str
    parent: int

    @property
    def in_kernel(self) -> bool:
        """Kernel threads are the children of kthreadd."""
        return _KTHREADD in (self.pid, self.parent)


def parse_stat(text: str) -> Stat:
    """/proc/PID/stat. The name may hold blanks and parentheses."""
    match = re.match(r"^([0-9]{1,9}) \((.*)\) ([A-Za-z]) ([0-9]{1,9})(?: |$)", text.strip(), re.DOTALL)
    if not match:
        raise NotUnderstood(text.strip()[:200] or "empty output")
    return Stat(int(match.group(1)), match.group(2), match.group(3), int(match.group(4)))


def read_processes(host: Host) -> Dict[int, Stat]:
    """By pid. Without pid 1 the processes of others are hidden."""
    stats = _read(host, host.glob("/proc/[0-9]*"))
    # most waits for a disk are over in a moment: only who still sleeps then is left alone
    asleep = ["/proc/%d" % one.pid for one in stats.values() if one.state == UNINTERRUPTIBLE]
    if asleep:
        host.wait(0.2)
        stats.update(_read(host, asleep))
    return stats


def _read(host: Host, folders: Sequence[str]) -> Dict[int, Stat]:
    found = {}
    for folder in folders:
        answer = host.read(folder + "/stat")
        try:
            stat = parse_stat(answer.stdout)
        except NotUnderstood:
            # it has ended since it was listed
            continue
        found[stat.pid] = stat
    return found


def ancestors(stats: Dict[int, Stat], own: str) -> Set[int]:
    """This process and those that started it, whose command lines may quote anything; ``own``: what /proc/self is."""
    found: Set[int] = set()
    pid = int(own) if re.match(r"^[0-9]{1,9}$", own) else 0
    while pid > 1 and pid not in found:
        found.add(pid)
        pid = stats[pid].parent if pid in stats else 0
    return found


def arguments(host: Host, pid: int) -> List[str]:
    """Empty for one that has ended or has none."""
    return [word for word in host.read("/proc/%d/cmdline" % pid).lines if word]


def program(words: Sequence[str]) -> str:
    """The name a command line runs under, without its folder; a login shell has a hyphen before it."""
    return words[0].partition(" ")[0].rpartition("/")[2].lstrip("-") if words else ""
