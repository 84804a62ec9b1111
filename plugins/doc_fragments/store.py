# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  store_url:
    description:
      - Where the store is, as V(postgresql://user@host/database) or V(sqlite:///absolute/path).
      - Without it, the environment variable E(CLOUDOPS_STORE_URL) of the controller is used, and without that the
        SQLite file C($XDG_STATE_HOME/cloudops-hypervisor/store.sqlite3), by default below C(~/.local/state).
      - PostgreSQL serves several controllers, or execution containers that lose their disk when a job ends. It needs
        the Python package C(psycopg) on the controller. A password is better kept in the file that E(PGPASSFILE)
        names; special characters of one in the URL are written as C(%XX).
    type: str
attributes:
  check_mode:
    description: Can run in check mode and says what it would do, without any side effect.
  diff_mode:
    description: Returns what it changed, in diff mode.
  platform:
    description: Where its work is done.
    support: full
    platforms: controller
  action:
    description: Runs on the controller. The host is not connected to.
    support: full
seealso:
  - module: cloudops.hypervisor.journal
  - module: cloudops.hypervisor.journal_info
  - module: cloudops.hypervisor.journal_lock
"""
