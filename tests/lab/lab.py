# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labs of virtual machines with faults made for real: two nodes and their SAN, or two Xen nodes with guests."""

from __future__ import annotations

import argparse
import difflib
import json
import os
import sys
from collections.abc import Callable

import remote
from fault import make
from fault import repair as undo
from host import LabError, fail, require_host, say
from image import ensure_image
from labs import LABS
from lifecycle import READY, Lab


def build(lab: Lab, options: argparse.Namespace) -> None:
    require_host()
    say(f"image: {ensure_image()}")


def up(lab: Lab, options: argparse.Namespace) -> None:
    lab.up()
    if options.fault:
        fault(lab, options.fault)
    if options.repair:
        repair(lab, argparse.Namespace(name=options.repair))


def snapshot(lab: Lab, options: argparse.Namespace) -> None:
    lab.snapshot(options.name)


def restore(lab: Lab, options: argparse.Namespace) -> None:
    lab.restore(options.name)


def down(lab: Lab, options: argparse.Namespace) -> None:
    lab.down(options.purge)


def status(lab: Lab, options: argparse.Namespace) -> None:
    for name, machine in lab.machines.items():
        if not machine.pid():
            say(f"{name:4} does not run")
            continue
        ailments = lab.ailments(name)
        say(f"{name:4} {'; '.join(ailments) or 'healthy'} (pid {machine.pid()}, {machine.resident_mib()} MiB)")
    for fault, node in lab.active_faults():
        say(f"fault {fault} on {node}")


def fault(lab: Lab, options: argparse.Namespace) -> None:
    chosen = lab.faults[options.name]
    node = options.node or chosen.node
    make(lab, chosen, node)
    say(f"{chosen.name} on {node}: {chosen.meaning}" + (f"; shows after {chosen.visible} s" if chosen.visible else ""))
    say(f"See it: make check INVENTORY={lab.inventory}. Undo it: make lab LAB={lab.topology.name} REPAIR=all.")


def repair(lab: Lab, options: argparse.Namespace) -> None:
    active = lab.active_faults()
    chosen = active if options.name == "all" else [entry for entry in active if entry[0] == options.name]
    if not chosen:
        made = ", ".join(f"{name} on {node}" for name, node in active) or "none"
        say(f"nothing to repair; faults made: {made}")
        return
    undo(lab, chosen)
    say(f"repaired: {', '.join(f'{name} on {node}' for name, node in chosen)}")


def faults(lab: Lab, options: argparse.Namespace) -> None:
    for each in lab.faults.values():
        say(f"{each.name:27} {each.node}  {each.meaning}")


def ssh(lab: Lab, options: argparse.Namespace) -> None:
    os.execvp("ssh", remote.command(options.machine, *options.command))


def inside(lab: Lab, options: argparse.Namespace) -> None:
    command = [str(word) for word in lab.namespace.inside(*options.command)]
    os.execvp(command[0], command)


def inventory(lab: Lab, options: argparse.Namespace) -> None:
    connection = {
        "ansible_ssh_args": f"-F {remote.config_file(lab.topology)}",
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_ssh_pipelining": True,
    }
    hosts = {machine.name: {"ansible_host": machine.address} for machine in lab.topology.nodes}
    say(json.dumps({"nodes": {"hosts": hosts, "vars": connection}}, indent=2))


class _Arguments:
    """What may be named of this lab."""

    def __init__(self, lab: Lab) -> None:
        self._faults = lab.faults
        self.nodes = [node.name for node in lab.topology.nodes]
        self.machines = list(lab.machines)

    def fault(self, text: str) -> str:
        if text not in self._faults:
            near = difflib.get_close_matches(text, self._faults)
            hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {' '.join(self._faults)}"
            raise argparse.ArgumentTypeError(f"there is no fault {text!r}; {hint}")
        return text

    def fault_or_all(self, text: str) -> str:
        return text if text == "all" else self.fault(text)

    def fault_and_node(self, text: str) -> argparse.Namespace:
        name, _separator, node = text.partition(" ")
        if node not in ("", *self.nodes):
            raise argparse.ArgumentTypeError(f"there is no node {node!r}")
        return argparse.Namespace(name=self.fault(name), node=node or None)


def _parser(names: _Arguments) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab", description=__doc__, parents=[_which()])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(action: Callable[[Lab, argparse.Namespace], None], purpose: str) -> argparse.ArgumentParser:
        added = commands.add_parser(action.__name__, help=purpose)
        added.set_defaults(action=action)
        return added

    command(build, "build the image the machines boot")
    added = command(up, "bring the lab up, from its snapshot where there is one")
    added.add_argument("--fault", type=names.fault_and_node, metavar="NAME[ NODE]", help="then make this fault")
    added.add_argument("--repair", type=names.fault_or_all, metavar="NAME|all", help="then undo this fault")
    command(status, "how each machine is, and which faults are made")
    named = command(snapshot, "save the state of the whole lab")
    named.add_argument("name", nargs="?", default=READY)
    named = command(restore, "go back to a snapshot")
    named.add_argument("name", nargs="?", default=READY)
    added = command(fault, "make a fault")
    added.add_argument("name", type=names.fault, metavar="NAME")
    added.add_argument("node", nargs="?", choices=names.nodes)
    added = command(repair, "undo a fault, or all, and wait until the lab is healthy")
    added.add_argument("name", type=names.fault_or_all, metavar="NAME|all")
    command(faults, "list the faults")
    added = command(ssh, "log in to a machine, or run a command there")
    added.add_argument("machine", choices=names.machines)
    added.add_argument("command", nargs=argparse.REMAINDER)
    added = command(inside, "run a command of this machine in the lab's own network, as a controller there")
    added.add_argument("command", nargs=argparse.REMAINDER)
    command(inventory, "print the nodes as an Ansible inventory")
    added = command(down, "end the lab; its snapshots stay")
    added.add_argument("--purge", action="store_true", help="remove the snapshots too")
    return parser


def _which() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--lab", choices=LABS, default="node", help="which lab; the node lab unless it is named")
    return parser


def main() -> int:
    lab = LABS[_which().parse_known_args()[0].lab]()
    options = _parser(_Arguments(lab)).parse_args()
    try:
        if options.action in (build, up, snapshot, restore, fault, repair, down):
            with lab.alone():
                options.action(lab, options)
        else:
            options.action(lab, options)
    except LabError as error:
        return fail(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
