# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Problem, Touches
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood, plain
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import o2cb
from replay import Replay, by_code, judged, recording

UUID = "AFB05A486073442B8ED67E87ADED6E9C"
HB = "debugfs.ocfs2 -R hb /dev/mapper/mpathb"
SLOTMAP = "debugfs.ocfs2 -R slotmap /dev/mapper/mpathb"
CONF = """\
cluster:
\tnode_count = 2
\tname = ocfs2
\theartbeat_mode = local

node:
\tcluster = ocfs2
\tnumber = 0
\tip_port = 7777
\tip_address = 10.77.4.11
\tname = n1

node:
\tcluster = ocfs2
\tnumber = 1
\tip_port = 7777
\tip_address = 10.77.4.12
\tname = n2
"""
DEFAULTS = 'O2CB_ENABLED=true\nO2CB_BOOTCLUSTER=ocfs2\nO2CB_HEARTBEAT_THRESHOLD=61\nO2CB_IDLE_TIMEOUT_MS=""\n'
FSTAB = "/dev/vda / ext4 rw 0 1\n/dev/mapper/mpathb /data ocfs2 _netdev,noatime 0 0\n"
ROOT = "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
CONFIGFS = "31 25 0:29 / /sys/kernel/config rw,nosuid,nodev - configfs configfs rw\n"
DLMFS = "40 22 0:44 / /dlm rw,relatime shared:20 - ocfs2_dlmfs ocfs2_dlmfs rw\n"
DATA = (
    "41 22 253:1 / /data rw,noatime shared:21 - ocfs2 /dev/mapper/mpathb "
    "rw,_netdev,heartbeat=local,nointr,data=ordered,errors=remount-ro,cluster_stack=o2cb\n"
)
BEATS = [recording("o2cb/heartbeat-alive"), recording("o2cb/heartbeat-killed")]
N2 = "tcp 10.77.4.12:7777"


def tree(name):
    """The files of a recorded walk through configfs or sysfs."""
    lines = [line.partition(": ") for line in recording(name).stdout.splitlines() if line.startswith("/sys")]
    return {path: text + "\n" for path, separator, text in lines if separator}


def debugfs(name):
    """livenodes, connected_nodes and each region's age, from a recorded listing."""
    lines = recording(name).stdout.splitlines()
    if "/sys/kernel/debug/o2hb:" not in lines:
        return {}
    at = next(number for number, line in enumerate(lines) if line.startswith("livequorum"))
    live = next(line for line in lines if line.startswith("livenodes: "))
    files = {
        "/sys/kernel/debug/o2hb/livenodes": live.partition(": ")[2] + "\n",
        "/sys/kernel/debug/o2net/connected_nodes": (lines[at + 1 : at + 2] or [""])[0] + "\n",
    }
    if f"/sys/kernel/debug/o2hb/{UUID}:" in lines:
        files[f"/sys/kernel/debug/o2hb/{UUID}/elapsed_time_in_ms"] = "1204\n"
    return files


def node(state, host="n1", **changes):
    """The lab's node as recorded in that state; a change replaces one of its answers, None takes it away."""
    mounted = state.startswith("mounted") or state == "peer-fenced-n1-side"
    loaded = state not in ("unconfigured", "unloaded-n2")
    answers = {
        "/etc/ocfs2/cluster.conf": CONF,
        "/etc/default/o2cb": DEFAULTS,
        "/etc/fstab": FSTAB,
        "/proc/self/mountinfo": ROOT + CONFIGFS + DLMFS * loaded + DATA * mounted,
        "/proc/filesystems": "nodev\tsysfs\nnodev\tconfigfs\n" + "nodev\tocfs2_dlmfs\n" * loaded + "\tocfs2\n",
        "/proc/sys/kernel/hostname": host + "\n",
        "/proc/sys/kernel/panic": "30\n",
        "/proc/sys/kernel/panic_on_oops": "1\n",
        "/etc/init.d/o2cb status": recording(f"o2cb/init_status-{state}"),
        "/sys/kernel/config/cluster": "",
        **tree(f"o2cb/configfs-{state}"),
        **tree(f"o2cb/sysfs_o2cb-{state}"),
        **debugfs(f"o2cb/debugfs-{state}"),
        HB: BEATS,
        SLOTMAP: recording("o2cb/slotmap-alive"),
        "tcp 10.77.4.11:7777": "",
        N2: "",
    }
    answers.update(changes)
    kept = {name: answer for name, answer in answers.items() if answer is not None}
    return Replay(kept, links={"/sys/dev/block/253:1": "../../devices/virtual/block/dm-1"})


