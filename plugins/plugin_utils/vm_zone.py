# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A zone as its nodes, its database and the journal know it: what every job on a VM asks before it does anything."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import conclude
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.database import postgresql_driver
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import Record
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.uxen_database import (
    Reading,
    UxenDatabase,
    UxenDatabaseError,
    VmRow,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import (
    node_death,
    recovery,
    recovery_steps,
    vm_where,
    vnc_truth,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import whereabouts as decision
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.node_death import Heartbeat, Witness
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.whereabouts import (
    NodeSet,
    Request,
    Sources,
    Verdict,
    Vm,
    Whereabouts,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding, plain
from ansible_collections.cloudops.hypervisor.plugins.module_utils.host_names import same_host
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.vm_where import TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.vnc import TABLE as VNC
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import Mac, VmUuid
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.fleet_snapshots import newest_snapshot
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.node_power import Powered, power, present
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.recovery_journal import past, recoveries
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.store import existing_store

# Ansible loads this file before it forks: the driver's 0.1 s are then no worker's. Whoever lacks it is told later.
with contextlib.suppress(ImportError):
    postgresql_driver()

CHECK = "vm_where"
# the source's name, and that of the option
NAMES = {"inventory": "inventory", "database": "database", "cluster_conf": "cluster.conf", "heartbeat": "heartbeat"}

Answers = Mapping[str, Mapping[str, Any]]


class Zone:
    """The answers that the hosts of the play gave, oldest round first, beside the database and the journal.

    ``options`` are those of controller_options.VM_ZONE. A host is called what its kernel calls it, once it answered.
    """

    def __init__(self, options: Mapping[str, Any], variables: Mapping[str, Any]) -> None:
        self._options = options
        self._variables = variables
        self.hosts: list[str] = list(variables["ansible_play_hosts_all"])
        self.answers: list[Answers] = [
            {host: answer for host in self.hosts if (answer := self._answer(host, name))}
            for name in options["readings"]
        ]
        self.database_problem = ""

    def _answer(self, host: str, name: str) -> Mapping[str, Any]:
        # The templating that hostvars[host] does would take the longest part of the time.
        answer = self._variables["hostvars"].raw_get(host).get(name) or {}
        if "vms" in answer:
            return of_recovery(answer) if answer["vms"] and answer.get("clock") else {}
        return answer if answer.get("node") else {}

    def _counts(self, uuid: VmUuid, name: str) -> list[decision.Counts]:
        answers = {self.names[host]: self._answer(host, name) for host in self.hosts}
        return decision.counts({node: answer for node, answer in answers.items() if answer.get("vm") == uuid})

    @cached_property
    def names(self) -> dict[str, str]:
        """By host of the play; two hosts that are one node would hide each other."""
        found: dict[str, str] = {}
        for host in self.hosts:
            said = [answers[host]["node"]["hostname"] for answers in self.answers if host in answers]
            name = str(said[-1]) if said and said[-1] else host
            if name in found.values():
                raise AnsibleActionFail(f"Two hosts of the play are the node {name}: {host} and another.")
            found[host] = name
        return found

    @cached_property
    def last(self) -> Answers:
        """The newest answer of each host, whichever round it is of."""
        return {host: answer for answers in self.answers for host, answer in answers.items()}

    @cached_property
    def rounds(self) -> list[list[decision.Reading]]:
        return [
            [decision.reading(self.names[host], answer) for host, answer in answers.items()] for answers in self.answers
        ]

    @cached_property
    def newest(self) -> list[decision.Reading]:
        return [decision.reading(self.names[host], answer) for host, answer in self.last.items()]

    @cached_property
    def database(self) -> Reading | None:
        """None where the zone has none, or where it could not be read."""
        if "database" not in self._options["sources"]:
            return None
        try:
            return UxenDatabase(self._options).read(disks=True)
        except UxenDatabaseError as error:
            self.database_problem = str(error)
            return None

    @cached_property
    def snapshot(self) -> Mapping[str, Any]:
        """What the zone had when all of it was read last, for where the database cannot be read; empty without one."""
        if "database" not in self._options["sources"] or self.database is not None:
            return {}
        with existing_store(self._variables, self._options["store_url"]) as store:
            found = None if store is None else newest_snapshot(store, self._options["zone"], verified=True)
        return {} if found is None else found.body

    @cached_property
    def nodes(self) -> NodeSet:
        """Rule 1."""
        clusters = [answer["node"].get("cluster") for answer in self.last.values()]
        told = [one for one in clusters if one]
        conf = [one["nodes"] for one in told if one["nodes"] is not None]
        beats = [one["heartbeat"] for one in told if one["heartbeat"] is not None]
        kept = tuple(NAMES[name] for name in self._options["sources"])
        return decision.node_set(
            Sources(
                frozenset(self.names.values()),
                frozenset(self._rows_of_nodes()) if self.database is not None or self.snapshot else None,
                frozenset(name for names in conf for name in names) if conf else None,
                frozenset(name for names in beats for name in names) if beats else None,
                kept,
            )
        )

    def _rows_of_nodes(self) -> list[str]:
        if self.database is None:
            return list(self.snapshot["nodes"])
        rows = self.database.nodes
        if not (self._options["columns"].get("node") or {}).get("zone"):
            return [row.name for row in rows]
        return [row.name for row in rows if row.more["zone"] == self._options["zone"]]

    @cached_property
    def journalled(self) -> list[Record]:
        """Of recoveries."""
        with existing_store(self._variables, self._options["store_url"]) as store:
            return [] if store is None else recoveries(store, self._options["zone"])

    @cached_property
    def journal(self) -> list[recovery_steps.Past]:
        return past(self.journalled)

    @cached_property
    def out_of_service(self) -> Mapping[str, str]:
        """Rule 2: silent nodes that a recovery proved off, or a person's word, and how; their power is read anew."""
        silent = [host for host in self.hosts if host not in self.answers[-1]] if self.answers else []
        taken = (
            {one.subject for one in self.journal} | {one.about for one in recovery.words_of(self.journal)}
            if silent
            else ()
        )
        nodes = {self.names[host]: self._silent(host) for host in silent if self.names[host] in taken}
        return recovery.excused(nodes, self.journal) if nodes else {}

    @property
    def silent(self) -> list[str]:
        """Who has to answer, and has not."""
        there = [*(self.names[host] for host in self.last), *self.out_of_service]
        return sorted(name for name in self.nodes.names if not any(same_host(name, one) for one in there))

    def _silent(self, host: str) -> recovery_steps.Node:
        variables = self._variables["hostvars"][host]
        bmc, effects = variables.get("ha_recovery_bmc"), variables.get("ha_recovery_effects") or {}
        second = variables.get("ha_recovery_second")
        powered = power(bmc, second) if bmc else Powered(None, Witness(node_death.Bmc.MISSING))
        heartbeat = self._heartbeat(self.names[host])
        seen = {"management": Witness(node_death.Management.SILENT), "heartbeat": Witness(heartbeat)}
        readings = node_death.readings({**seen, "bmc": powered.witness})
        return recovery_steps.Node(readings=readings, present=present(heartbeat, powered.state, effects))

    def _heartbeat(self, name: str) -> Heartbeat:
        """As the kernels of those that answer have it: out of their cluster is evicted."""
        told = [answer["node"].get("cluster") for answer in self.answers[-1].values()]
        beats = [one["heartbeat"] for one in told if one and one["heartbeat"] is not None]
        if any(same_host(name, one) for names in beats for one in names):
            return Heartbeat.MOVING
        if beats:
            return Heartbeat.STANDING
        return Heartbeat.MISSING if not told or any(told) else Heartbeat.ABSENT

    @cached_property
    def vms(self) -> Mapping[VmUuid, Vm]:
        names: dict[VmUuid, list[str]] = {}
        for row in self.database.vms if self.database else ():
            names.setdefault(row.vm, []).extend(filter(None, [row.more.get("name")]))
        for one in self.snapshot.get("vms", ()):
            names.setdefault(VmUuid(one["vm"]), []).extend(filter(None, [one["name"]]))
        return decision.vms(self.rounds, names)

    def resolve(self, text: str) -> list[VmUuid]:
        """The VMs that a UUID, a name or a MAC address means."""
        with contextlib.suppress(ValueError):
            return [VmUuid(text)]
        with contextlib.suppress(ValueError):
            return sorted(self._by_mac(Mac(text)))
        return sorted(uuid for uuid, vm in self.vms.items() if text in vm.names)

    def _by_mac(self, mac: Mac) -> set[VmUuid]:
        found = {row.vm for row in self.database.vms if _is_mac(row.more.get("mac"), mac)} if self.database else set()
        for answer in self.last.values():
            owners = [*(answer["domains"] or []), *(one for one in answer["configs"] if one["uuid"])]
            found |= {VmUuid(one["uuid"]) for one in owners for nic in one["nics"] if _is_mac(nic["mac"], mac)}
        return found

    def vm(self, uuid: VmUuid) -> Vm:
        return self.vms.get(uuid) or Vm(uuid, frozenset({str(uuid)}))

    def records(self, uuid: VmUuid) -> list[Record]:
        """The jobs that the journal has open for it."""
        with existing_store(self._variables, self._options["store_url"]) as store:
            return store.open_jobs(subject=uuid) if store is not None else []

    def whereabouts(
        self, uuid: VmUuid, records: Iterable[Record], counts: str = ""
    ) -> tuple[Whereabouts, float | None]:
        """The verdict, and since when it was off in every reading."""
        vm, requests = self.vm(uuid), [*_requests(records)]
        counted = self._counts(uuid, counts)
        out = self.out_of_service
        found = decision.whereabouts(vm, self.nodes, self.rounds, out, requests, counted)
        since = None
        for at in range(len(self.rounds) - 1, 0, -1):
            if decision.whereabouts(vm, self.nodes, self.rounds[at - 1 : at + 1], out).verdict is not Verdict.OFF:
                break
            since = min(one.at for one in self.rounds[at - 1])
        return found, since if found.verdict is Verdict.OFF else None

    @property
    def read_at(self) -> float | None:
        """The last round is not older than this, by the controller's clock; None without an answer."""
        return min((decision.counted_after(one) for one in (self.answers or [{}])[-1].values()), default=None)

    def ahead(self, host: str) -> float:
        """Seconds that a node's clock is ahead of the controller's: too many by the question's way there, at most."""
        about, clock = self.last[host]["node"], self.last[host].get("clock")
        return float(about["began"]) - float(clock["asked"]) if clock else 0.0

    # Telling

    def told(self, uuid: VmUuid, counts: str = "") -> dict[str, Any]:
        """Everything that is known of one VM, with what contradicts what as a check's result.

        ``counts``: under which name the answers of vm_counts_info were registered, if any.
        """
        records = self.records(uuid)
        found, since = self.whereabouts(uuid, records, counts)
        jobs = [vm_where.Job(one.entry.job, one.at, f"{one.who}@{one.host}", one.entry.evidence) for one in records]
        findings = vm_where.judge(found, self.vm(uuid), self.newest, self._consoles, jobs)
        if self.database_problem:
            values = {"what": "the database", "why": self.database_problem, "node": ""}
            findings.append(Finding("vm_where_unproven", "pengx_vm", values, (self.database_problem,)))
        facts = {
            "vm": uuid,
            "names": sorted(self.called(uuid)),
            "verdict": found.verdict,
            "twice": found.twice,
            "off_since": since,
            "places": found.places,
            "silent": found.silent,
            "missing": found.missing,
            "rows": [self._row(row) for row in self._rows(uuid)],
            "domains": [*self._domains(uuid)],
            "configs": self._configs(uuid),
            "images": self._images(uuid),
            "jobs": jobs,
        }
        return {**plain(facts), "health": conclude(CHECK, findings, {}, {**TABLE, **VNC})}

    @cached_property
    def _consoles(self) -> list[Finding]:
        if self.database is None:
            return []
        names = {row.key: row.more.get("name") or "" for row in self.database.vms}
        rows = [vnc_truth.Row(row.vm, row.node, row.display, names[row.key]) for row in self.database.vms]
        given = [vnc_truth.node(self._in_database(self.names[host]), one) for host, one in self.last.items()]
        compared = vnc_truth.compare(rows, given, {self._in_database(name) for name in self.nodes.names})
        return [finding for findings in compared.findings().values() for finding in findings]

    def _in_database(self, name: str) -> str:
        rows = self.database.nodes if self.database else ()
        return next((row.name for row in rows if same_host(row.name, name)), name)

    def called(self, uuid: VmUuid) -> set[str]:
        return {name for name in self.vm(uuid).names if not name.startswith("/") and name != uuid}

    def _rows(self, uuid: VmUuid) -> list[VmRow]:
        return [row for row in self.database.vms if row.vm == uuid] if self.database else []

    def _row(self, row: VmRow) -> dict[str, Any]:
        disks = self.database.disks if self.database else ()
        return {
            "node": row.node,
            "display": None if row.display is None else row.display.number,
            "disks": [{"uuid": disk.uuid, "imgtype": disk.imgtype} for disk in disks if disk.vm == row.vm],
            **row.more,
        }

    def _domains(self, uuid: VmUuid) -> Iterator[dict[str, Any]]:
        for host, answer in self.last.items():
            for one in answer["domains"] or []:
                if one["uuid"] == uuid:
                    yield {"node": self.names[host], "host": host, **one}

    def _configs(self, uuid: VmUuid) -> list[dict[str, Any]]:
        """Every .cfg of it once, with the hosts of the play that have it like this."""
        found: list[dict[str, Any]] = []
        for host, answer in self.last.items():
            for one in answer["configs"]:
                if one["path"] not in self.vm(uuid).names or one["uuid"] not in (uuid, None):
                    continue
                same = next((other for other in found if {**other, "hosts": []} == {**one, "hosts": []}), None)
                if same is None:
                    found.append({**one, "hosts": [host]})
                else:
                    same["hosts"].append(host)
        return found

    def _images(self, uuid: VmUuid) -> list[dict[str, Any]]:
        names = self.vm(uuid).names
        return [
            {"node": self.names[host], **image}
            for host, answer in self.last.items()
            for image in answer["images"]
            if image["path"] in names
        ]


def of_recovery(result: Mapping[str, Any]) -> dict[str, Any]:
    """The reading of VMs that M(cloudops.hypervisor.recovery_info) made, by the clock of the whole trip."""
    one = result["vms"]
    trip = {name: result["node"][name] for name in ("began", "ended")}
    return {**one, "node": {**one["node"], **trip}, "clock": result["clock"]}


def _is_mac(text: object, mac: Mac) -> bool:
    try:
        return Mac(str(text)) == mac
    except ValueError:
        return False


def _requests(records: Iterable[Record]) -> Iterator[Request]:
    """What was asked of the API, and has had no answer that the journal knows."""
    for record in records:
        request = record.entry.evidence.get("request")
        if request:
            yield Request(str(request), datetime.fromisoformat(record.at).timestamp())
