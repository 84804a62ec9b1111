# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is the node dead? The rules of docs/rules.md, and the readings it is asked with. The first row that fits decides.

A reading is missing when it could not be taken, never when the answer was "no".
"""

from __future__ import annotations

import enum
import itertools
import math
from dataclasses import dataclass, fields
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.host_names import same_host
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase


class Reading(str, enum.Enum):
    """One witness."""


class Management(Reading):
    """Does the node's own ssh answer, and which boot is it?"""

    SAME_BOOT = "answers, boot id as recorded"
    NEW_BOOT = "answers, new boot id"
    UNKNOWN_BOOT = "answers, boot id not known"
    SILENT = "silent"
    MISSING = "missing"


class Heartbeat(Reading):
    """Its slot on disk, read by a healthy peer."""

    MOVING = "moving"
    STANDING = "standing"
    ABSENT = "absent"
    MISSING = "missing"


class Peers(Reading):
    """Is it connected, as o2net of each peer has it AND by a probe of its o2cb address? Disputed: something answers."""

    CONNECTED = "connected"
    DISPUTED = "disputed"
    NONE = "none"
    MISSING = "missing"


class Guests(Reading):
    """Does any of its VMs answer? That it still runs on this node is not proven by its answer."""

    ANSWER = "answer"
    NONE = "none"
    MISSING = "missing"


class Bmc(Reading):
    """Power, as its BMC has it; silent: it was asked and did not answer."""

    ON = "on"
    OFF = "off"
    SILENT = "silent"
    MISSING = "missing"


@dataclass(frozen=True)
class Readings:
    management: Management = Management.MISSING
    heartbeat: Heartbeat = Heartbeat.MISSING
    peers: Peers = Peers.MISSING
    guests: Guests = Guests.MISSING
    bmc: Bmc = Bmc.MISSING


class Death(str, enum.Enum):
    """The verdict; its words and what may be done are the row ``node_<verdict>`` of the judgements."""

    CONTRADICTION = "contradiction"
    ALIVE = "alive"
    REBOOTED = "rebooted"
    UNMANAGED = "unmanaged"
    EVICTED = "evicted"
    DOM0_HUNG = "dom0_hung"
    CUT_OFF = "cut_off"
    CUT_OFF_WITH_BMC = "cut_off_with_bmc"
    HUNG = "hung"
    OFF = "off"
    UNPROVEN = "unproven"
    UNKNOWN = "unknown"


# of every reading, by its value
WORDS: Mapping[str, Phrase] = {
    str(phrase): phrase
    for phrase in (
        Phrase("reading_same_boot"),
        Phrase("reading_new_boot"),
        Phrase("reading_unknown_boot"),
        Phrase("reading_silent"),
        Phrase("reading_missing"),
        Phrase("reading_moving"),
        Phrase("reading_standing"),
        Phrase("reading_absent"),
        Phrase("reading_connected"),
        Phrase("reading_disputed"),
        Phrase("reading_none"),
        Phrase("reading_answer"),
        Phrase("reading_on"),
        Phrase("reading_off"),
    )
}

SIGN_OF_PEERS = (Peers.CONNECTED, Peers.DISPUTED)
ANSWERS = (Management.SAME_BOOT, Management.NEW_BOOT, Management.UNKNOWN_BOOT)
DEAD_BEAT = (Heartbeat.STANDING, Heartbeat.ABSENT)
Cells = Mapping[str, FrozenSet[Reading]]


@dataclass(frozen=True)
class Row:
    """``patterns``: the row fits if one of them does. A reading that a pattern does not name may be anything."""

    rule: int
    verdict: Death
    patterns: Tuple[Cells, ...]


def _cells(**cells: Any) -> Dict[str, FrozenSet[Reading]]:
    return {name: frozenset(cell if isinstance(cell, tuple) else (cell,)) for name, cell in cells.items()}


def _silent(**cells: Any) -> Tuple[Cells, ...]:
    return (_cells(management=Management.SILENT, **cells),)


TABLE = (
    Row(
        11,
        Death.CONTRADICTION,
        (
            _cells(bmc=Bmc.OFF, management=ANSWERS),
            _cells(bmc=Bmc.OFF, heartbeat=Heartbeat.MOVING),
            _cells(bmc=Bmc.OFF, peers=SIGN_OF_PEERS),
            _cells(bmc=Bmc.OFF, guests=Guests.ANSWER),
        ),
    ),
    Row(12, Death.ALIVE, (_cells(management=Management.SAME_BOOT),)),
    Row(13, Death.REBOOTED, (_cells(management=Management.NEW_BOOT),)),
    Row(14, Death.UNMANAGED, _silent(heartbeat=Heartbeat.MOVING, guests=Guests.ANSWER)),
    Row(15, Death.EVICTED, _silent(heartbeat=DEAD_BEAT, guests=Guests.ANSWER)),
    Row(
        16,
        Death.DOM0_HUNG,
        _silent(heartbeat=Heartbeat.MOVING, peers=Peers.CONNECTED, guests=Guests.NONE, bmc=(Bmc.ON, Bmc.SILENT)),
    ),
    Row(17, Death.CUT_OFF, _silent(heartbeat=Heartbeat.MOVING, peers=Peers.NONE, guests=Guests.NONE, bmc=Bmc.ON)),
    Row(
        18,
        Death.CUT_OFF_WITH_BMC,
        _silent(heartbeat=Heartbeat.MOVING, peers=Peers.NONE, guests=Guests.NONE, bmc=Bmc.SILENT),
    ),
    Row(19, Death.HUNG, _silent(heartbeat=DEAD_BEAT, guests=Guests.NONE, bmc=Bmc.ON)),
    Row(20, Death.OFF, _silent(heartbeat=DEAD_BEAT, guests=Guests.NONE, bmc=Bmc.OFF)),
    Row(22, Death.UNPROVEN, _silent(heartbeat=DEAD_BEAT, guests=Guests.NONE, bmc=Bmc.SILENT)),
)


