# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  zone:
    description:
      - The name of the cluster zone.
      - Where O(columns.node.zone) is mapped, the database's nodes of this zone are the zone's; else all that it has.
    type: str
    required: true
  readings:
    description:
      - The variables in which M(cloudops.hypervisor.xen_vm_info) was registered for each host of the play, the oldest
        first. Nothing is proven off by fewer than two, taken 3 s apart.
    type: list
    elements: str
    default: [vm_where_first, vm_where_second]
  sources:
    description:
      - Where this zone keeps the names of its nodes. A node that one of them lacks, and a source that cannot be read,
        are named as missing, and while they are, nothing is proven off.
      - Where the database cannot be read, the nodes and names of the last verified snapshot that the store has of the
        zone stand for it; see M(cloudops.hypervisor.fleet_snapshot).
      - V(inventory) is every host of the play, whatever C(--limit) says. Leave out V(database) where the zone has no
        uxen database, V(cluster_conf) and V(heartbeat) where it has no OCFS2.
    type: list
    elements: str
    choices: [inventory, database, cluster_conf, heartbeat]
    default: [inventory, database, cluster_conf, heartbeat]
"""
