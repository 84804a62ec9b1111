# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Missing, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.whereabouts import (
    Config,
    Count,
    Domain,
    File,
    Gap,
    NodeSet,
    Opener,
    Place,
    Reading,
    Request,
    Saved,
    Sources,
    Tool,
    Verdict,
    Vm,
    counted_after,
    counts,
    node_set,
    reading,
    runs_twice,
    vms,
    whereabouts,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import VmUuid

UUID = VmUuid("22222222-0000-0000-0000-000000000002")
OTHER = VmUuid("33333333-0000-0000-0000-000000000003")
VOLUME = "afb05a48-6073-442b-8ed6-7e87aded6e9c"
RAW = f"/data/domu/{UUID}/current/root.raw"
CFG = f"/data/domu/{UUID}/current/{UUID}.cfg"
IMAGE = File(RAW, (VOLUME, "70185"))
VM = Vm(UUID, frozenset({UUID, "web1", CFG, RAW}), frozenset({IMAGE}))
NAMES = ("n1", "n2", "n3")
NODES = NodeSet(NAMES)
KEPT = ("inventory", "database")
AT = 1_795_255_700.0


def domain(uuid=UUID, number=1, cpu_ns=0, rests="", name=None):
    return Domain(number, uuid, name or uuid, cpu_ns, rests)


def rounds(spacing=3.0, count=2, **changes):
    """Readings of all nodes; ``changes``: what a node has in each of them."""
    first = [replace(Reading(name, AT, "boot"), **changes.get(name, {})) for name in NAMES]
    return [[replace(one, at=one.at + spacing * each) for one in first] for each in range(count)]


def look(vm=VM, nodes=NODES, excused=None, requests=(), **changes):
    return whereabouts(vm, nodes, rounds(**changes), excused, requests)


def test_a_vm_that_nobody_has_in_two_readings_of_every_node_is_off():
    found = look()
    assert (found.verdict, found.places, found.silent, found.missing) == (Verdict.OFF, (), (), ())


RUNNING = {"domains": (domain(cpu_ns=32515953586), domain(OTHER, 2))}


@pytest.mark.parametrize(
    ("has", "kind", "words"),
    [
        (RUNNING, "domain", "runs, CPU 32515953586 ns"),
        ({"domains": (domain(rests="paused", name=f"{UUID}--incoming"),)}, "domain", "--incoming paused"),
        ({"domains": (domain(rests="shutdown", name=f"{UUID}--migratedaway"),)}, "domain", "--migratedaway shutdown"),
        ({"domains": (domain(rests="crashed", name="(null)"),)}, "domain", "(null) crashed"),
        ({"openers": (Opener(File("/renamed", IMAGE.key), "process", "qemu", 587),)}, "process", "(pid 587)"),
        ({"openers": (Opener(IMAGE, "loop", "loop0"),)}, "loop", "loop0 has"),
        ({"openers": (Opener(File(RAW), "nbd", "nbd0", 9, False),)}, "nbd", "read-only"),
        ({"openers": (Opener(File(RAW, (VOLUME, "1")), "dm", "vg-root"),)}, "dm", "vg-root"),
        ({"tools": (Tool(700, f"xl create {CFG}", (CFG,)),)}, "toolstack", "xl create"),
        ({"tools": (Tool(700, "start.py", (UUID.upper(),)),)}, "toolstack", "(pid 700)"),
        ({"tools": (Tool(700, "xl restore x web1", ("web1",)),)}, "toolstack", "xl restore"),
    ],
)
def test_whatever_has_the_vm_is_a_place(has, kind, words):
    found = look(n2=has)
    assert found.verdict is Verdict.SOMEWHERE
    assert [(one.node, one.kind) for one in found.places] == [("n2", kind)]
    assert words in found.places[0].evidence


@pytest.mark.parametrize(
    "has",
    [
        {"domains": (domain(OTHER),)},
        {"openers": (Opener(File("/data/domu/other.raw", (VOLUME, "1")), "loop", "loop0"),)},
        {"openers": (Opener(File("/data/domu/nobody.raw"), "loop", "loop0"),)},
        {"tools": (Tool(700, "xl create /x.cfg", ("/x.cfg", OTHER)),)},
        {"saved": (Saved("/var/lib/xen/save/web2"), Saved("/data/web1.save", OTHER))},
        {"missing": (Missing("unix /run/xen/qmp-libxenstat-2", Problem.TIMEOUT),)},
        {"missing": (Missing(f"/data/domu/{OTHER}/current/{OTHER}.cfg", Problem.NOT_UNDERSTOOD),)},
    ],
)
def test_what_belongs_to_another_vm_is_no_place_and_no_gap(has):
    assert look(n2=has).verdict is Verdict.OFF


