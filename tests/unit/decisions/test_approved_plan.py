# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.approved_plan import (
    Covered,
    Limits,
    covered,
)

ANY = Limits(moved=1.0)
STARTS = {f"vm{number}": "n1" for number in range(9)}
NODES = st.sampled_from(["n1", "n2", "n3"])


def plan(fences: dict[str, str] | None = None, starts: dict[str, str] | None = None) -> dict[str, Any]:
    return {"fences": fences or {}, "starts": starts or {}, "left": {}}


def test_the_same_plan_is_covered_whole() -> None:
    today = plan({"n9": "row 20: off"}, STARTS)
    assert covered(today, today, 0.0, Limits()) == Covered(today["fences"], STARTS)


def test_a_vm_that_goes_elsewhere_now_is_left_out() -> None:
    found = covered(plan({"n9": "off"}, {**STARTS, "vm3": "n2"}), plan({"n9": "off"}, STARTS), 0.0, Limits())
    assert found.moved == ("vm3",) and not found.refused
    assert found.starts == {vm: "n1" for vm in STARTS if vm != "vm3"} and found.fences == {"n9": "off"}


def test_what_failed_since_is_left_out() -> None:
    found = covered(plan(starts={**STARTS, "new": "n1"}), plan(starts=STARTS), 0.0, Limits())
    assert (found.starts, found.moved) == (STARTS, ("new",))


def test_what_needs_nothing_any_more_is_no_move() -> None:
    found = covered(plan(starts={"vm1": "n1"}), plan({"n9": "off"}, STARTS), 0.0, Limits())
    assert found == Covered({}, {"vm1": "n1"})


@pytest.mark.parametrize(("moved", "refused"), [(2, False), (3, True)])
def test_more_than_a_share_that_moved_is_refused(moved: int, refused: bool) -> None:
    today = {**STARTS, "vm9": "n1", **{f"vm{number}": "n2" for number in range(moved)}}
    found = covered(plan(starts=today), plan(starts={**STARTS, "vm9": "n1"}), 0.0, Limits())
    assert len(found.moved) == moved and bool(found.refused) is refused
    assert len(found.starts) == (0 if refused else 10 - moved)
    if refused:
        assert found.refused == "3 of 10 items are no longer as approved"


def test_an_approval_that_is_too_old_is_refused_though_nothing_moved() -> None:
    same = plan({"n9": "off"}, STARTS)
    assert not covered(same, same, 3600.0, Limits()).refused
    old = covered(same, same, 5400.0, Limits())
    assert old == Covered({}, {}, refused="it is 90 min old, and holds for 60")
    assert "clocks" in covered(same, same, -30.0, Limits()).refused


def test_a_node_that_nobody_approved_is_not_fenced() -> None:
    found = covered(plan({"n8": "hung", "n9": "hung"}, STARTS), plan({"n9": "off"}, STARTS), 0.0, Limits())
    # for what is so today
    assert found.fences == {"n9": "hung"} and found.moved == ("n8",)


PLANS = st.builds(
    plan,
    st.dictionaries(NODES, st.sampled_from(["off", "hung"])),
    st.dictionaries(st.sampled_from([*STARTS]), NODES),
)
MAYBE = st.builds(Limits, age=st.floats(0, 7200), moved=st.floats(0, 1))


@given(today=PLANS, approved=PLANS, age=st.floats(0, 7200), limits=MAYBE)
def test_what_is_covered_is_in_both_and_everything_else_of_today_is_told(
    today: dict[str, Any], approved: dict[str, Any], age: float, limits: Limits
) -> None:
    found = covered(today, approved, age, limits)
    assert found.fences.items() <= today["fences"].items() and found.fences.keys() <= approved["fences"].keys()
    assert found.starts.items() <= today["starts"].items() & approved["starts"].items()
    if found.refused:
        assert not found.fences and not found.starts
    else:
        assert {*found.fences, *found.starts, *found.moved} == {*today["fences"], *today["starts"]}


@given(today=PLANS, approved=PLANS)
def test_with_any_share_allowed_only_what_is_not_as_approved_is_left_out(
    today: dict[str, Any], approved: dict[str, Any]
) -> None:
    found = covered(today, approved, 0.0, ANY)
    assert not found.refused and dict(found.starts) == dict(today["starts"].items() & approved["starts"].items())
