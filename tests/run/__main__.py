# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the parts that prove the project, each to its end, and say what ran, how long it took and what was left out."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence

from parts import BENCH, SOAK, TEST, Part
from runner import Runner, cannot_run, install, missing_packages, summary


def chosen(table: Sequence[Part], names: Sequence[str]) -> list[Part]:
    unknown = set(names) - {part.name for part in table}
    if unknown:
        sys.exit(f"No such part: {' '.join(sorted(unknown))}. There are: {' '.join(part.name for part in table)}")
    return [part for part in table if not names or part.name in names]


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/run", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help="which parts to run; all if none is named")
    parser.add_argument("--soak", action="store_true", help="the long sweeps instead")
    parser.add_argument("--install-only", action="store_true", help="install the parts' packages and run nothing")
    arguments = parser.parse_args()
    if arguments.soak and not arguments.parts:
        for part in SOAK:
            print(f"make soak PART={part.name:10} {part.claim}")
        return 2

    table = SOAK if arguments.soak else TEST
    parts = chosen(table + BENCH if arguments.install_only else table, arguments.parts)
    started = time.monotonic()
    if os.geteuid() == 0 and (packages := sorted(missing_packages(parts))):
        install(packages)
    if arguments.install_only:
        return 0
    results = {part.name: result for part in parts if (result := cannot_run(part))}

    runner = Runner(follow=arguments.soak)

    def interrupted(number: int, _frame: object) -> None:
        runner.stop()
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGINT, interrupted)
    done = runner.all([part for part in parts if part.name not in results])
    results.update({result.part.name: result for result in done})
    ordered = [results[part.name] for part in parts]
    print(summary(ordered, time.monotonic() - started))
    return 1 if any(result.failure for result in ordered) else 0


if __name__ == "__main__":
    sys.exit(main())
