# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Problem, Touches
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood, plain, rendered
from ansible_collections.cloudops.hypervisor.plugins.module_utils.mount_table import parse_fstab
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import lvm
from replay import Replay, by_code, judged, recording

REST = " --units b --nosuffix -o "
PVS = "pvs --reportformat json" + REST + ",".join(lvm.PV_FIELDS)
LVS = "lvs --reportformat json" + REST + ",".join(lvm.LV_FIELDS)
PVS_TEXT = "pvs --noheadings --separator |" + REST + ",".join(lvm.PV_FIELDS)
LVS_TEXT = "lvs --noheadings --separator |" + REST + ",".join(lvm.LV_FIELDS)
OLD_LVM = Answer(
    "", stderr="pvs: unrecognized option '--reportformat'\n  Error during parsing of command line.\n", rc=3
)
SECOND_PV = "1sEPif-u25C-MUbB-tOWp-4sGW-dc3r-6J7zew"
LV1 = "LVM-UbZbP41ids52uLi8RWuQJj00oE12wv8IxNxgdKefWRT4Ot9AVI4CEaanM3UIwq6O"
ACTIVE = {
    "/sys/block/dm-2/dm/uuid": LV1 + "\n",
    "/sys/block/dm-2/dm/name": "vg1-lv1\n",
    "/sys/block/dm-2/dm/suspended": "0\n",
    "/sys/block/dm-2/size": "245760\n",
}
MPATHA = {"/sys/block/dm-0/dm/uuid": "mpath-36001405\n", "/sys/block/dm-0/dm/name": "mpatha\n"}


def report(command, state):
    """stdout and stderr of one command, as recorded apart."""
    answer = recording(f"lvm/{command}-{state}")
    try:
        return replace(answer, stderr=recording(f"lvm/{command}-{state}-stderr").stdout)
    except FileNotFoundError:
        return answer


def node(state, links=None, **changes):
    answers = {PVS: report("pvs", f"json-{state}"), LVS: report("lvs", f"json-{state}"), **ACTIVE, **changes}
    return Replay({key: value for key, value in answers.items() if value is not None}, links=links)


def inactive(state, **changes):
    return node(state, **dict.fromkeys(ACTIVE), **changes)


def test_healthy_volumes_are_ok_and_counted():
    found = judged(lvm.CHECK, node("healthy"))
    assert set(found) == {"lvm_ok"}
    assert found["lvm_ok"].values == {"pvs": 2, "vgs": 1, "lvs": 1, "active": 1}


def test_json_and_separated_text_say_the_same():
    for state in ("healthy", "missing", "empty"):
        by_json, by_text = report("pvs", f"json-{state}"), report("pvs", f"text-{state}")
        assert lvm.parse_pvs(by_json.stdout) == lvm.parse_pvs(by_text.stdout)
        by_json, by_text = report("lvs", f"json-{state}"), report("lvs", f"text-{state}")
        assert lvm.parse_lvs(by_json.stdout) == lvm.parse_lvs(by_text.stdout)


def test_sizes_with_their_unit_are_read_too():
    (volume,) = lvm.parse_pvs(recording("lvm/lab-pvs-json-healthy").stdout)
    assert (volume.name, volume.vg, volume.bytes, volume.missing) == ("/dev/mapper/mpatha", "vg1", 2143289344, False)
    (lv,) = lvm.parse_lvs(recording("lvm/lab-lvs-json-healthy").stdout)
    assert (lv.full_name, lv.bytes) == ("vg1/lv1", 209715200)


def test_an_lvm_without_json_is_asked_for_separated_text():
    answers = {
        PVS: OLD_LVM,
        LVS: OLD_LVM,
        PVS_TEXT: report("pvs", "text-missing"),
        LVS_TEXT: report("lvs", "text-missing"),
        **ACTIVE,
    }
    assert set(judged(lvm.CHECK, Replay(answers))) == {"lvm_pv_missing"}


def test_a_missing_pv_is_named_with_where_it_was():
    finding = judged(lvm.CHECK, node("missing"))["lvm_pv_missing"]
    assert finding.subject == "vg1"
    assert finding.values == {"uuid": SECOND_PV, "vg": "vg1", "last_seen": "/dev/loop1"}
    assert finding.evidence[0] == "pvs: [unknown] vg1 a-m"
    assert any("Couldn't find device with uuid" in line for line in finding.evidence)


