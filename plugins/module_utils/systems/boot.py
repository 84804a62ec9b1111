# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's boot: has it finished, how did the one before it end, and what would start guests by itself.

systemd tells its own state; a node with sysvinit is asked for its runlevel. How the boot before ended is in the
journal's last lines of it, or in wtmp. Guests start by themselves through xendomains (/etc/xen/auto, saved states) and
libvirt's autostart; on shared storage the boot gate must hold them (docs/rules.md, rule 27). Paths
are followed link by link as far as the local disk goes: what lies on shared storage is listed by a child that may be
left behind, or not at all.
"""

from __future__ import annotations

import os.path
import re
from dataclasses import dataclass, replace
from typing import Dict, List, Mapping, Optional, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import Check
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Host, Missing, Problem, Touches
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding, NotUnderstood, absent, missing
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.boot import TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.mount_table import FSTAB, lies_on, parse_fstab
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.readings import (
    container_mark,
    first_line,
    log_denied,
    parse_uptime,
    shown,
)

GATE = "cloudops-boot-gate.service"
XENDOMAINS = "xendomains.service"
LIBVIRT = ("libvirtd.service", "virtqemud.service", "virtxend.service")
XENDOMAINS_SETTINGS = ("/etc/default/xendomains", "/etc/sysconfig/xendomains")
LIBVIRT_CONFIGURATION = "/etc/libvirt"
CLUSTER_TYPES = ("ocfs2", "gfs2", "lustre")
SHARED_TYPES = ("ocfs2", "nfs", "nfs4", "gfs2", "ceph", "fuse.ceph", "glusterfs", "fuse.glusterfs", "lustre", "cifs")
STARTED_AT_BOOT = ("enabled", "enabled-runtime", "static", "indirect", "alias", "linked")
NAMED = 5
# as many as the kernel
LINKS_FOLLOWED = 40


@dataclass(frozen=True)
class Policy:
    """What a site expects of a node's boot.

    ``required``: the node must have booted by itself (a container has not).
    ``units``: systemd units (or sysvinit services) that must be active.
    ``gate``: the boot gate must be there, whether or not anything starts guests by itself.
    ``shared``: folders to be taken for shared storage besides those of OCFS2, NFS and the like in mounts and fstab.
    ``unclean_hours``: for how many hours after it an unclean shutdown is reported.
    """

    required: bool = False
    units: Tuple[str, ...] = ()
    gate: bool = False
    shared: Tuple[str, ...] = ()
    unclean_hours: int = 168

    def __post_init__(self) -> None:
        if self.unclean_hours < 1:
            raise PolicyError("unclean_hours", "at least 1 hour is wanted, not %d" % self.unclean_hours)
        for path in self.shared:
            if not path.startswith("/"):
                raise PolicyError("shared", "an absolute path is wanted, not %r" % path)
        for unit in self.units:
            if not re.match(r"^[\w@.:\\-]+$", unit):
                raise PolicyError("units", "not the name of a unit: %r" % unit)


@dataclass(frozen=True)
class Unit:
    """A unit as systemd knows it; ``file`` is its UnitFileState."""

    name: str
    load: str
    active: str
    file: str
    before: Tuple[str, ...] = ()
    required_by: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Ending:
    """How the boot before ended: ``clean``, ``unclean``, ``first`` (there was none) or "" where nothing tells."""

    how: str = ""
    last: Optional[float] = None
    evidence: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Guest:
    """What would start by itself; ``shared`` is None where its disks are not known."""

    name: str
    path: str
    starter: str
    shared: Optional[bool]


@dataclass(frozen=True)
class Facts:
    """``init``: systemd or sysvinit; ``jobs``: what the boot still runs; ``gate_holds``: starters held by the gate."""

    container: str = ""
    init: str = ""
    boot_id: str = ""
    uptime: Optional[float] = None
    booted: Optional[float] = None
    state: str = ""
    jobs: Tuple[str, ...] = ()
    failed: Tuple[str, ...] = ()
    units: Tuple[Unit, ...] = ()
    ending: Ending = Ending()
    guests: Tuple[Guest, ...] = ()
    gate: Optional[Unit] = None
    gate_holds: Tuple[str, ...] = ()
    missing: Tuple[Missing, ...] = ()


SYSTEM_STATES = ("initializing", "starting", "running", "degraded", "maintenance", "stopping", "offline", "unknown")


def parse_system_state(text: str) -> str:
    """``systemctl is-system-running``, which ends with an error for every state but running."""
    if text.strip() not in SYSTEM_STATES:
        raise NotUnderstood(first_line(text))
    return text.strip()


def parse_failed_units(text: str) -> Tuple[str, ...]:
    """``systemctl list-units --state=failed --plain --no-legend``; older ones put a dot in front all the same."""
    units = []
    for line in text.splitlines():
        words = line.replace("●", " ").replace("*", " ").split()
        if len(words) < 4 or "." not in words[0]:
            if words:
                raise NotUnderstood(line.strip()[:200])
            continue
        units.append(words[0])
    return tuple(units)


def parse_running_jobs(text: str) -> Tuple[str, ...]:
    """``systemctl list-jobs --no-legend``: units whose job runs; the others only wait for them."""
    jobs = []
    for line in text.splitlines():
        words = line.split()
        if words[:2] == ["No", "jobs"] or not words:
            continue
        if len(words) < 4 or not re.match(r"^[0-9]+$", words[0]):
            raise NotUnderstood(line.strip()[:200])
        if words[3] == "running":
            jobs.append(words[1])
    return tuple(jobs)


def parse_units(text: str) -> Tuple[Unit, ...]:
    """``systemctl show`` of several units: blocks of ``Key=Value``, an empty line between them."""
    units = []
    for block in re.split(r"\n\s*\n", text.strip()):
        pairs = dict(line.partition("=")[::2] for line in block.splitlines())
        if "Id" not in pairs or "ActiveState" not in pairs:
            raise NotUnderstood(first_line(block))
        units.append(
            Unit(
                name=pairs["Id"],
                load=pairs.get("LoadState", ""),
                active=pairs["ActiveState"],
                file=pairs.get("UnitFileState", ""),
                before=tuple(pairs.get("Before", "").split()),
                required_by=tuple(pairs.get("RequiredBy", "").split()),
            )
        )
    return tuple(units)


_JOURNAL_LINE = re.compile(r"^(\d{1,12}\.\d+) (.*)$")
# names of the targets, and their descriptions, changed over systemd's versions
_GOES_DOWN = re.compile(
    r"Reached target (?:shutdown|final|reboot|poweroff|halt|kexec)\.target"
    r"|Reached target (?:System )?(?:Shutdown|Reboot|Power-?Off|Halt|Late Shutdown Services|Final Step)"
    r"|systemd-shutdow|systemd\[1\]: Shutting down\.",
    re.IGNORECASE,
)


def parse_journal_end(text: str) -> Ending:
    """The last lines of the boot before, ``journalctl -b -1 -n … -o short-unix``."""
    lines = []
    for line in text.splitlines():
        match = _JOURNAL_LINE.match(line)
        if match:
            lines.append((float(match.group(1)), match.group(2)))
        elif line.strip() and not line.startswith("-- ") and not line[0].isspace():
            raise NotUnderstood(line.strip()[:200])
    if not lines:
        raise NotUnderstood(first_line(text))
    down = [said for _at, said in lines if _GOES_DOWN.search(said)]
    evidence = tuple(down[-1:] or [said for _at, said in lines[-2:]])
    return Ending("clean" if down else "unclean", lines[-1][0], evidence)


def parse_last(text: str) -> Ending:
    """``last -x -F reboot shutdown``, the newest first: is there a shutdown between the last two boots?"""
    rows = [line for line in text.splitlines() if re.match(r"^(reboot|shutdown) +system (boot|down)\b", line)]
    if not rows and "wtmp begins" not in text:
        raise NotUnderstood(first_line(text))
    if len(rows) < 2 or not rows[0].startswith("reboot"):
        return Ending("first" if rows and rows[0].startswith("reboot") else "", evidence=tuple(rows[:1]))
    how = "clean" if rows[1].startswith("shutdown") else "unclean"
    return Ending(how, evidence=tuple(re.sub(r"\s+", " ", row).strip() for row in rows[:2]))


def parse_runlevel(text: str) -> str:
    """``runlevel``: the one before and the current one; "unknown" while the boot is in progress."""
    words = text.split()
    if words == ["unknown"]:
        return "unknown"
    if len(words) != 2 or not re.match(r"^[0-9S]$", words[1]):
        raise NotUnderstood(first_line(text))
    return words[1]


def parse_xendomains_settings(text: str) -> Dict[str, str]:
    """The shell variables of /etc/default/xendomains; the last assignment counts."""
    found = {}
    for line in text.splitlines():
        match = re.match(r"^\s*(XENDOMAINS_\w+)=(?:\"([^\"]*)\"|'([^']*)'|([^\s#]*))", line)
        if match:
            found[match.group(1)] = next((value for value in match.groups()[1:] if value is not None), "")
    return found


def parse_disk_paths(text: str) -> Tuple[str, ...]:
    """Paths of a guest's disks, from xl's configuration or libvirt's XML."""
    if "<domain" in text:
        return tuple(re.findall(r"<source\s[^>]*?(?:file|dev|dir|name)=['\"]([^'\"]+)['\"]", text))
    disks = re.search(r"^\s*disk\s*=\s*\[(.*?)\]", text, re.MULTILINE | re.DOTALL)
    return tuple(re.findall(r"(?<![\w.-])/[^,'\"\s\]]+", disks.group(1))) if disks else ()


