# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lab has beside its machines. It is there before they start, and until they have ended."""

from __future__ import annotations

import shutil
from pathlib import Path

from host import run


class Service:
    """``state``: a file or directory that is part of the lab's snapshots."""

    def __init__(self, state: Path | None = None) -> None:
        self._state = state

    def create(self) -> None:
        """Make the state anew."""

    def start(self) -> None:
        """Start its processes."""

    def end(self) -> None:
        """End its processes; none need be there."""

    def snapshots(self) -> set[str] | None:
        """None where there is no state to keep."""
        if self._state is None:
            return None
        return {copy.name.partition("@")[2] for copy in self._state.parent.glob(f"{self._state.name}@*")}

    def save(self, snapshot: str) -> None:
        """Copy the state, which the machines do not change now."""
        if self._state is not None:
            _copy(self._state, self._saved(snapshot))

    def load(self, snapshot: str) -> None:
        """Put a copy in the state's place; no process of the service runs."""
        if self._state is not None:
            _copy(self._saved(snapshot), self._state)

    def _saved(self, snapshot: str) -> Path:
        assert self._state is not None
        return self._state.with_name(f"{self._state.name}@{snapshot}")


def _copy(source: Path, target: Path) -> None:
    remove(target)
    run("cp", "--archive", "--sparse=always", "--reflink=auto", "--no-target-directory", source, target)


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
