# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real files, written by the child that writes them on a node; the hypervisor's answer alone is given."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, LocalHost, Problem, Touches
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.xen import ASK_LIBXC
from ansible_collections.cloudops.hypervisor.plugins.modules.vm_config_display import Refused, corrected
from xen_answers import libxc

VM = "22222222-0000-0000-0000-000000000002"
OTHER = "33333333-0000-0000-0000-000000000003"
TEXT = f"name = 'web'\nuuid = '{VM}'\nvfb = [ 'vnc=1,vncdisplay=50' ]  # 한글\n"
NUMBERS = ("cpu_time", "mem_kb", "maxmem_kb", "online_vcpus", "shutdown_reason")
COUNTED = dict.fromkeys((*NUMBERS, "running", "blocked", "paused", "shutdown", "dying", "crashed"), 0)


class Node(LocalHost):
    """This machine with a hypervisor that has these domains, or does not answer."""

    def __init__(self, *domains: str, problem: Problem | None = None) -> None:
        super().__init__()
        uuids = ("00000000-0000-0000-0000-000000000000", *domains)
        self.domains = [{"domid": at, "handle": uuid, **COUNTED} for at, uuid in enumerate(uuids)]
        self.problem = problem

    def run(self, argv, timeout=10.0, touches=Touches.NOTHING, environment=None) -> Answer:
        if tuple(argv) == ASK_LIBXC:
            return Answer("libxc", stdout=libxc(self.domains), rc=0, problem=self.problem)
        return super().run(argv, timeout, touches, environment)


@pytest.fixture
def cfg(tmp_path: Path) -> Path:
    path = tmp_path / "domu" / VM / f"{VM}.cfg"
    path.parent.mkdir(parents=True)
    path.write_text(TEXT, encoding="utf-8")
    path.chmod(0o640)
    return path


def correct(cfg: Path, host: Node, check_mode: bool = False, **more) -> tuple[str, str, str]:
    roots = [str(cfg.parents[1])] if "domu" in str(cfg) else []
    options = {"path": str(cfg), "vm": VM, "before": 50, "after": 61, "roots": roots, "timeout": 20.0, **more}
    return corrected(host, options, check_mode)


def refused(cfg: Path, host: Node, told: str, **more) -> None:
    before = cfg.read_bytes()
    with pytest.raises(Refused, match=told):
        correct(cfg, host, **more)
    assert cfg.read_bytes() == before


def test_the_display_is_changed_and_nothing_else_of_the_file(cfg: Path) -> None:
    if os.geteuid() == 0:
        os.chown(cfg, 4242, 4243)
    was = cfg.stat()
    path, before, after = correct(cfg, Node(OTHER))
    assert (path, before, after) == (str(cfg), TEXT, TEXT.replace("50", "61"))
    assert cfg.read_text(encoding="utf-8") == after
    now = cfg.stat()
    assert (now.st_mode, now.st_uid, now.st_gid) == (was.st_mode, was.st_uid, was.st_gid)
    assert [one.name for one in cfg.parent.iterdir()] == [cfg.name]


def test_a_second_run_and_check_mode_write_nothing(cfg: Path) -> None:
    assert correct(cfg, Node(), check_mode=True)[2] == TEXT.replace("50", "61")
    assert cfg.read_text(encoding="utf-8") == TEXT
    correct(cfg, Node())
    inode = cfg.stat().st_ino
    assert correct(cfg, Node())[1:] == (TEXT.replace("50", "61"),) * 2
    assert cfg.stat().st_ino == inode


def test_a_vm_that_is_here_or_may_be_keeps_its_file(cfg: Path) -> None:
    refused(cfg, Node(OTHER, VM), f"{VM} is not off: domain 2")
    refused(cfg, Node(problem=Problem.TIMEOUT), "could not be read")


def test_another_vms_file_another_display_and_what_is_no_cfg_are_refused(cfg: Path) -> None:
    refused(cfg, Node(), f"that of the VM {VM}, not of {OTHER}", vm=OTHER)
    refused(cfg, Node(), "has the display 50, not 51", before=51)
    cfg.write_text("uuid = [")
    refused(cfg, Node(), "no value")
    cfg.write_bytes(b"x" * 70000)
    refused(cfg, Node(), "64 KiB")
    with pytest.raises(ValueError, match="not a VNC display"):
        correct(cfg, Node(), after=-1)


def test_links_are_followed_within_the_roots_and_never_out_of_them(cfg: Path, tmp_path: Path) -> None:
    target = cfg.rename(cfg.with_name("elsewhere.cfg"))
    cfg.symlink_to(target)
    assert correct(cfg, Node())[0] == str(target)
    assert cfg.is_symlink() and "61" in target.read_text(encoding="utf-8")
    outside = target.rename(tmp_path / "outside.cfg")
    cfg.unlink()
    cfg.symlink_to(outside)
    refused(cfg, Node(), "below none of the roots", before=61, after=50)


def test_a_file_that_is_not_there_is_told(cfg: Path) -> None:
    cfg.unlink()
    with pytest.raises(Refused, match="No such file"):
        correct(cfg, Node())


def test_nothing_is_touched_while_the_storage_is_ill(cfg: Path) -> None:
    node = Node()
    node.block(Touches.OCFS2, "o2cb is ill")
    refused(cfg, node, "o2cb is ill")
