# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of M(cloudops.hypervisor.health_report): the module declares them, the action carries them out."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.model import FAIL_ON
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.words import LANGUAGES

HEALTH_REPORT: Dict[str, Any] = {
    "argument_spec": {
        "job": {"type": "str", "default": "node_health"},
        "results": {"type": "str", "default": "node_health_result"},
        "directory": {"type": "path"},
        "language": {"type": "str", "choices": list(LANGUAGES), "default": "en"},
        "fail_on": {"type": "str", "choices": list(FAIL_ON), "default": "critical"},
        "statuses": {"type": "dict", "default": {}},
        "run_id": {"type": "str"},
        "part": {"type": "str"},
        "parts": {"type": "int", "default": 1},
        "store_url": {"type": "str", "no_log": True},
    },
}
