# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import calendar
import re

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Answer, Problem
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood, Status, plain
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import kernel_log
from replay import Replay, by_code, judged, recording

NOW = 1_790_000_000.0
BOOTED = NOW - 5000
OLDEST = int(NOW - 30 * 24 * 3600)
BANNER = "Linux version 6.1.0-50-amd64 (debian-kernel@lists.debian.org) #1 SMP"


def journal(boot):
    return f"journalctl -k -b {boot} -o short-unix --no-pager -n 40000 --since @{OLDEST}"


def written(at, *lines):
    """Lines as the journal shows them, from a time on, a second apart."""
    return "".join(f"{at + number:.6f} n1 kernel: {line}\n" for number, line in enumerate(lines))


def texts(name):
    """A recording's lines without their stamps."""
    return [re.sub(r"^\[.*?\] ?", "", line) for line in recording(f"kernel_log/{name}").stdout.splitlines()]


def no_boot(said="Data from the specified boot (-1) is not available: No such boot ID in journal"):
    return Answer("", stderr=said, rc=1)


def node(**changes):
    answers = {
        "/proc/uptime": "5000.00 9000.00\n",
        "/var/log/journal/4d1c": "",
        journal(0): written(BOOTED, BANNER, "Command line: root=/dev/vda"),
        journal(-1): written(BOOTED - 9000, BANNER, "reboot: Restarting system"),
    }
    answers.update(changes)
    return Replay({name: answer for name, answer in answers.items() if answer is not None}, now=NOW)


def check(policy=None, **changes):
    return judged(kernel_log.CHECK, node(**changes), policy)


def this_boot(*lines):
    return {journal(0): written(NOW - 600, *lines)}


def test_two_quiet_boots_are_ok_in_two_commands():
    host = node()
    assert set(judged(kernel_log.CHECK, host)) == {"kernel_log_ok"}
    assert [one for one in host.asked if " " in one] == [journal(0), journal(-1)]


def test_each_signature_is_found_in_old_and_new_words():
    found = {
        one.code: one
        for one in kernel_log.sightings(
            kernel_log.parse_dmesg(recording("kernel_log/signatures").stdout), source="dmesg"
        )
    }
    assert {code: (one.count, one.what) for code, one in found.items()} == {
        "kernel_log_balloon": (1, ()),
        "kernel_log_peer_lost": (1, ("xen1",)),
        "kernel_log_panic": (1, ("Fatal exception in interrupt",)),
        "kernel_log_lockup": (2, ("qemu-system-x86:2811",)),
        "kernel_log_qemu_crash": (2, ("qemu-system-x86", "qemu-system-i38")),
        "kernel_log_oops": (1, ("kworker/u8:2",)),
        "kernel_log_qemu_oops": (1, ("qemu-system-x86",)),
        "kernel_log_hung_task": (1, ("jbd2/dm-1-8",)),
        "kernel_log_oom": (2, ("qemu-dm", "multipathd")),
        "kernel_log_machine_check": (2, ()),
        "kernel_log_machine_check_fatal": (1, ()),
        "kernel_log_filesystem_error": (3, ("dm-3", "dm-1")),
        "kernel_log_io_error": (2, ("sdd", "dm-2")),
    }
    assert (found["kernel_log_oom"].first, found["kernel_log_oom"].last) == (900.000002, 901.000001)


def test_every_signature_of_either_boot_has_its_row():
    lines = texts("signatures") + texts("dmesg-fenced")
    for boot, changes in ((0, this_boot(*lines)), (-1, {journal(-1): written(BOOTED - 900, *lines)})):
        found = check(**changes)
        codes = {signature.code for signature in kernel_log.SIGNATURES} | {"kernel_log_qemu_oops"}
        assert set(found) == {code + ("_before" if boot else "") for code in codes}


def test_what_the_boot_before_had_asks_for_something_else_and_only_broken_hardware_stays_critical():
    table = kernel_log.TABLE
    rows = [row for code, row in table.items() if code.endswith("_before")]
    now = [table[row.code[: -len("_before")]] for row in rows]
    assert all(
        row.en.remedy != same.en.remedy and row.ko.remedy != same.ko.remedy for row, same in zip(rows, now, strict=True)
    )
    assert [row.code for row in rows if row.status is not Status.WARNING] == ["kernel_log_machine_check_fatal_before"]


