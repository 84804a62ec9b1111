# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.color import ANSIBLE_COLOR
from ansible.utils.display import Display

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import refused_unless_meant
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import Store
from ansible_collections.cloudops.hypervisor.plugins.module_utils.examination import CHECKS
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report import (
    documents,
    files,
    model,
    page,
    terminal,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.options import HEALTH_REPORT
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.words import say
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.store import author, existing_store, opened_store

REPORTS_KEPT = 50
PARTS_KEPT = timedelta(days=7)
# Ansible loads this file before it forks: a worker has no terminal to ask.
SCREEN_WIDTH = min(shutil.get_terminal_size((100, 24)).columns, 120)


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _result, options = self.validate_argument_spec(**HEALTH_REPORT)
        variables = task_vars or {}
        try:
            refused_unless_meant(options["statuses"], [check.table for check in CHECKS.values()])
        except PolicyError as error:
            raise AnsibleActionFail(str(error)) from error
        made = _Making(options, variables, self._task.check_mode)
        report = made.report()
        result.update(changed=False, summary=documents.summary(report), failure=made.failure(report))
        if not self._task.check_mode:
            result["directory"] = made.write(report)
        stats = {"health_report": {report.job: result["summary"]}}
        result["ansible_stats"] = {"data": stats, "per_host": False, "aggregate": True}
        show(report, made.notes)
        return result


class _Making:
    """One report: from the variables of the play and the store to files and notes."""

    def __init__(self, options: Mapping[str, Any], variables: Mapping[str, Any], check_mode: bool) -> None:
        self._options = options
        self._variables = variables
        self._check_mode = check_mode
        workflow = variables.get("awx_workflow_job_id")
        self._sliced = options["run_id"] or (f"awx-workflow-{workflow}" if workflow else "")
        self._run = author(variables).run
        self._created = datetime.now().astimezone().replace(microsecond=0)
        self.notes: list[str] = []
        if check_mode:
            self.notes.append(self._say("note.check_mode"))

    def _say(self, key: str, **values: Any) -> str:
        return say(self._options["language"], key, **values)

    def report(self) -> model.Report:
        """The store makes it better, and is not needed for it."""
        results = dict(_results(self._variables, self._options["results"]))
        url, report = self._options["store_url"], None
        try:
            if self._check_mode:
                with existing_store(self._variables, url) as known:
                    report = self._build(results, known)
            else:
                with opened_store(self._variables, url) as store:
                    self._keep_part(store, results)
                    report = self._build(results, store)
                    store.save("report", report.job, documents.as_json(report), keep=REPORTS_KEPT)
        except AnsibleActionFail as error:
            self.notes.append(self._say("note.not_stored", reason=str(error.__cause__ or error)))
            report = report or self._build(results, None)
        if report.parts.done < report.parts.of:
            self.notes.append(self._say("parts.missing", done=report.parts.done, of=report.parts.of))
        return report

    def _build(self, results: Mapping[str, Any], store: Store | None) -> model.Report:
        options = self._options
        kept = [*_parts(store, self._parts_name)] if store is not None and self._sliced else []
        done = {body["part"] for body in kept} | {self._part}
        return model.build(
            model.merged([*(body["results"] for body in kept), results]),
            options["job"],
            self._sliced or self._run,
            self._created.isoformat(),
            options["language"],
            options["statuses"],
            _history(store, options["job"]),
            model.Parts(len(done), max(options["parts"], len(done))),
        )

    @property
    def _part(self) -> str:
        return self._options["part"] or self._run

    @property
    def _parts_name(self) -> str:
        return f"{self._options['job']} {self._sliced}"

    def _keep_part(self, store: Store, results: Mapping[str, Any]) -> None:
        if self._sliced:
            store.save("report_part", self._parts_name, {"part": self._part, "results": results})
            store.forget("report_part", self._created - PARTS_KEPT)

    def write(self, report: model.Report) -> str:
        directory = os.path.abspath(self._options["directory"] or os.path.join("reports", report.job))
        name = self._created.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        contents = {
            "report.html": page.render(report, self.notes),
            "report.json": documents.as_text(report),
            "junit.xml": documents.as_junit(report),
        }
        try:
            placed = files.write(directory, name, contents, REPORTS_KEPT)
        except OSError as error:
            show(report, self.notes)
            raise AnsibleActionFail(
                f"The report could not be written into {directory}: {error.strerror}. Name another directory."
            ) from error
        self.notes.append(
            self._say("note.files", path=os.path.relpath(os.path.join(directory, "latest", "report.html")))
        )
        return placed

    def failure(self, report: model.Report) -> str:
        fail_on = self._options["fail_on"]
        nodes = model.fold_names(node.name for node in model.reached(report, fail_on))
        return self._say("failure.reached", fail_on=fail_on, nodes=", ".join(nodes)) if nodes else ""


def show(report: model.Report, notes: list[str]) -> None:
    screen = Display()
    try:
        colored = terminal.render(report, SCREEN_WIDTH, ANSIBLE_COLOR, notes)
    except ImportError as error:
        screen.warning(f"The report is not shown here: {error}. Install the Python package rich on the controller.")
        return
    screen.display(colored, screen_only=True)
    screen.display(terminal.render(report, SCREEN_WIDTH, False, notes), log_only=True)


def _results(variables: Mapping[str, Any], name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Of every host of the play, whatever became of it; of a play in batches, of those so far."""
    batch = {*variables["ansible_play_batch"]}
    for host in variables["ansible_play_hosts_all"]:
        # The templating that hostvars[host] does would take the longest part of a fleet's report.
        given = variables["hostvars"].raw_get(host)
        if host in batch or name in given:
            yield host, given.get(name) or {}


def _history(store: Store | None, job: str) -> Iterator[Any]:
    if store is not None:
        for header in store.documents("report", job, limit=REPORTS_KEPT):
            document = store.get(header.id)
            if document is not None:
                yield document.body


def _parts(store: Store, name: str) -> Iterator[Any]:
    """The newest of each part, the oldest first."""
    newest: dict[str, Any] = {}
    for header in reversed(store.documents("report_part", name, limit=1000)):
        document = store.get(header.id)
        if document is not None:
            newest.pop(document.body["part"], None)
            newest[document.body["part"]] = document.body
    yield from newest.values()
