# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node's clock: the daemon that keeps it, the server it follows, and whether the kernel agrees.

Sources: ``chronyc -c`` (chrony 2.4 and later), ``ntpq`` (ntpd of old nodes, ntpsec), ``timedatectl`` (timesyncd), the
kernel by adjtimex(2). timesyncd is asked only while it runs: asking would start it. A container without CAP_SYS_TIME
has no clock of its own. Offsets are seconds this node's clock is ahead of its source; negative ones, behind.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, TypeVar

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import Check
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Host, Missing, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding, NotUnderstood, absent, missing
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.time import TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.readings import first_line

_CHRONYC = ["chronyc", "-c", "-n", "-m", "tracking", "sources"]
_NTPQ = ["ntpq", "-n", "-c", "rv 0 leap,stratum,refid,reftime,offset", "-c", "peers"]
_TIMESYNC_STATUS = ["timedatectl", "timesync-status"]
_SHOW_TIMESYNC = ["timedatectl", "show-timesync"]
_TIMESYNCD_RUNS = "/run/systemd/timesync"
_TIMESYNCD_ENABLED = "/etc/systemd/system/sysinit.target.wants/systemd-timesyncd.service"
CONFIGURATION = {
    "chronyd": ("/etc/chrony/chrony.conf", "/etc/chrony.conf", "/etc/chrony/*.d/*", "/etc/chrony.d/*"),
    "ntpd": ("/etc/ntpsec/ntp.conf", "/etc/ntp.conf", "/etc/ntpsec/ntp.d/*.conf"),
    "timesyncd": ("/etc/systemd/timesyncd.conf", "/etc/systemd/timesyncd.conf.d/*.conf"),
}
_REFERENCE_CLOCK = "127.127."
STARTS = {
    "chronyd": ("systemctl enable --now chrony", "/etc/init.d/chrony start"),
    "ntpd": ("systemctl enable --now ntp", "/etc/init.d/ntp start"),
    "timesyncd": ("systemctl enable --now systemd-timesyncd",),
}
NTP_EPOCH = 2208988800
# linux/timex.h, linux/capability.h
STA_UNSYNC = 0x40
CAP_SYS_TIME = 25
T = TypeVar("T")


@dataclass(frozen=True)
class Policy:
    """``required``: the node must have a time daemon. ``servers``: the only time servers allowed, names or addresses;
    the daemon must use each of them. ``max_offset``: greatest offset to its server, in seconds. ``max_stratum``:
    greatest stratum of the node itself. ``max_age``: greatest age of the last synchronisation, in seconds.
    ``max_difference``: greatest difference to the other nodes of the run, in seconds.
    """

    required: bool = False
    servers: Tuple[str, ...] = ()
    max_offset: float = 0.5
    max_stratum: int = 15
    max_age: float = 10800.0
    max_difference: float = 2.0

    def __post_init__(self) -> None:
        for option in ("max_offset", "max_age", "max_difference"):
            seconds = getattr(self, option)
            if not math.isfinite(seconds) or seconds <= 0:
                raise PolicyError(option, "more than 0 seconds are wanted, not %g" % seconds)
        if not 1 <= self.max_stratum <= 15:
            raise PolicyError("max_stratum", "1 to 15 is wanted, not %d" % self.max_stratum)
        for server in self.servers:
            if not re.match(r"[\w.:-]+$", server):
                raise PolicyError("servers", "a name or an address is wanted, not %r" % (server,))


@dataclass(frozen=True)
class Source:
    """A server as the daemon sees it. ``reach``: its last eight polls as bits, the latest is the lowest."""

    name: str
    selected: bool
    stratum: int
    reach: int

    @property
    def silent(self) -> bool:
        """Three polls without an answer: a single packet may be lost."""
        return self.reach & 0b111 == 0


@dataclass(frozen=True)
class Reading:
    """What a daemon says. ``offset`` in seconds, ahead of the source; ``last_sync`` in seconds of the epoch."""

    synchronised: bool
    source: str
    stratum: int
    offset: Optional[float] = None
    last_sync: Optional[float] = None
    sources: Tuple[Source, ...] = ()
    lines: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Kernel:
    """``max_error`` in microseconds, as the kernel believes."""

    synchronised: bool
    max_error: int


