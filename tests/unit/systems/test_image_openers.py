# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils import mount_table, process_table
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, LocalHost, Problem, Touches
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.process_table import Stat
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import image_openers
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.image_openers import (
    Descriptor,
    File,
    Loop,
    Opener,
)
from replay import Replay, recording

MOUNTS = mount_table.parse_mountinfo(
    "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
    "41 22 254:16 / /data rw,relatime - ocfs2 /dev/vdb rw,_netdev,heartbeat=local\n"
)
DATA = ["254:16"]
THIRD = "/data/domu/33333333-0000-0000-0000-000000000003/current/33333333-0000-0000-0000-000000000003.qcow2"
QEMU = Stat(1163, "xen-qemu-system", "S", 1)
LOSETUP = " ".join(image_openers.ASK_LOOPS)
FDINFO = "pos:\t0\nflags:\t02100002\nmnt_id:\t41\nino:\t70177\n"
# a guest's qcow2 as its device model has it open, and a raw one on a loop device that no process holds
ANSWERS = {
    "/proc/1163/fdinfo/32": FDINFO,
    "/proc/1163/fdinfo/1": "pos:\t0\nflags:\t0100001\nmnt_id:\t22\nino:\t5\n",
    LOSETUP: (
        "NAME       RO BACK-INO BACK-MAJ:MIN BACK-FILE\n"
        "/dev/loop0  0    70185      254:16  /data/domu/5/current/5.raw\n"
    ),
    "/sys/block/loop0/loop/backing_file": "/data/domu/5/current/5.raw\n",
    "/sys/block/loop0/ro": "0\n",
    "/sys/block/loop1/ro": "0\n",
}
LINKS = {
    "/proc/1/exe": "/usr/lib/systemd/systemd",
    "/proc/1163/fd/32": THIRD,
    "/proc/1163/fd/1": "/var/log/xen/qemu-dm.log",
    "/proc/1163/fd/2": "socket:[1234]",
}


def look(processes=(QEMU,), links=(), files=(), mounts=MOUNTS, numbers=tuple(DATA), blocked=None, **changes):
    answers = {key: value for key, value in {**ANSWERS, **changes}.items() if value is not None}
    host = Replay(answers, links={**LINKS, **dict(links)}, blocked=blocked)
    table = {one.pid: one for one in processes}
    return image_openers.probe(host, table, mounts, numbers, files, Touches.OCFS2)


LOOP = Opener("/data/domu/5/current/5.raw", "254:16", 70185, "loop", "loop0", None, True)
DEVICE_MODEL = Opener(THIRD, "254:16", 70177, "process", "xen-qemu-system", 1163, True)


def test_a_device_model_and_a_loop_device_without_a_process_are_both_found():
    facts = look()
    assert set(facts.openers) == {LOOP, DEVICE_MODEL}
    assert facts.missing == ()


def test_a_read_only_opener_is_told_apart():
    (found,) = look(**{"/proc/1163/fdinfo/32": FDINFO.replace("02100002", "02100000"), LOSETUP: ""}).openers
    assert not found.writes


def test_an_image_outside_of_the_roots_is_found_by_its_inode():
    log = File("/other/name", "254:0", 5)
    assert {one.path for one in look(files=[log], numbers=[]).openers} == {"/var/log/xen/qemu-dm.log"}
    assert look(files=[File("/gone")], numbers=[]).openers == ()


def test_a_deleted_or_unmounted_file_that_is_still_open_counts():
    deleted = look(links={"/proc/1163/fd/32": THIRD + " (deleted)"})
    assert DEVICE_MODEL in deleted.openers
    # after umount -l no mount tells the device any more
    (found,) = look(mounts=MOUNTS[:1], files=[File(THIRD, "254:16", 70177)], numbers=[]).openers
    assert (found.number, found.inode) == (None, 70177)


