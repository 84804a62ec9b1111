# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's BMC over IPMI 2.0, from the controller, by ipmitool: it is only read here, its console listened to.

The password goes by the environment, never by a command line that others could list.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field
from typing import Optional, Sequence

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Host, Problem

# RMCP's presence ping, which a BMC answers without a session
PRESENCE_PING = bytes((6, 0, 255, 6, 0, 0, 0x11, 0xBE, 0x80, 0, 0, 0))
# Serial over LAN: a BMC that keeps what its console printed has it as the second instance, the first is what it prints.
CONSOLES = ((2, "what the BMC kept"), (1, "what was printed while it was listened to"))
CONNECTED = "[SOL Session operational"
POWER = re.compile(r"^Chassis Power is (on|off)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Bmc:
    """How it is reached. ``cipher``: the IPMI cipher suite, 3 for older BMCs."""

    address: str
    username: str
    password: str = field(repr=False)
    port: int = 623
    cipher: int = 17


@dataclass(frozen=True)
class Power:
    """``state`` is on or off; empty: it was asked and is ``silent``, or answers but does not tell, as ``said``."""

    state: str
    silent: bool
    said: str


def power(host: Host, bmc: Bmc, timeout: float = 20.0) -> Power:
    answer = _ipmitool(host, bmc, timeout, "chassis", "power", "status")
    match = POWER.search(answer.stdout)
    if match:
        return Power(match.group(1), False, match.group(0).strip())
    said = answer.stderr.strip() or answer.stdout.strip() or "no answer"
    if answer.problem is Problem.ABSENT:
        return Power("", False, said)
    # a wrong password and a dead BMC look alike to ipmitool
    if present(bmc):
        return Power("", False, "it is there, but gives no session (user, password, cipher suite?): %s" % said)
    return Power("", True, said)


def present(bmc: Bmc, timeout: float = 3.0) -> bool:
    """Whether anything speaks RMCP at its address; needs no credentials."""
    try:
        found = socket.getaddrinfo(bmc.address, bmc.port, type=socket.SOCK_DGRAM)
    except OSError:
        return False
    family, kind, protocol, _name, place = found[0]
    with socket.socket(family, kind, protocol) as ping:
        ping.settimeout(timeout)
        try:
            ping.sendto(PRESENCE_PING, place)
            return bool(ping.recvfrom(64)[0])
        except OSError:
            return False


def event_log(host: Host, bmc: Bmc, timeout: float = 60.0) -> str:
    """The system event log as text, or why there is none."""
    return _text(_ipmitool(host, bmc, timeout, "sel", "elist"))


def identity(host: Host, bmc: Bmc, timeout: float = 20.0) -> str:
    """What the BMC says it is the BMC of: FRU and system GUID."""
    guid = _ipmitool(host, bmc, timeout, "mc", "guid")
    return _text(guid) + _text(_ipmitool(host, bmc, timeout, "fru", "print", "0"))


def console(host: Host, bmc: Bmc, seconds: float = 5.0) -> str:
    """What stands on the console, as far as the BMC gives it, or why it was not taken. Nothing is typed."""
    said = []
    for instance, kept in CONSOLES:
        # ipmitool ends when its input does, and closes the session; another person's session is left alone
        listen = ["sh", "-c", 'sleep "$0" | "$@"', "%g" % seconds]
        answer = _ipmitool(host, bmc, seconds + 20.0, "sol", "activate", "instance=%d" % instance, within=listen)
        told, connected, printed = answer.stdout.partition(CONNECTED)
        printed = printed.partition("\n")[2].replace("\r", "").strip("\n")
        if connected and printed:
            return "# serial over LAN, %s:\n%s\n" % (kept, printed)
        said.append("it printed nothing within %g s" % seconds if connected else _last_line(answer.stderr + told))
    return not_taken(said[-1])


def not_taken(why: str) -> str:
    return "# not taken, because %s: photograph what stands on the console\n" % why


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "the BMC said nothing")


def _text(answer: Answer) -> str:
    return answer.stdout or "# %s: %s\n" % (answer.source, answer.stderr.strip() or "nothing")


def _ipmitool(host: Host, bmc: Bmc, timeout: float, *command: str, within: Sequence[str] = ()) -> Answer:
    argv = [*within, "ipmitool", "-I", "lanplus", "-H", bmc.address, "-p", str(bmc.port), "-U", bmc.username, "-E"]
    argv += ["-C", str(bmc.cipher), "-N", "2", "-R", "3", *command]
    return host.run(argv, timeout=timeout, environment={"IPMI_PASSWORD": bmc.password})


def of(options: Optional[object]) -> Optional[Bmc]:
    """From a validated dictionary of options; None where none are given."""
    return Bmc(**options) if isinstance(options, dict) and options else None
