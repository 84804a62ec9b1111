# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import pytest

from controller import Controller, Playbook
from expectations import batches
from lifecycle import READY, Lab
from node_lab import NodeLab
from observer import Observer
from xen_lab import XenLab

L = TypeVar("L", bound=Lab)
SEED = int(os.environ.get("CLOUDOPS_SEED") or random.SystemRandom().randrange(10**6))


def pytest_report_header() -> str:
    return f"CLOUDOPS_SEED={SEED} makes the samples of this run again"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "batch" in metafunc.fixturenames:
        metafunc.parametrize("batch", batches(SEED), ids=lambda batch: "+".join("@".join(fault) for fault in batch))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of each sample one case is left to `make test`; the others are the sweep's."""
    samples: dict[str, list[pytest.Item]] = {}
    for item in items:
        if mark := item.get_closest_marker("sample"):
            samples.setdefault(mark.args[0], []).append(item)
    for name, cases in samples.items():
        kept = random.Random(f"{SEED} {name}").choice(cases)
        for case in cases:
            if case is not kept:
                case.add_marker(pytest.mark.soak)


class OneLab:
    """The lab that is up for these tests: there is room for one. One that was up before stays up.

    ``spoiled``: it is restored before anybody has it again; one that goes down is not.
    """

    def __init__(self) -> None:
        self.spoiled = False
        self._lab: Lab | None = None
        self._leave = ExitStack()

    def have(self, kind: type[L]) -> L:
        lab = self._lab
        if not isinstance(lab, kind):
            self.leave()
            lab = kind()
            self._leave.enter_context(lab.alone())
            if lab.active_faults():
                pytest.fail(f"somebody is at work in the lab, repair all of it or end it: {lab.active_faults()}")
            self._leave.callback(self._restore if lab.running() else lab.down)
            lab.up()
            self._lab, self.spoiled = lab, False
        self._restore()
        return lab

    def _restore(self) -> None:
        if self._lab and self.spoiled:
            self._lab.restore(READY)
            self.spoiled = False

    def leave(self) -> None:
        self._leave.close()
        self._lab = None


@pytest.fixture(scope="session")
def one_lab() -> Iterator[OneLab]:
    one = OneLab()
    yield one
    one.leave()


@pytest.fixture(scope="module")
def lab(one_lab: OneLab) -> Lab:
    """The node lab, up."""
    return one_lab.have(NodeLab)


@pytest.fixture
def xen_lab(one_lab: OneLab) -> XenLab:
    """The Xen lab, up."""
    return one_lab.have(XenLab)


@pytest.fixture
def spoiled(one_lab: OneLab, xen_lab: XenLab) -> XenLab:
    """A lab that nobody has as the test leaves it."""
    one_lab.spoiled = True
    return xen_lab


@pytest.fixture
def observed(xen_lab: XenLab, tmp_path: Path) -> Iterator[Observer]:
    """The Xen lab is watched through the test, in which no guest may ever run twice."""
    with Observer(xen_lab.namespace, tmp_path) as observer:
        yield observer
        doubles = observer.seen().doubles()
    assert doubles == []


@pytest.fixture
def controller(xen_lab: XenLab, tmp_path: Path) -> Iterator[Controller]:
    made = Controller(xen_lab.inventory, tmp_path / "controller")
    yield made
    made.leave()


@pytest.fixture
def other(xen_lab: XenLab, tmp_path: Path) -> Iterator[Controller]:
    """A second one, with a store of its own."""
    made = Controller(xen_lab.inventory, tmp_path / "other")
    yield made
    made.leave()


@pytest.fixture(scope="module")
def operator(lab: NodeLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    """Who runs playbooks on the lab of nodes, one test after the other."""
    made = Controller("lab", tmp_path_factory.mktemp("operator"))
    yield made
    made.leave()


@pytest.fixture(scope="module")
def boot_check(operator: Controller) -> Playbook:
    return Playbook("node_boot_check", operator, fail_on="never")
