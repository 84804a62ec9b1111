# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import placement
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.ha_outlook import (
    Bmc,
    Death,
    Look,
    Node,
    Zone,
    judge,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding, rendered
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.ha_outlook import TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.findings import lines
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import VmUuid
from xen_answers import uuid

IDENTITY = "e31e6170-eee4-5235-81c3-a78cfa677997"
OTHER = "5823e874-44d6-577c-b315-32c1b4d97ef1"
SETTINGS = {"heartbeat_threshold": 31, "idle_timeout_ms": 30000}
BMC = Bmc("192.0.2.21", recorded=IDENTITY, identity=IDENTITY.upper(), power="on")
NUMBERS = {"n1": 1, "n2": 2, "n3": 3}
MIB = 1024
# what is changed, and which codes go and come for that
Case = tuple[dict[str, Any], set[str], set[str]]
WEB, DB = VmUuid(uuid(1)), VmUuid(uuid(2))


def o2cb(name: str, moving: tuple[int, ...] = (1, 2, 3), **running: Any) -> dict[str, Any]:
    nodes = [{"name": each, "number": at, "local": each == name} for each, at in NUMBERS.items()]
    kernel = {"name": "ocfs2", "nodes": nodes, "regions": [{"uuid": "A"}], "settings": SETTINGS, **running}
    volumes = [{"region": "A", "moving": list(moving), "lines": [f"node {at} moves" for at in moving]}]
    return {"configured": "/etc/ocfs2/cluster.conf", "running": kernel, "volumes": volumes}


def boot(**facts: Any) -> dict[str, Any]:
    return {"findings": [], "facts": {"gate": {"name": "the gate"}, "missing": [], **facts}}


def autostart(code: str) -> dict[str, Any]:
    values = {"starter": "xendomains.service", "guests": ["web-1"]}
    return {"findings": [{"code": code, "values": values, "evidence": ["/etc/xen/auto/web-1.cfg"]}], "facts": {"a": 1}}


def well(name: str) -> Node:
    others = {peer: Look(True, "SSH-2.0") for peer in NUMBERS if peer != name}
    bmc = BMC if name == "n1" else replace(BMC, recorded=f"{name}'s", identity=f"{name}'s")
    return Node(name, guests=2, bmc=bmc, ssh=f"{name}:22", greeted=others, o2cb=o2cb(name), boot=boot())


def dead(**change: Any) -> Death:
    about = {"node": "n1", "left": (), "bound": (), "remedy": None, "proven": True, **change}
    return Death(placement.Death(**about))


N1, N2, N3 = (well(name) for name in NUMBERS)
ZONE = Zone("zone-a", [N1, N2, N3], [dead()], called={WEB: "web-1", DB: "db"}, snapshot_age=3600.0)
GOOD = {
    "absorbed",
    "bmc",
    "effects",
    "ssh",
    "heartbeat",
    "gate",
    "api_skipped",
    "timeouts",
    "snapshot",
    "database",
}


def of(zone: Zone, name: str = "n1") -> list[Finding]:
    return judge(zone)[name]


def codes(found: list[Finding]) -> set[str]:
    return {one.code.removeprefix("ha_outlook_") for one in found}


def one(found: list[Finding], code: str) -> Finding:
    (it,) = [each for each in found if each.code == f"ha_outlook_{code}"]
    return it


def changed(**change: Any) -> list[Finding]:
    """What is said of n1, which is otherwise well among others that are."""
    return of(replace(ZONE, nodes=[replace(N1, **change), N2, N3]))


def test_a_zone_that_is_well_says_so_of_each_thing() -> None:
    found = of(ZONE)
    assert codes(found) == GOOD
    assert {TABLE[each.code].status.value for each in found} == {"ok", "skipped"}
    assert one(found, "absorbed").values["count"] == 2
    assert one(found, "heartbeat").values["count"] == 2


OF_A_NODE: list[Case] = [
    ({"unread": ["xl info"]}, {"absorbed"}, {"unread"}),
    ({"unfit": {"mounts /data": "nothing is mounted here"}}, set(), {"not_fit"}),
    ({"maintenance": True}, set(), {"maintenance"}),
    ({"bmc": Bmc(problem="none")}, {"bmc"}, {"bmc_none"}),
    ({"bmc": replace(BMC, problem="silent", said="does not answer")}, {"bmc"}, {"bmc_silent"}),
    ({"bmc": replace(BMC, problem="refused", said="gives no session")}, {"bmc"}, {"bmc_refused"}),
    ({"bmc": replace(BMC, problem="failed", said="no power")}, {"bmc"}, {"bmc_unread"}),
    ({"bmc": replace(BMC, problem="not_installed", said="no pyghmi")}, {"bmc"}, {"bmc_unread"}),
    ({"bmc": replace(BMC, recorded="")}, {"bmc"}, {"bmc_unrecorded"}),
    ({"bmc": replace(BMC, recorded=OTHER)}, {"bmc"}, {"bmc_other"}),
    ({"bmc": replace(BMC, recorded="N2's", identity="n2's")}, {"bmc"}, {"bmc_shared"}),
    ({"bmc": replace(BMC, power="off")}, {"bmc"}, {"power_off"}),
    ({"effects": {"its link": Look(True)}}, set(), set()),
    ({"effects": {"its link": Look(False, "rc 1")}}, set(), {"effect_gone"}),
    ({"effects": {"its link": Look(None, "rc 127")}}, set(), {"effect_unread"}),
    ({"greeted": {"n2": Look(True), "n3": Look(False, "refused")}}, {"ssh"}, {"ssh_silent"}),
    ({"greeted": {"n2": Look(None, "no route"), "n3": Look(True)}}, {"ssh"}, {"ssh_unasked"}),
    ({"greeted": {}}, {"ssh"}, set()),
    ({"o2cb": o2cb("n1", (1, 2))}, {"heartbeat"}, {"heartbeat_unseen"}),
    ({"o2cb": o2cb("n1", (2, 3))}, {"heartbeat"}, {"heartbeat_unread"}),
    ({"o2cb": o2cb("n1", regions=[{"uuid": "A"}, {"uuid": "B"}])}, {"heartbeat"}, {"heartbeat_unread"}),
    ({"o2cb": {**o2cb("n1"), "volumes": []}}, {"heartbeat"}, {"heartbeat_unread"}),
    (
        {"o2cb": {"configured": "fstab", "running": None}},
        {"heartbeat", "timeouts"},
        {"heartbeat_unread", "timeouts_unread"},
    ),
    ({"o2cb": o2cb("n1", settings={})}, {"timeouts"}, {"timeouts_unread"}),
    (
        {"o2cb": o2cb("n1", settings={**SETTINGS, "heartbeat_threshold": 61})},
        {"timeouts"},
        {"timeouts_differ"},
    ),
    ({"boot": boot(gate=None)}, {"gate"}, {"gate_none"}),
    ({"boot": boot(container="lxc")}, {"gate"}, {"boot_skipped"}),
    ({"boot": autostart("boot_autostart_without_gate")}, {"gate"}, {"autostart"}),
    ({"boot": autostart("boot_gate_ineffective")}, {"gate"}, {"autostart"}),
    ({"boot": boot(missing=[{"reading": "systemctl show", "detail": "denied"}])}, {"gate"}, {"boot_unread"}),
    ({"boot": boot(missing=[{"reading": "journalctl -b -1", "detail": "denied"}])}, set(), set()),
    ({"boot": {}}, {"gate"}, {"boot_unread"}),
    ({"api": Look(True), "api_place": "http://n1/api"}, {"api_skipped"}, {"api"}),
    ({"api": Look(False, "refused"), "api_place": "http://n1/api"}, {"api_skipped"}, {"api_silent"}),
]


@pytest.mark.parametrize(("change", "gone", "come"), OF_A_NODE)
def test_what_is_wrong_is_said_instead(change: dict[str, Any], gone: set[str], come: set[str]) -> None:
    assert codes(changed(**change)) == GOOD - gone | come


OF_THE_ZONE: list[Case] = [
    ({"differences": ["n9 is not in inventory"]}, set(), {"nodes_differ"}),
    ({"database": "no answer"}, {"database"}, {"database_unread"}),
    ({"database": None}, {"database"}, {"database_none"}),
    ({"snapshot_age": None}, {"snapshot"}, {"snapshot_none"}),
    ({"snapshot_age": 90000.0}, {"snapshot"}, {"snapshot_old"}),
    ({"snapshot_age": 90000.0, "snapshot_max_age": 172800.0}, set(), set()),
]


@pytest.mark.parametrize(("change", "gone", "come"), OF_THE_ZONE)
def test_what_is_wrong_with_the_zone_stands_with_every_node(
    change: dict[str, Any], gone: set[str], come: set[str]
) -> None:
    zone = replace(ZONE, **change)
    assert codes(of(zone)) == GOOD - gone | come
    for name in ("n2", "n3"):
        assert codes(of(zone, name)) >= come


def test_a_silent_node_is_not_well_and_the_others_do_not_see_it() -> None:
    silent = Node("n1", silent="no route to host", bmc=BMC, ssh="n1:22", greeted={"n2": Look(False, "timed out")})
    zone = replace(ZONE, nodes=[silent, replace(N2, o2cb=o2cb("n2", (2, 3))), N3], deaths=[])
    assert codes(of(zone)) == {"silent", "bmc", "effects", "ssh_silent", "timeouts", "snapshot", "database"}
    # n3 still reads its heartbeat, n2 does not
    assert one(of(zone), "effects").values["effects"] == ["heartbeat"]
    assert one(of(zone, "n2"), "heartbeat_unseen").values["nodes"] == ["n1"]
    off = replace(zone, nodes=[replace(silent, bmc=replace(BMC, power="off")), N2, N3])
    assert "power_is_off" in codes(of(off)) and "power_off" not in codes(of(off))


def test_power_that_shows_in_nothing_but_the_bmc_is_no_proof() -> None:
    views = [replace(node, o2cb=o2cb(node.name, (2, 3))) for node in (N2, N3)]
    found = of(replace(ZONE, nodes=[N1, *views]))
    assert "effects_none" in codes(found) and "effects" not in codes(found)
    metered = of(replace(ZONE, nodes=[replace(N1, bmc=replace(BMC, watts=180)), *views]))
    assert one(metered, "effects").values["effects"] == ["180 W"]


def test_a_zone_without_ocfs2_has_no_heartbeat_to_read() -> None:
    zone = replace(ZONE, nodes=[replace(node, o2cb={"configured": ""}) for node in (N1, N2, N3)])
    found = of(zone)
    assert codes(found) == GOOD - {"heartbeat", "timeouts", "effects"} | {"no_o2cb", "effects_none"}


def test_t_is_told_by_the_values_that_run() -> None:
    values = one(of(ZONE), "timeouts").values
    # idle timeout + 2 × (threshold + 2) s
    assert (values["count"], values["after_cut"], values["after_error"]) == (3, "96", "66")


class TestRoom:
    REMEDY = placement.Remedy(
        moves=(placement.Move(DB, "n2", "n3"),), fits=(WEB,), fewest=True, memory=(("n2", 100 * MIB + 1),), least=True
    )

    def found(self, *reasons: placement.LeftOut, **change: Any) -> list[Finding]:
        death = replace(dead(left=(WEB,), **change), reasons=reasons)
        return of(replace(ZONE, deaths=[death]))

    def test_who_is_left_out_why_and_what_changes_that(self) -> None:
        lacks = {"needs_kib": 7 * MIB + 1, "free_kib": 7 * MIB - 1}
        why = placement.LeftOut(WEB, "placement_memory", lacks, (Phrase("placement_free", "n2", 6),))
        found = self.found(why, remedy=self.REMEDY)
        told = one(found, "left_out")
        assert "absorbed" not in codes(found)
        assert (told.values["left"], told.values["count"]) == (1, 2)
        assert told.values["moves"] == ["db n2 -> n3"] and told.values["memory"] == ["n2 +101 MiB"]
        assert told.evidence == (
            "web-1: it needs 8 MiB, and the freest node has 6 MiB free; n2: 6 MiB free",
            "after these migrations 1 of 1 have a place; no fewer migrations do",
            "less memory does not do",
        )
        shown = json.loads(json.dumps(rendered(told, TABLE[told.code])))
        page = " ".join(" ".join(lines({"findings": [shown]}, TABLE, "ko")).split())
        assert "web-1: 메모리 8 MiB 이(가) 필요하나 가장 여유 있는 노드의 여유가 6 MiB; n2: 여유 6 MiB" in page
        assert "이 migration 후 1개 중 1개의 자리가 생김; 더 적은 migration 으로는 안 됨" in page

    def test_without_migrations_that_help_memory_is_named(self) -> None:
        told = one(self.found(remedy=replace(self.REMEDY, moves=(), least=False)), "left_out_memory")
        assert told.evidence == ("web-1", "less memory may do")

    def test_where_neither_helps_the_reason_is_all_there_is(self) -> None:
        why = placement.LeftOut(WEB, "placement_volumes", {"volumes": ["v1"]})
        told = one(self.found(why, proven=False), "left_out_for_good")
        assert told.evidence[0] == "web-1: no node has all of its volumes: v1"
        assert "too large to prove" in told.evidence[1]

    def test_where_no_other_node_is_left_these_come_first(self) -> None:
        why = placement.LeftOut(WEB, "placement_no_node", {"nodes": 0})
        (said,) = one(self.found(why, remedy=self.REMEDY), "left_out_nowhere").evidence
        assert said == "web-1: no node takes VMs, and 0 were looked at"

    def test_vms_bound_to_their_node_are_told_and_not_counted(self) -> None:
        found = of(replace(ZONE, deaths=[dead(bound=(DB,))]))
        assert one(found, "bound").values == {"count": 1, "vms": ["db"]}
        assert one(found, "absorbed").values["count"] == 1


def test_every_row_of_the_table_is_said_by_something() -> None:
    """By a test of this page, at least: what nothing says is no judgement."""
    said = set(GOOD) | {"no_o2cb", "silent", "power_is_off", "effects_none", "bound"}
    said |= {"left_out", "left_out_memory", "left_out_for_good", "left_out_nowhere"}
    said |= set().union(*(come for _change, _gone, come in (*OF_A_NODE, *OF_THE_ZONE)))
    assert {f"ha_outlook_{code}" for code in said} == set(TABLE)
