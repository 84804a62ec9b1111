# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A store that kills its controller: on PYTHONPATH, with CLOUDOPS_KILL_AFTER=N, at the N-th record of a recovery.

The record is committed, and nothing after it is done: kill -9 of ansible-playbook with all its workers. With
CLOUDOPS_KILL_ALONE=S it is ansible-playbook alone, S seconds later: a worker that has a task by then ends it, late.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
from typing import Any

AFTER = int(os.environ.get("CLOUDOPS_KILL_AFTER", "0"))
ALONE = os.environ.get("CLOUDOPS_KILL_ALONE", "")
COUNT = "SELECT COUNT(*) FROM cloudops_journal WHERE job = 'ha_recovery'"
connect = sqlite3.connect


class Killing(sqlite3.Connection):
    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        done = super().execute(sql, *parameters)
        if sql == "COMMIT":
            with contextlib.suppress(sqlite3.Error):
                ((records,),) = super().execute(COUNT).fetchall()
                if records >= AFTER:
                    kill(os.environ["CLOUDOPS_CONTROLLER"])
        return done


def kill(controller: str) -> None:
    if ALONE:
        late = f"sleep {ALONE}; kill -KILL {controller}"
        subprocess.Popen(["/bin/sh", "-c", late], start_new_session=True)
    else:
        os.killpg(int(controller), signal.SIGKILL)


def connected(*arguments: Any, **named: Any) -> sqlite3.Connection:
    return connect(*arguments, **{**named, "factory": Killing})


if AFTER:
    # the playbook leads its group; its workers may lead groups of their own
    os.environ.setdefault("CLOUDOPS_CONTROLLER", str(os.getpgid(0)))
    sqlite3.connect = connected
