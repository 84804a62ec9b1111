# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.mount_plan import (
    Entry,
    Signature,
    State,
    plan,
)

UUID = "0f3c1a9e-5d1f-4f0b-8a53-0d9a3f6c2b11"
DATA = Entry(
    "/data", f"UUID={UUID}", "ocfs2", device="/dev/dm-1", signature=Signature("ocfs2", UUID, "data"), folder=()
)
ISO = Entry("/data/iso", "192.168.12.21:/data/iso", "nfs4", server=True, folder=())
LOCAL = Entry("/srv", "/dev/sdb1", "ext4", device="/dev/sdb1", signature=Signature("ext4"), folder=())


def only(entry, o2cb=""):
    (step,) = plan([entry], o2cb)
    return step


@pytest.mark.parametrize("entry", [DATA, ISO, LOCAL, replace(LOCAL, fstype="auto")])
def test_a_proven_entry_is_mounted(entry):
    assert only(entry).state is State.MOUNT


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (replace(DATA, device=""), "there is no device"),
        (replace(DATA, device=None), "names no device"),
        (replace(DATA, signature=None), "could not be read"),
        (replace(DATA, signature=Signature("ext4", UUID)), "holds ext4, not ocfs2"),
        (replace(DATA, signature=Signature("")), "holds nothing"),
        (replace(DATA, signature=Signature("ocfs2", "ffff")), "has UUID ffff"),
        (replace(DATA, source="LABEL=other"), "has LABEL data, not other"),
        (replace(DATA, folder=("domu/1.cfg",)), "not empty: domu/1.cfg"),
        (replace(DATA, folder=None), "could not be read"),
        (replace(DATA, folder_there=False), "there is no folder"),
        (replace(DATA, mounted="tmpfs on /data"), "something else"),
        (replace(ISO, server=False), "does not answer"),
        (replace(ISO, server=None), "could not be asked"),
        (replace(LOCAL, bind=True), "bind mount"),
    ],
)
def test_an_entry_that_is_not_proven_is_refused_with_the_missing_proof(entry, why):
    step = only(entry)
    assert step.state is State.REFUSED
    assert why in step.why


def test_ocfs2_waits_for_its_cluster_and_nothing_else_does():
    assert only(DATA, o2cb="the cluster is offline").why == "o2cb is not ready: the cluster is offline"
    assert only(ISO, o2cb="the cluster is offline").state is State.MOUNT
    assert only(LOCAL, o2cb="the cluster is offline").state is State.MOUNT


def test_what_lies_in_an_entry_waits_for_it_and_comes_after_it():
    # the folder seen now is the one of the disk below
    below = replace(ISO, folder=None, folder_there=False)
    steps = plan([below, DATA])
    assert [(step.path, step.state, step.why) for step in steps] == [
        ("/data", State.MOUNT, ""),
        ("/data/iso", State.WAITS, "/data"),
    ]


def test_what_lies_in_a_refused_entry_is_refused():
    first, second = plan([ISO, replace(DATA, folder=("x",))])
    assert (first.state, second.state) == (State.REFUSED, State.REFUSED)
    assert "/data" in second.why


def test_a_sibling_whose_name_begins_alike_does_not_wait():
    second = replace(DATA, path="/data2", source="/dev/mapper/flash")
    assert [step.state for step in plan([second, replace(DATA, folder=("x",))])] == [State.REFUSED, State.MOUNT]


def test_a_right_mount_is_left_alone():
    steps = plan([replace(DATA, mounted="/dev/dm-1 on /data", right=True, folder=("a",)), ISO])
    assert [step.state for step in steps] == [State.MOUNTED, State.MOUNT]