def test_a_missing_pv_of_an_older_lvm_has_no_last_device():
    old = "  unknown device|%s|a-m|1|vg1|u|wz-pn-|2|0\n" % SECOND_PV
    finding = judged(lvm.CHECK, node("healthy", **{PVS: old}))["lvm_pv_missing"]
    assert finding.values["last_seen"] == "unknown device"


def test_a_duplicate_pv_is_told_from_stderr_alone():
    found = judged(lvm.CHECK, node("duplicate"))
    assert set(found) == {"lvm_pv_duplicate"}
    assert found["lvm_pv_duplicate"].subject == "/dev/loop2"
    assert found["lvm_pv_duplicate"].values["uuid"] == "29BAWV-E3HF-icAH-gGoU-tasX-hDPk-p9Oieg"


@pytest.mark.parametrize(
    "line",
    [
        # lib/cache/lvmcache.c of 2.02.98
        "  Found duplicate PV 29BAWVE3HFicAHgGoUtasXhDPkp9Oieg: using /dev/sda not /dev/sdb",
        # 2.02.168
        "  WARNING: PV 29BAWV-E3HF-icAH-gGoU-tasX-hDPk-p9Oieg on /dev/sdb was already found on /dev/sda.",
        # 2.03.16
        "  WARNING: Not using device /dev/sdb for PV 29BAWV-E3HF-icAH-gGoU-tasX-hDPk-p9Oieg.",
    ],
)
def test_duplicates_are_known_in_the_words_of_each_version(line):
    (duplicate,) = lvm.parse_duplicates("  WARNING: lvmetad is not used\n" + line + "\n" + line)
    assert (duplicate.unused, duplicate.uuid.replace("-", "")) == ("/dev/sdb", "29BAWVE3HFicAHgGoUtasXhDPkp9Oieg")


@pytest.mark.parametrize(
    ("device", "links"),
    [
        ("sda", {"/sys/class/block/sda/holders/dm-0": "../../../../dm-0"}),
        (
            "sda1",
            {
                "/sys/class/block/sda1": "../../devices/pci0000:00/block/sda/sda1",
                "/sys/class/block/sda/holders/dm-0": "../../../../dm-0",
            },
        ),
    ],
)
def test_a_pv_on_one_path_of_a_map_is_critical(device, links):
    text = "  /dev/%s|u1|a--|100|vg1|u2|wz--n-|100|0\n" % device
    found = judged(lvm.CHECK, node("healthy", links=links, **{PVS: text}, **MPATHA))
    assert found["lvm_pv_on_path"].values == {"path": "/dev/" + device, "map": "mpatha", "vg": "vg1"}


def test_a_pv_on_a_plain_disk_is_fine():
    text = "  /dev/sda|u1|a--|100|vg1|u2|wz--n-|100|0\n"
    links = {"/sys/class/block/sda/holders/dm-2": "../../../../dm-2", "/sys/class/block/sda": "../block/sda"}
    assert set(judged(lvm.CHECK, node("healthy", links=links, **{PVS: text}))) == {"lvm_ok"}


@pytest.mark.parametrize(
    ("host", "policy", "proof"),
    [
        (node("empty"), lvm.Policy(), "/sys/block names vg1/lv1"),
        (
            inactive("empty", **{"/etc/fstab": "/dev/vg1/lv1 /data2 ext4 defaults 0 2\n"}),
            lvm.Policy(),
            "/etc/fstab names vg1/lv1",
        ),
        (inactive("empty"), lvm.Policy(vgs=("vg1",)), "policy names vg1"),
    ],
)
def test_an_empty_answer_is_no_health_where_lvm_must_be(host, policy, proof):
    found = judged(lvm.CHECK, host, policy)
    shown = rendered(found["lvm_nothing_reported"], lvm.TABLE["lvm_nothing_reported"])
    assert shown["message"] == f"LVM reports no PV, but {proof}"


