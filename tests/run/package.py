# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the collection, install it where the checkout is not seen, and use it from there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from checkout import ROOT, files

PLACES = {"changelogs", "docs", "inventories", "meta", "playbooks", "plugins", "requirements", "roles"}
PAPERS = {"CHANGELOG.md", "CONTRIBUTING.md", "COPYING", "FILES.json", "MANIFEST.json", "README.md"}
NAME = "cloudops.hypervisor"


class Wrong(Exception):
    """What does not hold, in a sentence."""


def build(into: Path) -> Path:
    """The built collection, which holds the tracked files of its places and nothing else."""
    command = ["ansible-galaxy", "collection", "build", "--output-path", str(into), str(ROOT)]
    subprocess.run(command, check=True)
    (built,) = into.glob("*.tar.gz")
    with tarfile.open(built) as archive:
        packed = {member.name for member in archive if not member.isdir()}
    tracked = {str(path.relative_to(ROOT)) for path in files()}
    wanted = {name for name in tracked if name.split("/")[0] in PLACES | PAPERS}
    packed -= {"FILES.json", "MANIFEST.json"}
    if packed != wanted:
        raise Wrong(f"packed though it should not be: {packed - wanted}; not packed: {wanted - packed}")
    return built


class Machine:
    """A folder with an Ansible of its own, where nothing leads to the checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir()
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        pip = [str(folder / "venv/bin/python"), "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
        subprocess.run([*pip, "--requirement", str(ROOT / "requirements/controller.txt")], check=True)
        hidden = ("ANSIBLE_", "PYTHON", "VIRTUAL_ENV")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
        self.environment |= {"HOME": str(self.home), "PATH": f"{folder / 'venv/bin'}:/usr/sbin:/usr/bin:/sbin:/bin"}

    def run(self, command: Sequence[str]) -> str:
        print("$", *command, flush=True)
        done = subprocess.run(
            command,
            cwd=self.home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        print(done.stdout, flush=True)
        if done.returncode:
            raise Wrong(f"{command[0]} ended with exit code {done.returncode}")
        return done.stdout


def use(machine: Machine, built: Path) -> None:
    installed = machine.home / ".ansible/collections/ansible_collections/cloudops/hypervisor"
    said = machine.run(["ansible-galaxy", "collection", "install", "--offline", "--no-deps", str(built)])
    # Where the collection is already seen, install does nothing, and says so with exit code 0.
    if "was installed successfully" not in said or not (installed / "MANIFEST.json").is_file():
        raise Wrong("nothing was installed")

    documented = json.loads(machine.run(["ansible-doc", "--json", f"{NAME}.node_health"]))
    place = documented[f"{NAME}.node_health"]["doc"]["filename"]
    if not Path(place).is_relative_to(machine.folder):
        raise Wrong(f"ansible-doc read {place}")

    ran = machine.run(["ansible", "localhost", "--module-name", f"{NAME}.node_health"])
    if "verdict" not in ran:
        raise Wrong("node_health returned no verdict")

    playbook = ["ansible-playbook", f"{NAME}.node_boot_check", "--inventory", str(installed / "inventories/localhost")]
    machine.run([*playbook, "--extra-vars", "node_boot_check_fail_on=never"])


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        try:
            use(Machine(Path(folder)), build(Path(folder)))
        except Wrong as wrong:
            print(wrong, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
