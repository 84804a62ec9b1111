# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be wrong with multipath, how bad it is, and what the operator does about it."""

from __future__ import annotations

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Judgement, Status, Words, table

SECTION = "uxen 구동 후 스토리지 점검사항: Multipath 확인"

TABLE = table(
    Judgement(
        "multipath_ok",
        Status.OK,
        SECTION,
        en=Words("all {paths} paths of {maps} maps are ready"),
        ko=Words("맵 {maps}개의 경로 {paths}개가 모두 정상"),
    ),
    Judgement(
        "multipath_paths_failed",
        Status.WARNING,
        SECTION,
        en=Words(
            "{failed} of {of} paths failed: {paths}",
            "Service goes on over the other paths. Have the storage and SAN team check port, cable and zoning of "
            "{devices}; do not reboot the node.",
        ),
        ko=Words(
            "경로 {of}개 중 {failed}개 실패: {paths}",
            "나머지 경로로 서비스는 가능합니다. 스토리지 담당자에게 {devices} 의 포트·케이블·조닝 확인을 요청하고 "
            "노드를 재부팅하지 마십시오.",
        ),
    ),
    Judgement(
        "multipath_all_paths_failed",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "all {of} paths failed and I/O is answered with errors: {paths}",
            "Call the storage team now: every file system on {subject} gets I/O errors. Start no VM on this node.",
        ),
        ko=Words(
            "경로 {of}개가 모두 실패하여 I/O 오류 발생: {paths}",
            "즉시 스토리지 담당자에게 연락하십시오. {subject} 의 파일시스템은 모두 I/O 오류를 받습니다. 이 노드에서 "
            "VM을 구동하지 마십시오.",
        ),
    ),
    Judgement(
        "multipath_queueing_without_paths",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "no path is left and I/O is queued: {paths}",
            "Call the storage team now. Run nothing that reads disks on this node (pvs, lsblk, df): it would hang. "
            "o2cb will fence the node when the heartbeat's dead time has passed.",
        ),
        ko=Words(
            "남은 경로가 없고 I/O 가 대기 중: {paths}",
            "즉시 스토리지 담당자에게 연락하십시오. 이 노드에서 디스크를 읽는 명령(pvs, lsblk, df)을 실행하면 "
            "멈춥니다. heartbeat 제한 시간이 지나면 o2cb 가 노드를 fence 합니다.",
        ),
        blocks=True,
    ),
    Judgement(
        "multipath_path_not_ready",
        Status.WARNING,
        SECTION,
        en=Words(
            "{count} of {of} paths are neither ready nor failed: {paths}",
            "Wait a polling interval and check again; if it stays, have the storage and SAN team look for link errors "
            "on {devices}.",
        ),
        ko=Words(
            "경로 {of}개 중 {count}개가 정상도 실패도 아닌 상태: {paths}",
            "polling_interval 만큼 기다려 다시 점검하고, 계속되면 스토리지 담당자에게 {devices} 의 링크 오류 확인을 "
            "요청하십시오.",
        ),
    ),
    Judgement(
        "multipath_not_installed",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "{by} is there, multipathd is not",
            "Install multipath-tools and start it; if this node needs no multipath, take {by} away.",
        ),
        ko=Words(
            "{by} 은(는) 있으나 multipathd 가 없음",
            "multipath-tools 를 설치하고 구동하십시오. 이 노드에 multipath 가 필요 없다면 {by} 을(를) 제거하십시오.",
        ),
    ),
    Judgement(
        "multipath_path_ghost",
        Status.WARNING,
        SECTION,
        en=Words(
            "{ghost} of {of} paths are standby only (ghost): {paths}",
            "Have the storage team confirm that the array's controller of {devices} is meant to be passive.",
        ),
        ko=Words(
            "경로 {of}개 중 {ghost}개가 대기 상태(ghost): {paths}",
            "스토리지 담당자에게 {devices} 의 컨트롤러가 의도된 대기 상태인지 확인하십시오.",
        ),
    ),
    Judgement(
        "multipath_paths_missing",
        Status.WARNING,
        SECTION,
        en=Words(
            "{count} paths, {expected} are expected",
            "Log the missing portal or HBA port in again (iscsiadm -m node -l, or rescan the HBA), then reload with "
            "multipath -r; if {count} is right, record a new baseline.",
        ),
        ko=Words(
            "경로 {count}개, 기대값 {expected}개",
            "빠진 포털이나 HBA 포트를 다시 연결(iscsiadm -m node -l 또는 HBA rescan)하고 multipath -r 로 "
            "갱신하십시오. {count}개가 맞다면 기준값을 다시 기록하십시오.",
        ),
    ),
    Judgement(
        "multipath_map_missing",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "the map expected by policy does not exist",
            "Check that the LUN is presented to this node and not blacklisted (multipath -v3 -d), then run multipath "
            "-r.",
        ),
        ko=Words(
            "정책이 기대하는 맵이 없음",
            "LUN 이 이 노드에 할당되었는지, blacklist 에 없는지(multipath -v3 -d) 확인한 뒤 multipath -r 을 "
            "실행하십시오.",
        ),
    ),
    Judgement(
        "multipath_no_maps",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "multipath is configured but there is no map",
            "Check the sessions to the storage (iscsiadm -m session, or the HBA's link), then run multipath -r.",
        ),
        ko=Words(
            "multipath 가 설정되어 있으나 맵이 하나도 없음",
            "스토리지 세션(iscsiadm -m session 또는 HBA 링크)을 확인한 뒤 multipath -r 을 실행하십시오.",
        ),
    ),
    Judgement(
        "multipath_daemon_down",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "multipathd does not answer: {detail}",
            "Start it (systemctl start multipathd, or /etc/init.d/multipath-tools start): without it no failed path "
            "comes back and none is noticed to fail.",
        ),
        ko=Words(
            "multipathd 가 응답하지 않음{detail:?: }",
            "데몬을 구동하십시오(systemctl start multipathd 또는 /etc/init.d/multipath-tools start). 데몬이 없으면 "
            "경로 장애를 감지하지도 복구하지도 못합니다.",
        ),
    ),
    Judgement(
        "multipath_sources_disagree",
        Status.WARNING,
        SECTION,
        en=Words(
            "multipathd and the kernel disagree on {paths}",
            "Wait a polling interval (multipathd -k'show config', polling_interval) and check again; if it stays, "
            "reload with multipathd -k'reconfigure'.",
        ),
        ko=Words(
            "{paths} 에 대해 multipathd 와 커널의 상태가 다름",
            "polling_interval 만큼 기다려 다시 점검하고, 계속되면 multipathd -k'reconfigure' 로 갱신하십시오.",
        ),
    ),
    Judgement(
        "multipath_size_differs",
        Status.CRITICAL,
        "ocfs2 resize",
        en=Words(
            "sizes differ: map {map_bytes} bytes, {paths}",
            "Rescan every path (echo 1 > /sys/block/sdX/device/rescan) and run multipathd -k'resize map {map}' on "
            "EVERY node before the file system is grown on one.",
        ),
        ko=Words(
            "크기가 다름: 맵 {map_bytes} 바이트, {paths}",
            "파일시스템을 늘리기 전에 모든 노드에서 모든 경로를 rescan(echo 1 > /sys/block/sdX/device/rescan)하고 "
            "multipathd -k'resize map {map}' 을(를) 실행하십시오.",
        ),
    ),
    Judgement(
        "multipath_size_differs_between_nodes",
        Status.CRITICAL,
        "ocfs2 resize",
        en=Words(
            "the LUN's size differs between nodes: {sizes}",
            "Rescan its paths and run multipathd -k'resize map NAME' on the nodes left behind: they get EIO beyond "
            "the old end.",
        ),
        ko=Words(
            "노드 사이에 LUN 크기가 다름: {sizes}",
            "뒤처진 노드에서 경로를 rescan 하고 multipathd -k'resize map NAME' 을 실행하십시오. 이전 끝을 넘는 I/O 는 "
            "EIO 가 됩니다.",
        ),
    ),
    Judgement(
        "multipath_read_only",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "the map is read-only", "Have the storage team check the LUN's write protection, then run multipath -r."
        ),
        ko=Words("맵이 읽기 전용임", "스토리지 담당자에게 LUN 쓰기 방지를 확인한 뒤 multipath -r 을 실행하십시오."),
    ),
)
