# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the parts that prove the project, each to its end, and say what ran, how long it took and what was left out."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from parts import SOAK, TEST, Part

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "reports" / "test"
TAIL = 60


@dataclass(frozen=True)
class Result:
    part: Part
    seconds: float = 0.0
    failure: str = ""
    left_out: str = ""

    @property
    def word(self) -> str:
        return "left out" if self.left_out else "failed" if self.failure else "passed"


class Runner:
    """Runs parts, and ends what it started when it is interrupted."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = threading.Event()
        self.environment = {
            **os.environ,
            "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".venv" / "collections"),
            "LC_ALL": "C.UTF-8",
            "NO_COLOR": "1",
        }

    def lane(self, parts: Sequence[Part]) -> list[Result]:
        return [self.run(part) for part in parts]

    def run(self, part: Part) -> Result:
        log = LOGS / f"{part.name}.log"
        started = time.monotonic()
        deadline = started + part.minutes * 60
        failures = []
        with log.open("wb") as output:
            for command in part.commands:
                if self._stopped.is_set():
                    failures.append("interrupted")
                    break
                output.write(f"$ {command}\n".encode())
                output.flush()
                if failure := self._command(command, output.fileno(), deadline):
                    failures.append(f"{command}: {failure}")
        result = Result(part, time.monotonic() - started, "; ".join(failures))
        text = f"{result.word:8} {part.name:10} {clock(result.seconds):>7}"
        if failures:
            lines = log.read_text(errors="replace").splitlines()
            text = "\n".join(
                [
                    "",
                    f"---- {part.name}: the last of {len(lines)} lines of {log.relative_to(ROOT)}",
                    *lines[-TAIL:],
                    f"---- {part.name}: {result.failure}",
                    text,
                ]
            )
        print(text, flush=True)
        return result

    def _command(self, command: str, output: int, deadline: float) -> str:
        """Why it failed, empty if it did not."""
        process = subprocess.Popen(
            shlex.split(command),
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        self._running.add(process)
        try:
            code = process.wait(timeout=max(1.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            end(process)
            return "took too long and was ended"
        finally:
            self._running.discard(process)
        return f"exit code {code}" if code else ""

    def stop(self) -> None:
        self._stopped.set()
        for process in list(self._running):
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask its whole session to end, then make it."""
    for number, patience in ((signal.SIGTERM, 20.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=patience)


def clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def listed_packages(part: Part) -> set[str]:
    lists = [path for name in part.packages if (path := ROOT / name).is_file()]
    lines = (line for path in lists for line in path.read_text().splitlines())
    return {word for line in lines if (word := line.partition("#")[0].strip())}


def missing_packages(parts: Sequence[Part]) -> set[str]:
    wanted = {package for part in parts for package in listed_packages(part)}
    if not wanted:
        return set()
    query = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${db:Status-Status} ${Package}\n", *sorted(wanted)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    return wanted - {line.split()[1] for line in query.stdout.splitlines() if line.startswith("installed ")}


def install(packages: Sequence[str]) -> None:
    print(f"Installing {len(packages)} packages: {' '.join(packages)} ...", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update"],
        ["apt-get", "install", "--yes", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            print(done.stdout, file=sys.stderr)


def cannot_run(part: Part) -> Result | None:
    """What to say of a part that cannot even begin here: root has no excuse."""
    root = os.geteuid() == 0
    if part.root and not root:
        return Result(part, left_out="needs root")
    missing = " ".join(sorted(missing_packages([part])))
    if not missing:
        return None
    if root:
        return Result(part, failure=f"could not install {missing}")
    return Result(part, left_out=f"needs root to install {missing}")


def chosen(table: Sequence[Part], names: Sequence[str]) -> list[Part]:
    unknown = set(names) - {part.name for part in table}
    if unknown:
        sys.exit(f"No such part: {' '.join(sorted(unknown))}. There are: {' '.join(part.name for part in table)}")
    return [part for part in table if not names or part.name in names]


def summary(results: Sequence[Result], seconds: float) -> str:
    rows = [
        f"{result.part.name:10} {result.word:9} {clock(result.seconds):>6}  {result.part.claim}"
        + (f"\n{'':28}{result.left_out or result.failure}" if result.word != "passed" else "")
        for result in results
    ]
    counts = {word: sum(result.word == word for result in results) for word in ("passed", "failed", "left out")}
    skipped = f", {counts['left out']} skipped" if counts["left out"] else ""
    return "\n".join(
        ["", *rows, f"{'together':10} {'':9} {clock(seconds):>6}"]
        + ["", f"{counts['passed']} passed, {counts['failed']} failed{skipped}"]
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/run", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help="which parts to run; all if none is named")
    parser.add_argument("--soak", action="store_true", help="the long sweeps instead")
    arguments = parser.parse_args()
    if arguments.soak and not arguments.parts:
        for part in SOAK:
            print(f"make soak PART={part.name:10} {part.claim}")
        return 2

    parts = chosen(SOAK if arguments.soak else TEST, arguments.parts)
    started = time.monotonic()
    LOGS.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0 and (packages := sorted(missing_packages(parts))):
        install(packages)
    results = {part.name: result for part in parts if (result := cannot_run(part))}
    lanes: dict[str, list[Part]] = {}
    for part in parts:
        if part.name not in results:
            lanes.setdefault(part.lane, []).append(part)

    runner = Runner()

    def interrupted(number: int, _frame: object) -> None:
        runner.stop()
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGINT, interrupted)
    with ThreadPoolExecutor(max_workers=max(1, len(lanes))) as pool:
        for lane in pool.map(runner.lane, lanes.values()):
            results.update({result.part.name: result for result in lane})
    ordered = [results[part.name] for part in parts]
    print(summary(ordered, time.monotonic() - started))
    return 1 if any(result.failure for result in ordered) else 0


if __name__ == "__main__":
    sys.exit(main())
