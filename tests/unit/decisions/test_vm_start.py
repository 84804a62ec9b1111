# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import Check
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions.vm_start import (
    Guest,
    Wanted,
    after,
    before,
    refused,
)
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Status
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.vm_start import TABLE
from replay import by_code
from xen_answers import VOLUME, answer, cfg, domain, image, mac, uuid

VM = uuid(1)
OTHER = "11111111-6073-442b-8ed6-7e87aded6e9c"
HELD = Check("vm_start", object, lambda host, policy: None, lambda facts, policy: [], TABLE)
DATA = {"path": "/data", "source": "/dev/mapper/mpathb", "fstype": "ocfs2", "read_only": False}
ROOT = {"path": "/", "source": "/dev/vda", "fstype": "ext4", "read_only": False}


def place(use, path, **more):
    there = {"real": path, "kind": "file", "inode": 7, "size": 9, "problem": "", "volume": VOLUME, "mount": DATA}
    return {"use": use, "path": path, **there, "unmounted": None, **more}


def needs(**more):
    config = {
        "path": cfg(1),
        "uuid": VM,
        "name": "web-1",
        "display": {"number": 51},
        "memory_mib": 128,
        "vcpus": 1,
        "disks": [{"path": image(1), "format": "raw", "vdev": "xvda", "writable": True, "cdrom": False}],
        "nics": [{"mac": mac(1), "bridge": "xenbr0", "script": None}],
    }
    paths = [
        place("config", cfg(1)),
        place("disk", image(1)),
        place("kernel", "/boot/vmlinux", mount=ROOT, volume="/dev/vda"),
    ]
    bridges = [{"name": "xenbr0", "kind": "openvswitch", "macs": []}]
    return {
        "config": {**config, **more.pop("config", {})},
        "problem": "",
        "paths": paths,
        "bridges": bridges,
        "missing": [],
        **more,
    }


def disk(**more):
    found = needs()
    found["paths"][1].update(more)
    return found


def vm(**more):
    images = [{"node": node, "path": image(1), "volume": VOLUME, "inode": 70001} for node in ("n1", "n2")]
    known = {"vm": VM, "places": [], "silent": [], "missing": [], "rows": [], "domains": [], "images": images}
    return {**known, **more}


def judged(seen=None, reading=None, wants=None, **wanted):
    found = before(Wanted("n1", **wanted), seen or vm(), reading or answer("n1"), wants or needs())
    return by_code(HELD, found)


def with_place(kind, counts=True):
    return vm(places=[{"node": "n2", "kind": kind, "evidence": "something", "counts": counts}])


def memory(**more):
    reading = answer("n1")
    reading["node"]["memory_kib"].update(more)
    return reading


NEIGHBOUR = domain(2, name="web-1")
SHARES = domain(2)
SHARES["disks"] = [{**SHARES["disks"][0], "path": image(1)}]
LISTENS = {"listeners": [{"address": "0.0.0.0", "port": 5951, "pid": 5, "command": "sshd"}]}
GONE = {"kind": "", "problem": "No such file or directory", "inode": None, "volume": None}
NOWHERE = vm(images=[{"node": "n2", "path": image(1), "volume": None, "inode": None}])
ELSEWHERE = vm(images=[{"node": "n2", "path": image(1), "volume": OTHER, "inode": 7}])


def test_a_node_that_has_everything_is_said_to_have_it_and_nothing_else():
    assert list(judged()) == ["vm_start_ready"]
    # what only reads a backing file, and another node's consoles, are no matter
    quiet = answer("n1", missing=[{"reading": "unix /run/x", "problem": "timeout", "detail": ""}])
    assert list(judged(with_place("process", counts=False), quiet)) == ["vm_start_ready"]


def test_what_was_not_read_is_told_once():
    lost = {"reading": "blkid /dev/vdb", "problem": "timeout", "detail": "gave no answer within 10 s"}
    gaps = [{"node": node, "what": lost["reading"], "why": lost["detail"]} for node in ("n1", "n2")]
    found = before(Wanted("n1"), vm(missing=gaps), answer("n1", missing=[lost]), needs())
    assert [(one.code, one.subject) for one in found] == [("vm_start_unread", "n1"), ("vm_start_unread", "n2")]


