# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import LocalHost, Problem, Touches
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.vm_paths import (
    RESOLVE,
    Place,
    parse_places,
    probe,
)
from replay import Replay


def test_a_path_is_followed_to_what_is_really_there(tmp_path):
    (tmp_path / "real.raw").write_bytes(b"12345")
    (tmp_path / "link.raw").symlink_to("real.raw")
    (tmp_path / "gone.raw").symlink_to("/nowhere/x.raw")
    paths = [str(tmp_path / name) for name in ("link.raw", "gone.raw", ".")] + ["/dev/null"]
    (link, gone, folder, device), missing = probe(LocalHost(), paths, Touches.DISKS)
    seen = (tmp_path / "real.raw").stat()
    number = f"{os.major(seen.st_dev)}:{os.minor(seen.st_dev)}"
    assert link == Place(paths[0], str(tmp_path / "real.raw"), "file", number, seen.st_ino, 5)
    assert (gone.real, gone.kind, gone.problem) == ("/nowhere/x.raw", "", "No such file or directory")
    assert (folder.kind, device.kind, missing) == ("folder", "other", ())


def test_nothing_is_asked_for_nothing():
    assert probe(Replay({}), (), Touches.DISKS) == ((), ())


@pytest.mark.parametrize("answer", ["[1]", '[{"path": "/x"}]', "{", '[{"path": "/x", "real": "/x", "inode": "no"}]'])
def test_what_is_not_understood_is_missing(answer):
    with pytest.raises(NotUnderstood):
        parse_places(answer)
    asked = f"python3 -I -S -c {RESOLVE} " + json.dumps(["/x"])
    places, (missing,) = probe(Replay({asked: answer}), ["/x"], Touches.DISKS)
    assert places == () and (missing.reading, missing.problem) == ("where /x lead", Problem.NOT_UNDERSTOOD)


def test_a_volume_that_must_not_be_touched_leaves_the_paths_missing():
    places, (missing,) = probe(Replay({}, blocked={Touches.OCFS2: "o2cb is ill"}), ["/x"], Touches.OCFS2)
    assert places == () and missing.problem is Problem.BLOCKED


def test_the_program_needs_nothing_but_python():
    said = subprocess.run(
        [sys.executable, "-I", "-S", "-c", RESOLVE, '["/"]'], capture_output=True, check=True, text=True
    )
    assert json.loads(said.stdout)[0]["kind"] == "folder"
