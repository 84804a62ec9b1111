# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where guests' VNC consoles really are: QEMU's own word (QMP), the listening sockets, and QEMU's command line.

A command line says the display that was wanted. With ``to=`` QEMU takes the next free one, so that after a collision
the command line lies.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Host, Missing, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.process_table import program
from ansible_collections.cloudops.hypervisor.plugins.module_utils.readings import first_line

# of the two monitors of a device model, the one that libxl does not work with
SOCKETS = ("/run/xen/qmp-libxenstat-%d", "/var/run/xen/qmp-libxenstat-%d")
ASK_VNC = b'{"execute": "qmp_capabilities"}\n{"execute": "query-vnc", "id": "vnc"}\n'
ANSWERED = b'"id": "vnc"'
ASK_LISTENERS = ("ss", "-l", "-t", "-n", "-p")
FIRST_PORT, LAST_PORT = 5900, 6899
QMP_TIMEOUT = 2.0
# QEMU sleeps with its disk, maybe every one of a node: they are asked a few at a time
AT_ONCE = 8


@dataclass(frozen=True)
class Listener:
    """A TCP socket that listens; one for each process that has it, with none where they are not shown."""

    address: str
    port: int
    pid: Optional[int] = None
    command: Optional[str] = None


@dataclass(frozen=True)
class CommandLine:
    """A device model, as it was started."""

    domain: int
    name: str
    display: Optional[int]


@dataclass(frozen=True)
class Console:
    """One domain's console: ports as QEMU says and as the kernel shows, the display of the command line."""

    domain: int
    pid: Optional[int] = None
    qmp: Optional[int] = None
    listening: Optional[int] = None
    command_line: Optional[int] = None


@dataclass(frozen=True)
class Facts:
    consoles: Mapping[int, Console]
    listeners: Tuple[Listener, ...]
    missing: Tuple[Missing, ...] = ()


def parse_query_vnc(text: str) -> Optional[int]:
    """QMP's conversation: the port of the console; None where the device model has none."""
    for line in text.splitlines():
        try:
            said = json.loads(line) if line.strip() else {}
        except (ValueError, RecursionError):
            raise NotUnderstood(line.strip()[:200]) from None
        answer = said.get("return") if isinstance(said, dict) else None
        if isinstance(answer, dict) and isinstance(answer.get("enabled"), bool):
            return _service(answer) if answer["enabled"] else None
        if isinstance(said, dict) and said.get("id") == "vnc":
            # a QEMU that was built without VNC does not know the command
            if isinstance(said.get("error"), dict) and said["error"].get("class") == "CommandNotFound":
                return None
            raise NotUnderstood(line.strip()[:200])
    raise NotUnderstood(first_line(text))


def _service(answer: Mapping[str, object]) -> Optional[int]:
    service = str(answer.get("service", ""))
    if answer.get("family") == "unix":
        return None
    if not re.match(r"^[0-9]{1,5}\Z", service):
        raise NotUnderstood("query-vnc: service %s" % service[:100])
    return int(service)


def parse_listeners(text: str) -> Tuple[Listener, ...]:
    """``ss -ltnp``: the sockets of all ports, in its order."""
    found: List[Listener] = []
    for line in text.split("\n"):
        words = line.split(None, 5)
        if not words or words[0] == "State":
            continue
        address, _colon, port = words[3].rpartition(":") if len(words) > 4 else ("", "", "")
        if words[0] != "LISTEN" or not re.match(r"^[0-9]{1,5}\Z", port):
            raise NotUnderstood(line.strip()[:200])
        users = re.findall(r'\("(.*?)",pid=([0-9]{1,9}),fd=[0-9]+\)', words[5] if len(words) > 5 else "")
        processes = {int(pid): name for name, pid in users}
        found += [Listener(address, int(port), pid, name) for pid, name in processes.items()]
        if not processes:
            found.append(Listener(address, int(port)))
    return tuple(found)


def parse_command_line(text: str) -> Optional[CommandLine]:
    """/proc/PID/cmdline, a word on each line: a Xen device model's, or None for any other process."""
    words = text.split("\n")
    if not re.match(r"^(xen-)?qemu-(system-[a-z0-9_]+|dm)\Z", program(words)):
        return None
    # the traditional device model has its own options
    domain = _after(words, "-xen-domid") or _after(words, "-d")
    if not re.match(r"^[0-9]{1,9}\Z", domain):
        return None
    display = re.match(r"^(?!unix:)[^,]*:([0-9]{1,5})(,|\Z)", _after(words, "-vnc"))
    name = _after(words, "-name") or _after(words, "-domain-name")
    return CommandLine(int(domain), name, int(display.group(1)) if display else None)


def _after(words: Sequence[str], option: str) -> str:
    return next((value for word, value in zip(words, words[1:]) if word == option), "")


def probe(host: Host, domains: Sequence[int], commands: Mapping[int, Sequence[str]]) -> Facts:
    """``domains``: the ids to ask for; ``commands``: pid to its command line."""
    lost: List[Missing] = []
    shown = host.run(ASK_LISTENERS)
    listeners: Tuple[Listener, ...] = ()
    if not shown.ok or shown.rc:
        lost.append(shown.missing())
    else:
        try:
            listeners = tuple(one for one in parse_listeners(shown.stdout) if FIRST_PORT <= one.port <= LAST_PORT)
        except NotUnderstood as error:
            lost.append(shown.missing(Problem.NOT_UNDERSTOOD, str(error)))
    ports = _ask_all(host, domains, lost)
    lines = {pid: parse_command_line("\n".join(words)) for pid, words in commands.items()}
    models = {line.domain: (pid, line) for pid, line in lines.items() if line}
    consoles = {}
    for number in domains:
        pid, line = models.get(number, (None, None))
        mine = {one.port for one in listeners if pid is not None and one.pid == pid}
        if len(mine) > 1:
            said = "domain %d listens on %s" % (number, ", ".join(str(port) for port in sorted(mine)))
            lost.append(shown.missing(Problem.NOT_UNDERSTOOD, said))
        consoles[number] = Console(
            domain=number,
            pid=pid,
            qmp=ports.get(number),
            listening=mine.pop() if len(mine) == 1 else None,
            command_line=line.display if line else None,
        )
    return Facts(consoles, listeners, tuple(lost))


def _ask_all(host: Host, domains: Sequence[int], lost: List[Missing]) -> Dict[int, int]:
    """Domain to port. A guest that needs no device model has no monitor."""
    there = {number: [path % number for path in SOCKETS if host.glob(path % number)] for number in domains}
    waiting = [(number, paths[0]) for number, paths in there.items() if paths]
    answers: Dict[int, Answer] = {}

    def work() -> None:
        while True:
            try:
                number, path = waiting.pop(0)
            except IndexError:
                return
            answers[number] = host.ask(path, ASK_VNC, ANSWERED, timeout=QMP_TIMEOUT)

    threads = [threading.Thread(target=work, daemon=True) for _each in range(min(AT_ONCE, len(waiting)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ports = {}
    for number, answer in sorted(answers.items()):
        if not answer.ok:
            lost.append(answer.missing())
            continue
        try:
            port = parse_query_vnc(answer.stdout)
        except NotUnderstood as error:
            lost.append(answer.missing(Problem.NOT_UNDERSTOOD, str(error)))
            continue
        if port is not None:
            ports[number] = port
    return ports
