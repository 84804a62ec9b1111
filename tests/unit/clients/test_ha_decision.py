# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ha_decision as ansible-playbook runs it: on answers of nodes, a real uxen database and a real BMC."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.process import Process
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import Author, Entry, Phase, open_store
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import plain
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import o2cb
from clients.ipmi import IDENTITY, Machine
from clients.uxen import SCHEMA, Uxen
from playbook import Playbook, show, shown
from xen_answers import answer, domain, uuid

BEFORE, NOW = "ha_recovery_before", "ha_recovery_reading"
NUMBERS = {"n1": 0, "n2": 1, "n3": 2}
GUEST = "192.0.2.31"
LOST = {"lost": [], "missing": None}
# with this much time a slow machine passes too
POLICY = {"max_age": 90}


def view(node: str, silent: str = "", moving: bool = False) -> dict[str, Any]:
    """What a node's check o2cb says of its cluster, in which nothing is heard of one."""
    nodes = [
        o2cb.Node(name, number, f"10.77.4.1{number + 1}", 7777, "lab", name == node) for name, number in NUMBERS.items()
    ]
    beating = tuple(number for name, number in NUMBERS.items() if name != silent or moving)
    volume = o2cb.Volume(
        "/dev/mapper/mpathb",
        "R",
        2.0,
        beating,
        tuple(number for number in NUMBERS.values() if number not in beating),
        (),
        lines=tuple(f"node {number} generation 7" for number in NUMBERS.values()),
    )
    peers = [
        o2cb.Peer(one, one.name != silent or moving, one.name != silent, one.name != silent, "no answer within 3 s")
        for one in nodes
        if one.name != node
    ]
    settings = {"idle_timeout_ms": 300000, "heartbeat_threshold": 31}
    running = o2cb.Cluster("lab", "local", "reset", settings, tuple(nodes), (o2cb.Region("R", "dm-1", 900),))
    facts = o2cb.Facts(configured="cluster.conf", running=running, volumes=(volume,), peers=tuple(peers))
    return dict(plain(facts))


def reading(node: str, *domains: dict[str, Any], silent: str = "", moving: bool = False, **more: Any) -> dict[str, Any]:
    """What recovery_info returns."""
    vms = answer(node, *domains, vms=(1, 2))
    return {
        "checks": {"o2cb": {"facts": view(node, silent, moving)}},
        "verdict": "fit",
        "node": {name: vms["node"][name] for name in ("hostname", "boot_id", "began", "ended")},
        "jobs": [],
        "zone": None,
        "epoch": None,
        "lost_connections": LOST,
        "answers": {GUEST: False, f"{silent}:22": False} if silent else {},
        "said": {},
        "leases": {},
        "vms": vms,
        "clock": vms["clock"],
        **more,
    }


def older(one: dict[str, Any]) -> dict[str, Any]:
    clock = {key: value - 4 for key, value in one["clock"].items()}
    node = {**one["node"], **{key: one["node"][key] - 4 for key in ("began", "ended")}}
    return {**one, "clock": clock, "node": node}


class Decision(Playbook):
    def __init__(self, directory: Path, uxen: Uxen) -> None:
        super().__init__(directory)
        columns = {"vm": {"name": "label", "wanted_state": "wanted", "address": "address"}}
        self.given = {
            **uxen.options,
            "state": "plan",
            "zone": "zone-a",
            "sources": ["inventory", "database"],
            "columns": columns,
            "policy": POLICY,
        }

    def read(self, *readings: dict[str, Any], silent: dict[str, Any] | None = None) -> None:
        """``silent``: by host that does not answer, what the site says of it."""
        self.hosts = {one["node"]["hostname"]: {BEFORE: older(one), NOW: one} for one in readings}
        for host, site in (silent or {}).items():
            self.hosts[host] = {BEFORE: {"unreachable": True}, NOW: {"unreachable": True}, "ha_recovery_node": site}

    def task(self, **options: Any) -> dict[str, Any]:
        given = {**self.given, **options}
        return {"cloudops.hypervisor.ha_decision": given, "register": "done", "run_once": True}

    def decide(self, **options: Any) -> dict[str, Any]:
        code, output = self.run([self.task(**options), show("done", run_once=True)])
        assert code == 0, output
        ((_host, done),) = shown(output)
        return dict(done)

    def plan(self, **options: Any) -> dict[str, Any]:
        """The one step that there is."""
        done = self.decide(**options)
        (step,) = done["steps"]
        assert step["kind"] == "plan", done
        return dict(step)

    def journal(self, *entries: Entry) -> None:
        process = Process.at(os.getpid())
        with open_store(Author("lee", "another run", process), self.environment["CLOUDOPS_STORE_URL"]) as store:
            for entry in entries:
                store.record(entry)

    def saved(self, approved: bool = True, **body: Any) -> int:
        process = Process.at(os.getpid())
        with open_store(Author("lee", "another run", process), self.environment["CLOUDOPS_STORE_URL"]) as store:
            header = store.save("ha_recovery", "zone-a", {"fences": {}, "starts": {}, "left": {}, **body})
            if approved:
                store.approve(header.id, header.sha256)
            return int(header.id)


