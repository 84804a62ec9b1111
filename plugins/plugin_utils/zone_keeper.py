# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A zone held in the uxen database for longer than one task.

An advisory lock lasts as long as its session, and a task's process ends with the task: a process of its own has the
session, until it is ended by the server or the playbook has.
"""

from __future__ import annotations

import os
import select

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.process import Process
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.uxen_database import (
    Holder,
    UxenDatabase,
    UxenDatabaseError,
)

LOOK_SECONDS = 1.0


def keep(database: UxenDatabase, holder: Holder, playbook: Process) -> None:
    """Returns when the zone is held, and raises UxenDatabaseError if it is not."""
    told, tells = os.pipe()
    child = os.fork()
    if child == 0:
        # a grandchild: nobody waits for it
        if os.fork() == 0:
            _keep_apart(tells, database, holder, playbook)
        os._exit(0)
    os.close(tells)
    os.waitpid(child, 0)
    with os.fdopen(told, encoding="utf-8") as pipe:
        said = pipe.read()
    if said != "held":
        raise UxenDatabaseError(said or "The process that was to hold the zone has ended.")


def _keep_apart(tells: int, database: UxenDatabase, holder: Holder, playbook: Process) -> None:
    """Never returns. Nothing of the playbook's is left open: it would wait for its end."""
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nothing, standard)
        os.closerange(3, tells)
        os.closerange(tells + 1, os.sysconf("SC_OPEN_MAX"))
        with database.holding(holder) as session:
            os.write(tells, b"held")
            os.close(tells)
            # the server speaks on an idle session only to end it
            while not select.select([session.fileno()], [], [], LOOK_SECONDS)[0] and not playbook.is_gone():
                pass
    except UxenDatabaseError as error:
        os.write(tells, str(error).encode())
    finally:
        os._exit(0)