def check(state, policy=None, host="n1", **changes):
    return judged(o2cb.CHECK, node(state, host, **changes), policy)


def nodes_facts(state="mounted-both-n1", **changes):
    return plain(o2cb.probe(node(state, **changes), o2cb.Policy()))


def test_two_mounted_nodes_are_ok_on_both_sides():
    for state, host in (("mounted-both-n1", "n1"), ("mounted-both-n2", "n2")):
        found = check(state, host=host)
        assert set(found) == {"o2cb_ok"}
        assert found["o2cb_ok"].values == {"cluster": "ocfs2", "connected": 1, "regions": 1}


def test_facts_hold_the_running_cluster_its_members_and_what_the_disk_says():
    facts = o2cb.probe(node("mounted-both-n1"), o2cb.Policy())
    assert facts.running is not None
    assert facts.running.settings == {
        "heartbeat_threshold": 61,
        "idle_timeout_ms": 30000,
        "keepalive_delay_ms": 2000,
        "reconnect_delay_ms": 2000,
    }
    assert facts.running.local == o2cb.Node("n1", 0, "10.77.4.11", 7777, "ocfs2", True)
    assert facts.running.regions == (o2cb.Region(UUID, "dm-1", 1204),)
    assert [(volume.region, volume.moving, volume.slots) for volume in facts.volumes] == [
        (UUID, (0, 1), {"0": 0, "1": 1})
    ]
    assert [(peer.node.name, peer.live, peer.connected, peer.reachable) for peer in facts.peers] == [
        ("n2", True, True, True)
    ]
    assert facts.freeze == 30 + 2 * (61 + 2)
    assert facts.missing == ()


def test_a_node_without_any_of_it_is_skipped_after_a_few_files():
    bare = Replay({"/proc/self/mountinfo": ROOT, "/etc/fstab": "/dev/vda / ext4 rw 0 1\n"})
    assert set(judged(o2cb.CHECK, bare)) == {"component_absent"}
    assert not [one for one in bare.asked if " " in one]
    assert set(judged(o2cb.CHECK, bare, o2cb.Policy(required=True))) == {"component_required"}


def test_another_cluster_stack_is_not_judged():
    assert set(check("mounted-both-n1", **{"/sys/fs/ocfs2/cluster_stack": "pcmk\n"})) == {"component_absent"}


def test_an_offline_cluster_is_critical_though_the_init_script_ends_with_zero():
    found = check("offline-n2", host="n2")
    assert recording("o2cb/init_status-offline-n2").rc == 0
    assert found["o2cb_offline"].values == {"cluster": "ocfs2"}
    assert "/etc/init.d/o2cb status: Checking O2CB cluster ocfs2: Offline" in found["o2cb_offline"].evidence
    assert "o2cb_ok" not in found


def test_drivers_that_are_not_loaded_are_named():
    found = check("unloaded-n2", host="n2")
    facts = o2cb.probe(node("unloaded-n2", "n2"), o2cb.Policy())
    assert set(facts.drivers_missing) == {"ocfs2_stackglue", "ocfs2_stack_o2cb", "ocfs2_dlmfs"}
    assert {"o2cb_driver_missing", "o2cb_offline"} <= set(found)
    assert o2cb.probe(node("unconfigured"), o2cb.Policy()).drivers_missing == ("ocfs2_dlmfs",)


def test_dlmfs_loaded_but_not_mounted_is_a_warning():
    found = check("mounted-both-n1", **{"/proc/self/mountinfo": ROOT + CONFIGFS + DATA})
    assert set(found) == {"o2cb_dlmfs_not_mounted"}


def test_an_online_cluster_without_a_volume_has_no_heartbeat():
    found = check("online-notmounted")
    assert "o2cb_heartbeat_inactive" in found
    # the peer's heartbeat is still read from the volume of fstab
    assert "o2cb_peer_absent" not in found


