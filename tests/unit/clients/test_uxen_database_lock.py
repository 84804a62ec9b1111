# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The zone's lock in the uxen database as ansible-playbook holds it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.uxen_database import Holder, UxenDatabase
from clients.uxen import Uxen
from playbook import Playbook

OTHER = Holder("zone-a", "lee", "controller2", "run-9", "recovery of n1")


class Play(Playbook):
    def __init__(self, directory: Path, url: str) -> None:
        super().__init__(directory)
        self.options = Uxen(url).options
        self.database = UxenDatabase(self.options)
        self.hosts = {"n1": {}}

    def lock(self, **options: Any) -> dict[str, Any]:
        given = {"zone": "zone-a", "what": "migration of web", **self.options, **options}
        return {"cloudops.hypervisor.uxen_database_lock": given, "register": "lock"}

    def released(self) -> bool:
        return eventually(lambda: self.database.holder("zone-a") is None)


def eventually(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not true() and time.monotonic() < deadline:
        time.sleep(0.1)
    return true()


@pytest.fixture
def play(tmp_path: Path, postgresql_url: str) -> Play:
    return Play(tmp_path, postgresql_url)


def test_it_is_held_across_tasks_and_freed_by_one_or_by_the_playbooks_end(play: Play) -> None:
    same = {"ansible.builtin.assert": {"that": "lock.lock.session == first.lock.session"}}
    first = {**play.lock(), "register": "first"}
    assert play.run([first, play.lock(), same, play.lock(state="free"), play.lock(state="free")])[0] == 0
    assert play.database.holder("zone-a") is None, "freed at once"
    assert play.run([play.lock()])[0] == 0
    assert play.released(), "freed by the end"


def test_a_second_controller_is_told_who_has_it_and_for_what(play: Play) -> None:
    with play.database.holding(OTHER):
        for task in (play.lock(), play.lock(state="free")):
            for check in ((), ("--check",)):
                code, output = play.run([task], *check)
                assert code != 0 and "lee on controller2" in output and "recovery of n1" in output


def test_check_mode_holds_nothing(play: Play) -> None:
    nothing = {"ansible.builtin.assert": {"that": "lock.lock.session == 0 and lock.lock.what == 'migration of web'"}}
    code, output = play.run([play.lock(), nothing], "--check")
    assert code == 0, output
    assert play.database.holder("zone-a") is None


@pytest.mark.parametrize("signal", ["KILL", "STOP"])
def test_it_lasts_as_long_as_the_playbook_lives(play: Play, signal: str) -> None:
    """A controller that sleeps holds it on; one that is killed does not."""
    pause = {"ansible.builtin.pause": {"seconds": 120}}
    process = subprocess.Popen(
        play.command([play.lock(), pause]),
        cwd=play.directory,
        env=play.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert eventually(lambda: play.database.holder("zone-a") is not None)
        subprocess.run(["kill", f"-{signal}", str(process.pid)], check=True)
        if signal == "STOP":
            time.sleep(3)
            held = play.database.holder("zone-a")
            assert held is not None and held.what == "migration of web"
    finally:
        process.kill()
        process.wait()
    try:
        assert play.released()
    finally:
        end_workers(play.directory)


def end_workers(directory: Path) -> None:
    """Those of a playbook that was killed lead groups of their own, and wait for it for good."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.readlink(folder / "cwd") == str(directory):
                os.kill(int(folder.name), SIGKILL)


def test_a_lock_that_the_database_lost_is_taken_again(play: Play) -> None:
    lose = {
        "ansible.builtin.command": {
            "argv": [
                "psql",
                f"host={play.options['login_unix_socket']} user=operator dbname={play.options['login_db']}",
                "-c",
                "SELECT pg_terminate_backend({{ lock.lock.session }})",
            ]
        },
        "delegate_to": "localhost",
    }
    play.hosts = {"n1": {"ansible_connection": "local"}}
    again = {"ansible.builtin.assert": {"that": "lock.lock.session != first.lock.session"}}
    code, output = play.run(
        [
            {**play.lock(), "register": "first"},
            play.lock(),
            lose,
            {"ansible.builtin.pause": {"seconds": 1}},
            play.lock(),
            again,
        ]
    )
    assert code == 0, output
