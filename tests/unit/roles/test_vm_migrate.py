# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judgement before a migration, as ansible-playbook runs it on what nodes answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from playbook import LOCAL, UNREACHABLE, Playbook, show, shown
from xen_answers import answer, config, domain, uuid

VM = uuid(1)
ZONE = {"zone": "zone-a", "readings": ["seen"], "sources": ["inventory"]}
FEATURES = {"major": 4, "minor": 17, "cpu": [7], "modes": ["pv"]}


def end(name: str, ssh: dict[str, str] | None = None) -> dict[str, Any]:
    vm = config(1)
    files = [{"path": path, "found": True, "mount": "/"} for path in (vm["path"], vm["kernel"], *vm["disks"])]
    about = {"node": {"hostname": name, "boot_id": f"boot of {name}"}, "features": FEATURES, "bridges": ["xenbr0"]}
    return {**about, "model": "", "ssh": ssh, "files": files, "missing": []}


def reached(failure: str = "") -> dict[str, str]:
    return {"address": "n2", "failure": failure, "said": "why", "hostname": "n2", "boot_id": "boot of n2"}


@pytest.fixture
def playbook(tmp_path: Path) -> Playbook:
    made = Playbook(tmp_path)
    made.hosts = {
        "n1": {**LOCAL, "seen": answer("n1", domain(1)), "end": end("n1", reached())},
        "n2": {**LOCAL, "seen": answer("n2"), "end": end("n2")},
    }
    return made


def judge(playbook: Playbook, *arguments: str, **more: Any) -> tuple[int, str, dict[str, Any]]:
    options = {"vm": "web-1", "target": "n2", "ends": "end", **ZONE, **more}
    tasks = [
        {"name": "Judge", "cloudops.hypervisor.migration_preflight": options, "register": "found", "run_once": True},
        show("found", run_once=True),
    ]
    code, output = playbook.run(tasks, *arguments)
    return code, " ".join(output.split()), dict(shown(output)).get("n1", {})


def test_a_vm_is_found_by_its_name_and_judged_at_both_ends(playbook: Playbook) -> None:
    code, output, found = judge(playbook)
    assert code == 0, output
    assert (found["vm"], found["name"], found["source"], found["target"]) == (VM, "web-1", "n1", "n2")
    assert found["node"] == {"hostname": "n2", "boot_id": "boot of n2"}
    assert found["check"]["status"] == "ok" and found["fixes"] == []
    assert "nothing keeps it from moving from n1 to n2" in found["page"][0]


def test_what_may_be_mended_is_named_in_the_operators_language(playbook: Playbook) -> None:
    playbook.hosts["n1"]["end"] = end("n1", reached("denied"))
    code, output, found = judge(playbook, language="ko")
    assert code == 0, output
    assert found["check"]["status"] == "critical" and found["fixes"] == ["root_key"]
    assert any("패스워드를 요구함" in line for line in found["page"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"target": "n9"}, "target: n9 is no host of this play"),
        ({"vm": "web-9"}, "web-9 means no VM that a node or row has"),
        ({"statuses": {"migration_unknown": "ok"}}, "migration_unknown"),
    ],
)
def test_what_cannot_be_meant_is_refused(playbook: Playbook, options: dict[str, Any], said: str) -> None:
    code, output, _found = judge(playbook, **options)
    assert code == 2 and said in output


def test_a_vm_that_is_off_is_not_moved(playbook: Playbook) -> None:
    playbook.hosts["n1"]["seen"] = answer("n1")
    code, output, _found = judge(playbook)
    assert code == 2 and "runs on no node that answered" in output


