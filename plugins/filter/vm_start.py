# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import conclude
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import vm_devices, vm_start
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.vm_start import Guest, Wanted
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.vm_start import TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.refusal import said_by
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report import findings

_SECRET = re.compile(r"(?im)^(.*(?:pass|secret|token|credential|private)\w*\s*[\"']?\s*[=:]\s*).*$")
_INLINE = re.compile(r"(?i)((?:pass\w*|secret|token)\s*=\s*)[^\s,\"'\]]+")

Answer = Mapping[str, Any]


def before(
    vm: Answer, reading: Answer, needs: Answer, node: str, mounts: Sequence[str] = ("/data",), reserve_mib: int = 64
) -> dict[str, Any]:
    wanted = Wanted(node, tuple(mounts), int(reserve_mib))
    return conclude("vm_start", vm_start.before(wanted, vm, reading, needs), {}, TABLE)


def after(
    vm: Answer,
    first: Answer | None,
    needs: Answer,
    node: str,
    answers: Mapping[str, bool],
    said: Sequence[str] = (),
) -> dict[str, Any]:
    """``first``: the domain as the first reading after the start had it."""
    macs = [mac for bridge in needs.get("bridges") or () for mac in bridge["macs"]]
    guest = Guest(answers, tuple(said))
    return conclude("vm_start", vm_start.after(Wanted(node), vm, first, needs, guest, macs), {}, TABLE)


def failed(vm: str, node: str, refusal: Mapping[str, Any]) -> dict[str, Any]:
    return conclude("vm_start", [vm_start.refused(vm, node, said_by(refusal))], {}, TABLE)


def devices(
    vm: Answer,
    needs: Answer,
    api_macs: Sequence[str] | None = None,
    guest_disks: Sequence[str] | None = None,
    guest_macs: Sequence[str] | None = None,
) -> dict[str, Any]:
    """What to do, as ``act``, and each device in four columns, as ``lines``."""
    config = needs.get("config") or {}
    domain = vm["domains"][0] if len(vm["domains"]) == 1 else {"disks": [], "nics": []}
    lines = vm_devices.disks(vm["rows"], config.get("disks") or (), domain["disks"], guest_disks)
    lines += vm_devices.nics(api_macs, config.get("nics") or (), domain["nics"], guest_macs)
    verdict = vm_devices.judge(vm["vm"], lines)
    health = conclude("vm_devices", verdict.findings, {}, TABLE)
    return {**health, "act": verdict.act.value, "lines": [line.text for line in lines]}


def shown(check: Answer, language: str = "en") -> list[str]:
    return findings.lines(check, TABLE, language)


def without_secrets(text: str) -> str:
    """A text for the eyes of strangers."""
    return _INLINE.sub(r"\1***", _SECRET.sub(r"\1***", text))


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "vm_start_before": before,
            "vm_start_after": after,
            "vm_start_failed": failed,
            "vm_devices": devices,
            "vm_findings": shown,
            "without_secrets": without_secrets,
        }
