# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  uxen_api:
    description:
      - How the uxen API of this node is asked. Its requests and answers are assumptions, which C(docs/assumptions.md)
        lists; a site sets here what differs.
    type: dict
    default: {}
    suboptions:
      url:
        description: Its address; C({node}) stands for the node's.
        type: str
        default: http://{node}/api
      username:
        description: The user, where it asks for one.
        type: str
      password:
        description: The user's password.
        type: str
      timeout:
        description: How long an answer may take, in seconds.
        type: float
        default: 120.0
      bound:
        description: How long a request may go on after its answer was lost, in seconds.
        type: float
        default: 300.0
      requests:
        description:
          - Requests, each as METHOD PATH and the document where it has one, with C({vm}), C({force}), C({target}) and
            C({task}) in it.
        type: dict
        default: {}
        suboptions:
          show:
            description: One VM. By default V(GET /vms/{vm}).
            type: str
          list:
            description: The VMs of a node. By default V(GET /vms).
            type: str
          interfaces:
            description: A VM's interfaces. By default V(GET /vms/{vm}/interfaces).
            type: str
          task:
            description: What became of a task. By default V(GET /tasks/{task}).
            type: str
          start:
            description: Start a VM. By default V(POST /vms/{vm}/start).
            type: str
          stop:
            description: Stop a VM. By default V(POST /vms/{vm}/stop <vm><force>{force}</force></vm>).
            type: str
          migrate:
            description: Move a VM. By default V(POST /vms/{vm}/migrate <vm><target>{target}</target></vm>).
            type: str
      answers:
        description: The names of elements in its answers.
        type: dict
        default: {}
        suboptions:
          vm:
            description: The element of a VM, whose C(id) is its UUID. By default V(vm).
            type: str
          name:
            description: Its element with a VM's or an interface's name. By default V(name).
            type: str
          node:
            description: Its element with the node. By default V(node).
            type: str
          state:
            description: Its element with the state. By default V(state).
            type: str
          display:
            description: Its element with the VNC display. By default V(vnc_port).
            type: str
          interface:
            description: The element of an interface. By default V(interface).
            type: str
          mac:
            description: Its element with the MAC address. By default V(mac).
            type: str
          address:
            description: Its element with the IP address. By default V(ip).
            type: str
          error:
            description: The root element of a refusal. By default V(error).
            type: str
          task:
            description: The element of a task. By default V(task).
            type: str
          task_state:
            description: Its element with the state. By default V(state).
            type: str
          task_message:
            description: Its element with the message. By default V(message).
            type: str
          states:
            description: Its words for V(running) and V(stopped).
            type: dict
            default: {}
          task_states:
            description: Its words for V(running), V(done) and V(failed).
            type: dict
            default: {}
"""