def test_the_role_reads_real_nodes_and_stops_before_anything(playbook: Playbook) -> None:
    role = {"name": "cloudops.hypervisor.vm_migrate", "rolespec_validate": False}
    given = {
        "vm_where_zone": "zone-a",
        "vm_where_sources": ["inventory"],
        "vm_migrate_vm": VM,
        "vm_migrate_target": "n2",
    }
    playbook.hosts = {"n1": LOCAL}
    code, output = playbook.run([{"name": "Move", "ansible.builtin.import_role": role, "vars": given}])
    assert code == 2 and "target: n2 is no host of this play" in " ".join(output.split())
    given = {**given, "vm_migrate_target": "n1", "vm_migrate_timeout": "soon"}
    code, output = playbook.run([{"name": "Move", "ansible.builtin.import_role": role, "vars": given}])
    assert code == 2 and "vm_migrate_timeout" in output
    given = {**given, "vm_migrate_timeout": 600, "vm_migrate_settle": True, "vm_migrate_source": "n3"}
    code, output = playbook.run([{"name": "Move", "ansible.builtin.import_role": role, "vars": given}])
    assert code == 2 and "Nothing was done. vm_migrate_source" in output
    given = {**given, "vm_migrate_source": "n1", "vm_migrate_target": "n2"}
    playbook.hosts = {"n1": LOCAL, "n2": UNREACHABLE}
    code, output = playbook.run([{"name": "Move", "ansible.builtin.import_role": role, "vars": given}])
    assert code == 2 and "Neither end was touched: n2 gave no answer" in output


class TestMending:
    """Root's ssh, in folders of this test instead of root's own."""

    @pytest.fixture(autouse=True)
    def _nodes(self, playbook: Playbook) -> None:
        keys = playbook.directory / "etc"
        keys.mkdir()
        for kind in ("ed25519", "rsa"):
            (keys / f"ssh_host_{kind}_key.pub").write_text(f"ssh-{kind} AAAA{kind} root@n2\n", encoding="utf-8")
        for name in ("n1", "n2"):
            (playbook.directory / name).mkdir()
        playbook.hosts = {"n1": LOCAL, "n2": LOCAL}

    def fix(self, playbook: Playbook, what: str, *arguments: str) -> tuple[int, str]:
        given = {
            "__migration_preflight_ssh": "{{ inventory_dir }}/{{ inventory_hostname }}",
            "__migration_preflight_host_keys": "{{ inventory_dir }}/etc",
            "__migration_preflight_source": "n1",
            "migration_preflight_target": "n2",
            "migration_preflight_address": "10.78.0.12",
        }
        role = {"name": "cloudops.hypervisor.migration_preflight", "tasks_from": what, "rolespec_validate": False}
        task = {"name": "Mend", "ansible.builtin.import_role": role}
        return playbook.run([task], "-e", json.dumps(given), *arguments)

    def test_the_targets_own_host_keys_come_to_the_source(self, playbook: Playbook) -> None:
        known = playbook.directory / "n1" / "known_hosts"
        known.write_text("10.78.0.12 ssh-ed25519 AAAAold\nother ssh-ed25519 AAAAother\n", encoding="utf-8")
        before = known.read_text(encoding="utf-8")
        code, output = self.fix(playbook, "fix_host_key", "--check", "--diff")
        assert code == 0 and known.read_text(encoding="utf-8") == before, output
        code, output = self.fix(playbook, "fix_host_key")
        assert code == 0, output
        lines = known.read_text(encoding="utf-8").splitlines()
        assert sorted(lines) == [
            "10.78.0.12 ssh-ed25519 AAAAed25519",
            "10.78.0.12 ssh-rsa AAAArsa",
            "other ssh-ed25519 AAAAother",
        ]
        assert "changed=0" in self.fix(playbook, "fix_host_key")[1].split("n1  ")[-1]

    def test_roots_key_of_the_source_is_let_in_and_made_where_there_is_none(self, playbook: Playbook) -> None:
        code, output = self.fix(playbook, "fix_root_key", "--check")
        assert code == 0 and not list((playbook.directory / "n1").iterdir()), output
        code, output = self.fix(playbook, "fix_root_key")
        assert code == 0, output
        public = (playbook.directory / "n1" / "id_ed25519.pub").read_text(encoding="utf-8")
        allowed = playbook.directory / "n2" / "authorized_keys"
        assert allowed.read_text(encoding="utf-8") == public and allowed.stat().st_mode & 0o777 == 0o600
        code, output = self.fix(playbook, "fix_root_key")
        assert code == 0 and output.count("changed=0") == 2, output