@pytest.fixture
def uxen(postgresql_url: str) -> Uxen:
    made = Uxen(postgresql_url)
    made.do(SCHEMA, *(f"ALTER TABLE pengx_vm ADD COLUMN {name} text" for name in ("label", "wanted", "address")))
    made.fill({"n1": {2: 52}, "n2": {1: 51}, "n3": {}})
    made.do(
        "UPDATE pengx_vm SET wanted = 'on'",
        f"UPDATE pengx_vm SET label = 'shop', address = '{GUEST}' WHERE uuid = '{uuid(1)}'",
    )
    return made


@pytest.fixture
def play(tmp_path: Path, uxen: Uxen) -> Decision:
    return Decision(tmp_path, uxen)


@pytest.fixture
def site(machine: Machine) -> dict[str, Any]:
    """What the site says of n2, whose BMC says that it is off."""
    machine.off()
    names = ("address", "username", "password", "port", "cipher")
    return {"bmc": {**{name: getattr(machine.bmc, name) for name in names}, "identity": IDENTITY}}


def lost(play: Decision, site: dict[str, Any], fit: tuple[str, ...] = ("n1", "n3"), **more: Any) -> None:
    """n2 is silent; VM 1 was there, and VM 2 runs on n1."""
    verdict = {name: "fit" if name in fit else "not fit" for name in NUMBERS}
    first = reading("n1", domain(2), silent="n2", verdict=verdict["n1"], **more)
    play.read(first, reading("n3", silent="n2", verdict=verdict["n3"], **more), silent={"n2": site})


def test_where_everything_answers_and_runs_there_is_nothing_to_recover(play: Decision) -> None:
    play.read(reading("n1", domain(2)), reading("n2", domain(1)), reading("n3"))
    done = play.decide()
    assert (done["stage"], done["ended"], [one["kind"] for one in done["steps"]]) == ("close", True, ["close"])
    assert {vm: (out["way"], out["why"]) for vm, out in done["outs"].items()} == {
        uuid(1): ("runs", "n2"),
        uuid(2): ("runs", "n1"),
    }
    assert all(node["answers"] and node["fit"] for node in done["nodes"].values())
    assert done["hosts"] == {name: name for name in NUMBERS} and done["addresses"] == {} and done["open"] is None


def test_a_node_that_is_off_is_fenced_and_its_vm_starts_elsewhere(
    play: Decision, site: dict[str, Any], machine: Machine
) -> None:
    lost(play, site, fit=("n1",))
    done = play.decide()
    node = done["nodes"]["n2"]
    assert (node["verdict"], node["rule"], node["missing"]) == ("off", 20, [])
    assert {name: one["reading"] for name, one in node["readings"].items()} == {
        "management": "silent",
        "heartbeat": "standing",
        "peers": "none",
        "guests": "none",
        "bmc": "off",
    }
    (plan,) = done["steps"]
    assert (plan["fences"], plan["starts"], plan["left"]) == ({"n2": "row 20: off"}, {uuid(1): "n1"}, {})
    assert "approval" not in plan and done["addresses"] == {"n2": [GUEST]}
    # off, but not by us: nothing proves yet that it stays so
    assert done["off"] == {} and done["outs"][uuid(1)]["way"] == "undecided"
    assert machine.asked == []


