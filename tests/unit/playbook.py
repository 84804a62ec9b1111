# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-playbook as a person runs it, with the collection as it is checked out."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible_collections.cloudops.hypervisor.plugins.module_utils import health

COLLECTIONS = next(path.parent for path in Path(health.__file__).parents if path.name == "ansible_collections")
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
# Port 9 is discard's: nothing answers there.
UNREACHABLE = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 9}
SHOWN = re.compile(r'\[([^\] ]+)\] => \{\s*"msg": "shown ([A-Za-z0-9+/=]*)"')


def show(expression: str, **options: Any) -> dict[str, Any]:
    """A task that has this on the screen, for shown(): a module that wrote it to a file would take a second."""
    message = "shown {{ (%s) | to_json | b64encode }}" % expression
    return {"name": "Show", "ansible.builtin.debug": {"msg": message}, **options}


def shown(output: str) -> list[tuple[str, Any]]:
    """What the tasks of show() had, in the order of the screen, with its host."""
    return [(host, json.loads(base64.b64decode(text))) for host, text in SHOWN.findall(output)]


class Playbook:
    """ansible-playbook in a directory of its own, with a store of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.hosts: dict[str, dict] = {}
        (directory / "ansible.cfg").touch()
        self.environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("ANSIBLE_", "AWX_", "NO_COLOR"))
            },
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_CONFIG": str(directory / "ansible.cfg"),
            # as the project's own configuration has it
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_SHOW_CUSTOM_STATS": "true",
            "CLOUDOPS_STORE_URL": f"sqlite://{directory}/state/store.sqlite3",
            "TERM": "xterm",
        }

    def command(self, tasks: list[dict], *arguments: str) -> list[str]:
        (self.directory / "inventory.json").write_text(json.dumps({"all": {"hosts": self.hosts}}))
        play = [{"name": "A play", "hosts": "all", "gather_facts": False, "tasks": tasks}]
        (self.directory / "playbook.json").write_text(json.dumps(play))
        program = str(Path(sys.executable).parent / "ansible-playbook")
        return [program, "-i", "inventory.json", *arguments, "playbook.json"]

    def run(self, tasks: list[dict], *arguments: str, **environment: str) -> tuple[int, str]:
        done = subprocess.run(
            self.command(tasks, *arguments),
            cwd=self.directory,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout
