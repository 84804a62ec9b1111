# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's stand-in of the uxen API on loopback: its own requests and answers, over VMs that are only remembered."""

from __future__ import annotations

import contextlib
import importlib
import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

STANDIN = Path(__file__).resolve().parents[2] / "lab/standin_uxen_api/home/orchard/uxen/standin"


def standin() -> tuple[ModuleType, ModuleType]:
    """(uxen_api, vms): programs of the lab's nodes, found beside each other."""
    sys.path.insert(0, str(STANDIN))
    try:
        return importlib.import_module("uxen_api"), importlib.import_module("vms")
    finally:
        sys.path.remove(str(STANDIN))


class Remembered:
    """What the stand-in asks of a node's VMs, without a hypervisor. ``done``: what was done, in order."""

    def __init__(self, states: dict[str, str], interfaces: list[tuple[str, str, str]]) -> None:
        self.states = states
        self.nics = interfaces
        self.done: list[str] = []
        self.broken = False
        self._errors = standin()[1]

    def shown(self, vm: str) -> ElementTree.Element:
        if vm not in self.states:
            raise self._errors.NoSuchVm(f"no such vm: {vm}")
        document = ElementTree.Element("vm", id=vm)
        for tag, text in (("name", "web-1"), ("node", "n1"), ("state", self.states[vm]), ("vnc_port", "51")):
            ElementTree.SubElement(document, tag).text = text
        return document

    def interfaces(self, vm: str) -> ElementTree.Element:
        document = ElementTree.Element("interfaces")
        for number, (mac, name, address) in enumerate(self.nics):
            interface = ElementTree.SubElement(document, "interface", id=str(number))
            for tag, text in (("mac", mac), ("name", name), ("ip", address)):
                ElementTree.SubElement(interface, tag).text = text
        return document

    def start(self, vm: str, _number: int | None) -> ElementTree.Element:
        return self._turn(vm, "stopped", "running", "start")

    def stop(self, vm: str, force: bool) -> ElementTree.Element:
        return self._turn(vm, "running", "stopped", "destroy" if force else "stop")

    def migrate(self, vm: str, target: str, _number: int | None) -> ElementTree.Element:
        return self._turn(vm, "running", "running", f"migrate to {target}")

    def _turn(self, vm: str, before: str, after: str, what: str) -> ElementTree.Element:
        self.shown(vm)
        if self.states[vm] != before:
            raise self._errors.Refused(f"{vm} is {self.states[vm]}", 409)
        if self.broken:
            raise self._errors.Refused("xl create: rc 3: no memory")
        self.states[vm] = after
        self.done.append(what)
        return self.shown(vm)


class Server(ThreadingHTTPServer):
    def handle_error(self, *_about: object) -> None:
        """Whoever asked may be gone before the answer."""


class Api:
    """It listens at ``url``; ``behaviour`` is what its behaviour.json would hold."""

    def __init__(self, vms: Remembered, directory: Path) -> None:
        self.vms = vms
        self._behaviour = directory / "behaviour.json"
        self.module = standin()[0]
        self.module.BEHAVIOUR = self._behaviour
        self.server = Server(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/api"

    def behave(self, **how: Any) -> None:
        self._behaviour.write_text(json.dumps(how))

    def _handler(self) -> Any:
        handler = self.module.handler(self.module.Api(self.vms))
        lost = self.module.LOST

        class Quiet(handler):
            def log_message(self, *_arguments: object) -> None:
                pass

            def _answer(self, status: int, document: ElementTree.Element) -> None:
                if status == lost:
                    # as nginx does with it
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                super()._answer(status, document)

        return Quiet


@contextlib.contextmanager
def serving(vms: Remembered, directory: Path) -> Iterator[Api]:
    api = Api(vms, directory)
    thread = threading.Thread(target=api.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield api
    finally:
        api.server.shutdown()
        api.server.server_close()
        thread.join(30)


@contextlib.contextmanager
def speaking(*pieces: bytes, pause: float = 0.0) -> Iterator[str]:
    """A server that says these pieces to whoever connects, with a pause before each, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _address = listening.accept()
                with connection:
                    connection.recv(65536)
                    for piece in pieces:
                        time.sleep(pause)
                        connection.sendall(piece)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/api"
        finally:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            thread.join(30)