def test_a_place_in_either_reading_counts():
    first, second = rounds()
    seen = [replace(one, **RUNNING) if one.node == "n2" else one for one in first]
    for order in ([seen, second], [first, [replace(one, at=one.at + 3) for one in seen]]):
        assert whereabouts(VM, NODES, order).verdict is Verdict.SOMEWHERE
    # an older one than these two is of the past
    assert whereabouts(VM, NODES, [seen, *rounds()]).verdict is Verdict.OFF


def test_a_domain_of_both_readings_is_one_place_with_its_later_word():
    first, second = rounds(n2=RUNNING)
    later = [replace(one, domains=(domain(cpu_ns=1, rests="paused"),)) if one.node == "n2" else one for one in second]
    found = whereabouts(VM, NODES, [first, later])
    assert found.places == (Place("n2", "domain", f"domain 1 {UUID} paused, CPU 1 ns"),)


def test_a_reader_of_a_backing_file_is_named_and_does_not_count():
    base = File("/data/base.qcow2", (VOLUME, "4711"))
    vm = replace(VM, backing=frozenset({base}))
    reader = look(vm, n2={"openers": (Opener(base, "process", "qemu", 5, False),)})
    assert reader.verdict is Verdict.OFF
    assert reader.places == (Place("n2", "process", "qemu (pid 5) has /data/base.qcow2 open read-only", False),)
    assert look(vm, n2={"openers": (Opener(base, "process", "qemu", 5),)}).verdict is Verdict.SOMEWHERE


@pytest.mark.parametrize(
    "saved", [Saved("/x", UUID), Saved("/var/lib/xen/save/web1"), Saved("/d/web1.save"), Saved(f"/d/{UUID}.chk")]
)
def test_a_saved_state_is_neither_off_nor_somewhere(saved):
    found = look(n2={"saved": (saved,)})
    assert found.verdict is Verdict.UNKNOWN
    assert [one.kind for one in found.places] == ["saved"]


GAPS = [
    ({"domains": None}, "its domains"),
    ({"recovering": True}, "the end of o2cb's recovery"),
    ({"recovering": None}, "the end of o2cb's recovery"),
    ({"tools": (Tool(9, "xl migrate-receive"),)}, "whose xl migrate-receive (pid 9) is"),
    ({"missing": (Missing("images below /data/domu", Problem.BLOCKED, "n2 is silent"),)}, "images below /data/domu"),
    ({"missing": (Missing("libxc", Problem.ABSENT),)}, "libxc"),
    ({"missing": (Missing(CFG, Problem.NOT_UNDERSTOOD),)}, CFG),
]


@pytest.mark.parametrize(("has", "what"), GAPS)
def test_a_missing_proof_is_named_and_nothing_is_off(has, what):
    found = look(n2=has)
    assert found.verdict is Verdict.UNKNOWN
    assert [(one.node, one.what) for one in found.missing] == [("n2", what)]


def test_one_reading_or_two_that_follow_too_closely_prove_nothing():
    assert look(spacing=2.9).verdict is Verdict.UNKNOWN
    for count in (0, 1):
        found = whereabouts(VM, NODES, rounds(count=count))
        assert found.verdict is Verdict.UNKNOWN
        assert Gap("", "a second reading 3 s later") in found.missing


def test_a_node_that_rebooted_between_the_readings_proves_nothing():
    first, second = rounds()
    second[0] = replace(second[0], boot_id="another")
    found = whereabouts(VM, NODES, [first, second])
    assert (found.verdict, found.missing) == (Verdict.UNKNOWN, (Gap("n1", "two readings of one boot"),))


def test_a_silent_node_is_named_unless_it_is_excused_and_any_sign_of_life_ends_that():
    first, second = rounds()
    without = [first[:2], second[:2]]
    silent = whereabouts(VM, NODES, without)
    assert (silent.verdict, silent.silent) == (Verdict.UNKNOWN, ("n3",))
    off = {"n3.example.com": "power off, read back"}
    assert whereabouts(VM, NODES, without, off).verdict is Verdict.OFF
    beats = replace(NODES, beating=("n3",))
    assert whereabouts(VM, beats, without, off).silent == ("n3",)
    answered_once = [first, second[:2]]
    assert whereabouts(VM, NODES, answered_once, off).silent == ("n3",)


