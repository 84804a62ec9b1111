# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.boot_gate import obstacles
from xen_answers import answer, config, domain, image, opener, uuid

AUTO = "/etc/xen/auto/web-1.cfg"
GUEST = {"name": "web-1", "path": AUTO, "starter": "xendomains.service", "shared": True}


def node(name, *domains, age=0.0, **more):
    return answer(name, *domains, age=age, vms=(1, 2), **more)


def rounds(own=(), **peers):
    """Two rounds, 4 s apart, of n1, whose gate it is, and of the others; None gives no answer."""
    found = []
    for age in (4.0, 0.0):
        mine = node("n1", *own, age=age)
        mine["configs"].append(config(1, path=AUTO))
        others = {name: given(age) if given else {"unreachable": True} for name, given in peers.items()}
        found.append({"n1": mine, **others})
    return found


def has(*domains, **more):
    return lambda age: node("n2", *domains, age=age, **more)


def test_what_is_off_on_all_others_may_start():
    assert obstacles([GUEST], "n1", ["n1", "n2"], rounds(n2=has())) == []


def test_nothing_that_waits_is_no_obstacle():
    assert obstacles([], "n1", ["n2"], []) == []
    assert obstacles([{**GUEST, "shared": False}], "n1", ["n2"], []) == []
    saved = {"name": "saved states", "path": "/var/lib/xen/save", "starter": "xendomains.service", "shared": True}
    assert obstacles([saved], "n1", ["n2"], []) == []


@pytest.mark.parametrize(
    ("peer", "said"),
    [
        (has(domain(1)), "web-1: n2: domain 1 web-1 runs"),
        (has(domain(1, state="paused")), "web-1: n2: domain 1 web-1 paused"),
        (has(openers=[opener(1)]), f"web-1: n2: loop0 has {image(1)} open"),
        (has(toolstack=[{"pid": 7, "command": "xl create", "names": [uuid(1)]}]), "web-1: n2: xl create (pid 7)"),
        (has(saved=[{"path": "/data/x.save", "uuid": uuid(1)}]), "web-1: n2: /data/x.save"),
        (has(missing=[{"reading": "libxc", "problem": "timeout", "detail": ""}]), "web-1: n2 libxc timeout"),
        (None, "web-1: n2 is silent"),
    ],
)
def test_what_is_not_proven_off_keeps_the_gate_closed(peer, said):
    found = obstacles([GUEST], "n1", ["n1", "n2"], rounds(n2=peer))
    assert found and found[0].startswith(said)


def test_what_runs_on_this_node_already_is_no_hindrance():
    assert obstacles([GUEST], "n1", ["n1", "n2"], rounds(own=[domain(1)], n2=has())) == []


def test_a_guest_that_nobody_knows_keeps_it_closed():
    unknown = {**GUEST, "path": "/etc/xen/auto/other.cfg"}
    assert obstacles([unknown], "n1", ["n2"], rounds(n2=has())) == [
        "/etc/xen/auto/other.cfg: which VM it starts is not known"
    ]


@given(st.sets(st.sampled_from(["n2", "n3", "n4"]), min_size=1), st.sets(st.sampled_from(["n2", "n3", "n4"])))
def test_it_is_never_opened_while_one_of_them_is_silent(silent, running):
    peers = {
        name: None if name in silent else (lambda age, name=name: node(name, *[domain(1)] * (name in running), age=age))
        for name in ("n2", "n3", "n4")
    }
    assert obstacles([GUEST], "n1", ["n1", *peers], rounds(**peers))
