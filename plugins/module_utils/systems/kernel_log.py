# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's log of this boot and of the one before it, searched for the runbook's signatures.

The journal has both. Where there is none: dmesg for this boot (its ring buffer forgets), and the file that syslog
writes for the boot before. What a crash left in the firmware is in pstore. An event older than its signature's window
is not reported.
"""

from __future__ import annotations

import calendar
import re
import time
from dataclasses import dataclass, field
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import Check
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Host, Missing, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding, NotUnderstood, absent, missing
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.kernel_log import BEFORE, TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.readings import (
    container_mark,
    log_denied,
    parse_uptime,
    shown,
)

LINES = 40000
TAIL_BYTES = 4 * 1024 * 1024
SYSLOG_FILES = ("/var/log/kern.log", "/var/log/messages", "/var/log/syslog")
PSTORE = (
    "/sys/fs/pstore/dmesg-*",
    "/var/lib/systemd/pstore/dmesg*",
    "/var/lib/systemd/pstore/*/dmesg*",
    "/var/lib/systemd/pstore/*/*/dmesg*",
)
# a clock may be set right by as much soon after boot
CLOCK_STEP = 900.0
DAY = 24
NAMED = 5
QUOTED = 3
# lines of a call trace, and of what the kernel says before it begins
TRACE, HEADING = 60, 12


@dataclass(frozen=True)
class Signature:
    """``what`` in the pattern names the thing concerned; ``hours``: how long an event is worth reporting."""

    code: str
    pattern: str
    hours: int


# the first that matches a line counts
SIGNATURES = (
    Signature("kernel_log_balloon", r"alloc_xenballo+n\w*|(?<!\w)vfs_ioctl\b", 7 * DAY),
    Signature(
        "kernel_log_peer_lost",
        r"o2net: (?:[Nn]o longer connected to node|[Cc]onnection to node(?= \S+ \(num \d+\) at \S+ has been idle))"
        r"(?: (?P<what>\S+))?(?: \(num (?P<number>\d+)\))?",
        DAY,
    ),
    Signature(
        "kernel_log_fenced",
        r"ocfs2 is very sorry to be fencing|ERROR: fencing this node|Heartbeat write timeout to device",
        7 * DAY,
    ),
    Signature("kernel_log_panic", r"Kernel panic - not syncing:? ?(?P<what>.*)", 30 * DAY),
    Signature(
        "kernel_log_lockup",
        r"soft lockup - CPU#\d+ stuck[^[]*(?:\[(?P<what>[^\]]*)\])?|hard LOCKUP on cpu|BUG: workqueue lockup"
        r"|rcu\w*:? .*detected (?:expedited )?stall",
        DAY,
    ),
    Signature(
        "kernel_log_qemu_crash",
        r"^(?:traps: )?(?P<what>qemu[\w.-]*)\[\d+\]:? (?:segfault at|trap |general protection)",
        7 * DAY,
    ),
    Signature(
        "kernel_log_oops",
        r"^(?:BUG: |Oops\b|general protection fault|kernel BUG at |Unable to handle kernel|Internal error: "
        r"|invalid opcode: )",
        30 * DAY,
    ),
    Signature("kernel_log_hung_task", r"task (?P<what>\S+?)(?::\d+)? blocked for more than \d+ seconds", DAY),
    Signature("kernel_log_oom", r"[Oo]ut of memory: [Kk]ill(?:ed)? process \d+,? \((?P<what>[^)]*)\)", 7 * DAY),
    Signature(
        "kernel_log_machine_check_fatal",
        r"Machine Check Exception|\[Hardware Error\].*(?:[Uu]ncorrected|[Ff]atal|context corrupt)|EDAC \S+: \d+ UE ",
        30 * DAY,
    ),
    Signature(
        "kernel_log_machine_check",
        r"[Mm]achine check events logged|\[Hardware Error\]|EDAC \S+: \d+ CE ",
        7 * DAY,
    ),
    Signature(
        "kernel_log_filesystem_error",
        r"(?:EXT[234]-fs|OCFS2:|ocfs2:) ?(?:error|ERROR|Error) \(device (?P<what>[\w-]+)"
        r"|Remounting filesystem read-only|File system is now read-only|XFS \([\w-]+\): .*[Cc]orruption",
        7 * DAY,
    ),
    Signature(
        # floppies and empty optical drives give errors on sound nodes
        "kernel_log_io_error",
        r"(?:I/O error,? (?:on )?dev(?:ice)?|critical (?:medium|target|nexus) error, dev) "
        r"(?P<what>(?!fd\d|sr\d)[\w!-]+)",
        DAY,
    ),
)
_PATTERNS = tuple((signature, re.compile(signature.pattern)) for signature in SIGNATURES)
# one cheap pass over the many lines that say nothing
_ANY = re.compile(
    r"xenballo|vfs_ioctl|o2net: |fencing|write timeout|panic|ockup|stall|qemu|BUG|Oops|general protection"
    r"|Unable to handle|Internal error|invalid opcode|blocked for|of memory|Machine Check|achine check|Hardware Error"
    r"|EDAC|rror|ERROR|read-only|orruption"
)
_CODES = tuple(signature.code for signature in SIGNATURES) + ("kernel_log_qemu_oops",)


@dataclass(frozen=True)
class Policy:
    """What a site wants to know of the kernel's log.

    ``required``: there must be a kernel log (a container has none).
    ``windows``: finding code to the hours for which its events are reported, instead of the code's own.
    """

    required: bool = False
    windows: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for code, hours in self.windows.items():
            if code not in _CODES:
                raise PolicyError("windows." + code, "no such signature; there are %s" % ", ".join(_CODES))
            if hours < 1:
                raise PolicyError("windows." + code, "at least 1 hour is wanted, not %d" % hours)

    def hours(self, code: str) -> int:
        known = {signature.code: signature.hours for signature in SIGNATURES}
        return self.windows.get(code, known.get(code, known["kernel_log_oops"]))


@dataclass(frozen=True)
class Line:
    """``at``: seconds since the epoch; None where the log has no time."""

    at: Optional[float]
    text: str


@dataclass(frozen=True)
class Sighting:
    """All events of one signature in one boot (``this`` or ``before``)."""

    code: str
    boot: str
    count: int
    first: Optional[float]
    last: Optional[float]
    what: Tuple[str, ...]
    lines: Tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Facts:
    """``sources``: boot to where its log was read; ``kept``: the log of a boot before this one would be there.

    ``cut``: where the log was longer than what is read of it, to the time at which that begins.
    """

    container: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)
    kept: bool = True
    forgotten: Optional[float] = None
    cut: Mapping[str, Optional[float]] = field(default_factory=dict)
    sightings: Tuple[Sighting, ...] = ()
    stored: Tuple[str, ...] = ()
    missing: Tuple[Missing, ...] = ()


_NO_SUCH_BOOT = re.compile(r"[Nn]o (?:such boot|persistent journal|journal|boot)")
_JOURNAL = re.compile(r"^(\d{1,12}\.\d+) \S+ (?:(?:kernel|unknown): )?(.*)$")


def parse_journal(text: str) -> List[Line]:
    """``journalctl -k -o short-unix``; a message of several lines goes on indented."""
    lines: List[Line] = []
    for line in text.splitlines():
        match = _JOURNAL.match(line)
        if match:
            lines.append(Line(float(match.group(1)), match.group(2)))
        elif line.startswith("-- ") or not line.strip():
            continue
        elif line[0].isspace() and lines:
            lines.append(Line(lines[-1].at, line.strip()))
        else:
            raise NotUnderstood(line.strip()[:200])
    return lines


_DMESG = re.compile(r"^(?:<\d+>)?\[ *(\d{1,10}\.\d+)\](?:\[ *[TC]\d+\])? ?(.*)$")


def parse_dmesg(text: str, booted: float = 0.0) -> List[Line]:
    """``dmesg`` with times since boot, or without any (printk.time=0)."""
    lines = []
    for line in text.splitlines():
        match = _DMESG.match(line)
        if match:
            lines.append(Line(booted + float(match.group(1)), match.group(2)))
        elif line.strip():
            lines.append(Line(None, re.sub(r"^<\d+>", "", line)))
    return lines


_SYSLOG = re.compile(
    r"^(?:(?P<iso>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(?P<zone>Z|[+-]\d\d:?\d\d)"
    r"|(?P<month>[A-Z][a-z]{2}) +(?P<day>\d{1,2}) (?P<clock>\d\d:\d\d:\d\d))"
    r" \S+ kernel: (?:\[ *\d+\.\d+\] ?)?(?P<text>.*)$"
)
_MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}


def parse_syslog(text: str, now: float = 0.0, offset: float = 0.0) -> List[Line]:
    """The kernel's lines of a file that syslog writes, whose traditional time has neither year nor zone."""
    lines = []
    for line in text.splitlines():
        match = _SYSLOG.match(line)
        if match:
            at = _iso_time(match) if match.group("iso") else _traditional_time(match, now, offset)
            lines.append(Line(at, match.group("text")))
    return lines


