# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ha_outlook as ansible-playbook runs it: answers of nodes, a simulated BMC, a real uxen database and the store."""

from __future__ import annotations

import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.process import Process
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import Author, Entry, Phase, open_store
from clients.ipmi import IDENTITY, Machine
from clients.uxen import SCHEMA, Uxen
from playbook import LOCAL, UNREACHABLE, Playbook, show, shown
from xen_answers import VOLUME, answer, domain, image, uuid

READING = "ha_outlook_reading"
NAMES = ("n1", "n2")
SETTINGS = {"heartbeat_threshold": 31, "idle_timeout_ms": 30000, "keepalive_delay_ms": 2000, "reconnect_delay_ms": 2000}
GIB = 1024 * 1024
OTHER = "11111111-6745-23a1-efcd-ab89674523a1"


def o2cb(name: str) -> dict[str, Any]:
    nodes = [{"name": each, "number": at, "local": each == name} for at, each in enumerate(NAMES)]
    running = {"name": "ocfs2", "nodes": nodes, "regions": [{"uuid": "A"}], "settings": SETTINGS}
    volumes = [{"region": "A", "moving": [0, 1], "standing": [], "lines": ["node 0 moves", "node 1 moves"]}]
    return {"configured": "/etc/ocfs2/cluster.conf", "running": running, "volumes": volumes, "peers": []}


def check(name: str, facts: dict[str, Any] | None = None, *findings: dict[str, Any]) -> dict[str, Any]:
    status = findings[0]["status"] if findings else "ok"
    return {"check": name, "status": status, "findings": list(findings), "facts": facts or {}}


