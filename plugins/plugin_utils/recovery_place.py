# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A zone as the placement takes it: what its nodes have free, what each VM needs, and which volumes it lies on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.cloudops.hypervisor.plugins.module_utils.decisions import placement, recovery_steps
from ansible_collections.cloudops.hypervisor.plugins.module_utils.phrases import Phrase
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import VNC_BASE, Display, VmUuid
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils.recovery_zone import RecoveryZone

_RESTS = ("paused", "shutdown", "crashed", "dying")
UNKNOWN_MEMORY = Phrase("placement_unknown")


class Placing:
    """``options``: priorities, groups and pins of the site, by VM; ``last``: the newest plan, for whoever shows it."""

    def __init__(self, zone: RecoveryZone, options: Mapping[str, Any], limits: placement.Limits) -> None:
        self._zone = zone
        self._options = options
        self._limits = limits
        self._configs = self._read_configs()
        self.last: placement.Plan | None = None

    def __call__(self, names: Sequence[str], fit: Sequence[str]) -> Mapping[str, recovery_steps.Placed]:
        wanted, unknown = [], {}
        for at, name in enumerate(names):
            one = self._vm(VmUuid(name), len(names) - at)
            if one is None:
                unknown[name] = recovery_steps.Placed(why=UNKNOWN_MEMORY)
            else:
                wanted.append(one)
        running, moved = self._running(), {one.uuid for one in wanted}
        # the copy that a migration left goes before the VM is started
        copies = [one for one in running if one.vm.uuid in moved and not one.may_move]
        nodes = [
            replace(node, free_kib=node.free_kib + sum(one.vm.memory_kib for one in copies if one.node == node.name))
            for node in self._nodes(fit)
        ]
        self.last = placement.plan(nodes, wanted, [one for one in running if one not in copies], self._limits)
        placed = {str(one.vm): recovery_steps.Placed(one.node) for one in self.last.places}
        placed.update({str(one.vm): recovery_steps.Placed(why=one.why) for one in self.last.left})
        return {**unknown, **placed}

    def _read_configs(self) -> dict[VmUuid, list[Mapping[str, Any]]]:
        found: dict[VmUuid, list[Mapping[str, Any]]] = {}
        for answer in self._zone.last.values():
            for one in answer["configs"]:
                if one["uuid"]:
                    found.setdefault(VmUuid(one["uuid"]), []).append(one)
        return found

    def outlook(self, fit: Sequence[str]) -> list[tuple[placement.Death, tuple[placement.LeftOut, ...]]]:
        """Of each node that answers: its death today, and why each VM is left out that would be."""
        nodes, running = self._nodes(fit), self._running()
        limits = replace(self._limits, n_plus_one=False)
        return [(one, self._left_by(one, nodes, running, limits)) for one in placement.outlook(nodes, running, limits)]

    def _left_by(
        self,
        death: placement.Death,
        nodes: Sequence[placement.Node],
        running: Sequence[placement.Running],
        limits: placement.Limits,
    ) -> tuple[placement.LeftOut, ...]:
        """An outlook is the plan of the nodes that are left, and only a plan says why."""
        if death.absorbed:
            return ()
        lost = [one.vm for one in running if one.node == death.node and not one.vm.bound]
        rest = [one for one in running if one.node != death.node]
        return placement.plan([one for one in nodes if one.name != death.node], lost, rest, limits).left

    def _nodes(self, fit: Sequence[str]) -> list[placement.Node]:
        nodes = []
        for host, answer in self._zone.last.items():
            name, memory = self._zone.names[host], answer["node"]["memory_kib"]
            known = None not in (memory["free"], memory["total"], memory["dom0"])
            nodes.append(
                placement.Node(
                    name=name,
                    rack=self._zone.rack(host),
                    memory_kib=memory["total"] - memory["dom0"] if known else 0,
                    free_kib=memory["free"] if known else 0,
                    displays=frozenset(self._taken(name, answer)),
                    volumes=frozenset(self._volumes(answer)),
                    barred="" if name in fit else Phrase("placement_not_fit"),
                    dom0_lacks_kib=max((memory["dom0_maximum"] or 0) - memory["dom0"], 0) if known else 0,
                )
            )
        return nodes

    def _taken(self, name: str, answer: Mapping[str, Any]) -> Iterable[Display]:
        """In any of the truths."""
        numbers = {one["port"] - VNC_BASE for one in answer["listeners"]}
        for one in answer["domains"] or ():
            ports = [one["vnc"][source] for source in ("xenstore", "qmp", "listening")]
            numbers |= {port - VNC_BASE for port in ports if port}
        return [Display(number) for number in sorted(numbers | self._zone.displays_of(name)) if number >= 0]

    def _volumes(self, answer: Mapping[str, Any]) -> set[str]:
        return {one["volume"] for one in answer["images"] if one["volume"] and one["inode"] is not None}

    def _running(self) -> list[placement.Running]:
        found = []
        for host, answer in self._zone.last.items():
            lies = {
                one["path"]: one["volume"] for one in answer["images"] if one["volume"] and one["inode"] is not None
            }
            for one in answer["domains"] or ():
                vm = VmUuid(one["uuid"])
                known = placement.Vm(
                    vm,
                    one["name"],
                    one["maximum_kib"],
                    max(one["vcpus"], 1),
                    volumes=frozenset(lies[disk["path"]] for disk in one["disks"] if disk["path"] in lies),
                    **self._of_site(vm),
                )
                rests = any(one["state"][each] for each in _RESTS)
                found.append(placement.Running(known, self._zone.names[host], may_move=not rests))
        # of one that has two domains, the first: it is left alone anyway
        return list({one.vm.uuid: one for one in reversed(found)}.values())

    def _vm(self, vm: VmUuid, turn: int) -> placement.Vm | None:
        configs = self._configs.get(vm, ())
        config = configs[0] if configs else {}
        kept: Mapping[str, Any] = next((one for one in self._zone.last_snapshot.get("vms", ()) if one["vm"] == vm), {})
        memory = config.get("memory_mib") or kept.get("memory_mib") or self._zone.memory_of(vm)
        if not memory:
            return None
        site = self._of_site(vm)
        return placement.Vm(
            uuid=vm,
            name=config.get("name") or kept.get("name") or str(vm),
            memory_kib=int(memory) * 1024,
            vcpus=config.get("vcpus") or kept.get("vcpus") or 1,
            display=self._zone.display_of(vm),
            volumes=frozenset(self._lies_on(config or kept)),
            was=self._zone.row_of(vm),
            **site,
        )

    def _lies_on(self, config: Mapping[str, Any]) -> set[str]:
        """The volumes of its disks, as whoever finds them tells."""
        paths = set(config.get("disks") or ())
        images = [one for answer in self._zone.last.values() for one in answer["images"]]
        return {one["volume"] for one in images if one["path"] in paths and one["volume"] and one["inode"] is not None}

    def _of_site(self, vm: VmUuid) -> dict[str, Any]:
        given = self._options.get(str(vm)) or {}
        row = self._zone.priority_of(vm)
        return {
            "priority": int(given.get("priority", row)),
            "order": int(given.get("order", 0)),
            "group": str(given.get("group", "")),
            "bound": str(given.get("bound", "")),
        }
