# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where paths lead on this node, through links: to which file, on which file system, or to nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Iterable, Mapping, Optional, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Host, Missing, Problem, Touches
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.readings import first_line

# any Python 3 of the node
RESOLVE = """\
import json, os, stat, sys
kinds = ((stat.S_ISREG, "file"), (stat.S_ISBLK, "device"), (stat.S_ISDIR, "folder"))
found = []
for path in json.loads(sys.argv[1]):
    real, answer = os.path.realpath(path), {}
    try:
        seen = os.stat(path)
        kind = next((name for test, name in kinds if test(seen.st_mode)), "other")
        number = "%d:%d" % (os.major(seen.st_dev), os.minor(seen.st_dev))
        answer = {"kind": kind, "number": number, "inode": seen.st_ino, "size": seen.st_size}
        if kind == "file":
            os.close(os.open(path, os.O_RDONLY))
    except OSError as error:
        answer["problem"] = error.strerror
    found.append(dict(answer, path=path, real=real))
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Place:
    """``real``: behind all links; ``kind``: file, device, folder, other, or empty where nothing is there.

    ``number``: major:minor of its file system; ``problem``: why it cannot be read.
    """

    path: str
    real: str
    kind: str = ""
    number: Optional[str] = None
    inode: Optional[int] = None
    size: Optional[int] = None
    problem: str = ""


def parse_places(text: str) -> Tuple[Place, ...]:
    """What ``RESOLVE`` prints."""
    try:
        return tuple(_place(one) for one in json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        raise NotUnderstood(first_line(text)) from None


def _place(one: Mapping[str, Any]) -> Place:
    number, inode, size = one.get("number"), one.get("inode"), one.get("size")
    return Place(
        str(one["path"]),
        str(one["real"]),
        str(one.get("kind", "")),
        None if number is None else str(number),
        None if inode is None else int(inode),
        None if size is None else int(size),
        str(one.get("problem", "")),
    )


def probe(host: Host, paths: Iterable[str], touches: Touches) -> Tuple[Tuple[Place, ...], Tuple[Missing, ...]]:
    """The places in the order of the paths; none of them where they could not be looked for."""
    wanted = list(dict.fromkeys(paths))
    if not wanted:
        return (), ()
    answer = host.run(["python3", "-I", "-S", "-c", RESOLVE, json.dumps(wanted)], timeout=15.0, touches=touches)
    answer = replace(answer, source="where %s lead" % ", ".join(wanted))
    if not answer.ok or answer.rc:
        return (), (answer.missing(),)
    try:
        return parse_places(answer.stdout), ()
    except NotUnderstood as error:
        return (), (answer.missing(Problem.NOT_UNDERSTOOD, str(error)),)
