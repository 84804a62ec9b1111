# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node boot check against the lab, run as an operator runs it: the playbook, its screen and its report."""

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

from topology import NODES

ROOT = Path(__file__).resolve().parents[2]
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


class BootCheck:
    """Every run has a report directory of its own; all share a store."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __call__(self, *arguments: str, fail_on: str = "never", **variables: Any) -> Outcome:
        """Run the playbook; variables are the role's, without its prefix."""
        reports = Path(tempfile.mkdtemp(prefix="reports-", dir=self._directory))
        given = {"fail_on": fail_on, "report_directory": str(reports), **variables}
        extra = json.dumps({f"node_boot_check_{name}": value for name, value in given.items()})
        playbook = [sys.executable, "-m", "ansible", "playbook", "--inventory", "inventories/lab"]
        started = time.monotonic()
        done = subprocess.run(
            [*playbook, "--extra-vars", extra, *arguments, "playbooks/node_boot_check.yml"],
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
        written = reports / "latest/report.json"
        report = json.loads(written.read_text()) if written.exists() else {}
        return Outcome(done.returncode, done.stdout, report, seconds)
