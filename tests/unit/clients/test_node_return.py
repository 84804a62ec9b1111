# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""node_return as ansible-playbook runs it: what nodes answered, a real uxen database, and the journal of a recovery."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.process import Process
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import (
    Author,
    Entry,
    Phase,
    Store,
    open_store,
)
from clients.uxen import SCHEMA, Uxen, pm
from playbook import Playbook, show, shown
from xen_answers import answer, cfg, domain, uuid

ZONE, BOOT = "zone-a", "boot of n1"
GUEST = {"name": "web-1", "path": cfg(1), "starter": "xendomains.service", "shared": True}


def health(verdict: str = "fit", *guests: dict[str, Any], **checks: Any) -> dict[str, Any]:
    boot = {"check": "boot", "status": "ok", "findings": [], "facts": {"guests": list(guests)}}
    return {"verdict": verdict, "node": {"hostname": "n1", "boot_id": BOOT}, "checks": {"boot": boot, **checks}}


class Return(Playbook):
    """n1 was fenced with VM 1 and VM 2 on it, which a recovery started on n2."""

    def __init__(self, directory: Path, uxen: Uxen) -> None:
        super().__init__(directory)
        self.uxen = uxen
        self.read(n1=answer("n1"), n2=answer("n2", domain(1), domain(2), vms=(1, 2)))
        self.hosts["n1"]["node_boot_check_result"] = health()

    def read(self, **answers: dict[str, Any]) -> None:
        """The same answer twice, the first 4 s older."""
        for name, one in answers.items():
            kept = {key: value for key, value in self.hosts.get(name, {}).items() if key == "node_boot_check_result"}
            self.hosts[name] = kept
            if not one:
                continue
            clock = {key: value - 4 for key, value in one["clock"].items()}
            at = {key: one["node"][key] - 4 for key in ("began", "at", "ended")}
            older = {**one, "clock": clock, "node": {**one["node"], **at}}
            self.hosts[name] = {**kept, "node_return_first": older, "node_return_second": one}

    def store(self) -> Store:
        return open_store(Author("lee", "2", Process.at(os.getpid())), self.environment["CLOUDOPS_STORE_URL"])

    def journal(self, *entries: Entry) -> None:
        with self.store() as store:
            store.record_all(entries)

    def snapshot(self, *vms: dict[str, Any]) -> None:
        with self.store() as store:
            store.save("fleet_snapshot", ZONE, {"zone": ZONE, "verified": True, "nodes": {}, "vms": list(vms)})

    def look(self, *arguments: str, **options: Any) -> dict[str, Any]:
        given = {"node": "n1", "zone": ZONE, "gate": f"closed {BOOT}", "max_age": 300, **self.uxen.options}
        given = {**given, "readings": ["node_return_first", "node_return_second"], **options}
        task = {"cloudops.hypervisor.node_return": given, "register": "done", "run_once": True}
        code, output = self.run([task, show("done", run_once=True)], *arguments)
        assert code == 0, output
        ((_host, done),) = shown(output)
        return {**done, "text": " ".join(" ".join(done.get("page", ())).split())}


def kept(number: int, node: str | None = "n1", state: str = "running") -> dict[str, Any]:
    return {"vm": uuid(number), "name": f"web-{number}", "node": node, "state": state, "why": [], "row": None}


def step(kind: str, subject: str, **said: Any) -> list[Entry]:
    about = {"kind": kind, "subject": subject, **said}
    phases = (Phase.STARTED, Phase.DONE)
    return [Entry("ha_recovery", ZONE, phase, f"{kind} {subject}", ZONE, evidence=about) for phase in phases]


def recovered() -> list[Entry]:
    started = [one for number in (1, 2) for one in step("start", uuid(number), node="n2")]
    return [
        Entry("ha_recovery", ZONE, Phase.STARTED, zone=ZONE),
        *step("fence", "n1", commanded=True),
        *started,
        Entry("ha_recovery", ZONE, Phase.DONE, zone=ZONE),
    ]


@pytest.fixture
def uxen(postgresql_url: str) -> Uxen:
    made = Uxen(postgresql_url)
    made.do(SCHEMA, "ALTER TABLE pengx_vm ADD COLUMN power text")
    made.fill({"n1": {}, "n2": {1: 51, 2: 52}})
    return made


