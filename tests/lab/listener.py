# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever is told, inside a lab's network: a web server that keeps each message it gets as a line of a file."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from network import Namespace

PORT = 8099
URL = f"json://127.0.0.1:{PORT}"


@contextlib.contextmanager
def listening(namespace: Namespace, path: Path) -> Iterator[None]:
    path.touch()
    command = namespace.inside(sys.executable, __file__, str(path))
    with subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None and server.stdout.readline(), "it does not listen"
            yield
        finally:
            server.kill()


def told(path: Path) -> list[tuple[str, str]]:
    """Title and text of each notification, the text as one line."""
    heard = [json.loads(line) for line in path.read_text().splitlines()]
    return [(one["title"], " ".join(one["message"].split())) for one in heard]


class Keeper(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        heard = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with Path(sys.argv[1]).open("a") as kept:
            kept.write(json.dumps(json.loads(heard)) + "\n")
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        """Nothing on the tests' screen."""


if __name__ == "__main__":
    with HTTPServer(("127.0.0.1", PORT), Keeper) as server:
        print("listens", flush=True)
        server.serve_forever()
