# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The phrases of what works on a node: why an epoch, a lease or a job is refused, and how it ended."""

from __future__ import annotations

from typing import Dict, Tuple

JOBS: Dict[str, Tuple[str, str]] = {
    "this_node": ("this node", "이 노드"),
    # epochs
    "epoch_other_zone": (
        "{0} is of zone {1}, not of {2}: one zone's epochs say nothing about another's",
        "{0} 은(는) 존 {2} 이(가) 아니라 {1} 소속임: 다른 존의 epoch 은(는) 비교할 수 없음",
    ),
    "epoch_overtaken": (
        "overtaken: {0} has epoch {1}, this is epoch {2}. Whoever has the newer one works on the zone now",
        "다른 실행이 이어받음: {0} 의 epoch 은(는) {1}, 이 작업은 {2}. 더 새로운 쪽이 존에서 작업 중임",
    ),
    "epoch_not_new": (
        "not new: {0} has epoch {1} already, from another controller",
        "새 epoch 이(가) 아님: {0} 에 다른 컨트롤러의 epoch {1} 이(가) 이미 있음",
    ),
    # leases
    "lease_no_mount": ("{0}: no file system holds it", "{0}: 해당하는 파일시스템이 없음"),
    "lease_read_only": ("{0} is mounted read-only: {1}", "{0} 이(가) 읽기 전용으로 마운트됨: {1}"),
    "lease_localflocks": (
        "{0} is mounted localflocks: a lock there keeps out nobody on other nodes",
        "{0} 이(가) localflocks 로 마운트됨: 다른 노드를 막지 못함",
    ),
    "lease_without_cluster": ("{0} is OCFS2 without a cluster: {1}", "{0} 은(는) 클러스터 없는 OCFS2 임: {1}"),
    "lease_wrong_storage": (
        "{0} is {1}: a lease needs OCFS2, or local storage ({2})",
        "{0} 은(는) {1}: lease 에는 OCFS2 또는 로컬 스토리지({2})가 필요함",
    ),
    "lease_not_shared": (
        "{0} is {1} on {2}, which only this node can open, and was not declared local",
        "{0} 은(는) {2} 의 {1} (으)로 이 노드만 열 수 있으나 local 로 지정되지 않음",
    ),
    "lease_mounts_garbled": ("{0} is not understood: {1}", "{0} 을(를) 해석할 수 없음: {1}"),
    "lease_unlinked": (
        "{0} was unlinked: its lock keeps out nobody",
        "{0} 파일이 삭제됨: 그 lock 은 아무도 막지 못함",
    ),
    "lease_not_ours": ("{0} is not ours any more: {1}", "{0} 의 소유자가 바뀜: {1}"),
    "lease_empty": ("empty", "비어 있음"),
    "lease_not_given_back": (
        "{0} came free without being given back by {1}: that node may still write until it is proven off",
        "{1} 이(가) 반납하지 않은 채 {0} 이(가) 풀림: 꺼진 것이 확인될 때까지 그 노드가 아직 쓸 수 있음",
    ),
    "lease_damaged": (
        "the lease is damaged, a person must look at it: {0}",
        "lease 파일이 손상됨. 직접 확인하십시오: {0}",
    ),
    "lease_busy": ("{0}: not free within {1} s", "{0}: {1}초 안에 풀리지 않음"),
    "lease_waiter_ended": ("the one who waited for it ended", "기다리던 프로세스가 종료됨"),
    # any job
    "job_stopped": ("it was asked to stop", "중지 요청을 받음"),
    "job_time_over": ("its {0} s were over", "주어진 {0}초가 지남"),
    "job_too_old": (
        "what it rests on is {0} s too old: read the nodes again",
        "근거가 {0}초 오래됨: 노드를 다시 읽으십시오",
    ),
    "job_no_domain": ("this node has no domain of it", "이 노드에 해당 VM의 도메인이 없음"),
    "job_still_there": (
        "domain {0}, or who has its images open, is still there {1}: {2}",
        "{1} 도메인 {0} 또는 이미지를 연 프로세스가 남아 있음: {2}",
    ),
    "job_after": ("{0} s after {1}", "{1} 후 {0}초가 지나도"),
    "job_is": ("The job {0} is {1}: {2}", "작업 {0} 의 상태 {1}: {2}"),
    "job_is_and_acted": (
        "The job {0} is {1}, and may have changed something: {2}",
        "작업 {0} 의 상태 {1}, 이미 변경했을 수 있음: {2}",
    ),
    "vm_left_alone": ("Nothing was done to {0}: {1}", "{0} 에 아무것도 하지 않음: {1}"),
    "vm_node_refused": ("The node refused: {0}", "노드가 거부함: {0}"),
    # a start
    "job_other_config": ("{0} is of the VM {1}", "{0} 은(는) 다른 VM의 설정임: {1}"),
    "job_without_uuid": ("without a uuid", "uuid 없음"),
    "job_has_domain": ("this node has a domain of it: {0}", "이 노드에 이미 도메인이 있음: {0}"),
    "job_image_open": ("an image of it is open: {0:; }", "이미지가 열려 있음: {0:; }"),
    "job_tool_works": ("something works on it: {0:; }", "이 VM에 대한 작업이 진행 중: {0:; }"),
    "job_unread": ("not known: {0:; }", "확인되지 않음: {0:; }"),
    "job_two_domains": ("this node has two domains of it: {0}", "이 노드에 도메인이 두 개 있음: {0}"),
    "job_create_in_vain": (
        "xl create ended well, and there is no domain: {0}",
        "xl create 는 성공했으나 도메인이 없음: {0}",
    ),
    "job_created_does_not_run": (
        "domain {0} does not run: it is {1}; xl create: {2}",
        "도메인 {0} 이(가) 구동되지 않음: 상태 {1}; xl create: {2}",
    ),
    # a stop, a pause
    "job_which_domain": (
        "which of them is meant is a person's word: {0}",
        "어느 것을 뜻하는지 담당자의 결정이 필요함: {0}",
    ),
    "job_moving": ("domain {0} is being moved or saved: {1}", "도메인 {0} 이(가) 이동 또는 저장 중: {1}"),
    "job_not_held": (
        "domain {0} is {1}: it is neither held nor let go by this",
        "도메인 {0} 의 상태 {1}: pause 나 unpause 로 바뀌지 않음",
    ),
    "job_not_paused": ("domain {0} after xl {1}: {2}", "xl {1} 후 도메인 {0}: {2}"),
    # a migration
    "job_too_short": ("a migration is given at least {0} s", "마이그레이션에는 최소 {0}초가 필요함"),
    "job_was_unpaused": (
        "it was unpaused here, and is no copy that may be destroyed: {0}",
        "여기서 구동된 적이 있어 삭제할 수 없는 사본임: {0}",
    ),
    "job_copy_stays": ("its copy is still there after {0} s", "{0}초 후에도 사본이 남아 있음"),
    "job_target_unseen": ("the target cannot be seen: {0}", "대상 노드를 확인할 수 없음: {0}"),
    "job_source_unseen": ("this node cannot be seen: {0}", "이 노드를 확인할 수 없음: {0}"),
    "job_other_boot": ("{0} has started again since it was found fit", "{0} 이(가) 점검 후 재부팅됨"),
    "job_target_has_domain": ("{0} has a domain of it already: {1}", "{0} 에 이미 도메인이 있음: {1}"),
    "job_many_domains": ("{0} has several domains of it: {1}", "{0} 에 도메인이 여러 개 있음: {1}"),
    "job_not_moved": ("only a VM that runs is moved, and it is {0}", "구동 중인 VM만 이동할 수 있음. 현재 상태: {0}"),
    "job_no_name": ("xenstore has no name of domain {0}: {1}", "xenstore 에 도메인 {0} 의 이름이 없음: {1}"),
    "job_stayed": ("it runs on at the source; xl migrate: {0}", "원본 노드에서 계속 구동 중; xl migrate: {0}"),
    "job_receivers": (
        "{0} may be receiving other VMs too: which receiver is ours is not known",
        "{0} 이(가) 다른 VM도 수신 중일 수 있음: 어느 수신 프로세스인지 알 수 없음",
    ),
    "job_twice": (
        "both copies may run: pause them with vm_twice",
        "양쪽 사본이 모두 구동 중일 수 있음: vm_twice 로 일시 정지하십시오",
    ),
    "job_nowhere": ("neither node has a domain of it any more", "양쪽 노드 모두 도메인이 없음"),
    "job_undecided": (
        "which copy is kept is not decided, and nothing more is touched: {0:; }",
        "어느 사본을 남길지 결정되지 않아 더 이상 조치하지 않음: {0:; }",
    ),
    "job_not_proven": ("not proven: {0}", "확인되지 않음: {0}"),
    "job_not_of": ("domain {0} is not of {1}", "도메인 {0} 은(는) {1} 의 것이 아님"),
    "job_stays_down": (
        "domain {0} stays shut down after it was resumed",
        "resume 후에도 도메인 {0} 이(가) 꺼져 있음",
    ),
    "job_not_suspended": (
        "domain {0} is shut down, but was not suspended: nothing brings it back",
        "도메인 {0} 은(는) suspend 되지 않고 종료됨: 되살릴 수 없음",
    ),
    "job_not_renamed": (
        "it runs, but not under its name: {0}",
        "구동 중이나 원래 이름이 아님: {0}",
    ),
}
