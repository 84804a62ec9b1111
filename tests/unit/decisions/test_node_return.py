# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.node_return import Back, obstacles

READY = Back("n1", fit=True, epoch_known=True, recovery_open=False, guests={"a": "n2", "b": "n3"})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"recovery_open": True}, "a recovery"),
        ({"guests": {"a": ""}}, "a is not proven"),
        # running on itself is no proof that it may come back
        ({"guests": {"a": "n1"}}, "a is not proven"),
        ({"guests": {"a": ""}, "released": ("a",)}, ""),
        ({"stale": ("a",)}, "a domain of a"),
        ({"fit": False}, "not fit"),
        ({"epoch_known": False}, "epoch"),
        # it is still off: nothing of it was read
        ({"fit": None, "epoch_known": False}, ""),
    ],
)
def test_what_stands_against_its_return(change, said):
    found = obstacles(replace(READY, **change))
    assert len(found) == bool(said)
    assert said in "".join(found)
