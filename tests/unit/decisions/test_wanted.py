# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.wanted import Kept, Want, wanted

DAY = 24 * 3600.0
NOW = 10 * DAY
FRESH, OLD = NOW - DAY / 2, NOW - 2 * DAY


@pytest.mark.parametrize(
    ("column", "kept", "asked", "expected"),
    [
        (True, None, None, Want.RUNS),
        (False, None, None, Want.STAYS_OFF),
        # the column is newer than any snapshot
        (False, Kept(FRESH, True), None, Want.STAYS_OFF),
        (None, Kept(FRESH, True), None, Want.RUNS),
        (None, Kept(FRESH, False), None, Want.STAYS_OFF),
        (None, Kept(OLD, True), None, Want.ASK),
        (None, Kept(OLD, True), "kim", Want.RUNS),
        # it was off then, and nobody starts it on that
        (None, Kept(OLD, False), None, Want.STAYS_OFF),
        (None, None, "kim", Want.NOT_KNOWN),
        (True, Kept(FRESH, True, "two domains"), None, Want.DISPUTED),
        (None, Kept(FRESH, True, "two domains"), "kim", Want.DISPUTED),
        (False, Kept(FRESH, True, "two domains"), None, Want.STAYS_OFF),
    ],
)
def test_wanted(column, kept, asked, expected):
    found = wanted(column, kept, NOW, asked)
    assert found.want is expected and found.why
