# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network namespace of the lab: a bridge for each network, a tap for each interface, no way out."""

from __future__ import annotations

import hashlib
from pathlib import Path

from host import cache_directory, run, run_directory
from topology import GATEWAY, MACHINES, NETWORKS, PREFIX_LENGTH, RUNNER


def namespace() -> str:
    """One namespace for each run directory."""
    directory = run_directory()
    if directory == cache_directory() / "run":
        return "cloudops-lab"
    return f"cloudops-lab-{hashlib.sha256(str(directory).encode()).hexdigest()[:6]}"


def exists() -> bool:
    return Path("/run/netns", namespace()).exists()


def inside(*argv: str | Path) -> list[str | Path]:
    """The command line that runs argv in the namespace (ip netns exec would also replace /sys)."""
    return ["nsenter", f"--net=/run/netns/{namespace()}", *argv]


def ip(*commands: str) -> None:
    """Run ip commands in the namespace, in one go."""
    run("ip", "-netns", namespace(), "-batch", "-", stdin="\n".join(commands) + "\n")


def up() -> None:
    """Make the namespace. No interface of it leads to the host and nothing in it forwards."""
    run("ip", "netns", "add", namespace())
    run(*inside("sysctl", "-qw", "net.ipv4.ip_forward=0", "net.ipv6.conf.all.disable_ipv6=1"))
    run(*inside("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1"))
    commands = ["link set lo up"]
    for number, network in enumerate(NETWORKS):
        # Machines from a snapshot look for the gateway where they last saw it.
        address = f"52:54:00:77:ff:{number:02x}"
        commands.append(f"link add {network} address {address} type bridge forward_delay 0 mcast_snooping 0")
        commands.append(f"link set {network} up")
    # The runner's address comes first: it stays the source address when the gateway's is taken away.
    commands += [f"address add {RUNNER}/{PREFIX_LENGTH} dev mgmt", f"address add {GATEWAY}/{PREFIX_LENGTH} dev mgmt"]
    for machine in MACHINES:
        for index, network in enumerate(machine.networks):
            tap = machine.tap(f"eth{index}")
            commands.append(f"tuntap add dev {tap} mode tap")
            commands.append(f"link set {tap} master {network} up")
    ip(*commands)


def replug() -> None:
    """Every tap back on its bridge, every address back: the network as up() made it."""
    commands = [
        f"link set {machine.tap(f'eth{index}')} master {network} up"
        for machine in MACHINES
        for index, network in enumerate(machine.networks)
    ]
    commands += [f"address flush dev {network}" for network in NETWORKS]
    commands += [f"address add {RUNNER}/{PREFIX_LENGTH} dev mgmt", f"address add {GATEWAY}/{PREFIX_LENGTH} dev mgmt"]
    ip(*commands)


def down() -> None:
    if exists():
        run("ip", "netns", "delete", namespace())