def test_a_finding_counts_its_events_and_quotes_the_first_and_the_last():
    lines = [f"I/O error, dev sd{letter}, sector 8 op 0x0:(READ)" for letter in "abcdefg"]
    finding = check(**this_boot(*lines))["kernel_log_io_error"]
    assert finding.values["count"] == 7
    assert finding.values["what"] == ["sda", "sdb", "sdc", "sdd", "sde", "…"]
    assert finding.values["last"] == kernel_log.shown(NOW - 594)
    assert [line.partition(": ")[2].split(",")[1] for line in finding.evidence] == [" dev sda", " dev sdf", " dev sdg"]


def test_a_silently_cut_peer_and_the_tasks_it_hangs_are_found_in_the_real_log():
    found = {
        one.code: one for one in kernel_log.sightings([kernel_log.Line(None, t) for t in texts("dmesg_T-peer_cut")])
    }
    assert found["kernel_log_peer_lost"].what == ("n2",)
    assert found["kernel_log_peer_lost"].count == 10
    hung = kernel_log.sightings(kernel_log.parse_dmesg(recording("kernel_log/dmesg-hung_tasks").stdout))
    assert [(one.code, one.what[:2]) for one in hung] == [("kernel_log_hung_task", ("dlm-AFB05A48607", "sh"))]


def test_a_real_panic_and_a_real_oom_are_found_once_each():
    panic = kernel_log.sightings(kernel_log.parse_dmesg(recording("kernel_log/dmesg-panic").stdout))
    assert [(one.code, one.count, one.what) for one in panic] == [("kernel_log_panic", 1, ("sysrq triggered crash",))]
    oom = kernel_log.sightings(kernel_log.parse_journal(recording("kernel_log/journal-oom").stdout))
    assert [(one.code, one.count, one.what) for one in oom] == [("kernel_log_oom", 1, ("sshd",))]


def test_a_peer_that_unmounts_is_no_lost_peer():
    for name in ("dmesg-peer_left", "dmesg-left"):
        assert any("No longer connected" in text for text in texts(name))
        assert kernel_log.sightings(kernel_log.parse_dmesg(recording(f"kernel_log/{name}").stdout)) == ()


def test_a_lost_path_alone_is_no_kernel_trouble():
    assert kernel_log.sightings(kernel_log.parse_dmesg(recording("kernel_log/dmesg-path_lost").stdout)) == ()


def test_a_fence_is_read_from_the_boot_before():
    found = check(**{journal(-1): written(BOOTED - 900, *texts("dmesg-fenced"))})
    assert {"kernel_log_fenced_before", "kernel_log_io_error_before"} == set(found)


def test_the_runbooks_words_alone_suffice():
    found = check(**{journal(0): f"{NOW - 60:.6f} n1 o2net: No longer connected to node\n"})
    assert found["kernel_log_peer_lost"].values["what"] == ["-"]
    assert "kernel_log_balloon" in check(**this_boot("Call Trace:", " alloc_xenballoned_page, vfs_ioctl"))
    assert "kernel_log_oom" in check(
        **{journal(0): f"{NOW - 60:.6f} n1 unknown: Out of memory: Killed process 9 (sh)\n"}
    )


def test_events_older_than_their_window_are_not_reported():
    hung = "INFO: task sh:1 blocked for more than 120 seconds."
    old = {journal(0): written(NOW - 25 * 3600, hung)}
    assert set(check(**old)) == {"kernel_log_ok"}
    assert set(check(kernel_log.Policy(windows={"kernel_log_hung_task": 26}), **old)) == {"kernel_log_hung_task"}
    longer = kernel_log.Policy(windows={"kernel_log_hung_task": 1000})
    assert f"--since @{int(NOW - 1000 * 3600)}" in node_asked(longer)


def node_asked(policy):
    host = node()
    kernel_log.probe(host, policy)
    return " ".join(host.asked)


def test_a_journal_without_the_boot_before_but_kept_is_ok():
    for said in (
        "Data from the specified boot (-1) is not available: No such boot ID in journal",
        "No boot entry found",
    ):
        assert set(check(**{journal(-1): no_boot(said)})) == {"kernel_log_ok"}


def test_a_boot_before_that_nothing_keeps_is_said():
    volatile = no_boot("Specifying boot ID or boot offset has no effect, no persistent journal was found.")
    assert set(check(**{journal(-1): volatile, "/var/log/journal/4d1c": None})) == {"kernel_log_not_kept"}


