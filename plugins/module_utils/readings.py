# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several systems read, quote and show in one way."""

from __future__ import annotations

import re
import time
from typing import Optional

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Host
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood

CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv", "/run/systemd/container")
_LOGS_DENIED = ("insufficient permissions", "not seeing messages", "Operation not permitted", "ermission denied")


def first_line(text: str) -> str:
    """What an error quotes of an output that is not understood."""
    return next((line.strip()[:200] for line in text.splitlines() if line.strip()), "empty output")


def parse_uptime(text: str) -> float:
    """/proc/uptime: seconds since boot."""
    match = re.match(r"^([0-9]{1,12}\.[0-9]+) ", text)
    if not match:
        raise NotUnderstood(first_line(text))
    return float(match.group(1))


def log_denied(answer: Answer) -> bool:
    """The tools' own words for a log that only root may read."""
    return any(words in answer.stderr for words in _LOGS_DENIED)


def container_mark(host: Host) -> str:
    """The file that says that this is a container, or nothing."""
    return next((mark for mark in CONTAINER_MARKS if host.read(mark).ok), "")


def shown(at: Optional[float]) -> str:
    """A time in seconds since the epoch for people."""
    return "-" if at is None else time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))
