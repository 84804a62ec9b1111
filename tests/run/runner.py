# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running parts: their packages, their commands, their results."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from parts import Part

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "reports" / "test"
TAIL = 60
AT_A_TIME = 2


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

    def __init__(self, logs: Path = LOGS, follow: bool = False) -> None:
        """``follow``: show what the commands say while they say it."""
        self._logs = logs
        self._follow = follow
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

    def all(self, parts: Sequence[Part]) -> list[Result]:
        """Two at a time, those that may take longest first, so that both ends come together."""
        beside = sorted((part for part in parts if not part.alone), key=lambda part: -part.minutes)
        with ThreadPoolExecutor(max_workers=AT_A_TIME) as pool:
            results = list(pool.map(self.run, beside))
        return results + [self.run(part) for part in parts if part.alone]

    def run(self, part: Part) -> Result:
        self._logs.mkdir(parents=True, exist_ok=True)
        log = self._logs / f"{part.name}.log"
        started = time.monotonic()
        deadline = started + part.minutes * 60
        failures = []
        with log.open("wb") as output, self._shown(log):
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
        if failures and not self._follow:
            lines = log.read_text(errors="replace").splitlines()
            text = "\n".join(
                [
                    "",
                    f"---- {part.name}: the last of {len(lines)} lines of {log}",
                    *lines[-TAIL:],
                    f"---- {part.name}: {result.failure}",
                    text,
                ]
            )
        print(text, flush=True)
        return result

    @contextlib.contextmanager
    def _shown(self, log: Path) -> Iterator[None]:
        """The log, read as it grows: what a command leaves running would keep a pipe open for ever."""
        ended = threading.Event()

        def show() -> None:
            with log.open(errors="replace") as lines:
                while True:
                    last = ended.is_set()
                    sys.stdout.write(lines.read())
                    sys.stdout.flush()
                    if last:
                        return
                    ended.wait(0.5)

        if not self._follow:
            yield
            return
        thread = threading.Thread(target=show)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _command(self, command: str, output: int, deadline: float) -> str:
        """Why it failed, empty if it did not."""
        try:
            process = subprocess.Popen(
                shlex.split(command),
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        except OSError as error:
            return str(error)
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


def summary(results: Sequence[Result], seconds: float) -> str:
    rows = [
        f"{result.part.name:10} {result.word:9} {clock(result.seconds):>6}  {result.part.claim}"
        + (f"\n{'':28}{result.left_out or result.failure}" if result.word != "passed" else "")
        for result in results
    ]
    counts = {word: sum(result.word == word for result in results) for word in ("passed", "failed", "left out")}
    left_out = f", {counts['left out']} left out" if counts["left out"] else ""
    return "\n".join(
        ["", *rows, f"{'together':10} {'':9} {clock(seconds):>6}"]
        + ["", f"{counts['passed']} passed, {counts['failed']} failed{left_out}"]
    )
