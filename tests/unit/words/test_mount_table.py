# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mount table and /etc/fstab, of other kernels and badly written ones too."""

from __future__ import annotations

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.mount_table import (
    Entry,
    lies_on,
    parse_fstab,
    parse_mountinfo,
)


def test_a_line_that_mount_passes_over_is_told_and_hides_no_other():
    text = "# a comment\n\n/dev/sda1 /x\nUUID=2 /my\\040data ext4\n/dev/sr0 /cdrom udf noauto,ro 0 0\n"
    entries, passed_over = parse_fstab(text)
    assert entries == (Entry("UUID=2", "/my data", "ext4"), Entry("/dev/sr0", "/cdrom", "udf", ("noauto", "ro")))
    assert [entry.at_boot for entry in entries] == [True, False]
    assert passed_over == ("/dev/sda1 /x",)


@pytest.mark.parametrize(
    "line",
    ["x", "1 2 3 - ext4 x rw", "a b 8:1 / / rw - ext4 /dev/sda rw", "9" * 40 + " 1 8:1 / / rw - ext4 /dev/sda rw"],
)
def test_garbage_is_refused(line):
    with pytest.raises(NotUnderstood):
        parse_mountinfo(line)


def test_mounts_of_other_kernels_are_understood():
    # optional fields are none, one or several; a source may be empty; blanks are written in octal
    text = (
        "20 1 8:1 / / rw,relatime - ext3 /dev/root rw,errors=continue\n"
        "21 20 0:30 / /a\\040b rw shared:2 master:1 - tmpfs  rw\n"
    )
    first, second = parse_mountinfo(text)
    assert (first.fstype, first.option("errors"), second.path, second.source) == ("ext3", "continue", "/a b", "")


@pytest.mark.parametrize(
    ("path", "folder", "lies"),
    [
        ("/data/domu", "/data", True),
        ("/data", "/data", True),
        ("/data/x", "/data/", True),
        ("/data", "/", True),
        ("/", "/", True),
        ("/database", "/data", False),
        ("/", "/data", False),
        ("", "/", False),
    ],
)
def test_what_lies_on_a_folder_is_itself_or_below_it(path, folder, lies):
    assert lies_on(path, folder) is lies
