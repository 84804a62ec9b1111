# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leases on a real OCFS2 and jobs in real systemd units, between two nodes that may be cut off, killed or stopped."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import remote
from controller import ROOT
from fault import plug, unplug
from lifecycle import READY, Lab
from node_jobs import UUID, ask, await_job, install, read, refusal, start
from topology import NODES

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]

EPOCHS = itertools.count(1)
# o2cb declares a node dead after 60 s here, and recovers its locks then
RECOVERED_WITHIN = 180


@pytest.fixture
def nodes(lab: Lab) -> Lab:
    """Two nodes that have never heard of a job or a lease."""
    for node in NODES:
        install(node.name)
        remote.script(node.name, "rm -rf /var/lib/cloudops-hypervisor /data/.cloudops-leases /data/written /data/alone")
    return lab


@pytest.fixture
def spoiled(nodes: Lab) -> Iterator[Lab]:
    """A lab that is restored behind the test."""
    yield nodes
    nodes.restore(READY)


@pytest.fixture
def epoch() -> int:
    return next(EPOCHS)


# Leases between two nodes


def test_a_lease_of_one_node_keeps_the_other_out_until_it_is_given_back(nodes: Lab, epoch: int) -> None:
    start("n1", "first", epoch, seconds=25)
    assert await_job("n1", "first", 20, "hold")["state"] == "running"
    assert ask("n2", "lease") == {"locked": True, "holder": "n1/first", "held": True}
    start("n2", "hasty", epoch, timeout=3)
    start("n2", "patient", epoch, timeout=90)
    assert refusal(await_job("n2", "hasty", 30)) == "lease_busy"
    patient = await_job("n2", "patient", 90)
    first = read("n1", "first")
    assert (first["rc"], patient["rc"]) == (0, 0)
    assert ask("n1", "lease") == {"locked": False, "holder": "n2/patient", "held": False}
    # the order was there all the time; the lease came only when it was free
    assert patient["began"] < first["ended"] < patient["ended"]


def test_of_many_jobs_on_both_nodes_each_has_it_alone(nodes: Lab, epoch: int) -> None:
    names = [f"job-{number}" for number in range(5)]
    for name in names:
        for node in NODES:
            start(node.name, name, epoch, timeout=240, seconds=1, alone=True)
    ended = [await_job(node.name, name, 300) for name in names for node in NODES]
    assert [job["rc"] for job in ended] == [0] * 10, ended


def test_a_killed_holder_keeps_it_on_both_nodes_while_its_child_writes(nodes: Lab, epoch: int) -> None:
    start("n1", "writer", epoch, seconds=300, timeout=400, writes=30)
    await_job("n1", "writer", 20, "hold")
    remote.script("n1", "systemctl kill --kill-who=main --signal=SIGKILL cloudops-job-writer.service")
    lost = await_job("n1", "writer", 20)
    assert (lost["state"], lost["acted"]) == ("lost", True)
    assert any(name.startswith("sh (pid") for name in lost["left"]), "systemd left the writer alone, and it is named"
    start("n2", "too-early", epoch, timeout=5)
    assert refusal(await_job("n2", "too-early", 30)) == "lease_busy"
    start("n2", "unproven", epoch, timeout=90)
    assert refusal(await_job("n2", "unproven", 120)) == "lease_not_given_back"
    assert remote.script("n1", "tail -n 1 /data/written") == "30\n", "it was not free before the last write"
    start("n2", "proven", epoch, proven_ended="n1/writer")
    assert await_job("n2", "proven", 60)["rc"] == 0


