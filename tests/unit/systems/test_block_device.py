# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Missing, Problem, Touches
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import block_device
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.block_device import Content
from replay import Replay

# blkid from util-linux 2.38.1
EXT4 = """\
DEVNAME=/tmp/x.img
LABEL=a\\ b=c
UUID=0406cefe-d9e1-484c-b516-a889f7780415
VERSION=1.0
BLOCK_SIZE=1024
TYPE=ext4
USAGE=filesystem
"""
COMMAND = "blkid -p -o export /dev/dm-1"


def test_type_uuid_and_label_are_read():
    assert block_device.parse_blkid(EXT4) == Content("ext4", "0406cefe-d9e1-484c-b516-a889f7780415", "a b=c")


def test_a_device_that_holds_nothing_is_no_error():
    assert block_device.probe(Replay({COMMAND: Answer("", rc=2)}), "/dev/dm-1") == Content()


@pytest.mark.parametrize("problem", [Problem.TIMEOUT, Problem.ABSENT, Problem.STUCK])
def test_what_could_not_be_read_is_missing(problem):
    found = block_device.probe(Replay({COMMAND: problem}), "/dev/dm-1")
    assert isinstance(found, Missing)
    assert found.problem is problem


def test_an_error_is_missing():
    assert isinstance(block_device.probe(Replay({COMMAND: Answer("", stderr="usage", rc=4)}), "/dev/dm-1"), Missing)


def test_it_is_not_read_while_reading_disks_would_hang():
    host = Replay({COMMAND: EXT4}, blocked={Touches.DISKS: "mpatha queues"})
    found = block_device.probe(host, "/dev/dm-1")
    assert isinstance(found, Missing)
    assert found.problem is Problem.BLOCKED


def test_garbage_is_not_understood():
    with pytest.raises(NotUnderstood):
        block_device.parse_blkid("no such thing")
    assert isinstance(block_device.probe(Replay({COMMAND: "no such thing"}), "/dev/dm-1"), Missing)
