# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all unit tests share."""

from __future__ import annotations

import pytest
from hypothesis import settings

# Hypothesis tries the same inputs in every CI run unless told otherwise; here each run tries others.
settings.register_profile("sample", derandomize=False, deadline=None, print_blob=True)
settings.load_profile("sample")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each run of ansible-playbook takes seconds: they are parts of `make test` of their own."""
    for item in items:
        if hasattr(getattr(item, "module", None), "Playbook"):
            item.add_marker("playbook")