def test_a_node_that_dies_with_it_must_be_proven_off_first(spoiled: Lab, epoch: int) -> None:
    start("n2", "doomed", epoch, seconds=600, timeout=700)
    boot_id = await_job("n2", "doomed", 20, "hold")["boot_id"]
    spoiled.machines["n2"].kill()
    start("n1", "unproven", epoch, timeout=RECOVERED_WITHIN)
    assert refusal(await_job("n1", "unproven", RECOVERED_WITHIN + 30)) == "lease_not_given_back"
    start("n1", "proven", epoch, proven_ended="n2/doomed")
    assert await_job("n1", "proven", 60)["rc"] == 0
    spoiled.power_on("n2")
    install("n2")
    doomed = read("n2", "doomed")
    assert (doomed["state"], doomed["acted"], doomed["boot_id"]) == ("lost", True, boot_id)
    assert "the node rebooted" in doomed["why"]


def test_where_flock_is_not_the_clusters_a_lease_is_refused(spoiled: Lab, epoch: int) -> None:
    start("n2", "over-nfs", epoch, volume="/data/iso")
    assert refusal(await_job("n2", "over-nfs", 30)) == "lease_wrong_storage"
    remote.script("n2", "umount /data/template /data/iso /data; mount -t ocfs2 -o localflocks /dev/mapper/mpathb /data")
    start("n2", "localflocks", epoch)
    assert refusal(await_job("n2", "localflocks", 30)) == "lease_localflocks"
    remote.script("n2", "umount /data")
    start("n2", "unmounted", epoch)
    assert refusal(await_job("n2", "unmounted", 30)) == "lease_not_shared"


# Jobs apart from who asked


def test_a_unit_ends_where_it_can_and_a_job_that_was_stopped_first_never_begins(nodes: Lab, epoch: int) -> None:
    start("n1", "long", epoch, seconds=300, timeout=400)
    await_job("n1", "long", 20, "hold")
    stopped = ask("n1", "stop", name="long", patience=30)
    assert (stopped["job"]["state"], stopped["job"]["refusal"]["code"]) == ("finished", "stopped")
    assert ask("n1", "lease") == {"locked": False, "holder": "n1/long", "held": False}
    assert ask("n1", "stop", name="never", patience=5)["job"]["state"] == "revoked"
    assert start("n1", "never", epoch)["refusal"]["code"] == "other_job"
    shown = remote.script("n1", "systemctl show --property=LoadState --value cloudops-job-long.service")
    assert shown == "not-found\n", "a unit whose program came through leaves nothing"


def tasks(tmp_path: Path, *tasks: dict[str, Any]) -> list[str]:
    playbook = tmp_path / f"{len(list(tmp_path.iterdir()))}.json"
    play = {"name": "Jobs", "hosts": "n1", "gather_facts": False, "tasks": list(tasks)}
    playbook.write_text(json.dumps([play]))
    return [sys.executable, "-m", "ansible", "playbook", "--inventory", "inventories/lab", str(playbook)]


