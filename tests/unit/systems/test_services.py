# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood, plain
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import services
from replay import Replay, by_code, judged, recording

HTTP = "tcp 127.0.0.1:80"
API, NGINX_MASTER, NGINX_WORKER = 1030, 3833, 3834
SHOW = "systemctl show --property=LoadState,ActiveState,SubState,Type "


def recorded_files():
    files, path = {}, ""
    for line in recording("services/processes-lab").stdout.splitlines(keepends=True):
        if line.startswith("== "):
            path = line[3:].strip()
            files[path] = ""
        else:
            files[path] += line
    return files


def process(pid, name, command, uid=0, state="S", parent=1, nspid=""):
    return {
        f"/proc/{pid}/stat": f"{pid} ({name}) {state} {parent} {pid} {pid} 0 -1 4194304 0\n",
        f"/proc/{pid}/cmdline": "\n".join(command.split("|")) + "\n",
        f"/proc/{pid}/status": f"Name:\t{name}\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\nNSpid:\t{pid}{nspid}\n",
    }


def node(without=(), links=None, **changes):
    """The lab's node as recorded, without some of its processes, with some of its answers changed."""
    files = recorded_files()
    for pid in without:
        files = {path: text for path, text in files.items() if not path.startswith(f"/proc/{pid}/")}
    answers = {**files, "/usr/sbin/nginx": "", HTTP: recording("services/http-healthy").stdout, **changes}
    answers = {path: text for path, text in answers.items() if text is not None}
    return Replay(answers, links={"/proc/self": "9999", **(links or {})})


def test_nginx_and_the_api_in_service_are_ok():
    found = judged(services.CHECK, node())
    assert set(found) == {"services_ok"}
    assert found["services_ok"].values == {"running": "nginx, uxen API", "http": 200}
    assert any("uxen_api.py" in line for line in found["services_ok"].evidence)


def test_only_the_api_itself_is_taken_for_it():
    facts = services.probe(node(), services.Policy())
    assert [(one.pid, one.user) for one in facts.api] == [(API, "orchard")]
    assert {one.pid for one in facts.nginx} == {NGINX_MASTER, NGINX_WORKER}


def test_a_stopped_nginx_is_one_finding_with_the_refused_port_as_evidence():
    refused = Answer("", stderr="Connection refused", problem=Problem.FAILED)
    found = judged(services.CHECK, node(without=[NGINX_MASTER, NGINX_WORKER], **{HTTP: refused}))
    assert set(found) == {"services_nginx_down"}
    assert found["services_nginx_down"].evidence[1] == "tcp 127.0.0.1:80: Connection refused"


def test_a_stopped_api_behind_nginx_is_told_with_the_502_it_causes():
    found = judged(services.CHECK, node(without=[API], **{HTTP: "HTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\n\r\n"}))
    assert set(found) == {"services_api_down", "services_http_error"}
    assert found["services_api_down"].values == {"user": "orchard"}
    assert found["services_http_error"].values == {"status": 502, "path": "/api"}


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("vi", "vi|/home/orchard/uxen/settings/uxen.conf"),
        ("vim.basic", "vim|uxen.conf"),
        ("grep", "grep|uxen"),
        ("less", "less|/home/orchard/uxen/log/uxen_was.log"),
        ("tail", "tail|-f|/home/orchard/uxen/log/uxen_was.log"),
        ("bash", "-bash|-c|ps -ef | grep uxen"),
        ("sh", "/bin/sh|/home/orchard/uxen/scripts/uxen_was.sh|start"),
        ("uxen_was.sh", "/bin/bash|/home/orchard/uxen/scripts/uxen_was.sh|start"),
        ("su", "su|-|orchard|-c|~/uxen/scripts/uxen_was.sh start"),
        ("python3", "python3|/opt/myuxenia/app.py"),
    ],
)
def test_a_bystander_that_names_the_api_is_not_the_api(name, command):
    found = judged(services.CHECK, node(without=[API], **process(7000, name, command, uid=1000)))
    assert "services_api_down" in found