def _iso_time(match: re.Match[str]) -> Optional[float]:
    zone = match.group("zone").replace(":", "")
    try:
        at = calendar.timegm(time.strptime(match.group("iso"), "%Y-%m-%dT%H:%M:%S"))
        return float(at) - (0 if zone == "Z" else parse_offset(zone))
    except (ValueError, OverflowError):
        return None


def _traditional_time(match: re.Match[str], now: float, offset: float) -> Optional[float]:
    """In the year that puts it last before now; a day of grace is for a clock that was set back."""
    month = _MONTHS.get(match.group("month"))
    hours, minutes, seconds = (int(part) for part in match.group("clock").split(":"))
    this_year = time.gmtime(now + offset).tm_year
    for year in (this_year, this_year - 1):
        try:
            at = calendar.timegm((year, month or 13, int(match.group("day")), hours, minutes, seconds)) - offset
        except (ValueError, OverflowError):
            return None
        if at <= now + 86400:
            return float(at)
    return None


def parse_offset(text: str) -> float:
    """``date +%z``: seconds east of Greenwich."""
    match = re.match(r"^([+-])([0-9]{2})([0-9]{2})$", text.strip())
    if not match:
        raise NotUnderstood(text.strip()[:200])
    seconds = int(match.group(2)) * 3600 + int(match.group(3)) * 60
    return float(seconds if match.group(1) == "+" else -seconds)


