# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the journal's modules, which declare them, and of the actions, which carry them out."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import Phase

Declaration = Dict[str, Any]

_PHASES = [phase.value for phase in Phase]
_STORE: Declaration = {"store_url": {"type": "str", "no_log": True}}

JOURNAL: Declaration = {
    "argument_spec": {
        "job": {"type": "str", "required": True},
        "subject": {"type": "str", "required": True},
        "phase": {"type": "str", "required": True, "choices": _PHASES},
        "step": {"type": "str", "default": ""},
        "zone": {"type": "str", "default": ""},
        "plan": {"type": "str", "default": ""},
        "evidence": {"type": "dict", "default": {}},
        "lock": {"type": "str"},
        "epoch": {"type": "int"},
        **_STORE,
    },
    "required_together": [("lock", "epoch")],
}

JOURNAL_INFO: Declaration = {
    "argument_spec": {
        "job": {"type": "str"},
        "subject": {"type": "str"},
        "run": {"type": "str"},
        "zone": {"type": "str"},
        "step": {"type": "str"},
        "phase": {"type": "str", "choices": _PHASES},
        "since": {"type": "str"},
        "limit": {"type": "int", "default": 1000},
        "open": {"type": "str", "choices": ["jobs", "steps"]},
        **_STORE,
    },
    "mutually_exclusive": [("open", "step"), ("open", "phase"), ("open", "since")],
}

JOURNAL_LOCK: Declaration = {
    "argument_spec": {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "default": "held", "choices": ["held", "free", "broken"]},
        "what": {"type": "str"},
        "above": {"type": "int", "default": 0},
        "epoch": {"type": "int"},
        "reason": {"type": "str"},
        **_STORE,
    },
    "required_if": [("state", "held", ["what"]), ("state", "broken", ["epoch", "reason"])],
}