@pytest.mark.parametrize(("source", "taken"), [("n2", True), ("n3", False)])
def test_a_migration_that_is_open_keeps_its_vm_out_unless_its_source_is_lost(
    source: str, taken: bool, play: Decision, site: dict[str, Any]
) -> None:
    by_role = Entry("vm_migrate", uuid(1), Phase.STARTED, zone="zone-a", evidence={"source": source, "target": "n1"})
    by_job = {"node": source, "host": source, "act": "migrate", "job": "migrate-1", "spec": {"node": "n1"}}
    play.journal(by_role, Entry("xen_vm", uuid(1), Phase.STARTED, zone="zone-a", evidence=by_job))
    copy = domain(1, 9, "paused", incoming=True, cpu_ns=0)
    first = reading("n1", domain(2), copy, silent="n2")
    play.read(first, reading("n3", silent="n2", verdict="not fit"), silent={"n2": site})
    (plan,) = play.decide()["steps"]
    if taken:
        assert (plan["starts"], plan["left"]) == ({uuid(1): "n1"}, {})
    else:
        assert plan["kind"] == "close"


def test_another_nodes_bmc_is_no_witness(play: Decision, site: dict[str, Any]) -> None:
    site["bmc"]["identity"] = "11111111-6745-23a1-efcd-ab89674523a1"
    lost(play, site)
    done = play.decide()
    node = done["nodes"]["n2"]
    assert (node["verdict"], node["missing"]) == ("unknown", ["bmc"])
    assert f"is the BMC of {IDENTITY}" in node["readings"]["bmc"]["evidence"][0]
    assert [one["kind"] for one in done["steps"]] == ["observe"] and not done["ended"]


def test_an_option_that_no_bmc_has_is_a_missing_reading(play: Decision, site: dict[str, Any]) -> None:
    lost(play, {**site, "bmc": {**site["bmc"], "user": "operator"}})
    told = play.decide()["nodes"]["n2"]["readings"]["bmc"]
    assert told["reading"] == "missing" and "user" in told["evidence"][0]


def test_a_guest_that_answers_keeps_its_vm_and_its_node(play: Decision) -> None:
    lost(play, {}, answers={GUEST: True})
    done = play.decide()
    assert (done["nodes"]["n2"]["verdict"], done["nodes"]["n2"]["rule"]) == ("evicted", 15)
    assert f"{GUEST} answers n1" in done["nodes"]["n2"]["readings"]["guests"]["evidence"][0]
    (plan,) = done["steps"]
    # on a person's word
    assert list(plan["fences"]) == ["n2"] and "person" in plan["fences"]["n2"]


def test_a_node_that_is_not_fit_gets_no_vm_while_another_is(play: Decision, site: dict[str, Any]) -> None:
    lost(play, site, fit=("n3",))
    assert play.plan()["starts"] == {uuid(1): "n3"}
    lost(play, site, fit=())
    # the lost node may be what ails them
    done = play.decide()
    assert list(done["steps"][0]["starts"]) == [uuid(1)] and not done["nodes"]["n1"]["fit"]


def test_a_node_that_could_not_read_its_vms_is_neither_silent_nor_a_target(play: Decision) -> None:
    play.read(reading("n1", domain(2)), reading("n2", domain(1)), reading("n3", vms=None))
    done = play.decide()
    node = done["nodes"]["n3"]
    assert (node["answers"], node["fit"], node["recovering"]) == (True, False, None) and not done["addresses"]
    assert done["nodes"]["n1"]["fit"] and done["memory"]["boots"]["n3"] == "boot of n3"
    # where it was before is not where it is
    play.read(reading("n1", domain(2)), reading("n2", vms=None), reading("n3"))
    play.hosts["n2"][BEFORE] = older(reading("n2", domain(1)))
    done = play.decide()
    assert [one["kind"] for one in done["steps"]] == ["close"]
    assert done["outs"][uuid(1)]["way"] == "undecided" and "n2 is silent" in done["outs"][uuid(1)]["why"]


