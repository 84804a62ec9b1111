# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A reading module's body, run on a node in one round trip and without Ansible's own module code.

Every module that Ansible starts compiles ``ansible.module_utils.basic`` on the node: about 0.2 s of CPU, more than all
readings together. Here the node gets the body alone: the function ``answer(params)`` of one of module_utils' files with
the files it imports, as one program on the standard input of ``python3 -``. Nothing is written on the node. The
ordinary module stays beside it for every connection that cannot take a program this way (no pipelining, async).
"""

from __future__ import annotations

import ast
import base64
import json
import os
import shlex
import tempfile
import time
import zlib
from pathlib import Path

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

MODULE_UTILS = Path(__file__).resolve().parent.parent / "module_utils"
PACKAGE = "ansible_collections.cloudops.hypervisor.plugins.module_utils"
RESULT = "cloudops.hypervisor result: "
TOO_OLD = 86

# the node's Python may be any: the first lines are understood by all of them
_PROGRAM = """\
import sys
if sys.version_info < (3, 8):
    sys.stderr.write("Python 3.8 or later is needed on the node; this is %%s" %% sys.version.split()[0])
    sys.exit(%(too_old)d)
import base64, json, os, types, zlib
def package(name):
    if name not in sys.modules:
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = []
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(package(parent), child, sys.modules[name])
    return sys.modules[name]
for name, source in json.loads(zlib.decompress(base64.b64decode("%(sources)s"))):
    module = types.ModuleType(name)
    parent, _, child = name.rpartition(".")
    setattr(package(parent), child, module)
    sys.modules[name] = module
    exec(compile(source, name, "exec", dont_inherit=True), module.__dict__)
answer = module.answer(json.loads(base64.b64decode("%(params)s")))
sys.stdout.write("\\n%(result)s" + json.dumps(answer) + "\\n")
sys.stdout.flush()
os._exit(0)
"""

# a child that hangs in the kernel has its own session and no share in these streams: the end is not held up by it
COMMAND = "exec $(command -v /usr/bin/python3 || command -v python3 || echo python3) -I -S -"


def program(module: str, params: dict, cache: str | None = None) -> str:
    """The program for ``PACKAGE.module``; ``cache`` is a folder that lives as long as the run."""
    values = {
        "sources": _sources(module, cache),
        "params": base64.b64encode(json.dumps(params).encode()).decode(),
        "result": RESULT,
        "too_old": TOO_OLD,
    }
    return _PROGRAM % values


def result(stdout: str) -> dict | None:
    """What the program printed, whatever a login shell printed around it; None when it never came so far."""
    for line in stdout.splitlines():
        if line.startswith(RESULT):
            try:
                return json.loads(line[len(RESULT) :])
            except ValueError:
                return None
    return None


def _sources(module: str, cache: str | None) -> str:
    kept = Path(cache) / f"cloudops-hypervisor-{module}" if cache else None
    if kept is not None and kept.exists():
        return kept.read_text(encoding="ascii")
    ordered: dict[str, str] = {}
    _collect(f"{PACKAGE}.{module}", ordered)
    packed = base64.b64encode(zlib.compress(json.dumps(list(ordered.items())).encode(), 9)).decode()
    if kept is not None:
        with tempfile.NamedTemporaryFile("w", dir=cache, delete=False, encoding="ascii") as stream:
            stream.write(packed)
        os.replace(stream.name, kept)
    return packed


def _collect(name: str, ordered: dict[str, str]) -> None:
    """The file and, before it, every file of module_utils it imports."""
    path = MODULE_UTILS.joinpath(*name[len(PACKAGE) + 1 :].split(".")).with_suffix(".py")
    if name in ordered or not path.is_file():
        return
    source = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(PACKAGE):
            _collect(node.module, ordered)
            for alias in node.names:
                _collect(f"{node.module}.{alias.name}", ordered)
    ordered[name] = source


class OneTripAction(ActionBase):
    """The action of a reading module whose body is ``module_utils/<body>.py``; it falls back to the module itself."""

    body = ""
    _supports_async = True

    def options(self) -> dict:
        """The validated options; raises AnsibleActionFail before the node is asked anything."""
        raise NotImplementedError

    def run(self, tmp: str | None = None, task_vars: dict | None = None) -> dict:
        task_vars = task_vars or {}
        super().run(tmp, task_vars)
        params = self.options()
        if self._task.async_val or not self._is_pipelining_enabled("new"):
            return self._execute_module(task_vars=task_vars, wrap_async=bool(self._task.async_val))
        started = time.time()
        sent = program(self.body, params, constants.DEFAULT_LOCAL_TMP)
        given = self._low_level_execute_command(self._command(task_vars), in_data=sent.encode())
        answer = result(given["stdout"])
        if answer is not None:
            return {"changed": False, **answer, "clock": {"asked": started, "answered": time.time()}}
        if given["rc"] == TOO_OLD:
            raise AnsibleActionFail(given["stderr"].strip().splitlines()[-1])
        # no Python where it was looked for, or a shell that is none: the ordinary way finds out and says it best
        return self._execute_module(task_vars=task_vars)

    def _command(self, task_vars: dict) -> str:
        fixed = str(task_vars.get("ansible_python_interpreter") or "auto")
        found = (task_vars.get("ansible_facts") or {}).get("discovered_interpreter_python")
        interpreter = found if fixed.startswith("auto") else self._templar.template(fixed)
        return f"{shlex.quote(interpreter)} -I -S -" if interpreter else COMMAND
