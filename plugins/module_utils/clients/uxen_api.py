# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The uxen API: XML over HTTP on port 80 of each node. What is assumed of it is listed in docs/assumptions.md.

A request that changes something is sent once. Where its answer was lost nobody knows whether it was done: that is an
outcome of its own, which only a look at the VM settles. What only reads may be asked again.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import re
import threading
import time
import urllib.parse
from dataclasses import dataclass
from typing import Any, Dict, Iterator, Mapping, Optional, Tuple
from xml.etree import ElementTree

from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import Display, Mac, VmUuid

Declaration = Dict[str, Any]

REQUESTS = {
    "show": "GET /vms/{vm}",
    "list": "GET /vms",
    "interfaces": "GET /vms/{vm}/interfaces",
    "task": "GET /tasks/{task}",
    "start": "POST /vms/{vm}/start",
    "stop": "POST /vms/{vm}/stop <vm><force>{force}</force></vm>",
    "migrate": "POST /vms/{vm}/migrate <vm><target>{target}</target></vm>",
}
ANSWERS = {
    "vm": "vm",
    "name": "name",
    "node": "node",
    "state": "state",
    "display": "vnc_port",
    "interface": "interface",
    "mac": "mac",
    "address": "ip",
    "error": "error",
    "task": "task",
    "task_state": "state",
    "task_message": "message",
}
STATES = {"running": "running", "stopped": "stopped"}
TASK_STATES = {"running": "running", "done": "done", "failed": "failed"}

UXEN_API: Declaration = {
    "url": {"type": "str", "default": "http://{node}/api"},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "timeout": {"type": "float", "default": 120.0},
    "bound": {"type": "float", "default": 300.0},
    "requests": {"type": "dict", "default": {}, "options": {name: {"type": "str"} for name in REQUESTS}},
    "answers": {
        "type": "dict",
        "default": {},
        "options": {
            **{name: {"type": "str"} for name in ANSWERS},
            "states": {"type": "dict", "default": {}},
            "task_states": {"type": "dict", "default": {}},
        },
    },
}

