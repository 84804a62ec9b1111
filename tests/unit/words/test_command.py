# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils import command
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import (
    OUTPUT_LIMIT,
    Answer,
    LocalHost,
    Problem,
    Touches,
)


@pytest.fixture
def host(tmp_path):
    return LocalHost(runtime_directory=str(tmp_path / "run"))


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


def as_nobody(ask):
    """What this gives in a process of an ordinary user."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        if os.geteuid() == 0:
            os.setuid(65534)
        os.write(writer, str(ask()).encode())
        os._exit(0)
    os.close(writer)
    with open(reader) as said:
        os.wait()
        return said.read()


def test_a_file_only_root_may_read_is_denied_to_others(host, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0)
    # root reads everything; the folder above may be closed to others as well: both are a refusal
    assert as_nobody(lambda: host.read(str(secret)).problem) == str(Problem.DENIED)


def serve(answer, name="127.0.0.1"):
    family, _kind, _protocol, _name, place = socket.getaddrinfo(name, 0, type=socket.SOCK_STREAM)[0]
    listener = socket.create_server(place, family=family)
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


def listen(path, answer):
    """A daemon on a Unix socket that keeps its connections open, as QEMU's monitor does."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def handle():
        connection = listener.accept()[0]
        with listener, connection:
            answer(connection)
            connection.recv(1)

    threading.Thread(target=handle, daemon=True).start()
    return str(path)


def test_a_daemon_is_asked_until_its_answer_is_whole(host, tmp_path):
    path = listen(
        tmp_path / "s", lambda c: (c.recv(9), c.sendall(b"hello\n{1, id: a"), time.sleep(0.1), c.sendall(b"}\n"))
    )
    assert host.ask(path, b"?", b"id: a").stdout == "hello\n{1, id: a}\n"


def test_a_daemon_that_says_something_else_is_a_timeout_with_what_it_said(host, tmp_path):
    answer = host.ask(listen(tmp_path / "s", lambda c: (c.recv(9), c.sendall(b"busy\n"))), b"?", b"id: a", timeout=0.3)
    assert (answer.problem, answer.stdout) == (Problem.TIMEOUT, "busy\n")


def test_a_daemon_that_closes_has_answered(host, tmp_path):
    # behind the question: before it, asking is what would fail
    path = listen(tmp_path / "s", lambda c: c.recv(1) and c.shutdown(socket.SHUT_RDWR))
    assert host.ask(path, b"?", b"id: a") == Answer(f"unix {path}")


def test_a_socket_that_cannot_be_asked_is_told_apart(host, tmp_path):
    assert host.ask(str(tmp_path / "none"), b"?", b"x").problem is Problem.ABSENT
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "left"))
    assert host.ask(str(tmp_path / "left"), b"?", b"x").problem is Problem.FAILED
    assert host.ask("/" + "x" * 200, b"?", b"x").problem is Problem.FAILED
    (tmp_path / "left").chmod(0o600)
    assert as_nobody(lambda: host.ask(str(tmp_path / "left"), b"?", b"x").problem) == str(Problem.DENIED)


def test_what_is_blocked_is_not_run_and_names_the_cause(host, tmp_path):
    host.block(Touches.DISKS, "mpatha queues")
    host.block(Touches.DISKS, "a later cause")
    mark = tmp_path / "ran"
    answer = host.run(["touch", str(mark)], touches=Touches.DISKS)
    assert (answer.problem, answer.stderr, mark.exists()) == (Problem.BLOCKED, "mpatha queues", False)
    assert host.run(["touch", str(mark)], touches=Touches.OCFS2).rc == 0 and mark.exists()


def note(directory, leader, source="pvs --reportformat json", started=None):
    """What a run writes down of a child that it could not kill."""
    (directory / "stuck").mkdir(parents=True, exist_ok=True)
    stat = Path(f"/proc/{leader}/stat").read_text().rpartition(")")[2].split() if started is None else []
    (directory / "stuck" / str(leader)).write_text(f"{started or stat[19]} {source}\n")


@pytest.fixture
def sleeper():
    """A session of its own, as every child of a run has; it cannot be told from one that is stuck."""
    child = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield child
    child.kill()
    child.wait()


def test_a_child_left_stuck_by_an_earlier_run_blocks_all_storage(tmp_path, sleeper):
    note(tmp_path, sleeper.pid)
    host = LocalHost(runtime_directory=str(tmp_path))
    answer = host.run(["true"], touches=Touches.NFS)
    assert answer.problem is Problem.BLOCKED and "pvs --reportformat json" in answer.stderr
    assert host.run(["true"]).rc == 0
    sleeper.kill()
    sleeper.wait()
    assert host.run(["true"], touches=Touches.NFS).rc == 0
    assert not list((tmp_path / "stuck").iterdir())


