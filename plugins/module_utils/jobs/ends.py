# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two ends of a migration as the source's job sees them: its own node at once, the other one over ssh.

xl itself reaches the target by root's ssh, and so does this. A target that gives no answer is silent, which is never
"no domain there".
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, replace
from typing import List, Optional, Sequence, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Host
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.migration_outcome import Copy, End
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.host_names import same_host
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.refusal import Refusal
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import xen
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import VmUuid

LOOKED_WITHIN = 25.0
# No question may be waited for that nobody answers. ConnectTimeout is for the greeting, too: without it a target that
# dies behind the first packet is waited for two hours.
SSH = (
    "ssh",
    "-o",
    "BatchMode=yes",
    "-o",
    "ConnectTimeout=10",
    "-o",
    "ServerAliveInterval=5",
    "-o",
    "ServerAliveCountMax=6",
)

# who this is and who receives a domain, a line; then what libxc has, a line
LOOK = (
    """\
import glob, json, os, re
def link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""
def read(path):
    try:
        return open(path, "rb").read().decode("utf-8", "replace")
    except OSError:
        return ""
receivers = []
for path in glob.glob("/proc/[0-9]*/cmdline"):
    words = read(path).split("\\0")
    # with a log of its own it is a domain's daemon by now, and unpauses nobody
    daemon = re.search(r"/xl-.+\\.log$", link(path[:-7] + "fd/1"))
    if words[0].rpartition("/")[2] == "xl" and "migrate-receive" in words and not daemon:
        receivers.append(int(path.split("/")[2]))
names = [read("/proc/sys/kernel/" + one).strip() for one in ("hostname", "random/boot_id")]
print(json.dumps({"hostname": names[0], "boot_id": names[1], "receivers": receivers}))
"""
    + xen.LIBXC
    + xen.SHOW
)
# nothing of what was seen may have changed when it is destroyed
DISCARD = (
    xen.LIBXC
    + """\
import subprocess
number, wanted = int(sys.argv[1]), sys.argv[2]
for one in found["domains"]:
    if one["domid"] == number and one["handle"] == wanted and one["paused"] and not one["cpu_time"]:
        sys.exit(subprocess.call(["xl", "destroy", str(number)], stdin=subprocess.DEVNULL))
sys.exit("domain %d is not what it was" % number)
"""
)


@dataclass(frozen=True)
class Seen:
    """One node's answer. ``receivers``: processes of xl that receive a domain."""

    hostname: str
    boot_id: str
    receivers: Tuple[int, ...]
    domains: Tuple[xen.Counted, ...]

    def of(self, uuid: VmUuid) -> Tuple[xen.Counted, ...]:
        return tuple(one for one in self.domains if one.uuid == uuid)

    def end(self, uuid: VmUuid) -> End:
        """Refused where one node has two of it: which of them is meant is a person's word."""
        found = self.of(uuid)
        if len(found) > 1:
            ids = [one.id for one in found]
            raise Refusal("many_domains", Phrase("job_many_domains", self.hostname, ids), domids=ids)
        return End(_copy(found[0]) if found else None)


def _copy(one: xen.Counted) -> Copy:
    return Copy(one.state.paused, one.cpu_ns, one.state.shutdown_reason, one.state.dying)


def parse_look(text: str) -> Seen:
    """What ``LOOK`` prints."""
    first, _newline, rest = text.partition("\n")
    try:
        about = json.loads(first)
        receivers = tuple(int(pid) for pid in about["receivers"])
        hostname, boot_id = str(about["hostname"]), str(about["boot_id"])
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
        raise NotUnderstood(first.strip()[:200]) from None
    _info, domains = xen.parse_libxc(rest)
    return Seen(hostname, boot_id, receivers, domains)


class Ends:
    """``target``: where the source reaches it; ``node``: the host name it must have there."""

    def __init__(self, host: Host, uuid: VmUuid, target: str, node: str) -> None:
        self._host = host
        self.uuid = uuid
        self.target = target
        self._node = node
        self.said = ""

    def source(self) -> Optional[Seen]:
        return self._seen(self._host.run(["python3", "-I", "-c", LOOK], timeout=LOOKED_WITHIN), "")

    def far(self) -> Optional[Seen]:
        """None where it is silent; ``said`` is why. Another node at that address is a silent one, too."""
        return self._seen(self.there(["python3", "-I", "-c", LOOK], LOOKED_WITHIN), self._node)

    def there(self, argv: Sequence[str], timeout: float) -> Answer:
        words = " ".join(shlex.quote(one) for one in argv)
        return replace(self._host.run([*SSH, self.target, words], timeout=timeout), source="ssh %s" % self.target)

    def end_receivers(self, pids: Sequence[int]) -> None:
        """Whoever may still unpause the copy; the copy stays as it is."""
        self.there(["kill", "-KILL", *(str(pid) for pid in pids)], LOOKED_WITHIN)

    def discard(self, domid: int) -> Answer:
        """Destroy the target's copy, if it was never unpaused until this very moment."""
        return self.there(["python3", "-I", "-c", DISCARD, str(domid), self.uuid], 2 * LOOKED_WITHIN)

    def _seen(self, answer: Answer, node: str) -> Optional[Seen]:
        try:
            if not answer.ok or answer.rc:
                raise NotUnderstood(words(answer))
            seen = parse_look(answer.stdout)
        except NotUnderstood as error:
            self.said = str(error)
            return None
        if node and not same_host(seen.hostname, node):
            self.said = "%s leads to %s, not to %s" % (self.target, seen.hostname, node)
            return None
        return seen


class Here(Ends):
    """The target, by a job that runs there because the source is gone."""

    def __init__(self, host: Host, uuid: VmUuid) -> None:
        super().__init__(host, uuid, "this node", "")

    def there(self, argv: Sequence[str], timeout: float) -> Answer:
        return self._host.run(argv, timeout=timeout)


def words(said: Answer) -> str:
    """A tool's own words, in a line."""
    lines: List[str] = [line.strip() for line in (said.stderr or said.stdout).splitlines() if line.strip()]
    return "; ".join(lines[-5:])[:600] or ("rc %s" % said.rc if said.ok else str(said.problem and said.problem.value))