def test_the_check_does_not_find_itself_or_who_started_it():
    chain = {
        **process(7000, "python3", "python3|run-playbook uxen", parent=1),
        **process(7001, "python3", "python3|/tmp/x/uxen/module.py", parent=7000),
    }
    found = judged(services.CHECK, node(without=[API], links={"/proc/self": "7001"}, **chain))
    assert "services_api_down" in found


@pytest.mark.parametrize(
    "command",
    [
        "/usr/bin/python|/home/orchard/uxen/manage.py|runserver|--settings=settings.production",
        "uwsgi|--module=uxen.wsgi",
        "gunicorn: master [uxen]|uxen.wsgi:application",
    ],
)
def test_the_api_is_known_however_it_is_served(command):
    found = judged(services.CHECK, node(without=[API], **process(7000, "python", command, uid=1000)))
    assert set(found) == {"services_ok"}


def test_an_api_of_root_is_critical():
    wrong = process(API, "python3", "python3|/home/orchard/uxen/standin/uxen_api.py", uid=0)
    found = judged(services.CHECK, node(**wrong))
    assert set(found) == {"services_api_wrong_user"}
    assert found["services_api_wrong_user"].values == {"found": ["root"], "user": "orchard", "pids": [API]}


def test_an_account_without_a_name_is_shown_by_its_number():
    wrong = process(API, "python3", "python3|/home/orchard/uxen/standin/uxen_api.py", uid=4711)
    assert judged(services.CHECK, node(**wrong))["services_api_wrong_user"].values["found"] == ["4711"]


def test_the_api_user_may_come_from_a_directory_service():
    passwd = "root:x:0:0:root:/root:/bin/bash\n"
    entry = "orchard:*:1000:1000:uxen:/home/orchard:/bin/bash\n"
    found = judged(services.CHECK, node(**{"/etc/passwd": passwd, "getent passwd orchard": entry}))
    assert set(found) == {"services_ok"}


def test_processes_of_containers_do_not_serve_the_node():
    inside = process(7000, "nginx", "nginx: master process nginx -g daemon off;", nspid="\t1")
    found = judged(services.CHECK, node(without=[NGINX_MASTER, NGINX_WORKER], **inside))
    assert "services_nginx_down" in found


def test_an_editor_of_its_configuration_is_not_nginx():
    editor = process(7000, "nginx", "vi|/etc/nginx/nginx.conf")
    assert "services_nginx_down" in judged(services.CHECK, node(without=[NGINX_MASTER, NGINX_WORKER], **editor))


def test_a_dead_process_that_nobody_waited_for_does_not_serve():
    dead = process(API, "python3", "", uid=1000, state="Z")
    assert "services_api_down" in judged(services.CHECK, node(**dead))


def test_a_process_stuck_in_the_kernel_is_not_asked_for_its_command_line():
    stuck = process(API, "python3", "python3|/home/orchard/uxen/standin/uxen_api.py", uid=1000, state="D")
    host = node(**stuck)
    found = judged(services.CHECK, host)
    assert set(found) == {"reading_blocked"}
    assert f"/proc/{API}/cmdline" not in host.asked


def test_a_process_that_ends_while_it_is_read_is_left_out():
    ended = {f"/proc/{API}/status": "", "/proc/7000/stat": Problem.ABSENT}
    assert "services_api_down" in judged(services.CHECK, node(**ended))


def test_a_short_wait_for_a_disk_is_waited_for():
    asleep, awake = (process(API, "python3", "python3|/x/uxen/api.py", uid=1000, state=state) for state in "DS")
    both = [asleep[f"/proc/{API}/stat"], awake[f"/proc/{API}/stat"]]
    assert set(judged(services.CHECK, node(**{**awake, f"/proc/{API}/stat": both}))) == {"services_ok"}


def test_somebody_elses_stuck_process_does_not_hide_a_stopped_api():
    stuck = process(7000, "qemu-system-x86", "qemu-system-x86_64", state="D")
    assert "services_api_down" in judged(services.CHECK, node(without=[API], **stuck))


def test_a_stuck_nginx_is_unknown():
    stuck = process(NGINX_MASTER, "nginx", "nginx: master process", state="D")
    assert "reading_blocked" in judged(services.CHECK, node(without=[NGINX_WORKER], **stuck))


