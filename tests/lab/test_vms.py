# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator does to one VM, on two Xen nodes under their faults. No guest may ever be seen to run twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

import vnc_cases
from conftest import SEED
from controller import Controller, Outcome
from guests import GUESTS_BY_NAME
from lifecycle import READY
from observer import Observer
from vnc_cases import Case
from xen_lab import XenLab

pytestmark = pytest.mark.timeout(1500)

PROBLEMS = ("warning", "unknown", "critical")
SYNCED = {"vncport_sync_state": "synced", "vncport_sync_fail_on": "never"}


@pytest.fixture
def controller(xen_lab: XenLab, tmp_path: Path) -> Controller:
    return Controller(xen_lab.inventory, tmp_path / "controller")


@pytest.fixture
def spoiled(xen_lab: XenLab, observed: Observer) -> Iterator[XenLab]:
    """A lab that is watched through the test and restored behind it."""
    yield xen_lab
    xen_lab.restore(READY)


def of_guests(outcome: Outcome) -> dict[str, set[str]]:
    """Guest to what the report finds wrong with it; what is about no guest stands under its own subject."""
    names = {guest.uuid: guest.name for guest in GUESTS_BY_NAME.values()}
    found: dict[str, set[str]] = {}
    for finding in outcome.findings:
        if finding["status"] in PROBLEMS:
            subject = str(finding["subject"]).partition(" ")[0]
            found.setdefault(names.get(subject, subject), set()).add(finding["code"])
    return found


def displays(lab: XenLab) -> dict[str, int | None]:
    with lab.database.connect() as connection:
        return dict(connection.execute("SELECT name, vnc_port FROM pengx_vm").fetchall())


# VNC ports


@contextmanager
def wrong(lab: XenLab, cases: list[Case]) -> Iterator[None]:
    with ExitStack() as stack:
        for case in cases:
            case.make(lab)
            stack.callback(case.undo, lab)
        yield


def check_ports(lab: XenLab, controller: Controller, cases: list[Case]) -> None:
    with wrong(lab, cases):
        before = displays(lab)
        told = controller.run("vncport_sync", vncport_sync_fail_on="never")
        assert told.rc == 0
        assert of_guests(told) == {guest: set(codes.split()) for case in cases for guest, codes in case.found.items()}
        assert displays(lab) == before
        synced = controller.run("vncport_sync", "--diff", **SYNCED)
        assert synced.rc == 0
        after = displays(lab)
        assert after == {**before, **{guest: number for case in cases for guest, number in case.displays.items()}}
        changed = {guest for guest in after if after[guest] != before[guest]}
        assert all(f"{GUESTS_BY_NAME[guest].uuid} {guest}" in synced.words for guest in changed)


def test_ports_that_are_wrong_are_found_and_corrected_where_the_truth_is_proven(
    xen_lab: XenLab, observed: Observer, controller: Controller
) -> None:
    check_ports(xen_lab, controller, vnc_cases.batch(SEED))