@dataclass(frozen=True)
class Decision:
    """``missing``: the readings that would have to be taken for a row to fit; only an unknown has them."""

    verdict: Death
    rule: Optional[int] = None
    missing: Tuple[str, ...] = ()


def decide(readings: Readings) -> Decision:
    for row in TABLE:
        if any(_fits(pattern, readings) for pattern in row.patterns):
            return Decision(row.verdict, row.rule)
    return Decision(Death.UNKNOWN, missing=_proofs(readings))


def _fits(pattern: Cells, readings: Readings) -> bool:
    return all(_reading(readings, name) in cell for name, cell in pattern.items())


def _reading(readings: Readings, name: str) -> Reading:
    reading: Reading = getattr(readings, name)
    return reading


def _proofs(readings: Readings) -> Tuple[str, ...]:
    """The readings not taken, or disputed, that a row needs whose other ones fit; of an unknown boot it is its id."""
    wanted = set()
    for pattern in (pattern for row in TABLE for pattern in row.patterns):
        open_ones = {name for name, cell in pattern.items() if _reading(readings, name) not in cell}
        if open_ones and all(_open(_reading(readings, name), pattern[name]) for name in open_ones):
            wanted |= open_ones
    return tuple(one.name for one in fields(Readings) if one.name in wanted)


def _open(reading: Reading, cell: FrozenSet[Reading]) -> bool:
    if reading is Management.UNKNOWN_BOOT:
        return bool(cell & {Management.SAME_BOOT, Management.NEW_BOOT})
    return reading is Peers.DISPUTED or reading.value == "missing"


@dataclass(frozen=True)
class Witness:
    """A reading with what it was read from. ``at``: its time, in seconds; None for one that was taken just now."""

    reading: Reading
    evidence: Tuple[str, ...] = ()
    at: Optional[float] = None


def readings(witnesses: Mapping[str, Witness], now: float = 0.0, max_age: float = math.inf) -> Readings:
    """By the name of each reading; one without a witness, or too old to rest on, is missing."""
    given: Dict[str, Any] = {
        name: witness.reading
        for name, witness in witnesses.items()
        if witness.at is None or now - witness.at <= max_age
    }
    return Readings(**given)


def management(
    answered_boot: Optional[str],
    recorded_boot: Optional[str],
    banner: Tuple[str, ...],
    controller_sees: Tuple[str, ...],
) -> Witness:
    """``answered_boot``: its boot id, or None if it did not answer us. ``banner``: peers whom its ssh greeted.

    ``controller_sees``: nodes that answered the controller in the same run. Without any, it may be the controller
    that is cut off, and nothing was read about the node.
    """
    if answered_boot is not None:
        shown = (
            Phrase(
                "witness_boot", answered_boot or Phrase("boot_not_read"), recorded_boot or Phrase("boot_never_recorded")
            ),
        )
        if not answered_boot or not recorded_boot:
            return Witness(Management.UNKNOWN_BOOT, shown)
        return Witness(Management.SAME_BOOT if answered_boot == recorded_boot else Management.NEW_BOOT, shown)
    if banner:
        return Witness(Management.UNKNOWN_BOOT, tuple(Phrase("witness_ssh", name) for name in banner))
    if not controller_sees:
        return Witness(Management.MISSING, (Phrase("breaker_cut_off"),))
    return Witness(Management.SILENT, (Phrase("witness_silent", controller_sees),))