@pytest.mark.parametrize(
    ("code", "given"),
    [
        ("vm_start_runs", {"seen": with_place("domain")}),
        ("vm_start_image_open", {"seen": with_place("loop")}),
        ("vm_start_tool", {"seen": with_place("toolstack")}),
        ("vm_start_saved", {"seen": with_place("saved")}),
        ("vm_start_silent", {"seen": vm(silent=["n2"])}),
        ("vm_start_unread", {"seen": vm(missing=[{"node": "n2", "what": "its domains", "why": ""}])}),
        ("vm_start_unread", {"reading": {"msg": "unreachable"}}),
        ("vm_start_unread", {"wants": {"msg": "no Python"}}),
        (
            "vm_start_unread",
            {"reading": answer("n1", missing=[{"reading": "libxc", "problem": "timeout", "detail": ""}])},
        ),
        ("vm_start_unread", {"reading": memory(free=None)}),
        ("vm_start_config_unread", {"wants": {**needs(), "config": None, "problem": "No such file"}}),
        ("vm_start_other_config", {"wants": needs(config={"uuid": uuid(2)})}),
        ("vm_start_other_config", {"wants": needs(config={"uuid": None})}),
        ("vm_start_not_mounted", {"wants": disk(unmounted="/dev/mapper/mpathb /data ocfs2")}),
        ("vm_start_not_mounted", {"wants": disk(mount=ROOT)}),
        ("vm_start_not_mounted", {"wants": disk(mount=None)}),
        ("vm_start_path_missing", {"seen": NOWHERE, "wants": disk(**GONE)}),
        ("vm_start_path_elsewhere", {"seen": ELSEWHERE, "wants": disk(**GONE)}),
        ("vm_start_path_unusable", {"wants": disk(kind="folder")}),
        ("vm_start_path_unusable", {"wants": disk(problem="Permission denied")}),
        ("vm_start_read_only", {"wants": disk(mount={**DATA, "read_only": True})}),
        ("vm_start_other_volume", {"seen": ELSEWHERE}),
        ("vm_start_name_taken", {"reading": answer("n1", NEIGHBOUR)}),
        ("vm_start_image_shared", {"reading": answer("n1", SHARES)}),
        ("vm_start_port_taken", {"reading": answer("n1", **LISTENS)}),
        ("vm_start_memory", {"reading": memory(free=128 * 1024)}),
        ("vm_start_dom0_ballooned", {"reading": memory(dom0=900_000)}),
        ("vm_start_bridge", {"wants": needs(bridges=[{"name": "xenbr0", "kind": "", "macs": []}])}),
    ],
)
def test_each_reason_is_found_alone(code, given):
    assert list(judged(**given)) == [code]


def test_a_local_disk_is_another_volume_on_every_node_and_no_contradiction():
    local = vm(images=[{"node": "n2", "path": image(1), "volume": "/dev/vdb", "inode": 7}])
    assert list(judged(local, wants=disk(volume="/dev/vdb"))) == ["vm_start_ready"]


def test_a_port_that_a_vm_has_is_told_by_its_name():
    taken = answer("n1", domain(2, name="shop", vnc={"listening": 5951}), **LISTENS)
    assert judged(reading=taken)["vm_start_port_taken"].values["by"] == "shop"


def test_a_refusal_is_a_finding_of_its_own():
    assert list(by_code(HELD, [refused(VM, "n1", "xl create: no memory")])) == ["vm_start_refused"]


FAULTS = st.fixed_dictionaries(
    {
        "silent": st.lists(st.sampled_from(["n2", "n3"]), max_size=2, unique=True),
        "places": st.lists(st.sampled_from(["domain", "loop", "process", "toolstack", "saved"]), max_size=2),
        "missing": st.booleans(),
        "kind": st.sampled_from(["file", "", "folder", "device"]),
        "free": st.none() | st.integers(0, 2_000_000),
        "bridge": st.sampled_from(["linux", ""]),
    }
)


