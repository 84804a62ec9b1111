# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
requirements:
  - psycopg (Python package, on the controller)
notes:
  - The options of the uxen database have the names that the collection C(community.postgresql) gives them. Set them
    once with C(module_defaults) for the group C(cloudops.hypervisor.uxen_database).
  - They stay on the controller. Connect to the server itself or to a pooler in session mode. Where an option is not
    set, libpq's own way applies, such as E(PGPASSFILE).
  - The database user needs C(SELECT) on C(pengx_pm), C(pengx_vm) and C(pengx_disk), and to correct ports no more than
    C(UPDATE (vnc_port\)) on C(pengx_vm).
options:
  login_host:
    description: The host of the uxen database. Empty for a Unix socket.
    type: str
    default: ''
  login_unix_socket:
    description: The directory of the server's Unix socket, instead of O(login_host).
    type: path
  login_port:
    description: Its port.
    type: int
    default: 5432
  login_user:
    description: The database user. By default the one that runs the playbook.
    type: str
  login_password:
    description: The user's password.
    type: str
  login_db:
    description: The name of the uxen database.
    type: str
    default: uxenapi_production
  ssl_mode:
    description:
      - How the connection is secured. V(verify-full) alone makes sure that the server is the right one.
    type: str
    choices: [disable, allow, prefer, require, verify-ca, verify-full]
    default: prefer
  ca_cert:
    description: The file of the certificates that may have signed the server's.
    type: path
    aliases: [ssl_rootcert]
  ssl_cert:
    description: The file of the client's own certificate.
    type: path
  ssl_key:
    description: The file of its key.
    type: path
  columns:
    description:
      - Columns this site's tables have beyond those of the runbook, by what they mean. None is assumed.
      - The runbook's are C(uuid), C(pm_uuid) and C(vnc_port) of C(pengx_vm), C(uuid) and C(name) of C(pengx_pm),
        C(uuid), C(vm_uuid) and C(imgtype) of C(pengx_disk).
    type: dict
    default: {}
    suboptions:
      vm:
        description: Columns of C(pengx_vm).
        type: dict
        default: {}
        suboptions:
          name:
            description: The name people call the VM by.
            type: str
          memory:
            description: Its memory in MiB.
            type: str
          wanted_state:
            description: Whether it is to run.
            type: str
          priority:
            description: Which comes first in a recovery.
            type: str
          mac:
            description: Its MAC address.
            type: str
          address:
            description: Its IP address.
            type: str
      node:
        description: Columns of C(pengx_pm).
        type: dict
        default: {}
        suboptions:
          zone:
            description: The name of the cluster zone it belongs to.
            type: str
          address:
            description: Its management address.
            type: str
"""