def heartbeat(name: str, views: Mapping[str, Mapping[str, Any]]) -> Witness:
    """By rule 6. ``views``: the facts of check o2cb by peer. Only one whose own slot moved in the same readings counts.

    Standing is not enough by itself: the peer's kernel must have declared the node dead, which is the dead time. Nor is
    one region of several: on one that no such peer could read it may move.
    """
    if views and not any(view.get("configured") for view in views.values()):
        return Witness(Heartbeat.ABSENT, (Phrase("witness_no_ocfs2"),))
    seen: Dict[Heartbeat, List[str]] = {}
    unread = {region["uuid"] for view in views.values() for region in (view.get("running") or {}).get("regions") or ()}
    for peer, view in sorted(views.items()):
        number = _number(name, view)
        if number is None:
            continue
        for volume in view.get("volumes") or ():
            if _own_number(view) not in volume["moving"]:
                continue
            unread.discard(volume["region"])
            lines = [line for line in volume["lines"] if "node %d " % number in line]
            block = Phrase("joined", lines) if lines else Phrase("witness_no_block", number, volume["source"])
            said = Phrase("about", [peer, block])
            seen.setdefault(_beat(number, volume, view), []).append(said)
    if seen and unread and Heartbeat.MOVING not in seen:
        said = Phrase("witness_region", sorted(unread))
        return Witness(Heartbeat.MISSING, (said, *itertools.chain(*seen.values())))
    for state in (Heartbeat.MOVING, Heartbeat.MISSING, Heartbeat.STANDING, Heartbeat.ABSENT):
        if state in seen:
            return Witness(state, tuple(seen[state]))
    return Witness(Heartbeat.MISSING, (Phrase("witness_slot", name),))


def _beat(number: int, volume: Mapping[str, Any], view: Mapping[str, Any]) -> Heartbeat:
    if number in volume["moving"]:
        return Heartbeat.MOVING
    if number not in volume["standing"]:
        return Heartbeat.ABSENT
    declared = [peer["live"] for peer in view.get("peers") or () if peer["node"]["number"] == number]
    return Heartbeat.STANDING if declared == [False] else Heartbeat.MISSING


_O2NET = {True: Phrase("o2net_connected"), False: Phrase("o2net_not_connected"), None: Phrase("o2net_not_read")}


def peers(name: str, views: Mapping[str, Mapping[str, Any]]) -> Witness:
    """Connected or not only where all peers agree; o2net alone names one that was cut off as connected for minutes.

    An address that answers while o2net is not connected proves a kernel behind it, not that the node is in its cluster.
    """
    said: List[str] = []
    seen = set()
    answered = False
    for observer, view in sorted(views.items()):
        for peer in view.get("peers") or ():
            if not same_host(peer["node"]["name"], name):
                continue
            answered = answered or peer["reachable"]
            if not peer["reachable"]:
                seen.add(Peers.NONE)
            elif peer["connected"] is not None:
                seen.add(Peers.CONNECTED if peer["connected"] else Peers.DISPUTED)
            address = "%s:%s" % (peer["node"]["address"], peer["node"]["port"])
            answer = Phrase("peer_answers") if peer["reachable"] else Phrase("peer_silent", peer["said"])
            said.append(Phrase("witness_peer", observer, _O2NET[peer["connected"]], address, answer))
    if not said:
        if views and not any(view.get("configured") for view in views.values()):
            return Witness(Peers.NONE, (Phrase("witness_no_ocfs2"),))
        return Witness(Peers.MISSING, (Phrase("witness_no_peer", name),))
    if seen == {Peers.CONNECTED} or (seen == {Peers.NONE} and not answered):
        return Witness(seen.pop(), tuple(said))
    return Witness(Peers.DISPUTED, tuple(said))


def guests(
    addresses: Tuple[str, ...],
    answers: Mapping[str, Mapping[str, bool]],
    elsewhere: Optional[Mapping[str, str]] = None,
    living: Tuple[str, ...] = (),
) -> Witness:
    """``addresses``: of every VM that may be on it, whatever its row says. ``answers``: by observer, then by address.

    Silence counts only from an observer that could ask all of them. An answer keeps hands off the node, though it does
    not tell which node's port the VM is behind; but a VM whose MAC is on a node that answers (``elsewhere``: by
    address, that node) is not this node's. ``living``: its VMs that were seen to run on the node itself.
    """
    if living:
        return Witness(Guests.ANSWER, living)
    if not addresses:
        return Witness(Guests.MISSING, (Phrase("witness_no_address"),))
    gone = {address: name for address, name in (elsewhere or {}).items() if address in addresses}
    moved = tuple(Phrase("witness_elsewhere", *pair) for pair in sorted(gone.items()))
    addresses = tuple(address for address in addresses if address not in gone)
    if not addresses:
        return Witness(Guests.MISSING, moved)
    heard = [
        Phrase("witness_guest", address, who)
        for who, asked in sorted(answers.items())
        for address in addresses
        if asked.get(address)
    ]
    if heard:
        return Witness(Guests.ANSWER, (*heard, *moved))
    asked_all = [who for who, asked in sorted(answers.items()) if all(address in asked for address in addresses)]
    if not asked_all:
        return Witness(Guests.MISSING, (Phrase("witness_unasked", addresses), *moved))
    return Witness(Guests.NONE, (Phrase("witness_guests_silent", addresses, asked_all), *moved))


def _number(name: str, view: Mapping[str, Any]) -> Optional[int]:
    for node in (view.get("running") or {}).get("nodes") or ():
        if same_host(node["name"], name):
            return int(node["number"])
    return None


def _own_number(view: Mapping[str, Any]) -> Optional[int]:
    for node in (view.get("running") or {}).get("nodes") or ():
        if node["local"]:
            return int(node["number"])
    return None
