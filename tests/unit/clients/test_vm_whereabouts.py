# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_whereabouts as ansible-playbook runs it, on answers of nodes and a real uxen database."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.process import Process
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import Author, Entry, Phase, open_store
from clients.ipmi import IDENTITY, Machine
from clients.uxen import SCHEMA, Uxen
from playbook import Playbook, show, shown
from xen_answers import answer, domain, mac, opener, uuid

FIRST, SECOND = "vm_where_first", "vm_where_second"


class Where(Playbook):
    def __init__(self, directory: Path, uxen: Uxen) -> None:
        super().__init__(directory)
        self.uxen = uxen
        self.given: dict[str, Any] = {"sources": ["inventory", "database", "cluster_conf", "heartbeat"]}
        self.read(n1=answer("n1"), n2=answer("n2"))

    def read(self, **answers: dict[str, Any]) -> None:
        """The same answer twice, the first 4 s older."""
        self.hosts = {}
        for name, one in answers.items():
            if not one:
                self.hosts[name] = {}
                continue
            clock = {key: value - 4 for key, value in one["clock"].items()}
            at = {key: one["node"][key] - 4 for key in ("began", "at", "ended")}
            older = {**one, "clock": clock, "node": {**one["node"], **at}}
            self.hosts[name] = {FIRST: older, SECOND: one}

    def where(self, *vms: str, **options: Any) -> dict[str, Any]:
        given = {**self.uxen.options, **self.given, "zone": "zone-a", "vms": list(vms) or [uuid(1)], **options}
        task = {"cloudops.hypervisor.vm_whereabouts": given, "register": "done", "run_once": True}
        code, output = self.run([task, show("done", run_once=True)])
        assert code == 0, output
        ((_host, done),) = shown(output)
        return dict(done)

    def one(self, **options: Any) -> dict[str, Any]:
        (vm,) = self.where(**options)["vms"]
        return dict(vm)


@pytest.fixture
def uxen(postgresql_url: str) -> Uxen:
    made = Uxen(postgresql_url)
    made.do(SCHEMA, "ALTER TABLE pengx_vm ADD COLUMN label text", "ALTER TABLE pengx_vm ADD COLUMN main_mac text")
    made.fill({"n1": {1: 51, 2: 52}, "n2": {}})
    made.do(f"UPDATE pengx_vm SET label = 'shop', main_mac = '{mac(2).upper()}' WHERE uuid = '{uuid(2)}'")
    return made


@pytest.fixture
def play(tmp_path: Path, uxen: Uxen) -> Where:
    return Where(tmp_path, uxen)


def codes(vm: dict[str, Any]) -> set[str]:
    return {finding["code"] for finding in vm["health"]["findings"]}


def test_a_vm_that_every_node_denied_twice_is_off_and_its_row_is_told(play: Where) -> None:
    done = play.where()
    (vm,) = done["vms"]
    assert (done["off"], vm["verdict"], vm["missing"], vm["silent"]) == (True, "off", [], [])
    # the whole time between the two readings
    assert 3 < done["read_at"] - vm["off_since"] < 5
    assert [(row["node"], row["display"]) for row in vm["rows"]] == [("n1", 51)]
    assert done["nodes"]["differences"] == [] and done["nodes"]["answered"] == ["n1", "n2"]
    assert codes(vm) == {"vm_where_off"}


def test_a_silent_node_is_named_and_nothing_is_off(play: Where) -> None:
    play.read(n1=answer("n1"), n2={})
    done = play.where()
    (vm,) = done["vms"]
    assert (done["off"], vm["verdict"], vm["silent"], vm["off_since"]) == (False, "unknown", ["n2"], None)
    assert {"vm_where_not_found", "vm_where_silent"} <= codes(vm)


class TestOutOfService:
    """n2 was switched off by a recovery, and is silent; n1's o2cb has evicted it."""

    @pytest.fixture
    def play(self, play: Where, machine: Machine) -> Where:
        alone = answer("n1")
        alone["node"]["cluster"]["heartbeat"] = ["n1"]
        play.read(n1=alone, n2={})
        names = ("address", "username", "password", "port", "cipher")
        bmc = {**{name: getattr(machine.bmc, name) for name in names}, "identity": "{{ identity }}"}
        link = ["test", "-e", str(play.directory / "link")]
        play.hosts["n2"].update(ha_recovery_bmc=bmc, ha_recovery_effects={"its link": link}, identity=IDENTITY)
        machine.off()
        self.journal(play, "fence", "n2", before=["its link"], commanded=True)
        return play

    def journal(self, play: Where, kind: str, subject: str, **said: Any) -> None:
        about = {"kind": kind, "subject": subject, **said}
        author = Author("kim", "run-1", Process.at(os.getpid()))
        with open_store(author, play.environment["CLOUDOPS_STORE_URL"]) as store:
            for phase in (Phase.STARTED, Phase.DONE):
                store.record(Entry("ha_recovery", "zone-a", phase, f"{kind} {subject}", "zone-a", evidence=about))

    def test_it_need_not_answer_and_its_power_is_read_anew(self, play: Where) -> None:
        done = play.where()
        assert (done["off"], done["vms"][0]["silent"]) == (True, [])
        assert done["nodes"]["out_of_service"] == {"n2": "switched off, read back, and gone: its link"}

    def test_power_that_is_on_again_ends_it(self, play: Where, machine: Machine) -> None:
        machine.on()
        done = play.where()
        assert (done["off"], done["vms"][0]["silent"], done["nodes"]["out_of_service"]) == (False, ["n2"], {})

    def test_an_effect_that_is_there_again_ends_it(self, play: Where) -> None:
        (play.directory / "link").touch()
        assert play.one()["silent"] == ["n2"]

    def test_a_heartbeat_ends_it(self, play: Where) -> None:
        play.hosts["n1"][SECOND]["node"]["cluster"]["heartbeat"] = ["n1", "n2"]
        assert play.one()["silent"] == ["n2"]

    def test_where_no_bmc_is_known_a_persons_word_is_needed(self, play: Where) -> None:
        del play.hosts["n2"]["ha_recovery_bmc"]
        assert play.one()["silent"] == ["n2"]
        self.journal(play, "word", "n2", question="off", about="n2", who="kim", reason="its plug is out", yes=True)
        done = play.where()
        assert done["off"] and done["nodes"]["out_of_service"] == {"n2": "kim: its plug is out"}

    def test_once_it_returned_it_has_to_answer(self, play: Where) -> None:
        self.journal(play, "returned", "n2")
        assert play.one()["silent"] == ["n2"]


