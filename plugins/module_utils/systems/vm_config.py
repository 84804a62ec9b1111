# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``.cfg`` of every VM below the image roots, and saved states there and where xendomains keeps them.

A ``.cfg`` is data in the syntax of xl.cfg(5), and never executed. Its folders are walked by a child, because the
volume may hang; links are followed, since they lead from one root into another.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import Host, Missing, Problem, Touches
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.readings import first_line
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import Display, Mac, VmUuid

# what xendomains saves to, unless the site says otherwise
SAVED = "/var/lib/xen/save"
# beside it: what a boot gate kept from being restored
SET_ASIDE = "-set-aside"
SETTINGS = ("/etc/default/xendomains", "/etc/sysconfig/xendomains")
Value = Union[str, List[Any]]

# any Python 3 of the node. ROOT/UUID/current/UUID.cfg is three deep
WALK = """\
import json, os, re, sys
order = json.loads(sys.argv[1])
configs, saved, problems, seen = [], [], [], set()
def read(path, size):
    try:
        with open(path, "rb") as stream:
            return stream.read(size + 1)
    except OSError as error:
        if not isinstance(error, FileNotFoundError):
            problems.append([path, error.strerror])
def look(entry, every):
    if entry.name.endswith(".cfg") and entry.is_file():
        text = read(entry.path, 65536)
        if text is not None and len(text) > 65536:
            problems.append([entry.path, "larger than 64 KiB"])
        elif text is not None:
            configs.append([entry.path, text.decode("utf-8", "replace")])
    elif (every or re.search("[.](save|sav|chk)$", entry.name)) and entry.is_file():
        head = read(entry.path, 65536)
        if head is not None and head.startswith(b"Xen saved domain"):
            found = re.search(b'"uuid": *"([0-9a-fA-F-]{36})"', head)
            saved.append([entry.path, found.group(1).decode() if found else None])
def walk(folder, depth, every):
    try:
        place = os.stat(folder)
        if (place.st_dev, place.st_ino) in seen:
            return
        seen.add((place.st_dev, place.st_ino))
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        if depth == order["depth"] or not isinstance(error, FileNotFoundError):
            problems.append([folder, error.strerror])
        return
    for entry in entries:
        if depth and entry.is_dir():
            walk(entry.path, depth - 1, every)
        else:
            look(entry, every)
for root in order["roots"]:
    walk(root, order["depth"], False)
for folder in order["saved"]:
    if os.path.lexists(folder):
        walk(folder, 0, True)
real = [os.path.realpath(root) for root in order["roots"]]
print(json.dumps({"configs": configs, "saved": saved, "problems": problems, "roots": real}))
"""
DEPTH = 4


@dataclass(frozen=True)
class Disk:
    """``path`` is None for a drive without medium; ``format``: raw unless it is said, empty without a medium."""

    path: Optional[str]
    format: str = "raw"
    vdev: str = ""
    writable: bool = True
    cdrom: bool = False


@dataclass(frozen=True)
class Nic:
    mac: Optional[str] = None
    bridge: Optional[str] = None
    script: Optional[str] = None


@dataclass(frozen=True)
class Config:
    """One ``.cfg``, as far as it is used. Memory in MiB."""

    uuid: Optional[VmUuid] = None
    name: Optional[str] = None
    display: Optional[Display] = None
    memory_mib: Optional[int] = None
    vcpus: Optional[int] = None
    disks: Tuple[Disk, ...] = ()
    nics: Tuple[Nic, ...] = ()
    kernel: Optional[str] = None
    ramdisk: Optional[str] = None
    path: str = ""


@dataclass(frozen=True)
class Saved:
    """A saved state, and whose it is where its head says so."""

    path: str
    uuid: Optional[VmUuid] = None


@dataclass(frozen=True)
class Tree:
    """Path and text of each ``.cfg``; ``problems``: path and why it could not be read; ``roots``: where they lead."""

    configs: Tuple[Tuple[str, str], ...]
    saved: Tuple[Saved, ...]
    problems: Tuple[Tuple[str, str], ...]
    roots: Tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """``roots``: where the image roots lead through links; none where they were not walked."""

    configs: Tuple[Config, ...] = ()
    saved: Tuple[Saved, ...] = ()
    roots: Tuple[str, ...] = ()
    missing: Tuple[Missing, ...] = ()


_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r]+|\#[^\n]*)|(?P<end>[\n;])|(?P<sign>\+=|[=\[\],])"""
    r"""|(?P<string>'(?:[^'\\\n]|\\[^\n])*'|"(?:[^"\\\n]|\\[^\n])*")|(?P<word>[A-Za-z_]\w*|-?[0-9][0-9a-fA-Fx]*)""",
    re.ASCII,
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))")
_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_DONE = ("done", "the end of the file")
_NESTED = 8


