# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings one VM on this node into a state: decided from a proof, journalled around each step, read again after it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import XEN_VM
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import (
    Entry,
    Phase,
    Record,
    Store,
    Token,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.uxen_api import UxenApi, UxenApiError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import vm_act
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.vm_act import Act, Proof, State, Wish
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.refusal import Refusal, said_by
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import VmUuid
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils import api_act
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.api_act import Done
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.job_talk import shortcoming
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.store import existing_store, opened_store

JOB = "xen_vm"
LOOKED_EVERY = 3.0
# of the answer of xen_vm_info: why a domain does not run
RESTS = ("crashed", "dying", "shutdown", "paused")
ENDED = ("finished", "lost", "revoked")
API_ACTS = (Act.START, Act.STOP, Act.MIGRATE)


class ActionModule(ActionBase):
    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _result, self._options = self.validate_argument_spec(**XEN_VM)
        self._variables = task_vars or {}
        self._host: str = self._variables["inventory_hostname"]
        try:
            return {**result, **self._apply()}
        except (Refusal, UxenApiError) as error:
            refusal = error if isinstance(error, Refusal) else Refusal("api", str(error))
            return {**result, "changed": False, "failed": True, "msg": refusal.said, "refusal": refusal.as_dict()}

    def _apply(self) -> dict[str, Any]:
        options = self._options
        try:
            self._vm = VmUuid(options["vm"])
        except ValueError as error:
            raise AnsibleActionFail(f"vm: {error}") from None
        self._known = self._proven()
        self._node = next((name for name, host in options["proof"]["hosts"].items() if host == self._host), "")
        if not self._node:
            raise Refusal("no_proof", f"{self._host} is none of the nodes that the proof has an answer of.")
        wish = Wish(
            State(options["state"]),
            self._node,
            options["target"] or "",
            options["max_age"],
            options["quiet"],
            options["ha_held_off"],
        )
        foreseen = self._task.check_mode
        # in check mode nothing is settled, and what is open is no more than named
        opened = existing_store if foreseen else opened_store
        with opened(self._variables, options["store_url"]) as store:
            jobs = [] if store is None else [*self._still_open(store, foreseen)]
            decision = vm_act.decide(_proof(self._known, options["proof"]), wish, time.time(), tuple(jobs))
            if decision.refused:
                raise Refusal(decision.refused, Phrase("vm_left_alone", self._vm, decision.said))
            told = self._told(decision.act)
            if decision.act is Act.NOTHING or foreseen or store is None:
                return told
            self._check(decision.act)
            return {**told, **self._act(store, decision.act)}

    def _proven(self) -> Mapping[str, Any]:
        proof = self._options["proof"]
        found = [one for one in proof.get("vms") or [] if one.get("vm") == self._vm]
        if len(found) != 1 or proof.get("zone") != self._options["zone"] or "hosts" not in proof:
            said = f"The proof is not what vm_whereabouts returned of {self._vm} in {self._options['zone']}."
            raise Refusal("no_proof", said)
        return dict(found[0])

    def _told(self, act: Act) -> dict[str, Any]:
        """What would be done, and what was."""
        about = {"vm": str(self._vm), "node": self._node, "act": act.value or None, "by": self._options["by"]}
        told: dict[str, Any] = {**about, "changed": act is not Act.NOTHING, "domain": self._domain_of(self._known)}
        if told["changed"]:
            state = self._options["state"]
            where = self._options["target"] if act is Act.MIGRATE else self._node
            shown = ", ".join(_described(one) for one in self._known["domains"]) or "off"
            after = "off" if state == "stopped" else f"{where}: {'paused' if state == 'paused' else 'running'}"
            texts = {"before": f"{shown}\n", "after": f"{after}\n"}
            told["diff"] = {"before_header": about["vm"], "after_header": about["vm"], **texts}
        return told

    def _domain_of(self, vm: Mapping[str, Any]) -> Mapping[str, Any] | None:
        return next((_domain(one) for one in vm["domains"] if one["node"] == self._node), None)

    def _check(self, act: Act) -> None:
        if self._options["by"] == "api" and act not in API_ACTS:
            raise Refusal("by_xl", f"The API has no request for {act.value}: it is done by xl.")
        if act is Act.START and self._options["by"] == "xl" and not self._config:
            found = [one["path"] for one in self._known["configs"]]
            said = f"config: the .cfg to start it from is wanted; this node has {', '.join(found) or 'none'}."
            raise Refusal("no_config", said)

    @property
    def _config(self) -> str:
        """As given, or the only one that this node has."""
        found = {one["path"] for one in self._known["configs"] if self._host in one["hosts"]}
        return self._options["config"] or (found.pop() if len(found) == 1 else "")

    # What an earlier run left open

    def _still_open(self, store: Store, foreseen: bool) -> Iterator[str]:
        for record in store.open_jobs(subject=self._vm):
            entry = record.entry
            if entry.job in self._options["within"]:
                continue
            said = f"{entry.job} since {record.at} by {record.who} ({_words(entry.evidence)})"
            if entry.job != JOB or foreseen:
                yield said
            elif entry.evidence.get("request"):
                if not self._settle_request(store, record):
                    yield said
                elif entry.evidence.get("lease") and entry.evidence.get("host") == self._host:
                    self._give_back(entry.evidence["lease"])
            elif entry.evidence.get("host") != self._host:
                yield f"{said}; the same task on {entry.evidence.get('host')} settles it"
            else:
                self._settle_job(store, record)

    def _settle_request(self, store: Store, record: Record) -> bool:
        """A request to the API whose answer was lost: the VM that it wanted is there, or its bound is over."""
        entry = record.entry
        running = [one for one in self._known["domains"] if not _rests(one)]
        wanted = entry.evidence.get("act")
        came = (
            bool(running) if wanted == Act.START.value else wanted == Act.STOP.value and self._known["verdict"] == "off"
        )
        if came:
            self._record(store, replace(entry, phase=Phase.DONE, evidence={"found": _words_of(running)}))
            return True
        if time.time() - datetime.fromisoformat(record.at).timestamp() <= float(entry.evidence.get("bound") or 300.0):
            return False
        reason = f"no answer within its bound; read again, the VM is {self._known['verdict']}"
        self._record(store, replace(entry, phase=Phase.CLOSED, evidence={"reason": reason}))
        return True

    def _settle_job(self, store: Store, record: Record) -> None:
        """A job of this node whose end was not heard of. One that has not begun never will."""
        name = str(record.entry.evidence.get("job"))
        job = self._read_job(name)
        if job["state"] == "running":
            raise Refusal(
                "still_running", f"{name} still runs on {self._node}: wait for its end and read the nodes again."
            )
        if job["state"] not in ENDED:
            job = self._action("node_job", {"name": name, "state": "stopped", "timeout": 60.0}).get("job") or job
        if job["state"] not in ENDED:
            raise Refusal("unsettled", f"What became of {name} on {self._node} is not known: it is {job['state']}.")
        self._record(store, replace(record.entry, **_ended(job)))
        if (job["ended"] or 0.0) > self._options["proof"]["read_at"]:
            raise Refusal("too_old", f"{name} ended after the nodes were read: read them again.")

    def _read_job(self, name: str) -> Mapping[str, Any]:
        answer = self._action("node_job_info", {"name": name})
        if answer.get("failed") or not answer.get("jobs"):
            raise Refusal("unsettled", f"What became of {name} on {self._node} is not known: {answer.get('msg')}")
        return dict(answer["jobs"][0])

    # Acting

    def _act(self, store: Store, act: Act) -> dict[str, Any]:
        options = self._options
        about = {"node": self._node, "host": self._host, "act": act.value, "by": options["by"]}
        step = self._by_api(act, about) if options["by"] == "api" else self._by_xl(act, about)
        started = Entry(JOB, self._vm, Phase.STARTED, zone=options["zone"], evidence=next(step))
        self._record(store, started)
        done = next(step)
        if done.phase is not None:
            self._record(store, replace(started, phase=done.phase, evidence=done.evidence))
        told = {"domain": done.domain, **{key: done.evidence[key] for key in ("job",) if key in done.evidence}}
        if done.said:
            refusal = Refusal(done.code, done.said).as_dict()
            return {**told, "changed": done.phase is None, "failed": True, "msg": done.said, "refusal": refusal}
        return told

    def _by_xl(self, act: Act, about: Mapping[str, Any]) -> Iterator[Any]:
        """First the evidence of what is about to be done, then what became of it."""
        options = self._options
        kind, spec = self._order(act)
        name = f"{act.value.removeprefix('vm_')}-{self._vm}-{options['epoch']}-{int(time.time())}"
        timeout = options["timeout"] + (options["grace"] if act is Act.STOP else 0.0)
        yield {**about, "job": name, "spec": spec, "epoch": options["epoch"]}
        order = {"name": name, "kind": kind, "spec": spec, **self._of_proof()}
        try:
            answer = self._action("node_job", {**order, "timeout": timeout})
        except AnsibleError as error:
            # it may have been started before this went wrong
            answer = {"failed": True, "msg": str(error), "job": None}
        job = answer.get("job")
        if answer.get("failed") and answer.get("refusal"):
            refusal = answer["refusal"]
            refused = Phrase("vm_node_refused", said_by(refusal))
            yield Done(Phase.CLOSED, {"reason": refusal["said"]}, refusal["code"], refused)
        elif not job or job["state"] not in ENDED:
            said = answer.get("msg") or "it did not end in time"
            yield Done(None, {}, "unknown", f"{said} The journal has it as open; the same task settles it.")
        elif job["state"] != "finished" or job["rc"] != 0:
            code = (job["refusal"] or {}).get("code") or job["state"]
            yield Done(**_ended(job), code=code, said=shortcoming(job), domain=self._read_again())
        else:
            domain = self._read_again()
            yield Done(Phase.DONE, {"job": job["name"], "result": job["result"], "domain": domain}, domain=domain)

    def _of_proof(self) -> dict[str, Any]:
        """What every order has: a job that comes to this node, or to its lease, when the proof is old does nothing."""
        options, proof = self._options, self._options["proof"]
        limit = proof["read_at"] + options["max_age"] + proof["ahead"][self._node]
        return {"zone": options["zone"], "epoch": options["epoch"], "not_after": limit}

    def _order(self, act: Act) -> tuple[str, dict[str, Any]]:
        options = self._options
        held = {"uuid": str(self._vm), "volume": options["volume"], "proven_ended": options["proven_ended"]}
        kept = {**held, "local": options["local"]}
        if act is Act.START:
            return "vm_start", {**kept, "config": self._config}
        if act is Act.STOP:
            return "vm_stop", {**kept, "grace": options["grace"], "force": options["force"]}
        if act is Act.MIGRATE:
            target = options["target"]
            boot_id = options["proof"]["boots"].get(target)
            if not boot_id:
                raise Refusal("no_proof", f"target: the proof has no answer of {target}.")
            where = {"target": options["target_address"] or target, "node": target, "boot_id": boot_id}
            return "vm_migrate", {**held, **where}
        return "vm_pause", {**kept, "paused": act is Act.PAUSE}

    def _by_api(self, act: Act, about: Mapping[str, Any]) -> Iterator[Any]:
        options = self._options
        api = UxenApi(options["uxen_api"], str(self._variables.get("ansible_host") or self._host))
        requests = {
            Act.START: ("start", lambda: api.start(self._vm), {}),
            Act.STOP: ("stop", lambda: api.stop(self._vm, options["force"]), {"force": str(options["force"]).lower()}),
            Act.MIGRATE: ("migrate", lambda: api.migrate(self._vm, options["target"]), {"target": options["target"]}),
        }
        name, send, values = requests[act]
        asked = api.asked(name, vm=self._vm, **values)
        lease = f"hold-{self._vm}-{options['epoch']}-{int(time.time())}"
        yield {**about, "request": asked, "bound": api.bound, "epoch": options["epoch"], "lease": lease}
        node = api_act.Node(
            self._node,
            lambda seconds: self._hold(lease, seconds, act),
            lambda: self._give_back(lease),
            lambda within: self._seen(act, within),
        )
        yield api_act.ask(node, asked, send, api.bound)

    def _hold(self, name: str, seconds: float, act: Act) -> tuple[str, str] | None:
        """The VM's lease, as the API's own xl cannot have it: a node job has it meanwhile."""
        options = self._options
        spec = {"uuid": str(self._vm), "volume": options["volume"], "local": options["local"], "seconds": seconds}
        spec.update(proven_ended=options["proven_ended"], off=act is Act.START)
        order = {"name": name, "kind": "vm_hold", "spec": spec, **self._of_proof()}
        ends = time.monotonic() + options["timeout"]
        try:
            answer = self._action("node_job", {**order, "timeout": options["timeout"], "wait": False})
            job = answer.get("job")
            while job and job["state"] == "running" and not _holds(job) and time.monotonic() < ends:
                time.sleep(LOOKED_EVERY)
                job = self._read_job(name)
        except (AnsibleError, Refusal) as error:
            return "unknown", f"whether the VM's lease was had is not known: {error}"
        if job and job["state"] == "running" and _holds(job):
            return None
        refusal = (job or {}).get("refusal") or answer.get("refusal") or {}
        self._give_back(name)
        said = (
            refusal.get("said") or (job or {}).get("why") or answer.get("msg") or "its lease did not come free in time"
        )
        return str(refusal.get("code") or "no_lease"), str(said)

    def _give_back(self, name: str) -> None:
        # one that is not reached ends by itself
        with contextlib.suppress(AnsibleError):
            self._action("node_job", {"name": name, "state": "stopped", "timeout": 60.0})

    def _seen(self, act: Act, within: float) -> tuple[bool, Mapping[str, Any] | None]:
        """Whether the node came to show what was asked for, and its domain."""
        ends = time.monotonic() + within
        while True:
            answer = self._read_node()
            own = None if answer is None or answer["domains"] is None else self._own(answer)
            if own is not None:
                awake = [one for one in own if not _rests(one)]
                if len(awake) == 1 if act is Act.START else not own:
                    return True, _domain(awake[0]) if awake else None
            if time.monotonic() >= ends:
                return False, _domain(own[0]) if own else None
            time.sleep(min(LOOKED_EVERY, max(ends - time.monotonic(), 0)))

    # Reading

    def _read_node(self) -> Mapping[str, Any] | None:
        try:
            answer = self._action("xen_vm_info", {"roots": self._options["roots"]})
        except AnsibleError:
            return None
        return answer if answer.get("node") else None

    def _read_again(self) -> Mapping[str, Any] | None:
        """Where it really runs, and its port: rule 35."""
        answer = self._read_node()
        own = self._own(answer) if answer is not None and answer["domains"] is not None else []
        return _domain(own[0]) if own else None

    def _own(self, answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        return [{"node": self._node, **one} for one in answer["domains"] if one["uuid"] == self._vm]

    def _action(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Another of the collection's actions, on the same node and connection."""
        task = self._task.copy()
        task.args = dict(arguments)
        loader = self._shared_loader_obj.action_loader
        action = loader.get(
            f"cloudops.hypervisor.{name}",
            task=task,
            connection=self._connection,
            play_context=self._play_context,
            loader=self._loader,
            templar=self._templar,
            shared_loader_obj=self._shared_loader_obj,
        )
        answer: dict[str, Any] = action.run(task_vars=self._variables)
        return answer

    def _record(self, store: Store, entry: Entry) -> None:
        # whoever lost the zone's lock may only say what became of what was begun
        token = Token(self._options["zone"], self._options["epoch"]) if entry.phase is Phase.STARTED else None
        store.record(entry, token)


def _holds(job: Mapping[str, Any]) -> bool:
    return bool((job["progress"] or {}).get("step") == "held")


def _ended(job: Mapping[str, Any]) -> dict[str, Any]:
    """What the journal says of a job that has ended."""
    if job["state"] == "finished" and job["rc"] == 0:
        return {"phase": Phase.DONE, "evidence": {"job": job["name"], "result": job["result"]}}
    acted = ", and may have changed something" if job["acted"] else ""
    return {"phase": Phase.CLOSED, "evidence": {"job": job["name"], "reason": f"{job['why'] or job['state']}{acted}"}}


def _proof(vm: Mapping[str, Any], proof: Mapping[str, Any]) -> Proof:
    """From what vm_whereabouts returned."""
    others = [one for one in vm["places"] if one["kind"] != "domain" and one["counts"]]
    return Proof(
        vm["verdict"] == "off",
        vm["off_since"],
        proof["read_at"],
        vm["twice"] or vm["verdict"] == "twice_suspected",
        tuple(
            vm_act.Domain(one["node"], one["id"], _rests(one), one["incoming"] or one["migrated_away"])
            for one in vm["domains"]
        ),
        tuple(f"{one['node']}: {one['evidence']}" for one in others),
        tuple(vm["silent"]),
        tuple(": ".join(filter(None, (one["node"], one["what"], one["why"]))) for one in vm["missing"]),
    )


def _rests(domain: Mapping[str, Any]) -> str:
    return next((name for name in RESTS if domain["state"].get(name)), "")


def _domain(one: Mapping[str, Any]) -> dict[str, Any]:
    """A domain, short: its port as it really is."""
    port = one["vnc"]["listening"] or one["vnc"]["xenstore"] or one["vnc"]["qmp"]
    return {"node": one["node"], "id": one["id"], "name": one["name"], "rests": _rests(one), "port": port}


def _described(one: Mapping[str, Any]) -> str:
    return f"{one['node']}: domain {one['id']} {_rests(one) or 'running'}"


def _words_of(domains: list[Mapping[str, Any]]) -> str:
    return ", ".join(map(_described, domains)) or "off"


def _words(evidence: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {evidence[name]}" for name in ("node", "act", "job", "request") if evidence.get(name))