@pytest.fixture
def play(tmp_path: Path, uxen: Uxen) -> Return:
    made = Return(tmp_path, uxen)
    made.snapshot(kept(1), kept(2), kept(3, None, "off"))
    time.sleep(0.01)
    made.journal(*recovered())
    return made


def codes(done: dict[str, Any]) -> set[str]:
    return {one["code"].removeprefix("node_return_") for one in done["check"]["findings"]}


def test_a_node_whose_vms_all_run_elsewhere_may_come_back(play: Return) -> None:
    done = play.look()
    assert (done["may"], done["back"], codes(done)) == (True, False, {"ready"}), done["page"]
    assert done["guests"] == {uuid(1): "n2", uuid(2): "n2"}
    assert done["moves"] == [{"vm": uuid(number), "name": f"web-{number}", "node": "n2"} for number in (1, 2)]
    assert done["node"] == {"name": "n1", "names": ["n1"], "boot_id": BOOT, "answers": True}
    assert not done["changed"]


def test_a_vm_that_no_recovery_started_keeps_it_out_until_a_person_releases_it(play: Return) -> None:
    play.read(n2=answer("n2", domain(1), vms=(1, 2)))
    done = play.look()
    assert not done["may"] and codes(done) == {"vm_unproven"} and done["guests"][uuid(2)] == ""
    assert f"web-2 ({uuid(2)}) is not proven to run elsewhere, nor released: it is off on every node" in done["text"]
    assert play.look("--check", release="web-2", reason="its owner waits")["may"]
    assert not play.look()["may"], "check mode wrote down whom a person released"
    assert play.look(release="web-2", reason="its owner waits")["may"]
    done = play.look()
    assert done["may"] and list(done["released"]) == [uuid(2)]
    # asked for again, nothing is written
    play.look(release="web-2", reason="its owner waits")
    with play.store() as store:
        assert len(store.records(job="node_return")) == 1


def test_a_release_without_a_reason_is_refused(play: Return) -> None:
    with pytest.raises(AssertionError, match="say why this VM is released"):
        play.look(release="web-2")
    with pytest.raises(AssertionError, match="no VM that a node or row has"):
        play.look(release="web-9", reason="gone")


def test_a_vm_that_its_owner_stopped_is_no_reason(play: Return, uxen: Uxen) -> None:
    play.read(n2=answer("n2", domain(1), vms=(1, 2)))
    uxen.do(f"UPDATE pengx_vm SET power = 'off' WHERE uuid = '{uuid(2)}'")
    assert play.look(columns={"vm": {"wanted_state": "power"}})["may"]


def test_a_row_that_still_has_the_node_counts_unless_it_is_known_to_be_off(play: Return, uxen: Uxen) -> None:
    for number in (3, 4):
        uxen.do(f"INSERT INTO pengx_vm (uuid, pm_uuid, vnc_port) VALUES ('{uuid(number)}', '{pm(1)}', NULL)")
    done = play.look()
    # 3 was off in the snapshot, of 4 nobody knows
    assert codes(done) == {"vm_unproven"} and set(done["guests"]) == {uuid(1), uuid(2), uuid(4)}


def test_a_domain_of_a_vm_that_is_elsewhere_keeps_it_out(play: Return, uxen: Uxen) -> None:
    play.read(n1=answer("n1", domain(1, state="paused")))
    done = play.look()
    assert not done["may"] and codes(done) == {"stale_runs"}
    uxen.do(f"INSERT INTO pengx_vm (uuid, pm_uuid, vnc_port) VALUES ('{uuid(5)}', '{pm(2)}', NULL)")
    play.read(n1=answer("n1", domain(5), vms=(5,)))
    assert codes(play.look()) == {"stale_row"}


def test_what_waits_at_its_gate_and_runs_elsewhere_keeps_it_closed(play: Return) -> None:
    play.hosts["n1"]["node_boot_check_result"] = health("fit", GUEST)
    done = play.look()
    assert codes(done) == {"waits"} and "web-1: n2: domain 1" in done["text"]
    # a boot that is released waits for nothing
    assert play.look(gate=f"released {BOOT}")["may"]


