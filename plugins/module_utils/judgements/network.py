# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be wrong with a node's addresses, routes and neighbours, how bad it is, and what the operator does about "
"it."""

from __future__ import annotations

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Judgement, Status, Words, table

SECTION = "uxen 구동 후 네트워크 점검 사항"

TABLE = table(
    Judgement(
        "network_ok",
        Status.OK,
        SECTION,
        en=Words("{targets} answer at full MTU over {interfaces}"),
        ko=Words("{interfaces} 에서 {targets} 모두 최대 MTU 로 응답"),
    ),
    Judgement(
        "network_untested",
        Status.OK,
        SECTION,
        en=Words("up, with no gateway or peer to ping: {interfaces}"),
        ko=Words("up 상태이며 ping 할 gateway 나 노드가 없음: {interfaces}"),
    ),
    Judgement(
        "network_gateway_missing",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "no default route over {expected}, which {expected_by} expects; there is: {routes}",
            "Set it: ip route replace default via {expected}. Then correct the gateway in /etc/network/interfaces, so "
            "that it stays after a boot.",
        ),
        ko=Words(
            "{expected_by} 의 기대값 {expected} 을(를) 사용하는 default route 가 없음. 현재: {routes}",
            "설정하십시오: ip route replace default via {expected}. 재부팅 후에도 유지되도록 /etc/network/interfaces "
            "의 gateway 를 수정하십시오.",
        ),
    ),
    Judgement(
        "network_no_gateway",
        Status.WARNING,
        SECTION,
        en=Words(
            "there is no default route",
            "If this node should reach other networks, set its gateway; if not, override the status of this finding.",
        ),
        ko=Words(
            "default route 가 없음",
            "다른 네트워크와 통신해야 하는 노드라면 gateway 를 설정하고, 아니면 이 항목의 상태를 재정의하십시오.",
        ),
    ),
    Judgement(
        "network_gateway_required",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "policy requires the network, and there is no default route",
            "Set the gateway: ip route replace default via GATEWAY. Then write it into /etc/network/interfaces, so "
            "that it stays after a boot.",
        ),
        ko=Words(
            "정책이 네트워크를 요구하지만 default route 가 없음",
            "gateway 를 설정하십시오: ip route replace default via GATEWAY. 재부팅 후에도 유지되도록 "
            "/etc/network/interfaces 에도 적으십시오.",
        ),
    ),
    Judgement(
        "network_gateway_down",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "gateway {gateway} answers neither ping nor ARP on {subject}",
            "Ask from another node: ping {gateway}. If it answers there, have the network team check this node's "
            "port, cable and VLAN on {subject}; if not, its router.",
        ),
        ko=Words(
            "{subject} 에서 gateway {gateway} 이(가) ping 과 ARP 에 모두 응답하지 않음",
            "다른 노드에서 확인하십시오: ping {gateway}. 응답하면 네트워크 담당자에게 이 노드의 {subject} "
            "포트·케이블·VLAN 확인을, 응답하지 않으면 라우터 확인을 요청하십시오.",
        ),
    ),
    Judgement(
        "network_gateway_silent",
        Status.WARNING,
        SECTION,
        en=Words(
            "gateway {gateway} answers ARP ({mac}) but no ping",
            "If it filters ping, override the status of this finding; otherwise have the network team check the "
            "router.",
        ),
        ko=Words(
            "gateway {gateway} 이(가) ARP 에는 응답({mac})하지만 ping 에 응답하지 않음",
            "ping 을 차단하는 gateway 라면 이 항목의 상태를 재정의하고, 아니면 네트워크 담당자에게 라우터 확인을 "
            "요청하십시오.",
        ),
    ),
    Judgement(
        "network_isolated",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "nobody answers over {subject}: {peers}",
            "Check the cable, switch port and VLAN of {subject} with the network team, and its bridge and bond on "
            "this node.",
        ),
        ko=Words(
            "{subject} 에서 응답하는 상대가 없음: {peers}",
            "네트워크 담당자와 {subject} 의 케이블·스위치 포트·VLAN 을, 이 노드에서 bridge 와 bond 를 확인하십시오.",
        ),
    ),
    Judgement(
        "network_peer_down",
        Status.WARNING,
        SECTION,
        en=Words(
            "{count} of {of} peers do not answer: {peers}",
            "Check {peers}: whether they are up, and whether another node reaches them.",
        ),
        ko=Words(
            "상대 {of}개 중 {count}개가 응답하지 않음: {peers}",
            "{peers} 이(가) 구동 중인지, 다른 노드에서는 응답하는지 확인하십시오.",
        ),
    ),
    Judgement(
        "network_loss",
        Status.WARNING,
        SECTION,
        en=Words(
            "{lost} of {sent} packets to {target} were lost",
            "Ping it for a minute (ping -i 0.2 -c 300 {target}) and read the errors of the port (ip -s link show "
            "{subject}); tell the network team if it goes on.",
        ),
        ko=Words(
            "{target} (으)로 보낸 패킷 {sent}개 중 {lost}개 손실",
            "1분간 ping 하고(ping -i 0.2 -c 300 {target}) 포트의 오류(ip -s link show {subject})를 확인하십시오. "
            "계속되면 네트워크 담당자에게 알리십시오.",
        ),
    ),
    Judgement(
        "network_mtu_peer",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "packets of {mtu} bytes do not reach {target}, small ones do",
            "Set one MTU on every node, bond, bridge and switch port of this network: bulk transfers (storage, o2net, "
            "migration) hang until then.",
        ),
        ko=Words(
            "{target} 에 {mtu} 바이트 패킷은 도달하지 않고 작은 패킷만 도달함",
            "이 네트워크의 모든 노드·bond·bridge·스위치 포트의 MTU 를 같게 하십시오. 그 전까지 대량 전송(스토리지, "
            "o2net, migration)이 멈춥니다.",
        ),
    ),
    Judgement(
        "network_mtu_gateway",
        Status.WARNING,
        SECTION,
        en=Words(
            "packets of {mtu} bytes do not reach gateway {target}, small ones do",
            "Ask the network team for the router's MTU; give the default route its own if it is smaller (ip route "
            "change default via {target} mtu SIZE).",
        ),
        ko=Words(
            "gateway {target} 에 {mtu} 바이트 패킷은 도달하지 않고 작은 패킷만 도달함",
            "네트워크 담당자에게 라우터의 MTU 를 확인하고, 더 작다면 default route 에 지정하십시오(ip route change "
            "default via {target} mtu 크기).",
        ),
    ),
    Judgement(
        "network_interface_mtu",
        Status.WARNING,
        SECTION,
        en=Words(
            "MTU is {mtu}, policy expects {expected}",
            "Set it (ip link set {subject} mtu {expected}) on every node at one time, and in /etc/network/interfaces.",
        ),
        ko=Words(
            "MTU 가 {mtu} 임. 정책의 기대값은 {expected}",
            "모든 노드에서 함께 설정하고(ip link set {subject} mtu {expected}) /etc/network/interfaces 에도 "
            "반영하십시오.",
        ),
    ),
    Judgement(
        "network_duplicate_address",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "{address} is used by another machine too: {macs}",
            "Find {macs} in the switches' tables and take {address} away from that machine; start no VM here until "
            "then.",
        ),
        ko=Words(
            "다른 장비가 {address} 을(를) 함께 사용 중: {macs}",
            "스위치에서 {macs} 을(를) 찾아 그 장비에서 {address} 을(를) 제거하십시오. 그 전까지 이 노드에서 VM을 "
            "구동하지 마십시오.",
        ),
    ),
    Judgement(
        "network_address_missing",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "address {address}, expected by {expected_by}, is not on this node",
            "Bring its interface up (ifup {subject}) and read why it failed: journalctl -u networking, or "
            "/var/log/syslog.",
        ),
        ko=Words(
            "{expected_by} 에 있는 주소 {address} 이(가) 이 노드에 없음",
            "interface 를 구동하고(ifup {subject}) 실패 원인을 확인하십시오: journalctl -u networking 또는 "
            "/var/log/syslog.",
        ),
    ),
    Judgement(
        "network_link_down",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "configured to be up, but has no link ({state})",
            "Check the cable and have the network team check the switch port of {subject}; if it was set down: ip "
            "link set {subject} up.",
        ),
        ko=Words(
            "up 으로 설정되어 있으나 링크가 없음({state})",
            "케이블을 확인하고 네트워크 담당자에게 {subject} 의 스위치 포트 확인을 요청하십시오. 내려져 있다면: ip "
            "link set {subject} up.",
        ),
    ),
)
