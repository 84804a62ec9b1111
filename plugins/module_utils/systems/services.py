# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx, the uxen API, the HTTP answer of both, and any service the policy names.

Processes are read from /proc: the command line of one that sleeps in the kernel is left alone, because reading it may
wait for the same lock. A service is asked of systemd, or of its init script where systemd does not run the node.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import Check
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Host, Missing, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding, NotUnderstood, absent, missing
from ansible_collections.cloudops.hypervisor.plugins.module_utils.host_names import is_address, is_name
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.services import TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.process_table import (
    BYSTANDER,
    DEAD,
    UNINTERRUPTIBLE,
    Stat,
    ancestors,
    arguments,
    program,
    read_processes,
)

NGINX_PROGRAMS = ("/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/local/nginx/sbin/nginx")


@dataclass(frozen=True)
class Policy:
    """What must serve on the node.

    ``nginx``: nginx must run. Unset: where it is installed.
    ``api``: the uxen API must run. Unset: where its user exists.
    ``api_user``: the account the uxen API must run as.
    ``api_pattern``: regular expression that is searched in command lines to find the uxen API.
    ``http_address``: address of the HTTP request.
    ``http_port``: port of the HTTP request.
    ``http_path``: path of the HTTP request; any answer below 500 counts as one.
    ``http_timeout``: how long the HTTP answer may take, in seconds.
    ``units``: other services that must run, by their systemd unit or init script.
    """

    nginx: Optional[bool] = None
    api: Optional[bool] = None
    api_user: str = "orchard"
    api_pattern: str = r"(^|[\s/=:])uxen([\s/.:]|$)"
    http_address: str = "127.0.0.1"
    http_port: int = 80
    http_path: str = "/api"
    http_timeout: float = 5.0
    units: Tuple[str, ...] = ()

    def __post_init__(self) -> None:
        try:
            re.compile(self.api_pattern)
        except re.error as error:
            raise PolicyError("api_pattern", "no regular expression: %s" % error) from None
        if not re.match(r"^[A-Za-z_][A-Za-z0-9_.-]*$", self.api_user):
            raise PolicyError("api_user", "%r is not the name of an account" % self.api_user)
        if not (is_address(self.http_address) or is_name(self.http_address)):
            raise PolicyError("http_address", "a name or an address is wanted, not %r" % self.http_address)
        if not 0 < self.http_port < 65536:
            raise PolicyError("http_port", "a port between 1 and 65535 is wanted, not %d" % self.http_port)
        if not re.match(r"^/[!-~]*$", self.http_path):
            raise PolicyError("http_path", "a path that begins with / is wanted, not %r" % self.http_path)
        if not 0 < self.http_timeout <= 30:
            raise PolicyError("http_timeout", "between 0 and 30 s is wanted, not %g" % self.http_timeout)
        for unit in self.units:
            if not re.match(r"^[A-Za-z0-9][A-Za-z0-9:_.@\\-]*$", unit):
                raise PolicyError("units", "%r is not the name of a service" % unit)


@dataclass(frozen=True)
class Process:
    """``user`` is the effective one: its name where /etc/passwd has it, else its number."""

    pid: int
    uid: int
    user: str
    command: str


@dataclass(frozen=True)
class Http:
    """``status``: of the answer. ``problem``: refused, hangs or not_http when there was none; ``line``: what came."""

    address: str
    port: int
    path: str
    status: Optional[int] = None
    problem: str = ""
    line: str = ""


@dataclass(frozen=True)
class Unit:
    """``running`` is None for a service the node does not know; ``state``: in the node's own words."""

    name: str
    running: Optional[bool]
    state: str


@dataclass(frozen=True)
class Facts:
    """``nginx_by`` and ``api_by``: how it is known that the node should have it; empty: nothing says so."""

    nginx_by: str = ""
    nginx: Tuple[Process, ...] = ()
    api_by: str = ""
    api_uid: Optional[int] = None
    api: Tuple[Process, ...] = ()
    http: Optional[Http] = None
    units: Tuple[Unit, ...] = ()
    missing: Tuple[Missing, ...] = ()