def boots(lines: Sequence[Line]) -> List[List[Line]]:
    """A file's lines by boot: each begins with the kernel's own banner."""
    split: List[List[Line]] = [[]]
    for line in lines:
        if line.text.startswith("Linux version ") and split[-1]:
            split.append([])
        split[-1].append(line)
    return split


def sightings(
    lines: Sequence[Line], boot: str = "this", source: str = "", since: Optional[Mapping[str, float]] = None
) -> Tuple[Sighting, ...]:
    """What the signatures find in the log of one boot; ``since``: from when on an event of a code is reported."""
    found: Dict[str, List[Tuple[Line, str]]] = {}
    oops_ends = -1
    for at, line in enumerate(lines):
        if not _ANY.search(line.text):
            continue
        for signature, pattern in _PATTERNS:
            match = pattern.search(line.text)
            if match is None:
                continue
            what = (match.groupdict().get("what") or "").strip(" :")
            code = signature.code
            if code == "kernel_log_oops":
                if at <= oops_ends:
                    break
                oops_ends, what = _oops(lines, at)
                code = "kernel_log_qemu_oops" if what.startswith("qemu") else code
            elif _harmless(code, match, lines, at):
                break
            if line.at is None or line.at >= (since or {}).get(code, 0.0):
                found.setdefault(code, []).append((line, what))
            break
    return tuple(_sighting(code, boot, events, source) for code, events in found.items())


def _oops(lines: Sequence[Line], start: int) -> Tuple[int, str]:
    """(its last line, the process it happened in): one oops prints several lines that begin like one."""
    comm = ""
    for at in range(start, min(start + 100, len(lines))):
        match = re.search(r"\b[Cc]omm: (\S+)", lines[at].text)
        if match and not comm:
            comm = match.group(1)
        if "---[ end trace" in lines[at].text:
            return at, comm
    return min(start + 20, len(lines)), comm


