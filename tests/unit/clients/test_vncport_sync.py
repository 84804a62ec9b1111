# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vncport_sync as ansible-playbook runs it, on a real uxen database."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.process import Process
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import (
    Author,
    Entry,
    Phase,
    Store,
    open_store,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.uxen_database import Holder, UxenDatabase
from clients.uxen import SCHEMA, Uxen, cut_wire, pm, vm
from playbook import COLLECTIONS, Playbook, show, shown

COMMIT = b"COMMIT\0"


def domain(number: int, display: int, asked: int | None = None, **more: Any) -> dict[str, Any]:
    port, asked = 5900 + display, display if asked is None else asked
    ports = dict.fromkeys(("xenstore", "qmp", "listening"), port)
    return {
        "id": number,
        "uuid": vm(number),
        "name": vm(number),
        "state": {"blocked": True},
        "incoming": False,
        "migrated_away": False,
        "vnc": {**ports, "command_line": asked, "configured": asked},
        **more,
    }


def answer(node: str, *domains: dict[str, Any], age: float = 0, **more: Any) -> dict[str, Any]:
    now = time.time() - age
    return {
        "node": {"hostname": node, "boot_id": "b-1", "began": now, "at": now, "ended": now},
        "clock": {"asked": now, "answered": now},
        "domains": list(domains),
        "configs": [],
        "listeners": [],
        "openers": [],
        "toolstack": [],
        "missing": [],
        **more,
    }


class Sync(Playbook):
    """A play whose hosts have been read."""

    def __init__(self, directory: Path, uxen: Uxen) -> None:
        super().__init__(directory)
        self.uxen = uxen

    def read(self, **answers: dict[str, Any]) -> None:
        self.hosts = {name: {"xen_vm_info_result": one} for name, one in answers.items()}

    def sync(self, *arguments: str, **options: Any) -> tuple[dict[str, Any], str]:
        """(what the task returned, what was on the screen)"""
        (done,), output = self.syncs([options], *arguments)
        return done, output

    def syncs(self, given: list[dict[str, Any]], *arguments: str) -> tuple[list[dict[str, Any]], str]:
        """One task after the other in one play, whatever becomes of them."""
        shared = {**self.uxen.options, "zone": "zone-a", "state": "synced"}
        tasks = [
            {
                "cloudops.hypervisor.vncport_sync": {**shared, **options},
                "register": f"done_{number}",
                "run_once": True,
                "ignore_errors": True,
            }
            for number, options in enumerate(given)
        ]
        names = ", ".join(f"done_{number}" for number in range(len(given)))
        code, output = self.run([*tasks, show(f"[{names}]", run_once=True)], *arguments)
        assert code == 0, output
        ((_host, done),) = shown(output)
        return done, output

    def store(self, run: str = "run-2") -> Store:
        url = self.environment["CLOUDOPS_STORE_URL"]
        return open_store(Author("lee", run, Process.at(os.getpid())), url)

    def journal(self) -> list[tuple[str, str, Any]]:
        with self.store() as store:
            return [
                (one.entry.subject, one.entry.phase.value, one.entry.evidence.get("after")) for one in store.records()
            ]


def codes(done: dict[str, Any], node: str) -> list[str]:
    return sorted(finding["code"] for finding in done["nodes"][node]["checks"]["vnc"]["findings"])


@pytest.fixture
def uxen(postgresql_url: str) -> Uxen:
    made = Uxen(postgresql_url)
    made.do(SCHEMA)
    made.fill({"n1": {1: 50, 2: 51, 3: 53}, "n2": {4: 50}})
    return made


@pytest.fixture
def play(tmp_path: Path, uxen: Uxen) -> Sync:
    """VMs 1 and 2 must swap, 3 drifted, 4 is in step."""
    made = Sync(tmp_path, uxen)
    made.read(n1=answer("n1", domain(1, 51, 50), domain(2, 50, 51), domain(3, 52, 53)), n2=answer("n2", domain(4, 50)))
    return made


SYNCED = {vm(1): 51, vm(2): 50, vm(3): 52, vm(4): 50}
DRIFTED = {vm(1): 50, vm(2): 51, vm(3): 53, vm(4): 50}


class TestSynced:
    def test_the_database_is_corrected_and_a_second_run_changes_nothing(self, play: Sync, uxen: Uxen) -> None:
        (done, again), output = play.syncs([{}, {}], "--diff")
        assert uxen.ports() == SYNCED
        assert done["changed"] and done["refused"] == [] and done["silent"] == []
        assert {(one["vm"], one["before"], one["after"]) for one in done["changes"]} == {
            (vm(1), 50, 51),
            (vm(2), 51, 50),
            (vm(3), 53, 52),
        }
        assert f"-n1  {vm(3)}     53" in output and f"+n1  {vm(3)}     52" in output
        assert f"n2  {vm(4)}" not in output, "a node of which no row changes is not shown"
        assert codes(done, "n1").count("vnc_in_step") == 3 and "vnc_database_differs" not in codes(done, "n1")
        assert done["nodes"]["n1"]["verdict"] == "fit"
        assert not again["changed"] and again["changes"] == []

    def test_each_change_is_journalled_before_and_after(self, play: Sync) -> None:
        play.sync()
        for number, display in ((1, 51), (2, 50), (3, 52)):
            entries = [entry[1:] for entry in play.journal() if entry[0] == vm(number)]
            assert entries == [("started", display), ("done", display)]

    def test_check_mode_and_reported_say_the_same_and_touch_nothing(self, play: Sync, uxen: Uxen) -> None:
        wanted, _output = play.sync("--check", "--diff")
        assert wanted["changed"] and len(wanted["changes"]) == 3 and wanted["diff"]["before"]
        told, _output = play.sync(state="reported")
        assert not told["changed"] and told["changes"] == wanted["changes"]
        assert "vnc_database_differs" in codes(told, "n1")
        assert uxen.ports() == DRIFTED and not (play.directory / "state").exists()

    def test_what_is_ambiguous_is_refused_by_name_and_the_rest_is_corrected(self, play: Sync, uxen: Uxen) -> None:
        unsure = domain(3, 52)
        unsure["vnc"]["qmp"] = 5999
        play.read(n1=answer("n1", domain(1, 51), domain(2, 50), unsure), n2=answer("n2", domain(4, 50)))
        done, _output = play.sync()
        assert done["refused"] == [{"vm": vm(3), "node": "n1", "why": "vnc_truths_disagree"}]
        assert uxen.ports() == {**SYNCED, vm(3): 53}
        assert done["nodes"]["n1"]["verdict"] == "not proven"

    def test_a_node_that_was_left_out_is_silent(self, play: Sync, uxen: Uxen) -> None:
        done, _output = play.sync("--limit", "n1")
        assert done["silent"] == ["n2"] and codes(done, "n2") == ["vnc_maybe_on_silent_node", "vnc_node_silent"]
        assert uxen.ports() == SYNCED, "what runs on nodes that answered is proven all the same"

    def test_a_host_is_found_by_the_name_the_database_has_for_it(self, play: Sync, uxen: Uxen) -> None:
        first, second = (play.hosts[name]["xen_vm_info_result"] for name in ("n1", "n2"))
        first["node"]["hostname"] = "n1.zone-a.example"
        play.read(rack7=first, rack8=second)
        done, _output = play.sync()
        assert uxen.ports() == SYNCED and set(done["nodes"]) == {"rack7", "rack8"}

    def test_the_nodes_of_the_zone_are_chosen_by_its_mapped_column(self, play: Sync, uxen: Uxen) -> None:
        uxen.do("ALTER TABLE pengx_pm ADD zone text", "UPDATE pengx_pm SET zone = 'zone-' || name")
        mapped = {"columns": {"node": {"zone": "zone"}}}
        done, _output = play.sync("--limit", "n1", zone="zone-n1", **mapped)
        assert done["silent"] == [] and set(done["nodes"]) == {"n1"}
        (unknown, wrong), _output = play.syncs([mapped, {"nodes": ["n1", "n9"]}])
        assert unknown["failed"] and "no node of the zone zone-a" in unknown["msg"]
        assert wrong["failed"] and "pengx_pm has no n9" in wrong["msg"]

    def test_old_readings_are_refused_by_name(self, play: Sync, uxen: Uxen) -> None:
        play.hosts["n2"]["xen_vm_info_result"] = answer("n2", domain(4, 50), age=60)
        done, _output = play.sync(max_age=30)
        assert (
            done["failed"]
            and re.search(r"n2 \(6\d s old\)", done["msg"])
            and "n1" not in done["msg"].partition("new:")[2]
        )
        told, _output = play.sync(state="reported")
        assert not told.get("failed") and uxen.ports() == DRIFTED

    def test_the_cfg_of_a_vm_that_is_off_is_planned_only_when_asked(self, play: Sync) -> None:
        config = {"path": f"/data/domu/{vm(4)}.cfg", "uuid": vm(4), "name": "x", "display": 61}
        play.read(n1=play.hosts["n1"]["xen_vm_info_result"], n2=answer("n2", configs=[config]))
        (untouched, done), _output = play.syncs([{}, {"config": "corrected"}])
        assert untouched["configs"] == [] and "vnc_config_differs" in codes(untouched, "n2")
        assert done["configs"] == [{"vm": vm(4), "host": "n2", "path": config["path"], "before": 61, "after": 50}]

    def test_rows_that_cannot_be_meant_are_told(self, play: Sync, uxen: Uxen) -> None:
        uxen.do("ALTER TABLE pengx_vm DROP CONSTRAINT pengx_vm_vnc_port_check, ALTER vnc_port TYPE varchar")
        uxen.do(f"UPDATE pengx_vm SET vnc_port = '5x' WHERE uuid = '{vm(4)}'")
        done, _output = play.sync(state="reported")
        assert codes(done, "n2") == ["vnc_not_in_database", "vnc_row_not_understood"]

    def test_a_wrong_option_is_refused_by_name(self, play: Sync) -> None:
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"statuses": {"vnc_typo": "ok"}}, "statuses.vnc_typo: no such finding code"),
            ({"statuses": {"vnc_truth_missing": "ok"}}, "stays unknown"),
            ({"columns": {"vm": {"memory": 'a"b'}}}, "columns.vm.memory"),
            ({"columns": {"vm": {"rack": "x"}}}, "columns.vm.rack"),
            ({"lock": "zone-a"}, "required together"),
        ]
        refused, _output = play.syncs([options for options, _told in wrong])
        for done, (_options, told) in zip(refused, wrong, strict=True):
            assert done["failed"] and told in done["msg"]

    def test_the_password_is_in_no_output_and_in_no_process_list(self, play: Sync) -> None:
        seen: list[bytes] = []
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.05):
                for process in Path("/proc").glob("[0-9]*"):
                    try:
                        seen.append((process / "cmdline").read_bytes())
                    except OSError:
                        continue

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            # the inventory's file has it; what ansible-playbook says and starts must not
            play.environment["SECRET"] = "s3cret"
            secret = {"login_password": "{{ lookup('ansible.builtin.env', 'SECRET') }}"}
            _done, output = play.sync("-vvvv", "--diff", **secret)
            failed, more = play.sync("-vvvv", login_db="no_such", **secret)
        finally:
            ended.set()
            watcher.join()
        assert failed["failed"] and "no_such" in failed["msg"]
        assert "s3cret" not in output + more + json.dumps(failed)
        assert seen and not [line for line in seen if b"s3cret" in line]


