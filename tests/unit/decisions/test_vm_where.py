# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import Check
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.vm_where import (
    Job,
    Lease,
    judge,
    judge_lease,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.whereabouts import (
    Config,
    Domain,
    File,
    NodeSet,
    Opener,
    Reading,
    Saved,
    Tool,
    vms,
    whereabouts,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.vm_where import TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.vnc import TABLE as VNC
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import VmUuid
from replay import by_code

UUID = VmUuid("22222222-0000-0000-0000-000000000002")
RAW = f"/data/domu/{UUID}/current/root.raw"
EXTRA = f"/data/domu/{UUID}/current/extra.raw"
CFG = f"/data/domu/{UUID}/current/{UUID}.cfg"
IMAGE = File(RAW, ("volume", "7"))
CONFIG = Config(CFG, UUID, "web-1", (RAW,))
RUNS = Domain(2, UUID, "web-1", 5, "", (RAW,))
HELD = Check("vm_where", object, lambda host, policy: None, lambda facts, policy: [], {**TABLE, **VNC})


def judged(n1=None, n2=None, consoles=(), jobs=(), silent=()):
    """Both nodes read twice, each with what it has beside the .cfg and the image."""
    every = {"configs": (CONFIG,), "images": (IMAGE,)}
    has = {"n1": {**every, **(n1 or {})}, "n2": {**every, **(n2 or {})}}
    rounds = [[Reading(name, at, **own) for name, own in has.items() if name not in silent] for at in (0.0, 4.0)]
    known = vms(rounds).get(UUID)
    seen = whereabouts(known, NodeSet(("n1", "n2")), rounds)
    return by_code(HELD, judge(seen, known, rounds[-1], consoles, jobs))


def test_off_is_said_alone():
    assert list(judged()) == ["vm_where_off"]


@pytest.mark.parametrize(
    ("has", "code"),
    [
        ({"domains": (RUNS,)}, "vm_where_runs"),
        ({"domains": (replace(RUNS, rests="paused"),)}, "vm_where_rests"),
        ({"openers": (Opener(IMAGE, "loop", "loop0"),)}, "vm_where_image_open"),
        ({"tools": (Tool(700, f"xl create {CFG}", (CFG,)),)}, "vm_where_tool"),
        ({"saved": (Saved("/var/lib/xen/save/web-1", UUID),)}, "vm_where_saved"),
        ({"configs": (CONFIG, replace(CONFIG, path="/data/domu/copy.cfg"))}, "vm_where_configs"),
        ({"images": (File(RAW),)}, "vm_where_image_local"),
    ],
)
def test_what_a_node_has_of_it_is_said(has, code):
    assert code in judged(n2=has)


def test_a_domain_with_its_own_loop_device_and_toolstack_is_no_contradiction():
    has = {
        "domains": (RUNS,),
        "openers": (Opener(IMAGE, "loop", "loop0"),),
        "tools": (Tool(7, f"xl create {CFG}", (CFG,)),),
    }
    assert list(judged(n2=has)) == ["vm_where_runs"]
    moves = {**has, "tools": (Tool(8, "xl migrate web-1 n1", ("web-1",)),)}
    assert "vm_where_tool" in judged(n2=moves)


def test_two_that_are_awake_are_suspected_and_one_beside_a_paused_one_is_not():
    assert list(judged(n1={"domains": (RUNS,)}, n2={"domains": (RUNS,)})) == ["vm_where_twice_suspected"]
    both = judged(n1={"domains": (RUNS,)}, n2={"domains": (replace(RUNS, rests="paused"),)})
    assert set(both) == {"vm_where_runs", "vm_where_rests"}


def test_an_image_that_no_node_has_and_a_vm_without_config_are_said():
    assert "vm_where_image_missing" in judged(n1={"images": (File(RAW),)}, n2={"images": (File(RAW),)})
    bare = {"configs": (), "openers": ()}
    found = judged(n1={**bare, "domains": (RUNS,)}, n2=bare)
    assert {"vm_where_no_config", "vm_where_runs"} == set(found)


def test_disks_are_compared_as_files_whatever_they_are_called():
    images = (IMAGE, File("/data2/link.raw", IMAGE.key), File(EXTRA, ("volume", "8")))
    renamed = replace(RUNS, disks=("/data2/link.raw",))
    assert "vm_where_disks_differ" not in judged(n1={"domains": (renamed,), "images": images})
    more = {"configs": (replace(CONFIG, disks=(RAW, EXTRA)),), "images": images}
    found = judged(n1={**more, "domains": (RUNS,)}, n2=more)["vm_where_disks_differ"]
    assert (found.values["config"], found.values["domain"]) == ([EXTRA], [])


def test_of_the_consoles_only_this_vm_is_told_and_only_what_is_theirs():
    said = [
        Finding("vnc_on_another_node", f"{UUID} (web-1)", {"where": "n1", "row_node": "n2"}, ("row",)),
        Finding(
            "vnc_on_another_node", "33333333-0000-0000-0000-000000000003", {"where": "n1", "row_node": "n2"}, ("x",)
        ),
        Finding("vnc_off", str(UUID), {"row": "50", "row_node": "n1"}, ("row",)),
    ]
    assert list(judged(consoles=said)) == ["vm_where_off", "vnc_on_another_node"]


def test_a_silent_node_and_an_open_job_are_named():
    found = judged(silent=("n2",), jobs=[Job("xen_vm", "2026-11-21", "kim@c", {"node": "n2"})])
    assert found["vm_where_silent"].subject == "n2"
    assert found["vm_where_job_open"].evidence == ("node: n2",)
    assert "vm_where_not_found" in found


def test_one_reading_is_enough_for_where_it_is_and_not_for_where_it_is_not():
    readings = [Reading("n1", 0.0, domains=(RUNS,), configs=(CONFIG,), images=(IMAGE,))]
    known = vms([readings])[UUID]
    found = judge(whereabouts(known, NodeSet(("n1",)), [readings]), known, readings)
    assert [one.code for one in found] == ["vm_where_runs"]
    bare = [replace(readings[0], domains=())]
    found = judge(whereabouts(known, NodeSet(("n1",)), [bare]), known, bare)
    assert [one.code for one in found] == ["vm_where_not_found", "vm_where_unproven"]


@pytest.mark.parametrize(
    ("lease", "code"),
    [
        (Lease("n1/start-x-7", True, True), "vm_where_lease_held"),
        (Lease("n1/start-x-7", True, False), "vm_where_lease_left"),
        (Lease("", False, None, "flock: timeout"), "vm_where_lease_unread"),
        (Lease("n1/start-x-7", False, False), None),
        (Lease("", False, False), None),
    ],
)
def test_only_the_lock_counts_of_a_lease(lease, code):
    assert [one.code for one in judge_lease(UUID, lease)] == ([code] if code else [])
