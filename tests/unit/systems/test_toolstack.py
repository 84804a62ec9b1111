# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.process_table import Stat
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import toolstack
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.toolstack import Tool
from replay import Replay

UUID = "22222222-0000-0000-0000-000000000002"
CFG = f"/data/domu/{UUID}/current/{UUID}.cfg"
XL = "/usr/lib/xen-4.17/bin/xl"
HELPER = "/usr/lib/xen-4.17/bin/libxl-save-helper"
INIT = Stat(1, "systemd", "S", 0)
ROOTS = ["/data/domu"]


def look(*commands, links=(), incoming=(), states=(), parents=()):
    """Processes 100, 101 … with these command lines."""
    table, answers = {1: INIT}, {}
    for pid, command in enumerate(commands, 100):
        name = command.partition(" ")[0].rpartition("/")[2]
        table[pid] = Stat(pid, name, dict(states).get(pid, "S"), dict(parents).get(pid, 1))
        answers[f"/proc/{pid}/cmdline"] = command.replace(" ", "\n") + "\n"
    host = Replay(answers, links={"/proc/self": "999", **dict(links)})
    return toolstack.probe(host, table, ROOTS, incoming)


@pytest.mark.parametrize(
    ("command", "names"),
    [
        (f"{XL} create {CFG}", (UUID, CFG)),
        (f"{XL} create -p --defconfig=/etc/xen/web.cfg", ("/etc/xen/web.cfg",)),
        (f"xl migrate {UUID} 10.78.0.12", (UUID, "10.78.0.12")),
        ("xl -v shutdown -w web1", ("web1",)),
        (f"xl restore /data/domu/{UUID}.save", (UUID, f"/data/domu/{UUID}.save")),
        (f"python3 /opt/api/tasks.py start {UUID.upper()}", (UUID,)),
        (f"bash /home/orchard/uxen/scripts/start.sh {UUID}", (UUID,)),
        (f"qemu-img convert /data/domu/{UUID}/a.vhd /data/domu/b", (UUID, f"/data/domu/{UUID}/a.vhd", "/data/domu/b")),
    ],
)
def test_whatever_works_on_a_vm_is_told_with_what_it_names(command, names):
    (tool,) = look(command).tools
    assert tool.command == command
    assert set(tool.names) >= set(names)


@pytest.mark.parametrize(
    "command",
    [
        "xl list -l",
        f"xl console {UUID}",
        f"xl block-list {UUID}",
        f"vi {CFG}",
        f"tail -f /var/log/xen/xl-{UUID}.log",
        f"bash -c xl\tcreate\t{CFG}",
        f"/usr/libexec/xen-qemu-system-i386 -xen-domid 1 -name {UUID}",
        "python3 -I -S -",
        "bash",
        "java -jar /opt/api.jar",
    ],
)
def test_whoever_only_looks_is_not_told(command):
    assert look(command).tools == ()


def test_a_receiver_of_a_migration_is_known_by_its_log():
    log = {"/proc/100/fd/1": f"/var/log/xen/xl-{UUID}--incoming.log", "/proc/100/fd/2": "/dev/null"}
    assert look(f"{XL} migrate-receive", links=log).tools == (Tool(100, f"{XL} migrate-receive", (UUID,)),)


def test_a_receiver_that_has_no_domain_yet_may_be_any_vms():
    assert look(f"{XL} migrate-receive", incoming=[UUID]).tools == (Tool(100, f"{XL} migrate-receive", ()),)


def test_a_receiver_that_restores_memory_has_a_domain_that_is_incoming():
    found = look(f"{XL} migrate-receive", f"{HELPER} --restore-domain 14", incoming=[UUID], parents={101: 100}).tools
    assert [one.names for one in found] == [(UUID,), (UUID,)]


def test_a_helper_works_on_what_its_parent_names():
    found = look(f"xl migrate {UUID} x2", f"{HELPER} --save-domain 9", parents={101: 100}).tools
    assert [one.names for one in found] == [(UUID, "x2"), (UUID, "x2")]


def test_who_started_this_reading_is_not_told():
    table = {1: INIT, 100: Stat(100, "python3", "S", 1), 101: Stat(101, "python3", "S", 100)}
    answers = {f"/proc/{pid}/cmdline": f"python3\n/jobs/{UUID}\n" for pid in (100, 101)}
    host = Replay(answers, links={"/proc/self": "101"})
    assert toolstack.probe(host, table, ROOTS, []).tools == ()


def test_a_command_line_that_cannot_be_read_is_missing_unless_a_bystander_sleeps():
    facts = look(f"xl create {CFG}", "cp a b", states={100: "D", 101: "D"})
    assert [(one.reading, one.problem) for one in facts.missing] == [("/proc/100/cmdline", Problem.BLOCKED)]
    assert facts.tools == ()
    assert look(f"xl create {CFG}", states={100: "Z"}).commands == {1: []}


def test_hidden_processes_are_missing():
    facts = toolstack.probe(Replay({}), {7: Stat(7, "x", "S", 1)}, ROOTS, [])
    assert [(one.reading, one.problem) for one in facts.missing] == [("/proc/*/cmdline", Problem.DENIED)]


def test_command_lines_are_kept_for_whoever_asks_next():
    assert look("nginx -g x").commands == {1: [], 100: ["nginx", "-g", "x"]}
