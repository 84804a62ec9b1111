# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of the collection's own runner, begun on a node by hand, of a kind that holds a VM's lease as long as wanted."""

from __future__ import annotations

import json
import subprocess
import tarfile
import time
from io import BytesIO
from typing import Any

import remote
from controller import ROOT

PLACE = "/run/cloudops-lab"
MODULE_UTILS = "ansible_collections/cloudops/hypervisor/plugins/module_utils"
UUID = "21aaac9c-5b99-4229-9f83-0bf6b6dd8077"
ENDED = ("finished", "lost", "revoked")

ASK = f"""
import json, sys
sys.path.insert(0, {PLACE!r})
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import LocalHost
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import lease, node_job
params = json.load(sys.stdin)
if params["do"] == "lease":
    reading = lease.read(LocalHost(), "/data/%s/%s" % (lease.FOLDER, {UUID!r}))
    answer = {{"locked": reading.locked, "holder": str(reading.record), "held": reading.record.held}}
else:
    answer = node_job.answer(params)
print(json.dumps(answer))
"""

# the runner as it is, with kinds that hold a lease for as long as a test needs it
KINDS = """
import os, subprocess, time
from dataclasses import dataclass
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import LocalHost
from ansible_collections.cloudops.hypervisor.plugins.module_utils.jobs.run import run
from ansible_collections.cloudops.hypervisor.plugins.module_utils.jobs.tools import Kind
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.node_job import ROOT

@dataclass(frozen=True)
class Hold:
    uuid: str
    volume: str = "/data"
    seconds: float = 0.0
    writes: int = 0
    alone: bool = False
    proven_ended: str = ""

def hold(spec, tools):
    with tools.lease(spec.volume, spec.uuid, False, spec.proven_ended) as lease:
        tools.act("hold", lease)
        if spec.writes:
            script = "for i in $(seq %d); do echo $i >> /data/written; sync /data/written; sleep 1; done" % spec.writes
            subprocess.Popen(["sh", "-c", script], pass_fds=[lease.descriptor])
        if spec.alone:
            os.mkdir("/data/alone")
        ends = time.monotonic() + spec.seconds
        while time.monotonic() < ends:
            tools.wait(0.5)
            tools.checkpoint()
        if spec.alone:
            os.rmdir("/data/alone")
    return {"held": True}

def main(name):
    run(LocalHost(), ROOT, name, {"hold": Kind(Hold, hold)})
"""
PROGRAM = "import sys; sys.path.insert(0, {place!r}); from kinds import main; main({name!r})"


def install(node: str) -> None:
    """The collection's code and this test's kinds, in memory."""
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(ROOT / "plugins/module_utils", MODULE_UTILS)
        for name, text in (("ask.py", ASK), ("kinds.py", KINDS)):
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            archive.addfile(entry, BytesIO(text.encode()))
    unpack = f"mkdir -p {PLACE}; tar -C {PLACE} -xz"
    subprocess.run(remote.command(node, unpack), input=packed.getvalue(), check=True, timeout=120)


def ask(node: str, do: str, **params: Any) -> dict[str, Any]:
    question = json.dumps({"do": do, **params})
    said = subprocess.run(
        remote.command(node, f"python3 {PLACE}/ask.py"),
        input=question,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=120,
    )
    answer: dict[str, Any] = json.loads(said.stdout)
    return answer


def start(node: str, name: str, epoch: int, *, timeout: float = 120, **spec: Any) -> dict[str, Any]:
    order = {"name": name, "kind": "hold", "zone": "lab", "epoch": epoch, "timeout": timeout}
    program = PROGRAM.format(place=PLACE, name=name)
    return ask(node, "start", order={**order, "spec": {"uuid": UUID, **spec}}, program=program)


def read(node: str, name: str) -> dict[str, Any]:
    job: dict[str, Any]
    (job,) = ask(node, "read", name=name)["jobs"]
    return job


def await_job(node: str, name: str, seconds: float, step: str = "") -> dict[str, Any]:
    """The job once it has ended, or once it is at this step."""
    deadline = time.monotonic() + seconds
    while True:
        job = read(node, name)
        if job["state"] in ENDED or (step and (job["progress"] or {}).get("step") == step):
            return job
        assert time.monotonic() < deadline, job
        time.sleep(1)


def refusal(job: dict[str, Any]) -> str:
    assert (job["state"], job["rc"], job["acted"]) == ("finished", 1, False), job
    return str(job["refusal"]["code"])
