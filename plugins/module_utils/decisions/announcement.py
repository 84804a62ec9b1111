# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of o2cb that the journal says were written for the next start of a zone.

Until that start a node runs other values than its file says. Without an announcement that is critical, because nobody
may know of it; with one it is a warning that has a date.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, Mapping

JOB = "heartbeat_threshold"


def announced(records: Iterable[Mapping[str, Any]], node: str) -> Dict[str, Dict[str, Any]]:
    """The policy that the node's newest finished record stands for, by check; ``records`` are the oldest first."""
    policy: Dict[str, Dict[str, Any]] = {}
    for record in records:
        about = (record["job"], record["subject"], record["phase"], record["step"])
        if about == (JOB, node, "done", ""):
            settings = {"heartbeat_threshold": int(record["evidence"]["threshold"])}
            policy = {"o2cb": {"announced": settings, "announced_on": record["at"][:10]}}
    return policy