def test_an_empty_text_with_rc_0_is_no_health_either():
    # what 2.03.16 printed when every path of every map answered with errors
    found = judged(lvm.CHECK, node("healthy", **{PVS: "", LVS: ""}))
    assert set(found) == {"lvm_nothing_reported"}


def test_lvm_that_nothing_needs_is_skipped():
    assert judged(lvm.CHECK, inactive("empty"))["component_absent"].values["component"] == "LVM"
    assert judged(lvm.CHECK, Replay({}))["component_absent"].evidence == ("pvs is not installed",)


@pytest.mark.parametrize("policy", [lvm.Policy(required=True), lvm.Policy(vgs=("vg1",)), lvm.Policy(lvs=("vg1/lv1",))])
def test_lvm_that_policy_requires_is_critical_when_not_installed(policy):
    assert set(judged(lvm.CHECK, Replay({}), policy)) == {"component_required"}


def test_active_volumes_without_the_tool_prove_nothing():
    assert set(judged(lvm.CHECK, Replay(ACTIVE))) == {"reading_absent"}


def test_expected_groups_and_volumes_must_be_there():
    policy = lvm.Policy(vgs=("vg1", "vg2"), lvs=("vg1/lv9", "vg3/lv1"))
    findings = lvm.judge(lvm.probe(node("healthy"), policy), policy)
    by_code(lvm.CHECK, findings)
    assert {(one.code, one.subject) for one in findings} == {
        ("lvm_vg_missing", "vg2"),
        ("lvm_vg_missing", "vg3"),
        ("lvm_lv_missing", "vg1/lv9"),
    }


def test_the_volume_that_fstab_names_must_be_active():
    fstab = "UUID=1 / ext4 defaults 0 1\n/dev/vg1/lv1 /data2 ocfs2 _netdev 0 0\n"
    found = judged(lvm.CHECK, inactive("healthy", **{"/etc/fstab": fstab}))
    assert found["lvm_lv_inactive"].subject == "vg1/lv1"
    assert found["lvm_lv_inactive"].values == {"expected_by": "/etc/fstab"}
    assert set(judged(lvm.CHECK, node("healthy", **{"/etc/fstab": fstab}))) == {"lvm_ok"}


def test_a_volume_nobody_expects_may_be_inactive():
    assert judged(lvm.CHECK, inactive("healthy"))["lvm_ok"].values["active"] == 0


def test_fstab_names_volumes_only_by_group_and_name():
    text = (
        "# /dev/vg0/old /x ext4 defaults 0 0\n/dev/disk/by-uuid/1 /a ext4 x 0 0\n"
        "/dev/mapper/mpatha-part1 /b ext4 x 0 0\n"
        "/dev/vg0/root / ext4 x 0 1\n/dev/vg0/spare /s ext4 noauto 0 0\n/dev/vg0/root / ext4 x 0 1\n/dev/sda1\n"
    )
    assert lvm.expected_lvs(parse_fstab(text)[0]) == ("vg0/root",)
    mapped = (
        "/dev/mapper/vg--a-lv--b /a ocfs2 x 0 0\n/dev/mapper/luks-1234-5 /b ext4 x 0 0\n/dev/mapper/mpathb /c x x\n"
    )
    assert lvm.expected_lvs(parse_fstab(mapped)[0]) == ("vg-a/lv-b",)


def test_a_mapped_name_in_fstab_is_a_volume_unless_the_kernel_knows_better():
    fstab = {"/etc/fstab": "/dev/mapper/data-lun1 /data ocfs2 _netdev 0 0\n"}
    assert judged(lvm.CHECK, node("healthy", **fstab))["lvm_vg_missing"].subject == "data"
    alias = {"/sys/block/dm-0/dm/uuid": "mpath-36001405\n", "/sys/block/dm-0/dm/name": "data-lun1\n"}
    assert set(judged(lvm.CHECK, node("healthy", **fstab, **alias))) == {"lvm_ok"}


