# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks against the lab, run as an operator runs them: the screen and the report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller import ROOT
from topology import NODES

PROBLEMS = ("warning", "unknown", "critical")


@dataclass(frozen=True)
class Outcome:
    """``report``: what report.json says; empty when there is none."""

    rc: int
    screen: str
    report: Mapping[str, Any]
    seconds: float

    @property
    def verdicts(self) -> dict[str, str]:
        return {node["name"]: node["verdict"] for node in self.report["nodes"]}

    def findings(self, name: str) -> list[dict[str, Any]]:
        (node,) = (node for node in self.report["nodes"] if node["name"] == name)
        return [finding for check in node["checks"] for finding in check["findings"]]

    @property
    def problems(self) -> dict[str, set[str]]:
        """Node to what is not well on it, in the words of the table of expectations."""
        found: dict[str, set[str]] = {node.name: set() for node in NODES}
        for node in self.report["nodes"]:
            found[node["name"]] = {
                _word(finding) for finding in self.findings(node["name"]) if finding["status"] in PROBLEMS
            }
        return found


def _word(finding: Mapping[str, Any]) -> str:
    own = finding["code"].startswith(finding["check"] + "_")
    return finding["code"] if own else f"{finding['check']}.{finding['code']}"


class Playbook:
    """Every run has a report directory of its own; all share a store."""

    def __init__(self, name: str, directory: Path) -> None:
        self._name = name
        self._directory = directory

    def __call__(self, *arguments: str, **variables: Any) -> Outcome:
        """Run it; variables are the role's, without its prefix."""
        extra = json.dumps({f"{self._name}_{name}": value for name, value in variables.items()})
        playbook = [sys.executable, "-m", "ansible", "playbook", "--inventory", "inventories/lab"]
        started = time.monotonic()
        done = subprocess.run(
            [*playbook, "--extra-vars", extra, *arguments, f"playbooks/{self._name}.yml"],
            cwd=ROOT,
            env={**os.environ, "XDG_STATE_HOME": str(self._directory / "state"), "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - started
        print(done.stdout)
        written = Path(variables.get("report_directory", self._directory / "none"), "latest/report.json")
        report = json.loads(written.read_text()) if written.exists() else {}
        return Outcome(done.returncode, done.stdout, report, seconds)

    def new_directory(self) -> str:
        return tempfile.mkdtemp(prefix="reports-", dir=self._directory)


class BootCheck(Playbook):
    def __init__(self, directory: Path) -> None:
        super().__init__("node_boot_check", directory)

    def __call__(self, *arguments: str, fail_on: str = "never", **variables: Any) -> Outcome:
        return super().__call__(*arguments, fail_on=fail_on, report_directory=self.new_directory(), **variables)
