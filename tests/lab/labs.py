# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which labs there are."""

from __future__ import annotations

from lifecycle import Lab
from node_lab import NodeLab
from xen_lab import XenLab

LABS: dict[str, type[Lab]] = {"node": NodeLab, "xen": XenLab}
