# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Once for the whole play: Ansible validates a role with one more task for every host, and a misspelt name passes."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.dict_transformations import dict_merge
from ansible.plugins.action import ActionBase

from ansible_collections.cloudops.hypervisor.plugins.module_utils import examination
from ansible_collections.cloudops.hypervisor.plugins.module_utils.clients.controller_options import ROLE_OPTIONS
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _result, options = self.validate_argument_spec(**ROLE_OPTIONS)
        role = self._task._role
        if role is None:
            raise AnsibleActionFail("role_options is a task of a role.")
        specs = yaml.safe_load(Path(role._role_path, "meta", "argument_specs.yml").read_text(encoding="utf-8"))
        spec = specs["argument_specs"][options["entry_point"]]["options"]
        known = {name for one in specs["argument_specs"].values() for name in one["options"]} | {*options["results"]}
        refused: list[str] = []
        for host, variables in self._hosts(task_vars or {}, set(spec)):
            given = ArgumentSpecValidator(spec).validate({name: variables[name] for name in spec if name in variables})
            said = [*_misspelt(variables, role.get_name(include_role_fqcn=False), known), *given.error_messages]
            # what has the wrong form is not judged by its meaning
            said = said or [*_impossible(options, given.validated_parameters)]
            refused += [f"{host}: {text}" for text in said]
        if refused:
            raise AnsibleActionFail("Nothing was run. " + "\n".join(dict.fromkeys(refused)))
        return {**result, "changed": False}

    def _hosts(self, task_vars: Mapping[str, Any], wanted: set[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """The role's variables as each host of the play has them; a default of the role is the same for all."""
        here = task_vars["inventory_hostname"]
        for host in task_vars["ansible_play_hosts"]:
            given: Mapping[str, Any] = task_vars if host == here else task_vars["hostvars"][host]
            variables: dict[str, Any] = {}
            for name in {*given, *wanted}:
                if not isinstance(name, str):
                    continue
                if name not in wanted:
                    variables[name] = None
                elif name in given or name in task_vars:
                    variables[name] = self._value(host, name, given if name in given else task_vars)
            yield host, variables

    def _value(self, host: str, name: str, variables: Mapping[str, Any]) -> Any:
        try:
            return self._templar.template(variables[name])
        except AnsibleError as error:
            raise AnsibleActionFail(f"Nothing was run. {host}: {name}: {error}") from None


def _misspelt(variables: Mapping[str, Any], role: str, known: set[str]) -> Iterator[str]:
    for name in sorted(variables):
        if name.startswith(f"{role}_") and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            yield f"{name}: the role has no such variable" + (f"; is {near[0]} meant?" if near else "")


def _impossible(options: Mapping[str, Any], variables: Mapping[str, Any]) -> Iterator[str]:
    """What node_health would refuse, by the names of the role's variables."""
    given = {name: variables[name] for name in options["policies"] if variables.get(name)}
    for option, names in {options["checks"]: variables.get(options["checks"]) or [], **given}.items():
        for name in names:
            if name not in examination.CHECKS:
                yield f"{option}: {name}: no such check; there are {', '.join(examination.CHECKS)}"
    said = _refused(statuses=variables.get(options["statuses"]) or {})
    if said:
        yield f"{options['statuses']}: {said.removeprefix('statuses.')}"
    said = _refused(policy=functools.reduce(dict_merge, given.values(), {}))
    if said:
        to_blame = [name for name, policy in given.items() if _refused(policy=policy) == said] or [*given]
        yield f"{' with '.join(to_blame)}: {said.removeprefix('policy.')}"


def _refused(**options: Any) -> str:
    try:
        examination.order({"checks": list(examination.CHECKS), "timeout": 1.0, **options})
    except PolicyError as error:
        return str(error)
    return ""
