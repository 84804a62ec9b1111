# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.utils.color import ANSIBLE_COLOR

from ansible_collections.cloudops.hypervisor.plugins.module_utils.report import recovery

# Ansible loads this file before it forks: a worker has no terminal to ask.
WIDTH = min(shutil.get_terminal_size((120, 24)).columns, 160)


def ha_page(decision: Mapping[str, Any], part: str, language: str = "en") -> list[str]:
    if part not in recovery.PARTS:
        raise AnsibleFilterError(f"part: one of {', '.join(recovery.PARTS)} is wanted, not {part!r}.")
    try:
        return recovery.page(decision, part, language, WIDTH, ANSIBLE_COLOR)
    except ImportError as error:
        raise AnsibleFilterError(f"{error}. Install the Python package rich on the controller.") from error


def ha_why(step: Mapping[str, Any], language: str = "en") -> str:
    return recovery.said(step["why"], step, language)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"ha_page": ha_page, "ha_why": ha_why}