def parse_status(text: str) -> Tuple[int, bool]:
    """/proc/PID/status: (effective uid, whether the process lives in a container's own PID namespace)."""
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    numbers = fields.get("Uid", "").split()
    if len(numbers) < 2 or not re.match(r"^[0-9]{1,10}$", numbers[1]):
        raise NotUnderstood("no Uid in %r" % text.strip()[:100])
    return int(numbers[1]), len(fields.get("NSpid", "").split()) > 1


def parse_passwd(text: str) -> Dict[str, int]:
    """/etc/passwd or ``getent passwd``: account to uid. Lines that are no accounts (NIS, comments) are left out."""
    found = {}
    for line in text.splitlines():
        words = line.split(":")
        if len(words) >= 4 and words[0] and re.match(r"^[0-9]{1,10}$", words[2]):
            found[words[0]] = int(words[2])
    return found


def parse_http(text: str) -> Tuple[int, str]:
    """(status, status line) of an HTTP answer."""
    line = text.partition("\n")[0].strip("\r")
    match = re.match(r"^HTTP/[0-9]\.[0-9] ([1-5][0-9]{2})( |$)", line)
    if not match:
        raise NotUnderstood(line[:100])
    return int(match.group(1)), line[:100]


def parse_units(text: str) -> Tuple[Dict[str, str], ...]:
    """``systemctl show``: the properties of each unit asked for, in that order; an empty line separates them."""
    found = []
    for block in re.split(r"\n\s*\n", text.strip()):
        properties = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "LoadState" not in properties or "ActiveState" not in properties:
            raise NotUnderstood(block.strip()[:200] or "empty output")
        found.append(properties)
    return tuple(found)


def probe(host: Host, policy: Policy) -> Facts:
    lost: List[Missing] = []
    accounts = parse_passwd(host.read("/etc/passwd").stdout)
    if policy.api is not False and policy.api_user not in accounts:
        # an account of a directory service; a name nobody knows is rc 2 and no output
        accounts.update(parse_passwd(host.run(["getent", "passwd", policy.api_user], timeout=10.0).stdout))
    nginx_by = _expected(policy.nginx, [path for path in NGINX_PROGRAMS if host.glob(path)])
    known = policy.api_user in accounts
    api_by = _expected(policy.api, ["account %s" % policy.api_user] if known else [])
    nginx: Tuple[Process, ...] = ()
    api: Tuple[Process, ...] = ()
    if nginx_by or api_by:
        nginx, api = _processes(host, policy, accounts, bool(nginx_by), bool(api_by), lost)
    return Facts(
        nginx_by=nginx_by,
        nginx=nginx if nginx_by else (),
        api_by=api_by,
        api_uid=accounts.get(policy.api_user),
        api=api if api_by else (),
        http=_http(host, policy) if nginx_by or api_by else None,
        units=_units(host, policy, lost),
        missing=tuple(lost),
    )


def _expected(said: Optional[bool], found: Sequence[str]) -> str:
    if said is None:
        return ", ".join(found)
    return "policy" if said else ""


def _processes(
    host: Host, policy: Policy, accounts: Dict[str, int], with_nginx: bool, with_api: bool, lost: List[Missing]
) -> Tuple[Tuple[Process, ...], Tuple[Process, ...]]:
    """The processes of nginx and of the uxen API."""
    stats = read_processes(host)
    if 1 not in stats:
        lost.append(Missing("/proc/1/stat", Problem.DENIED, Phrase("processes_hidden")))
        return (), ()
    own = ancestors(stats, host.link("/proc/self") or "")
    users = {uid: name for name, uid in accounts.items()}
    pattern = re.compile(policy.api_pattern)
    nginx, api = [], []
    asleep = []
    for stat in stats.values():
        if stat.pid in own or stat.in_kernel or stat.state in DEAD:
            continue
        if stat.state == UNINTERRUPTIBLE:
            asleep.append(stat)
            continue
        words = arguments(host, stat.pid)
        command, name = " ".join(words), program(words)
        if stat.name == "nginx" and name in ("nginx:", "nginx"):
            nginx += _process(host, stat, command, users)
        elif not BYSTANDER.match(name) and not BYSTANDER.match(stat.name) and pattern.search(command):
            api += _process(host, stat, command, users)
    for stat in asleep:
        owner = [one.uid for one in _process(host, stat, "", users)]
        if stat.name == "nginx":
            may_be = with_nginx and not nginx
        else:
            may_be = with_api and not api and owner == [accounts.get(policy.api_user)]
        if may_be:
            said = Phrase("process_sleeps", stat.name, stat.pid)
            lost.append(Missing("/proc/%d/cmdline" % stat.pid, Problem.BLOCKED, said))
    return tuple(nginx), tuple(api)


