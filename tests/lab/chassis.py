# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chassis of a node's BMC: chassis.py RUN-DIRECTORY IMAGE NODE get NAME | set NAME VALUE.

It answers at once and works on behind its answer: a late one is sent again, and a reset would happen twice. Where the
file NODE.bmc.lies is beside it, commands change that file alone, and it is what is answered.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from machine import VirtualMachine
from network import Namespace
from topology import lab_of, machine


def behind_the_answer(action: Callable[[], None]) -> None:
    if os.fork():
        return
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    try:
        action()
    finally:
        os._exit(0)


def main() -> None:
    directory, image, name, operation, *parameters = sys.argv[1:]
    node = VirtualMachine(machine(name), Path(directory), Path(image), Namespace(lab_of(name)))

    def power_on() -> None:
        if node.pid() is None:
            node.start("tcg")

    def reset() -> None:
        if node.pid() is not None:
            node.kill()
            node.start("tcg")

    lies = Path(directory) / f"{name}.bmc.lies"
    if operation == "get":
        for parameter in parameters:
            if parameter == "power":
                print(f"power:{lies.read_text() if lies.exists() else int(node.pid() is not None)}")
    elif lies.exists():
        lies.write_text(parameters[1])
    elif parameters == ["power", "0"]:
        node.kill()
    elif parameters == ["power", "1"]:
        behind_the_answer(power_on)
    elif parameters[0] == "reset":
        behind_the_answer(reset)


if __name__ == "__main__":
    main()
