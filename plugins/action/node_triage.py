# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import conclude
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients import bmc as bmcs
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import NODE_TRIAGE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import Entry, Phase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import LocalHost
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import guest_life, node_death
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.node_death import (
    Bmc,
    Decision,
    Witness,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding, Status, verdict
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.node_death import TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.files import write
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.store import existing_store, opened_store

CHECK = "node_death"
REPORTS_SEARCHED = 50


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _result, options = self.validate_argument_spec(**NODE_TRIAGE)
        variables = task_vars or {}
        triage = _Triage(options, variables)
        witnesses = triage.witnesses()
        decision = node_death.decide(node_death.readings(witnesses))
        own = triage.own
        health = _health(triage.name, decision, witnesses, triage.guests())
        checks = {CHECK: health, **(own.get("checks") or {})}
        result.update(
            changed=False,
            in_doubt=options["in_doubt"],
            checks=checks,
            took=own.get("took") or {},
            node=own.get("node") or {},
            verdict=verdict(Status(health["status"]) for health in checks.values()).value,
        )
        if options["in_doubt"] and not self._task.check_mode:
            result["evidence_directory"] = triage.keep(result, witnesses)
            facts = {name: one.reading.value for name, one in witnesses.items()}
            evidence = {"verdict": decision.verdict.value, **facts, "directory": result["evidence_directory"]}
            with opened_store(variables, options["store_url"]) as store:
                store.record(Entry("hang_triage", triage.name, Phase.NOTE, evidence=evidence))
        return result


class _Triage:
    """One node, seen from all others, from the controller and from its BMC."""

    def __init__(self, options: Mapping[str, Any], variables: Mapping[str, Any]) -> None:
        self.options = options
        self.variables = variables
        self.name: str = variables["inventory_hostname"]
        self.own = self._registered(self.name, options["results"])
        self.others = [host for host in variables["ansible_play_hosts_all"] if host != self.name]
        self.bmc = bmcs.of(options["bmc"])

    def _registered(self, host: str, name: str) -> Mapping[str, Any]:
        return self.variables["hostvars"].raw_get(host).get(name) or {}

    def witnesses(self) -> dict[str, Witness]:
        answered = {host: self._registered(host, self.options["results"]) for host in self.others}
        answered = {host: result for host, result in answered.items() if result.get("checks")}
        views = {host: (result["checks"].get("o2cb") or {}).get("facts") or {} for host, result in answered.items()}
        probes = {host: self._registered(host, self.options["probes"]).get("answers") or {} for host in answered}
        ssh = self.options["ssh"]
        boot = str((self.own.get("node") or {}).get("boot_id", "")) if self.own.get("checks") else None
        greeted = tuple(host for host, seen in sorted(probes.items()) if seen.get(ssh))
        here = self.options["controller_probe"].get("answers") or {}
        greeted += ("the controller",) if here.get(ssh) else ()
        return {
            "management": node_death.management(boot, self._recorded_boot(), greeted, tuple(sorted(answered))),
            "heartbeat": node_death.heartbeat(self.name, views),
            "peers": node_death.peers(self.name, views),
            "guests": node_death.guests(
                tuple(self.options["vm_addresses"]),
                {**probes, "the controller": here},
                guest_life.elsewhere(self.options["vm_macs"], {host: self._vms(host)[-1] for host in self.others}),
                tuple(one.said for one in self.guests() if one.lives),
            ),
            "bmc": self._power(),
        }

    def _vms(self, host: str) -> list[Mapping[str, Any]]:
        """What the host has of every VM, reading by reading; nothing where it gave none."""
        answers = [self._registered(host, name) for name in self.options["vms"]]
        return [answer if answer.get("node") else {} for answer in answers] or [{}]

    def guests(self) -> tuple[guest_life.Guest, ...]:
        """The domains of the host itself, as far as it answers."""
        readings = self._vms(self.name)
        return guest_life.life(readings[0], readings[-1]) if len(readings) > 1 else ()

    def _power(self) -> Witness:
        if self.bmc is None:
            return Witness(Bmc.MISSING, (Phrase("witness_no_bmc"),))
        if not self.options["in_doubt"]:
            return Witness(Bmc.MISSING, (Phrase("witness_not_in_doubt"),))
        power = bmcs.power(LocalHost(), self.bmc)
        said = (f"{self.bmc.address}: {power.said}",)
        if power.state:
            return Witness(Bmc.ON if power.state == "on" else Bmc.OFF, said)
        return Witness(Bmc.SILENT if power.silent else Bmc.MISSING, said)

    def _recorded_boot(self) -> str | None:
        """As the last boot check that reached the node reported it."""
        with existing_store(self.variables, self.options["store_url"]) as store:
            if store is None:
                return None
            for header in store.documents("report", "node_boot_check", limit=REPORTS_SEARCHED):
                document = store.get(header.id)
                nodes = document.body["nodes"] if document is not None else []
                for node in nodes:
                    if node["name"] == self.name and node["identity"].get("boot_id"):
                        return str(node["identity"]["boot_id"])
        return None

    def keep(self, result: Mapping[str, Any], witnesses: Mapping[str, Witness]) -> str:
        """Everything that was seen, and what reading a hung node again would not show, in one directory."""
        readings = {name: {"reading": one.reading.value, "evidence": one.evidence} for name, one in witnesses.items()}
        files = {f"node-{name}": text for name, text in (self.options["logs"].get("files") or {}).items()}
        files["readings.json"] = json.dumps(readings, indent=1, ensure_ascii=False) + "\n"
        files["checks.json"] = json.dumps(result["checks"], indent=1, ensure_ascii=False, default=str) + "\n"
        files["console.txt"] = self._console(witnesses["bmc"])
        if self.bmc is not None:
            files["bmc-events.txt"] = bmcs.event_log(LocalHost(), self.bmc)
            files["bmc-identity.txt"] = bmcs.identity(LocalHost(), self.bmc)
        directory = os.path.abspath(os.path.join(self.options["directory"], self.name))
        try:
            return write(directory, datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"), files)
        except OSError as error:
            raise AnsibleActionFail(f"The evidence could not be written into {directory}: {error.strerror}.") from error

    def _console(self, power: Witness) -> str:
        if self.bmc is None or power.reading not in (Bmc.ON, Bmc.OFF):
            return bmcs.not_taken("; ".join(power.evidence))
        return bmcs.console(LocalHost(), self.bmc)


def _health(
    name: str, decision: Decision, witnesses: Mapping[str, Witness], guests: tuple[guest_life.Guest, ...]
) -> dict[str, Any]:
    """The verdict as a check's result, with every reading behind it as its evidence."""
    code = f"node_{decision.verdict.value}"
    if decision.verdict is node_death.Death.UNKNOWN and witnesses["management"].reading in node_death.ANSWERS:
        code = "node_boot_not_recorded"
    evidence = tuple(
        f"{reading}: {one.reading.value}: {said}" for reading, one in witnesses.items() for said in one.evidence
    )
    evidence += tuple(f"VMs: {said}" for said in guest_life.summary(guests))
    finding = Finding(code, name, {"missing": list(decision.missing)}, evidence)
    facts = {
        "verdict": decision.verdict,
        "rule": decision.rule,
        "missing": decision.missing,
        "readings": {reading: one.reading for reading, one in witnesses.items()},
        "vms": guests,
    }
    return conclude(CHECK, [finding], facts, TABLE)
