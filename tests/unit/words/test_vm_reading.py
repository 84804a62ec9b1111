# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils import vm_reading
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import vnc_truth, whereabouts
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import image_openers, vm_config, vnc, xen
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils import one_trip
from replay import Replay, recording
from xen_answers import libxc

FIRST = "21aaac9c-5b99-4229-9f83-0bf6b6dd8077"
SECOND = "40b5b25e-c356-45fc-a287-7525c6438041"
REGION = "AFB05A486073442B8ED67E87ADED6E9C"
VOLUME = "afb05a48-6073-442b-8ed6-7e87aded6e9c"
CFG = f"/data/domu/{FIRST}/current/{FIRST}.cfg"
RAW = f"/data/domu/{FIRST}/current/root.raw"
QCOW2 = f"/data/domu/{SECOND}/current/root.qcow2"
BACKING = "/data/domu/base.qcow2"
CONF = "cluster:\n\tnode_count = 3\n\tname = lab\n" + "".join(
    f"node:\n\tip_port = 7777\n\tip_address = 10.77.4.1{n}\n\tnumber = {n - 1}\n\tname = n{n}\n\tcluster = lab\n"
    for n in (1, 2, 3)
)
DEVICE = os.makedev(253, 1)
MOUNTS = (
    "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
    "41 22 253:1 / /data rw,noatime shared:21 - ocfs2 /dev/mapper/mpathb rw,_netdev,heartbeat=local\n"
)
FLAGS = dict.fromkeys(("running", "paused", "shutdown", "crashed", "dying"), 0)
COUNTS = {"mem_kb": 262144, "maxmem_kb": 263168, "online_vcpus": 1, "shutdown_reason": 255, "blocked": 1, **FLAGS}
DOMAINS = [
    {"domid": 0, "handle": "00000000-0000-0000-0000-000000000000", "cpu_time": 88400000000, **COUNTS},
    {"domid": 1, "handle": FIRST, "cpu_time": 3700000000, **COUNTS},
    {"domid": 2, "handle": SECOND, "cpu_time": 3712345678, **COUNTS},
]
STORE = "".join(
    f'{path} = "{value}"\n'
    for number, uuid in ((1, FIRST), (2, SECOND))
    for path, value in (
        (f"/local/domain/{number}/name", uuid),
        (f"/local/domain/{number}/vm", f"/vm/{uuid}"),
        (f"/local/domain/{number}/console/vnc-port", 5949 + number),
    )
) + (
    f'/local/domain/0/backend/vbd/1/51712/params = "{RAW}"\n/local/domain/0/backend/vbd/1/51712/node = "/dev/loop0"\n'
    f'/local/domain/0/backend/qdisk/2/51712/params = "qcow2:{QCOW2}"\n'
)
WALKED = {
    "configs": [[CFG, f"name = 'web1'\nuuid = '{FIRST}'\ndisk = [ '{RAW},raw,xvda,w' ]\nvncdisplay = 50\n"]],
    "saved": [["/data/domu/old.save", None]],
    "problems": [],
    "roots": ["/data/domu"],
}


def walk(*roots):
    saved = [vm_config.SAVED, vm_config.SAVED + vm_config.SET_ASIDE]
    order = {"roots": list(roots), "saved": saved, "depth": vm_config.DEPTH}
    return f"python3 -I -S -c {vm_config.WALK} " + json.dumps(order)


WALK = walk("/data/domu")
STAT = f"stat -L --format %d %i %n -- {RAW} {QCOW2}"
BLKID = "blkid -p -o export /dev/mapper/mpathb"
LOSETUP = " ".join(image_openers.ASK_LOOPS)
LIBXC = " ".join(xen.ASK_LIBXC)
XENSTORE = " ".join(xen.ASK_XENSTORE)
DEFAULTS = {name: one["default"] for name, one in vm_reading.argument_spec().items()}
MODELS = [line for line in recording("vnc/ps-collision").lines if "qemu" in line]


def tree(name):
    lines = [line.partition(": ") for line in recording(name).stdout.splitlines() if line.startswith("/sys")]
    return {path: text + "\n" for path, separator, text in lines if separator}


