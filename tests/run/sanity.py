# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-test sanity on a copy of the checkout, with the package registry as its only network."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

from ansible_test._internal.python_requirements import get_venv_packages

from checkout import CACHE, copy_to

# ansible-test bootstraps pip with a script from the internet unless it finds one in its cache.
BOOTSTRAP = "import ensurepip\n\nensurepip.bootstrap(upgrade=True, default_pip=True)\n"


def main() -> int:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    home = CACHE / "sanity"
    pip = get_venv_packages(SimpleNamespace(version=version))["pip"].replace(".", "_")
    bootstrap = home / ".ansible" / "test" / "cache" / f"get_pip_{pip}.py"
    bootstrap.parent.mkdir(parents=True, exist_ok=True)
    bootstrap.write_text(BOOTSTRAP)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    # The virtual environments it makes there are what makes the next run fast.
    environment["HOME"] = str(home)
    command = ["ansible-test", "sanity", "--python", version, "--color", "no"]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "ansible_collections" / "cloudops" / "hypervisor"
        copy_to(copy)
        return subprocess.run(command, cwd=copy, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
