# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be wrong with Open vSwitch, how bad it is, and what the operator does about it."""

from __future__ import annotations

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Judgement, Status, Words, table

SECTION = "uxen 구동 후 네트워크 점검 사항: bridge 확인"

TABLE = table(
    Judgement(
        "openvswitch_ok",
        Status.OK,
        SECTION,
        en=Words("both daemons answer; {bridges} hold {ports} ports, none in error"),
        ko=Words("두 데몬 모두 정상, {bridges} 의 포트 {ports}개에 오류 없음"),
    ),
    Judgement(
        "openvswitch_database_down",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "ovsdb-server does not answer: {detail}",
            "Start it (systemctl restart ovsdb-server, or /etc/init.d/openvswitch-switch start): without it no VM's "
            "interface can be plugged in, so no VM starts or arrives here.",
        ),
        ko=Words(
            "ovsdb-server 가 응답하지 않음{detail:?: }",
            "데몬을 구동하십시오(systemctl restart ovsdb-server 또는 /etc/init.d/openvswitch-switch start). 데몬이 "
            "없으면 VM의 interface 를 연결할 수 없어 VM을 구동하거나 받을 수 없습니다.",
        ),
    ),
    Judgement(
        "openvswitch_switch_down",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "ovs-vswitchd does not answer: {detail}",
            "Start it (systemctl restart ovs-vswitchd, or /etc/init.d/openvswitch-switch start): known flows go on in "
            "the kernel for some seconds, nothing new gets through, and the database shows no fault.",
        ),
        ko=Words(
            "ovs-vswitchd 가 응답하지 않음{detail:?: }",
            "데몬을 구동하십시오(systemctl restart ovs-vswitchd 또는 /etc/init.d/openvswitch-switch start). 기존 flow "
            "는 커널에서 잠시 유지되지만 새 통신은 되지 않으며, DB 에는 이상이 보이지 않습니다.",
        ),
    ),
    Judgement(
        "openvswitch_bridge_missing",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "the bridge expected by {expected_by} does not exist",
            "Bring it up (ifup --allow=ovs {subject}, or ovs-vsctl add-br {subject}) and add its ports.",
        ),
        ko=Words(
            "{expected_by} 에 있는 bridge 가 존재하지 않음",
            "bridge 를 구동하고(ifup --allow=ovs {subject} 또는 ovs-vsctl add-br {subject}) 포트를 추가하십시오.",
        ),
    ),
    Judgement(
        "openvswitch_port_missing",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "port {port}, expected by {expected_by}, is in no bridge",
            "Check that the device exists (ip link show {port}), then add it: ovs-vsctl add-port {subject} {port}.",
        ),
        ko=Words(
            "{expected_by} 에 있는 포트 {port} 이(가) 어느 bridge 에도 없음",
            "장치가 있는지(ip link show {port}) 확인한 뒤 추가하십시오: ovs-vsctl add-port {subject} {port}.",
        ),
    ),
    Judgement(
        "openvswitch_port_elsewhere",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "port {port} is in {bridge}; {expected_by} has it in {subject}",
            "Move it: ovs-vsctl del-port {bridge} {port} -- add-port {subject} {port}. VMs on {subject} are on the "
            "wrong network until then.",
        ),
        ko=Words(
            "포트 {port} 이(가) {bridge} 에 있음. {expected_by} 에는 {subject} 의 포트임",
            "포트를 옮기십시오: ovs-vsctl del-port {bridge} {port} -- add-port {subject} {port}. 그 전까지 {subject} "
            "의 VM은 다른 네트워크에 연결된 상태입니다.",
        ),
    ),
    Judgement(
        "openvswitch_interface_error",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "a port of {bridge} does not work: {error}",
            "Check that the device exists (ip link show {subject}). If it is no longer wanted: ovs-vsctl del-port "
            "{bridge} {port}.",
        ),
        ko=Words(
            "{bridge} 의 포트가 동작하지 않음{error:?: }",
            "장치가 있는지(ip link show {subject}) 확인하십시오. 더 이상 필요 없다면: ovs-vsctl del-port {bridge} "
            "{port}.",
        ),
    ),
    Judgement(
        "openvswitch_guest_port_left",
        Status.WARNING,
        SECTION,
        en=Words(
            "ports of VMs that are gone are left in {subject}: {ports}",
            "Remove each of them once no VM uses it (xl list): ovs-vsctl --if-exists del-port {subject} PORT.",
        ),
        ko=Words(
            "종료된 VM의 포트가 {subject} 에 남아 있음: {ports}",
            "사용하는 VM이 없는지(xl list) 확인한 뒤 각각 제거하십시오: ovs-vsctl --if-exists del-port {subject} 포트.",
        ),
    ),
)