def test_a_grandchild_that_is_left_alone_in_its_session_is_found_too(tmp_path):
    script = "sleep 60 > /dev/null 2>&1 & echo $!"
    with subprocess.Popen(["sh", "-c", script], start_new_session=True, stdout=subprocess.PIPE, text=True) as leader:
        note(tmp_path, leader.pid)
        grandchild = int(leader.stdout.read())
    host = LocalHost(runtime_directory=str(tmp_path))
    assert host.run(["true"], touches=Touches.DISKS).problem is Problem.BLOCKED
    os.kill(grandchild, signal.SIGKILL)
    time.sleep(0.1)
    assert host.run(["true"], touches=Touches.DISKS).rc == 0


def test_a_note_about_a_process_that_has_ended_is_forgotten(tmp_path):
    note(tmp_path, os.getpid(), started="1")
    host = LocalHost(runtime_directory=str(tmp_path))
    assert host.run(["true"], touches=Touches.DISKS).rc == 0
    assert not list((tmp_path / "stuck").iterdir())


def test_of_two_runs_one_at_a_time_reads_what_may_hang(tmp_path):
    first, second = (LocalHost(runtime_directory=str(tmp_path)) for _run in range(2))
    entered, leave = tmp_path / "entered", tmp_path / "leave"
    held = ["sh", "-c", f"touch {entered}; while [ ! -e {leave} ]; do sleep 0.05; done"]
    thread = threading.Thread(target=first.run, args=(held, 20.0, Touches.DISKS))
    thread.start()
    while not entered.exists():
        time.sleep(0.01)
    answer = second.run(["true"], timeout=0.3, touches=Touches.DISKS)
    assert (answer.problem, second.run(["true"]).rc) == (Problem.BLOCKED, 0)
    leave.touch()
    thread.join()
    assert second.run(["true"], touches=Touches.DISKS).rc == 0


def test_an_ordinary_user_keeps_his_notes_where_only_he_can_write(tmp_path, monkeypatch):
    own, anybodys = tmp_path / "own", tmp_path / "anybodys"
    for directory, mode in ((own, 0o700), (anybodys, 0o777)):
        directory.mkdir()
        directory.chmod(mode)
        if os.geteuid() == 0:
            os.chown(directory, 65534, 65534)
    for parent in (tmp_path, *list(tmp_path.parents)[:3]):
        if parent.stat().st_uid == os.geteuid() and parent != Path("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o011)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(own))
    assert as_nobody(command._runtime_directory) == str(own / "cloudops-hypervisor")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(anybodys))
    elsewhere = Path(as_nobody(command._runtime_directory))
    assert tmp_path not in elsewhere.parents
    if elsewhere.parent == Path("/tmp"):
        elsewhere.rmdir()


def test_readings_end_when_their_check_must(host):
    hurried = host.until(time.monotonic() + 0.4)
    started = time.monotonic()
    assert hurried.run(["sleep", "60"], timeout=30).problem is Problem.TIMEOUT
    assert hurried.run(["true"]).problem is Problem.TIMEOUT
    assert hurried.exchange("127.0.0.1", 1).problem is Problem.TIMEOUT
    assert hurried.ask("/nowhere", b"?", b"x").problem is Problem.TIMEOUT
    assert time.monotonic() - started < 5
    assert host.run(["true"]).rc == 0, "the others go on"
    host.block(Touches.DISKS, "mpatha queues")
    assert hurried.run(["true"], touches=Touches.DISKS).stderr == "mpatha queues"


@pytest.mark.parametrize("address", ["a..b", "x" * 70, "-h", "a b", "", "no\0name"])
def test_what_is_no_name_is_a_failure_and_no_traceback(host, address):
    assert host.exchange(address, 80).problem is Problem.FAILED
    assert host.exchange("127.0.0.1", 99999).problem is Problem.FAILED


def test_a_name_is_resolved_within_the_deadline(host):
    assert host.exchange("localhost", serve(lambda c: None, "localhost")).ok


def test_evidence_names_its_source_and_falls_back_to_the_last_error():
    assert Answer("pvs", stdout="a\nb\n").quote("b") == ("pvs: b",)
    assert Answer("pvs", stderr="x\n\ny\n").quote() == ("pvs: y",)
    assert Answer("pvs").quote() == ("pvs",)


def test_a_missing_reading_carries_the_tools_own_words():
    lost = Answer("vgs", stderr="warning\nno lock\n", rc=5).missing()
    assert (lost.reading, lost.problem, lost.detail) == ("vgs", Problem.FAILED, "no lock")
    assert Answer("vgs", problem=Problem.TIMEOUT, stdout="half").missing().detail == "half"
