# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network namespace of a lab: a bridge for each network, a tap for each interface, no way out."""

from __future__ import annotations

import hashlib
from pathlib import Path

from host import default_run_directory, run, run_directory
from topology import NODE_LAB, PREFIX_LENGTH, Topology


class Namespace:
    def __init__(self, topology: Topology) -> None:
        """One for each run directory."""
        self._topology = topology
        directory = run_directory(topology.name)
        self.name = "cloudops-lab" if topology is NODE_LAB else f"cloudops-lab-{topology.name}"
        if directory != default_run_directory(topology.name):
            self.name += f"-{hashlib.sha256(str(directory).encode()).hexdigest()[:6]}"

    def exists(self) -> bool:
        return Path("/run/netns", self.name).exists()

    def inside(self, *argv: str | Path) -> list[str | Path]:
        """The command line that runs argv in the namespace (ip netns exec would also replace /sys)."""
        return ["nsenter", f"--net=/run/netns/{self.name}", *argv]

    def ip(self, *commands: str) -> None:
        """Run ip commands in the namespace, in one go."""
        run("ip", "-netns", self.name, "-batch", "-", stdin="\n".join(commands) + "\n")

    def up(self) -> None:
        """Make the namespace. No interface of it leads to the host and nothing in it forwards."""
        run("ip", "netns", "add", self.name)
        run(*self.inside("sysctl", "-qw", "net.ipv4.ip_forward=0", "net.ipv6.conf.all.disable_ipv6=1"))
        run(*self.inside("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1"))
        commands = ["link set lo up"]
        for number, network in enumerate(self._topology.networks):
            # Machines from a snapshot look for the gateway where they last saw it.
            address = f"52:54:00:77:ff:{number:02x}"
            commands.append(f"link add {network.name} address {address} type bridge forward_delay 0 mcast_snooping 0")
            commands.append(f"link set {network.name} up")
        for machine in self._topology.machines:
            commands += [
                f"tuntap add dev {machine.tap(f'eth{index}')} mode tap" for index in range(len(machine.networks))
            ]
        self.ip(*commands)
        self.replug()

    def replug(self) -> None:
        """Every tap on its bridge, every address in its place."""
        commands = [
            f"link set {machine.tap(f'eth{index}')} master {network.name} up"
            for machine in self._topology.machines
            for index, network in enumerate(machine.networks)
        ]
        for network in self._topology.networks:
            commands.append(f"address flush dev {network.name}")
            commands += [f"address add {address}/{PREFIX_LENGTH} dev {network.name}" for address in network.own]
        self.ip(*commands)

    def down(self) -> None:
        if self.exists():
            run("ip", "netns", "delete", self.name)
