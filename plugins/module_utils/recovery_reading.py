# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything a recovery asks of a node, in one trip: the body of M(cloudops.hypervisor.recovery_info).

Its checks, so that it can be a witness and a target; its VMs; what became of the jobs it was given; and which addresses
answer it. A check waits for a heartbeat to move: the VMs are read and the addresses asked meanwhile.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils import (
    examination,
    lease_reading,
    vm_reading,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.beside import Beside
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import LocalHost
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood, plain
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import addresses, node_job, o2net_log
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import VmUuid

PROBED_WITHIN = 3.0
LEASE_WITHIN = 10.0


def argument_spec() -> Dict[str, Any]:
    """The options of M(cloudops.hypervisor.recovery_info)."""
    health = examination.argument_spec()
    return {
        "roots": {"type": "list", "elements": "str", "default": ["/data/domu"]},
        "checks": {**health["checks"], "default": ["mounts", "multipath", "o2cb"]},
        "policy": {"type": "dict", "default": {}},
        "statuses": health["statuses"],
        "addresses": {"type": "list", "elements": "str", "default": []},
        "greetings": {"type": "list", "elements": "str", "default": []},
        "leases": {"type": "list", "elements": "str", "default": []},
        "lease_volume": {"type": "path", "default": "/data"},
        "lease_local": {"type": "bool", "default": False},
        "timeout": {"type": "float", "default": 90.0},
    }


def refused_unless_meant(params: Mapping[str, Any]) -> None:
    """PolicyError names the option that cannot be meant."""
    examination.order(params)
    _vms(params)
    _leases(params)
    for name in ("addresses", "greetings"):
        _places(params, name)


def _places(params: Mapping[str, Any], name: str) -> List[Tuple[str, addresses.Place]]:
    try:
        return [(text, addresses.parse_place(text)) for text in params[name]]
    except NotUnderstood as error:
        raise PolicyError(name, str(error)) from None


def _leases(params: Mapping[str, Any]) -> List[VmUuid]:
    try:
        return [VmUuid(text) for text in params["leases"]]
    except ValueError as error:
        raise PolicyError("leases", str(error)) from None


def _vms(params: Mapping[str, Any]) -> vm_reading.Order:
    return vm_reading.Order(tuple(params["roots"]), params["timeout"])


def answer(params: Mapping[str, Any]) -> Dict[str, Any]:
    """What M(cloudops.hypervisor.recovery_info) returns, read on this node."""
    refused_unless_meant(params)
    host = LocalHost()
    began = host.now()
    places = [*_places(params, "addresses"), *_places(params, "greetings")]
    asked = Beside(lambda: addresses.ask_all(host, places, PROBED_WITHIN, params["greetings"]))
    reading = Beside(lambda: vm_reading.read(LocalHost(), _vms(params)))
    health = examination.answer(params)
    kept = node_job.answer({"do": "read", "name": ""})
    vms = reading.result(params["timeout"], None)
    replies = asked.result(params["timeout"], {})
    return {
        **health,
        "node": {**health["node"], "began": began, "ended": host.now()},
        "jobs": kept.get("jobs"),
        "zone": kept.get("zone"),
        "epoch": kept.get("epoch"),
        "lost_connections": plain(o2net_log.probe(host)),
        "answers": {name: reply.answers for name, reply in replies.items() if reply.answers is not None},
        "said": {name: reply.said for name, reply in replies.items()},
        "leases": {str(vm): _lease(host, vm, params) for vm in _leases(params)},
        "vms": vms,
    }


def _lease(host: LocalHost, vm: VmUuid, params: Mapping[str, Any]) -> Dict[str, Any]:
    return lease_reading.read(host, vm, params["lease_volume"], params["lease_local"], LEASE_WITHIN)