class _Reader:
    def __init__(self, host: Host) -> None:
        self.host = host
        self.missing: List[Missing] = []

    def lost(self, answer: Answer, error: Optional[NotUnderstood] = None) -> None:
        if error is not None:
            self.missing.append(answer.missing(Problem.NOT_UNDERSTOOD, str(error)))
        else:
            self.missing.append(answer.missing(Problem.DENIED if log_denied(answer) else None))

    def systemctl(self, *arguments: str) -> Optional[Answer]:
        answer = self.host.run(["systemctl", *arguments], timeout=15.0)
        if answer.ok and (answer.stdout.strip() or not answer.rc):
            return answer
        self.lost(answer)
        return None


def probe(host: Host, policy: Policy) -> Facts:
    """systemd's state in three commands, the end of the boot before, and the folders that start guests."""
    container = container_mark(host)
    if container:
        return Facts(container=container)
    reader = _Reader(host)
    first = host.read("/proc/1/comm").stdout.strip()
    facts = Facts(init=first if first == "systemd" else "sysvinit", boot_id=_boot_id(reader), uptime=_uptime(reader))
    if facts.uptime is not None:
        facts = replace(facts, booted=host.now() - facts.uptime)
    facts = _systemd(reader, facts, policy) if facts.init == "systemd" else _sysvinit(reader, facts, policy)
    facts = replace(facts, ending=_ending(reader), guests=_guests(reader, facts, policy))
    return replace(facts, missing=tuple(dict.fromkeys(reader.missing)))


