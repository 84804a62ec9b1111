# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import vnc_truth
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.vnc_truth import (
    Change,
    Config,
    Domain,
    Listener,
    Node,
    Row,
    Standing,
    applied,
    compare,
    too_old,
    writes,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import rendered
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.vnc import TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import Display, Port, VmUuid


def uuid(number: int) -> VmUuid:
    return VmUuid(f"{number:08x}-5b99-4229-9f83-0bf6b6dd8077")


A, B, C = uuid(0xA), uuid(0xB), uuid(0xC)


def row(vm: VmUuid, display: int | None, node: str = "n1", name: str = "") -> Row:
    return Row(vm, node, None if display is None else Display(display), name)


ROW_OF_A = (row(A, 50),)


def domain(vm: VmUuid, display: int, number: int = 1, **more) -> Domain:
    """A running one whose three truths agree, asked for where it is."""
    truth = {name: Port(5900 + display) for name in ("xenstore", "qmp", "listening")}
    asked = {name: Display(display) for name in ("command_line", "configured")}
    return Domain(number, vm, **{**truth, **asked, **more})


def standings(comparison) -> dict:
    return {one.vm: one.standing for one in comparison.vms}


def codes(comparison, node: str = "n1") -> list[str]:
    return sorted(finding.code for finding in comparison.findings().get(node, ()))


def of_one(domains, rows, **more):
    return compare(rows, [Node("n1", tuple(domains), **more)], ["n1"])


class TestStanding:
    def test_in_step(self):
        found = of_one([domain(A, 50)], [row(A, 50)])
        assert codes(found) == ["vnc_in_step"] and not found.changes and not found.refused

    def test_a_collision_the_command_line_hides_is_what_the_database_is_corrected_for(self):
        # both were asked for display 50; the second listens on 5951
        asked = Display(50)
        found = of_one(
            [domain(A, 50), domain(B, 51, 2, command_line=asked, configured=asked)], [row(A, 50), row(B, 50)]
        )
        assert found.changes == (Change(B, "n1", Display(50), Display(51)),)
        assert codes(found) == [
            "vnc_command_line_lies",
            "vnc_config_differs",
            "vnc_database_differs",
            "vnc_in_step",
            "vnc_port_shared",
            "vnc_port_shared",
        ]

    def test_a_row_without_a_number_is_given_one(self):
        assert of_one([domain(A, 50)], [row(A, None)]).changes == (Change(A, "n1", None, Display(50)),)

    def test_off_is_told_only_where_every_node_answered(self):
        nodes = [Node("n1"), Node("n2")]
        assert standings(compare([row(A, 50)], nodes, ["n1", "n2"])) == {A: Standing.OFF}
        silent = compare([row(A, 50)], nodes[:1], ["n1", "n2"])
        assert standings(silent) == {A: Standing.MAYBE_ELSEWHERE}
        assert codes(silent, "n2") == ["vnc_node_silent"]
        blind = compare([row(A, 50)], [nodes[0], Node("n2", missing=("xl list: timeout",), blind=True)], ["n1", "n2"])
        assert standings(blind) == {A: Standing.MAYBE_ELSEWHERE}
        assert blind.findings()["n2"][0].evidence == ("xl list: timeout",)

    def test_running_but_not_in_the_database(self):
        found = of_one([domain(A, 50)], [])
        assert codes(found) == ["vnc_not_in_database"] and not found.changes

    def test_on_another_node_than_the_database_says(self):
        nodes = [Node("n1"), Node("n2", (domain(A, 51),))]
        found = compare([row(A, 50, "n1")], nodes, ["n1", "n2"])
        assert codes(found, "n2") == ["vnc_on_another_node"] and not found.changes
        assert [one.why for one in found.refused] == ["vnc_on_another_node"]

    def test_running_twice_is_told_on_both_nodes(self):
        nodes = [Node("n1", (domain(A, 50),)), Node("n2", (domain(A, 51),))]
        found = compare([row(A, 49, "n1")], nodes, ["n1", "n2"])
        assert codes(found, "n1") == codes(found, "n2") == ["vnc_running_twice"] and not found.changes

    def test_twice_on_one_node_is_told_once(self):
        assert codes(of_one([domain(A, 50), domain(A, 51, 2)], [row(A, 50)])) == ["vnc_running_twice"]

    def test_a_migration_is_not_twice_and_nothing_is_planned_for_it(self):
        nodes = [Node("n1", (domain(A, 51),)), Node("n2", (domain(A, 52, between="incoming, paused"),))]
        found = compare([row(A, 50, "n1")], nodes, ["n1", "n2"])
        assert standings(found) == {A: Standing.IN_BETWEEN} and not found.changes

    def test_a_vm_without_a_console_needs_none(self):
        bare = Domain(1, A)
        assert codes(of_one([bare], [row(A, 50)])) == ["vnc_without_console"]
        assert codes(of_one([bare], [row(A, 50)], missing=("ss: timeout",))) == ["vnc_truth_missing"]

    @pytest.mark.parametrize("name", ["xenstore", "qmp", "listening"])
    def test_truths_that_disagree_change_nothing(self, name):
        found = of_one([domain(A, 51, **{name: Port(5999)})], [row(A, 50)])
        assert codes(found)[-1] == "vnc_truths_disagree" and not found.changes
        assert [one.why for one in found.refused] == ["vnc_truths_disagree"]

    @pytest.mark.parametrize(
        ("lost", "proven"),
        [
            ({"xenstore"}, True),
            ({"qmp"}, True),
            ({"listening"}, False),
            ({"xenstore", "qmp"}, False),
            ({"xenstore", "qmp", "listening"}, False),
        ],
    )
    def test_a_port_is_proven_by_its_socket_and_one_more_witness(self, lost, proven):
        found = of_one([domain(A, 51, **dict.fromkeys(lost))], [row(A, 50)])
        assert bool(found.changes) is proven
        assert standings(found)[A] is (Standing.DIFFERS if proven else Standing.NOT_PROVEN)

    def test_one_port_that_two_domains_claim_is_nobodys(self):
        found = of_one([domain(A, 51), domain(B, 51, 2)], [row(A, 50), row(B, 52)])
        assert set(standings(found).values()) == {Standing.DISAGREE} and not found.changes

    def test_two_rows_of_one_vm_change_nothing(self):
        found = of_one([domain(A, 51)], [row(A, 50), row(A, 49)])
        assert codes(found) == ["vnc_row_twice"] and not found.changes

    def test_rows_of_nodes_outside_the_zone_are_nobodys_business_unless_the_vm_runs_here(self):
        found = of_one([domain(B, 51)], [row(A, 50, "m1"), row(B, 51, "m1")])
        assert standings(found) == {B: Standing.ON_ANOTHER_NODE}

    def test_a_node_whose_row_is_gone_is_another_node(self):
        assert standings(of_one([domain(A, 50)], [row(A, 50, "")])) == {A: Standing.ON_ANOTHER_NODE}


class TestPorts:
    def test_a_port_held_by_another_process_is_told_with_that_process(self):
        stranger = Listener(Port(5950), "websockify", 4711)
        found = of_one([domain(B, 51)], [row(A, 50), row(B, 51)], listeners=(stranger, Listener(Port(5951), "qemu", 9)))
        (foreign,) = [one for one in found.findings()["n1"] if one.code == "vnc_port_foreign"]
        assert foreign.subject == A and foreign.values == {"port": 5950, "command": "websockify", "pid": 4711}

    def test_two_vms_of_a_node_with_one_port_are_told_both_and_of_two_nodes_neither(self):
        found = of_one([], [row(A, 50, name="web"), row(B, 50)])
        assert codes(found) == ["vnc_off", "vnc_off", "vnc_port_shared", "vnc_port_shared"]
        nodes = [Node("n1"), Node("n2")]
        assert "vnc_port_shared" not in codes(compare([row(A, 50), row(B, 50, "n2")], nodes, ["n1", "n2"]))


class TestPlan:
    def test_a_pair_is_swapped_together(self):
        found = of_one([domain(A, 51), domain(B, 50, 2)], [row(A, 50), row(B, 51)])
        assert {(change.vm, change.new.number) for change in found.changes} == {(A, 51), (B, 50)}

    def test_a_value_of_a_row_that_does_not_move_is_refused_and_so_is_who_waits_for_it(self):
        # C is off and has 52; A wants it; B wants what A cannot give up
        rows = [row(A, 50), row(B, 51), row(C, 52, name="db")]
        found = of_one([domain(A, 52), domain(B, 50, 2)], rows)
        assert not found.changes
        assert [(one.vm, one.why) for one in found.refused] == [(A, "vnc_value_taken"), (B, "vnc_value_taken")]
        taken = [one for one in found.findings()["n1"] if one.code == "vnc_value_taken"]
        assert taken[0].values == {"display": 52, "holders": [f"{C} (db)"]}
        assert taken[1].values == {"display": 50, "holders": [str(A)]}

    def test_the_same_number_on_another_node_is_no_obstacle(self):
        nodes = [Node("n1", (domain(A, 51),)), Node("n2")]
        assert compare([row(A, 50), row(B, 51, "n2")], nodes, ["n1", "n2"]).changes

    def test_a_chain_is_written_from_its_free_end(self):
        rows = [row(A, 50), row(B, 51), row(C, 52)]
        changes = [Change(one.vm, "n1", one.display, Display(one.display.number + 1)) for one in rows]
        assert [change.vm for change in writes(changes, rows)] == [C, B, A]

    def test_a_circle_takes_one_more_write_through_a_display_nobody_has(self):
        rows = [row(A, 50), row(B, 51)]
        swap = [Change(A, "n1", Display(50), Display(51)), Change(B, "n1", Display(51), Display(50))]
        first, *rest = writes(swap, rows)
        assert first.vm == A and first.new not in (Display(50), Display(51))
        assert rest == [swap[1], Change(A, "n1", first.new, Display(51))]


class TestConfig:
    CONFIG = Config(f"/data/domu/{A}/current/{A}.cfg", A, Display(49))

    def off(self, rows=ROW_OF_A, nodes=("n1", "n2"), **more):
        readings = [Node(name, configs=(self.CONFIG,), **more) for name in nodes]
        return compare(rows, readings, ["n1", "n2"])

    def test_the_cfg_of_a_vm_that_is_off_is_put_right_once_from_the_node_of_its_row(self):
        (change,) = self.off([row(A, 50, "n2")]).configs
        assert (change.node, change.path, change.old, change.new) == (
            "n2",
            self.CONFIG.path,
            Display(49),
            Display(50),
        )
        assert "vnc_config_differs" in codes(self.off())

    def test_it_is_left_alone_without_proof_that_the_vm_is_off(self):
        assert not self.off(nodes=["n1"]).configs
        assert not self.off(missing=("openers: timeout",)).configs
        assert not self.off(touched=frozenset({A})).configs
        running = [Node("n1", (domain(A, 50),), (self.CONFIG,)), Node("n2")]
        assert not compare([row(A, 50)], running, ["n1", "n2"]).configs

    def test_it_is_not_given_a_number_two_vms_have(self):
        assert not self.off([row(A, 50), row(B, 50)]).configs
        assert not self.off([row(A, None)]).configs
        assert not self.off([row(A, 49)]).configs


ANSWER = {
    "node": {"hostname": "n1", "boot_id": "1", "at": 1.0},
    "domains": [
        {"id": 0, "uuid": str(uuid(0)), "name": "Domain-0", "state": {"running": True}},
        {
            "id": 3,
            "uuid": A.upper(),
            "name": A,
            "state": {"running": False, "blocked": True, "paused": False},
            "incoming": False,
            "migrated_away": False,
            "vnc": {"xenstore": 5951, "qmp": 5951, "listening": 5951, "command_line": 50, "configured": None},
        },
    ],
    "configs": [
        {"path": "/data/domu/b.cfg", "uuid": str(B), "name": "b", "display": 52},
        {"path": "/data/domu/none.cfg", "uuid": None, "name": "none", "display": 53},
    ],
    "listeners": [{"address": "0.0.0.0", "port": 5951, "pid": 9, "command": "qemu"}],
    "openers": [{"path": f"/data/domu/{B}/current/{C}.qcow2", "by": "process"}],
    "toolstack": [{"pid": 1, "command": "xl", "names": [f"/data/domu/{A}.cfg"]}],
    "missing": [],
}


class TestReading:
    def test_the_answer_of_a_node_is_taken_as_it_is(self):
        asked = {"command_line": Display(50), "configured": None}
        assert vnc_truth.node("n1", ANSWER) == Node(
            "n1",
            (domain(A, 51, 3, **asked),),
            (Config("/data/domu/b.cfg", B, Display(52)),),
            (Listener(Port(5951), "qemu", 9),),
            frozenset({A, B, C}),
        )

    def test_no_domains_at_all_and_none_that_could_be_read_are_told_apart(self):
        assert not vnc_truth.node("n1", {"domains": [], "missing": []}).blind
        unread = {"domains": None, "missing": [{"reading": "xl list", "problem": "timeout", "detail": ""}]}
        assert vnc_truth.node("n1", unread) == Node("n1", missing=("xl list: timeout",), blind=True)
        assert vnc_truth.node("n1", {}).blind

    def test_while_ocfs2_recovers_nothing_is_off_beyond_doubt(self):
        recovering = {**ANSWER, "node": {**ANSWER["node"], "recovering": True}}
        assert vnc_truth.node("n1", recovering).missing == ("OCFS2 takes over what a dead node held",)

    def with_domain(self, **more):
        (one,) = vnc_truth.node("n1", {"domains": [{**ANSWER["domains"][1], **more}]}).domains
        return one

    @pytest.mark.parametrize(
        ("more", "between"),
        [
            ({"incoming": True, "state": {"paused": True}}, "incoming, paused"),
            ({"migrated_away": True, "state": {"shutdown": True}}, "migrated_away, shutdown"),
            ({"state": {"crashed": True}}, "crashed"),
            ({"state": {"dying": True}, "name": "(null)"}, "dying, nameless"),
            ({"state": {}}, ""),
        ],
    )
    def test_what_is_not_proven_to_be_in_service_says_why(self, more, between):
        assert self.with_domain(**more).between == between

    def test_garbage_proves_nothing(self):
        vnc = {"xenstore": 80, "qmp": "59x", "listening": True, "command_line": -1}
        assert self.with_domain(vnc=vnc).ports == ()
        assert self.with_domain(vnc=vnc).command_line is None


def test_a_reading_that_is_old_or_of_the_future_is_named():
    assert too_old({"n1": 3.0, "n2": 15.0}, 15) == []
    assert too_old({"n2": 16.4, "n1": -60.0, "n3": 0.0}, 15) == ["n1 (its clock is ahead)", "n2 (16 s old)"]


NODES = ("n1", "n2", "n3")
DISPLAYS = st.integers(50, 56)


@st.composite
def zones(draw):
    """Rows and readings of up to eight VMs: in step, drifted, off, elsewhere, doubled, in between, half read."""
    rows, domains = [], {name: [] for name in NODES}
    listening = {name: draw(st.permutations(range(50, 66))) for name in NODES}
    for number in range(draw(st.integers(1, 8))):
        vm, home = uuid(number), draw(st.sampled_from(NODES))
        if draw(st.integers(0, 9)):
            display = draw(st.one_of(st.none(), DISPLAYS))
            rows.append(row(vm, display, draw(st.sampled_from([home, home, home, home, *NODES, ""]))))
            if not draw(st.integers(0, 19)):
                rows.append(replace(rows[-1], display=Display(draw(DISPLAYS))))
        for place in draw(st.sampled_from([[home], [home], [home], [home], [], [home, draw(st.sampled_from(NODES))]])):
            port = Port(5900 + listening[place].pop())
            truths = {
                name: draw(st.sampled_from([port, port, port, port, port, None, Port(5999)]))
                for name in ("xenstore", "qmp", "listening")
            }
            between = draw(st.sampled_from(["", "", "", "", "", "paused", "incoming"]))
            domains[place].append(Domain(len(domains[place]) + 1, vm, **truths, between=between))
    answering = draw(st.lists(st.sampled_from(NODES), min_size=1, max_size=3, unique=True))
    nodes = [Node(name, tuple(domains[name])) for name in answering]
    return rows, nodes


def doubles(rows) -> set:
    held = [(one.node, one.display) for one in rows if one.display is not None and one.node]
    return {key for key in held if held.count(key) > 1}


class TestEveryZone:
    @given(zones())
    def test_every_planned_vm_is_in_step_afterwards_and_a_second_plan_is_empty(self, zone):
        rows, nodes = zone
        planned = compare(rows, nodes, NODES)
        after = compare(applied(rows, planned.changes), nodes, NODES)
        assert all(standings(after)[change.vm] is Standing.IN_STEP for change in planned.changes)
        assert not after.changes

    @given(zones())
    def test_only_what_is_planned_changes(self, zone):
        rows, nodes = zone
        planned = compare(rows, nodes, NODES)
        changed = {change.vm for change in planned.changes}
        assert changed.isdisjoint(one.vm for one in planned.refused)
        for before, after in zip(rows, applied(rows, planned.changes), strict=True):
            assert before == after or before.vm in changed

    @given(zones())
    def test_no_two_rows_of_a_node_end_with_one_display_through_us_nor_hold_it_on_the_way(self, zone):
        rows, nodes = zone
        changes = compare(rows, nodes, NODES).changes
        before = doubles(rows)
        for write in writes(changes, rows):
            (held,) = [one for one in rows if one.vm == write.vm]
            assert held.display == write.old
            rows = applied(rows, [write])
            assert doubles(rows) <= before
        assert {(one.vm, one.display) for one in rows} >= {(change.vm, change.new) for change in changes}

    @given(zones())
    def test_a_row_is_planned_only_for_a_vm_proven_in_one_place_where_the_database_says(self, zone):
        rows, nodes = zone
        for change in compare(rows, nodes, NODES).changes:
            (place,) = [(one.name, dom) for one in nodes for dom in one.domains if dom.vm == change.vm]
            (said,) = [one for one in rows if one.vm == change.vm]
            assert place[0] == change.node == said.node and not place[1].between
            assert set(place[1].ports) == {change.new.port} and len(place[1].ports) > 1
            assert place[1].listening == change.new.port and said.display == change.old != change.new

    @given(zones(), st.randoms())
    def test_the_order_of_rows_and_nodes_does_not_matter(self, zone, random):
        rows, nodes = zone
        found = compare(rows, nodes, NODES)
        shuffled = random.sample(rows, len(rows)), random.sample(nodes, len(nodes))
        again = compare(*shuffled, NODES)
        if len({one.vm for one in rows}) == len(rows):
            assert (again.changes, again.refused, standings(again)) == (found.changes, found.refused, standings(found))

    @given(zones())
    def test_every_vm_seen_or_on_a_node_of_the_zone_is_told_in_both_languages(self, zone):
        rows, nodes = zone
        comparison = compare(rows, nodes, NODES)
        findings = [finding for told in comparison.findings().values() for finding in told]
        for language in ("en", "ko"):
            for finding in findings:
                shown = rendered(finding, TABLE[finding.code], None, language)
                assert "{" not in shown["message"] + shown["remedy"]
                assert shown["evidence"]
        told = {finding.subject for finding in findings}
        assert {str(dom.vm) for one in nodes for dom in one.domains} <= told
        assert {str(one.vm) for one in rows if one.node in NODES} <= told
