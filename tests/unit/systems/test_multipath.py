# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Problem, Touches
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood, plain
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import multipath
from replay import Replay, by_code, judged, recording

MPATHA = "3600140596b1dce4b47843b0854ab19e7"
# recorded without -k: 0.9.4 sends the daemon the same request for both
MAPS_JSON = "multipathd -kshow maps json"
DAEMON = "multipathd -kshow daemon"
STATUS = "dmsetup status --target multipath"
SIZES = {
    "/sys/block/dm-0/size": "4194304\n",
    "/sys/block/dm-1/size": "2097152\n",
    "/sys/block/sda/size": "4194304\n",
    "/sys/block/sdb/size": "4194304\n",
    "/sys/block/sdc/size": "2097152\n",
    "/sys/block/sdd/size": "2097152\n",
}


def answers(state, **changes):
    """The lab's node as recorded in that state; a change replaces one of its answers."""
    given = {
        MAPS_JSON: recording(f"multipath/show_maps_json-{state}"),
        DAEMON: recording(f"multipath/show_daemon-{state}"),
        "multipath -ll": recording(f"multipath/multipath_ll-{state}"),
        STATUS: recording(f"multipath/dmsetup_status-{state}"),
        "dmsetup table --target multipath": recording(f"multipath/dmsetup_table-{state}"),
        "/etc/multipath.conf": "defaults {\n user_friendly_names yes\n}\n",
        **SIZES,
    }
    return {**given, **changes}


def node(state, **changes):
    return Replay(answers(state, **changes))


def check(state, policy=None, **changes):
    return judged(multipath.CHECK, node(state, **changes), policy)


def test_json_and_text_of_one_moment_say_the_same():
    for state in ("healthy", "onefailed", "allfailed", "allfailed-queueing", "allfailed-queueoff"):
        by_json = multipath.parse_maps_json(recording(f"multipath/show_maps_json-{state}").stdout)
        by_text = multipath.parse_multipath_ll(recording(f"multipath/multipath_ll-{state}").stdout)
        assert [(m.name, m.wwid, m.device) for m in by_json] == [(m.name, m.wwid, m.device) for m in by_text]
        for one, other in zip(by_json, by_text, strict=True):
            assert {p.device for p in one.paths} == {p.device for p in other.paths}


def test_healthy_maps_are_ok_and_counted():
    found = check("healthy")
    assert set(found) == {"multipath_ok"}
    assert found["multipath_ok"].values == {"maps": 2, "paths": 4}


def test_a_failed_path_is_named_with_its_line():
    found = check("onefailed")
    assert set(found) == {"multipath_paths_failed"}
    finding = found["multipath_paths_failed"]
    assert finding.subject == f"mpatha ({MPATHA})"
    assert finding.values == {"failed": 1, "of": 2, "paths": ["sdb failed faulty running"], "devices": ["sdb"]}
    assert finding.evidence == ("multipathd -kshow maps json: sdb 8:16 failed faulty running",)


def test_a_path_set_offline_in_sysfs_counts_as_failed():
    assert check("sysfsoffline")["multipath_paths_failed"].values["failed"] == 1


def test_no_path_with_queueing_blocks_what_reads_disks():
    found = check("allfailed-queueing")
    assert "multipath_queueing_without_paths" in found
    assert multipath.TABLE["multipath_queueing_without_paths"].blocks
    assert any("8:0 F" in line for line in found["multipath_queueing_without_paths"].evidence)


def test_no_path_without_queueing_is_critical_but_does_not_hang():
    found = check("allfailed-queueoff")
    assert "multipath_all_paths_failed" in found and "multipath_queueing_without_paths" not in found
    assert not multipath.TABLE["multipath_all_paths_failed"].blocks


def test_the_kernel_decides_whether_io_is_queued():
    # multipathd still shows the configured feature while the kernel's table has already given up queueing
    found = check(
        "allfailed-queueing",
        **{"dmsetup table --target multipath": recording("multipath/dmsetup_table-allfailed-queueoff")},
    )
    assert "multipath_all_paths_failed" in found


def test_no_map_on_a_configured_node_is_critical():
    assert set(check("nomaps")) == {"multipath_no_maps"}


def test_no_map_and_no_configuration_is_skipped():
    assert set(check("nomaps", **{"/etc/multipath.conf": Problem.ABSENT})) == {"component_absent"}


def test_a_node_without_multipath_is_skipped_unless_required():
    assert set(judged(multipath.CHECK, Replay({}))) == {"component_absent"}
    assert set(judged(multipath.CHECK, Replay({}), multipath.Policy(required=True))) == {"component_required"}


def test_fewer_paths_than_policy_or_baseline():
    assert check("healthy", multipath.Policy(paths=4))["multipath_paths_missing"].values == {"count": 2, "expected": 4}
    found = check("healthy", multipath.Policy(maps={MPATHA: 3}))
    assert found["multipath_paths_missing"].subject.startswith("mpatha")
    assert (
        check("healthy", multipath.Policy(maps={"36001405ffff": 2}))["multipath_map_missing"].subject == "36001405ffff"
    )


