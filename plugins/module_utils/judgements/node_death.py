# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a node is dead, as a person reads it: the verdict, and what may be done about the node."""

from __future__ import annotations

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Judgement, Status, Words, table

HANG = "uxen 서버 Hang"

TABLE = table(
    Judgement(
        "node_contradiction",
        Status.CRITICAL,
        HANG + "; docs/rules.md#rule-11",
        en=Words(
            "the BMC says that the power is off, yet the node shows signs of life",
            "Send no power command: the BMC may be another machine's. Compare its serial number with the node's.",
        ),
        ko=Words(
            "BMC 는 전원이 꺼졌다고 하지만 노드가 살아 있는 징후가 있음",
            "전원 명령을 보내지 마십시오. 다른 서버의 BMC 일 수 있습니다. BMC 의 시리얼 번호를 노드와 대조하십시오.",
        ),
    ),
    Judgement(
        "node_alive",
        Status.OK,
        HANG + "; docs/rules.md#rule-12",
        en=Words("alive, in the boot on record"),
        ko=Words("살아 있음 (기록된 부팅 그대로)"),
    ),
    Judgement(
        "node_rebooted",
        Status.WARNING,
        HANG + "; docs/rules.md#rule-13",
        en=Words(
            "alive, but it has rebooted since its boot was last recorded",
            "Do not fence it. Read why in the log of the boot before, run node_boot_check, and look for VMs that have "
            "to be started.",
        ),
        ko=Words(
            "살아 있으나 마지막 기록 이후 재부팅됨",
            "fence 하지 마십시오. 이전 부팅의 로그에서 원인을 확인하고 node_boot_check 를 실행한 뒤 다시 구동해야 할 "
            "VM을 찾으십시오.",
        ),
    ),
    Judgement(
        "node_unmanaged",
        Status.CRITICAL,
        HANG + "; docs/rules.md#rule-14",
        en=Words(
            "it cannot be reached, but its heartbeat moves and its VMs answer",
            "Leave the node alone and call the administrator: rebooting it would end VMs that are in service. An "
            "answer does not prove that the VM is still on this node: look for its MAC at the node's switch port.",
        ),
        ko=Words(
            "접속할 수 없으나 heartbeat 가 갱신되고 VM이 응답함",
            "노드를 그대로 두고 관리자에게 연락하십시오. 재부팅하면 서비스 중인 VM이 중단됩니다. 응답만으로는 VM이 "
            "아직 이 노드에 있다는 증거가 되지 않으므로, 스위치의 노드 포트에서 VM의 MAC 을 확인하십시오.",
        ),
    ),
    Judgement(
        "node_evicted",
        Status.CRITICAL,
        HANG + "; docs/rules.md#rule-15",
        en=Words(
            "its heartbeat has stopped, but its VMs answer: it was evicted and may still write",
            "Leave the node alone, start none of its VMs elsewhere and write nothing on its volumes. It is fenced on "
            "a person's word only. An answer does not prove that the VM is still on this node: look for its MAC at "
            "the node's switch port.",
        ),
        ko=Words(
            "heartbeat 는 멈췄으나 VM이 응답함: 클러스터에서 제외되었지만 아직 쓰고 있을 수 있음",
            "노드를 그대로 두고, 이 노드의 VM을 다른 노드에서 구동하거나 볼륨에 쓰지 마십시오. fence 는 담당자의 "
            "승인이 있어야 합니다. 응답만으로는 VM이 아직 이 노드에 있다는 증거가 되지 않으므로, 스위치의 노드 "
            "포트에서 VM의 MAC 을 확인하십시오.",
        ),
    ),
    Judgement(
        "node_dom0_hung",
        Status.CRITICAL,
        HANG + "; docs/rules.md#rule-16",
        en=Words(
            "dom0 hangs while its kernel still heartbeats, and no VM answers",
            "Photograph the console. Say which of its VMs answered before, or that none can be known; then it may be "
            "fenced on a person's word.",
        ),
        ko=Words(
            "커널은 heartbeat 를 갱신하지만 dom0 가 멈췄고 VM도 응답하지 않음",
            "콘솔 화면을 사진으로 남기십시오. 이전에 응답하던 VM 을(알 수 없으면 알 수 없다고) 밝힌 뒤 담당자의 "
            "승인으로 fence 할 수 있습니다.",
        ),
    ),
    Judgement(
        "node_cut_off",
        Status.CRITICAL,
        HANG + "; docs/rules.md#rule-17; docs/rules.md#rule-21",
        en=Words(
            "cut off: its heartbeat moves, but neither its peers nor its VMs can be reached",
            "Wait until the peers have decided quorum and observe every node again: of two halves the one with the "
            "LOWEST number lives. Fencing a cut lower half later than the idle timeout does not save the healthy "
            "nodes.",
        ),
        ko=Words(
            "고립됨: heartbeat 는 갱신되지만 다른 노드와 VM 모두 통신되지 않음",
            "쿼럼이 결정될 때까지 기다린 뒤 모든 노드를 다시 확인하십시오. 둘로 나뉘면 번호가 가장 낮은 쪽이 "
            "살아남습니다. idle timeout 이 지나서 번호가 낮은 쪽을 fence 해도 정상 노드를 구하지 못합니다.",
        ),
    ),
    Judgement(
        "node_cut_off_with_bmc",
        Status.CRITICAL,
        HANG + "; docs/rules.md#rule-18; docs/rules.md#rule-21",
        en=Words(
            "cut off together with its BMC: its heartbeat moves and nothing else answers",
            "Wait until the peers have decided quorum, then observe every node again. Have someone look at the rack's "
            "network and power.",
        ),
        ko=Words(
            "BMC 까지 고립됨: heartbeat 만 갱신되고 아무 응답이 없음",
            "쿼럼이 결정될 때까지 기다린 뒤 모든 노드를 다시 확인하십시오. 랙의 네트워크와 전원을 현장에서 "
            "점검하십시오.",
        ),
    ),
    Judgement(
        "node_hung",
        Status.CRITICAL,
        HANG + "; docs/rules.md#rule-19",
        en=Words(
            "its power is on, its heartbeat has stopped and nothing answers: it hangs, or has lost its storage",
            "Photograph the console, then fence it: queued writes may still land until its power is off.",
        ),
        ko=Words(
            "전원은 켜져 있으나 heartbeat 가 멈췄고 아무 응답이 없음: 멈췄거나 스토리지를 잃음",
            "콘솔 화면을 사진으로 남긴 뒤 fence 하십시오. 전원이 꺼질 때까지 대기 중이던 쓰기가 반영될 수 있습니다.",
        ),
    ),
    Judgement(
        "node_off",
        Status.CRITICAL,
        HANG + "; docs/rules.md#rule-20; docs/rules.md#rule-23",
        en=Words(
            "its power is off, as its BMC says",
            "Send the off command all the same and read it back before any of its VMs is started elsewhere: a BMC can "
            "lie.",
        ),
        ko=Words(
            "BMC 에 따르면 전원이 꺼져 있음",
            "VM을 다른 노드에서 구동하기 전에 그래도 전원 끄기 명령을 보내고 상태를 다시 확인하십시오. BMC 가 틀릴 수 "
            "있습니다.",
        ),
    ),
    Judgement(
        "node_unproven",
        Status.UNKNOWN,
        HANG + "; docs/rules.md#rule-22",
        en=Words(
            "nothing answers, not even its BMC: whether it is off is not proven",
            "Have a second fence device switch it off, or a person say that it is off and how it is kept off. Start "
            "none of its VMs before that.",
        ),
        ko=Words(
            "BMC 를 포함해 아무 응답이 없음: 전원이 꺼졌는지 증명되지 않음",
            "다른 fence 장치로 전원을 끄거나, 전원이 꺼져 있고 어떻게 유지되는지 담당자가 확인해야 합니다. 그 전에는 "
            "이 노드의 VM을 구동하지 마십시오.",
        ),
    ),
    Judgement(
        "node_boot_not_recorded",
        Status.UNKNOWN,
        HANG + "; docs/rules.md#rule-12; docs/rules.md#rule-13",
        en=Words(
            "it answers, but whether it has rebooted is not known: no boot check has recorded its boot",
            "Never fence it while it answers. Run node_boot_check, which records its boot.",
        ),
        ko=Words(
            "응답하지만 재부팅 여부를 알 수 없음: 이전 부팅 점검 기록이 없음",
            "응답하는 동안 fence 하지 마십시오. node_boot_check 를 실행하면 부팅이 기록됩니다.",
        ),
    ),
    Judgement(
        "node_unknown",
        Status.UNKNOWN,
        HANG + "; docs/rules.md#is-the-node-dead",
        en=Words(
            "not known whether it is dead; missing: {missing}",
            "Do nothing to the node. Bring the missing proof: {missing}.",
        ),
        ko=Words(
            "죽었는지 알 수 없음. 빠진 근거: {missing}",
            "노드에 아무 조치도 하지 말고 빠진 근거를 확보하십시오: {missing}.",
        ),
    ),
)
