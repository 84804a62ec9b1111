# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.host_names import is_address, is_name, same_host


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("n1", "n1", True),
        ("n1", "n1.zone1", True),
        ("n1.zone1", "n1", True),
        ("n1.zone1", "n1.zone2", False),
        ("10.0.0.1", "10.9.9.9", False),
        ("10", "10.0.0.1", False),
        ("n1", "n2", False),
    ],
)
def test_a_domain_may_be_left_out_and_an_address_is_never_shortened(one, other, same):
    assert same_host(one, other) is same


def test_names_and_addresses_are_told_apart():
    assert is_address("10.0.0.1") and is_address("fe80::1%eth0")
    assert not is_address("10.0.0.300") and not is_address("n1")
    assert is_name("ntp.example.net") and is_name("n_1")
    assert not is_name("a b") and not is_name("-h") and not is_name("") and not is_name("x" * 300)