def _harmless(code: str, match: re.Match[str], lines: Sequence[Line], at: int) -> bool:
    if code == "kernel_log_balloon":
        return match.group(0) == "vfs_ioctl" and not _unexplained(lines, at)
    return code == "kernel_log_peer_lost" and _left_cleanly(lines, at, match.group("number"))


def _unexplained(lines: Sequence[Line], at: int) -> bool:
    """A call trace through vfs_ioctl that nothing else accounts for: every trace of an ioctl passes there."""
    before = [line.text for line in lines[max(0, at - TRACE) : at]]
    begins = next((number for number in range(len(before), 0, -1) if "Call Trace" in before[number - 1]), 0)
    around = before[max(0, begins - HEADING) :]
    return bool(begins) and not any(pattern.search(text) for text in around for _signature, pattern in _PATTERNS)


def _left_cleanly(lines: Sequence[Line], at: int, number: Optional[str]) -> bool:
    """A volume that is unmounted, there or here, closes the connection, too; o2dlm says so just before."""
    said = [line.text for line in lines[max(0, at - 10) : at]]
    there = number is not None and any("Node %s leaves domain" % number in text for text in said)
    return there or any("o2dlm: Leaving domain" in text for text in said)


def _sighting(code: str, boot: str, events: Sequence[Tuple[Line, str]], source: str) -> Sighting:
    times = [line.at for line, _what in events if line.at is not None]
    what = tuple(dict.fromkeys(what for _line, what in events if what))
    texts = [line.text.strip() for line, _what in events]
    quoted = texts if len(texts) <= QUOTED else texts[:1] + texts[-QUOTED + 1 :]
    return Sighting(
        code=code,
        boot=boot,
        count=len(events),
        first=min(times, default=None),
        last=max(times, default=None),
        what=what[:NAMED] + (("…",) if len(what) > NAMED else ()),
        lines=tuple(quoted),
        source=source,
    )


class _Reader:
    def __init__(self, host: Host, policy: Policy) -> None:
        self.host = host
        self.policy = policy
        self.now = host.now()
        self.missing: List[Missing] = []

    def lost(self, answer: Answer, error: Optional[NotUnderstood] = None) -> None:
        if error is not None:
            self.missing.append(answer.missing(Problem.NOT_UNDERSTOOD, str(error)))
        else:
            self.missing.append(answer.missing(Problem.DENIED if log_denied(answer) else None))

    def uptime(self) -> float:
        answer = self.host.read("/proc/uptime")
        try:
            return parse_uptime(answer.stdout)
        except NotUnderstood as error:
            self.lost(answer, error if answer.ok else None)
            return 0.0

    def journal(self, boot: int) -> Optional[Tuple[str, List[Line]]]:
        """None: the journal does not have this boot."""
        since = self.now - 3600 * max(self.policy.hours(code) for code in _CODES)
        argv = ["journalctl", "-k", "-b", str(boot), "-o", "short-unix", "--no-pager"]
        argv += ["-n", str(LINES), "--since", "@%d" % since]
        answer = self.host.run(argv, timeout=25.0)
        if answer.problem is Problem.ABSENT:
            return None
        if log_denied(answer) or not answer.ok or (answer.rc and not _NO_SUCH_BOOT.search(answer.stderr)):
            self.lost(answer)
            return None
        if answer.rc:
            return None
        try:
            return answer.source, parse_journal(answer.stdout)
        except NotUnderstood as error:
            self.lost(answer, error)
            return None

    def ring_buffer(self, booted: float) -> Optional[Tuple[str, List[Line]]]:
        answer = self.host.run(["dmesg"], timeout=15.0)
        if not answer.ok or answer.rc:
            self.lost(answer)
            return None
        return answer.source, parse_dmesg(answer.stdout, booted)

    def file(self) -> Optional[Tuple[str, List[Line]]]:
        for path in SYSLOG_FILES:
            if not self.host.glob(path):
                continue
            answer = self.host.run(["tail", "-c", str(TAIL_BYTES), path], timeout=15.0)
            if not answer.ok or answer.rc:
                self.lost(answer)
                continue
            lines = parse_syslog(answer.stdout, self.now, self.offset())
            if lines:
                return path, lines
        return None

    def offset(self) -> float:
        answer = self.host.run(["date", "+%z"], timeout=15.0)
        try:
            return parse_offset(answer.stdout)
        except NotUnderstood as error:
            self.lost(answer, error if answer.ok else None)
            return 0.0


