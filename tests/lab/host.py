# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab uses of the host: commands, packages, places on disk."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

HERE = Path(__file__).resolve().parent
END_TIMEOUT = 10
T = TypeVar("T")


class LabError(Exception):
    """Something the person at the terminal has to know, in one sentence."""


def say(message: str) -> None:
    print(message, flush=True)


def run(*argv: str | Path, stdin: str | bytes | None = None, timeout: float = 120) -> str:
    """Run a command; its standard output, or a LabError that quotes what it said."""
    command = [str(argument) for argument in argv]
    data = stdin.encode() if isinstance(stdin, str) else stdin
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=timeout, check=False)
    except FileNotFoundError as error:
        raise LabError(f"{command[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"no answer within {timeout:.0f} s: {' '.join(command)}") from error
    if done.returncode:
        said = (done.stderr.decode(errors="replace") + done.stdout.decode(errors="replace")).strip()
        raise LabError(f"rc {done.returncode} from {' '.join(command)}\n{said[-2000:]}")
    return done.stdout.decode(errors="replace")


def pid_of(pid_file: Path, mark: Path) -> int | None:
    """The process that wrote the file, if it still runs: its command line names the mark."""
    try:
        pid = int(pid_file.read_text())
        command_line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    return pid if str(mark).encode() in command_line else None


def detach(pid_file: Path, output: Path, *argv: str | Path) -> None:
    """Start a process that goes on when the command that started it has ended."""
    begin = 'echo $$ > "$0"; exec > "$1" 2>&1 < /dev/null; shift; exec "$@"'
    run("setsid", "--fork", "sh", "-c", begin, pid_file, output, *argv)


def kill(pid_file: Path, mark: Path) -> None:
    """Kill that process and see it gone; the file goes with it."""
    pid = pid_of(pid_file, mark)
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + END_TIMEOUT
        while pid_of(pid_file, mark) == pid:
            if time.monotonic() > deadline:
                raise LabError(f"process {pid} does not end; its command line names {mark}")
            time.sleep(0.05)
    pid_file.unlink(missing_ok=True)


def side_by_side(action: Callable[[T], object], items: Iterable[T]) -> None:
    """Run action for every item at once; the first failure is raised when all have ended."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        for future in [pool.submit(action, item) for item in items]:
            future.result()


def digest(*parts: str | bytes | Path) -> str:
    """A short name for contents: strings as they are, files and trees by path and content."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            for file in sorted(part.rglob("*")) if part.is_dir() else [part]:
                if file.is_file() and "__pycache__" not in file.parts:
                    total.update(f"{file.relative_to(HERE)} {file.stat().st_mode:o}\n".encode() + file.read_bytes())
        else:
            total.update(part.encode() if isinstance(part, str) else part)
        total.update(b"\0")
    return total.hexdigest()[:16]


def cache_directory() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "cloudops-hypervisor" / "lab"


def default_run_directory(lab: str) -> Path:
    return _of_lab(cache_directory() / "run", lab)


def run_directory(lab: str) -> Path:
    """Everything of a running lab lies here; CLOUDOPS_LAB_RUN names another place for other labs beside these."""
    chosen = os.environ.get("CLOUDOPS_LAB_RUN")
    return _of_lab(Path(chosen).resolve(), lab) if chosen else default_run_directory(lab)


def _of_lab(directory: Path, lab: str) -> Path:
    return directory if lab == "node" else directory.with_name(f"{directory.name}-{lab}")


def required_packages() -> list[str]:
    return (HERE / "packages.txt").read_text().split()


def require_host() -> None:
    """The lab needs root (namespaces, taps) and some packages; name what is missing."""
    if os.geteuid() != 0:
        raise LabError("the lab makes a network namespace and taps: run it as root")
    listed = subprocess.run(
        ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *required_packages()],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    installed = {line.split()[0] for line in listed.splitlines() if line.endswith(" installed")}
    missing = [package for package in required_packages() if package not in installed]
    if missing:
        raise LabError(f"missing packages: apt-get install --no-install-recommends {' '.join(missing)}")


@contextmanager
def umask(value: int) -> Iterator[None]:
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


def fail(message: str) -> int:
    print(f"lab: {message}", file=sys.stderr)
    return 1
