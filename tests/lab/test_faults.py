# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault is found, nothing else is, and it is gone after the repair."""

from __future__ import annotations

import time

import pytest

from broken import broken
from controller import Outcome, Playbook
from expectations import EXPECTATIONS, contradictions
from faults import FAULTS
from lifecycle import Lab
from topology import NODES

PATIENCE = 60

pytestmark = pytest.mark.timeout(900)


def well_again(boot_check: Playbook) -> Outcome:
    """The check, run until it finds nothing or the patience ends: what was repaired may need a moment."""
    deadline = time.monotonic() + PATIENCE
    while any((outcome := boot_check()).problems.values()) and time.monotonic() < deadline:
        time.sleep(5)
    return outcome


def assert_fit(outcome: Outcome) -> None:
    assert outcome.problems == {node.name: set() for node in NODES}
    assert outcome.verdicts == {node.name: "fit" for node in NODES}


def test_each_fault_is_in_the_table() -> None:
    assert set(EXPECTATIONS) == set(FAULTS)


def test_a_healthy_lab_is_fit(boot_check: Playbook) -> None:
    assert_fit(boot_check())


def test_faults_made_together_are_all_found(batch: list[tuple[str, str]], lab: Lab, boot_check: Playbook) -> None:
    with broken(lab, *batch):
        assert contradictions(batch, boot_check().problems) == []
    assert_fit(well_again(boot_check))


@pytest.mark.soak
@pytest.mark.parametrize("fault", EXPECTATIONS)
def test_a_fault_alone_is_found(fault: str, lab: Lab, boot_check: Playbook) -> None:
    alone = (fault, FAULTS[fault].node)
    with broken(lab, alone):
        assert contradictions([alone], boot_check().problems) == []
    assert_fit(well_again(boot_check))