def test_a_stopped_daemon_is_critical_and_the_kernel_still_tells():
    refused = Answer("", stdout="error connecting to multipathd\n", rc=1)
    down = {MAPS_JSON: refused, DAEMON: refused}
    found = check("healthy", **down, **{"multipath -ll": recording("multipath/multipath_ll-healthy")})
    assert set(found) == {"multipath_daemon_down"}
    found = check("allfailed-queueing", **down, **{"multipath -ll": Problem.TIMEOUT})
    assert {"multipath_daemon_down", "multipath_queueing_without_paths"} <= set(found)


def test_a_busy_daemon_that_says_timeout_is_asked_the_other_way():
    # seen for some seconds right after a double failure: "timeout", rc 1, while the daemon lives
    found = check("allfailed-queueing", **{MAPS_JSON: Answer("", stdout="timeout\n", rc=1)})
    assert "multipath_queueing_without_paths" in found and "multipath_daemon_down" not in found


def test_usage_text_with_rc_0_is_not_health():
    usage = Answer("", stdout="show maps json\n: Missing argument\nmultipath-tools v0.4.9\n", rc=0)
    found = check("onefailed", **{MAPS_JSON: usage})
    assert "multipath_paths_failed" in found
    found = check("onefailed", **{MAPS_JSON: usage, "multipath -ll": usage})
    assert "reading_not_understood" in found and "multipath_ok" not in found


def test_daemon_and_kernel_that_disagree_are_shown_side_by_side():
    found = check("healthy", **{STATUS: recording("multipath/dmsetup_status-onefailed")})
    assert found["multipath_sources_disagree"].values["paths"] == ["sdb active ready running (kernel: failed)"]


def test_a_kernel_without_a_path_is_believed_whatever_the_daemon_says():
    for state, code in (("queueing", "multipath_queueing_without_paths"), ("queueoff", "multipath_all_paths_failed")):
        kernel = {STATUS: recording(f"multipath/dmsetup_status-allfailed-{state}")}
        kernel["dmsetup table --target multipath"] = recording(f"multipath/dmsetup_table-allfailed-{state}")
        found = check("healthy", **kernel)
        assert {code, "multipath_sources_disagree"} <= set(found)
        assert found[code].subject == f"mpatha ({MPATHA})"


def test_a_map_that_the_kernel_alone_has_is_judged_too():
    queueing = recording("multipath/dmsetup_status-allfailed-queueing").stdout.replace("mpatha", "mpathx")
    table = recording("multipath/dmsetup_table-allfailed-queueing").stdout.replace("mpatha", "mpathx")
    host = node("healthy", **{STATUS: queueing, "dmsetup table --target multipath": table})
    findings = multipath.judge(multipath.probe(host, multipath.Policy()), multipath.Policy())
    by_code(multipath.CHECK, findings)
    assert ("multipath_queueing_without_paths", "mpathx") in [(one.code, one.subject) for one in findings]
    told = [path for one in findings if one.code == "multipath_sources_disagree" for path in one.values["paths"]]
    assert "mpatha (the kernel does not have this map)" in told and "mpathx (the kernel alone has this map)" in told
    assert set(check("nomaps", **{STATUS: recording("multipath/dmsetup_status-healthy")})) == {
        "multipath_sources_disagree"
    }


def test_a_path_that_one_side_alone_has_is_a_disagreement():
    other = recording("multipath/dmsetup_status-healthy").stdout.replace(" 8:16 A", " 8:160 A")
    assert check("healthy", **{STATUS: other})["multipath_sources_disagree"].values["paths"] == [
        "sdb active ready running (not in the kernel's table)",
        "8:160 (kernel: active, multipathd does not have it)",
    ]


@pytest.mark.parametrize("state", ["i/o pending", "shaky", "delayed", "undef"])
def test_a_path_not_proven_ready_is_told_in_both_forms(state):
    by_json = recording("multipath/show_maps_json-healthy").stdout.replace('"ready"', f'"{state}"', 1)
    finding = check("healthy", **{MAPS_JSON: by_json})["multipath_path_not_ready"]
    assert finding.values == {"count": 1, "of": 2, "paths": [f"sdb active {state} running"], "devices": ["sdb"]}
    by_text = recording("multipath/multipath_ll-healthy").stdout.replace("active ready", f"active {state}", 1)
    found = check("healthy", **{MAPS_JSON: Problem.TIMEOUT, "multipath -ll": by_text})
    assert found["multipath_path_not_ready"].values["paths"][0].endswith(f" active {state} running")


def test_a_checker_without_an_answer_is_a_failed_path_and_a_blocked_device_is_no_ready_one():
    healthy = recording("multipath/show_maps_json-healthy").stdout
    late = healthy.replace('"ready"', '"i/o timeout"', 1)
    assert check("healthy", **{MAPS_JSON: late})["multipath_paths_failed"].values["failed"] == 1
    blocked = healthy.replace('"running"', '"blocked"', 1)
    assert "multipath_path_not_ready" in check("healthy", **{MAPS_JSON: blocked})


