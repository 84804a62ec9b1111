# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is mounted, and what should be: the kernel's mountinfo and /etc/fstab."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood

MOUNTINFO = "/proc/self/mountinfo"
FSTAB = "/etc/fstab"


@dataclass(frozen=True)
class Mount:
    """One line of mountinfo. ``number``: major:minor of the device; ``root``: the folder of it that is mounted."""

    id: int
    parent: int
    number: str
    root: str
    path: str
    options: Tuple[str, ...]
    fstype: str
    source: str
    super_options: Tuple[str, ...]

    @property
    def read_only(self) -> bool:
        return "ro" in self.options or "ro" in self.super_options

    @property
    def line(self) -> str:
        options = ",".join(dict.fromkeys(self.options + self.super_options))
        return "%s: %s on %s type %s (%s)" % (MOUNTINFO, self.source, self.path, self.fstype, options)

    def option(self, name: str) -> str:
        for word in self.super_options + self.options:
            key, _equals, value = word.partition("=")
            if key == name and value:
                return value
        return ""


@dataclass(frozen=True)
class Entry:
    """One entry of /etc/fstab."""

    source: str
    path: str
    fstype: str
    options: Tuple[str, ...] = ()

    @property
    def at_boot(self) -> bool:
        return "noauto" not in self.options


def parse_mountinfo(text: str) -> Tuple[Mount, ...]:
    """/proc/self/mountinfo, in the kernel's order."""
    return tuple(_mount(line) for line in text.split("\n") if line.strip())


def _mount(line: str) -> Mount:
    left, separator, right = line.partition(" - ")
    head, tail = left.split(" "), right.split(" ")
    if not separator or len(head) < 6 or len(tail) < 3 or not re.match(r"^[0-9]+ [0-9]+ [0-9]+:[0-9]+ ", line):
        raise NotUnderstood(line.strip()[:200])
    if len(head[0]) > 18 or len(head[1]) > 18:
        raise NotUnderstood(line.strip()[:200])
    return Mount(
        id=int(head[0]),
        parent=int(head[1]),
        number=head[2],
        root=_unescaped(head[3]),
        path=_unescaped(head[4]),
        options=tuple(head[5].split(",")),
        fstype=tail[0],
        source=_unescaped(tail[1]),
        super_options=tuple(tail[2].split(",")),
    )


def parse_fstab(text: str) -> Tuple[Tuple[Entry, ...], Tuple[str, ...]]:
    """The entries of /etc/fstab, or of /proc/self/mounts, and the lines that mount passes over."""
    entries, passed_over = [], []
    for line in text.split("\n"):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) < 3:
            passed_over.append(line.strip()[:200])
        else:
            options = tuple(words[3].split(",")) if len(words) > 3 else ()
            entries.append(Entry(_unescaped(words[0]), _unescaped(words[1]), words[2], options))
    return tuple(entries), tuple(passed_over)


def lies_on(path: str, folder: str) -> bool:
    """Is the path that folder, or below it? By their names: links are not followed."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _unescaped(word: str) -> str:
    """A blank, tab, newline, backslash or # is written as a backslash and three octal digits."""
    return re.sub(r"\\([0-3][0-7]{2})", lambda match: chr(int(match.group(1), 8)), word)
