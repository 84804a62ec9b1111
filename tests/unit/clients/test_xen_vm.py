# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""xen_vm as ansible-playbook runs it on a node without a hypervisor: what it refuses, journals and leaves open."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.process import Process
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import (
    Author,
    Entry,
    Phase,
    open_store,
)
from clients.api import Api, Remembered, serving
from playbook import LOCAL, Playbook, show, shown
from xen_answers import cfg, config, domain, uuid

VM = uuid(1)


def proof(age: float = 1.0, since: float | None = 70.0, **vm: Any) -> dict[str, Any]:
    """Of a VM that is off, if nothing else is said, as vm_whereabouts returns it."""
    now = time.time()
    known = {
        "vm": VM,
        "verdict": "off",
        "twice": False,
        "off_since": None if since is None else now - since,
        "places": [],
        "silent": [],
        "missing": [],
        "domains": [],
        "configs": [{**config(1), "hosts": ["n1"]}],
        **vm,
    }
    about = {"zone": "zone-a", "hosts": {"node-1": "n1", "node-2": "n2"}, "boots": {"node-2": "b" * 36}}
    return {**about, "vms": [known], "read_at": now - age, "ahead": {"node-1": 0.0, "node-2": 0.0}}


def runs(node: str = "node-1", state: str = "") -> dict[str, Any]:
    return {"verdict": "somewhere", "off_since": None, "domains": [{"node": node, "host": "n1", **domain(1, 3, state)}]}


class Act(Playbook):
    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.hosts = {"n1": LOCAL}
        self.store = open_store(
            Author("lee", "another run", Process.at(os.getpid())), self.environment["CLOUDOPS_STORE_URL"]
        )
        self.epoch = self.store.acquire("zone-a", "start of a VM").epoch

    def act(self, state: str, given: dict[str, Any], *arguments: str, **options: Any) -> tuple[dict[str, Any], str]:
        module = {"vm": VM, "state": state, "proof": given, "zone": "zone-a", "epoch": self.epoch, **options}
        task = {"cloudops.hypervisor.xen_vm": module, "register": "done", "ignore_errors": True}
        code, output = self.run([task, show("done")], *arguments)
        assert code == 0, output
        ((_host, done),) = shown(output)
        return done, output

    def journal(self) -> list[tuple[str, str]]:
        return [(one.entry.job, one.entry.phase.value) for one in self.store.records(subject=VM)]


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Act]:
    made = Act(tmp_path)
    with made.store:
        yield made


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with serving(Remembered({VM: "stopped"}, []), tmp_path) as one:
        yield one


def test_a_start_without_a_proof_is_refused_and_names_what_is_missing(play: Act) -> None:
    missing = [{"node": "node-2", "what": "its domains", "why": ""}]
    given = proof(since=None, verdict="unknown", silent=["node-3"], missing=missing)
    done, _output = play.act("running", given)
    assert done["failed"] and not done["changed"] and done["refusal"]["code"] == "not_off"
    assert "node-3 did not answer" in done["msg"] and "node-2: its domains" in done["msg"]
    assert play.act("running", proof(age=20))[0]["refusal"]["code"] == "too_old"
    assert play.act("running", proof(since=10))[0]["refusal"]["code"] == "not_quiet"
    assert play.act("running", {**proof(), "hosts": {"node-9": "n9"}})[0]["refusal"]["code"] == "no_proof"
    assert play.journal() == []


def test_what_is_as_wished_is_left_alone(play: Act) -> None:
    done, _output = play.act("running", proof(**runs()))
    assert not done["changed"] and done["act"] is None
    assert done["domain"] == {"node": "node-1", "id": 3, "name": "web-1", "rests": "", "port": 5951}
    assert not play.act("stopped", proof())[0]["changed"]
    assert play.journal() == []


