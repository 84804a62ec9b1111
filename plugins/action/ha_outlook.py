# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NamedTuple

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import conclude, refused_unless_meant
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.bmc import Bmc
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.bmc_power import BmcError, Session
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import HA_OUTLOOK
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.uxen_api import UxenApi, UxenApiError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import ha_outlook, placement
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Status, Verdict, plain, verdict
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.ha_outlook import TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError, build
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import addresses
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import VmUuid
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.node_power import ASKED_WITHIN, effect
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.recovery_place import Placing
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.recovery_zone import RecoveryZone

SIDE_BY_SIDE = 16
# asked about where a zone has no VM: any answer is one
NO_VM = VmUuid("00000000-0000-4000-8000-000000000000")
_PROBLEMS = (Status.CRITICAL.value, Status.UNKNOWN.value)


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _result, options = self.validate_argument_spec(**HA_OUTLOOK)
        try:
            refused_unless_meant(options["statuses"], [TABLE])
            limits = build(placement.Limits, options["placement"], "placement.")
        except PolicyError as error:
            raise AnsibleActionFail(str(error)) from None
        # its options have defaults, whether it is given or not
        options["uxen_api"] = options["uxen_api"] if self._task.args.get("uxen_api") else {}
        return {**result, "changed": False, **_Outlook(options, task_vars or {}, limits).result()}


class _Asked(NamedTuple):
    """What the controller itself asked about a host."""

    bmc: ha_outlook.Bmc
    effects: dict[str, ha_outlook.Look]
    api: tuple[str, ha_outlook.Look] | None


class _Zone(RecoveryZone):
    """As a recovery sees it, with what is read of nodes that are well, too."""

    def given(self, host: str) -> Mapping[str, Any]:
        """What was registered of it, whatever that is."""
        found: Mapping[str, Any] = self._variables["hostvars"].raw_get(host).get(self._options["readings"][-1]) or {}
        return found

    def silence(self, host: str) -> str:
        """Why it gave no whole answer; empty where it gave one."""
        if host in self.last:
            return ""
        given = self.given(host)
        if given.get("vms"):
            return Phrase("outlook_no_pipeline")
        if given.get("checks"):
            return Phrase("outlook_late")
        return str(given.get("msg") or "").strip() or Phrase("outlook_no_answer")