def test_a_volume_in_use_without_cluster_conf_is_critical():
    found = check("mounted-both-n1", **{"/etc/ocfs2/cluster.conf": None})
    assert found["o2cb_config_missing"].values == {"what": "cluster ocfs2, /data, fstab: /data"}


def test_o2cb_that_will_not_start_at_the_next_boot_is_said():
    found = check("mounted-both-n1", **{"/etc/default/o2cb": DEFAULTS.replace("=true", "=false")})
    assert found["o2cb_not_enabled"].values == {"value": "false", "path": "/etc/default/o2cb"}


def test_a_mounted_volume_without_its_region_blocks():
    answers = tree("o2cb/configfs-mounted-both-n1")
    changes = {path: None for path in answers if UUID in path}
    found = check("mounted-both-n1", **changes)
    assert "o2cb_region_missing" in found
    assert o2cb.TABLE["o2cb_region_missing"].blocks
    local = {"/proc/self/mountinfo": ROOT + CONFIGFS + DLMFS + DATA.replace("=local", "=none")}
    assert "o2cb_region_missing" not in check("mounted-both-n1", **changes, **local)


def test_a_region_that_policy_or_a_global_heartbeat_expects_must_be_active():
    other = "0123456789ABCDEF0123456789ABCDEF"
    by_policy = check("mounted-both-n1", o2cb.Policy(regions=(UUID, other)))
    by_file = check("mounted-both-n1", **{"/etc/ocfs2/cluster.conf": CONF + f"heartbeat:\n\tregion = {other}\n"})
    for found in (by_policy, by_file):
        assert set(found) == {"o2cb_region_inactive"}
        assert found["o2cb_region_inactive"].subject == other


def test_a_late_heartbeat_write_tells_when_the_node_fences_itself():
    path = f"/sys/kernel/debug/o2hb/{UUID}/elapsed_time_in_ms"
    found = check("mounted-both-n1", **{path: "34100\n"})
    assert found["o2cb_heartbeat_late"].values == {"age": 34.1, "limit": 120, "device": "dm-1"}
    assert o2cb.TABLE["o2cb_heartbeat_late"].blocks


def test_the_own_heartbeat_standing_on_disk_blocks():
    still = [recording("o2cb/heartbeat-killed"), recording("o2cb/heartbeat-later")]
    found = check("mounted-both-n1", **{HB: still})
    assert found["o2cb_heartbeat_standing"].values["seconds"] == 6.0
    assert o2cb.TABLE["o2cb_heartbeat_standing"].blocks


def test_a_crashed_peer_is_seen_before_it_is_declared_dead():
    still = [recording("o2cb/heartbeat-killed"), recording("o2cb/heartbeat-later")]
    changes = {HB: still, "tcp 10.77.4.11:7777": Answer("", stderr="No route to host", problem=Problem.FAILED)}
    found = check("mounted-both-n2", host="n2", **changes)
    assert set(found) == {"o2cb_peer_heartbeat_standing", "o2cb_peer_not_connected"}
    assert found["o2cb_peer_heartbeat_standing"].values["peer"] == "n1"
    assert found["o2cb_peer_not_connected"].values["why"] == "No route to host"


def test_one_late_write_of_a_peer_is_not_a_dead_peer():
    first, second = recording("o2cb/heartbeat-alive"), recording("o2cb/heartbeat-killed")
    late = replace(second, stdout=second.stdout.replace("6b00de29", "6b00de15"))
    host = node("mounted-both-n1", **{HB: [first, late, second]})
    assert set(judged(o2cb.CHECK, host)) == {"o2cb_ok"}
    assert host.asked.count(HB) == 3


def test_a_silently_cut_peer_is_found_though_o2net_still_believes_it():
    found = check("mounted-both-n1", **{N2: Answer("", stderr="gave no answer within 2 s", problem=Problem.TIMEOUT)})
    assert set(found) == {"o2cb_peer_not_connected"}
    finding = found["o2cb_peer_not_connected"]
    assert finding.values["freeze"] == "156"
    assert "/sys/kernel/debug/o2net/connected_nodes: connected" in finding.evidence
    assert o2cb.TABLE["o2cb_peer_not_connected"].blocks