def test_a_process_with_mounts_of_its_own_is_followed_there():
    own = "900 1 254:16 / /mnt rw - ocfs2 /dev/vdb rw\n"
    changes = {"/proc/1163/fdinfo/32": FDINFO.replace("41", "900"), "/proc/1163/mountinfo": own}
    assert DEVICE_MODEL in look(**changes).openers
    broken = {**changes, "/proc/1163/mountinfo": "?\n"}
    assert look(**broken).openers == (LOOP,)


def test_a_kernel_that_keeps_no_inode_there_is_asked_through_stat():
    old = {"/proc/1163/fdinfo/32": FDINFO.replace("ino:\t70177\n", "")}
    asked = "stat -L --format %d %i %n -- /proc/1163/fd/32"
    device = os.makedev(254, 16)
    assert DEVICE_MODEL in look(**old, **{asked: f"{device} 70177 /proc/1163/fd/32\n"}).openers
    facts = look(**old, **{asked: Problem.TIMEOUT})
    assert [one.inode for one in facts.openers if one.by == "process"] == [None]
    assert [(one.reading, one.problem) for one in facts.missing] == [("stat of 1 images", Problem.TIMEOUT)]


def test_a_descriptor_that_was_closed_meanwhile_is_passed_over_and_an_odd_one_is_missing():
    assert look(**{"/proc/1163/fdinfo/32": None}).openers == (LOOP,)
    facts = look(**{"/proc/1163/fdinfo/32": "flags: x\n"})
    assert [(one.reading, one.problem) for one in facts.missing] == [("/proc/1163/fdinfo/32", Problem.NOT_UNDERSTOOD)]


def test_kernel_threads_hold_no_files():
    assert look(processes=[Stat(1163, "kworker", "S", 2)]).openers == (LOOP,)


def test_an_ordinary_user_is_told_that_processes_are_hidden():
    (lost,) = look(links={"/proc/1/exe": None}).missing
    assert lost.problem is Problem.DENIED


@pytest.mark.parametrize("losetup", [Problem.ABSENT, Problem.TIMEOUT, "what\n", Answer("", rc=1, stderr="losetup: no")])
def test_without_losetup_the_path_of_a_loop_device_is_left(losetup):
    facts = look(**{LOSETUP: losetup})
    assert Opener("/data/domu/5/current/5.raw", "254:16", None, "loop", "loop0", None, True) in facts.openers
    assert [one.reading for one in facts.missing] == [LOSETUP]


def test_while_the_volume_is_ill_nothing_asks_it_and_openers_are_still_named():
    facts = look(blocked={Touches.OCFS2: "n2 does not answer"})
    assert {(one.by, one.inode) for one in facts.openers} == {("process", 70177), ("loop", None)}
    assert [one.problem for one in facts.missing] == [Problem.BLOCKED]


def test_a_node_without_loop_devices_does_not_ask_for_them():
    assert look(**{"/sys/block/loop0/loop/backing_file": None, LOSETUP: None}).missing == ()


def test_a_process_behind_an_nbd_device_is_named_for_it():
    changes = {"/sys/block/nbd0/pid": "1170\n", "/proc/1170/status": "Name:\tqemu-nbd\nTgid:\t1163\nPid:\t1170\n"}
    found = {one.name: one for one in look(**changes, **{LOSETUP: ""}).openers}
    assert (found["nbd0"].by, found["nbd0"].pid) == ("nbd", 1163)
    # the process has gone, the device's size stays: nobody has the image open
    gone = {"/sys/block/nbd0/pid": "1170\n"}
    assert {one.name for one in look(**gone).openers} == {"xen-qemu-system", "loop0"}


