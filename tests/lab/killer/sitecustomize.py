# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A store that kills its controller: on PYTHONPATH, with CLOUDOPS_KILL_AFTER=N, at the N-th record of a recovery.

The record is committed, and nothing after it is done: kill -9 of ansible-playbook with all its workers.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
from typing import Any

AFTER = int(os.environ.get("CLOUDOPS_KILL_AFTER", "0"))
COUNT = "SELECT COUNT(*) FROM cloudops_journal WHERE job = 'ha_recovery'"
connect = sqlite3.connect


class Killing(sqlite3.Connection):
    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        done = super().execute(sql, *parameters)
        if sql == "COMMIT":
            with contextlib.suppress(sqlite3.Error):
                ((records,),) = super().execute(COUNT).fetchall()
                if records >= AFTER:
                    os.killpg(int(os.environ["CLOUDOPS_KILL_GROUP"]), signal.SIGKILL)
        return done


def connected(*arguments: Any, **named: Any) -> sqlite3.Connection:
    return connect(*arguments, **{**named, "factory": Killing})


if AFTER:
    # the playbook leads its group; its workers may lead groups of their own
    os.environ.setdefault("CLOUDOPS_KILL_GROUP", str(os.getpgid(0)))
    sqlite3.connect = connected
