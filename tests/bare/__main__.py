# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make check` as a newcomer meets it: on a machine that has git, make and the distribution's Python, and no more.

The machine is a file system tree of the host's own release, entered in namespaces of its own. What the host knows of
package sources, proxies and certificates is carried over, because a newcomer's machine has its own.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "run"))

from checkout import CACHE, copy_to

PACKAGES = ("ca-certificates", "git", "make", "python3")
SOURCES = ("sources.list", "sources.list.d/debian.sources", "sources.list.d/ubuntu.sources")
CARRIED_OVER = ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
CERTIFICATES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
# A folder's name is the newcomer's choice.
CHECKOUT = "my checkout"


class Wrong(Exception):
    """What does not hold, in a sentence."""


@contextmanager
def locked(folder: Path, wait: bool = True) -> Iterator[None]:
    """Nobody else's for so long; however this process ends, the lock ends with it. Raises BlockingIOError."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(lock)


def remove_left_over(machines: Path) -> None:
    """The machines of runs that were killed."""
    for folder in machines.iterdir():
        with contextlib.suppress(BlockingIOError), locked(folder, wait=False):
            shutil.rmtree(folder, ignore_errors=True)


def tree() -> Path:
    """The bare machine's files, made once for a release and its package sources."""
    release = platform.freedesktop_os_release()["VERSION_CODENAME"]
    sources = [path for name in SOURCES if (path := Path("/etc/apt", name)).is_file()]
    definition = "\0".join([release, *PACKAGES, *(path.read_text() for path in sources)])
    place = CACHE / "bare" / hashlib.sha256(definition.encode()).hexdigest()[:16]
    place.parent.mkdir(parents=True, exist_ok=True)
    # Two runs at the same time make it once.
    with locked(place.parent):
        if not place.is_dir():
            for old in place.parent.iterdir():
                shutil.rmtree(old)
            unfinished = place.with_suffix(".unfinished")
            command = ["mmdebstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", release, str(unfinished)]
            subprocess.run([*command, *map(str, sources)], check=True)
            unfinished.rename(place)
    return place


@dataclass(frozen=True)
class Machine:
    root: Path

    def run(self, command: str, user: str = "root") -> tuple[int, str]:
        """Exit code and everything printed, as that user in the checkout in its home."""
        home = "/root" if user == "root" else f"/home/{user}"
        environment = {
            "HOME": home,
            "USER": user,
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            **{name: value for name, value in os.environ.items() if carried_over(name)},
        }
        inside = f"mount -t proc proc /proc && cd {shlex.quote(f'{home}/{CHECKOUT}')} && exec "
        inside += shlex.join(["runuser", "-u", user, "--", "sh", "-c", command])
        outside = f"mount --rbind /dev {shlex.quote(f'{self.root}/dev')} && exec "
        outside += shlex.join(["chroot", str(self.root), "sh", "-c", inside])
        print(f"[{user}]$ {command}", flush=True)
        # However this process ends, what it started there ends with it.
        command_line = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child"]
        done = subprocess.run(
            [*command_line, "--propagation", "private", "sh", "-c", outside],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        print(done.stdout, flush=True)
        return done.returncode, done.stdout

    def installs(self, package: str) -> bool:
        return (self.root / "var/lib/dpkg/info" / f"{package}.list").exists()


def carried_over(name: str) -> bool:
    return name.startswith("PIP_") or name in CERTIFICATES or name.lower().endswith("_proxy")


@contextmanager
def machine() -> Iterator[Machine]:
    """A machine whose changes are gone afterwards."""
    machines = CACHE / "machines"
    machines.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        with locked(machines):
            remove_left_over(machines)
            folder = Path(held.enter_context(tempfile.TemporaryDirectory(dir=machines)))
            held.enter_context(locked(folder))
        root = folder / "root"
        # Hard links would let a write reach the kept tree; a copy is a few seconds and has no such trap.
        subprocess.run(["cp", "--archive", "--reflink=auto", str(tree()), str(root)], check=True)
        paths = {*CARRIED_OVER, *os.environ.get("PIP_FIND_LINKS", "").split()}
        paths |= {os.environ[name] for name in CERTIFICATES if name in os.environ}
        for path in sorted(paths):
            carry(Path(path), root)
        for settings in Path("/etc/apt/apt.conf.d").glob("*"):
            if "Acquire::" in settings.read_text():
                carry(settings, root)
        subprocess.run(["chroot", str(root), "useradd", "--create-home", "newcomer"], check=True)
        for home in ("root", "home/newcomer"):
            copy_to(root / home / CHECKOUT)
        subprocess.run(["chroot", str(root), "chown", "-R", "newcomer:", f"/home/newcomer/{CHECKOUT}"], check=True)
        yield Machine(root)


def carry(path: Path, root: Path) -> None:
    target = root / path.relative_to("/") if path.is_absolute() else None
    if target is None or not path.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, target, dirs_exist_ok=True)
    else:
        target.unlink(missing_ok=True)
        shutil.copyfile(path, target)


