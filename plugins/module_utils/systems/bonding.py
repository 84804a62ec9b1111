# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bonds of the kernel's bonding driver: their slaves, mode, speed and LACP.

Sources: /proc/net/bonding/*, sysfs for what older drivers do not print there (speed, duplex) and for what they hide
from ordinary users (LACP), /etc/network/interfaces for what must be there. Only files are read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Optional, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import Check
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Host, Missing, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding, NotUnderstood, absent, missing
from ansible_collections.cloudops.hypervisor.plugins.module_utils.interfaces import INTERFACES, Interface, configured
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.bonding import TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.readings import first_line

MODES = (
    "balance-rr",
    "active-backup",
    "balance-xor",
    "broadcast",
    "802.3ad",
    "balance-tlb",
    "balance-alb",
)
NO_PARTNER = "00:00:00:00:00:00"


@dataclass(frozen=True)
class BondPolicy:
    """``name``: the bond. ``mode``: its mode, as the kernel names it. ``slaves``: the interfaces that must be in it.

    ``active``: the slave that carries the traffic when all is well. ``speed``: least speed of each slave, in Mbps.
    """

    name: str
    mode: Optional[str] = None
    slaves: Tuple[str, ...] = ()
    active: Optional[str] = None
    speed: Optional[int] = None

    def __post_init__(self) -> None:
        if not self.name:
            raise PolicyError("name", "a bond has a name")
        _refuse(self.mode, self.speed)
        if self.active is not None and self.slaves and self.active not in self.slaves:
            raise PolicyError("active", "%s is none of the slaves %s" % (self.active, ", ".join(self.slaves)))


@dataclass(frozen=True)
class Policy:
    """``required``: the node must have a bond. ``mode``: mode of every bond. ``speed``: least speed of every slave, in
    Mbps. ``bonds``: bonds that must exist, each with what is expected of it; its mode and speed go before the others.
    """

    required: bool = False
    mode: Optional[str] = None
    speed: Optional[int] = None
    bonds: Tuple[BondPolicy, ...] = ()

    def __post_init__(self) -> None:
        _refuse(self.mode, self.speed)
        names = [bond.name for bond in self.bonds]
        for name in names:
            if names.count(name) > 1:
                raise PolicyError("bonds", "%s is named twice" % name)


def _refuse(mode: Optional[str], speed: Optional[int]) -> None:
    if mode is not None and mode not in MODES:
        raise PolicyError("mode", "%r is none of %s" % (mode, ", ".join(MODES)))
    if speed is not None and speed < 1:
        raise PolicyError("speed", "a speed in Mbps is wanted, not %d" % speed)


@dataclass(frozen=True)
class Slave:
    """``status``: the driver's MII status (up, down, going back …); ``speed`` in Mbps, None where it is not known."""

    name: str
    status: str
    speed: Optional[int] = None
    duplex: str = ""
    aggregator: Optional[int] = None
    failures: int = 0

    @property
    def up(self) -> bool:
        return self.status == "up"


@dataclass(frozen=True)
class Bond:
    """``partner``: MAC of the LACP partner; empty where there is none to have or it is hidden from ordinary users."""

    name: str
    mode: str
    status: str
    slaves: Tuple[Slave, ...] = ()
    active: str = ""
    primary: str = ""
    partner: str = ""


@dataclass(frozen=True)
class Configured:
    """A bond as /etc/network/interfaces has it."""

    name: str
    mode: str = ""
    slaves: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """``configured``: bonds of /etc/network/interfaces that come up with a boot."""

    bonds: Tuple[Bond, ...] = ()
    configured: Tuple[Configured, ...] = ()
    missing: Tuple[Missing, ...] = ()


_MODE_NAMES = {
    "load balancing (round-robin)": "balance-rr",
    "fault-tolerance (active-backup)": "active-backup",
    "load balancing (xor)": "balance-xor",
    "fault-tolerance (broadcast)": "broadcast",
    "IEEE 802.3ad Dynamic link aggregation": "802.3ad",
    "transmit load balancing": "balance-tlb",
    "adaptive load balancing": "balance-alb",
}


def parse_bond(text: str, name: str = "bond") -> Bond:
    """/proc/net/bonding/NAME, of every driver since 2.6.18."""
    head, slaves = _sections(text)
    mode = head.get("Bonding Mode")
    status = head.get("MII Status")
    if mode is None or status is None:
        raise NotUnderstood(first_line(text))
    # "fault-tolerance (active-backup) (fail_over_mac active)"
    known = next((short for long, short in _MODE_NAMES.items() if mode.startswith(long)), mode)
    return Bond(
        name=name,
        mode=known,
        status=status,
        slaves=tuple(_slave(one) for one in slaves),
        active=_named(head.get("Currently Active Slave", "")),
        # "eth3 (primary_reselect always)"
        primary=_named(head.get("Primary Slave", "").partition(" ")[0]),
        partner=NO_PARTNER if "no active aggregator" in text else head.get("Partner Mac Address", "").lower(),
    )


def _sections(text: str) -> Tuple[Dict[str, str], List[Dict[str, str]]]:
    """The bond's own values, and those of each slave. The first value of a name counts: LACP details repeat them."""
    head: Dict[str, str] = {}
    slaves: List[Dict[str, str]] = []
    for line in text.splitlines():
        key, separator, value = line.strip().partition(":")
        if separator and key == "Slave Interface":
            slaves.append({})
        if separator:
            (slaves[-1] if slaves else head).setdefault(key, value.strip())
    return head, slaves


def _slave(values: Dict[str, str]) -> Slave:
    return Slave(
        name=values["Slave Interface"],
        status=values.get("MII Status", ""),
        speed=_number(values.get("Speed", "").partition(" ")[0]),
        duplex=_duplex(values.get("Duplex", "")),
        aggregator=_number(values.get("Aggregator ID", "")),
        failures=_number(values.get("Link Failure Count", "")) or 0,
    )


def _named(value: str) -> str:
    return "" if value == "None" else value


def _number(text: str) -> Optional[int]:
    """A decimal number; the driver writes "Unknown" (a virtual port, a port without link) and "N/A"."""
    return int(text) if re.match(r"[0-9]{1,9}$", text) else None


def _duplex(text: str) -> str:
    return text.lower() if text.lower() in ("full", "half") else ""


def probe(host: Host, _policy: Policy) -> Facts:
    """Only files; sysfs where the driver's own report is not enough."""
    lost: List[Missing] = []
    bonds = []
    for path in host.glob("/proc/net/bonding/*"):
        answer = host.read(path)
        if not answer.ok:
            lost.append(answer.missing())
            continue
        try:
            bonds.append(_completed(host, parse_bond(answer.stdout, path.rpartition("/")[2])))
        except NotUnderstood as error:
            lost.append(answer.missing(Problem.NOT_UNDERSTOOD, str(error)))
    interfaces = configured(host, lost)
    expected = tuple(_configured(one, interfaces) for one in interfaces if _is_bond(one))
    return Facts(tuple(bonds), expected, tuple(lost))


def _completed(host: Host, bond: Bond) -> Bond:
    slaves = tuple(_with_link(host, slave) if slave.up else slave for slave in bond.slaves)
    if bond.mode != "802.3ad" or bond.partner:
        return replace(bond, slaves=slaves)
    partner = host.read("/sys/class/net/%s/bonding/ad_partner_mac" % bond.name)
    return replace(bond, slaves=slaves, partner=partner.stdout.strip().lower())


def _with_link(host: Host, slave: Slave) -> Slave:
    if slave.speed is not None and slave.duplex:
        return slave
    speed, duplex = (host.read("/sys/class/net/%s/%s" % (slave.name, name)) for name in ("speed", "duplex"))
    # sysfs says -1, or 4294967295 before 2.6.33, where the port does not tell
    known = _number(speed.stdout.strip())
    return replace(
        slave, speed=slave.speed if known is None else known, duplex=slave.duplex or _duplex(duplex.stdout.strip())
    )


def _is_bond(one: Interface) -> bool:
    # an OVSBond is Open vSwitch's own: the kernel's driver has no part in it
    kernel = "slaves" in one.options or any(name.startswith("bond-") for name in one.options)
    return one.boots and kernel and "bond-master" not in one.options and one.option("ovs-type") != ("OVSBond",)


def _configured(one: Interface, every: Tuple[Interface, ...]) -> Configured:
    mode = "".join(one.option("bond-mode")[:1])
    slaves = one.option("bond-slaves", "slaves")
    slaves += tuple(other.name for other in every if other.option("bond-master") == (one.name,))
    return Configured(one.name, MODES[int(mode)] if mode in tuple("0123456") else mode, tuple(dict.fromkeys(slaves)))


def judge(facts: Facts, policy: Policy) -> List[Finding]:
    findings = [missing(one) for one in facts.missing]
    wanted = {one.name: one for one in policy.bonds}
    files = {one.name: one for one in facts.configured}
    present = {one.name for one in facts.bonds}
    # a bond that could not be read is unknown, not absent
    unread = {one.reading.rpartition("/")[2] for one in facts.missing}
    for name in sorted((set(wanted) | set(files)) - present - unread):
        by = Phrase("policy") if name in wanted else INTERFACES
        findings.append(
            Finding("bonding_bond_missing", name, {"expected_by": by}, ("/proc/net/bonding/%s: no such file" % name,))
        )
    if not facts.bonds and not findings:
        return [absent("bonding", Phrase("no_bond"), policy.required)]
    for bond in facts.bonds:
        findings += _judge_bond(bond, _expected(bond.name, wanted, files, policy))
    if not findings:
        values = {"bonds": [one.name for one in facts.bonds], "slaves": sum(len(one.slaves) for one in facts.bonds)}
        findings.append(Finding("bonding_ok", "bonding", values, tuple(_source(one) for one in facts.bonds)))
    return findings


@dataclass(frozen=True)
class _Expected:
    """What is expected of one bond, each with who expects it."""

    mode: Tuple[str, str]
    slaves: Tuple[Tuple[str, ...], str]
    active: Tuple[str, str]
    speed: Optional[int]


def _expected(name: str, wanted: Dict[str, BondPolicy], files: Dict[str, Configured], policy: Policy) -> _Expected:
    own = wanted.get(name, BondPolicy(name))
    written = files.get(name, Configured(name))
    mode = own.mode or policy.mode
    return _Expected(
        mode=(mode, Phrase("policy")) if mode else (written.mode, INTERFACES),
        slaves=(own.slaves, Phrase("policy")) if own.slaves else (written.slaves, INTERFACES),
        active=(own.active or "", Phrase("policy")),
        speed=own.speed if own.speed is not None else policy.speed,
    )


def _source(bond: Bond) -> str:
    return "/proc/net/bonding/%s" % bond.name


def _lines(bond: Bond, slaves: List[Slave]) -> Tuple[str, ...]:
    shown = []
    for one in slaves:
        speed = "%d Mbps" % one.speed if one.speed is not None else "Unknown"
        words = [one.name, "MII Status: " + one.status, "Speed: " + speed, "Duplex: " + (one.duplex or "Unknown")]
        if one.aggregator is not None:
            words.append("Aggregator ID: %d" % one.aggregator)
        shown.append("%s: %s" % (_source(bond), ", ".join(words)))
    return tuple(shown) or ("%s: no slave" % _source(bond),)


def _judge_bond(bond: Bond, expected: _Expected) -> List[Finding]:
    findings = []
    up = [one for one in bond.slaves if one.up]
    down = [one for one in bond.slaves if not one.up]
    if not up:
        names = ["%s %s" % (one.name, one.status) for one in down]
        findings.append(Finding("bonding_all_slaves_down", bond.name, {"slaves": names or ["-"]}, _lines(bond, down)))
    elif down:
        carrying = [bond.active] if bond.active else [one.name for one in up]
        values: Dict[str, Any] = {
            "down": len(down),
            "of": len(bond.slaves),
            "slaves": ["%s %s" % (one.name, one.status) for one in down],
            "up": carrying,
        }
        findings.append(Finding("bonding_slave_down", bond.name, values, _lines(bond, down)))
    if up and bond.status != "up":
        line = "%s: MII Status: %s" % (_source(bond), bond.status)
        values = {"up": [one.name for one in up]}
        findings.append(Finding("bonding_down", bond.name, values, (line, *_lines(bond, up))))
    slaves, by = expected.slaves
    lacking = [name for name in slaves if name not in {one.name for one in bond.slaves}]
    if lacking:
        values = {"slaves": lacking, "expected_by": by}
        findings.append(Finding("bonding_slave_missing", bond.name, values, _lines(bond, list(bond.slaves))))
    mode, by = expected.mode
    if mode and bond.mode != mode:
        values = {"mode": bond.mode, "expected": mode, "expected_by": by}
        line = "%s: Bonding Mode: %s" % (_source(bond), bond.mode)
        findings.append(Finding("bonding_mode_differs", bond.name, values, (line,)))
    return findings + _judge_active(bond, expected, up) + _judge_speed(bond, expected, up) + _judge_lacp(bond, up)


def _judge_active(bond: Bond, expected: _Expected, up: List[Slave]) -> List[Finding]:
    """A slave that is down is reported as such; that another one took over is no second fault."""
    wanted, by = expected.active
    if not wanted:
        wanted, by = bond.primary, "primary"
    if not (wanted and bond.active) or bond.active == wanted or wanted not in {one.name for one in up}:
        return []
    line = "%s: Currently Active Slave: %s" % (_source(bond), bond.active)
    values = {"active": bond.active, "expected": wanted, "expected_by": by}
    return [Finding("bonding_active_changed", bond.name, values, (line,))]


def _judge_speed(bond: Bond, expected: _Expected, up: List[Slave]) -> List[Finding]:
    findings = []
    speeds = {one.name: one.speed for one in up if one.speed is not None}
    shown = ["%s %d Mbps" % pair for pair in speeds.items()]
    if expected.speed is not None:
        slow = [one for one in up if one.speed is not None and one.speed < expected.speed]
        if slow:
            values: Dict[str, Any] = {
                "expected": expected.speed,
                "slaves": ["%s %s Mbps" % (one.name, one.speed) for one in slow],
            }
            findings.append(Finding("bonding_speed_low", bond.name, values, _lines(bond, slow)))
        for one in up:
            if one.speed is None:
                path = "/sys/class/net/%s/speed" % one.name
                findings.append(missing(Missing(path, Problem.FAILED, Phrase("no_speed")), bond.name))
    if len(set(speeds.values())) > 1:
        findings.append(Finding("bonding_speed_unequal", bond.name, {"slaves": shown}, _lines(bond, up)))
    half = [one for one in up if one.duplex == "half"]
    if half:
        values = {"slaves": [one.name for one in half]}
        findings.append(Finding("bonding_half_duplex", bond.name, values, _lines(bond, half)))
    return findings


def _judge_lacp(bond: Bond, up: List[Slave]) -> List[Finding]:
    if bond.mode != "802.3ad" or not up:
        return []
    if not bond.partner:
        path = "/sys/class/net/%s/bonding/ad_partner_mac" % bond.name
        return [missing(Missing(path, Problem.DENIED, Phrase("lacp_root")), bond.name)]
    if bond.partner == NO_PARTNER:
        line = "%s: Partner Mac Address: %s" % (_source(bond), bond.partner)
        return [Finding("bonding_lacp_partner_missing", bond.name, {}, (line, *_lines(bond, up)))]
    if len({one.aggregator for one in up}) > 1:
        values = {"slaves": ["%s: %s" % (one.name, one.aggregator) for one in up]}
        return [Finding("bonding_aggregators_differ", bond.name, values, _lines(bond, up))]
    return []


CHECK = Check("bonding", Policy, probe, judge, TABLE)
