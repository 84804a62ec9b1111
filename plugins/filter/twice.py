# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import twice


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"vm_writers": twice.writers, "vm_keep_obstacles": twice.keep_obstacles}