def test_partitions_that_are_mapped_from_an_image_have_it_open_however_deep():
    changes = {
        "/sys/block/dm-3/dm/name": "loop0p1\n",
        "/sys/block/dm-3/ro": "1\n",
        "/sys/block/dm-4/dm/name": "vg-root\n",
        "/sys/block/dm-4/ro": "0\n",
        "/sys/block/dm-5/dm/name": "mpatha\n",
        "/sys/block/dm-6/ro": "0\n",
        "/sys/block/nbd0/pid": "1163\n",
        "/proc/1163/status": "Tgid:\t1163\n",
    }
    links = {
        "/sys/block/dm-4/slaves/dm-3": "../../dm-3",
        "/sys/block/dm-3/slaves/loop0": "../../loop0",
        "/sys/block/dm-5/slaves/sda": "../../sda",
        "/sys/block/dm-6/slaves/nbd0p1": "../../nbd0/nbd0p1",
    }
    found = [one for one in look(links=links, **changes).openers if one.by == "dm"]
    assert {(one.name, one.path, one.inode, one.writes) for one in found} == {
        ("loop0p1", LOOP.path, 70185, False),
        ("vg-root", LOOP.path, 70185, True),
        ("dm-6", THIRD, 70177, True),
    }


def test_this_very_process_is_found_as_an_opener_after_a_rename(tmp_path):
    image = tmp_path / "a.raw"
    image.write_bytes(b"\0")
    host = LocalHost(runtime_directory=str(tmp_path / "run"))
    mounts = mount_table.parse_mountinfo(host.read(mount_table.MOUNTINFO).stdout)
    files, missing = image_openers.stat_files(host, [str(image), str(tmp_path / "none")], Touches.DISKS)
    assert missing == ()
    assert [one.inode for one in files] == [image.stat().st_ino, None]
    own = {os.getpid(): process_table.read_processes(host)[os.getpid()]}
    with image.open("r+b"):
        image.rename(tmp_path / "b.raw")
        found = image_openers.probe(host, own, mounts, [], files, Touches.DISKS).openers
    assert [(one.path, one.by, one.pid, one.writes) for one in found] == [
        (str(tmp_path / "b.raw"), "process", os.getpid(), True)
    ]
    assert image_openers.probe(host, own, mounts, [], files, Touches.DISKS).openers == ()


def test_losetup_tells_deleted_and_read_only_ones():
    (first, second) = image_openers.parse_loops(recording("image_openers/losetup").stdout)
    assert (first.name, first.read_only, first.path) == ("loop1", False, "/data/domu/a.raw")
    assert (second.name, second.read_only, second.path) == ("loop2", True, "/data/domu/b.raw")
    assert isinstance(first, Loop) and first.number == "254:0"


def test_flags_of_a_descriptor_tell_who_writes():
    assert image_openers.parse_fdinfo("pos:\t0\nflags:\t0100001\nmnt_id:\t24\n") == Descriptor(True, 24)
    assert image_openers.parse_fdinfo("flags:\t0100000\nmnt_id:\t24\nino:\t3\n") == Descriptor(False, 24, 3)
    for text in ("", "flags:\t8\nmnt_id:\t1\n", "flags:\t0\n"):
        with pytest.raises(NotUnderstood):
            image_openers.parse_fdinfo(text)


def test_files_that_cannot_be_asked_for_are_missing():
    asked = "stat -L --format %d %i %n -- /data/a /data/b"
    said = "stat: cannot statx '/data/b': Input/output error\n"
    host = Replay({asked: Answer("", stdout="65040 7 /data/a\n", stderr=said, rc=1)})
    found, (lost,) = image_openers.stat_files(host, ["/data/a", "/data/b", "relative"], Touches.OCFS2)
    assert found == (File("/data/a", "254:16", 7),)
    assert lost.detail.endswith("Input/output error")
    for answer, problem in (("what\n", Problem.NOT_UNDERSTOOD), (Problem.STUCK, Problem.STUCK)):
        found, (lost,) = image_openers.stat_files(Replay({asked: answer}), ["/data/a", "/data/b"], Touches.OCFS2)
        assert (found, lost.problem) == ((), problem)


def test_the_later_mount_of_a_place_hides_the_earlier_one():
    above = mount_table.parse_mountinfo("50 41 0:50 / /data rw - tmpfs tmpfs rw\n")
    assert image_openers.volume_at("/data/x", MOUNTS).number == "254:16"
    assert image_openers.volume_at("/data/x", MOUNTS + above).number == "0:50"
    assert image_openers.volume_at("/database", MOUNTS).number == "254:0"
    assert image_openers.volume_at("/x", ()) is None