class _Outlook:
    def __init__(self, options: Mapping[str, Any], variables: Mapping[str, Any], limits: placement.Limits) -> None:
        self._options = options
        self._limits = limits
        self._zone = _Zone(options, variables, {})

    def result(self) -> dict[str, Any]:
        zone = self._zone
        with ThreadPoolExecutor(max_workers=SIDE_BY_SIDE) as pool:
            asked = dict(zip(zone.hosts, pool.map(self._ask, zone.hosts), strict=True))
        nodes = {host: self._node(host, asked[host]) for host in zone.hosts}
        fit = [one.name for one in nodes.values() if not (one.silent or one.unfit or one.maintenance)]
        placed = Placing(zone, self._options["vms"], self._limits).outlook(fit)
        deaths = [ha_outlook.Death(*one) for one in placed]
        taken = zone.last_snapshot.get("taken")
        # the database is read before its problem is known
        no_database = "database" not in self._options["sources"]
        read = zone.database is not None
        found = ha_outlook.judge(
            ha_outlook.Zone(
                name=self._options["zone"],
                nodes=list(nodes.values()),
                deaths=deaths,
                called=self._called(),
                differences=[one for one in zone.nodes.differences if read or one != "database: not read"],
                database=None if no_database else "" if read else zone.database_problem or "no answer",
                snapshot_age=None if taken is None else max(time.time() - taken, 0.0),
                snapshot_max_age=self._options["snapshot_max_age"],
            )
        )
        told = {one.outlook.node: one.outlook for one in deaths}
        return {
            "zone": self._options["zone"],
            "nodes": {host: self._judged(found[one.name], told.get(one.name)) for host, one in nodes.items()},
            "unabsorbed": sorted(name for name, one in told.items() if not one.absorbed),
        }

    def _judged(self, findings: list[Any], death: placement.Death | None) -> dict[str, Any]:
        facts = {"death": None if death is None else {**plain(death), "absorbed": death.absorbed}}
        health = conclude(ha_outlook.CHECK, findings, facts, TABLE, self._options["statuses"])
        return {"checks": {ha_outlook.CHECK: health}, "verdict": verdict([Status(health["status"])]).value}

    def _called(self) -> dict[str, str]:
        """Each VM by a name beside its UUID, where it has one."""
        zone = self._zone
        running = {VmUuid(one["uuid"]) for answer in zone.last.values() for one in answer["domains"] or ()}
        names = {vm: ", ".join(sorted(zone.called(vm))) for vm in running}
        return {vm: f"{name} ({vm})" for vm, name in names.items() if name}

    # What a node told

    def _node(self, host: str, asked: _Asked) -> ha_outlook.Node:
        zone, name = self._zone, self._zone.names[host]
        silent = zone.silence(host)
        told = ha_outlook.Node(
            name,
            silent=silent,
            maintenance=zone.maintained(name),
            bmc=asked.bmc,
            effects=asked.effects,
            ssh=zone.ssh(host),
            greeted=self._greeted(host),
            api=asked.api[1] if asked.api else None,
            api_place=asked.api[0] if asked.api else "",
        )
        if silent:
            return told
        return self._read(host, told)

    def _read(self, host: str, told: ha_outlook.Node) -> ha_outlook.Node:
        result, answer = self._zone.results[host], self._zone.last[host]
        memory = answer["node"]["memory_kib"]
        unread = ["xl list"] if answer["domains"] is None else []
        if None in (memory["free"], memory["total"], memory["dom0"]):
            unread.append("xl info")
        return replace(
            told,
            unread=unread,
            unfit=self._unfit(result["checks"]),
            guests=len({one["uuid"] for one in answer["domains"] or ()}),
            o2cb=(result["checks"].get("o2cb") or {}).get("facts") or {},
            boot=result["checks"].get("boot") or {},
        )

    def _unfit(self, checks: Mapping[str, Any]) -> dict[str, str]:
        """As a recovery has it: a warning does not keep guests off."""
        found = {}
        for name in self._options["checks"]:
            health = checks.get(name) or {"status": Status.UNKNOWN.value, "findings": []}
            if verdict([Status(health["status"])]) is Verdict.FIT:
                continue
            worst = [one for one in health["findings"] if one["status"] in _PROBLEMS]
            found.update({f"{name} {one['subject'] or one['code']}": one["message"] for one in worst})
            if not worst:
                found[name] = Phrase("outlook_not_read")
        return found

    def _greeted(self, host: str) -> dict[str, ha_outlook.Look]:
        zone, ssh = self._zone, self._zone.ssh(host)
        return {
            zone.names[peer]: ha_outlook.Look(
                one["answers"].get(ssh), str(one["said"].get(ssh) or "") or Phrase("witness_not_asked")
            )
            for peer, one in zone.results.items()
            if peer != host
        }

    # What the controller asks

    def _ask(self, host: str) -> _Asked:
        bmc = _bmc(self._zone.of_site(host, "bmc") or {})
        effects = {
            name: ha_outlook.Look(*effect(argv))
            for name, argv in sorted((self._zone.of_site(host, "effects") or {}).items())
        }
        return _Asked(bmc, effects, self._api(host))

    def _api(self, host: str) -> tuple[str, ha_outlook.Look] | None:
        options = self._options["uxen_api"]
        if not options or host not in self._zone.last:
            return None
        address = addresses.parse_place(self._zone.ssh(host)).address
        domains = self._zone.last[host]["domains"] or ()
        vm = VmUuid(domains[0]["uuid"]) if domains else NO_VM
        try:
            api = UxenApi(options, address)
            api.show(vm)
        except UxenApiError as error:
            return address, ha_outlook.Look(False, str(error))
        return api.place, ha_outlook.Look(True)


def _bmc(options: Mapping[str, Any]) -> ha_outlook.Bmc:
    """Its identity and power in one session; nothing but these is asked for."""
    if not options:
        return ha_outlook.Bmc(problem=ha_outlook.NO_BMC)
    address, recorded = str(options.get("address") or ""), str(options.get("identity") or "")
    try:
        bmc = Bmc(**{name: value for name, value in options.items() if name != "identity"})
    except TypeError as error:
        return ha_outlook.Bmc(address, "failed", f"ha_recovery_bmc: {error}", recorded)
    try:
        with Session(bmc, ASKED_WITHIN) as session:
            state = session.state()
    except BmcError as error:
        return ha_outlook.Bmc(address, error.problem, str(error), recorded)
    return ha_outlook.Bmc(address, "", "", recorded, state.identity, state.power, state.watts)
