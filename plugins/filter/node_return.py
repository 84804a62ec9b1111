# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import node_return


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"node_return_awaited": node_return.gate_obstacles}
