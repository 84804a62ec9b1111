# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be wrong with nginx, the uxen API and other services, how bad it is, and what the operator does about it."""

from __future__ import annotations

from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import Judgement, Status, Words, table

SECTION = "uxen 서비스 점검 사항"

TABLE = table(
    Judgement(
        "services_ok",
        Status.OK,
        SECTION,
        en=Words("{running} running; port 80: {http}"),
        ko=Words("구동 중: {running}. 80 포트: {http}"),
    ),
    Judgement(
        "services_nginx_down",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "nginx is not running",
            "Test its configuration (nginx -t), then start it: systemctl start nginx, or /etc/init.d/nginx start.",
        ),
        ko=Words(
            "nginx 가 구동중이지 않음",
            "설정을 검사(nginx -t)한 뒤 구동하십시오: systemctl start nginx 또는 /etc/init.d/nginx start.",
        ),
    ),
    Judgement(
        "services_api_down",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "the uxen API is not running",
            "See that /data is mounted, then start it as {user}: su - {user} -c 'cd ~/uxen/scripts && ./uxen_was.sh "
            "start'.",
        ),
        ko=Words(
            "uxen api 가 구동중이지 않음",
            "/data 가 마운트되었는지 확인한 뒤 {user} 계정으로 구동하십시오: su - {user} -c 'cd ~/uxen/scripts && "
            "./uxen_was.sh start'.",
        ),
    ),
    Judgement(
        "services_api_wrong_user",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "the uxen API runs as {found}, not as {user} (pid {pids})",
            "Stop it, correct the owner of the files it wrote below ~{user}/uxen, and start it as {user}: su - {user} "
            "-c 'cd ~/uxen/scripts && ./uxen_was.sh start'.",
        ),
        ko=Words(
            "uxen api 가 {user} 계정이 아닌 {found} 계정으로 구동됨 (pid {pids})",
            "중지하고 ~{user}/uxen 아래에 생성된 파일의 소유자를 바로잡은 뒤 {user} 계정으로 구동하십시오: su - "
            "{user} -c 'cd ~/uxen/scripts && ./uxen_was.sh start'.",
        ),
    ),
    Judgement(
        "services_http_refused",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "nothing answers: {detail}",
            "See which address nginx listens on (ss -ltnp) and whether a firewall is in between; reload it with nginx "
            "-s reload.",
        ),
        ko=Words(
            "응답 없음{detail:?: }",
            "nginx 가 어느 주소에서 대기하는지(ss -ltnp), 방화벽이 막는지 확인하고 nginx -s reload 로 다시 읽으십시오.",
        ),
    ),
    Judgement(
        "services_http_error",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "answers {status} to GET {path}",
            "Read /var/log/nginx/error.log and the uxen API's log; 502 and 504 mean that nginx does not reach the "
            "API: restart it as its user with uxen_was.sh.",
        ),
        ko=Words(
            "GET {path} 에 {status} (으)로 응답",
            "/var/log/nginx/error.log 와 uxen api 로그를 확인하십시오. 502, 504 는 nginx 가 api 에 닿지 못한다는 "
            "뜻이므로 해당 계정으로 uxen_was.sh 를 재구동하십시오.",
        ),
    ),
    Judgement(
        "services_http_hangs",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "gives no answer to GET {path} within {seconds} s",
            "See what the API waits for (ps -eo pid,stat,wchan:30,args, state D: storage); repair that first, then "
            "restart the uxen API.",
        ),
        ko=Words(
            "GET {path} 에 {seconds}초 안에 응답하지 않음",
            "api 가 무엇을 기다리는지 확인하고(ps -eo pid,stat,wchan:30,args 에서 D 상태는 스토리지) 원인을 먼저 "
            "복구한 뒤 uxen api 를 재구동하십시오.",
        ),
    ),
    Judgement(
        "services_not_http",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "what answers does not speak HTTP: {said}",
            "Find out who listens there (ss -ltnp) and give the port back to nginx.",
        ),
        ko=Words(
            "HTTP 가 아닌 응답{said:?: }",
            "해당 포트를 누가 쓰는지 확인(ss -ltnp)하고 nginx 가 쓰도록 되돌리십시오.",
        ),
    ),
    Judgement(
        "services_unit_down",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "the service is {state}",
            "Read its log (journalctl -u {subject} -b, or /var/log), then start it: systemctl start {subject}, or "
            "/etc/init.d/{subject} start.",
        ),
        ko=Words(
            "서비스가 동작하지 않음{state:?: }",
            "로그(journalctl -u {subject} -b 또는 /var/log)를 확인한 뒤 구동하십시오: systemctl start {subject} 또는 "
            "/etc/init.d/{subject} start.",
        ),
    ),
    Judgement(
        "services_unit_absent",
        Status.CRITICAL,
        SECTION,
        en=Words(
            "the policy expects this service, the node does not know it",
            "Install it, or correct its name in the policy.",
        ),
        ko=Words(
            "정책이 기대하는 서비스가 노드에 없음",
            "설치하거나 정책의 이름을 고치십시오.",
        ),
    ),
)
