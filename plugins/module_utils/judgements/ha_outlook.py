# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before a node dies: whose death could not be absorbed, and whether a recovery itself would work."""

from __future__ import annotations

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Judgement, Status, Words, table

RULE = "docs/rules.md#rule-%s"

TABLE = table(
    Judgement(
        "ha_outlook_silent",
        Status.UNKNOWN,
        RULE % "2",
        en=Words(
            "gave no whole answer ({why}): what runs there, and what it has free, is not counted",
            "Bring it to answer, or run node_verdict for the zone.",
        ),
        ko=Words(
            "온전한 응답이 없음({why}): 구동 중인 VM과 여유 자원을 계산에 넣지 못함",
            "노드를 복구하거나 존에 대해 node_verdict 를 실행하십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_unread",
        Status.UNKNOWN,
        RULE % "26",
        en=Words(
            "not read here: {what}. It is not counted",
            "Run xl list and xl info there, and see why they fail.",
        ),
        ko=Words(
            "읽지 못한 항목: {what}. 계산에 넣지 못함",
            "해당 노드에서 xl list 와 xl info 를 실행해 원인을 확인하십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_absorbed",
        Status.OK,
        RULE % "26",
        en=Words("its death would be absorbed: {count} VMs have a place elsewhere"),
        ko=Words("이 노드가 죽어도 VM {count}개 모두 다른 노드에 들어갈 자리가 있음"),
    ),
    Judgement(
        "ha_outlook_left_out",
        Status.CRITICAL,
        RULE % "26",
        en=Words(
            "its death could not be absorbed today: {left} of {count} VMs would be left out",
            "Make room by day, by one of these: migrate {moves}; or give memory: {memory}.",
        ),
        ko=Words(
            "오늘 이 노드가 죽으면 VM {count}개 중 {left}개가 들어갈 자리가 없음",
            "다음 중 하나로 미리 자리를 확보하십시오: migration {moves}, 또는 메모리 추가 {memory}.",
        ),
    ),
    Judgement(
        "ha_outlook_left_out_memory",
        Status.CRITICAL,
        RULE % "26",
        en=Words(
            "its death could not be absorbed today: {left} of {count} VMs would be left out",
            "No migration that was found makes room. Give memory, {memory}, or stop VMs with their owners' consent.",
        ),
        ko=Words(
            "오늘 이 노드가 죽으면 VM {count}개 중 {left}개가 들어갈 자리가 없음",
            "migration 으로는 자리를 만들지 못합니다. 메모리를 추가하거나({memory}) 소유자 동의 하에 VM을 "
            "정지하십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_left_out_for_good",
        Status.CRITICAL,
        RULE % "26",
        en=Words(
            "its death could not be absorbed today: {left} of {count} VMs would be left out",
            "Neither migrations nor memory help: see why in the evidence. Give the VMs storage that other nodes "
            "have, or say in ha_recovery_vms that they are bound.",
        ),
        ko=Words(
            "오늘 이 노드가 죽으면 VM {count}개 중 {left}개가 들어갈 자리가 없음",
            "migration 이나 메모리 추가로 해결되지 않습니다. 근거의 사유를 보고 다른 노드도 쓰는 스토리지로 "
            "옮기거나, ha_recovery_vms 에 bound 로 지정하십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_left_out_nowhere",
        Status.CRITICAL,
        RULE % "26",
        en=Words(
            "its death could not be absorbed today: {left} of {count} VMs would be left out",
            "No other node takes VMs today: bring the others to answer and to be fit.",
        ),
        ko=Words(
            "오늘 이 노드가 죽으면 VM {count}개 중 {left}개가 들어갈 자리가 없음",
            "지금 VM을 받을 수 있는 다른 노드가 없습니다. 다른 노드의 응답과 상태부터 복구하십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_bound",
        Status.OK,
        RULE % "26",
        en=Words("{count} VMs go down with it, as the site has said: {vms}"),
        ko=Words("사이트 설정에 따라 이 노드와 함께 내려가는 VM {count}개: {vms}"),
    ),
    Judgement(
        "ha_outlook_not_fit",
        Status.WARNING,
        RULE % "26",
        en=Words(
            "it would take no VM in a recovery: {findings}",
            "Mend what node_boot_check finds there.",
        ),
        ko=Words(
            "복구 시 이 노드에는 VM을 구동하지 않음: {findings}",
            "node_boot_check 로 확인하고 해결하십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_maintenance",
        Status.WARNING,
        RULE % "25",
        en=Words(
            "is in maintenance: it takes no VM, and nobody recovers what runs on it",
            "End it when the work is done: the playbook node_maintenance.",
        ),
        ko=Words(
            "점검(maintenance) 중: VM을 받지 않고, 이 노드의 VM도 복구되지 않음",
            "작업이 끝나면 node_maintenance 플레이북으로 점검을 끝내십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_bmc",
        Status.OK,
        RULE % "8",
        en=Words("its BMC {address} lets us in, is the recorded one, and says that power is on"),
        ko=Words("BMC {address} 로그인 성공, 기록된 BMC 와 일치, 전원 켜짐"),
    ),
    Judgement(
        "ha_outlook_bmc_none",
        Status.CRITICAL,
        RULE % "22",
        en=Words(
            "has no BMC in ha_recovery_bmc: only a person's word could prove it off",
            "Give the host ha_recovery_bmc, with the identity that bmc_power reads.",
        ),
        ko=Words(
            "ha_recovery_bmc 에 BMC 가 없음: 꺼졌다는 증명은 사람의 확인으로만 가능함",
            "호스트에 ha_recovery_bmc 를, bmc_power 로 읽은 identity 와 함께 지정하십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_bmc_silent",
        Status.CRITICAL,
        RULE % "22",
        en=Words(
            "its BMC {address} is silent: the node could not be fenced",
            "Look at the BMC's cable, address and power.",
        ),
        ko=Words(
            "BMC {address} 가 응답하지 않음: 노드를 fence 할 수 없음",
            "BMC 의 케이블, 주소, 전원을 확인하십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_bmc_refused",
        Status.CRITICAL,
        RULE % "22",
        en=Words(
            "its BMC {address} does not let us in: the node could not be fenced",
            "Put its user and password right in ha_recovery_bmc, with the rights of an administrator there.",
        ),
        ko=Words(
            "BMC {address} 로그인 실패: 노드를 fence 할 수 없음",
            "ha_recovery_bmc 의 계정과 암호를 바로잡고, BMC 에서 관리자 권한이 있는지 확인하십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_bmc_unread",
        Status.UNKNOWN,
        RULE % "8",
        en=Words(
            "what its BMC {address} is and says was not read: {why}",
            "See what it says, and run this again.",
        ),
        ko=Words(
            "BMC {address} 를 읽지 못함: {why}",
            "내용을 확인하고 다시 실행하십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_bmc_unrecorded",
        Status.CRITICAL,
        RULE % "8",
        en=Words(
            "the identity of its BMC {address} is not recorded: no power command would be sent",
            "See that {address} is this node's, then record identity {identity} in ha_recovery_bmc.",
        ),
        ko=Words(
            "BMC {address} 의 identity 가 기록되지 않음: 전원 명령을 보내지 않음",
            "{address} 가 이 노드의 BMC 인지 확인한 뒤 ha_recovery_bmc 에 identity {identity} 를 기록하십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_bmc_other",
        Status.CRITICAL,
        RULE % "8",
        en=Words(
            "{address} is the BMC of {identity}, recorded is {recorded}: no power command would be sent",
            "Find out which machine answers at {address}. After an exchange of the board record the new identity.",
        ),
        ko=Words(
            "{address} 는 {identity} 의 BMC 이며 기록된 값은 {recorded}: 전원 명령을 보내지 않음",
            "{address} 에서 어느 서버가 응답하는지 확인하십시오. 보드를 교체했다면 새 identity 를 기록하십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_bmc_shared",
        Status.CRITICAL,
        RULE % "8",
        en=Words(
            "its BMC {address} is recorded as that of {others} too: no power command would be sent",
            "Find out whose it is before anybody sends it a power command, and record each node's own.",
        ),
        ko=Words(
            "BMC {address} 가 {others} 의 BMC 로도 기록되어 있음: 전원 명령을 보내지 않음",
            "전원 명령을 보내기 전에 어느 노드의 BMC 인지 확인하고 노드마다 자신의 BMC 를 기록하십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_power_off",
        Status.CRITICAL,
        RULE % "11",
        en=Words(
            "its BMC {address} says that power is off, and the node answers: it may be another machine's",
            "Find out whose BMC it is before anybody sends it a power command.",
        ),
        ko=Words(
            "노드는 응답하는데 BMC {address} 는 전원이 꺼져 있다고 함: 다른 서버의 BMC 일 수 있음",
            "전원 명령을 보내기 전에 어느 서버의 BMC 인지 확인하십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_power_is_off",
        Status.WARNING,
        RULE % "20",
        en=Words(
            "does not answer, and its BMC {address} says that power is off",
            "Run node_verdict, or node_return once it is to come back.",
        ),
        ko=Words(
            "응답하지 않으며 BMC {address} 는 전원이 꺼져 있다고 함",
            "node_verdict 를 실행하고, 다시 투입할 때는 node_return 을 실행하십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_effects",
        Status.OK,
        RULE % "23",
        en=Words("seen to end with its power: {effects}"),
        ko=Words("전원과 함께 사라지는 것으로 확인된 항목: {effects}"),
    ),
    Judgement(
        "ha_outlook_effects_none",
        Status.WARNING,
        RULE % "23",
        en=Words(
            "nothing is seen that ends with its power: proof that it is off would take a boot into its gate",
            "Give the host one of ha_recovery_effects, such as its link at the switch.",
        ),
        ko=Words(
            "전원과 함께 사라지는 것이 보이지 않음: 꺼졌음을 증명하려면 boot gate 로 부팅해야 함",
            "호스트에 ha_recovery_effects 를 지정하십시오. 예: 스위치의 링크 상태.",
        ),
    ),
    Judgement(
        "ha_outlook_effect_gone",
        Status.WARNING,
        RULE % "23",
        en=Words(
            "{effect} is said to be gone, and the node answers",
            "Put the command of ha_recovery_effects right: 0 while the node has power, 1 once it is gone.",
        ),
        ko=Words(
            "노드는 응답하는데 {effect} 은(는) 없다고 함",
            "ha_recovery_effects 의 명령을 바로잡으십시오. 전원이 있으면 0, 사라지면 1 이어야 합니다.",
        ),
    ),
    Judgement(
        "ha_outlook_effect_unread",
        Status.UNKNOWN,
        RULE % "23",
        en=Words(
            "whether {effect} is there was not read: {why}",
            "Run the command of ha_recovery_effects on the controller and see what it lacks.",
        ),
        ko=Words(
            "{effect} 상태를 읽지 못함: {why}",
            "ha_recovery_effects 의 명령을 컨트롤러에서 실행해 원인을 확인하십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_ssh",
        Status.OK,
        RULE % "12",
        en=Words("its ssh at {ssh} greets all {count} others"),
        ko=Words("다른 노드 {count}대 모두 {ssh} 의 ssh 에 접속됨"),
    ),
    Judgement(
        "ha_outlook_ssh_silent",
        Status.CRITICAL,
        RULE % "12",
        en=Words(
            "its ssh at {ssh} does not greet {nodes}: they could not tell whether it lives",
            "See routes, firewall and sshd between them, or put ha_recovery_ssh right.",
        ),
        ko=Words(
            "{nodes} 에서 {ssh} 의 ssh 에 접속되지 않음: 생사를 판단할 수 없음",
            "노드 사이의 경로, 방화벽, sshd 를 확인하거나 ha_recovery_ssh 를 바로잡으십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_ssh_unasked",
        Status.UNKNOWN,
        RULE % "12",
        en=Words(
            "whether its ssh at {ssh} greets them was not read on {nodes}",
            "See what they said, and put ha_recovery_ssh right where the address cannot be used there.",
        ),
        ko=Words(
            "{nodes} 에서 {ssh} 의 ssh 접속 여부를 읽지 못함",
            "근거를 확인하고, 주소를 쓸 수 없는 경우 ha_recovery_ssh 를 바로잡으십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_api",
        Status.OK,
        RULE % "35",
        en=Words("its uxen API at {place} answers"),
        ko=Words("{place} 의 uxen API 가 응답함"),
    ),
    Judgement(
        "ha_outlook_api_silent",
        Status.WARNING,
        RULE % "35",
        en=Words(
            "its uxen API at {place} gives no answer that can be understood: {why}",
            "See nginx and the API on the node.",
        ),
        ko=Words(
            "{place} 의 uxen API 에서 이해할 수 있는 응답이 없음: {why}",
            "노드의 nginx 와 API 를 확인하십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_api_skipped",
        Status.SKIPPED,
        RULE % "35",
        en=Words("the uxen API was not asked: the site gives none"),
        ko=Words("사이트에 uxen API 설정이 없어 조회하지 않음"),
    ),
    Judgement(
        "ha_outlook_heartbeat",
        Status.OK,
        RULE % "6",
        en=Words("reads the heartbeat, and sees all {count} others beat"),
        ko=Words("heartbeat 를 읽으며 다른 노드 {count}대의 heartbeat 가 모두 보임"),
    ),
    Judgement(
        "ha_outlook_heartbeat_unread",
        Status.UNKNOWN,
        RULE % "6",
        en=Words(
            "cannot read the heartbeat as a witness: {why}",
            "See the check o2cb there: its own heartbeat has to move on every region that it reads.",
        ),
        ko=Words(
            "증인으로서 heartbeat 를 읽지 못함: {why}",
            "해당 노드의 o2cb 점검을 확인하십시오. 읽는 모든 region 에서 자신의 heartbeat 가 움직여야 합니다.",
        ),
    ),
    Judgement(
        "ha_outlook_heartbeat_unseen",
        Status.CRITICAL,
        RULE % "6",
        en=Words(
            "does not see these beat: {nodes}",
            "Run node_verdict where they are silent; else see cluster.conf and their heartbeat.",
        ),
        ko=Words(
            "heartbeat 가 보이지 않는 노드: {nodes}",
            "응답하지 않는 노드라면 node_verdict 를, 아니면 cluster.conf 와 heartbeat 를 확인하십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_no_o2cb",
        Status.SKIPPED,
        RULE % "6",
        en=Words("no node of the zone has OCFS2: there is no heartbeat, and no quorum of its own"),
        ko=Words("존의 어느 노드에도 OCFS2 가 없음: heartbeat 와 정족수가 없음"),
    ),
    Judgement(
        "ha_outlook_timeouts",
        Status.OK,
        RULE % "21" + "; " + RULE % "46",
        en=Words(
            "o2cb's threshold and timeouts are equal on {count} nodes; it decides its quorum {after_cut} s after "
            "a cut, {after_error} s after a peer reports it"
        ),
        ko=Words(
            "o2cb threshold 와 timeout 이 노드 {count}대에서 같음. 정족수는 단절 {after_cut}초 후, peer 의 오류 "
            "보고 {after_error}초 후 결정됨"
        ),
    ),
    Judgement(
        "ha_outlook_timeouts_differ",
        Status.CRITICAL,
        RULE % "46",
        en=Words(
            "o2cb's threshold and timeouts are not equal on all nodes: when a quorum is decided cannot be told",
            "Write the same values on all nodes, and apply them by stopping and starting the whole zone.",
        ),
        ko=Words(
            "o2cb threshold 와 timeout 이 노드마다 다름: 정족수 결정 시각을 알 수 없음",
            "모든 노드에 같은 값을 쓰고 존 전체를 내렸다 올려 적용하십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_timeouts_unread",
        Status.UNKNOWN,
        RULE % "21",
        en=Words(
            "o2cb's running threshold and timeouts were not read on {nodes}",
            "See the check o2cb there.",
        ),
        ko=Words(
            "실행 중인 o2cb threshold 와 timeout 을 읽지 못한 노드: {nodes}",
            "해당 노드의 o2cb 점검을 확인하십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_gate",
        Status.OK,
        RULE % "27",
        en=Words("after a boot it starts no guest of shared storage by itself, and has a boot gate"),
        ko=Words("부팅 후 공유 스토리지의 VM을 스스로 구동하지 않으며 boot gate 가 있음"),
    ),
    Judgement(
        "ha_outlook_gate_none",
        Status.WARNING,
        RULE % "27",
        en=Words(
            "has no boot gate: nothing starts guests by itself today, and nothing would hold it back",
            "Install one: the playbook boot_gate.",
        ),
        ko=Words(
            "boot gate 가 없음: 지금은 자동 구동되는 VM이 없으나 생겨도 막지 못함",
            "boot_gate 플레이북으로 설치하십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_autostart",
        Status.CRITICAL,
        RULE % "27",
        en=Words(
            "after a boot it would start guests that may run elsewhere by then: {findings}",
            "Install the boot gate (the playbook boot_gate), or take the guests out of autostart.",
        ),
        ko=Words(
            "부팅 후 다른 노드에서 이미 구동 중일 수 있는 VM을 스스로 구동함: {findings}",
            "boot gate 를 설치하거나(boot_gate 플레이북) 자동 구동에서 제외하십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_boot_unread",
        Status.UNKNOWN,
        RULE % "27",
        en=Words(
            "what would start guests at boot was not read: {why}",
            "See the check boot there.",
        ),
        ko=Words(
            "부팅 시 무엇이 VM을 구동하는지 읽지 못함: {why}",
            "해당 노드의 boot 점검을 확인하십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_boot_skipped",
        Status.SKIPPED,
        RULE % "27",
        en=Words("does not boot by itself ({why})"),
        ko=Words("스스로 부팅하지 않음 ({why})"),
    ),
    Judgement(
        "ha_outlook_snapshot",
        Status.OK,
        RULE % "5",
        en=Words("the last verified snapshot of the zone is {hours} h old"),
        ko=Words("존의 마지막 확인된 스냅샷: {hours}시간 전"),
    ),
    Judgement(
        "ha_outlook_snapshot_old",
        Status.CRITICAL,
        RULE % "5",
        en=Words(
            "the last verified snapshot of the zone is {hours} h old, {most} h are allowed: a person would be "
            "asked what is wanted",
            "Have fleet_snapshot run every night, and see why the last ones were not verified.",
        ),
        ko=Words(
            "존의 마지막 확인된 스냅샷이 {hours}시간 전(허용 {most}시간): 무엇을 구동할지 사람에게 묻게 됨",
            "fleet_snapshot 을 매일 밤 실행하고, 최근 스냅샷이 확인되지 않은 원인을 확인하십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_snapshot_none",
        Status.CRITICAL,
        RULE % "5",
        en=Words(
            "the store has no verified snapshot of the zone: what is wanted to run would not be known",
            "Run the playbook fleet_snapshot while every node and the database answer, and have it run every night.",
        ),
        ko=Words(
            "존의 확인된 스냅샷이 없음: 무엇을 구동해야 하는지 알 수 없음",
            "모든 노드와 DB 가 응답할 때 fleet_snapshot 플레이북을 실행하고 매일 밤 실행되게 하십시오.",
        ),
    ),
    Judgement(
        "ha_outlook_database",
        Status.OK,
        RULE % "53",
        en=Words("the uxen database was read"),
        ko=Words("uxen DB 를 읽음"),
    ),
    Judgement(
        "ha_outlook_database_unread",
        Status.UNKNOWN,
        RULE % "53",
        en=Words(
            "the uxen database was not read: {why}",
            "Bring it to answer: until it does, a recovery starts nothing but the VM that holds it.",
        ),
        ko=Words(
            "uxen DB 를 읽지 못함: {why}",
            "DB 를 복구하십시오. 그 전에는 DB 가 있는 VM 외에는 복구 시 아무것도 구동하지 않습니다.",
        ),
    ),
    Judgement(
        "ha_outlook_database_none",
        Status.SKIPPED,
        RULE % "53",
        en=Words("the zone has no uxen database, as vm_where_sources says"),
        ko=Words("vm_where_sources 에 따라 존에 uxen DB 가 없음"),
    ),
    Judgement(
        "ha_outlook_nodes_differ",
        Status.CRITICAL,
        RULE % "1",
        en=Words(
            "who is a node of the zone is disputed, and no VM would be proven off: {differences}",
            "Bring inventory, database and cluster.conf to name the same nodes, or leave a source out of "
            "vm_where_sources.",
        ),
        ko=Words(
            "존의 노드 목록이 서로 달라 VM이 꺼졌음을 증명할 수 없음: {differences}",
            "인벤토리, DB, cluster.conf 의 노드를 일치시키거나 vm_where_sources 에서 해당 항목을 제외하십시오.",
        ),
    ),
)
