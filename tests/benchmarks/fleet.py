# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The boot check of a fleet against the bare reading of the same things, as ratios within one run.

Every "node" is this machine behind its own loopback ssh connection, so the node's and the controller's CPU share the
same cores: what is measured is work, not latency. The bare run is a shell over parallel ssh that runs the very
commands and reads the very files that the checks read here.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml
from rich.console import Console
from rich.table import Table

from ansible_collections.cloudops.hypervisor.plugins.module_utils import examination
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, LocalHost, Touches
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils import one_trip

ROOT = Path(__file__).resolve().parents[2]
PARALLEL = 20
SINGLE = "Ansible, a task a reading"
PARAMS = {"checks": list(examination.CHECKS), "policy": None, "statuses": {}, "timeout": 60.0}


class Noting(LocalHost):
    """The node as the checks read it, with a note of each reading as a shell would do it."""

    def __init__(self) -> None:
        super().__init__()
        self.commands: list[str] = []
        self.files: list[str] = []

    def run(self, argv, timeout=10.0, touches=Touches.NOTHING, environment=None) -> Answer:
        answer = super().run(argv, timeout, touches, environment)
        if answer.rc is not None:
            self.commands.append(shlex.join(argv))
        return answer

    def read(self, path: str) -> Answer:
        answer = super().read(path)
        if answer.ok:
            self.files.append(path)
        return answer


def readings() -> list[str]:
    """What the whole boot check reads on this machine: its commands, and one cat of its files."""
    host = Noting()
    examination.run(host, examination.order(PARAMS))
    return [*host.commands, shlex.join(["cat", *host.files])]


