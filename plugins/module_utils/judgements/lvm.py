# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be wrong with LVM, how bad it is, and what the operator does about it."""

from __future__ import annotations

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Judgement, Status, Words, table

SECTION = "uxen 구동 후 스토리지 점검사항: Multipath 확인"

TABLE = table(
    Judgement(
        "lvm_ok",
        Status.OK,
        SECTION,
        en=Words("{pvs} PVs in {vgs} VGs, {active} of {lvs} LVs active"),
        ko=Words("VG {vgs}개에 PV {pvs}개, LV {lvs}개 중 {active}개 활성"),
    ),
    Judgement(
        "lvm_pv_missing",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "PV {uuid} of VG {vg} is missing (last seen on {last_seen})",
            "Check the LUN of {last_seen} with multipath -ll and the storage team; when it is back, run pvscan "
            "--cache and vgextend --restoremissing {vg} {last_seen}. Do not run vgreduce --removemissing.",
        ),
        ko=Words(
            "VG {vg} 의 PV {uuid} 이(가) 없음 (마지막 위치: {last_seen})",
            "multipath -ll 과 스토리지 담당자를 통해 {last_seen} 의 LUN 을 확인하십시오. 돌아오면 pvscan --cache 와 "
            "vgextend --restoremissing {vg} {last_seen} 을(를) 실행하십시오. vgreduce --removemissing 은 실행하지 "
            "마십시오.",
        ),
    ),
    Judgement(
        "lvm_pv_on_path",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "the PV uses the single path {path}, not its map {map}: no other path takes over",
            "Let LVM see maps only (global_filter in /etc/lvm/lvm.conf rejects {path}), then stop what uses VG {vg} "
            "and run vgchange -an {vg}, vgchange -ay {vg}.",
        ),
        ko=Words(
            "PV 가 맵 {map} 대신 단일 경로 {path} 을(를) 사용: 경로 장애 시 절체되지 않음",
            "/etc/lvm/lvm.conf 의 global_filter 로 {path} 을(를) 제외하고, VG {vg} 을(를) 쓰는 서비스를 멈춘 뒤 "
            "vgchange -an {vg}, vgchange -ay {vg} 을(를) 실행하십시오.",
        ),
    ),
    Judgement(
        "lvm_pv_duplicate",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "PV {uuid} is seen on more than one device; LVM does not use {unused}",
            "Find out whether {unused} is a path of the same LUN or a copy of it (multipath -ll, /lib/udev/scsi_id -g "
            "-u -d {unused}): reject a path in global_filter, unmap a copy on the storage. Change no LVM metadata "
            "before.",
        ),
        ko=Words(
            "PV {uuid} 이(가) 여러 장치에서 보임. LVM 은 {unused} 을(를) 사용하지 않음",
            "{unused} 이(가) 같은 LUN 의 경로인지 복제본인지 확인하십시오(multipath -ll, /lib/udev/scsi_id -g -u -d "
            "{unused}). 경로이면 global_filter 에서 제외하고 복제본이면 스토리지에서 할당을 해제하십시오. 그 전에는 "
            "LVM 메타데이터를 변경하지 마십시오.",
        ),
    ),
    Judgement(
        "lvm_nothing_reported",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "LVM reports no PV, but {proof} names {names}",
            "LVM cannot read the disks: check multipath -ll and dmesg for I/O errors first, then the filter in "
            "/etc/lvm/lvm.conf and /etc/lvm/devices.",
        ),
        ko=Words(
            "LVM 에 PV 가 하나도 나타나지 않으나 {proof} 에는 {names} 이(가) 있음",
            "LVM 이 디스크를 읽지 못합니다. 먼저 multipath -ll 과 dmesg 의 I/O 오류를, 다음으로 /etc/lvm/lvm.conf 의 "
            "filter 와 /etc/lvm/devices 를 확인하십시오.",
        ),
    ),
    Judgement(
        "lvm_vg_missing",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "the VG expected by {expected_by} does not exist",
            "Check that its LUNs are presented to this node (multipath -ll), then run pvscan --cache and vgs "
            "{subject}.",
        ),
        ko=Words(
            "{expected_by} 에 있는 VG 가 존재하지 않음",
            "해당 LUN 이 이 노드에 할당되었는지 확인(multipath -ll)한 뒤 pvscan --cache 와 vgs {subject} 을(를) "
            "실행하십시오.",
        ),
    ),
    Judgement(
        "lvm_lv_missing",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "the LV expected by {expected_by} does not exist",
            "Compare lvs with another node and with /etc/lvm/archive; do not create it anew: its data would be lost.",
        ),
        ko=Words(
            "{expected_by} 에 있는 LV 가 존재하지 않음",
            "다른 노드의 lvs 및 /etc/lvm/archive 와 비교하십시오. 새로 만들면 데이터를 잃으므로 만들지 마십시오.",
        ),
    ),
    Judgement(
        "lvm_lv_inactive",
        Status.CRITICAL,
        SECTION,
        en=Words("the LV expected by {expected_by} is not active", "Activate it: lvchange -ay {subject}."),
        ko=Words("{expected_by} 에 있는 LV 가 활성화되지 않음", "활성화하십시오: lvchange -ay {subject}."),
    ),
    Judgement(
        "lvm_lv_suspended",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "the LV is suspended: every I/O to it waits",
            "See that no LVM command is still running (ps -C lvm,lvchange,lvresize,pvmove), then run dmsetup resume "
            "{device}.",
        ),
        ko=Words(
            "LV 가 suspend 상태: 모든 I/O 가 대기함",
            "실행 중인 LVM 명령이 없는지 확인(ps -C lvm,lvchange,lvresize,pvmove)한 뒤 dmsetup resume {device} 을(를) "
            "실행하십시오.",
        ),
    ),
    Judgement(
        "lvm_lv_not_reported",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "active as {device}, but LVM finds no PV that holds it",
            "Find its disks (multipath -ll, pvs -a) and have the storage team bring them back; unmount and deactivate "
            "nothing before.",
        ),
        ko=Words(
            "{device} (으)로 활성 상태이나 LVM 이 그 PV 를 찾지 못함",
            "디스크를 확인하고(multipath -ll, pvs -a) 스토리지 담당자에게 복구를 요청하십시오. 그 전에는 umount 나 "
            "비활성화를 하지 마십시오.",
        ),
    ),
    Judgement(
        "lvm_lv_size_differs",
        Status.CRITICAL,
        "ocfs2 resize; docs/rules.md#rule-45",
        en=Words(
            "LVM says {lvm_bytes} bytes, the running device has {device_bytes}",
            "Run lvchange --refresh {subject} on this node before the file system is grown on any node.",
        ),
        ko=Words(
            "LVM 은 {lvm_bytes} 바이트, 실제 장치는 {device_bytes} 바이트",
            "어느 노드에서든 파일시스템을 늘리기 전에 이 노드에서 lvchange --refresh {subject} 을(를) 실행하십시오.",
        ),
    ),
)
