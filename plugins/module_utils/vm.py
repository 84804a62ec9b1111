# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What names a VM and its console, each as a type of its own: rule 9 of docs/rules.md.

The database and the ``.cfg`` hold a VNC display (50), xenstore, QMP and sockets a TCP port (5950). The two never
compare equal and have no order between them, so that one cannot be taken for the other. Garbage is a ValueError that
names it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Type, TypeVar

VNC_BASE = 5900
LAST_PORT = 65535

_Numbered = TypeVar("_Numbered", bound="_Number")


class VmUuid(str):
    """A UUID as xenstore writes it: lower case, with its hyphens."""

    def __new__(cls, text: str) -> VmUuid:
        lowered = str(text).strip().lower()
        if not re.match(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", lowered):
            raise ValueError("not a UUID: %r" % (text,))
        return super().__new__(cls, lowered)


class Mac(str):
    """An Ethernet address: lower case, with colons."""

    def __new__(cls, text: str) -> Mac:
        lowered = str(text).strip().lower().replace("-", ":")
        if not re.match(r"^[0-9a-f]{2}(:[0-9a-f]{2}){5}\Z", lowered):
            raise ValueError("not a MAC address: %r" % (text,))
        return super().__new__(cls, lowered)


@dataclass(frozen=True, order=True)
class _Number:
    number: int

    SMALLEST: ClassVar[int]
    LARGEST: ClassVar[int]

    def __post_init__(self) -> None:
        if not self.SMALLEST <= self.number <= self.LARGEST:
            raise ValueError("not a VNC %s: %r" % (type(self).__name__.lower(), self.number))

    @classmethod
    def of(cls: Type[_Numbered], value: object) -> _Numbered:
        """From a whole number or its decimal text, as a database, a file or xenstore may hold it."""
        if isinstance(value, str) and re.match(r"^[0-9]{1,9}\Z", value.strip()):
            return cls(int(value))
        if isinstance(value, int) and not isinstance(value, bool):
            return cls(value)
        raise ValueError("not a VNC %s: %r" % (cls.__name__.lower(), value))

    def __str__(self) -> str:
        return str(self.number)


class Display(_Number):
    """A VNC display: 50."""

    SMALLEST = 0
    LARGEST = LAST_PORT - VNC_BASE

    @property
    def port(self) -> Port:
        return Port(VNC_BASE + self.number)


class Port(_Number):
    """The TCP port of a VNC display: 5950."""

    SMALLEST = VNC_BASE
    LARGEST = LAST_PORT

    @property
    def display(self) -> Display:
        return Display(self.number - VNC_BASE)
