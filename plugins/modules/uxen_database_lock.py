# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: uxen_database_lock
short_description: Lock a zone in the uxen database against a second controller
description:
  - M(cloudops.hypervisor.journal_lock) keeps off the runs that share its store. Controllers with stores of their own
    share no more than the uxen database. This holds an advisory lock there, so that they know of each other.
  - A second run is refused and told who holds the zone, since when, and for what. A database user who may not see the
    holder's session is told the person and the controller alone.
  - The lock is held by a process on the controller, until it is freed or the C(ansible-playbook) process ends. It ends
    with its session, so a restart of the database frees it. Whatever writes there takes it again or is refused.
  - It keeps off this collection's runs, never the uxen API.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
extends_documentation_fragment: cloudops.hypervisor.uxen_database
attributes:
  check_mode:
    description: Can run in check mode and says what it would do, without any side effect.
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
  zone:
    description: The name of the cluster zone.
    type: str
    required: true
  state:
    description:
      - V(held) takes the lock, or keeps it if this run has it.
      - V(free) gives it up. Nothing is done if nobody has it; another run's is refused.
    type: str
    choices: [held, free]
    default: held
  what:
    description: What it is needed for, told to whoever is refused. Required with O(state=held).
    type: str
seealso:
  - module: cloudops.hypervisor.journal_lock
"""

EXAMPLES = r"""
- name: Work on the zone alone, whichever controller asks
  cloudops.hypervisor.uxen_database_lock:
    zone: zone-a
    what: recovery of node07
    login_host: db.example
    login_user: cloudops
  run_once: true

- name: Let others at it again
  cloudops.hypervisor.uxen_database_lock:
    zone: zone-a
    state: free
    login_host: db.example
    login_user: cloudops
  run_once: true
"""

RETURN = r"""
lock:
  description: The lock as held, null if it is free. Taken in check mode, it has no session.
  returned: success
  type: dict
  contains:
    zone:
      description: What is locked.
      returned: success
      type: str
      sample: zone-a
    who:
      description: The person.
      returned: success
      type: str
      sample: kim
    host:
      description: The controller.
      returned: success
      type: str
      sample: controller1
    run:
      description: The start of the playbook that holds it.
      returned: success
      type: str
      sample: awx-1204
    what:
      description: What it is needed for.
      returned: success
      type: str
      sample: recovery of node07
    since:
      description: Since when, in UTC, by the database's clock.
      returned: success
      type: str
      sample: '2026-01-31T09:00:00Z'
    session:
      description: The process id of its session on the database server.
      returned: success
      type: int
      sample: 4242
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import UXEN_DATABASE_LOCK


def main() -> None:
    AnsibleModule(**UXEN_DATABASE_LOCK, supports_check_mode=True).fail_json(
        msg="This works on the controller: call it as cloudops.hypervisor.uxen_database_lock in a task, not directly."
    )


if __name__ == "__main__":
    main()
