# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a VM is, as a person reads it: its places, and what contradicts what."""

from __future__ import annotations

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Judgement, Status, Words, table

START = "VM 구동 실패시"
RULES = "docs/rules.md#"

TABLE = table(
    Judgement(
        "vm_where_runs",
        Status.OK,
        RULES + "rule-3",
        en=Words("runs on {node}: {said}"),
        ko=Words("{node} 에서 구동 중: {said}"),
    ),
    Judgement(
        "vm_where_rests",
        Status.WARNING,
        RULES + "rule-3",
        en=Words(
            "is on {node} and does not run: {said}",
            "Find out who paused or sent it before anything else. Start it nowhere: this domain counts.",
        ),
        ko=Words(
            "{node} 에 있으나 동작하지 않음: {said}",
            "먼저 누가 정지하거나 이전했는지 확인하십시오. 이 도메인이 있는 동안 어디에서도 구동하지 마십시오.",
        ),
    ),
    Judgement(
        "vm_where_off",
        Status.OK,
        RULES + "rule-4",
        en=Words("off: {nodes} nodes answered twice, and none has anything of it"),
        ko=Words("꺼져 있음: 노드 {nodes}대가 두 번 모두 아무것도 없다고 응답함"),
    ),
    Judgement(
        "vm_where_not_found",
        Status.UNKNOWN,
        RULES + "rule-4",
        en=Words(
            "has no domain on the nodes that answered; that it is off is not proven",
            "Start it nowhere before what is missing here has been read.",
        ),
        ko=Words(
            "응답한 노드에는 도메인이 없으나 꺼져 있다고 증명되지 않음",
            "아래의 미확인 항목을 확인하기 전에는 어디에서도 구동하지 마십시오.",
        ),
    ),
    Judgement(
        "vm_where_twice",
        Status.CRITICAL,
        RULES + "rule-33",
        en=Words(
            "RUNS TWICE, proven by its CPU time: {where}",
            "Call the administrator at once and run the playbook vm_twice. Destroy neither copy.",
        ),
        ko=Words(
            "CPU 시간으로 증명된 이중 구동: {where}",
            "즉시 관리자에게 연락하고 vm_twice 플레이북을 실행하십시오. 어느 쪽도 destroy 하지 마십시오.",
        ),
    ),
    Judgement(
        "vm_where_twice_suspected",
        Status.CRITICAL,
        RULES + "rule-33",
        en=Words(
            "may run twice, two domains of it are awake: {where}",
            "Run the playbook vm_twice, which reads them three times. Destroy neither copy.",
        ),
        ko=Words(
            "이중 구동이 의심됨, 깨어 있는 도메인이 둘: {where}",
            "세 번 읽어 판단하는 vm_twice 플레이북을 실행하십시오. 어느 쪽도 destroy 하지 마십시오.",
        ),
    ),
    Judgement(
        "vm_where_image_open",
        Status.WARNING,
        RULES + "rule-3",
        en=Words(
            "an image of it is open on {node}, where it has no domain: {said}",
            "Find out what that is and let it end. Until then the VM is started nowhere.",
        ),
        ko=Words(
            "도메인이 없는 {node} 에서 이미지가 열려 있음: {said}",
            "무엇인지 확인하고 끝내십시오. 그 전에는 VM을 어디에서도 구동하지 마십시오.",
        ),
    ),
    Judgement(
        "vm_where_image_read",
        Status.OK,
        RULES + "rule-3",
        en=Words("a file below its image is read on {node}: {said}"),
        ko=Words("이미지의 backing 파일을 {node} 에서 읽는 중: {said}"),
    ),
    Judgement(
        "vm_where_tool",
        Status.WARNING,
        RULES + "rule-3",
        en=Words(
            "something works on it on {node}: {said}",
            "Wait for it to end and look again; an xl create may wait half a minute, unseen, and then succeed.",
        ),
        ko=Words(
            "{node} 에서 이 VM에 대한 작업이 진행 중: {said}",
            "끝나기를 기다린 뒤 다시 확인하십시오. xl create 는 30초쯤 보이지 않게 기다리다 성공할 수 있습니다.",
        ),
    ),
    Judgement(
        "vm_where_saved",
        Status.WARNING,
        RULES + "rule-3",
        en=Words(
            "there is a saved state of it on {node}: {said}",
            "Ask whoever saved it: restored later it would go on from that moment, over an image that has moved on.",
        ),
        ko=Words(
            "{node} 에 저장된 상태가 있음: {said}",
            "저장한 사람에게 확인하십시오. 나중에 복원하면 이미 바뀐 이미지 위에서 그 시점부터 다시 동작합니다.",
        ),
    ),
    Judgement(
        "vm_where_no_config",
        Status.WARNING,
        START,
        en=Words(
            "no node has a .cfg of it",
            "Look for it below the image roots; the API writes one when it starts the VM.",
        ),
        ko=Words(
            ".cfg 를 가진 노드가 없음",
            "이미지 디렉토리에서 찾으십시오. API 로 구동하면 API 가 새로 만듭니다.",
        ),
    ),
    Judgement(
        "vm_where_configs",
        Status.WARNING,
        START,
        en=Words(
            "more than one .cfg has its uuid: {paths}",
            "Find out which one the API uses, and move the others out of the image roots.",
        ),
        ko=Words(
            "같은 uuid 의 .cfg 가 둘 이상: {paths}",
            "API 가 사용하는 것을 확인하고 나머지는 이미지 디렉토리 밖으로 옮기십시오.",
        ),
    ),
    Judgement(
        "vm_where_disks_differ",
        Status.WARNING,
        "vm 리부팅 후 추가 디스크 인식 실패",
        en=Words(
            "on {node} its .cfg and its domain have other disks; .cfg alone: {config}; domain alone: {domain}",
            "Run the playbook vm_devices for it, which compares the database, the .cfg, Xen and the guest.",
        ),
        ko=Words(
            "{node} 의 도메인과 .cfg 의 디스크가 다름. .cfg 에만 있음: {config}; 도메인에만 있음: {domain}",
            "DB, .cfg, Xen, 게스트를 비교하는 vm_devices 플레이북을 실행하십시오.",
        ),
    ),
    Judgement(
        "vm_where_image_missing",
        Status.WARNING,
        START,
        en=Words(
            "its .cfg names an image that no node has: {path}",
            "Look whether the storage is mounted, and where the link leads.",
        ),
        ko=Words(
            ".cfg 의 이미지를 가진 노드가 없음: {path}",
            "스토리지가 마운트되어 있는지, 링크가 어디로 이어지는지 확인하십시오.",
        ),
    ),
    Judgement(
        "vm_where_image_local",
        Status.OK,
        START,
        en=Words("{path} is there on {nodes}, not on {lacking}"),
        ko=Words("{path}: {nodes} 에 있음, {lacking} 에는 없음"),
    ),
    Judgement(
        "vm_where_lease_held",
        Status.WARNING,
        RULES + "rule-29",
        en=Words("its lease is held by {holder}", "Let that job end: node_job_info on its node shows how far it is."),
        ko=Words(
            "lease 를 {holder} 이(가) 잡고 있음",
            "그 작업이 끝나기를 기다리십시오. 해당 노드의 node_job_info 로 진행 상태를 볼 수 있습니다.",
        ),
    ),
    Judgement(
        "vm_where_lease_left",
        Status.WARNING,
        RULES + "rule-37",
        en=Words(
            "its lease was not given back by {holder}, which has it no more: that job died",
            "Read what became of the job on its node. Where that node is down, it must be proven off first.",
        ),
        ko=Words(
            "{holder} 이(가) lease 를 반납하지 않고 사라짐: 작업이 중간에 죽었음",
            "해당 노드에서 그 작업이 어떻게 되었는지 확인하십시오. 노드가 죽었다면 먼저 꺼졌음을 증명해야 합니다.",
        ),
    ),
    Judgement(
        "vm_where_lease_unread",
        Status.UNKNOWN,
        RULES + "rule-29",
        en=Words("its lease could not be read: {said}", "Look why that node cannot read the volume of the lease."),
        ko=Words("lease 를 읽지 못함: {said}", "그 노드가 lease 가 있는 볼륨을 읽지 못하는 원인을 확인하십시오."),
    ),
    Judgement(
        "vm_where_job_open",
        Status.WARNING,
        RULES + "rule-29",
        en=Words(
            "the journal has the job {job} open for it, since {at} by {by}",
            "Let it end, or run it again: it finishes or is closed with its reason.",
        ),
        ko=Words(
            "저널에 작업 {job} 이(가) 열려 있음 ({at}, {by})",
            "끝나기를 기다리거나 다시 실행하십시오. 완료되거나 사유와 함께 닫힙니다.",
        ),
    ),
    Judgement(
        "vm_where_silent",
        Status.UNKNOWN,
        RULES + "rule-2",
        en=Words(
            "this node of the zone did not answer: what was found nowhere may be here",
            "Bring it to answer, or run hang_triage for it.",
        ),
        ko=Words(
            "존의 이 노드가 응답하지 않음: 찾지 못한 VM이 여기 있을 수 있음",
            "노드를 복구하거나 hang_triage 를 실행하십시오.",
        ),
    ),
    Judgement(
        "vm_where_unproven",
        Status.UNKNOWN,
        RULES + "rule-4",
        en=Words("not known: {what} {why}", "Have it read; without it the VM is not proven off."),
        ko=Words("확인되지 않음: {what} {why}", "확인한 뒤 진행하십시오. 그 전에는 VM이 꺼졌다고 증명되지 않습니다."),
    ),
)
