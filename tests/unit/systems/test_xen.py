# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, LocalHost, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import xen
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.xen import Disk, Info, Nic, State, Stored
from replay import Replay, recording
from xen_answers import libxc

FIRST = "f32dcf34-e192-5ab7-8925-4fb3631e0deb"
SECOND = "4a3be9d1-2328-5f8a-bed9-fedfe6a9de42"
MOVED = "22222222-0000-0000-0000-000000000002"
LIBXC = " ".join(xen.ASK_LIBXC)
XENSTORE = " ".join(xen.ASK_XENSTORE)
IMAGE = f"/data/domu/{MOVED}/current/{MOVED}.raw"


def counted(number, uuid, state="b", cpu_ns=0, reason=255, **changes):
    """One entry of libxc's list; the values are those that a dom0 under Xen 4.17 gave."""
    flags = {"r": "running", "b": "blocked", "p": "paused", "s": "shutdown", "d": "dying", "c": "crashed"}
    return {
        "domid": number,
        "handle": uuid,
        "cpu_time": cpu_ns,
        "mem_kb": 262144,
        "maxmem_kb": 263168,
        "online_vcpus": 1,
        "shutdown_reason": reason,
        **{name: int(letter in state) for letter, name in flags.items()},
        **changes,
    }


DOM0 = counted(0, "00000000-0000-0000-0000-000000000000", "r", 88400000000, mem_kb=1572864, maxmem_kb=1572864)


def node(domains, **changes):
    answers = {
        XENSTORE: recording("xen/xenstore-two-guests"),
        LIBXC: libxc([DOM0, *domains]),
        **changes,
    }
    return Replay({key: value for key, value in answers.items() if value is not None})


BOTH = [counted(1, FIRST, "-", 3700000000), counted(2, SECOND, "b", 3712345678)]


def test_both_guests_are_found_with_what_each_source_knows():
    facts = xen.probe(node(BOTH))
    assert facts.missing == ()
    assert facts.info == Info("4.17.7", 2620900, 1276952)
    assert facts.dom0.memory_kib == 1572864
    first, second = facts.domains
    assert (first.counted.id, first.counted.uuid, first.name) == (1, FIRST, FIRST)
    assert (first.port, second.port) == (5950, 5951)
    assert second.counted.cpu_ns == 3712345678
    assert second.counted.state == State(False, True, False, False, None, False, False)
    assert not (first.incoming or first.migrated_away)


def test_both_ends_of_a_migration_keep_its_uuid_and_tell_their_part_by_name():
    store = f'/local/domain/1/name = "{MOVED}--migratedaway"\n/local/domain/2/name = "{MOVED}--incoming"\n'
    domains = [counted(1, MOVED, "s", 20392124338, 2), counted(2, MOVED, "p")]
    facts = xen.probe(node(domains, **{XENSTORE: store}))
    source, target = facts.domains
    assert (source.counted.uuid, source.migrated_away, source.counted.state.shutdown_reason) == (MOVED, True, "suspend")
    assert (target.counted.uuid, target.incoming, target.counted.state.paused) == (MOVED, True, True)


def test_a_domain_without_a_name_is_one():
    (found,) = xen.probe(node([counted(7, MOVED, "d")])).domains
    assert (found.name, found.counted.uuid, found.counted.state.dying) == ("(null)", MOVED, True)


def test_without_libxc_nobody_knows_which_domains_there_are():
    for problem in (None, Answer("", rc=1, stderr="xen.lowlevel.xc.Error: (1, 'Internal error')")):
        facts = xen.probe(node(BOTH, **{LIBXC: problem}))
        assert facts.domains is None
        assert [one.reading for one in facts.missing] == ["libxc"]


def test_libxc_decides_which_domains_there_are():
    assert [one.counted.id for one in xen.probe(node([BOTH[1]])).domains] == [2]
    assert xen.probe(node([])).domains == ()


def test_what_is_left_of_a_domain_that_had_the_same_id_is_not_the_new_ones():
    (found,) = xen.probe(node([counted(1, MOVED)])).domains
    assert (found.name, found.port, found.counted.uuid) == ("(null)", None, MOVED)


def test_bindings_that_are_not_installed_are_absent_on_a_machine_without_them():
    answer = xen.probe(LocalHost()).missing[-1]
    assert (answer.reading, answer.problem) == ("libxc", Problem.ABSENT)
    assert "xen" in answer.detail


def test_a_node_whose_toolstack_hangs_still_lists_what_the_hypervisor_runs():
    facts = xen.probe(node(BOTH, **{XENSTORE: Problem.TIMEOUT}))
    assert [(one.counted.uuid, one.name) for one in facts.domains] == [(FIRST, "(null)"), (SECOND, "(null)")]
    assert [one.problem for one in facts.missing] == [Problem.TIMEOUT]


