# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VM that is to start: why it will not, whether it came up whole, and its devices as everybody has them."""

from __future__ import annotations

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Judgement, Status, Words, table

FAILS = "VM 구동 실패시"
STARTED = "VM 구동 후 서비스 점검 사항"
DEVICES = "vm 리부팅 후 추가 디스크 인식 실패"
VNC = "기타 vm 구동 관련 문제"
RULES = "docs/rules.md#"


TABLE = table(
    Judgement(
        "vm_start_ready",
        Status.OK,
        FAILS,
        Words("everything that it needs is on {node}, and it is off everywhere"),
        Words("{node} 에 필요한 것이 모두 있고, 모든 노드에서 꺼져 있음"),
    ),
    Judgement(
        "vm_start_unread",
        Status.UNKNOWN,
        RULES + "rule-4",
        Words("not known: {what} {why}", "Have it read first; the VM is not started before."),
        Words("확인되지 않음: {what} {why}", "먼저 확인하십시오. 그 전에는 VM을 구동하지 않습니다."),
    ),
    Judgement(
        "vm_start_silent",
        Status.UNKNOWN,
        RULES + "rule-2",
        Words("{subject} did not answer: the VM may be there", "Bring it to answer, or run hang_triage for it."),
        Words(
            "{subject} 이(가) 응답하지 않음: VM이 그곳에 있을 수 있음", "노드를 복구하거나 hang_triage 를 실행하십시오."
        ),
    ),
    Judgement(
        "vm_start_runs",
        Status.CRITICAL,
        RULES + "rule-3",
        Words(
            "a domain of it is on {node} already: {said}", "Do not start it. Look with vm_where what that domain is."
        ),
        Words("{node} 에 이미 도메인이 있음: {said}", "구동하지 마십시오. vm_where 로 그 도메인을 확인하십시오."),
    ),
    Judgement(
        "vm_start_image_open",
        Status.CRITICAL,
        RULES + "rule-3",
        Words("an image of it is open on {node}: {said}", "Let that end first: an image has one writer."),
        Words("{node} 에서 이미지가 열려 있음: {said}", "먼저 끝내십시오. 이미지에 쓰는 쪽은 하나여야 합니다."),
    ),
    Judgement(
        "vm_start_tool",
        Status.CRITICAL,
        RULES + "rule-3",
        Words("something works on it on {node}: {said}", "Wait for it to end, and look again."),
        Words("{node} 에서 이 VM에 대한 작업이 진행 중: {said}", "끝나기를 기다린 뒤 다시 확인하십시오."),
    ),
    Judgement(
        "vm_start_saved",
        Status.CRITICAL,
        RULES + "rule-3",
        Words(
            "there is a saved state of it on {node}: {said}",
            "Ask whoever saved it: restore it, or have it moved away before the VM is started anew.",
        ),
        Words(
            "{node} 에 저장된 상태가 있음: {said}",
            "저장한 사람에게 확인하여, 복원하거나 옮긴 뒤 새로 구동하십시오.",
        ),
    ),
    Judgement(
        "vm_start_config_unread",
        Status.CRITICAL,
        FAILS,
        Words("xl cannot read its .cfg {path}: {said}", "Mount the volume it lies on, or have the API write it anew."),
        Words("xl 이 .cfg {path} 을(를) 읽을 수 없음: {said}", "볼륨을 마운트하거나 API 로 .cfg 를 다시 만드십시오."),
    ),
    Judgement(
        "vm_start_other_config",
        Status.CRITICAL,
        FAILS,
        Words("{path} is the .cfg of another VM, uuid {uuid}", "Name the .cfg of this VM, or put its uuid right."),
        Words("{path} 은(는) 다른 VM의 .cfg (uuid {uuid})", "이 VM의 .cfg 를 지정하거나 uuid 를 바로잡으십시오."),
    ),
    Judgement(
        "vm_start_not_mounted",
        Status.CRITICAL,
        FAILS + ": 스토리지 연결 확인",
        Words(
            "its {use} {path} lies where {lacks} should be mounted on {node}, and is not",
            "Bring the storage of {node} back (node_boot_check), and only then start it.",
        ),
        Words(
            "{use} {path} 의 위치에 {lacks} 이(가) {node} 에 마운트되어 있지 않음",
            "{node} 의 스토리지를 먼저 복구(node_boot_check)한 뒤 구동하십시오.",
        ),
    ),
    Judgement(
        "vm_start_path_missing",
        Status.CRITICAL,
        FAILS + ": vm image 유무 확인",
        Words(
            "its {use} {path} is not on {node}, nor on a node that answered",
            "Look where the link leads ({real}), and take a missing medium out of the .cfg.",
        ),
        Words(
            "{use} {path} 이(가) {node} 에도 응답한 다른 노드에도 없음",
            "링크가 이어지는 곳({real})을 확인하고, 없는 미디어는 .cfg 에서 빼십시오.",
        ),
    ),
    Judgement(
        "vm_start_path_elsewhere",
        Status.CRITICAL,
        FAILS + ": vm image 유무 확인",
        Words(
            "its {use} {path} is not on {node} but on {nodes}: a local disk",
            "Start it on {nodes}, or bring the image to {node} first.",
        ),
        Words(
            "{use} {path} 이(가) {node} 이(가) 아니라 {nodes} 에 있음: 로컬 디스크",
            "{nodes} 에서 구동하거나 먼저 이미지를 {node} (으)로 옮기십시오.",
        ),
    ),
    Judgement(
        "vm_start_path_unusable",
        Status.CRITICAL,
        FAILS,
        Words("its {use} {path} cannot be used on {node}: {problem}", "Look at the file on {node}."),
        Words("{use} {path} 을(를) {node} 에서 사용할 수 없음: {problem}", "{node} 에서 파일을 확인하십시오."),
    ),
    Judgement(
        "vm_start_read_only",
        Status.CRITICAL,
        FAILS + ": 스토리지 연결 확인",
        Words(
            "its disk {path} lies on {mount}, which is mounted read-only on {node}",
            "Find out in the kernel's log why, before it is mounted anew.",
        ),
        Words(
            "디스크 {path} 이(가) {node} 에 읽기 전용으로 마운트된 {mount} 에 있음",
            "다시 마운트하기 전에 커널 로그에서 원인을 확인하십시오.",
        ),
    ),
    Judgement(
        "vm_start_other_volume",
        Status.CRITICAL,
        FAILS + ": 스토리지 연결 확인",
        Words(
            "its {use} {path} lies on volume {volume} on {node}, and on another one on {nodes}",
            "Compare what is mounted on these nodes: one of them has the wrong volume.",
        ),
        Words(
            "{use} {path} 이(가) {node} 에서는 볼륨 {volume}, {nodes} 에서는 다른 볼륨에 있음",
            "노드들의 마운트를 비교하십시오. 한쪽이 잘못된 볼륨입니다.",
        ),
    ),
    Judgement(
        "vm_start_name_taken",
        Status.CRITICAL,
        FAILS,
        Words(
            "domain {id} on {node} has its name {name}, and is another VM ({uuid})",
            "Find out which of them is called wrongly: xl refuses the second.",
        ),
        Words(
            "{node} 의 도메인 {id} ({uuid}) 이(가) 같은 이름 {name} 을(를) 사용 중",
            "어느 쪽의 이름이 잘못되었는지 확인하십시오. xl 은 두 번째를 거부합니다.",
        ),
    ),
    Judgement(
        "vm_start_image_shared",
        Status.CRITICAL,
        RULES + "rule-3",
        Words(
            "domain {id} on {node}, another VM ({uuid}), has its image {paths}",
            "Find out whose image that is. Both together would destroy it.",
        ),
        Words(
            "{node} 의 다른 VM 도메인 {id} ({uuid}) 이(가) 이미지 {paths} 을(를) 사용 중",
            "누구의 이미지인지 확인하십시오. 함께 쓰면 이미지가 깨집니다.",
        ),
    ),
    Judgement(
        "vm_start_port_taken",
        Status.WARNING,
        VNC,
        Words(
            "display {display} (port {port}) is taken by {by}: its console will drift or fail",
            "Free the port, or give the VM another number; run vncport_sync after the start.",
        ),
        Words(
            "display {display} (포트 {port}) 을(를) {by} 이(가) 사용 중: 콘솔 포트가 어긋나거나 실패함",
            "포트를 비우거나 VM에 다른 번호를 주고, 구동 후 vncport_sync 를 실행하십시오.",
        ),
    ),
    Judgement(
        "vm_start_memory",
        Status.CRITICAL,
        FAILS,
        Words(
            "{node} has {free} MiB free, and it needs {needs} MiB with its overhead",
            "Start it on another node, or move a VM away. Do not take the memory from dom0.",
        ),
        Words(
            "{node} 의 여유 메모리 {free} MiB, 오버헤드 포함 필요 메모리 {needs} MiB",
            "다른 노드에서 구동하거나 VM을 옮기십시오. dom0 메모리를 줄이지 마십시오.",
        ),
    ),
    Judgement(
        "vm_start_dom0_ballooned",
        Status.WARNING,
        RULES + "rule-9",
        Words(
            "dom0 of {node} has {dom0} of its {maximum} MiB: guests were given its memory",
            "Give dom0 its memory back; short of it, its storage and cluster daemons fail first.",
        ),
        Words(
            "{node} 의 dom0 메모리가 {maximum} 중 {dom0} MiB: 게스트에 넘겨준 상태",
            "dom0 메모리를 되돌리십시오. 부족하면 스토리지와 클러스터 데몬부터 죽습니다.",
        ),
    ),
    Judgement(
        "vm_start_bridge",
        Status.CRITICAL,
        FAILS,
        Words("{node} has no bridge {bridge}", "Bring the bridge up, or start it on a node that has it."),
        Words("{node} 에 브리지 {bridge} 이(가) 없음", "브리지를 올리거나 브리지가 있는 노드에서 구동하십시오."),
    ),
    Judgement(
        "vm_start_refused",
        Status.CRITICAL,
        FAILS,
        Words("it was not started on {node}: {said}", "Read why. Everything that can be looked at before was well."),
        Words("{node} 에서 구동되지 않음: {said}", "사유를 확인하십시오. 사전 점검 항목은 모두 정상이었습니다."),
    ),
    Judgement(
        "vm_started",
        Status.OK,
        STARTED,
        Words("runs on {node} as domain {id}, its console on port {port}"),
        Words("{node} 에서 도메인 {id} (으)로 구동 중, 콘솔 포트 {port}"),
    ),
    Judgement(
        "vm_started_not",
        Status.CRITICAL,
        RULES + "rule-4",
        Words("does not run once, and on one node: {found}", "Look with vm_where before anything else is done."),
        Words("한 노드에서 하나만 구동 중인 상태가 아님: {found}", "다른 조치 전에 vm_where 로 확인하십시오."),
    ),
    Judgement(
        "vm_started_elsewhere",
        Status.WARNING,
        RULES + "rule-49",
        Words(
            "runs on {node}, and {wanted} was asked for", "Whoever started it chose that node; compare the database."
        ),
        Words("{wanted} 에 요청했으나 {node} 에서 구동됨", "구동한 쪽이 노드를 바꿨습니다. DB 와 비교하십시오."),
    ),
    Judgement(
        "vm_started_drifted",
        Status.WARNING,
        VNC,
        Words("its console is on port {port}, its .cfg asks for display {display}", "Run vncport_sync for the zone."),
        Words("콘솔 포트는 {port}, .cfg 의 display 는 {display}", "이 존에 vncport_sync 를 실행하십시오."),
    ),
    Judgement(
        "vm_started_lacks",
        Status.WARNING,
        STARTED,
        Words("runs without its {what} {name}", "Run the playbook vm_devices for it."),
        Words("{what} {name} 없이 구동 중", "vm_devices 플레이북을 실행하십시오."),
    ),
    Judgement(
        "vm_started_answers",
        Status.OK,
        STARTED,
        Words("answers at {addresses}"),
        Words("{addresses} 에서 응답함"),
    ),
    Judgement(
        "vm_started_sends",
        Status.OK,
        STARTED,
        Words("its bridge has learned {macs}, and it sends packets"),
        Words("브리지가 {macs} 을(를) 학습했고 패킷을 보내고 있음"),
    ),
    Judgement(
        "vm_started_mute",
        Status.WARNING,
        STARTED,
        Words(
            "nothing answers at {addresses}, and its interfaces send nothing that a bridge has learned",
            "Look at its console: it may still boot, or have no network.",
        ),
        Words(
            "{addresses} 에서 응답이 없고, 인터페이스가 보낸 것을 브리지가 학습하지 못함",
            "콘솔을 확인하십시오. 아직 부팅 중이거나 네트워크가 없을 수 있습니다.",
        ),
    ),
    Judgement(
        "vm_started_guest_said",
        Status.WARNING,
        STARTED,
        Words("the guest itself says: {said}", "Look at it in the guest."),
        Words("게스트의 메시지: {said}", "게스트 안에서 확인하십시오."),
    ),
    Judgement(
        "vm_devices_in_step",
        Status.OK,
        DEVICES,
        Words("{count} devices, the same wherever they were read"),
        Words("장치 {count}개: 읽은 모든 곳에서 일치"),
    ),
    Judgement(
        "vm_devices_lost",
        Status.WARNING,
        DEVICES,
        Words(
            "Xen has not its {what} {name}, which the database and the .cfg have",
            "Have it shut down, proven off, and started; a reboot inside the guest does not bring it back.",
        ),
        Words(
            "DB 와 .cfg 에 있는 {what} {name} 이(가) Xen 에 없음",
            "정상 종료하고 꺼졌음을 확인한 뒤 구동하십시오. 게스트 안의 재부팅으로는 돌아오지 않습니다.",
        ),
    ),
    Judgement(
        "vm_devices_lost_in_config",
        Status.WARNING,
        DEVICES,
        Words(
            "neither Xen nor the .cfg has its {what} {name}, which the database has",
            "Have it shut down and started through the API, which writes the .cfg from the database.",
        ),
        Words(
            "DB 에 있는 {what} {name} 이(가) Xen 과 .cfg 에 없음",
            "DB 로 .cfg 를 다시 만드는 API 를 통해 종료 후 구동하십시오.",
        ),
    ),
    Judgement(
        "vm_devices_not_in_database",
        Status.WARNING,
        DEVICES,
        Words(
            "the database does not have its {what} {name}",
            "Nothing was done: a start through the API would take it away. Have it entered first.",
        ),
        Words(
            "DB 에 {what} {name} 이(가) 없음",
            "아무것도 하지 않았습니다. API 로 구동하면 사라집니다. 먼저 DB 에 등록하십시오.",
        ),
    ),
    Judgement(
        "vm_devices_database_unread",
        Status.UNKNOWN,
        DEVICES,
        Words("whether the database has its {what} {name} is not known", "Have the database or the API read."),
        Words("DB 에 {what} {name} 이(가) 있는지 알 수 없음", "DB 또는 API 를 읽을 수 있게 하십시오."),
    ),
    Judgement(
        "vm_devices_guest_lacks",
        Status.WARNING,
        DEVICES,
        Words("Xen has its {what} {name}, and the guest does not see it", "Look in the guest's dmesg for it."),
        Words("Xen 에 있는 {what} {name} 을(를) 게스트가 보지 못함", "게스트의 dmesg 를 확인하십시오."),
    ),
)
