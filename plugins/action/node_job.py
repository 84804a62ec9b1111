# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a job on the node and follows it: the program is packed here, and lost answers are asked for again here."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.jobs.options import NODE_JOB
from ansible_collections.cloudops.hypervisor.plugins.module_utils.jobs.run import KINDS
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError, build
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.node_job import ROOT, State, parse_order
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.job_talk import NoAnswer, Talk, shortcoming
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.one_trip import OneTripAction, packed, program

PROGRAM = "jobs.run"
# before Ansible forks, as the body itself
packed(PROGRAM)
# what a job may need beyond its own time to end and to write its result
TO_END = 120.0


class ActionModule(OneTripAction):
    body = "systems.node_job"
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = ActionBase.run(self, tmp, task_vars)
        _result, options = self.validate_argument_spec(**NODE_JOB)
        self._variables = task_vars or {}
        host = self._variables["inventory_hostname"]
        talk = Talk(self._ask, lambda line: Display().display(f"{host}: {line}"), options["patience"], options["poll"])
        act = {"started": self._start, "stopped": self._stop, "journalled": self._journal}[options["state"]]
        try:
            return {**result, **act(talk, options)}
        except NoAnswer as error:
            said = (
                f"{host} gives no answer any more, so that it is not known what became of the job {options['name']}."
                " It goes on without us, and is found again by the same task on this host. Start it nowhere else"
                f" until it has ended or the node is proven off. {error}"
            )
            return {**result, "failed": True, "changed": False, "msg": said, "job": None}

    def _start(self, talk: Talk, options: dict[str, Any]) -> dict[str, Any]:
        order = _order(options)
        if self._task.check_mode:
            answer = talk.persist({"do": "check", "order": order})
            return answer if answer.get("failed") else _result(answer, answer["job"]["state"] == State.NEVER_STARTED)
        sent = program(PROGRAM, {"root": ROOT, "name": options["name"]})
        answer = talk.persist({"do": "start", "order": order, "program": sent})
        if answer.get("failed"):
            return answer
        # started by a request whose answer was lost, it is found by the next
        changed = answer["changed"] or talk.lost > 0
        if not options["wait"]:
            return _result(answer, changed, _unless(answer["job"], State.RUNNING))
        job = talk.follow(answer["job"], options["timeout"] + TO_END)
        return _result({"job": job}, changed, shortcoming(job))

    def _stop(self, talk: Talk, options: dict[str, Any]) -> dict[str, Any]:
        if self._task.check_mode:
            (job,) = talk.persist({"do": "read", "name": options["name"]}).get("jobs") or [None]
            return _result({"job": job}, bool(job) and job["state"] in (State.RUNNING, State.NEVER_STARTED))
        answer = talk.persist({"do": "stop", "name": options["name"], "patience": options["timeout"]})
        if answer.get("failed"):
            return answer
        job = answer["job"]
        ended = job["state"] in (State.FINISHED, State.LOST, State.REVOKED)
        return _result(answer, answer["changed"], "" if ended else shortcoming(job))

    def _journal(self, talk: Talk, options: dict[str, Any]) -> dict[str, Any]:
        if self._task.check_mode:
            (job,) = talk.persist({"do": "read", "name": options["name"]}).get("jobs") or [None]
            return _result({"job": job}, bool(job) and not job["journalled"])
        answer = talk.persist({"do": "journal", "name": options["name"]})
        return answer if answer.get("failed") else _result(answer, answer["changed"])

    def _ask(self, params: dict[str, Any]) -> dict[str, Any]:
        """One trip. NoAnswer when the connection failed; whatever else is in the way is the task's failure."""
        try:
            given = self._carried(self._sent(params))
        except AnsibleConnectionFailure as error:
            # a shared connection that has died would be tried again and again
            with contextlib.suppress(AnsibleError):
                self._connection.reset()
            raise NoAnswer(str(error)) from error
        answer = self._answer(given)
        if answer is None:
            said = (given["stderr"] or given["stdout"]).strip() or f"rc {given['rc']}"
            raise AnsibleActionFail(f"The node could not be asked: {said}")
        return answer

    def _carried(self, sent: bytes) -> dict[str, Any]:
        command = self._command(self._variables)
        if self._is_pipelining_enabled("new"):
            return self._low_level_execute_command(command, in_data=sent)
        folder = self._make_tmp_path()
        try:
            path = self._transfer_data(self._connection._shell.join_path(folder, "program"), sent)
            self._fixup_perms2((folder, path), execute=False)
            return self._low_level_execute_command(f"{command} < {path}")
        finally:
            self._remove_tmp_path(folder)


def _order(options: dict[str, Any]) -> dict[str, Any]:
    """The order, refused here as the node would refuse it."""
    order = {name: options[name] for name in ("name", "kind", "zone", "epoch", "timeout", "not_after", "spec")}
    try:
        build(KINDS[order["kind"]].spec, order["spec"], "spec.")
        parse_order(json.dumps(order))
    except (PolicyError, NotUnderstood) as error:
        raise AnsibleActionFail(str(error)) from None
    return order


def _unless(job: dict[str, Any], allowed: State) -> str:
    return "" if job["state"] == allowed else shortcoming(job)


def _result(answer: dict[str, Any], changed: bool, why: str = "") -> dict[str, Any]:
    told = {"job": answer["job"], "changed": changed}
    return {**told, "failed": True, "msg": why} if why else told