def _boot_id(reader: _Reader) -> str:
    return reader.host.read("/proc/sys/kernel/random/boot_id").stdout.strip()


def _uptime(reader: _Reader) -> Optional[float]:
    answer = reader.host.read("/proc/uptime")
    try:
        return parse_uptime(answer.stdout)
    except NotUnderstood as error:
        reader.lost(answer, error if answer.ok else None)
        return None


def _systemd(reader: _Reader, facts: Facts, policy: Policy) -> Facts:
    names = [GATE, XENDOMAINS, *LIBVIRT, *policy.units]
    state = reader.systemctl("is-system-running")
    failed = reader.systemctl("list-units", "--state=failed", "--plain", "--no-legend", "--no-pager")
    properties = "Id,LoadState,ActiveState,UnitFileState,Before,RequiredBy"
    shown = reader.systemctl("show", "--no-pager", "-p", properties, *names)
    answer = state
    try:
        facts = replace(facts, state=parse_system_state(state.stdout) if state else "")
        if facts.state in ("initializing", "starting"):
            answer = reader.systemctl("list-jobs", "--no-legend", "--no-pager")
            facts = replace(facts, jobs=parse_running_jobs(answer.stdout) if answer else ())
        answer = failed
        facts = replace(facts, failed=parse_failed_units(failed.stdout) if failed else ())
        answer = shown
        units = parse_units(shown.stdout) if shown else ()
    except NotUnderstood as error:
        reader.lost(answer or Answer("systemctl"), error)
        return facts
    gate = next((unit for unit in units if unit.name == GATE and unit.load == "loaded"), None)
    holds = [
        unit.name
        for unit in units
        if gate and gate.file in STARTED_AT_BOOT and unit.name in gate.before and unit.name in gate.required_by
    ]
    return replace(facts, units=units, gate=gate, gate_holds=tuple(holds))