def reading(name: str, *domains: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What recovery_info returned of a node that is well."""
    vms = answer(name, *domains, **more)
    gate = {"gate": {"name": "cloudops-boot-gate.service"}, "missing": []}
    checks = [check("mounts"), check("multipath"), check("o2cb", o2cb(name)), check("boot", gate)]
    return {
        "checks": {one["check"]: one for one in checks},
        "verdict": "fit",
        "node": {key: vms["node"][key] for key in ("hostname", "boot_id", "began", "ended")},
        "clock": vms["clock"],
        "answers": {f"{each}:22": True for each in NAMES},
        "said": {f"{each}:22": "SSH-2.0" for each in NAMES},
        "jobs": [],
        "leases": {},
        "vms": vms,
    }


class Outlook(Playbook):
    def __init__(self, directory: Path, uxen: Uxen) -> None:
        super().__init__(directory)
        self.given: dict[str, Any] = {**uxen.options, "zone": "zone-a"}
        self.give(n1=reading("n1", domain(1)), n2=reading("n2", domain(2)))

    def give(self, **answers: dict[str, Any]) -> None:
        self.hosts = {}
        for name, one in answers.items():
            site = {"bmc": {}, "effects": {}, "rack": "", "ssh": f"{name}:22"}
            self.hosts[name] = {READING: one, "ha_recovery_node": site}

    def site(self, name: str, **change: Any) -> None:
        self.hosts[name]["ha_recovery_node"].update(change)

    def checked(self, node: str, one: dict[str, Any]) -> None:
        self.hosts[node][READING]["checks"][one["check"]] = one

    def look(self, **options: Any) -> dict[str, Any]:
        task = {"cloudops.hypervisor.ha_outlook": {**self.given, **options}, "register": "done", "run_once": True}
        code, output = self.run([task, show("done", run_once=True)])
        assert code == 0, output
        ((_host, done),) = shown(output)
        return dict(done)

    def told(self, node: str = "n1", **options: Any) -> dict[str, dict[str, Any]]:
        """The findings of a node, by code."""
        health = self.look(**options)["nodes"][node]["checks"]["ha_outlook"]
        return {one["code"].removeprefix("ha_outlook_"): one for one in health["findings"]}

    def keep(self, **body: Any) -> None:
        with self.opened() as store:
            store.save(
                "fleet_snapshot", "zone-a", {"verified": True, "nodes": {name: {} for name in NAMES}, "vms": [], **body}
            )

    def opened(self) -> Any:
        return open_store(Author("kim", "run-1", Process.at(os.getpid())), self.environment["CLOUDOPS_STORE_URL"])


@pytest.fixture
def uxen(postgresql_url: str) -> Uxen:
    made = Uxen(postgresql_url)
    made.do(SCHEMA)
    made.fill({"n1": {1: 51}, "n2": {2: 52}})
    return made


@pytest.fixture
def play(tmp_path: Path, uxen: Uxen) -> Outlook:
    return Outlook(tmp_path, uxen)


def bmc(machine: Machine, **more: Any) -> dict[str, Any]:
    one = machine.bmc
    known = {"address": one.address, "username": one.username, "password": one.password}
    return {**known, "port": one.port, "cipher": one.cipher, "identity": IDENTITY, **more}


def test_a_zone_that_could_recover_says_of_what(play: Outlook, machine: Machine) -> None:
    play.keep()
    play.site("n1", bmc=bmc(machine), effects={"its link": ["true"]})
    done = play.look()
    one = done["nodes"]["n1"]
    findings = {each["code"].removeprefix("ha_outlook_"): each for each in one["checks"]["ha_outlook"]["findings"]}
    good = {"absorbed", "bmc", "effects", "ssh", "heartbeat", "gate", "api_skipped"}
    assert set(findings) == good | {"timeouts", "snapshot", "database"}
    assert (one["verdict"], done["unabsorbed"], done["changed"]) == ("fit", [], False)
    assert findings["effects"]["values"]["effects"] == ["heartbeat", "its link"]
    assert "96 s after a cut" in findings["timeouts"]["message"]
    # whoever looks sends no power command
    assert machine.asked == []


def test_who_would_be_left_out_and_which_migration_changes_that(play: Outlook) -> None:
    # n1 has 3 GiB, n2 2 GiB and n3 1.5 GiB free; of n1's VMs the large one finds no place unless n2's leaves
    def memory(free: int) -> dict[str, int]:
        return {"total": 9 * GIB, "free": free, "dom0": GIB, "dom0_maximum": GIB}

    given = {}
    for name, free, one in (
        ("n1", 0, domain(1, maximum_kib=3 * GIB)),
        ("n2", 5 * GIB // 2, domain(2, maximum_kib=GIB)),
        ("n3", 2 * GIB, domain(3, maximum_kib=128 * 1024)),
    ):
        given[name] = reading(name, one, vms=(1, 2, 3))
        given[name]["vms"]["node"]["memory_kib"] = memory(free)
    play.give(**given)
    done = play.look(sources=["inventory"])
    assert done["unabsorbed"] == ["n1"]
    findings = {one["code"]: one for one in done["nodes"]["n1"]["checks"]["ha_outlook"]["findings"]}
    told = findings["ha_outlook_left_out"]
    assert f"web-2 ({uuid(2)}) n2 -> n3" in told["remedy"]
    assert told["evidence"][0].startswith(f"web-1 ({uuid(1)}): it needs ")
    death = done["nodes"]["n1"]["checks"]["ha_outlook"]["facts"]["death"]
    assert (death["absorbed"], death["left"]) == (False, [uuid(1)])
    # one that does not run cannot be moved
    given["n2"]["vms"]["domains"][0]["state"]["paused"] = True
    assert "left_out_memory" in play.told(sources=["inventory"])


def test_a_vm_on_a_disk_of_its_node_has_no_place_elsewhere(play: Outlook) -> None:
    n1 = play.hosts["n1"][READING]
    n1["vms"]["images"] = [{"path": image(1), "volume": "a local disk", "inode": 7}]
    told = play.told()["left_out_for_good"]
    lacks = "no node has all of its volumes: a local disk; n2: lacks a local disk"
    assert told["evidence"][0] == f"web-1 ({uuid(1)}): {lacks}"
    # the site may say that it is so on purpose
    told = play.told(vms={uuid(1): {"bound": "a licence"}})
    assert "left_out_for_good" not in told and told["bound"]["values"]["vms"] == [f"web-1 ({uuid(1)})"]
    assert VOLUME != "a local disk"


def test_bmcs_that_would_not_fence_are_told_apart(play: Outlook, machine: Machine) -> None:
    assert play.told()["bmc_none"]["status"] == "critical"
    play.site("n1", bmc={"address": "127.0.0.1"})
    told = play.told()["bmc_unread"]
    assert told["status"] == "unknown" and "password" in told["message"]
    play.site("n1", bmc=bmc(machine, password="wrong"))
    assert "does not let us in" in play.told()["bmc_refused"]["message"]
    play.site("n1", bmc=bmc(machine, identity=OTHER))
    assert play.told()["bmc_other"]["values"]["recorded"] == OTHER
    play.site("n1", bmc=bmc(machine, identity=""))
    assert IDENTITY in play.told()["bmc_unrecorded"]["remedy"]
    assert machine.asked == []


def test_a_bmc_that_is_recorded_for_two_nodes_fences_neither(play: Outlook, machine: Machine) -> None:
    for name in NAMES:
        play.site(name, bmc=bmc(machine))
    # asked side by side
    told = {name: one["checks"]["ha_outlook"]["findings"] for name, one in play.look()["nodes"].items()}
    shared = {
        name: [each["values"]["others"] for each in told[name] if each["code"] == "ha_outlook_bmc_shared"]
        for name in NAMES
    }
    assert shared == {"n1": [["n2"]], "n2": [["n1"]]}


def test_effects_are_looked_at_and_a_command_that_fails_is_unknown(play: Outlook) -> None:
    play.site("n1", effects={"its link": ["sh", "-c", "exit 1"], "its port": ["/nowhere/at-all"]})
    told = play.told()
    assert told["effect_gone"]["subject"] == "its link" and told["effect_unread"]["subject"] == "its port"
    assert told["effect_unread"]["status"] == "unknown"


def test_ssh_that_a_peer_did_not_hear_or_could_not_ask(play: Outlook) -> None:
    play.hosts["n2"][READING]["answers"]["n1:22"] = False
    assert play.told()["ssh_silent"]["values"]["nodes"] == ["n2"]
    del play.hosts["n2"][READING]["answers"]["n1:22"]
    play.hosts["n2"][READING]["said"]["n1:22"] = "network is unreachable"
    told = play.told()["ssh_unasked"]
    assert told["status"] == "unknown" and told["evidence"] == ["n2: network is unreachable"]


def test_a_node_that_is_not_fit_takes_nothing(play: Outlook) -> None:
    finding = {"code": "mounts_missing", "subject": "/data", "status": "critical", "message": "nothing is mounted here"}
    play.checked("n2", check("mounts", None, finding))
    done = play.look()
    assert done["unabsorbed"] == ["n1"]
    assert "ha_outlook_not_fit" in {one["code"] for one in done["nodes"]["n2"]["checks"]["ha_outlook"]["findings"]}
    # a check of another kind keeps no guest off
    play.checked("n2", check("mounts"))
    play.checked("n2", check("boot", {"gate": None, "missing": []}, {**finding, "code": "boot_unit_down"}))
    assert play.look()["unabsorbed"] == []


def test_a_node_in_maintenance_takes_nothing(play: Outlook) -> None:
    with play.opened() as store:
        store.record(Entry("node_maintenance", "n2", Phase.STARTED))
    assert "maintenance" in play.told("n2") and play.look()["unabsorbed"] == ["n1"]


def test_a_silent_node_is_unknown_and_a_reading_without_vms_too(play: Outlook) -> None:
    play.hosts["n2"][READING] = {"unreachable": True, "msg": "No route to host"}
    done = play.look()
    (silent,) = [
        one for one in done["nodes"]["n2"]["checks"]["ha_outlook"]["findings"] if one["code"] == "ha_outlook_silent"
    ]
    assert silent["status"] == "unknown" and "No route to host" in silent["message"]
    # nothing is left that could take n1's VM
    assert done["unabsorbed"] == ["n1"]
    play.give(n1=reading("n1"), n2={**reading("n2"), "vms": None})
    assert "not read in time" in play.told("n2")["silent"]["message"]


def test_what_a_node_did_not_read_is_not_counted(play: Outlook) -> None:
    play.hosts["n1"][READING]["vms"]["domains"] = None
    play.hosts["n1"][READING]["vms"]["node"]["memory_kib"]["free"] = None
    told = play.told()
    assert told["unread"]["values"]["what"] == ["xl list", "xl info"] and "absorbed" not in told


def test_the_snapshot_has_an_age_and_the_database_answers_or_not(play: Outlook) -> None:
    assert {"snapshot_none", "database"} <= set(play.told())
    play.keep()
    assert "snapshot" in play.told()
    told = play.told(snapshot_max_age=0.0, login_unix_socket="/nowhere")
    assert told["snapshot_old"]["status"] == "critical" and "/nowhere" in told["database_unread"]["message"]
    assert "nodes_differ" not in told
    assert "database_none" in play.told(sources=["inventory"])


def test_a_node_that_only_the_database_has_is_named(play: Outlook, uxen: Uxen) -> None:
    uxen.do("INSERT INTO pengx_pm VALUES (gen_random_uuid(), 'n3')")
    assert "n3 is not in inventory" in play.told()["nodes_differ"]["message"]


class Api(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        text = f"<vm id='{self.path.rpartition('/')[2]}'><name>web-1</name><node>n1</node><state>running</state></vm>"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_arguments: object) -> None:
        pass


def test_the_api_is_asked_where_the_site_gives_one(play: Outlook) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        told = play.told(uxen_api={"url": f"http://127.0.0.1:{server.server_port}/api"})
        server.shutdown()
    assert told["api"]["status"] == "ok"
    told = play.told(uxen_api={"url": "http://127.0.0.1:9/api", "timeout": 2})
    assert told["api_silent"]["status"] == "warning"


def test_a_site_sets_statuses_by_code_and_no_other(play: Outlook) -> None:
    assert play.told(statuses={"ha_outlook_bmc_none": "warning"})["bmc_none"]["status"] == "warning"
    task = {"cloudops.hypervisor.ha_outlook": {**play.given, "statuses": {"ha_outlook_silent": "ok"}}, "run_once": True}
    code, output = play.run([task])
    assert code != 0 and "what could not be read stays unknown" in " ".join(output.split())


def test_the_role_reads_reports_and_fails_as_it_is_asked(play: Outlook, tmp_path: Path) -> None:
    """On this machine, which has no hypervisor, and on one that never answers."""
    play.hosts = {"n1": LOCAL, "n2": UNREACHABLE}
    role = {"name": "cloudops.hypervisor.ha_outlook", "rolespec_validate": False}
    given = {"vm_where_zone": "zone-a", "vm_where_sources": ["inventory"], "ha_outlook_report_language": "ko"}
    tasks = [{"name": "Outlook", "ansible.builtin.import_role": role, "vars": given}]
    code, output = play.run(tasks)
    assert code != 0 and "HA 사전 점검" in output, output
    assert "fail_on=critical" in output and (tmp_path / "reports" / "ha_outlook").is_dir()
    given["ha_outlook_fail_on"] = "never"
    code, output = play.run(tasks)
    assert code == 0, output
    assert "n2" in output and "ha_recovery_bmc" in output
    code, output = play.run(tasks, "--limit", "n1")
    assert code != 0 and "takes no --limit" in " ".join(output.split())
