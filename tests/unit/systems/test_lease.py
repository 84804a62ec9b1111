# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lease keeps others out for as long as anything that may write has it, and not longer; and nobody by mistake."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import LocalHost, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.epoch import Epoch
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.mount_table import parse_mountinfo
from ansible_collections.cloudops.hypervisor.plugins.module_utils.refusal import Refusal
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import lease
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.lease import (
    Holder,
    Place,
    Record,
    Scope,
    format_record,
    parse_lease,
    scope_of,
)
from crash import ended, in_child, killed_at_each_effect
from replay import Replay, recording

UUID = "3a87b537-493d-4083-b5b6-64fc9276e693"
N1 = Holder("zone-a", 7, "n1", "6b1b6a2e-boot-1", "start-one")
N2 = Holder("zone-a", 7, "n2", "0d5a1c11-boot-1", "start-two")
LAB = recording("mounts/mountinfo-lab").stdout
DATA = "/data rw,relatime shared:85 - ocfs2 /dev/mapper/mpathb rw,"


def nothing_newer():
    return None


def take(at, holder=N1, newest=nothing_newer, timeout=5.0, **options):
    return lease.take(at, holder, newest, timeout, **options)


def refused(*arguments, **options):
    with pytest.raises(Refusal) as refusal:
        take(*arguments, **options)
    return refusal.value


@pytest.fixture
def place(tmp_path):
    device = tmp_path.stat().st_dev
    return Place(f"{tmp_path}/{lease.FOLDER}/{UUID}", f"{os.major(device)}:{os.minor(device)}", Scope.NODE)


@pytest.fixture
def children():
    pids: list[int] = []
    yield pids
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def record_of(place):
    return parse_lease(Path(place.path).read_text())


