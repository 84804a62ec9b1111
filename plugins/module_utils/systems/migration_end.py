# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one end of a migration has for the other: root's ssh, features of the CPU and of Xen, bridges.

xl reaches the target as root by ssh, asks nothing and waits for nobody: so is it tried, from the source itself.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, replace
from typing import Callable, List, Optional, Tuple, TypeVar

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Host, Missing, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.readings import first_line

ASK_INFO = ("xl", "info")
ASK_BRIDGES = ("ovs-vsctl", "--timeout=5", "list-br")
PATIENCE = 10.0
T = TypeVar("T")
MARK = "cloudops "
# what is printed by a login is before the mark
FAR = "echo; echo cloudops $(cat /proc/sys/kernel/hostname /proc/sys/kernel/random/boot_id) $(command -v xl)"


class Failure(str, enum.Enum):
    """Why root's ssh does not do."""

    NONE = ""
    HOST_KEY = "host_key"  # the target's host key is not known
    CHANGED_KEY = "changed_key"  # another one is
    DENIED = "denied"  # the target does not take root's key
    UNRESOLVED = "unresolved"  # its name has no address
    UNREACHABLE = "unreachable"  # nothing answers
    NO_XL = "no_xl"  # it answers, and has no xl
    OTHER = "other"


@dataclass(frozen=True)
class Reached:
    """``hostname`` and ``boot_id``: of whoever answers at that address."""

    address: str
    failure: Failure
    said: str = ""
    hostname: str = ""
    boot_id: str = ""


@dataclass(frozen=True)
class Features:
    """``cpu``: the words of Xen's hw_caps; ``modes``: what guests it can run."""

    major: int
    minor: int
    cpu: Tuple[int, ...]
    modes: Tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    features: Optional[Features]
    bridges: Tuple[str, ...]
    model: str
    ssh: Optional[Reached]
    missing: Tuple[Missing, ...] = ()


def parse_features(text: str) -> Features:
    """``xl info``."""
    values = dict(re.findall(r"^([a-z_0-9]+) *: (.*)$", text, re.MULTILINE))
    version = [values.get("xen_major", "").strip(), values.get("xen_minor", "").strip()]
    words = values.get("hw_caps", "").strip().split(":")
    if not all(re.match(r"^[0-9]{1,4}\Z", one) for one in version):
        raise NotUnderstood(first_line(text))
    if not all(re.match(r"^[0-9a-f]{8}\Z", one) for one in words):
        raise NotUnderstood("hw_caps: %s" % values.get("hw_caps", "")[:200])
    modes = [one for one in values.get("virt_caps", "").split() if not one.startswith("gnttab")]
    return Features(int(version[0]), int(version[1]), tuple(int(one, 16) for one in words), tuple(modes))


_REFUSALS = (
    (Failure.CHANGED_KEY, "REMOTE HOST IDENTIFICATION HAS CHANGED"),
    (Failure.HOST_KEY, "Host key verification failed"),
    (Failure.HOST_KEY, "host key is known for"),
    (Failure.DENIED, "Permission denied"),
    (Failure.DENIED, "Too many authentication failures"),
    (Failure.UNRESOLVED, "Could not resolve hostname"),
    (Failure.UNREACHABLE, "Connection refused"),
    (Failure.UNREACHABLE, "Connection timed out"),
    (Failure.UNREACHABLE, "No route to host"),
    (Failure.UNREACHABLE, "Network is unreachable"),
)


def reached(address: str, answer: Answer) -> Reached:
    """What ssh's attempt shows. Pure."""
    lines = [line[len(MARK) :].split() for line in answer.stdout.splitlines() if line.startswith(MARK)]
    words = lines[-1] if lines else []
    if answer.ok and len(words) >= 2:
        failure = Failure.NONE if len(words) > 2 else Failure.NO_XL
        return Reached(address, failure, "", words[0], words[1])
    said = answer.stderr or answer.stdout
    if answer.problem is Problem.TIMEOUT:
        return Reached(address, Failure.UNREACHABLE, said)
    failure = next((failure for failure, mark in _REFUSALS if mark in said), Failure.OTHER)
    return Reached(address, failure, answer.missing().detail)


def parse_bridges(text: str) -> Tuple[str, ...]:
    """``ovs-vsctl list-br``: a name a line."""
    names = text.split("\n")
    if any(re.search(r"\s", one.strip()) for one in names):
        raise NotUnderstood(first_line(text))
    return tuple(one.strip() for one in names if one.strip())


def probe(host: Host, peer: str = "") -> Facts:
    """``peer``: where the other end is to be reached from here; empty at the target."""
    lost: List[Missing] = []
    bridges = [path.split("/")[4] for path in host.glob("/sys/class/net/*/bridge")]
    answer = host.run(ASK_BRIDGES, timeout=PATIENCE)
    if answer.problem is not Problem.ABSENT:
        try:
            bridges += _understood(answer, parse_bridges)
        except NotUnderstood as error:
            lost.append(answer.missing(answer.problem or Problem.NOT_UNDERSTOOD, str(error)))
    features: Optional[Features] = None
    info = host.run(ASK_INFO, timeout=PATIENCE)
    try:
        features = _understood(info, parse_features)
    except NotUnderstood as error:
        lost.append(info.missing(info.problem or Problem.NOT_UNDERSTOOD, str(error)))
    return Facts(features, tuple(sorted(set(bridges))), _model(host), _ssh(host, peer) if peer else None, tuple(lost))


def _understood(answer: Answer, parse: Callable[[str], T]) -> T:
    if not answer.ok or answer.rc:
        raise NotUnderstood(answer.missing().detail)
    return parse(answer.stdout)


def _model(host: Host) -> str:
    found = re.search(r"^model name\s*:\s*(.*)$", host.read("/proc/cpuinfo").stdout, re.MULTILINE)
    return found.group(1).strip() if found else ""


def _ssh(host: Host, peer: str) -> Reached:
    argv = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=%d" % PATIENCE, peer, FAR]
    answer = replace(host.run(argv, timeout=2 * PATIENCE), source="ssh %s" % peer)
    return reached(peer, answer)
