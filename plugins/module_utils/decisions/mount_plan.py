# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of /etc/fstab may be mounted now. Source: docs/rules.md, rule 48: the right device, and nothing hidden below.

An entry is mounted only on proof. It waits for the one above it, whose folder is not there to be looked at before.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.mount_table import lies_on

NFS = ("nfs", "nfs4")
IN_MEMORY = ("tmpfs", "ramfs")
OCFS2 = "ocfs2"


class State(str, enum.Enum):
    MOUNTED = "mounted"
    MOUNT = "mount"
    WAITS = "waits"
    REFUSED = "refused"


@dataclass(frozen=True)
class Signature:
    """What a device itself says it holds."""

    fstype: str
    uuid: str = ""
    label: str = ""


@dataclass(frozen=True)
class Entry:
    """One entry of fstab and what is known of it; None: it was not read.

    ``device``: the path of the device the source leads to, empty when there is none. ``server``: it answers.
    ``folder``: names of files in the mount point, empty when it is an empty folder.
    ``mounted``: what is mounted there; ``right``: it is the source's device and type and nothing covers it.
    """

    path: str
    source: str
    fstype: str
    mounted: str = ""
    right: bool = False
    bind: bool = False
    device: Optional[str] = None
    signature: Optional[Signature] = None
    server: Optional[bool] = None
    folder: Optional[Tuple[str, ...]] = None
    folder_there: bool = True


@dataclass(frozen=True)
class Step:
    """``why``: for a refusal the one missing proof; for a wait the entry it waits for."""

    path: str
    source: str
    state: State
    why: str = ""


def plan(entries: Sequence[Entry], o2cb: str = "") -> Tuple[Step, ...]:
    """A step an entry, parents first. ``o2cb``: why the cluster may not be trusted, empty when it may."""
    steps: List[Step] = []
    for entry in sorted(entries, key=lambda one: one.path.rstrip("/").split("/")):
        over = [step for step in steps if step.path != entry.path and lies_on(entry.path, step.path)]
        above = [step for step in over if step.state is not State.MOUNTED]
        state, why = _decide(entry, above[-1] if above else None, o2cb)
        steps.append(Step(entry.path, entry.source, state, why))
    return tuple(steps)


def _decide(entry: Entry, above: Optional[Step], o2cb: str) -> Tuple[State, str]:
    if entry.mounted:
        if entry.right:
            return State.MOUNTED, ""
        return State.REFUSED, "something else is mounted there: %s" % entry.mounted
    if above is not None and above.state is State.REFUSED:
        return State.REFUSED, "%s, which it lies in, is refused" % above.path
    refusal = _source_refusal(entry, o2cb)
    if refusal:
        return State.REFUSED, refusal
    if above is not None:
        return State.WAITS, above.path
    refusal = _folder_refusal(entry)
    return (State.REFUSED, refusal) if refusal else (State.MOUNT, "")


def _source_refusal(entry: Entry, o2cb: str) -> str:
    if entry.bind:
        return "a bind mount is not brought back by this collection"
    if entry.fstype in IN_MEMORY:
        return ""
    if entry.fstype in NFS:
        if entry.server:
            return ""
        return "its server %s" % ("does not answer" if entry.server is False else "could not be asked")
    refusal = _device_refusal(entry)
    if not refusal and entry.fstype == OCFS2 and o2cb:
        return "o2cb is not ready: %s" % o2cb
    return refusal


def _device_refusal(entry: Entry) -> str:
    if entry.device is None:
        return "%s names no device that can be proven" % entry.source
    if not entry.device:
        return "there is no device %s" % entry.source
    if entry.signature is None:
        return "what %s holds could not be read" % entry.device
    found, (tag, equals, value) = entry.signature, entry.source.partition("=")
    if entry.fstype not in ("auto", found.fstype):
        return "%s holds %s, not %s" % (entry.device, found.fstype or "nothing that blkid knows", entry.fstype)
    meant = value.strip("\"'")
    held = {"UUID": found.uuid, "LABEL": found.label}.get(tag) if equals else None
    if held is not None and held.lower() != meant.lower():
        return "%s has %s %s, not %s" % (entry.device, tag, held or "none", meant)
    return ""


def _folder_refusal(entry: Entry) -> str:
    if not entry.folder_there:
        return "there is no folder %s" % entry.path
    if entry.folder is None:
        return "whether %s is empty could not be read" % entry.path
    if entry.folder:
        return "the folder is not empty: %s" % ", ".join(entry.folder)
    return ""