def node(**changes):
    """A healthy node of a cluster of two with two guests, whose consoles collided."""
    answers = {
        "/proc/self/mountinfo": MOUNTS,
        "/proc/sys/kernel/hostname": "n1\n",
        "/proc/sys/kernel/random/boot_id": "6cb4279e-70b4-47df-be26-e619be0c8b1f\n",
        # o2cb
        "/etc/ocfs2/cluster.conf": CONF,
        "/sys/kernel/config/cluster": "",
        **tree("o2cb/configfs-mounted-both-n1"),
        "/sys/kernel/debug/o2hb/livenodes": "0 1\n",
        "/sys/kernel/debug/o2net/connected_nodes": "1\n",
        f"/sys/kernel/debug/o2hb/{REGION}/elapsed_time_in_ms": "1204\n",
        f"/sys/kernel/debug/o2dlm/{REGION}/dlm_state": (
            "Dead Node: 255\nRecovery Pid: 605  Master: 255  State: INACTIVE\nRecovery Map: \n"
        ),
        f"/sys/kernel/debug/ocfs2/{REGION}/fs_state": "  Recovery => Pid: -1  Nodes: None\n",
        "tcp 10.77.4.12:7777": "",
        # the images
        WALK: json.dumps(WALKED),
        STAT: f"{DEVICE} 70185 {RAW}\n{DEVICE} 70177 {QCOW2}\n",
        BLKID: f"UUID={VOLUME}\nTYPE=ocfs2\n",
        LOSETUP: f"NAME RO BACK-INO BACK-MAJ:MIN BACK-FILE\n/dev/loop0 0 70185 253:1 {RAW}\n",
        "/sys/block/loop0/loop/backing_file": RAW + "\n",
        # the domains and their consoles
        XENSTORE: STORE,
        LIBXC: libxc(DOMAINS),
        " ".join(vnc.ASK_LISTENERS): recording("vnc/ss-two-guests"),
        "unix /run/xen/qmp-libxenstat-1": recording("vnc/qmp-second-guest").stdout.replace("5951", "5950"),
        "unix /run/xen/qmp-libxenstat-2": recording("vnc/qmp-second-guest"),
        "/run/xen/qmp-libxenstat-1": "",
        "/run/xen/qmp-libxenstat-2": "",
        # the processes
        "/proc/1/stat": "1 (systemd) S 0 1\n",
        "/proc/700/stat": "700 (xl) S 1 1\n",
        "/proc/700/cmdline": f"/usr/lib/xen-4.17/bin/xl\ncreate\n{CFG}\n",
        "/proc/587/fdinfo/31": "flags:\t02100000\nmnt_id:\t41\nino:\t4711\n",
        "/proc/587/fdinfo/32": "flags:\t02100002\nmnt_id:\t41\nino:\t70177\n",
        "/proc/587/fdinfo/33": "flags:\t02100002\nmnt_id:\t41\nino:\t9999\n",
    }
    for line in MODELS:
        words = line.split()
        answers[f"/proc/{words[1]}/stat"] = f"{words[1]} (xen-qemu-system) S 1 1\n"
        answers[f"/proc/{words[1]}/cmdline"] = "\n".join(words[7:]) + "\n"
    answers.update(changes)
    links = {
        "/sys/dev/block/253:1": "../../devices/virtual/block/dm-1",
        "/proc/self": "999",
        "/proc/1/exe": "/usr/lib/systemd/systemd",
        "/proc/587/fd/31": BACKING,
        # renamed on another node since: only its inode tells
        "/proc/587/fd/32": "/data/elsewhere/root.qcow2",
        "/proc/587/fd/33": "/data/log/api.log",
    }
    return Replay({key: value for key, value in answers.items() if value is not None}, links=links)


def read(**changes):
    return vm_reading.read(node(**changes), vm_reading.Order())


def test_a_healthy_node_is_read_whole():
    answer = read()
    assert answer["missing"] == []
    assert answer["node"] == {
        "hostname": "n1",
        "boot_id": "6cb4279e-70b4-47df-be26-e619be0c8b1f",
        "at": 1_790_000_000.0,
        "began": 1_790_000_000.0,
        "ended": 1_790_000_000.0,
        "recovering": False,
        "cluster": {"nodes": ["n1", "n2", "n3"], "heartbeat": ["n1", "n2"]},
        "xen_version": "4.17.7",
        "memory_kib": {"total": 2620900, "free": 1276952, "dom0": 262144, "dom0_maximum": 263168},
    }
    assert answer["saved"] == [{"path": "/data/domu/old.save", "uuid": None}]
    assert answer["toolstack"][0]["names"] == [FIRST, CFG]
    json.dumps(answer)


