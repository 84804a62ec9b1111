# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import (
    OUTPUT_LIMIT,
    Answer,
    LocalHost,
    Problem,
    Touches,
)


@pytest.fixture
def host(tmp_path):
    return LocalHost(stuck_directory=str(tmp_path / "stuck"))


def test_output_streams_and_return_code_are_kept_apart(host):
    answer = host.run(["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (answer.stdout, answer.stderr, answer.rc, answer.problem) == ("out\n", "err\n", 3, None)
    assert answer.source == "sh -c echo out; echo err >&2; exit 3"


def test_commands_speak_the_c_locale_whatever_the_caller_speaks(host, monkeypatch):
    for name in ("LANG", "LC_ALL", "LC_MESSAGES", "LANGUAGE"):
        monkeypatch.setenv(name, "ko_KR.UTF-8")
    answer = host.run(["sh", "-c", "echo $LANG $LC_ALL $LC_MESSAGES $LANGUAGE"], environment={"EXTRA": "1"})
    assert answer.stdout == "C\n"


def test_system_tools_are_found_though_the_caller_has_no_path(host, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    assert host.run(["sh", "-c", "exit 0"]).rc == 0


def test_a_missing_tool_and_a_forbidden_one_are_told_apart(host, tmp_path):
    assert host.run(["no-such-tool-here"]).problem is Problem.ABSENT
    plain = tmp_path / "plain"
    plain.write_text("not a program")
    assert host.run([str(plain)]).problem is Problem.DENIED
    plain.chmod(0o755)
    assert host.run([str(plain)]).problem is Problem.FAILED


def test_a_command_past_its_deadline_is_ended_with_its_children(host):
    started = time.monotonic()
    answer = host.run(["sh", "-c", "echo first; sleep 60 & echo $!; wait"], timeout=0.4)
    assert answer.problem is Problem.TIMEOUT and answer.rc is None
    assert time.monotonic() - started < 5
    first, child = answer.stdout.split()
    assert first == "first", "what it said so far is kept"
    time.sleep(0.1)
    state = Path(f"/proc/{child}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"


def test_a_daemon_that_keeps_the_pipes_open_does_not_hold_the_answer_back(host):
    started = time.monotonic()
    answer = host.run(["sh", "-c", "sleep 4 & echo started"], timeout=10)
    assert (answer.stdout, answer.rc) == ("started\n", 0)
    assert time.monotonic() - started < 3


def test_output_without_end_is_bounded(host):
    answer = host.run(["sh", "-c", "yes | head -c 20000000"], timeout=30)
    assert len(answer.stdout) <= OUTPUT_LIMIT + 65536 and answer.rc == 0


def test_bytes_that_are_no_text_do_not_fail(host):
    assert host.run(["printf", r"\377\000x"]).stdout == "\ufffd\nx"


def test_files_of_proc_are_read_and_their_absence_is_said(host, tmp_path):
    assert host.read("/proc/sys/kernel/random/boot_id").stdout.count("-") == 4
    assert host.read(str(tmp_path / "none")).problem is Problem.ABSENT
    assert host.read(str(tmp_path)).problem is Problem.FAILED
    assert host.link("/proc/self/exe") and host.link("/proc/self/status") is None
    assert "/proc/self/status" in host.glob("/proc/self/stat*")


def test_a_file_only_root_may_read_is_denied_to_others(host, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0)
    if os.geteuid() == 0:
        # root reads everything: become nobody in a child
        reader, writer = os.pipe()
        if os.fork() == 0:
            tmp_path.chmod(0o755)
            os.setuid(65534)
            os.write(writer, str(host.read(str(secret)).problem).encode())
            os._exit(0)
        os.wait()
        said = os.read(reader, 100).decode()
        # the folder above may be closed to nobody as well; both are a refusal
        assert said == str(Problem.DENIED)
    else:
        assert host.read(str(secret)).problem is Problem.DENIED


def serve(answer):
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def handle():
        connection = listener.accept()[0]
        listener.close()
        with connection:
            answer(connection)

    threading.Thread(target=handle, daemon=True).start()
    return port


def test_an_exchange_gives_what_the_peer_sent_until_it_closed(host):
    port = serve(lambda c: (c.recv(100), c.sendall(b"HTTP/1.0 200 OK\r\n\r\n"), c.sendall(b"body")))
    assert host.exchange("127.0.0.1", port, b"GET /\r\n").stdout.endswith("\r\nbody")


def test_a_peer_that_accepts_and_says_nothing_is_a_timeout(host):
    port = serve(lambda c: time.sleep(3))
    answer = host.exchange("127.0.0.1", port, b"GET /\r\n", timeout=0.3)
    assert answer.problem is Problem.TIMEOUT


def test_a_port_nobody_listens_on_is_a_failure_and_an_open_one_an_answer(host):
    assert host.exchange("127.0.0.1", serve(lambda c: None)).ok
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        answer = host.exchange("127.0.0.1", unused.getsockname()[1])
    assert answer.problem is Problem.FAILED and "refused" in answer.stderr


def test_what_is_blocked_is_not_run_and_names_the_cause(host, tmp_path):
    host.block(Touches.DISKS, "mpatha queues")
    host.block(Touches.DISKS, "a later cause")
    mark = tmp_path / "ran"
    answer = host.run(["touch", str(mark)], touches=Touches.DISKS)
    assert (answer.problem, answer.stderr, mark.exists()) == (Problem.BLOCKED, "mpatha queues", False)
    assert host.run(["touch", str(mark)], touches=Touches.OCFS2).rc == 0 and mark.exists()


def test_a_child_left_stuck_by_an_earlier_run_blocks_all_storage(tmp_path):
    started = Path(f"/proc/{os.getpid()}/stat").read_text().rpartition(")")[2].split()[19]
    (tmp_path / str(os.getpid())).write_text(f"{started} pvs --reportformat json\n")
    host = LocalHost(stuck_directory=str(tmp_path))
    answer = host.run(["true"], touches=Touches.NFS)
    assert answer.problem is Problem.BLOCKED and "pvs --reportformat json" in answer.stderr
    assert host.run(["true"]).rc == 0


def test_a_note_about_a_process_that_has_ended_is_forgotten(tmp_path):
    (tmp_path / str(os.getpid())).write_text("1 pvs\n")
    host = LocalHost(stuck_directory=str(tmp_path))
    assert host.run(["true"], touches=Touches.DISKS).rc == 0
    assert not list(tmp_path.iterdir())


def test_evidence_names_its_source_and_falls_back_to_the_last_error():
    assert Answer("pvs", stdout="a\nb\n").quote("b") == ("pvs: b",)
    assert Answer("pvs", stderr="x\n\ny\n").quote() == ("pvs: y",)
    assert Answer("pvs").quote() == ("pvs",)


def test_a_missing_reading_carries_the_tools_own_words():
    lost = Answer("vgs", stderr="warning\nno lock\n", rc=5).missing()
    assert (lost.reading, lost.problem, lost.detail) == ("vgs", Problem.FAILED, "no lock")
    assert Answer("vgs", problem=Problem.TIMEOUT, stdout="half").missing().detail == "half"
