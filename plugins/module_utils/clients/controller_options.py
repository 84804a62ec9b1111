# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of actions that work on the controller alone: the module declares them, the action carries them out."""

from __future__ import annotations

from typing import Any, Dict

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
        "bmc": {"type": "dict", "options": BMC},
        "directory": {"type": "path", "default": "reports/hang_triage"},
        "store_url": {"type": "str", "no_log": True},
    },
}
