# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the modules of jobs."""

from __future__ import annotations

from typing import Any, Dict

Declaration = Dict[str, Any]

NODE_JOB: Declaration = {
    "argument_spec": {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "default": "started", "choices": ["started", "stopped", "journalled"]},
        "kind": {
            "type": "str",
            "choices": ["vm_start", "vm_stop", "vm_pause", "vm_hold", "vm_migrate", "vm_settle", "vm_discard"],
        },
        "spec": {"type": "dict"},
        "zone": {"type": "str"},
        "epoch": {"type": "int"},
        "timeout": {"type": "float", "default": 300.0},
        "not_after": {"type": "float"},
        "wait": {"type": "bool", "default": True},
        "poll": {"type": "float", "default": 2.0},
        "patience": {"type": "float", "default": 60.0},
    },
    "required_if": [("state", "started", ["kind", "spec", "zone", "epoch"])],
}
NODE_JOB_INFO: Declaration = {"argument_spec": {"name": {"type": "str"}}}
NODE_EPOCH: Declaration = {
    "argument_spec": {
        "zone": {"type": "str", "required": True},
        "epoch": {"type": "int", "required": True},
        "begin": {"type": "bool", "default": False},
    },
}