def test_what_asks_the_disks_is_left_out_while_a_map_would_keep_it_waiting():
    busy = {MAPS_JSON: Answer("", stdout="timeout\n", rc=1)}
    host = node("allfailed-queueing", **busy)
    found = judged(multipath.CHECK, host)
    assert "multipath -ll" not in host.asked
    assert found["reading_blocked"].values["detail"] == "mpatha has no path and queues"
    host = Replay(answers("onefailed", **busy), blocked={Touches.DISKS: "an earlier child is stuck"})
    assert judged(multipath.CHECK, host)["reading_blocked"].values["detail"] == "an earlier child is stuck"


@pytest.mark.parametrize("policy", [multipath.Policy(paths=2), multipath.Policy(maps={MPATHA: 2})])
def test_what_policy_expects_requires_the_daemon(policy):
    assert set(judged(multipath.CHECK, Replay({}), policy)) == {"component_required"}


def test_configuration_or_maps_without_the_daemon_are_critical():
    found = judged(multipath.CHECK, Replay({"/etc/multipath.conf": "defaults {\n}\n"}))
    assert found["multipath_not_installed"].values == {"by": "/etc/multipath.conf"}
    host = {
        STATUS: recording("multipath/dmsetup_status-allfailed-queueing"),
        "dmsetup table --target multipath": recording("multipath/dmsetup_table-allfailed-queueing"),
        "/sys/block/dm-0/dm/uuid": f"mpath-{MPATHA}\n",
    }
    assert {"multipath_not_installed", "multipath_queueing_without_paths"} <= set(judged(multipath.CHECK, Replay(host)))


def test_a_number_of_another_script_is_not_understood():
    text = recording("multipath/dmsetup_status-healthy").stdout.replace(" 4194304 ", " ² ")
    with pytest.raises(NotUnderstood):
        multipath.parse_dmsetup_status(text)


def test_an_ordinary_user_learns_that_root_is_needed():
    refused = Answer("", stderr="/dev/mapper/control: open failed: Permission denied\n", rc=1)
    found = check(
        "healthy",
        **{STATUS: refused, "dmsetup table --target multipath": refused},
    )
    assert set(found) == {"reading_denied"}


def test_a_map_smaller_than_its_paths_is_critical():
    found = check("healthy", **{"/sys/block/sda/size": "8388608\n", "/sys/block/sdb/size": "8388608\n"})
    assert found["multipath_size_differs"].values["map_bytes"] == 2 * 1024**3


def test_standby_and_read_only_are_said():
    facts = multipath.probe(node("healthy"), multipath.Policy())
    first = facts.maps[0]
    paths = (replace(first.paths[0], checker="ghost"),) + first.paths[1:]
    facts = replace(facts, maps=(replace(first, paths=paths, read_only=True), facts.maps[1]))
    found = by_code(multipath.CHECK, multipath.judge(facts, multipath.Policy()))
    assert set(found) == {"multipath_path_ghost", "multipath_read_only"}


def test_nodes_that_see_one_lun_with_two_sizes_are_found_by_wwid():
    small = plain(multipath.probe(node("healthy"), multipath.Policy()))
    grown = plain(multipath.probe(node("healthy", **{"/sys/block/dm-0/size": "8388608\n"}), multipath.Policy()))
    found = multipath.compare({"n1": small, "n2": grown})
    assert [finding.code for finding in found["n1"]] == ["multipath_size_differs_between_nodes"]
    assert "n2" not in found
    assert multipath.compare({"n1": small, "n2": small}) == {}
    by_code(multipath.CHECK, found["n1"])


# written after the format strings of 0.4.7's libmultipath/print.h: no such version runs here. What a checker has to say
# comes first, as on real nodes.
OLD_RUNNING = """\
sde: checker msg is "tur checker reports path is down"
mpath1 (360a98000486e53664e34576a4a2d6c51) dm-1 NETAPP,LUN
[size=100G][features=1 queue_if_no_path][hwhandler=0][rw]
\\_ round-robin 0 [prio=2][active]
 \\_ 1:0:0:1 sdc 8:32  [active][ready]
 \\_ 2:0:0:1 sde 8:64  [failed][faulty]
"""


def test_the_bracket_form_of_0_4_7_is_read():
    (one,) = multipath.parse_multipath_ll(OLD_RUNNING)
    assert (one.name, one.wwid, one.queueing) == ("mpath1", "360a98000486e53664e34576a4a2d6c51", True)
    assert [(p.device, p.kernel, p.checker, p.failed) for p in one.paths] == [
        ("sdc", "active", "ready", False),
        ("sde", "failed", "faulty", True),
    ]


@pytest.mark.parametrize("count", [0, -1])
def test_an_impossible_number_of_paths_is_refused_by_name(count):
    with pytest.raises(PolicyError, match="paths"):
        multipath.Policy(paths=count)


def test_garbage_is_not_understood():
    for text in ("", "{}", "[]", '{"maps": 3}', '{"maps": [{}]}', "[" * 100_000):
        with pytest.raises(NotUnderstood):
            multipath.parse_maps_json(text)
    assert asdict(multipath.probe(node("healthy"), multipath.Policy()))["installed"]
