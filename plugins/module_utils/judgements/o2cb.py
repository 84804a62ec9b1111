# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be wrong with o2cb, how bad it is, and what the operator does about it."""

from __future__ import annotations

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Judgement, Status, Words, table

SECTION = "uxen 구동 후 스토리지 점검사항: OCFS2 확인"
HANG = "uxen 서버 Hang: ocfs2 관련 문제"
EQUAL = "docs/rules.md#rule-46"

TABLE = table(
    Judgement(
        "o2cb_ok",
        Status.OK,
        SECTION,
        en=Words("cluster {cluster} is online: {connected} peers connected, {regions} heartbeat regions"),
        ko=Words("클러스터 {cluster} online: 연결된 peer {connected}개, heartbeat region {regions}개"),
    ),
    Judgement(
        "o2cb_driver_missing",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "{driver} is not loaded",
            "Load o2cb (systemctl restart o2cb, or /etc/init.d/o2cb load) and read the end of dmesg if it fails.",
        ),
        ko=Words(
            "{driver} 이(가) 로드되지 않음",
            "o2cb 를 로드하십시오(systemctl restart o2cb 또는 /etc/init.d/o2cb load). 실패하면 dmesg 끝부분을 "
            "확인하십시오.",
        ),
    ),
    Judgement(
        "o2cb_dlmfs_not_mounted",
        Status.WARNING,
        SECTION,
        en=Words(
            "ocfs2_dlmfs is not mounted",
            "Mount it (mount -t ocfs2_dlmfs ocfs2_dlmfs /dlm, or /etc/init.d/o2cb load).",
        ),
        ko=Words(
            "ocfs2_dlmfs 가 마운트되어 있지 않음",
            "마운트하십시오(mount -t ocfs2_dlmfs ocfs2_dlmfs /dlm 또는 /etc/init.d/o2cb load).",
        ),
    ),
    Judgement(
        "o2cb_config_missing",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "OCFS2 is in use ({what}) but /etc/ocfs2/cluster.conf is not there",
            "Copy /etc/ocfs2/cluster.conf from a healthy node of the zone before o2cb is started again.",
        ),
        ko=Words(
            "OCFS2 를 사용 중({what})이지만 /etc/ocfs2/cluster.conf 가 없음",
            "o2cb 를 다시 시작하기 전에 같은 존의 정상 노드에서 /etc/ocfs2/cluster.conf 를 복사하십시오.",
        ),
    ),
    Judgement(
        "o2cb_offline",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "cluster {cluster} is offline",
            "Bring it online (/etc/init.d/o2cb online {cluster}), then mount the OCFS2 volumes.",
        ),
        ko=Words(
            "클러스터 {cluster} 이(가) offline 상태임",
            "클러스터를 online 으로 전환(/etc/init.d/o2cb online {cluster})한 뒤 OCFS2 볼륨을 마운트하십시오.",
        ),
    ),
    Judgement(
        "o2cb_not_enabled",
        Status.WARNING,
        SECTION,
        en=Words(
            "o2cb will not start at the next boot: O2CB_ENABLED is {value}",
            "Set O2CB_ENABLED=true in {path}.",
        ),
        ko=Words(
            "다음 부팅에 o2cb 가 시작되지 않음: O2CB_ENABLED={value}",
            "{path} 에서 O2CB_ENABLED=true 로 설정하십시오.",
        ),
    ),
    Judgement(
        "o2cb_heartbeat_inactive",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "cluster {cluster} is online but no heartbeat is active: no OCFS2 volume is mounted",
            "Prove the device, then mount the OCFS2 volumes of fstab (mount -a -t ocfs2): the mount starts the "
            "heartbeat.",
        ),
        ko=Words(
            "클러스터 {cluster} 은(는) online 이지만 heartbeat 가 Active 가 아님: 마운트된 OCFS2 볼륨이 없음",
            "장치를 확인한 뒤 fstab 의 OCFS2 볼륨을 마운트하십시오(mount -a -t ocfs2). 마운트하면 heartbeat 가 "
            "시작됩니다.",
        ),
    ),
    Judgement(
        "o2cb_region_missing",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "no heartbeat region for {volume}",
            "Do not touch the volume. Drain the node and restart it: without this heartbeat the other nodes take it "
            "for dead.",
        ),
        ko=Words(
            "{volume} 의 heartbeat region 이 없음",
            "볼륨을 건드리지 마십시오. 노드를 비우고 재시작하십시오. 이 heartbeat 가 없으면 다른 노드는 이 노드를 "
            "죽은 것으로 판단합니다.",
        ),
        blocks=True,
    ),
    Judgement(
        "o2cb_region_inactive",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "the heartbeat region {region} is expected but not active",
            "Prove the device of {region} (mounted.ocfs2 -d), then mount its volume: the mount starts the heartbeat.",
        ),
        ko=Words(
            "기대하는 heartbeat region {region} 이(가) Active 가 아님",
            "{region} 의 장치를 확인(mounted.ocfs2 -d)한 뒤 볼륨을 마운트하십시오. 마운트하면 heartbeat 가 시작됩니다.",
        ),
    ),
    Judgement(
        "o2cb_heartbeat_late",
        Status.CRITICAL,
        HANG,
        en=Words(
            "the last heartbeat was written {age:.0f} s ago; the node fences itself at {limit} s",
            "Bring the storage of {device} back now (multipath -ll). Start nothing on this node.",
        ),
        ko=Words(
            "마지막 heartbeat 기록이 {age:.0f}초 전임. {limit}초가 되면 노드가 스스로 fence 됨",
            "즉시 {device} 의 스토리지를 복구하십시오(multipath -ll). 이 노드에서 아무것도 구동하지 마십시오.",
        ),
        blocks=True,
    ),
    Judgement(
        "o2cb_heartbeat_standing",
        Status.CRITICAL,
        HANG,
        en=Words(
            "this node's heartbeat on disk has not moved for {seconds:.0f} s",
            "Bring the storage of {device} back now (multipath -ll): the other nodes will take this node for dead.",
        ),
        ko=Words(
            "디스크에 기록되는 이 노드의 heartbeat 가 {seconds:.0f}초 동안 움직이지 않음",
            "즉시 {device} 의 스토리지를 복구하십시오(multipath -ll). 다른 노드가 이 노드를 죽은 것으로 판단하게 "
            "됩니다.",
        ),
        blocks=True,
    ),
    Judgement(
        "o2cb_peer_heartbeat_standing",
        Status.CRITICAL,
        HANG,
        en=Words(
            "the heartbeat of {peer} has not moved for {seconds:.0f} s, yet it is not declared dead",
            "Look at {peer} now (console, BMC). Do not stat or open anything on OCFS2: it waits until {peer} is "
            "declared dead, {limit} s after its last heartbeat.",
        ),
        ko=Words(
            "{peer} 의 heartbeat 가 {seconds:.0f}초 동안 움직이지 않으나 아직 죽은 것으로 판정되지 않음",
            "즉시 {peer} 의 콘솔과 BMC 를 확인하십시오. 마지막 heartbeat 후 {limit}초가 지나 판정될 때까지 OCFS2 의 "
            "파일에 접근하면 멈춥니다.",
        ),
        blocks=True,
    ),
    Judgement(
        "o2cb_peer_not_connected",
        Status.CRITICAL,
        HANG,
        en=Words(
            "{peer} heartbeats but its o2cb address {address} does not answer: {why}",
            "Repair the interconnect to {address} now (link, switch, firewall on the port). After {freeze} s the "
            "larger part of the cluster lives, of equal halves the one with the lowest node number; the others "
            "reboot. Do not touch OCFS2 until then.",
        ),
        ko=Words(
            "{peer} 의 heartbeat 는 있으나 o2cb 주소 {address} 이(가) 응답하지 않음{why:?: }",
            "즉시 {address} 까지의 네트워크(링크, 스위치, 방화벽 포트)를 복구하십시오. {freeze}초 뒤 노드가 많은 "
            "쪽(같은 수이면 가장 작은 노드 번호가 있는 쪽)만 남고 나머지는 재부팅됩니다. 그때까지 OCFS2 에 접근하지 "
            "마십시오.",
        ),
        blocks=True,
    ),
    Judgement(
        "o2cb_peer_absent",
        Status.WARNING,
        SECTION,
        en=Words(
            "{peer} ({address}) does not heartbeat: {why}",
            "Check {peer}: it is down, or has no OCFS2 volume mounted. List it in out_of_service if that is meant.",
        ),
        ko=Words(
            "{peer} ({address}) 의 heartbeat 가 없음{why:?: }",
            "{peer} 을(를) 확인하십시오. 꺼져 있거나 OCFS2 볼륨이 마운트되지 않은 상태입니다. 의도된 것이면 "
            "out_of_service 에 적으십시오.",
        ),
    ),
    Judgement(
        "o2cb_slot_stale",
        Status.WARNING,
        HANG,
        en=Words(
            "slot {slot} of {device} is still held by {peer}, which does not heartbeat",
            "Read dmesg for the recovery of {peer}; the slot is freed when a node replays its journal, or by "
            "fsck.ocfs2 while no node has the volume mounted.",
        ),
        ko=Words(
            "{device} 의 slot {slot} 을(를) heartbeat 가 없는 {peer} 이(가) 아직 점유 중임",
            "dmesg 에서 {peer} 의 복구(recovery)를 확인하십시오. 다른 노드가 저널을 replay 하거나, 모든 노드에서 "
            "마운트를 해제하고 fsck.ocfs2 를 실행하면 해제됩니다.",
        ),
    ),
    Judgement(
        "o2cb_freeze_too_long",
        Status.WARNING,
        HANG,
        en=Words(
            "after a silent cut every write waits {seconds:.0f} s, policy allows {limit:.0f} s (idle {idle:.0f} s + 2 "
            "× (threshold {threshold} + 2) s)",
            "Lower O2CB_IDLE_TIMEOUT_MS or O2CB_HEARTBEAT_THRESHOLD on all nodes or none; it applies when the whole "
            "zone has been stopped and started.",
        ),
        ko=Words(
            "감지되지 않은 네트워크 단절 시 모든 쓰기가 {seconds:.0f}초 동안 멈춤, 정책 한계 {limit:.0f}초 (idle "
            "{idle:.0f}초 + 2 × (threshold {threshold} + 2)초)",
            "모든 노드에서 함께 O2CB_IDLE_TIMEOUT_MS 또는 O2CB_HEARTBEAT_THRESHOLD 를 낮추십시오. 존 전체를 "
            "중지했다가 시작할 때 적용됩니다.",
        ),
    ),
    Judgement(
        "o2cb_setting_not_as_policy",
        Status.WARNING,
        HANG,
        en=Words(
            "{setting} is {running}, policy wants {wanted}",
            "Set {variable}={wanted} on all nodes of the zone or none, and start the zone anew in a window.",
        ),
        ko=Words(
            "{setting} 값이 {running}, 정책은 {wanted}",
            "존의 모든 노드에 {variable}={wanted} (으)로 설정하고(일부 노드만은 금지) 작업 시간에 존 전체를 다시 "
            "시작하십시오.",
        ),
    ),
    Judgement(
        "o2cb_setting_pending",
        Status.CRITICAL,
        EQUAL,
        en=Words(
            "{setting} runs as {running} but {path} says {pending}",
            "Decide for one value on all nodes: write {running} back to {path}, or stop the whole zone and start it "
            "with {pending}. A node that restarts alone with another value cannot join.",
        ),
        ko=Words(
            "{setting} 실행 값은 {running}, 그러나 {path} 에는 {pending}",
            "모든 노드에 하나의 값을 정하십시오. {path} 을(를) {running} (으)로 되돌리거나 존 전체를 중지하고 "
            "{pending} (으)로 시작합니다. 다른 값으로 혼자 재시작한 노드는 합류할 수 없습니다.",
        ),
    ),
    Judgement(
        "o2cb_setting_announced",
        Status.WARNING,
        EQUAL,
        en=Words(
            "{setting} runs as {running}; {pending} was announced on {announced_on} for the zone's next start",
            "Stop and start the whole zone in its window; restart no node alone before that.",
        ),
        ko=Words(
            "{setting} 실행 값은 {running}, {announced_on} 에 예고된 값 {pending} 은(는) 존의 다음 시작에 적용됨",
            "예정된 작업 시간에 존 전체를 중지했다가 시작하십시오. 그 전에 노드 하나만 재시작하지 마십시오.",
        ),
    ),
    Judgement(
        "o2cb_host_name_differs",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "the host is called {host}, cluster {cluster} knows {names}",
            "Give the node in cluster.conf the name that uname -n prints, the same on every node; o2cb finds its own "
            "number by that name.",
        ),
        ko=Words(
            "호스트 이름은 {host}, 클러스터 {cluster} 에 등록된 이름은 {names}",
            "cluster.conf 의 노드 이름을 uname -n 과 같게, 모든 노드에 동일하게 설정하십시오. o2cb 는 이름으로 자기 "
            "번호를 찾습니다.",
        ),
    ),
    Judgement(
        "o2cb_nodes_pending",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "the running cluster and cluster.conf differ: {differences}",
            "Make them equal on every node before one of them restarts (o2cb_ctl -C for a node to add; a changed "
            "address needs the zone stopped).",
        ),
        ko=Words(
            "실행 중인 클러스터와 cluster.conf 가 다름: {differences}",
            "어느 노드든 재시작하기 전에 모든 노드에서 같게 맞추십시오(노드 추가는 o2cb_ctl -C, 주소 변경은 존 중지 "
            "후).",
        ),
    ),
    Judgement(
        "o2cb_sources_disagree",
        Status.WARNING,
        SECTION,
        en=Words(
            "the init script and the kernel disagree: {differences}",
            "Check that O2CB_BOOTCLUSTER in {path} names the cluster of cluster.conf, then run the check again.",
        ),
        ko=Words(
            "init 스크립트와 커널의 상태가 다름: {differences}",
            "{path} 의 O2CB_BOOTCLUSTER 가 cluster.conf 의 클러스터 이름인지 확인하고 다시 점검하십시오.",
        ),
    ),
    Judgement(
        "o2cb_panic_on_oops_off",
        Status.WARNING,
        HANG,
        en=Words(
            "kernel.panic_on_oops is {value}: after an oops in o2cb the node would hang the whole zone",
            "Set kernel.panic_on_oops = 1 with sysctl and in /etc/sysctl.d.",
        ),
        ko=Words(
            "kernel.panic_on_oops = {value}: o2cb 에서 oops 가 나면 존 전체가 멈출 수 있음",
            "sysctl 과 /etc/sysctl.d 에 kernel.panic_on_oops = 1 을 설정하십시오.",
        ),
    ),
    Judgement(
        "o2cb_panic_without_reboot",
        Status.WARNING,
        HANG,
        en=Words(
            "kernel.panic is 0: after a panic the node stays down until somebody resets it",
            "Set kernel.panic = 30 with sysctl and in /etc/sysctl.d.",
        ),
        ko=Words(
            "kernel.panic = 0: panic 후 누군가 리셋할 때까지 노드가 멈춰 있음",
            "sysctl 과 /etc/sysctl.d 에 kernel.panic = 30 을 설정하십시오.",
        ),
    ),
    Judgement(
        "o2cb_config_differs_between_nodes",
        Status.CRITICAL,
        EQUAL,
        en=Words(
            "cluster.conf differs from the other nodes': {differences}",
            "Put the zone's one cluster.conf on every node; no node may join before that.",
        ),
        ko=Words(
            "cluster.conf 가 다른 노드와 다름: {differences}",
            "존의 모든 노드에 같은 cluster.conf 를 배포하십시오. 그 전에는 어떤 노드도 합류하면 안 됩니다.",
        ),
    ),
    Judgement(
        "o2cb_settings_differ_between_nodes",
        Status.CRITICAL,
        EQUAL,
        en=Words(
            "{setting} differs between nodes: {values_by_node}",
            "Set one value in the o2cb defaults of all nodes and start the zone anew: nodes with unequal values "
            "refuse each other.",
        ),
        ko=Words(
            "노드 사이에 {setting} 값이 다름: {values_by_node}",
            "모든 노드의 o2cb 설정에 하나의 값을 적고 존 전체를 다시 시작하십시오. 값이 다른 노드는 서로 연결을 "
            "거부합니다.",
        ),
    ),
)
