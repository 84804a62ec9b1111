# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open vSwitch: its bridges and ports as the database has them, and whether both daemons answer.

One ``ovs-vsctl`` reads the three tables in one transaction; it answers from the database alone, so ovs-vswitchd is
asked by itself. A bond without link leaves the bridge up: that is seen by the check of bonds. Expected bridges and
ports come from policy, else from /etc/network/interfaces; what is in the database must work.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Set, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import Check
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Host, Missing, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding, NotUnderstood, absent, missing
from ansible_collections.cloudops.hypervisor.plugins.module_utils.interfaces import INTERFACES, Interface, configured
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.openvswitch import TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.readings import first_line

DATABASES = ("/etc/openvswitch/conf.db", "/var/lib/openvswitch/conf.db")
_LIST = (
    ["ovs-vsctl", "--timeout=5", "--format=json"]
    + ["--", "--columns=name,ports", "list", "Bridge"]
    + ["--", "--columns=_uuid,name,interfaces", "list", "Port"]
)
_INTERFACES = ["--", "--columns=name,_uuid,ofport,external_ids,error", "list", "Interface"]
# before 2.4 there is no such column, and ofport -1 alone tells
_OLD_INTERFACES = ["--", "--columns=name,_uuid,ofport,external_ids", "list", "Interface"]
_ALIVE = ["ovs-appctl", "-t", "ovs-vswitchd", "version"]


@dataclass(frozen=True)
class BridgePolicy:
    """``name``: a bridge that must exist. ``ports``: the ports that must be in it."""

    name: str
    ports: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Policy:
    """``required``: the node must have Open vSwitch. ``bridges``: bridges that must exist, each with its ports."""

    required: bool = False
    bridges: Tuple[BridgePolicy, ...] = ()

    def __post_init__(self) -> None:
        homes: Dict[str, str] = {}
        for bridge in self.bridges:
            for port in (bridge.name, *bridge.ports):
                if port in homes:
                    raise PolicyError("bridges", "%s is named twice" % port)
                homes[port] = bridge.name


@dataclass(frozen=True)
class Port:
    """An interface of a port. ``number`` is its OpenFlow port; None or -1 where the switch has not got it."""

    name: str
    interface: str
    number: Optional[int] = None
    error: str = ""
    external_ids: Mapping[str, str] = field(default_factory=dict)

    @property
    def works(self) -> bool:
        return not self.error and self.number is not None and self.number > 0

    @property
    def of_guest(self) -> bool:
        """A VM's: its row stays in the database when the node crashes."""
        return bool(
            {"xen-vm-uuid", "attached-mac", "iface-id", "vm-id"} & set(self.external_ids)
            or re.match(r"(vif|tap|vnet)\d", self.interface)
        )


@dataclass(frozen=True)
class Bridge:
    """A bridge with its ports, its own internal one among them."""

    name: str
    ports: Tuple[Port, ...] = ()


@dataclass(frozen=True)
class Facts:
    """``bridges`` is None when the database could not be read. ``configured``: bridge to its ports, from
    /etc/network/interfaces; ``in_use``: the database file has bridges, whether it is served or not.
    """

    installed: bool
    version: str = ""
    bridges: Optional[Tuple[Bridge, ...]] = None
    configured: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)
    in_use: bool = False
    database_problem: str = ""
    switch_problem: str = ""
    missing: Tuple[Missing, ...] = ()


def parse_tables(text: str) -> Tuple[Bridge, ...]:
    """The tables Bridge, Port and Interface as ``ovs-vsctl --format=json … list`` prints them, a document a line."""
    try:
        bridges, ports, interfaces = [_rows(json.loads(line)) for line in text.splitlines() if line.strip()]
        by_interface = {str(_scalar(row["_uuid"])): row for row in interfaces}
        by_port = {str(_scalar(row["_uuid"])): row for row in ports}
        return tuple(
            Bridge(
                str(bridge["name"]),
                tuple(
                    _port(by_port[str(port)], by_interface[str(interface)])
                    for port in _set(bridge["ports"])
                    for interface in _set(by_port[str(port)]["interfaces"])
                ),
            )
            for bridge in bridges
        )
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError):
        shown = first_line(text)
        raise NotUnderstood(shown) from None