def test_disks_are_read_as_each_backend_writes_them():
    backend = "/local/domain/0/backend"
    tree = xen.parse_xenstore(
        f'{backend}/qdisk/3/51712/params = "qcow2:/data/domu/3/current/3.qcow2"\n'
        f'{backend}/qdisk/3/51712/dev = "xvda"\n{backend}/qdisk/3/51712/type = "qdisk"\n'
        f'{backend}/qdisk/3/51728/params = "aio:/data/domu/3/current/other.raw"\n'
        f'{backend}/qdisk/3/51728/mode = "r"\n'
        f'{backend}/qdisk/3/5632/params = ""\n'
        f'{backend}/vbd/5/51712/params = "{IMAGE}"\n{backend}/vbd/5/51712/node = "/dev/loop0"\n'
        f'{backend}/vbd/5/51712/physical-device = "7:0"\n{backend}/vbd/5/51712/type = "phy"\n'
        f'{backend}/vbd/5/51712/mode = "w"\n{backend}/vbd/5/51712/dev = "xvda"\n'
    )
    third, fifth = xen.stored(tree)
    assert third.disks == (
        Disk("xvda", "/data/domu/3/current/3.qcow2", "qcow2", "qdisk", None, True),
        Disk("51728", "/data/domu/3/current/other.raw", "raw", "qdisk", None, False),
        Disk("5632", None, None, "qdisk", None, True),
    )
    assert fifth.disks == (Disk("xvda", IMAGE, "raw", "phy", "/dev/loop0", True),)


def test_nics_have_the_name_that_the_bridge_knows():
    backend = "/local/domain/0/backend/vif"
    tree = xen.parse_xenstore(
        f'{backend}/1/0/mac = "00:16:3e:00:00:02"\n{backend}/1/0/bridge = "xenbr0"\n'
        f'{backend}/1/1/mac = "00:16:3e:00:00:03"\n{backend}/1/1/vifname = "tap-web"\n{backend}/1/2/state = "6"\n'
    )
    (found,) = xen.stored(tree)
    assert found.nics == (Nic("00:16:3e:00:00:02", "xenbr0", "vif1.0"), Nic("00:16:3e:00:00:03", None, "tap-web"))


def test_what_xenstore_writes_with_a_backslash_is_itself_again():
    tree = xen.parse_xenstore('/vm/a/image/cmdline = "a\\tb\\\\c\\x7f\\001"\n/vm/b = "says "yes""\n')
    assert tree == {"/vm/a/image/cmdline": "a\tb\\c\x7f\x01", "/vm/b": 'says "yes"'}


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (xen.parse_libxc, "Traceback"),
        (xen.parse_libxc, libxc([{**DOM0, "cpu_time": "1"}])),
        (xen.parse_libxc, libxc([{**DOM0, "handle": "1"}])),
        (xen.parse_libxc, libxc([], xen={"xen_major": 4})),
        (xen.parse_libxc, libxc([], memory={"total_memory": 1, "free_memory": "2"})),
        (xen.parse_libxc, "[]"),
        (xen.parse_xenstore, ""),
        (xen.parse_xenstore, "xenstore-ls: no"),
    ],
)
def test_garbage_is_refused(parse, text):
    with pytest.raises(NotUnderstood):
        parse(text)


def test_a_value_of_xenstore_that_cannot_be_meant_makes_the_reading_missing():
    facts = xen.probe(node([], **{XENSTORE: '/local/domain/3/vm = "/vm/x"\n'}))
    assert [(one.reading, one.problem) for one in facts.missing] == [(XENSTORE, Problem.NOT_UNDERSTOOD)]


def test_a_domain_that_was_shut_down_for_an_unknown_reason_says_so():
    (found,) = xen.probe(node([counted(1, FIRST, "s", reason=99)])).domains
    assert found.counted.state.shutdown_reason == "reason 99"


def test_a_domain_that_only_exists_in_part_is_traced():
    assert xen.stored({"/local/domain/4/vm": "/vm/" + FIRST}) == (Stored(4, FIRST),)
    assert xen.stored({"/tool": ""}) == ()


def test_a_whole_store_tells_each_guest_its_image_and_its_console():
    dom0, first, second = xen.stored(xen.parse_xenstore(recording("xen/xenstore-two-guests").stdout))
    assert (dom0.name, dom0.uuid, dom0.port) == ("Domain-0", None, None)
    assert [(one.id, one.name == one.uuid, one.port) for one in (first, second)] == [(1, True, 5950), (2, True, 5951)]
    assert [(one.vdev, one.format, one.backend, one.loop) for one in (*first.disks, *second.disks)] == [
        ("xvda", "raw", "phy", "/dev/loop0"),
        ("xvda", "qcow2", "qdisk", None),
        ("xvdb", "raw", "phy", "/dev/loop1"),
    ]
    assert [one.bridge for one in (*first.nics, *second.nics)] == ["xenbr0", "xenbr0"]
