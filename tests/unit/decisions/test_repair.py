# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import examine
from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import repair
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements import boot, mounts, o2cb, services
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.common import TABLE as COMMON
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import mounts as mounts_system
from replay import Replay

CHECKS = ("network", "multipath", "o2cb", "mounts", "services")


def node(**findings):
    """A node whose checks are all ok but for these findings: ``check=(code, status)``."""
    checks = {name: [{"code": f"{name}_ok", "status": "ok", "subject": name, "message": "fine"}] for name in CHECKS}
    for name, (code, status) in findings.items():
        checks[name] = [{"code": code, "status": status, "subject": name, "message": "bad"}]
    result = {"checks": {name: {"findings": found} for name, found in checks.items()}}
    result["checks"]["mounts"]["facts"] = {"places": [place("/data", mounted="mounts" not in findings)], "links": []}
    return result


def place(path, mounted=True, over=""):
    return {"wanted": {"path": path}, "mount": {"path": path} if mounted else None, "over": over}


NOT_MOUNTED = {
    "mounts": ("mounts_fstab_not_mounted", "critical"),
    "o2cb": ("o2cb_heartbeat_inactive", "critical"),
}


def test_a_fit_node_needs_nothing():
    assert repair.wanted(node()) == []
    assert repair.wanted({"unreachable": True}) == []


def test_the_steps_come_in_the_order_of_the_runbook():
    result = node(**NOT_MOUNTED, services=("services_nginx_down", "critical"))
    result["checks"]["services"]["findings"].append({"code": "services_api_down", "status": "critical"})
    assert repair.wanted(result) == ["mounts", "nginx", "uxen_api"]


def test_a_heartbeat_that_only_the_mount_brings_back_is_no_obstacle_to_the_mount():
    assert repair.obstacles(node(**NOT_MOUNTED), "mounts") == []


@pytest.mark.parametrize("status", ["critical", "unknown"])
@pytest.mark.parametrize("check", ["network", "multipath", "o2cb"])
@pytest.mark.parametrize("step", list(repair.STEPS))
def test_no_step_goes_ahead_over_an_illness_or_an_unknown_below_it(step, check, status):
    assert repair.obstacles(node(**{check: ("reading_timeout", status)}), step) == [f"{check}: {check}: bad"]


@pytest.mark.parametrize("status", ["ok", "skipped", "warning"])
def test_a_warning_lets_a_step_go_ahead(status):
    assert repair.obstacles(node(multipath=("multipath_paths_failed", status)), "mounts") == []


def test_a_check_that_did_not_run_proves_nothing():
    result = node()
    del result["checks"]["o2cb"]
    assert repair.obstacles(result, "mounts") == ["o2cb: was not checked"]
    assert len(repair.obstacles({"unreachable": True}, "mounts")) == 3


@pytest.mark.parametrize("step", ["nginx", "uxen_api"])
def test_no_service_starts_on_storage_that_is_not_mounted(step):
    assert len(repair.obstacles(node(**NOT_MOUNTED), step)) == 2
    # a plan shows what would follow once the mounts are there
    assert repair.obstacles(node(**NOT_MOUNTED), step, assumed=["mounts", step]) == []


@pytest.mark.parametrize("step", ["nginx", "uxen_api"])
@pytest.mark.parametrize("code", sorted(repair.NOT_PROVEN))
@pytest.mark.parametrize("status", ["ok", "warning"])
def test_no_status_of_a_site_makes_storage_that_is_not_there_proven(step, code, status):
    assert repair.obstacles(node(mounts=(code, status)), step) == ["mounts: mounts: bad"]


@pytest.mark.parametrize("status", ["ok", "warning"])
def test_a_step_whose_finding_still_stands_has_not_come_good_whatever_its_status(status):
    assert repair.unproven(node(mounts=("mounts_missing", status)), "mounts") == ["mounts: mounts: bad"]
    assert repair.unproven(node(services=("services_api_down", status)), "uxen_api") == ["services: services: bad"]


ROOT_ALONE = """\
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
"""
DATA_MOUNTED = ROOT_ALONE + "95 22 253:2 / /data rw,relatime shared:60 - ocfs2 /dev/mapper/mpathb rw,heartbeat=local\n"


def examined(mountinfo, *paths):
    """A node without any entry in fstab, as check mounts reads and judges it."""
    stat = f"stat -f -c {mounts_system.STAT_FORMAT} "
    usages = {stat + path: f"4096 100000 60000 60000 1000 900 {path}\n" for path in paths}
    result = node()
    replay = Replay({"/proc/self/mountinfo": mountinfo, "/etc/fstab": "# empty\n", **usages})
    result["checks"]["mounts"] = examine(mounts_system.CHECK, replay, mounts_system.Policy())
    return result


def test_the_api_does_not_start_where_nobody_says_that_a_volume_is_missing():
    result = examined(ROOT_ALONE, "/")
    assert result["checks"]["mounts"]["status"] == "skipped"
    assert repair.obstacles(result, "nginx") == []
    (said,) = repair.obstacles(result, "uxen_api")
    assert said.startswith("mounts: /data: nothing is mounted there")
    assert len(repair.obstacles(result, "uxen_api", assumed=["mounts", "uxen_api"])) == 1
    assert repair.obstacles(result, "uxen_api", data_mount="") == []


def test_the_api_starts_on_a_volume_that_is_seen_to_be_mounted():
    result = examined(DATA_MOUNTED, "/", "/data")
    assert repair.obstacles(result, "uxen_api") == []
    assert repair.obstacles(result, "uxen_api", data_mount="/data/") == []
    assert len(repair.obstacles(result, "uxen_api", data_mount="/srv")) == 1


def test_a_volume_that_another_mount_hides_is_not_there():
    result = node()
    result["checks"]["mounts"]["facts"]["places"] = [place("/data", over="/")]
    assert len(repair.obstacles(result, "uxen_api")) == 1


def test_a_link_leads_to_the_volume_only_where_it_was_reached():
    result = node()
    facts = result["checks"]["mounts"]["facts"]
    facts["places"] = [place("/srv/images")]
    facts["links"] = [{"path": "/data", "target": "/srv/images", "reached": True}]
    assert repair.obstacles(result, "uxen_api") == []
    facts["links"][0]["reached"] = None
    assert len(repair.obstacles(result, "uxen_api")) == 1


def test_a_plan_assumes_no_more_than_its_steps():
    result = node(mounts=("mounts_written_unmounted", "critical"))
    assert repair.obstacles(result, "nginx", assumed=["mounts"]) == ["mounts: mounts: bad"]


def test_a_step_has_come_good_when_a_reading_says_so():
    assert repair.unproven(node(), "mounts") == []
    assert len(repair.unproven(node(**NOT_MOUNTED), "mounts")) == 2
    assert repair.unproven(node(services=("services_http_error", "critical")), "nginx") == []
    assert repair.unproven(node(services=("services_nginx_down", "critical")), "nginx") == ["services: services: bad"]
    assert repair.unproven(node(services=("services_http_error", "critical")), "uxen_api") != []
    assert repair.unproven(node(services=("reading_timeout", "unknown")), "uxen_api") != []
    assert repair.unproven({"unreachable": True}, "nginx") == ["the node gave no answer"]


def test_every_code_named_is_one_of_the_tables():
    codes = {*mounts.TABLE, *o2cb.TABLE, *services.TABLE, *boot.TABLE, *COMMON}
    for step in repair.STEPS.values():
        assert step.mends | step.brings_back <= codes
    assert codes >= repair.NOT_PROVEN