def test_an_approved_plan_covers_what_it_has(play: Decision, site: dict[str, Any]) -> None:
    lost(play, site, fit=("n1",))
    plan = play.plan(plan=play.saved(fences={"n2": "it is off"}, starts={uuid(1): "n1"}))
    assert plan["approval"] == {"by": "lee", "refused": "", "moved": []}
    assert (plan["fences"], plan["starts"], plan["left"]) == ({"n2": "row 20: off"}, {uuid(1): "n1"}, {})
    moved = play.saved(fences={"n2": "it is off"}, starts={uuid(1): "n3"})
    plan = play.plan(plan=moved, approval={"moved": 0.5})
    assert plan["approval"]["moved"] == [uuid(1)] and plan["starts"] == {} and list(plan["fences"]) == ["n2"]
    assert plan["left"][uuid(1)]["way"] == "not started" and "approved plan" in plan["left"][uuid(1)]["why"]
    assert "1 of 2 items" in play.plan(plan=moved)["approval"]["refused"]


def test_a_plan_that_does_not_hold_says_why(play: Decision, site: dict[str, Any]) -> None:
    lost(play, site)
    number = play.saved(approved=False)
    assert "was not approved" in play.plan(plan=number)["approval"]["refused"]
    late = play.plan(plan=play.saved(), approval={"age": 0})["approval"]
    assert late["by"] == "lee" and "min old" in late["refused"]
    code, output = play.run([play.task(plan=99)])
    assert code and "plan: 99 is no plan for a recovery of zone-a." in output


def test_a_vm_that_the_site_wants_off_is_left_alone(play: Decision, uxen: Uxen, site: dict[str, Any]) -> None:
    uxen.do(f"UPDATE pengx_vm SET wanted = 'off' WHERE uuid = '{uuid(1)}'")
    lost(play, site)
    done = play.decide()
    assert [one["kind"] for one in done["steps"]] == ["close"] and list(done["outs"]) == [uuid(2)]


def test_quorum_counts_from_the_kernels_line_by_the_controllers_clock(play: Decision) -> None:
    line = time.time() - 5
    # n1's own clock is an hour ahead
    ahead = reading("n1", domain(2), silent="n2", moving=True)
    node = {**ahead["node"], **{name: ahead["node"][name] + 3600 for name in ("began", "ended")}}
    logged = {"lost": [[1, line + 3600]], "missing": None}
    play.read({**ahead, "node": node, "lost_connections": logged}, silent={"n2": {}, "n3": {}})
    quorum = play.decide()["nodes"]["n2"]["quorum"]
    # threshold 31
    assert quorum["decided_at"] == pytest.approx(line + 66, abs=0.01)
    assert (quorum["rest_lives"], quorum["may_fence"]) == (False, False)


@pytest.mark.parametrize(("missing", "may_fence"), [(None, True), ({"reading": "dmesg"}, False)])
def test_a_log_that_was_not_read_does_not_say_that_no_peer_reports_it(
    play: Decision, missing: dict[str, str] | None, may_fence: bool
) -> None:
    told = reading("n2", domain(1), silent="n1", moving=True, lost_connections={"lost": [], "missing": missing})
    play.read(told, silent={"n1": {}, "n3": {}})
    # node 0 would live with node 2
    quorum = play.decide(memory={"connected": {"n1": time.time()}}, limits={"takes": 1})["nodes"]["n1"]["quorum"]
    assert (quorum["rest_lives"], quorum["may_fence"]) == (False, may_fence)


def test_to_recover_begins_with_the_zone_in_hand(play: Decision, site: dict[str, Any]) -> None:
    lost(play, site)
    done = play.decide(state="recover")
    assert (done["stage"], [one["kind"] for one in done["steps"]], done["ended"]) == ("alone", ["hold"], False)


def test_an_option_that_cannot_be_meant_is_refused_by_its_name(play: Decision) -> None:
    play.read(reading("n1", domain(2)))
    names = ("policy", "limits", "placement", "approval")
    code, output = play.run([{**play.task(**{name: {"foo": 1}}), "ignore_errors": True} for name in names])
    assert code == 0 and "Traceback" not in output
    assert all(f"{name}.foo: no such option" in output for name in names)