def test_hidden_processes_are_unknown_not_down():
    found = judged(services.CHECK, node(without=[1, API, NGINX_MASTER, NGINX_WORKER]))
    assert set(found) == {"reading_denied"}


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer("", stderr="gave no answer within 5 s", problem=Problem.TIMEOUT), "services_http_hangs"),
        (Answer("", stderr="Connection refused", problem=Problem.FAILED), "services_http_refused"),
        ("SSH-2.0-OpenSSH_9.2p1\r\n", "services_not_http"),
        ("", "services_not_http"),
        (
            Answer("", stdout="garbage", stderr="gave no answer within 5 s", problem=Problem.TIMEOUT),
            "services_not_http",
        ),
        ("HTTP/1.1 500 Internal Server Error\r\n\r\n", "services_http_error"),
    ],
)
def test_what_port_80_answers_is_judged(answer, code):
    found = judged(services.CHECK, node(**{HTTP: answer}))
    assert set(found) == {code}
    assert found[code].subject == "127.0.0.1:80"


@pytest.mark.parametrize(
    "answer",
    [
        "HTTP/1.1 401 Unauthorized\r\n\r\n",
        "HTTP/1.0 404 NOT FOUND\r\n\r\n",
        # the server keeps the connection open although it was asked not to
        Answer("", stdout="HTTP/1.1 200 OK\r\n\r\n<x/>", stderr="gave no answer within 5 s", problem=Problem.TIMEOUT),
    ],
)
def test_an_answer_below_500_is_an_answer(answer):
    assert set(judged(services.CHECK, node(**{HTTP: answer}))) == {"services_ok"}


def test_address_and_port_of_the_request_are_the_policys():
    policy = services.Policy(http_address="10.0.0.5", http_port=8080)
    found = judged(services.CHECK, node(**{"tcp 10.0.0.5:8080": "HTTP/1.1 503 x\r\n"}), policy)
    assert found["services_http_error"].subject == "10.0.0.5:8080"


def test_a_node_without_either_is_skipped_and_nothing_is_read():
    host = Replay({"/etc/passwd": "root:x:0:0:root:/root:/bin/bash\n", "/proc/1/stat": "1 (init) S 0\n"})
    assert set(judged(services.CHECK, host)) == {"component_absent"}
    assert not any(source.startswith(("/proc", "tcp")) for source in host.asked)


def test_policy_may_expect_what_is_not_installed_or_leave_out_what_is():
    refused = Answer("", stderr="Connection refused", problem=Problem.FAILED)
    bare = {"/etc/passwd": "", "/proc/1/stat": "1 (init) S 0 1\n", HTTP: refused}
    found = judged(services.CHECK, Replay(bare), services.Policy(nginx=True, api=True))
    assert set(found) == {"services_nginx_down", "services_api_down"}
    found = judged(services.CHECK, node(without=[API]), services.Policy(api=False))
    assert found["services_ok"].values["running"] == "nginx"
    assert set(judged(services.CHECK, node(), services.Policy(nginx=False, api=False))) == {"component_absent"}


SHOWN = recording("services/systemctl-show-lab").stdout


def systemd(shown, *units):
    names = " ".join(unit if "." in unit else unit + ".service" for unit in units)
    return node(**{"/run/systemd/system": "", SHOW + names: shown})


def test_units_are_asked_of_systemd_all_at_once():
    units = ("ssh", "o2cb.service", "nosuch")
    found = judged(services.CHECK, systemd(SHOWN, *units), services.Policy(units=units))
    assert set(found) == {"services_unit_absent"}
    assert found["services_unit_absent"].subject == "nosuch"


@pytest.mark.parametrize(
    ("kind", "active", "sub", "down"),
    [
        ("notify", "active", "running", False),
        ("notify", "reloading", "reload", False),
        ("simple", "failed", "failed", True),
        ("simple", "activating", "auto-restart", True),
        ("simple", "inactive", "dead", True),
        # an init script that returned 0 and left nothing running
        ("forking", "active", "exited", True),
        ("oneshot", "active", "exited", False),
    ],
)
def test_a_unit_is_up_when_it_runs_or_has_nothing_left_to_do(kind, active, sub, down):
    shown = f"Type={kind}\nLoadState=loaded\nActiveState={active}\nSubState={sub}\n"
    found = judged(services.CHECK, systemd(shown, "x"), services.Policy(units=("x",)))
    assert set(found) == ({"services_unit_down"} if down else {"services_ok"})
    if down:
        assert found["services_unit_down"].values == {"state": f"{active} ({sub})"}


