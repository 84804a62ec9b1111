# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of actions that work on the controller alone: the module declares them, the action carries them out."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.uxen_api import UXEN_API
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.uxen_database import UXEN_DATABASE

Declaration = Dict[str, Any]

ROLE_OPTIONS: Declaration = {
    "argument_spec": {
        "entry_point": {"type": "str", "default": "main"},
        "results": {"type": "list", "elements": "str", "default": []},
        "policies": {"type": "list", "elements": "str", "default": []},
        "checks": {"type": "str"},
        "statuses": {"type": "str"},
    },
}

TELL: Declaration = {
    "argument_spec": {
        "to": {"type": "list", "elements": "str", "required": True, "no_log": True},
        "title": {"type": "str", "required": True},
        "text": {"type": "str", "default": ""},
    },
}

WORD: Declaration = {
    "question": {"type": "str", "required": True},
    "about": {"type": "str", "required": True},
    "yes": {"type": "bool", "required": True},
    "reason": {"type": "str", "required": True},
}

BMC: Declaration = {
    "address": {"type": "str", "required": True},
    "username": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
    "port": {"type": "int", "default": 623},
    "cipher": {"type": "int", "default": 17},
}

NODE_TRIAGE: Declaration = {
    "argument_spec": {
        "results": {"type": "str", "required": True},
        "probes": {"type": "str", "required": True},
        "controller_probe": {"type": "dict", "default": {}},
        "logs": {"type": "dict", "default": {}},
        "in_doubt": {"type": "bool", "required": True},
        "ssh": {"type": "str", "required": True},
        "vm_addresses": {"type": "list", "elements": "str", "default": []},
        "vm_macs": {"type": "dict", "default": {}},
        "vms": {"type": "list", "elements": "str", "default": []},
        "bmc": {"type": "dict", "options": BMC},
        "directory": {"type": "path", "default": "reports/hang_triage"},
        "store_url": {"type": "str", "no_log": True},
    },
}

OUTLETS: Declaration = {
    "agent": {"type": "str", "required": True},
    "plugs": {"type": "dict", "required": True},
    "options": {"type": "dict", "default": {}, "no_log": True},
}

BMC_POWER: Declaration = {
    "argument_spec": {
        "state": {"type": "str", "default": "read", "choices": ["read", "off", "on"]},
        "bmc": {"type": "dict", "required": True, "options": BMC},
        "identity": {"type": "str"},
        "second": {"type": "dict", "options": OUTLETS},
        "timeout": {"type": "float", "default": 60.0},
    },
    "required_if": [("state", "off", ["identity"]), ("state", "on", ["identity"])],
}

UXEN_DATABASE_LOCK: Declaration = {
    "argument_spec": {
        "zone": {"type": "str", "required": True},
        "state": {"type": "str", "default": "held", "choices": ["held", "free"]},
        "what": {"type": "str"},
        **UXEN_DATABASE,
    },
    "required_if": [("state", "held", ["what"])],
}

VNCPORT_SYNC: Declaration = {
    "argument_spec": {
        "state": {"type": "str", "default": "reported", "choices": ["reported", "synced"]},
        "zone": {"type": "str", "required": True},
        "nodes": {"type": "list", "elements": "str"},
        "readings": {"type": "str", "default": "xen_vm_info_result"},
        "max_age": {"type": "float", "default": 15.0},
        "config": {"type": "str", "default": "untouched", "choices": ["untouched", "corrected"]},
        "statuses": {"type": "dict", "default": {}},
        "lock": {"type": "str"},
        "epoch": {"type": "int"},
        "store_url": {"type": "str", "no_log": True},
        **UXEN_DATABASE,
    },
    "required_together": [("lock", "epoch")],
}