def test_a_peer_that_o2net_has_lost_is_not_connected():
    found = check("mounted-both-n1", **{"/sys/kernel/debug/o2net/connected_nodes": "\n"})
    assert set(found) == {"o2cb_peer_not_connected"}


def test_a_peer_without_heartbeat_is_a_warning_unless_it_is_out_of_service():
    gone = {
        N2: Answer("", stderr="Connection refused", problem=Problem.FAILED),
        SLOTMAP: "\tSlot#   Node#\n\t    0       0\n",
    }
    found = check("peer-fenced-n1-side", **gone)
    assert set(found) == {"o2cb_peer_absent"}
    assert found["o2cb_peer_absent"].values["why"] == "Connection refused"
    assert set(check("peer-fenced-n1-side", o2cb.Policy(out_of_service=("n2.example.com",)), **gone)) == {"o2cb_ok"}


def test_a_slot_held_by_a_dead_node_is_stale():
    still = [recording("o2cb/heartbeat-alive")]
    own_moves = recording("o2cb/heartbeat-alive").stdout.replace("6b00de14", "6b00de20")
    found = check("peer-fenced-n1-side", o2cb.Policy(out_of_service=("n2",)), **{HB: still + [own_moves]})
    assert set(found) == {"o2cb_slot_stale"}
    assert found["o2cb_slot_stale"].values == {"slot": "1", "device": "/dev/mapper/mpathb", "peer": "n2"}


def test_the_own_slot_of_an_unmounted_volume_is_stale():
    found = check("online-notmounted")
    assert found["o2cb_slot_stale"].values["peer"] == "n1"


def test_the_freeze_of_the_runbooks_idle_timeout_is_above_policy():
    changes = {"/sys/kernel/config/cluster/ocfs2/idle_timeout_ms": "6000000\n"}
    changes["/etc/default/o2cb"] = DEFAULTS.replace('""', "6000000")
    changes["/sys/kernel/config/cluster/ocfs2/heartbeat/dead_threshold"] = "91\n"
    changes["/etc/default/o2cb"] = changes["/etc/default/o2cb"].replace("=61", "=91")
    found = check("mounted-both-n1", **changes)
    assert set(found) == {"o2cb_freeze_too_long"}
    assert found["o2cb_freeze_too_long"].values["seconds"] == 6186
    assert set(check("mounted-both-n1", o2cb.Policy(max_freeze=7000), **changes)) == {"o2cb_ok"}


def test_settings_are_held_against_policy():
    found = check("mounted-both-n1", o2cb.Policy(heartbeat_threshold=91, idle_timeout_ms=30000))
    assert set(found) == {"o2cb_setting_not_as_policy"}
    assert found["o2cb_setting_not_as_policy"].values == {
        "setting": "heartbeat_threshold",
        "running": 61,
        "wanted": 91,
        "variable": "O2CB_HEARTBEAT_THRESHOLD",
    }


def test_a_value_for_the_next_start_is_critical_unless_it_was_announced():
    changed = {"/etc/default/o2cb": DEFAULTS.replace("=61", "=91")}
    found = check("mounted-both-n1", **changed)
    assert set(found) == {"o2cb_setting_pending"}
    assert found["o2cb_setting_pending"].values["pending"] == 91
    policy = o2cb.Policy(announced={"heartbeat_threshold": 91}, announced_on="2026-11-20")
    assert set(check("mounted-both-n1", policy, **changed)) == {"o2cb_setting_announced"}
    other = o2cb.Policy(announced={"heartbeat_threshold": 61}, announced_on="2026-11-20")
    assert set(check("mounted-both-n1", other, **changed)) == {"o2cb_setting_pending"}


def test_without_a_defaults_file_the_next_start_takes_the_kernels_own_values():
    found = check("mounted-both-n1", **{"/etc/default/o2cb": None})
    assert found["o2cb_setting_pending"].values["pending"] == 31
    assert found["o2cb_setting_pending"].values["path"] == "/etc/default/o2cb"
    refused = check("mounted-both-n1", **{"/etc/default/o2cb": Problem.DENIED})
    assert "reading_denied" in refused and "o2cb_setting_pending" not in refused


def test_an_unset_threshold_means_that_the_next_start_uses_the_kernels_default():
    found = check("mounted-both-n1", **{"/etc/default/o2cb": "O2CB_ENABLED=true\n"})
    assert found["o2cb_setting_pending"].values["pending"] == 31


