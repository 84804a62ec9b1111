# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.utils.color import ANSIBLE_COLOR

from ansible_collections.cloudops.hypervisor.plugins.module_utils.report import vnc

# Ansible loads this file before it forks: a worker has no terminal to ask.
WIDTH = min(shutil.get_terminal_size((120, 24)).columns, 160)


def vnc_table(sync: Mapping[str, Any], language: str = "en", every: bool = True) -> list[str]:
    try:
        return vnc.table(sync, language, every, WIDTH, ANSIBLE_COLOR)
    except ImportError as error:
        raise AnsibleFilterError(f"{error}. Install the Python package rich on the controller.") from error


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"vnc_table": vnc_table}
