# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import migration_preflight as decision
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.migration_preflight import (
    End,
    Row,
    Wanted,
    fixes,
    judge,
    overhead_kib,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import fill
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.migration import TABLE
from xen_answers import VOLUME, answer, config, domain, image, uuid

VM = uuid(1)
BOOT = "boot of n2"
FEATURES = {"major": 4, "minor": 17, "cpu": [0x178BF3FD, 0x80002001], "modes": ["pv", "hvm", "hap"]}


def end(name, ssh=None, **more):
    files = [{"path": path, "found": True, "mount": "/data"} for path in decision.files_of(config(1))]
    about = {"node": {"hostname": name, "boot_id": f"boot of {name}"}, "features": FEATURES, "bridges": ["xenbr0"]}
    return {**about, "model": "QEMU", "ssh": ssh, "files": files, "missing": [], **more}


def reached(failure="", **more):
    return {"address": "n2", "failure": failure, "said": "", "hostname": "n2", "boot_id": BOOT, **more}


def source(*domains, **more):
    ssh = more.pop("ssh", reached())
    about = more.pop("end", {})
    return End("n1", answer("n1", *(domains or [domain(1)]), **more), end("n1", ssh, **about))


def target(*domains, **more):
    about = more.pop("end", {})
    return End("n2", answer("n2", *domains, **more), end("n2", **about))


def codes(here=None, there=None, **wanted):
    found = judge(Wanted(VM, **wanted), here or source(), there or target())
    for one in found:
        row = TABLE[one.code]
        for words in (row.en, row.ko):
            for text in (words.message, words.remedy):
                places = {name for _text, name, _spec, _conversion in string.Formatter().parse(text) if name}
                assert places <= {"subject", *one.values}, one.code
                assert "{" not in fill(text, one)
    return {one.code for one in found}


def memory(free_mib, dom0=1048576, most=1048576):
    reading = answer("n2")
    reading["node"]["memory_kib"] = {"total": 3 << 20, "free": free_mib * 1024, "dom0": dom0, "dom0_maximum": most}
    return End("n2", reading, end("n2"))


def test_a_vm_that_may_move_is_told_so():
    assert codes() == {"migration_ready"}


def test_a_guest_needs_more_than_its_memory():
    needs = 128 + 1 + 64 + (overhead_kib(132096, 1) // 1024 + 1)
    assert codes(there=memory(needs)) == {"migration_ready"}
    assert codes(there=memory(128 + 64)) == {"migration_memory"}
    assert codes(there=memory(needs, dom0=524288)) == {"migration_dom0_ballooned"}
    unlimited = 2**54
    assert codes(there=memory(needs, most=unlimited)) == {"migration_ready"}
    assert codes(there=memory(needs), reserve_mib=4096) == {"migration_memory"}


@pytest.mark.parametrize(
    ("ssh", "code", "mended"),
    [
        (reached("host_key", said="Host key verification failed."), "migration_ssh_host_key", ["host_key"]),
        (reached("changed_key"), "migration_ssh_changed", ["host_key"]),
        (reached("denied"), "migration_ssh_denied", ["root_key"]),
        (reached("unreachable"), "migration_ssh_failed", []),
        (reached("no_xl"), "migration_ssh_failed", []),
        (reached(hostname="n3"), "migration_ssh_other_node", []),
        (reached(boot_id="another"), "migration_ssh_other_node", []),
        (None, "migration_unread", []),
    ],
)
def test_roots_ssh_is_tried_and_what_may_be_mended_is_named(ssh, code, mended):
    found = judge(Wanted(VM), source(ssh=ssh), target())
    assert {one.code for one in found} == {code} and fixes(found) == mended
    codes(source(ssh=ssh))


def disks(volume=VOLUME, inode=70001):
    return [{"path": image(1), "volume": volume, "inode": inode}]


@pytest.mark.parametrize(
    ("here", "there", "code"),
    [
        (disks(), disks(inode=7), "migration_other_disk"),
        (disks(), disks(volume="0d5a1c11-1f6c-4bb0-9d7c-7a7b52a0a8f5"), "migration_other_disk"),
        (disks(), disks(inode=None), "migration_other_disk"),
        (disks("/dev/sda2"), disks("/dev/sda2"), "migration_local_disk"),
        (disks(inode=None), disks(), "migration_unread"),
        (disks(), [], "migration_unread"),
        (disks("10.0.0.9:/vol"), disks("10.0.0.9:/vol"), "migration_ready"),
    ],
)
def test_every_disk_is_the_same_file_at_both_ends(here, there, code):
    assert codes(source(images=here), target(images=there)) == {code}


def test_every_path_of_the_cfg_is_at_the_target():
    gone = [
        {"path": path, "found": path != "/boot/vmlinux-guest", "mount": "/"} for path in decision.files_of(config(1))
    ]
    assert codes(there=target(end={"files": gone})) == {"migration_no_file"}
    assert codes(there=target(end={"files": []})) == {"migration_unread"}
    assert codes(source(configs=[])) == {"migration_no_config"}
    assert codes(source(configs=[config(1), config(1, path="/data/domu/copy.cfg")])) == {"migration_no_config"}
    assert codes(source(configs=[config(1, kernel="guest.img")])) == {"migration_ready"}, "found by xl where it looks"


def test_bridges_xen_and_cpu_are_compared():
    assert codes(there=target(end={"bridges": ["br0"]})) == {"migration_no_bridge"}
    versions = {"migration_xen_older": 16, "migration_ready": 18, "migration_xen_newer": 19}
    for code, minor in versions.items():
        assert codes(there=target(end={"features": {**FEATURES, "minor": minor}})) == {code}
    less = {**FEATURES, "cpu": [0x178BF3FD]}
    assert codes(there=target(end={"features": less})) == {"migration_cpu"}
    assert codes(source(end={"features": less})) == {"migration_ready"}, "a target may have more"
    assert codes(there=target(end={"features": {**FEATURES, "modes": ["pv"]}})) == {"migration_modes"}


def test_a_display_that_is_taken_is_said_by_every_truth():
    listening = [{"address": "0.0.0.0", "port": 5951, "pid": 7, "command": "xen-qemu-system"}]
    console = {**domain(1)["vnc"], "xenstore": 5951}
    for there, rows in [
        (target(listeners=listening), ()),
        (target(domain(2, vnc=console), vms=(1, 2)), ()),
        (target(), (Row(uuid(9), "n2.example", 51),)),
    ]:
        assert codes(there=there, rows=rows) == {"migration_display_taken"}
    assert codes(rows=(Row(VM, "n2", 51), Row(uuid(9), "n3", 51), Row(uuid(8), "n2", None))) == {"migration_ready"}


@pytest.mark.parametrize(
    ("here", "there", "wanted", "code"),
    [
        (source(domain(1, state="paused")), None, {}, "migration_not_running"),
        (source(domain(1, migrated_away=True)), None, {}, "migration_not_running"),
        (source(domain(1), domain(1, 7)), None, {}, "migration_not_running"),
        (None, target(domain(1, state="paused", cpu_ns=0)), {}, "migration_left_over"),
        (None, target(domain(1)), {}, "migration_elsewhere"),
        (None, None, {"elsewhere": ("n3",)}, "migration_elsewhere"),
        (None, None, {"silent": ("n3",)}, "migration_silent"),
    ],
)
def test_only_what_runs_in_one_place_is_moved(here, there, wanted, code):
    assert codes(here, there, **wanted) == {code}


def test_a_target_that_is_the_source_is_refused():
    assert {one.code for one in judge(Wanted(VM), source(), source())} == {"migration_same_node"}


def test_what_was_not_read_is_not_taken_for_well():
    lost = [{"reading": "libxc", "problem": "timeout", "detail": ""}]
    beside = [{"reading": "unix /run/xen/qmp-libxenstat-2", "problem": "timeout", "detail": ""}]
    assert codes(there=End("n2", {}, {})) == {"migration_unread"}
    assert codes(there=target(domains=None)) == {"migration_unread"}
    assert codes(there=target(missing=lost)) == {"migration_unread"}
    assert codes(there=target(end={"missing": lost})) == {"migration_unread"}
    assert codes(there=target(missing=beside)) == {"migration_ready"}
    recovering = target()
    recovering.reading["node"]["recovering"] = True
    assert codes(there=recovering) == {"migration_unread"}
    unknown = memory(512)
    unknown.reading["node"]["memory_kib"]["free"] = None
    assert codes(there=unknown) == {"migration_unread"}


@given(st.integers(1, 2**31), st.integers(1, 128))
def test_the_overhead_grows_with_the_guest(memory_kib, vcpus):
    assert overhead_kib(memory_kib, vcpus) > 2048
    assert overhead_kib(memory_kib + 1024, vcpus) > overhead_kib(memory_kib, vcpus)
