# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a recovery asks of a node, asked of this machine."""

from __future__ import annotations

import importlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.cloudops.hypervisor.plugins.module_utils import recovery_reading
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError

MODULE = importlib.import_module("ansible_collections.cloudops.hypervisor.plugins.modules.recovery_info")
VM = "21aaac9c-5b99-4229-9f83-0bf6b6dd8077"


def params(**given: Any) -> dict[str, Any]:
    defaults = {name: option.get("default") for name, option in recovery_reading.argument_spec().items()}
    return {**defaults, "checks": ["o2cb"], **given}


@pytest.fixture
def greeter() -> Iterator[str]:
    """Where a line is said to whoever connects."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def greet() -> None:
            connection, _peer = listening.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH_9.2p1\r\n")
                connection.recv(64)

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("addresses", ["192.0.2.31", "192.0.2.32:0"]),
        ("addresses", [""]),
        ("greetings", ["n1 :22"]),
        ("greetings", ["-oProxyCommand=x"]),
        ("leases", [VM, "web-1"]),
        ("checks", []),
        ("roots", []),
        ("roots", ["data"]),
        ("timeout", 0.0),
        ("timeout", float("nan")),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused_by_its_name(option: str, value: object) -> None:
    with pytest.raises(PolicyError) as refused:
        recovery_reading.refused_unless_meant(params(**{option: value}))
    assert refused.value.option == option


def test_a_policy_that_cannot_be_meant_is_refused_by_its_name() -> None:
    with pytest.raises(PolicyError, match=r"policy\.o2cb\.foo"):
        recovery_reading.answer(params(policy={"o2cb": {"foo": 1}}))


def test_the_module_documents_the_options_that_are_read() -> None:
    documented = yaml.safe_load(MODULE.DOCUMENTATION)["options"]
    spec = recovery_reading.argument_spec()
    assert documented.keys() == spec.keys()
    assert {name: one.get("default") for name, one in documented.items()} == {
        name: one.get("default") for name, one in spec.items()
    }


def test_it_answers_all_that_is_documented(greeter: str, tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        refuses = f"127.0.0.1:{closed.getsockname()[1]}"
        given = params(
            roots=[str(tmp_path)], addresses=[refuses], greetings=[greeter], leases=[VM], lease_volume=str(tmp_path)
        )
        found = json.loads(json.dumps(recovery_reading.answer(given)))
    documented = yaml.safe_load(MODULE.RETURN)
    # the clock is the controller's
    assert found.keys() == documented.keys() - {"clock"}
    assert list(found["checks"]) == ["o2cb"] and found["node"]["began"] <= found["node"]["ended"]
    # a refusal is an answer
    assert found["answers"] == {refuses: True, greeter: True} and "OpenSSH_9.2p1" in found["said"][greeter]
    assert found["leases"].keys() == {VM} and found["leases"][VM]["record"] is None
    assert found["vms"]["node"]["hostname"] == found["node"]["hostname"]
    assert found["vms"]["configs"] == [] and found["lost_connections"]["lost"] == []


def test_what_cannot_be_asked_is_no_answer() -> None:
    found = recovery_reading.answer(params(addresses=["no-such-name.invalid:22"]))
    assert found["answers"] == {} and found["said"].keys() == {"no-such-name.invalid:22"}