def test_a_domain_is_told_with_its_console_as_every_source_has_it():
    first, second = read()["domains"]
    assert (first["id"], first["uuid"], first["name"], first["config"]) == (1, FIRST, FIRST, CFG)
    assert first["vnc"] == {"xenstore": 5950, "qmp": 5950, "listening": 5950, "command_line": 50, "configured": 50}
    assert second["vnc"] == {"xenstore": 5951, "qmp": 5951, "listening": 5951, "command_line": 50, "configured": None}
    assert (second["config"], second["cpu_ns"]) == (None, 3712345678)
    assert second["state"]["blocked"] and second["state"]["shutdown_reason"] is None
    assert first["disks"] == [
        {"vdev": "51712", "path": RAW, "format": "raw", "backend": "vbd", "loop": "/dev/loop0", "writable": True}
    ]


def test_the_packets_that_a_guest_sent_are_those_that_dom0_received():
    counters = {
        "/sys/class/net/vif1.0/statistics/rx_packets": "112\n",
        "/sys/class/net/vif1.0/statistics/tx_packets": "390\n",
    }
    nic = "/local/domain/0/backend/vif/1/0/"
    store = STORE + f'{nic}mac = "00:16:3e:00:00:01"\n{nic}bridge = "xenbr0"\n{nic}vifname = "vif1.0"\n'
    first = read(**counters, **{XENSTORE: store})["domains"][0]
    assert [(one["device"], one["sent"], one["received"]) for one in first["nics"]] == [("vif1.0", 112, 390)]
    uncounted = read(**{XENSTORE: store})["domains"][0]
    assert [(one["sent"], one["received"]) for one in uncounted["nics"]] == [(None, None)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"/etc/ocfs2/cluster.conf": Problem.DENIED}, {"nodes": None, "heartbeat": ["n1", "n2"]}),
        ({"/etc/ocfs2/cluster.conf": "number = 1\n"}, {"nodes": None, "heartbeat": ["n1", "n2"]}),
        ({"/sys/kernel/debug/o2hb/livenodes": None}, {"nodes": ["n1", "n2", "n3"], "heartbeat": None}),
    ],
)
def test_what_cannot_be_read_of_the_cluster_is_null_and_missing(changes, expected):
    answer = read(**changes)
    assert answer["node"]["cluster"] == expected
    # who heartbeats is guarded by the glance, whose finding blocks the images
    assert answer["missing"]


def test_a_node_without_a_cluster_says_so():
    local = {path: None for path in node()._answers if path.startswith(("/sys/kernel/config", "/etc/ocfs2"))}
    plain = MOUNTS.replace("ocfs2 /dev/mapper/mpathb rw,_netdev,heartbeat=local", "ext4 /dev/vdb rw")
    assert read(**local, **{"/proc/self/mountinfo": plain})["node"]["cluster"] is None


LOCAL, SHARED = MOUNTS.splitlines(keepends=True)
OF_DATA = "/dev/vdb /data ocfs2 _netdev 0 0\n"
NOTHING = {"configs": [], "saved": [], "problems": []}
NO_FOLDER = json.dumps({**NOTHING, "problems": [["/data/domu", "No such file or directory"]], "roots": ["/data/domu"]})


@pytest.mark.parametrize(
    ("mounts", "fstab", "in_kernel", "asks"),
    [
        (LOCAL, OF_DATA, False, []),
        (LOCAL, OF_DATA, True, ["/data/domu"]),
        (LOCAL, "/dev/vda / ext4 rw 0 0\n", False, ["/data/domu"]),
        (LOCAL + SHARED.replace("/data", "/mnt"), OF_DATA, True, ["/data/domu"]),
        ("", OF_DATA, False, ["/data/domu"]),
    ],
    ids=["fstab's volume is not mounted", "umount -l", "not in fstab", "mounted elsewhere", "mounts not read"],
)
def test_a_folder_of_a_volume_that_is_not_mounted_hides_nothing(mounts, fstab, in_kernel, asks):
    changes = {"/proc/self/mountinfo": mounts, "/etc/fstab": fstab}
    changes.update({walk(): json.dumps({**NOTHING, "roots": []}), WALK: NO_FOLDER})
    changes.update({LIBXC: libxc(DOMAINS[:1]), XENSTORE: ""})
    if not in_kernel:
        changes[f"/sys/kernel/debug/ocfs2/{REGION}/fs_state"] = None
    answer = read(**changes)
    assert answer["domains"] == [] and answer["configs"] == []
    assert [one["reading"] for one in answer["missing"] if one["reading"] == "/data/domu"] == asks