def _rows(document: Mapping[str, Any]) -> List[Dict[str, Any]]:
    return [dict(zip(document["headings"], row)) for row in document["data"]]


def _port(port: Mapping[str, Any], interface: Mapping[str, Any]) -> Port:
    number = _scalar(interface["ofport"])
    ids = interface["external_ids"]
    return Port(
        name=str(port["name"]),
        interface=str(interface["name"]),
        number=None if number is None else int(number),
        error=str(_scalar(interface.get("error", "")) or ""),
        external_ids={str(key): str(value) for key, value in ids[1]} if ids[0] == "map" else {},
    )


def _set(value: Any) -> List[Any]:
    """The members of a column: OVSDB writes a set of one without the set (RFC 7047, 5.1)."""
    return [_scalar(one) for one in value[1]] if value[0] == "set" else [_scalar(value)]


def _scalar(value: Any) -> Any:
    """A column's one value, None where it is empty; a UUID is its text."""
    if not isinstance(value, list):
        return value
    if value[0] == "uuid":
        return value[1]
    return _scalar(value[1][0]) if value[1] else None


def parse_version(text: str) -> str:
    """``ovs-appctl version``: "ovs-vswitchd (Open vSwitch) 3.1.0"."""
    match = re.match(r"ovs-vswitchd \([^)]*\) (\S+)", text)
    if not match:
        raise NotUnderstood(text.strip()[:200] or "empty output")
    return match.group(1)


def probe(host: Host, _policy: Policy) -> Facts:
    """Two commands, over the daemons' sockets."""
    answer = host.run(_LIST + _INTERFACES, timeout=10.0)
    if answer.problem is Problem.ABSENT:
        return Facts(installed=False)
    if "does not contain a column" in answer.stderr:
        answer = host.run(_LIST + _OLD_INTERFACES, timeout=10.0)
    lost: List[Missing] = []
    expected = _expected_of(configured(host, lost))
    bridges: Optional[Tuple[Bridge, ...]] = None
    database_problem = ""
    if answer.ok and answer.rc == 0:
        try:
            bridges = parse_tables(answer.stdout)
        except NotUnderstood as error:
            lost.append(answer.missing(Problem.NOT_UNDERSTOOD, str(error)))
    elif _denied(answer):
        lost.append(answer.missing(Problem.DENIED))
        return Facts(installed=True, configured=expected, missing=tuple(lost))
    elif answer.problem is Problem.TIMEOUT or "Alarm clock" in answer.stderr or "connection failed" in answer.stderr:
        database_problem = _said(answer)
    else:
        lost.append(answer.missing())
    in_use = bool(bridges) or (bridges is None and _has_bridges(host))
    version, switch_problem = "", ""
    if in_use or expected:
        version, switch_problem = _switch(host, lost)
    return Facts(True, version, bridges, expected, in_use, database_problem, switch_problem, tuple(lost))


def _switch(host: Host, lost: List[Missing]) -> Tuple[str, str]:
    """(version, why ovs-vswitchd does not answer)."""
    answer = host.run(_ALIVE, timeout=15.0)
    if answer.ok and answer.rc == 0:
        try:
            return parse_version(answer.stdout), ""
        except NotUnderstood as error:
            lost.append(answer.missing(Problem.NOT_UNDERSTOOD, str(error)))
    elif answer.problem is Problem.ABSENT or _denied(answer):
        lost.append(answer.missing(answer.problem or Problem.DENIED))
    else:
        return "", _said(answer)
    return "", ""


def _denied(answer: Answer) -> bool:
    return answer.problem is Problem.DENIED or "Permission denied" in answer.stderr


def _said(answer: Answer) -> str:
    return "; ".join(answer.quote())[:300]


def _has_bridges(host: Host) -> bool:
    """The database's journal names a bridge. The package alone creates a database without any."""
    return any(re.search(r'"Bridge":\{"[0-9a-f]{8}-', host.read(path).stdout) is not None for path in DATABASES)