def test_an_old_node_is_read_from_syslogs_file_in_its_own_time_zone():
    # Sep 21 2026, 23:53:20 in Seoul
    assert kernel_log.shown(NOW) == "2026-09-21 14:13:20 UTC"
    text = (
        "Sep 20 10:00:00 xen1 syslogd 1.5.0: restart.\n"
        "Sep 20 10:00:00 xen1 kernel: [    0.000000] Linux version 2.6.32-5-xen-amd64 (Debian 2.6.32-48)\n"
        "Sep 21 21:00:00 xen1 kernel: [126000.10] o2net: no longer connected to node xen2 (num 1) at 10.0.0.2:7777\n"
        "Sep 21 21:00:01 xen1 ntpd[811]: o2net: no longer connected to node xen3 (num 2)\n"
        "Sep 21 22:30:00 xen1 kernel: [    0.000000] Linux version 2.6.32-5-xen-amd64 (Debian 2.6.32-48)\n"
        "Sep 21 22:31:00 xen1 kernel: [   60.000000] INFO: task sh:1 blocked for more than 120 seconds.\n"
    )
    changes = {
        journal(0): None,
        journal(-1): None,
        "/var/log/messages": "",
        "tail -c 4194304 /var/log/messages": text,
        "date +%z": "+0900\n",
        "dmesg": "[   70.000000] eth0: link up\n",
    }
    found = check(**changes)
    assert set(found) == {"kernel_log_hung_task", "kernel_log_peer_lost_before"}
    assert found["kernel_log_peer_lost_before"].values["first"] == "2026-09-21 12:00:00 UTC"
    facts = plain(kernel_log.probe(node(**changes), kernel_log.Policy()))
    assert facts["sources"] == {"this": "/var/log/messages", "before": "/var/log/messages"}
    # a ring buffer that still has the beginning is the better source for this boot
    whole = kernel_log.probe(node(**{**changes, "dmesg": f"[    0.000000] {BANNER}\n"}), kernel_log.Policy())
    assert whole.sources["this"] == "dmesg"


def test_a_syslog_file_without_this_boots_banner_is_split_by_the_clock():
    text = (
        "2026-09-21T12:00:00.1+00:00 n1 kernel: INFO: task sh:1 blocked for more than 120 seconds.\n"
        "2026-09-21T23:10:00+09:00 n1 kernel: Out of memory: Killed process 9 (sh)\n"
    )
    changes = {journal(0): None, "/var/log/kern.log": "", "tail -c 4194304 /var/log/kern.log": text}
    changes.update({"date +%z": "+0000\n", "dmesg": "[ 70.0] eth0: link up\n"})
    assert set(check(**changes)) == {"kernel_log_hung_task_before", "kernel_log_oom"}


def test_a_syslog_file_of_this_boot_alone_has_no_boot_before():
    text = f"2026-09-21T13:30:00Z n1 kernel: {BANNER}\n"
    changes = {journal(0): None, "/var/log/kern.log": "", "tail -c 4194304 /var/log/kern.log": text}
    changes.update({"date +%z": "+0000\n", "dmesg": "[ 70.0] eth0: link up\n"})
    facts = kernel_log.probe(node(**changes), kernel_log.Policy())
    assert facts.sources == {"this": "/var/log/kern.log"}


def test_a_ring_buffer_that_forgot_the_beginning_says_so():
    changes = {journal(0): None, journal(-1): None, "dmesg": "[ 4000.500000] eth0: link up\n"}
    found = check(**changes)
    assert set(found) == {"kernel_log_forgotten"}
    assert found["kernel_log_forgotten"].values["first"] == kernel_log.shown(BOOTED + 4000.5)


def test_a_ring_buffer_without_times_counts_as_now():
    changes = {journal(0): None, "dmesg": f"<5>{BANNER}\nINFO: task sh:1 blocked for more than 120 seconds.\n"}
    found = check(**changes)
    assert found["kernel_log_hung_task"].values["last"] == "-"


def test_a_journal_that_is_not_running_is_replaced_by_dmesg():
    changes = {journal(0): no_boot("No journal files were found."), "dmesg": f"[    0.000000] {BANNER}\n"}
    host = node(**changes)
    assert set(judged(kernel_log.CHECK, host)) == {"kernel_log_ok"}
    assert "dmesg" in host.asked


def test_what_only_root_may_read_is_unknown():
    refused = Answer("", stderr="No journal files were opened due to insufficient permissions.", rc=1)
    dmesg = Answer("", stderr="dmesg: read kernel buffer failed: Operation not permitted", rc=1)
    found = check(**{journal(0): refused, journal(-1): refused, "dmesg": dmesg})
    assert set(found) == {"reading_denied"}


