# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ssh into a lab's machines: one configuration file that works from outside the namespace, for people and Ansible.

Operators reach a machine by its name. The lab itself takes NAME-observer, over a network that no fault cuts.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from host import HERE, LabError, run, run_directory
from network import Namespace
from topology import Topology, lab_of

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


def config_file(topology: Topology) -> Path:
    return run_directory(topology.name) / "ssh_config"


def _control_directory(topology: Topology) -> Path:
    return run_directory(topology.name) / "ssh"


def _alias(name: str) -> str:
    """What the lab itself calls this machine."""
    topology = lab_of(name)
    return name if topology.observer is topology.machines[0].networks[0] else f"{name}-observer"


def write_config(topology: Topology, image: Path, guests: Mapping[str, str]) -> None:
    """``guests``: further hosts and their addresses."""
    _control_directory(topology).mkdir(parents=True, exist_ok=True)
    connect = shlex.join(str(word) for word in Namespace(topology).inside(sys.executable, "-IS", HERE / "connect.py"))
    addresses = {machine.name: machine.address for machine in topology.machines}
    addresses |= {_alias(machine.name): machine.address_on(topology.observer) for machine in topology.machines}
    hosts = "".join(_HOST.format(name=name, address=address) for name, address in {**addresses, **guests}.items())
    config_file(topology).write_text(
        hosts + _ALL.format(image=image, control=_control_directory(topology), connect=connect)
    )


def command(name: str, *argv: str) -> list[str]:
    return ["ssh", "-F", str(config_file(lab_of(name))), _alias(name), *argv]


def answers(name: str) -> bool:
    try:
        run(*command(name, "true"), timeout=30)
    except LabError:
        return False
    return True


def script(name: str, text: str, timeout: float = 120) -> str:
    """Run a shell script on a machine."""
    return run(*command(name, "sh", "-eu", "-s"), stdin=text, timeout=timeout)


def forget_connections(topology: Topology) -> None:
    """End the shared connections: their machines have gone, or will."""
    for control in _control_directory(topology).glob("*"):
        _forget(topology, control)


def forget_connection(name: str) -> None:
    topology = lab_of(name)
    for alias in dict.fromkeys((name, _alias(name))):
        _forget(topology, _control_directory(topology) / alias)


def _forget(topology: Topology, control: Path) -> None:
    if control.exists():
        subprocess.run(
            ["ssh", "-F", str(config_file(topology)), "-O", "exit", control.name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=10,
        )
        control.unlink(missing_ok=True)