def _expected_of(interfaces: Tuple[Interface, ...]) -> Dict[str, Tuple[str, ...]]:
    """Bridge to ports as ifupdown brings them up."""
    bridges: Dict[str, List[str]] = {
        one.name: list(one.option("ovs-ports"))
        for one in interfaces
        if one.boots and one.option("ovs-type") == ("OVSBridge",)
    }
    for one in interfaces:
        for bridge in one.option("ovs-bridge"):
            if one.boots and bridge in bridges and one.name not in bridges[bridge]:
                bridges[bridge].append(one.name)
    return {name: tuple(ports) for name, ports in bridges.items()}


def judge(facts: Facts, policy: Policy) -> List[Finding]:
    wanted: Mapping[str, Tuple[str, ...]] = {one.name: one.ports for one in policy.bridges}
    required = policy.required or bool(wanted)
    if not facts.installed:
        return [absent("openvswitch", Phrase("not_installed", "ovs-vsctl"), required)]
    findings = [missing(one) for one in facts.missing]
    needed = bool(facts.in_use or facts.configured or required)
    if not needed and not findings:
        return [absent("openvswitch", Phrase("no_bridge_configured"), False)]
    if facts.database_problem:
        values = {"detail": facts.database_problem}
        findings.append(Finding("openvswitch_database_down", "ovsdb-server", values, (facts.database_problem,)))
    if facts.switch_problem:
        values = {"detail": facts.switch_problem}
        findings.append(Finding("openvswitch_switch_down", "ovs-vswitchd", values, (facts.switch_problem,)))
    if facts.bridges is None:
        return findings
    expected = {name: (ports, INTERFACES) for name, ports in facts.configured.items()}
    expected.update({name: (ports, Phrase("policy")) for name, ports in wanted.items()})
    for name, (ports, by) in sorted(expected.items()):
        findings += _judge_bridge(facts.bridges, name, ports, by)
    if not facts.switch_problem:
        for bridge in facts.bridges:
            findings += _judge_ports(bridge, {port for ports, _by in expected.values() for port in ports})
    if not findings:
        if not facts.bridges:
            return [absent("openvswitch", Phrase("no_bridge"), required)]
        names = [one.name for one in facts.bridges]
        counted: Dict[str, Any] = {"bridges": names, "ports": sum(len(one.ports) for one in facts.bridges)}
        findings.append(Finding("openvswitch_ok", "openvswitch", counted, ("Open vSwitch %s" % facts.version,)))
    return findings


def _judge_bridge(bridges: Tuple[Bridge, ...], name: str, ports: Tuple[str, ...], by: str) -> List[Finding]:
    homes = {port.name: bridge.name for bridge in bridges for port in bridge.ports}
    if name not in {one.name for one in bridges}:
        line = "ovs-vsctl list Bridge: %s" % (", ".join(one.name for one in bridges) or "no bridge")
        return [Finding("openvswitch_bridge_missing", name, {"expected_by": by}, (line,))]
    findings = []
    for port in ports:
        values = {"port": port, "expected_by": by}
        if port not in homes:
            held = ", ".join(sorted(held for held, home in homes.items() if home == name))
            line = "ovs-vsctl list Port: %s holds %s" % (name, held or "no port")
            findings.append(Finding("openvswitch_port_missing", name, values, (line,)))
        elif homes[port] != name:
            line = "ovs-vsctl list Port: %s is in %s" % (port, homes[port])
            findings.append(Finding("openvswitch_port_elsewhere", name, {**values, "bridge": homes[port]}, (line,)))
    return findings


def _judge_ports(bridge: Bridge, expected: Set[str]) -> List[Finding]:
    findings = []
    left = []
    for port in bridge.ports:
        if port.works:
            continue
        number = "none" if port.number is None else str(port.number)
        error = port.error or "OpenFlow port %s" % number
        line = "ovs-vsctl list Interface: %s ofport %s error %s" % (port.interface, number, port.error or "-")
        if port.of_guest and port.name not in expected:
            left.append((port.name, line))
            continue
        values = {"bridge": bridge.name, "port": port.name, "error": error}
        findings.append(Finding("openvswitch_interface_error", port.interface, values, (line,)))
    if left:
        names = [name for name, _line in left]
        lines = tuple(line for _name, line in left)
        findings.append(Finding("openvswitch_guest_port_left", bridge.name, {"ports": names}, lines))
    return findings


CHECK = Check("openvswitch", Policy, probe, judge, TABLE)
