# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and addresses of hosts."""

from __future__ import annotations

import ipaddress
import re


def is_address(text: str) -> bool:
    """An IP address, with its zone where it needs one."""
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def is_name(text: str) -> bool:
    """What may be the name of a host."""
    return re.match(r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}$", text) is not None


def same_host(one: str, other: str) -> bool:
    """Two names of one host: with or without its domain. Addresses have dots too, and are never shortened."""
    if ("." in one) != ("." in other) and not (is_address(one) or is_address(other)):
        return one.partition(".")[0] == other.partition(".")[0]
    return one == other
