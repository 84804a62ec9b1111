# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""health_report and the callback progress as ansible-playbook runs them."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from playbook import LOCAL, UNREACHABLE, Playbook
from report.fleet import answer, healthy, mixed, multipath

CHECK = {
    "name": "Check",
    "cloudops.hypervisor.node_health": {"checks": ["multipath"]},
    "register": "node_health_result",
    "ignore_unreachable": True,
}
FAIL = {
    "ansible.builtin.fail": {"msg": "{{ report.failure }}"},
    "when": "report.failure != ''",
    "run_once": True,
}


class Ansible(Playbook):
    """A play that reports."""

    def report(self, *arguments: str, environment: dict | None = None, **options: object) -> tuple[int, str]:
        """Reports on what the inventory says the nodes have answered, and then fails if it should."""
        task = {
            "cloudops.hypervisor.health_report": {"job": "node_boot_check", **options},
            "register": "report",
            "run_once": True,
        }
        return self.run([task, FAIL], *arguments, **environment or {})

    def answered(self, **results: dict) -> None:
        self.hosts = {name: {"node_health_result": result} for name, result in results.items()}

    @property
    def latest(self) -> dict:
        return json.loads((self.directory / "reports/node_boot_check/latest/report.json").read_text())


@pytest.fixture
def ansible(tmp_path: Path) -> Ansible:
    return Ansible(tmp_path)


def statistics(output: str) -> dict:
    """What AWX takes a job's artifacts from."""
    return json.loads(output[output.index("RUN: ") + 5 :].splitlines()[0])["health_report"]["node_boot_check"]


def test_a_play_whose_first_host_is_unreachable_has_its_report(ansible: Ansible) -> None:
    ansible.hosts = {"dead": UNREACHABLE, "here": LOCAL}
    report = {"cloudops.hypervisor.health_report": {"job": "node_boot_check"}, "run_once": True}
    code, output = ansible.run([CHECK, report])
    assert code == 0, output
    nodes = {node["name"]: node for node in ansible.latest["nodes"]}
    assert nodes["dead"]["checks"][0]["findings"][0]["code"] == "node_unreachable"
    assert [check["check"] for check in nodes["here"]["checks"]] != []
    assert nodes["here"]["identity"]["hostname"]


def test_a_play_of_which_no_host_answers_has_its_report(ansible: Ansible) -> None:
    ansible.hosts = {"dead": UNREACHABLE, "gone": UNREACHABLE, "here": LOCAL}
    report = {"cloudops.hypervisor.health_report": {"job": "node_boot_check"}, "run_once": True}
    code, output = ansible.run([CHECK, report], "--limit", "dead,gone")
    assert code == 0, output
    assert [node["name"] for node in ansible.latest["nodes"]] == ["dead", "gone"]
    assert ansible.latest["verdicts"]["not proven"] == 2


def test_the_run_fails_after_all_is_written_and_the_artifacts_are_there(ansible: Ansible) -> None:
    ansible.answered(**mixed())
    code, output = ansible.report()
    assert code == 2
    assert "The report is complete; the run fails as fail_on=critical asks: n3." in output
    assert statistics(output)["verdicts"]["not fit"] == ["n3"]
    directory = ansible.directory / "reports/node_boot_check"
    assert {path.name for path in (directory / "latest").iterdir()} == {"report.html", "report.json", "junit.xml"}
    assert "Report: reports/node_boot_check/latest/report.html" in output


def test_a_run_that_is_not_to_fail_ends_well(ansible: Ansible) -> None:
    ansible.answered(**mixed())
    code, output = ansible.report(fail_on="never", language="ko", directory="elsewhere")
    assert code == 0
    assert "노드 부팅 점검" in output and "즉시 스토리지 담당자에게 연락하십시오." in output
    assert 'lang="ko"' in (ansible.directory / "elsewhere/latest/report.html").read_text()


def test_the_second_report_tells_what_is_new_and_what_is_gone(ansible: Ansible) -> None:
    ansible.answered(n1=answer(multipath("onefailed")), n2=healthy())
    ansible.report()
    ansible.answered(n1=healthy(), n2=answer(multipath("onefailed")))
    _code, output = ansible.report()
    told = statistics(output)
    assert {one["node"] for one in told["new"]} == {"n2"} and {one["node"] for one in told["gone"]} == {"n1"}
    assert "2 new, 2 gone since the report of" in output