def _sysvinit(reader: _Reader, facts: Facts, policy: Policy) -> Facts:
    host = reader.host
    answer = host.run(["runlevel"], timeout=15.0)
    state = ""
    try:
        if answer.stdout.strip():
            state = {"unknown": "starting", "0": "stopping", "6": "stopping"}.get(
                parse_runlevel(answer.stdout), "running"
            )
        else:
            reader.lost(answer)
    except NotUnderstood as error:
        reader.lost(answer, error)
    units = []
    for name in policy.units:
        service = name[: -len(".service")] if name.endswith(".service") else name
        said = host.run(["service", service, "status"], timeout=15.0)
        if said.ok:
            units.append(Unit(name, "loaded", "active" if said.rc == 0 else "inactive", ""))
        else:
            reader.lost(said)
    # one order for all runlevels that have guests: the gate's number must be the smaller one
    gate = sorted(path.rpartition("/")[2] for path in host.glob("/etc/rc[2345].d/S??cloudops-boot-gate"))
    start = sorted(path.rpartition("/")[2] for path in host.glob("/etc/rc[2345].d/S??xendomains"))
    held = bool(gate and start and gate[-1][1:3] < start[0][1:3])
    return replace(
        facts,
        state=state,
        units=tuple(units),
        gate=Unit(GATE, "loaded", "", "enabled") if gate else None,
        gate_holds=(XENDOMAINS,) if held else (),
    )


def _ending(reader: _Reader) -> Ending:
    host = reader.host
    journal = host.run(["journalctl", "-b", "-1", "-n", "200", "-o", "short-unix", "--no-pager"], timeout=25.0)
    if log_denied(journal) or journal.problem not in (None, Problem.ABSENT):
        reader.lost(journal)
    elif journal.ok and journal.rc == 0:
        try:
            return parse_journal_end(journal.stdout)
        except NotUnderstood as error:
            reader.lost(journal, error)
    last = host.run(["last", "-x", "-F", "reboot", "shutdown"], timeout=15.0)
    if last.ok and last.rc == 0:
        try:
            return parse_last(last.stdout)
        except NotUnderstood as error:
            reader.lost(last, error)
    elif last.problem is not Problem.ABSENT:
        reader.lost(last)
    return Ending()


def _guests(reader: _Reader, facts: Facts, policy: Policy) -> Tuple[Guest, ...]:
    host = reader.host
    tables = [parse_fstab(host.read(path).stdout)[0] for path in (FSTAB, "/proc/self/mounts")]
    mounts = {entry.path: entry.fstype for entries in tables for entry in entries if entry.path.startswith("/")}
    mounts.update(dict.fromkeys(policy.shared, "ocfs2"))
    guests: List[Guest] = []
    if _starts_at_boot(host, facts, XENDOMAINS):
        settings: Dict[str, str] = {}
        for path in XENDOMAINS_SETTINGS:
            settings.update(parse_xendomains_settings(host.read(path).stdout))
        guests += _xen_guests(reader, settings, mounts)
    starters = [unit for unit in LIBVIRT if _starts_at_boot(host, facts, unit)]
    if starters:
        for driver in _entries(reader, LIBVIRT_CONFIGURATION, mounts):
            for path in _entries(reader, driver + "/autostart", mounts):
                if path.endswith(".xml"):
                    name = path.rpartition("/")[2][: -len(".xml")]
                    guests.append(Guest(name, path, starters[0], _on_shared(host, path, mounts)))
    return tuple(guests)


