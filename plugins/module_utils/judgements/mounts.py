# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be wrong with mounted file systems, how bad it is, and what the operator does about it."""

from __future__ import annotations

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Judgement, Status, Words, table

SECTION = "uxen 구동 후 스토리지 점검사항: 스토리지 연결 확인"
NAS = "template 참조 문제로 vm 생성 실패"
UNMOUNTED = SECTION + "; docs/rules.md#rule-48"

TABLE = table(
    Judgement(
        "mounts_ok",
        Status.OK,
        SECTION,
        en=Words("{mounts} mounts as expected; the fullest is {fullest} at {used}%"),
        ko=Words("마운트 {mounts}개 정상. 사용률이 가장 높은 곳은 {fullest} ({used}%)"),
    ),
    Judgement(
        "mounts_missing",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "nothing is mounted here, the policy expects {source}",
            "Prove the device, see that the folder is empty, then mount {source} on {subject} and add it to "
            "/etc/fstab. Start neither VMs nor the uxen API before.",
        ),
        ko=Words(
            "마운트되지 않음. 정책은 {source} 을(를) 기대함",
            "장치를 확인하고 디렉토리가 비어 있는지 본 뒤 {source} 을(를) {subject} 에 마운트하고 /etc/fstab 에 "
            "추가하십시오. 그 전에는 VM도 uxen api 도 구동하지 마십시오.",
        ),
    ),
    Judgement(
        "mounts_fstab_not_mounted",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "in /etc/fstab but not mounted: {source}",
            "Prove the device, see that the folder is empty, then run mount {subject} and read its error. Start "
            "neither VMs nor the uxen API before.",
        ),
        ko=Words(
            "/etc/fstab 에 있으나 마운트되지 않음: {source}",
            "장치를 확인하고 디렉토리가 비어 있는지 본 뒤 mount {subject} 을(를) 실행하여 오류를 확인하십시오. 그 "
            "전에는 VM도 uxen api 도 구동하지 마십시오.",
        ),
    ),
    Judgement(
        "mounts_automount_waits",
        Status.UNKNOWN,
        SECTION,
        en=Words(
            "waits for its first use: whether {source} can be mounted is not proven",
            "Use it once (ls {subject}), then run the check again; where a mount may wait, set the status of this code "
            "to ok.",
        ),
        ko=Words(
            "첫 사용을 기다리는 automount: {source} 의 마운트 가능 여부가 확인되지 않음",
            "한 번 사용한 뒤(ls {subject}) 다시 점검하십시오. 대기해도 되는 마운트라면 이 코드의 상태를 ok 로 "
            "설정하십시오.",
        ),
    ),
    Judgement(
        "mounts_device_missing",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "not mounted: its device {source} is not on this node",
            "Bring the device back first (multipath -ll, pvs, iscsiadm -m session), then run mount {subject}.",
        ),
        ko=Words(
            "마운트되지 않음: 장치 {source} 이(가) 이 노드에 없음",
            "먼저 장치를 복구(multipath -ll, pvs, iscsiadm -m session)한 뒤 mount {subject} 을(를) 실행하십시오.",
        ),
    ),
    Judgement(
        "mounts_wrong_source",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "{found} is mounted, {expected} is expected",
            "Start no VM here. Stop what uses {subject} (fuser -vm {subject}), umount it and mount {expected}; "
            "compare the UUIDs with another node (blkid).",
        ),
        ko=Words(
            "{found} 이(가) 마운트되어 있으나 기대값은 {expected}",
            "여기서 VM을 구동하지 마십시오. {subject} 을(를) 쓰는 프로세스를 멈추고(fuser -vm {subject}) umount 한 뒤 "
            "{expected} 을(를) 마운트하십시오. UUID 를 다른 노드와 비교하십시오(blkid).",
        ),
    ),
    Judgement(
        "mounts_wrong_type",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "the file system is {found}, {expected} is expected",
            "Find out with blkid what lies on {source}; a shared volume mounted as another type is not shared. Umount "
            "{subject} and mount it as {expected}.",
        ),
        ko=Words(
            "파일시스템이 {found}, 기대값은 {expected}",
            "blkid 로 {source} 의 내용을 확인하십시오. 다른 유형으로 마운트된 공유 볼륨은 공유되지 않습니다. "
            "{subject} 을(를) umount 하고 {expected} (으)로 마운트하십시오.",
        ),
    ),
    Judgement(
        "mounts_wrong_options",
        Status.WARNING,
        SECTION,
        en=Words(
            "mounted without {lacking}",
            "Correct the options in /etc/fstab; apply them with mount -o remount {subject}, or at the next mount "
            "where the file system cannot change them.",
        ),
        ko=Words(
            "마운트 옵션 누락: {lacking}",
            "/etc/fstab 의 옵션을 고치고 mount -o remount {subject} (으)로 적용하십시오. 바꿀 수 없는 옵션은 다음 "
            "마운트 때 적용됩니다.",
        ),
    ),
    Judgement(
        "mounts_read_only",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "mounted read-only",
            "Read dmesg for the error that made {subject} read-only. Repair the storage first, check the file system "
            "unmounted (on OCFS2: unmounted on all nodes), and only then mount it again.",
        ),
        ko=Words(
            "읽기 전용으로 마운트됨",
            "dmesg 에서 {subject} 이(가) 읽기 전용이 된 원인을 확인하십시오. 먼저 스토리지를 복구하고 umount "
            "상태(OCFS2 는 모든 노드에서 umount)에서 파일시스템을 점검한 뒤 다시 마운트하십시오.",
        ),
    ),
    Judgement(
        "mounts_hidden_mount",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "{source} is mounted here but hidden: {over} was mounted over it later",
            "Run umount {over}, then mount -a: parents first. Let the entry in /etc/fstab say "
            "x-systemd.requires={over}.",
        ),
        ko=Words(
            "{source} 이(가) 마운트되었으나 나중에 마운트된 {over} 에 가려짐",
            "umount {over} 후 mount -a 로 상위 디렉토리부터 마운트하십시오. /etc/fstab 항목에 "
            "x-systemd.requires={over} 을(를) 추가하십시오.",
        ),
    ),
    Judgement(
        "mounts_hidden_files",
        Status.WARNING,
        UNMOUNTED,
        en=Words(
            "files are hidden below the mount point: {files}",
            "They were written while nothing was mounted on {subject}. See them with mount --bind {parent} /mnt "
            "(below /mnt), find out whose they are, and move or remove them.",
        ),
        ko=Words(
            "마운트 지점 아래에 가려진 파일이 있음: {files}",
            "{subject} 이(가) 마운트되지 않았을 때 기록된 파일입니다. mount --bind {parent} /mnt 로 /mnt 아래에서 "
            "확인하고 용도를 파악한 뒤 옮기거나 삭제하십시오.",
        ),
    ),
    Judgement(
        "mounts_written_unmounted",
        Status.CRITICAL,
        UNMOUNTED,
        en=Words(
            "nothing is mounted, yet the folder holds files: {files}",
            "Something writes to the disk below. Stop it (usually the uxen API), move the files away, then mount "
            "{subject}.",
        ),
        ko=Words(
            "마운트되지 않은 디렉토리에 파일이 있음: {files}",
            "하위 디스크에 기록되고 있습니다. 기록하는 서비스(보통 uxen api)를 멈추고 파일을 옮긴 뒤 {subject} 을(를) "
            "마운트하십시오.",
        ),
    ),
    Judgement(
        "mounts_filling",
        Status.WARNING,
        SECTION,
        en=Words(
            "{used}% used, {free_bytes} bytes are free",
            "Free space on {subject} or grow it; look for old images and backups (du -xh --max-depth=2 {subject}).",
        ),
        ko=Words(
            "사용률 {used}%, 여유 {free_bytes} 바이트",
            "{subject} 의 공간을 확보하거나 확장하십시오. 오래된 이미지와 백업을 확인하십시오(du -xh --max-depth=2 "
            "{subject}).",
        ),
    ),
    Judgement(
        "mounts_full",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "{used}% used, only {free_bytes} bytes are free",
            "Free space on {subject} now: a VM that writes to a full volume is paused or gets I/O errors. Start no VM "
            "on it.",
        ),
        ko=Words(
            "사용률 {used}%, 여유 {free_bytes} 바이트뿐",
            "즉시 {subject} 의 공간을 확보하십시오. 가득 찬 볼륨에 쓰는 VM은 멈추거나 I/O 오류를 받습니다. VM을 "
            "구동하지 마십시오.",
        ),
    ),
    Judgement(
        "mounts_inodes_filling",
        Status.WARNING,
        SECTION,
        en=Words(
            "{used}% of the inodes are used, {free} are free",
            "Look for folders of many small files (du --inodes -x --max-depth=2 {subject}) and clear them.",
        ),
        ko=Words(
            "inode 사용률 {used}%, 여유 {free}개",
            "작은 파일이 많은 디렉토리를 찾아(du --inodes -x --max-depth=2 {subject}) 정리하십시오.",
        ),
    ),
    Judgement(
        "mounts_inodes_full",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "{used}% of the inodes are used, only {free} are free: no new file can be made although there is space",
            "Clear folders of many small files on {subject} now (du --inodes -x --max-depth=2 {subject}).",
        ),
        ko=Words(
            "inode 사용률 {used}%, 여유 {free}개뿐: 공간이 있어도 새 파일을 만들 수 없음",
            "즉시 {subject} 에서 작은 파일이 많은 디렉토리를 정리하십시오(du --inodes -x --max-depth=2 {subject}).",
        ),
    ),
    Judgement(
        "mounts_server_dead",
        Status.CRITICAL,
        NAS,
        en=Words(
            "the NFS server does not answer: {detail}; mounted from it: {paths}",
            "Call the NAS team and check the network to {subject}. Run no df, ls or stat on {paths}: it would hang. "
            "Do not reboot the node; the mounts go on by themselves when the server is back.",
        ),
        ko=Words(
            "NFS 서버가 응답하지 않음{detail:?: }. 해당 마운트: {paths}",
            "NAS 담당자에게 연락하고 {subject} 까지의 네트워크를 확인하십시오. {paths} 에 df, ls, stat 을 실행하면 "
            "멈춥니다. 노드를 재부팅하지 마십시오. 서버가 돌아오면 마운트는 저절로 재개됩니다.",
        ),
        blocks=True,
    ),
    Judgement(
        "mounts_unreadable",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "mounted but not readable: {detail}",
            "Stop what uses {subject}, run umount {subject} (umount -f for NFS) and mount it again; on an I/O error "
            "repair the storage first.",
        ),
        ko=Words(
            "마운트되었으나 읽을 수 없음{detail:?: }",
            "{subject} 을(를) 쓰는 서비스를 멈추고 umount {subject}(NFS 는 umount -f) 후 다시 마운트하십시오. I/O "
            "오류이면 스토리지를 먼저 복구하십시오.",
        ),
    ),
    Judgement(
        "mounts_link_wrong",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "should be a link to {expected}: {found}",
            "See that nothing is lost below {subject}, then run ln -sfn {expected} {subject}.",
        ),
        ko=Words(
            "{expected} 을(를) 가리키는 링크여야 함: {found}",
            "{subject} 아래에 잃을 데이터가 없는지 확인한 뒤 ln -sfn {expected} {subject} 을(를) 실행하십시오.",
        ),
    ),
    Judgement(
        "mounts_link_dangling",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "the link leads to {target}, which cannot be reached: {detail}",
            "Mount the file system that holds {target}.",
        ),
        ko=Words(
            "링크가 가리키는 {target} 에 접근할 수 없음{detail:?: }",
            "{target} 을(를) 담은 파일시스템을 마운트하십시오.",
        ),
    ),
)
