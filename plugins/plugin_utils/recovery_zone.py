# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A zone as a recovery sees it: its nodes' answers, their BMCs, its database and the journal, made into one sight."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cached_property
from typing import Any

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import Record
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import LocalHost
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import (
    fencing,
    node_death,
    quorum,
    recovery,
    recovery_steps,
    vm_act,
    wanted,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import whereabouts as decision
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.migration_outcome import Copy
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.node_death import (
    Guests,
    Heartbeat,
    Management,
    Peers,
    Witness,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.node_return import MAINTENANCE, RECOVERY
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood, plain
from ansible_collections.cloudops.hypervisor.plugins.module_utils.host_names import same_host
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.refusal import said_by
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import addresses
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import Display, VmUuid
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.fleet_snapshots import newest_snapshot
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.node_power import Powered, power, present
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.recovery_journal import moment
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.store import existing_store
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.vm_zone import Zone

STOP = "ha_stop"
PROBED_WITHIN = 3.0
# o2cb's own dead threshold
THRESHOLD = 31
# rounds that a run remembers, to know since when nobody else starts guests
REMEMBERED = 60
_ITSELF = Witness(Guests.MISSING, (Phrase("witness_answers_itself"),))
_NOT_ASKED = Witness(node_death.Bmc.MISSING, (Phrase("witness_not_asked"),))


class RecoveryZone(Zone):
    """``options``: those of VM_ZONE, and the recovery's. ``memory``: what the turn before left, of this run alone."""

    def __init__(self, options: Mapping[str, Any], variables: Mapping[str, Any], memory: Mapping[str, Any]) -> None:
        super().__init__(options, variables)
        self._before = memory
        # one that answers, but took too long over its VMs, is no silent node; nor does it say where a VM is
        self.results = {host: one for host in self.hosts if (one := self._result(host))}
        self._host_of = {self.names[host]: host for host in self.hosts}

    def _result(self, host: str) -> Mapping[str, Any]:
        result: Mapping[str, Any] = self._variables["hostvars"].raw_get(host).get(self._options["readings"][-1]) or {}
        return result if result.get("node") and result.get("clock") else {}

    def of_site(self, host: str, name: str) -> Any:
        """What the site says of a host: its bmc, effects, gated, rack and ssh."""
        return (self._variables["hostvars"].raw_get(host).get(self._options["node"]) or {}).get(name)

    # The journal

    @cached_property
    def open_since(self) -> str | None:
        """When the recovery began that the journal has open for the zone."""
        found = [
            one for one in self.open_records if one.entry.job == RECOVERY and one.entry.subject == self._options["zone"]
        ]
        return found[0].at if found else None

    def stopped(self) -> str:
        """Who asked, since it began, that it ends, and why."""
        began = self.open_since
        if began is None:
            return ""
        with existing_store(self._variables, self._options["store_url"]) as store:
            since = datetime.fromisoformat(began)
            found = [] if store is None else store.records(job=STOP, zone=self._options["zone"], since=since)
        return "; ".join(f"{one.who}: {one.entry.evidence.get('reason') or '-'}" for one in found)

    @cached_property
    def open_records(self) -> list[Record]:
        with existing_store(self._variables, self._options["store_url"]) as store:
            return [] if store is None else store.open_jobs()

    def _open_of(self, vm: str) -> list[Record]:
        return [one for one in self.open_records if one.entry.subject == vm and one.entry.job != RECOVERY]

    def maintained(self, name: str) -> bool:
        return any(one.entry.job == MAINTENANCE and same_host(one.entry.subject, name) for one in self.open_records)

    # The nodes

    @cached_property
    def views(self) -> dict[str, Mapping[str, Any]]:
        """The facts of check o2cb, by node that answered."""
        checks = {self.names[host]: result["checks"] for host, result in self.results.items()}
        return {name: (each.get("o2cb") or {}).get("facts") or {} for name, each in checks.items()}

    @cached_property
    def silent_hosts(self) -> list[str]:
        return [host for host in self.hosts if host not in self.results]

    @cached_property
    def doubted_addresses(self) -> tuple[str, ...]:
        """Of every VM that no answering node has: any of them may be on one that is silent, whatever its row says."""
        found = {self._address(vm, address) for vm, _node, address in self._places() if not self._runs_on(vm)}
        return tuple(sorted(found - {""}))

    def _address(self, vm: VmUuid, of_row: str) -> str:
        return str(self._options["addresses"].get(str(vm)) or of_row)

    def _places(self) -> list[tuple[VmUuid, str, str]]:
        if self.database is not None:
            return [(row.vm, row.node, row.more.get("address") or "") for row in self.database.vms]
        rows = [(one, one["row"]) for one in self.snapshot.get("vms", ()) if one["row"]]
        return [(VmUuid(one["vm"]), row["node"], row.get("address") or "") for one, row in rows]

    @cached_property
    def asked(self) -> dict[str, bool]:
        """What the controller itself hears of the guests of silent nodes."""
        names = self.doubted_addresses if self.silent_hosts else ()
        places = []
        for name in names:
            try:
                places.append((name, addresses.parse_place(name)))
            except NotUnderstood:
                continue
        replies = addresses.ask_all(LocalHost(), places, PROBED_WITHIN)
        return {name: reply.answers for name, reply in replies.items() if reply.answers is not None}

    def witnesses(self, name: str) -> dict[str, Witness]:
        """Rules 6 to 8: the five readings of a node, with what they were read from."""
        host = self._host_of.get(name)
        if host is None:
            return {}
        result = self.results.get(host)
        boot = str(result["node"]["boot_id"]) if result else None
        others = {peer: view for peer, view in self.views.items() if peer != name}
        heard = {self.names[peer]: one["answers"] for peer, one in self.results.items() if peer != host}
        ssh = self.ssh(host)
        greeted = tuple(peer for peer, answers in sorted(heard.items()) if answers.get(ssh))
        management = node_death.management(boot, self._recorded_boot(name), greeted, tuple(sorted(self.views)))
        return {
            "management": management,
            "heartbeat": node_death.heartbeat(name, others),
            "peers": node_death.peers(name, others),
            "guests": self._guests(heard) if result is None else _ITSELF,
            "bmc": self.bmcs[host].witness if host in self.bmcs else _NOT_ASKED,
        }

    def _guests(self, heard: Mapping[str, Mapping[str, bool]]) -> Witness:
        elsewhere = {
            self._address(vm, address): self._runs_on(vm) for vm, _node, address in self._places() if self._runs_on(vm)
        }
        return node_death.guests(self.doubted_addresses, {**heard, "the controller": self.asked}, elsewhere)

    def _runs_on(self, vm: VmUuid) -> str:
        for reading in self.rounds[-1]:
            if any(one.uuid == vm and not one.rests for one in reading.domains or ()):
                return reading.node
        return ""

    def ssh(self, host: str) -> str:
        return str(self.of_site(host, "ssh") or f"{host}:22")

    def _recorded_boot(self, name: str) -> str | None:
        known = self._before.get("boots", {}).get(name) or self.snapshot_boots.get(name)
        return None if known is None else str(known)

    @cached_property
    def snapshot_boots(self) -> dict[str, str]:
        nodes = self.last_snapshot.get("nodes", {})
        return {name: one["boot_id"] for name, one in nodes.items() if one and one.get("boot_id")}

    @cached_property
    def bmcs(self) -> dict[str, Powered]:
        """The BMCs of silent nodes, side by side."""
        hosts = [host for host in self.silent_hosts if self.of_site(host, "bmc")]
        options = {host: (self.of_site(host, "bmc"), self.of_site(host, "second")) for host in hosts}
        with ThreadPoolExecutor(max_workers=max(1, min(len(hosts), 8))) as pool:
            asked = dict(zip(hosts, pool.map(lambda host: power(*options[host]), hosts), strict=True))
        return {host: self._own(host, powered) for host, powered in asked.items()}

    def _own(self, host: str, powered: Powered) -> Powered:
        """One that is said to be another node's too would take that one's power."""
        others = [one for one in self.hosts if one != host and _identity(self.of_site(one, "bmc")) == powered.identity]
        if powered.state is None or not others:
            return powered
        said = Phrase("witness_bmc_shared", powered.identity, others)
        return Powered(None, Witness(node_death.Bmc.MISSING, (said,)))

    def _present(self, host: str, heartbeat: Heartbeat) -> list[str] | None:
        bmc = self.bmcs.get(host)
        return present(heartbeat, None if bmc is None else bmc.state, self.of_site(host, "effects") or {})

    def _node(self, name: str, memory: dict[str, Any], now: float) -> recovery_steps.Node:
        host = self._host_of.get(name)
        if host is None:
            # the inventory lacks it: it cannot be asked
            return recovery_steps.Node()
        result = self.results.get(host)
        readings = node_death.readings(self.witnesses(name))
        vms = None if result is None else result["vms"]
        return recovery_steps.Node(
            readings=readings,
            cut=self._cut(name, readings, memory, now),
            present=[] if result else self._present(host, readings.heartbeat),
            recovering=None if vms is None else vms["node"]["recovering"],
            fit=result is not None and vms is not None and result["verdict"] == "fit",
            epoch=_epoch(result, self._options["zone"]),
            maintenance=self.maintained(name),
            gated=bool(self.of_site(host, "gated")),
            rack=self.rack(host),
            jobs={} if result is None else {one["name"]: job_of(one) for one in result["jobs"] or ()},
        )

    @cached_property
    def timing(self) -> quorum.Timing | None:
        """By the values that run on one of those that answer; the others' are the same, or o2cb is not well."""
        running: Mapping[str, Any] = next(
            (view["running"] for view in self.views.values() if view.get("running")), {"settings": {}}
        )
        idle, threshold = (running["settings"].get(name) for name in ("idle_timeout_ms", "heartbeat_threshold"))
        return None if idle is None or threshold is None else quorum.Timing(idle / 1000.0, threshold)

    def _cut(self, name: str, readings: node_death.Readings, memory: dict[str, Any], now: float) -> quorum.Cut | None:
        """Rule 21: the two parts of its cluster, and since when they are known to be apart."""
        seen, connected = memory["cut_seen"], memory["connected"]
        # what was read is as old as the question; what is missing since then may have ended only now
        asked = min((result["clock"]["asked"] for result in self.results.values()), default=now)
        if readings.management is not Management.SILENT or readings.peers is Peers.CONNECTED:
            connected[name] = asked
            seen.pop(name, None)
        if readings.peers is not Peers.NONE or readings.heartbeat is not Heartbeat.MOVING:
            return None
        seen.setdefault(name, now)
        view = next((view for view in self.views.values() if view.get("running")), None)
        if view is None:
            return None
        numbers = {node["name"]: node["number"] for node in view["running"]["nodes"]}
        beating = {number for volume in view["volumes"] for number in volume["moving"]}
        rest = {number for node, number in numbers.items() if any(same_host(node, one) for one in self.views)}
        own = next((number for node, number in numbers.items() if same_host(node, name)), None)
        errors = [at for result in self.results.values() for number, at in _lost(result) if number == own]
        return quorum.Cut(
            cut=tuple(sorted(beating - rest)),
            rest=tuple(sorted(beating & rest)),
            timing=self.timing,
            observed=asked,
            seen=seen[name],
            # who cannot read the log cannot say that no peer reports it yet
            connected=None if any(_is_unread(result) for result in self.results.values()) else connected.get(name),
            error=max(errors, default=None),
        )

    # The VMs

    @cached_property
    def last_snapshot(self) -> Mapping[str, Any]:
        """The newest verified one, whether the database can be read or not."""
        with existing_store(self._variables, self._options["store_url"]) as store:
            found = None if store is None else newest_snapshot(store, self._options["zone"], verified=True)
        return {} if found is None else {**found.body, "taken": moment(found.header.created)}

    def _wanted(self, vm: VmUuid, now: float) -> wanted.Wanted:
        rows = self._rows(vm)
        text = rows[0].more.get("wanted_state") if len(rows) == 1 else None
        column = None if text is None else str(text).lower() in self._options["wanted_running"]
        kept = None
        for one in self.last_snapshot.get("vms", ()):
            if one["vm"] == vm:
                disputed = "; ".join(one["why"]) if one["standing"] == "disputed" else ""
                kept = wanted.Kept(self.last_snapshot["taken"], one["state"] == "running", disputed)
        words = [one for one in recovery.words_of(self.journal) if one.question is fencing.Question.WANTED]
        asked = words[-1].who if words and words[-1].yes else None
        return wanted.wanted(column, kept, now, asked, self._options["snapshot_max_age"])

    def _vm(self, vm: VmUuid, excused: Mapping[str, str], memory: dict[str, Any], now: float) -> recovery_steps.Vm:
        records = self._open_of(vm)
        requests = [
            decision.Request(str(one.entry.evidence["request"]), moment(one.at))
            for one in records
            if one.entry.evidence.get("request")
        ]
        found = decision.whereabouts(self.vm(vm), self.nodes, self.rounds, excused, requests)
        off = found.verdict is decision.Verdict.OFF
        since = memory["off_since"]
        if off:
            since.setdefault(vm, min((one.at for one in self.rounds[0]), default=now))
        else:
            since.pop(vm, None)
        domains = [(one.node, each) for one in self.rounds[-1] for each in one.domains or () if each.uuid == vm]
        moving = {each.id: decision.is_end(each.name) for _node, each in domains}
        rows = self._rows(vm)
        jobs = tuple(_open_job(one, self.names) for one in records)
        # whoever receives it is a part of its migration, and goes with the copy
        targets = {one.target for one in jobs if one.target}
        return recovery_steps.Vm(
            wanted=self._wanted(vm, now),
            proof=vm_act.Proof(
                off=off,
                off_since=since.get(vm),
                read_at=self.read_at,
                suspected=found.twice or found.verdict is decision.Verdict.TWICE_SUSPECTED,
                domains=tuple(vm_act.Domain(node, each.id, each.rests, moving[each.id]) for node, each in domains),
                others=tuple(
                    Phrase("about", [one.node, one.evidence])
                    for one in found.places
                    if one.kind != "domain" and one.counts and one.node not in targets
                ),
                silent=found.silent,
                gaps=tuple(
                    Phrase("about", [each for each in (one.node, one.what, one.why) if each]) for one in found.missing
                ),
            ),
            row=None if self.database is None else rows[0].node if len(rows) == 1 else "",
            jobs=jobs,
            copies={
                node: Copy("paused" in each.rests, each.cpu_ns, "suspend" if "shutdown" in each.rests else None)
                for node, each in domains
            }
            if targets
            else {},
        )

    def everyone(self) -> list[VmUuid]:
        """Every VM that a row, the snapshot or a domain has. One with a .cfg alone is nobody's."""
        found = {row.vm for row in self.database.vms} if self.database else set()
        found |= {VmUuid(one["vm"]) for one in self.last_snapshot.get("vms", ())}
        found |= {one.uuid for reading in self.rounds[-1] for one in reading.domains or ()}
        return sorted(found)

    def config_of(self, vm: VmUuid, name: str) -> str:
        """The one .cfg that a node has of it; empty where there is none, or more than one."""
        answer = self.last.get(self._host_of.get(name, ""), {})
        paths = [one["path"] for one in answer.get("configs", ()) if one["uuid"] == vm]
        return str(paths[0]) if len(paths) == 1 else ""

    # What a step needs

    def ahead_of(self, name: str) -> float:
        """As :meth:`ahead`, by the node's name."""
        return self.ahead(self._host_of[name])

    def leases_wanted(self, vms: Iterable[str]) -> list[str]:
        """Those whose lease somebody may not have given back: a job of them was begun, or lost."""
        begun = (recovery_steps.Start.kind, recovery_steps.CloseJob.kind)
        held = {one.subject for one in self.journal if one.kind in begun}
        held |= {one.entry.subject for one in self.open_records}
        return sorted(held & set(vms))

    def left_by(self, vm: str, off: Mapping[str, str]) -> str:
        """NODE/JOB that has the lease by its record, and is proven to have ended, because the node is off."""
        for result in self.results.values():
            record = (result["leases"].get(vm) or {}).get("record")
            if record and record["held"] and record["node"] in off:
                return f"{record['node']}/{record['job']}"
        return ""

    def journalled_as(self, vm: str, job: str) -> str:
        """The name in the journal of the open job that goes by this one."""
        found = [_open_job(one, self.names) for one in self._open_of(vm)]
        return next((one.kind for one in found if one.name == job), job)

    # What a placement asks

    def rack(self, host: str) -> str:
        return str(self.of_site(host, "rack") or "")

    def row_of(self, vm: VmUuid) -> str:
        rows = self._rows(vm)
        return rows[0].node if len(rows) == 1 else ""

    def display_of(self, vm: VmUuid) -> Display | None:
        rows = self._rows(vm)
        return rows[0].display if len(rows) == 1 else None

    def memory_of(self, vm: VmUuid) -> int | None:
        """In MiB, as its row has it."""
        rows = self._rows(vm)
        text = str(rows[0].more.get("memory") or "") if len(rows) == 1 else ""
        return int(text) if text.isdigit() else None

    def priority_of(self, vm: VmUuid) -> int:
        rows = self._rows(vm)
        text = str(rows[0].more.get("priority") or "") if len(rows) == 1 else ""
        return int(text) if text.lstrip("-").isdigit() else 0

    def displays_of(self, name: str) -> set[int]:
        """That the database has on this node."""
        rows = self.database.vms if self.database else ()
        return {row.display.number for row in rows if row.display is not None and same_host(row.node, name)}

    # All of it

    def sight(self, hold: recovery_steps.Hold | None, now: float) -> tuple[recovery_steps.Sight, dict[str, Any]]:
        """The sight, and what this run remembers of it."""
        memory: dict[str, Any] = {
            name: dict(self._before.get(name) or {}) for name in ("off_since", "connected", "cut_seen", "boots")
        }
        memory["rounds"] = list(self._before.get("rounds") or ())
        nodes = {name: self._node(name, memory, now) for name in self.nodes.names}
        excused = recovery.excused(nodes, self.journal)
        at = self.read_at if self.read_at is not None else now
        vms = {str(vm): self._vm(vm, excused, memory, now) for vm in self.everyone()}
        running = {
            one.node: sorted(each.uuid for each in one.domains or () if not each.rests) for one in self.rounds[-1]
        }
        memory["rounds"] = [*memory["rounds"], [at, running]][-REMEMBERED:]
        ours = [one.subject for one in self.journal if one.kind == recovery_steps.Start.kind]
        quiet = recovery.quiet_since(list(memory["rounds"]), ours)
        memory["boots"].update({self.names[host]: result["node"]["boot_id"] for host, result in self.results.items()})
        memory["known"] = self._known(nodes, now)
        sight = recovery_steps.Sight(at, hold, nodes, vms, self.database is not None, quiet, self.stopped())
        return sight, memory

    def _known(self, nodes: Mapping[str, recovery_steps.Node], now: float) -> dict[str, Any]:
        """What is read of each node, and since when it is the same."""
        readings = {name: plain(node.readings) for name, node in nodes.items()}
        before = self._before.get("known") or {}
        return {"readings": readings, "since": before["since"] if before.get("readings") == readings else now}

    def settled(self, memory: Mapping[str, Any], now: float) -> bool:
        """So long the same that it stays so: a heartbeat that has stopped is known by then to stand."""
        timing = self.timing or quorum.Timing(0.0, THRESHOLD)
        return bool(now - memory["known"]["since"] > timing.after_error)


def _identity(bmc: Mapping[str, Any] | None) -> str:
    return str((bmc or {}).get("identity") or "").lower()


def _epoch(result: Mapping[str, Any] | None, zone: str) -> int:
    return int(result["epoch"]) if result and result.get("zone") == zone and result.get("epoch") else 0


def job_of(one: Mapping[str, Any]) -> recovery_steps.Job:
    """A job as M(cloudops.hypervisor.node_job_info) returns it; what refused it keeps its phrases."""
    state = recovery_steps.JobState(str(one["state"]).replace("_", " "))
    failed = said_by(one["refusal"] or {}) if one["rc"] else ""
    return recovery_steps.Job(state, bool(one["acted"]), failed)


def _open_job(record: Record, names: Mapping[str, str]) -> recovery_steps.OpenJob:
    """Where it works, and the other end of a migration: by a node's own name, or by that of the inventory."""
    about = record.entry.evidence
    node = str(about.get("node") or about.get("source") or "")
    target = str(about.get("target") or (about.get("spec") or {}).get("node") or "")
    name = str(about.get("job") or record.entry.job)
    return recovery_steps.OpenJob(name, record.entry.job, names.get(node, node), names.get(target, target))


def _is_unread(result: Mapping[str, Any]) -> bool:
    return result["lost_connections"]["missing"] is not None


def _lost(result: Mapping[str, Any]) -> Sequence[tuple[int, float]]:
    """When a node's kernel lost its connections, by the controller's clock."""
    ahead = result["node"]["began"] - result["clock"]["asked"]
    return [(int(number), float(at) - ahead) for number, at in result["lost_connections"]["lost"]]