def _starts_at_boot(host: Host, facts: Facts, name: str) -> bool:
    unit = next((unit for unit in facts.units if unit.name == name), None)
    if unit is not None and unit.file in STARTED_AT_BOOT:
        return unit.load == "loaded"
    # an init script has a unit made for it whether or not a runlevel starts it
    script = name[: -len(".service")]
    return bool(host.glob("/etc/rc[2345].d/S??" + script))


def _xen_guests(reader: _Reader, settings: Mapping[str, str], mounts: Mapping[str, str]) -> List[Guest]:
    guests = []
    auto = settings.get("XENDOMAINS_AUTO", "/etc/xen/auto")
    for path in _entries(reader, auto, mounts) if auto else ():
        name = path.rpartition("/")[2]
        shared = _on_shared(reader.host, path, mounts)
        guests.append(Guest(name[:-4] if name.endswith(".cfg") else name, path, XENDOMAINS, shared))
    saves = settings.get("XENDOMAINS_SAVE", "/var/lib/xen/save")
    if saves and settings.get("XENDOMAINS_RESTORE", "true") == "true":
        saves = _followed(reader.host, saves, mounts)
        if _is_shared(saves, mounts):
            # what any node saves there, every node restores
            guests.append(Guest("saved states", saves, XENDOMAINS, True))
        else:
            saved = reader.host.glob(saves + "/*")
            guests += [Guest(path.rpartition("/")[2], path, XENDOMAINS, None) for path in saved]
    return guests


def _followed(host: Host, path: str, mounts: Mapping[str, str]) -> str:
    """Where a path leads, read link by link; no further than to where shared storage begins."""
    waiting, real = [part for part in path.split("/") if part], "/"
    hops = 0
    while waiting:
        part = waiting.pop(0)
        here = os.path.normpath(os.path.join(real, part))
        if _is_shared(here, mounts):
            return "/".join([here, *waiting])
        target = host.link(here) if hops < LINKS_FOLLOWED else None
        if target is None:
            real = here
            continue
        hops += 1
        real = "/" if target.startswith("/") else real
        waiting = [each for each in target.split("/") if each] + waiting
    return real


def _entries(reader: _Reader, folder: str, mounts: Mapping[str, str]) -> List[str]:
    folder = _followed(reader.host, folder, mounts)
    if not _is_shared(folder, mounts):
        return reader.host.glob(folder + "/*")
    touches = Touches.OCFS2 if _type(folder, mounts) in CLUSTER_TYPES else Touches.NFS
    answer = reader.host.run(["ls", "-1", "--", folder], timeout=10.0, touches=touches)
    if answer.ok and answer.rc == 0:
        return ["%s/%s" % (folder, name) for name in answer.lines]
    reader.lost(answer)
    return []


def _on_shared(host: Host, path: str, mounts: Mapping[str, str]) -> Optional[bool]:
    """By where a configuration lies, else by where its disks lie."""
    path = _followed(host, path, mounts)
    if _is_shared(path, mounts):
        return True
    disks = parse_disk_paths(host.read(path).stdout)
    if not disks:
        return None
    # a block device may be a LUN that other nodes have, too
    return any(
        disk.startswith("/dev/") or not disk.startswith("/") or _is_shared(_followed(host, disk, mounts), mounts)
        for disk in disks
    )


def _is_shared(path: str, mounts: Mapping[str, str]) -> bool:
    return _type(path, mounts) in SHARED_TYPES


def _type(path: str, mounts: Mapping[str, str]) -> str:
    above = [point for point in mounts if lies_on(path, point)]
    return mounts[max(above, key=len)] if above else ""