def test_a_folder_below_a_place_where_nothing_is_mounted_is_read():
    changes = {"/proc/self/mountinfo": LOCAL, "/etc/fstab": OF_DATA, "/data/domu": Problem.FAILED}
    changes[f"/sys/kernel/debug/ocfs2/{REGION}/fs_state"] = None
    answer = read(**changes)
    assert [one["path"] for one in answer["configs"]] == [CFG]


def test_images_and_their_openers_are_compared_by_volume_and_inode():
    answer = read()
    assert answer["images"] == [
        {"path": RAW, "volume": VOLUME, "inode": 70185},
        {"path": QCOW2, "volume": VOLUME, "inode": 70177},
    ]
    found = {one["path"]: one for one in answer["openers"]}
    assert set(found) == {RAW, "/data/elsewhere/root.qcow2", BACKING}
    assert found[RAW]["by"] == "loop" and found[RAW]["pid"] is None
    assert (found["/data/elsewhere/root.qcow2"]["inode"], found["/data/elsewhere/root.qcow2"]["volume"]) == (
        70177,
        VOLUME,
    )
    assert [found[path]["backing"] for path in (RAW, "/data/elsewhere/root.qcow2", BACKING)] == [False, False, True]


def test_the_answer_is_what_the_decisions_about_vms_take():
    answer = json.loads(json.dumps(read()))
    rounds = [[replace(whereabouts.reading("n1", answer), at=at)] for at in (0.0, 3.0)]
    found = whereabouts.vms(rounds)
    nodes = whereabouts.NodeSet(("n1",))
    second = whereabouts.whereabouts(found[SECOND], nodes, rounds)
    assert second.verdict is whereabouts.Verdict.SOMEWHERE
    assert {one.kind for one in second.places} == {"domain", "process"}
    kinds = {one.kind for one in whereabouts.whereabouts(found[FIRST], nodes, rounds).places}
    assert kinds == {"domain", "loop", "toolstack"}
    assert not vnc_truth.node("n1", answer).blind


def test_a_config_without_its_vm_running_is_told_and_two_of_one_vm_decide_nothing():
    other = [["/data/domu/a.cfg", f"uuid = '{FIRST}'\n"], ["/data/domu/b.cfg", "name = 'b'\nmemory = 64\n"]]
    answer = read(**{WALK: json.dumps({**WALKED, "configs": WALKED["configs"] + other})})
    assert [(one["path"], one["uuid"], one["memory_mib"]) for one in answer["configs"]][1:] == [
        ("/data/domu/a.cfg", FIRST, None),
        ("/data/domu/b.cfg", None, 64),
    ]
    assert (answer["domains"][0]["config"], answer["domains"][0]["vnc"]["configured"]) == (None, None)


SILENT = {"tcp 10.77.4.12:7777": Answer("", stderr="No route to host", problem=Problem.FAILED)}
QUEUES = {
    "/sys/block/dm-0/dm/uuid": "mpath-3600140\n",
    "multipathd -kshow maps json": recording("multipath/show_maps_json-allfailed-queueing"),
    "dmsetup status --target multipath": recording("multipath/dmsetup_status-allfailed-queueing"),
    "dmsetup table --target multipath": recording("multipath/dmsetup_table-allfailed-queueing"),
}
RECOVERS = {f"/sys/kernel/debug/ocfs2/{REGION}/fs_state": "  Recovery => Pid: 77  Nodes: 1\n"}


@pytest.mark.parametrize("ill", [SILENT, QUEUES, RECOVERS])
def test_an_ill_storage_leaves_the_images_missing_and_the_domains_read(ill):
    host = node(**ill)
    answer = vm_reading.read(host, vm_reading.Order())
    assert [one["uuid"] for one in answer["domains"]] == [FIRST, SECOND]
    assert (answer["configs"], answer["images"]) == ([], [])
    blocked = {one["reading"] for one in answer["missing"] if one["problem"] == "blocked"}
    assert {"images below /data/domu", LOSETUP} <= blocked
    # what the kernel keeps is told all the same, and nothing is taken for a mere backing file
    assert {one["path"] for one in answer["openers"]} == {RAW, BACKING}
    assert not any(one["backing"] for one in answer["openers"])


