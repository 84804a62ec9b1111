# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands against the return of a node that was off, and what the operator does about it."""

from __future__ import annotations

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Judgement, Status, Words, table

RULES = "docs/rules.md#"
GATE = RULES + "rule-27"
OWN = RULES + "rule-28"

TABLE = table(
    Judgement(
        "node_return_ready",
        Status.OK,
        OWN,
        en=Words(
            "nothing stands against the return of {node}, boot {boot}: {elsewhere} VMs of its own run elsewhere, "
            "{released} were released by a person"
        ),
        ko=Words(
            "{node} 의 복귀(부팅 {boot})를 막는 것이 없음: 원래 이 노드의 VM 중 {elsewhere}개는 다른 노드에서 구동 중, "
            "{released}개는 사람이 해제함"
        ),
    ),
    Judgement(
        "node_return_back",
        Status.OK,
        OWN,
        en=Words("{node} has come back with this boot already: {at}, {who}"),
        ko=Words("{node} 은(는) 이번 부팅으로 이미 복귀함: {at}, {who}"),
    ),
    Judgement(
        "node_return_off",
        Status.UNKNOWN,
        GATE,
        en=Words(
            "{node} gave no answer: what is on it was not read",
            "If nothing else stands here, switch it on: it boots behind its gate. Once it answers, run this again.",
        ),
        ko=Words(
            "{node} 이(가) 응답하지 않아 상태를 읽지 못함",
            "여기에 다른 항목이 없으면 전원을 켜십시오. boot gate 뒤에서 부팅됩니다. 응답하면 다시 실행하십시오.",
        ),
    ),
    Judgement(
        "node_return_recovery_open",
        Status.CRITICAL,
        OWN + "; " + RULES + "rule-48",
        en=Words(
            "a recovery of its zone is open since {at} ({who})",
            "Let it end: the playbook ha_recovery, run again, goes on where it was. Then run this again.",
        ),
        ko=Words(
            "이 존의 복구 작업이 아직 열려 있음: {at} ({who})",
            "복구를 먼저 끝내십시오. ha_recovery 플레이북을 다시 실행하면 이어서 진행합니다. 그 뒤 다시 실행하십시오.",
        ),
    ),
    Judgement(
        "node_return_job_open",
        Status.CRITICAL,
        OWN,
        en=Words(
            "{job} is open for it in the journal since {at} ({who})",
            "Let that job end, or run it again so that it ends. The playbook journal_show tells what it did.",
        ),
        ko=Words(
            "이 노드의 {job} 작업이 저널에 열려 있음: {at} ({who})",
            "그 작업이 끝나게 하거나 다시 실행하여 끝내십시오. 내용은 journal_show 플레이북으로 확인하십시오.",
        ),
    ),
    Judgement(
        "node_return_unread",
        Status.UNKNOWN,
        OWN,
        en=Words("not known, {what}: {why}", "Bring the reading about, then run this again."),
        ko=Words("알 수 없음, {what}: {why}", "읽을 수 있게 한 뒤 다시 실행하십시오."),
    ),
    Judgement(
        "node_return_vm_unproven",
        Status.UNKNOWN,
        OWN,
        en=Words(
            "{title} is not proven to run elsewhere, nor released: {said}",
            "See vm_where. Start it elsewhere (vm_start), or release it by name: -e node_return_release={vm} "
            "-e node_return_reason=…, if it may start on this node or stay off.",
        ),
        ko=Words(
            "{title} 이(가) 다른 노드에서 구동 중이라고 증명되지 않았고 해제되지도 않음: {said}",
            "vm_where 로 확인하십시오. 다른 노드에서 구동하거나(vm_start), 이 노드에서 구동되거나 꺼져 있어도 되면 "
            "이름을 지정해 해제하십시오: -e node_return_release={vm} -e node_return_reason=…",
        ),
    ),
    Judgement(
        "node_return_stale_runs",
        Status.CRITICAL,
        RULES + "rule-33",
        en=Words(
            "{node} has a domain of {title}, which runs on {where}: {what}",
            "Call the administrator and run the playbook vm_twice for it: it proves which copy computes, and holds "
            "both. Destroy none by hand.",
        ),
        ko=Words(
            "{where} 에서 구동 중인 {title} 의 도메인이 {node} 에도 있음: {what}",
            "관리자에게 연락하고 이 VM에 대해 vm_twice 플레이북을 실행하십시오. 어느 쪽이 동작하는지 증명하고 둘 다 "
            "정지시킵니다. 직접 destroy 하지 마십시오.",
        ),
    ),
    Judgement(
        "node_return_stale_row",
        Status.CRITICAL,
        RULES + "rule-49",
        en=Words(
            "{node} has a domain of {title}, which the database has on {where}: {what}",
            "See vm_where. If this copy is the one that is meant, correct the row; if not, find out who started it "
            "here before anything is stopped.",
        ),
        ko=Words(
            "DB 에는 {where} 에 있다고 된 {title} 의 도메인이 {node} 에 있음: {what}",
            "vm_where 로 확인하십시오. 이 도메인이 맞으면 DB 값을 고치고, 아니면 정지하기 전에 누가 구동했는지 "
            "확인하십시오.",
        ),
    ),
    Judgement(
        "node_return_not_fit",
        Status.CRITICAL,
        GATE,
        en=Words(
            "the boot check of {node} is not fit: {said:; }",
            "Mend what it says: the playbook node_boot_check shows all of it, and with node_boot_check_repair=true "
            "brings into service what is missing.",
        ),
        ko=Words(
            "{node} 의 부팅 점검이 적합이 아님: {said:; }",
            "해당 항목을 조치하십시오. node_boot_check 플레이북이 전체를 보여 주며 node_boot_check_repair=true 로 빠진 "
            "것을 올립니다.",
        ),
    ),
    Judgement(
        "node_return_apart",
        Status.UNKNOWN,
        RULES + "rule-6",
        en=Words(
            "that {node} has joined the cluster is not proven: {said:; }",
            "Wait until o2cb's recovery has ended, then see o2cb_status on the nodes named here. Run this again.",
        ),
        ko=Words(
            "{node} 이(가) 클러스터에 참여했다고 증명되지 않음: {said:; }",
            "o2cb 복구가 끝날 때까지 기다린 뒤 위 노드에서 o2cb_status 를 확인하고 다시 실행하십시오.",
        ),
    ),
    Judgement(
        "node_return_no_gate",
        Status.CRITICAL,
        GATE,
        en=Words(
            "{node} has no boot gate: nothing held back what starts guests",
            "Install it with the playbook boot_gate, which counts this boot as released. Then run this again.",
        ),
        ko=Words(
            "{node} 에 boot gate 가 없어 VM 자동 구동을 막지 못함",
            "boot_gate 플레이북으로 설치하십시오. 이번 부팅은 해제된 것으로 처리됩니다. 그 뒤 다시 실행하십시오.",
        ),
    ),
    Judgement(
        "node_return_waits",
        Status.CRITICAL,
        GATE,
        en=Words(
            "its gate stays closed, because of what waits there: {said}",
            "What runs elsewhere must not be started here: take it out of autostart on this node (its link in "
            "/etc/xen/auto, or virsh autostart --disable). Bring a node that is silent to answer. Run this again.",
        ),
        ko=Words(
            "gate 뒤에서 기다리는 것 때문에 gate 를 열 수 없음: {said}",
            "다른 곳에서 구동 중인 VM이 여기서 구동되면 안 됩니다. 이 노드의 자동 구동에서 제외하십시오"
            "(/etc/xen/auto 의 링크, 또는 virsh autostart --disable). 응답 없는 노드는 응답하게 하고 "
            "다시 실행하십시오.",
        ),
    ),
    Judgement(
        "node_return_epoch",
        Status.CRITICAL,
        RULES + "rule-30",
        en=Words(
            "{node} does not know the newest epoch of its zone",
            "Run this again. If it stays so, see what node_job_info says of the node.",
        ),
        ko=Words(
            "{node} 이(가) 존의 최신 epoch 를 알지 못함",
            "다시 실행하십시오. 계속되면 node_job_info 로 노드를 확인하십시오.",
        ),
    ),
    Judgement(
        "node_return_maintenance",
        Status.WARNING,
        RULES + "rule-25",
        en=Words(
            "{node} is in maintenance since {at} ({who}): a recovery leaves it alone",
            "When it is in service again: the playbook node_maintenance with node_maintenance_state=left.",
        ),
        ko=Words(
            "{node} 은(는) 점검(maintenance) 중: {at} ({who}). 복구 대상에서 제외됨",
            "서비스에 복귀하면 node_maintenance 플레이북을 node_maintenance_state=left 로 실행하십시오.",
        ),
    ),
)
