# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may keep a VM from being moved, how bad it is, and what the operator does about it."""

from __future__ import annotations

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Judgement, Status, Words, table

SECTION = "vm migration 실패 시"
RULE = "docs/rules.md#rule-34"

TABLE = table(
    Judgement(
        "migration_ready",
        Status.OK,
        SECTION,
        en=Words("nothing keeps it from moving from {source} to {target}"),
        ko=Words("{source} 에서 {target} (으)로 옮기는 데 지장이 없음"),
    ),
    Judgement(
        "migration_same_node",
        Status.CRITICAL,
        SECTION,
        en=Words("it runs on {node} already", "Name another target."),
        ko=Words("이미 {node} 에서 실행 중", "다른 target 노드를 지정하십시오."),
    ),
    Judgement(
        "migration_not_running",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "only a VM that runs in one domain is moved; on {node}: {state}",
            "Look where it is: playbooks/vm_where.yml. One that is off is started at the target instead.",
        ),
        ko=Words(
            "하나의 도메인으로 실행 중인 VM만 옮길 수 있음. {node}: {state}",
            "playbooks/vm_where.yml 로 위치를 확인하십시오. 꺼져 있다면 target 에서 구동하십시오.",
        ),
    ),
    Judgement(
        "migration_elsewhere",
        Status.CRITICAL,
        RULE,
        en=Words(
            "it has a domain on {nodes}, too",
            "Do not move it. See whether it runs twice: playbooks/vm_twice.yml.",
        ),
        ko=Words(
            "{nodes} 에도 이 VM의 도메인이 있음",
            "옮기지 마십시오. 이중 실행인지 확인하십시오: playbooks/vm_twice.yml.",
        ),
    ),
    Judgement(
        "migration_left_over",
        Status.CRITICAL,
        RULE,
        en=Words(
            "{nodes} has a paused copy of it that an earlier migration left",
            "Run the playbook vm_migrate with vm_migrate_settle=true: it destroys a copy that was never unpaused.",
        ),
        ko=Words(
            "{nodes} 에 이전 migration 이 남긴 일시정지 상태의 사본이 있음",
            "vm_migrate 플레이북을 vm_migrate_settle=true 로 실행하십시오. 한 번도 실행되지 않은 사본을 정리합니다.",
        ),
    ),
    Judgement(
        "migration_silent",
        Status.WARNING,
        RULE,
        en=Words(
            "these nodes gave no answer, and what they have of it is not known: {nodes}",
            "Ask them first, where that is possible: nothing of it should be on another node.",
        ),
        ko=Words(
            "응답하지 않아 이 VM이 있는지 알 수 없는 노드: {nodes}",
            "가능하면 먼저 확인하십시오. 다른 노드에 이 VM이 없어야 합니다.",
        ),
    ),
    Judgement(
        "migration_unread",
        Status.UNKNOWN,
        SECTION,
        en=Words("not known, {what}: {why}", "Bring the reading about, then run it again."),
        ko=Words("알 수 없음, {what}: {why}", "읽을 수 있게 한 뒤 다시 실행하십시오."),
    ),
    Judgement(
        "migration_ssh_host_key",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "root of {source} does not know the host key of {address}: {said}",
            "Run it with migration_preflight_fix=[host_key]: the key is read on {target} itself, not over the network.",
        ),
        ko=Words(
            "{source} 의 root 가 {address} 의 host key 를 모름: {said}",
            "migration_preflight_fix=[host_key] 로 실행하십시오. 키는 네트워크가 아니라 {target} 에서 직접 가져옵니다.",
        ),
    ),
    Judgement(
        "migration_ssh_changed",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "{address} has another host key than the one root of {source} knows",
            "Learn why: a new installation of {target}, or another machine. Then migration_preflight_fix=[host_key].",
        ),
        ko=Words(
            "{address} 의 host key 가 {source} 의 root 가 알고 있는 것과 다름",
            "{target} 재설치인지 다른 장비인지 먼저 확인하고, 그 뒤 migration_preflight_fix=[host_key] 로 "
            "실행하십시오.",
        ),
    ),
    Judgement(
        "migration_ssh_denied",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "{address} asks root of {source} for a password: {said}",
            "Run it with migration_preflight_fix=[root_key], or add root's public key of {source} to "
            "/root/.ssh/authorized_keys of {target}.",
        ),
        ko=Words(
            "{source} 의 root 가 {address} 에 접속할 때 패스워드를 요구함: {said}",
            "migration_preflight_fix=[root_key] 로 실행하거나, {source} 의 root 공개키를 {target} 의 "
            "/root/.ssh/authorized_keys 에 추가하십시오.",
        ),
    ),
    Judgement(
        "migration_ssh_failed",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "root of {source} does not reach {address} by ssh: {said}",
            "Try it on {source}: ssh -o BatchMode=yes root@{address} xl info. Look at the name, the route and sshd.",
        ),
        ko=Words(
            "{source} 의 root 가 {address} 에 ssh 로 접속할 수 없음: {said}",
            "{source} 에서 확인하십시오: ssh -o BatchMode=yes root@{address} xl info. 이름, 경로, sshd 를 "
            "점검하십시오.",
        ),
    ),
    Judgement(
        "migration_ssh_other_node",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "{address} leads {source} to {said}, not to {target}",
            "Correct the name's address (/etc/hosts of {source}), or give migration_preflight_address.",
        ),
        ko=Words(
            "{source} 에서 {address} 은(는) {target} 이(가) 아니라 {said} (으)로 연결됨",
            "{source} 의 /etc/hosts 를 고치거나 migration_preflight_address 를 지정하십시오.",
        ),
    ),
    Judgement(
        "migration_memory",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "{node} has {free} MiB free, and it needs {needs} MiB with its overhead",
            "Choose another target, or move a VM away from {node}. Do not take the memory from dom0.",
        ),
        ko=Words(
            "{node} 의 여유 메모리 {free} MiB, 오버헤드 포함 필요 메모리 {needs} MiB",
            "다른 target 을 고르거나 {node} 의 VM을 옮기십시오. dom0 메모리를 줄이지 마십시오.",
        ),
    ),
    Judgement(
        "migration_dom0_ballooned",
        Status.WARNING,
        SECTION,
        en=Words(
            "dom0 of {node} has {dom0} MiB of {maximum} MiB: it gave the rest to guests",
            "Give it back (xl mem-set 0 {maximum}) as far as {node} has it free, and fix dom0_mem.",
        ),
        ko=Words(
            "{node} 의 dom0 메모리가 {maximum} MiB 중 {dom0} MiB: 나머지를 VM에 내어 줌",
            "여유가 있으면 되돌리고(xl mem-set 0 {maximum}) dom0_mem 을 고정하십시오.",
        ),
    ),
    Judgement(
        "migration_local_disk",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "{path} lies on {volume}, which {source} alone can open",
            "It cannot be moved live. Move the image to shared storage while the VM is off.",
        ),
        ko=Words(
            "{path} 은(는) {source} 만 열 수 있는 {volume} 에 있음",
            "live migration 이 불가능합니다. VM을 끈 상태에서 이미지를 공유 스토리지로 옮기십시오.",
        ),
    ),
    Judgement(
        "migration_other_disk",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "{path} is not the same file on {target} as on {source}",
            "Look what is mounted there on both (the UUID of the volume), and where links lead.",
        ),
        ko=Words(
            "{target} 의 {path} 이(가) {source} 와 같은 파일이 아님",
            "양쪽의 마운트(볼륨 UUID)와 링크가 가리키는 곳을 확인하십시오.",
        ),
    ),
    Judgement(
        "migration_no_config",
        Status.WARNING,
        SECTION,
        en=Words(
            "it has no .cfg below the image roots, or several: what a start on {node} would need is not known",
            "It runs on after the migration, but may not start again there. Look for its .cfg.",
        ),
        ko=Words(
            "이미지 경로에 이 VM의 .cfg 가 없거나 여러 개: {node} 에서 재구동할 때 필요한 파일을 알 수 없음",
            "migration 뒤에도 실행은 되지만 다시 구동되지 않을 수 있습니다. .cfg 를 확인하십시오.",
        ),
    ),
    Judgement(
        "migration_no_file",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "{node} has no {path}, which its .cfg names",
            "Bring it there, or take it out of the .cfg (an ISO that is needed no more).",
        ),
        ko=Words(
            ".cfg 에 있는 {path} 이(가) {node} 에 없음",
            "그 노드에 복사하거나, 필요 없는 ISO 라면 .cfg 에서 빼십시오.",
        ),
    ),
    Judgement(
        "migration_no_bridge",
        Status.CRITICAL,
        SECTION,
        en=Words("{node} has no bridge {bridge}", "Make it as on the source, with the same name and the same network."),
        ko=Words("{node} 에 bridge {bridge} 이(가) 없음", "source 와 같은 이름, 같은 네트워크로 만드십시오."),
    ),
    Judgement(
        "migration_display_taken",
        Status.WARNING,
        SECTION,
        en=Words(
            "its VNC display {display} is taken on {node}: {who}; it will listen on another one there",
            "It may be moved: afterwards the database is given the display that it really has.",
        ),
        ko=Words(
            "VNC display {display} 이(가) {node} 에서 이미 사용 중: {who}. 옮긴 뒤에는 다른 번호를 쓰게 됨",
            "옮겨도 됩니다. 이후 DB 에 실제 display 를 반영합니다.",
        ),
    ),
    Judgement(
        "migration_xen_older",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "{node} has Xen {target}, older than {source}", "Xen takes no VM from a newer version: choose another."
        ),
        ko=Words(
            "{node} 의 Xen {target} 이(가) {source} 보다 낮음",
            "높은 버전의 VM은 받을 수 없습니다. 다른 노드를 고르십시오.",
        ),
    ),
    Judgement(
        "migration_xen_newer",
        Status.WARNING,
        SECTION,
        en=Words(
            "{node} has Xen {target}, more than one version above {source}",
            "Xen promises it from one version to the next only: try it with a VM that may be lost.",
        ),
        ko=Words(
            "{node} 의 Xen {target} 이(가) {source} 보다 두 버전 이상 높음",
            "바로 다음 버전까지만 보장됩니다. 중요하지 않은 VM으로 먼저 시험하십시오.",
        ),
    ),
    Judgement(
        "migration_cpu",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "the CPU of {node} lacks features that the source has: {lacks}",
            "The guest may crash there: choose a node with the same CPU, or restart the VM with levelled features.",
        ),
        ko=Words(
            "source 에 있는 CPU 기능이 {node} 에 없음: {lacks}",
            "VM이 죽을 수 있습니다. 같은 CPU 의 노드를 고르거나, 기능을 맞춘 설정으로 VM을 재구동하십시오.",
        ),
    ),
    Judgement(
        "migration_modes",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "{node} cannot run guests as the source does: {lacks}", "Look at the firmware's virtualisation settings."
        ),
        ko=Words(
            "{node} 이(가) source 와 같은 방식으로 VM을 실행할 수 없음: {lacks}", "펌웨어의 가상화 설정을 확인하십시오."
        ),
    ),
)