@given(FAULTS)
def test_it_is_ready_only_if_nothing_at_all_is_wrong_or_unknown(faults):
    places = [{"node": "n2", "kind": kind, "evidence": "x", "counts": True} for kind in faults["places"]]
    gaps = [{"node": "n2", "what": "its domains", "why": ""}] if faults["missing"] else []
    wants = disk(kind=faults["kind"])
    wants["bridges"][0]["kind"] = faults["bridge"]
    found = judged(
        vm(silent=faults["silent"], places=places, missing=gaps), memory(free=faults["free"]), deepcopy(wants)
    )
    well = not (faults["silent"] or places or gaps) and faults["kind"] in ("file", "device") and faults["bridge"]
    well = well and faults["free"] is not None and faults["free"] > (128 + 64) * 1024 + 4096
    assert ("vm_start_ready" in found) <= bool(well)
    bad = {TABLE[code].status for code in found} & {Status.CRITICAL, Status.UNKNOWN}
    assert bool(bad) != ("vm_start_ready" in found)


# After the start


def started(*domains, first=None, guest=None, wants=None, macs=(), **more):
    own = [{"node": "n1", **one} for one in (domains or (domain(1, 3),))]
    seen = vm(domains=own, **more)
    found = after(Wanted("n1"), seen, first, wants or needs(), guest or Guest({"10.0.0.1": True}), macs)
    return by_code(HELD, found)


def test_a_vm_that_runs_once_with_all_its_devices_and_answers_is_well():
    assert list(started()) == ["vm_started", "vm_started_answers"]


@pytest.mark.parametrize(
    ("code", "given"),
    [
        ("vm_started_drifted", {"domains": [domain(1, 3, vnc={"listening": 5960})]}),
        ("vm_started_elsewhere", {"domains": [{**domain(1, 3), "node": "n2"}]}),
        ("vm_started_lacks", {"domains": [domain(1, 3, disks=[])]}),
        ("vm_started_lacks", {"domains": [domain(1, 3, nics=[])]}),
        ("vm_started_lacks", {"rows": [{"disks": [{"uuid": "0a11b5cd", "imgtype": "raw"}]}]}),
        ("vm_started_guest_said", {"guest": Guest({"x": True}, ("xvdb: I/O error",))}),
        ("vm_started_mute", {"guest": Guest({"10.0.0.1": False})}),
    ],
)
def test_what_is_not_as_it_should_be_is_said_beside_that_it_runs(code, given):
    found = started(*given.pop("domains", ()), **given)
    assert code in found and "vm_started" in found


@pytest.mark.parametrize(
    "domains", [(domain(1, 3, "paused"),), (domain(1, 3), domain(1, 4)), (domain(1, 3, "crashed"),)]
)
def test_what_does_not_run_once_is_critical_and_alone(domains):
    assert list(started(*domains)) == ["vm_started_not"]


def test_without_an_address_it_lives_if_its_bridge_knows_it_and_it_sends():
    quiet = Guest({})
    then = domain(1, 3)
    then["nics"] = [{**then["nics"][0], "sent": 3}]
    assert "vm_started_sends" in started(first=then, guest=quiet, macs=[mac(1)])
    assert "vm_started_mute" in started(first=domain(1, 3), guest=quiet, macs=[mac(1)]), "nothing was sent since"
    assert "vm_started_mute" in started(first=then, guest=quiet)


def test_what_a_running_domain_has_open_is_said_with_it_and_what_others_have_by_itself():
    def place(node, kind):
        return {"node": node, "kind": kind, "evidence": "something", "counts": True}

    seen = vm(places=[place("n2", "domain"), place("n2", "loop"), place("n2", "toolstack"), place("n3", "loop")])
    found = [(one.code, one.values["node"]) for one in before(Wanted("n1"), seen, answer("n1"), needs())]
    assert found == [("vm_start_runs", "n2"), ("vm_start_image_open", "n3")]
