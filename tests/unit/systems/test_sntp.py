# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import socket
import struct
import threading
import time

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import sntp

NOW = 1_790_000_000.0


def reply(ahead=0.0, stratum=2, leap=0, mode=4, arrived=NOW):
    """What a server says whose clock is behind this node's by ``ahead``."""
    moment = arrived - ahead + sntp.EPOCH
    stamp = struct.pack("!II", int(moment), int(moment % 1 * 2**32))
    return bytes([leap << 6 | 4 << 3 | mode, stratum, 6, 0xE9]) + bytes(28) + stamp + stamp


@pytest.mark.parametrize("ahead", [0.0, 30.0, -3600.0])
def test_the_offset_is_what_this_node_is_ahead_of_the_server(ahead):
    offset, delay = sntp.read_reply(reply(ahead, arrived=NOW + 0.01), NOW, NOW + 0.02)
    assert offset == pytest.approx(ahead, abs=1e-5)
    assert delay == pytest.approx(0.02, abs=1e-5)


@pytest.mark.parametrize(
    "packet",
    [b"", reply()[:40], reply(stratum=0), reply(stratum=16), reply(leap=3), reply(mode=3), reply()[:40] + bytes(8)],
)
def test_what_is_no_time_is_not_understood(packet):
    with pytest.raises(NotUnderstood):
        sntp.read_reply(packet, NOW, NOW)


def test_a_server_is_asked_over_the_wire(monkeypatch):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        monkeypatch.setattr(sntp, "PORT", server.getsockname()[1])

        def serve():
            for _time in range(2):
                packet, place = server.recvfrom(512)
                assert len(packet) == 48
                server.sendto(reply(12.5, arrived=time.time()), place)

        threading.Thread(target=serve, daemon=True).start()
        found = sntp.ask("127.0.0.1", 2.0, times=2)
        assert (found.server, found.address) == ("127.0.0.1", "127.0.0.1")
        assert found.seconds == pytest.approx(12.5, abs=0.5)
        # nobody serves any more: a deadline ends it
        silent = sntp.ask("127.0.0.1", 0.1, times=1)
        assert silent.seconds is None
        assert "no answer within 0.1 s" in silent.said


def test_a_name_without_an_address_is_said():
    assert sntp.ask("no-such-host.invalid", 0.1, times=1).said
