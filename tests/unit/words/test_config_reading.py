# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils import config_reading
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils import one_trip
from replay import Answer, recording
from words.test_vm_reading import CFG, FIRST, MOUNTS, RAW, REGION, VOLUME, node

TEXT = (
    f"name = 'web1'\nuuid = '{FIRST}'\nkernel = '/boot/vmlinux-guest'\nvif = [ 'bridge=xenbr0', 'bridge=xenbr9' ]\n"
    f"disk = [ '{RAW},raw,xvda,w', '/data/iso/a.iso,raw,xvdb,cdrom', 'phy:/dev/vg0/x,xvdc,w' ]\n"
)
ISO = "10.0.0.9:/iso /data/iso nfs4 _netdev 0 0\n"
HEAD = f"head -c 65536 -- {CFG}"
USED = [CFG, RAW, "/data/iso/a.iso", "/dev/vg0/x", "/boot/vmlinux-guest"]


def places(**more):
    found = [
        {"path": CFG, "real": CFG, "kind": "file", "number": "253:1", "inode": 7, "size": 200},
        {"path": RAW, "real": RAW, "kind": "file", "number": "253:1", "inode": 70185, "size": 33554432},
        {"path": "/data/iso/a.iso", "real": "/data/iso/a.iso", "problem": "No such file or directory"},
        {"path": "/dev/vg0/x", "real": "/dev/dm-3", "kind": "device", "number": "0:5", "inode": 9, "size": 0},
        {
            "path": "/boot/vmlinux-guest",
            "real": "/boot/vmlinux-guest",
            "kind": "file",
            "number": "254:0",
            "inode": 2,
            "size": 1,
        },
    ]
    return json.dumps([{**one, **more} for one in found])


def read(**changes):
    resolve = f"python3 -I -S -c {config_reading.vm_paths.RESOLVE} {json.dumps(USED)}"
    answers = {
        HEAD: TEXT,
        resolve: places(),
        "/etc/fstab": ISO,
        "/sys/class/net/xenbr0/bridge/ageing_time": "",
        "bridge fdb show br xenbr0": recording("bridge_macs/bridge_fdb"),
        **changes,
    }
    return config_reading.read(node(**answers), CFG, 30.0)


def test_every_path_of_a_cfg_is_told_with_the_volume_it_leads_to():
    answer = read()
    assert answer["missing"] == [] and answer["problem"] == ""
    assert (answer["config"]["path"], answer["config"]["uuid"]) == (CFG, FIRST)
    found = {one["use"]: one for one in answer["paths"]}
    assert list(found) == ["config", "disk", "cdrom", "kernel"]
    assert (found["config"]["volume"], found["config"]["mount"]["path"]) == (VOLUME, "/data")
    assert found["cdrom"]["unmounted"] == "10.0.0.9:/iso /data/iso nfs4" and found["cdrom"]["kind"] == ""
    assert found["kernel"]["mount"]["path"] == "/" and found["kernel"]["unmounted"] is None
    disks = [one for one in answer["paths"] if one["use"] == "disk"]
    assert [(one["path"], one["kind"], one["volume"]) for one in disks] == [
        (RAW, "file", VOLUME),
        ("/dev/vg0/x", "device", None),
    ]
    assert [(one["name"], one["kind"]) for one in answer["bridges"]] == [("xenbr0", "linux"), ("xenbr9", "")]


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (Answer("", stderr=f"head: cannot open '{CFG}' for reading: No such file or directory", rc=1), "No such file"),
        ("disk = [ broken\n", "not_understood"),
    ],
)
def test_a_cfg_that_xl_would_not_read_is_an_answer(said, problem):
    resolve = f"python3 -I -S -c {config_reading.vm_paths.RESOLVE} {json.dumps([CFG])}"
    gone = json.dumps([{"path": CFG, "real": CFG, "problem": "No such file or directory"}])
    answer = read(**{HEAD: said, resolve: gone})
    assert answer["config"] is None and problem in answer["problem"] and answer["missing"] == []
    assert [one["use"] for one in answer["paths"]] == ["config"]


def test_while_the_cluster_recovers_nothing_is_touched_and_all_is_missing():
    answer = read(**{f"/sys/kernel/debug/ocfs2/{REGION}/fs_state": "  Recovery => Pid: 77  Nodes: 1\n"})
    assert (answer["config"], answer["problem"], answer["paths"]) == (None, "", [])
    assert {one["problem"] for one in answer["missing"]} == {"blocked"}


def test_a_volume_that_is_not_mounted_is_told_by_what_fstab_has():
    plain = MOUNTS.partition("\n")[0] + "\n"
    fstab = "/dev/mapper/mpathb /data ocfs2 _netdev 0 0\n"
    answer = read(**{"/proc/self/mountinfo": plain, "/etc/fstab": fstab})
    assert answer["paths"][0]["unmounted"] == "/dev/mapper/mpathb /data ocfs2"


@pytest.mark.parametrize("path", ["x.cfg", "/data/../x.cfg", "/data/"])
def test_a_path_that_cannot_be_meant_is_refused(path):
    with pytest.raises(PolicyError, match="path"):
        config_reading.meant({"path": path})


def test_the_program_that_a_node_gets_reads_this_machine(tmp_path: Path):
    (tmp_path / "root.raw").write_bytes(b"\0")
    cfg = tmp_path / "web.cfg"
    cfg.write_text(f"uuid = '{FIRST}'\ndisk = [ '{tmp_path}/root.raw,raw,xvda,w' ]\n")
    program = one_trip.program("config_reading", {"path": str(cfg), "timeout": 20.0})
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-"], input=program, text=True, capture_output=True, check=False
    )
    answer = one_trip.result(ended.stdout)
    assert [(one["use"], one["kind"]) for one in answer["paths"]] == [("config", "file"), ("disk", "file")]
    assert answer["config"]["disks"][0]["path"] == f"{tmp_path}/root.raw"
