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

import base64
import functools
import json
import marshal
import re
import shlex
import sys
import time
import zlib
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

MODULE_UTILS = Path(__file__).resolve().parent.parent / "module_utils"
PACKAGE = "ansible_collections.cloudops.hypervisor.plugins.module_utils"
RESULT = "cloudops.hypervisor result: "
TOO_OLD = 86

_IMPORT = re.compile(rf"^\s*from ({re.escape(PACKAGE)}[\w.]*) import (\([^)]*\)|.+)$", re.MULTILINE)

# the node's Python may be any: the first lines are understood by all of them
_PROGRAM = """\
import sys
if sys.version_info < (3, 8):
    sys.stderr.write("Python 3.8 or later is needed on the node; this is %%s" %% sys.version.split()[0])
    sys.exit(%(too_old)d)
import base64, json, marshal, os, types, zlib
def unpacked(text):
    return zlib.decompress(base64.b64decode(text))
def package(name):
    if name not in sys.modules:
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = []
        parent, _dot, child = name.rpartition(".")
        if parent:
            setattr(package(parent), child, sys.modules[name])
    return sys.modules[name]
if sys.implementation.cache_tag == "%(cache_tag)s":
    files = marshal.loads(unpacked("%(compiled)s"))
else:
    sources = json.loads(unpacked("%(sources)s"))
    files = [(name, compile(source, name, "exec", dont_inherit=True)) for name, source in sources]
for name, code in files:
    module = types.ModuleType(name)
    parent, _dot, child = name.rpartition(".")
    setattr(package(parent), child, module)
    sys.modules[name] = module
    exec(code, module.__dict__)
answer = module.answer(json.loads(base64.b64decode("%(params)s")))
sys.stdout.write("\\n%(result)s" + json.dumps(answer) + "\\n")
sys.stdout.flush()
os._exit(0)
"""

# a child that hangs in the kernel has its own session and no share in these streams: the end is not held up by it
COMMAND = "exec $(command -v /usr/bin/python3 || command -v python3 || echo python3) -I -S -"


def program(module: str, params: dict) -> str:
    """The program for ``PACKAGE.module``."""
    sources, compiled = packed(module)
    values = {
        "sources": sources,
        "compiled": compiled,
        "cache_tag": sys.implementation.cache_tag,
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


@functools.cache
def packed(module: str) -> tuple[str, str]:
    """``PACKAGE.module`` after what it imports of module_utils: its sources, and their code for this very Python.

    Compiling is a third of a reading's CPU on the node; one that has the controller's Python is spared it.
    """
    ordered: dict[str, str] = {}
    _collect(f"{PACKAGE}.{module}", ordered)
    compiled = [(name, compile(source, name, "exec", dont_inherit=True)) for name, source in ordered.items()]
    return _pack(json.dumps(list(ordered.items())).encode()), _pack(marshal.dumps(compiled))


def _pack(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content)).decode()


def _collect(name: str, ordered: dict[str, str]) -> None:
    """The file and, before it, every file of module_utils it imports."""
    path = MODULE_UTILS.joinpath(*name[len(PACKAGE) + 1 :].split(".")).with_suffix(".py")
    if name in ordered or not path.is_file():
        return
    source = path.read_text(encoding="utf-8")
    for imported, names in _IMPORT.findall(source):
        _collect(imported, ordered)
        for word in re.findall(r"\w+", names):
            _collect(f"{imported}.{word}", ordered)
    ordered[name] = source


class OneTripAction(ActionBase):
    """The action of a reading module whose body is ``module_utils/<body>.py``; it falls back to the module itself."""

    body = ""
    _supports_async = True

    def __init_subclass__(cls, **options: object) -> None:
        """Pack now: Ansible loads the class before it forks, so that its workers find the work done."""
        super().__init_subclass__(**options)
        packed(cls.body)

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
        given = self._low_level_execute_command(self._command(task_vars), in_data=self._sent(params))
        answer = self._answer(given)
        if answer is not None:
            return {"changed": False, **answer, "clock": {"asked": started, "answered": time.time()}}
        # no Python where it was looked for, or a shell that is none: the ordinary way finds out and says it best
        return self._execute_module(task_vars=task_vars)

    def _sent(self, params: dict) -> bytes:
        return program(self.body, params).encode()

    def _answer(self, given: dict) -> dict | None:
        answer = result(given["stdout"])
        if answer is None and given["rc"] == TOO_OLD:
            raise AnsibleActionFail(given["stderr"].strip().splitlines()[-1])
        return answer

    def _command(self, task_vars: dict) -> str:
        fixed = str(task_vars.get("ansible_python_interpreter") or "auto")
        found = (task_vars.get("ansible_facts") or {}).get("discovered_interpreter_python")
        interpreter = found if fixed.startswith("auto") else self._templar.template(fixed)
        return f"{shlex.quote(interpreter)} -I -S -" if interpreter else COMMAND
