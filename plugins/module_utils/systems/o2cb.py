# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""o2cb, OCFS2's own cluster stack: what is configured, what runs, who heartbeats, who is connected.

The truth about the running cluster is configfs, sysfs and debugfs. The init script's text is read beside it, because
operators know it; its return code is 0 in every state. A peer is alive when its heartbeat on disk moves between two
readings (``debugfs.ocfs2 -R hb``, the slot map stays stale), and connected when o2net says so and its o2cb address
answers: o2net believes a silently cut peer for minutes.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.beside import Beside
from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import Check
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Host, Missing, Problem, Touches
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Finding, NotUnderstood, absent, missing
from ansible_collections.cloudops.hypervisor.plugins.module_utils.host_names import same_host
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.o2cb import TABLE
from ansible_collections.cloudops.hypervisor.plugins.module_utils.mount_table import (
    FSTAB,
    MOUNTINFO,
    Entry,
    Mount,
    parse_fstab,
    parse_mountinfo,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.readings import first_line

CLUSTER_CONF = "/etc/ocfs2/cluster.conf"
INIT_SCRIPT = "/etc/init.d/o2cb"
# where the init script looks, in its order
DEFAULTS = ("/etc/sysconfig/o2cb", "/etc/default/o2cb")
CONFIGFS = ("/sys/kernel/config", "/config")
DEBUGFS = "/sys/kernel/debug"
DLM_STATE = DEBUGFS + "/o2dlm/*/dlm_state"
FS_STATE = DEBUGFS + "/ocfs2/*/fs_state"
# o2nm's number of no node
_NO_NODE = 255
HEARTBEAT_INTERVAL = 2
BETWEEN_READINGS = 3.0
PROBE_TIMEOUT = 2.0
STATUS_TIMEOUT = 40.0


@dataclass(frozen=True)
class Setting:
    """One of o2cb's timeouts: where the kernel has it, the init script's variable, and the value when that is unset."""

    name: str
    file: str
    variable: str
    default: int


SETTINGS = (
    Setting("heartbeat_threshold", "heartbeat/dead_threshold", "O2CB_HEARTBEAT_THRESHOLD", 31),
    Setting("idle_timeout_ms", "idle_timeout_ms", "O2CB_IDLE_TIMEOUT_MS", 30000),
    Setting("keepalive_delay_ms", "keepalive_delay_ms", "O2CB_KEEPALIVE_DELAY_MS", 2000),
    Setting("reconnect_delay_ms", "reconnect_delay_ms", "O2CB_RECONNECT_DELAY_MS", 2000),
)


@dataclass(frozen=True)
class Policy:
    """What a site expects of o2cb.

    ``required``: the node must have it.
    ``heartbeat_threshold``: missed intervals of 2 s, plus one, after which a node is dead (unset: any).
    ``idle_timeout_ms``, ``keepalive_delay_ms``, ``reconnect_delay_ms``: o2net's timeouts in milliseconds (unset: any).
    ``max_freeze``: seconds that writes may wait after a silent cut, idle timeout plus twice the threshold and two.
    ``max_heartbeat_age``: seconds since this node's last heartbeat write.
    ``regions``: UUIDs of volumes whose heartbeat must be active.
    ``out_of_service``: names of peers that are not expected to heartbeat.
    ``announced``: setting to the value announced for the zone's next start; ``announced_on``: the date of that.
    """

    required: bool = False
    heartbeat_threshold: Optional[int] = None
    idle_timeout_ms: Optional[int] = None
    keepalive_delay_ms: Optional[int] = None
    reconnect_delay_ms: Optional[int] = None
    max_freeze: float = 300.0
    max_heartbeat_age: float = 6.0
    regions: Tuple[str, ...] = ()
    out_of_service: Tuple[str, ...] = ()
    announced: Mapping[str, int] = field(default_factory=dict)
    announced_on: str = ""

    def __post_init__(self) -> None:
        if self.heartbeat_threshold is not None and self.heartbeat_threshold < 2:
            raise PolicyError("heartbeat_threshold", "at least 2 is wanted, not %d" % self.heartbeat_threshold)
        for setting in SETTINGS[1:]:
            value = self.wanted(setting.name)
            if value is not None and value < 1:
                raise PolicyError(setting.name, "at least 1 ms is wanted, not %d" % value)
        for option in ("max_freeze", "max_heartbeat_age"):
            if getattr(self, option) <= 0:
                raise PolicyError(option, "more than 0 s is wanted, not %g" % getattr(self, option))
        for name in self.announced:
            if name not in [setting.name for setting in SETTINGS]:
                raise PolicyError("announced." + name, "no such setting")
        if self.announced and not self.announced_on:
            raise PolicyError("announced_on", "an announced value needs its date")
        if self.announced_on and not _is_date(self.announced_on):
            raise PolicyError("announced_on", "a date like 2026-01-31 is wanted, not %r" % self.announced_on)
        for uuid in self.regions:
            if not re.match(r"^[0-9A-F]{32}$", uuid):
                raise PolicyError("regions", "a UUID of 32 hexadecimal capitals is wanted, not %r" % uuid)

    def wanted(self, setting: str) -> Optional[int]:
        value: Optional[int] = getattr(self, setting)
        return value


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


@dataclass(frozen=True)
class Node:
    """A member of the cluster, as a file or the kernel has it; ``local``: the kernel takes it for this host."""

    name: str
    number: int
    address: str
    port: int
    cluster: str = ""
    local: bool = False

    @property
    def place(self) -> str:
        return "%s:%d" % (self.address, self.port)

    @property
    def label(self) -> str:
        return "%s (%d)" % (self.name, self.number)


@dataclass(frozen=True)
class Config:
    """cluster.conf. ``regions``: UUIDs of global heartbeats."""

    clusters: Mapping[str, str]
    nodes: Tuple[Node, ...]
    regions: Tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Of its meaning: order, spaces and comments do not count."""
        rows = ["cluster %s %s" % pair for pair in sorted(self.clusters.items())]
        rows += sorted("%s %d %s %s" % (one.name, one.number, one.place, one.cluster) for one in self.nodes)
        rows += ["region %s" % region for region in sorted(self.regions)]
        return hashlib.sha256("\n".join(rows).encode()).hexdigest()


@dataclass(frozen=True)
class Region:
    """A heartbeat the kernel runs; ``age_ms``: since its last write that succeeded."""

    uuid: str
    device: str
    age_ms: Optional[int] = None


@dataclass(frozen=True)
class Cluster:
    """The running cluster, from configfs."""

    name: str
    mode: str
    fence_method: str
    settings: Mapping[str, int]
    nodes: Tuple[Node, ...]
    regions: Tuple[Region, ...]

    @property
    def local(self) -> Optional[Node]:
        return next((node for node in self.nodes if node.local), None)


@dataclass(frozen=True)
class VolumeMount:
    """An OCFS2 file system mounted here; ``device`` is the kernel's name of it (dm-1), ``heartbeat`` local or none."""

    source: str
    target: str
    device: str
    heartbeat: str = "local"


@dataclass(frozen=True)
class Beat:
    """One node's heartbeat block; a generation of 0 says that it left."""

    sequence: int
    generation: int


@dataclass(frozen=True)
class Volume:
    """What is written on one OCFS2 device: node numbers by how their heartbeat did in ``seconds``, and slot to node."""

    source: str
    region: str
    seconds: float
    moving: Tuple[int, ...]
    standing: Tuple[int, ...]
    left: Tuple[int, ...]
    slots: Optional[Mapping[str, int]] = None
    lines: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Peer:
    """``live``: it heartbeats (None: not known); ``connected``: o2net says so; ``reachable``: its address answered."""

    node: Node
    live: Optional[bool]
    connected: Optional[bool]
    reachable: bool
    said: str


@dataclass(frozen=True)
class Facts:
    """``configured``: how it is known that this node should have o2cb; ``pending``: settings of the next start."""

    configured: str = ""
    stack: str = ""
    host: str = ""
    config: Optional[Config] = None
    digest: str = ""
    defaults_path: str = ""
    enabled: str = ""
    pending: Optional[Mapping[str, int]] = None
    drivers_missing: Tuple[str, ...] = ()
    dlmfs_mounted: bool = False
    init_script: Mapping[str, str] = field(default_factory=dict)
    running: Optional[Cluster] = None
    mounts: Tuple[VolumeMount, ...] = ()
    volumes: Tuple[Volume, ...] = ()
    peers: Tuple[Peer, ...] = ()
    freeze: Optional[float] = None
    panic: Optional[int] = None
    panic_on_oops: Optional[int] = None
    missing: Tuple[Missing, ...] = ()


def parse_cluster_conf(text: str) -> Config:
    """/etc/ocfs2/cluster.conf: stanzas of ``key = value``."""
    stanzas: List[Tuple[str, Dict[str, str]]] = []
    for line in text.splitlines():
        stripped = line.split("#", 1)[0].strip()
        if stripped.endswith(":") and "=" not in stripped:
            stanzas.append((stripped[:-1].strip(), {}))
        elif stripped:
            key, separator, value = stripped.partition("=")
            if not separator or not stanzas:
                raise NotUnderstood(stripped[:200])
            stanzas[-1][1][key.strip()] = value.strip()
    clusters = {
        one["name"]: one.get("heartbeat_mode", "local") for kind, one in stanzas if kind == "cluster" and "name" in one
    }
    nodes = tuple(_stanza_node(one) for kind, one in stanzas if kind == "node")
    regions = tuple(one.get("region", "") for kind, one in stanzas if kind == "heartbeat")
    if not clusters:
        raise NotUnderstood("no cluster stanza: %s" % first_line(text))
    return Config(clusters, tuple(sorted(nodes, key=lambda one: (one.cluster, one.number))), regions)


def _stanza_node(stanza: Mapping[str, str]) -> Node:
    number, port = stanza.get("number", ""), stanza.get("ip_port", "")
    if not (_decimal(number) and _decimal(port) and stanza.get("name") and stanza.get("ip_address")):
        raise NotUnderstood("node: %s" % ", ".join("%s = %s" % pair for pair in stanza.items())[:200])
    return Node(stanza["name"], int(number), stanza["ip_address"], int(port), stanza.get("cluster", ""))


def _decimal(text: str) -> bool:
    return re.match(r"^[0-9]{1,18}$", text) is not None


_ASSIGNMENT = re.compile(r"^\s*(?:export\s+)?(O2CB_[A-Z_]+)=(?:\"([^\"]*)\"|'([^']*)'|([^\s#;]*))")


def parse_defaults(text: str) -> Dict[str, str]:
    """The init script's variables, as the shell would have them: the last assignment counts."""
    found = {}
    for line in text.splitlines():
        match = _ASSIGNMENT.match(line)
        if match:
            found[match.group(1)] = next((value for value in match.groups()[1:] if value is not None), "")
    return found


def parse_settings(text: str) -> Dict[str, int]:
    """The timeouts that the next start would use, from the same file; an unset one has the kernel's default."""
    variables = parse_defaults(text)
    settings = {}
    for setting in SETTINGS:
        value = variables.get(setting.variable, "")
        if value and not _decimal(value):
            raise NotUnderstood("%s=%s" % (setting.variable, value[:100]))
        settings[setting.name] = int(value) if value else setting.default
    return settings


_BEAT = re.compile(r"^\s*(\d{1,4}):\s+(\d{1,4})\s+([0-9a-f]{1,16})\s+([0-9a-f]{1,16})\s+[0-9a-f]{1,8}\b")


def parse_heartbeat(text: str) -> Dict[int, Beat]:
    """``debugfs.ocfs2 -R hb``: node number to its block. Blocks never written are not listed."""
    beats = {}
    titled = False
    for line in text.splitlines():
        match = _BEAT.match(line)
        if match:
            beats[int(match.group(2))] = Beat(int(match.group(3), 16), int(match.group(4), 16))
        elif re.match(r"^\s*node: node\s+seq\s+generation", line):
            titled = True
        elif line.strip():
            raise NotUnderstood(line.strip()[:200])
    if not titled:
        raise NotUnderstood(first_line(text))
    return beats


def parse_slotmap(text: str) -> Dict[str, int]:
    """``debugfs.ocfs2 -R slotmap``: slot to the number of the node that holds it."""
    slots = {}
    titled = False
    for line in text.splitlines():
        match = re.match(r"^\s*(\d{1,4})\s+(\d{1,4})\s*$", line)
        if match:
            slots[match.group(1)] = int(match.group(2))
        elif re.match(r"^\s*Slot#\s+Node#\s*$", line):
            titled = True
        elif line.strip():
            raise NotUnderstood(line.strip()[:200])
    if not titled:
        raise NotUnderstood(first_line(text))
    return slots


def parse_node_numbers(text: str) -> Tuple[int, ...]:
    """o2hb's ``livenodes`` and o2net's ``connected_nodes``: numbers on one line, which may be empty."""
    words = text.split()
    if not all(_decimal(word) for word in words):
        raise NotUnderstood(first_line(text))
    return tuple(int(word) for word in words)


def parse_number(text: str) -> int:
    """A file of procfs, configfs or debugfs with one whole number."""
    if not re.match(r"^-?[0-9]{1,18}$", text.strip()):
        raise NotUnderstood(first_line(text))
    return int(text.strip())


_STATUS_LINE = re.compile(r"^(?P<key>[^:=]+?)\s*[:=]\s*(?P<value>\S.*?)\s*$")


def parse_init_status(text: str) -> Dict[str, str]:
    """``/etc/init.d/o2cb status``, of 1.4 (``Heartbeat dead threshold = 91``) and 1.8 (``…: 61``)."""
    status = {}
    for line in text.splitlines():
        match = _STATUS_LINE.match(line.strip().replace('"', ""))
        if match:
            status[match.group("key")] = match.group("value")
    if not any(key.startswith(("Checking O2CB cluster", "Driver for configfs")) for key in status):
        raise NotUnderstood(first_line(text))
    return status


def parse_dlm_state(text: str) -> bool:
    """/sys/kernel/debug/o2dlm/REGION/dlm_state: whether locks of a dead node are being taken over."""
    dead = re.search(r"^Dead Node: ([0-9]{1,3})$", text, re.MULTILINE)
    state = re.search(r"^Recovery Pid: .* State: (ACTIVE|INACTIVE)$", text, re.MULTILINE)
    waiting = re.search(r"^Recovery Map:([0-9 ]*)$", text, re.MULTILINE)
    if not (dead and state and waiting):
        raise NotUnderstood(first_line(text))
    return int(dead.group(1)) != _NO_NODE or state.group(1) == "ACTIVE" or bool(waiting.group(1).strip())


def parse_fs_state(text: str) -> bool:
    """/sys/kernel/debug/ocfs2/REGION/fs_state: whether the journal of a dead node is being replayed."""
    nodes = re.search(r"^ *Recovery => Pid: -?[0-9]+  Nodes: (None|[0-9 ]+)$", text, re.MULTILINE)
    if not nodes:
        raise NotUnderstood(first_line(text))
    return nodes.group(1) != "None"


class _Reader:
    """Reads for one probe; what could not be read, or not understood, is kept in ``missing``."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.missing: List[Missing] = []

    def lost(self, answer: Answer, problem: Optional[Problem] = None, detail: str = "") -> None:
        self.missing.append(answer.missing(problem, detail))

    def file(self, path: str, optional: bool = False) -> Optional[str]:
        """The text of a file; ``optional``: that it is not there is an answer, too."""
        answer = self.host.read(path)
        if answer.ok:
            return answer.stdout
        if not (optional and answer.problem is Problem.ABSENT):
            self.lost(answer)
        return None

    def number(self, path: str, optional: bool = False) -> Optional[int]:
        text = self.file(path, optional)
        try:
            return None if text is None else parse_number(text)
        except NotUnderstood as error:
            self.lost(Answer(path), Problem.NOT_UNDERSTOOD, str(error))
            return None

    def numbers(self, path: str) -> Optional[Tuple[int, ...]]:
        text = self.file(path)
        try:
            return None if text is None else parse_node_numbers(text)
        except NotUnderstood as error:
            self.lost(Answer(path), Problem.NOT_UNDERSTOOD, str(error))
            return None


def probe(host: Host, policy: Policy) -> Facts:
    """Files first; then two readings of each volume's heartbeat, 3 s apart, while the peers' addresses are tried."""
    reader = _Reader(host)
    conf = host.read(CLUSTER_CONF)
    mounted = _mounts(reader)
    entries, _passed_over = parse_fstab(host.read(FSTAB).stdout)
    fstab = [entry for entry in entries if entry.fstype == "ocfs2" and entry.at_boot]
    base = next((path for path in CONFIGFS if host.glob(path + "/cluster")), CONFIGFS[0]) + "/cluster"
    names = [path.rpartition("/")[2] for path in host.glob(base + "/*")]
    mounts = tuple(_volume_mount(host, one) for one in mounted if one.fstype == "ocfs2")
    configured = _configured(conf, names, mounts, fstab)
    stack = host.read("/sys/fs/ocfs2/cluster_stack").stdout.strip()
    if not configured or (stack and stack != "o2cb"):
        return Facts(configured=configured, stack=stack)
    # without this systemd answers for it, with "active (exited)" whatever the cluster's state
    redirect = {"SYSTEMCTL_SKIP_REDIRECT": "1", "_SYSTEMCTL_SKIP_REDIRECT": "1"}
    status = Beside(partial(host.run, [INIT_SCRIPT, "status"], timeout=STATUS_TIMEOUT, environment=redirect))
    config = _config(reader, conf)
    running = _cluster(reader, base, names[0]) if names else None
    volumes, peers = _members(reader, running, config, mounts, fstab)
    facts = _with_defaults(
        reader,
        Facts(
            configured=configured,
            stack=stack,
            host=(reader.file("/proc/sys/kernel/hostname") or "").strip(),
            config=config,
            digest=config.digest if config else "",
            drivers_missing=tuple(_drivers_missing(host, mounted)),
            dlmfs_mounted=any(one.fstype == "ocfs2_dlmfs" for one in mounted),
            init_script=_init_status(reader, _waited(status, STATUS_TIMEOUT, INIT_SCRIPT)),
            running=running,
            mounts=mounts,
            volumes=volumes,
            peers=peers,
            panic=reader.number("/proc/sys/kernel/panic"),
            panic_on_oops=reader.number("/proc/sys/kernel/panic_on_oops"),
        ),
    )
    settings = running.settings if running else facts.pending or {}
    return replace(facts, freeze=freeze_seconds(settings), missing=tuple(reader.missing))


def glance(host: Host, policy: Policy) -> Facts:
    """Whether OCFS2 may be touched now: no disk is read and no script run, and a healthy node answers at once."""
    reader = _Reader(host)
    mounts = tuple(_volume_mount(host, one) for one in _mounts(reader) if one.fstype == "ocfs2")
    base = next((path for path in CONFIGFS if host.glob(path + "/cluster")), CONFIGFS[0]) + "/cluster"
    names = [path.rpartition("/")[2] for path in host.glob(base + "/*")]
    if not names:
        if any(mount.heartbeat == "local" for mount in mounts):
            reader.lost(Answer(base), Problem.ABSENT)
        return Facts(mounts=mounts, missing=tuple(reader.missing))
    running = _cluster(reader, base, names[0])
    peers = _peers(reader, running, _try_peers(host, running, running.nodes), ())
    return Facts(
        configured=_configured(Answer(CLUSTER_CONF, problem=Problem.ABSENT), names, mounts, ()),
        running=running,
        mounts=mounts,
        peers=peers,
        freeze=freeze_seconds(running.settings),
        missing=tuple(reader.missing),
    )


def _judge_glance(facts: Facts, policy: Policy) -> List[Finding]:
    findings = [missing(one) for one in _once(facts.missing)]
    if facts.running:
        findings += _judge_heartbeat(facts, facts.running, policy) + _judge_peers(facts, policy)
    return findings or [absent("o2cb", Phrase("no_ocfs2", CLUSTER_CONF), False)]


def recovering(host: Host, mounted: bool) -> Tuple[Optional[bool], Tuple[Missing, ...]]:
    """Whether this node still takes over the locks or the journal of a dead one; None where it cannot be told.

    ``mounted``: an OCFS2 volume is; without one there is nothing to recover.
    """
    lost: List[Missing] = []
    states: List[bool] = []
    for pattern, parse in ((DLM_STATE, parse_dlm_state), (FS_STATE, parse_fs_state)):
        paths = host.glob(pattern)
        if mounted and not paths:
            lost.append(Missing(pattern, Problem.ABSENT, Phrase("no_debugfs")))
        for path in paths:
            answer = host.read(path)
            try:
                states += [parse(answer.stdout)] if answer.ok else []
                lost += [] if answer.ok else [answer.missing()]
            except NotUnderstood as error:
                lost.append(answer.missing(Problem.NOT_UNDERSTOOD, str(error)))
    return True if any(states) else None if lost else False, tuple(lost)


def freeze_seconds(settings: Mapping[str, int]) -> Optional[float]:
    """How long writes wait after a silent cut: until o2net notices it, and quorum is decided after that."""
    idle, threshold = settings.get("idle_timeout_ms"), settings.get("heartbeat_threshold")
    if idle is None or threshold is None:
        return None
    return idle / 1000.0 + HEARTBEAT_INTERVAL * (threshold + 2)


def dead_seconds(settings: Mapping[str, int]) -> int:
    """After how many seconds without a heartbeat a node fences itself."""
    return HEARTBEAT_INTERVAL * (settings.get("heartbeat_threshold", SETTINGS[0].default) - 1)


def _configured(conf: Answer, names: Sequence[str], mounts: Sequence[VolumeMount], fstab: Sequence[Entry]) -> str:
    if conf.problem is not Problem.ABSENT:
        return CLUSTER_CONF
    found = ["cluster %s" % name for name in names] + [mount.target for mount in mounts]
    return ", ".join(found + ["fstab: %s" % entry.path for entry in fstab])


def _mounts(reader: _Reader) -> Tuple[Mount, ...]:
    try:
        return parse_mountinfo(reader.file(MOUNTINFO) or "")
    except NotUnderstood as error:
        reader.lost(Answer(MOUNTINFO), Problem.NOT_UNDERSTOOD, str(error))
        return ()


def _volume_mount(host: Host, mount: Mount) -> VolumeMount:
    device = (host.link("/sys/dev/block/" + mount.number) or "").rpartition("/")[2]
    heartbeat = "none" if "heartbeat=none" in mount.super_options else "local"
    return VolumeMount(mount.source, mount.path, device, heartbeat)


def _config(reader: _Reader, conf: Answer) -> Optional[Config]:
    if conf.problem is Problem.ABSENT:
        return None
    if not conf.ok:
        reader.lost(conf)
        return None
    try:
        return parse_cluster_conf(conf.stdout)
    except NotUnderstood as error:
        reader.lost(conf, Problem.NOT_UNDERSTOOD, str(error))
        return None


def _with_defaults(reader: _Reader, facts: Facts) -> Facts:
    """Without such a file the next start takes the kernel's own values; it is written where Debian has it."""
    before = len(reader.missing)
    for path in DEFAULTS:
        text = reader.file(path, optional=True)
        if text is None:
            continue
        facts = replace(facts, defaults_path=path, enabled=parse_defaults(text).get("O2CB_ENABLED", ""))
        try:
            return replace(facts, pending=parse_settings(text))
        except NotUnderstood as error:
            reader.lost(Answer(path), Problem.NOT_UNDERSTOOD, str(error))
            return facts
    facts = replace(facts, defaults_path=DEFAULTS[-1])
    return facts if len(reader.missing) > before else replace(facts, pending=parse_settings(""))


def _drivers_missing(host: Host, mounted: Sequence[Mount]) -> List[str]:
    there = {
        "configfs": any(one.fstype == "configfs" for one in mounted),
        "ocfs2_stackglue": bool(host.read("/sys/fs/ocfs2/cluster_stack").ok),
        "ocfs2_stack_o2cb": "o2cb" in host.read("/sys/fs/ocfs2/loaded_cluster_plugins").stdout.split(),
        "ocfs2_nodemanager": host.read("/sys/fs/o2cb/interface_revision").ok,
        "ocfs2_dlmfs": "ocfs2_dlmfs" in host.read("/proc/filesystems").stdout.split(),
    }
    return [name for name, loaded in there.items() if not loaded]


def _init_status(reader: _Reader, answer: Answer) -> Dict[str, str]:
    if answer.problem is Problem.ABSENT:
        return {}
    try:
        if answer.ok:
            return parse_init_status(answer.stdout)
        reader.lost(answer)
    except NotUnderstood as error:
        reader.lost(answer, Problem.NOT_UNDERSTOOD, str(error))
    return {}


def _cluster(reader: _Reader, base: str, name: str) -> Cluster:
    host, top = reader.host, "%s/%s" % (base, name)
    settings = {}
    for setting in SETTINGS:
        value = reader.number("%s/%s" % (top, setting.file))
        if value is not None:
            settings[setting.name] = value
    nodes = []
    for path in host.glob(top + "/node/*"):
        number, port = reader.number(path + "/num"), reader.number(path + "/ipv4_port")
        address, local = reader.file(path + "/ipv4_address"), reader.number(path + "/local")
        if number is not None and port is not None and address is not None:
            nodes.append(Node(path.rpartition("/")[2], number, address.strip(), port, name, local == 1))
    regions = []
    for path in host.glob(top + "/heartbeat/*/dev"):
        uuid = path.split("/")[-2]
        age = reader.number("%s/o2hb/%s/elapsed_time_in_ms" % (DEBUGFS, uuid), optional=True)
        regions.append(Region(uuid, (reader.file(path) or "").strip(), age))
    return Cluster(
        name,
        # older kernels know only the local mode, and one way to fence
        mode=(reader.file(top + "/heartbeat/mode", optional=True) or "local").strip(),
        fence_method=(reader.file(top + "/fence_method", optional=True) or "reset").strip(),
        settings=settings,
        nodes=tuple(sorted(nodes, key=lambda node: node.number)),
        regions=tuple(regions),
    )


def _members(
    reader: _Reader,
    running: Optional[Cluster],
    config: Optional[Config],
    mounts: Sequence[VolumeMount],
    fstab: Sequence[Entry],
) -> Tuple[Tuple[Volume, ...], Tuple[Peer, ...]]:
    tried = _try_peers(reader.host, running, running.nodes if running else config.nodes if config else ())
    volumes = _volumes(reader, running, mounts, fstab)
    return volumes, _peers(reader, running, tried, volumes)


def _try_peers(host: Host, running: Optional[Cluster], nodes: Sequence[Node]) -> List[Tuple[Node, Beside[Answer]]]:
    """The other nodes, each with the attempt to reach its address."""
    own = _own_name(host, running)
    others = [node for node in nodes if not node.local and not same_host(node.name, own)]
    return [(node, Beside(partial(host.exchange, node.address, node.port, timeout=PROBE_TIMEOUT))) for node in others]


def _peers(
    reader: _Reader,
    running: Optional[Cluster],
    tried: Sequence[Tuple[Node, Beside[Answer]]],
    volumes: Sequence[Volume],
) -> Tuple[Peer, ...]:
    live = connected = None
    if running and running.regions:
        live = reader.numbers(DEBUGFS + "/o2hb/livenodes")
        connected = reader.numbers(DEBUGFS + "/o2net/connected_nodes")
    return tuple(
        _peer(node, live, connected, volumes, _waited(answer, PROBE_TIMEOUT, node.address)) for node, answer in tried
    )


def _waited(reading: Beside[Answer], timeout: float, source: str) -> Answer:
    """Its answer. A reading keeps its own deadline; one that does not is left behind."""
    nothing = Answer(source, stderr="no result within %g s" % timeout, problem=Problem.TIMEOUT)
    return reading.result(timeout + 5, nothing)


def _own_name(host: Host, running: Optional[Cluster]) -> str:
    if running and running.local:
        return running.local.name
    return host.read("/proc/sys/kernel/hostname").stdout.strip()


def _peer(
    node: Node,
    live: Optional[Tuple[int, ...]],
    connected: Optional[Tuple[int, ...]],
    volumes: Sequence[Volume],
    answer: Answer,
) -> Peer:
    heartbeats: Optional[bool] = None
    if live is not None:
        heartbeats = node.number in live
    elif volumes:
        heartbeats = any(node.number in volume.moving for volume in volumes)
    joined = None if connected is None else node.number in connected
    return Peer(node, heartbeats, joined, answer.ok, answer.stderr)


def _volumes(
    reader: _Reader, running: Optional[Cluster], mounts: Sequence[VolumeMount], fstab: Sequence[Entry]
) -> Tuple[Volume, ...]:
    regions = {region.device: region.uuid for region in running.regions} if running else {}
    sources = {mount.source: regions.get(mount.device, "") for mount in mounts}
    if not running or not running.regions:
        # nothing is mounted: what fstab would mount still tells who else heartbeats, and which slots are taken
        sources.update({_device(entry.source): "" for entry in fstab})
    for device, uuid in regions.items():
        if uuid not in sources.values():
            sources["/dev/" + device] = uuid
    first = {source: _beats(reader, source) for source in sources}
    if not any(first.values()):
        return ()
    reader.host.wait(BETWEEN_READINGS)
    seconds = BETWEEN_READINGS
    volumes = [_volume(reader, source, uuid, first[source], seconds) for source, uuid in sources.items()]
    if any(volume and volume.standing for volume in volumes):
        # one late write is not a dead node
        reader.host.wait(BETWEEN_READINGS)
        seconds += BETWEEN_READINGS
        volumes = [_volume(reader, source, uuid, first[source], seconds) for source, uuid in sources.items()]
    return tuple(replace(volume, slots=_slots(reader, volume.source)) for volume in volumes if volume)


def _device(source: str) -> str:
    kind, separator, value = source.partition("=")
    if separator and kind in ("UUID", "LABEL"):
        return "/dev/disk/by-%s/%s" % (kind.lower(), value.strip('"'))
    return source


def _debugfs(reader: _Reader, request: str, source: str) -> Optional[str]:
    answer = reader.host.run(["debugfs.ocfs2", "-R", request, source], timeout=15.0, touches=Touches.DISKS)
    if answer.ok and answer.stdout.strip():
        return answer.stdout
    denied = "Permission denied" in answer.stderr
    # the last line only says that there is no device to ask
    reader.lost(answer, Problem.DENIED if denied else None, first_line(answer.stderr) if answer.stderr.strip() else "")
    return None


def _beats(reader: _Reader, source: str) -> Optional[Dict[int, Beat]]:
    text = _debugfs(reader, "hb", source)
    try:
        return None if text is None else parse_heartbeat(text)
    except NotUnderstood as error:
        reader.lost(Answer("debugfs.ocfs2 -R hb %s" % source), Problem.NOT_UNDERSTOOD, str(error))
        return None


def _slots(reader: _Reader, source: str) -> Optional[Dict[str, int]]:
    text = _debugfs(reader, "slotmap", source)
    try:
        return None if text is None else parse_slotmap(text)
    except NotUnderstood as error:
        reader.lost(Answer("debugfs.ocfs2 -R slotmap %s" % source), Problem.NOT_UNDERSTOOD, str(error))
        return None


def _volume(
    reader: _Reader, source: str, uuid: str, before: Optional[Mapping[int, Beat]], seconds: float
) -> Optional[Volume]:
    after = _beats(reader, source) if before else None
    if before is None or after is None:
        return None
    left = tuple(number for number, beat in after.items() if not beat.generation)
    moving = tuple(number for number, beat in after.items() if beat.generation and beat != before.get(number))
    standing = tuple(number for number in after if number not in left and number not in moving)
    lines = tuple(
        "debugfs.ocfs2 -R hb %s: node %d seq %x, after %g s %x"
        % (source, number, before[number].sequence if number in before else 0, seconds, beat.sequence)
        for number, beat in after.items()
    )
    return Volume(source, uuid, seconds, moving, standing, left, lines=lines)


def judge(facts: Facts, policy: Policy) -> List[Finding]:
    if not facts.configured:
        return [absent("o2cb", Phrase("no_ocfs2", CLUSTER_CONF), policy.required)]
    if facts.stack and facts.stack != "o2cb":
        return [absent("o2cb", Phrase("other_stack", facts.stack), policy.required)]
    findings = [missing(one) for one in _once(facts.missing)]
    findings += _judge_drivers(facts) + _judge_configuration(facts)
    if facts.running is None:
        findings += _judge_offline(facts)
    else:
        findings += _judge_heartbeat(facts, facts.running, policy)
        findings += _judge_volumes(facts, facts.running)
        findings += _judge_pending(facts, facts.running, policy)
    findings += _judge_peers(facts, policy) + _judge_settings(facts, policy) + _judge_kernel(facts)
    if not findings and facts.running:
        connected = sum(1 for peer in facts.peers if peer.connected)
        values = {"cluster": facts.running.name, "connected": connected, "regions": len(facts.running.regions)}
        findings.append(Finding("o2cb_ok", facts.running.name, values, ("configfs: cluster %s" % facts.running.name,)))
    return findings


def _once(readings: Sequence[Missing]) -> List[Missing]:
    return list(dict.fromkeys(readings))


def _judge_drivers(facts: Facts) -> List[Finding]:
    findings = [
        Finding("o2cb_driver_missing", driver, {"driver": driver}, ("%s: not loaded" % driver,))
        for driver in facts.drivers_missing
    ]
    if not facts.dlmfs_mounted and "ocfs2_dlmfs" not in facts.drivers_missing:
        findings.append(Finding("o2cb_dlmfs_not_mounted", "ocfs2_dlmfs", {}, (MOUNTINFO + ": no ocfs2_dlmfs",)))
    return findings


def _judge_configuration(facts: Facts) -> List[Finding]:
    findings = []
    if facts.config is None and not any(one.reading == CLUSTER_CONF for one in facts.missing):
        values = {"what": facts.configured}
        findings.append(Finding("o2cb_config_missing", CLUSTER_CONF, values, ("%s: no such file" % CLUSTER_CONF,)))
    if facts.enabled and facts.enabled != "true":
        evidence = ("%s: O2CB_ENABLED=%s" % (facts.defaults_path, facts.enabled),)
        values = {"value": facts.enabled, "path": facts.defaults_path}
        findings.append(Finding("o2cb_not_enabled", facts.defaults_path, values, evidence))
    return findings + _judge_host_name(facts) + _judge_nodes(facts) + _judge_init_script(facts)


def _cluster_name(facts: Facts) -> str:
    if facts.running:
        return facts.running.name
    return next(iter(facts.config.clusters), "") if facts.config else ""


def _judge_host_name(facts: Facts) -> List[Finding]:
    """Both the file and the kernel must know this host by the name it has."""
    if not facts.host:
        return []
    sources = []
    if facts.config:
        sources.append((CLUSTER_CONF, [node.name for node in facts.config.nodes]))
    if facts.running:
        sources.append(("configfs", [node.name for node in facts.running.nodes if node.local]))
    for source, names in sources:
        if not any(same_host(name, facts.host) for name in names):
            values = {"host": facts.host, "names": names or ["-"], "cluster": _cluster_name(facts)}
            evidence = ("/proc/sys/kernel/hostname: %s" % facts.host, "%s: %s" % (source, ", ".join(names) or "-"))
            return [Finding("o2cb_host_name_differs", facts.host, values, evidence)]
    return []


def _judge_nodes(facts: Facts) -> List[Finding]:
    if not facts.running or not facts.config:
        return []
    configured = [node for node in facts.config.nodes if node.cluster == facts.running.name]
    differences = differing(_members_of(facts.running.nodes), _members_of(configured))
    if not differences:
        return []
    evidence = tuple("configfs -> %s: %s" % (CLUSTER_CONF, line) for line in differences)
    return [Finding("o2cb_nodes_pending", facts.running.name, {"differences": differences}, evidence)]


def _members_of(nodes: Sequence[Node]) -> Dict[str, str]:
    return {node.name: "%d %s" % (node.number, node.place) for node in nodes}


def differing(one: Mapping[str, str], other: Mapping[str, str]) -> List[str]:
    """What is not the same, as ``key: value -> value``."""
    return [
        "%s: %s -> %s" % (key, one.get(key, "-"), other.get(key, "-"))
        for key in sorted(set(one) | set(other))
        if one.get(key) != other.get(key)
    ]


def _judge_init_script(facts: Facts) -> List[Finding]:
    said = next((value for key, value in facts.init_script.items() if key.startswith("Checking O2CB cluster")), "")
    if not said or (said == "Online") == (facts.running is not None):
        return []
    differences = [
        "%s status: %s" % (INIT_SCRIPT, said),
        "configfs: %s" % (_cluster_name(facts) if facts.running else "-"),
    ]
    values = {"differences": differences, "path": facts.defaults_path or DEFAULTS[-1]}
    return [Finding("o2cb_sources_disagree", _cluster_name(facts), values, tuple(differences))]


def _judge_offline(facts: Facts) -> List[Finding]:
    name = _cluster_name(facts)
    lines = tuple(
        "%s status: %s: %s" % (INIT_SCRIPT, key, value)
        for key, value in facts.init_script.items()
        if key.startswith("Checking O2CB")
    )
    return [Finding("o2cb_offline", name or "o2cb", {"cluster": name or "-"}, lines or ("configfs: no cluster",))]


def _judge_heartbeat(facts: Facts, running: Cluster, policy: Policy) -> List[Finding]:
    findings = []
    uuids = {region.uuid for region in running.regions}
    devices = {region.device for region in running.regions}
    if not running.regions and not facts.mounts:
        evidence = ("configfs: cluster %s has no heartbeat region" % running.name,)
        findings.append(Finding("o2cb_heartbeat_inactive", running.name, {"cluster": running.name}, evidence))
    known = ", ".join("%s on %s" % (one.uuid, one.device) for one in running.regions) or "-"
    regions = ("configfs: regions %s" % known,)
    for mount in facts.mounts:
        if running.mode == "local" and mount.heartbeat != "none" and mount.device not in devices:
            volume = "%s (%s)" % (mount.target, mount.source)
            findings.append(Finding("o2cb_region_missing", volume, {"volume": volume}, regions))
    wanted = set(policy.regions) | set(facts.config.regions if facts.config else ())
    findings += [Finding("o2cb_region_inactive", uuid, {"region": uuid}, regions) for uuid in sorted(wanted - uuids)]
    for region in running.regions:
        if region.age_ms is not None and region.age_ms / 1000.0 > policy.max_heartbeat_age:
            values = {"age": region.age_ms / 1000.0, "limit": dead_seconds(running.settings), "device": region.device}
            line = "%s/o2hb/%s/elapsed_time_in_ms: %d" % (DEBUGFS, region.uuid, region.age_ms)
            findings.append(Finding("o2cb_heartbeat_late", "%s (%s)" % (region.device, region.uuid), values, (line,)))
    return findings


def _judge_volumes(facts: Facts, running: Cluster) -> List[Finding]:
    findings: List[Finding] = []
    own = running.local.number if running.local else None
    names = {node.number: node.name for node in running.nodes}
    live = {peer.node.number for peer in facts.peers if peer.live}
    for volume in facts.volumes:
        active = bool(volume.region)
        values: Dict[str, Any] = {"seconds": volume.seconds, "device": volume.source}
        values["limit"] = dead_seconds(running.settings)
        if active and own is not None and own not in volume.moving:
            findings.append(Finding("o2cb_heartbeat_standing", volume.source, values, volume.lines or (volume.source,)))
            continue
        for number in volume.standing:
            if active and number in live:
                peer = names.get(number, "node %d" % number)
                evidence = tuple(line for line in volume.lines if " node %d " % number in line)
                findings.append(
                    Finding("o2cb_peer_heartbeat_standing", peer, {"peer": peer, **values}, evidence + (volume.source,))
                )
        findings += _judge_slots(volume, own, live if active else None, names)
    return findings


def _judge_slots(
    volume: Volume, own: Optional[int], live: Optional[Set[int]], names: Mapping[int, str]
) -> List[Finding]:
    """A volume that is not mounted here proves only that this node's own slot is stale."""
    findings = []
    for slot, number in (volume.slots or {}).items():
        stale = number == own if live is None else number != own and number not in live and number not in volume.moving
        if stale:
            peer = names.get(number, "node %d" % number)
            line = "debugfs.ocfs2 -R slotmap %s: slot %s node %d" % (volume.source, slot, number)
            values = {"slot": slot, "device": volume.source, "peer": peer}
            findings.append(Finding("o2cb_slot_stale", volume.source, values, (line,) + volume.lines))
    return findings


def _judge_peers(facts: Facts, policy: Policy) -> List[Finding]:
    findings = []
    active = bool(facts.running and facts.running.regions)
    for peer in facts.peers:
        name = peer.node.label
        line = "tcp %s: %s" % (peer.node.place, peer.said or "connected")
        if peer.live and (not peer.reachable or (active and peer.connected is False)):
            why = peer.said if not peer.reachable else "o2net/connected_nodes"
            values = {"peer": name, "address": peer.node.place, "why": why, "freeze": "%.0f" % (facts.freeze or 0)}
            joined = {True: "connected", False: "not connected", None: "-"}[peer.connected]
            evidence = (line, "%s/o2net/connected_nodes: %s" % (DEBUGFS, joined))
            findings.append(Finding("o2cb_peer_not_connected", name, values, evidence))
        elif not peer.live and not any(same_host(peer.node.name, one) for one in policy.out_of_service):
            if peer.live is None and peer.reachable:
                # without a volume here nothing tells whether it heartbeats; that it answers is all that can be known
                continue
            values = {"peer": name, "address": peer.node.place, "why": peer.said or "-"}
            findings.append(Finding("o2cb_peer_absent", name, values, (line,)))
    return findings


def _judge_settings(facts: Facts, policy: Policy) -> List[Finding]:
    findings = []
    settings = facts.running.settings if facts.running else facts.pending or {}
    where = "configfs" if facts.running else facts.defaults_path
    for setting in SETTINGS:
        wanted, running = policy.wanted(setting.name), settings.get(setting.name)
        if wanted is not None and running is not None and wanted != running:
            values = {"setting": setting.name, "running": running, "wanted": wanted, "variable": setting.variable}
            evidence = ("%s: %s %d" % (where, setting.name, running),)
            findings.append(Finding("o2cb_setting_not_as_policy", setting.name, values, evidence))
    if facts.freeze is not None and facts.freeze > policy.max_freeze:
        idle, threshold = settings["idle_timeout_ms"], settings["heartbeat_threshold"]
        values = {"seconds": facts.freeze, "limit": policy.max_freeze, "idle": idle / 1000.0, "threshold": threshold}
        lines = ("%s: idle_timeout_ms %d" % (where, idle), "%s: heartbeat_threshold %d" % (where, threshold))
        findings.append(Finding("o2cb_freeze_too_long", _cluster_name(facts) or "o2cb", values, lines))
    return findings


def _judge_pending(facts: Facts, running: Cluster, policy: Policy) -> List[Finding]:
    findings = []
    for setting in SETTINGS:
        now = running.settings.get(setting.name)
        pending = (facts.pending or {}).get(setting.name)
        if now is None or pending is None or now == pending:
            continue
        announced = policy.announced.get(setting.name) == pending
        values: Dict[str, Any] = {"setting": setting.name, "running": now, "pending": pending}
        values.update(path=facts.defaults_path, announced_on=policy.announced_on)
        written = "%s: %s=%d" % (facts.defaults_path, setting.variable, pending)
        code = "o2cb_setting_announced" if announced else "o2cb_setting_pending"
        findings.append(Finding(code, setting.name, values, ("configfs: %s %d" % (setting.file, now), written)))
    return findings


def _judge_kernel(facts: Facts) -> List[Finding]:
    findings = []
    if facts.panic_on_oops == 0:
        evidence = ("/proc/sys/kernel/panic_on_oops: 0",)
        findings.append(Finding("o2cb_panic_on_oops_off", "kernel.panic_on_oops", {"value": 0}, evidence))
    if facts.panic == 0:
        findings.append(Finding("o2cb_panic_without_reboot", "kernel.panic", {}, ("/proc/sys/kernel/panic: 0",)))
    return findings


def compare(facts: Mapping[str, Mapping[str, Any]]) -> Mapping[str, List[Finding]]:
    """The nodes of one zone have one cluster.conf and the same timeouts."""
    findings: Dict[str, List[Finding]] = {}
    for zone in _zones(facts):
        members = {node: facts[node] for node in zone}
        for node, found in _compare_configs(members) + _compare_settings(members):
            findings.setdefault(node, []).append(found)
    return findings


def _zones(facts: Mapping[str, Mapping[str, Any]]) -> List[List[str]]:
    """Nodes belong together when a cluster.conf of one names a member, or runs a heartbeat, that the other has, too."""
    zones: List[Tuple[Set[str], List[str]]] = []
    for node, one in sorted(facts.items()):
        marks = {"%s %s" % (each["name"], each["address"]) for each in (one.get("config") or {}).get("nodes") or ()}
        marks |= {each["uuid"] for each in (one.get("running") or {}).get("regions") or ()}
        if not marks:
            continue
        joined: List[Tuple[Set[str], List[str]]] = []
        apart: List[Tuple[Set[str], List[str]]] = []
        for zone in zones:
            (joined if zone[0] & marks else apart).append(zone)
        nodes = [name for zone in joined for name in zone[1]] + [node]
        zones = apart + [(marks.union(*(zone[0] for zone in joined)), nodes)]
    return [nodes for _marks, nodes in zones]


def _others(values: Mapping[str, str]) -> List[str]:
    """The nodes that differ from what most have; all of them where there is no majority."""
    counts: Dict[str, int] = {}
    for value in values.values():
        counts[value] = counts.get(value, 0) + 1
    most = max(counts.values(), default=0)
    common = [value for value, count in counts.items() if count == most]
    if len(counts) < 2:
        return []
    return [node for node, value in values.items() if len(common) > 1 or value != common[0]]


def _compare_configs(members: Mapping[str, Mapping[str, Any]]) -> List[Tuple[str, Finding]]:
    digests = {node: one["digest"] for node, one in members.items() if one.get("digest")}
    odd = _others(digests)
    findings = []
    for node in odd:
        other = next(
            one for one in digests if digests[one] != digests[node] and (one not in odd or len(odd) == len(digests))
        )
        differences = differing(_meaning(members[other]["config"]), _meaning(members[node]["config"]))
        evidence = tuple("%s -> %s: %s" % (other, node, line) for line in differences)
        values = {"differences": differences}
        findings.append((node, Finding("o2cb_config_differs_between_nodes", CLUSTER_CONF, values, evidence)))
    return findings


def _meaning(config: Mapping[str, Any]) -> Dict[str, str]:
    meaning = {"cluster %s" % name: str(mode) for name, mode in config["clusters"].items()}
    for node in config["nodes"]:
        meaning[node["name"]] = "%d %s:%d %s" % (node["number"], node["address"], node["port"], node["cluster"])
    meaning.update({"region %s" % region: region for region in config["regions"]})
    return meaning


def _compare_settings(members: Mapping[str, Mapping[str, Any]]) -> List[Tuple[str, Finding]]:
    findings = []
    for setting in SETTINGS:
        values = {}
        for node, one in members.items():
            settings = (one.get("running") or {}).get("settings") or one.get("pending") or {}
            if setting.name in settings:
                values[node] = str(settings[setting.name])
        shown = ["%s %s" % pair for pair in sorted(values.items())]
        for node in _others(values):
            words = {"setting": setting.name, "values_by_node": shown}
            findings.append((node, Finding("o2cb_settings_differ_between_nodes", setting.name, words, tuple(shown))))
    return findings


CHECK = Check("o2cb", Policy, probe, judge, TABLE, compare)
# before something touches a volume, without the seconds that two readings of a heartbeat take
GLANCE = Check("o2cb", Policy, glance, _judge_glance, TABLE)