def test_a_short_name_never_answers_for_two_nodes():
    nodes = node_set(Sources(frozenset({"n1", "n1.a", "n1.b"}), frozenset({"n1.a", "n1.b"}), kept=KEPT))
    assert nodes.names == ("n1.a", "n1.b")
    one = [[Reading("n1", AT)], [Reading("n1", AT + 3)]]
    assert whereabouts(VM, nodes, one).silent == ("n1.a", "n1.b")


def test_a_node_that_no_source_has_is_a_gap_and_what_it_has_counts():
    extra = [[*each, replace(each[0], node="n9", **RUNNING)] for each in rounds()]
    found = whereabouts(VM, NODES, extra)
    assert found.verdict is Verdict.SOMEWHERE
    assert Gap("n9", "answered, and no source has it") in found.missing
    assert whereabouts(VM, NodeSet(()), [[], []]).verdict is Verdict.UNKNOWN


def test_a_vm_whose_images_nobody_knows_is_not_off():
    found = look(Vm(UUID, frozenset({UUID})))
    assert found.verdict is Verdict.UNKNOWN
    assert "its images" in found.missing[0].what


def test_a_request_without_an_answer_is_waited_for_until_its_bound():
    young, old = Request("start of web1", AT - 100), Request("start of web1", AT - 400)
    assert look(requests=[young]).missing == (Gap("", "start of web1", "no answer yet"),)
    assert look(requests=[old]).verdict is Verdict.OFF


ALL = frozenset(NAMES)


@pytest.mark.parametrize(
    ("sources", "differences"),
    [
        (Sources(ALL, ALL, ALL, ALL), ()),
        (Sources(ALL, ALL, kept=KEPT), ()),
        # one that is down has no heartbeat
        (Sources(ALL, ALL, ALL, frozenset({"n1"})), ()),
        (Sources(ALL, ALL, frozenset({"n1.lab", "n2.lab", "n3.lab"}), ALL), ()),
        (Sources(ALL - {"n3"}, ALL, ALL, ALL), ("n3 is not in inventory",)),
        (Sources(ALL, ALL - {"n3"}, ALL, ALL), ("n3 is not in database",)),
        (Sources(ALL, ALL, ALL - {"n3"}, ALL), ("n3 is not in cluster.conf",)),
        (
            Sources(ALL, ALL, ALL, ALL | {"n4"}),
            ("n4 is not in cluster.conf", "n4 is not in database", "n4 is not in inventory"),
        ),
        (Sources(None, ALL, ALL, ALL), ("inventory: not read",)),
        (Sources(ALL, None, ALL, None), ("database: not read", "heartbeat: not read")),
        (Sources(ALL, None, None, None, kept=("inventory",)), ()),
    ],
)
def test_the_set_of_nodes_is_the_union_and_every_difference_is_named(sources, differences):
    found = node_set(sources)
    assert found.differences == differences
    assert len(found.names) == (4 if "n4" in (sources.heartbeat or ()) else 3)
    if differences:
        assert look(nodes=found).verdict is Verdict.UNKNOWN


def test_heartbeats_are_told_by_node():
    assert node_set(Sources(ALL, ALL, ALL, frozenset({"n1", "n3.lab"}))).beating == ("n1", "n3.lab")


def sampled(*samples):
    """Rounds from (seconds, {node: (cpu_ns, rests)}), the nodes read 0.6 s one after the other."""
    return [
        [
            Reading(node, AT + seconds + 0.6 * place, "boot", (domain(cpu_ns=cpu_ns, rests=rests),))
            for place, (node, (cpu_ns, rests)) in enumerate(sorted(nodes.items()))
        ]
        for seconds, nodes in samples
    ]


def counted(*samples):
    """The same, as vm_counts_info counts one VM's domains."""
    return [
        {
            (node, 3): Count(AT + seconds + 0.6 * place, cpu_ns, rests)
            for place, (node, (cpu_ns, rests)) in enumerate(sorted(nodes.items()))
        }
        for seconds, nodes in samples
    ]


