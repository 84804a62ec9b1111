# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import repair
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements import mounts, o2cb, services
from ansible_collections.cloudops.hypervisor.plugins.module_utils.judgements.common import TABLE as COMMON

CHECKS = ("network", "multipath", "o2cb", "mounts", "services")


def node(**findings):
    """A node whose checks are all ok but for these findings: ``check=(code, status)``."""
    checks = {name: [{"code": f"{name}_ok", "status": "ok", "subject": name, "message": "fine"}] for name in CHECKS}
    for name, (code, status) in findings.items():
        checks[name] = [{"code": code, "status": status, "subject": name, "message": "bad"}]
    return {"checks": {name: {"findings": found} for name, found in checks.items()}}


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
    codes = {*mounts.TABLE, *o2cb.TABLE, *services.TABLE, *COMMON}
    for step in repair.STEPS.values():
        assert step.mends | step.brings_back <= codes
