# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.clock_correction import Clock, Rules, plan
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import plain


def clock_correction(clock: Mapping[str, Any], daemon: str, running: bool, rules: Mapping[str, Any]) -> dict[str, Any]:
    read = Clock(clock["ahead"], clock["guests"], clock["ntpdate"])
    planned: dict[str, Any] = plain(asdict(plan(daemon, running, read, Rules(**rules))))
    return planned


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"clock_correction": clock_correction}
