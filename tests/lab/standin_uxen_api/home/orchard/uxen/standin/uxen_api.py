# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in of the uxen API: XML over HTTP behind nginx. Where a database is configured, it manages the node's VMs.

docs/assumptions.md lists its requests and answers. ``behaviour.json`` beside this file makes it slow, wrong or silent.
"""

from __future__ import annotations

import itertools
import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from vms import NoSuchVm, Refused, Vms

HERE = Path(__file__).resolve().parent
SETTINGS = HERE.parent / "settings/production.json"
BEHAVIOUR = HERE / "behaviour.json"
# nginx closes the connection instead of passing this on.
LOST = 599


@dataclass(frozen=True)
class Behaviour:
    """``fail``, ``lose``: names of actions. ``number``: the display to hand out, taken or not."""

    delay: float = 0.0
    delay_answer: float = 0.0
    fail: list[str] = field(default_factory=list)
    lose: list[str] = field(default_factory=list)
    asynchronous: bool = False
    number: int | None = None
    # An HA loop of its own: how often it looks, and how long a node is silent before its VMs are started here
    ha_every: float = 0.0
    ha_silent: float = 30.0

    @staticmethod
    def now() -> Behaviour:
        return Behaviour(**json.loads(BEHAVIOUR.read_text())) if BEHAVIOUR.exists() else Behaviour()


class Tasks:
    """What was asked for and answered before it was done."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._known: dict[str, ElementTree.Element] = {}

    def start(self, action: Callable[[], ElementTree.Element]) -> ElementTree.Element:
        number = str(next(self._numbers))
        self._known[number] = _task(number, "running")

        def run() -> None:
            try:
                action()
                self._known[number] = _task(number, "done")
            except (Refused, NoSuchVm) as error:
                self._known[number] = _task(number, "failed", str(error))

        threading.Thread(target=run, daemon=True).start()
        return self._known[number]

    def get(self, number: str) -> ElementTree.Element:
        if number not in self._known:
            raise NoSuchVm(f"no such task: {number}")
        return self._known[number]


def _task(number: str, state: str, message: str = "") -> ElementTree.Element:
    task = ElementTree.Element("task", id=number)
    ElementTree.SubElement(task, "state").text = state
    ElementTree.SubElement(task, "message").text = message
    return task


class Api:
    """What a request asks for, whatever way it came: (status, document)."""

    def __init__(self, vms: Vms | None) -> None:
        self.vms = vms
        self.tasks = Tasks()

    def answer(self, method: str, path: str, body: str) -> tuple[int, ElementTree.Element]:
        words = path.partition("?")[0].strip("/").split("/")
        try:
            if words[:1] != ["api"]:
                raise NoSuchVm(f"no such resource: {path}")
            return self._route(method, words[1:], body)
        except NoSuchVm as error:
            return 404, _error(str(error))
        except Refused as error:
            return error.status, _error(str(error))
        except ElementTree.ParseError as error:
            return 400, _error(f"not XML: {error}")

    def _route(self, method: str, words: list[str], body: str) -> tuple[int, ElementTree.Element]:
        if (method, words) == ("GET", []):
            node = ElementTree.Element("node")
            ElementTree.SubElement(node, "name").text = socket.gethostname()
            return 200, node
        if (method, words) == ("GET", ["vms"]):
            return 200, self.vms.listed() if self.vms else ElementTree.Element("vms")
        vms = self.vms
        if vms is not None:
            if method == "GET" and words[:1] == ["tasks"] and len(words) == 2:
                return 200, self.tasks.get(words[1])
            if method == "GET" and words[:1] == ["vms"] and len(words) == 2:
                return 200, vms.shown(words[1])
            if method == "GET" and words[:1] == ["vms"] and words[2:] == ["interfaces"]:
                return 200, vms.interfaces(words[1])
            if method == "POST" and words[:1] == ["vms"] and len(words) == 3:
                return self._act(words[2], words[1], ElementTree.fromstring(body) if body.strip() else None)
        raise NoSuchVm(f"no such resource: /api/{'/'.join(words)}")

    def _act(self, name: str, vm: str, request: ElementTree.Element | None) -> tuple[int, ElementTree.Element]:
        assert self.vms is not None
        vms, behaviour = self.vms, Behaviour.now()

        def asked(tag: str, default: str) -> str:
            return (request.findtext(f".//{tag}") if request is not None else None) or default

        actions: dict[str, Callable[[], ElementTree.Element]] = {
            "start": lambda: vms.start(vm, behaviour.number),
            "stop": lambda: vms.stop(vm, asked("force", "false") == "true"),
            "migrate": lambda: vms.migrate(vm, asked("target", ""), behaviour.number),
            "interfaces": lambda: vms.create_interface(vm, asked("interface_name", "xenbr0")),
        }
        if name not in actions:
            raise NoSuchVm(f"no such action: {name}")
        time.sleep(behaviour.delay)
        if name in behaviour.fail:
            raise Refused(f"{name} failed")
        if behaviour.asynchronous:
            return 202, self.tasks.start(actions[name])
        document = actions[name]()
        time.sleep(behaviour.delay_answer)
        return (LOST if name in behaviour.lose else 200), document

    def watch_over_other_nodes(self) -> None:
        """The HA of its own: a node that has been silent long enough loses its VMs to this one."""
        assert self.vms is not None
        silent_since: dict[str, float] = {}
        while True:
            behaviour = Behaviour.now()
            time.sleep(behaviour.ha_every or 1.0)
            if not behaviour.ha_every:
                silent_since.clear()
                continue
            for node, address in self.vms.other_nodes().items():
                if _answers(address):
                    silent_since.pop(node, None)
                elif time.monotonic() - silent_since.setdefault(node, time.monotonic()) >= behaviour.ha_silent:
                    self._take_over(node)

    def _take_over(self, node: str) -> None:
        assert self.vms is not None
        for vm in self.vms.wanted_on(node):
            try:
                self.vms.start(vm, None)
            except (Refused, NoSuchVm) as error:
                print(f"ha: {vm}: {error}", flush=True)


def _answers(address: str) -> bool:
    try:
        socket.create_connection((address, 80), 3).close()
    except OSError:
        return False
    return True


def _error(text: str) -> ElementTree.Element:
    error = ElementTree.Element("error")
    error.text = text
    return error


def handler(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(*api.answer("GET", self.path, ""))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            self._answer(*api.answer("POST", self.path, body))

        def _answer(self, status: int, document: ElementTree.Element) -> None:
            ElementTree.indent(document)
            body = ElementTree.tostring(document, encoding="utf-8", xml_declaration=True)
            self.send_response(status)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def main() -> None:
    settings: dict[str, Any] = json.loads(SETTINGS.read_text()) if SETTINGS.exists() else {}
    api = Api(Vms(settings["database"], settings["images"]) if settings else None)
    if api.vms is not None:
        threading.Thread(target=api.watch_over_other_nodes, daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", 8000), handler(api)).serve_forever()


if __name__ == "__main__":
    main()
