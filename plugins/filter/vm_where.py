# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.utils.color import ANSIBLE_COLOR

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.vm_where import Lease, judge_lease
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import rendered, severity
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.vm_where import TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report import vm_where

# Ansible loads this file before it forks: a worker has no terminal to ask.
WIDTH = min(shutil.get_terminal_size((120, 24)).columns, 160)


def with_lease(where: Mapping[str, Any], lease: Mapping[str, Any]) -> dict[str, Any]:
    """The same, with what the lease says among the findings of its VM."""
    vms = []
    for vm in where["vms"]:
        record = lease.get("record") or {}
        holder = "{node}/{job}".format(**record) if record else ""
        problem = lease.get("problem") or str(lease.get("msg") or "no node read it")
        said = Lease(holder, bool(record.get("held")), lease.get("locked"), problem)
        health = vm["health"]
        findings = [*health["findings"], *(rendered(one, TABLE[one.code]) for one in judge_lease(vm["vm"], said))]
        findings.sort(key=lambda one: -severity(one["status"]))
        vms.append(
            {**vm, "lease": dict(lease), "health": {**health, "status": findings[0]["status"], "findings": findings}}
        )
    return {**where, "vms": vms}


def vm_where_page(
    where: Mapping[str, Any],
    lease: Mapping[str, Any] | None,
    records: Sequence[Mapping[str, Any]] | None,
    language: str = "en",
) -> list[str]:
    try:
        return vm_where.page(where, lease, records, language, WIDTH, ANSIBLE_COLOR)
    except ImportError as error:
        raise AnsibleFilterError(f"{error}. Install the Python package rich on the controller.") from error


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"vm_where_page": vm_where_page, "vm_with_lease": with_lease}
