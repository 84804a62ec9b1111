# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudops.hypervisor.plugins.module_utils.epoch import Epoch
from ansible_collections.cloudops.hypervisor.plugins.module_utils.refusal import Refusal

NUMBERS = st.integers(1, 2**63 - 1)


@given(own=NUMBERS, known=NUMBERS)
def test_an_epoch_is_good_exactly_until_a_newer_one_is_known(own, known):
    if own >= known:
        Epoch("zone-a", own).check(Epoch("zone-a", known), "here")
        return
    with pytest.raises(Refusal) as refusal:
        Epoch("zone-a", own).check(Epoch("zone-a", known), "here")
    assert refusal.value.as_dict()["values"] == {"newest": known, "epoch": own, "where": "here"}


def test_nothing_known_refuses_nothing_and_another_zone_everything():
    Epoch("zone-a", 1).check(None, "here")
    with pytest.raises(Refusal) as refusal:
        Epoch("zone-a", 9).check(Epoch("zone-b", 1), "n1")
    assert refusal.value.code == "other_zone" and str(Epoch("zone-a", 9)) == "zone-a/9"


@pytest.mark.parametrize(("zone", "number"), [("", 1), ("a\nb", 1), ("x" * 65, 1), ("a", 0), ("a", -1), ("a", 2**63)])
def test_what_is_no_epoch_is_refused(zone, number):
    with pytest.raises(ValueError, match="wanted"):
        Epoch(zone, number)
