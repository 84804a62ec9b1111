# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be wrong with the VNC ports of the Xen lab's guests: how it is made, what is found, what is corrected."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import remote
from guests import GUESTS_BY_NAME, NODE_UUIDS
from xen_lab import XenLab

Make = Callable[[XenLab], None]


@dataclass(frozen=True)
class Case:
    """``found``: guest to the codes of what is said of it, before anything is corrected; it touches these alone.

    ``displays``: what the database has for a guest when it was corrected as far as it may be.
    """

    name: str
    make: Make
    undo: Make
    found: dict[str, str]
    displays: dict[str, int | None] = field(default_factory=dict)

    @property
    def guests(self) -> set[str]:
        return set(self.found)


def sql(*statements: str) -> Make:
    def step(lab: XenLab) -> None:
        with lab.database.connect() as connection:
            for statement in statements:
                connection.execute(statement.encode())

    return step


def on_node(node: str, script: str) -> Make:
    def step(lab: XenLab) -> None:
        remote.script(node, script, timeout=240)

    return step


def together(*steps: Make) -> Make:
    def step(lab: XenLab) -> None:
        for each in steps:
            each(lab)

    return step


def display(**guests: int | None) -> Make:
    """In the database."""
    return sql(
        *(
            f"UPDATE pengx_vm SET vnc_port = {'NULL' if number is None else number} WHERE name = '{_name(guest)}'"
            for guest, number in guests.items()
        )
    )


def _name(word: str) -> str:
    return word.replace("_", "-")


def _node(guest: str, node: str) -> Make:
    return sql(f"UPDATE pengx_vm SET pm_uuid = '{NODE_UUIDS[node]}' WHERE name = '{guest}'")


# systemd keeps the listener when the connection that began it has ended
_LISTEN = (
    "systemd-run --quiet --unit=lab-listener python3 -c"
    " 'import socket, time; listening = socket.create_server((\"\", {})); time.sleep(9999)'"
)

CASES = (
    Case(
        "a pair that must swap",
        display(web_1=51, mail_1=50),
        display(web_1=50, mail_1=51),
        {"web-1": "vnc_database_differs", "mail-1": "vnc_database_differs"},
        {"web-1": 50, "mail-1": 51},
    ),
    Case(
        "a display nobody has",
        display(web_1=77),
        display(web_1=50),
        {"web-1": "vnc_database_differs"},
        {"web-1": 50},
    ),
    Case(
        "no display in the database",
        display(db_1=None),
        display(db_1=50),
        {"db-1": "vnc_database_differs"},
        {"db-1": 50},
    ),
    Case(
        "another node in the database",
        together(_node("db-1", "x1"), display(db_1=70)),
        together(_node("db-1", "x2"), display(db_1=50)),
        {"db-1": "vnc_on_another_node"},
        {"db-1": 70},
    ),
    Case(
        "not in the database",
        sql(
            "ALTER TABLE pengx_vm RENAME TO vm_before",
            "CREATE TABLE pengx_vm AS SELECT * FROM vm_before WHERE name <> 'mail-1'",
        ),
        sql("DROP TABLE pengx_vm", "ALTER TABLE vm_before RENAME TO pengx_vm"),
        {"mail-1": "vnc_not_in_database"},
    ),
    Case(
        "two that are off with one display",
        display(spare_1=55),
        display(spare_1=58),
        {"spare-1": "vnc_port_shared vnc_config_differs", "twin-a": "vnc_port_shared"},
        {"spare-1": 55, "twin-a": 55},
    ),
    Case(
        "another has what it really has",
        display(web_1=60, spare_1=50),
        display(web_1=50, spare_1=58),
        {"web-1": "vnc_database_differs vnc_value_taken", "spare-1": "vnc_config_differs"},
        {"web-1": 60, "spare-1": 50},
    ),
    Case(
        "a foreign process listens on its port",
        on_node("x2", _LISTEN.format(5900 + 57)),
        on_node("x2", "systemctl stop lab-listener"),
        {"deaf-1": "vnc_port_foreign"},
        {"deaf-1": 57},
    ),
    Case(
        "the .cfg differs",
        on_node("x2", f"sed -i.before s/vncdisplay=56/vncdisplay=59/ {GUESTS_BY_NAME['local-1'].config}"),
        on_node("x2", f"mv {GUESTS_BY_NAME['local-1'].config}.before {GUESTS_BY_NAME['local-1'].config}"),
        {"local-1": "vnc_config_differs"},
        {"local-1": 56},
    ),
)


def batch(seed: int) -> list[Case]:
    """As many as touch each other nowhere, others with each seed."""
    chosen: list[Case] = []
    for case in random.Random(seed).sample(CASES, len(CASES)):
        if all(case.guests.isdisjoint(other.guests) for other in chosen):
            chosen.append(case)
    return chosen
