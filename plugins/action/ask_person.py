# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail, AnsiblePromptInterrupt, AnsiblePromptNoninteractive
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import ASK_PERSON
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.store import author

YES = ("yes", "y")
NO = ("no", "n")


class ActionModule(ActionBase):
    """One named thing is asked about. Silence is no answer."""

    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _result, options = self.validate_argument_spec(**ASK_PERSON)
        who = author(task_vars or {}).who
        for word in options["words"]:
            if (word["question"], word["about"]) == (options["question"], options["about"]):
                if not word["reason"].strip():
                    raise AnsibleActionFail(f"words: the answer about {word['about']} has no reason.")
                return {**result, **_answer(who, word["yes"], word["reason"])}
        try:
            return {**result, **_asked(options, who)}
        except AnsiblePromptNoninteractive:
            return {
                **result,
                "changed": False,
                "answered": False,
                "yes": False,
                "who": "",
                "reason": "nobody was asked",
            }
        except AnsiblePromptInterrupt:
            raise AnsibleActionFail("Interrupted while a person was asked: nothing was done with it.") from None


def _answer(who: str, yes: bool, reason: str) -> dict[str, Any]:
    return {"changed": False, "answered": True, "yes": yes, "who": who, "reason": reason}


def _asked(options: dict[str, Any], who: str) -> dict[str, Any]:
    said, reason = "", ""
    question = f"\n{options['text']}\n{options['about']}: yes or no?"
    while said not in (*YES, *NO):
        said = _line(question).lower()
    while not reason:
        reason = _line("Why? It is journalled with your name.")
    return _answer(who, said in YES, reason)


def _line(prompt: str) -> str:
    return bytes(Display().prompt_until(prompt)).decode(errors="replace").strip()
