# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import conclude, refused_unless_meant
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import VNCPORT_SYNC
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.database import postgresql_driver
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import Entry, Phase, Store, Token
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.uxen_database import (
    Correction,
    DisplayWrite,
    Holder,
    Reading,
    UxenDatabase,
    UxenDatabaseError,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import database_age, vnc_truth
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.vnc_truth import Change, Standing, applied
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.whereabouts import counted_after
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding, Status, verdict
from ansible_collections.cloudops.hypervisor.plugins.module_utils.host_names import same_host
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.vnc import TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import Display, VmUuid
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.store import author, existing_store, opened_store

# Ansible loads this file before it forks: the driver's 0.1 s are then no worker's. Whoever lacks it is told later.
with contextlib.suppress(ImportError):
    postgresql_driver()

JOB = "vncport_sync"
KNOWN = "uxen_database"
KNOWN_KEPT = 20


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _result, options = self.validate_argument_spec(**VNCPORT_SYNC)
        try:
            refused_unless_meant(options["statuses"], [TABLE])
            sync = _Sync(options, task_vars or {})
            if options["state"] == "synced" and not self._task.check_mode:
                sync.correct()
            else:
                sync.look()
        except PolicyError as error:
            raise AnsibleActionFail(str(error)) from error
        except UxenDatabaseError as error:
            raise AnsibleActionFail(str(error)) from error
        return {**result, **sync.result()}


class _Sync:
    """One zone: what its nodes answered, what the database says, and what was done about it."""

    def __init__(self, options: Mapping[str, Any], variables: Mapping[str, Any]) -> None:
        self._options = options
        self._variables = variables
        self._zone: str = options["zone"]
        self._answers = {host: self._answer(host) for host in variables["ansible_play_hosts_all"]}
        if options["state"] == "synced":
            old = vnc_truth.too_old(dict(self._ages()), options["max_age"])
            if old:
                raise AnsibleActionFail(
                    f"Nothing was corrected: readings may be {options['max_age']:g} s old, and these are not that new: "
                    f"{', '.join(old)}. Read the nodes again right before."
                )
        self._database = UxenDatabase(options)
        self._given: dict[str, vnc_truth.Node] = {}
        self._done: tuple[Change, ...] = ()
        self._before: tuple[vnc_truth.Row, ...] = ()

    def _answer(self, host: str) -> Mapping[str, Any]:
        # The templating that hostvars[host] does would take the longest part of the time.
        answer = self._variables["hostvars"].raw_get(host).get(self._options["readings"]) or {}
        return answer if answer.get("node") else {}

    def _ages(self) -> Iterator[tuple[str, float]]:
        now = time.time()
        for host, answer in self._answers.items():
            if answer:
                yield host, now - counted_after(answer)

    # Reading

    def look(self) -> None:
        with existing_store(self._variables, self._options["store_url"]) as store:
            self._compare(self._database.read(), store)

    def _compare(self, reading: Reading, store: Store | None) -> None:
        self._reading = reading
        self._hosts = self._named(reading)
        zone = {*self._zone_nodes(reading), *self._hosts}
        names = {row.key: row.more.get("name") or "" for row in reading.vms}
        rows = [vnc_truth.Row(row.vm, row.node, row.display, names[row.key]) for row in reading.vms]
        for name, host in self._hosts.items():
            if self._answers[host] and name not in self._given:
                self._given[name] = vnc_truth.node(name, self._answers[host])
        self._rows = rows
        self._comparison = vnc_truth.compare(rows, self._given.values(), zone)
        self._doubts = self._doubted(store)

    def _named(self, reading: Reading) -> dict[str, str]:
        """The play's hosts by the names that the database, or at least the node itself, has for them."""
        hosts: dict[str, str] = {}
        names = [row.name for row in reading.nodes]
        for host, answer in self._answers.items():
            called = [str(answer["node"].get("hostname") or host), host] if answer else [host]
            found = [name for one in called for name in (one, *names) if name in names and same_host(one, name)]
            name = found[0] if found else called[0]
            if name in hosts:
                raise AnsibleActionFail(f"The hosts {hosts[name]} and {host} are both the database's node {name}.")
            hosts[name] = host
        return hosts

    def _zone_nodes(self, reading: Reading) -> list[str]:
        names = [row.name for row in reading.nodes]
        wanted = self._options["nodes"]
        if wanted is not None:
            unknown = [name for name in wanted if name not in names]
            if unknown:
                raise AnsibleActionFail(f"nodes: pengx_pm has no {', '.join(unknown)}")
            return list(wanted)
        if not self._options["columns"].get("node", {}).get("zone"):
            return names
        found = [row.name for row in reading.nodes if row.more["zone"] == self._zone]
        if not found:
            raise AnsibleActionFail(f"zone: pengx_pm has no node of the zone {self._zone}")
        return found

    def _doubted(self, store: Store | None) -> list[Phrase]:
        kept = store.latest(KNOWN, self._zone) if store is not None else None
        rows = {str(row.vm): database_age.Row(row.node, _number(row.display)) for row in self._rows}
        proven = {str(one.vm) for one in self._comparison.vms if one.standing is Standing.IN_STEP}
        known = None if kept is None else database_age.Known.parse(kept.body)
        self._written = {} if known is None else dict(known.written)
        return database_age.doubts(known, self._known(), self._reading.identity.replica, rows, proven)

    def _known(self, **more: Any) -> database_age.Known:
        identity = self._reading.identity
        return replace(database_age.Known(identity.system, identity.timeline, identity.transaction), **more)

    # Correcting

    def correct(self) -> None:
        who = author(self._variables)
        holder = Holder(self._zone, who.who, who.process.host, who.run, "VNC port synchronisation")
        with self._database.holding(holder), opened_store(self._variables, self._options["store_url"]) as store:
            self._compare(self._database.read(), store)
            if self._doubts:
                if not self._comparison.silent and not self._reading.identity.replica:
                    probed = self._known(transaction=self._reading.identity.transaction - 1)
                    store.save(KNOWN, self._zone, probed.as_dict(), keep=KNOWN_KEPT)
                return
            self._settle(store)
            if self._comparison.changes:
                self._write(store, holder)
                self._compare(self._database.read(), store)

    def _write(self, store: Store, holder: Holder) -> None:
        changes = self._comparison.changes
        self._journal(store, Phase.STARTED, changes)
        writes = [DisplayWrite(one.vm, one.old, one.new) for one in vnc_truth.writes(changes, self._rows)]
        try:
            ended = self._database.correct(writes, self._reading.vms, holder)
        except UxenDatabaseError as error:
            self._journal(store, Phase.CLOSED, changes, reason=str(error))
            raise
        if ended.state == "unknown":
            raise AnsibleActionFail(
                f"Whether {len(changes)} rows of pengx_vm were corrected is not known ({ended.said}). Nothing more is "
                "done. The journal has them as open, and the next run settles them once the server answers."
            )
        if ended.state == "aborted":
            self._journal(store, Phase.CLOSED, changes, reason=f"rolled back: {ended.said}")
            raise AnsibleActionFail(f"The server rolled the correction back: {ended.said}. Nothing was written.")
        self._done, self._before = changes, tuple(self._rows)
        self._remember(store, ended)
        self._journal(store, Phase.DONE, changes, transaction=ended.transaction)

    def _remember(self, store: Store, ended: Correction) -> None:
        written = {one.vm: database_age.Written(one.node, _number(one.old), one.new.number) for one in self._done}
        known = self._known(transaction=ended.transaction, written={**self._written, **written})
        store.save(KNOWN, self._zone, known.as_dict(), keep=KNOWN_KEPT)

    def _settle(self, store: Store) -> None:
        """What an earlier run left open: its rows have been read, so what became of it is known now."""
        rows = {row.vm: row for row in self._rows}
        for record in store.open_jobs(job=JOB, zone=self._zone):
            entry = record.entry
            row = rows.get(VmUuid(entry.subject))
            found = None if row is None else _number(row.display)
            if found == entry.evidence.get("after"):
                ended = replace(entry, phase=Phase.DONE, evidence={"found": found})
            else:
                reason = f"its outcome was not known; the row was read again and has {found}"
                ended = replace(entry, phase=Phase.CLOSED, evidence={"found": found, "reason": reason})
            store.record(ended, self._token)

    def _journal(self, store: Store, phase: Phase, changes: tuple[Change, ...], **evidence: Any) -> None:
        store.record_all(
            [Entry(JOB, one.vm, phase, zone=self._zone, evidence={**_shown(one), **evidence}) for one in changes],
            self._token,
        )

    @property
    def _token(self) -> Token | None:
        return Token(self._options["lock"], self._options["epoch"]) if self._options["lock"] else None

    # Telling

    def result(self) -> dict[str, Any]:
        comparison, identity = self._comparison, self._reading.identity
        unproven = comparison.changes if self._doubts else ()
        changes = self._done or (() if self._doubts else comparison.changes)
        refused = [(one.vm, one.node, one.why) for one in comparison.refused]
        refused += [(one.vm, one.node, "vnc_database_unproven") for one in unproven]
        told = {
            "changed": self._options["state"] == "synced" and bool(changes),
            "changes": [{"vm": str(one.vm), **_shown(one)} for one in changes],
            "refused": [{"vm": str(vm), "node": node, "why": why} for vm, node, why in refused],
            "configs": self._configs(),
            "silent": list(comparison.silent),
            "database": {
                "place": self._database.place,
                "system_identifier": identity.system,
                "timeline": identity.timeline,
                "doubts": [str(doubt) for doubt in self._doubts],
            },
            "nodes": self._nodes(),
        }
        if told["changed"]:
            told["diff"] = self._diff(changes)
        return told

    def _configs(self) -> list[dict[str, Any]]:
        if self._options["config"] == "untouched" or self._doubts:
            return []
        return [
            {"vm": str(one.vm), "host": self._hosts[one.node], "path": one.path, **_numbers(one.old, one.new)}
            for one in self._comparison.configs
        ]

    def _nodes(self) -> dict[str, Any]:
        findings = self._comparison.findings()
        for row in self._reading.unreadable:
            if row.node in self._hosts or row.node in self._comparison.silent:
                values = {"table": row.table, "detail": row.said}
                said = f"{row.table} {row.row}: {row.said}"
                findings.setdefault(row.node, []).append(Finding("vnc_row_not_understood", row.row, values, (said,)))
        doubts = [Finding("vnc_database_unproven", self._zone, {"why": self._doubts}, tuple(map(str, self._doubts)))]
        vms: dict[str, list[dict[str, Any]]] = {}
        for one in self._comparison.vms:
            vms.setdefault(one.node, []).append(_fact(one))
        return {
            self._hosts.get(name, name): self._judged(
                [*(doubts if self._doubts else []), *(findings.get(name) or [Finding("vnc_no_vms", name)])],
                vms.get(name, []),
            )
            for name in dict.fromkeys([*self._hosts, *self._comparison.silent, *findings])
        }

    def _judged(self, findings: list[Finding], vms: list[dict[str, Any]]) -> dict[str, Any]:
        health = conclude("vnc", findings, {"vms": vms}, TABLE, self._options["statuses"])
        return {"checks": {"vnc": health}, "verdict": verdict([Status(health["status"])]).value}

    def _diff(self, changes: tuple[Change, ...]) -> dict[str, str]:
        before = self._before or self._rows
        nodes = {change.node for change in changes}
        header = "pengx_vm of " + ", ".join(sorted(nodes))
        tables = [_table(row for row in rows if row.node in nodes) for rows in (before, applied(before, changes))]
        return {"before_header": header, "after_header": header, "before": tables[0], "after": tables[1]}


def _shown(change: Change) -> dict[str, Any]:
    return {"node": change.node, **_numbers(change.old, change.new)}


def _numbers(old: Display | None, new: Display) -> dict[str, int | None]:
    return {"before": _number(old), "after": new.number}


def _number(display: Display | None) -> int | None:
    return None if display is None else display.number


def _fact(one: vnc_truth.Judged) -> dict[str, Any]:
    row, truth = one.row, one.truth
    return {
        "vm": str(one.vm),
        "name": row.name if row is not None and row.name else None,
        "standing": one.standing.value,
        "database_node": row.node if row is not None else None,
        "database_display": _number(row.display) if row is not None else None,
        "display": None if truth is None else truth.display.number,
        "port": None if truth is None else truth.number,
    }


def _table(rows: Iterator[vnc_truth.Row]) -> str:
    """A line a row, in an order in which only what changes moves within its own node."""
    lines = sorted((row.node, row.vm, "NULL" if row.display is None else str(row.display), row.name) for row in rows)
    return "".join(f"{node}  {vm}  {display:>5}  {name}".rstrip() + "\n" for node, vm, display, name in lines)