def begin(command: list[str], tmp_path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def vm_start(epoch: int, **changes: Any) -> dict[str, Any]:
    """A real kind. These nodes have no Xen, so that its last look ends it, once it has the lease."""
    spec = {"uuid": UUID, "config": f"/data/domu/{UUID}/current/{UUID}.cfg", "volume": "/data"}
    asked = {"name": "vm", "kind": "vm_start", "zone": "lab", "epoch": epoch, "spec": spec, "timeout": 200, **changes}
    return {"name": "Start", "cloudops.hypervisor.node_job": {**asked, "patience": 120}}


@pytest.fixture
def config(nodes: Lab) -> Iterator[None]:
    folder = f"/data/domu/{UUID}/current"
    text = f'name = "x"\nuuid = "{UUID}"\n'
    remote.script("n1", f"mkdir -p {folder}; printf %s '{text}' > {folder}/{UUID}.cfg")
    yield
    remote.script("n1", f"rm -rf /data/domu/{UUID}")


def assert_found_again(screen: str) -> None:
    assert "no answer, asking again" in screen, screen
    job = read("n1", "vm")
    assert (job["state"], job["refusal"]["code"], job["acted"]) == ("finished", "unread", False), job
    began = remote.script("n1", "journalctl --quiet --output=cat -u cloudops-job-vm.service | grep -c result:")
    assert began == "1\n", "the program ran once"


def test_a_job_whose_connection_is_cut_again_and_again_is_found_again(
    nodes: Lab, epoch: int, tmp_path: Path, config: None
) -> None:
    start("n2", "holder", epoch, seconds=25)
    await_job("n2", "holder", 20, "hold")
    controller = begin(tasks(tmp_path, vm_start(epoch)), tmp_path)
    over = threading.Event()

    def cut() -> None:
        while not over.wait(0.7):
            remote.forget_connection("n1")

    cutting = threading.Thread(target=cut)
    cutting.start()
    await_job("n2", "holder", 60)
    over.set()
    cutting.join()
    assert_found_again(controller.communicate(timeout=240)[0])


def test_a_job_goes_on_while_its_node_is_out_of_reach(nodes: Lab, epoch: int, tmp_path: Path, config: None) -> None:
    start("n2", "holder", epoch, seconds=60)
    await_job("n2", "holder", 20, "hold")
    controller = begin(tasks(tmp_path, vm_start(epoch)), tmp_path)
    await_job("n1", "vm", 60, "lease")
    unplug("eth0")(nodes, "n1")
    try:
        await_job("n2", "holder", 120)
        time.sleep(15)
    finally:
        plug("eth0")(nodes, "n1")
        remote.forget_connection("n1")
    assert_found_again(controller.communicate(timeout=240)[0])


def test_a_job_outlives_its_controller_and_is_read_by_the_next(
    nodes: Lab, epoch: int, tmp_path: Path, config: None
) -> None:
    start("n2", "holder", epoch, seconds=30)
    await_job("n2", "holder", 20, "hold")
    controller = begin(tasks(tmp_path, vm_start(epoch)), tmp_path)
    await_job("n1", "vm", 60, "lease")
    os.killpg(controller.pid, signal.SIGKILL)
    controller.communicate()
    again = begin(tasks(tmp_path, vm_start(epoch)), tmp_path)
    screen = again.communicate(timeout=240)[0]
    assert again.returncode != 0 and "not known: " in " ".join(screen.split())
    assert refusal(read("n1", "vm")) == "unread"


def test_a_controller_that_slept_and_was_overtaken_is_refused_by_the_node(
    nodes: Lab, epoch: int, tmp_path: Path
) -> None:
    newer = next(EPOCHS)
    go = tmp_path / "go"
    wait = {"ansible.builtin.wait_for": {"path": str(go), "timeout": 300}, "delegate_to": "localhost"}
    sleeper = begin(tasks(tmp_path, {**wait, "name": "Wait"}, vm_start(epoch)), tmp_path)
    time.sleep(5)
    os.killpg(sleeper.pid, signal.SIGSTOP)
    overtake = {"name": "Overtake", "cloudops.hypervisor.node_epoch": {"zone": "lab", "epoch": newer}}
    other = begin(tasks(tmp_path, overtake), tmp_path)
    screen = other.communicate(timeout=120)[0]
    assert other.returncode == 0, screen
    go.touch()
    os.killpg(sleeper.pid, signal.SIGCONT)
    screen = " ".join(sleeper.communicate(timeout=240)[0].split())
    assert sleeper.returncode != 0 and f"this node has epoch {newer}, this is epoch {epoch}" in screen
    assert read("n1", "vm")["state"] == "never_started"
    assert ask("n1", "read", name="vm")["epoch"] == newer


def test_a_job_that_was_overtaken_while_it_waited_for_the_lease_does_nothing(nodes: Lab, epoch: int) -> None:
    newer = next(EPOCHS)
    start("n2", "newer", newer, seconds=15)
    await_job("n2", "newer", 20, "hold")
    # this node has not heard of it; the lease has
    start("n1", "older", epoch, timeout=90)
    assert refusal(await_job("n1", "older", 90)) == "overtaken"