@dataclass(frozen=True)
class Clock:
    """``node``: this node's clock when it was read, in seconds of the epoch."""

    node: float


@dataclass(frozen=True)
class Facts:
    """``daemon`` is empty when none answered. ``down``: daemon to why it does not answer, of those that are installed.

    ``configured``: the servers that its configuration names; ``pools``: it names pools too. ``allowed``: policy's
    servers with their addresses. ``max_difference``: policy's, for the comparison of nodes.
    """

    clock: Clock
    own_clock: bool = True
    daemon: str = ""
    reading: Optional[Reading] = None
    kernel: Optional[Kernel] = None
    down: Mapping[str, str] = field(default_factory=dict)
    configured: Tuple[str, ...] = ()
    pools: bool = False
    allowed: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)
    max_difference: float = 2.0
    missing: Tuple[Missing, ...] = ()


def parse_chrony(text: str) -> Reading:
    """``chronyc -c -n -m tracking sources``: one line of 14 fields, then one of 10 for each source."""
    try:
        tracking, *rest = [line for line in text.splitlines() if line.strip()]
        fields = tracking.split(",")
        name, stratum, reference, slow, leap = fields[1], fields[2], fields[3], fields[4], fields[13]
        sources = tuple(_chrony_source(line.split(",")) for line in rest)
        return Reading(
            # no name: its own clock ("local")
            synchronised=leap in ("Normal", "Insert second", "Delete second") and name != "",
            source=name,
            stratum=int(stratum),
            # chrony counts how much the clock is slow
            offset=-_seconds(slow),
            last_sync=_seconds(reference) or None,
            sources=sources,
            lines=(tracking, *rest),
        )
    except (ValueError, IndexError):
        raise NotUnderstood(first_line(text)) from None


def _chrony_source(fields: Sequence[str]) -> Source:
    _mode, state, name, stratum, _poll, reach, _last, _offset, _measured, _error = fields
    return Source(name, state == "*", int(stratum), int(reach, 8))


def parse_ntpq(text: str) -> Reading:
    """``ntpq -n -c "rv 0 …" -c peers``, of ntp 4.2 and ntpsec."""
    variables = dict(re.findall(r"\b(leap|stratum|offset)=([^,\s]+)", text))
    # "(no time)" before the first synchronisation
    reftime = re.search(r"\breftime=(?:0x)?([0-9a-f]{1,8})\.", text)
    _before, separator, table = text.partition("=====")
    if not separator or "leap" not in variables or "stratum" not in variables:
        raise NotUnderstood(first_line(text))
    try:
        rows = [line for line in table.splitlines()[1:] if line.strip()]
        # a long address has a line of its own
        joined = re.sub(r"(?m)^(.\S+)\n +", r"\1 ", "\n".join(rows)).splitlines()
        sources = tuple(_ntpq_source(line) for line in joined)
        followed = next((one for one in sources if one.selected), None)
        reference = int(reftime.group(1), 16) if reftime else 0
        return Reading(
            # 127.127.1.x is the driver of its own clock
            synchronised=variables["leap"] not in ("11", "3")
            and followed is not None
            and not followed.name.startswith("127.127.1."),
            source=followed.name if followed is not None else "",
            stratum=int(variables["stratum"]),
            # ntpd counts, in milliseconds, how much its server is ahead
            offset=-_seconds(variables["offset"]) / 1000 if "offset" in variables else None,
            last_sync=float(reference - NTP_EPOCH) if reference else None,
            sources=sources,
            lines=tuple(line.strip() for line in joined),
        )
    except (ValueError, IndexError):
        raise NotUnderstood(first_line(table)) from None


def _ntpq_source(line: str) -> Source:
    remote, _refid, stratum, _type, _when, _poll, reach = line[1:].split()[:7]
    return Source(remote, line[0] in "*o", int(stratum), int(reach, 8))