def test_an_alias_is_the_unit_it_stands_for():
    shown = "Type=notify\nLoadState=loaded\nActiveState=active\nSubState=running\n"
    units = ("ssh", "sshd")
    found = judged(services.CHECK, systemd(shown + "\n" + shown, *units), services.Policy(units=units))
    assert found["services_ok"].values["running"] == "nginx, uxen API, ssh, sshd"


def test_an_answer_for_fewer_units_than_asked_is_unknown():
    found = judged(services.CHECK, systemd(SHOWN, "ssh", "o2cb"), services.Policy(units=("ssh", "o2cb")))
    assert set(found) == {"reading_failed"}


@pytest.mark.parametrize("shown", ["System has not been booted with systemd as init system\n", "", Problem.TIMEOUT])
def test_a_systemd_that_says_nothing_useful_is_unknown(shown):
    found = judged(services.CHECK, systemd(shown, "x"), services.Policy(units=("x",)))
    assert all(code.startswith("reading_") for code in found)


def sysvinit(answer):
    return node(**{"/etc/init.d/ssh": "", "/etc/init.d/ssh status": answer})


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (recording("services/init_status-running"), "services_ok"),
        (recording("services/init_status-stopped"), "services_unit_down"),
        (recording("services/init_status-stale_pid"), "services_unit_down"),
        # one that knows no status
        (recording("services/init_status-usage"), "reading_not_understood"),
        (replace(recording("services/init_status-stopped"), rc=0), "reading_not_understood"),
        # LSB: unknown
        (replace(recording("services/init_status-running"), rc=4), "reading_not_understood"),
        (Problem.TIMEOUT, "reading_timeout"),
    ],
)
def test_an_init_script_is_believed_when_words_and_return_code_agree(answer, code):
    assert set(judged(services.CHECK, sysvinit(answer), services.Policy(units=("ssh",)))) == {code}


def test_a_service_without_an_init_script_is_absent():
    found = judged(services.CHECK, sysvinit(""), services.Policy(units=("chrony.service",)))
    assert found["services_unit_absent"].evidence == ("chrony.service: no /etc/init.d/chrony",)


def test_findings_do_not_hide_each_other():
    policy = services.Policy(units=("ntp",))
    wrong = process(API, "python3", "python3|/home/orchard/uxen/standin/uxen_api.py", uid=0)
    host = node(**wrong, **{HTTP: "HTTP/1.1 500 x\r\n"})
    findings = services.judge(services.probe(host, policy), policy)
    assert set(by_code(services.CHECK, findings)) == {
        "services_api_wrong_user",
        "services_http_error",
        "services_unit_absent",
    }


def test_an_old_kernel_shows_no_namespaces():
    assert services.parse_status("Name:\tnginx\nUid:\t33\t34\t33\t33\n") == (34, False)


@pytest.mark.parametrize("parse", [services.parse_status, services.parse_http, services.parse_units])
def test_garbage_is_refused(parse):
    for text in ("", "x", "HTTP/1.1 999 no", "Uid:\tx", "1 (x", "LoadState=loaded"):
        with pytest.raises(NotUnderstood):
            parse(text)


def test_lines_of_passwd_that_are_no_accounts_are_left_out():
    assert services.parse_passwd("+::::::\n# x\nroot:x:0:0:::\nbroken:x\n") == {"root": 0}


@pytest.mark.parametrize(
    "options",
    [
        {"api_pattern": "("},
        {"api_user": "or chard"},
        {"http_port": 0},
        {"http_path": "api"},
        {"http_path": "/a b"},
        {"http_timeout": 0},
        {"units": ("../x",)},
        {"units": ("-x",)},
    ],
)
def test_options_that_cannot_be_meant_are_refused(options):
    with pytest.raises(PolicyError):
        services.Policy(**options)


def test_facts_are_json():
    assert json.dumps(plain(services.probe(node(), services.Policy())))