def judge(facts: Facts, policy: Policy) -> List[Finding]:
    if facts.container:
        return [absent("boot", Phrase("container_boot", facts.container), policy.required)]
    findings = [missing(one) for one in facts.missing]
    findings += _judge_state(facts) + _judge_units(facts, policy) + _judge_ending(facts, policy)
    findings += _judge_gate(facts, policy)
    if not findings:
        hours = (facts.uptime or 0.0) / 3600
        values = {"booted": shown(facts.booted), "hours": hours}
        findings.append(Finding("boot_ok", facts.boot_id, values, ("/proc/uptime: %.0f s" % (facts.uptime or 0),)))
    return findings


def _judge_state(facts: Facts) -> List[Finding]:
    evidence = (
        "systemctl is-system-running: %s" % facts.state if facts.init == "systemd" else "runlevel: %s" % facts.state,
    )
    if facts.state == "stopping":
        return [Finding("boot_going_down", facts.boot_id, {"state": facts.state}, evidence)]
    jobs = [job for job in facts.jobs if job != GATE]
    closed = facts.gate is not None and facts.gate.active == "activating"
    findings = []
    if facts.state in ("initializing", "starting") and (jobs or not closed):
        lines = evidence + tuple("systemctl list-jobs: %s running" % job for job in jobs[:NAMED])
        findings.append(Finding("boot_in_progress", facts.boot_id, {"jobs": jobs[:NAMED] or [facts.state]}, lines))
    if closed:
        lines = ("%s: %s" % (GATE, facts.gate.active if facts.gate else ""),)
        findings.append(Finding("boot_gate_closed", GATE, {"boot_id": facts.boot_id}, lines))
    return findings


def _judge_units(facts: Facts, policy: Policy) -> List[Finding]:
    findings = []
    failed = [unit for unit in facts.failed if unit not in policy.units]
    if failed:
        lines = tuple("systemctl list-units --state=failed: %s" % unit for unit in failed)
        findings.append(Finding("boot_units_failed", ", ".join(failed[:NAMED]), {"units": failed}, lines))
    known = {unit.name: unit for unit in facts.units}
    for name in policy.units:
        # systemd answers with the full name
        unit = known.get(name) or known.get(name + ".service")
        if unit is None or unit.active in ("active", "reloading"):
            continue
        state = unit.active if unit.load == "loaded" else unit.load
        findings.append(Finding("boot_unit_down", name, {"unit": name, "state": state}, ("%s: %s" % (name, state),)))
    return findings


def _judge_ending(facts: Facts, policy: Policy) -> List[Finding]:
    ending = facts.ending
    if ending.how == "unclean" and (facts.uptime or 0.0) < policy.unclean_hours * 3600:
        evidence = ending.evidence or ("journalctl -b -1: no shutdown",)
        return [Finding("boot_unclean_shutdown", "boot before", {"last": shown(ending.last)}, evidence)]
    if not ending.how and not facts.missing:
        lines = ("journalctl -b -1: not kept", "last -x: nothing")
        return [Finding("boot_shutdown_not_recorded", "boot before", {}, lines)]
    return []


def _judge_gate(facts: Facts, policy: Policy) -> List[Finding]:
    findings = []
    dangerous = [guest for guest in facts.guests if guest.shared is not False]
    for starter in dict.fromkeys(guest.starter for guest in dangerous):
        guests = [guest for guest in dangerous if guest.starter == starter]
        evidence = tuple("%s: %s" % (guest.path, _where(guest)) for guest in guests[: NAMED * 2])
        values = {"starter": starter, "guests": [guest.name for guest in guests], "why": "-"}
        if facts.gate is None:
            findings.append(Finding("boot_autostart_without_gate", starter, values, evidence))
        elif starter not in facts.gate_holds:
            values["why"] = "UnitFileState=%s Before=%s" % (facts.gate.file or "-", " ".join(facts.gate.before) or "-")
            findings.append(Finding("boot_gate_ineffective", starter, values, evidence))
    if policy.gate and facts.gate is None and not findings:
        findings.append(Finding("boot_gate_missing", GATE, {}, ("systemctl show %s: not loaded" % GATE,)))
    return findings


def _where(guest: Guest) -> str:
    return "on shared storage" if guest.shared else "disks not known"


CHECK = Check("boot", Policy, probe, judge, TABLE)