def parse_timesync_status(text: str) -> Reading:
    """``timedatectl timesync-status`` (systemd 239 and later)."""
    values = {key.strip(): value.strip() for key, _colon, value in (line.partition(":") for line in text.splitlines())}
    if "Server" not in values:
        raise NotUnderstood(first_line(text))
    try:
        packets = int(values.get("Packet count", "0"))
        address = values["Server"].partition(" ")[0]
        source = Source(address, packets > 0, int(values.get("Stratum", "0")), 0xFF if packets else 0)
        return Reading(
            synchronised=packets > 0 and values.get("Leap", "normal") != "not synchronized",
            source="" if address == "n/a" else address,
            stratum=source.stratum + 1 if packets else 0,
            # timesyncd counts how much its server is ahead
            offset=-_timespan(values["Offset"]) if "Offset" in values else None,
            sources=() if address == "n/a" else (source,),
            lines=tuple(line.strip() for line in text.splitlines() if line.strip()),
        )
    except ValueError:
        raise NotUnderstood(first_line(text)) from None


_UNITS = {
    "us": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "day": 86400.0,
    "days": 86400.0,
    "w": 604800.0,
    "month": 2629800.0,
    "months": 2629800.0,
    "y": 31557600.0,
}


def _timespan(text: str) -> float:
    """systemd's time spans: "+316us", "-1.666ms", "+2min 3.5s", "0". Raises ValueError."""
    sign = -1.0 if text.startswith("-") else 1.0
    body = text.lstrip("+-")
    if body == "0":
        return 0.0
    total = 0.0
    for word in body.split():
        match = re.match(r"([0-9]+(?:\.[0-9]+)?)([a-zμ]+)$", word)
        if not match or match.group(2) not in _UNITS:
            raise ValueError(text)
        total += float(match.group(1)) * _UNITS[match.group(2)]
    return sign * total


def parse_show_timesync(text: str) -> Tuple[Tuple[str, ...], Optional[float]]:
    """``timedatectl show-timesync`` in UTC: (configured servers besides the one followed, when it last answered)."""
    values = {key: value for key, _sign, value in (line.partition("=") for line in text.splitlines())}
    if "ServerName" not in values and "FallbackNTPServers" not in values and "SystemNTPServers" not in values:
        raise NotUnderstood(first_line(text))
    servers = (values.get("SystemNTPServers", "") + " " + values.get("LinkNTPServers", "")).split()
    followed = (values.get("ServerName"), values.get("ServerAddress"))
    message = values.get("NTPMessage", "")
    when = re.search(r"DestinationTimestamp=\w+ (\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d) UTC", message)
    last = None
    if when and "Ignored=yes" not in message:
        try:
            year, month, day, hour, minute, second = map(int, when.groups())
            last = datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc).timestamp()
        except ValueError:
            raise NotUnderstood(message[:200]) from None
    return tuple(name for name in servers if name not in followed), last


def parse_adjtimex(text: str) -> Kernel:
    """``adjtimex --print``."""
    values = dict(re.findall(r"^\s*(maxerror|status): *(\d{1,18})$", text, re.MULTILINE))
    if set(values) != {"maxerror", "status"}:
        raise NotUnderstood(first_line(text))
    return Kernel(not int(values["status"]) & STA_UNSYNC, int(values["maxerror"]))


def parse_may_set_clock(text: str) -> bool:
    """/proc/self/status: whether this node, or container, could set the clock at all."""
    match = re.search(r"^CapBnd:\s*([0-9a-fA-F]{1,16})$", text, re.MULTILINE)
    if not match:
        raise NotUnderstood(first_line(text))
    return bool(int(match.group(1), 16) >> CAP_SYS_TIME & 1)


def parse_ahosts(text: str) -> Tuple[str, ...]:
    """``getent ahosts NAME``: an address a line, each several times."""
    return tuple(dict.fromkeys(line.split()[0] for line in text.splitlines() if line.strip()))


def _seconds(text: str) -> float:
    """A number that is one: neither "nan" nor "inf". Raises ValueError."""
    value = float(text)
    if not abs(value) < 1e15:
        raise ValueError(text)
    return value


