# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's end_role ends at the end of the first role imported behind it, and goes on with the tasks after that."""

from __future__ import annotations

from pathlib import Path

import pytest

ROLES = sorted((Path(__file__).resolve().parents[3] / "roles").iterdir())


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_role_that_ends_itself_imports_no_other(role: Path) -> None:
    tasks = "\n".join(path.read_text() for path in (role / "tasks").glob("*.yml"))
    assert not ("meta: end_role" in tasks and "import_role" in tasks)
