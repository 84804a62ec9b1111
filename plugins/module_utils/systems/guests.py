# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many guests run on this node, for what must not be done under them."""

from __future__ import annotations

from typing import Optional

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Host, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood


def parse_xl_list(text: str) -> int:
    """``xl list``: domains besides dom0. A dead one that is still listed counts: it may be preserved for a reason."""
    heading, *rows = text.split("\n") if text else [""]
    if heading.split()[:2] != ["Name", "ID"]:
        raise NotUnderstood(heading.strip()[:200] or "empty output")
    names = [row.split()[0] for row in rows if row.strip()]
    if "Domain-0" not in names:
        raise NotUnderstood("Domain-0 is not listed")
    return len(names) - 1


def running(host: Host) -> Optional[int]:
    """None when it cannot be told."""
    if "control_d" in host.read("/proc/xen/capabilities").stdout:
        answer = host.run(["xl", "list"], timeout=10.0)
        try:
            return parse_xl_list(answer.stdout) if answer.ok and not answer.rc else None
        except NotUnderstood:
            return None
    names = [host.read(path) for path in host.glob("/proc/[0-9]*/comm")]
    if any(name.problem is Problem.DENIED for name in names):
        return None
    return sum(1 for name in names if name.stdout.startswith("qemu-"))
