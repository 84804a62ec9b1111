# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer
from ansible_collections.cloudops.hypervisor.plugins.module_utils.mount_table import FSTAB, MOUNTINFO
from ansible_collections.cloudops.hypervisor.plugins.modules.fstab_mounts import Mounter
from replay import Replay, recording
from report.fleet import multipath

OPTIONS = {"paths": [], "timeout": 60.0, "server_timeout": 3.0, "statuses": {}}


def test_the_guards_are_asked_before_anything_is_touched_and_an_ill_one_forbids_it():
    answers = multipath("allfailed-queueing")
    answers[MOUNTINFO] = recording("mounts/mountinfo-lab")
    answers[FSTAB] = "/dev/mapper/mpathc /data/spare ext4 defaults 0 2\n"
    answers["/sys/block/dm-3/dm/name"] = "mpathc\n"
    answers["/sys/class/block/dm-3/dev"] = "253:3\n"
    host = Replay(answers, links={"/sys/dev/block/253:3": "../../devices/virtual/block/dm-3"})
    (step,) = Mounter(OPTIONS, host).run(check_mode=False)
    assert step["state"] == "refused"
    touching = [at for at, asked in enumerate(host.asked) if asked.startswith(("readlink", "stat", "unshare", "blkid"))]
    guard = host.asked.index("dmsetup status --target multipath")
    assert touching and guard < min(touching)
    assert not [asked for asked in host.asked if asked.startswith("mount ")]


def test_what_the_site_says_of_a_guard_counts_here_too():
    refused = Answer("", stdout="error connecting to multipathd\n", rc=1)
    asked = ("multipathd -kshow maps json", "multipathd -kshow daemon")
    answers = multipath("healthy", **dict.fromkeys(asked, refused))
    assert "multipathd does not answer" in Mounter(OPTIONS, Replay(answers)).ill
    assert Mounter({**OPTIONS, "statuses": {"multipath_daemon_down": "ok"}}, Replay(answers)).ill == ""