def test_a_journal_that_fails_hangs_or_is_not_understood_is_unknown_though_dmesg_answers():
    dmesg = f"[    0.000000] {BANNER}\n"
    for answer, code in (
        (Answer("", stderr="Failed to get journal access: Bad message", rc=1), "reading_failed"),
        (Problem.TIMEOUT, "reading_timeout"),
        ("{}\n", "reading_not_understood"),
    ):
        assert set(check(**{journal(0): answer, "dmesg": dmesg})) == {code}
    assert "reading_not_understood" in check(**{"/proc/uptime": "?\n"})


def test_a_crash_kept_by_the_firmware_is_reported_until_it_is_taken_away():
    found = check(**{"/sys/fs/pstore/dmesg-efi-168000000001001": "Panic#1 Part1\n"})
    assert found["kernel_log_crash_stored"].values["what"] == ["/sys/fs/pstore/dmesg-efi-168000000001001"]
    assert "kernel_log_crash_stored" in check(**{"/var/lib/systemd/pstore/168/dmesg.txt": "Panic#1 Part1\n"})


def test_a_container_is_skipped_at_once():
    host = Replay({"/.dockerenv": ""})
    assert set(judged(kernel_log.CHECK, host)) == {"component_absent"}
    assert host.asked == ["/.dockerenv"]
    assert set(judged(kernel_log.CHECK, host, kernel_log.Policy(required=True))) == {"component_required"}


def test_journal_lines_that_go_on_belong_to_the_one_above():
    lines = kernel_log.parse_journal(
        "-- Boot 1 --\n10.500000 n1 kernel: one\n            two\n\n11.000000 n1 o2net: three\n"
    )
    assert [(line.at, line.text) for line in lines] == [(10.5, "one"), (10.5, "two"), (11.0, "o2net: three")]
    with pytest.raises(NotUnderstood):
        kernel_log.parse_journal("Nov 20 07:00:00 n1 kernel: one\n")


def test_a_traditional_time_is_put_in_the_last_year_that_fits():
    now = float(calendar.timegm((2027, 1, 2, 0, 0, 0)))
    lines = kernel_log.parse_syslog(
        "Dec 31 23:59:59 n1 kernel: a\nJan  1 00:00:01 n1 kernel: b\nXyz 40 99:99:99 n1 kernel: c\n", now
    )
    assert [line.at and kernel_log.shown(line.at) for line in lines] == [
        "2026-12-31 23:59:59 UTC",
        "2027-01-01 00:00:01 UTC",
        None,
    ]


def test_the_runbooks_trace_counts_where_nothing_else_accounts_for_it():
    frames = (" [<ffffffff810fa8a6>] ? vfs_ioctl+0x21/0x6c", " [<ffffffff810fadf4>] ? do_vfs_ioctl+0x48d/0x4cb")
    found = check(**this_boot("Pid: 4812, comm: qemu-dm Not tainted 2.6.32-5-xen-amd64 #1", "Call Trace:", *frames))
    assert found["kernel_log_balloon"].values["count"] == 1
    assert set(check(**this_boot("INFO: task xl:9 blocked for more than 120 seconds.", "Call Trace:", *frames))) == {
        "kernel_log_hung_task"
    }
    assert set(check(**this_boot("a driver's vfs_ioctl was mentioned"))) == {"kernel_log_ok"}


def test_a_log_longer_than_what_is_read_of_it_is_told():
    many = "".join(f"{OLDEST + 60 + at}.5 n1 kernel: eth0: link up\n" for at in range(kernel_log.LINES))
    found = check(**{journal(0): many})
    assert set(found) == {"kernel_log_cut"}
    assert found["kernel_log_cut"].values["limit"] == kernel_log.LINES


def test_a_huge_log_is_searched_in_a_moment():
    lines = [kernel_log.Line(float(at), f"eth0: NIC Link is Up {at}") for at in range(kernel_log.LINES)]
    assert kernel_log.sightings(lines) == ()


@pytest.mark.parametrize(
    ("option", "windows"),
    [("windows.kernel_log_hung", {"kernel_log_hung": 1}), ("windows.kernel_log_oom", {"kernel_log_oom": 0})],
)
def test_a_window_that_cannot_be_meant_is_refused_by_name(option, windows):
    with pytest.raises(PolicyError) as refused:
        kernel_log.Policy(windows=windows)
    assert refused.value.option == option


def test_findings_of_both_boots_stand_side_by_side():
    oops = next(texts("signatures")[at:] for at, text in enumerate(texts("signatures")) if "NULL pointer" in text)[:5]
    found = check(**{**this_boot(*oops), journal(-1): written(BOOTED - 900, *oops)})
    assert set(found) == {"kernel_log_oops", "kernel_log_oops_before"}
    assert by_code(kernel_log.CHECK, list(found.values()))["kernel_log_oops"].subject == "kworker/u8:2"
