# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.guest_life import elsewhere, life, summary
from xen_answers import answer, domain, mac, uuid


@pytest.mark.parametrize(
    ("before", "after", "lives", "said"),
    [
        (domain(1), domain(1, cpu_ns=3_000_000), True, "its CPU time rose by 2 ms"),
        (domain(1), domain(1), False, "its CPU time stood still"),
        (domain(1), domain(1, state="paused", cpu_ns=3_000_000), False, "paused"),
        (domain(1), domain(1, state="crashed"), False, "crashed"),
        (None, domain(1), None, "only one reading has it"),
        (domain(1), None, None, "only one reading has it"),
        (domain(1), domain(2, 1), None, "only one reading has it"),
    ],
)
def test_a_domain_that_gets_cpu_time_lives(before, after, lives, said):
    rounds = [answer("n1", *([one] if one else []), age=age) for one, age in ((before, 2.0), (after, 0.0))]
    (guest,) = life(*rounds)
    assert guest.lives is lives and guest.why.startswith(said) and summary((guest,))[0].startswith("domain 1 web-")


def test_a_node_without_an_answer_has_no_guests():
    assert life({}, {}) == () and life(answer("n1", domains=None), {}) == ()


def test_those_that_live_come_first():
    rounds = [answer("n1", domain(1), domain(2)), answer("n1", domain(1), domain(2, cpu_ns=2_000_000))]
    assert [line.split()[2] for line in summary(life(*rounds))] == ["web-2:", "web-1:"]


def test_a_vm_is_found_by_its_mac_on_the_node_that_has_it():
    macs = {"10.0.0.21": mac(1).upper(), "10.0.0.22": mac(2)}
    assert elsewhere(macs, {"n1": answer("n1", domain(1)), "n3": {}}) == {"10.0.0.21": "n1"}
    assert elsewhere(macs, {"n1": answer("n1", domain(1, state="paused"))}) == {}


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_it_lives_exactly_when_its_cpu_time_rose(before, after):
    (guest,) = life(answer("n1", domain(1, cpu_ns=before)), answer("n1", domain(1, cpu_ns=after)))
    assert guest.lives is (after > before) and guest.vm == uuid(1)
