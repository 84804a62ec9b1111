# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the boot check must say of each fault. Anything else that is not ok fails the test.

A finding is written as its code; one that any check may have, with its check: ``lvm.reading_blocked``.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from topology import NODES, peer


@dataclass(frozen=True)
class Expectation:
    """``here``: what must be found on the node the fault is made on; ``peer``: on the other one.

    ``may`` and ``peer_may``: true consequences, which depend on the moment. ``alone``: it takes the node down, or
    what it does forbids other readings, so that it is not made together with others.
    """

    fault: str
    family: str
    here: frozenset[str]
    peer: frozenset[str]
    may: frozenset[str]
    peer_may: frozenset[str]
    alone: bool


def _row(
    fault: str, family: str, here: str, may: str = "", peer: str = "", peer_may: str = "", alone: bool = False
) -> Expectation:
    words = (frozenset(text.split()) for text in (here, peer, may, peer_may))
    return Expectation(fault, family, *words, alone)


_ALL_BLOCKED = "lvm.reading_blocked o2cb.reading_blocked mounts.reading_blocked"
_DATA_BLOCKED = "mounts.reading_blocked"
_REBOOTED = "boot_unclean_shutdown"
_REFUSED = "o2cb_peer_not_connected o2cb_peer_absent kernel_log_peer_lost"
_PEER_GONE = "o2cb_peer_absent o2cb_peer_not_connected o2cb_peer_heartbeat_standing o2cb_slot_stale network_peer_down"

EXPECTATIONS = {
    row.fault: row
    for row in (
        _row(
            "path_lost",
            "multipath",
            # the portal is the only one asked on that network: whether it or the node is cut off cannot be told
            here="multipath_paths_failed network_peer_down",
            # the two maps over one path fail it one after the other
            may="multipath_sources_disagree multipath_path_not_ready kernel_log_io_error",
        ),
        _row("path_missing", "multipath", here="multipath_paths_missing"),
        _row("path_ghost", "multipath", here="multipath_path_ghost", peer="multipath_path_ghost"),
        _row(
            "all_paths_lost",
            "multipath",
            here=f"multipath_queueing_without_paths {_ALL_BLOCKED}",
            may="kernel_log_io_error kernel_log_hung_task multipath_sources_disagree multipath.reading_blocked "
            "boot.reading_blocked",
            alone=True,
        ),
        _row(
            "all_paths_lost_failing",
            "multipath",
            here="multipath_all_paths_failed lvm_nothing_reported",
            may="kernel_log_io_error multipath_sources_disagree",
            alone=True,
        ),
        _row(
            "storage_lost",
            "multipath",
            here=f"multipath_queueing_without_paths network_peer_down {_ALL_BLOCKED}",
            may="kernel_log_io_error multipath_sources_disagree multipath.reading_blocked boot.reading_blocked "
            "o2cb_heartbeat_late",
            peer_may=f"{_PEER_GONE} {_DATA_BLOCKED}",
            alone=True,
        ),
        _row("multipathd_stopped", "multipath", here="multipath_daemon_down"),
        _row("pv_gone", "lvm", here="lvm_pv_missing", may="multipath_map_missing"),
        _row("slave_down", "bonding", here="bonding_slave_down"),
        _row(
            "both_slaves_down",
            "bonding",
            here="bonding_all_slaves_down network_peer_down",
            may="network_isolated network_link_down",
            peer="network_peer_down",
            # nobody else is heard either: a second user of the address, say
            alone=True,
        ),
        _row(
            "cable_pulled",
            "network",
            here="network_link_down network_peer_down",
            peer="network_peer_down",
        ),
        _row("duplicate_address", "network", here="network_duplicate_address", peer_may="network_loss"),
        _row("gateway_gone", "network", here="network_gateway_down", peer="network_gateway_down"),
        _row("ovs_port_missing_device", "openvswitch", here="openvswitch_interface_error"),
        _row("ovs_daemon_killed", "openvswitch", here="openvswitch_database_down", may="boot_units_failed"),
        _row("node_unreachable", "node", here="node_unreachable", peer_may="network_peer_down", alone=True),
        _row("node_unreachable_mid_check", "node", here="node_unreachable", alone=True),
        _row("nfs_dead", "mounts", here="mounts_server_dead"),
        _row("data_full", "mounts", here="mounts_full", peer="mounts_full"),
        _row("read_only", "mounts", here="mounts_read_only"),
        _row("fstab_not_mounted", "mounts", here="mounts_fstab_not_mounted"),
        _row("files_hidden_below", "mounts", here="mounts_hidden_files"),
        _row(
            "o2cb_offline",
            "o2cb",
            here="o2cb_offline mounts_fstab_not_mounted",
            may=_DATA_BLOCKED,
            peer="o2cb_peer_absent",
            alone=True,
        ),
        _row(
            "o2cb_peer_cut",
            "o2cb",
            here=f"o2cb_peer_not_connected network_peer_down {_DATA_BLOCKED}",
            may="network_isolated kernel_log_peer_lost boot.reading_blocked",
            peer=f"o2cb_peer_not_connected network_peer_down {_DATA_BLOCKED}",
            peer_may="network_isolated kernel_log_peer_lost boot.reading_blocked",
            alone=True,
        ),
        _row(
            "o2cb_peer_crashed",
            "o2cb",
            here="node_unreachable",
            peer="network_peer_down",
            peer_may=f"{_PEER_GONE} {_DATA_BLOCKED} kernel_log_peer_lost boot.reading_blocked",
            alone=True,
        ),
        _row("o2cb_threshold_pending", "o2cb", here="o2cb_setting_pending"),
        _row(
            "o2cb_threshold_unequal",
            "o2cb",
            here="o2cb_settings_differ_between_nodes mounts_fstab_not_mounted",
            # a mount that was refused has ended its heartbeat
            may=f"o2cb_setting_not_as_policy o2cb_heartbeat_inactive {_REFUSED} {_DATA_BLOCKED}",
            peer="o2cb_settings_differ_between_nodes",
            peer_may=f"{_REFUSED} {_DATA_BLOCKED}",
            alone=True,
        ),
        _row("nginx_down", "services", here="services_nginx_down"),
        _row("api_down", "services", here="services_api_down services_http_error"),
        _row("api_as_root", "services", here="services_api_wrong_user"),
        _row("port80_hangs", "services", here="services_http_hangs"),
        _row("clock_off", "time", here="time_differs time_offset_high", may="time_kernel_unsynchronised"),
        _row("time_source_gone", "time", here="time_server_silent", may="time_unsynchronised"),
        _row("kernel_xenballooned_page", "kernel_log", here="kernel_log_balloon"),
        _row("kernel_o2net", "kernel_log", here="kernel_log_peer_lost"),
        _row("kernel_hung_task", "kernel_log", here="kernel_log_hung_task"),
        _row("kernel_oom", "kernel_log", here="kernel_log_oom", may="boot_units_failed"),
        _row("kernel_io_error", "kernel_log", here="kernel_log_io_error"),
        _row("kernel_mce", "kernel_log", here="kernel_log_machine_check"),
        _row("kernel_oops", "kernel_log", here="kernel_log_oops"),
        _row("kernel_qemu_oops", "kernel_log", here="kernel_log_qemu_oops"),
        _row(
            "crash_previous_boot",
            "boot",
            here=f"kernel_log_balloon_before {_REBOOTED}",
            # what a panic says itself is seldom on disk when the node stops
            may="kernel_log_panic_before",
            peer_may="kernel_log_peer_lost",
            alone=True,
        ),
        _row("unclean_reboot", "boot", here=_REBOOTED, peer_may="kernel_log_peer_lost", alone=True),
        _row("autostart_without_gate", "boot", here="boot_autostart_without_gate"),
    )
}


