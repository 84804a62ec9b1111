# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.fleet import Row, Zone, snapshot
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.fleet import page
from xen_answers import answer, config, domain, image, mac, uuid

VM = uuid(1)


ROWS = (Row(VM, "n1", 51, "web-1", "on"),)


def taken(rows=ROWS, nodes=("n1", "n2"), **answers):
    given = {"n1": answer("n1", domain(1)), "n2": answer("n2"), **answers}
    found = snapshot(Zone("zone-a", nodes, rows, "" if rows is not None else "down"), given, 1795255706.0)
    assert json.loads(json.dumps(found)) == found
    assert page(found) and page(found, "ko", problems=True)
    return found


def one(found, vm=VM):
    (same,) = (each for each in found["vms"] if each["vm"] == vm)
    return same


def test_a_vm_of_which_all_say_the_same_is_agreed():
    found = taken()
    assert found["verified"] and found["silent"] == [] and found["missing"] == {}
    vm = one(found)
    assert (vm["name"], vm["node"], vm["state"], vm["wanted"], vm["standing"]) == (
        "web-1",
        "n1",
        "running",
        "on",
        "agreed",
    )
    assert (vm["display"], vm["memory_mib"], vm["config"]) == (51, 128, config(1)["path"])
    assert (vm["disks"], vm["macs"]) == ([image(1)], [mac(1)])


def test_a_vm_that_is_off_has_what_a_start_needs():
    vm = one(taken(n1=answer("n1")))
    assert (vm["node"], vm["state"], vm["standing"]) == (None, "off", "agreed")
    assert (vm["memory_mib"], vm["configured_display"], vm["display"]) == (128, 51, None)


@pytest.mark.parametrize(
    ("answers", "rows", "why"),
    [
        ({"n2": answer("n2", domain(1))}, None, "it has domains on n1, n2"),
        ({}, (Row(VM, "n2", 51),), "the database has it on n2, and it is on n1"),
        ({}, (), "it runs, and is not in the database"),
        ({}, (Row(VM, "n1", 51), Row(VM, "n1", 52)), "the database has 2 rows of it"),
        ({"n1": answer("n1", domain(1, state="paused"))}, None, "its domain is paused"),
        ({"n1": answer("n1", domain(1, incoming=True))}, None, "n1: domain 1 is one end of a migration"),
        ({"n2": answer("n2", configs=[config(1, path="/local/x.cfg")])}, None, "it has different .cfg"),
    ],
)
def test_what_disagrees_goes_in_as_disputed(answers, rows, why):
    vm = one(taken(rows=(Row(VM, "n1", 51),) if rows is None else rows, **answers))
    assert vm["standing"] == "disputed" and any(why in said for said in vm["why"])


def test_a_drifted_display_is_noted_and_disputes_nothing():
    vm = one(taken(rows=(Row(VM, "n1.example", 77),)))
    assert (
        vm["standing"] == "agreed"
        and vm["display"] == 51
        and (vm["row"]["node"], vm["row"]["display"]) == ("n1.example", 77)
    )


def test_what_may_be_on_a_silent_node_is_unknown():
    found = taken(nodes=("n1", "n2", "n3"), n1=answer("n1"))
    assert found["silent"] == ["n3"] and not found["verified"] and one(found)["standing"] == "unknown"
    lost = answer("n1", domains=None)
    assert one(taken(n1=lost))["standing"] == "unknown"
    assert taken(n1=lost)["missing"] == {"n1": ["its domains"]}


def test_a_database_that_is_down_disputes_nothing():
    found = taken(rows=None)
    assert not found["verified"] and found["database"] == "down" and one(found)["standing"] == "agreed"
    assert one(found)["row"] is None and any("down" in line for line in page(found))


NODES = st.sampled_from(["n1", "n2", "n3"])


@given(st.sets(NODES), st.sets(NODES), st.lists(st.builds(Row, st.just(VM), NODES, st.just(51)), max_size=2))
def test_only_one_place_that_the_database_knows_is_agreed(answering, having, rows):
    answers = {name: answer(name, *[domain(1)] * (name in having)) for name in answering}
    found = snapshot(Zone("zone-a", ("n1", "n2", "n3"), tuple(rows)), answers, 0.0)
    seen = sorted(answering & having)
    for vm in found["vms"]:
        if vm["standing"] == "agreed":
            assert (not seen and len(answering) == 3) or [row.node for row in rows] == seen
        if len(seen) > 1:
            assert vm["standing"] == "disputed"
