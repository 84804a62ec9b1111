# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a block device holds, read from the device itself and not from udev's links or blkid's cache."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, Union

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Host, Missing, Problem, Touches
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood


@dataclass(frozen=True)
class Content:
    """``fstype`` is empty for a device without a file system."""

    fstype: str = ""
    uuid: str = ""
    label: str = ""


def parse_blkid(text: str) -> Content:
    """``blkid -p -o export``: a KEY=value on each line, empty for a device that holds nothing blkid knows."""
    found: Dict[str, str] = {}
    for line in text.split("\n"):
        key, equals, value = line.partition("=")
        if not equals and line.strip():
            raise NotUnderstood(line.strip()[:200])
        found[key] = re.sub(r"\\(.)", r"\1", value)
    return Content(found.get("TYPE", ""), found.get("UUID", ""), found.get("LABEL", ""))


def probe(host: Host, device: str) -> Union[Content, Missing]:
    answer = host.run(["blkid", "-p", "-o", "export", device], timeout=8.0, touches=Touches.DISKS)
    # 2 is "nothing found", and also "could not be read": either way nothing is proven to be there
    if not answer.ok or answer.rc not in (0, 2):
        return answer.missing()
    try:
        return parse_blkid(answer.stdout)
    except NotUnderstood as error:
        return answer.missing(Problem.NOT_UNDERSTOOD, str(error))