class TestLocks:
    def test_the_second_controller_is_told_who_has_the_zone(self, play: Sync, uxen: Uxen) -> None:
        with UxenDatabase(uxen.options).holding(Holder("zone-a", "lee", "controller2", "run-9", "recovery of n1")):
            done, _output = play.sync()
        assert done["failed"] and "lee on controller2" in done["msg"] and "recovery of n1" in done["msg"]
        assert uxen.ports() == DRIFTED

    def test_a_run_that_lost_the_stores_lock_writes_nothing(self, play: Sync, uxen: Uxen) -> None:
        with play.store() as store:
            old = store.acquire("zone-a", "recovery")
            store.release("zone-a")
        done, _output = play.sync(lock="zone-a", epoch=old.epoch)
        assert done["failed"] and "lost its lock on zone-a" in done["msg"]
        assert uxen.ports() == DRIFTED

    def test_rows_the_api_has_locked_are_not_waited_for_and_the_journal_says_so(self, play: Sync, uxen: Uxen) -> None:
        with psycopg.connect(uxen.url) as api:
            api.execute("UPDATE pengx_vm SET vnc_port = 60 WHERE vnc_port = 51")
            done, _output = play.sync()
        assert done["failed"] and "lock timeout" in done["msg"]
        assert [entry[1] for entry in play.journal()] == ["started"] * 3 + ["closed"] * 3
        assert uxen.ports() == {**DRIFTED, vm(2): 60}