def test_recovery_is_told_and_a_node_that_cannot_tell_it_says_so():
    assert read(**RECOVERS)["node"]["recovering"] is True
    answer = read(**{f"/sys/kernel/debug/o2dlm/{REGION}/dlm_state": None})
    assert answer["node"]["recovering"] is None
    assert "absent" in {one["problem"] for one in answer["missing"]}


def test_without_libxc_the_domains_are_not_known_instead_of_none():
    answer = read(**{LIBXC: None})
    assert answer["domains"] is None
    assert "libxc" in {one["reading"] for one in answer["missing"]}


@pytest.mark.parametrize(("blkid", "problem"), [(Problem.TIMEOUT, "timeout"), ("TYPE=ocfs2\n", "not_understood")])
def test_a_shared_volume_without_its_uuid_is_missing(blkid, problem):
    answer = read(**{BLKID: blkid})
    assert (BLKID.removesuffix(" ") if problem == "timeout" else "blkid /dev/mapper/mpathb", problem) in {
        (one["reading"], one["problem"]) for one in answer["missing"]
    }
    assert {one["volume"] for one in answer["images"]} == {None}


@pytest.mark.parametrize(
    ("line", "volume"),
    [("ext4 /dev/vdb rw", "/dev/vdb"), ("nfs4 10.0.0.9:/domu rw,addr=10.0.0.9", "10.0.0.9:/domu")],
)
def test_volumes_of_other_kinds_have_the_name_that_mounts_them(line, volume):
    mounts = MOUNTS.replace("ocfs2 /dev/mapper/mpathb rw,_netdev,heartbeat=local", line)
    answer = read(**{"/proc/self/mountinfo": mounts})
    assert {one["volume"] for one in answer["images"]} == {volume}
    assert answer["missing"] == []


def test_mounts_that_are_not_understood_are_missing():
    assert "/proc/self/mountinfo" in {one["reading"] for one in read(**{"/proc/self/mountinfo": "?\n"})["missing"]}


@pytest.mark.parametrize(
    ("option", "value"),
    [("roots", []), ("roots", ["data"]), ("roots", ["/"]), ("roots", ["/data/"]), ("timeout", 0.0)],
)
def test_options_that_cannot_be_meant_are_refused_by_name(option, value):
    with pytest.raises(PolicyError, match=option):
        vm_reading.order({**DEFAULTS, option: value})


def test_the_program_that_a_node_gets_reads_this_machine(tmp_path):
    image = tmp_path / "domu" / "root.raw"
    image.parent.mkdir()
    image.write_bytes(b"\0")
    (tmp_path / "domu" / "web.cfg").write_text(f"uuid = '{FIRST}'\ndisk = [ '{image},raw,xvda,w' ]\n")
    program = one_trip.program("vm_reading", {**DEFAULTS, "roots": [str(tmp_path / "domu")], "timeout": 20.0})
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-"], input=program, text=True, capture_output=True, check=False
    )
    answer = one_trip.result(ended.stdout)
    assert answer["domains"] is None
    assert [(one["uuid"], one["disks"]) for one in answer["configs"]] == [(FIRST, [str(image)])]
    assert [one["inode"] for one in answer["images"]] == [image.stat().st_ino]


def test_where_the_kernel_has_no_map_the_daemon_is_not_asked():
    host = node()
    vm_reading.read(host, vm_reading.Order())
    assert not [one for one in host.asked if one.startswith(("multipath", "dmsetup"))]


LEASES = "/data/.cloudops-leases"


@pytest.mark.parametrize("name", [FIRST, FIRST.upper(), "web1"])
def test_the_lease_of_the_vm_that_is_asked_for_comes_in_the_same_trip(name):
    host = node(**{f"cat -- {LEASES}/{FIRST}": Answer("", stderr="cat: No such file or directory", rc=1)})
    lease = vm_reading.read(host, vm_reading.Order(lease_of=name))["lease"]
    assert lease == {
        "vm": FIRST,
        "path": f"{LEASES}/{FIRST}",
        "scope": "cluster",
        "record": None,
        "locked": False,
        "problem": "",
    }


def test_a_lease_is_read_of_nobody_whom_the_node_does_not_know():
    for name in ("", "web-9", "(null)"):
        assert vm_reading.read(node(), vm_reading.Order(lease_of=name))["lease"] is None


def test_an_ill_storage_is_not_asked_for_the_lease_either():
    lease = vm_reading.read(node(**RECOVERS), vm_reading.Order(lease_of=FIRST))["lease"]
    assert lease["locked"] is None and lease["problem"]