def test_red_hats_file_is_read_first():
    found = check("mounted-both-n1", **{"/etc/sysconfig/o2cb": "O2CB_HEARTBEAT_THRESHOLD=31\n"})
    assert found["o2cb_setting_pending"].values["path"] == "/etc/sysconfig/o2cb"


def test_a_host_whose_name_the_cluster_does_not_know_is_critical():
    found = check("mounted-both-n1", host="node-a")
    assert found["o2cb_host_name_differs"].values == {"host": "node-a", "names": ["n1", "n2"], "cluster": "ocfs2"}
    assert "o2cb_host_name_differs" not in check("mounted-both-n1", host="n1.example.com")
    # the file knows the host, the running cluster takes it for another
    assert "o2cb_host_name_differs" in check("mounted-both-n1", host="n2")


def test_a_member_that_only_the_file_has_is_pending():
    third = "node:\n\tcluster = ocfs2\n\tnumber = 2\n\tip_port = 7777\n\tip_address = 10.77.4.13\n\tname = n3\n"
    found = check("mounted-both-n1", **{"/etc/ocfs2/cluster.conf": CONF + third})
    assert found["o2cb_nodes_pending"].values == {"differences": ["n3: - -> 2 10.77.4.13:7777"]}


def test_an_init_script_that_contradicts_the_kernel_is_said():
    found = check("mounted-both-n1", **{"/etc/init.d/o2cb status": recording("o2cb/init_status-offline-n2")})
    assert set(found) == {"o2cb_sources_disagree"}


def test_kernel_settings_that_would_leave_a_broken_node_in_the_cluster_are_warnings():
    found = check("mounted-both-n1", **{"/proc/sys/kernel/panic": "0\n", "/proc/sys/kernel/panic_on_oops": "0\n"})
    assert set(found) == {"o2cb_panic_on_oops_off", "o2cb_panic_without_reboot"}
    assert set(check("mounted-both-n1", **{"/proc/sys/kernel/panic": "-1\n"})) == {"o2cb_ok"}


def test_an_ordinary_user_is_told_that_root_is_needed_and_never_sees_ok():
    denied = Answer("", stderr='debugfs.ocfs2: Permission denied while opening "/dev/mapper/mpathb"', rc=0)
    files = dict.fromkeys(debugfs("o2cb/debugfs-mounted-both-n1"), Problem.DENIED)
    found = check("mounted-both-n1", **{HB: denied, **files})
    assert set(found) == {"reading_denied"}


def test_a_map_that_queues_keeps_the_disk_from_being_read():
    host = node("mounted-both-n1")
    host._blocked = {Touches.DISKS: "mpathb: no path is left and I/O is queued"}
    found = judged(o2cb.CHECK, host)
    assert set(found) == {"reading_blocked"}


def test_answers_that_are_not_understood_are_unknown():
    changes = {
        "/etc/ocfs2/cluster.conf": "number = 1\n",
        "/etc/default/o2cb": "O2CB_HEARTBEAT_THRESHOLD=many\n",
        "/etc/init.d/o2cb status": "오류\n",
        "/proc/self/mountinfo": "?\n",
        "/proc/sys/kernel/panic": "\n",
        "/sys/kernel/debug/o2hb/livenodes": "all\n",
        HB: "hb: unknown command\n",
        SLOTMAP: "?\n",
    }
    for source, answer in changes.items():
        found = check("mounted-both-n1", **{source: answer})
        assert "reading_not_understood" in found, source
        assert "o2cb_ok" not in found, source
    assert "reading_not_understood" in check("mounted-both-n1", **{SLOTMAP: "?\n"})
    assert "reading_timeout" in check("mounted-both-n1", **{"/etc/init.d/o2cb status": Problem.TIMEOUT})


def test_an_old_kernel_without_the_age_of_the_write_is_judged_by_the_disk():
    changes = {
        f"/sys/kernel/debug/o2hb/{UUID}/elapsed_time_in_ms": None,
        "/sys/kernel/config/cluster/ocfs2/heartbeat/mode": None,
        "/sys/kernel/config/cluster/ocfs2/fence_method": None,
    }
    assert set(check("mounted-both-n1", **changes)) == {"o2cb_ok"}