class TestLostCommit:
    @pytest.mark.parametrize(("forward", "state"), [(True, "done"), (False, "closed")])
    def test_its_outcome_is_learnt_and_told(self, play: Sync, uxen: Uxen, forward: bool, state: str) -> None:
        directory = str(uxen.options["login_unix_socket"])
        # the first COMMIT ends the reading
        with cut_wire(directory, COMMIT, forward, skip=1) as wire:
            done, _output = play.sync(login_unix_socket=wire)
        assert uxen.ports() == (SYNCED if forward else DRIFTED)
        assert [entry[1] for entry in play.journal()] == ["started"] * 3 + [state] * 3
        if forward:
            assert done["changed"] and done["nodes"]["n1"]["verdict"] == "fit"
        else:
            assert done["failed"] and "Nothing was written" in done["msg"]

    @pytest.mark.parametrize(("found", "state"), [(SYNCED, "done"), (DRIFTED, "closed")])
    def test_what_an_earlier_run_left_open_is_settled_by_what_is_there(
        self, play: Sync, uxen: Uxen, found: dict[str, int], state: str
    ) -> None:
        with play.store() as store:
            for number in (1, 2, 3):
                about = {"node": "n1", "before": DRIFTED[vm(number)], "after": SYNCED[vm(number)]}
                store.record(Entry("vncport_sync", vm(number), Phase.STARTED, zone="zone-a", evidence=about))
        for key, port in found.items():
            uxen.do(f"UPDATE pengx_vm SET vnc_port = {port} WHERE uuid = '{key}'")
        # no drift: nothing else is done
        play.read(n1=answer("n1", *(domain(n, found[vm(n)]) for n in (1, 2))), n2=answer("n2", domain(4, 50)))
        play.sync()
        assert [entry[1] for entry in play.journal()] == ["started"] * 3 + [state] * 3


