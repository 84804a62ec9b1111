# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be wrong with a bond, how bad it is, and what the operator does about it."""

from __future__ import annotations

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Judgement, Status, Words, table

SECTION = "uxen 구동 후 네트워크 점검 사항: Bonding 확인"

TABLE = table(
    Judgement(
        "bonding_ok",
        Status.OK,
        SECTION,
        en=Words("all {slaves} slaves of {bonds} are up"),
        ko=Words("{bonds} 의 slave {slaves}개가 모두 정상"),
    ),
    Judgement(
        "bonding_slave_down",
        Status.WARNING,
        SECTION,
        en=Words(
            "{down} of {of} slaves are down: {slaves}; traffic goes over {up}",
            "Service goes on over {up}. Have the network team check the port, cable and switch of {slaves}.",
        ),
        ko=Words(
            "slave {of}개 중 {down}개 down: {slaves}; 트래픽은 {up} 사용",
            "{up} (으)로 서비스는 가능합니다. 네트워크 담당자에게 {slaves} 의 포트·케이블·스위치 확인을 요청하십시오.",
        ),
    ),
    Judgement(
        "bonding_all_slaves_down",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "no slave is up: {slaves}",
            "Call the network team now: everything bridged over {subject} is cut off, although its bridge still reads "
            "up. Start no VM on this node.",
        ),
        ko=Words(
            "정상인 slave 가 없음: {slaves}",
            "즉시 네트워크 담당자에게 연락하십시오. bridge 가 up 으로 보여도 {subject} 에 연결된 통신은 모두 끊긴 "
            "상태입니다. 이 노드에서 VM을 구동하지 마십시오.",
        ),
    ),
    Judgement(
        "bonding_down",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "the bond is down although {up} is up",
            "Set it up (ip link set {subject} up) and check its min_links "
            "(/sys/class/net/{subject}/bonding/min_links).",
        ),
        ko=Words(
            "{up} 은(는) up 이지만 bond 가 down",
            "bond 를 up 하고(ip link set {subject} up) min_links(/sys/class/net/{subject}/bonding/min_links)를 "
            "확인하십시오.",
        ),
    ),
    Judgement(
        "bonding_bond_missing",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "the bond expected by {expected_by} does not exist",
            "Bring it up (ifup {subject}) and read why it failed: journalctl -u networking, or /var/log/syslog.",
        ),
        ko=Words(
            "{expected_by} 에 있는 bond 가 존재하지 않음",
            "bond 를 구동하고(ifup {subject}) 실패 원인을 확인하십시오: journalctl -u networking 또는 /var/log/syslog.",
        ),
    ),
    Judgement(
        "bonding_slave_missing",
        Status.WARNING,
        SECTION,
        en=Words(
            "slaves expected by {expected_by} are not in the bond: {slaves}",
            "Check that the port exists (ip link show), then add each: ifenslave {subject} PORT. If the bond is right "
            "as it is, record a new baseline.",
        ),
        ko=Words(
            "{expected_by} 에 있는 slave 가 bond 에 없음: {slaves}",
            "포트가 있는지(ip link show) 확인한 뒤 각각 추가하십시오: ifenslave {subject} 포트. 현재 상태가 맞다면 "
            "기준값을 다시 기록하십시오.",
        ),
    ),
    Judgement(
        "bonding_active_changed",
        Status.WARNING,
        SECTION,
        en=Words(
            "{active} is the active slave, {expected_by} expects {expected}, which is up",
            "Find out when and why it changed (dmesg | grep {subject}), tell the network team, and change back in a "
            "quiet hour: ifenslave -c {subject} {expected}.",
        ),
        ko=Words(
            "active slave 가 {active} 임. {expected_by} 의 기대값 {expected} 은(는) up 상태",
            "변경된 시각과 원인을 확인하고(dmesg | grep {subject}) 네트워크 담당자에게 알린 뒤, 한가한 시간에 "
            "되돌리십시오: ifenslave -c {subject} {expected}.",
        ),
    ),
    Judgement(
        "bonding_mode_differs",
        Status.WARNING,
        SECTION,
        en=Words(
            "the mode is {mode}, {expected_by} expects {expected}",
            "Correct the mode in /etc/network/interfaces; it changes only with the bond down, so drain the node first.",
        ),
        ko=Words(
            "모드가 {mode} 임. {expected_by} 의 기대값은 {expected}",
            "/etc/network/interfaces 의 모드를 수정하십시오. bond 를 내려야 바뀌므로 노드의 VM을 먼저 옮기십시오.",
        ),
    ),
    Judgement(
        "bonding_speed_low",
        Status.WARNING,
        SECTION,
        en=Words(
            "slower than the {expected} Mbps of policy: {slaves}",
            "Have the network team check cable, module and switch port of {slaves}: the link was negotiated too low.",
        ),
        ko=Words(
            "정책 {expected} Mbps 보다 느림: {slaves}",
            "링크 속도가 낮게 협상되었습니다. 네트워크 담당자에게 {slaves} 의 케이블·모듈·스위치 포트 확인을 "
            "요청하십시오.",
        ),
    ),
    Judgement(
        "bonding_speed_unequal",
        Status.WARNING,
        SECTION,
        en=Words(
            "the slaves' speeds differ: {slaves}",
            "Have the network team check the slower port: after a failover the node runs at its speed.",
        ),
        ko=Words(
            "slave 의 속도가 서로 다름: {slaves}",
            "네트워크 담당자에게 느린 포트의 확인을 요청하십시오. 절체되면 그 속도로 서비스하게 됩니다.",
        ),
    ),
    Judgement(
        "bonding_half_duplex",
        Status.WARNING,
        SECTION,
        en=Words(
            "half duplex: {slaves}",
            "Set both ends of {slaves} to autonegotiation, or both to full duplex: one end was fixed by hand.",
        ),
        ko=Words(
            "반이중(half duplex)으로 동작: {slaves}",
            "{slaves} 의 양 끝을 모두 autonegotiation 또는 모두 full duplex 로 맞추십시오. 한쪽만 고정된 상태입니다.",
        ),
    ),
    Judgement(
        "bonding_aggregators_differ",
        Status.WARNING,
        SECTION,
        en=Words(
            "the slaves are in different LACP aggregators, only one of them carries traffic: {slaves}",
            "Have the network team put the switch ports of all slaves into one port channel (or MLAG) with LACP "
            "active.",
        ),
        ko=Words(
            "slave 의 LACP aggregator 가 서로 달라 하나만 사용됨: {slaves}",
            "네트워크 담당자에게 모든 slave 의 스위치 포트를 LACP active 로 같은 port channel(또는 MLAG)에 넣도록 "
            "요청하십시오.",
        ),
    ),
    Judgement(
        "bonding_lacp_partner_missing",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "no LACP partner answers",
            "Have the network team configure LACP on the switch ports of {subject}: without a partner the switch may "
            "drop its traffic.",
        ),
        ko=Words(
            "LACP 상대가 응답하지 않음",
            "네트워크 담당자에게 {subject} 의 스위치 포트에 LACP 설정을 요청하십시오. 상대가 없으면 스위치가 트래픽을 "
            "버릴 수 있습니다.",
        ),
    ),
)
