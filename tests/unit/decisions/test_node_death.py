# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import itertools
from dataclasses import fields, replace

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import node_death
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.node_death import (
    ANSWERS,
    Bmc,
    Death,
    Guests,
    Heartbeat,
    Management,
    Peers,
    Readings,
    decide,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Status
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.node_death import TABLE as WORDS

EVERY = [Readings(*one) for one in itertools.product(Management, Heartbeat, Peers, Guests, Bmc)]
NAMES = [one.name for one in fields(Readings)]


def missing(readings):
    return {name for name in NAMES if getattr(readings, name).value == "missing"}


def test_every_reading_has_its_words():
    kinds = (Management, Heartbeat, Peers, Guests, Bmc)
    assert set(node_death.WORDS) == {one.value for kind in kinds for one in kind}


def life(readings):
    return (
        readings.management in ANSWERS
        or readings.heartbeat is Heartbeat.MOVING
        or readings.peers in (Peers.CONNECTED, Peers.DISPUTED)
        or readings.guests is Guests.ANSWER
    )


def as_the_page_reads(r):
    """Section 2 of the safety rules once more, top to bottom, as a person reads it."""
    dead_beat = r.heartbeat in (Heartbeat.STANDING, Heartbeat.ABSENT)
    if r.bmc is Bmc.OFF and life(r):
        return 11
    if r.management is Management.SAME_BOOT:
        return 12
    if r.management is Management.NEW_BOOT:
        return 13
    if r.management is not Management.SILENT:
        return None
    if r.guests is Guests.ANSWER:
        if r.heartbeat is Heartbeat.MOVING:
            return 14
        return 15 if dead_beat else None
    if r.guests is not Guests.NONE:
        return None
    if r.heartbeat is Heartbeat.MOVING:
        if r.peers is Peers.CONNECTED:
            return 16 if r.bmc in (Bmc.ON, Bmc.SILENT) else None
        if r.peers is Peers.NONE:
            return {Bmc.ON: 17, Bmc.SILENT: 18}.get(r.bmc)
        return None
    return {Bmc.ON: 19, Bmc.OFF: 20, Bmc.SILENT: 22}.get(r.bmc) if dead_beat else None


def test_every_combination_of_readings_is_in_the_row_the_page_puts_it_in():
    assert len(EVERY) == 5 * 4 * 4 * 3 * 4
    for readings in EVERY:
        assert decide(readings).rule == as_the_page_reads(readings), readings


def test_no_two_rows_fit_but_for_the_contradiction_that_stands_above_all():
    for readings in EVERY:
        fitting = [
            row.rule
            for row in node_death.TABLE
            if any(all(getattr(readings, name) in cell for name, cell in one.items()) for one in row.patterns)
        ]
        assert len([rule for rule in fitting if rule != 11]) <= 1, readings


def test_every_row_is_reached():
    assert {decide(readings).verdict for readings in EVERY} == set(Death)


def test_a_node_that_shows_life_is_never_hung_nor_off():
    for readings in EVERY:
        if readings.guests is Guests.ANSWER or readings.management in ANSWERS:
            assert decide(readings).verdict not in (Death.HUNG, Death.OFF, Death.DOM0_HUNG, Death.CUT_OFF), readings


def test_only_what_was_read_decides():
    """A reading that is missing never helps a row: with any answer in its place the verdict is the same, or row 11."""
    for readings in EVERY:
        decision = decide(readings)
        if decision.verdict is Death.UNKNOWN:
            continue
        for name in missing(readings):
            for answer in type(getattr(readings, name)):
                other = decide(replace(readings, **{name: answer}))
                assert other.verdict in (decision.verdict, Death.CONTRADICTION), (readings, answer)


def test_an_unknown_names_the_readings_that_lead_out_of_it_and_no_others():
    for readings in EVERY:
        decision = decide(readings)
        if decision.verdict is not Death.UNKNOWN:
            assert decision.missing == ()
            continue
        open_ones = missing(readings)
        if readings.management is Management.UNKNOWN_BOOT:
            open_ones = open_ones | {"management"}
        if readings.peers is Peers.DISPUTED:
            open_ones = open_ones | {"peers"}
        assert decision.missing, readings
        assert set(decision.missing) <= open_ones
        answers = itertools.product(*(type(getattr(readings, name)) for name in decision.missing))
        found = {decide(replace(readings, **dict(zip(decision.missing, one, strict=True)))).verdict for one in answers}
        assert found != {Death.UNKNOWN}, readings


def test_every_verdict_has_its_words():
    # a node that answers is not said to be perhaps dead
    assert set(WORDS) == {f"node_{verdict.value}" for verdict in Death} | {"node_boot_not_recorded"}
    assert {code for code, row in WORDS.items() if row.status is Status.OK} == {"node_alive"}


@pytest.mark.parametrize(
    ("answered", "recorded", "banner", "others", "reading"),
    [
        ("a", "a", (), (), Management.SAME_BOOT),
        ("b", "a", (), (), Management.NEW_BOOT),
        ("a", None, (), (), Management.UNKNOWN_BOOT),
        ("", "a", (), (), Management.UNKNOWN_BOOT),
        (None, "a", ("n1",), ("n1",), Management.UNKNOWN_BOOT),
        (None, "a", (), ("n1",), Management.SILENT),
        # nobody answers: it may be this controller that is cut off
        (None, "a", (), (), Management.MISSING),
    ],
)
def test_management(answered, recorded, banner, others, reading):
    assert node_death.management(answered, recorded, banner, others).reading is reading


def view(moving=(0,), standing=(), left=(), live=True, reachable=True, connected=True):
    """What n1 (number 0) sees of n2 (number 1), in the form of the facts of check o2cb."""
    nodes = [{"name": "n1", "number": 0, "local": True}, {"name": "n2", "number": 1, "local": False}]
    volume = {
        "source": "/dev/mapper/mpathb",
        "region": "R",
        "moving": list(moving),
        "standing": list(standing),
        "left": list(left),
        "lines": ["debugfs.ocfs2 -R hb /dev/mapper/mpathb: node 1 seq 6a0, after 3 s 6a0"],
    }
    peer = {
        "node": {"name": "n2", "number": 1, "address": "10.0.0.2", "port": 7777},
        "live": live,
        "connected": connected,
        "reachable": reachable,
        "said": "" if reachable else "timed out",
    }
    return {"configured": "/etc/ocfs2/cluster.conf", "running": {"nodes": nodes}, "volumes": [volume], "peers": [peer]}


@pytest.mark.parametrize(
    ("views", "reading"),
    [
        ({"n1": view(moving=(0, 1))}, Heartbeat.MOVING),
        ({"n1": view(standing=(1,), live=False)}, Heartbeat.STANDING),
        # not for longer than the dead time: it may still beat
        ({"n1": view(standing=(1,), live=True)}, Heartbeat.MISSING),
        ({"n1": view(left=(1,), live=False)}, Heartbeat.ABSENT),
        ({"n1": view()}, Heartbeat.ABSENT),
        # the reader's own slot stands: it reads a frozen disk
        ({"n1": view(moving=(), standing=(0, 1), live=False)}, Heartbeat.MISSING),
        ({"n1": view(standing=(1,), live=False), "n3": view(moving=(0, 1))}, Heartbeat.MOVING),
        ({"n1": {"configured": ""}}, Heartbeat.ABSENT),
        ({}, Heartbeat.MISSING),
    ],
)
def test_heartbeat(views, reading):
    witness = node_death.heartbeat("n2.example.org", views)
    assert witness.reading is reading
    assert witness.evidence


@pytest.mark.parametrize(
    ("views", "reading"),
    [
        ({"n1": view()}, Peers.CONNECTED),
        ({"n1": view(), "n3": view()}, Peers.CONNECTED),
        # o2net believes for minutes in a peer that was cut off
        ({"n1": view(reachable=False, connected=True)}, Peers.NONE),
        ({"n1": view(reachable=False, connected=None)}, Peers.NONE),
        # a port that answers is a kernel, and no member
        ({"n1": view(reachable=True, connected=False)}, Peers.DISPUTED),
        ({"n1": view(reachable=True, connected=None)}, Peers.DISPUTED),
        ({"n1": view(), "n3": view(connected=False)}, Peers.DISPUTED),
        ({"n1": view(reachable=False, connected=False), "n3": view()}, Peers.DISPUTED),
        ({"n1": view(reachable=False), "n3": view(connected=None)}, Peers.DISPUTED),
        # n3 mounts nothing: it is no witness of o2net, and does not dispute what n1 sees
        ({"n1": view(), "n3": view(connected=None)}, Peers.CONNECTED),
        ({"n1": {"configured": ""}}, Peers.NONE),
        ({"n1": {**view(), "peers": []}}, Peers.MISSING),
        ({}, Peers.MISSING),
    ],
)
def test_peers(views, reading):
    assert node_death.peers("n2", views).reading is reading


@pytest.mark.parametrize(
    ("addresses", "answers", "reading"),
    [
        ((), {"controller": {}}, Guests.MISSING),
        (("vm1", "vm2"), {"controller": {"vm1": False, "vm2": True}}, Guests.ANSWER),
        (("vm1", "vm2"), {"controller": {"vm1": False, "vm2": False}}, Guests.NONE),
        (("vm1", "vm2"), {"controller": {"vm1": False}}, Guests.MISSING),
        (("vm1",), {}, Guests.MISSING),
        (("vm1",), {"controller": {"vm1": False}, "n1": {"vm1": True}}, Guests.ANSWER),
    ],
)
def test_guests(addresses, answers, reading):
    assert node_death.guests(addresses, answers).reading is reading


def test_a_kernel_that_answers_peers_is_a_sign_of_life_and_opens_no_row_that_fences():
    for readings in EVERY:
        if readings.peers is Peers.DISPUTED:
            verdict = decide(readings).verdict
            assert verdict not in (Death.DOM0_HUNG, Death.CUT_OFF, Death.CUT_OFF_WITH_BMC, Death.OFF), readings


def test_an_answer_of_a_guest_says_that_its_node_was_not_read():
    (said,) = node_death.guests(("10.0.0.21",), {"n1": {"10.0.0.21": True}}).evidence
    assert said == "10.0.0.21 answers n1; whether it is behind this node's port was not read"
    for verdict in (Death.UNMANAGED, Death.EVICTED):
        words = WORDS[f"node_{verdict.value}"]
        assert "MAC" in words.en.remedy and "MAC" in words.ko.remedy


def test_an_address_is_never_taken_for_another_one_of_its_network():
    other = view()
    other["peers"][0]["node"]["name"] = "10.0.0.9"
    assert node_death.peers("10.0.0.8", {"n1": other}).reading is Peers.MISSING


def test_a_vm_that_is_on_a_node_that_answers_tells_nothing_of_another():
    heard = {"n1": {"10.0.0.21": True, "10.0.0.22": False}}
    both = ("10.0.0.21", "10.0.0.22")
    assert node_death.guests(both, heard).reading is Guests.ANSWER
    gone = node_death.guests(both, heard, {"10.0.0.21": "n1"})
    assert gone.reading is Guests.NONE and "10.0.0.21 is on n1" in gone.evidence[-1]
    assert node_death.guests(both[:1], heard, {"10.0.0.21": "n1"}).reading is Guests.MISSING


def test_a_vm_that_was_seen_to_live_on_the_node_itself_needs_no_address():
    seen = node_death.guests((), {}, None, ("domain 3 web-1: its CPU time rose by 12 ms in 1.4 s",))
    assert seen.reading is Guests.ANSWER and seen.evidence[0].startswith("domain 3")


def test_a_region_that_nobody_could_read_may_still_be_written():
    both = view(standing=(1,), live=False)
    both["running"]["regions"] = [{"uuid": "R"}, {"uuid": "S"}]
    assert node_death.heartbeat("n2", {"n1": both}).reading is Heartbeat.MISSING
    both["volumes"].append({**both["volumes"][0], "region": "S"})
    assert node_death.heartbeat("n2", {"n1": both}).reading is Heartbeat.STANDING
    # a slot that moves anywhere is life
    half = view(moving=(0, 1))
    half["running"]["regions"] = [{"uuid": "R"}, {"uuid": "S"}]
    assert node_death.heartbeat("n2", {"n1": half}).reading is Heartbeat.MOVING


def test_a_witness_grows_old():
    seen = {"bmc": node_death.Witness(Bmc.OFF, at=100.0), "peers": node_death.Witness(Peers.NONE)}
    assert node_death.readings(seen, 110.0, 15.0) == Readings(bmc=Bmc.OFF, peers=Peers.NONE)
    assert node_death.readings(seen, 116.0, 15.0) == Readings(peers=Peers.NONE)
