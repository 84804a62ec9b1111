# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lease of a VM says on this node: the body of M(cloudops.hypervisor.vm_lease_info)."""

from __future__ import annotations

import time
from typing import Any, Dict, Mapping

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Host, LocalHost
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import plain
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.refusal import Refusal
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import lease
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import VmUuid


def argument_spec() -> Dict[str, Any]:
    """The options of M(cloudops.hypervisor.vm_lease_info)."""
    return {
        "vm": {"type": "str", "required": True},
        "volume": {"type": "path", "default": "/data"},
        "local": {"type": "bool", "default": False},
        "timeout": {"type": "float", "default": 10.0},
    }


def meant(params: Mapping[str, Any]) -> VmUuid:
    """The VM; PolicyError names the option that cannot be meant."""
    try:
        return VmUuid(params["vm"])
    except ValueError as error:
        raise PolicyError("vm", str(error)) from None


def answer(params: Mapping[str, Any]) -> Dict[str, Any]:
    """What :func:`read` gives, read on this node."""
    host = LocalHost().until(time.monotonic() + params["timeout"])
    return read(host, meant(params), params["volume"], params["local"], params["timeout"])


def read(host: Host, vm: VmUuid, volume: str, local: bool, timeout: float) -> Dict[str, Any]:
    """``{path, scope, record, locked, problem}``; ``locked`` is None where it cannot be told."""
    try:
        place = lease.place(host, volume, vm, local)
    except Refusal as error:
        return {"path": None, "scope": None, "record": None, "locked": None, "problem": error.said}
    found = lease.read(host, place.path, timeout)
    problem = "" if found.missing is None else "%s: %s" % (found.missing.reading, found.missing.detail)
    return {
        "path": place.path,
        "scope": place.scope.value,
        "record": plain(found.record),
        "locked": found.locked,
        "problem": problem,
    }
