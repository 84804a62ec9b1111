# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A controller: Ansible as an operator runs it against a lab, with a store of its own, which may be held or killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from host import LabError
from network import Namespace

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 900
PROBLEMS = ("warning", "unknown", "critical")


@dataclass(frozen=True)
class Outcome:
    """``screen``: all that was printed; ``report``: what report.json says, empty when the run wrote none."""

    rc: int
    screen: str
    seconds: float
    report: Mapping[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The screen as one line: however it was folded."""
        return " ".join(self.screen.split())

    @property
    def verdicts(self) -> dict[str, str]:
        return {node["name"]: node["verdict"] for node in self.report["nodes"]}

    def findings(self, *names: str) -> list[Mapping[str, Any]]:
        """What the report has of these nodes, or of every one."""
        nodes = [node for node in self.report["nodes"] if not names or node["name"] in names]
        return [finding for node in nodes for check in node["checks"] for finding in check["findings"]]

    @property
    def problems(self) -> dict[str, set[str]]:
        """Node to what is not well on it, in the words of the table of expectations."""
        return {
            name: {_word(finding) for finding in self.findings(name) if finding["status"] in PROBLEMS}
            for name in self.verdicts
        }


def _word(finding: Mapping[str, Any]) -> str:
    own = finding["code"].startswith(finding["check"] + "_")
    return finding["code"] if own else f"{finding['check']}.{finding['code']}"


class Run:
    """A playbook that runs, from begin() to end()."""

    def __init__(
        self, command: list[str], screen: Path, state: Path, reports: Path, environment: Mapping[str, str]
    ) -> None:
        self._screen, self._reports = screen, reports
        self._began = time.monotonic()
        with screen.open("w") as output:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "XDG_STATE_HOME": str(state), "NO_COLOR": "1", "COLUMNS": "120", **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_for(self, text: str, seconds: float = 240) -> None:
        """Until the screen shows it."""
        deadline = time.monotonic() + seconds
        while text not in self._screen.read_text():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise LabError(f"the screen never showed {text!r}:\n{self._screen.read_text()}")
            time.sleep(0.1)

    def runs(self) -> bool:
        return self._process.poll() is None

    def hold(self) -> None:
        os.killpg(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.killpg(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def end(self, seconds: float = PATIENCE) -> Outcome:
        try:
            rc = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise LabError(f"no end after {seconds:.0f} s:\n{self._screen.read_text()}") from None
        screen = self._screen.read_text()
        print(screen)
        written = self._reports / "latest/report.json"
        report = json.loads(written.read_text()) if written.exists() else {}
        return Outcome(rc, screen, time.monotonic() - self._began, report)


class Controller:
    """``namespace``: the network it is in; ``environment``: what its runs are given beside their own."""

    def __init__(self, inventory: str, directory: Path) -> None:
        self._inventory = ROOT / "inventories" / inventory
        self._directory = directory
        self._state = directory / "state"
        self._runs: list[Run] = []
        self.namespace: Namespace | None = None
        self.environment: dict[str, str] = {}
        directory.mkdir(exist_ok=True)

    def begin(self, playbook: str, *arguments: str, **variables: Any) -> Run:
        """``variables``: extra variables; every run has a report directory of its own, all share the store."""
        return self._begin(playbook, f"playbooks/{playbook}.yml", *arguments, **variables)

    def run(self, playbook: str, *arguments: str, **variables: Any) -> Outcome:
        return self.begin(playbook, *arguments, **variables).end()

    def run_file(self, playbook: Path) -> Outcome:
        """A playbook that is not the collection's own."""
        return self._begin(playbook.stem, str(playbook)).end()

    def _begin(self, name: str, playbook: str, *arguments: str, **variables: Any) -> Run:
        number = f"{name}-{len(self._runs)}"
        reports = self._directory / f"{number}-reports"
        defaults = ROOT / f"roles/{name}/defaults/main.yml"
        if defaults.exists() and f"\n{name}_report_directory:" in defaults.read_text():
            variables[f"{name}_report_directory"] = str(reports)
        extra = json.dumps(variables)
        command = [sys.executable, "-m", "ansible", "playbook", "--inventory", str(self._inventory)]
        if self.namespace is not None:
            command = [str(word) for word in self.namespace.inside(*command)]
        command += ["--extra-vars", extra, *arguments, playbook]
        screen = self._directory / f"{number}.screen"
        self._runs.append(Run(command, screen, self._state, reports, self.environment))
        return self._runs[-1]

    def records(self, job: str) -> int:
        """How many its journal has of a job."""
        with contextlib.closing(sqlite3.connect(self._state / "cloudops-hypervisor/store.sqlite3")) as store:
            ((count,),) = store.execute("SELECT COUNT(*) FROM cloudops_journal WHERE job = ?", (job,)).fetchall()
        return int(count)

    def leave(self) -> None:
        """No run outlives a test that failed."""
        for run in self._runs:
            if run.runs():
                run.kill()


class Playbook:
    """One playbook of a controller; variables are its role's, without the prefix."""

    def __init__(self, name: str, controller: Controller, **defaults: Any) -> None:
        self._name = name
        self._controller = controller
        self._defaults = defaults

    def __call__(self, *arguments: str, **variables: Any) -> Outcome:
        given = {f"{self._name}_{name}": value for name, value in {**self._defaults, **variables}.items()}
        return self._controller.run(self._name, *arguments, **given)
