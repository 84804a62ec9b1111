# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody is told, by a server that really listens; whoever is not told does not stop what is being done."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from playbook import LOCAL, Playbook


class Listener(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.heard: list[dict[str, Any]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Request(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        self.server.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        """Nothing on the tests' screen."""


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as made:
        yield made
        made.shutdown()


def told(folder: Path, to: list[str], *more: str) -> tuple[int, str]:
    playbook = Playbook(folder)
    playbook.hosts = {"n1": LOCAL}
    task = {"title": "n2 was powered off", "text": "12 VMs are started elsewhere.", "to": to}
    show = {"msg": "told {{ said.told }}, not {{ said.untold | join('; ') }}."}
    tasks = [
        {"name": "Tell", "cloudops.hypervisor.tell": task, "register": "said"},
        {"name": "Show", "ansible.builtin.debug": show},
    ]
    return playbook.run(tasks, *more)


def test_each_is_told_and_one_that_is_not_is_named_by_its_place(tmp_path: Path, listener: Listener) -> None:
    good = f"json://lee:secret@127.0.0.1:{listener.server_port}"
    code, output = told(tmp_path, [good, "nonsense", "json://127.0.0.1:1"])
    assert code == 0, output
    assert [(one["title"], one["message"]) for one in listener.heard] == [
        ("n2 was powered off", "12 VMs are started elsewhere.")
    ]
    words = " ".join(output.split())
    assert "told 1, not to[2]: no address that apprise understands; to[3]: not delivered." in words
    assert "secret" not in output


def test_in_check_mode_nobody_is_told_and_without_addresses_nothing_is_said(tmp_path: Path, listener: Listener) -> None:
    good = f"json://127.0.0.1:{listener.server_port}"
    assert told(tmp_path, [good], "--check")[0] == 0
    assert told(tmp_path, [])[0] == 0
    assert listener.heard == []
