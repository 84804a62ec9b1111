# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: health_report
short_description: Report on the health of all nodes of a play
description:
  - Makes one report of what M(cloudops.hypervisor.node_health) registered for each host of the play, adds what only
    the nodes together can tell, and says what is new and what is gone since the report before.
  - A node that could not be reached, or gave no answer, stands in it as C(unknown).
  - Prints the report, worst first, and writes C(report.html), C(report.json) and C(junit.xml). C(report.json) follows
    the schema C(docs/schema/report-1.json) of the collection.
  - Run it with C(run_once) in the play that checked the nodes, after a check with C(ignore_unreachable). It connects to
    no host, so it works when the first host, or every host, is unreachable. A later play on C(localhost) would not run
    then, nor with C(--limit).
  - The summary also goes where M(ansible.builtin.set_stats) puts its data, as C(health_report.JOB), so that AWX shows
    it among the job's artifacts. Ansible drops that of a task that fails. The task therefore never fails because a
    node is sick; it returns RV(failure), for the next task to fail with.
  - In a play with C(serial), each batch reports on all hosts so far.
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
extends_documentation_fragment: cloudops.hypervisor.store
requirements:
  - rich (Python package, on the controller)
attributes:
  check_mode:
    support: full
    details: The report is printed and returned. No file is written and nothing is kept in the store.
  diff_mode:
    support: none
options:
  job:
    description:
      - What the nodes were checked for, such as V(node_boot_check). It heads the report.
      - A report is compared with the earlier ones of the same job.
    type: str
    default: node_health
  results:
    description: The variable in which each host's answer was registered.
    type: str
    default: node_health_result
  directory:
    description:
      - Where the reports of this job go. Each run makes a directory there, and C(latest) leads to the newest. The
        newest 50 are kept.
      - A relative path starts from the directory in which the playbook was started.
      - By default C(reports/JOB).
    type: path
  language:
    description: The language of the report, English or Korean. The words of all findings are rendered in it.
    type: str
    choices: [en, ko]
    default: en
  fail_on:
    description: The mildest status for which RV(failure) asks the run to fail. V(unknown) includes V(critical).
    type: str
    choices: [never, critical, unknown, warning]
    default: critical
  statuses:
    description:
      - Other statuses than the collection's for findings that are made here from all nodes together, by finding code.
      - Give the same to O(cloudops.hypervisor.node_health#module:statuses) for those made on a node.
    type: dict
    default: {}
  run_id:
    description:
      - What ties the parts of one run together that are sliced over several jobs. Each part keeps its nodes' answers in
        the store and reports on all parts so far, so that the last one's report is that of the whole run.
      - By default the AWX workflow job, to which the slices of a sliced job belong, and outside of one nothing.
    type: str
  part:
    description:
      - The name of this part in O(run_id). A part that runs again replaces what it kept before.
      - By default the AWX job, or this start of the playbook.
    type: str
  parts:
    description: How many parts there will be. The report says so while some are missing.
    type: int
    default: 1
seealso:
  - module: cloudops.hypervisor.node_health
"""

EXAMPLES = r"""
- name: Report on every node
  hosts: nodes
  gather_facts: false
  tasks:
    - name: Check
      cloudops.hypervisor.node_health:
      register: node_health_result
      ignore_unreachable: true

    - name: Report
      cloudops.hypervisor.health_report:
        directory: /var/lib/reports/node_health
        fail_on: unknown
      register: report
      run_once: true

    - name: Fail if a node is sick
      ansible.builtin.fail:
        msg: "{{ report.failure }}"
      when: report.failure != ""
      run_once: true
"""

RETURN = r"""
directory:
  description: The directory with this run's C(report.html), C(report.json) and C(junit.xml).
  returned: success, outside check mode
  type: str
  sample: /srv/hypervisors/reports/node_boot_check/20261121T114000Z
failure:
  description: Why the run should fail, as O(fail_on) asks. Empty if it should not.
  returned: success
  type: str
  sample: "The report is complete; the run fails as fail_on=critical asks: pengx2-03."
summary:
  description: The report in short.
  returned: success
  type: dict
  contains:
    job:
      description: The job.
      returned: success
      type: str
      sample: node_boot_check
    run:
      description: The run, as the journal names it, or O(run_id).
      returned: success
      type: str
      sample: awx-2711
    created:
      description: When the report was made.
      returned: success
      type: str
      sample: "2026-11-21T20:40:00+09:00"
    previous:
      description: When the newest earlier report was made. None if there is none.
      returned: success
      type: str
      sample: "2026-11-20T20:40:00+09:00"
    parts:
      description: How many parts of the run have reported.
      returned: success
      type: dict
      sample: {"done": 1, "of": 1}
    status:
      description: The worst status of all nodes.
      returned: success
      type: str
      sample: critical
    nodes:
      description: The number of nodes.
      returned: success
      type: int
      sample: 3
    verdicts:
      description: The names of the nodes by verdict.
      returned: success
      type: dict
      sample: {"fit": ["pengx2-01", "pengx2-02"], "not fit": ["pengx2-03"], "not proven": []}
    counts:
      description: The number of findings by status.
      returned: success
      type: dict
      sample: {"critical": 1, "ok": 19, "skipped": 10, "unknown": 0, "warning": 2}
    new:
      description: Warning, unknown and critical findings that were not in the last report their node stood in.
      returned: success
      type: list
      elements: dict
      sample:
        - node: pengx2-03
          check: multipath
          code: multipath_all_paths_failed
          subject: mpatha (3600140596b1dce4b47843b0854ab19e7)
          status: critical
          message: "all 2 paths failed and I/O is answered with errors: sda failed faulty, sdb failed faulty"
    gone:
      description:
        - Findings of the last report of their node that are proven gone, in the form of RV(summary.new).
        - What was not looked at, or could not be read, is not proven gone.
      returned: success
      type: list
      elements: dict
      sample: []
ansible_stats:
  description: RV(summary) in the form Ansible takes statistics, and AWX artifacts, from.
  returned: success
  type: dict
  sample: {"aggregate": true, "data": {"health_report": {"node_boot_check": {"nodes": 3}}}, "per_host": false}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.options import HEALTH_REPORT


def main() -> None:
    AnsibleModule(**HEALTH_REPORT, supports_check_mode=True).fail_json(
        msg="This works on the controller: call it as cloudops.hypervisor.health_report in a task, not directly."
    )


if __name__ == "__main__":
    main()
