# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: tell
short_description: Tell somebody
description:
  - Sends a message to mail, chat or pager, by apprise.
  - Nobody to be told, or a message that was not delivered, is no failure of the task. What is being done goes on, and
    RV(untold) says what was not delivered.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
requirements:
  - The Python package apprise on the controller
attributes:
  check_mode:
    description: Looks whether the addresses can be meant, and sends nothing.
    support: full
  diff_mode:
    description: Returns what it changed, in diff mode.
    support: none
  platform:
    description: Where its work is done.
    support: full
    platforms: controller
  action:
    description: Runs on the controller. The host is not connected to.
    support: full
options:
  to:
    description: Addresses as apprise has them, such as V(mailto://...) or V(slack://...). They may hold passwords.
    type: list
    elements: str
    required: true
  title:
    description: The subject.
    type: str
    required: true
  text:
    description: The message.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Say that a node was fenced
  cloudops.hypervisor.tell:
    to: "{{ on_call_addresses }}"
    title: n2 of zone-a was powered off
    text: 12 VMs are started elsewhere. See playbooks/ha_status.yml.
"""

RETURN = r"""
told:
  description: How many were told.
  returned: success
  type: int
  sample: 1
untold:
  description: Which were not, by their place in O(to), and why.
  returned: success
  type: list
  elements: str
  sample: ["to[2]: not delivered"]
"""
