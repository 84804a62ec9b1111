# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run pytest's items one by one for an hour at most; the next run goes on with what has not passed yet."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time

from checkout import CACHE, ROOT

HOUR = 60 * 60


def collected(arguments: list[str]) -> list[str]:
    command = [sys.executable, "-m", "pytest", "--collect-only", "--quiet", *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"{done.stdout}\nNothing to sweep: pytest collected no item.")
    return [line for line in done.stdout.splitlines() if "::" in line]


def main() -> int:
    parser = argparse.ArgumentParser(prog="sweep.py", description=__doc__)
    parser.add_argument("name", help="what its progress is kept under")
    parser.add_argument("--rounds", type=int, default=1, help="how often each item is run")
    own, pytest_arguments = parser.parse_known_args()

    progress = CACHE / "soak" / f"{own.name}.json"
    progress.parent.mkdir(parents=True, exist_ok=True)
    passed = set(json.loads(progress.read_text())) if progress.exists() else set()
    items = collected(pytest_arguments)
    runs = [(f"{item} #{number}", item) for number in range(1, own.rounds + 1) for item in items]
    options = [argument for argument in pytest_arguments if argument.startswith("--")]
    failed: list[str] = []
    done = 0
    started = time.monotonic()
    for name, item in runs:
        if name in passed:
            continue
        if time.monotonic() - started > HOUR:
            break
        print(f"{name} ...", flush=True)
        command = [sys.executable, "-m", "pytest", "--quiet", *options, item]
        code = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode
        done += 1
        if code:
            failed.append(name)
            continue
        passed.add(name)
        partial = progress.with_suffix(".partial")
        partial.write_text(json.dumps(sorted(passed), indent=1))
        os.replace(partial, progress)

    left = [run[0] for run in runs if run[0] not in passed]
    hours = (time.monotonic() - started) / max(done, 1) * len(left) / HOUR
    print(f"{len(runs) - len(left)} of {len(runs)} passed, {len(failed)} failed in this run", end=", ")
    print(f"{len(left)} to go: about {hours:.1f} hours at this run's pace")
    for name in failed:
        print(f"failed: {name}")
    if not left:
        progress.unlink()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
