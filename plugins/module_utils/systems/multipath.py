# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Device-mapper multipath: what multipathd says, what the kernel's table says, and whether they agree.

multipathd answers ``show maps json`` (0.5.0 and later), asked for with -k: up to 0.4.8 it takes other arguments for
none, and starts a daemon. An older one is read by ``multipath -ll``, whose bracket form (0.4.7) is known too; that one
asks the disks, and is left out while a map would keep it waiting. The kernel's own view is ``dmsetup status``,
``dmsetup table`` and sysfs: it stays readable when the daemon does not answer, and it alone decides whether I/O goes
through and is queued.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import Check
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Host, Missing, Problem, Touches
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding, NotUnderstood, absent, missing
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.multipath import TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.readings import first_line

SECTOR = 512
CONF = "/etc/multipath.conf"
# of SCSI, and of NVMe, which has another word for it
RUNNING = ("running", "live", "")


@dataclass(frozen=True)
class Policy:
    """``paths``: paths every map must have (unset: what the map has, at least 2). ``maps``: WWID to its paths."""

    required: bool = False
    paths: Optional[int] = None
    maps: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for option, count in [("paths", self.paths)] + [("maps.%s" % wwid, n) for wwid, n in self.maps.items()]:
            if count is not None and count < 1:
                raise PolicyError(option, "a map has at least one path, not %d" % count)


@dataclass(frozen=True)
class Path:
    """``kernel``: active or failed; ``checker``: ready, faulty, ghost, shaky …; ``bytes`` from sysfs."""

    device: str
    number: str
    kernel: str
    checker: str
    device_state: str
    bytes: Optional[int] = None
    line: str = ""

    @property
    def failed(self) -> bool:
        return (
            self.kernel == "failed"
            or self.checker in ("faulty", "down", "timeout", "i/o timeout")
            or "offline" in self.device_state
        )

    @property
    def ready(self) -> bool:
        """Proven so: a path that is shaky, delayed, still being checked or blocked is neither ready nor failed."""
        return self.kernel == "active" and self.checker in ("ready", "ghost") and self.device_state in RUNNING

    @property
    def ghost(self) -> bool:
        return self.checker == "ghost"

    @property
    def name(self) -> str:
        return " ".join(part for part in (self.device, self.kernel, self.checker, self.device_state) if part)


@dataclass(frozen=True)
class Map:
    """``queueing``: an I/O that finds no path waits instead of failing, as the kernel's table has it now."""

    name: str
    wwid: str
    device: str
    queueing: bool
    read_only: bool
    paths: Tuple[Path, ...]
    bytes: Optional[int] = None

    @property
    def subject(self) -> str:
        return "%s (%s)" % (self.name, self.wwid) if self.wwid else self.name


@dataclass(frozen=True)
class KernelMap:
    """One map as device-mapper itself has it: path number (major:minor) to active or failed."""

    name: str
    bytes: int
    paths: Mapping[str, str]
    queueing: Optional[bool] = None
    line: str = ""

    @property
    def dead(self) -> bool:
        """No path is left, or there never was one."""
        return "active" not in self.paths.values()


@dataclass(frozen=True)
class Facts:
    """``maps`` is None when the daemon's view could not be had, ``kernel`` when the kernel's could not be read;
    ``configured``: how it is known that this node should have multipath.
    """

    installed: bool
    configured: str = ""
    maps: Optional[Tuple[Map, ...]] = None
    kernel: Optional[Tuple[KernelMap, ...]] = None
    daemon_problem: str = ""
    source: str = ""
    missing: Tuple[Missing, ...] = ()


