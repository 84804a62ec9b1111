# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every module that only reads."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
requirements:
  - Python 3.8 or later on the node, and the node's own tools
attributes:
  check_mode:
    description: Can run in check mode and return what it would otherwise return, changing nothing.
    support: full
  diff_mode:
    description: Returns details on what has changed or would change.
    support: N/A
    details: Nothing is changed.
  idempotent:
    description: A second run changes nothing.
    support: full
options: {}
"""
