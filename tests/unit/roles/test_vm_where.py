# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page that says where a VM is, on nodes without a hypervisor: what cannot be known is said, and nothing fails."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.process import Process
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.store import Author, Entry, Phase, open_store
from playbook import LOCAL, UNREACHABLE, Playbook
from xen_answers import mac, uuid


class Page(Playbook):
    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.hosts = {"n1": UNREACHABLE, "n2": LOCAL}
        self.root = directory / "domu"
        self.root.mkdir()
        (self.root / "root.raw").write_bytes(b"\0")
        text = f"uuid = '{uuid(1)}'\nname = 'web-1'\nmemory = 128\ndisk = [ '{self.root}/root.raw,raw,xvda,w' ]\n"
        (self.root / f"{uuid(1)}.cfg").write_text(text + f"vif = [ 'mac={mac(1)},bridge=xenbr0' ]\n")

    def show(self, vm: str, tasks_from: str = "main", **more: Any) -> tuple[int, str]:
        given = {
            "zone": "zone-a",
            "sources": ["inventory"],
            "image_roots": [str(self.root)],
            "lease_volume": "/",
            **more,
        }
        variables = {"vm_where_vm": vm, **{f"vm_where_{name}": value for name, value in given.items()}}
        imported = {"name": "cloudops.hypervisor.vm_where", "tasks_from": tasks_from, "rolespec_validate": False}
        role = {"name": "Where", "ansible.builtin.import_role": imported, "vars": variables}
        told = {"name": "Tell", "ansible.builtin.debug": {"msg": "verdict {{ vm_where_seen.vms[0].verdict }}"}}
        return self.run([role, *([told] if tasks_from == "prove" else [])])


@pytest.fixture
def page(tmp_path: Path) -> Page:
    return Page(tmp_path)


def test_a_vm_is_found_by_its_mac_and_a_silent_node_is_named(page: Page) -> None:
    url = page.environment["CLOUDOPS_STORE_URL"]
    with open_store(Author("lee", "another run", Process.at(os.getpid())), url) as store:
        store.record(Entry("xen_vm", uuid(1), Phase.STARTED, evidence={"node": "n1"}))
    code, output = page.show(mac(1))
    assert code == 0, output
    assert f"web-1  {uuid(1)}" in output
    assert "n1: this node of the zone did not answer" in output and "NO ANSWER" in output
    assert "has no domain on the nodes that answered; that it is off is not proven" in output
    assert f"{page.root}/root.raw" in output and "the journal has the job xen_vm open for it" in output
    # this machine's disk is no place for a lease unless it is declared local
    assert "its lease could not be read" in output


def test_the_page_is_read_aloud_in_korean_too(page: Page) -> None:
    code, output = page.show(uuid(1), report_language="ko", lease_local=True)
    assert code == 0, output
    assert "존의 이 노드가 응답하지 않음" in output and "응답 없음" in output and "사용된 적 없음" in output


def test_a_name_that_nobody_knows_is_said_with_the_nodes_that_did_not_answer(page: Page) -> None:
    page.hosts = {"n1": UNREACHABLE}
    code, output = page.show("web-9")
    assert code == 0, output
    assert "web-9: no VM that anybody knows" in output and "NO ANSWER" in output


def test_a_proof_takes_two_readings(page: Page) -> None:
    page.hosts = {"n2": LOCAL}
    code, output = page.show(uuid(1), "prove")
    # no hypervisor tells here which domains there are
    assert code == 0 and "verdict unknown" in output


def test_a_misspelt_option_is_refused_before_anything_is_read(page: Page) -> None:
    code, output = page.show(uuid(1), image_root=["/x"])
    assert code == 2 and "is vm_where_image_roots meant?" in output and "Read every node" not in output
