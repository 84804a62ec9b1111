# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work beside other work."""

from __future__ import annotations

import threading

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.beside import Beside


def test_what_it_gave_is_waited_for():
    go_on = threading.Event()
    work = Beside(lambda: go_on.wait(60))
    go_on.set()
    assert work.result(60, "nothing") is True


def test_what_takes_too_long_is_left_behind():
    go_on = threading.Event()
    work = Beside(lambda: go_on.wait(60))
    assert work.result(0.01, "nothing") == "nothing"
    go_on.set()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_broke_gave_nothing():
    assert Beside(lambda: 1 // 0).result(60, "nothing") == "nothing"
