# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand between a sending and a receiving xl, and cut at one step of their protocol.

migration-proxy install POINT [SECONDS]   from now on every ssh of this node that carries a migration goes through here
migration-proxy remove                    and no more
As `ssh` (or by `xl migrate -s`) it passes everything through but a migration, which it cuts at POINT:

stream      after some megabytes of memory
ready       the receiver has everything and says so; the sender never hears it
go          the sender permits the receiver to run; the receiver never hears it
report      the receiver runs and reports; the sender never hears it
kill-ready, kill-go   at that moment the sending xl is killed, too
hold-go     the permission is held back for SECONDS, then passed on
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path

POINTS = ("stream", "ready", "go", "report", "kill-ready", "kill-go", "hold-go")
CHOSEN = Path("/run/migration-proxy")
SSH = "/usr/bin/ssh"
COMMAND = Path("/usr/local/sbin/migration-proxy")
# Before the real one in everybody's search path
IN_FRONT = Path("/usr/local/sbin/ssh")
STREAM_BYTES = 8 << 20
# What tools/libs/light and xl send; the receiver's begin after its banner.
READY = b"domain received, ready to unpause"
GO = b"domain is yours, you are cleared to unpause"
REPORT = b"my copy unpause results are as follows"


def log(text: str) -> None:
    print(f"migration-proxy: {text}", file=sys.stderr, flush=True)


class Proxy:
    def __init__(self, point: str, hold: float, arguments: list[str]) -> None:
        self._point = point
        self._hold = hold
        self._ssh = subprocess.Popen([SSH, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self._sent = 0
        self._ready = False

    def run(self) -> int:
        to_receiver, from_receiver = self._ssh.stdin.fileno(), self._ssh.stdout.fileno()
        with selectors.DefaultSelector() as streams:
            streams.register(0, selectors.EVENT_READ, self._from_sender)
            streams.register(from_receiver, selectors.EVENT_READ, self._from_receiver)
            while True:
                # The receiver first: what it says decides what the sender may still send.
                ready = sorted((key for key, _events in streams.select()), key=lambda key: key.fd == 0)
                for key in ready:
                    piece = os.read(key.fd, 1 << 20)
                    if piece:
                        key.data(piece)
                    elif key.fd == 0:
                        os.close(to_receiver)
                        streams.unregister(0)
                    else:
                        return self._ssh.wait()

    def _from_receiver(self, piece: bytes) -> None:
        if READY in piece:
            log("the receiver is ready")
            self._ready = True
            self._cut_at("ready", "kill-ready")
        if REPORT in piece:
            log("the receiver reports")
            self._cut_at("report")
        write(1, piece)

    def _from_sender(self, piece: bytes) -> None:
        self._sent += len(piece)
        if self._sent > STREAM_BYTES:
            self._cut_at("stream")
        # Only then: guest memory may hold the same words.
        if self._ready and GO in piece:
            log("the sender gives permission")
            self._cut_at("go", "kill-go")
            if self._point == "hold-go":
                time.sleep(self._hold)
                log("passing it on")
        write(self._ssh.stdin.fileno(), piece)

    def _cut_at(self, *points: str) -> None:
        if self._point not in points:
            return
        log(f"cut at {self._point}")
        if self._point.startswith("kill"):
            os.kill(os.getppid(), signal.SIGKILL)
        self._ssh.kill()
        sys.exit(255)


def write(descriptor: int, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def main() -> int:
    arguments = sys.argv[1:]
    if arguments[:1] == ["install"] and arguments[1] in POINTS:
        CHOSEN.write_text(" ".join(arguments[1:]))
        if not IN_FRONT.is_symlink():
            IN_FRONT.symlink_to(COMMAND)
        return 0
    if arguments == ["remove"]:
        IN_FRONT.unlink(missing_ok=True)
        CHOSEN.unlink(missing_ok=True)
        return 0
    if not CHOSEN.exists() or "migrate-receive" not in arguments:
        os.execv(SSH, [SSH, *arguments])
    point, *seconds = CHOSEN.read_text().split()
    return Proxy(point, float(seconds[0]) if seconds else 30.0, arguments).run()


if __name__ == "__main__":
    sys.exit(main())
