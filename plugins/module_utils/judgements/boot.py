# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be wrong with a node's boot, how bad it is, and what the operator does about it."""

from __future__ import annotations

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Judgement, Status, Words, table

HANG = "uxen 서버 Hang"
SERVICES = "uxen 서비스 점검 사항"
GATE = "docs/rules.md#rule-27"

TABLE = table(
    Judgement(
        "boot_ok",
        Status.OK,
        SERVICES,
        en=Words("booted {booted}, up for {hours:.1f} h; the boot has finished"),
        ko=Words("{booted} 에 부팅, {hours:.1f}시간 경과. 부팅 완료"),
    ),
    Judgement(
        "boot_in_progress",
        Status.CRITICAL,
        SERVICES,
        en=Words(
            "the boot is still in progress: {jobs}",
            "Wait until it has finished (systemctl list-jobs); if it does not, look at what {jobs} waits for.",
        ),
        ko=Words(
            "부팅이 아직 진행 중: {jobs}",
            "끝날 때까지 기다리십시오(systemctl list-jobs). 끝나지 않으면 {jobs} 이(가) 무엇을 기다리는지 "
            "확인하십시오.",
        ),
    ),
    Judgement(
        "boot_going_down",
        Status.CRITICAL,
        HANG,
        en=Words("the node is going down: {state}", "Start nothing on it; check it again when it is back."),
        ko=Words("노드가 종료되는 중: {state}", "이 노드에서 아무것도 구동하지 말고 다시 올라온 뒤 점검하십시오."),
    ),
    Judgement(
        "boot_unclean_shutdown",
        Status.WARNING,
        HANG,
        en=Words(
            "the boot before ended without a clean shutdown, last sign of it {last}",
            "Look for the cause (check kernel_log, the console, the BMC's event log, power) before VMs are moved back.",
        ),
        ko=Words(
            "이전 부팅이 정상 종료되지 않음, 마지막 기록 {last}",
            "VM을 되돌리기 전에 원인을 찾으십시오(kernel_log 점검, 콘솔, BMC 이벤트 로그, 전원).",
        ),
    ),
    Judgement(
        "boot_shutdown_not_recorded",
        Status.WARNING,
        HANG,
        en=Words(
            "nothing on this node tells how the boot before ended",
            "Make the journal persistent (mkdir -p /var/log/journal; systemctl restart systemd-journald) or keep wtmp.",
        ),
        ko=Words(
            "이전 부팅이 어떻게 끝났는지 기록이 없음",
            "저널을 영구 저장(mkdir -p /var/log/journal; systemctl restart systemd-journald)하거나 wtmp 를 "
            "보관하십시오.",
        ),
    ),
    Judgement(
        "boot_units_failed",
        Status.WARNING,
        SERVICES,
        en=Words(
            "failed since boot: {units}",
            "Read why (systemctl status {units: }), then start what the node needs (systemctl restart).",
        ),
        ko=Words(
            "부팅 후 실패한 유닛: {units}",
            "원인을 확인하고(systemctl status {units: }) 필요한 유닛을 다시 시작하십시오(systemctl restart).",
        ),
    ),
    Judgement(
        "boot_unit_down",
        Status.CRITICAL,
        SERVICES,
        en=Words(
            "{unit} is expected to run but is {state}",
            "Start it (systemctl start {unit}, or service {unit} start) and see that it starts at boot.",
        ),
        ko=Words(
            "{unit} 이(가) 동작해야 하나 현재 {state}",
            "구동하고(systemctl start {unit} 또는 service {unit} start) 부팅 시 자동 시작되는지 확인하십시오.",
        ),
    ),
    Judgement(
        "boot_autostart_without_gate",
        Status.CRITICAL,
        GATE,
        en=Words(
            "{starter} starts guests from shared storage at boot and no boot gate holds it: {guests}",
            "Install the boot gate (the playbook boot_gate), or take the guests out of autostart (the links in "
            "/etc/xen/auto, XENDOMAINS_RESTORE=false, virsh autostart --disable): while this node was down they may "
            "have been started elsewhere, and would run twice.",
        ),
        ko=Words(
            "{starter} 이(가) 부팅 시 공유 스토리지의 VM을 자동 구동하며 이를 막는 boot gate 가 없음: {guests}",
            "boot gate 를 설치하거나(boot_gate 플레이북) 자동 구동에서 제외하십시오(/etc/xen/auto 의 링크, "
            "XENDOMAINS_RESTORE=false, virsh autostart --disable). "
            "노드가 내려간 사이 다른 노드에서 구동되었다면 같은 VM이 두 번 실행됩니다.",
        ),
    ),
    Judgement(
        "boot_gate_ineffective",
        Status.CRITICAL,
        GATE,
        en=Words(
            "the boot gate does not hold {starter} ({why}), which starts guests at boot: {guests}",
            "Give the gate's unit Before={starter} and RequiredBy={starter} and enable it (systemctl enable "
            "cloudops-boot-gate), or take the guests out of autostart.",
        ),
        ko=Words(
            "boot gate 가 {starter} 을(를) 막지 못함({why}). 부팅 시 자동 구동되는 VM: {guests}",
            "gate 유닛에 Before={starter}, RequiredBy={starter} 을(를) 넣고 활성화하거나(systemctl enable "
            "cloudops-boot-gate) 해당 VM을 자동 구동에서 제외하십시오.",
        ),
    ),
    Judgement(
        "boot_gate_missing",
        Status.CRITICAL,
        GATE,
        en=Words(
            "policy requires a boot gate and this node has none",
            "Install it: the playbook boot_gate. Or take gate out of the node's policy.",
        ),
        ko=Words(
            "정책이 boot gate 를 요구하지만 이 노드에 없음",
            "boot_gate 플레이북으로 설치하거나 노드 정책에서 gate 를 제외하십시오.",
        ),
    ),
    Judgement(
        "boot_gate_closed",
        Status.WARNING,
        GATE,
        en=Words(
            "the boot gate is closed: no guest starts before boot {boot_id} is released",
            "Run the playbook node_boot_check with node_boot_check_repair=true: it releases the boot as its last step. "
            "By hand: prove that this node's guests run on no other node (xl list on each), then cloudops-boot-gate "
            "release {boot_id} WHO REASON.",
        ),
        ko=Words(
            "boot gate 가 닫혀 있음: 부팅 {boot_id} 이(가) 해제될 때까지 VM이 구동되지 않음",
            "node_boot_check 플레이북을 node_boot_check_repair=true 로 실행하면 마지막 단계에서 해제됩니다. 수동으로는 "
            "이 노드의 VM이 다른 노드에서 실행 중이 아닌지 모든 노드에서 확인(xl list)한 뒤 실행하십시오: "
            "cloudops-boot-gate release {boot_id} 이름 사유.",
        ),
    ),
)
