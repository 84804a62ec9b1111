# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fault: made for real on a running lab, and undone for real; and the steps that any lab's faults are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import remote
from host import HERE
from lifecycle import Lab
from topology import Topology, machine, peer

Step = Callable[[Lab, str], None]

# Steps: what is done to the lab for one node


def named(name: str, script: str) -> str:
    node = machine(name)
    return f"node={node.name}; number={node.number}; peer_number={peer(name).number}\n{script}"


def on_node(script: str, timeout: float = 120) -> Step:
    def step(lab: Lab, name: str) -> None:
        remote.script(name, named(name, script), timeout)

    return step


def unplug(*interfaces: str) -> Step:
    """Cut silently: the carrier stays, nothing arrives."""

    def step(lab: Lab, name: str) -> None:
        lab.namespace.ip(*(f"link set {machine(name).tap(interface)} nomaster" for interface in interfaces))

    return step


def plug(*interfaces: str) -> Step:
    def step(lab: Lab, name: str) -> None:
        node = machine(name)
        lab.namespace.ip(
            *(f"link set {node.tap(interface)} master {node.network(interface).name}" for interface in interfaces)
        )

    return step


def carrier(up: bool, *interfaces: str) -> Step:
    def step(lab: Lab, name: str) -> None:
        for interface in interfaces:
            lab.machines[name].set_link(interface, up)

    return step


def address(action: str, text: str) -> Step:
    """Add or delete an address in the namespace: something outside the nodes has it or lost it."""

    def step(lab: Lab, name: str) -> None:
        lab.namespace.ip(f"address {action} {text.format(number=machine(name).number)}")

    return step


def monitor(command: str) -> Step:
    def step(lab: Lab, name: str) -> None:
        lab.machines[name].monitor(command)

    return step


def kernel_says(file: str) -> Step:
    """Lines in the kernel's ring buffer that no lab can provoke, as a node of the fleet has printed them."""
    lines = (HERE / "kernel_messages" / f"{file}.txt").read_text().splitlines()
    return on_node("".join(f"echo '<4>{line}' > /dev/kmsg\n" for line in lines) + "journalctl --sync")


def together(*steps: Step) -> Step:
    def step(lab: Lab, name: str) -> None:
        for each in steps:
            each(lab, name)

    return step


def reconnect(lab: Lab, name: str) -> None:
    remote.forget_connection(name)


def cut_ssh(node: str, seconds: int) -> None:
    """Operators get no word to its sshd for so long; the lab has a network of its own."""
    rule = "INPUT -i eth0 -p tcp --dport 22 -j DROP"
    exact = "--timer-property=AccuracySec=1s"
    undone = f"systemd-run --quiet {exact} --on-active={seconds} iptables --wait -D {rule}"
    remote.script(node, f"iptables --wait -I {rule}; {undone}")


def crash(lab: Lab, name: str) -> None:
    remote.forget_connection(name)
    lab.machines[name].kill()


def power_on(lab: Lab, name: str) -> None:
    lab.power_on(name)


def back_in_service(lab: Lab, name: str) -> None:
    """What the operator does after a reboot: see that it came up, start what nothing starts at boot."""
    lab.back_in_service(name)


@dataclass(frozen=True)
class Fault:
    name: str
    meaning: str
    make: Step
    repair: Step
    # The node it is made on unless one is named; empty: the lab's first
    node: str = ""
    # Seconds until the real system shows it, and seconds until the node may be well again after the repair.
    visible: int = 0
    heals: int = 60


def table(topology: Topology, faults: Iterable[Fault]) -> dict[str, Fault]:
    first = topology.nodes[0].name
    return {fault.name: fault if fault.node else replace(fault, node=first) for fault in faults}


def make(lab: Lab, fault: Fault, node: str) -> None:
    lab.require_running(node)
    lab.note_faults([*lab.active_faults(), (fault.name, node)])
    fault.make(lab, node)


def undo(lab: Lab, faults: list[tuple[str, str]]) -> None:
    """The last first. The lab need not be as it was made: a guest may have moved meanwhile."""
    for name, node in reversed(faults):
        lab.faults[name].repair(lab, node)
        lab.note_faults([entry for entry in lab.active_faults() if entry != (name, node)])


def repair(lab: Lab, faults: list[tuple[str, str]]) -> None:
    """Undo the faults, and wait until every machine is well again."""
    undo(lab, faults)
    if faults and not lab.active_faults():
        lab.await_healthy(max(lab.faults[name].heals for name, node in faults))
