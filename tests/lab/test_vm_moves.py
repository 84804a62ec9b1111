# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Live migrations between two Xen nodes: looked at before, cut in the middle, and always one copy at the end."""

from __future__ import annotations

from typing import Any

import pytest

import remote
from controller import Controller, Outcome
from fault import make, undo
from guests import GUESTS_BY_NAME
from observer import Observer
from xen_faults import MIGRATION_CUTS, XEN_FAULTS
from xen_lab import XenLab

pytestmark = pytest.mark.timeout(1500)

WEB, DB = GUESTS_BY_NAME["web-1"], GUESTS_BY_NAME["db-1"]
TO_X2: dict[str, Any] = {"vm": WEB.name, "node": "x2", "vm_migrate_ha_held_off": "the lab has none"}
SETTLE = {**TO_X2, "vm": WEB.uuid, "vm_migrate_settle": True, "vm_migrate_source": "x1"}


def running(lab: XenLab, observed: Observer, nodes: tuple[str, ...] = ("x1", "x2")) -> list[str]:
    """Where a copy is that can run, once each of the nodes has told twice again."""
    told = {node: len(observed.seen().told.get(node, [])) for node in nodes}
    seen = observed.wait_for(
        lambda seen: all(len(seen.told.get(node, [])) > told[node] + 2 for node in nodes), 60, "the nodes to tell"
    )
    return [copy.node for copy in seen.latest(WEB.uuid) if not copy.held]


def assert_settled(lab: XenLab, observed: Observer, controller: Controller, outcome: Outcome) -> None:
    """One copy runs, on the node that the database has; nothing is open for it."""
    if outcome.rc and "vm_migrate_settle=true" in outcome.words:
        settled = controller.run("vm_migrate", **SETTLE)
        assert settled.rc == 0
    (node,) = running(lab, observed)
    assert len(observed.seen().latest(WEB.uuid)) == 1, "no copy is left behind"
    assert lab.database.place(WEB)[0] == node
    told = controller.run("vm_where", vm=WEB.uuid)
    assert f"runs on {node}" in told.words and "open for it" not in told.words


@pytest.mark.sample("migration")
def test_a_guest_moves_live_and_the_database_knows(spoiled: XenLab, observed: Observer, controller: Controller) -> None:
    # x2 has display 50 taken: the copy drifts, and the database is told what it really has
    outcome = controller.run("vm_migrate", "--diff", **TO_X2)
    assert outcome.rc == 0
    assert "its VNC display 50 is taken on x2" in outcome.words
    assert "runs on x2, its console on port 5951" in outcome.words
    assert spoiled.database.place(WEB) == ("x2", 51)
    assert_settled(spoiled, observed, controller, outcome)
    assert observed.seen().nodes_of(WEB.uuid) == ["x1", "x2"]


@pytest.mark.sample("migration")
@pytest.mark.parametrize("point", MIGRATION_CUTS)
def test_a_migration_that_is_cut_ends_with_one_copy(
    point: str, spoiled: XenLab, observed: Observer, controller: Controller
) -> None:
    make(spoiled, XEN_FAULTS[f"migration_cut_{point.replace('-', '_')}"], "x1")
    outcome = controller.run("vm_migrate", **TO_X2)
    undo(spoiled, spoiled.active_faults())
    assert_settled(spoiled, observed, controller, outcome)


@pytest.mark.soak
def test_a_target_that_dies_in_the_middle_leaves_the_source(
    spoiled: XenLab, observed: Observer, controller: Controller
) -> None:
    run = controller.begin("vm_migrate", **TO_X2)
    run.wait_for("migrate (")
    spoiled.machines["x2"].kill()
    outcome = run.end()
    assert outcome.rc != 0 and "x2" in outcome.words
    assert running(spoiled, observed, ("x1",)) == ["x1"]
    spoiled.power_on("x2")
    assert_settled(spoiled, observed, controller, outcome)


@pytest.mark.soak
def test_two_operators_move_it_at_once(
    spoiled: XenLab, observed: Observer, controller: Controller, other: Controller
) -> None:
    outcomes = [run.end() for run in [each.begin("vm_migrate", **TO_X2) for each in (controller, other)]]
    (moved,) = (outcome for outcome in outcomes if outcome.rc == 0)
    (refused,) = (outcome for outcome in outcomes if outcome.rc)
    assert "migration of" in refused.words or "runs on x2 already" in refused.words
    assert_settled(spoiled, observed, controller, moved)


# What keeps it from moving: how it is made on the source, its sign on the screen, how it is undone
_KNOWN, _KEY = "/root/.ssh/known_hosts", "/root/.ssh/id_ed25519"
_MAC = "00:16:3e:78:09:09"
OBSTACLES = {
    "the target's host key is unknown": ("x1", f"mv {_KNOWN} {_KNOWN}.away", "host key", f"mv {_KNOWN}.away {_KNOWN}"),
    "root is not let in": (
        "x1",
        f"mv {_KEY} {_KEY}.away; ssh-keygen -q -t ed25519 -N '' -f {_KEY}",
        "root",
        f"rm {_KEY}.pub; mv {_KEY}.away {_KEY}",
    ),
    # what its domain has counts, not its .cfg: that is for the next start
    "its bridge is not there": (
        "x1",
        f"ovs-vsctl add-br xenbr9; xl network-attach {WEB.uuid} mac={_MAC} bridge=xenbr9 script=vif-openvswitch",
        "xenbr9",
        f"xl network-detach {WEB.uuid} {_MAC}; ovs-vsctl del-br xenbr9",
    ),
}


@pytest.mark.soak
@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_what_keeps_a_guest_from_moving_is_said_and_it_stays(
    obstacle: str, spoiled: XenLab, observed: Observer, controller: Controller
) -> None:
    node, script, said, undo = OBSTACLES[obstacle]
    remote.script(node, script)
    try:
        outcome = controller.run("vm_migrate", **TO_X2)
    finally:
        remote.script(node, undo)
    assert outcome.rc == 2 and "Nothing was moved" in outcome.words and said in outcome.words
    assert running(spoiled, observed) == ["x1"]


@pytest.mark.soak
def test_a_target_without_the_memory_is_refused(xen_lab: XenLab, observed: Observer, controller: Controller) -> None:
    outcome = controller.run("vm_migrate", **TO_X2, migration_preflight_reserve=8192)
    assert outcome.rc == 2 and "Nothing was moved" in outcome.words and "memory" in outcome.words
    assert running(xen_lab, observed) == ["x1"]


@pytest.mark.soak
def test_ssh_is_mended_where_that_is_allowed(spoiled: XenLab, observed: Observer, controller: Controller) -> None:
    for name in ("the target's host key is unknown", "root is not let in"):
        node, script, _said, _undo = OBSTACLES[name]
        remote.script(node, script)
    outcome = controller.run("vm_migrate", **TO_X2, migration_preflight_fix=["host_key", "root_key"])
    assert outcome.rc == 0
    assert_settled(spoiled, observed, controller, outcome)