def test_an_active_volume_whose_group_is_gone_is_critical_though_another_group_is_well():
    san = {
        "/sys/block/dm-5/dm/uuid": "LVM-" + "x" * 64 + "\n",
        "/sys/block/dm-5/dm/name": "san--vg-data\n",
        "/sys/block/dm-5/dm/suspended": "0\n",
        "/sys/block/dm-5/size": "245760\n",
    }
    found = judged(lvm.CHECK, node("healthy", **san))
    assert set(found) == {"lvm_lv_not_reported"}
    assert found["lvm_lv_not_reported"].subject == "san-vg/data"
    for hidden in ({"/sys/block/dm-5/dm/name": "san--vg-pool_tdata\n"}, {"/sys/block/dm-5/dm/uuid": LV1 + "-real\n"}):
        assert set(judged(lvm.CHECK, node("healthy", **{**san, **hidden}))) == {"lvm_ok"}


def test_a_suspended_volume_is_critical_even_when_pvs_may_not_run():
    suspended = {**ACTIVE, "/sys/block/dm-2/dm/suspended": "1\n"}
    host = Replay({**suspended, PVS: report("pvs", "json-healthy")}, blocked={Touches.DISKS: "mpatha queues"})
    found = judged(lvm.CHECK, host)
    assert set(found) == {"lvm_lv_suspended", "reading_blocked"}
    assert found["lvm_lv_suspended"].values == {"device": "vg1-lv1"}


def test_a_grown_volume_whose_device_was_not_refreshed_is_critical():
    found = judged(lvm.CHECK, node("healthy", **{"/sys/block/dm-2/size": "122880\n"}))
    assert set(found) == {"lvm_lv_size_differs"}
    assert found["lvm_lv_size_differs"].values == {"lvm_bytes": 125829120, "device_bytes": 62914560}


def test_a_snapshot_is_not_compared_with_its_device():
    snapshot = recording("lvm/lvs-text-healthy").stdout.replace("-wi-XX", "swi-XX")
    assert set(judged(lvm.CHECK, node("healthy", **{LVS: snapshot, "/sys/block/dm-2/size": "8\n"}))) == {"lvm_ok"}


def test_hyphens_of_a_device_name_are_undone():
    one = lvm.Device("dm-3", "vg--a-lv--b", "LVM-x", False, None)
    assert one.full_name == "vg-a/lv-b"


def test_an_ordinary_user_gets_unknown_although_the_report_is_empty():
    host = inactive("nonroot")
    assert set(judged(lvm.CHECK, host)) == {"reading_denied"}
    assert LVS not in host.asked


@pytest.mark.parametrize("problem", [Problem.TIMEOUT, Problem.STUCK, Problem.FAILED])
def test_a_hanging_pvs_is_unknown_and_lvs_is_left_alone(problem):
    host = node("healthy", **{PVS: problem})
    assert set(judged(lvm.CHECK, host)) == {f"reading_{problem.value}"}
    assert LVS not in host.asked


def test_what_is_not_understood_is_unknown():
    assert "reading_not_understood" in judged(lvm.CHECK, node("healthy", **{LVS: "Segmentation fault\n"}))


def test_an_error_beside_a_report_is_not_passed_over():
    failed = replace(report("pvs", "json-healthy"), rc=5, stderr="  Volume group vg2 metadata is corrupt\n")
    found = judged(lvm.CHECK, node("healthy", **{PVS: failed}))
    assert found["reading_failed"].values["detail"] == "Volume group vg2 metadata is corrupt"


@pytest.mark.parametrize(
    "text", ['{"report": 1}', '{"report": [{"pv": [{"pv_name": "x"}]}]}', '{"report": [{"pv": [1]}]}', "{", "a|b"]
)
def test_garbage_is_refused(text):
    with pytest.raises(NotUnderstood):
        lvm.parse_pvs(text)


def test_an_lv_without_its_group_is_refused():
    with pytest.raises(NotUnderstood):
        lvm.parse_lvs('{"report": [{"lv": [{"lv_name": "x"}]}]}')


@pytest.mark.parametrize("options", [{"vgs": ("a/b",)}, {"lvs": ("lv1",)}, {"lvs": ("-a/b",)}])
def test_names_that_cannot_be_meant_are_refused(options):
    with pytest.raises(PolicyError):
        lvm.Policy(**options)


def test_facts_are_json():
    assert json.dumps(plain(lvm.probe(node("missing"), lvm.Policy())))
