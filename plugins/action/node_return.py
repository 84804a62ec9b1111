# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import conclude
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import NODE_RETURN
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import Entry, Phase, Record, Token
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import boot_gate, wanted
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import node_return as decision
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.node_return import Back, Gate, Job, Stale
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.whereabouts import Verdict, Whereabouts
from ansible_collections.cloudops.hypervisor.plugins.module_utils.host_names import same_host
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.node_return import TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.findings import lines
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import VmUuid
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.fleet_snapshots import KIND, SEARCHED
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.store import existing_store, opened_store
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.vm_zone import Zone

RECORDS = 20000
# a node may be worked on by these while it comes back
OWN = (decision.JOB, decision.MAINTENANCE)
FIT = ("ok", "skipped", "warning")


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _result, options = self.validate_argument_spec(**NODE_RETURN)
        variables = task_vars or {}
        if options["node"] not in variables["ansible_play_hosts_all"]:
            raise AnsibleActionFail(f"Nothing was done: {options['node']} is no host of this play.")
        node = Returning(options, variables)
        told = {"looked": self._looked, "alive": self._alive, "returned": self._returned}[options["state"]]
        return {**result, "changed": False, **told(node)}

    def _looked(self, node: Returning) -> dict[str, Any]:
        word = node.word()
        if word is not None and not self._task.check_mode:
            node.journal([word])
        back = node.back(word)
        findings = decision.judge(back)
        check = conclude(decision.JOB, findings, {"guests": dict(back.guests)}, TABLE)
        return {
            "node": {"name": back.node, "names": node.names, "boot_id": back.boot, "answers": back.fit is not None},
            "gate": back.gate,
            "back": back.came_back is not None,
            "may": not decision.stands(findings),
            "guests": dict(back.guests),
            "released": node.released(word),
            "moves": node.moves(),
            "check": check,
            "page": lines(check, TABLE, node.options["language"]),
        }

    def _alive(self, node: Returning) -> dict[str, Any]:
        """Any sign of life ends what was proven of a node that was off: recoveries read it so."""
        entries = node.life()
        if entries and not self._task.check_mode:
            node.journal(entries)
        return {"ended": [one.step.partition(" ")[2] for one in entries if one.phase is Phase.DONE and one.step]}

    def _returned(self, node: Returning) -> dict[str, Any]:
        evidence = {"host": node.host, "boot_id": node.boot, "names": node.names}
        if not self._task.check_mode:
            node.journal([Entry(decision.JOB, node.name, Phase.DONE, zone=node.zone_name, evidence=evidence)])
        return {"journalled": evidence}


