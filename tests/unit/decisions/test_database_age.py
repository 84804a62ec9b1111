# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.database_age import (
    Known,
    Row,
    Written,
    doubts,
)

VM = "0000000a-5b99-4229-9f83-0bf6b6dd8077"
KEPT = Known("7400", 1, 900, {VM: Written("n1", 50, 51)})
NOW = Known("7400", 1, 901)
ROWS = {VM: Row("n1", 51)}


def said(kept=KEPT, now=NOW, replica=False, rows=None, proven=()) -> list[str]:
    return [phrase.code for phrase in doubts(kept, now, replica, ROWS if rows is None else rows, proven)]


def test_the_one_that_was_corrected_is_trusted():
    assert said() == []


def test_one_that_was_never_corrected_is_trusted_but_no_replica():
    assert said(kept=None) == []
    assert said(kept=None, replica=True) == ["uxen_replica"]


@pytest.mark.parametrize(
    ("now", "code"),
    [
        (replace(NOW, system="7401"), "uxen_other_system"),
        (replace(NOW, timeline=2), "uxen_other_timeline"),
        (replace(NOW, transaction=900), "uxen_older"),
        (replace(NOW, transaction=12), "uxen_older"),
    ],
)
def test_another_a_promoted_and_an_older_one_are_not(now, code):
    assert said(now=now) == [code]


@pytest.mark.parametrize("was", [50, None])
def test_a_row_that_has_lost_its_correction_tells_of_older_contents(was):
    kept = replace(KEPT, written={VM: Written("n1", was, 51)})
    assert said(kept=kept, rows={VM: Row("n1", was)}) == ["uxen_row_back"]


def test_a_row_that_went_on_says_nothing():
    assert said(rows={VM: Row("n1", 60)}) == []
    assert said(rows={VM: Row("n2", 50)}) == []
    assert said(rows={}) == []
    assert said(rows={VM: Row("n1", 50)}, proven={VM}) == []


def test_what_is_kept_is_read_back_as_it_was():
    assert Known.parse(KEPT.as_dict()) == KEPT