@pytest.mark.parametrize(
    ("options", "verdict", "found"),
    [
        ({"gate": ""}, "fit", {"no_gate"}),
        ({"gate": "closed another"}, "fit", {"unread"}),
        ({"epoch_told": False}, "fit", {"epoch"}),
        ({"max_age": 0.1}, "fit", {"unread"}),
        ({}, "not proven", {"not_fit"}),
        ({"login_port": 9}, "fit", {"unread"}),
        ({"health": "nothing"}, "fit", {"unread", "not_fit"}),
    ],
)
def test_each_proof_that_is_missing_is_named(
    play: Return, options: dict[str, Any], verdict: str, found: set[str]
) -> None:
    play.hosts["n1"]["node_boot_check_result"] = health(verdict)
    done = play.look(**options)
    assert not done["may"] and codes(done) >= found
    assert all(one["remedy"] for one in done["check"]["findings"])


def test_a_node_that_its_peers_do_not_see_has_not_joined(play: Return) -> None:
    cluster = {"nodes": ["n1", "n2"], "heartbeat": ["n2"]}
    seen = answer("n2", domain(1), domain(2), vms=(1, 2))
    play.read(n2={**seen, "node": {**seen["node"], "cluster": cluster}})
    done = play.look()
    assert "apart" in codes(done) and "n2 does not see n1 beat" in done["text"]
    assert play.look(sources=["inventory", "database"])["may"]


def test_a_node_that_is_off_is_told_what_stands_against_switching_it_on(play: Return) -> None:
    play.read(n1={})
    done = play.look(gate="")
    assert not done["may"] and codes(done) == {"off"} and not done["node"]["answers"]
    play.read(n2=answer("n2", domain(1), vms=(1, 2)))
    assert codes(play.look(gate="", language="ko")) == {"off", "vm_unproven"}


def test_while_a_recovery_is_open_nothing_is_opened_nor_ended(play: Return) -> None:
    play.journal(Entry("ha_recovery", ZONE, Phase.STARTED, zone=ZONE))
    done = play.look()
    assert not done["may"] and codes(done) == {"recovery_open"}
    assert play.look(state="alive")["ended"] == []


def test_another_job_of_the_node_and_its_maintenance_are_told(play: Return) -> None:
    play.journal(Entry("node_maintenance", "n1", Phase.STARTED), Entry("node_return", "n1", Phase.STARTED, zone=ZONE))
    done = play.look()
    assert done["may"] and codes(done) == {"ready", "maintenance"}
    play.journal(Entry("node_boot_check", "n1", Phase.STARTED))
    assert codes(play.look()) == {"job_open", "maintenance"}


def test_a_sign_of_life_ends_what_a_recovery_proved_and_leaves_none_open(play: Return) -> None:
    assert play.look("--check", state="alive")["ended"] == ["n1"]
    assert play.look(state="alive")["ended"] == ["n1"]
    assert play.look(state="alive")["ended"] == []
    with play.store() as store:
        assert store.open_jobs() == []
        records = store.records(job="ha_recovery", zone=ZONE)
    kinds = [(one.entry.phase.value, one.entry.evidence.get("kind")) for one in records[-3:]]
    assert kinds == [("started", "returned"), ("done", "returned"), ("closed", None)]
    # what was its own is asked for all the same
    play.read(n2=answer("n2", domain(1), vms=(1, 2)))
    assert codes(play.look()) == {"vm_unproven"}


def test_a_node_that_is_back_is_not_asked_again(play: Return) -> None:
    play.journal(Entry("node_return", "n1", Phase.STARTED, zone=ZONE))
    assert play.look(state="returned")["journalled"] == {"host": "n1", "boot_id": BOOT, "names": ["n1"]}
    play.read(n1=answer("n1", domain(1)), n2=answer("n2", domain(2), vms=(1, 2)))
    done = play.look()
    assert done["may"] and done["back"] and codes(done) == {"back"}
    assert [one["vm"] for one in done["moves"]] == [uuid(2)]
    # fenced once more, and not hit
    play.journal(*recovered())
    assert not play.look()["back"]