# In this order faults do not stand in each other's way; they are repaired in the reverse one.
FAMILIES = (
    *("kernel_log", "boot", "lvm", "multipath", "o2cb", "mounts"),
    *("services", "bonding", "network", "openvswitch", "time"),
)
BATCHES = 2


def batches(seed: int) -> list[list[tuple[str, str]]]:
    """Samples of (fault, node) to be made together: one of each family, in each batch another one if there are more."""
    dice = random.Random(seed)
    made: list[list[tuple[str, str]]] = [[] for _number in range(BATCHES)]
    for family in FAMILIES:
        fit = [row.fault for row in EXPECTATIONS.values() if row.family == family and not row.alone]
        dice.shuffle(fit)
        for batch, fault in zip(made, fit, strict=False):
            batch.append((fault, dice.choice(NODES).name))
    return made


def contradictions(faults: Iterable[tuple[str, str]], found: Mapping[str, set[str]]) -> list[str]:
    """What the check said of these (fault, node) and should not have, or left out. Empty: all as written down."""
    must: dict[str, set[str]] = {node.name: set() for node in NODES}
    may: dict[str, set[str]] = {node.name: set() for node in NODES}
    for fault, node in faults:
        row = EXPECTATIONS[fault]
        must[node] |= row.here
        may[node] |= row.may
        must[peer(node).name] |= row.peer
        may[peer(node).name] |= row.peer_may
    return [f"{node}: {code} is missing" for node in must for code in sorted(must[node] - found[node])] + [
        f"{node}: {code} was not expected" for node in must for code in sorted(found[node] - must[node] - may[node])
    ]
