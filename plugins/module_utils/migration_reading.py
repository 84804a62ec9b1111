# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One end of a migration that is about to be: the body of M(cloudops.hypervisor.migration_end_info)."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Mapping

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import LocalHost, Problem, Touches
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood, plain
from ansible_collections.cloudops.hypervisor.plugins.module_utils.host_names import is_address, is_name
from ansible_collections.cloudops.hypervisor.plugins.module_utils.mount_table import MOUNTINFO, parse_mountinfo
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import image_openers, migration_end


def argument_spec() -> Dict[str, Any]:
    """The options of M(cloudops.hypervisor.migration_end_info)."""
    return {
        "files": {"type": "list", "elements": "str", "default": []},
        "peer": {"type": "str", "default": ""},
        "timeout": {"type": "float", "default": 60.0},
    }


def meant(params: Mapping[str, Any]) -> None:
    """PolicyError names the option that cannot be meant."""
    for path in params["files"]:
        if not path.startswith("/") or "\n" in path:
            raise PolicyError("files", "an absolute path is wanted, not %r" % path)
    peer = params["peer"]
    if peer and not (is_name(peer) or is_address(peer)):
        raise PolicyError("peer", "a host's name or address is wanted, not %r" % peer)


def answer(params: Mapping[str, Any]) -> Dict[str, Any]:
    """``{node, features, bridges, model, ssh, files, missing}``, as JSON has it."""
    meant(params)
    return read(LocalHost().until(time.monotonic() + params["timeout"]), params)


def read(host: LocalHost, params: Mapping[str, Any]) -> Dict[str, Any]:
    facts = migration_end.probe(host, params["peer"])
    missing = list(facts.missing)
    table = host.read(MOUNTINFO)
    try:
        mounts = parse_mountinfo(table.stdout)
    except NotUnderstood as error:
        mounts = ()
        missing.append(table.missing(Problem.NOT_UNDERSTOOD, str(error)))
    # links may lead from anywhere onto the cluster's volume
    found, lost = image_openers.stat_files(host, params["files"], Touches.OCFS2)
    by_number = {one.number: one for one in reversed(mounts)}
    files: List[Dict[str, Any]] = [
        {"path": one.path, "found": one.inode is not None, "mount": _place(by_number, one.number)} for one in found
    ]
    names = ("/proc/sys/kernel/hostname", "/proc/sys/kernel/random/boot_id")
    hostname, boot_id = (host.read(path).stdout.strip() for path in names)
    told: Dict[str, Any] = plain(
        {
            "node": {"hostname": hostname, "boot_id": boot_id},
            "features": facts.features,
            "bridges": facts.bridges,
            "model": facts.model,
            "ssh": facts.ssh,
            "files": files,
            "missing": (*missing, *lost),
        }
    )
    return told


def _place(mounts: Mapping[str, Any], number: Any) -> Any:
    return mounts[number].path if number in mounts else None