def complete_report(checkout: Path) -> None:
    latest = checkout / "reports/node_boot_check/latest"
    for name in ("report.html", "report.json", "junit.xml"):
        if not (latest / name).is_file() or not (latest / name).stat().st_size:
            raise Wrong(f"{name} is missing")
    if "this-machine" not in (latest / "report.json").read_text():
        raise Wrong("the report does not speak of this-machine")


def without_venv_an_ordinary_user_is_told_the_package(bare: Machine) -> None:
    code, said = bare.run("make check", "newcomer")
    lines = [line for line in said.splitlines() if line and not line.startswith("make:")]
    if code == 0 or len(lines) != 1 or "python3-venv" not in lines[0]:
        raise Wrong("one sentence that names python3-venv was expected")


def without_a_fitting_python_that_is_said(bare: Machine) -> None:
    code, said = bare.run("PYTHON=/bin/false make check")
    if code == 0 or "Python 3.11, 3.12 or 3.13 is needed" not in said:
        raise Wrong("the Python that is needed should be named")


def a_wrong_option_is_refused_before_anything_is_installed(bare: Machine) -> None:
    for option in ("FAIL_ON=sometimes", "REPORT_LANGUAGE=jp", "INVENTORY=nowhere"):
        code, said = bare.run(f"make check {option}")
        if code == 0 or option not in said or "Installing" in said:
            raise Wrong(f"{option} should be refused by name")


def root_gets_a_report(bare: Machine) -> None:
    code, said = bare.run("make check")
    if code or not bare.installs("python3-venv") or "Installing" not in said:
        raise Wrong("the first run should install and exit 0")
    complete_report(bare.root / "root" / CHECKOUT)


def the_second_run_installs_nothing_and_takes_less_than_a_minute(bare: Machine) -> None:
    started = time.monotonic()
    code, said = bare.run("make check REPORT_LANGUAGE=ko")
    seconds = time.monotonic() - started
    if code or "Installing" in said or seconds > 60:
        raise Wrong(f"the second run took {seconds:.0f} s")


def an_ordinary_user_gets_a_report(bare: Machine) -> None:
    code, said = bare.run("make check", "newcomer")
    if code or "Installing the package" in said:
        raise Wrong("an ordinary user's run should exit 0")
    complete_report(bare.root / "home/newcomer" / CHECKOUT)


STORY = (
    without_venv_an_ordinary_user_is_told_the_package,
    without_a_fitting_python_that_is_said,
    a_wrong_option_is_refused_before_anything_is_installed,
    root_gets_a_report,
    the_second_run_installs_nothing_and_takes_less_than_a_minute,
    an_ordinary_user_gets_a_report,
)


def main() -> int:
    failed = 0
    with machine() as bare:
        for scene in STORY:
            try:
                scene(bare)
            except Wrong as wrong:
                failed += 1
                print(f"failed: {scene.__name__.replace('_', ' ')}: {wrong}")
            else:
                print(f"ok: {scene.__name__.replace('_', ' ')}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
