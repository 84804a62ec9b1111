# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import conclude
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.vnc_truth import (
    Domain,
    Node,
    Row,
    compare,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.vnc import TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.vnc import table
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import Display, Port, VmUuid

A, B, C = (VmUuid(f"{one}aaac9c-5b99-4229-9f83-0bf6b6dd8077") for one in ("21", "40", "3a"))


def sync(changed: bool, *changes: dict, command_line: Display | None = None) -> dict:
    """One in step, one whose truths disagree, one that is off."""
    ports: dict = {"xenstore": Port(5950), "listening": Port(5950)}
    domains = (
        Domain(1, A, **ports, command_line=command_line),
        Domain(2, B, xenstore=Port(5951), listening=Port(5952)),
    )
    rows = [Row(A, "n1", Display(50), "web\x1b[2J"), Row(B, "n1", Display(51)), Row(C, "n1", Display(52))]
    found = compare(rows, [Node("n1", domains)], ["n1"])
    vms = [
        {
            "vm": one.vm,
            "name": one.row.name or None,
            "standing": one.standing.value,
            "database_display": one.row.display.number,
            "display": one.truth.display.number if one.truth else None,
        }
        for one in found.vms
    ]
    health = conclude("vnc", found.findings()["n1"], {"vms": vms}, TABLE)
    return {"changed": changed, "changes": list(changes), "nodes": {"n1": {"checks": {"vnc": health}}}}


def test_every_vm_has_a_line_that_cannot_move_the_cursor():
    lines = table(sync(False), width=160)
    assert len(lines) == 5
    by_vm = {vm: next(line for line in lines if vm in line) for vm in (A, B, C)}
    assert "web\\x1b[2J" in by_vm[A] and "display 50, as the database says" in by_vm[A]
    assert "more than one port" in by_vm[B] and "runs on no node" in by_vm[C]


def test_what_was_or_would_be_corrected_says_so_in_both_languages():
    change = {"vm": A, "node": "n1", "before": 49, "after": 50}
    assert any("corrected from 49 to 50" in line and A in line for line in table(sync(True, change)))
    assert any("would be corrected from 49" in line for line in table(sync(False, change)))
    assert any("49 에서 50 (으)로 수정함" in line for line in table(sync(True, change), "ko"))
    empty = {**change, "before": None}
    assert any("corrected from NULL" in line for line in table(sync(True, empty)))


def test_a_command_line_that_lies_is_named_where_it_would_be_believed():
    lines = " ".join(" ".join(table(sync(False, command_line=Display(49)), width=160)).split())
    assert "its command line says display 49, it really has 50: ps misleads here" in lines


def test_the_quiet_ones_can_be_counted_instead():
    lines = table(sync(False), every=False)
    assert lines[-1] == "2 more VMs are in step or off" and not [line for line in lines if A in line]
    assert table(sync(False), "ko", every=False)[-1] == "그 외 VM 2개는 일치하거나 꺼져 있음"


def test_the_words_of_a_newer_version_are_shown_as_they_came():
    newer = sync(False)
    health = newer["nodes"]["n1"]["checks"]["vnc"]
    for finding, fact in zip(health["findings"], health["facts"]["vms"], strict=False):
        finding.update(code="vnc_new", message="said by a newer version", subject=fact["vm"])
        fact["standing"] = "vnc_new"
    assert any("said by a newer version" in line for line in table(newer, colored=True))
