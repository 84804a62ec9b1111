# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.cloudops.hypervisor.plugins.module_utils.examination import CHECKS
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError, argument_spec, build


@dataclass(frozen=True)
class Disk:
    name: str
    bytes: int = 0

    def __post_init__(self):
        if self.bytes < 0:
            raise PolicyError("bytes", "not less than 0")


@dataclass(frozen=True)
class Disks:
    required: bool = False
    limit: int | None = None
    share: float = 0.9
    kind: str = field(default="ssd", metadata={"choices": ("ssd", "hdd")})
    names: tuple[str, ...] = ("sda",)
    sizes: Mapping[str, int] = field(default_factory=dict)
    disks: tuple[Disk, ...] = ()


def test_the_argument_spec_follows_the_dataclass():
    assert argument_spec(Disks) == {
        "required": {"type": "bool", "default": False},
        "limit": {"type": "int"},
        "share": {"type": "float", "default": 0.9},
        "kind": {"type": "str", "choices": ["ssd", "hdd"], "default": "ssd"},
        "names": {"type": "list", "elements": "str", "default": ["sda"]},
        "sizes": {"type": "dict", "default": {}},
        "disks": {
            "type": "list",
            "elements": "dict",
            "options": {"name": {"type": "str", "required": True}, "bytes": {"type": "int", "default": 0}},
            "default": [],
        },
    }


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_takes_what_its_argument_spec_lets_through(name):
    checked = ArgumentSpecValidator(argument_spec(CHECKS[name].policy)).validate({})
    assert not checked.error_messages
    assert build(CHECKS[name].policy, checked.validated_parameters) == CHECKS[name].policy()


def test_options_become_a_policy():
    given = {
        "limit": "3",
        "share": 1,
        "names": ["a", "b"],
        "sizes": {"x": "7"},
        "disks": [{"name": "sda"}],
        "kind": None,
    }
    assert build(Disks, given) == Disks(limit=3, share=1.0, names=("a", "b"), sizes={"x": 7}, disks=(Disk("sda"),))


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ({"limits": 3}, "limits"),
        ({"limit": "three"}, "limit"),
        ({"limit": True}, "limit"),
        ({"limit": [3]}, "limit"),
        ({"limit": 2.7}, "limit"),
        ({"limit": float("inf")}, "limit"),
        ({"share": float("nan")}, "share"),
        ({"share": "inf"}, "share"),
        ({"sizes": {"": 2}}, "sizes"),
        ({"required": "perhaps"}, "required"),
        ({"names": "sda"}, "names"),
        ({"sizes": ["x"]}, "sizes"),
        ({"sizes": {"x": "big"}}, "sizes.x"),
        ({"disks": [{"name": "a"}, "b"]}, "disks[1]"),
        ({"disks": [{"name": "a", "bytes": -1}]}, "disks[0].bytes"),
        ({"disks": [{"bytes": 1}]}, "disks[0]"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(given, option):
    with pytest.raises(PolicyError) as refused:
        build(Disks, given, "policy.")
    assert refused.value.option == "policy." + option


@pytest.mark.parametrize(
    ("check", "given", "option"),
    [
        ("o2cb", {"announced_on": "soon"}, "announced_on"),
        ("o2cb", {"announced_on": "2026-02-30"}, "announced_on"),
        ("o2cb", {"regions": ["zz"]}, "regions"),
        ("o2cb", {"max_freeze": float("nan")}, "max_freeze"),
        ("multipath", {"maps": {"": 2}}, "maps"),
        ("multipath", {"paths": 2.7}, "paths"),
        ("bonding", {"bonds": [{"name": ""}]}, "bonds[0].name"),
        ("services", {"http_address": "a b"}, "http_address"),
    ],
)
def test_a_check_refuses_what_none_of_its_nodes_could_have(check, given, option):
    with pytest.raises(PolicyError) as refused:
        build(CHECKS[check].policy, given)
    assert refused.value.option == option
