# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person should know who puts a node into maintenance, or takes it out."""

from __future__ import annotations

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Judgement, Status, Words, table

RULE = "docs/rules.md#rule-25"

TABLE = table(
    Judgement(
        "node_maintenance_enters",
        Status.OK,
        RULE,
        en=Words("{node} goes into maintenance, as {names}: a recovery will not fence it"),
        ko=Words("{node} 을(를) 점검(maintenance) 상태로 전환({names}): 복구가 이 노드를 fence 하지 않음"),
    ),
    Judgement(
        "node_maintenance_in",
        Status.OK,
        RULE,
        en=Words("{node} is in maintenance since {at} ({who}): {reason}"),
        ko=Words("{node} 은(는) 이미 점검(maintenance) 중: {at} ({who}): {reason}"),
    ),
    Judgement(
        "node_maintenance_leaves",
        Status.OK,
        RULE,
        en=Words("{node} leaves maintenance, which it is in since {at} ({who}): {reason}"),
        ko=Words("{node} 의 점검(maintenance)을 끝냄. 시작: {at} ({who}): {reason}"),
    ),
    Judgement(
        "node_maintenance_out",
        Status.OK,
        RULE,
        en=Words("{node} is not in maintenance"),
        ko=Words("{node} 은(는) 점검(maintenance) 중이 아님"),
    ),
    Judgement(
        "node_maintenance_silent",
        Status.WARNING,
        RULE,
        en=Words(
            "{node} gave no answer: it is known by this name of the inventory alone, and what runs on it was not read",
            "If its kernel calls it otherwise, run this again once it answers: it is journalled under that name, too.",
        ),
        ko=Words(
            "{node} 이(가) 응답하지 않음: 인벤토리의 이름으로만 기록되며 구동 중인 VM을 읽지 못함",
            "호스트 이름이 이와 다르면 응답하게 된 뒤 다시 실행하십시오. 그 이름으로도 기록됩니다.",
        ),
    ),
    Judgement(
        "node_maintenance_unread",
        Status.WARNING,
        RULE,
        en=Words(
            "which VMs {node} has was not read",
            "See xl list there: nobody recovers what runs on it meanwhile.",
        ),
        ko=Words(
            "{node} 에 어떤 VM이 있는지 읽지 못함",
            "해당 노드에서 xl list 를 확인하십시오. 점검 중에는 그 VM들이 복구되지 않습니다.",
        ),
    ),
    Judgement(
        "node_maintenance_guests",
        Status.WARNING,
        RULE,
        en=Words(
            "{node} has {count} VMs, and nobody recovers them while it is in maintenance",
            "Move them away first: -e node_maintenance_empty_to=HOST,HOST.",
        ),
        ko=Words(
            "{node} 에 VM {count}개가 있으며 점검 중에는 복구되지 않음",
            "먼저 다른 노드로 옮기십시오: -e node_maintenance_empty_to=HOST,HOST.",
        ),
    ),
    Judgement(
        "node_maintenance_moves",
        Status.OK,
        RULE,
        en=Words("before, {count} VMs of {node} are moved, one after the other"),
        ko=Words("그 전에 {node} 의 VM {count}개를 하나씩 옮김"),
    ),
    Judgement(
        "node_maintenance_not_emptied",
        Status.UNKNOWN,
        RULE,
        en=Words(
            "{node} cannot be emptied: which VMs it has was not read",
            "Bring it to answer. A node that is dead is emptied by a recovery, not by migrations.",
        ),
        ko=Words(
            "어떤 VM이 있는지 읽지 못해 {node} 을(를) 비울 수 없음",
            "노드가 응답하게 하십시오. 죽은 노드는 migration 이 아니라 복구로 비웁니다.",
        ),
    ),
    Judgement(
        "node_maintenance_target",
        Status.UNKNOWN,
        RULE,
        en=Words(
            "{target} gave no answer, or does not tell what memory is free: no VM is moved there",
            "Name another host in node_maintenance_empty_to.",
        ),
        ko=Words(
            "{target} 이(가) 응답하지 않거나 여유 메모리를 알 수 없어 VM을 옮길 수 없음",
            "node_maintenance_empty_to 에 다른 노드를 지정하십시오.",
        ),
    ),
    Judgement(
        "node_maintenance_rests",
        Status.CRITICAL,
        RULE,
        en=Words(
            "{name} does not run and cannot be moved: {said}",
            "See vm_where, find out who paused it, and decide what becomes of it.",
        ),
        ko=Words(
            "{name} 이(가) 동작하지 않아 옮길 수 없음: {said}",
            "vm_where 로 확인하고 누가 정지했는지 알아본 뒤 처리하십시오.",
        ),
    ),
    Judgement(
        "node_maintenance_no_room",
        Status.CRITICAL,
        RULE,
        en=Words(
            "{name} with {memory} MiB fits on none of {targets} beside the others",
            "Name more hosts in node_maintenance_empty_to, or stop the VM with its owner's consent.",
        ),
        ko=Words(
            "{name} ({memory} MiB)이(가) 들어갈 여유가 없음: {targets}",
            "node_maintenance_empty_to 에 노드를 더 지정하거나, 소유자 동의 하에 VM을 정지하십시오.",
        ),
    ),
)
