# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""plan and ask_person as ansible-playbook runs them, with a store of the test's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from playbook import Playbook, show, shown

BODY = {"fences": {"n1": "row 20: off"}, "starts": {}, "left": {}}
QUESTION = {"question": "off", "about": "n1", "text": "Is it off?"}
WORD = {"question": "off", "about": "n1", "yes": True, "reason": "I pulled both plugs."}


class Tasks(Playbook):
    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.hosts = {"n1": {}}
        self.store = directory / "state" / "store.sqlite3"

    def do(self, *modules: dict[str, Any], check: bool = False) -> list[dict[str, Any]]:
        """What each of these modules returned, and what the one before it returned is ``last``."""
        tasks = []
        for module in modules:
            tasks += [{**module, "register": "last", "ignore_errors": True}, show("last")]
        code, output = self.run(tasks, *(["--check"] if check else []))
        assert code == 0 and "Traceback" not in output, output
        return [last for _host, last in shown(output)]

    def asked(self, *words: dict[str, Any]) -> dict[str, Any]:
        (done,) = self.do({"cloudops.hypervisor.ask_person": {**QUESTION, "words": list(words)}})
        return done


def plan(state: str, **options: Any) -> dict[str, Any]:
    return {"cloudops.hypervisor.plan": {"state": state, **options}}


SAVE = plan("saved", kind="ha_recovery", name="zone-a", body=BODY)


@pytest.fixture
def play(tmp_path: Path) -> Tasks:
    return Tasks(tmp_path)


def test_a_plan_is_saved_read_and_approved_once(play: Tasks) -> None:
    (saved,) = play.do(SAVE)
    number, sha256 = saved["plan"]["id"], saved["plan"]["sha256"]
    assert saved["changed"] and (saved["plan"]["kind"], saved["plan"]["approval"]) == ("ha_recovery", None)
    approve = plan("approved", plan=number, sha256=sha256)
    read, first, again, after = play.do(plan("read", plan=number), approve, approve, plan("read", plan=number))
    assert (read["changed"], read["body"], read["plan"]["approval"]) == (False, BODY, None)
    assert (first["changed"], first["body"]) == (True, BODY) and first["plan"]["approval"]["approver"]
    assert not again["changed"] and again["plan"] == first["plan"] == after["plan"]


def test_what_was_not_read_cannot_be_approved(play: Tasks) -> None:
    (saved,) = play.do(SAVE)
    number = saved["plan"]["id"]
    wrong, none, read = play.do(
        plan("approved", plan=number, sha256="0" * 64), plan("read", plan=number + 1), plan("read", plan=number)
    )
    assert wrong["failed"] and saved["plan"]["sha256"] in wrong["msg"]
    assert none["failed"] and f"there is no plan {number + 1}" in none["msg"]
    assert read["plan"]["approval"] is None


def test_check_mode_writes_nothing(play: Tasks) -> None:
    saved, read = play.do(SAVE, plan("read", plan=1), check=True)
    assert saved["changed"] and saved["plan"] is None
    assert read["failed"] and not play.store.exists()
    (real,) = play.do(SAVE)
    about = {"plan": real["plan"]["id"], "sha256": real["plan"]["sha256"]}
    (approved,) = play.do(plan("approved", **about), check=True)
    assert approved["changed"]
    (after,) = play.do(plan("read", plan=about["plan"]))
    assert after["plan"]["approval"] is None


def test_an_answer_given_beforehand_is_taken_for_this_thing_alone(play: Tasks) -> None:
    others = [{**WORD, "about": "n2"}, {**WORD, "question": "fence"}]
    taken = play.asked(*others, {**WORD, "yes": False})
    assert (taken["answered"], taken["yes"], taken["reason"]) == (True, False, WORD["reason"]) and taken["who"]
    # nobody has a terminal here
    asked = play.asked(*others)
    assert (asked["answered"], asked["yes"], asked["who"]) == (False, False, "") and not asked["changed"]


@pytest.mark.parametrize("reason", ["", "  "])
def test_an_answer_without_a_reason_is_refused(play: Tasks, reason: str) -> None:
    refused = play.asked({**WORD, "reason": reason})
    assert refused["failed"] and "the answer about n1 has no reason" in refused["msg"] and "yes" not in refused