def is_free(place):
    with open(place.path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def comes(true, within=5.0):
    ends = time.monotonic() + within
    while not true() and time.monotonic() < ends:
        time.sleep(0.02)
    return true()


def waiters(pid):
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def holding(place, tmp_path, then, holder=N1):
    """A process that takes the lease, and then does this."""
    ready = tmp_path / "ready"

    def act():
        held = take(place, holder)
        ready.touch()
        then(held)

    pid = in_child(act)
    assert comes(ready.exists)
    ready.unlink()
    return pid


# Where a lock means something


def mounted(options=None, line=None):
    text = LAB if options is None else LAB.replace(DATA, DATA + options + ",")
    return parse_mountinfo(text + (f"400 25 {line}\n" if line else ""))


def test_on_clustered_ocfs2_a_lock_keeps_out_every_node():
    scope, mount = scope_of(mounted(), "/data/domu", local=False)
    assert (scope, mount.number) == (Scope.CLUSTER, "253:0")


@pytest.mark.parametrize("local", [False, True])
@pytest.mark.parametrize(
    ("code", "options", "line"),
    [
        ("lease_localflocks", "localflocks", None),
        ("lease_read_only", None, "253:9 / /data ro - ocfs2 /dev/mapper/mpathb rw,heartbeat=local,cluster_stack=o2cb"),
        ("lease_without_cluster", None, "253:9 / /data rw - ocfs2 /dev/sdz rw,heartbeat=none"),
        ("lease_wrong_storage", None, "0:50 / /data rw - nfs4 10.77.0.19:/data rw,local_lock=none"),
        ("lease_wrong_storage", None, "0:50 / /data rw - fuse.sshfs n2:/data rw"),
    ],
)
def test_where_a_lock_would_keep_out_nobody_it_is_refused_whatever_is_declared(code, options, line, local):
    with pytest.raises(Refusal) as refusal:
        scope_of(mounted(options, line), "/data", local)
    assert refusal.value.code == code and "/data" in refusal.value.said


def test_local_storage_must_be_declared_and_keeps_out_this_node_alone():
    local = mounted(line="254:3 / /local rw - ext4 /dev/vda3 rw")
    with pytest.raises(Refusal) as refusal:
        scope_of(local, "/local/domu", local=False)
    assert refusal.value.code == "lease_not_shared"
    assert scope_of(local, "/local/domu", local=True)[0] is Scope.NODE
    # /data of an unmounted volume is a folder of the root disk
    unmounted = parse_mountinfo("\n".join(line for line in LAB.splitlines() if " /data" not in line))
    with pytest.raises(Refusal):
        scope_of(unmounted, "/data", local=False)
    with pytest.raises(Refusal):
        scope_of((), "/data", local=False)


def test_the_place_of_a_lease_is_read_from_the_kernel():
    host = Replay({"/proc/self/mountinfo": LAB})
    expected = Place(f"/data/.cloudops-leases/{UUID}", "253:0", Scope.CLUSTER)
    assert lease.place(host, "/data/", UUID) == expected
    for unread in (Problem.DENIED, "garbage\n"):
        with pytest.raises(Refusal):
            lease.place(Replay({"/proc/self/mountinfo": unread}), "/data", UUID)


# Taking, holding, giving back


def test_the_second_waits_until_the_first_gives_it_back(place, tmp_path, children):
    children.append(holding(place, tmp_path, lambda held: (time.sleep(0.7), held.release())))
    started = time.monotonic()
    with take(place, N2) as second:
        assert time.monotonic() - started > 0.3
        assert (second.record.node, second.record.held) == ("n2", True)
    assert ended(children.pop()) == 0
    assert not record_of(place).held and is_free(place)


def test_who_waits_too_long_is_refused_and_leaves_nothing_behind(place, tmp_path, children):
    children.append(holding(place, tmp_path, lambda held: time.sleep(60)))
    started = time.monotonic()
    assert refused(place, N2, timeout=0.5).code == "lease_busy"
    assert time.monotonic() - started < 3
    assert not [pid for pid in waiters(os.getpid()) if pid != children[0]]
    assert record_of(place).job == N1.job


def test_what_is_asked_between_ends_the_waiting(place, tmp_path, children):
    children.append(holding(place, tmp_path, lambda held: time.sleep(60)))

    def stopped():
        raise Refusal("stopped", "somebody asked")

    started = time.monotonic()
    assert refused(place, N2, timeout=30, between=stopped).code == "stopped"
    assert time.monotonic() - started < 5


def test_of_many_at_once_each_has_it_alone(place, tmp_path):
    def work():
        with take(place, N1, timeout=30):
            os.mkdir(tmp_path / "alone")
            time.sleep(0.05)
            os.rmdir(tmp_path / "alone")

    assert [ended(pid) for pid in [in_child(work) for _each in range(6)]] == [0] * 6
    assert record_of(place).sequence == 11


def test_a_killed_holder_keeps_it_while_its_image_tool_writes(place, tmp_path, children):
    writer = tmp_path / "writer"

    def write(held):
        child = subprocess.Popen(["sleep", "60"], pass_fds=[held.descriptor])
        writer.write_text(str(child.pid))
        time.sleep(60)

    holder = holding(place, tmp_path, write)
    assert comes(lambda: writer.exists() and writer.read_text())
    children.append(int(writer.read_text()))
    os.kill(holder, signal.SIGKILL)
    assert ended(holder) == -signal.SIGKILL
    assert refused(place, timeout=0.5).code == "lease_busy"
    os.kill(children[0], signal.SIGKILL)
    take(place).release()


def test_any_other_child_of_a_killed_holder_does_not_keep_it(place, tmp_path, children):
    writer = tmp_path / "writer"

    def start(held):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
        LocalHost().run(["sh", "-c", "sleep 60 > /dev/null 2>&1 & echo $!"])
        writer.write_text(str(child.pid))
        time.sleep(60)

    holder = holding(place, tmp_path, start)
    assert comes(lambda: writer.exists() and writer.read_text())
    children.append(int(writer.read_text()))
    os.kill(holder, signal.SIGKILL)
    ended(holder)
    assert is_free(place)


def test_another_nodes_dead_holder_counts_only_once_it_is_proven_ended(place, tmp_path):
    holder = holding(place, tmp_path, lambda held: time.sleep(60), N2)
    os.kill(holder, signal.SIGKILL)
    ended(holder)
    refusal = refused(place, N1)
    assert (refusal.code, refusal.values["holder"]) == ("lease_not_given_back", "n2/start-two")
    assert refused(place, N1, proven_ended="n2/start-one").code == "lease_not_given_back"
    take(place, N1, proven_ended="n2/start-two").release()
    take(place, N2).release()


# A waiter does nothing but take


def orphaned_waiter(place):
    """A waiter whose parent was killed, with two seconds of its time left."""
    parent = in_child(lambda: take(place, N2, timeout=2.0))
    assert comes(lambda: waiters(parent))
    (waiter,) = waiters(parent)
    assert comes(lambda: os.path.samefile(f"/proc/{waiter}/exe", sys.executable) and is_waiting(waiter, place))
    os.kill(parent, signal.SIGKILL)
    ended(parent)
    return waiter


def is_waiting(pid, place):
    inode = f":{os.stat(place.path).st_ino} "
    return any(f" {pid} " in line and inode in line for line in Path("/proc/locks").read_text().splitlines())


def runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_waiter_whose_parent_is_gone_takes_it_and_lets_it_go(place):
    held = take(place)
    waiter = orphaned_waiter(place)
    held.release()
    assert comes(lambda: not runs(waiter), 1.5) and is_free(place)
    assert record_of(place).job == N1.job


def test_a_waiter_put_to_sleep_and_woken_past_its_deadline_has_nothing(place):
    held = take(place)
    waiter = orphaned_waiter(place)
    os.kill(waiter, signal.SIGSTOP)
    time.sleep(2.2)
    held.release()
    os.kill(waiter, signal.SIGCONT)
    assert comes(lambda: not runs(waiter), 2.0) and is_free(place)


def test_a_waiter_ends_by_itself_even_if_it_is_never_free(place):
    held = take(place)
    waiter = orphaned_waiter(place)
    assert comes(lambda: not runs(waiter), 5.0)
    held.release()


# Epochs


def test_an_older_epoch_is_refused_by_the_file_and_leaves_no_trace(place):
    take(place, replace(N2, epoch=9)).release()
    before = Path(place.path).read_bytes()
    refusal = refused(place, N1)
    assert (refusal.code, refusal.values["newest"], refusal.values["where"]) == ("overtaken", 9, place.path)
    assert refused(place, replace(N1, zone="zone-b", epoch=99)).code == "other_zone"
    assert Path(place.path).read_bytes() == before and is_free(place)
    take(place, replace(N1, epoch=9)).release()


def test_an_older_epoch_is_refused_by_what_the_node_knows(place):
    refusal = refused(place, N1, lambda: Epoch("zone-a", 8))
    assert (refusal.code, refusal.values["where"]) == ("overtaken", "this node")
    assert record_of(place) is None


def test_a_holder_that_slept_finds_that_it_was_overtaken(place):
    newest = [Epoch("zone-a", 7)]
    held = take(place, N1, lambda: newest[0])
    held.confirm()
    newest[0] = Epoch("zone-a", 8)
    with pytest.raises(Refusal) as refusal:
        held.confirm()
    assert refusal.value.code == "overtaken"

    newest[0] = Epoch("zone-a", 7)
    # what an eviction from the cluster does
    fcntl.flock(held.descriptor, fcntl.LOCK_UN)
    with take(place, replace(N2, epoch=8), proven_ended="n1/start-one"), pytest.raises(Refusal) as refusal:
        held.confirm()
    assert (refusal.value.code, refusal.value.values["holder"]) == ("lease_lost", "n2/start-two")
    os.close(held.descriptor)


# Nobody by mistake


def test_an_unlinked_lease_is_lost_and_a_replaced_one_is_not_taken(place):
    held = take(place)

    def wait():
        os.close(held.descriptor)
        assert "replaced" in refused(place, N2, timeout=10).said

    waiter = in_child(wait)
    assert comes(lambda: waiters(waiter) and is_waiting(waiters(waiter)[0], place))
    os.unlink(place.path)
    with pytest.raises(Refusal) as refusal:
        held.confirm()
    assert refusal.value.code == "lease_lost"
    take(place).release()
    held.release()
    assert ended(waiter) == 0, "it had the lock of a file that is nobody's lease"


def test_a_link_or_another_device_is_no_lease(place, tmp_path):
    assert "not on 9:9" in refused(replace(place, device="9:9")).said
    os.mkdir(tmp_path / "elsewhere")
    os.rename(tmp_path / lease.FOLDER, tmp_path / "moved")
    os.symlink(tmp_path / "elsewhere", tmp_path / lease.FOLDER)
    assert refused(place).code == "lease_refused"
    os.unlink(tmp_path / lease.FOLDER)
    os.mkdir(tmp_path / lease.FOLDER)
    os.symlink(tmp_path / "anything", place.path)
    assert refused(place).code == "lease_refused"
    assert refused(replace(place, path=f"{tmp_path}/none/there/{UUID}")).code == "lease_refused"


def test_what_a_waiter_opens_is_the_lease_itself_locked_and_on_its_device(place, tmp_path):
    descriptor, wrong = lease._opened(place)
    assert wrong == "" and not is_free(place)
    os.close(descriptor)
    descriptor, wrong = lease._opened(replace(place, device="9:9"))
    assert wrong.startswith("it lies on device")
    os.close(descriptor)
    os.mkdir(f"{place.path}-folder")
    with pytest.raises(IsADirectoryError):
        lease._opened(replace(place, path=f"{place.path}-folder"))


def test_a_lease_that_cannot_be_given_back_in_writing_says_so(place):
    held = take(place)
    os.close(held.descriptor)
    held.descriptor = os.open(place.path, os.O_RDONLY)
    assert "Bad file descriptor" in held.release()
    assert record_of(place).held


# What the file says


def record(sequence, **values):
    return Record(**{**vars(N1), **values}, at=1_790_000_000.5, held=True, sequence=sequence)


def test_a_record_is_one_line_to_read_and_as_long_as_a_sector():
    line = format_record(record(0))
    assert len(line) == 512 and line.count("\n") == 1 and '"job": "start-one"' in line
    assert parse_lease(line) == record(0)
    with pytest.raises(ValueError, match="511"):
        format_record(record(0, job="x" * 400))


@given(torn=st.text(alphabet=st.characters(max_codepoint=127), max_size=512), at=st.integers(0, 512))
@example(torn="\0" * 512, at=0)
@example(torn="", at=0)
def test_a_torn_write_leaves_the_record_before_it(torn, at):
    before, after = format_record(record(0)), format_record(record(1, epoch=8))
    slot = (after[:at] + torn)[:512]
    whole = slot.strip(" \t\r\n") == after.strip()
    assert parse_lease(before + slot) == (record(1, epoch=8) if whole else record(0))


@pytest.mark.parametrize("text", ["", "\0" * 512, "\0" * 1024, format_record(record(0))[:100]])
def test_a_first_write_that_did_not_come_through_is_nobodys(text):
    assert parse_lease(text) is None


@pytest.mark.parametrize("text", ["x" * 512, format_record(record(0)).replace("zone-a", "zone-b"), "[" * 512])
def test_what_no_crash_makes_is_refused(text, place):
    with pytest.raises(NotUnderstood):
        parse_lease(text)
    take(place).release()
    Path(place.path).write_text(text)
    assert refused(place).code == "lease_damaged"
    assert is_free(place)


def test_killed_anywhere_it_can_be_taken_again_and_no_epoch_is_forgotten(place):
    take(place, N1).release()
    newer = replace(N1, epoch=8)
    for line in killed_at_each_effect(lambda: take(place, newer).release(), lease):
        assert comes(lambda: is_free(place)), line
        found = record_of(place)
        assert found.epoch in (7, 8), line
        assert found.job == N1.job
        with contextlib.suppress(Refusal):
            take(place, N1).release()
            assert found.epoch == 7, f"line {line}: epoch 8 was forgotten"
    assert record_of(place).epoch == 8 and not record_of(place).held


# Reading it


def test_a_reader_tells_free_held_and_not_given_back_without_waiting(place, tmp_path):
    host = LocalHost(str(tmp_path))
    assert lease.read(host, place.path) == lease.Reading(None, False)
    assert not os.path.exists(place.path), "a reader makes nothing"
    held = take(place)
    reading = lease.read(host, place.path)
    assert (reading.locked, reading.record) == (True, held.record)
    held.release()
    reading = lease.read(host, place.path)
    assert (reading.locked, reading.record.held) == (False, False)
    held = take(place)
    os.close(held.descriptor)
    reading = lease.read(host, place.path)
    assert (reading.locked, reading.record.held) == (False, True)
    Path(place.path).write_text("x" * 512)
    reading = lease.read(host, place.path)
    assert (reading.locked, reading.missing.problem) == (False, Problem.NOT_UNDERSTOOD)


def test_what_cannot_be_read_is_missing_and_never_free():
    assert lease.read(Replay({}), "/data/x").missing.problem is Problem.ABSENT
    denied = replace(recording("mounts/mountinfo-lab"), stdout="", stderr="cat: /data/x: Permission denied", rc=1)
    reading = lease.read(Replay({"cat -- /data/x": denied}), "/data/x")
    assert (reading.locked, reading.missing.detail) == (None, "cat: /data/x: Permission denied")
    hung = Replay({"cat -- /data/x": ""})
    assert lease.read(hung, "/data/x").locked is None
