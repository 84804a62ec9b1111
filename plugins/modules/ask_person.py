# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ask_person
short_description: Ask a person about one named thing
description:
  - Shows what is asked, takes yes or no and the reason, and returns both with the person's name, to be journalled.
  - Without a terminal nobody is asked, and that is no answer. An answer may be given beforehand with O(words), for this
    question about this thing and nothing else.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
attributes:
  check_mode:
    description: Can run in check mode, and asks.
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
  question:
    description: Which question it is, in one word.
    type: str
    required: true
  about:
    description: The one thing that it is about.
    type: str
    required: true
  text:
    description: What the person reads.
    type: str
    required: true
  words:
    description: Answers given beforehand. One for another question, or about another thing, is not taken.
    type: list
    elements: dict
    default: []
    suboptions:
      question:
        description: The question it answers.
        type: str
        required: true
      about:
        description: What it is about.
        type: str
        required: true
      'yes':
        description: The answer.
        type: bool
        required: true
      reason:
        description: Why.
        type: str
        required: true
"""

EXAMPLES = r"""
- name: Is it off?
  cloudops.hypervisor.ask_person:
    question: 'off'
    about: n1
    text: The BMC of n1 is silent. Is it off, and how is it kept off?
  register: word
  run_once: true
"""

RETURN = r"""
answered:
  description: Whether there is an answer.
  returned: success
  type: bool
  sample: true
'yes':
  description: The answer; false without one.
  returned: success
  type: bool
  sample: true
who:
  description: Who gave it, empty without one.
  returned: success
  type: str
  sample: kim
reason:
  description: Why, or why there is none.
  returned: success
  type: str
  sample: I pulled both plugs.
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import ASK_PERSON


def main() -> None:
    AnsibleModule(supports_check_mode=True, **ASK_PERSON).fail_json(
        msg="This works on the controller: call it as cloudops.hypervisor.ask_person in a task, not directly."
    )


if __name__ == "__main__":
    main()
