# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal, locks and documents, the same on SQLite and on PostgreSQL."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.database import StoreMissing
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.process import Process
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import (
    Author,
    DocumentEdited,
    Entry,
    LockHeld,
    LockLost,
    Phase,
    RecordRefused,
    Store,
    StoreTooNew,
    Token,
    open_store,
)

Opener = Callable[..., Store]
FORK = multiprocessing.get_context("fork")
REFUSED = 3


def entry(phase: str = "started", step: str = "fence", **others: Any) -> Entry:
    return Entry(**{"job": "node_recovery", "subject": "node07", "step": step, **others, "phase": Phase(phase)})


def by_hand(url: str, *statements: str) -> None:
    """As somebody with the database's own client would."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(urlsplit(url).path, isolation_level=None)) as file:
            for statement in statements:
                file.execute(statement)
    else:
        with psycopg.connect(url, autocommit=True) as server:
            for statement in statements:
                server.execute(statement.encode())


def ended_process() -> Process:
    child = subprocess.Popen(["sleep", "60"])
    process = Process.at(child.pid)
    child.kill()
    child.wait()
    return process


class TestJournal:
    def test_a_record_is_there_for_others_when_it_is_written(self, opener: Opener) -> None:
        before = datetime.now(UTC) - timedelta(seconds=2)
        evidence = {"power": "off", "이름": ["노드", 7, None, "\udc80\x00"]}
        written = opener(who="kim", run="awx-7").record(entry(zone="zone-a", plan="plan-3", evidence=evidence))

        (read,) = opener(who="lee").records()

        assert read == written
        assert (read.who, read.run, read.host) == ("kim", "awx-7", os.uname().nodename)
        assert read.entry == entry(zone="zone-a", plan="plan-3", evidence=evidence)
        assert before < datetime.fromisoformat(read.at) < datetime.now(UTC) + timedelta(seconds=2)

    def test_records_are_found_by_what_they_are_about(self, opener: Opener) -> None:
        first, second = opener(run="run-1"), opener(run="run-2")
        first.record(entry(zone="zone-a"))
        first.record(entry("done", zone="zone-a", evidence={"n": 1}))
        second.record(entry(job="vm_convert", subject="vm-1", step="copy", zone="zone-b"))

        def found(**wanted: Any) -> list[int]:
            return [record.id for record in first.records(**wanted)]

        every = found()
        assert len(every) == 3 and every == sorted(every)
        assert (
            found(job="vm_convert") == found(subject="vm-1") == found(run="run-2") == found(zone="zone-b") == every[2:]
        )
        assert found(step="fence", phase=Phase.DONE) == every[1:2]
        assert found(limit=2) == every[1:], "the newest"
        assert found(subject="node07", run="run-2") == []

    def test_records_are_counted_from_a_time_on(self, store: Store) -> None:
        store.record(entry())
        time.sleep(0.05)
        second = store.record(entry("note"))

        since = datetime.fromisoformat(second.at)

        assert [record.id for record in store.records(since=since)] == [second.id]
        elsewhere = since.astimezone(timezone(timedelta(hours=9)))
        assert [record.id for record in store.records(since=elsewhere)] == [second.id], "in another time zone"
        assert store.records(since=since + timedelta(seconds=1)) == []

    def test_several_records_are_written_all_or_none_in_their_order(self, store: Store) -> None:
        first, second = store.record_all([entry(subject="node07"), entry(subject="node08")])
        assert store.records() == [first, second]
        with pytest.raises(RecordRefused):
            store.record_all([entry("note"), entry("done", step="never begun")])
        assert store.records() == [first, second]

    @pytest.mark.parametrize("end", ["done", "failed"])
    def test_a_step_is_open_until_its_end(self, store: Store, end: str) -> None:
        started = store.record(entry())
        store.record(entry("note", evidence={"still": "waiting"}))
        assert store.open_steps(subject="node07") == [started]

        store.record(entry(end))
        assert store.open_steps() == []

    def test_a_killed_runs_step_is_open_for_the_next_run_which_takes_it_up(self, opener: Opener) -> None:
        opener(run="run-1").record(entry())
        second = opener(run="run-2")
        assert [record.run for record in second.open_steps()] == ["run-1"]

        again = second.record(entry())
        assert second.open_steps() == [again], "once, as it was last started"
        second.record(entry("done"))
        assert second.open_steps() == []

    def test_steps_of_other_subjects_and_jobs_do_not_end_it(self, store: Store) -> None:
        started = store.record(entry())
        for other in ({"subject": "node08"}, {"job": "node_return"}, {"step": "start"}):
            store.record(entry(**other))
            store.record(entry("done", **other))
        assert store.open_steps() == [started]

    def test_a_job_is_open_across_failures_until_it_is_done(self, opener: Opener) -> None:
        first, second = opener(run="run-1"), opener(run="run-2")
        began = first.record(entry(step="", zone="zone-a"))
        first.record(entry(zone="zone-a"))
        first.record(entry("failed"))
        first.record(entry("failed", step=""))
        second.record(entry(step="", zone="zone-a"))
        assert second.open_jobs(subject="node07") == second.open_jobs(zone="zone-a") == [began]
        assert second.open_jobs(subject="node08") == []

        second.record(entry("done", step=""))
        assert second.open_jobs() == []
        anew = second.record(entry(step=""))
        assert second.open_jobs() == [anew]

    def test_a_job_that_is_given_up_takes_its_open_steps_with_it_and_needs_a_reason(self, store: Store) -> None:
        store.record(entry())
        with pytest.raises(RecordRefused, match="reason"):
            store.record(entry("closed", step=""))
        assert len(store.open_jobs()) == len(store.open_steps()) == 1

        store.record(entry("closed", step="", evidence={"reason": "node07 is proven off"}))
        assert store.open_jobs() == store.open_steps() == []

    def test_what_never_began_is_not_done(self, store: Store) -> None:
        with pytest.raises(RecordRefused, match=r"'fence'.*is not open"):
            store.record(entry("done"))
        with pytest.raises(RecordRefused, match="is not open"):
            store.record(entry("done", step=""))
        assert store.records() == []

    def test_a_job_with_an_open_step_is_not_done(self, store: Store) -> None:
        store.record(entry(step=""))
        store.record(entry())
        with pytest.raises(RecordRefused, match="outcome of fence"):
            store.record(entry("done", step=""))
        assert len(store.open_jobs()) == 1

    @pytest.mark.parametrize("wrong", [{"subject": ""}, {"subject": " "}, {"job": "a\nb"}, {"step": "a\x00"}])
    def test_a_record_about_nothing_legible_is_refused(self, store: Store, wrong: dict[str, str]) -> None:
        with pytest.raises(RecordRefused, match=next(iter(wrong))):
            store.record(entry(**wrong))

    @pytest.mark.parametrize("evidence", [{"at": datetime.now(UTC)}, {"load": float("nan")}])
    def test_evidence_that_is_not_json_is_refused(self, store: Store, evidence: dict[str, Any]) -> None:
        with pytest.raises(RecordRefused, match="not JSON"):
            store.record(entry(evidence=evidence))
        assert store.records() == []

    @pytest.mark.parametrize("change", ["UPDATE cloudops_journal SET who = 'lee'", "DELETE FROM cloudops_journal"])
    def test_the_database_itself_refuses_a_change_of_history(self, store: Store, url: str, change: str) -> None:
        store.record(entry())
        with pytest.raises((sqlite3.IntegrityError, psycopg.errors.RaiseException), match="takes no"):
            by_hand(url, change)
        assert [record.who for record in store.records()] == ["kim"]

    def test_many_processes_write_at_once_into_a_store_that_is_not_there_yet(self, opener: Opener) -> None:
        def write(subject: str) -> None:
            writer = opener(run=subject)
            for number in range(10):
                writer.record(entry("note", subject=subject, evidence={"n": number}))

        writers = [FORK.Process(target=write, args=(f"vm-{number}",)) for number in range(8)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()

        assert [writer.exitcode for writer in writers] == [0] * 8
        store = opener()
        assert len(store.records()) == 80
        for number in range(8):
            written = [record.entry.evidence["n"] for record in store.records(subject=f"vm-{number}")]
            assert written == list(range(10)), "each in its order"

    def test_what_was_acknowledged_outlives_a_killed_writer(self, opener: Opener) -> None:
        def write(acknowledged: int) -> None:
            writer = opener()
            while True:
                os.write(acknowledged, b"%d\n" % writer.record(entry("note", evidence={"much": "x" * 20000})).id)

        for pause in (0.0, 0.003, 0.011):
            ours, theirs = os.pipe()
            writer = FORK.Process(target=write, args=(theirs,))
            writer.start()
            os.close(theirs)
            with os.fdopen(ours, "rb") as pipe:
                first = pipe.readline()
                time.sleep(pause)
                os.kill(int(writer.pid or 0), signal.SIGKILL)
                writer.join()
                acknowledged = {int(line) for line in (first, *pipe) if line.endswith(b"\n")}
            read = {record.id for record in opener(read_only=True).records()}
            assert acknowledged <= read
        opener().record(entry("note"))

    def test_a_newer_collections_store_is_left_alone(self, opener: Opener, url: str) -> None:
        opener().record(entry())
        by_hand(url, "INSERT INTO cloudops_store VALUES (99)")
        for read_only in (False, True):
            with pytest.raises(StoreTooNew, match="version 99 and this collection knows"):
                opener(read_only=read_only)

    def test_reading_makes_nothing(self, opener: Opener, url: str) -> None:
        for _again in range(2):
            with pytest.raises(StoreMissing, match="yet"):
                opener(read_only=True)


class TestLock:
    def test_a_second_operator_is_told_who_holds_it_since_when_and_for_what(self, opener: Opener) -> None:
        held = opener(who="kim", run="run-1").acquire("zone-a", "recovery of node07")
        other = opener(who="lee", run="run-2")

        with pytest.raises(LockHeld) as refused:
            other.acquire("zone-a", "draining node03")

        for told in ("kim", "run-1", os.uname().nodename, held.since, "recovery of node07", "epoch 1"):
            assert told in str(refused.value)
        assert refused.value.holder == other.lock("zone-a") == held
        with pytest.raises(LockHeld):
            other.may_acquire("zone-a")
        other.acquire("zone-b", "draining node03")

    def test_its_own_run_gets_it_again_in_the_same_epoch(self, opener: Opener) -> None:
        first = opener().acquire("zone-a", "recovery")
        assert opener().acquire("zone-a", "recovery").token == first.token

    def test_an_epoch_that_was_heard_of_elsewhere_is_passed(self, opener: Opener) -> None:
        store = opener()
        first = store.acquire("zone-a", "recovery", above=7)
        assert first.epoch == 8
        again = store.acquire("zone-a", "recovery", above=7)
        assert again.token == first.token
        newer = store.acquire("zone-a", "recovery", above=20)
        assert newer.epoch == 21 and store.lock("zone-a") == newer
        with pytest.raises(LockLost):
            store.record(entry(), first.token)
        store.release("zone-a")
        assert store.acquire("zone-a", "recovery").epoch == 22

    def test_a_freed_lock_is_taken_with_a_higher_epoch(self, opener: Opener) -> None:
        first, second = opener(run="run-1"), opener(run="run-2")
        before = first.acquire("zone-a", "recovery")
        assert first.release("zone-a") and not first.release("zone-a")
        assert second.lock("zone-a") is None
        assert second.acquire("zone-a", "recovery").epoch > before.epoch

    def test_another_runs_lock_is_not_freed(self, opener: Opener) -> None:
        held = opener(run="run-1").acquire("zone-a", "recovery")
        with pytest.raises(LockHeld):
            opener(run="run-2").release("zone-a")
        assert opener().lock("zone-a") == held

    def test_a_dead_holder_is_replaced_which_is_told_and_journalled(self, opener: Opener) -> None:
        dead = opener(who="kim", run="run-1", process=ended_process()).acquire("zone-a", "recovery")
        taker = opener(who="lee", run="run-2")
        taker.may_acquire("zone-a")

        taken = taker.acquire("zone-a", "recovery")

        assert taken.replaced == dead and taken.epoch > dead.epoch
        (record,) = taker.records(job="lock", subject="zone-a")
        assert (record.who, record.entry.step) == ("lee", "lock taken over")
        assert record.entry.evidence["run"] == "run-1"

    def test_a_silent_holder_on_another_controller_keeps_it(self, opener: Opener) -> None:
        elsewhere = replace(ended_process(), host="controller2", boot="another", machine="another")
        opener(run="run-1", process=elsewhere).acquire("zone-a", "recovery")
        with pytest.raises(LockHeld, match="controller2"):
            opener(run="run-2").acquire("zone-a", "recovery")

    def test_a_person_breaks_the_holding_they_saw_and_no_other(self, opener: Opener) -> None:
        sleeper, person = opener(who="kim", run="run-1"), opener(who="lee", run="run-2")
        held = sleeper.acquire("zone-a", "recovery")
        with pytest.raises(RecordRefused, match="reason"):
            person.break_lock(held.token, " ")
        with pytest.raises(LockLost):
            person.break_lock(Token("zone-a", held.epoch + 1), "kim's controller burnt down")

        assert person.break_lock(held.token, "kim's controller burnt down") == held

        (record,) = person.records(subject="zone-a")
        assert (record.who, record.entry.step) == ("lee", "lock broken")
        assert record.entry.evidence["reason"] == "kim's controller burnt down"
        person.acquire("zone-a", "recovery")
        with pytest.raises(LockLost, match="lee"):
            person.break_lock(held.token, "once more")

    def test_a_controller_that_slept_and_woke_can_write_nothing(self, opener: Opener) -> None:
        sleeper, person = opener(who="kim", run="run-1"), opener(who="lee", run="run-2")
        old = sleeper.acquire("zone-a", "recovery").token
        sleeper.record(entry(), old)
        person.break_lock(old, "the laptop was closed")
        with pytest.raises(LockLost, match="Nothing more may be done"):
            sleeper.record(entry("done"), old)

        new = person.acquire("zone-a", "recovery").token
        with pytest.raises(LockLost, match="now held by lee"):
            sleeper.record(entry("done"), old)
        person.record(entry("done"), new)
        assert [record.run for record in person.records(subject="node07")] == ["run-1", "run-2"]

    def test_a_freed_lock_fences_too(self, store: Store) -> None:
        token = store.acquire("zone-a", "recovery").token
        store.release("zone-a")
        with pytest.raises(LockLost):
            store.record(entry(), token)

    def test_a_record_under_the_lock_is_a_sign_of_life(self, store: Store) -> None:
        held = store.acquire("zone-a", "recovery")
        time.sleep(0.05)
        store.record(entry(), held.token)
        seen = store.lock("zone-a")
        assert seen is not None and seen.seen > held.seen and seen.since == held.since

    @pytest.mark.parametrize("before", ["never held", "free", "held by a dead run"])
    def test_of_many_that_race_one_gets_it(self, opener: Opener, before: str) -> None:
        earlier = opener(process=ended_process())
        if before != "never held":
            earlier.acquire("zone-a", "recovery")
        if before == "free":
            earlier.release("zone-a")
        ready = FORK.Barrier(6)

        def race(number: int) -> None:
            racer = opener(run=f"run-{number}")
            ready.wait()
            try:
                racer.acquire("zone-a", "recovery")
            except LockHeld:
                os._exit(REFUSED)
            ready.wait(30)

        racers = [FORK.Process(target=race, args=(number,)) for number in range(5)]
        for racer in racers:
            racer.start()
        ready.wait()
        deadline = time.monotonic() + 30
        while sum(racer.exitcode == REFUSED for racer in racers) < 4 and time.monotonic() < deadline:
            time.sleep(0.02)
        lost = [racer.exitcode for racer in racers].count(REFUSED)
        for racer in racers:
            racer.kill()
            racer.join()
        assert lost == 4

    def test_who_waits_while_another_takes_it_is_refused(self, opener: Opener, url: str) -> None:
        store = opener(run="run-1")
        store.acquire("zone-a", "recovery")
        taking = FORK.Event()

        def wait() -> None:
            taking.wait(30)
            try:
                opener(run="run-2").acquire("zone-a", "recovery")
            except LockHeld:
                os._exit(REFUSED)

        # Begun before there is a transaction: SQLite's connections do not survive a fork.
        second = FORK.Process(target=wait)
        second.start()
        client: Any = (
            sqlite3.connect(urlsplit(url).path, isolation_level=None)
            if url.startswith("sqlite")
            else psycopg.connect(url, autocommit=True)
        )
        with closing(client):
            ((owner,),) = client.execute("SELECT owner FROM cloudops_lock").fetchall()
            store.release("zone-a")
            client.execute("BEGIN")
            client.execute(f"UPDATE cloudops_lock SET owner = '{owner}', epoch = epoch + 1")
            taking.set()
            second.join(1)
            assert second.exitcode is None, "it waits"
            client.execute("COMMIT")
        second.join(20)
        assert second.exitcode == REFUSED


BODY = {"steps": [{"start": "vm-1", "on": "노드08"}], "n": 1}


class TestDocuments:
    def test_a_document_is_read_as_it_was_saved(self, opener: Opener) -> None:
        saved = opener(who="kim", run="run-1").save("plan", "recover-node07", BODY)
        document = opener().get(saved.id)
        assert document is not None and document.header == saved and document.body == BODY
        assert (saved.kind, saved.name, saved.who, saved.run) == ("plan", "recover-node07", "kim", "run-1")
        assert saved.approval is None

    def test_the_newest_of_a_kind_and_name_is_found(self, store: Store) -> None:
        for number in range(3):
            store.save("report", "boot", {"n": number})
        store.save("report", "nightly", {"n": 9})
        store.save("snapshot", "boot", {"n": 9})

        newest = store.latest("report", "boot")

        assert newest is not None and newest.body == {"n": 2}
        assert [header.name for header in store.documents("report")] == ["nightly", "boot", "boot", "boot"]
        assert len(store.documents("report", "boot", limit=2)) == 2
        assert store.latest("report", "none") is None and store.get(newest.header.id + 100) is None

    def test_the_hash_is_of_the_meaning_not_of_the_order(self, store: Store) -> None:
        first = store.save("plan", "p", {"a": 1, "b": 2})
        assert store.save("plan", "p", {"b": 2, "a": 1}).sha256 == first.sha256
        assert store.save("plan", "p", {"b": 2, "a": 2}).sha256 != first.sha256

    def test_old_ones_go_but_not_what_was_approved(self, store: Store) -> None:
        approved = store.save("plan", "p", {"n": 0})
        store.approve(approved.id, approved.sha256)
        other = store.save("plan", "q", {"n": 0})
        for number in range(1, 5):
            store.save("plan", "p", {"n": number}, keep=2)
        left = [store.get(header.id) for header in store.documents("plan", "p")]
        assert [document.body["n"] for document in left if document] == [4, 3, 0]
        assert store.get(other.id) is not None

    def test_those_before_a_moment_are_forgotten_but_not_what_was_approved(self, store: Store) -> None:
        approved = store.save("report_part", "p", {"n": 0})
        store.approve(approved.id, approved.sha256)
        store.save("report_part", "p", {"n": 1})
        other = store.save("report", "p", {"n": 2})
        store.forget("report_part", datetime.now(UTC) - timedelta(hours=1))
        assert len(store.documents("report_part")) == 2
        store.forget("report_part", datetime.now(UTC) + timedelta(hours=1))
        assert [header.id for header in store.documents("report_part")] == [approved.id]
        assert store.get(other.id) is not None

    def test_an_approval_tells_who_and_when_of_exactly_what(self, opener: Opener) -> None:
        plan = opener(who="kim").save("plan", "p", BODY)
        approved = opener(who="lee").approve(plan.id, plan.sha256)
        assert approved.approval is not None
        assert (approved.approval.approver, approved.approval.sha256) == ("lee", plan.sha256)
        assert approved.approval.at >= plan.created
        assert opener().documents("plan") == [approved]

    def test_a_plan_other_than_the_one_that_was_read_is_not_approved(self, store: Store) -> None:
        read = store.save("plan", "p", {"fence": ["node07"]})
        newer = store.save("plan", "p", {"fence": ["node07", "node08"]})
        with pytest.raises(DocumentEdited, match="Read it again"):
            store.approve(newer.id, read.sha256)
        with pytest.raises(DocumentEdited, match="gone"):
            store.approve(newer.id + 100, read.sha256)
        assert store.documents("plan", "p")[0].approval is None

    def test_the_database_itself_refuses_an_edit(self, store: Store, url: str) -> None:
        plan = store.save("plan", "p", BODY)
        store.approve(plan.id, plan.sha256)
        for change in (
            "UPDATE cloudops_document SET body = '{}'",
            "UPDATE cloudops_approval SET approver = 'lee'",
            "DELETE FROM cloudops_approval",
        ):
            with pytest.raises((sqlite3.IntegrityError, psycopg.errors.RaiseException), match="takes no"):
                by_hand(url, change)

    @pytest.mark.parametrize("covered_up", [False, True])
    def test_an_edit_around_that_is_detected(self, store: Store, url: str, covered_up: bool) -> None:
        plan = store.save("plan", "p", {"fence": ["node07"]})
        store.approve(plan.id, plan.sha256)
        other = store.save("plan", "p", {"fence": ["node08"]})
        on = "" if url.startswith("sqlite") else " ON cloudops_document"
        sha256 = f", sha256 = '{other.sha256}'" if covered_up else ""
        by_hand(
            url,
            "DROP TRIGGER cloudops_document_update" + on,
            f"""UPDATE cloudops_document SET body = '{{"fence":["node08"]}}'{sha256} WHERE id = {plan.id}""",
        )
        with pytest.raises(DocumentEdited, match="edited after kim approved" if covered_up else "edited after it was"):
            store.get(plan.id)


def test_the_place_is_told_without_a_password(url: str) -> None:
    secret = url.replace("operator@", "operator:s3cret@")
    with open_store(Author("kim", "run-1", Process.at(os.getpid())), secret) as store:
        assert "s3cret" not in store.place
        assert urlsplit(url).path.strip("/") in store.place