def probe(host: Host, policy: Policy) -> Facts:
    """The journal twice; what it does not have from dmesg and syslog's file; and pstore."""
    container = container_mark(host)
    if container:
        return Facts(container=container)
    reader = _Reader(host, policy)
    booted = reader.now - reader.uptime()
    this = reader.journal(0)
    before = reader.journal(-1) if this else None
    forgotten = None
    written = None if this and before else _from_file(reader, booted)
    if this is None or not this[1]:
        buffer = reader.ring_buffer(booted)
        if buffer and this is None and not any(line.text.startswith("Linux version ") for line in buffer[1][:50]):
            if written and written[2]:
                buffer = (written[0], written[2])
            else:
                forgotten = next((line.at for line in buffer[1] if line.at is not None), None)
        this = buffer or this
    if before is None and written and written[1]:
        before = (written[0], written[1])
    since = {code: reader.now - 3600 * policy.hours(code) for code in _CODES}
    logs = {boot: log for boot, log in (("this", this), ("before", before)) if log}
    return Facts(
        sources={boot: source for boot, (source, _lines) in logs.items()},
        kept=bool(before or written or host.glob("/var/log/journal/*") or reader.missing),
        forgotten=forgotten,
        cut={
            source: lines[0].at
            for source, lines in logs.values()
            if source.startswith("journalctl") and len(lines) >= LINES
        },
        sightings=tuple(one for boot, log in logs.items() for one in sightings(log[1], boot, log[0], since)),
        stored=tuple(path for pattern in PSTORE for path in host.glob(pattern)),
        missing=tuple(reader.missing),
    )


def _from_file(reader: _Reader, booted: float) -> Optional[Tuple[str, List[Line], List[Line]]]:
    """(file, the boot before's lines, this boot's lines)."""
    read = reader.file()
    if read is None:
        return None
    path, lines = read
    split = boots(lines)
    begins = next((line.at for line in split[-1] if line.at is not None), booted)
    if begins < booted - CLOCK_STEP:
        # the banner of this boot is not in it: the clock tells
        this = [line for line in split[-1] if line.at is not None and line.at >= booted]
        return path, [line for line in split[-1] if line not in this], this
    if len(split) > 1 or lines[0].text.startswith("Linux version "):
        return path, split[-2] if len(split) > 1 else [], split[-1]
    return path, [], lines


def judge(facts: Facts, policy: Policy) -> List[Finding]:
    if facts.container:
        return [absent("kernel_log", Phrase("container_log", facts.container), policy.required)]
    findings = [missing(one) for one in dict.fromkeys(facts.missing)]
    for one in facts.sightings:
        values = {
            "count": one.count,
            "what": list(one.what) or ["-"],
            "first": shown(one.first),
            "last": shown(one.last),
        }
        evidence = tuple("%s: %s" % (one.source, line[:300]) for line in one.lines)
        code = one.code if one.boot == "this" else one.code + BEFORE
        findings.append(Finding(code, ", ".join(one.what) or "kernel", values, evidence))
    if facts.stored:
        values = {"what": list(facts.stored[:NAMED])}
        findings.append(Finding("kernel_log_crash_stored", "pstore", values, facts.stored[:NAMED]))
    if not facts.kept:
        evidence = ("/var/log/journal: not there", "%s: not there" % ", ".join(SYSLOG_FILES))
        findings.append(Finding("kernel_log_not_kept", "boot before", {}, evidence))
    if facts.forgotten is not None:
        evidence = ("dmesg: begins at %s" % shown(facts.forgotten),)
        findings.append(Finding("kernel_log_forgotten", "dmesg", {"first": shown(facts.forgotten)}, evidence))
    for source, at in facts.cut.items():
        values = {"limit": LINES, "first": shown(at)}
        findings.append(Finding("kernel_log_cut", "kernel", values, ("%s: begins at %s" % (source, shown(at)),)))
    if not findings:
        findings.append(Finding("kernel_log_ok", "kernel", {}, tuple(facts.sources.values())))
    return findings


CHECK = Check("kernel_log", Policy, probe, judge, TABLE)
