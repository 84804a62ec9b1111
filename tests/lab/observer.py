# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an observer outside the Xen nodes sees through a whole test, and what must never be seen.

Each node tells once a second which domains it has (domain-sampler, over the observer's network); once a second each
guest is pinged, now and then its ssh is asked for its banner, and the switch is asked behind which node its MAC is.
Run as a program it is the watching process, inside the lab's namespace: observer.py FILE.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from guests import GUESTS_BY_NAME
from host import LabError
from network import Namespace
from topology import GUESTS, OBSERVER, XEN_LAB

ADDRESS, PORT = (OBSERVER.own[0], 7700)
SECONDS = 1.0
# A connection costs an emulated guest more than an echo.
BANNER_SECONDS = 10.0
PATIENCE = 1.0
START_SECONDS = 20
# Two readings further apart say nothing of what was between them.
READING_SECONDS = 5.0


@dataclass(frozen=True)
class Reading:
    """One domain on one node at one moment: epoch seconds of the observer."""

    at: float
    node: str
    boot_id: str
    domain: int
    uuid: str
    name: str
    state: str
    cpu_ns: int

    @property
    def held(self) -> bool:
        """Paused, suspended, shut down or worse: it cannot run now."""
        return any(letter in self.state for letter in "pscd")


@dataclass(frozen=True)
class Look:
    """One guest from outside. ``banner`` is None where it was not asked for; ``place``: the node its MAC is behind."""

    at: float
    guest: str
    ping: bool
    banner: str | None
    place: str


@dataclass(frozen=True)
class Ran:
    """A domain rose in CPU time from one reading to the next, and could go on at the second."""

    begins: float
    ends: float
    node: str


@dataclass(frozen=True)
class Double:
    """Two domains of one uuid ran at the same time, confirmed by a third reading."""

    uuid: str
    at: float
    nodes: tuple[str, str]


class Observation:
    """All that was seen."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.readings: list[Reading] = []
        self.looks: list[Look] = []
        # when each node told, whether it had a domain or not
        self.told: dict[str, list[float]] = {}
        for line in lines:
            seen = json.loads(line)
            if "domains" not in seen:
                self.looks.append(Look(**seen))
                continue
            self.told.setdefault(seen["node"], []).append(seen["at"])
            for domain in seen["domains"]:
                domain["domain"] = domain.pop("id")
                self.readings.append(Reading(seen["at"], seen["node"], seen["boot_id"], **domain))

    def doubles(self) -> list[Double]:
        found = []
        for uuid in sorted({reading.uuid for reading in self.readings}):
            runs = self._runs(uuid)
            for first, second in _pairs(sorted(runs)):
                moment = _together(runs[first], runs[second])
                if moment is not None:
                    found.append(Double(uuid, moment, (first[0], second[0])))
        return found

    def _runs(self, uuid: str) -> dict[tuple[str, str, int], list[Ran]]:
        """By domain (node, boot, number) of this uuid: when it ran."""
        domains: dict[tuple[str, str, int], list[Reading]] = {}
        for reading in self.readings:
            if reading.uuid == uuid:
                domains.setdefault((reading.node, reading.boot_id, reading.domain), []).append(reading)
        return {
            domain: [
                Ran(before.at, after.at, domain[0])
                for before, after in pairwise(readings)
                if after.at - before.at <= READING_SECONDS and after.cpu_ns > before.cpu_ns and not after.held
            ]
            for domain, readings in domains.items()
        }

    def nodes_of(self, uuid: str) -> list[str]:
        """The nodes that had a domain of it, in the order they were seen."""
        return list(dict.fromkeys(reading.node for reading in self.readings if reading.uuid == uuid))

    def latest(self, uuid: str) -> list[Reading]:
        """Its domains when each node told last."""
        last = {node: told[-1] for node, told in self.told.items()}
        return [reading for reading in self.readings if reading.uuid == uuid and reading.at == last[reading.node]]

    def silences(self, guest: str, longer_than: float = 3.0) -> list[tuple[float, float]]:
        """When the guest did not answer ping, from its last answer before to its first one after."""
        answered = [look.at for look in self.looks if look.guest == guest and look.ping]
        return [(before, after) for before, after in pairwise(answered) if after - before > longer_than]

    def places(self, guest: str) -> list[str]:
        """Behind which nodes its MAC was seen, one after the other."""
        seen = [look.place for look in self.looks if look.guest == guest and look.place]
        return [place for index, place in enumerate(seen) if index == 0 or seen[index - 1] != place]

    def banners(self, guest: str) -> set[str]:
        return {look.banner for look in self.looks if look.guest == guest and look.banner}

    def gaps(self, node: str, longer_than: float = READING_SECONDS) -> list[tuple[float, float]]:
        """When the node told nothing."""
        return [(before, after) for before, after in pairwise(self.told.get(node, [])) if after - before > longer_than]


def _pairs(items: list[Any]) -> Iterator[tuple[Any, Any]]:
    for index, first in enumerate(items):
        for second in items[index + 1 :]:
            yield first, second


def _together(first: list[Ran], second: list[Ran]) -> float | None:
    """The first moment at which both ran, and ran on together at their next readings."""
    for one, one_next in pairwise(first):
        for other, other_next in pairwise(second):
            begins = max(one.begins, other.begins)
            unbroken = one.ends == one_next.begins and other.ends == other_next.begins
            if unbroken and begins < min(one.ends, other.ends) and _overlap(one_next, other_next):
                return begins
    return None


def _overlap(one: Ran, other: Ran) -> bool:
    return max(one.begins, other.begins) < min(one.ends, other.ends)


class Observer:
    """The watching process, for the length of a with block."""

    def __init__(self, namespace: Namespace, directory: Path) -> None:
        self._namespace = namespace
        self._file = directory / "observed.jsonl"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Observer:
        self._file.write_text("")
        command = self._namespace.inside(sys.executable, Path(__file__).resolve(), self._file)
        self._process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL)
        self.wait_for(lambda seen: bool(seen.told), START_SECONDS, "any node to tell of its domains")
        return self

    def __exit__(self, *_exception: object) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(START_SECONDS)

    def seen(self) -> Observation:
        """All up to now."""
        whole, _newline, _unfinished = self._file.read_text().rpartition("\n")
        return Observation(whole.splitlines())

    def wait_for(self, condition: Callable[[Observation], bool], seconds: float, what: str) -> Observation:
        deadline = time.monotonic() + seconds
        while not condition(seen := self.seen()):
            if time.monotonic() > deadline:
                raise LabError(f"waited {seconds:.0f} s for {what}")
            time.sleep(0.5)
        return seen


# The watching process


class _File:
    """One line a sight, whole, whoever writes it."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)

    def write(self, **seen: Any) -> None:
        os.write(self._descriptor, (json.dumps({"at": time.time(), **seen}) + "\n").encode())


def _listen(file: _File) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nodes:
        nodes.bind((ADDRESS, PORT))
        while True:
            file.write(**json.loads(nodes.recv(65536)))


def _look(file: _File) -> None:
    asked = 0.0
    while True:
        begun = time.monotonic()
        answering = _ping([guest.address for guest in GUESTS_BY_NAME.values()])
        places = _places()
        ask = begun - asked > BANNER_SECONDS
        asked = begun if ask else asked
        for guest in GUESTS_BY_NAME.values():
            ping, place = guest.address in answering, places.get(guest.mac, "")
            banner = _banner(guest.address) if ask and ping else None
            file.write(guest=guest.name, ping=ping, banner=banner, place=place)
        time.sleep(max(0.0, SECONDS - (time.monotonic() - begun)))


def _ping(addresses: list[str]) -> set[str]:
    """Those that answer an echo request in time."""
    answering: set[str] = set()
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as echo:
        identity = os.getpid() & 0xFFFF
        for address in addresses:
            header = struct.pack("!BBHHH", 8, 0, 0, identity, 1)
            total = sum(struct.unpack("!4H", header))
            total = (total >> 16) + (total & 0xFFFF)
            # what was sent before may come back as an error
            with contextlib.suppress(OSError):
                echo.sendto(struct.pack("!BBHHH", 8, 0, ~total & 0xFFFF, identity, 1), (address, 0))
        deadline = time.monotonic() + PATIENCE
        while len(answering) < len(addresses):
            readable, _writable, _failed = select.select([echo], [], [], max(0.0, deadline - time.monotonic()))
            if not readable:
                break
            packet, (source, _port) = echo.recvfrom(2048)
            kind, _code, _checksum, whose, _number = struct.unpack("!BBHHH", packet[20:28])
            if kind == 0 and whose == identity:
                answering.add(source)
    return answering & set(addresses)


def _banner(address: str) -> str:
    """The first line its ssh says, or why there is none."""
    try:
        with socket.create_connection((address, 22), PATIENCE) as connection:
            connection.settimeout(5 * PATIENCE)
            return connection.recv(256).split(b"\r")[0].split(b"\n")[0].decode(errors="replace")
    except OSError as error:
        return f"{error}"


def _places() -> dict[str, str]:
    """By MAC the node behind whose tap the switch has learnt it."""
    said = subprocess.run(["bridge", "-j", "fdb", "show", "br", GUESTS.name], capture_output=True, check=False).stdout
    taps = {
        machine.tap(f"eth{index}"): machine.name
        for machine in XEN_LAB.machines
        for index, network in enumerate(machine.networks)
        if network is GUESTS
    }
    return {entry["mac"]: taps[entry["ifname"]] for entry in json.loads(said or "[]") if entry.get("ifname") in taps}


def main() -> None:
    file = _File(sys.argv[1])
    threading.Thread(target=_listen, args=(file,), daemon=True).start()
    _look(file)


if __name__ == "__main__":
    main()
