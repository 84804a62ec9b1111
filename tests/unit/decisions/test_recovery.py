# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages one by one, on a zone of three nodes whose n1 is gone; the simulator runs them against time and faults."""

from __future__ import annotations

import re
from dataclasses import asdict, replace

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import recovery, recovery_steps
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.migration_outcome import Copy
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.node_death import (
    Bmc,
    Guests,
    Heartbeat,
    Management,
    Peers,
    Readings,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.quorum import Cut, Timing
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.recovery_steps import (
    Hold,
    Job,
    JobState,
    Node,
    OpenJob,
    Past,
    Phase,
    Placed,
    Policy,
    Sight,
    Vm,
    Way,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.vm_act import Domain, Proof
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.wanted import Want, Wanted
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import plain
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase, phrases_in, told

NOW = 10_000.0
ALIVE = Readings(Management.SAME_BOOT, Heartbeat.MOVING, Peers.CONNECTED, Guests.ANSWER, Bmc.ON)
HUNG = Readings(Management.SILENT, Heartbeat.STANDING, Peers.NONE, Guests.NONE, Bmc.ON)
OFF = replace(HUNG, bmc=Bmc.OFF)
DOM0_HUNG = replace(HUNG, heartbeat=Heartbeat.MOVING, peers=Peers.CONNECTED)
CUT_OFF = replace(HUNG, heartbeat=Heartbeat.MOVING)
RUNS = Wanted(Want.RUNS, "the column")
POLICY = Policy(held_off="its HA is switched off")
JOB = "ha-5-1-a"
# what these tests say in place of others; nobody says nothing
GIVEN = ("", "the column", "old", "two .cfg", "nobody knows", "no memory", "Make room.", "rc 3")
PLAN = {"approved": True, "fences": {"n1": "row 19"}, "starts": {"a": "n2"}, "left": {}}


def node(readings=ALIVE, **more):
    alive = readings.management is not Management.SILENT
    more = {"epoch": 5 if alive else 0, "fit": alive, "recovering": False if alive else None, **more}
    return Node(readings, **more)


def proof(**more):
    return Proof(**{"off": True, "off_since": NOW - 600, "read_at": NOW - 1, **more})


def on(name, rests=""):
    return proof(off=False, off_since=None, domains=(Domain(name, 3, rests),))


def unseen():
    return proof(off=False, off_since=None, silent=("n1",))


def zone(n1=None, a=None, **more):
    nodes = {"n0": node(), "n1": n1 or node(HUNG, present=("link",)), "n2": node()}
    vms = {"a": a or Vm(RUNS, unseen(), "n1"), "b": Vm(RUNS, on("n0"), "n0")}
    return Sight(**{"at": NOW - 1, "hold": Hold(5), "nodes": nodes, "vms": vms, **more})


def past(kind, subject, at=NOW - 30, end="done", **values):
    found = [Past(at - 1, Phase.STARTED, kind, subject, values)]
    if end:
        found.append(Past(at, Phase(end), kind, subject, values))
    return found


HELD = tuple(past("hold", "recovery", NOW - 100, epoch=5))
PLANNED = (*HELD, *past("plan", "recovery", NOW - 60, **PLAN))
FENCED = (*PLANNED, *past("fence", "n1", NOW - 40, commanded=True, before=["link"]))
STARTED = (*FENCED, *past("start", "a", NOW - 30, node="n2", job=JOB))
GONE = node(OFF, present=())


def said(question, about, yes=True, at=NOW - 20, plan=""):
    values = {"question": question, "about": about, "who": "kim", "reason": "seen", "yes": yes, "plan": plan}
    return past("word", about, at, **values)


def placed(vms, nodes):
    return {vm: Placed(nodes[-1]) for vm in vms}


def decide(sight, journal=HELD, policy=POLICY, place=placed, now=NOW):
    found = recovery.decide(sight, list(journal), policy, place, now)
    for text in sentences(found):
        assert re.search("[가-힣]", told(text, "ko")) or text in GIVEN, text
    return found


def sentences(found):
    """Whatever of it a person reads, but where a VM runs."""
    outs = [one for one in found.outs.values() if one.way is not Way.RUNS]
    for step in found.steps:
        yield step.why
        if isinstance(step, recovery_steps.Show):
            yield from step.fences.values()
            outs += step.left.values()
    yield from (text for one in outs for text in (one.why, one.do))
    yield found.why


def first(decision):
    return decision.steps[0]


# Who has the zone


def test_nothing_is_done_before_the_zone_is_held():
    assert first(decide(None, ())).kind == "hold"
    assert first(decide(zone(hold=None), ())).kind == "hold"


@pytest.mark.parametrize(
    ("sight", "journal", "why"),
    [
        (zone(hold=Hold(held_by="kim on c2")), HELD, "kim on c2"),
        (zone(hold=Hold(4)), HELD, "overtaken"),
        (zone(), [*HELD, *past("close", "recovery")], "closed"),
        (zone(n1=node(epoch=6)), HELD, "n1 has a newer epoch"),
    ],
)
def test_whoever_has_lost_the_zone_does_nothing(sight, journal, why):
    found = decide(sight, journal)
    assert found.ended and not found.steps and why in found.why


def test_a_stop_closes_with_what_is_so():
    found = decide(zone(stop="kim: only slow"))
    assert first(found).kind == "close" and found.ended and found.why == "stopped: kim: only slow"
    assert found.outs["a"].way is Way.UNDECIDED and found.outs["b"] == recovery_steps.Out(Way.RUNS, "n0")


# Observe


@pytest.mark.parametrize(("at", "journal"), [(NOW - 16, HELD), (NOW - 25, FENCED)])
def test_what_is_old_or_was_read_before_the_last_step_is_read_again(at, journal):
    found = decide(zone(at=at), journal, now=max(at + 1, NOW - 20) if journal is FENCED else NOW)
    assert first(found).kind == "observe" or found.stage == "fence"
    assert first(decide(zone(at=NOW - 16))).kind == "observe"


def test_a_node_that_was_off_and_shows_life_is_noted():
    alive = zone(n1=node(replace(ALIVE, management=Management.NEW_BOOT)))
    found = decide(alive, FENCED)
    assert found.stage == "observe" and first(found).kind == "returned"
    assert first(decide(alive, [*FENCED, *past("returned", "n1", NOW - 10)])).kind != "returned"
    assert first(decide(alive, [*PLANNED, *said("off", "n1")])).kind == "returned"


def test_what_was_proven_ends_with_a_sign_of_life():
    off = {"n1": GONE}
    assert recovery.excused(off, FENCED)
    assert not recovery.excused(off, [*FENCED, *past("returned", "n1", NOW - 10)])
    assert not recovery.excused(off, [*FENCED, *past("power_on", "n1", NOW - 10)])
    assert not recovery.excused(off, [*PLANNED, *past("fence", "n1", end="failed", commanded=True, before=["link"])])
    # nobody journalled what came of it
    assert not recovery.excused(off, [*PLANNED, *past("fence", "n1", end="", before=["link"])])


# The breaker


def two_silent(**more):
    sight = zone(**more)
    return replace(sight, nodes={**sight.nodes, "n2": node(HUNG), "n3": node()})


def test_more_silent_nodes_than_one_are_no_death_of_a_node():
    found = decide(two_silent())
    assert found.stage == "breaker" and first(found).question.value == "breaker" and first(found).plan == "5"
    asked = [*HELD, *said("breaker", "n1", yes=False, plan="5")]
    assert first(decide(two_silent(), asked)).subject == "n2"
    asked += said("breaker", "n2", yes=False, plan="5")
    assert first(decide(two_silent(), asked)).kind == "close"
    lifted = [*HELD, *said("breaker", "n1", plan="5"), *said("breaker", "n2", plan="5")]
    assert first(decide(two_silent(), lifted)).kind == "plan"


def test_fences_are_counted_over_all_recoveries_and_repeats_once():
    before = [
        *past("fence", "n0", 1.0, "failed"),
        *past("fence", "n0", 2.0, commanded=True),
        *past("close", "recovery", 3.0),
        *past("fence", "n0", 4.0, commanded=True),
    ]
    attempts = recovery.Case(None, before, POLICY, placed, NOW).attempts
    assert recovery.fence_times(attempts) == (0.0, 3.0)
    third = [*past("fence", "n9", NOW - 5000), *past("close", "recovery", NOW - 4000)] * 2
    assert decide(zone(), [*third, *HELD]).stage == "breaker"


# What failed, and where to


def test_the_plan_says_who_is_fenced_and_what_is_started_where():
    step = first(decide(zone()))
    assert step.kind == "plan" and step.fences == {"n1": "row 19: hung"} and step.starts == {"a": "n2"}


def test_an_old_snapshot_is_asked_about_once_as_a_list():
    sight = zone(a=Vm(Wanted(Want.ASK, "old"), unseen(), "n1"))
    assert first(decide(sight)).question.value == "wanted"
    found = decide(sight, [*HELD, *said("wanted", "wanted", yes=False)])
    assert found.ended and found.outs["a"].way is Way.NOT_STARTED


@pytest.mark.parametrize(
    ("vm", "way", "why"),
    [
        (Vm(Wanted(Want.DISPUTED, "two .cfg"), unseen(), "n1"), Way.UNDECIDED, "two .cfg"),
        (Vm(Wanted(Want.NOT_KNOWN, "nobody knows"), unseen(), "n1"), Way.NOT_STARTED, "nobody knows"),
        (Vm(RUNS, proof(off=False, suspected=True), "n1"), Way.UNDECIDED, "twice"),
        (Vm(RUNS, on("n2", "paused"), "n1"), Way.UNDECIDED, "paused"),
        (Vm(RUNS, proof(off=False, others=("n2: loop0",)), "n1"), Way.UNDECIDED, "loop0"),
        (Vm(RUNS, unseen(), "n1", (OpenJob("x", "vm_convert", "n2"),)), Way.UNDECIDED, "x on n2"),
        (Vm(RUNS, unseen(), "n1", may_start="n2"), Way.UNDECIDED, "no boot gate"),
    ],
)
def test_who_is_left_out_of_the_plan_and_why(vm, way, why):
    found = decide(zone(a=vm))
    assert found.ended and first(found).kind == "close"
    assert found.outs["a"].way is way and why in found.outs["a"].why


def test_nobody_is_told_of_a_vm_that_is_to_stay_off():
    assert "a" not in decide(zone(a=Vm(Wanted(Want.STAYS_OFF, "the column"), unseen()))).outs


def test_what_fits_nowhere_is_said():
    found = decide(zone(), place=lambda vms, nodes: {vm: Placed(why="no memory") for vm in vms})
    assert found.ended and found.stage == "plan"
    plan = past("plan", "recovery", NOW - 60, approved=True, fences={}, starts={}, left={"a": asdict(OUT)})
    assert decide(zone(), [*HELD, *plan]).outs["a"] == OUT


def test_why_a_vm_was_left_out_of_a_plan_is_told_in_either_language_after_it_was_journalled():
    left = {"a": recovery_steps.Out(Way.NOT_STARTED, Phrase("ha_target_not_fit", "n2"), Phrase("do_mend"))}
    kept = {"left": plain(left), "phrases": phrases_in(left)}
    plan = past("plan", "recovery", NOW - 60, approved=True, fences={}, starts={}, **kept)
    out = decide(zone(), [*HELD, *plan]).outs["a"]
    assert out == left["a"] and told(out.why, "ko") == "구동 대상 노드 n2 이(가) 적합하지 않음"


OUT = recovery_steps.Out(Way.NOT_STARTED, "no memory", "Make room.")


def test_a_silent_node_that_no_row_condemns_keeps_everything_where_it_is():
    unmanaged = replace(HUNG, heartbeat=Heartbeat.MOVING, guests=Guests.ANSWER)
    found = decide(zone(n1=node(unmanaged)))
    assert found.ended and found.outs["a"].way is Way.UNDECIDED and "n1 is silent" in found.outs["a"].why


def test_what_is_not_read_of_a_silent_node_is_waited_for_with_patience():
    unread = zone(n1=node(replace(HUNG, heartbeat=Heartbeat.MISSING)))
    assert first(decide(unread)).kind == "observe"
    assert first(decide(unread, past("hold", "recovery", NOW - 700, epoch=5))).kind == "close"


def test_where_no_node_answers_the_controller_itself_may_be_cut_off():
    unread = Readings(Management.SILENT)
    alone = zone(nodes={name: node(unread) for name in zone().nodes}, a=Vm(RUNS, unseen(), "n1"))
    assert (first(decide(alone)).kind, decide(alone).why) == ("observe", recovery.CUT_OFF)
    ended = decide(alone, past("hold", "recovery", NOW - 700, epoch=5))
    assert (first(ended).kind, ended.why) == ("close", recovery.CUT_OFF)


def test_a_plan_that_is_not_approved_ends_it():
    refused = [*HELD, *past("plan", "recovery", NOW - 60, **{**PLAN, "approved": False})]
    assert first(decide(zone(), refused)).why == "not approved"


def test_everything_is_read_again_after_the_plan():
    found = decide(zone(at=NOW - 5), [*HELD, *past("plan", "recovery", NOW - 2, **PLAN)])
    assert found.stage == "observe again" and first(found).kind == "observe"


# Fence


def fence(n1, journal=PLANNED, now=NOW, **policy):
    found = decide(zone(n1=n1), journal, replace(POLICY, **policy), now=now)
    return found, (first(found).kind if found.stage == "fence" else "")


def test_a_node_is_fenced_with_what_is_present_now_and_not_later():
    found, kind = fence(node(HUNG, present=("link",)))
    assert kind == "fence" and first(found).before == ("link",) and first(found).not_after == NOW - 1 + 15


def test_a_word_is_asked_for_once():
    assert fence(node(DOM0_HUNG))[1] == "word"
    assert fence(node(DOM0_HUNG), [*PLANNED, *said("fence", "n1")])[1] == "fence"
    assert fence(node(DOM0_HUNG), [*PLANNED, *said("fence", "n1", yes=False)])[1] == ""


def cut(**more):
    given = {"cut": (1,), "rest": (2,), "timing": Timing(30.0, 31), "observed": NOW - 1, "seen": NOW - 10, **more}
    return node(CUT_OFF, cut=Cut(**given))


def test_a_node_that_is_cut_off_waits_for_quorum():
    found, kind = fence(cut())
    assert kind == "observe" and first(found).until == NOW + 60
    assert fence(cut(rest=(0, 2)))[1] == "fence"
    # long after, nobody knows why it still does
    late = past("hold", "recovery", NOW - 900, epoch=5) + past("plan", "recovery", NOW - 800, **PLAN)
    assert fence(cut(timing=None), late)[1] == ""


def test_a_fence_that_its_bmc_does_not_take_is_tried_thrice_and_then_a_person_asked():
    failed = past("fence", "n1", NOW - 40, "failed", commanded=False)
    assert fence(node(HUNG), [*PLANNED, *failed])[1] == "fence"
    found, kind = fence(node(HUNG), [*PLANNED, *failed * 3])
    assert kind == "word" and first(found).question.value == "off"
    assert fence(node(HUNG), [*PLANNED, *failed * 3, *said("off", "n1", yes=False)])[1] == ""


def test_a_silent_bmc_is_a_matter_of_a_persons_word_and_eviction():
    silent = replace(HUNG, bmc=Bmc.SILENT)
    assert fence(node(silent))[1] == "word"
    told = [*PLANNED, *said("off", "n1")]
    assert recovery.excused({"n1": node(silent)}, told)
    assert fence(node(replace(silent, heartbeat=Heartbeat.MISSING)), told)[1] != "fence"
    # its eviction is waited for
    assert fence(node(replace(silent, heartbeat=Heartbeat.MISSING)), [*FENCED, *said("off", "n1")])[1] == "observe"


def test_a_bmc_that_may_lie_is_asked_to_boot_it_behind_its_gate():
    nothing = [*PLANNED, *past("fence", "n1", NOW - 300, commanded=True, before=[])]
    assert fence(node(OFF, present=()), nothing)[1] == "power_on"
    assert fence(node(OFF, present=(), gated=False), nothing)[1] == "word"
    on_again = [*nothing, *past("power_on", "n1", NOW - 100)]
    assert fence(node(HUNG), on_again)[1] == "observe"
    late = [*nothing[:-2], *past("fence", "n1", NOW - 3000, commanded=True), *past("power_on", "n1", NOW - 700)]
    assert fence(node(HUNG), late)[1] == "word"


def test_the_proof_is_waited_for_as_long_as_its_peers_may_take():
    assert fence(node(HUNG), FENCED)[1] == "observe"
    assert fence(cut(), FENCED)[1] == "observe"
    old = [*PLANNED, *past("fence", "n1", NOW - 300, commanded=True, before=["link"])]
    assert fence(node(HUNG, present=("link",)), old)[1] == "fence"
    assert fence(node(DOM0_HUNG), [*old, *said("off", "n1", yes=False)])[1] == ""


# Start


def start(vm, journal=FENCED, policy=POLICY, now=NOW, **more):
    return decide(zone(n1=GONE, a=vm, **more), journal, policy, now=now)


LOST = Vm(RUNS, proof(), "n1")


def test_a_vm_is_started_when_it_is_proven_off():
    step = first(start(LOST))
    assert (step.kind, step.node, step.job) == ("start", "n2", JOB) and step.not_after == NOW + 14


def test_o2cbs_recovery_and_the_epoch_come_first():
    busy = zone(n1=GONE, a=LOST)
    found = decide(replace(busy, nodes={**busy.nodes, "n0": node(recovering=True)}), FENCED)
    assert found.stage == "o2cb" and first(found).kind == "observe"
    found = decide(replace(busy, nodes={**busy.nodes, "n0": node(epoch=4)}), FENCED)
    assert first(found).kind == "announce" and first(found).nodes == ("n0",)


def test_without_the_sites_ha_held_off_it_is_quiet_first_and_watched_after():
    policy = Policy()
    assert first(start(LOST, policy=policy, quiet_since=NOW - 30)).kind == "observe"
    assert first(start(LOST, policy=policy, quiet_since=NOW - 70)).kind == "start"
    seen = zone(n1=GONE, a=Vm(RUNS, on("n2"), "n2"))
    told = replace(seen, nodes={**seen.nodes, "n2": node(jobs={JOB: Job(JobState.FINISHED, True)})})
    assert decide(told, STARTED, policy).stage == "start"
    assert decide(told, STARTED).stage == "close"


def test_the_database_comes_first():
    held = replace(POLICY, database_vm="b")
    assert first(start(LOST, policy=held, database=False)).kind == "observe"
    assert first(start(LOST, policy=replace(POLICY, database_vm="a"), database=False)).kind == "start"


def test_a_target_that_is_not_fit_is_waited_for_with_patience():
    sight = zone(n1=GONE, a=LOST)
    ill = replace(sight, nodes={**sight.nodes, "n2": node(fit=False)})
    assert decide(ill, FENCED).stage == "start" and first(decide(ill, FENCED)).kind == "observe"
    found = decide(ill, FENCED, replace(POLICY, patience=0))
    assert found.ended and found.outs["a"].way is Way.NOT_STARTED


def test_where_the_lost_node_makes_every_other_one_ill_the_plan_has_them_all_the_same():
    sight = zone()
    ill = {name: replace(one, fit=False) for name, one in sight.nodes.items()}
    asked = []

    def place(names, fit):
        asked.extend(fit)
        return placed(names, fit)

    assert first(decide(replace(sight, nodes=ill), place=place)).kind == "plan" and "n2" in asked
    assert "n1" not in asked


def test_a_proof_that_does_not_come_ends_with_patience():
    assert first(start(Vm(RUNS, unseen(), "n1"))).kind == "observe"
    long_ago = [replace(one, at=one.at - 700) for one in FENCED]
    found = start(Vm(RUNS, unseen(), "n1"), long_ago)
    assert found.ended and found.outs["a"].way is Way.UNDECIDED


def test_a_node_that_was_given_up_is_not_waited_for():
    silent = node(replace(HUNG, bmc=Bmc.SILENT))
    found = decide(zone(n1=silent), [*PLANNED, *said("off", "n1", yes=False)])
    assert found.ended and found.outs["a"].way is Way.UNDECIDED
    assert found.outs["a"].do.startswith("Switch n1 off by hand")


def test_of_a_node_that_answered_once_nobody_is_asked_whether_it_is_off():
    """A controller that goes on where another died has one reading."""
    once = Vm(RUNS, proof(off=False, off_since=None, silent=("n2",)), "n1")
    for maintenance in (False, True):
        sight = zone(n1=GONE, a=once)
        sight = replace(sight, nodes={**sight.nodes, "n2": node(maintenance=maintenance)})
        found = decide(sight, FENCED)
        assert first(found).kind == "observe" and found.why == "n2: it answered one reading only, and off is two"


def test_of_a_silent_node_in_maintenance_a_person_is_asked_whether_it_is_off():
    for bmc in (Bmc.ON, Bmc.OFF):
        sight = zone(n1=node(replace(HUNG, bmc=bmc), maintenance=True))
        planned = [*HELD, *past("plan", "recovery", NOW - 60, **{**PLAN, "fences": {}})]
        step = first(decide(sight, planned))
        assert (step.kind, step.subject, step.question.value) == ("word", "n1", "off")
        found = decide(sight, [*planned, *said("off", "n1", yes=False)])
        assert found.ended and "which is in maintenance" in found.outs["a"].why
        assert found.outs["a"].do.startswith("Switch n1 off by hand")
        # its BMC has the last word
        assert ("n1" in recovery.excused(sight.nodes, said("off", "n1"))) == (bmc is Bmc.OFF)


def job(state, vm=LOST, journal=STARTED, **more):
    sight = zone(n1=GONE, a=vm)
    return decide(replace(sight, nodes={**sight.nodes, "n2": node(jobs={JOB: Job(state, **more)})}), journal)


def test_a_job_that_was_begun_is_waited_for():
    for state in (JobState.RUNNING, JobState.UNKNOWN):
        assert first(job(state)).kind == "observe"


def test_a_job_that_did_not_begin_is_asked_for_again_by_its_name_and_then_taken_back():
    found = first(job(JobState.NEVER_STARTED))
    assert (found.kind, found.node, found.job) == ("start", "n2", JOB)
    thrice = [*STARTED, *STARTED[-2:], *STARTED[-2:]]
    assert first(job(JobState.NEVER_STARTED, journal=thrice)).kind == "revoke"
    back = [*thrice, *past("revoke", "a", NOW - 10)]
    assert job(JobState.NEVER_STARTED, journal=back).outs["a"].way is Way.UNDECIDED
    # one of an earlier recovery is not begun again
    earlier = [*STARTED, *past("close", "recovery", NOW - 29), *past("hold", "recovery", NOW - 28, epoch=5)]
    earlier += past("plan", "recovery", NOW - 27, **PLAN)
    assert first(job(JobState.NEVER_STARTED, journal=earlier)).kind == "revoke"


def test_a_job_that_failed_is_tried_once_more_and_then_said():
    again = first(job(JobState.FINISHED, said="lease_busy"))
    assert again.kind == "start" and again.job == "ha-5-2-a"
    twice = [*STARTED, *past("start", "a", NOW - 10, node="n2", job="ha-5-2-a")]
    sight = zone(n1=GONE, a=LOST)
    told = {"ha-5-2-a": Job(JobState.FINISHED, False, "rc 3")}
    found = decide(replace(sight, nodes={**sight.nodes, "n2": node(jobs=told)}), twice)
    assert found.ended and found.outs["a"] == recovery_steps.Out(
        Way.NOT_STARTED, "rc 3", "Mend what it says, then run this again."
    )


def test_a_guest_that_ended_by_itself_is_said():
    long_ago = [replace(one, at=one.at - 700) for one in STARTED]
    assert job(JobState.FINISHED, journal=long_ago).outs["a"].way is Way.NOT_STARTED


def test_whether_a_job_has_ended_is_not_known_while_its_node_is_silent():
    sight = zone(n1=GONE, a=LOST)
    silent = replace(sight, nodes={**sight.nodes, "n2": node(replace(HUNG, heartbeat=Heartbeat.MISSING))})
    assert decide(silent, STARTED).outs["a"].way is Way.UNDECIDED


def test_a_job_whose_node_went_off_is_another_start():
    elsewhere = [*FENCED, *past("start", "a", NOW - 30, node="n1", job=JOB)]
    assert first(start(LOST, elsewhere)).job == "ha-5-2-a"
    assert start(Vm(RUNS, on("n0"), "n0"), elsewhere).outs["a"].way is Way.RUNS


def test_a_vm_that_may_run_twice_is_nobodys_to_start():
    both = proof(off=False, domains=(Domain("n0", 1), Domain("n2", 2)))
    assert "twice" in start(Vm(RUNS, both, "n1")).outs["a"].why


def test_a_vm_that_nobody_knows_any_more_is_undecided():
    sight = zone(n1=GONE)
    assert isinstance(recovery.Case(sight, FENCED, POLICY, placed, NOW).standing("zz"), recovery_steps.Out)


# Jobs that were lost with their node


def migrating(copies, **more):
    return Vm(RUNS, proof(**more), "n1", (OpenJob("m", "vm_migrate", "n1", "n2"),), copies)


def test_an_open_job_of_a_node_that_is_off_is_closed_and_its_vm_taken_in():
    convert = Vm(RUNS, proof(), "n1", (OpenJob("c", "vm_convert", "n1"),))
    step = first(start(convert))
    assert (step.kind, step.job, step.node) == ("close_job", "c", "n2")
    tried = [*FENCED, *past("close_job", "a", NOW - 10) * 3]
    assert start(convert, tried).outs["a"].way is Way.UNDECIDED


def test_a_migration_that_lost_its_source_keeps_a_copy_that_ever_ran():
    assert first(start(migrating({}))).kind == "close_job"
    never = migrating({"n2": Copy(True, 0)}, off=False, domains=(Domain("n2", 3, "paused", True),))
    assert first(start(never)).kind == "destroy_copy"
    tried = [*FENCED, *past("destroy_copy", "a", NOW - 10) * 3]
    assert "still there" in start(never, tried).outs["a"].why
    once = replace(never, copies={"n2": Copy(True, 7)})
    assert first(start(once)).kind == "observe"


def test_a_migration_with_a_silent_end_is_not_touched():
    sight = zone(n1=GONE, a=migrating({}))
    silent = replace(sight, nodes={**sight.nodes, "n2": node(HUNG)})
    case = recovery.Case(silent, FENCED, POLICY, placed, NOW)
    assert isinstance(case.standing("a"), recovery.Waits)


def test_what_was_known_when_a_recovery_was_closed_holds_no_other_back():
    closed = [*STARTED, *past("close", "recovery", NOW - 29, outs={"a": "runs"})]
    again = [*closed, *past("hold", "recovery", NOW - 28, epoch=5), *past("plan", "recovery", NOW - 27, **PLAN)]
    again += past("fence", "n1", NOW - 20, commanded=True, before=["link"])
    # it was moved since, and died with n1; n2 still tells of that start
    assert first(job(JobState.FINISHED, journal=again)).job == "ha-5-2-a"
    undecided = [replace(one, values={"outs": {"a": "undecided"}}) if one.kind == "close" else one for one in again]
    assert first(job(JobState.RUNNING, journal=undecided)).kind == "observe"


def test_the_breaker_is_asked_again_for_a_node_that_came_back_and_died_again():
    twice = [*past("fence", "n9", NOW - 5000), *past("close", "recovery", NOW - 4000), *FENCED]
    assert decide(zone(), [*twice, *past("returned", "n1", NOW - 20)]).stage == "breaker"


# Verify, database, close


def finished(row, journal=STARTED, **more):
    sight = zone(n1=GONE, a=Vm(RUNS, on("n2"), row), **more)
    told = {JOB: Job(JobState.FINISHED, True)}
    return decide(replace(sight, nodes={**sight.nodes, "n2": node(jobs=told)}), journal)


def test_the_row_is_written_where_it_differs_and_nothing_else():
    step = first(finished("n1"))
    assert (step.kind, step.node, step.was) == ("write", "n2", "n1")
    assert finished("n2").stage == "close"
    tried = [*STARTED, *past("write", "a", NOW - 10) * 3]
    found = finished("n1", tried)
    assert found.ended and found.outs["a"].way is Way.RUNS and "row" in found.outs["a"].do


def test_a_database_that_does_not_answer_is_waited_for_with_patience():
    assert first(finished(None)).kind == "observe"
    assert finished(None, [replace(one, at=one.at - 700) for one in STARTED]).ended


def later(*entries):
    return [*STARTED, *past("close", "recovery", NOW - 29), *past("hold", "recovery", NOW - 28, epoch=5), *entries]


def test_a_row_of_an_earlier_recovery_is_still_written():
    assert first(finished("n1", later())).kind == "write"


def test_what_ends_by_itself_writes_the_rows_first():
    rows = {"b": Vm(RUNS, unseen(), "n1"), "a": Vm(RUNS, on("n2"), "n1")}
    nowhere = zone(vms=rows)
    found = decide(nowhere, later(), place=lambda vms, nodes: {vm: Placed(why="no memory") for vm in vms})
    assert found.stage == "plan" and first(found).kind == "write"
    broken = replace(nowhere, nodes={**nowhere.nodes, "n0": node(HUNG)})
    refused = [*said("breaker", "n0", yes=False, plan="5"), *said("breaker", "n1", yes=False, plan="5")]
    found = decide(broken, later(*refused))
    assert found.stage == "breaker" and first(found).kind == "write"


def test_a_person_ends_it_at_once_and_is_told_of_the_rows():
    refused = past("plan", "recovery", NOW - 20, **{**PLAN, "approved": False})
    for found in (
        finished("n1", stop="kim: only slow"),
        finished("n1", later(), stop="kim: only slow"),
        finished("n1", later(*refused)),
    ):
        assert first(found).kind == "close" and "row" in found.outs["a"].do


def test_where_it_runs_is_read_after_its_start():
    case = recovery.Case(zone(at=NOW - 40), STARTED, POLICY, placed, NOW - 35)
    assert recovery.verified(case).steps[0].kind == "observe"


def test_every_stage_says_how_it_fails():
    assert {stage.fails for stage in recovery.STAGES} == set(recovery.Fails)


def test_quiet_is_what_nobody_else_did():
    before = {"n0": {"a"}, "n1": {"b"}}
    assert recovery.quiet_since([(1.0, before)], ()) == 1.0
    assert recovery.quiet_since([(1.0, before), (5.0, {"n0": {"a", "c"}})], ()) == 5.0
    assert recovery.quiet_since([(1.0, before), (5.0, {"n0": {"a", "c"}})], ("c",)) == 1.0
    # a node that does not answer stops nothing
    assert recovery.quiet_since([(1.0, before), (5.0, {"n0": {"a"}}), (9.0, before)], ()) == 1.0


def test_words_keep_their_author():
    (word,) = recovery.words_of(said("fence", "n1"))
    assert (word.who, word.about, word.yes) == ("kim", "n1", True)
