# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_config_display
short_description: Give a VM that is off another VNC display in its .cfg
description:
  - Changes C(vncdisplay) in the C(.cfg) of a VM and not a character beside it. The new file is written beside the old
    one, with its owner and permissions, and takes its place in one step.
  - Refused if a domain of this node has the VM's UUID, whatever its state. That the VM is off everywhere is proven by
    M(cloudops.hypervisor.vncport_sync), which plans this.
  - Refused if the file is not the VM's, has another display than O(before), or if its links lead out of O(roots).
  - While multipath or the cluster's storage is ill nothing is touched.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
attributes:
  check_mode:
    description: Can run in check mode and says what it would do, without any side effect.
    support: full
  diff_mode:
    description: Returns what it changed, in diff mode.
    support: full
  platform:
    description: Where its work is done.
    support: full
    platforms: linux
options:
  path:
    description: The C(.cfg), absolute.
    type: path
    required: true
  vm:
    description: The VM's UUID, which the file must have.
    type: str
    required: true
  before:
    description: The display the file has.
    type: int
    required: true
  after:
    description: The display it is to have. Nothing is done if it has it already.
    type: int
    required: true
  roots:
    description: The folders below which images and C(.cfg) files lie.
    type: list
    elements: path
    default: [/data/domu]
  timeout:
    description: How long reading or writing may take, in seconds.
    type: float
    default: 20
seealso:
  - module: cloudops.hypervisor.vncport_sync
"""

EXAMPLES = r"""
- name: Let the VM ask for the display the database has
  cloudops.hypervisor.vm_config_display:
    path: "{{ item.path }}"
    vm: "{{ item.vm }}"
    before: "{{ item.before }}"
    after: "{{ item.after }}"
  loop: "{{ sync.configs | selectattr('host', 'eq', inventory_hostname) }}"
"""

RETURN = r"""
path:
  description: The file that was changed, its links followed.
  returned: success
  type: str
  sample: /data/domu/40b5b25e-c356-45fc-a287-7525c6438041/current/40b5b25e-c356-45fc-a287-7525c6438041.cfg
"""

import hashlib
import json
from typing import Any, Dict, Mapping, Tuple

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils import examination
from ansible_collections.cloudops.hypervisor.plugins.module_utils.command import LocalHost, Touches
from ansible_collections.cloudops.hypervisor.plugins.module_utils.health import NotUnderstood
from ansible_collections.cloudops.hypervisor.plugins.module_utils.systems import vm_config, xen
from ansible_collections.cloudops.hypervisor.plugins.module_utils.vm import Display, VmUuid

GUARDS = ("multipath", "o2cb")

# A child of any Python 3, because the volume may hang. It gives the real path and the text, or replaces that very text.
FILE = """\
import hashlib, json, os, stat, sys
order = json.loads(sys.argv[1])
real = os.path.realpath(order["path"])
roots = [os.path.realpath(root) for root in order["roots"]]
if not any(real.startswith(root + "/") for root in roots):
    raise SystemExit("%s leads to %s, which is below none of the roots" % (order["path"], real))
with open(real, "rb") as stream:
    found, content = os.fstat(stream.fileno()), stream.read(65537)
if not stat.S_ISREG(found.st_mode) or len(content) > 65536:
    raise SystemExit("%s is no file of at most 64 KiB" % real)
if "new" in order:
    if hashlib.sha256(content).hexdigest() != order["sha256"]:
        raise SystemExit("%s was changed in the meantime" % real)
    beside = real + ".cloudops-new"
    new = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(new, "wb") as stream:
        stream.write(order["new"].encode("utf-8", "surrogateescape"))
        stream.flush()
        os.fchown(new, found.st_uid, found.st_gid)
        os.fchmod(new, stat.S_IMODE(found.st_mode))
        os.fsync(new)
    os.rename(beside, real)
    folder = os.open(os.path.dirname(real), os.O_RDONLY)
    os.fsync(folder)
print(json.dumps([real, content.decode("utf-8", "surrogateescape")]))
"""


class Refused(Exception):
    """Nothing was changed."""


def corrected(host: LocalHost, options: Mapping[str, Any], check_mode: bool) -> Tuple[str, str, str]:
    """(the real path, the text before, the text after)"""
    vm, old, new = VmUuid(options["vm"]), Display(options["before"]), Display(options["after"])
    # what is ill forbids the readings behind it
    examination.run(host, examination.order({"checks": GUARDS, "policy": {}, "timeout": 60.0}))
    path, before = _file(host, options)
    try:
        config = vm_config.parse_config(before)
        if config.uuid != vm:
            raise Refused("%s is that of the VM %s, not of %s" % (path, config.uuid, vm))
        if config.display == new:
            return path, before, before
        if config.display != old:
            raise Refused("%s has the display %s, not %s" % (path, config.display, old))
        after = vm_config.with_display(before, new)
    except NotUnderstood as error:
        raise Refused("%s: %s" % (path, error)) from error
    _must_be_off(host, vm)
    if not check_mode:
        sha256 = hashlib.sha256(before.encode("utf-8", "surrogateescape")).hexdigest()
        _file(host, options, sha256=sha256, new=after)
        if _file(host, options)[1] != after:
            raise Refused("%s was written and reads otherwise" % path)
    return path, before, after


def _file(host: LocalHost, options: Mapping[str, Any], **more: str) -> Tuple[str, str]:
    order: Dict[str, Any] = {"path": options["path"], "roots": options["roots"], **more}
    argv = ["python3", "-I", "-S", "-c", FILE, json.dumps(order)]
    answer = host.run(argv, timeout=options["timeout"], touches=Touches.OCFS2)
    if not answer.ok or answer.rc:
        raise Refused("%s: %s" % (options["path"], (answer.stderr.strip().splitlines() or ["no answer"])[-1]))
    path, text = json.loads(answer.stdout)
    return path, text


def _must_be_off(host: LocalHost, vm: VmUuid) -> None:
    domains = xen.probe(host).domains
    if domains is None:
        raise Refused("which domains this node has could not be read")
    here = [str(one.counted.id) for one in domains if one.counted.uuid == vm]
    if here:
        raise Refused("%s is not off: domain %s of this node is it" % (vm, ", ".join(here)))


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "vm": {"type": "str", "required": True},
            "before": {"type": "int", "required": True},
            "after": {"type": "int", "required": True},
            "roots": {"type": "list", "elements": "path", "default": ["/data/domu"]},
            "timeout": {"type": "float", "default": 20.0},
        },
        supports_check_mode=True,
    )
    try:
        path, before, after = corrected(LocalHost(), module.params, module.check_mode)
    except (Refused, ValueError) as error:
        module.fail_json(msg="Nothing was changed. %s" % error)
    diff = {"before": before, "after": after, "before_header": path, "after_header": path}
    module.exit_json(changed=before != after, path=path, diff=diff)


if __name__ == "__main__":
    main()
