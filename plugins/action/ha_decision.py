# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import HA_DECISION
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import (
    approved_plan,
    fencing,
    node_death,
    node_return,
    placement,
    quorum,
    recovery,
    recovery_steps,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import plain
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase, phrases_in
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError, build
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import VmUuid
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.recovery_place import Placing
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.recovery_zone import RecoveryZone
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.store import existing_store

# a plan is made without the zone in hand, and nobody can stop it
_TO_PLAN = tuple(one for one in recovery.STAGES if one.name not in ("alone", "stop"))


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _result, self._options = self.validate_argument_spec(**HA_DECISION)
        options, self._variables = self._options, task_vars or {}
        try:
            limits = build(fencing.Limits, options["limits"], "limits.")
            policy = replace(build(recovery_steps.Policy, options["policy"], "policy."), limits=limits)
            where = build(placement.Limits, options["placement"], "placement.")
            self._approval = build(approved_plan.Limits, options["approval"], "approval.")
        except PolicyError as error:
            raise AnsibleActionFail(str(error)) from None
        self._zone = zone = RecoveryZone(options, self._variables, options["memory"])
        placing = Placing(zone, options["vms"], where)
        sight, memory = zone.sight(self._hold(), time.time())
        self._off = recovery.excused(sight.nodes, zone.journal)
        now = time.time()
        stages = recovery.STAGES if options["state"] == "recover" else _TO_PLAN
        decided = recovery.decide(sight, zone.journal, policy, placing, now, stages)
        nodes = {name: self._node(name, sight, policy) for name in sight.nodes}
        steps = [self._step(one) for one in decided.steps]
        told: dict[str, Any] = {
            **result,
            "changed": False,
            "zone": options["zone"],
            "stage": decided.stage,
            "why": decided.why,
            "ended": decided.ended
            or (options["state"] != "recover" and self._is_planned(decided, policy, memory, now)),
            "steps": steps,
            "outs": decided.outs,
            "vms": {str(vm): sorted(zone.vm(vm).names - {vm}) for vm in zone.everyone()},
            "memory": plain(memory),
            "hosts": {zone.names[host]: host for host in zone.hosts},
            "nodes": nodes,
            "off": self._off,
            "leases": zone.leases_wanted(
                vm for vm, one in decided.outs.items() if one.way is not recovery_steps.Way.RUNS
            ),
            "addresses": {host: list(zone.doubted_addresses) for host in zone.silent_hosts},
            "remedy": plain(placing.last.remedy) if placing.last else None,
            "open": zone.open_since,
            "database": {"read": zone.database is not None, "problem": zone.database_problem},
        }
        return {**plain(told), "phrases": phrases_in([decided, nodes, steps])}

    def _hold(self) -> recovery_steps.Hold | None:
        given = self._options["hold"]
        return recovery_steps.Hold(epoch=int(given["epoch"])) if given else None

    def _is_planned(
        self, decided: recovery.Decision, policy: recovery_steps.Policy, memory: Mapping[str, Any], now: float
    ) -> bool:
        """Another look would bring nothing: there is a plan, or what it lacks does not come by itself."""
        waits = [one.until for one in decided.steps if isinstance(one, recovery_steps.Observe)]
        if not waits:
            return True
        return max(waits) <= now + policy.poll and self._zone.settled(memory, now)

    def _step(self, step: recovery_steps.Step) -> dict[str, Any]:
        """The step as the role carries it out and journals it: what it needs beside what was decided is filled in."""
        told = {"kind": step.kind, **{name: _finite(value) for name, value in asdict(step).items()}}
        if isinstance(step, recovery_steps.Start):
            told["config"] = self._zone.config_of(VmUuid(step.subject), step.node)
            told["not_after_there"] = step.not_after + self._zone.ahead_of(step.node)
        if isinstance(step, (recovery_steps.Start, recovery_steps.DestroyCopy)):
            told["proven_ended"] = self._zone.left_by(step.subject, self._off)
        if isinstance(step, recovery_steps.CloseJob):
            told["journalled_as"] = self._zone.journalled_as(step.subject, step.job)
        if isinstance(step, recovery_steps.Show) and self._options["plan"] is not None:
            told.update(self._approved(told))
        # the journal keeps them with the step: a plan's reasons are told again when it ends
        return {**told, "phrases": phrases_in(told)}

    def _approved(self, today: Mapping[str, Any]) -> dict[str, Any]:
        """Today's plan, as far as the one that was approved has it; ``approval`` says by whom, or why it does not."""
        number = self._options["plan"]
        with existing_store(self._variables, self._options["store_url"]) as store:
            document = store.get(number) if store is not None else None
        if document is None or (document.header.kind, document.header.name) != (
            node_return.RECOVERY,
            self._options["zone"],
        ):
            raise AnsibleActionFail(f"plan: {number} is no plan for a recovery of {self._options['zone']}.")
        approval = document.header.approval
        if approval is None:
            return {"approval": {"by": "", "refused": Phrase("plan_unapproved", number), "moved": []}}
        age = time.time() - datetime.fromisoformat(approval.at).timestamp()
        found = approved_plan.covered(today, document.body, age, self._approval)
        if found.refused:
            return {"approval": {"by": approval.approver, "refused": found.refused, "moved": list(found.moved)}}
        left = {vm: asdict(_NOT_APPROVED) for vm in found.moved if vm in today["starts"]}
        return {
            "fences": dict(found.fences),
            "starts": dict(found.starts),
            "left": {**today["left"], **left},
            "approval": {"by": approval.approver, "refused": "", "moved": list(found.moved)},
        }

    def _node(self, name: str, sight: recovery_steps.Sight, policy: recovery_steps.Policy) -> Mapping[str, Any]:
        node, witnesses = sight.nodes[name], self._zone.witnesses(name)
        decision = node_death.decide(node.readings)
        decided = None if node.cut is None else quorum.quorum(node.cut, sight.at, policy.limits.takes)
        return {
            "verdict": decision.verdict,
            "rule": decision.rule,
            "missing": decision.missing,
            "readings": {
                each: {"reading": node_death.WORDS[one.reading.value], "evidence": one.evidence}
                for each, one in witnesses.items()
            },
            "read_at": sight.at,
            "age": max(time.time() - sight.at, 0.0),
            "answers": node.answers,
            "fit": node.fit,
            "maintenance": node.maintenance,
            "present": node.present,
            "epoch": node.epoch,
            "recovering": node.recovering,
            "quorum": None if decided is None else {**asdict(decided), "left": decided.left(sight.at)},
        }


_NOT_APPROVED = recovery_steps.Out(recovery_steps.Way.NOT_STARTED, Phrase("plan_lacks_it"), Phrase("do_new_plan"))


def _finite(value: Any) -> Any:
    """JSON has no infinity: a step that does not grow old has None."""
    return None if value == float("inf") else value
