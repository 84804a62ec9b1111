# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person wants to have kept of a node before it is touched: the logs of this boot and of the one before.

Nothing here is judged. Each source is bounded, and read so that a full or sick disk cannot hang the reader.
"""

from __future__ import annotations

from typing import Dict

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Host, Problem, Touches

LINES = "20000"
COMMANDS = {
    "journal-this-boot.txt": ["journalctl", "-b", "0", "-n", LINES, "-o", "short-iso", "--no-pager", "-q"],
    "journal-boot-before.txt": ["journalctl", "-b", "-1", "-n", LINES, "-o", "short-iso", "--no-pager", "-q"],
    "dmesg.txt": ["dmesg", "-T"],
    # Xen's own console; a guest's is the guest's, and attaching to it would take it from whoever looks at it
    "xl-dmesg.txt": ["xl", "dmesg"],
    "last.txt": ["last", "-x", "-F", "-n", "20"],
}
# last, and by their names: a command line is read under a lock that a process asleep in the kernel may hold
PROCESSES = {"processes.txt": ["ps", "-eo", "pid,ppid,user,stat,wchan:30,etime,comm"]}
FILES = (
    "/var/log/messages",
    "/var/log/syslog",
    "/var/log/kern.log",
    "/var/log/dmesg",
    "/var/log/dmesg.0",
    "/var/log/xen/console/hypervisor.log",
)
PSTORE = ("/sys/fs/pstore/*", "/var/lib/systemd/pstore/*", "/var/lib/systemd/pstore/*/*")


def collect(host: Host, timeout: float) -> Dict[str, str]:
    """File name to text. A source that the node has not is left out; one that failed says so in its text."""
    found = {name: host.run(argv, timeout=timeout, touches=Touches.DISKS) for name, argv in COMMANDS.items()}
    for path in FILES:
        for place in (path, path + ".1"):
            if host.glob(place):
                name = place.rpartition("/")[2] + ("" if place.endswith(".1") else ".txt")
                argv = ["tail", "-n", LINES, "--", place]
                found[name] = host.run(argv, timeout=timeout, touches=Touches.DISKS)
    for pattern in PSTORE:
        for place in host.glob(pattern):
            found["pstore-" + place.rpartition("/")[2] + ".txt"] = host.run(
                ["tail", "-n", LINES, "--", place], timeout=timeout, touches=Touches.DISKS
            )
    found.update({name: host.run(argv, timeout=timeout, touches=Touches.DISKS) for name, argv in PROCESSES.items()})
    return {name: text for name, text in ((name, _text(answer)) for name, answer in found.items()) if text}


def _text(answer: Answer) -> str:
    if answer.ok and answer.stdout.strip():
        return answer.stdout
    said = "" if answer.problem is Problem.ABSENT else answer.stderr.strip()
    return "# %s: %s\n" % (answer.source, said) if said else ""