def parse_maps_json(text: str) -> Tuple[Map, ...]:
    """``multipathd show maps json`` (multipath-tools 0.5.0 to 0.9)."""
    try:
        document = json.loads(text)
        return tuple(_json_map(one) for one in document["maps"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NotUnderstood(first_line(text)) from None


def _json_map(one: Mapping[str, Any]) -> Map:
    paths = tuple(_json_path(path) for group in one["path_groups"] for path in group["paths"])
    features = str(one.get("features", ""))
    return Map(
        name=str(one["name"]),
        wwid=str(one["uuid"]),
        device=str(one["sysfs"]),
        queueing="queue_if_no_path" in features,
        read_only=one.get("write_prot") == "ro",
        paths=paths,
    )


def _json_path(path: Mapping[str, Any]) -> Path:
    states = (str(path["dm_st"]), str(path["chk_st"]), str(path["dev_st"]))
    line = " ".join([str(path["dev"]), str(path["dev_t"])] + list(states))
    return Path(str(path["dev"]), str(path["dev_t"]), *states, line=line)


_HEADER = re.compile(
    r"^(?:(?:create|reload|switchpg|rename|reject|resize)\w*: )?"
    r"(?P<name>[\w.:+-]+) ?(?:\((?P<wwid>[\w.:+-]+)\) ?)?(?P<device>dm-\d+)\b"
)
_PATH = re.compile(
    r"^[\s|`\\_+-]*(?P<hcil>\d+:\d+:\d+:\d+|#:#:#:#) +(?P<device>[\w!-]+) +(?P<number>\d+:\d+|-|#:#)\s*"
    r"\[?(?P<first>\w+)\]?\s*\[?(?P<second>i/o \w+|\w+)\]?(?:\s*\[?(?P<third>[\w-]+)\]?)?"
)


def parse_multipath_ll(text: str) -> Tuple[Map, ...]:
    """``multipath -ll``, both the form since 0.4.8 and the older one with brackets. An empty text is no map."""
    maps: List[Map] = []
    for line in text.splitlines():
        header, path = _HEADER.match(line), _PATH.match(line)
        if path and maps:
            maps[-1] = replace(maps[-1], paths=maps[-1].paths + (_text_path(path, line),))
        elif header:
            name = header.group("name")
            maps.append(Map(name, header.group("wwid") or name, header.group("device"), False, False, ()))
        elif maps and ("features=" in line or "queue_if_no_path" in line):
            maps[-1] = replace(maps[-1], queueing="queue_if_no_path" in line, read_only="wp=ro" in line)
    if text.strip() and not maps:
        raise NotUnderstood(first_line(text))
    return tuple(maps)


def _text_path(match: re.Match[str], line: str) -> Path:
    # 0.4.7 prints [kernel][checker]; later versions print kernel, checker, device state
    return Path(
        match.group("device"),
        match.group("number"),
        match.group("first"),
        match.group("second"),
        match.group("third") or "",
        line=line.strip(" |`-\\_+"),
    )


# major:minor
_NUMBER = re.compile(r"^[0-9]+:[0-9]+$")


def _whole(word: str) -> bool:
    return re.match(r"^[0-9]{1,18}$", word) is not None


def parse_dmsetup_status(text: str) -> Tuple[KernelMap, ...]:
    """``dmsetup status --target multipath``: the kernel's path states, A active or F failed."""
    if text.strip() in ("", "No devices found"):
        return ()
    maps = []
    for line in text.splitlines():
        name, separator, rest = line.rpartition(": 0 ")
        words = rest.split()
        if not separator or len(words) < 2 or words[1] != "multipath" or not _whole(words[0]):
            raise NotUnderstood(line.strip()[:200])
        states = {
            number: {"A": "active", "F": "failed"}[state]
            for number, state in zip(words, words[1:])
            if _NUMBER.match(number) and state in ("A", "F")
        }
        maps.append(KernelMap(name, int(words[0]) * SECTOR, states, line=line.strip()))
    return tuple(maps)


def parse_dmsetup_table(text: str) -> Dict[str, bool]:
    """``dmsetup table --target multipath``: map name to whether it queues I/O without a path."""
    if text.strip() in ("", "No devices found"):
        return {}
    queueing = {}
    for line in text.splitlines():
        name, separator, rest = line.rpartition(": 0 ")
        if not separator or " multipath " not in rest:
            raise NotUnderstood(line.strip()[:200])
        queueing[name] = "queue_if_no_path" in rest.split()
    return queueing


def probe(host: Host, policy: Policy) -> Facts:
    """One command for the daemon's view, two for the kernel's, sysfs for sizes; what asks a disk is the last resort."""
    daemon = _ask(host, "maps json", timeout=12.0)
    configured = CONF if host.read(CONF).ok else ""
    lost: List[Missing] = []
    if daemon.problem is Problem.ABSENT:
        there = map_in_kernel(host)
        kernel = _kernel(host, lost) if there else None
        return Facts(installed=False, configured=configured or there, kernel=kernel, missing=tuple(lost))
    kernel = _kernel(host, lost)
    maps, source, daemon_problem = _daemon(host, daemon, kernel, lost)
    return Facts(
        installed=True,
        configured=configured,
        maps=None if maps is None else tuple(_with_sizes(host, one) for one in maps),
        kernel=kernel,
        daemon_problem=daemon_problem,
        source=source,
        missing=tuple(lost),
    )


def _ask(host: Host, what: str, timeout: float) -> Answer:
    return host.run(["multipathd", "-kshow " + what], timeout=timeout)


def map_in_kernel(host: Host) -> str:
    """Where the kernel shows a map, which needs no daemon."""
    for path in host.glob("/sys/block/dm-*"):
        if host.read(path + "/dm/uuid").stdout.startswith("mpath-"):
            return path
    return ""


def _kernel(host: Host, lost: List[Missing]) -> Optional[Tuple[KernelMap, ...]]:
    status = host.run(["dmsetup", "status", "--target", "multipath"], timeout=15.0)
    table = host.run(["dmsetup", "table", "--target", "multipath"], timeout=15.0)
    for answer in (status, table):
        if not answer.ok or answer.rc:
            denied = "Permission denied" in answer.stderr or "permission" in answer.stderr.lower()
            lost.append(answer.missing(Problem.DENIED if denied else None))
            return None
    try:
        queueing = parse_dmsetup_table(table.stdout)
        return tuple(replace(one, queueing=queueing.get(one.name)) for one in parse_dmsetup_status(status.stdout))
    except NotUnderstood as error:
        lost.append(status.missing(Problem.NOT_UNDERSTOOD, str(error)))
        return None


def _daemon(
    host: Host, daemon: Answer, kernel: Optional[Tuple[KernelMap, ...]], lost: List[Missing]
) -> Tuple[Optional[Tuple[Map, ...]], str, str]:
    """(maps, where they were read, why the daemon itself gave none)."""
    if daemon.ok and daemon.rc == 0:
        try:
            return parse_maps_json(daemon.stdout), daemon.source, ""
        except NotUnderstood as error:
            said = str(error)
    else:
        said = "; ".join(daemon.quote(*daemon.lines[-1:]))
    # "timeout" is multipathd's own word for being busy (some seconds after a double failure)
    alive = _ask(host, "daemon", timeout=10.0)
    answers = alive.ok and alive.rc == 0 and alive.stdout.startswith("pid ")
    waiting = next((one for one in kernel or () if one.dead and one.queueing), None)
    if waiting is not None:
        lost.append(Missing("multipath -ll", Problem.BLOCKED, Phrase("queues_without_path", waiting.name)))
        return None, "", "" if answers else said
    topology = host.run(["multipath", "-ll"], timeout=10.0, touches=Touches.DISKS)
    if topology.ok and topology.rc == 0:
        try:
            return parse_multipath_ll(topology.stdout), topology.source, "" if answers else said
        except NotUnderstood as error:
            lost.append(topology.missing(Problem.NOT_UNDERSTOOD, str(error)))
    elif answers:
        lost.append(topology.missing())
    return None, "", "" if answers else said


def _with_sizes(host: Host, one: Map) -> Map:
    paths = tuple(replace(path, bytes=_bytes(host, path.device)) for path in one.paths)
    return replace(one, bytes=_bytes(host, one.device), paths=paths)


def _bytes(host: Host, device: str) -> Optional[int]:
    size = host.read("/sys/block/%s/size" % device).stdout.strip()
    return int(size) * SECTOR if _whole(size) else None


def judge(facts: Facts, policy: Policy) -> List[Finding]:
    if not facts.installed:
        return _judge_not_installed(facts, policy)
    findings = [missing(one) for one in facts.missing]
    if facts.daemon_problem:
        findings.append(
            Finding("multipath_daemon_down", "multipathd", {"detail": facts.daemon_problem}, (facts.daemon_problem,))
        )
    maps = facts.maps
    if maps is None:
        return findings + [finding for one in facts.kernel or () for finding in _judge_kernel_map(one)]
    if not maps and not facts.kernel and not findings:
        if not (facts.configured or _wanted(policy)):
            return [absent("multipath", Phrase("no_map", CONF), False)]
        findings.append(Finding("multipath_no_maps", "multipath", {}, ("%s: no map" % facts.source,)))
    kernel = {one.name: one for one in facts.kernel or ()}
    for one in maps:
        findings += _judge_map(one, kernel.pop(one.name, None), facts.kernel is not None, policy, facts.source)
    for other in kernel.values():
        findings += _judge_kernel_map(other)
        values: Dict[str, Any] = {"paths": [Phrase("kernel_alone", other.name)]}
        lines = ("%s: no map %s" % (facts.source, other.name), other.line)
        findings.append(Finding("multipath_sources_disagree", other.name, values, lines))
    for wwid in sorted(set(policy.maps) - {one.wwid for one in maps}):
        findings.append(Finding("multipath_map_missing", wwid, {}, ("%s: no map with this WWID" % facts.source,)))
    if not findings:
        values = {"maps": len(maps), "paths": sum(len(one.paths) for one in maps)}
        findings.append(Finding("multipath_ok", "multipath", values, (facts.source,)))
    return findings


def _wanted(policy: Policy) -> bool:
    return policy.required or bool(policy.maps) or policy.paths is not None


def _judge_not_installed(facts: Facts, policy: Policy) -> List[Finding]:
    why = Phrase("not_installed", "multipathd")
    if facts.configured and not _wanted(policy):
        lines = ("multipathd: command not found", facts.configured)
        findings = [Finding("multipath_not_installed", "multipathd", {"by": facts.configured}, lines)]
    else:
        findings = [absent("multipath", why, _wanted(policy))]
    findings += [missing(one) for one in facts.missing]
    return findings + [finding for one in facts.kernel or () for finding in _judge_kernel_map(one)]


def _judge_map(one: Map, kernel: Optional[KernelMap], kernel_read: bool, policy: Policy, source: str) -> List[Finding]:
    findings = []
    failed = [path for path in one.paths if path.failed]
    ghost = [path for path in one.paths if path.ghost and not path.failed]
    others = [path for path in one.paths if not path.failed and not path.ready]
    evidence = tuple("%s: %s" % (source, path.line) for path in failed)
    queueing = one.queueing if kernel is None or kernel.queueing is None else kernel.queueing
    counts: Dict[str, Any] = {"failed": len(failed), "of": len(one.paths), **_named(failed)}
    if len(failed) == len(one.paths):
        code = "multipath_queueing_without_paths" if queueing else "multipath_all_paths_failed"
        lines = evidence or ("%s: %s has no path" % (source, one.name),)
        findings.append(Finding(code, one.subject, counts, lines + ((kernel.line,) if kernel else ())))
    elif kernel is not None and kernel.dead:
        # what the daemon still believes sends no I/O anywhere
        findings += _judge_kernel_map(kernel, one.subject)
    elif failed:
        findings.append(Finding("multipath_paths_failed", one.subject, counts, evidence))
    if ghost:
        values = {"ghost": len(ghost), "of": len(one.paths), **_named(ghost)}
        lines = tuple("%s: %s" % (source, path.line) for path in ghost)
        findings.append(Finding("multipath_path_ghost", one.subject, values, lines))
    if others:
        values = {"count": len(others), "of": len(one.paths), **_named(others)}
        lines = tuple("%s: %s" % (source, path.line) for path in others)
        findings.append(Finding("multipath_path_not_ready", one.subject, values, lines))
    expected = policy.maps.get(one.wwid, policy.paths if policy.paths is not None else 2)
    if 0 < len(one.paths) < expected:
        lines = tuple("%s: %s" % (source, path.line) for path in one.paths)
        findings.append(
            Finding("multipath_paths_missing", one.subject, {"count": len(one.paths), "expected": expected}, lines)
        )
    if one.read_only:
        findings.append(Finding("multipath_read_only", one.subject, {}, ("%s: write_prot ro" % source,)))
    if kernel is None and kernel_read:
        values = {"paths": [Phrase("daemon_alone", one.name)]}
        lines = ("dmsetup status --target multipath: no %s" % one.name,)
        findings.append(Finding("multipath_sources_disagree", one.subject, values, lines))
    elif kernel is not None:
        findings += _judge_disagreement(one, kernel, source)
    return findings + _judge_sizes(one)


def _named(paths: List[Path]) -> Dict[str, List[str]]:
    return {"paths": [path.name for path in paths], "devices": [path.device or path.number for path in paths]}


def _judge_disagreement(one: Map, kernel: KernelMap, source: str) -> List[Finding]:
    said, lines = [], []
    for path in one.paths:
        state = kernel.paths.get(path.number, "")
        # a path whose device has gone has no number any more
        if _NUMBER.match(path.number) and (state != "failed" if path.failed else state != "active"):
            said.append(Phrase("kernel_says", path.name, state) if state else Phrase("not_in_table", path.name))
            lines.append("%s: %s" % (source, path.line))
    known = {path.number for path in one.paths}
    alone = [pair for pair in kernel.paths.items() if pair[0] not in known]
    said += [Phrase("kernel_path", *pair) for pair in alone]
    if not said:
        return []
    return [Finding("multipath_sources_disagree", one.subject, {"paths": said}, (*lines, kernel.line))]


def _judge_sizes(one: Map) -> List[Finding]:
    sizes = {path.device: path.bytes for path in one.paths if path.bytes is not None}
    if one.bytes is None or all(size == one.bytes for size in sizes.values()):
        return []
    paths = ["%s %d" % (device, size) for device, size in sizes.items()]
    lines = tuple("/sys/block/%s/size: %d bytes" % pair for pair in [(one.device, one.bytes)] + list(sizes.items()))
    values = {"map": one.name, "map_bytes": one.bytes, "paths": paths}
    return [Finding("multipath_size_differs", one.subject, values, lines)]


def _judge_kernel_map(one: KernelMap, subject: str = "") -> List[Finding]:
    """What the kernel's own table says of a map, whatever the daemon believes."""
    if not one.dead:
        return []
    code = "multipath_queueing_without_paths" if one.queueing else "multipath_all_paths_failed"
    values = {"failed": len(one.paths), "of": len(one.paths), "paths": sorted(one.paths)}
    return [Finding(code, subject or one.name, values, (one.line,))]


def compare(facts: Mapping[str, Mapping[str, Any]]) -> Mapping[str, List[Finding]]:
    """A LUN has one size on all nodes; maps are matched by WWID, aliases may be swapped between nodes."""
    sizes: Dict[str, Dict[str, int]] = {}
    names: Dict[Tuple[str, str], str] = {}
    for node, one in facts.items():
        for each in one.get("maps") or ():
            if each.get("bytes") and each.get("wwid"):
                sizes.setdefault(each["wwid"], {})[node] = each["bytes"]
                names[node, each["wwid"]] = "%s (%s)" % (each["name"], each["wwid"])
    findings: Dict[str, List[Finding]] = {}
    for wwid, by_node in sorted(sizes.items()):
        largest = max(by_node.values())
        shown = ["%s %d" % pair for pair in sorted(by_node.items())]
        for node, size in by_node.items():
            if size < largest:
                values = {"sizes": shown}
                findings.setdefault(node, []).append(
                    Finding("multipath_size_differs_between_nodes", names[node, wwid], values, tuple(shown))
                )
    return findings


CHECK = Check("multipath", Policy, probe, judge, TABLE, compare)