# a guest started on two nodes, as it was read on both under Xen 4.17
DOUBLE = [
    (0.0, {"n1": (4579146427, ""), "n2": (13396093140, "")}),
    (3.1, {"n1": (6970481798, ""), "n2": (13689965958, "")}),
    (6.1, {"n1": (8141672193, ""), "n2": (13806077238, "")}),
]


def test_two_domains_whose_cpu_time_rises_together_twice_are_a_double():
    assert runs_twice(counted(*DOUBLE))
    found = whereabouts(VM, NodeSet(("n1", "n2")), sampled(*DOUBLE), counted=counted(*DOUBLE))
    assert (found.verdict, found.twice) == (Verdict.TWICE_SUSPECTED, True)
    assert len(found.places) == 2


def test_without_a_third_count_a_double_is_only_suspected():
    found = whereabouts(VM, NodeSet(("n1", "n2")), sampled(*DOUBLE), counted=counted(*DOUBLE[:2]))
    assert (found.verdict, found.twice) == (Verdict.TWICE_SUSPECTED, False)


@pytest.mark.parametrize(
    "changed",
    [
        # one stood still
        {1: {"n1": (4579146427, ""), "n2": (13689965958, "")}},
        {2: {"n1": (6970481798, ""), "n2": (13806077238, "")}},
        # one rested at the end of a rise
        {1: {"n1": (6970481798, "paused"), "n2": (13689965958, "")}},
        {2: {"n1": (8141672193, ""), "n2": (13806077238, "shutdown")}},
        # one was not there yet
        {0: {"n2": (13396093140, "")}},
    ],
)
def test_anything_less_is_not_proven(changed):
    samples = [(seconds, changed.get(at, nodes)) for at, (seconds, nodes) in enumerate(DOUBLE)]
    assert not runs_twice(counted(*samples))


def test_readings_too_far_apart_prove_nothing_together():
    apart = [(seconds * 1.6, nodes) for seconds, nodes in DOUBLE]
    assert not runs_twice(counted(*apart))


def test_two_domains_of_one_node_are_a_double_too():
    seen = [{("n1", 1): Count(AT + 3 * each, each), ("n1", 2): Count(AT + 3 * each, 5 + each)} for each in range(3)]
    assert runs_twice(seen)


# xl migrate: the source rises until it is suspended, the twin is paused without CPU time, then runs
MIGRATION = [
    (0.0, {"n1": (15688536836, ""), "n2": (0, "paused")}),
    (3.0, {"n1": (16114707076, ""), "n2": (0, "paused")}),
    (6.0, {"n1": (16335925687, "shutdown"), "n2": (0, "paused")}),
    (9.0, {"n1": (16335925687, "shutdown"), "n2": (900000000, "")}),
]


@pytest.mark.parametrize("begin", [0, 1])
def test_a_live_migration_is_no_double(begin):
    seen = MIGRATION[begin : begin + 3]
    found = whereabouts(VM, NodeSet(("n1", "n2")), sampled(*seen), counted=counted(*seen))
    assert (found.verdict, found.twice) == (Verdict.SOMEWHERE, False)


@given(
    cpu=st.lists(st.integers(0, 10**12), min_size=3, max_size=5),
    twin=st.integers(0, 10**6),
    rests=st.sampled_from(["paused", "shutdown", "paused, shutdown", "dying", "crashed"]),
)
def test_a_twin_that_rests_is_never_a_double(cpu, twin, rests):
    seen = [(3.0 * at, {"n1": (cpu_ns, ""), "n2": (twin * at, rests)}) for at, cpu_ns in enumerate(cpu)]
    found = whereabouts(VM, NodeSet(("n1", "n2")), sampled(*seen), counted=counted(*seen))
    assert (found.verdict, found.twice) == (Verdict.SOMEWHERE, False)


def answer(**changes):
    """As the module gives it."""
    state = dict.fromkeys(("running", "blocked", "paused", "shutdown", "crashed", "dying"), False)
    disk = {"vdev": "xvda", "path": RAW, "format": "raw", "backend": "phy", "loop": "/dev/loop0", "writable": True}
    image = {"path": RAW, "volume": VOLUME, "inode": 70185}
    return {
        "node": {"hostname": "n1", "boot_id": "boot", "began": 99.4, "at": 100.0, "ended": 100.5, "recovering": False},
        "domains": [
            {"id": 3, "uuid": UUID, "name": f"{UUID}--incoming", "state": {**state, "paused": True}, "cpu_ns": 0}
            | {"disks": [disk, {**disk, "path": None}]}
        ],
        "configs": [{"path": CFG, "uuid": UUID, "name": "web1", "disks": [RAW]}],
        "images": [image],
        "openers": [{**image, "by": "loop", "name": "loop0", "pid": None, "writes": True, "backing": False}],
        "toolstack": [{"pid": 9, "command": "xl migrate-receive", "names": [UUID]}],
        "saved": [{"path": "/x.save", "uuid": None}],
        "missing": [{"reading": "ss -l", "problem": "timeout", "detail": ""}],
        "clock": {"asked": AT - 1, "answered": AT + 0.5},
        **changes,
    }


