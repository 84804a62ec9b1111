# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pages show a person may be copied: policy in it is policy that the checks take."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.cloudops.hypervisor.plugins.module_utils.examination import argument_spec, order

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("roles/*/README.md"))]
POLICIES = re.compile(r"_(policy|baseline)$")


def policies(document: Any) -> Iterator[dict[str, Any]]:
    if isinstance(document, dict):
        for key, value in document.items():
            if POLICIES.search(str(key)) and isinstance(value, dict):
                yield value
            yield from policies(value)
    elif isinstance(document, list):
        for item in document:
            yield from policies(item)


def shown() -> list[Any]:
    found = []
    for page in PAGES:
        for block in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for document in yaml.safe_load_all(block):
                found += [pytest.param(policy, id=page.parent.name) for policy in policies(document)]
    return found


@pytest.mark.parametrize("policy", shown())
def test_a_policy_that_a_page_shows_is_taken(policy: dict[str, Any]) -> None:
    checks = argument_spec()["checks"]["default"]
    assert set(policy) <= set(checks)
    order({"checks": checks, "policy": policy, "timeout": 60.0})


def test_the_inventory_of_the_first_page_shows_a_policy() -> None:
    assert any(one.id == ROOT.name for one in shown())
