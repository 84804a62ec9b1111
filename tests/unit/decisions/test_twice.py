# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.twice import keep_obstacles, writers

HERE, THERE = {"host": "n1", "id": 3}, {"host": "n2", "id": 5}


def counted(**hosts):
    return {
        host: [{"domain": number, "device": f"vbd-{number}-{at}", "written": each} for at, each in given]
        for host, (number, given) in hosts.items()
    }


def asked(before, after):
    """What vm_counts_info gave for each host: the count in the middle says nothing here."""
    hosts = {*before, *after}
    rounds = {host: [before.get(host, []), [], after.get(host, [])] for host in hosts}
    return {host: {"rounds": [{"writes": each} for each in given]} for host, given in rounds.items()}


def test_the_one_that_wrote_in_between_wrote_last():
    before = counted(n1=(3, [(0, 4096), (1, 10)]), n2=(5, [(0, 9000)]))
    after = counted(n1=(3, [(0, 4096), (1, 10)]), n2=(5, [(0, 9512)]))
    assert writers([HERE, THERE], asked(before, after)) == [
        {"host": "n1", "id": 3, "wrote": 0, "total": 4106, "wrote_last": False}
        | {"said": "n1, domain 3: 0 bytes while it was counted, 4106 in all"},
        {"host": "n2", "id": 5, "wrote": 512, "total": 9512, "wrote_last": True}
        | {"said": "n2, domain 5: 512 bytes while it was counted, 9512 in all"},
    ]


@pytest.mark.parametrize(
    "after",
    [
        counted(n1=(3, [(0, 4097)]), n2=(5, [(0, 9001)])),  # both wrote
        counted(n1=(3, [(0, 4096)]), n2=(5, [(0, 9000)])),  # neither did
        counted(n1=(3, [(0, 9999)])),  # one could not be read
        counted(n1=(3, [(0, 9999)]), n2=(7, [(0, 9000)])),  # another domain's counter
    ],
)
def test_who_wrote_last_is_not_said_where_it_is_not_known(after):
    before = counted(n1=(3, [(0, 4096)]), n2=(5, [(0, 9000)]))
    assert [one["wrote_last"] for one in writers([HERE, THERE], asked(before, after))] == [None, None]


def test_a_copy_on_a_node_that_gave_no_answer_is_not_known():
    (told,) = writers([HERE], {"n1": {"unreachable": True}})
    assert (told["wrote"], told["said"]) == (None, "n1, domain 3: not known")


COUNTS = st.dictionaries(st.sampled_from(["n1", "n2"]), st.tuples(st.sampled_from([3, 5]), st.just([(0, 7)])))


@given(COUNTS, COUNTS)
def test_at_most_one_wrote_last(before, after):
    told = writers([HERE, THERE], asked(counted(**before), counted(**after)))
    assert sum(one["wrote_last"] is True for one in told) <= 1


def copy(host, paused=True, dying=False, number=3):
    return {"host": host, "id": number, "state": {"paused": paused, "dying": dying}}


def test_one_of_held_copies_may_be_kept():
    assert keep_obstacles({"domains": [copy("n1"), copy("n2")], "silent": []}, "n1") == []


@pytest.mark.parametrize(
    ("vm", "said"),
    [
        ({"domains": [copy("n1"), copy("n2", paused=False)], "silent": []}, "n2: domain 3 runs"),
        ({"domains": [copy("n1"), copy("n2", dying=True)], "silent": []}, "n2: domain 3 runs"),
        ({"domains": [copy("n1")], "silent": ["n2"]}, "n2 is silent"),
        ({"domains": [copy("n2")], "silent": []}, "n1 has no domain"),
        ({"domains": [copy("n1"), copy("n2"), copy("n2", number=4)], "silent": []}, "several domains"),
        ({}, "n1 has no domain"),
    ],
)
def test_nothing_is_destroyed_unless_all_are_held_and_all_answer(vm, said):
    assert any(said in one for one in keep_obstacles(vm, "n1"))
