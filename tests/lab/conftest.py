# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from boot_check import BootCheck
from expectations import batches
from lifecycle import Lab

SEED = int(os.environ.get("CLOUDOPS_SEED") or random.SystemRandom().randrange(10**6))


def pytest_report_header() -> str:
    return f"CLOUDOPS_SEED={SEED} makes this sample of faults again"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "batch" in metafunc.fixturenames:
        metafunc.parametrize("batch", batches(SEED), ids=lambda batch: "+".join("@".join(fault) for fault in batch))


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The lab, up. One that was up before stays up."""
    lab = Lab()
    with lab.alone():
        was_up = lab.running()
        if lab.active_faults():
            pytest.fail(f"somebody is at work in the lab, repair all of it or end it: {lab.active_faults()}")
        try:
            lab.up()
            yield lab
        finally:
            if not was_up:
                lab.down()


@pytest.fixture(scope="session")
def boot_check(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> BootCheck:
    return BootCheck(tmp_path_factory.mktemp("boot_check"))
