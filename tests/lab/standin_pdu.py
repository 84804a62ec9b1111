# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for a switched PDU and its agent of fence-agents: outlet 1 feeds x1, outlet 2 x2, by these names."""

from __future__ import annotations

import sys
from pathlib import Path

from host import default_run_directory
from image import image_directory
from machine import VirtualMachine
from network import Namespace
from topology import XEN_LAB

OUTLETS = {str(node.number): node for node in XEN_LAB.nodes}


def main() -> int:
    given = dict(line.rstrip("\n").split("=", 1) for line in sys.stdin if "=" in line)
    if given["action"] == "list":
        print("".join(f"{plug},{node.name}\n" for plug, node in OUTLETS.items()), end="")
        return 0
    directory = default_run_directory(XEN_LAB.name)
    node = VirtualMachine(OUTLETS[given["plug"]], directory, image_directory(), Namespace(XEN_LAB))
    if given["action"] == "off" and node.pid() is not None:
        node.kill()
    if given["action"] == "on" and node.pid() is None:
        node.start("tcg")
    return 0 if node.pid() is not None else 2 * (given["action"] == "status")


def installed(folder: Path) -> str:
    """A folder for PATH, in which it is as a program of fence-agents would be."""
    agent = folder / "fence_standin_pdu"
    agent.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}"\n')
    agent.chmod(0o755)
    return str(folder)


if __name__ == "__main__":
    sys.exit(main())