@contextlib.contextmanager
def ssh_server(folder: Path, **more: str) -> Iterator[dict[str, str]]:
    """An sshd of our own on loopback and the client options that reach it; ``more``: options of sshd_config."""
    for name in ("host", "id"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    shutil.copy(folder / "id.pub", folder / "authorized_keys")
    os.makedirs("/run/sshd", exist_ok=True)
    options = {
        "ListenAddress": "127.0.0.1",
        "Port": "20222",
        "HostKey": folder / "host",
        "AuthorizedKeysFile": folder / "authorized_keys",
        "PidFile": folder / "pid",
        "StrictModes": "no",
        "UsePAM": "no",
        "MaxStartups": "1000",
        "PermitRootLogin": "prohibit-password",
        **more,
    }
    arguments = [part for key, value in options.items() for part in ("-o", f"{key}={value}")]
    server = subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", "/dev/null", *arguments])
    try:
        time.sleep(0.5)
        if server.poll() is not None:
            sys.exit("sshd did not start: is openssh-server installed?")
        yield {
            "port": "20222",
            "key": str(folder / "id"),
            "common": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR",
        }
    finally:
        server.terminate()
        server.wait()


def inventory(folder: Path, ssh: dict[str, str], nodes: int) -> Path:
    shared = {
        "ansible_host": "127.0.0.1",
        "ansible_port": int(ssh["port"]),
        "ansible_user": "root",
        "ansible_ssh_private_key_file": ssh["key"],
        "ansible_ssh_common_args": ssh["common"],
        # each node is a connection of its own, as in a fleet
        "ansible_ssh_control_path": str(folder) + "/%%C-{{ inventory_hostname }}",
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    names = [f"node{number:03d}" for number in range(nodes)]
    path = folder / f"nodes-{nodes}.yml"
    path.write_text(yaml.safe_dump({"all": {"hosts": dict.fromkeys(names), "vars": shared}}))
    return path


def playbook(folder: Path, name: str, tasks: list[dict]) -> Path:
    path = folder / f"{name}.yml"
    path.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    return path


def timed(argv: list[str], environment: dict[str, str] | None = None) -> tuple[float, float, int]:
    """(wall seconds, CPU seconds of the children, peak resident KiB of the largest)."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    ended = subprocess.run(
        argv, cwd=ROOT, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False
    )
    wall, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if ended.returncode:
        sys.exit(f"{shlex.join(map(str, argv))} failed:\n{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, after.ru_maxrss


def bare(ssh: dict[str, str], script: str, nodes: int) -> float:
    argv = ["ssh", "-p", ssh["port"], "-i", ssh["key"], *ssh["common"].split(), "root@127.0.0.1", "sh", "-s"]

    def one(_number: int) -> None:
        subprocess.run(argv, input=script, text=True, capture_output=True, check=True)

    started = time.monotonic()
    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(one, range(nodes)))
    return time.monotonic() - started


def ansible(folder: Path, book: Path, hosts: Path, *more: str) -> tuple[float, float, int]:
    return timed(
        [sys.executable, "-m", "ansible", "playbook", "-i", str(hosts), "-f", str(PARALLEL), str(book), *more],
        {"ANSIBLE_HOST_KEY_CHECKING": "false", "XDG_STATE_HOME": str(folder / "state")},
    )


def boot_check(folder: Path, hosts: Path) -> tuple[float, float, int]:
    given = {"node_boot_check_fail_on": "never", "node_boot_check_report_directory": str(folder / "reports")}
    return ansible(folder, ROOT / "playbooks/node_boot_check.yml", hosts, "-e", json.dumps(given))


def node_cpu(folder: Path, script: str) -> dict[str, float]:
    """Milliseconds of CPU on a node, the median of nine: the tools alone, an empty module, and ours."""
    empty = folder / "empty"
    empty.mkdir()
    (empty / "nothing.py").write_text(
        "from ansible.module_utils.basic import AnsibleModule\nAnsibleModule(argument_spec={}).exit_json()\n"
    )
    program = one_trip.program("examination", PARAMS)
    adhoc = [sys.executable, "-m", "ansible", "adhoc"]
    (folder / "ours.py").write_text(program)
    timed([*adhoc, "localhost", "-M", str(empty), "-m", "nothing", "-c", "local"])
    kept = {"ANSIBLE_KEEP_REMOTE_FILES": "1", "ANSIBLE_REMOTE_TEMP": str(folder / "kept"), "ANSIBLE_PIPELINING": "0"}
    local = [*adhoc, "localhost", "-c", "local", "-e", "ansible_python_interpreter=/usr/bin/python3"]
    timed([*local, "-M", str(empty), "-m", "nothing"], kept)
    (module,) = (folder / "kept").rglob("AnsiballZ_nothing.py")

    def measured(argv: list[str]) -> float:
        return statistics.median(timed(argv)[1] for _run in range(9)) * 1000

    return {
        "the tools alone": measured(["sh", "-c", script]),
        "an empty module of Ansible": measured(["/usr/bin/python3", str(module)]),
        "the whole boot check": measured(["/usr/bin/python3", "-I", "-S", str(folder / "ours.py")]),
    }


def against(console: Console, what: str, measured: float, target: float, at_least: bool = False) -> None:
    met = measured >= target if at_least else measured <= target
    bound = f"{'at least' if at_least else 'at most'} {target:g}"
    how = "met" if met else f"missed by {abs(measured - target):.2f}"
    console.print(f"{what}: {measured:.2f}, {bound} wanted: {how}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=50)
    parser.add_argument("--fleet", type=int, default=500, help="nodes of the one large run; 0 leaves it out")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    commands = readings()
    # what fails here (a tool that needs a daemon) fails in both ways alike
    script = "\n".join(f"{command} >/dev/null 2>&1" for command in commands) + "\ntrue\n"
    console = Console()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with ssh_server(folder) as ssh:
            hosts = inventory(folder, ssh, arguments.nodes)
            one = playbook(folder, "one", [{"ansible.builtin.shell": script, "changed_when": False}])
            each = [{"ansible.builtin.shell": f"{command} || true", "changed_when": False} for command in commands]
            many = playbook(folder, "many", each)
            idle = playbook(folder, "idle", [{"ansible.builtin.raw": "true", "changed_when": False}])
            bare(ssh, script, PARALLEL)
            rounds: dict[str, list[float]] = {}
            for _round in range(arguments.rounds):
                rounds.setdefault("bare parallel ssh", []).append(bare(ssh, script, arguments.nodes))
                rounds.setdefault("node_boot_check", []).append(boot_check(folder, hosts)[0])
                rounds.setdefault("Ansible, a task that does nothing (raw)", []).append(ansible(folder, idle, hosts)[0])
                rounds.setdefault("Ansible, one task", []).append(ansible(folder, one, hosts)[0])
            rounds[SINGLE] = [ansible(folder, many, hosts)[0]]
            floor, ours = (statistics.median(rounds[key]) for key in ("bare parallel ssh", "node_boot_check"))
            table = Table(title=f"{arguments.nodes} nodes, {PARALLEL} at a time, {len(commands)} readings")
            for heading in ("way", "seconds", "to bare ssh", "to node_boot_check"):
                table.add_column(heading, justify="left" if heading == "way" else "right")
            for way, seconds in rounds.items():
                median = statistics.median(seconds)
                table.add_row(way, f"{median:.2f}", f"{median / floor:.2f}", f"{median / ours:.2f}")
            console.print(table)
            cpu = Table(title="CPU on a node, milliseconds")
            cpu.add_column("what")
            cpu.add_column("ms", justify="right")
            spent_on = node_cpu(folder, script)
            for what, milliseconds in spent_on.items():
                cpu.add_row(what, f"{milliseconds:.0f}")
            console.print(cpu)
            tools, empty, whole = spent_on.values()
            against(console, "node_boot_check to bare ssh", ours / floor, 1.5)
            against(console, "a task a reading to node_boot_check", rounds[SINGLE][0] / ours, 8, at_least=True)
            against(console, "ms of CPU on a node beyond the tools and an empty module", whole - tools - empty, 100)
            if arguments.fleet:
                wall, spent, peak = boot_check(folder, inventory(folder, ssh, arguments.fleet))
                console.print(
                    f"{arguments.fleet} nodes once: {wall:.0f} s, {spent:.0f} s of CPU, "
                    f"largest controller process {peak / 1024:.0f} MiB"
                )


if __name__ == "__main__":
    main()
