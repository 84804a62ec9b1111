# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import Phase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.uxen_api import Outcome
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.api_act import SEEN_WITHIN, Done, Node, ask

ASKED = "POST /api/vms/1/start"
DOMAIN = {"id": 3}


class Scene:
    """What happened, in order."""

    def __init__(self, state: str, comes: bool, refused: tuple[str, str] | None = None) -> None:
        self.happened: list[Any] = []
        self._answers = (Outcome(state, "so it said"), (comes, DOMAIN if comes else None), refused)

    def __call__(self) -> Done:
        outcome, seen, refused = self._answers
        note = self.happened.append
        node = Node(
            "n1",
            lambda seconds: (note(("hold", seconds)), refused)[1],
            lambda: note("give back"),
            lambda within: (note(("look", within)), seen)[1],
        )
        return ask(node, ASKED, lambda: (note("ask"), outcome)[1], 300.0)


def test_it_is_asked_once_under_the_lease_which_is_given_back_when_it_is_seen() -> None:
    scene = Scene("done", comes=True)
    done = scene()
    assert (done.phase, done.code, done.domain) == (Phase.DONE, "", DOMAIN)
    assert scene.happened == [("hold", 360.0), "ask", ("look", SEEN_WITHIN), "give back"]


def test_without_the_lease_nothing_is_asked() -> None:
    scene = Scene("done", comes=True, refused=("lease_held", "n2 has it"))
    done = scene()
    assert (done.phase, done.code) == (Phase.CLOSED, "lease_held") and "n2 has it" in done.said
    assert scene.happened == [("hold", 360.0)]


def test_its_refusal_gives_it_back() -> None:
    scene = Scene("refused", comes=False)
    assert (scene().code, scene.happened[1:]) == ("api_refused", ["ask", "give back"])


@pytest.mark.parametrize("state", ["unknown", "asked"])
def test_where_nobody_knows_what_became_of_it_the_lease_is_kept(state: str) -> None:
    scene = Scene(state, comes=False)
    done = scene()
    assert (done.phase, done.code) == (None, "unknown")
    assert scene.happened == [("hold", 360.0), "ask", ("look", 300.0)]


def test_a_lost_answer_whose_act_is_seen_is_done() -> None:
    scene = Scene("unknown", comes=True)
    assert (scene().phase, scene.happened[-1]) == (Phase.DONE, "give back")


def test_what_the_api_calls_done_and_nobody_sees_is_looked_for() -> None:
    scene = Scene("done", comes=False)
    done = scene()
    assert (done.phase, done.code) == (Phase.DONE, "not_seen") and "n1 does not show it after 60 s" in done.said
    assert scene.happened[-1] == "give back"
