# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hand ssh a connection made inside the network namespace this runs in (ProxyUseFdpass): connect.py HOST PORT."""

from __future__ import annotations

import socket
import sys

CONNECT_TIMEOUT = 10


def main() -> int:
    host, port = sys.argv[1:]
    try:
        connection = socket.create_connection((host, int(port)), timeout=CONNECT_TIMEOUT)
    except OSError as error:
        print(f"{host} port {port}: {error}", file=sys.stderr)
        return 1
    connection.setblocking(True)
    with socket.socket(fileno=1) as ssh:
        socket.send_fds(ssh, [b"\0"], [connection.fileno()])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
