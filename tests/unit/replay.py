# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node that answers from recordings, and what every test of a check asks of its findings.

A recording is a file of tests/unit/recordings: lines "# node: …", "# $ command", the merged output, "# rc=N".
"""

from __future__ import annotations

import fnmatch
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import Check, conclude
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Problem, Touches
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding, Status
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.common import TABLE as COMMON

RECORDINGS = Path(__file__).parent / "recordings"


def recording(name: str) -> Answer:
    """The output of recordings/NAME.txt with its return code; the command is the source."""
    command, body, rc = "", [], None
    for line in (RECORDINGS / (name + ".txt")).read_text(encoding="utf-8").splitlines(keepends=True):
        if line.startswith("# $ ") and not command:
            command = line[4:].strip()
        elif match := re.match(r"# rc=(\d+)$", line.strip()):
            rc = int(match.group(1))
        elif not (line.startswith("# ") and not command):
            body.append(line)
    return Answer(command, stdout="".join(body), rc=rc)


class Replay:
    """A Host made of answers: ``{command line, path, "tcp ADDRESS:PORT" or "unix PATH": Answer, text or Problem}``.

    A list of answers is given out one by one, its last one for good. What is not in it is absent, as on a node
    without that tool. ``asked`` lists what was read, in order; ``blocked`` refuses as a real node's host does.
    """

    def __init__(
        self,
        answers: Mapping[str, object],
        links: Mapping[str, str] | None = None,
        now: float = 1_790_000_000.0,
        blocked: Mapping[Touches, str] | None = None,
    ) -> None:
        self._answers = {key: list(value) if isinstance(value, list) else [value] for key, value in answers.items()}
        self._links = dict(links or {})
        self._now = now
        self._blocked = dict(blocked or {})
        self.asked: list[str] = []
        self.globbed: list[str] = []

    def block(self, touches: Touches, cause: str) -> None:
        self._blocked.setdefault(touches, cause)

    def until(self, ends: float) -> Replay:
        return self

    def _answer(self, source: str, rc: int | None) -> Answer:
        self.asked.append(source)
        given = self._answers.get(source)
        if given is None:
            return Answer(source, stderr=f"{source.split(maxsplit=1)[0]}: not found", problem=Problem.ABSENT)
        one = given.pop(0) if len(given) > 1 else given[0]
        if isinstance(one, Answer):
            return replace(one, source=source)
        if isinstance(one, Problem):
            return Answer(source, stderr=one.value, problem=one)
        return Answer(source, stdout=str(one), rc=rc)

    def run(
        self,
        argv: Sequence[str],
        timeout: float = 10.0,
        touches: Touches = Touches.NOTHING,
        environment: Mapping[str, str] | None = None,
    ) -> Answer:
        source = " ".join(argv)
        if touches in self._blocked:
            self.asked.append(source)
            return Answer(source, stderr=self._blocked[touches], problem=Problem.BLOCKED)
        return self._answer(source, 0)

    def read(self, path: str) -> Answer:
        return self._answer(path, None)

    def glob(self, pattern: str) -> list[str]:
        self.globbed.append(pattern)
        names = {*self._answers, *self._links}
        found = {path for path in names if path.startswith("/") and fnmatch.fnmatchcase(path, pattern)}
        # a folder is there when something below it is
        depth = pattern.count("/")
        for path in names:
            parent = "/".join(path.split("/")[: depth + 1])
            if path.count("/") > depth and fnmatch.fnmatchcase(parent, pattern):
                found.add(parent)
        return sorted(path for path in found if path.count("/") == depth)

    def link(self, path: str) -> str | None:
        return self._links.get(path)

    def exchange(self, address: str, port: int, request: bytes = b"", timeout: float = 3.0) -> Answer:
        return self._answer(f"tcp {address}:{port}", None)

    def ask(self, path: str, request: bytes, until: bytes, timeout: float = 3.0) -> Answer:
        return self._answer(f"unix {path}", None)

    def who_has(self, interface: str, address: str, timeout: float = 1.0) -> Answer:
        return self._answer(f"arp who-has {address} dev {interface}", None)

    def adjtimex(self) -> Answer:
        return self._answer("adjtimex --print", None)

    def now(self) -> float:
        return self._now

    def wait(self, seconds: float) -> None:
        self._now += seconds


def judged(check: Check, host: Replay, policy: object | None = None) -> dict[str, Finding]:
    """Probe and judge a replayed node: ``{code: first finding of it}``, every finding held to the contract."""
    policy = check.policy() if policy is None else policy
    return by_code(check, check.judge(check.probe(host, policy), policy))


def by_code(check: Check, findings: Sequence[Finding]) -> dict[str, Finding]:
    """Findings by code, after what holds for each of them has been asserted."""
    rows = {**COMMON, **check.table}
    assert findings, "a judge that says nothing has proven nothing"
    for finding in findings:
        row = rows[finding.code]
        places = {"subject", *finding.values}
        for words in (row.en, row.ko):
            for text in (words.message, words.remedy):
                wanted = {part[1] for part in string.Formatter().parse(text) if part[1]}
                assert wanted <= places, f"{finding.code} lacks {wanted - places}"
        if row.status in (Status.WARNING, Status.CRITICAL):
            assert finding.evidence, f"{finding.code} has no evidence"
            assert finding.subject, f"{finding.code} has no subject"
    shown = conclude(check.name, findings, None, check.table)
    # good news and a problem of the same check would contradict each other
    statuses = {finding["status"] for finding in shown["findings"]}
    assert "skipped" not in statuses or statuses == {"skipped"}
    first: dict[str, Finding] = {}
    for finding in findings:
        first.setdefault(finding.code, finding)
    return first
