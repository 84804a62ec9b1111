# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ssh into the lab's machines: one configuration file that works from outside the namespace, for people and Ansible."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import network
from host import HERE, LabError, run, run_directory
from topology import MACHINES

_HOST = """\
Host {name}
    HostName {address}

"""
# The connection is shared by everything that uses this file. A silent machine is given up after 20 s.
_ALL = """\
Host *
    User root
    IdentityFile {image}/id
    IdentitiesOnly yes
    UserKnownHostsFile {image}/known_hosts
    StrictHostKeyChecking yes
    KexAlgorithms curve25519-sha256
    HostKeyAlgorithms ssh-ed25519
    LogLevel ERROR
    ProxyCommand {connect} %h %p
    ProxyUseFdpass yes
    ControlMaster auto
    ControlPath {control}/%n
    ControlPersist 10m
    ConnectTimeout 20
    ServerAliveInterval 5
    ServerAliveCountMax 4
"""


def config_file() -> Path:
    return run_directory() / "ssh_config"


def _control_directory() -> Path:
    return run_directory() / "ssh"


def write_config(image: Path) -> None:
    _control_directory().mkdir(parents=True, exist_ok=True)
    connect = shlex.join(str(word) for word in network.inside(sys.executable, "-IS", HERE / "connect.py"))
    hosts = "".join(_HOST.format(name=machine.name, address=machine.address) for machine in MACHINES)
    config_file().write_text(hosts + _ALL.format(image=image, control=_control_directory(), connect=connect))


def command(name: str, *argv: str) -> list[str]:
    return ["ssh", "-F", str(config_file()), name, *argv]


def answers(name: str) -> bool:
    try:
        run(*command(name, "true"), timeout=30)
    except LabError:
        return False
    return True


def script(name: str, text: str, timeout: float = 120) -> str:
    """Run a shell script on a machine."""
    return run(*command(name, "sh", "-eu", "-s"), stdin=text, timeout=timeout)


def forget_connections() -> None:
    """End the shared connections: their machines have gone, or will."""
    for control in _control_directory().glob("*"):
        forget_connection(control.name)


def forget_connection(name: str) -> None:
    control = _control_directory() / name
    if control.exists():
        subprocess.run(
            ["ssh", "-F", str(config_file()), "-O", "exit", name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=10,
        )
        control.unlink(missing_ok=True)