def _process(host: Host, stat: Stat, command: str, users: Dict[int, str]) -> List[Process]:
    try:
        uid, contained = parse_status(host.read("/proc/%d/status" % stat.pid).stdout)
    except NotUnderstood:
        return []
    return [] if contained else [Process(stat.pid, uid, users.get(uid, str(uid)), command[:300])]


def _http(host: Host, policy: Policy) -> Http:
    http = Http(policy.http_address, policy.http_port, policy.http_path)
    request = "GET %s HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n" % policy.http_path
    answer = host.exchange(policy.http_address, policy.http_port, request.encode("ascii"), timeout=policy.http_timeout)
    try:
        status, line = parse_http(answer.stdout)
        return Http(http.address, http.port, http.path, status, "", line)
    except NotUnderstood as error:
        if answer.problem is Problem.TIMEOUT and not answer.stdout:
            return Http(http.address, http.port, http.path, None, "hangs", answer.stderr)
        if answer.problem is Problem.FAILED and not answer.stdout:
            return Http(http.address, http.port, http.path, None, "refused", answer.stderr)
        return Http(http.address, http.port, http.path, None, "not_http", str(error) or Phrase("connection_closed"))


def _units(host: Host, policy: Policy, lost: List[Missing]) -> Tuple[Unit, ...]:
    if not policy.units:
        return ()
    if not host.glob("/run/systemd/system"):
        return tuple(one for one in (_init_script(host, name, lost) for name in policy.units) if one is not None)
    names = [name if "." in name else name + ".service" for name in policy.units]
    argv = ["systemctl", "show", "--property=LoadState,ActiveState,SubState,Type"] + names
    answer = host.run(argv, timeout=15.0)
    try:
        found = parse_units(answer.stdout) if answer.ok else ()
    except NotUnderstood as error:
        lost.append(answer.missing(Problem.NOT_UNDERSTOOD if answer.stdout.strip() else None, str(error)))
        return ()
    if len(found) != len(names):
        lost.append(answer.missing())
        return ()
    return tuple(_systemd_unit(name, properties) for name, properties in zip(policy.units, found))


def _systemd_unit(name: str, properties: Dict[str, str]) -> Unit:
    active, sub = properties.get("ActiveState", ""), properties.get("SubState", "")
    if properties.get("LoadState") == "not-found":
        return Unit(name, None, "not-found")
    # systemd calls a daemon "active (exited)" whose init script returned 0 and left no process
    idle = sub == "exited" and properties.get("Type") != "oneshot"
    return Unit(name, active in ("active", "reloading") and not idle, "%s (%s)" % (active, sub))


def _init_script(host: Host, name: str, lost: List[Missing]) -> Optional[Unit]:
    script = "/etc/init.d/" + (name[: -len(".service")] if name.endswith(".service") else name)
    if not host.glob(script):
        return Unit(name, None, "no %s" % script)
    answer = host.run([script, "status"], timeout=15.0)
    running = _lsb_running(answer)
    said = " ".join((answer.stdout or answer.stderr).split())[:200]
    if running is None:
        lost.append(answer.missing(None if not answer.ok else Problem.NOT_UNDERSTOOD, said))
        return None
    return Unit(name, running, said or ("running" if running else "stopped"))