def parse_config(text: str) -> Config:
    """A whole ``.cfg``."""
    values = parse_values(text)
    try:
        uuid = _string(values, "uuid")
        return Config(
            uuid=None if uuid is None else VmUuid(uuid),
            name=_string(values, "name"),
            display=_display(values),
            memory_mib=_number(values, "memory"),
            vcpus=_number(values, "vcpus"),
            disks=tuple(parse_disk(spec) for spec in _specs(values, "disk")),
            nics=tuple(parse_nic(spec) for spec in _specs(values, "vif")),
            kernel=_string(values, "kernel"),
            ramdisk=_string(values, "ramdisk"),
        )
    except ValueError as error:
        raise NotUnderstood(str(error)[:200]) from None


def parse_values(text: str) -> Dict[str, Value]:
    """The assignments of a ``.cfg``: strings, numbers as they are written, lists. The last one of a name counts."""
    tokens = _tokens(text)
    values: Dict[str, Value] = {}
    while tokens[0] is not _DONE:
        kind, name = tokens.pop(0)
        if kind == "end":
            continue
        _kind, sign = tokens.pop(0) if tokens[0] is not _DONE else _DONE
        if kind != "word" or sign not in ("=", "+="):
            raise NotUnderstood("no assignment: %s" % name[:100])
        value = _value(tokens, 0)
        values[name] = _joined(name, values[name], value) if sign == "+=" and name in values else value
        if tokens[0][0] not in ("end", "done"):
            raise NotUnderstood("%s: %s" % (name[:50], tokens[0][1][:100]))
    return values


def _joined(name: str, before: Value, value: Value) -> Value:
    if isinstance(before, str) and isinstance(value, str):
        return before + value
    if isinstance(before, list) and isinstance(value, list):
        return before + value
    raise NotUnderstood("%s: += of another kind" % name[:50])


def _tokens(text: str) -> List[Tuple[str, str]]:
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match:
            raise NotUnderstood(text[at : at + 100].strip() or "an odd character")
        at = match.end()
        if match.lastgroup != "blank":
            found.append((str(match.lastgroup), match.group()))
    return [*found, _DONE]


def _value(tokens: List[Tuple[str, str]], depth: int) -> Value:
    """Takes a value off the tokens."""
    kind, word = tokens.pop(0) if tokens[0] is not _DONE else _DONE
    if kind == "string":
        return _unquoted(word)
    if kind == "word" and re.match(r"-?[0-9]", word):
        return word
    if word != "[" or depth == _NESTED:
        raise NotUnderstood("no value: %s" % word[:100])
    items: List[Any] = []
    while True:
        _skip_lines(tokens)
        if tokens[0][1] == "]":
            tokens.pop(0)
            return items
        items.append(_value(tokens, depth + 1))
        _skip_lines(tokens)
        if tokens[0][1] == ",":
            tokens.pop(0)
        elif tokens[0][1] != "]":
            raise NotUnderstood("in a list: %s" % tokens[0][1][:100])


def _skip_lines(tokens: List[Tuple[str, str]]) -> None:
    while tokens[0] == ("end", "\n"):
        tokens.pop(0)


def _unquoted(word: str) -> str:
    def one(match: re.Match[str]) -> str:
        hexadecimal, octal, letter = match.groups()
        if letter is not None:
            return _LETTERS.get(letter, letter)
        return chr(int(hexadecimal, 16) if hexadecimal else int(octal, 8))

    return _ESCAPE.sub(one, word[1:-1])


def _string(values: Mapping[str, Value], name: str) -> Optional[str]:
    value = values.get(name)
    if isinstance(value, list):
        raise NotUnderstood("%s is a list" % name)
    return value


def _number(values: Mapping[str, Value], name: str) -> Optional[int]:
    """As C reads it: quoted or not, hexadecimal behind 0x."""
    value = (_string(values, name) or "").strip()
    if not value:
        return None
    if not re.match(r"^(0x[0-9a-fA-F]{1,12}|[0-9]{1,12})\Z", value):
        raise NotUnderstood("%s = %s" % (name, value[:100]))
    return int(value, 16 if value.startswith("0x") else 10)


def _specs(values: Mapping[str, Value], name: str) -> List[str]:
    value = values.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise NotUnderstood("%s is no list of strings" % name)
    return value


def _display(values: Mapping[str, Value]) -> Optional[Display]:
    """Of the first frame buffer with VNC, or of a fully virtualised guest's own options."""
    frames = [_pairs(spec) for spec in _specs(values, "vfb")]
    own = {name: _string(values, name) or "" for name in ("vnc", "vncdisplay") if name in values}
    for frame in [*frames, own]:
        if frame.get("vncdisplay") and frame.get("vnc", "1").strip() != "0":
            return Display.of(frame["vncdisplay"])
    return None


def with_display(text: str, new: Display) -> str:
    """The same ``.cfg`` with another VNC display and not a character changed beside it."""
    before = parse_config(text)
    for place in re.finditer(r"(?<=vncdisplay)(\s*=\s*[\"']?)[0-9]+", text):
        changed = text[: place.end(1)] + str(new) + text[place.end() :]
        # a comment may name one, and a second frame buffer have one
        if parse_config(changed) == replace(before, display=new) != before:
            return changed
    raise NotUnderstood("no vncdisplay that could be changed")


