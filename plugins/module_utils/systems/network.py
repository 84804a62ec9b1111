# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node's addresses, its default gateway, and whether gateway and peers answer over each interface.

Sources: ``ip addr`` (JSON where iproute2 has it), /proc/net/route and ipv6_route, ``ping`` at the interface's full MTU
with fragmentation forbidden and, where that is lost, with small packets, ARP for what does not answer ping and for
addresses used twice. All targets are asked at the same time: it takes half a second when all answer, under four when
none does. A gateway that filters ping but answers ARP is there.
"""

from __future__ import annotations

import ipaddress
import json
import re
import socket
import struct
import threading
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple, TypeVar, Union

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import Check
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Host, Missing, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding, NotUnderstood, absent, missing
from ansible_collections.cloudops.hypervisor.plugins.module_utils.interfaces import INTERFACES, configured
from ansible_collections.cloudops.hypervisor.plugins.module_utils.interfaces import Interface as Configured
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.network import TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.readings import first_line

CLUSTER_CONF = "/etc/ocfs2/cluster.conf"
PACKETS = 3
AT_ONCE = 32
T = TypeVar("T")
_GATEWAY, _PEER = "gateway", "peer"


@dataclass(frozen=True)
class Policy:
    """``required``: the node must have a default gateway. ``gateway``: address of that gateway.
    ``gateways``: IP addresses of other gateways that must answer, default route or not. ``addresses``: IP addresses
    the node must have. ``peers``: IP addresses that must answer, each over the interface whose network it is
    in; the node's own are left out, so that one list serves a zone; without any, those of the OCFS2 cluster. ``mtu``:
    interface to its MTU, in bytes. ``max_loss``: lost packets that are tolerated, in percent.
    """

    required: bool = False
    gateway: Optional[str] = None
    gateways: Tuple[str, ...] = ()
    addresses: Tuple[str, ...] = ()
    peers: Tuple[str, ...] = ()
    mtu: Mapping[str, int] = field(default_factory=dict)
    max_loss: float = 0.0

    def __post_init__(self) -> None:
        given = [("gateway", self.gateway)] if self.gateway is not None else []
        for name in ("gateways", "addresses", "peers"):
            given += [(name, one) for one in getattr(self, name)]
        for option, address in given:
            if _ip(address) is None:
                raise PolicyError(option, "an IP address is wanted, not %r" % (address,))
        for interface, size in self.mtu.items():
            if not 68 <= size <= 65535:
                raise PolicyError("mtu.%s" % interface, "68 to 65535 bytes are wanted, not %d" % size)
        if not 0 <= self.max_loss <= 100:
            raise PolicyError("max_loss", "a share of 0 to 100 percent is wanted, not %g" % self.max_loss)


@dataclass(frozen=True)
class Address:
    """``duplicate``: the kernel itself found it in use (IPv6)."""

    address: str
    prefix: int
    duplicate: bool = False


@dataclass(frozen=True)
class Interface:
    """``up``: set up and with a link. ``arp``: an Ethernet that resolves addresses."""

    name: str
    up: bool
    mtu: int
    state: str = ""
    mac: str = ""
    arp: bool = False
    addresses: Tuple[Address, ...] = ()


@dataclass(frozen=True)
class Route:
    """A default route; ``gateway`` is empty on a point-to-point link."""

    gateway: str
    interface: str


@dataclass(frozen=True)
class Count:
    sent: int
    received: int


@dataclass(frozen=True)
class Reach:
    """What one target answered. ``full``: packets of ``mtu`` bytes; ``small``: asked only where full ones were lost.

    None is a ping that was not or could not be sent. ``arp``: the MACs that answered; None where nobody was asked.
    """

    target: str
    interface: str
    kind: str
    mtu: Optional[int] = None
    full: Optional[Count] = None
    small: Optional[Count] = None
    arp: Optional[Tuple[str, ...]] = None
    lines: Tuple[str, ...] = ()

    @property
    def pinged(self) -> bool:
        return self.full is not None or self.small is not None

    @property
    def answers(self) -> bool:
        return any(count is not None and count.received for count in (self.full, self.small))

    @property
    def too_big(self) -> bool:
        """Full packets never arrive, small ones do."""
        full, small = self.full, self.small
        return full is not None and not full.received and small is not None and small.received > 0

    @property
    def sent(self) -> int:
        return sum(count.sent for count in (self.full, self.small) if count is not None)

    @property
    def lost(self) -> int:
        return sum(count.sent - count.received for count in (self.full, self.small) if count is not None)


@dataclass(frozen=True)
class Claim:
    """Who answers for an address of this node, besides itself."""

    address: str
    interface: str
    macs: Tuple[str, ...]
    line: str = ""


@dataclass(frozen=True)
class Expected:
    """An interface that /etc/network/interfaces brings up at boot, with its static addresses and its gateway."""

    name: str
    addresses: Tuple[str, ...] = ()
    gateways: Tuple[str, ...] = ()
    member: bool = False


@dataclass(frozen=True)
class Facts:
    """``interfaces`` and ``routes`` (default ones) are None when they could not be read."""

    interfaces: Optional[Tuple[Interface, ...]] = None
    routes: Optional[Tuple[Route, ...]] = None
    configured: Tuple[Expected, ...] = ()
    reached: Tuple[Reach, ...] = ()
    claims: Tuple[Claim, ...] = ()
    missing: Tuple[Missing, ...] = ()


def _ip(text: str) -> Union[ipaddress.IPv4Address, ipaddress.IPv6Address, None]:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def parse_ip_addr_json(text: str) -> Tuple[Interface, ...]:
    """``ip -j addr`` (iproute2 4.13 and later)."""
    try:
        # some versions print an empty object for what they filtered out
        return tuple(_json_interface(one) for one in json.loads(text) if one)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise NotUnderstood(first_line(text)) from None


def _json_interface(one: Mapping[str, Any]) -> Interface:
    flags = [str(flag) for flag in one["flags"]]
    addresses = [
        Address(str(each["local"]), int(each["prefixlen"]), bool(each.get("dadfailed")))
        for each in one.get("addr_info", ())
        if each.get("scope") in ("global", "site") and "local" in each
    ]
    return _interface(
        str(one["ifname"]), flags, int(one["mtu"]), str(one.get("link_type")), str(one.get("address", "")), addresses
    )


def _interface(
    name: str, flags: Sequence[str], mtu: int, link: str, mac: str, addresses: Iterable[Address]
) -> Interface:
    return Interface(
        name=name,
        up="UP" in flags and "LOWER_UP" in flags,
        mtu=mtu,
        state=",".join(flags),
        mac=mac.lower(),
        arp=link == "ether" and "NOARP" not in flags,
        addresses=tuple(addresses),
    )


_HEADER = re.compile(r"^[0-9]+: (?P<name>[^:@\s]+)(?:@\S+)?: <(?P<flags>[^>]*)> mtu (?P<mtu>[0-9]{1,9})\b")
_LINK = re.compile(r"^ +link/(?P<link>\S+)(?: (?P<mac>[0-9a-f:]+))?")
_INET = re.compile(
    r"^ +inet6? (?P<address>[0-9a-f.:]+)(?: peer [0-9a-f.:]+)?(?:/(?P<prefix>[0-9]{1,3}))? .*\bscope (?:global|site)\b"
)


def parse_ip_addr(text: str) -> Tuple[Interface, ...]:
    """``ip addr``, of any version."""
    found: List[Interface] = []
    for line in text.splitlines():
        header, link, inet = _HEADER.match(line), _LINK.match(line), _INET.match(line)
        if header:
            flags = header.group("flags").split(",")
            found.append(_interface(header.group("name"), flags, int(header.group("mtu")), "", "", ()))
        elif link and found:
            last = found[-1]
            arp = link.group("link") == "ether" and "NOARP" not in last.state.split(",")
            found[-1] = replace(last, mac=link.group("mac") or "", arp=arp)
        elif inet and found and _ip(inet.group("address")) is not None:
            prefix = int(inet.group("prefix") or 32)
            one = Address(inet.group("address"), prefix, "dadfailed" in line)
            found[-1] = replace(found[-1], addresses=found[-1].addresses + (one,))
    if not found:
        raise NotUnderstood(first_line(text))
    return tuple(found)


def parse_route(text: str) -> Tuple[Route, ...]:
    """The default routes of /proc/net/route (IPv4)."""
    lines = text.splitlines()
    if not lines or lines[0].split()[:3] != ["Iface", "Destination", "Gateway"]:
        raise NotUnderstood(first_line(text))
    routes = []
    try:
        for words in (line.split() for line in lines[1:] if line.strip()):
            flags = int(words[3], 16)
            # up and not a reject route
            if words[1] == words[7] == "00000000" and flags & 0x1 and not flags & 0x200:
                gateway = socket.inet_ntoa(struct.pack("=L", int(words[2], 16))) if flags & 0x2 else ""
                routes.append(Route(gateway, words[0]))
    except (ValueError, IndexError, struct.error):
        raise NotUnderstood(first_line("\n".join(lines[1:]))) from None
    return tuple(dict.fromkeys(routes))


def parse_ipv6_route(text: str) -> Tuple[Route, ...]:
    """The default routes of /proc/net/ipv6_route; an empty text is a node without IPv6."""
    routes = []
    try:
        for words in (line.split() for line in text.splitlines() if line.strip()):
            flags = int(words[8], 16)
            if words[0] == "0" * 32 and words[1] == "00" and flags & 0x1 and not flags & 0x200 and words[9] != "lo":
                hop = socket.inet_ntop(socket.AF_INET6, bytes.fromhex(words[4]))
                routes.append(Route("" if hop == "::" else hop, words[9]))
    except (ValueError, IndexError):
        raise NotUnderstood(first_line(text)) from None
    return tuple(dict.fromkeys(routes))


def parse_ping(text: str) -> Count:
    """The summary of ``ping -q``, of iputils and of busybox."""
    match = re.search(r"^([0-9]{1,9}) packets transmitted, ([0-9]{1,9}) (?:packets )?received", text, re.MULTILINE)
    if not match:
        raise NotUnderstood(first_line(text))
    sent, received = int(match.group(1)), int(match.group(2))
    return Count(sent, min(sent, received))


def parse_arp(text: str) -> Tuple[str, ...]:
    """The MACs of the replies, as arping(8) prints them. No line is nobody."""
    macs = re.findall(r"reply from \S+ \[([0-9A-Fa-f:]{17})\]", text)
    if text.strip() and not macs:
        raise NotUnderstood(first_line(text))
    return tuple(dict.fromkeys(mac.lower() for mac in macs))


def parse_cluster_addresses(text: str) -> Tuple[str, ...]:
    """The nodes' addresses of /etc/ocfs2/cluster.conf; what else it may have to say is its own check's business."""
    found = re.findall(r"^[ \t]*ip_address[ \t]*=[ \t]*(\S+)[ \t]*$", text, re.MULTILINE)
    return tuple(dict.fromkeys(address for address in found if _ip(address) is not None))


class _Lost:
    """Readings that failed; the same failure of the same tool is told once."""

    def __init__(self) -> None:
        self.readings: List[Missing] = []
        self._known: Set[Tuple[str, Problem, str]] = set()
        self._lock = threading.Lock()

    def add(self, one: Missing) -> None:
        tool = one.reading.split()[0]
        with self._lock:
            if (tool, one.problem, one.detail) not in self._known:
                self._known.add((tool, one.problem, one.detail))
                self.readings.append(one)


def probe(host: Host, policy: Policy) -> Facts:
    """Three files, ``ip addr``, then every target at once."""
    lost = _Lost()
    unread: List[Missing] = []
    expected = tuple(_expected(one) for one in configured(host, unread) if one.boots and one.name != "lo")
    for one in unread:
        lost.add(one)
    interfaces, routes = _interfaces(host, lost), _routes(host, lost)
    peers = policy.peers or parse_cluster_addresses(host.read(CLUSTER_CONF).stdout)
    targets = _targets(interfaces or (), routes or (), policy, peers)
    tasks: List[Callable[[], Union[Reach, Claim, None]]] = [partial(_reach, host, one, lost) for one in targets]
    own = {one.mac for one in interfaces or ()}
    for interface in interfaces or ():
        tasks += [partial(_claim, host, interface, one, own, lost) for one in interface.addresses]
    answers = _at_once(tasks)
    return Facts(
        interfaces=interfaces,
        routes=routes,
        configured=expected,
        reached=tuple(one for one in answers if isinstance(one, Reach)),
        claims=tuple(one for one in answers if isinstance(one, Claim)),
        missing=tuple(lost.readings),
    )


def _interfaces(host: Host, lost: _Lost) -> Optional[Tuple[Interface, ...]]:
    answer, parse = host.run(["ip", "-j", "addr"], timeout=15.0), parse_ip_addr_json
    if answer.ok and answer.rc != 0:
        answer, parse = host.run(["ip", "addr"], timeout=15.0), parse_ip_addr
    if not answer.ok or answer.rc != 0:
        lost.add(answer.missing())
        return None
    try:
        return parse(answer.stdout)
    except NotUnderstood as error:
        lost.add(answer.missing(Problem.NOT_UNDERSTOOD, str(error)))
        return None


def _routes(host: Host, lost: _Lost) -> Optional[Tuple[Route, ...]]:
    """IPv6 counts where IPv4 has no default route."""
    answer = host.read("/proc/net/route")
    try:
        if not answer.ok:
            lost.add(answer.missing())
            return None
        routes = parse_route(answer.stdout)
        if routes:
            return routes
        # absent where the kernel has no IPv6
        answer = host.read("/proc/net/ipv6_route")
        return parse_ipv6_route(answer.stdout)
    except NotUnderstood as error:
        lost.add(answer.missing(Problem.NOT_UNDERSTOOD, str(error)))
        return None


def _expected(one: Configured) -> Expected:
    # the links of a bond and its slaves are the bond's check's business
    member = any(name == "slaves" or name.startswith("bond-") for name in one.options)
    return Expected(one.name.partition(":")[0], one.addresses, one.option("gateway"), member)


def _targets(
    interfaces: Sequence[Interface], routes: Sequence[Route], policy: Policy, peers: Sequence[str]
) -> List[Reach]:
    """Who is asked, and over which interface: each gateway, and each peer over every network it is in."""
    mtu = {one.name: one.mtu for one in interfaces}
    own = {each.address for one in interfaces for each in one.addresses}
    found = {(one.gateway, one.interface): _GATEWAY for one in routes if one.gateway}
    for kind, target in [(_GATEWAY, one) for one in policy.gateways] + [(_PEER, one) for one in peers]:
        over = [one.name for one in interfaces if any(_holds(each, target) for each in one.addresses)]
        for name in (over or [""]) if target not in own else []:
            # behind a router nobody is a neighbour
            found.setdefault((target, name), kind if name else _PEER)
    return [Reach(target, name, kind, mtu.get(name)) for (target, name), kind in found.items()]


def _holds(address: Address, peer: str) -> bool:
    one = _ip(peer)
    try:
        return one is not None and one in ipaddress.ip_network((address.address, address.prefix), strict=False)
    except ValueError:
        return False


def _reach(host: Host, target: Reach, lost: _Lost) -> Reach:
    full = small = None
    arp = None
    big: List[str] = []
    lines: List[str] = []
    if target.mtu is not None:
        # IP and ICMP headers: 28 bytes, of IPv6 48
        big = ["-M", "do", "-s", str(target.mtu - (48 if ":" in target.target else 28))]
        full = _ping(host, target, big, lost, lines)
    if full is None or full.received < full.sent:
        small = _ping(host, target, [], lost, lines)
    reach = replace(target, full=full, small=small)
    if reach.too_big and full is not None:
        # a peer that was busy for a moment looks the same
        again = _ping(host, target, big, lost, lines)
        if again is not None:
            reach = replace(reach, full=Count(full.sent + again.sent, full.received + again.received))
    if target.kind == _GATEWAY and not reach.answers and ":" not in target.target:
        answer = host.who_has(target.interface, target.target, timeout=0.6)
        arp = _macs(answer, lost)
        if arp is not None:
            lines.append("%s: %s" % (answer.source, ", ".join(arp) or "no reply"))
    return replace(reach, arp=arp, lines=tuple(lines))


def _ping(host: Host, target: Reach, options: List[str], lost: _Lost, lines: List[str]) -> Optional[Count]:
    over = ["-I", target.interface] if target.interface else []
    # 0.2 s is the least interval an ordinary user may ask for
    argv = ["ping", "-n", "-q", "-c", str(PACKETS), "-i", "0.2", "-W", "1", *options, *over, target.target]
    answer = host.run(argv, timeout=10.0)
    said = answer.stderr.lower()
    if answer.problem in (Problem.ABSENT, Problem.DENIED) or "not permitted" in said or "permission denied" in said:
        lost.add(replace(answer.missing(answer.problem or Problem.DENIED), reading="ping"))
        return None
    try:
        if not answer.ok:
            raise NotUnderstood("")
        count = parse_ping(answer.stdout)
        lines += answer.quote(*[line for line in answer.lines if "packets transmitted" in line])
        return count
    except NotUnderstood:
        if answer.ok and "unreachable" in said:
            lines += answer.quote()
            return Count(PACKETS, 0)
        lost.add(answer.missing())
        return None


def _claim(host: Host, interface: Interface, one: Address, own: Set[str], lost: _Lost) -> Optional[Claim]:
    if one.duplicate:
        return Claim(one.address, interface.name, ("-",), "ip addr: %s dadfailed" % one.address)
    # a host route is no neighbourhood: clouds answer there for everybody
    if not (interface.up and interface.arp) or ":" in one.address or one.prefix >= 32:
        return None
    answer = host.who_has(interface.name, one.address)
    # another port of this node in the same network answers too
    macs = tuple(mac for mac in _macs(answer, lost) or () if mac not in own)
    return Claim(one.address, interface.name, macs, answer.quote(*answer.lines)[0]) if macs else None


def _macs(answer: Answer, lost: _Lost) -> Optional[Tuple[str, ...]]:
    if not answer.ok:
        lost.add(answer.missing())
        return None
    try:
        return parse_arp(answer.stdout)
    except NotUnderstood as error:
        lost.add(answer.missing(Problem.NOT_UNDERSTOOD, str(error)))
        return None


def _at_once(tasks: Sequence[Callable[[], T]]) -> List[T]:
    """The results of tasks that only wait, in their order."""
    results: Dict[int, T] = {}
    waiting = list(enumerate(tasks))
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                if not waiting:
                    return
                at, task = waiting.pop(0)
            results[at] = task()

    threads = [threading.Thread(target=work, daemon=True) for _each in waiting[:AT_ONCE]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [results[at] for at in sorted(results)]


def judge(facts: Facts, policy: Policy) -> List[Finding]:
    findings = [missing(one) for one in facts.missing]
    interfaces = facts.interfaces
    if interfaces is None:
        return findings
    addressed = [one for one in interfaces if one.addresses]
    wanted = policy.gateway or policy.gateways or policy.addresses or policy.peers or facts.configured
    if not addressed and not wanted and not findings:
        return [absent("network", Phrase("no_addresses"), policy.required)]
    findings += _judge_configured(facts.configured, interfaces, policy)
    findings += _judge_routes(facts, policy)
    for one in facts.reached:
        findings += _judge_gateway(one) if one.kind == _GATEWAY else []
        findings += _judge_packets(one, policy)
    findings += _judge_peers(facts.reached)
    for claim in facts.claims:
        values = {"address": claim.address, "macs": list(claim.macs)}
        findings.append(Finding("network_duplicate_address", claim.interface, values, (claim.line,)))
    if findings:
        return findings
    tested = list(dict.fromkeys(one.interface or "-" for one in facts.reached))
    if tested:
        names = [one.target for one in facts.reached]
        lines = tuple(line for one in facts.reached for line in one.lines)
        findings.append(Finding("network_ok", "network", {"targets": names, "interfaces": tested}, lines))
    untested = [one.name for one in addressed if one.up and one.name not in tested]
    if untested or not tested:
        lines = tuple("ip addr: %s %s" % (one.name, one.addresses[0].address) for one in addressed)
        findings.append(Finding("network_untested", "network", {"interfaces": untested or ["-"]}, lines))
    return findings


def _judge_configured(expected: Sequence[Expected], interfaces: Sequence[Interface], policy: Policy) -> List[Finding]:
    findings = []
    by_name = {one.name: one for one in interfaces}
    present = {_ip(each.address) for one in interfaces for each in one.addresses}
    needed = {address: (one.name, INTERFACES) for one in expected for address in one.addresses}
    needed.update({address: (needed.get(address, ("-", ""))[0], Phrase("policy")) for address in policy.addresses})
    for address, (name, by) in needed.items():
        if _ip(address) not in present:
            line = "ip addr: %s is on no interface" % address
            findings.append(Finding("network_address_missing", name, {"address": address, "expected_by": by}, (line,)))
    for each in expected:
        here = by_name.get(each.name)
        if each.member or (here is None and each.addresses) or (here is not None and here.up):
            continue
        state = here.state if here is not None else "-"
        line = "ip addr: %s: <%s>" % (each.name, state)
        findings.append(Finding("network_link_down", each.name, {"state": state}, (line,)))
    for name, size in sorted(policy.mtu.items()):
        if name in by_name and by_name[name].mtu != size:
            line = "ip addr: %s: mtu %d" % (name, by_name[name].mtu)
            values = {"mtu": by_name[name].mtu, "expected": size}
            findings.append(Finding("network_interface_mtu", name, values, (line,)))
    return findings


def _judge_routes(facts: Facts, policy: Policy) -> List[Finding]:
    if facts.routes is None:
        return []
    shown = ["%s dev %s" % (one.gateway or "-", one.interface) for one in facts.routes]
    lines = tuple("/proc/net/route: default via %s" % route for route in shown) or (
        "/proc/net/route: no default route",
    )
    by: str = Phrase("policy")
    expected = [policy.gateway] if policy.gateway else []
    if not expected:
        by, expected = INTERFACES, [gateway for one in facts.configured for gateway in one.gateways]
    gateways = {one.gateway for one in facts.routes}
    lacking = [gateway for gateway in expected if gateway not in gateways]
    # of several in the file, the last one to come up holds the route
    if lacking and (by == "policy" or len(lacking) == len(expected)):
        values = {"expected": lacking[0], "expected_by": by, "routes": shown or ["-"]}
        return [Finding("network_gateway_missing", lacking[0], values, lines)]
    if facts.routes or expected:
        return []
    if policy.required:
        return [Finding("network_gateway_required", "default route", {}, lines)]
    # a node whose own file names no gateway is meant to have none
    return [] if facts.configured else [Finding("network_no_gateway", "default route", {}, lines)]


def _judge_gateway(one: Reach) -> List[Finding]:
    if one.answers:
        return []
    values: Dict[str, Any] = {"gateway": one.target}
    if one.arp:
        values["mac"] = one.arp[0]
        return [Finding("network_gateway_silent", one.interface, values, one.lines)] if one.pinged else []
    if one.arp is not None:
        return [Finding("network_gateway_down", one.interface, values, one.lines)]
    if not one.pinged:
        return []
    reading = "ping -I %s %s" % (one.interface, one.target)
    return [missing(Missing(reading, Problem.FAILED, Phrase("arp_cannot_tell")))]


def _judge_packets(one: Reach, policy: Policy) -> List[Finding]:
    """Of a target that answers at all."""
    if not one.answers:
        return []
    subject = one.interface or one.target
    if one.too_big:
        code = "network_mtu_gateway" if one.kind == _GATEWAY else "network_mtu_peer"
        return [Finding(code, subject, {"target": one.target, "mtu": one.mtu}, one.lines)]
    if one.lost * 100.0 / one.sent > policy.max_loss:
        values = {"target": one.target, "lost": one.lost, "sent": one.sent}
        return [Finding("network_loss", subject, values, one.lines)]
    return []


def _judge_peers(reached: Sequence[Reach]) -> List[Finding]:
    """Peers by interface. One silent peer may be down itself; when several are, and nobody answers, the node is cut."""
    findings = []
    for name in dict.fromkeys(one.interface for one in reached):
        over = [one for one in reached if one.interface == name]
        peers = [one for one in over if one.kind == _PEER and one.pinged]
        silent = [one for one in peers if not one.answers]
        if not silent:
            continue
        lines = tuple(line for one in silent for line in one.lines[:1])
        shown = [one.target for one in silent]
        alone = not any(one.answers or one.arp for one in over)
        if name and alone and len(over) > 1:
            findings.append(Finding("network_isolated", name, {"peers": shown}, lines))
        else:
            values = {"count": len(silent), "of": len(peers), "peers": shown}
            findings.append(Finding("network_peer_down", name or "routed", values, lines))
    return findings


CHECK = Check("network", Policy, probe, judge, TABLE)
