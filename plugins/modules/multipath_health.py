# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: multipath_health
short_description: Judge the multipath maps of a node
description:
  - Reads multipathd, the kernel's device-mapper table and sysfs, and judges every map and path.
  - Reports and never fails because the node is sick. Nothing it runs reads a disk, so it answers while I/O hangs.
  - M(cloudops.hypervisor.node_health) runs this check together with others in one task.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
extends_documentation_fragment:
  - cloudops.hypervisor.reading
options:
  required:
    description: Whether a node without multipath is critical instead of skipped.
    type: bool
    default: false
  paths:
    description:
      - How many paths every map must have.
      - When not set, a map with a single path is a warning.
    type: int
  maps:
    description:
      - How many paths a map must have, by the map's WWID. Aliases may be swapped between nodes, WWIDs are not.
      - A WWID listed here without a map on the node is critical.
    type: dict
    default: {}
notes:
  - An unprivileged user cannot read the kernel's table. This is an V(unknown) finding, not an error.
seealso:
  - module: cloudops.hypervisor.node_health
  - module: cloudops.hypervisor.o2cb_status
"""

EXAMPLES = r"""
- name: Judge the paths of every map
  cloudops.hypervisor.multipath_health:
    paths: 4
  register: multipath

- name: Show what is wrong and what to do about it
  ansible.builtin.debug:
    msg: "{{ item.subject }}: {{ item.message }} -> {{ item.remedy }}"
  loop: "{{ multipath.health.findings | rejectattr('status', 'in', ['ok', 'skipped']) }}"
"""

RETURN = r"""
health:
  description: The check's result in the form every check of this collection returns.
  returned: success
  type: dict
  contains:
    check:
      description: Which check this is.
      type: str
      returned: success
      sample: multipath
    status:
      description:
        - The worst status of the findings, V(ok), V(warning), V(unknown) or V(critical); V(skipped) if all are.
      type: str
      returned: success
      sample: warning
    findings:
      description: What was found, worst first.
      type: list
      elements: dict
      returned: success
      sample:
        - code: multipath_paths_failed
          status: warning
          subject: mpatha (3600140596b1dce4b47843b0854ab19e7)
          values: {failed: 1, of: 2, paths: [sdb failed faulty running]}
          message: "1 of 2 paths failed: sdb failed faulty running"
          evidence: ["multipathd -kshow maps json: sdb 8:16 failed faulty running"]
          remedy: Service goes on over the other paths. Have the storage and SAN team check port, cable and zoning.
          reference: "uxen 구동 후 스토리지 점검사항: Multipath 확인"
    facts:
      description: What was read, typed. RV(health.facts.maps) is null when no source of maps answered.
      type: dict
      returned: success
      contains:
        maps:
          description: The maps, each with its name, WWID, dm device, size in bytes, whether it queues, and its paths.
          type: list
          elements: dict
          returned: success
        missing:
          description: The readings that could not be taken, each with the problem and the tool's own words.
          type: list
          elements: dict
          returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils.check import examine
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import LocalHost
from ansible_collections.cloudops.hypervisor.plugins.module_utils.policy import PolicyError, argument_spec, build
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import multipath


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(multipath.Policy), supports_check_mode=True)
    try:
        policy = build(multipath.Policy, module.params)
    except PolicyError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, health=examine(multipath.CHECK, LocalHost(), policy))


if __name__ == "__main__":
    main()
