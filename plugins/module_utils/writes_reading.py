# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the domains of one VM have written so far: the body of M(cloudops.hypervisor.vm_writes_info)."""

from __future__ import annotations

import time
from typing import Any, Dict, Mapping

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import LocalHost
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import plain
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import vm_writes


def argument_spec() -> Dict[str, Any]:
    """The options of M(cloudops.hypervisor.vm_writes_info)."""
    return {
        "domains": {"type": "list", "elements": "int", "required": True},
        "timeout": {"type": "float", "default": 10.0},
    }


def answer(params: Mapping[str, Any]) -> Dict[str, Any]:
    host = LocalHost().until(time.monotonic() + params["timeout"])
    return {"at": host.now(), "writes": plain(vm_writes.probe(host, params["domains"]))}
