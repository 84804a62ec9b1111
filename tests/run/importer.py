# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""galaxy-importer on the built collection, in an environment of its own: its tools are older than ours."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from checkout import CACHE, ROOT
from package import build


def main() -> int:
    environment = CACHE / "importer"
    subprocess.run([sys.executable, "-m", "venv", "--clear", environment], check=True)
    pip: list[str | Path] = [
        environment / "bin/python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--require-hashes",
        "--no-deps",
    ]
    subprocess.run([*pip, "--requirement", ROOT / "requirements/importer.txt"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        built = build(Path(folder))
        own = {**os.environ, "PATH": f"{environment / 'bin'}:/usr/sbin:/usr/bin:/sbin:/bin"}
        own = {name: value for name, value in own.items() if not name.startswith("ANSIBLE_")}
        done = subprocess.run(
            [environment / "bin/python", "-m", "galaxy_importer.main", str(built)],
            cwd=folder,
            env=own,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    print(done.stdout)
    complaints = [line for line in done.stdout.splitlines() if line.startswith(("ERROR", "WARNING"))]
    return 1 if done.returncode or complaints else 0


if __name__ == "__main__":
    sys.exit(main())