def test_check_mode_shows_what_would_be_done_and_journals_nothing(play: Act) -> None:
    done, output = play.act("running", proof(), "--check", "--diff")
    assert done["changed"] and done["act"] == "vm_start" and play.journal() == []
    assert "-off" in output and "+node-1: running" in output
    done, output = play.act("migrated", proof(**runs()), "--check", "--diff", target="node-2")
    assert done["act"] == "vm_migrate" and "+node-2: running" in output


def test_a_node_that_refuses_the_job_is_journalled_with_its_reason(play: Act) -> None:
    """No systemd here takes the job."""
    done, _output = play.act("running", proof())
    assert done["failed"] and not done["changed"], done
    assert play.journal() == [("xen_vm", "started"), ("xen_vm", "closed")]
    started, closed = play.store.records(subject=VM)
    assert started.entry.evidence["spec"]["config"] == cfg(1) and started.entry.evidence["node"] == "node-1"
    assert closed.entry.evidence["reason"] in done["msg"]


def test_whoever_lost_the_zone_does_nothing(play: Act) -> None:
    play.epoch += 1
    done, _output = play.act("running", proof())
    assert done["failed"] and "lost its lock" in done["msg"] and play.journal() == []


def test_another_job_on_the_vm_is_in_the_way_unless_this_is_part_of_it(play: Act) -> None:
    play.store.record(Entry("disk_convert", VM, Phase.STARTED, evidence={"node": "n2"}))
    done, _output = play.act("running", proof())
    assert done["refusal"]["code"] == "job_open" and "disk_convert" in done["msg"]
    assert play.act("running", proof(), "--check", within=["disk_convert"])[0]["changed"]


def test_a_job_of_another_host_is_settled_there(play: Act) -> None:
    evidence = {"node": "node-2", "host": "n2", "job": "start-x-1", "act": "vm_start"}
    play.store.record(Entry("xen_vm", VM, Phase.STARTED, evidence=evidence))
    done, _output = play.act("running", proof())
    assert done["refusal"]["code"] == "job_open" and "on n2 settles it" in done["msg"]


class TestApi:
    def test_without_the_lease_it_is_not_asked(self, play: Act, api: Api) -> None:
        """No systemd here takes the job that would have it."""
        done, _output = play.act("running", proof(), by="api", uxen_api={"url": api.url})
        assert done["failed"] and not done["changed"] and "The API was not asked" in done["msg"]
        assert api.vms.done == [] and play.journal() == [("xen_vm", "started"), ("xen_vm", "closed")]

    def test_a_request_whose_answer_was_lost_is_settled_by_what_is_there(self, play: Act, api: Api) -> None:
        self.asked(play, 300.0)
        done, _output = play.act("running", proof(**runs()), by="api", uxen_api={"url": api.url})
        assert not done["changed"] and api.vms.done == []
        assert play.journal() == [("xen_vm", "started"), ("xen_vm", "done")]

    def test_a_request_is_in_the_way_until_its_bound_is_over(self, play: Act, api: Api) -> None:
        self.asked(play, 300.0)
        given = {"by": "api", "uxen_api": {"url": api.url}}
        assert play.act("running", proof(), **given)[0]["refusal"]["code"] == "job_open"
        play.store.record(Entry("xen_vm", VM, Phase.CLOSED, evidence={"reason": "tidied"}))
        self.asked(play, 0.001)
        assert play.act("running", proof(), **given)[0]["refusal"]["code"] != "job_open"

    def asked(self, play: Act, bound: float) -> None:
        evidence = {"node": "node-1", "host": "n1", "act": "vm_start", "request": "POST /x", "lease": "hold-x-1"}
        play.store.record(Entry("xen_vm", VM, Phase.STARTED, evidence={**evidence, "bound": bound}))

    def test_it_has_no_request_for_a_pause(self, play: Act, api: Api) -> None:
        done, _output = play.act("paused", proof(**runs()), by="api", uxen_api={"url": api.url})
        assert done["refusal"]["code"] == "by_xl" and play.journal() == []