@pytest.mark.parametrize(
    ("began", "after"),
    [(99.4, AT - 0.4), (100.5, AT - 1), (0.0, AT)],
    ids=["after the reading began", "the node's clock went back", "no later than it can have been"],
)
def test_an_answer_is_not_older_than_the_count_of_its_domains(began, after):
    about = {**answer()["node"], "began": began}
    assert counted_after(answer(node=about)) == pytest.approx(after)


def counts_of(began, *domains, asked=AT, answered=AT + 4.0):
    """As vm_counts_info gives it, a count each second."""
    state = dict.fromkeys(("running", "blocked", "paused", "shutdown", "crashed", "dying"), False)
    rounds = [
        {"at": began + at, "domains": None if each is None else [{"id": 3, "cpu_ns": each, "state": state}]}
        for at, each in enumerate(domains)
    ]
    about = {"hostname": "n", "began": began, "ended": began + len(domains)}
    return {"vm": UUID, "node": about, "rounds": rounds, "clock": {"asked": asked, "answered": answered}}


def test_counts_of_nodes_are_put_together_by_the_controllers_clock():
    answers = {"n1": counts_of(500.0, 10, 20, 30), "n2": counts_of(90.0, 7, None, 9, asked=AT + 0.2)}
    first, second, third = counts(answers)
    assert first == {("n1", 3): Count(AT, 10), ("n2", 3): Count(AT + 0.2, 7)}
    assert second == {("n1", 3): Count(AT + 1.0, 20)}
    assert third[("n2", 3)] == Count(AT + 2.0 + 0.2, 9)
    assert not runs_twice(counts(answers))
    assert runs_twice(counts({**answers, "n2": counts_of(90.0, 7, 8, 9)}))
    assert counts({}) == []


def test_an_answer_of_the_module_is_read_by_the_controllers_clock():
    assert reading("n1", answer()) == Reading(
        node="n1",
        at=AT,
        boot_id="boot",
        domains=(Domain(3, UUID, f"{UUID}--incoming", 0, "paused", (RAW,)),),
        configs=(Config(CFG, UUID, "web1", (RAW,)),),
        images=(IMAGE,),
        openers=(Opener(IMAGE, "loop", "loop0"),),
        tools=(Tool(9, "xl migrate-receive", (UUID,)),),
        saved=(Saved("/x.save"),),
        recovering=False,
        missing=(Missing("ss -l", Problem.TIMEOUT),),
    )
    assert reading("n1", answer(clock=None, domains=None)).at == 100.0
    assert reading("n1", answer(domains=None)).domains is None


@pytest.mark.parametrize(
    ("volume", "inode", "key"),
    [
        (VOLUME, 5, (VOLUME, "5")),
        ("10.0.0.9:/domu", 5, ("10.0.0.9:/domu", "5")),
        ("/dev/vda1", 5, ("n1", "/dev/vda1", "5")),
        (None, 5, None),
        (VOLUME, None, None),
    ],
)
def test_a_file_of_one_nodes_own_disk_is_no_other_nodes_file(volume, inode, key):
    (found,) = reading("n1", answer(images=[{"path": "/a", "volume": volume, "inode": inode}])).images
    assert found == File("/a", key)


def test_everything_a_vm_is_known_by_is_gathered_from_all_nodes_and_the_database():
    unnamed = Config(f"/data/domu/{OTHER}/current/x.cfg", None, None, ("/o.raw",))
    first = Reading("n1", AT, configs=(Config(CFG, UUID, "web1", (RAW,)), unnamed), images=(IMAGE,))
    there = replace(domain(name="web1--incoming"), disks=("/local/b.raw",))
    local = File("/local/b.raw", ("n2", "/dev/vda", "7"))
    second = Reading("n2", AT, domains=(there,), images=(local,))
    found = vms([[first, second]], {UUID: ["shop"]}, {UUID: ["/data/row.raw"], VmUuid(VOLUME): []})
    assert set(found) == {UUID, OTHER, VOLUME}
    assert found[UUID].images == {IMAGE, local, File("/data/row.raw")}
    assert {UUID, "web1", "shop", CFG, RAW} <= found[UUID].names
    assert found[OTHER].images == {File("/o.raw")}
    assert found[VOLUME].images == frozenset()


