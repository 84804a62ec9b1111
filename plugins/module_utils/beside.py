# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work beside other work."""

from __future__ import annotations

import threading
from typing import Callable, Generic, List, TypeVar, Union

T = TypeVar("T")
U = TypeVar("U")


class Beside(Generic[T]):
    """Work that begins at once, in a thread that keeps nobody: the process may end before it does."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._given: List[T] = []
        self._thread = threading.Thread(target=lambda: self._given.append(work()), daemon=True)
        self._thread.start()

    def result(self, within: float, otherwise: U) -> Union[T, U]:
        """What it gave, or ``otherwise`` where it gave nothing ``within`` so many seconds."""
        self._thread.join(within)
        return self._given[0] if self._given else otherwise
