# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far this node's clock is from a server's, asked directly (RFC 4330), whatever daemon it has or lacks."""

from __future__ import annotations

import socket
import struct
import time
from dataclasses import dataclass
from typing import Optional, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood

PORT = 123
EPOCH = 2208988800
REQUEST = b"\x23" + bytes(39)
PACKET = struct.Struct("!BBBb11I")
UNSYNCHRONISED = 3


@dataclass(frozen=True)
class Offset:
    """``seconds`` this node is ahead of the server; ``delay``: of the way there and back."""

    server: str
    seconds: Optional[float]
    address: str = ""
    delay: float = 0.0
    said: str = ""


def read_reply(packet: bytes, sent: float, received: float) -> Tuple[float, float]:
    """(offset, delay) of one exchange; ``sent`` and ``received`` are this node's clock."""
    if len(packet) < PACKET.size:
        raise NotUnderstood("%d bytes are no NTP packet" % len(packet))
    first, stratum, *_rest = fields = PACKET.unpack(packet[: PACKET.size])
    if first & 7 not in (4, 5):
        raise NotUnderstood("mode %d is no server's" % (first & 7))
    if first >> 6 == UNSYNCHRONISED or not 0 < stratum < 16:
        raise NotUnderstood("the server is not synchronised itself (stratum %d)" % stratum)
    arrived, answered = _seconds(fields[11], fields[12]), _seconds(fields[13], fields[14])
    if not answered:
        raise NotUnderstood("the server gave no time")
    return ((sent - arrived) + (received - answered)) / 2, (received - sent) - (answered - arrived)


def _seconds(whole: int, part: int) -> float:
    # the era after 2036 begins at 0 again
    era = 2**32 if whole < 2**31 else 0
    return whole + era - EPOCH + part / 2**32 if whole or part else 0.0


def ask(server: str, timeout: float, times: int = 3) -> Offset:
    """Of some exchanges the one with the shortest way."""
    tried = [_exchange(server, timeout) for _time in range(times)]
    answered = [one for one in tried if one.seconds is not None]
    return min(answered, key=lambda one: one.delay) if answered else tried[-1]


def _exchange(server: str, timeout: float) -> Offset:
    try:
        family, kind, protocol, _name, place = socket.getaddrinfo(server, PORT, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as wire:
            wire.settimeout(timeout)
            wire.connect(place)
            sent = time.time()
            wire.send(REQUEST + struct.pack("!II", (int(sent) + EPOCH) & 0xFFFFFFFF, 0))
            packet = wire.recv(512)
            offset, delay = read_reply(packet, sent, time.time())
        return Offset(server, offset, place[0], delay)
    except socket.timeout:
        return Offset(server, None, said="no answer within %g s" % timeout)
    except OSError as error:
        return Offset(server, None, said=error.strerror or str(error))
    except NotUnderstood as error:
        return Offset(server, None, said=str(error))