def test_a_store_that_cannot_be_written_costs_the_comparison_and_not_the_report(ansible: Ansible) -> None:
    ansible.answered(n1=healthy())
    code, output = ansible.report(environment={"CLOUDOPS_STORE_URL": "sqlite:///proc/1/nowhere/store.sqlite3"})
    assert code == 0
    told = " ".join(output.split())
    assert "could not be kept for the next comparison. The store /proc/1/nowhere/store.sqlite3" in told
    assert ansible.latest["verdicts"]["fit"] == 1


def test_check_mode_prints_the_report_and_leaves_nothing(ansible: Ansible) -> None:
    ansible.answered(**mixed())
    code, output = ansible.report("--check")
    assert code == 2 and "Check mode: no file was written and nothing was kept." in output
    assert {path.name for path in ansible.directory.iterdir()} == {"ansible.cfg", "inventory.json", "playbook.json"}


def test_parts_of_a_run_become_one_report(ansible: Ansible) -> None:
    grown = answer(multipath("healthy", **{"/sys/block/dm-0/size": "8388608\n"}), "multipath")
    ansible.answered(n1=answer(multipath("healthy"), "multipath"))
    code, output = ansible.report(run_id="nightly-7", part="1", parts=2)
    assert code == 0
    assert "Parts of this run that have reported: 1 of 2." in output
    ansible.answered(n2=grown)
    code, output = ansible.report(run_id="nightly-7", part="2", parts=2)
    assert code == 2, "the two nodes differ, which only both parts together tell"
    assert [node["name"] for node in ansible.latest["nodes"]] == ["n1", "n2"]
    assert ansible.latest["parts"] == {"done": 2, "of": 2} and ansible.latest["previous"] is None
    ansible.answered(n1=grown)
    code, _output = ansible.report(run_id="nightly-7", part="1", parts=2)
    assert code == 0 and ansible.latest["parts"] == {"done": 2, "of": 2}


def test_slices_of_an_awx_job_are_parts_of_their_workflow(ansible: Ansible) -> None:
    for job, node in (("11", "n1"), ("12", "n2")):
        ansible.answered(**{node: healthy()})
        ansible.report("-e", json.dumps({"awx_job_id": job, "awx_workflow_job_id": "10"}))
    assert [node["name"] for node in ansible.latest["nodes"]] == ["n1", "n2"]
    assert ansible.latest["run"] == "awx-workflow-10"


def test_a_status_for_a_code_that_does_not_exist_is_refused_by_name(ansible: Ansible) -> None:
    ansible.answered(n1=healthy())
    code, output = ansible.report(statuses={"multipath_sad": "ok"})
    assert code == 2 and "statuses.multipath_sad: no such finding code" in output
    assert not (ansible.directory / "reports").exists()


def test_a_directory_that_cannot_be_written_fails_the_run_and_still_shows_the_report(ansible: Ansible) -> None:
    ansible.answered(n1=healthy())
    code, output = ansible.report(directory="playbook.json")
    assert code == 2 and "1 node:  1 fit" in output
    assert f"could not be written into {ansible.directory}/playbook.json" in output


PROGRESS = {"ANSIBLE_STDOUT_CALLBACK": "cloudops.hypervisor.progress", "ANSIBLE_SHOW_CUSTOM_STATS": "false"}
TASKS = [
    {"name": "Nothing to do", "ansible.builtin.command": "true", "changed_when": False},
    {
        "name": "Write",
        "ansible.builtin.copy": {"content": "new\n", "dest": "{{ inventory_dir }}/{{ inventory_hostname }}.txt"},
    },
    {
        "name": "Break",
        "ansible.builtin.command": "ls /nonexistent",
        "when": "inventory_hostname == 'n2'",
        "changed_when": False,
    },
]