def _lsb_running(answer: Answer) -> Optional[bool]:
    """LSB: 0 is running, 1 to 3 is not. None: the script has no status, or its words and its return code differ."""
    if not answer.ok or answer.rc is None or answer.rc > 3:
        return None
    said = (answer.stdout + answer.stderr).lower()
    if re.search(r"\busage\b", said):
        return None
    denied = re.search(r"\b(not running|isn't running|stopped|dead|failed|inactive|unused)\b", said)
    if answer.rc == 0:
        return None if denied else True
    return False


def judge(facts: Facts, policy: Policy) -> List[Finding]:
    if not facts.nginx_by and not facts.api_by and not policy.units:
        why = Phrase("no_services", policy.api_user)
        return [absent("services", why, False)]
    findings = [missing(one) for one in facts.missing]
    uncertain = any(one.reading.startswith("/proc/") for one in facts.missing)
    nginx_down = bool(facts.nginx_by) and not facts.nginx
    if nginx_down and not uncertain:
        evidence = ["/proc: no process of nginx (expected by %s)" % facts.nginx_by]
        if facts.http is not None and facts.http.problem == "refused":
            evidence.append("tcp %s:%d: %s" % (facts.http.address, facts.http.port, facts.http.line))
        findings.append(Finding("services_nginx_down", "nginx", {}, tuple(evidence)))
    if facts.api_by and not facts.api and not uncertain:
        none = "/proc: no command line matches %s (expected by %s)" % (policy.api_pattern, facts.api_by)
        findings.append(Finding("services_api_down", "uxen API", {"user": policy.api_user}, (none,)))
    findings += _judge_user(facts, policy)
    if facts.http is not None and not (nginx_down and facts.http.problem == "refused"):
        findings += _judge_http(facts.http, policy)
    for unit in facts.units:
        if unit.running is None:
            findings.append(Finding("services_unit_absent", unit.name, {}, ("%s: %s" % (unit.name, unit.state),)))
        elif not unit.running:
            said = ("%s: %s" % (unit.name, unit.state),)
            findings.append(Finding("services_unit_down", unit.name, {"state": unit.state}, said))
    if not findings:
        running = [name for name, there in (("nginx", facts.nginx), ("uxen API", facts.api)) if there]
        values = {
            "running": ", ".join(running + [unit.name for unit in facts.units]),
            "http": facts.http.status if facts.http is not None else "-",
        }
        lines = tuple("/proc/%d: %s" % (one.pid, one.command) for one in (facts.nginx[:1] + facts.api[:1]))
        findings.append(Finding("services_ok", "services", values, lines))
    return findings


def _judge_user(facts: Facts, policy: Policy) -> List[Finding]:
    wrong = [one for one in facts.api if one.uid != facts.api_uid]
    if not wrong:
        return []
    values = {
        "found": sorted({one.user for one in wrong}),
        "user": policy.api_user,
        "pids": [one.pid for one in wrong],
    }
    lines = tuple("/proc/%d: %s %s" % (one.pid, one.user, one.command) for one in wrong[:5])
    return [Finding("services_api_wrong_user", "uxen API", values, lines)]


def _judge_http(http: Http, policy: Policy) -> List[Finding]:
    subject = "%s:%d" % (http.address, http.port)
    line = ("GET http://%s%s: %s" % (subject, http.path, http.line),)
    if http.problem == "refused":
        return [Finding("services_http_refused", subject, {"detail": http.line}, line)]
    if http.problem == "hangs":
        values = {"path": http.path, "seconds": policy.http_timeout}
        return [Finding("services_http_hangs", subject, values, line)]
    if http.problem == "not_http":
        return [Finding("services_not_http", subject, {"said": http.line}, line)]
    if http.status is not None and http.status >= 500:
        return [Finding("services_http_error", subject, {"status": http.status, "path": http.path}, line)]
    return []


CHECK = Check("services", Policy, probe, judge, TABLE)