def parse_configuration(text: str) -> Tuple[Tuple[str, ...], bool]:
    """(servers, whether there are pools) of chrony.conf, ntp.conf or timesyncd.conf."""
    servers: List[str] = []
    pools = False
    for line in text.splitlines():
        name, _equals, value = line.partition("=")
        words = line.split()
        if name.strip() == "NTP":
            servers += value.split()
        elif words[1:] and words[0].lower() in ("server", "peer") and not words[1].startswith(_REFERENCE_CLOCK):
            servers.append(words[1])
        pools = pools or words[:1] == ["pool"]
    return tuple(servers), pools


def _configuration(host: Host, daemon: str) -> Tuple[Tuple[str, ...], bool]:
    servers: List[str] = []
    pools = False
    for path in [path for pattern in CONFIGURATION.get(daemon, ()) for path in host.glob(pattern)]:
        named, with_pools = parse_configuration(host.read(path).stdout)
        servers += named
        pools = pools or with_pools
    return tuple(dict.fromkeys(servers)), pools


def probe(host: Host, policy: Policy) -> Facts:
    """One command where chrony or ntpd keeps the clock; what is not installed costs nothing."""
    lost: List[Missing] = []
    down: Dict[str, str] = {}
    daemon, reading = "", None
    for name, ask in (("chronyd", _chrony), ("ntpd", _ntpd), ("timesyncd", _timesyncd)):
        if reading is None:
            daemon, reading = name, ask(host, down, lost)
    kernel = None if daemon == "ntpd" and reading is not None else _read(host.adjtimex(), parse_adjtimex, lost)
    own_clock = True
    if reading is None:
        own_clock = _read(host.read("/proc/self/status"), parse_may_set_clock, lost) is not False
    configured, pools = _configuration(host, daemon) if reading is not None else ((), False)
    return Facts(
        clock=Clock(host.now()),
        configured=configured,
        pools=pools,
        own_clock=own_clock,
        daemon=daemon if reading is not None else "",
        reading=reading,
        kernel=kernel,
        down=down,
        allowed={server: _addresses(host, server, lost) for server in policy.servers},
        max_difference=policy.max_difference,
        missing=tuple(lost),
    )


def _read(answer: Answer, parse: Callable[[str], T], lost: List[Missing]) -> Optional[T]:
    if not answer.ok:
        lost.append(answer.missing())
        return None
    try:
        return parse(answer.stdout)
    except NotUnderstood as error:
        lost.append(answer.missing(Problem.NOT_UNDERSTOOD, str(error)))
        return None


def _chrony(host: Host, down: Dict[str, str], lost: List[Missing]) -> Optional[Reading]:
    answer = host.run(_CHRONYC, timeout=15.0)
    if answer.problem is Problem.ABSENT:
        return None
    if answer.ok and answer.rc != 0 and "Cannot talk to daemon" in answer.stdout + answer.stderr:
        if not _runs(host, "chronyd"):
            down["chronyd"] = answer.quote(*answer.lines[:1])[0]
            return None
        lost.append(replace(answer.missing(Problem.FAILED), detail=Phrase("chronyd_mute")))
        return None
    return _read(_honest(answer), parse_chrony, lost)


def _ntpd(host: Host, down: Dict[str, str], lost: List[Missing]) -> Optional[Reading]:
    answer = host.run(_NTPQ, timeout=15.0)
    if answer.problem is Problem.ABSENT:
        return None
    said = answer.stdout + answer.stderr
    if "refused" in said or "not running" in said:
        down["ntpd"] = answer.quote(*[line for line in said.splitlines() if line.strip()][:1])[0]
        return None
    if "timed out" in said:
        lost.append(replace(answer.missing(Problem.TIMEOUT), detail=Phrase("ntpd_mute")))
        return None
    return _read(_honest(answer), parse_ntpq, lost)