class TestAnotherDatabase:
    def brought_back(self, play: Sync, uxen: Uxen, directory: Path) -> None:
        """As it was before the correction, in place."""
        uxen.do(f"COPY pengx_vm TO '{directory}/backup'")
        play.sync()
        assert uxen.ports() == SYNCED
        uxen.do("DELETE FROM pengx_vm", f"COPY pengx_vm FROM '{directory}/backup'")

    def test_older_contents_are_only_read_until_the_zone_was_probed(self, play: Sync, uxen: Uxen) -> None:
        self.brought_back(play, uxen, Path(str(uxen.options["login_unix_socket"])))
        told, _output = play.sync("--check")
        assert not told["changed"] and len(told["database"]["doubts"]) == 3
        silent, _output = play.sync("--limit", "n1")
        assert uxen.ports() == DRIFTED
        (probed, corrected), _output = play.syncs([{}, {}])
        for done in (silent, probed):
            assert not done["changed"]
            assert "vnc_database_unproven" in codes(done, "n1") and "vnc_database_unproven" in codes(done, "n2")
            assert {one["why"] for one in done["refused"]} == {"vnc_database_unproven"}
        assert corrected["changed"] and uxen.ports() == SYNCED

    def test_another_server_is_only_read_until_the_zone_was_probed(self, play: Sync, uxen: Uxen) -> None:
        play.sync()
        with play.store() as store:
            known = store.latest("uxen_database", "zone-a")
            assert known is not None
            store.save("uxen_database", "zone-a", {**known.body, "system": "42", "timeline": 7})
        uxen.do(f"UPDATE pengx_vm SET vnc_port = 70 WHERE uuid = '{vm(1)}'")
        (first, second), _output = play.syncs([{}, {}])
        assert not first["changed"] and "it was 42" in first["database"]["doubts"][0]
        assert second["changed"] and uxen.ports() == SYNCED


def test_a_port_the_api_handed_out_in_the_meantime_is_told_at_the_end(play: Sync, uxen: Uxen) -> None:
    """It commits right after us: nothing could have stopped it, so the rows are read once more."""
    body = "BEGIN PERFORM 1; RETURN NULL; END"
    uxen.do(
        f"CREATE FUNCTION noop() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
        "CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON pengx_vm DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION noop()",
    )

    def api() -> None:
        time.sleep(0.3)
        uxen.do(f"INSERT INTO pengx_vm VALUES ('{vm(9)}', '{pm(1)}', 52)")

    directory = str(uxen.options["login_unix_socket"])
    with cut_wire(directory, COMMIT, forward=True, after=api, skip=1) as wire:
        done, _output = play.sync(login_unix_socket=wire)
    assert done["changed"] and codes(done, "n1").count("vnc_port_shared") == 2


def test_the_module_run_by_itself_says_how_it_is_used(play: Sync) -> None:
    module = COLLECTIONS / "ansible_collections/cloudops/hypervisor/plugins/modules/vncport_sync.py"
    ended = subprocess.run(
        [sys.executable, module],
        env={**os.environ, "PYTHONPATH": str(COLLECTIONS)},
        input=json.dumps({"ANSIBLE_MODULE_ARGS": {"zone": "zone-a"}}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "call it as cloudops.hypervisor.vncport_sync" in json.loads(ended.stdout)["msg"]
