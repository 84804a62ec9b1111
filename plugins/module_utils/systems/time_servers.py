# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time servers in a daemon's configuration, text in and text out. Everything else in it stays as it is."""

from __future__ import annotations

import re
from typing import Callable, Dict, List, Sequence, Tuple

# a refclock (127.127.x.x) and its fudge would outvote, or stand in for, the one server
NTP_LINE = re.compile(r"^\s*(server|pool|peer|broadcastclient|multicastclient|manycastclient|fudge)\b", re.IGNORECASE)
CHRONY_LINE = re.compile(r"^\s*(server|pool|peer|refclock|initstepslew)\s", re.IGNORECASE)
# servers that DHCP leaves behind
CHRONY_DHCP = re.compile(r"^\s*sourcedir\s+/run/chrony-dhcp\b", re.IGNORECASE)
TIMESYNCD_KEYS = ("NTP", "FallbackNTP")


def edit_ntp(text: str, servers: Sequence[str]) -> str:
    """ntp.conf: these servers, in the place of the first one it had."""
    return _replaced(text, servers, lambda line: bool(NTP_LINE.match(line)))


def edit_chrony(text: str, servers: Sequence[str]) -> str:
    """chrony.conf. With no server: one of the files it includes, which are to have none."""
    return _replaced(text, servers, lambda line: bool(CHRONY_LINE.match(line) or CHRONY_DHCP.match(line)))


def edit_timesyncd(text: str, servers: Sequence[str]) -> str:
    """timesyncd.conf. With no server: a drop-in, which would go before it."""
    wanted = ["NTP=%s" % " ".join(servers), "FallbackNTP="] if servers else []
    lines: List[str] = []
    section, done = "", not wanted
    for line in _lines(text):
        heading = re.match(r"^\s*\[(.*)\]\s*$", line)
        if heading:
            if section == "Time" and not done:
                lines, done = lines + wanted, True
            section = heading.group(1)
        key = line.partition("=")[0].strip()
        if section == "Time" and key in TIMESYNCD_KEYS and "=" in line:
            if not done:
                lines, done = lines + wanted, True
            continue
        lines.append(line)
    if not done:
        lines += wanted if section == "Time" else ["[Time]"] + wanted
    return _text(lines)


EDITS: Dict[str, Callable[[str, Sequence[str]], str]] = {
    "ntpd": edit_ntp,
    "chronyd": edit_chrony,
    "timesyncd": edit_timesyncd,
}

# The file of each daemon, the first that is there; then what it includes, where a server may stand too.
MAIN_FILES: Dict[str, Tuple[str, ...]] = {
    "ntpd": ("/etc/ntpsec/ntp.conf", "/etc/ntp.conf"),
    "chronyd": ("/etc/chrony/chrony.conf", "/etc/chrony.conf"),
    "timesyncd": ("/etc/systemd/timesyncd.conf",),
}
INCLUDED: Dict[str, Tuple[str, ...]] = {
    "ntpd": ("/etc/ntpsec/ntp.d/*.conf",),
    "chronyd": (
        "/etc/chrony/conf.d/*.conf",
        "/etc/chrony/sources.d/*.sources",
        "/etc/chrony.d/*.conf",
        "/etc/chrony.d/*.sources",
    ),
    "timesyncd": ("/etc/systemd/timesyncd.conf.d/*.conf", "/run/systemd/timesyncd.conf.d/*.conf"),
}
SERVICES: Dict[str, Tuple[str, ...]] = {
    "ntpd": ("ntpsec", "ntp", "ntpd"),
    "chronyd": ("chrony", "chronyd"),
    "timesyncd": ("systemd-timesyncd",),
}


def _replaced(text: str, servers: Sequence[str], is_server: Callable[[str], bool]) -> str:
    """A wanted server's own line stays, with the options a site gave it."""
    lines: List[str] = []
    place, left = None, list(servers)
    for line in _lines(text):
        words = line.split()
        if not is_server(line):
            lines.append(line)
        elif words[0].lower() == "server" and words[1:2] and words[1] in left:
            left.remove(words[1])
            place = len(lines) if place is None else place
            lines.append(line)
        elif place is None:
            place = len(lines)
    if place is None:
        place = len(lines)
    return _text(lines[:place] + ["server %s iburst" % name for name in left] + lines[place:])


def _lines(text: str) -> List[str]:
    return text.split("\n")[:-1] if text.endswith("\n") else text.split("\n") if text else []


def _text(lines: Sequence[str]) -> str:
    return "".join(line + "\n" for line in lines)
