# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""This collection's own sentences, in both languages: inside a finding's words, and why something is done or not.

What a tool said is quoted as it is; what a probe or a decision concludes is one of these, so that a page has it in its
language. Everybody else has it in English: where a text is kept, its phrases are kept beside it.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, Dict, Mapping, Tuple

from ansible_collections.cloudops.hypervisor.plugins.module_utils.job_phrases import JOBS
from ansible_collections.cloudops.hypervisor.plugins.module_utils.recovery_phrases import RECOVERY

PHRASES: Dict[str, Tuple[str, str]] = {
    **JOBS,
    **RECOVERY,
    # a list's format is what joins it
    "joined": ("{0:; }", "{0:; }"),
    "about": ("{0:: }", "{0:: }"),
    "policy": ("policy", "정책"),
    "none_said": ("nothing was said", "출력 없음"),
    "unkillable": ("{0} (pid {1}) cannot be killed", "{0} (pid {1}) 을(를) 종료할 수 없음"),
    "earlier_probe_stuck": (
        "a probe of an earlier run is stuck in the kernel: {0}",
        "이전 점검의 프로세스가 커널에서 멈춰 있음: {0}",
    ),
    "not_installed": ("{0} is not installed", "{0} 이(가) 설치되어 있지 않음"),
    "no_time_daemon": ("no time daemon is installed", "시간 데몬이 설치되어 있지 않음"),
    "no_bond": ("no bond, and none is configured", "bond 가 없고 설정도 없음"),
    "no_bridge": ("Open vSwitch has no bridge", "Open vSwitch 에 bridge 가 없음"),
    "no_bridge_configured": (
        "Open vSwitch has no bridge, and none is configured",
        "Open vSwitch 에 bridge 가 없고 설정도 없음",
    ),
    "no_map": ("no map, and no {0}", "맵이 없고 {0} 파일도 없음"),
    "no_pv": (
        "there is no PV, and neither policy nor /etc/fstab expects one",
        "PV 가 없고 정책과 /etc/fstab 에도 없음",
    ),
    "no_mounts": ("neither {0} nor the policy names a mount", "{0} 와(과) 정책에 마운트가 없음"),
    "no_services": (
        "neither nginx nor the account {0} exists, and the policy names no service",
        "nginx 와 {0} 계정이 없고 정책에도 서비스가 없음",
    ),
    "no_ocfs2": (
        "no {0}, and no OCFS2 volume mounted or in fstab",
        "{0} 이(가) 없고, 마운트되었거나 fstab 에 있는 OCFS2 볼륨도 없음",
    ),
    "no_debugfs": ("debugfs is not mounted", "debugfs 가 마운트되어 있지 않음"),
    "ocfs2_recovers": (
        "OCFS2 still takes over what a dead node held",
        "OCFS2 가 죽은 노드의 락과 저널을 아직 인수하는 중",
    ),
    "other_stack": ("the cluster stack is {0}", "클러스터 스택이 {0}"),
    "no_addresses": (
        "no interface but the loopback has an address",
        "loopback 외에 주소가 있는 interface 가 없음",
    ),
    "container_boot": ("a container does not boot by itself ({0})", "컨테이너는 스스로 부팅하지 않음 ({0})"),
    "container_log": ("a container has no kernel log of its own ({0})", "컨테이너에는 자체 커널 로그가 없음 ({0})"),
    "container_clock": (
        "a container without CAP_SYS_TIME has no clock of its own",
        "CAP_SYS_TIME 이 없는 컨테이너에는 자체 시계가 없음",
    ),
    "chronyd_mute": ("chronyd runs but does not answer chronyc", "chronyd 가 구동 중이나 chronyc 에 응답하지 않음"),
    "ntpd_mute": ("ntpd does not answer ntpq", "ntpd 가 ntpq 에 응답하지 않음"),
    "no_folder": ("{0}: no such folder", "{0}: 디렉토리 없음"),
    "lacp_root": ("LACP is shown to root only", "LACP 정보는 root 에게만 보임"),
    "no_speed": ("the port does not tell its speed", "포트가 속도를 알려 주지 않음"),
    "nfs_dead": ("its NFS server does not answer", "NFS 서버가 응답하지 않음"),
    "no_address": ("the name has no address", "이름에 해당하는 주소가 없음"),
    "no_link": ("no link", "링크가 아님"),
    "not_over_tcp": (
        "{0}, which proves nothing: it is not used over TCP",
        "{0}. TCP 로 사용하지 않으므로 근거가 되지 않음",
    ),
    "found_by_device": ("{0} cannot be found without it", "이것 없이는 {0} 을(를) 찾을 수 없음"),
    "arp_cannot_tell": (
        "no answer, and ARP cannot tell whether the gateway is there",
        "응답이 없으며 ARP 로도 gateway 가 있는지 알 수 없음",
    ),
    "processes_hidden": ("the processes of others are hidden", "다른 사용자의 프로세스를 볼 수 없음"),
    "process_sleeps": (
        "{0} (pid {1}) sleeps in the kernel: it may be the one looked for",
        "{0} (pid {1}) 이(가) 커널에서 대기 중: 찾는 프로세스일 수 있음",
    ),
    "connection_closed": ("the connection was closed", "연결이 끊어짐"),
    "kernel_alone": ("{0} (the kernel alone has this map)", "{0} (커널에만 있는 맵)"),
    "daemon_alone": ("{0} (the kernel does not have this map)", "{0} (커널에 없는 맵)"),
    "kernel_says": ("{0} (kernel: {1})", "{0} (커널: {1})"),
    "kernel_path": ("{0} (kernel: {1}, multipathd does not have it)", "{0} (커널: {1}, multipathd 에는 없음)"),
    "not_in_table": ("{0} (not in the kernel's table)", "{0} (커널 테이블에 없음)"),
    "queues_without_path": ("{0} has no path and queues", "{0} 에 경로가 없고 I/O 가 대기 중"),
    "no_reason": ("no reason was given", "사유가 전달되지 않음"),
    "no_result": ("it returned no result", "결과를 돌려주지 않음"),
    "check_skipped": ("the check was skipped", "점검을 건너뜀"),
    "uxen_replica": ("it is a replica", "복제본임"),
    "uxen_other_system": (
        "its system identifier is {0}, it was {1}",
        "시스템 식별자가 {0} (이전: {1})",
    ),
    "uxen_other_timeline": (
        "its timeline is {0}, it was {1}: a replica was promoted, or a backup brought back",
        "타임라인이 {0} (이전: {1}): 복제본이 승격되었거나 백업이 복원됨",
    ),
    "uxen_older": (
        "it is at transaction {0} and was corrected in {1}: its contents are older",
        "트랜잭션이 {0} 이나 마지막 수정은 {1}: 내용이 더 오래됨",
    ),
    "uxen_row_back": (
        "{0} has display {1} again, which was corrected to {2}",
        "{0} 의 display 가 {2} (으)로 수정되었으나 다시 {1}",
    ),
    "unknown_device": ("unknown device", "알 수 없는 장치"),
}


