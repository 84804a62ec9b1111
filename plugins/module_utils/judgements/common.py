# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What any check may have to say: a component that is not there, a reading that could not be taken."""

from __future__ import annotations

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Judgement, Status, Words, table

TABLE = table(
    Judgement(
        "component_absent",
        Status.SKIPPED,
        "docs/rules.md#the-health-contract",
        en=Words("not on this node: {why}"),
        ko=Words("이 노드에 없음: {why}"),
    ),
    Judgement(
        "component_required",
        Status.CRITICAL,
        "docs/rules.md#the-health-contract",
        en=Words(
            "required by policy but not on this node: {why}",
            "Install and configure {component} on this node, or take it out of the node's policy.",
        ),
        ko=Words(
            "정책이 요구하지만 이 노드에 없음: {why}",
            "이 노드에 {component}을(를) 설치·설정하거나 노드 정책에서 제외하십시오.",
        ),
    ),
    Judgement(
        "reading_absent",
        Status.UNKNOWN,
        "docs/rules.md#the-health-contract",
        en=Words("{reading} is not there: {detail}", "Install what provides {reading}, then run the check again."),
        ko=Words(
            "{reading} 이(가) 없음{detail:?: }", "{reading} 을(를) 제공하는 패키지를 설치한 뒤 다시 점검하십시오."
        ),
    ),
    Judgement(
        "reading_denied",
        Status.UNKNOWN,
        "docs/rules.md#the-health-contract",
        en=Words("{reading} needs root: {detail}", "Run the check as root (become: true)."),
        ko=Words("{reading} 읽기에 root 권한이 필요함{detail:?: }", "root 권한(become: true)으로 다시 점검하십시오."),
    ),
    Judgement(
        "reading_timeout",
        Status.UNKNOWN,
        "docs/rules.md#rule-44",
        en=Words("{reading}: {detail}", "Find out on the node what {reading} waits for, then run the check again."),
        ko=Words(
            "{reading}: 제한 시간 안에 응답 없음{detail:?: }",
            "노드에서 {reading} 이(가) 무엇을 기다리는지 확인한 뒤 다시 점검하십시오.",
        ),
    ),
    Judgement(
        "reading_stuck",
        Status.UNKNOWN,
        "docs/rules.md#rule-44",
        en=Words(
            "{reading} is stuck in the kernel: {detail}",
            "Bring the storage it waits for back; nothing that touches storage is read on this node until it has "
            "ended.",
        ),
        ko=Words(
            "{reading} 이(가) 커널에서 멈춤{detail:?: }",
            "기다리는 스토리지를 먼저 복구하십시오. 끝날 때까지 이 노드에서 스토리지를 건드리는 점검은 하지 않습니다.",
        ),
    ),
    Judgement(
        "reading_blocked",
        Status.UNKNOWN,
        "docs/rules.md#rule-44",
        en=Words(
            "not read because it would hang: {reading}; the cause: {detail}",
            "Repair the cause first, then run the check again.",
        ),
        ko=Words("멈출 수 있어 읽지 않음: {reading}; 원인: {detail}", "먼저 원인을 복구한 뒤 다시 점검하십시오."),
    ),
    Judgement(
        "reading_failed",
        Status.UNKNOWN,
        "docs/rules.md#the-health-contract",
        en=Words("{reading} failed: {detail}", "Run {reading} on the node by hand and read its error."),
        ko=Words("{reading} 실패{detail:?: }", "노드에서 {reading} 을(를) 직접 실행하여 오류를 확인하십시오."),
    ),
    Judgement(
        "reading_not_understood",
        Status.UNKNOWN,
        "docs/rules.md#the-health-contract",
        en=Words(
            "{reading} answered in a form this collection does not know: {detail}",
            "Run {reading} on the node by hand; report its output and version.",
        ),
        ko=Words(
            "{reading} 의 출력 형식을 알 수 없음{detail:?: }",
            "노드에서 {reading} 을(를) 직접 실행하고 출력과 버전을 알려 주십시오.",
        ),
    ),
    Judgement(
        "check_silent",
        Status.UNKNOWN,
        "docs/rules.md#the-health-contract",
        en=Words(
            "the check found nothing to judge", "Report this with the check's facts: it is a defect of the collection."
        ),
        ko=Words("점검이 아무것도 판단하지 못함", "점검의 facts 와 함께 알려 주십시오. 이 컬렉션의 결함입니다."),
    ),
    Judgement(
        "check_failed",
        Status.UNKNOWN,
        "docs/rules.md#the-health-contract",
        en=Words("the check itself failed: {detail}", "Report this line: it is a defect of the collection."),
        ko=Words("점검 자체가 실패함: {detail}", "이 줄을 알려 주십시오. 이 컬렉션의 결함입니다."),
    ),
    Judgement(
        "check_not_finished",
        Status.UNKNOWN,
        "docs/rules.md#the-health-contract",
        en=Words(
            "the check did not finish within {seconds} s", "Find out what the node waits for, then run the check again."
        ),
        ko=Words("점검이 {seconds}초 안에 끝나지 않음", "노드가 무엇을 기다리는지 확인한 뒤 다시 점검하십시오."),
    ),
    Judgement(
        "node_unreachable",
        Status.UNKNOWN,
        "uxen 서버 Hang",
        en=Words(
            "the node could not be reached: {detail}",
            "Run the playbook hang_triage for this node before anything else.",
        ),
        ko=Words(
            "노드에 접속할 수 없음{detail:?: }", "다른 조치에 앞서 이 노드에 hang_triage 플레이북을 실행하십시오."
        ),
    ),
    Judgement(
        "node_silent",
        Status.UNKNOWN,
        "uxen 서버 Hang",
        en=Words("the node gave no health answer: {detail}", "Read the error, then run the check for this node again."),
        ko=Words("노드가 점검 결과를 돌려주지 않음{detail:?: }", "오류를 확인한 뒤 이 노드를 다시 점검하십시오."),
    ),
)
