# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a VM's VNC port stands to the database, how bad that is, and what the operator does about it."""

from __future__ import annotations

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Judgement, Status, Words, table

SECTION = "기타 vm 구동 관련 문제"
MIGRATION = "vm migration 실패 시"

TABLE = table(
    Judgement(
        "vnc_in_step",
        Status.OK,
        SECTION,
        en=Words("display {display}, as the database says; it listens on port {port}"),
        ko=Words("display {display}: DB 와 일치하며 포트 {port} 에서 대기 중"),
    ),
    Judgement(
        "vnc_database_differs",
        Status.WARNING,
        SECTION + "; docs/rules.md#rule-50",
        en=Words(
            "the database says display {row}, it really has {display} (port {port})",
            "Correct the database with playbooks/vncport_sync.yml -e vncport_sync_state=synced.",
        ),
        ko=Words(
            "DB 의 display 는 {row}, 실제는 {display} (포트 {port})",
            "playbooks/vncport_sync.yml -e vncport_sync_state=synced 로 DB 를 맞추십시오.",
        ),
    ),
    Judgement(
        "vnc_value_taken",
        Status.WARNING,
        SECTION,
        en=Words(
            "the database cannot be corrected: display {display} of this node is that of {holders} there",
            "Give {holders} another number in the database first, or start it: its port is then known, and both are "
            "corrected together.",
        ),
        ko=Words(
            "DB 를 맞출 수 없음: 이 노드의 display {display} 은(는) DB 에서 {holders} 의 값임",
            "먼저 DB 에서 {holders} 에 다른 번호를 주거나 구동하십시오. 구동하면 실제 포트를 알 수 있어 함께 맞출 수 "
            "있습니다.",
        ),
    ),
    Judgement(
        "vnc_off",
        Status.OK,
        SECTION,
        en=Words("runs on no node; the database has display {row} on {row_node} for it"),
        ko=Words("구동 중인 노드가 없음. DB 에는 {row_node} 의 display {row}"),
    ),
    Judgement(
        "vnc_without_console",
        Status.OK,
        SECTION,
        en=Words("runs without a VNC console on {where}; the database has display {row} for it"),
        ko=Words("{where} 에서 VNC 콘솔 없이 구동 중. DB 의 display 는 {row}"),
    ),
    Judgement(
        "vnc_not_in_database",
        Status.WARNING,
        SECTION + "; docs/rules.md#rule-49",
        en=Words(
            "runs on {where} but is not in the database",
            "Find out who started it past the API. Until the database has it, the API may give its port and its memory "
            "to another VM.",
        ),
        ko=Words(
            "{where} 에서 구동 중이나 DB 에 없음",
            "API 를 거치지 않고 누가 구동했는지 확인하십시오. DB 에 등록되기 전에는 API 가 그 포트와 메모리를 다른 "
            "VM에 줄 수 있습니다.",
        ),
    ),
    Judgement(
        "vnc_on_another_node",
        Status.CRITICAL,
        SECTION + "; docs/rules.md#rule-49",
        en=Words(
            "runs on {where}, the database says {row_node}",
            "Correct the node first, through the API or the job that moved it; the port is not corrected before. Start "
            "it nowhere by hand: it runs.",
        ),
        ko=Words(
            "{where} 에서 구동 중이나 DB 에는 {row_node}",
            "먼저 API 또는 이전 작업으로 노드 정보를 바로잡으십시오. 그 전에는 포트를 맞추지 않습니다. 이미 구동 "
            "중이므로 수동으로 구동하지 마십시오.",
        ),
    ),
    Judgement(
        "vnc_running_twice",
        Status.CRITICAL,
        SECTION + "; docs/rules.md#rule-3",
        en=Words(
            "two domains of this VM are in service: {where}",
            "Call the administrator at once: two copies write one disk. Destroy neither before it is known whose "
            "blocks were written last; xl pause on one of them stops the damage.",
        ),
        ko=Words(
            "이 VM의 도메인 두 개가 동시에 구동 중: {where}",
            "즉시 관리자에게 연락하십시오. 두 개가 한 디스크에 쓰고 있습니다. 어느 쪽이 마지막으로 썼는지 알기 전에는 "
            "destroy 하지 마십시오. 한쪽을 xl pause 하면 피해가 멈춥니다.",
        ),
    ),
    Judgement(
        "vnc_in_between",
        Status.UNKNOWN,
        MIGRATION + "; docs/rules.md#rule-3",
        en=Words(
            "not proven to be in service: {state} on {where}",
            "Wait for its migration, start or shutdown to end and run this again. What stays paused or incoming is "
            "left over from one that failed.",
        ),
        ko=Words(
            "서비스 중임이 증명되지 않음: {where} 에서 {state}",
            "migration, 구동 또는 종료가 끝나기를 기다린 뒤 다시 실행하십시오. 계속 paused 나 incoming 이면 실패한 "
            "작업의 잔재입니다.",
        ),
    ),
    Judgement(
        "vnc_truths_disagree",
        Status.UNKNOWN,
        SECTION + "; docs/rules.md#rule-9",
        en=Words(
            "its node tells more than one port for it on {where}",
            "Compare xenstore (vnc-port), QMP (query-vnc) and ss -ltnp on the node. The database is left alone until "
            "they agree.",
        ),
        ko=Words(
            "{where} 노드가 알려 주는 포트가 서로 다름",
            "노드에서 xenstore (vnc-port), QMP (query-vnc), ss -ltnp 를 비교하십시오. 일치할 때까지 DB 는 그대로 "
            "둡니다.",
        ),
    ),
    Judgement(
        "vnc_truth_missing",
        Status.UNKNOWN,
        SECTION + "; docs/rules.md#rule-9",
        en=Words(
            "its port is not proven on {where}",
            "The listening socket and one of xenstore and QMP are needed. Read why they could not be read, and look "
            "with ss -ltnp whether its console listens at all.",
        ),
        ko=Words(
            "{where} 에서 포트가 증명되지 않음",
            "대기 중인 소켓과, xenstore 또는 QMP 중 하나가 필요합니다. 읽지 못한 원인을 확인하고 ss -ltnp 로 콘솔이 "
            "대기 중인지 보십시오.",
        ),
    ),
    Judgement(
        "vnc_maybe_on_silent_node",
        Status.UNKNOWN,
        "docs/rules.md#rule-2",
        en=Words(
            "runs on no node that answered; it may be on one that did not (the database says {row_node})",
            "Bring the silent node to answer, or run hang_triage for it. Start the VM nowhere before.",
        ),
        ko=Words(
            "응답한 노드에서는 구동 중이 아님. 응답하지 않은 노드에 있을 수 있음 (DB 는 {row_node})",
            "응답하지 않은 노드를 복구하거나 hang_triage 를 실행하십시오. 그 전에는 이 VM을 어디에서도 구동하지 "
            "마십시오.",
        ),
    ),
    Judgement(
        "vnc_row_twice",
        Status.UNKNOWN,
        SECTION,
        en=Words(
            "the database has more than one row for it",
            "Look at its rows in pengx_vm and have the wrong one removed through the API.",
        ),
        ko=Words(
            "DB 에 이 VM의 행이 둘 이상 있음",
            "pengx_vm 의 행을 확인하고 잘못된 것을 API 로 제거하십시오.",
        ),
    ),
    Judgement(
        "vnc_row_not_understood",
        Status.UNKNOWN,
        SECTION,
        en=Words(
            "a row of {table} is not understood: {detail}",
            "Look at the row with manage.py dbshell and have its value put right.",
        ),
        ko=Words(
            "{table} 의 행을 이해할 수 없음: {detail}",
            "manage.py dbshell 로 행을 확인하고 값을 바로잡으십시오.",
        ),
    ),
    Judgement(
        "vnc_port_shared",
        Status.WARNING,
        SECTION,
        en=Words(
            "the database gives display {display} of this node to {others} too",
            "Only one of them can have it: whichever starts second drifts or fails. Give all but the running one "
            "another number in the database.",
        ),
        ko=Words(
            "DB 에서 이 노드의 display {display} 이(가) {others} 에도 할당됨",
            "하나만 사용할 수 있습니다. 나중에 구동되는 쪽은 포트가 어긋나거나 실패합니다. 구동 중인 VM 외에는 DB 에서 "
            "다른 번호를 주십시오.",
        ),
    ),
    Judgement(
        "vnc_port_foreign",
        Status.WARNING,
        SECTION,
        en=Words(
            "its port {port} is held by {command} (pid {pid}), which is none of the VMs",
            "Find out what {command} (pid {pid}) is and stop it, or give the VM another number: its next start drifts "
            "or fails.",
        ),
        ko=Words(
            "포트 {port} 을(를) VM이 아닌 {command} (pid {pid}) 이(가) 점유함",
            "{command} (pid {pid}) 이(가) 무엇인지 확인하여 멈추거나 VM에 다른 번호를 주십시오. 다음 구동 때 포트가 "
            "어긋나거나 실패합니다.",
        ),
    ),
    Judgement(
        "vnc_command_line_lies",
        Status.OK,
        SECTION,
        en=Words("its command line says display {command_line}, it really has {display}: ps misleads here"),
        ko=Words("명령행의 display 는 {command_line}, 실제는 {display}: ps 결과를 믿지 마십시오"),
    ),
    Judgement(
        "vnc_config_differs",
        Status.WARNING,
        MIGRATION + ": vncport 충돌 확인",
        en=Words(
            "its .cfg asks for display {configured}, it should be {display}",
            "With vncport_sync_config=corrected the .cfg is put right once the VM is off. Its next start asks for "
            "{configured} before that.",
        ),
        ko=Words(
            ".cfg 의 vncdisplay 는 {configured}, 맞는 값은 {display}",
            "VM이 꺼져 있을 때 vncport_sync_config=corrected 로 .cfg 를 고칠 수 있습니다. 그 전에 구동하면 "
            "{configured} 을(를) 요청합니다.",
        ),
    ),
    Judgement(
        "vnc_no_vms",
        Status.OK,
        SECTION,
        en=Words("no VM runs here, and the database has none here"),
        ko=Words("이 노드에서 구동 중이거나 DB 에 등록된 VM이 없음"),
    ),
    Judgement(
        "vnc_node_silent",
        Status.UNKNOWN,
        "docs/rules.md#rule-2",
        en=Words(
            "this node of the zone gave no reading of its VMs",
            "Bring it to answer, or run hang_triage for it. A VM that was found nowhere may be on it.",
        ),
        ko=Words(
            "존의 이 노드에서 VM 정보를 읽지 못함",
            "노드를 복구하거나 hang_triage 를 실행하십시오. 찾지 못한 VM이 이 노드에 있을 수 있습니다.",
        ),
    ),
    Judgement(
        "vnc_database_unproven",
        Status.UNKNOWN,
        "docs/rules.md#rule-52",
        en=Words(
            "not the database that was last corrected from here: {why}",
            "It is only read until every node of the zone has answered in one run; the run after that may correct it. "
            "Look at the findings first: rows may be older than reality.",
        ),
        ko=Words(
            "이곳에서 마지막으로 수정한 DB 가 아님: {why}",
            "존의 모든 노드가 한 번의 실행에서 응답할 때까지 읽기만 합니다. 그다음 실행부터 수정할 수 있습니다. 행이 "
            "실제보다 오래되었을 수 있으니 먼저 점검 결과를 보십시오.",
        ),
    ),
)