class Phrase(str):
    """A phrase by its code: in English as a string is, in any language by :func:`told`.

    ``about``: what fills its places: texts, phrases, and lists of both.
    """

    code: str
    about: Tuple[Any, ...]

    def __new__(cls, code: str, *about: object) -> Phrase:
        named = tuple(_kept(one) for one in about)
        phrase = super().__new__(cls, _filled(code, named, "en"))
        phrase.code, phrase.about = code, named
        return phrase

    def __deepcopy__(self, _memo: Any) -> Phrase:
        return self

    def __reduce__(self) -> Tuple[Any, ...]:
        # Ansible's workers hand on what they return: it is text there
        return str, (str(self),)


def _kept(value: object) -> Any:
    if isinstance(value, (list, tuple)):
        return tuple(_kept(one) for one in value)
    return value if isinstance(value, Phrase) else str(value)


def _filled(code: str, about: Any, language: str) -> str:
    return PHRASES[code][language == "ko"].format(*(_Place(one, language) for one in about))


class _Place:
    def __init__(self, value: Any, language: str) -> None:
        self._value = value
        self._language = language

    def __format__(self, joint: str) -> str:
        if isinstance(self._value, (list, tuple)):
            return (joint or ", ").join(told(one, self._language) for one in self._value)
        return told(self._value, self._language)


def carried(value: Any) -> Any:
    """A finding's value as JSON carries it."""
    if isinstance(value, Phrase):
        return {"phrase": value.code, "about": carried(value.about)}
    if isinstance(value, Mapping):
        return {key: carried(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [carried(item) for item in value]
    # a type of its own, such as VmUuid, is text to everybody else; str() of an Enum would be its name
    return str.__str__(value) if isinstance(value, str) else value


def is_phrase(value: Any) -> bool:
    return isinstance(value, Phrase) or (isinstance(value, Mapping) and value.get("phrase") in PHRASES)


def told(value: Any, language: str) -> str:
    """A value in words; whatever is no phrase is itself."""
    if not is_phrase(value):
        return str(value)
    code, about = (value.code, value.about) if isinstance(value, Phrase) else (value["phrase"], value["about"])
    return _filled(code, about, language)


def phrases_in(value: Any) -> Dict[str, Any]:
    """Every phrase in it by its English text, as JSON carries both: what is kept beside the text."""
    if isinstance(value, Phrase):
        return {str(value): carried(value)}
    items: Any = ()
    if is_dataclass(value):
        items = [getattr(value, one.name) for one in fields(value)]
    elif isinstance(value, Mapping):
        items = value.values()
    elif isinstance(value, (list, tuple)):
        items = value
    return {text: one for item in items for text, one in phrases_in(item).items()}


def restored(text: str, phrases: Mapping[str, Any]) -> str:
    """The phrase that a text was, by those kept beside it; a text that was none, or of another version, is itself."""
    phrase: str = _restored(phrases[text]) if is_phrase(phrases.get(text)) else text
    return phrase


def _restored(value: Any) -> Any:
    if is_phrase(value):
        return Phrase(value["phrase"], *map(_restored, value["about"]))
    return [_restored(one) for one in value] if isinstance(value, (list, tuple)) else value
