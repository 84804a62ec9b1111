# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report's own words in both languages; those of the findings are in :mod:`judgements`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict

LANGUAGES = ("en", "ko")


@dataclass(frozen=True)
class Text:
    """``one``: the English text where its ``n`` is 1."""

    en: str
    ko: str
    one: str = ""


CATALOGUE: Dict[str, Text] = {
    "job.node_boot_check": Text("Node boot check", "노드 부팅 점검"),
    "job.node_health": Text("Node health", "노드 상태 점검"),
    "job.hang_triage": Text("Hang triage", "서버 Hang 진단"),
    "job.vncport_sync": Text("VNC port synchronisation", "VNC 포트 동기화"),
    "job.time_sync": Text("Time synchronisation", "시간 동기화"),
    "job.ha_outlook": Text("HA outlook", "HA 사전 점검"),
    "fleet.head": Text("{zone} at {at}, {verified}", "{zone}, {at} 기준, {verified}"),
    "fleet.verified": Text("verified", "확인됨"),
    "fleet.unverified": Text("not verified", "확인되지 않음"),
    "fleet.agreed": Text("agreed", "일치"),
    "fleet.disputed": Text("disputed", "불일치"),
    "fleet.unknown": Text("unknown", "알 수 없음"),
    "fleet.counts": Text(
        "{agreed} agreed, {disputed} disputed, {unknown} unknown",
        "일치 {agreed}, 불일치 {disputed}, 알 수 없음 {unknown}",
    ),
    "fleet.silent": Text("no answer from: {nodes}", "응답하지 않은 노드: {nodes}"),
    "fleet.database": Text("the database was not read: {why}", "DB 를 읽지 못함: {why}"),
    "vnc.heading.node": Text("node", "노드"),
    "vnc.heading.vm": Text("VM", "가상 머신"),
    "vnc.heading.database": Text("database", "DB 값"),
    "vnc.heading.really": Text("really", "실제"),
    "vnc.corrected": Text("corrected from {before} to {after}", "{before} 에서 {after} (으)로 수정함"),
    "vnc.planned": Text("would be corrected from {before} to {after}", "{before} 에서 {after} (으)로 수정할 예정"),
    "vnc.quiet": Text(
        "{n} more VMs are in step or off", "그 외 VM {n}개는 일치하거나 꺼져 있음", one="{n} more VM is in step or off"
    ),
    "ha.zone": Text("recovery of {zone}", "{zone} 복구"),
    "ha.read": Text("read {age} s ago", "{age}초 전에 읽음"),
    "ha.row": Text("rule {rule}", "규칙 {rule}"),
    "ha.missing": Text("missing for a verdict: {what}", "판정에 부족한 근거: {what}"),
    "ha.maintenance": Text(
        "in maintenance: it is never fenced, and only a person can say that it is off",
        "점검(maintenance) 중: fence 하지 않으며, 전원이 꺼졌는지는 담당자만 확인할 수 있음",
    ),
    "ha.quorum": Text(
        "o2cb decides its quorum in {left} s, at {at}: {why}", "o2cb 정족수 결정까지 {left}초, {at}: {why}"
    ),
    "ha.quorum_unknown": Text(
        "when o2cb decides its quorum is not known: {why}", "정족수 결정 시각을 알 수 없음: {why}"
    ),
    "ha.well": Text("every node answers", "모든 노드가 응답함"),
    "ha.fence": Text("fence", "전원 차단"),
    "ha.start": Text("start", "구동"),
    "ha.on": Text("{vm} on {node}", "{vm}: {node} 에서 구동"),
    "ha.left": Text("left out", "제외"),
    "ha.nothing": Text("there is nothing to recover", "복구할 대상이 없음"),
    "ha.runs": Text("runs", "구동 중"),
    "ha.not started": Text("not started", "구동하지 않음"),
    "ha.undecided": Text("undecided", "미확정"),
    "ha.moves": Text("room would be made by moving {moves}", "다음 이동으로 공간을 확보할 수 있음: {moves}"),
    "ha.memory": Text("room would be made by {memory}", "다음 메모리로 공간을 확보할 수 있음: {memory}"),
    "ha.saved": Text("saved as plan {id}, sha256 {sha256}", "계획 {id} (으)로 저장됨, sha256 {sha256}"),
    "ha.approve": Text(
        "to approve it: ansible-playbook cloudops.hypervisor.plan_approve -e plan={id} -e sha256={sha256}",
        "승인: ansible-playbook cloudops.hypervisor.plan_approve -e plan={id} -e sha256={sha256}",
    ),
    "ha.approved": Text("approved by {by}", "{by} 이(가) 승인함"),
    "ha.refused": Text("the approved plan does not hold: {why}", "승인된 계획을 쓸 수 없음: {why}"),
    "ha.open": Text("a recovery is under way since {at}", "{at} 부터 복구가 진행 중"),
    "ha.closed": Text("no recovery is under way", "진행 중인 복구 없음"),
    "ha.database": Text("the database was not read: {why}", "DB 를 읽지 못함: {why}"),
    "where.database": Text("database", "DB 정보"),
    "where.config": Text(".cfg", "설정(.cfg)"),
    "where.image": Text("image", "이미지"),
    "where.lease": Text("lease", "리스(lease)"),
    "where.journal": Text("journal", "저널"),
    "where.row": Text("on {node}, display {display}, disks: {disks}", "{node}, display {display}, 디스크: {disks}"),
    "where.no_row": Text("no row", "행 없음"),
    "where.not_asked": Text("not asked", "조회하지 않음"),
    "where.domain": Text(
        "domain {id} {name}, {state}, port {port}, {memory} MiB",
        "도메인 {id} {name}, {state}, 포트 {port}, {memory} MiB",
    ),
    "where.nothing": Text("nothing", "없음"),
    "where.out": Text("out of service: {how}", "서비스에서 제외됨: {how}"),
    "where.silent": Text("NO ANSWER", "응답 없음"),
    "where.settings": Text(
        "display {display}, {memory} MiB, on {nodes}", "display {display}, 메모리 {memory} MiB, {nodes}"
    ),
    "where.inode": Text("inode {inode} of {volume}, on {nodes}", "{volume} 의 inode {inode}, {nodes}"),
    "where.no_file": Text("no such file on {nodes}", "{nodes} 에 파일 없음"),
    "where.free": Text("free", "비어 있음"),
    "where.held": Text("held by {holder}", "{holder} 이(가) 잡고 있음"),
    "where.left": Text("not given back by {holder}", "{holder} 이(가) 반납하지 않음"),
    "where.never": Text("never taken", "사용된 적 없음"),
    "where.unread": Text("not read: {problem}", "읽지 못함: {problem}"),
    "where.no_records": Text("nothing of it", "기록 없음"),
    "where.unresolved": Text("{name}: no VM that anybody knows", "{name}: 알려진 VM이 없음"),
    "where.ambiguous": Text("{name}: may be any of {vms}", "{name}: 다음 중 하나일 수 있음: {vms}"),
    "where.state.running": Text("running", "구동 중"),
    "where.state.paused": Text("paused", "일시 정지"),
    "where.state.shutdown": Text("shut down ({reason})", "종료됨 ({reason})"),
    "where.state.crashed": Text("crashed", "비정상 종료"),
    "where.state.dying": Text("dying", "사라지는 중"),
    "verdict.fit": Text("fit", "적합"),
    "verdict.not fit": Text("not fit", "부적합"),
    "verdict.not proven": Text("not proven", "확인 불가"),
    "status.critical": Text("critical", "심각"),
    "status.unknown": Text("unknown", "미확인"),
    "status.warning": Text("warning", "경고"),
    "status.ok": Text("ok", "정상"),
    "status.skipped": Text("skipped", "해당 없음"),
    "label.evidence": Text("evidence", "근거"),
    "label.remedy": Text("do", "조치"),
    "label.reference": Text("source", "출처"),
    "label.since": Text("since", "발생"),
    "label.new": Text("new", "신규"),
    "label.gone": Text("gone", "해소"),
    "label.unproven": Text("open", "미확정"),
    "count.nodes": Text("{n} nodes", "노드 {n}대", one="{n} node"),
    "count.verdict": Text("{n} {verdict}", "{verdict} {n}"),
    "count.critical": Text("{n} critical", "심각 {n}"),
    "count.unknown": Text("{n} unknown", "미확인 {n}"),
    "count.warning": Text("{n} warnings", "경고 {n}", one="{n} warning"),
    "count.ok": Text("{n} ok", "정상 {n}"),
    "count.skipped": Text("{n} skipped", "해당 없음 {n}"),
    "count.more_evidence": Text("{n} more lines", "외 {n}줄", one="{n} more line"),
    "count.more_findings": Text("{n} more {code}", "{code} {n}건 더 있음"),
    "count.on_nodes": Text("on {n} nodes", "노드 {n}대", one="on {n} node"),
    "count.changes": Text("{new} new, {gone} gone", "신규 {new}, 해소 {gone}"),
    "changes.since": Text("since the report of {time}", "{time} 보고서와 비교"),
    "changes.first": Text("no earlier report to compare with", "비교할 이전 보고서 없음"),
    "parts.missing": Text(
        "Parts of this run that have reported: {done} of {of}. The nodes of the others are not in this report.",
        "이 실행 중 보고를 마친 부분: {of}개 중 {done}개. 나머지 노드는 이 보고서에 없습니다.",
    ),
    "note.not_stored": Text(
        "This report could not be kept for the next comparison. {reason}",
        "다음 비교를 위해 이 보고서를 저장하지 못했습니다. {reason}",
    ),
    "note.check_mode": Text(
        "Check mode: no file was written and nothing was kept.",
        "check 모드: 파일을 쓰지 않았고 아무것도 저장하지 않았습니다.",
    ),
    "note.files": Text("Report: {path}", "보고서: {path}"),
    "failure.reached": Text(
        "The report is complete; the run fails as fail_on={fail_on} asks: {nodes}.",
        "보고서는 완성되었습니다. fail_on={fail_on} 설정에 따라 실패로 끝냅니다: {nodes}.",
    ),
    "heading.gone": Text("Gone since the report before", "이전 보고서 이후 해소됨"),
    "heading.unproven": Text(
        "Seen before, and not read this time", "이전에 발견되었고 이번에는 읽지 못했거나 점검하지 않음"
    ),
    "heading.healthy": Text("{n} nodes without a problem", "이상 없는 노드 {n}대", one="{n} node without a problem"),
    "page.filter": Text("Filter by status", "상태별 보기"),
    "page.all": Text("all", "전체"),
    "page.new_only": Text("new", "신규"),
    "page.search": Text("Search nodes and text", "노드·내용 검색"),
    "page.theme": Text("Light or dark", "밝게/어둡게"),
    "page.nothing": Text("Nothing fits this filter.", "조건에 맞는 항목이 없습니다."),
    "page.rest": Text("ok and not present", "정상 및 해당 없음"),
    "page.uptime": Text("up {days} d {hours} h {minutes} min", "가동 {days}일 {hours}시간 {minutes}분"),
}


def say(language: str, key: str, **values: Any) -> str:
    text = CATALOGUE[key]
    if language == "ko":
        return text.ko.format(**values)
    return (text.one if text.one and values.get("n") == 1 else text.en).format(**values)


def job_title(language: str, job: str) -> str:
    """A job the catalogue does not know is called by its name."""
    return say(language, "job." + job) if "job." + job in CATALOGUE else job.replace("_", " ").capitalize()


def minute(time: str, like: str) -> str:
    """An ISO 8601 time for people, in the time zone of another one."""
    zone = datetime.fromisoformat(like).tzinfo
    return datetime.fromisoformat(time).astimezone(zone).strftime("%Y-%m-%d %H:%M")


def duration(language: str, seconds: float) -> str:
    minutes = int(seconds) // 60
    return say(language, "page.uptime", days=minutes // 1440, hours=minutes // 60 % 24, minutes=minutes % 60)