def test_the_runbooks_status_text_is_understood():
    status = o2cb.parse_init_status(recording("o2cb/init_status-runbook").stdout)
    assert status["Checking O2CB cluster uxen-ocfs2"] == "Online"
    assert status["Heartbeat dead threshold"] == "91"


def test_cluster_conf_is_read_by_meaning():
    config = o2cb.parse_cluster_conf(CONF)
    tidied = o2cb.parse_cluster_conf("# ours\n\n" + CONF.replace("\t", "    ").replace(" = ", "="))
    assert config.digest == tidied.digest
    assert config.nodes[1] == o2cb.Node("n2", 1, "10.77.4.12", 7777, "ocfs2")
    with pytest.raises(NotUnderstood):
        o2cb.parse_cluster_conf(CONF.replace("number = 1", "number = one"))


def test_volumes_of_fstab_are_found_by_uuid_and_label():
    changes = {
        "/etc/fstab": (
            "UUID=1-2 /data2 ext4 defaults 0 0\nLABEL=iso /iso ocfs2 noauto 0 0\n#/dev/x /y ocfs2 a 0 0\n"
            "LABEL=data /data ocfs2 _netdev 0 0\n"
        ),
        "debugfs.ocfs2 -R hb /dev/disk/by-label/data": BEATS,
    }
    changes["debugfs.ocfs2 -R slotmap /dev/disk/by-label/data"] = recording("o2cb/slotmap-alive")
    assert check("online-notmounted", **changes)["o2cb_slot_stale"].subject == "/dev/disk/by-label/data"


def test_nodes_with_another_cluster_conf_than_most_are_found():
    renamed = {"/etc/ocfs2/cluster.conf": CONF.replace("10.77.4.12", "10.77.4.99")}
    facts = {"n1": nodes_facts(), "n2": nodes_facts(), "n3": nodes_facts(**renamed)}
    found = o2cb.compare(facts)
    assert set(found) == {"n3"}
    one = by_code(o2cb.CHECK, found["n3"])["o2cb_config_differs_between_nodes"]
    assert one.values == {"differences": ["n2: 1 10.77.4.12:7777 ocfs2 -> 1 10.77.4.99:7777 ocfs2"]}
    # of two that differ neither is right
    assert set(o2cb.compare({"n1": facts["n1"], "n3": facts["n3"]})) == {"n1", "n3"}


def test_unequal_thresholds_between_nodes_are_critical_for_the_odd_one():
    higher = {"/sys/kernel/config/cluster/ocfs2/heartbeat/dead_threshold": "91\n"}
    facts = {"n1": nodes_facts(), "n2": nodes_facts(), "n3": nodes_facts(**higher)}
    found = o2cb.compare(facts)
    assert set(found) == {"n3"}
    one = by_code(o2cb.CHECK, found["n3"])["o2cb_settings_differ_between_nodes"]
    assert one.values == {
        "setting": "heartbeat_threshold",
        "values_by_node": ["n1 61", "n2 61", "n3 91"],
    }


def test_zones_are_not_compared_with_each_other():
    other = CONF.replace("10.77.4", "10.88.4").replace("61", "91")
    elsewhere = nodes_facts("offline-n2", **{"/etc/ocfs2/cluster.conf": other})
    assert o2cb.compare({"a1": nodes_facts(), "b1": elsewhere, "c1": plain(o2cb.Facts())}) == {}


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("heartbeat_threshold", {"heartbeat_threshold": 1}),
        ("idle_timeout_ms", {"idle_timeout_ms": 0}),
        ("max_freeze", {"max_freeze": 0}),
        ("announced.threshold", {"announced": {"threshold": 91}, "announced_on": "2026-11-20"}),
        ("announced_on", {"announced": {"heartbeat_threshold": 91}}),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused_by_name(option, given):
    with pytest.raises(PolicyError) as refused:
        o2cb.Policy(**given)
    assert refused.value.option == option