class TestProgress:
    @pytest.fixture(autouse=True)
    def _hosts(self, ansible: Ansible) -> None:
        ansible.hosts = {f"n{number}": LOCAL for number in (1, 2)}

    def test_changes_differences_and_failures_are_shown_and_the_rest_is_counted(self, ansible: Ansible) -> None:
        code, output = ansible.run(TASKS, "--diff", CLOUDOPS_PROGRESS_INTERVAL="0", **PROGRESS)
        assert code == 2
        assert "+new" in output and output.count("changed: [n") == 2
        assert "Nothing to do  2/2\n" in output and "Write  2/2  2 changed" in output
        assert "TASK [Break]" in output and "No such file or directory" in output
        assert "ok: [" not in output and "skipping: [" not in output and "PLAY" not in output
        assert output.endswith("changed: n[1-2]\nfailed: n2\n")

    def test_between_two_lines_there_is_silence(self, ansible: Ansible) -> None:
        _code, output = ansible.run(TASKS[:1], CLOUDOPS_PROGRESS_INTERVAL="3600", **PROGRESS)
        assert output == ""

    def test_what_was_told_of_a_task_is_told_to_its_end(self, ansible: Ansible) -> None:
        for seconds, name in ((2, "n1"), (3, "n2")):
            ansible.hosts[name] = {**LOCAL, "seconds": seconds}
        come = {"name": "Come", "ansible.builtin.command": "sleep {{ seconds }}", "changed_when": False}
        _code, output = ansible.run([come], CLOUDOPS_PROGRESS_INTERVAL="1.8", **PROGRESS)
        assert output.count("Come  1/2\n") == output.count("Come  2/2\n") == 1

    def test_a_host_that_stays_unreachable_is_told_once(self, ansible: Ansible) -> None:
        ansible.hosts = {"n1": LOCAL, "n2": UNREACHABLE}
        look = {"name": "Look", "ansible.builtin.ping": {}, "ignore_unreachable": True}
        _code, output = ansible.run([look, look], CLOUDOPS_PROGRESS_INTERVAL="0", **PROGRESS)
        assert len(re.findall(r"(?m)^unreachable: \[n2\]", output)) == 1
        assert len(re.findall(r"(?m)^Look  2/2  .*1 unreachable$", output)) == 2

    def test_what_is_waited_for_is_told_and_is_no_failure(self, ansible: Ansible) -> None:
        come = {"name": "Come", "ansible.builtin.command": "sh -c 'echo >> n; wc -l n'", "changed_when": False}
        come.update({"args": {"chdir": str(ansible.directory)}, "register": "came", "until": "'2 n' in came.stdout"})
        ansible.hosts = {"n1": LOCAL}
        code, output = ansible.run([{**come, "delay": 0}], CLOUDOPS_PROGRESS_INTERVAL="0", **PROGRESS)
        assert code == 0
        assert "[n1] waits: Come" in output and "FAILED" not in output

    def test_verdicts_are_counted_and_unreachable_hosts_are_a_line_each(self, ansible: Ansible) -> None:
        ansible.hosts["n2"] = UNREACHABLE
        code, output = ansible.run([CHECK], CLOUDOPS_PROGRESS_INTERVAL="0", **PROGRESS)
        assert code == 0
        assert len(re.findall(r"(?m)^unreachable: \[n2\]: .*Connection refused", output)) == 1
        assert re.search(r"(?m)^Check  2/2  .*1 unreachable$", output)

    def test_a_message_is_shown_as_it_is_and_what_is_included_has_no_heading(self, ansible: Ansible) -> None:
        (ansible.directory / "more.json").write_text(
            json.dumps([{"name": "Tell", "ansible.builtin.debug": {"msg": ["one {{ inventory_hostname }}", "two"]}}])
        )
        include = {"name": "More", "ansible.builtin.include_tasks": "{{ inventory_dir }}/more.json"}
        code, output = ansible.run([include], "--limit", "n1", CLOUDOPS_PROGRESS_INTERVAL="3600", **PROGRESS)
        assert (code, output) == (0, "one n1\ntwo\n")

    def test_with_v_everything_is_shown(self, ansible: Ansible) -> None:
        _code, output = ansible.run(TASKS, "-v", **PROGRESS)
        assert "PLAY [A play]" in output and "TASK [Nothing to do]" in output and "PLAY RECAP" in output
        assert "ok: [n1]" in output and "skipping: [n1]" in output and "Nothing to do  " not in output

    def test_on_a_terminal_the_line_is_rewritten_in_place_and_taken_away(self, ansible: Ansible) -> None:
        leader, follower = pty.openpty()
        environment = {**ansible.environment, **PROGRESS}
        with subprocess.Popen(
            ansible.command(TASKS), cwd=ansible.directory, env=environment, stdout=follower, stderr=follower
        ) as process:
            os.close(follower)
            output = b""
            while chunk := _read(leader):
                output += chunk
            assert process.wait(120) == 2
        os.close(leader)
        shown = re.sub(r"\x1b\[[0-9;]*m", "", output.decode())
        assert "\r\x1b[KNothing to do  2/2" in shown
        # whatever else is printed starts on a line of its own
        left = [line.rsplit("\r\x1b[K", 1)[-1].rstrip("\r") for line in shown.split("\n")]
        assert "changed: [n1]" in left and not [
            line for line in left if re.match(r"(Nothing to do|Write|Break)  ", line)
        ]
        assert left[-3:] == ["changed: n[1-2]", "failed: n2", ""]


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # how Linux tells that the other side has closed
        return b""