def _pairs(spec: str) -> Dict[str, str]:
    pieces = [piece.partition("=") for piece in spec.split(",")]
    return {key.strip(): value.strip() for key, equals, value in pieces if equals}


def parse_nic(spec: str) -> Nic:
    """One string of ``vif``."""
    pairs = _pairs(spec)
    try:
        mac = Mac(pairs["mac"]) if pairs.get("mac") else None
    except ValueError as error:
        raise NotUnderstood(str(error)) from None
    return Nic(mac, pairs.get("bridge") or None, pairs.get("script") or None)


_PREFIX = re.compile(r"^(raw|qcow2?|vhd|qed|aio|tap2?|tapdisk|ioemu|file|phy|iscsi|e?nbd|drbd):", re.ASCII)
_FORMATS = ("raw", "qcow", "qcow2", "vhd", "qed", "empty")
_ACCESS = {"r": False, "ro": False, "w": True, "rw": True}


def parse_disk(spec: str) -> Disk:
    """One string of ``disk``, as xl-disk-configuration(5) has it: by position, by name, or with a prefix of old."""
    given: Dict[str, str] = {}
    rest, order, cdrom = spec.strip(), ["target", "format", "vdev", "access"], False
    while rest:
        prefix = _PREFIX.match(rest)
        if prefix:
            rest, order = rest[prefix.end() :], ["target", "vdev", "access"]
            if prefix.group(1) in _FORMATS:
                given.setdefault("format", prefix.group(1))
            continue
        whole = rest.startswith("target=")
        piece, _comma, rest = (rest[:-1] if rest.endswith(",") else rest, "", "") if whole else rest.partition(",")
        name, equals, value = piece.strip().partition("=")
        if equals and re.match(r"^[a-z][-a-z0-9]*\Z", name):
            given[name] = value
        elif piece.strip() in ("cdrom", "direct-io-safe", "discard", "no-discard", "trusted", "untrusted"):
            cdrom = cdrom or piece.strip() == "cdrom"
        else:
            free = [one for one in order if one not in given]
            if not free:
                raise NotUnderstood("disk: %s" % spec[:200])
            given[free[0]] = piece.strip()
        rest = rest.lstrip()
    vdev, _colon, kind = given.get("vdev", "").partition(":")
    cdrom = cdrom or "cdrom" in (kind, given.get("devtype"))
    path = given.get("target") or None
    form = given.get("format") or ("raw" if path else "empty")
    access = given.get("access") or ("r" if cdrom else "w")
    known = form in _FORMATS and access in _ACCESS and "vdev" in given
    if not known or (path is None and not cdrom and given.get("format") != "empty"):
        raise NotUnderstood("disk: %s" % spec[:200])
    return Disk(path, form, vdev, _ACCESS[access] and not cdrom, cdrom)


def parse_tree(text: str) -> Tree:
    """What ``WALK`` prints."""
    try:
        found = json.loads(text)
        configs = tuple((str(path), str(content)) for path, content in found["configs"])
        saved = tuple(Saved(str(path), VmUuid(uuid) if uuid else None) for path, uuid in found["saved"])
        problems = tuple((str(path), str(said)) for path, said in found["problems"])
        roots = tuple(str(path) for path in found["roots"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise NotUnderstood(first_line(text)) from None
    return Tree(configs, saved, problems, roots)


def parse_saved_folder(text: str) -> str:
    """The settings of xendomains: where it saves to."""
    found = re.findall(r"^\s*XENDOMAINS_SAVE=(?:\"([^\"\n]*)\"|'([^'\n]*)'|([^\s#;]*))", text, re.MULTILINE)
    return next((value for value in found[-1] if value), "") if found else SAVED


def probe(host: Host, roots: Sequence[str], touches: Touches, timeout: float = 20.0) -> Facts:
    """Every ``.cfg`` and saved state. ``touches``: what the roots lie on."""
    answers = [host.read(path) for path in SETTINGS]
    folder = parse_saved_folder("\n".join(answer.stdout for answer in answers))
    saved = [folder, folder.rstrip("/") + SET_ASIDE] if folder.startswith("/") else []
    order = {"roots": list(roots), "saved": saved, "depth": DEPTH}
    walked = host.run(["python3", "-I", "-S", "-c", WALK, json.dumps(order)], timeout=timeout, touches=touches)
    walked = replace(walked, source="images below %s" % ", ".join(roots))
    if not walked.ok or walked.rc:
        return Facts(missing=(walked.missing(),))
    try:
        tree = parse_tree(walked.stdout)
    except NotUnderstood as error:
        return Facts(missing=(walked.missing(Problem.NOT_UNDERSTOOD, str(error)),))
    lost = [Missing(path, Problem.FAILED, said) for path, said in tree.problems]
    read = [_config(path, text, lost) for path, text in tree.configs]
    return Facts(tuple(one for one in read if one), tree.saved, tree.roots, tuple(lost))


def _config(path: str, text: str, lost: List[Missing]) -> Optional[Config]:
    try:
        return replace(parse_config(text), path=path)
    except NotUnderstood as error:
        lost.append(Missing(path, Problem.NOT_UNDERSTOOD, str(error)))
        return None