class Returning:
    """A node of a zone, as it answers, and as the journal, the database and the last snapshot have it."""

    def __init__(self, options: Mapping[str, Any], variables: Mapping[str, Any]) -> None:
        self.options = options
        self._variables = variables
        self.zone = Zone(options, variables)
        self.zone_name: str = options["zone"]
        self.host: str = options["node"]
        self.name = self.zone.names[self.host]
        # a recovery calls it by the inventory's name while it is silent
        self.names = list(dict.fromkeys([self.name, self.host]))
        self.answer: Mapping[str, Any] = self.zone.last.get(self.host) or {}
        found = variables["hostvars"].raw_get(self.host).get(options["health"]) or {}
        self._health: Mapping[str, Any] = found if self.answer and found.get("node") else {}

    @property
    def boot(self) -> str:
        return str(self.answer["node"]["boot_id"]) if self.answer else ""

    # The journal

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        with existing_store(self._variables, self.options["store_url"]) as store:
            if store is None:
                return []
            jobs = (decision.RECOVERY, decision.JOB)
            found = [one for job in jobs for one in store.records(job=job, zone=self.zone_name, limit=RECORDS)]
        return [one.as_dict() for one in sorted(found, key=lambda one: one.id)]

    @cached_property
    def open_jobs(self) -> list[Record]:
        with existing_store(self._variables, self.options["store_url"]) as store:
            return [] if store is None else store.open_jobs()

    @cached_property
    def recovery(self) -> Job | None:
        found = [one for one in self.open_jobs if one.entry.job == decision.RECOVERY]
        mine = [one for one in found if one.entry.zone in (self.zone_name, "") or one.entry.subject == self.zone_name]
        return _job(mine[0]) if mine else None

    def journal(self, entries: Sequence[Entry]) -> None:
        token = Token(self.options["lock"], self.options["epoch"]) if self.options["lock"] else None
        with opened_store(self._variables, self.options["store_url"]) as store:
            store.record_all(entries, token)

    def word(self) -> Entry | None:
        """A person gives one VM up for it."""
        text, reason = self.options["release"], self.options["reason"]
        if not text:
            return None
        if not reason.strip():
            raise AnsibleActionFail("Nothing was done. reason: say why this VM is released, for the journal.")
        found = self.zone.resolve(text)
        if len(found) != 1:
            raise AnsibleActionFail(f"release: {text} means {', '.join(found) or 'no VM that a node or row has'}.")
        if str(found[0]) in decision.released(self.records, self.names):
            return None
        evidence = {"host": self.host, "vm": str(found[0]), "asked_for": text, "reason": reason}
        return Entry(decision.JOB, self.name, Phase.NOTE, decision.RELEASE, self.zone_name, evidence=evidence)

    def released(self, word: Entry | None) -> dict[str, str]:
        found = decision.released(self.records, self.names)
        return {**found, word.evidence["vm"]: word.evidence["reason"]} if word is not None else found

    def life(self) -> list[Entry]:
        """All of them in one transaction: never is a recovery left open by this."""
        if not self.answer or self.recovery is not None:
            return []
        entries = []
        for name in decision.unreturned(self.records, self.names):
            step, evidence = f"returned {name}", {"kind": "returned", "subject": name, "boot_id": self.boot}
            entries += [
                Entry(decision.RECOVERY, self.zone_name, phase, step, self.zone_name, evidence=evidence)
                for phase in (Phase.STARTED, Phase.DONE)
            ]
        if entries:
            reason = {"reason": f"{self.name} shows life: what was proven of it before counts no more"}
            entries.append(Entry(decision.RECOVERY, self.zone_name, Phase.CLOSED, zone=self.zone_name, evidence=reason))
        return entries

    @cached_property
    def outage(self) -> str:
        return decision.outage(self.records, self.names, self.boot)

    # Its VMs

    @cached_property
    def kept(self) -> tuple[float, Mapping[VmUuid, Mapping[str, Any]]]:
        """The last verified snapshot in which it was in service, and when that was."""
        until = self.outage or "9"
        with existing_store(self._variables, self.options["store_url"]) as store:
            if store is None:
                return 0.0, {}
            for header in store.documents(KIND, self.zone_name, limit=SEARCHED):
                document = store.get(header.id) if header.created < until else None
                if document is not None and document.body["verified"]:
                    at = datetime.fromisoformat(header.created).timestamp()
                    return at, {VmUuid(one["vm"]): one for one in document.body["vms"]}
        return 0.0, {}

    def _kept_here(self, vm: VmUuid) -> bool:
        one = self.kept[1].get(vm)
        return one is not None and one["state"] != "off" and self._is_me(one["node"] or "")

    def _is_me(self, name: str) -> bool:
        return any(same_host(name, one) for one in self.names)

    def own(self) -> list[VmUuid]:
        """The VMs that ran on it, or that its rows say so of and nobody is known to have stopped."""
        rows = self.zone.database.vms if self.zone.database else ()
        here = {row.vm for row in rows if self._is_me(row.node)}
        known = {*here, *(vm for vm in self.kept[1] if self._kept_here(vm))}
        return sorted(vm for vm in known if (vm in here or self._kept_here(vm)) and not self._stays_off(vm))

    def _stays_off(self, vm: VmUuid) -> bool:
        rows = [row for row in (self.zone.database.vms if self.zone.database else ()) if row.vm == vm]
        text = rows[0].more.get("wanted_state") if len(rows) == 1 else None
        column = None if text is None else str(text).lower() in self.options["wanted_running"]
        at, snapshot = self.kept
        one = snapshot.get(vm)
        kept = None
        if one is not None:
            kept = wanted.Kept(at, one["state"] != "off", "; ".join(one["why"]))
        return wanted.wanted(column, kept, at, "the snapshot").want is wanted.Want.STAYS_OFF

    @cached_property
    def _places(self) -> dict[VmUuid, Whereabouts]:
        every = {*self.own(), *(one.uuid for reading in self.zone.newest for one in reading.domains or ())}
        return {vm: self.zone.whereabouts(vm, self._jobs_of(vm))[0] for vm in every}

    def _jobs_of(self, vm: VmUuid) -> list[Record]:
        return [one for one in self.open_jobs if one.entry.subject == vm]

    def _awake(self, vm: VmUuid) -> list[str]:
        return [
            reading.node
            for reading in self.zone.newest
            for one in reading.domains or ()
            if one.uuid == vm and not one.rests
        ]

    def runs_on(self, vm: VmUuid) -> str:
        """The one node that was seen to run it; empty where it is several, or none."""
        awake = self._awake(vm)
        return awake[0] if len(awake) == 1 and self._places[vm].verdict is Verdict.SOMEWHERE else ""

    def _called(self, vm: VmUuid) -> str:
        names = sorted(one for one in self.zone.vm(vm).names if not one.startswith("/") and one != vm)
        kept = self.kept[1].get(vm) or {}
        return names[0] if names else str(kept.get("name") or "")

    def _unproven(self, vm: VmUuid) -> str:
        where = self._places[vm]
        if where.verdict is Verdict.TWICE_SUSPECTED:
            return "it may run twice, on %s" % ", ".join(self._awake(vm))
        if self._awake(vm):
            return ""
        if where.verdict is Verdict.OFF:
            return "it is off on every node"
        seen = [f"{one.node}: {one.evidence}" for one in where.places if one.counts]
        missing = [" ".join(filter(None, (one.node, one.what, one.why))) for one in where.missing]
        return "; ".join([*seen, *(f"{node} is silent" for node in where.silent), *missing]) or "no node runs it"

    def stale(self) -> list[Stale]:
        found = []
        for vm, where in sorted(self._places.items()):
            mine = [one for one in where.places if one.node == self.name and one.counts and one.kind != "saved"]
            others = [node for node in self._awake(vm) if node != self.name]
            rows = [row.node for row in (self.zone.database.vms if self.zone.database else ()) if row.vm == vm]
            away = [node for node in rows if node and not self._is_me(node)]
            what = "; ".join(one.evidence for one in mine)
            if mine and others:
                found.append(Stale(str(vm), what, ", ".join(others)))
            elif away and any(one.kind == "domain" for one in mine):
                found.append(Stale(str(vm), what, ", ".join(away), runs=False))
        return found

    def moves(self) -> list[dict[str, str]]:
        """What recoveries started elsewhere of its VMs, and still runs there."""
        started = decision.restarted(self.records, self.outage) if self.outage else []
        found = []
        for text in started:
            vm = VmUuid(text)
            if self._kept_here(vm) and vm in self._places and not self._is_me(self.runs_on(vm) or self.name):
                found.append({"vm": str(vm), "name": str(self.kept[1][vm]["name"]), "node": self.runs_on(vm)})
        return found

    # All of it

    def back(self, word: Entry | None) -> Back:
        guests = {str(vm): self.runs_on(vm) for vm in self.own()}
        came = decision.came_back(self.records, self.names, self.boot)
        who = next((f"{one['who']}@{one['host']}" for one in self.records if came and one["at"] == came), "")
        state, _space, boot = self.options["gate"].partition(" ")
        gate = state if state in (Gate.CLOSED, Gate.RELEASED) else Gate.NONE
        mine = [one for one in self.open_jobs if one.entry.subject in self.names]
        in_maintenance = next((_job(one) for one in mine if one.entry.job == decision.MAINTENANCE), None)
        return Back(
            node=self.name,
            fit=(self._health.get("verdict") == "fit") if self.answer else None,
            epoch_known=bool(self.options["epoch_told"]),
            recovery_open=self.recovery is not None,
            guests=guests,
            stale=self.stale(),
            released=list(self.released(word)),
            said={vm: said for vm in guests if (said := self._unproven(VmUuid(vm)))},
            gate=gate,
            boot=self.boot,
            unfit=self._unfit(),
            apart=self._apart(),
            waiting=self._waiting() if gate == Gate.CLOSED else [],
            titles={str(vm): name for vm in self._places if (name := self._called(vm))},
            unread=self._unread(boot.strip() if gate else ""),
            jobs=[_job(one) for one in mine if one.entry.job not in OWN],
            recovery=self.recovery or Job(decision.RECOVERY),
            maintenance=in_maintenance,
            came_back=Job(decision.JOB, came, who) if came else None,
        )

    def _unfit(self) -> list[str]:
        checks = (self._health.get("checks") or {}).items()
        return [
            ": ".join(filter(None, (name, finding["subject"], finding["message"])))
            for name, check in checks
            for finding in check["findings"]
            if finding["status"] not in FIT
        ]

    def _apart(self) -> list[str]:
        if not self.answer or "heartbeat" not in self.options["sources"]:
            return []
        clusters = {}
        for host, answer in self.zone.last.items():
            about = answer["node"]
            clusters[self.zone.names[host]] = {**(about.get("cluster") or {}), "recovering": about["recovering"]}
        return decision.apart(self.name, clusters)

    def _waiting(self) -> list[str]:
        checks = self._health.get("checks") or {}
        guests = ((checks.get("boot") or {}).get("facts") or {}).get("guests") or ()
        # the inventory's hosts by their nodes' names: who is silent has no other
        rounds = [{self.zone.names[host]: one for host, one in answers.items()} for answers in self.zone.answers]
        return boot_gate.obstacles(guests, self.name, self.zone.nodes.names, rounds)

    def _unread(self, boot: str) -> list[tuple[str, str]]:
        found = []
        if "database" in self.options["sources"] and self.zone.database is None:
            found.append(("which VMs the database has on it", self.zone.database_problem or "it was not read"))
        if not self.answer:
            return found
        if self.answer["domains"] is None:
            found.append(("its domains", "libxc did not answer"))
        if any(self.host not in answers for answers in self.zone.answers):
            found.append(("its domains, a second time", "it answered once"))
        age = time.time() - (self.zone.read_at or 0.0)
        if age > self.options["max_age"]:
            found.append(("the zone now", f"it was read {age:.0f} s ago, and {self.options['max_age']:g} s may pass"))
        if not self._health:
            found.append(("its boot check", "it gave no answer"))
        boots = {self.boot, str((self._health.get("node") or {}).get("boot_id") or self.boot), boot or self.boot}
        if len(boots) > 1:
            found.append(("one boot of it", "it booted while it was read: %s" % ", ".join(sorted(boots))))
        return found


def _job(record: Record) -> Job:
    return Job(record.entry.job, record.at, f"{record.who}@{record.host}")
