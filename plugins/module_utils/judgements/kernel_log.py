# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel's log may hold, how bad it is, and what the operator does about it.

A signature is one entry here and two rows of the table: the node has been started anew since the boot before, so
that what it found there asks for something else, and is a warning unless starting anew mends nothing.
"""

from __future__ import annotations

from typing import Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Judgement, Status, Words, table

HANG = "uxen 서버 Hang"
LOG = HANG + ": system log 확인"
MEMORY = HANG + ": dom0 메모리(pagecache) 관련 문제"
OCFS2 = HANG + ": ocfs2 관련 문제"
STORAGE = "uxen 구동 후 스토리지 점검사항"
BEFORE = "_before"


def _signature(
    code: str, status: Status, reference: str, en: Words, ko: Words, before: Tuple[Status, str, str]
) -> Tuple[Judgement, Judgement]:
    """``before``: how bad it is that the boot before had it, and what to do about that, in both languages."""
    before_status, en_remedy, ko_remedy = before
    en_before = Words("in the boot before: " + en.message, en_remedy)
    ko_before = Words("이전 부팅: " + ko.message, ko_remedy)
    return (
        Judgement(code, status, reference, en, ko),
        Judgement(code + BEFORE, before_status, reference, en_before, ko_before),
    )


TABLE = table(
    Judgement(
        "kernel_log_ok",
        Status.OK,
        LOG,
        en=Words("no known trouble in the kernel log of this boot and the one before it"),
        ko=Words("이번 부팅과 이전 부팅의 커널 로그에 알려진 문제 없음"),
    ),
    *_signature(
        "kernel_log_balloon",
        Status.CRITICAL,
        MEMORY,
        en=Words(
            "dom0 ran out of page cache: {count} traces of alloc_xenballooned_pages or vfs_ioctl, last {last}",
            "Drop the page cache every hour (role hang_triage sets up a bounded timer for sync and "
            "/proc/sys/vm/drop_caches), and plan more memory for dom0.",
        ),
        ko=Words(
            "dom0 메모리(pagecache) 문제: alloc_xenballooned_pages 또는 vfs_ioctl trace {count}회, 마지막 {last}",
            "매시간 pagecache 를 비우도록 설정하고(hang_triage 역할이 sync 와 /proc/sys/vm/drop_caches 타이머를 설치) "
            "dom0 메모리 증설을 계획하십시오.",
        ),
        before=(
            Status.WARNING,
            "If the node hung or was reset at that time, this is why: set the hourly drop of the page cache up now "
            "(role hang_triage), before VMs come back.",
            "당시 노드가 hang 또는 강제 재부팅되었다면 이것이 원인입니다. VM을 되돌리기 전에 매시간 pagecache 를 "
            "비우도록 설정하십시오(hang_triage 역할).",
        ),
    ),
    *_signature(
        "kernel_log_peer_lost",
        Status.WARNING,
        OCFS2,
        en=Words(
            "o2net lost {what}, {count} times, last {last}",
            "Check the interconnect to {what} and its storage. If it comes again, raise O2CB_HEARTBEAT_THRESHOLD (91) "
            "on all nodes of the zone or none; it applies at the next start of the whole zone.",
        ),
        ko=Words(
            "o2net 이 {what} 와(과)의 연결을 잃음, {count}회, 마지막 {last}",
            "{what} 와(과)의 네트워크와 스토리지를 확인하십시오. 반복되면 존의 모든 노드에 "
            "O2CB_HEARTBEAT_THRESHOLD=91 을 설정하십시오(일부 노드만은 금지). 존 전체를 다시 시작할 때 적용됩니다.",
        ),
        before=(
            Status.WARNING,
            "Compare the time with the log of {what}: if it was not shut down then, have the interconnect and the "
            "storage of both checked.",
            "해당 시각의 {what} 로그와 비교하십시오. 그때 정상 종료된 것이 아니라면 두 노드의 네트워크와 스토리지를 "
            "점검하십시오.",
        ),
    ),
    *_signature(
        "kernel_log_fenced",
        Status.CRITICAL,
        OCFS2,
        en=Words(
            "o2cb fenced this node: {last}",
            "Find out what o2cb lost (paths of the heartbeat LUN, or the interconnect) before VMs are started here "
            "again.",
        ),
        ko=Words(
            "o2cb 가 이 노드를 fence 함: {last}",
            "이 노드에서 VM을 다시 구동하기 전에 원인(heartbeat LUN 경로 또는 노드 간 네트워크)을 찾으십시오.",
        ),
        before=(
            Status.WARNING,
            "Find out what o2cb lost at that time (multipath and link lines just above it in the log) before VMs are "
            "started here again.",
            "VM을 다시 구동하기 전에 그 시각에 o2cb 가 무엇을 잃었는지 로그 바로 윗부분(multipath, 링크)에서 원인을 "
            "찾으십시오.",
        ),
    ),
    *_signature(
        "kernel_log_panic",
        Status.CRITICAL,
        LOG,
        en=Words(
            "kernel panic: {what}, {last}",
            "Keep this log and the console's picture; update the kernel or replace the part the panic names.",
        ),
        ko=Words(
            "커널 패닉: {what}, {last}",
            "이 로그와 콘솔 화면을 보관하고, 패닉이 가리키는 커널 또는 부품을 교체하십시오.",
        ),
        before=(
            Status.WARNING,
            "Keep this log with the case (journalctl -k -b -1) and look for the cause before VMs are moved back; if "
            "the same panic comes again, take the node out of service.",
            "이 로그를 장애 기록으로 보관하고(journalctl -k -b -1) VM을 되돌리기 전에 원인을 찾으십시오. 같은 패닉이 "
            "반복되면 노드를 서비스에서 제외하십시오.",
        ),
    ),
    *_signature(
        "kernel_log_oops",
        Status.CRITICAL,
        LOG,
        en=Words(
            "{count} kernel oopses (in {what}), last {last}",
            "Drain the node and reboot it: its kernel can no longer be trusted. Keep the trace for the kernel's "
            "vendor.",
        ),
        ko=Words(
            "커널 oops {count}회({what}), 마지막 {last}",
            "커널을 신뢰할 수 없으므로 노드를 비우고 재부팅하십시오. trace 는 커널 공급사에 전달할 수 있게 "
            "보관하십시오.",
        ),
        before=(
            Status.WARNING,
            "Nothing on the node has to be repaired: the kernel was started anew. Keep the trace for its vendor and "
            "look for a newer kernel; watch whether it comes again.",
            "커널이 다시 시작되었으므로 노드에 추가 조치는 없습니다. trace 를 커널 공급사에 전달하고 새 커널이 있는지 "
            "확인하며 재발 여부를 지켜보십시오.",
        ),
    ),
    *_signature(
        "kernel_log_qemu_oops",
        Status.CRITICAL,
        LOG,
        en=Words(
            "{count} kernel oopses while qemu was running ({what}), last {last}",
            "Find the VM of that process and check it; migrate the others away, then reboot the node in a window.",
        ),
        ko=Words(
            "qemu 실행 중 커널 oops {count}회({what}), 마지막 {last}",
            "해당 프로세스의 VM을 찾아 확인하십시오. 나머지 VM은 이전한 뒤 작업 시간에 노드를 재부팅하십시오.",
        ),
        before=(
            Status.WARNING,
            "Check the VM of that process after its start here or elsewhere (its file systems); keep the trace for "
            "the kernel's vendor.",
            "해당 프로세스의 VM이 다시 구동된 뒤 파일시스템을 점검하고 trace 를 커널 공급사에 전달할 수 있게 "
            "보관하십시오.",
        ),
    ),
    *_signature(
        "kernel_log_qemu_crash",
        Status.WARNING,
        LOG,
        en=Words(
            "qemu crashed {count} times ({what}), last {last}; the kernel itself is sound",
            "Find the VM that lost its qemu (xl list, its console and disks) and restart it; look for a newer qemu.",
        ),
        ko=Words(
            "qemu 프로세스가 {count}회 비정상 종료({what}), 마지막 {last}. 커널 자체는 정상",
            "qemu 를 잃은 VM을 찾아(xl list, 콘솔과 디스크) 다시 구동하고 qemu 업데이트를 확인하십시오.",
        ),
        before=(
            Status.WARNING,
            "See that the VM of that process runs again, and where; look for a newer qemu if it comes again.",
            "해당 프로세스의 VM이 다시 구동되었는지, 어느 노드인지 확인하십시오. 반복되면 qemu 업데이트를 "
            "확인하십시오.",
        ),
    ),
    *_signature(
        "kernel_log_lockup",
        Status.WARNING,
        LOG,
        en=Words(
            "{count} CPU lockups or RCU stalls ({what}), last {last}",
            "Compare the time with the load of dom0 and of the storage; pin CPUs for dom0, and check the firmware's "
            "events.",
        ),
        ko=Words(
            "CPU lockup 또는 RCU stall {count}회({what}), 마지막 {last}",
            "해당 시각의 dom0·스토리지 부하를 비교하고, dom0 전용 CPU 설정과 BMC 이벤트를 확인하십시오.",
        ),
        before=(
            Status.WARNING,
            "Compare the time with the load and with the end of that boot; if the node hung by it, check the "
            "firmware's events and pin CPUs for dom0.",
            "해당 시각의 부하와 부팅이 끝난 시각을 비교하십시오. 이 때문에 멈췄다면 BMC 이벤트와 dom0 전용 CPU 설정을 "
            "확인하십시오.",
        ),
    ),
    *_signature(
        "kernel_log_hung_task",
        Status.WARNING,
        LOG,
        en=Words(
            "{count} hung tasks ({what}), last {last}",
            "Read what they waited for in the trace below each line: OCFS2, NFS or a disk; run the storage checks.",
        ),
        ko=Words(
            "hung task {count}회({what}), 마지막 {last}",
            "각 줄 아래 trace 에서 무엇을 기다렸는지(OCFS2, NFS, 디스크) 확인하고 스토리지 점검을 실행하십시오.",
        ),
        before=(
            Status.WARNING,
            "Read what they waited for in the trace (journalctl -k -b -1): OCFS2, NFS or a disk; see that the storage "
            "checks of this boot are ok.",
            "무엇을 기다렸는지 trace 에서 확인하고(journalctl -k -b -1: OCFS2, NFS, 디스크) 이번 부팅의 스토리지 "
            "점검이 정상인지 보십시오.",
        ),
    ),
    *_signature(
        "kernel_log_oom",
        Status.CRITICAL,
        MEMORY,
        en=Words(
            "out of memory: the kernel killed {what} ({count} times, last {last})",
            "Check that what was killed runs again (xenstored, qemu, multipathd), then give dom0 more memory or find "
            "the leak.",
        ),
        ko=Words(
            "메모리 부족으로 커널이 {what} 을(를) 강제 종료함({count}회, 마지막 {last})",
            "종료된 프로세스(xenstored, qemu, multipathd 등)가 다시 동작하는지 확인하고 dom0 메모리를 늘리거나 누수를 "
            "찾으십시오.",
        ),
        before=(
            Status.WARNING,
            "Give dom0 more memory or find the leak before VMs come back: the same load would end the same way.",
            "같은 부하에서 다시 발생하므로 VM을 되돌리기 전에 dom0 메모리를 늘리거나 누수를 찾으십시오.",
        ),
    ),
    *_signature(
        "kernel_log_io_error",
        Status.WARNING,
        STORAGE,
        en=Words(
            "{count} I/O errors on {what}, last {last}",
            "Look which map or disk {what} belongs to (multipath -ll, smartctl -a) and have the storage team check it.",
        ),
        ko=Words(
            "{what} 에서 I/O 오류 {count}회, 마지막 {last}",
            "{what} 이(가) 속한 맵이나 디스크를 확인하고(multipath -ll, smartctl -a) 스토리지 담당자에게 점검을 "
            "요청하십시오.",
        ),
        before=(
            Status.WARNING,
            "See that the multipath check of this boot is ok; have the storage team look at their log of that time.",
            "이번 부팅의 multipath 점검이 정상인지 확인하고 스토리지 담당자에게 해당 시각의 로그 확인을 요청하십시오.",
        ),
    ),
    *_signature(
        "kernel_log_filesystem_error",
        Status.CRITICAL,
        STORAGE,
        en=Words(
            "{count} file system errors on {what}, last {last}",
            "Stop what writes there, repair the storage, then check the file system while no node has it mounted "
            "(fsck).",
        ),
        ko=Words(
            "{what} 에서 파일시스템 오류 {count}회, 마지막 {last}",
            "쓰기를 중지하고 스토리지를 복구한 뒤, 모든 노드에서 마운트를 해제하고 fsck 를 실행하십시오.",
        ),
        before=(
            Status.WARNING,
            "Starting anew repairs no file system: unless fsck has been run on {what} since, run it while no node has "
            "it mounted, before VMs use it.",
            "재부팅으로 파일시스템이 복구되지는 않습니다. 이후 {what} 에 fsck 를 실행하지 않았다면 VM이 사용하기 전에 "
            "모든 노드에서 마운트를 해제하고 실행하십시오.",
        ),
    ),
    *_signature(
        "kernel_log_machine_check",
        Status.WARNING,
        LOG,
        en=Words(
            "{count} corrected hardware errors, last {last}",
            "Read the BMC's event log for the part that is failing and have it replaced in a window.",
        ),
        ko=Words(
            "정정된 하드웨어 오류 {count}회, 마지막 {last}",
            "BMC 이벤트 로그에서 불량 부품을 확인하고 작업 시간에 교체하십시오.",
        ),
        before=(
            Status.WARNING,
            "See in the BMC's event log whether the part has been replaced since; if not, have it replaced in a "
            "window.",
            "BMC 이벤트 로그에서 이후 부품이 교체되었는지 확인하고, 아니라면 작업 시간에 교체하십시오.",
        ),
    ),
    *_signature(
        "kernel_log_machine_check_fatal",
        Status.CRITICAL,
        LOG,
        en=Words(
            "{count} uncorrected hardware errors, last {last}",
            "Drain the node and take it out of service until the part named by the BMC's event log is replaced.",
        ),
        ko=Words(
            "정정되지 않은 하드웨어 오류 {count}회, 마지막 {last}",
            "노드를 비우고, BMC 이벤트 로그가 가리키는 부품을 교체할 때까지 서비스에서 제외하십시오.",
        ),
        before=(
            Status.CRITICAL,
            "Start no VM here until the part that the BMC's event log names is replaced: starting anew mends no "
            "hardware. Where it has been replaced, override the status until the next boot.",
            "BMC 이벤트 로그가 가리키는 부품을 교체할 때까지 이 노드에서 VM을 구동하지 마십시오. 재부팅으로 "
            "하드웨어는 고쳐지지 않습니다. 이미 교체했다면 다음 부팅까지 이 항목의 상태를 재정의하십시오.",
        ),
    ),
    Judgement(
        "kernel_log_crash_stored",
        Status.WARNING,
        LOG,
        en=Words(
            "the firmware kept the log of a crash: {what}",
            "Copy it to the case, then delete it: the store is small and the next crash needs it.",
        ),
        ko=Words(
            "펌웨어에 장애 당시의 로그가 남아 있음: {what}",
            "장애 기록으로 복사해 둔 뒤 삭제하십시오. 저장 공간이 작아 다음 장애를 기록하지 못할 수 있습니다.",
        ),
    ),
    Judgement(
        "kernel_log_not_kept",
        Status.WARNING,
        LOG,
        en=Words(
            "the kernel log of the boot before is not kept on this node",
            "Make the journal persistent (mkdir -p /var/log/journal; systemctl restart systemd-journald) or log to "
            "/var/log/messages.",
        ),
        ko=Words(
            "이 노드에는 이전 부팅의 커널 로그가 보관되지 않음",
            "저널을 영구 저장하거나(mkdir -p /var/log/journal; systemctl restart systemd-journald) /var/log/messages "
            "에 기록하십시오.",
        ),
    ),
    Judgement(
        "kernel_log_cut",
        Status.WARNING,
        LOG,
        en=Words(
            "only the last {limit} lines were read, from {first} on",
            "Find out what fills the kernel log (journalctl -k -o cat | sort | uniq -c | sort -n | tail) and end it.",
        ),
        ko=Words(
            "{first} 이후의 마지막 {limit}줄만 읽음",
            "커널 로그를 채우는 원인을 찾아(journalctl -k -o cat | sort | uniq -c | sort -n | tail) 해결하십시오.",
        ),
    ),
    Judgement(
        "kernel_log_forgotten",
        Status.WARNING,
        LOG,
        en=Words(
            "the ring buffer has forgotten the kernel log of this boot before {first}",
            "Have the kernel log written to a file (journal or rsyslog), or enlarge the buffer (log_buf_len=16M).",
        ),
        ko=Words(
            "커널 ring buffer 에 {first} 이전의 로그가 남아 있지 않음",
            "커널 로그를 파일(journal 또는 rsyslog)에 기록하거나 버퍼를 늘리십시오(log_buf_len=16M).",
        ),
    ),
)
