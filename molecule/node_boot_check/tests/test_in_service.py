# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("path", "filesystem"), [("/data", "ocfs2"), ("/data/template", "nfs4"), ("/data/iso", "nfs4")]
)
def test_what_fstab_has_is_mounted(host, path, filesystem):
    mount = host.mount_point(path)
    assert mount.exists and mount.filesystem == filesystem


def test_nginx_runs(host):
    assert host.service("nginx").is_running


def test_the_api_runs_as_orchard_once_and_answers_on_port_80(host):
    (api,) = host.process.filter(user="orchard", comm="python3")
    assert "uxen" in api.args
    answer = host.run("curl --silent --max-time 5 http://127.0.0.1/api")
    assert f"<name>{host.check_output('hostname')}</name>" in answer.stdout


def test_the_last_report_finds_nothing():
    report = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "reports/latest/report.json")
    assert json.loads(report.read_text())["verdicts"] == {"fit": 2, "not fit": 0, "not proven": 0}