def _timesyncd(host: Host, down: Dict[str, str], lost: List[Missing]) -> Optional[Reading]:
    if not host.glob(_TIMESYNCD_RUNS):
        if host.link(_TIMESYNCD_ENABLED) is not None and not down:
            down["timesyncd"] = Phrase("no_folder", _TIMESYNCD_RUNS)
        return None
    reading = _read(_honest(host.run(_TIMESYNC_STATUS, timeout=15.0)), parse_timesync_status, lost)
    if reading is None:
        return None
    shown = _read(_honest(host.run(_SHOW_TIMESYNC, timeout=15.0, environment={"TZ": "UTC"})), parse_show_timesync, lost)
    if shown is None:
        return reading
    servers, last = shown
    # it asks one server at a time, and says nothing of the others
    others = tuple(Source(name, False, 0, 0xFF) for name in servers)
    return replace(reading, last_sync=last, sources=reading.sources + others)


def _honest(answer: Answer) -> Answer:
    """These tools' return codes tell the truth."""
    if answer.ok and answer.rc != 0:
        return replace(answer, problem=Problem.FAILED)
    return answer


def _runs(host: Host, name: str) -> bool:
    return any(host.read(path).stdout.strip() == name for path in host.glob("/proc/[0-9]*/comm"))


def _addresses(host: Host, server: str, lost: List[Missing]) -> Tuple[str, ...]:
    if re.match(r"[0-9.]+$|.*:", server):
        return (server,)
    found = _read(_honest(host.run(["getent", "ahosts", server], timeout=10.0)), parse_ahosts, lost)
    return (server, *(found or ()))


def judge(facts: Facts, policy: Policy) -> List[Finding]:
    findings = [missing(one) for one in facts.missing]
    if facts.reading is None:
        return findings + _judge_no_daemon(facts, policy, bool(findings))
    reading = facts.reading
    findings += _judge_servers(facts, reading, policy)
    if not reading.synchronised:
        servers = [one.name for one in reading.sources] or ["-"]
        values: Dict[str, Any] = {"daemon": facts.daemon, "servers": servers}
        return findings + [Finding("time_unsynchronised", facts.daemon, values, _lines(facts, reading))]
    findings += _judge_reading(facts, reading, policy)
    if facts.kernel is not None and not facts.kernel.synchronised:
        line = "adjtimex --print: status has UNSYNC, maxerror %d us" % facts.kernel.max_error
        findings.append(Finding("time_kernel_unsynchronised", "kernel", {"daemon": facts.daemon}, (line,)))
    if not findings:
        values = {
            "daemon": facts.daemon,
            "source": reading.source,
            "stratum": reading.stratum,
            "offset": "-" if reading.offset is None else "%+.6f" % reading.offset,
        }
        findings.append(Finding("time_ok", "time", values, _lines(facts, reading)[:2]))
    return findings


def _lines(facts: Facts, reading: Reading) -> Tuple[str, ...]:
    return tuple("%s: %s" % (facts.daemon, line) for line in reading.lines[:8]) or (facts.daemon,)


def _judge_no_daemon(facts: Facts, policy: Policy, unread: bool) -> List[Finding]:
    if not facts.own_clock:
        why = Phrase("container_clock")
        return [] if unread else [absent("time", why, policy.required or bool(policy.servers))]
    findings = [
        Finding("time_daemon_down", daemon, {"daemon": daemon, "detail": said, "commands": STARTS[daemon]}, (said,))
        for daemon, said in sorted(facts.down.items())
    ]
    if findings or unread:
        return findings
    if policy.required or policy.servers:
        return [absent("time", Phrase("no_time_daemon"), True)]
    if facts.kernel is not None and facts.kernel.synchronised:
        line = "adjtimex --print: maxerror %d us" % facts.kernel.max_error
        return [Finding("time_kernel_alone", "time", {}, (line,))]
    line = "chronyc, ntpq: command not found; %s: no such folder" % _TIMESYNCD_RUNS
    return [Finding("time_no_daemon", "time", {}, (line,))]


