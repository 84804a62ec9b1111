# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import migration_end
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems.migration_end import (
    Failure,
    Features,
    Reached,
)
from replay import Replay, recording

SSH = f"ssh -o BatchMode=yes -o ConnectTimeout=10 n2 {migration_end.FAR}"
CHANGED = "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key verification failed.\n"


def probe(peer="", **more):
    answers = {"xl info": recording("xen/xl_info"), "ovs-vsctl --timeout=5 list-br": "xenbr0\nbr-ex\n", **more}
    return migration_end.probe(Replay(answers, links={"/sys/class/net/virbr0/bridge/x": ""}), peer)


def test_a_node_tells_its_features_and_its_bridges():
    facts = probe(**{"/proc/cpuinfo": "processor\t: 0\nmodel name\t: QEMU Virtual CPU version 2.5+\n"})
    cpu = (0x178BF3FD, 0x80002001, 0x20100800, 7, 0, 0, 0, 0)
    assert facts.features == Features(4, 17, cpu, ("pv", "hvm", "shadow"))
    assert facts.bridges == ("br-ex", "virbr0", "xenbr0")
    assert (facts.model, facts.ssh, facts.missing) == ("QEMU Virtual CPU version 2.5+", None, ())


def test_what_a_node_cannot_tell_is_missing():
    lost = Answer("", stderr="ovs-vsctl: unix:/var/run/openvswitch/db.sock: database connection failed", rc=1)
    facts = probe(**{"ovs-vsctl --timeout=5 list-br": lost, "xl info": Problem.TIMEOUT})
    assert [one.reading for one in facts.missing] == ["ovs-vsctl --timeout=5 list-br", "xl info"]
    assert facts.features is None
    odd = recording("xen/xl_info").stdout.replace("hw_caps                : 178bf3fd", "hw_caps : x")
    assert [one.problem for one in probe(**{"xl info": odd}).missing] == [Problem.NOT_UNDERSTOOD]
    assert probe(**{"ovs-vsctl --timeout=5 list-br": Problem.ABSENT}).missing == ()


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (recording("migration/ssh-unknown-host-key"), Failure.HOST_KEY),
        (recording("migration/ssh-denied"), Failure.DENIED),
        (Answer("", stderr=CHANGED, rc=255), Failure.CHANGED_KEY),
        (
            Answer("", stderr="ssh: Could not resolve hostname n2: Name or service not known", rc=255),
            Failure.UNRESOLVED,
        ),
        (Answer("", stderr="ssh: connect to host n2 port 22: Connection refused", rc=255), Failure.UNREACHABLE),
        (Problem.TIMEOUT, Failure.UNREACHABLE),
        (Answer("", stdout="This account is currently not available.\n", rc=1), Failure.OTHER),
        (Problem.ABSENT, Failure.OTHER),
        ("\ncloudops n2 6cb4279e-70b4-47df-be26-e619be0c8b1f\n", Failure.NO_XL),
    ],
)
def test_why_roots_ssh_does_not_do_is_told(answer, failure):
    ssh = probe("n2", **{SSH: answer}).ssh
    assert ssh is not None and ssh.failure is failure and ssh.address == "n2"


def test_who_answers_is_told_whatever_the_login_prints():
    said = "Welcome to n2\n\ncloudops n2 6cb4279e-70b4-47df-be26-e619be0c8b1f /usr/sbin/xl\n"
    reached = probe("n2", **{SSH: said}).ssh
    assert reached == Reached("n2", Failure.NONE, "", "n2", "6cb4279e-70b4-47df-be26-e619be0c8b1f")