# as fs/ocfs2 writes them
DLM_STATE = (
    "Domain: AFB05A486073442B8ED67E87ADED6E9C  Key: 0xdfbac769  Protocol: 1.3\n"
    "Thread Pid: 604  Node: 0  State: JOINED\nNumber of Joins: 1  Joining Node: 255\nDomain Map: 0 1 \n"
    "Exit Domain Map: \nLive Map: 0 1 \nDead Node: 255\nRecovery Pid: 605  Master: 255  State: INACTIVE\n"
    "Recovery Map: \nRecovery Node State:\n"
)
FS_STATE = (
    "    Device => Id: 253,1  Uuid: AFB05A486073442B8ED67E87ADED6E9C  Gen: 0x1  Label: data\n"
    "    Volume => State: 1  Flags: 0x0\n  Recovery => Pid: -1  Nodes: None\n"
)


def recovery(dlm=DLM_STATE, fs=FS_STATE, mounted=True):
    files = {f"/sys/kernel/debug/o2dlm/{UUID}/dlm_state": dlm, f"/sys/kernel/debug/ocfs2/{UUID}/fs_state": fs}
    host = Replay({path: text for path, text in files.items() if text is not None})
    state, missing = o2cb.recovering(host, mounted)
    return state, [one.problem for one in missing]


def test_a_node_recovers_while_either_its_locks_or_its_journal_do():
    assert recovery() == (False, [])
    assert recovery(DLM_STATE.replace("Dead Node: 255", "Dead Node: 1")) == (True, [])
    assert recovery(DLM_STATE.replace("INACTIVE", "ACTIVE")) == (True, [])
    assert recovery(DLM_STATE.replace("Recovery Map: ", "Recovery Map: 1 ")) == (True, [])
    assert recovery(fs=FS_STATE.replace("Pid: -1  Nodes: None", "Pid: 99  Nodes: 1 2")) == (True, [])


def test_a_recovery_that_cannot_be_read_is_not_taken_for_ended():
    assert recovery(None, None) == (None, [Problem.ABSENT] * 2)
    assert recovery("?") == (None, [Problem.NOT_UNDERSTOOD])
    assert recovery(fs=Problem.DENIED) == (None, [Problem.DENIED])
    assert recovery(DLM_STATE.replace("INACTIVE", "ACTIVE"), "?") == (True, [Problem.NOT_UNDERSTOOD])
    assert recovery(None, None, mounted=False) == (False, [])


def glance(state="mounted-both-n1", **changes):
    return judged(o2cb.GLANCE, node(state, **changes))


def test_a_glance_at_a_healthy_cluster_reads_no_disk_and_runs_nothing():
    host = node("mounted-both-n1")
    facts = o2cb.GLANCE.probe(host, o2cb.Policy())
    assert [(peer.node.name, peer.live, peer.connected, peer.reachable) for peer in facts.peers] == [
        ("n2", True, True, True)
    ]
    assert not [one for one in host.asked if one.startswith(("debugfs.ocfs2", "/etc/init.d"))]
    assert set(glance()) == {"component_absent"}
    assert set(glance("unconfigured")) == {"component_absent"}


def test_a_glance_at_a_mounted_volume_whose_cluster_is_not_there_is_unknown():
    without = dict.fromkeys(tree("o2cb/configfs-mounted-both-n1"))
    assert set(glance(**without, **{"/sys/kernel/config/cluster": None})) == {"reading_absent"}
    alone = {"/proc/self/mountinfo": ROOT + DATA.replace("heartbeat=local", "heartbeat=none")}
    assert set(glance(**without, **alone, **{"/sys/kernel/config/cluster": None})) == {"component_absent"}


def test_a_glance_finds_whatever_makes_a_volume_hang():
    late = {f"/sys/kernel/debug/o2hb/{UUID}/elapsed_time_in_ms": "34100\n"}
    region = {path: None for path in tree("o2cb/configfs-mounted-both-n1") if UUID in path}
    silent = {N2: Answer("", stderr="gave no answer within 2 s", problem=Problem.TIMEOUT)}
    for changes, code in (
        (late, "o2cb_heartbeat_late"),
        (region, "o2cb_region_missing"),
        (silent, "o2cb_peer_not_connected"),
        ({"/sys/kernel/debug/o2net/connected_nodes": "\n"}, "o2cb_peer_not_connected"),
    ):
        assert code in glance(**changes)
        assert o2cb.TABLE[code].blocks
    assert "reading_not_understood" in glance(**{"/sys/kernel/debug/o2hb/livenodes": "?\n"})
