# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be wrong with a node's clock, how bad it is, and what the operator does about it."""

from __future__ import annotations

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Judgement, Status, Words, table

SECTION = "uxen 노드간의 시간 동기화 문제"

TABLE = table(
    Judgement(
        "time_ok",
        Status.OK,
        SECTION,
        en=Words("{daemon} follows {source} (stratum {stratum}); offset {offset} s"),
        ko=Words("{daemon} 이(가) {source}(stratum {stratum})에 동기화됨, 오차 {offset}초"),
    ),
    Judgement(
        "time_kernel_alone",
        Status.OK,
        SECTION,
        en=Words("no known time daemon, but the kernel's clock is being synchronised"),
        ko=Words("알려진 시간 데몬은 없으나 커널 시계는 동기화되고 있음"),
    ),
    Judgement(
        "time_no_daemon",
        Status.WARNING,
        SECTION,
        en=Words(
            "no time daemon keeps the clock",
            "Install chrony, name the site's NTP server in /etc/chrony/chrony.conf and start it (role time_sync does "
            "it).",
        ),
        ko=Words(
            "시계를 맞추는 시간 데몬이 없음",
            "chrony 를 설치하고 /etc/chrony/chrony.conf 에 사내 NTP 서버를 설정한 뒤 구동하십시오(time_sync role 이 "
            "수행).",
        ),
    ),
    Judgement(
        "time_daemon_down",
        Status.WARNING,
        SECTION,
        en=Words(
            "{daemon} is installed but does not run: {detail}",
            "Start it: {commands:, or }.",
        ),
        ko=Words(
            "{daemon} 이(가) 설치되어 있으나 구동 중이 아님{detail:?: }",
            "구동하십시오: {commands: 또는 }.",
        ),
    ),
    Judgement(
        "time_unsynchronised",
        Status.WARNING,
        SECTION,
        en=Words(
            "{daemon} runs but follows no server; it knows: {servers}",
            "Check that the NTP server answers this node (UDP port 123) and is named in the daemon's configuration; "
            "then run the role time_sync.",
        ),
        ko=Words(
            "{daemon} 이(가) 구동 중이나 동기화된 서버가 없음. 설정된 서버: {servers}",
            "NTP 서버가 이 노드에 응답하는지(UDP 123), 데몬 설정에 있는지 확인한 뒤 time_sync role 을 실행하십시오.",
        ),
    ),
    Judgement(
        "time_kernel_unsynchronised",
        Status.WARNING,
        SECTION,
        en=Words(
            "{daemon} says it is synchronised, the kernel says its clock is not: it was set by hand, or {daemon} may "
            "not set it",
            "Compare with another node (date). Correct it with no jump for running guests: the role time_sync, or "
            "chronyc makestep where a step is acceptable.",
        ),
        ko=Words(
            "{daemon} 은(는) 동기화되었다고 하나 커널 시계는 아님: 수동으로 변경되었거나 {daemon} 이(가) 시계를 "
            "설정하지 못함",
            "다른 노드와 시간을 비교하십시오(date). 구동 중인 VM에 영향이 없도록 time_sync role 로 맞추고, 즉시 "
            "변경해도 되면 chronyc makestep 을 실행하십시오.",
        ),
    ),
    Judgement(
        "time_server_silent",
        Status.WARNING,
        SECTION,
        en=Words(
            "time servers do not answer: {servers}",
            "Check {servers}: whether it runs and whether UDP port 123 is open from this node (network team). The "
            "clock drifts until then.",
        ),
        ko=Words(
            "시간 서버가 응답하지 않음: {servers}",
            "{servers} 이(가) 구동 중인지, 이 노드에서 UDP 123 이 열려 있는지(네트워크 담당자) 확인하십시오. 그 "
            "전까지 시계가 점점 어긋납니다.",
        ),
    ),
    Judgement(
        "time_server_not_allowed",
        Status.WARNING,
        SECTION,
        en=Words(
            "time servers that policy does not name: {servers}",
            "Remove every other server line from the daemon's configuration (/etc/ntp.conf, /etc/chrony/chrony.conf "
            "or /etc/systemd/timesyncd.conf) and restart it; the role time_sync does it.",
        ),
        ko=Words(
            "정책에 없는 시간 서버: {servers}",
            "데몬 설정(/etc/ntp.conf, /etc/chrony/chrony.conf 또는 /etc/systemd/timesyncd.conf)에서 다른 server "
            "설정을 모두 삭제하고 재시작하십시오(time_sync role 이 수행).",
        ),
    ),
    Judgement(
        "time_server_missing",
        Status.WARNING,
        SECTION,
        en=Words(
            "{daemon} does not use the servers of policy: {servers}",
            "Add {servers} to the daemon's configuration and restart it; the role time_sync does it.",
        ),
        ko=Words(
            "{daemon} 이(가) 정책의 서버를 사용하지 않음: {servers}",
            "데몬 설정에 {servers} 을(를) 추가하고 재시작하십시오(time_sync role 이 수행).",
        ),
    ),
    Judgement(
        "time_stratum_high",
        Status.WARNING,
        SECTION,
        en=Words(
            "stratum {stratum} is above policy's {limit}",
            "Check what {source} itself follows: a high stratum is a server that has lost its own source.",
        ),
        ko=Words(
            "stratum {stratum} 이(가) 정책의 {limit} 을(를) 초과",
            "{source} 이(가) 무엇에 동기화되어 있는지 확인하십시오. stratum 이 높으면 그 서버가 기준 시간을 잃은 "
            "상태입니다.",
        ),
    ),
    Judgement(
        "time_sync_old",
        Status.WARNING,
        SECTION,
        en=Words(
            "last synchronised {age} s ago, policy allows {limit} s",
            "Check that the time server still answers this node (UDP port 123), then restart the daemon.",
        ),
        ko=Words(
            "마지막 동기화가 {age}초 전임. 정책의 한도는 {limit}초",
            "시간 서버가 이 노드에 응답하는지(UDP 123) 확인한 뒤 데몬을 재시작하십시오.",
        ),
    ),
    Judgement(
        "time_offset_high",
        Status.WARNING,
        SECTION,
        en=Words(
            "the clock is {offset} s off {source}, policy allows {limit} s",
            "Wait if the daemon is slewing it (the offset shrinks); otherwise run the role time_sync. Do not step the "
            "clock back while guests run.",
        ),
        ko=Words(
            "시계가 {source} 와(과) {offset}초 차이. 정책의 한도는 {limit}초",
            "데몬이 서서히 맞추는 중(오차 감소)이면 기다리고, 아니면 time_sync role 을 실행하십시오. VM이 구동 중일 "
            "때 시간을 뒤로 돌리지 마십시오.",
        ),
    ),
    Judgement(
        "time_differs",
        Status.WARNING,
        SECTION,
        en=Words(
            "the clock differs from the other nodes' by {seconds} s",
            "Run the role time_sync for {subject}; until then its logs cannot be compared with the other nodes'.",
        ),
        ko=Words(
            "다른 노드들과 시계가 {seconds}초 차이",
            "{subject} 에 time_sync role 을 실행하십시오. 그 전까지 다른 노드와 로그의 시각을 비교할 수 없습니다.",
        ),
    ),
)
