# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client against the lab's stand-in of the API, which has the requests and answers of docs/assumptions.md."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients import uxen_api
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.uxen_api import (
    ApiVm,
    Interface,
    UxenApi,
    UxenApiError,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import Display, Mac, VmUuid
from clients.api import Api, Remembered, serving, speaking

VM = VmUuid("00000001-5b99-4229-9f83-0bf6b6dd8077")
MAC = "00:16:3E:78:05:01"


@pytest.fixture
def vms() -> Remembered:
    return Remembered({VM: "stopped"}, [(MAC, "w1", "10.77.6.101")])


@pytest.fixture
def api(vms: Remembered, tmp_path: Path) -> Iterator[Api]:
    with serving(vms, tmp_path) as one:
        yield one


@pytest.fixture
def client(api: Api, monkeypatch: pytest.MonkeyPatch) -> UxenApi:
    monkeypatch.setattr(uxen_api, "POLLED_EVERY", 0.1)
    return UxenApi({"url": api.url, "timeout": 5.0, "bound": 5.0}, "n1")


def test_what_it_says_of_a_vm_is_read(client: UxenApi) -> None:
    assert client.show(VM) == ApiVm(VM, "web-1", "n1", "stopped", Display(51))
    assert client.interfaces(VM) == (Interface(Mac(MAC), "w1", "10.77.6.101"),)
    assert client.show(VmUuid(VM.replace("1", "2", 1))) is None


def test_what_is_asked_for_is_done_once(client: UxenApi, vms: Remembered) -> None:
    assert client.start(VM).state == "done"
    again = client.start(VM)
    assert (again.state, again.said) == ("refused", f"409: {VM} is running")
    assert client.migrate(VM, "n2").state == "done"
    assert client.stop(VM, force=False).state == "done"
    assert vms.done == ["start", "migrate to n2", "stop"]


def test_its_own_refusal_is_quoted(client: UxenApi, vms: Remembered) -> None:
    vms.broken = True
    outcome = client.start(VM)
    assert (outcome.state, outcome.said) == ("refused", "500: xl create: rc 3: no memory")
    assert outcome.request == f"POST /api/vms/{VM}/start"


def test_a_lost_answer_is_unknown_and_not_asked_again(client: UxenApi, api: Api, vms: Remembered) -> None:
    api.behave(lose=["start"])
    assert client.start(VM).state == "unknown"
    assert vms.done == ["start"]


def test_an_answer_that_is_late_is_unknown(api: Api, vms: Remembered) -> None:
    api.behave(delay_answer=3)
    outcome = UxenApi({"url": api.url, "timeout": 0.5}, "n1").start(VM)
    assert (outcome.state, outcome.said) == ("unknown", "no answer within 0.5 s")


def test_a_task_is_followed_to_its_end(client: UxenApi, api: Api, vms: Remembered) -> None:
    api.behave(asynchronous=True)
    assert client.start(VM).state == "done"
    refused = client.start(VM)
    assert refused.state == "refused" and "is running" in refused.said
    assert vms.done == ["start"]


def test_a_task_that_does_not_end_is_unknown_after_the_bound() -> None:
    document = b'<task id="7"><state>running</state></task>'
    head = b"HTTP/1.1 202 Accepted\r\nContent-Length: %d\r\n\r\n" % len(document)
    with speaking(head, document) as url:
        outcome = UxenApi({"url": url, "timeout": 2.0, "bound": 1.0}, "n1").start(VM)
    # whoever would tell of it has gone
    assert outcome.state == "unknown" and outcome.said.startswith("task 7")


def test_nothing_was_asked_for_where_nobody_listens() -> None:
    with speaking() as url:
        pass
    client = UxenApi({"url": url, "timeout": 2.0}, "n1")
    outcome = client.start(VM)
    assert outcome.state == "refused" and "Nothing was asked for" in outcome.said
    with pytest.raises(UxenApiError, match="cannot be reached"):
        client.show(VM)


BLOWN = b'<?xml version="1.0"?><!DOCTYPE vm [<!ENTITY a "aaaa">]><vm id="x">&a;</vm>'


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (b"200 OK", b"<html>not XML"),
        (b"200 OK", BLOWN),
        (b"200 OK", b"x" * (uxen_api.LARGEST + 1)),
        (b"502 Bad Gateway", b"<html><body>nginx</body></html>"),
        (b"504 Gateway Time-out", b""),
    ],
)
def test_what_is_no_answer_of_the_api_proves_nothing(status: bytes, body: bytes) -> None:
    pieces = [b"HTTP/1.1 " + status + b"\r\nContent-Length: %d\r\n\r\n" % len(body), body]
    with speaking(*pieces) as url:
        assert UxenApi({"url": url, "timeout": 5.0}, "n1").start(VM).state == "unknown"
    with speaking(*pieces) as url, pytest.raises(UxenApiError):
        UxenApi({"url": url, "timeout": 5.0}, "n1").show(VM)


def test_an_answer_that_trickles_in_ends_with_the_deadline() -> None:
    began = time.monotonic()
    trickle = [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", *([b"<"] * 30)]
    with speaking(*trickle, pause=0.2) as url:
        assert UxenApi({"url": url, "timeout": 1.0}, "n1").start(VM).said == "no answer within 1 s"
        assert time.monotonic() - began < 3


def test_a_site_names_its_own_requests_and_answers(api: Api, vms: Remembered) -> None:
    options = {
        "url": api.url.replace("127.0.0.1", "{node}").removesuffix("/api"),
        "requests": {"show": "GET /api/vms/{vm}", "stop": "POST /api/vms/{vm}/stop <a><force>{force}</force></a>"},
        "answers": {"state": "name", "states": {"running": "web-1"}, "display": None},
    }
    client = UxenApi(options, "127.0.0.1")
    assert client.show(VM) == ApiVm(VM, "web-1", "n1", "running", Display(51))
    vms.states[VM] = "running"
    assert client.stop(VM, force=True).state == "done" and vms.done == ["destroy"]
    assert client.asked("show", vm="a/b&c") == "GET /api/vms/a%2Fb%26c"


@pytest.mark.parametrize("options", [{"url": "file:///etc"}, {"requests": {"start": "vms/{vm}/start"}}])
def test_what_cannot_be_meant_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(UxenApiError):
        UxenApi(options, "n1")