SOURCES = ("inventory", "database", "cluster_conf", "heartbeat")
VM_ZONE: Declaration = {
    "zone": {"type": "str", "required": True},
    "readings": {"type": "list", "elements": "str", "default": ["vm_where_first", "vm_where_second"]},
    "sources": {"type": "list", "elements": "str", "choices": list(SOURCES), "default": list(SOURCES)},
    "store_url": {"type": "str", "no_log": True},
    **UXEN_DATABASE,
}
FLEET_SNAPSHOT: Declaration = {
    "argument_spec": {
        "state": {"type": "str", "default": "taken", "choices": ["taken", "read"]},
        "keep": {"type": "int", "default": 90},
        "date": {"type": "str", "default": ""},
        "verified": {"type": "bool", "default": False},
        "show": {"type": "str", "default": "all", "choices": ["all", "problems"]},
        "language": {"type": "str", "default": "en", "choices": ["en", "ko"]},
        **VM_ZONE,
    },
}
MIGRATION_PREFLIGHT: Declaration = {
    "argument_spec": {
        "vm": {"type": "str", "required": True},
        "target": {"type": "str", "required": True},
        "ends": {"type": "str", "required": True},
        "reserve": {"type": "int", "default": 64},
        "statuses": {"type": "dict", "default": {}},
        "language": {"type": "str", "default": "en", "choices": ["en", "ko"]},
        **VM_ZONE,
    },
}
NODE_MAINTENANCE: Declaration = {
    "argument_spec": {
        "node": {"type": "str", "required": True},
        "state": {"type": "str", "required": True, "choices": ["entered", "left"]},
        "reason": {"type": "str", "default": ""},
        "reading": {"type": "str", "default": "node_maintenance_reading"},
        "targets": {"type": "list", "elements": "str", "default": []},
        "zone": {"type": "str", "default": ""},
        "language": {"type": "str", "default": "en", "choices": ["en", "ko"]},
        "store_url": {"type": "str", "no_log": True},
    },
}
NODE_RETURN: Declaration = {
    "argument_spec": {
        "node": {"type": "str", "required": True},
        "state": {"type": "str", "default": "looked", "choices": ["looked", "alive", "returned"]},
        "health": {"type": "str", "default": "node_boot_check_result"},
        "gate": {"type": "str", "default": ""},
        "epoch_told": {"type": "bool", "default": True},
        "max_age": {"type": "float", "default": 15.0},
        "release": {"type": "str", "default": ""},
        "reason": {"type": "str", "default": ""},
        "wanted_running": {"type": "list", "elements": "str", "default": ["on", "running", "true", "t", "1"]},
        "language": {"type": "str", "default": "en", "choices": ["en", "ko"]},
        "lock": {"type": "str"},
        "epoch": {"type": "int"},
        **VM_ZONE,
    },
    "required_together": [("lock", "epoch")],
}
UXEN_VM_PLACE: Declaration = {
    "argument_spec": {
        "vm": {"type": "str", "required": True},
        "host": {"type": "str", "required": True},
        "max_age": {"type": "float", "default": 15.0},
        **VM_ZONE,
    },
}
VM_WHEREABOUTS: Declaration = {
    "argument_spec": {
        "vms": {"type": "list", "elements": "str", "required": True},
        "counts": {"type": "str", "default": ""},
        **VM_ZONE,
    },
}
ASK_PERSON: Declaration = {
    "argument_spec": {
        "question": {"type": "str", "required": True},
        "about": {"type": "str", "required": True},
        "text": {"type": "str", "required": True},
        "words": {"type": "list", "elements": "dict", "default": [], "options": WORD},
    },
}
PLAN: Declaration = {
    "argument_spec": {
        "state": {"type": "str", "default": "saved", "choices": ["saved", "read", "approved"]},
        "kind": {"type": "str"},
        "name": {"type": "str"},
        "body": {"type": "dict"},
        "plan": {"type": "int"},
        "sha256": {"type": "str"},
        "store_url": {"type": "str", "no_log": True},
    },
    "required_if": [
        ("state", "saved", ["kind", "name", "body"]),
        ("state", "read", ["plan"]),
        ("state", "approved", ["plan", "sha256"]),
    ],
}
HA_DECISION: Declaration = {
    "argument_spec": {
        **VM_ZONE,
        "state": {"type": "str", "default": "recover", "choices": ["recover", "plan"]},
        "readings": {"type": "list", "elements": "str", "default": ["ha_recovery_before", "ha_recovery_reading"]},
        "addresses": {"type": "dict", "default": {}},
        "node": {"type": "str", "default": "ha_recovery_node"},
        "wanted_running": {"type": "list", "elements": "str", "default": ["on", "running", "true", "t", "1"]},
        "snapshot_max_age": {"type": "float", "default": 86400.0},
        "vms": {"type": "dict", "default": {}},
        "limits": {"type": "dict", "default": {}},
        "policy": {"type": "dict", "default": {}},
        "placement": {"type": "dict", "default": {}},
        "hold": {"type": "dict"},
        "plan": {"type": "int"},
        "approval": {"type": "dict", "default": {}},
        "memory": {"type": "dict", "default": {}},
    },
}
HA_OUTLOOK: Declaration = {
    "argument_spec": {
        **VM_ZONE,
        "readings": {"type": "list", "elements": "str", "default": ["ha_outlook_reading"]},
        "node": {"type": "str", "default": "ha_recovery_node"},
        "checks": {"type": "list", "elements": "str", "default": ["mounts", "multipath", "o2cb"]},
        "snapshot_max_age": {"type": "float", "default": 86400.0},
        "vms": {"type": "dict", "default": {}},
        "placement": {"type": "dict", "default": {}},
        "uxen_api": {"type": "dict", "default": {}, "options": UXEN_API},
        "statuses": {"type": "dict", "default": {}},
    },
}
XEN_VM: Declaration = {
    "argument_spec": {
        "vm": {"type": "str", "required": True},
        "state": {"type": "str", "required": True, "choices": ["running", "stopped", "paused", "migrated"]},
        "proof": {"type": "dict", "required": True},
        "by": {"type": "str", "default": "xl", "choices": ["xl", "api"]},
        "zone": {"type": "str", "required": True},
        "epoch": {"type": "int", "required": True},
        "config": {"type": "path"},
        "volume": {"type": "path", "default": "/data"},
        "local": {"type": "bool", "default": False},
        "proven_ended": {"type": "str", "default": ""},
        "max_age": {"type": "float", "default": 15.0},
        "quiet": {"type": "float", "default": 60.0},
        "ha_held_off": {"type": "str", "default": ""},
        "grace": {"type": "float", "default": 120.0},
        "force": {"type": "bool", "default": False},
        "target": {"type": "str"},
        "target_address": {"type": "str"},
        "timeout": {"type": "float", "default": 300.0},
        "within": {"type": "list", "elements": "str", "default": []},
        "roots": {"type": "list", "elements": "str", "default": ["/data/domu"]},
        "uxen_api": {"type": "dict", "default": {}, "options": UXEN_API},
        "store_url": {"type": "str", "no_log": True},
    },
    "required_if": [("state", "migrated", ["target"])],
}
