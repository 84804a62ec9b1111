# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why something was not done."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import phrases_in, restored


class Refusal(Exception):
    """A code and its values, JSON, for programs; a sentence for people, with its phrases beside it."""

    def __init__(self, code: str, said: str, **values: Any) -> None:
        super().__init__(said)
        self.code = code
        self.said = said
        self.values = values

    def as_dict(self) -> Dict[str, Any]:
        return {"code": self.code, "said": self.said, "values": self.values, "phrases": phrases_in(self.said)}


def said_by(refusal: Mapping[str, Any]) -> str:
    """The sentence of one that came over the wire: a phrase again, where it was one."""
    return restored(str(refusal.get("said", "")), refusal.get("phrases") or {})
