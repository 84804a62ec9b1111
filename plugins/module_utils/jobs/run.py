# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program of a job's unit: it runs the order that lies in its folder, once."""

from __future__ import annotations

import signal
import time
import traceback
from typing import Any, Dict, List, Mapping

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Host, LocalHost
from ansible_collections.cloudops.hypervisor.plugins.module_utils.jobs import migration, power
from ansible_collections.cloudops.hypervisor.plugins.module_utils.jobs.tools import Kind, Kinds, Tools
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError, build
from ansible_collections.cloudops.hypervisor.plugins.module_utils.refusal import Refusal
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.node_job import End, Folder, newest

KINDS: Kinds = {
    "vm_start": Kind(power.VmStart, power.vm_start),
    "vm_stop": Kind(power.VmStop, power.vm_stop),
    "vm_pause": Kind(power.VmPause, power.vm_pause),
    "vm_hold": Kind(power.VmHold, power.vm_hold),
    "vm_migrate": Kind(migration.VmMigrate, migration.vm_migrate),
    "vm_settle": Kind(migration.VmSettle, migration.vm_settle),
    "vm_discard": Kind(migration.VmDiscard, migration.vm_discard),
}


def answer(params: Mapping[str, Any]) -> Dict[str, Any]:
    """``root`` and ``name`` say which job; the answer is for the unit's log."""
    return run(LocalHost(), params["root"], params["name"], KINDS)


def run(host: Host, root: str, name: str, kinds: Kinds) -> Dict[str, Any]:
    asked: List[int] = []
    # noted, and heeded where nothing is half done
    signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    folder = Folder(root, name, host)
    order = folder.order()
    if order is None or not folder.begin():
        return {"begun": False}
    tools = Tools(host, root, order, lambda: bool(asked))
    result: Mapping[str, Any] = {}
    refusal: Mapping[str, Any] = {}
    rc = 1
    try:
        order.epoch.check(newest(host, root), Phrase("this_node"))
        kind = kinds[order.kind]
        result, rc = kind.work(build(kind.spec, order.spec), tools), 0
    except Refusal as error:
        refusal = error.as_dict()
    except PolicyError as error:
        refusal = Refusal("spec", str(error), option=error.option).as_dict()
    except Exception as error:
        # a job without a result would be taken for lost
        said = "%s: %s" % (type(error).__name__, error)
        refusal, rc = Refusal("crashed", said, trace=traceback.format_exc()[-4000:]).as_dict(), 2
    folder.set_end(End(rc, time.time(), tools.acted, result, refusal, tuple(tools.warnings)))
    return {"begun": True, "rc": rc, "refusal": refusal}
