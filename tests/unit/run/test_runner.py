# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runner of `make test`: nothing that failed is called passed, and nothing it started outlives it."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from parts import SOAK, TEST, Part
from runner import Result, Runner, summary


@pytest.fixture
def runner(tmp_path):
    return Runner(logs=tmp_path)


def part(*commands, minutes=1, **more):
    return Part(name="trial", claim="a trial", commands=commands, minutes=minutes, **more)


def runs(pid):
    """A zombie that nobody has reaped yet runs no more."""
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def test_a_part_passes_when_every_command_does(runner):
    assert runner.run(part("true", "true")).word == "passed"


def test_a_failing_command_fails_its_part_and_the_later_ones_still_run(runner, tmp_path):
    result = runner.run(part("false", f"touch {tmp_path}/reached"))
    assert result.word == "failed"
    assert (tmp_path / "reached").exists()


def test_a_command_that_does_not_exist_is_a_failure_of_its_part(runner):
    result = runner.run(part("no-such-command"))
    assert "no-such-command" in result.failure


def test_a_failing_part_shows_what_it_printed_last(runner, capsys):
    runner.run(part("sh -c 'echo the reason; exit 3'"))
    printed = capsys.readouterr().out
    assert "the reason" in printed
    assert "exit code 3" in printed


def test_a_followed_part_shows_what_it_prints_while_it_runs(tmp_path, capsys):
    seen = tmp_path / "seen"
    trial = part(f"sh -c 'echo half way; until [ -e {seen} ]; do sleep 0.1; done; echo done'")
    thread = threading.Thread(target=Runner(logs=tmp_path, follow=True).run, args=[trial])
    thread.start()
    printed = ""
    while "half way" not in printed:
        printed += capsys.readouterr().out
        time.sleep(0.1)
    seen.touch()
    thread.join()
    assert "done" in capsys.readouterr().out


def test_a_part_that_takes_too_long_is_ended_with_its_children(runner, tmp_path):
    result = runner.run(part(f"sh -c 'sleep 600 & echo $! >{tmp_path}/child; wait'", minutes=0.05))
    assert "took too long" in result.failure
    child = int((tmp_path / "child").read_text())
    # a killed process ends when the machine gets to it
    until = time.monotonic() + 10
    while runs(child) and time.monotonic() < until:
        time.sleep(0.05)
    assert not runs(child)


def test_an_interrupted_run_ends_what_it_started_and_begins_nothing_more(runner, tmp_path):
    timer = threading.Timer(0.5, runner.stop)
    timer.start()
    started = time.monotonic()
    results = runner.all([part("sleep 600"), part("sleep 600"), part(f"touch {tmp_path}/begun")])
    timer.join()
    assert time.monotonic() - started < 30
    assert [result.word for result in results] == ["failed"] * 3
    assert not (tmp_path / "begun").exists()


def test_two_parts_run_at_a_time_and_one_that_needs_the_whole_machine_when_the_others_have_ended(runner, tmp_path):
    said = tmp_path / "said"
    parts = [
        part(f"sh -c 'echo alone >>{said}'", alone=True),
        part(f"sh -c 'echo short >>{said}'"),
        part(f"sh -c 'sleep 2; echo long >>{said}'", minutes=3),
        part(f"sh -c 'sleep 1; echo middle >>{said}'", minutes=2),
    ]
    assert [result.word for result in runner.all(parts)] == ["passed"] * 4
    assert said.read_text().split() == ["middle", "short", "long", "alone"]


def test_the_summary_counts_parts_and_names_why_one_was_left_out():
    text = summary([Result(part()), Result(part(), failure="x"), Result(part(), left_out="needs root")], 61)
    assert "needs root" in text
    assert text.endswith("1 passed, 1 failed, 1 left out")


def test_every_part_has_a_name_of_its_own():
    names = [entry.name for entry in (*TEST, *SOAK)]
    assert len(names) == len(set(names))