FILES = st.sampled_from([IMAGE, File(RAW), File("/renamed", IMAGE.key), File("/other", (VOLUME, "1")), File("/x")])
READINGS = st.fixed_dictionaries(
    {},
    optional={
        "domains": st.none()
        | st.lists(
            st.builds(
                domain,
                st.sampled_from([UUID, OTHER]),
                st.integers(1, 3),
                st.integers(0, 5),
                st.sampled_from(["", "paused"]),
            ),
            max_size=2,
            unique_by=lambda one: one.id,
        ).map(tuple),
        "openers": st.lists(st.builds(Opener, FILES, st.just("loop"), st.just("loop0")), max_size=2).map(tuple),
        "tools": st.lists(
            st.builds(Tool, st.just(9), st.just("xl"), st.sampled_from([(), (UUID,), (OTHER,)])), max_size=1
        ).map(tuple),
        "saved": st.lists(st.builds(Saved, st.just("/s"), st.sampled_from([UUID, OTHER, None])), max_size=1).map(tuple),
        "recovering": st.sampled_from([None, True, False]),
        "missing": st.lists(
            st.builds(
                Missing, st.sampled_from(["libxc", "ss -l", CFG, "unix /run/qmp"]), st.sampled_from(list(Problem))
            ),
            max_size=2,
        ).map(tuple),
        "boot_id": st.sampled_from(["boot", "another"]),
    },
)


@st.composite
def worlds(draw):
    """Some readings of three nodes at some times, mostly plain ones: each fault alone must be enough."""
    plain = st.just({})
    seen = []
    for at in range(draw(st.sampled_from([2, 2, 2, 1, 3]))):
        spacing = draw(st.sampled_from([3.0, 3.0, 3.0, 1.0]))
        names = draw(st.sampled_from([NAMES, NAMES, NAMES, NAMES[:2]]))
        seen.append(
            [
                replace(Reading(name, AT + spacing * at, "boot"), **draw(plain | plain | plain | READINGS))
                for name in names
            ]
        )
    differences = draw(st.sampled_from([(), (), ("n9 is not in database",)]))
    return replace(NODES, differences=differences), seen


def is_trace(one):
    here = any(each.uuid == UUID for each in one.domains or ())
    opened = any(each.file.path == RAW or each.file.key == IMAGE.key for each in one.openers)
    return here or opened or any(UUID in each.names for each in one.tools) or any(s.uuid == UUID for s in one.saved)


def is_blind(one):
    lost = any(each.reading in ("libxc", CFG) for each in one.missing)
    return one.domains is None or one.recovering is not False or lost or any(not each.names for each in one.tools)


@given(world=worlds())
def test_nothing_is_off_while_a_node_is_silent_or_a_needed_reading_missing_or_a_trace_left(world):
    nodes, seen = world
    found = whereabouts(VM, nodes, seen)
    last = seen[-2:]
    proven = (
        len(last) == 2
        and not nodes.differences
        and all({one.node for one in each} == set(NAMES) for each in last)
        and all(
            later.at - before.at >= 3 and later.boot_id == before.boot_id for before, later in zip(*last, strict=True)
        )
        and not any(is_trace(one) or is_blind(one) for each in last for one in each)
    )
    assert (found.verdict is Verdict.OFF) == proven


@given(world=worlds(), data=st.data())
def test_the_order_of_nodes_does_not_matter(world, data):
    nodes, seen = world
    shuffled = [data.draw(st.permutations(each)) for each in seen]
    mixed = replace(nodes, names=tuple(data.draw(st.permutations(nodes.names))))
    assert whereabouts(VM, nodes, seen) == whereabouts(VM, mixed, shuffled)


@given(world=worlds())
def test_a_place_is_told_whatever_else_is_missing(world):
    nodes, seen = world
    found = whereabouts(VM, nodes, seen)
    traces = {one.node for each in seen[-2:] for one in each if is_trace(one)}
    assert {one.node for one in found.places} == traces