def test_a_node_that_the_play_lacks_is_silent_too(play: Where, uxen: Uxen) -> None:
    uxen.do("INSERT INTO pengx_pm VALUES (gen_random_uuid(), 'n3')")
    vm = play.one()
    assert (vm["verdict"], vm["silent"]) == ("unknown", ["n3"])
    assert "n3 is not in inventory" in {gap["what"] for gap in vm["missing"]}
    # without the database nobody knows of n3
    assert play.one(sources=["inventory", "cluster_conf", "heartbeat"])["verdict"] == "off"


def test_a_database_that_does_not_answer_is_missing_and_fails_nothing(play: Where) -> None:
    done = play.where(login_unix_socket="/nowhere")
    assert not done["off"] and not done["database"]["read"] and "/nowhere" in done["database"]["problem"]
    (vm,) = done["vms"]
    assert "database: not read" in {gap["what"] for gap in vm["missing"]}


def test_the_last_verified_snapshot_names_nodes_and_vms_where_the_database_does_not(play: Where) -> None:
    vms = [{"vm": uuid(1), "name": "shop"}]
    body = {"verified": True, "nodes": {"n1": {}, "n2": {}, "n3": {}}, "vms": vms}
    process = Process.at(os.getpid())
    with open_store(Author("lee", "run-2", process), play.environment["CLOUDOPS_STORE_URL"]) as store:
        store.save("fleet_snapshot", "zone-a", body)
        store.save("fleet_snapshot", "zone-a", {**body, "verified": False, "nodes": {}})
    done = play.where("shop", login_unix_socket="/nowhere")
    (vm,) = done["vms"]
    assert (vm["vm"], vm["verdict"], vm["silent"]) == (uuid(1), "unknown", ["n3"])
    assert "/nowhere" in done["database"]["problem"] and not done["off"]
    assert "database: not read" not in {gap["what"] for gap in vm["missing"]}


def test_a_running_vm_is_found_by_name_and_mac_with_what_the_database_says_otherwise(play: Where) -> None:
    columns = {"vm": {"name": "label", "mac": "main_mac"}}
    running = answer("n2", domain(2), vms=(1, 2), openers=[opener(2)])
    play.read(n1=answer("n1", vms=(1, 2)), n2=running)
    done = play.where("web-2", "shop", mac(2), uuid(2), columns=columns)
    (vm,) = done["vms"]
    assert (vm["vm"], vm["verdict"]) == (uuid(2), "somewhere")
    assert {"shop", "web-2"} <= set(vm["names"])
    assert {place["kind"] for place in vm["places"]} == {"domain", "loop"}
    assert {"vm_where_runs", "vnc_on_another_node"} <= codes(vm)
    assert [one["node"] for one in vm["domains"]] == ["n2"]
    assert vm["configs"][0]["hosts"] == ["n1", "n2"]


def test_what_means_no_vm_or_several_is_told_and_nothing_is_off(play: Where) -> None:
    double = answer("n1", vms=(1, 2))
    double["configs"][1]["name"] = "web-1"
    play.read(n1=double, n2=answer("n2"))
    done = play.where("web-1", "web-9", uuid(1))
    assert done["unresolved"] == {"web-1": [uuid(1), uuid(2)], "web-9": []}
    assert not done["off"] and [vm["vm"] for vm in done["vms"]] == [uuid(1)]


def test_a_request_to_the_api_without_an_answer_keeps_it_from_being_off(play: Where) -> None:
    url = play.environment["CLOUDOPS_STORE_URL"]
    with open_store(Author("lee", "another run", Process.at(os.getpid())), url) as store:
        store.record(Entry("xen_vm", uuid(1), Phase.STARTED, evidence={"request": "POST /vms/x/start", "node": "n1"}))
    vm = play.one()
    assert vm["verdict"] == "unknown"
    assert {"node": "", "what": "POST /vms/x/start", "why": "no answer yet"} in vm["missing"]
    assert "vm_where_job_open" in codes(vm)


def test_a_host_is_the_node_that_its_kernel_says(play: Where) -> None:
    play.read(**{"host-a": answer("n1", domain(1)), "host-b": answer("n2")})
    done = play.where()
    assert done["nodes"]["names"] == ["n1", "n2"] and done["hosts"] == {"n1": "host-a", "n2": "host-b"}
    (vm,) = done["vms"]
    assert vm["missing"] == [] and vm["domains"][0]["host"] == "host-a"
