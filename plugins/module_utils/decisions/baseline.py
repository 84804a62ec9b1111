# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a healthy node has, as the policy that expects it, without what comes and goes, such as the ports of guests.

The facts are those that node_health returned. Everything is sorted, so that a second run differs only where the node
does.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Mapping

Facts = Mapping[str, Any]
Policy = Dict[str, Any]

GUEST_PORT = re.compile(r"^(vif|tap|vnet)[0-9]+(\.[0-9]+)?(-emu)?$")


def policy(result: Mapping[str, Any]) -> Dict[str, Policy]:
    """Of what node_health returned for one node; a check whose component the node has not is left out."""
    recorded: Dict[str, Policy] = {}
    for name, check in (result.get("checks") or {}).items():
        expect = EXPECTATIONS.get(name)
        facts = check.get("facts")
        if expect is None or not facts or check["status"] == "skipped":
            continue
        expected = expect(facts)
        if expected:
            recorded[name] = expected
    return recorded


def _multipath(facts: Facts) -> Policy:
    maps = {one["wwid"]: len(one["paths"]) for one in facts.get("maps") or () if one["wwid"]}
    return {"required": True, "maps": dict(sorted(maps.items()))} if maps else {}


def _lvm(facts: Facts) -> Policy:
    vgs = sorted({one["vg"] for one in facts.get("pvs") or () if one["vg"]})
    # the fifth attribute is a: active
    lvs = sorted("%s/%s" % (one["vg"], one["name"]) for one in facts.get("lvs") or () if one["attributes"][4:5] == "a")
    return {"required": True, "vgs": vgs, "lvs": lvs} if vgs else {}


def _o2cb(facts: Facts) -> Policy:
    running = facts.get("running")
    if not running:
        return {}
    regions = sorted(one["uuid"] for one in running["regions"])
    return {"required": True, **dict(sorted(running["settings"].items())), "regions": regions}


def _bonding(facts: Facts) -> Policy:
    bonds = []
    for bond in sorted(facts.get("bonds") or (), key=lambda one: str(one["name"])):
        expected: Policy = {"name": bond["name"], "mode": bond["mode"]}
        expected["slaves"] = sorted(slave["name"] for slave in bond["slaves"])
        if bond["active"]:
            expected["active"] = bond["active"]
        speeds = [slave["speed"] for slave in bond["slaves"] if slave["speed"]]
        if speeds and len(speeds) == len(bond["slaves"]):
            expected["speed"] = min(speeds)
        bonds.append(expected)
    return {"required": True, "bonds": bonds} if bonds else {}


def _openvswitch(facts: Facts) -> Policy:
    bridges = [
        {"name": bridge["name"], "ports": _ports(bridge)}
        for bridge in sorted(facts.get("bridges") or (), key=lambda one: str(one["name"]))
    ]
    return {"required": True, "bridges": bridges} if bridges else {}


def _ports(bridge: Mapping[str, Any]) -> List[str]:
    """Without the bridge's own, and without those of guests, which come and go."""
    names = {port["name"] for port in bridge["ports"] if not port["external_ids"]}
    return sorted(name for name in names if name != bridge["name"] and not GUEST_PORT.match(name))


def _mounts(facts: Facts) -> Policy:
    mounts = []
    for place in facts.get("places") or ():
        wanted, mount = place["wanted"], place["mount"]
        if mount is None or place["over"] or wanted["path"] == "/" or "bind" in wanted["options"]:
            continue
        if wanted["by"] or mount["fstype"] in ("ocfs2", "nfs", "nfs4"):
            source = wanted["source"] or mount["source"]
            mounts.append({"path": wanted["path"], "source": source, "fstype": mount["fstype"]})
    links = [{"path": one["path"], "link": one["target"]} for one in facts.get("links") or () if one["target"]]
    found = sorted(mounts + links, key=lambda one: str(one["path"]))
    return {"mounts": found} if found else {}


def _network(facts: Facts) -> Policy:
    expected: Policy = {}
    gateways = [route["gateway"] for route in facts.get("routes") or () if route["gateway"]]
    if gateways:
        expected = {"required": True, "gateway": gateways[0]}
    others = sorted({one["target"] for one in _answering(facts, "gateway")} - set(gateways[:1]))
    if others:
        expected["gateways"] = others
    peers = sorted({one["target"] for one in _answering(facts, "peer")})
    if peers:
        expected["peers"] = peers
    addresses = _addresses(facts)
    if addresses:
        expected["addresses"] = addresses
    configured = {one["name"] for one in facts.get("configured") or ()}
    mtu = {one["name"]: one["mtu"] for one in facts.get("interfaces") or () if one["name"] in configured and one["up"]}
    if mtu:
        expected["mtu"] = dict(sorted(mtu.items()))
    return expected


def _answering(facts: Facts, kind: str) -> List[Mapping[str, Any]]:
    found = [one for one in facts.get("reached") or () if one["kind"] == kind]
    return [one for one in found if any((one[count] or {}).get("received") for count in ("full", "small"))]


def _addresses(facts: Facts) -> List[str]:
    """Without what a link makes up by itself: those of IPv6 only where they were written down."""
    written = {address for one in facts.get("configured") or () for address in one["addresses"]}
    found = set()
    for interface in facts.get("interfaces") or ():
        if interface["name"] != "lo" and not GUEST_PORT.match(interface["name"]):
            found |= {each["address"] for each in interface["addresses"]}
    return sorted(address for address in found if ":" not in address or address in written)


def _time(facts: Facts) -> Policy:
    """The servers as they are configured: an address that a pool gave today is another one tomorrow."""
    sources = (facts.get("reading") or {}).get("sources") or ()
    if not sources:
        return {}
    servers = sorted(facts.get("configured") or ())
    named = servers and not facts.get("pools") and len(sources) <= len(servers)
    return {"required": True, "servers": servers} if named else {"required": True}


def _services(facts: Facts) -> Policy:
    expected: Policy = {}
    if facts.get("nginx"):
        expected["nginx"] = True
    if facts.get("api"):
        expected["api"] = True
        expected["api_user"] = facts["api"][0]["user"]
    units = sorted(one["name"] for one in facts.get("units") or () if one["running"])
    return {**expected, "units": units} if units else expected


EXPECTATIONS: Dict[str, Callable[[Facts], Policy]] = {
    "bonding": _bonding,
    "lvm": _lvm,
    "mounts": _mounts,
    "multipath": _multipath,
    "network": _network,
    "o2cb": _o2cb,
    "openvswitch": _openvswitch,
    "services": _services,
    "time": _time,
}