LARGEST = 1 << 20
POLLED_EVERY = 2.0
_TEXT = re.compile(r"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
_REQUEST = re.compile(r"^(GET|POST|PUT|DELETE) (/\S*)(?: (<.*>))?\Z", re.DOTALL)


class UxenApiError(Exception):
    """Nothing was asked for, or what was read is not what was asked for. The text says what to do."""


class _Lost(Exception):
    """It was sent, and there was no answer that can be understood."""


@dataclass(frozen=True)
class ApiVm:
    """``state``: running, stopped, or the API's own word; ``display`` is None where it has none."""

    vm: VmUuid
    name: str
    node: str
    state: str
    display: Optional[Display] = None


@dataclass(frozen=True)
class Interface:
    mac: Mac
    name: str
    address: str = ""


@dataclass(frozen=True)
class Outcome:
    """``state``: done, refused, or unknown where the answer was lost. ``request``: as it was sent."""

    state: str
    request: str
    said: str = ""


class UxenApi:
    """``options`` are those of :data:`UXEN_API`; ``node``: the address of the node that is asked."""

    def __init__(self, options: Mapping[str, Any], node: str) -> None:
        given = options.get("answers") or {}
        self._requests = {**REQUESTS, **_given(options.get("requests") or {})}
        self._answers = {**ANSWERS, **{name: value for name, value in _given(given).items() if name in ANSWERS}}
        self._states = {**STATES, **(given.get("states") or {})}
        self._task_states = {**TASK_STATES, **(given.get("task_states") or {})}
        self._timeout = float(options.get("timeout") or UXEN_API["timeout"]["default"])
        self.bound = float(options.get("bound") or UXEN_API["bound"]["default"])
        self._url = urllib.parse.urlsplit((options.get("url") or UXEN_API["url"]["default"]).replace("{node}", node))
        if self._url.scheme not in ("http", "https") or not self._url.hostname:
            raise UxenApiError("url: %r is no address of an API." % self._url.geturl())
        for name, request in self._requests.items():
            if not _REQUEST.match(request):
                raise UxenApiError("requests.%s: METHOD PATH, and a document if it has one, not %r." % (name, request))
        self._headers = {"Accept": "application/xml", "Content-Type": "application/xml", "Connection": "close"}
        if options.get("username"):
            words = "%s:%s" % (options["username"], options.get("password") or "")
            self._headers["Authorization"] = "Basic " + base64.b64encode(words.encode()).decode()
        self.place = self._url.geturl()

    # What only reads

    def show(self, vm: VmUuid) -> Optional[ApiVm]:
        """None where the API has no such VM."""
        status, document = self._read("show", vm=vm)
        if status == 404:
            return None
        return self._vm(document)

    def interfaces(self, vm: VmUuid) -> Tuple[Interface, ...]:
        _status, document = self._read("interfaces", vm=vm)
        found = []
        for one in document.iter(self._answers["interface"]):
            try:
                mac = Mac(one.findtext(self._answers["mac"]) or "")
            except ValueError as error:
                raise UxenApiError("%s: an interface of %s: %s" % (self.place, vm, error)) from None
            name = (one.findtext(self._answers["name"]) or "").strip()
            found.append(Interface(mac, name, (one.findtext(self._answers["address"]) or "").strip()))
        return tuple(found)

    # What changes something

    def start(self, vm: VmUuid) -> Outcome:
        return self._act("start", vm=vm)

    def stop(self, vm: VmUuid, force: bool) -> Outcome:
        return self._act("stop", vm=vm, force="true" if force else "false")

    def migrate(self, vm: VmUuid, target: str) -> Outcome:
        return self._act("migrate", vm=vm, target=target)

    def asked(self, name: str, **values: str) -> str:
        """The request as it is sent, for people and the journal."""
        method, path, body = self._request(name, values)
        return " ".join(filter(None, (method, self._url.path.rstrip("/") + path, body)))

    def _act(self, name: str, **values: str) -> Outcome:
        request = self.asked(name, **values)
        try:
            status, document = self._ask(name, values, self._timeout)
        except _Lost as error:
            return Outcome("unknown", request, str(error))
        except UxenApiError as error:
            return Outcome("refused", request, str(error))
        if status == 202:
            return self._followed(request, document)
        if status < 300:
            return Outcome("done", request)
        if document.tag == self._answers["error"]:
            return Outcome("refused", request, "%d: %s" % (status, (document.text or "").strip()))
        # nginx may say so of a request that the API goes on with
        return Outcome("unknown", request, "%d, which is not the API's own answer" % status)

    def _followed(self, request: str, task: ElementTree.Element) -> Outcome:
        """The end of a task; what cannot be read of it is read again until the bound."""
        number, ends = task.get("id") or "", time.monotonic() + self.bound
        said = "the answer names no task"
        while number and time.monotonic() < ends:
            state = (task.findtext(self._answers["task_state"]) or "").strip()
            message = (task.findtext(self._answers["task_message"]) or "").strip()
            if state == self._task_states["done"]:
                return Outcome("done", request, message)
            if state == self._task_states["failed"]:
                return Outcome("refused", request, "task %s: %s" % (number, message))
            said = "task %s is %s" % (number, state or "without a state")
            time.sleep(min(POLLED_EVERY, max(ends - time.monotonic(), 0)))
            try:
                status, read = self._ask("task", {"task": number}, max(ends - time.monotonic(), 0.1))
                if status == 404:
                    return Outcome("unknown", request, "the API does not know task %s any more" % number)
                task = read if status < 300 else task
            except (_Lost, UxenApiError) as error:
                said = "task %s: %s" % (number, error)
        return Outcome("unknown", request, said)

    # One exchange

    def _read(self, name: str, **values: str) -> Tuple[int, ElementTree.Element]:
        try:
            status, document = self._ask(name, values, self._timeout)
        except _Lost as error:
            raise UxenApiError(
                "%s gave no answer to %s: %s" % (self.place, self.asked(name, **values), error)
            ) from None
        if status >= 300 and status != 404:
            said = (document.text or "").strip()
            raise UxenApiError("%s answered %s with %d: %s" % (self.place, self.asked(name, **values), status, said))
        return status, document

    def _request(self, name: str, values: Mapping[str, str]) -> Tuple[str, str, str]:
        match = _REQUEST.match(self._requests[name])
        method, path, body = match.groups() if match else ("", "", "")
        quoted = {key: urllib.parse.quote(value, safe="") for key, value in values.items()}
        escaped = {key: _escaped(value) for key, value in values.items()}
        return method, _filled(path, quoted), _filled(body or "", escaped)

    def _ask(self, name: str, values: Mapping[str, str], timeout: float) -> Tuple[int, ElementTree.Element]:
        method, path, body = self._request(name, values)
        connect = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        connection = connect(self._url.hostname or "", self._url.port, timeout=timeout)
        ends = time.monotonic() + timeout
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            raise UxenApiError("%s cannot be reached: %s. Nothing was asked for." % (self.place, error)) from None
        try:
            with _until(connection, ends):
                connection.request(method, self._url.path.rstrip("/") + path, body.encode() or None, self._headers)
                response = connection.getresponse()
                content = response.read(LARGEST + 1)
            return response.status, _parsed(content)
        except (OSError, http.client.HTTPException, ValueError) as error:
            said = "no answer within %g s" % timeout if time.monotonic() >= ends else _words(error)
            raise _Lost(said) from None
        finally:
            connection.close()

    def _vm(self, document: ElementTree.Element) -> ApiVm:
        one = document if document.tag == self._answers["vm"] else document.find(".//" + self._answers["vm"])
        try:
            if one is None:
                raise ValueError("no VM in <%s>" % document.tag)
            state = (one.findtext(self._answers["state"]) or "").strip()
            shown = (one.findtext(self._answers["display"]) or "").strip()
            return ApiVm(
                VmUuid(one.get("id") or ""),
                (one.findtext(self._answers["name"]) or "").strip(),
                (one.findtext(self._answers["node"]) or "").strip(),
                next((known for known, word in self._states.items() if word == state), state),
                Display.of(shown) if shown else None,
            )
        except ValueError as error:
            raise UxenApiError("%s answered what is not understood: %s" % (self.place, error)) from None


@contextlib.contextmanager
def _until(connection: http.client.HTTPConnection, ends: float) -> Iterator[None]:
    """A socket's timeout starts anew with every piece of an answer: one that trickles in would never end."""
    socket = connection.sock

    def end() -> None:
        with contextlib.suppress(OSError):
            socket.shutdown(2)

    timer = threading.Timer(max(ends - time.monotonic(), 0), end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _parsed(content: bytes) -> ElementTree.Element:
    """A document without a type of its own: entities could blow it up."""
    if len(content) > LARGEST:
        raise ValueError("an answer of more than %d bytes" % LARGEST)
    text = content.decode("utf-8", "replace")
    if _TEXT.search(text):
        raise ValueError("a document that declares its type")
    try:
        return ElementTree.fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text))
    except ElementTree.ParseError as error:
        raise ValueError("no XML: %s" % error) from None


def _filled(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: values.get(match.group(1), match.group()), text)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _given(options: Mapping[str, Any]) -> Dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
