# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in of the uxen API on one node, as a test drives it."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from xml.etree import ElementTree

import remote
from host import LabError

_BEHAVIOUR = "/home/orchard/uxen/standin/behaviour.json"


@dataclass(frozen=True)
class Answer:
    """``status`` 0: the connection was closed without an answer."""

    status: int
    document: ElementTree.Element | None

    def text(self, tag: str) -> str:
        assert self.document is not None
        return self.document.findtext(f".//{tag}") or ""


class UxenApi:
    def __init__(self, node: str) -> None:
        self._node = node

    def behave(self, **behaviour: object) -> None:
        """From the next request on; nothing named: as it should. The names are those of Behaviour in uxen_api.py."""
        text = json.dumps(behaviour)
        remote.script(self._node, f"echo {shlex.quote(text)} > {_BEHAVIOUR}.new; mv {_BEHAVIOUR}.new {_BEHAVIOUR}")

    def get(self, path: str) -> Answer:
        return self._ask("GET", path)

    def post(self, path: str, body: str = "", timeout: float = 300) -> Answer:
        return self._ask("POST", path, body, timeout)

    def _ask(self, method: str, path: str, body: str = "", timeout: float = 60) -> Answer:
        """Through nginx on the node itself, as the runbook's scripts ask."""
        command = ["curl", "--silent", "--request", method, "--max-time", f"{timeout:.0f}"]
        command += ["--write-out", "\\n%{http_code}", "--data", body, f"http://localhost/api{path}"]
        # A lost answer is curl's rc 52.
        said = remote.script(self._node, f"{shlex.join(command)} || [ $? = 52 ]", timeout + 30)
        text, _newline, status = said.rpartition("\n")
        if not status.isdigit():
            raise LabError(f"{method} {path} on {self._node}: {said}")
        return Answer(int(status), ElementTree.fromstring(text) if text.startswith("<?xml") else None)