def _judge_servers(facts: Facts, reading: Reading, policy: Policy) -> List[Finding]:
    findings = []
    allowed = {name for names in facts.allowed.values() for name in names}
    silent = [one.name for one in reading.sources if one.silent]
    if allowed:
        silent = [name for name in silent if name in allowed]
        others = [one.name for one in reading.sources if one.name not in allowed]
        if others:
            findings.append(
                Finding("time_server_not_allowed", facts.daemon, {"servers": others}, _lines(facts, reading))
            )
        used = {one.name for one in reading.sources}
        lacking = [server for server, names in facts.allowed.items() if not used & set(names)]
        if lacking:
            values: Dict[str, Any] = {"daemon": facts.daemon, "servers": lacking}
            findings.append(Finding("time_server_missing", facts.daemon, values, _lines(facts, reading)))
    elif len(silent) < len(reading.sources):
        # one of several servers that policy does not name is the daemon's own business
        silent = []
    if silent:
        findings.append(Finding("time_server_silent", facts.daemon, {"servers": silent}, _lines(facts, reading)))
    return findings


def _judge_reading(facts: Facts, reading: Reading, policy: Policy) -> List[Finding]:
    findings = []
    lines = _lines(facts, reading)
    if reading.stratum > policy.max_stratum:
        values: Dict[str, Any] = {"stratum": reading.stratum, "limit": policy.max_stratum, "source": reading.source}
        findings.append(Finding("time_stratum_high", facts.daemon, values, lines))
    if reading.last_sync is not None and facts.clock.node - reading.last_sync > policy.max_age:
        age = round(facts.clock.node - reading.last_sync)
        findings.append(Finding("time_sync_old", facts.daemon, {"age": age, "limit": policy.max_age}, lines))
    if reading.offset is not None and abs(reading.offset) > policy.max_offset:
        values = {"offset": "%+.3f" % reading.offset, "limit": policy.max_offset, "source": reading.source}
        findings.append(Finding("time_offset_high", facts.daemon, values, lines))
    return findings


def compare(facts: Mapping[str, Mapping[str, Any]]) -> Mapping[str, List[Finding]]:
    """Clocks that differ: as the controller saw them, else as the daemons say of nodes that follow one server.

    ``controller`` has the controller's own clock right before it asked the node and right after the node had answered:
    the node's clock is known to within that time, whatever its daemon believes.
    """
    seen: Dict[str, Tuple[float, float]] = {}
    for node, one in facts.items():
        clock, controller = one.get("clock") or {}, one.get("controller") or {}
        if clock and controller:
            seen[node] = (clock["node"] - controller["answered"], clock["node"] - controller["asked"])
    findings: Dict[str, List[Finding]] = {}
    if seen:
        # the controller's own clock is one witness; in a tie it is believed
        agreed = _agreed([(0.0, 0.0), *seen.values()])
        for node, (low, high) in seen.items():
            apart = low - agreed if low > agreed else min(high - agreed, 0.0)
            line = "its clock was %.1f to %.1f s ahead of the controller's" % (low, high)
            _differs(findings, node, apart, line, facts[node])
    by_source: Dict[str, Dict[str, float]] = {}
    for node, one in facts.items():
        reading = one.get("reading") or {}
        if reading.get("synchronised") and reading.get("offset") is not None:
            by_source.setdefault(reading["source"], {})[node] = reading["offset"]
    for source, offsets in by_source.items():
        nearest = min(offsets.values(), key=abs)
        for node, offset in offsets.items():
            if node not in findings:
                line = "%s: %+.6f s ahead of %s" % (facts[node].get("daemon"), offset, source)
                _differs(findings, node, offset - nearest, line, facts[node])
    return findings


def _agreed(intervals: Sequence[Tuple[float, float]]) -> float:
    """A point that most intervals hold (Marzullo's algorithm); of equals the one nearest to 0."""
    edges = [edge for interval in intervals for edge in interval]
    return min(edges, key=lambda at: (-sum(low <= at <= high for low, high in intervals), abs(at)))


def _differs(findings: Dict[str, List[Finding]], node: str, apart: float, line: str, facts: Mapping[str, Any]) -> None:
    if abs(apart) > float(facts.get("max_difference") or 2.0):
        findings.setdefault(node, []).append(Finding("time_differs", node, {"seconds": "%+.1f" % apart}, (line,)))


CHECK = Check("time", Policy, probe, judge, TABLE, compare)
