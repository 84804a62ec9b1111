# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kind of job is, and what its work is given."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Mapping, Type

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Host
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.refusal import Refusal
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import lease as leases
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.lease import Holder, Lease
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.node_job import (
    BOOT_ID,
    Folder,
    Order,
    Progress,
    newest,
    require_in_time,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import VmUuid

STEP = 0.5


@dataclass(frozen=True)
class Kind:
    """``work(spec, tools)`` returns the result, JSON, or raises :class:`Refusal`; ``spec`` is a frozen dataclass."""

    spec: Type[Any]
    work: Callable[[Any, Tools], Dict[str, Any]]


class Tools:
    """A job's own: its node, its time, its lease and its progress."""

    def __init__(self, host: Host, root: str, order: Order, stopping: Callable[[], bool]) -> None:
        self.host = host
        self.root = root
        self.order = order
        self.stopping = stopping
        self.ends = time.monotonic() + order.timeout
        self.acted = False
        self.warnings: List[str] = []
        self._folder = Folder(root, order.name, host)

    @property
    def left(self) -> float:
        """Seconds until nothing more may be begun."""
        return max(self.ends - time.monotonic(), 0.0)

    def progress(self, step: str, **values: Any) -> None:
        self._folder.set_progress(Progress(step, time.time(), self.acted, values))

    def checkpoint(self) -> None:
        """Go on only if nobody asked to stop and there is time left."""
        if self.stopping():
            raise Refusal("stopped", Phrase("job_stopped"))
        if not self.left:
            raise Refusal("too_late", Phrase("job_time_over", "%.3g" % self.order.timeout), seconds=self.order.timeout)

    def wait(self, seconds: float) -> None:
        """Sleep, at most until it is asked to stop."""
        for _step in range(max(int(seconds / STEP), 1)):
            self.host.wait(min(STEP, seconds))
            if self.stopping():
                return

    def act(self, step: str, lease: Lease, **values: Any) -> None:
        """To be called right before whatever changes something: refused unless this job may still do it."""
        before, self.acted = self.acted, True
        # on the disk first: whoever finds the job lost must take the act for done
        self.progress(step, **values)
        try:
            lease.confirm()
            self.checkpoint()
        except Refusal:
            self.acted = before
            raise

    @contextlib.contextmanager
    def lease(self, volume: str, name: str, local: bool, proven_ended: str) -> Iterator[Lease]:
        """The lease of this name on this volume, until the block ends."""
        order, place = self.order, leases.place(self.host, volume, name, local)
        hostname = self.host.read("/proc/sys/kernel/hostname").stdout.strip()
        boot_id = self.host.read(BOOT_ID).stdout.strip()
        holder = Holder(order.epoch.zone, order.epoch.number, hostname, boot_id, order.name)
        self.progress("lease", path=place.path, scope=place.scope.value)
        require_in_time(order, self.host.now())
        within = self.left if order.not_after is None else min(self.left, order.not_after - self.host.now())
        held = leases.take(place, holder, lambda: newest(self.host, self.root), within, proven_ended, self.checkpoint)
        try:
            yield held
        finally:
            said = held.release()
            if said:
                self.warnings.append("the lease could not be given back in writing: %s" % said)


def require_vm(uuid: str, **paths: str) -> None:
    """Refuse, by its option, what names no VM, or a path with detours."""
    try:
        VmUuid(uuid)
    except ValueError as error:
        raise PolicyError("uuid", str(error)) from None
    for option, path in paths.items():
        if not path.startswith("/") or os.path.normpath(path) != path:
            raise PolicyError(option, "an absolute path without detours is wanted, not %r" % path)


Kinds = Mapping[str, Kind]
