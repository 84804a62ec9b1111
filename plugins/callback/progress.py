# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: stdout
short_description: One progress line while a fleet is worked on
version_added: 1.0.0
author:
  - cloudops.hypervisor contributors (@cloudops)
description:
  - Shows how far a task has come on all hosts, in one line that is rewritten in place. Where the output is no terminal,
    such a line is printed every O(interval) seconds instead, and the last one of a task that had any.
  - Counts the verdicts of M(cloudops.hypervisor.node_health) as they come in.
  - Hosts on which nothing had to be done are counted and not listed. Changes, differences, warnings, failures and
    unreachable hosts are shown as P(ansible.builtin.default#callback) shows them, messages of M(ansible.builtin.debug)
    as plain lines. A host that stays unreachable for the same reason is shown once, and counted.
  - With C(-v) or more, everything is shown as P(ansible.builtin.default#callback) does.
requirements:
  - set as stdout in configuration
extends_documentation_fragment:
  - default_callback
  - result_format_callback
options:
  interval:
    description: Seconds from one line to the next where the output is no terminal.
    type: float
    default: 10
    env:
      - name: CLOUDOPS_PROGRESS_INTERVAL
    ini:
      - section: callback_progress
        key: interval
  display_ok_hosts:
    name: Show 'ok' hosts
    description: List the hosts on which nothing had to be done.
    type: bool
    default: false
    env:
      - name: ANSIBLE_DISPLAY_OK_HOSTS
    ini:
      - section: defaults
        key: display_ok_hosts
  display_skipped_hosts:
    name: Show skipped hosts
    description: List the hosts that a task skipped.
    type: bool
    default: false
    env:
      - name: ANSIBLE_DISPLAY_SKIPPED_HOSTS
    ini:
      - section: defaults
        key: display_skipped_hosts
  result_format:
    name: Format of the task result
    description: The format in which the results of failed tasks, and with C(-v) of all tasks, are shown.
    type: str
    default: yaml
    choices: [json, yaml]
    env:
      - name: ANSIBLE_CALLBACK_RESULT_FORMAT
    ini:
      - section: defaults
        key: callback_result_format
"""

EXAMPLES = r"""
ansible.cfg: |
  [defaults]
  stdout_callback = cloudops.hypervisor.progress
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from ansible import constants
from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback.default import CallbackModule as Default
from ansible.utils.color import stringc

from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.model import fold_names

COLORS = {
    "fit": constants.COLOR_OK,
    "not fit": constants.COLOR_ERROR,
    "not proven": constants.COLOR_WARN,
    "changed": constants.COLOR_CHANGED,
    "failed": constants.COLOR_ERROR,
    "unreachable": constants.COLOR_UNREACHABLE,
}
REDRAW_SECONDS = 0.1
# Of a failed task's result, what does not help to understand it.
UNTELLING = ("ansible_loop_var", "changed", "delta", "end", "item", "start", "stderr_lines", "stdout_lines")


def _above(event: str) -> Callable[..., None]:
    """What the default callback prints for an event, in place of the progress line, which comes back below it."""

    def handle(self: CallbackModule, *args: Any, **kwargs: Any) -> None:
        self.clear()
        getattr(super(CallbackModule, self), event)(*args, **kwargs)
        self.draw()

    return handle


class CallbackModule(Default):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "cloudops.hypervisor.progress"

    def __init__(self) -> None:
        super().__init__()
        self._quiet = self._display.verbosity == 0
        self._in_place = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._total = 0
        self._task: Any = None
        self._counts: Counter[str] = Counter()
        self._unreached: dict[str, str] = {}
        self._line = ""
        self._drawn = 0.0
        # how many hosts were done when it was told last, of this task
        self._told = 0

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)
        if not self._quiet:
            self.set_option("display_ok_hosts", True)
            self.set_option("display_skipped_hosts", True)

    v2_runner_item_on_ok = _above("v2_runner_item_on_ok")
    v2_runner_item_on_failed = _above("v2_runner_item_on_failed")
    v2_runner_item_on_skipped = _above("v2_runner_item_on_skipped")
    v2_on_file_diff = _above("v2_on_file_diff")

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self.end()
        if self._quiet:
            # The default callback keeps it to know the strategy, and prints a banner.
            self._play = play
        else:
            super().v2_playbook_on_play_start(play)
        self._total = len(play.get_variable_manager().get_vars(play=play)["ansible_play_hosts_all"])

    def v2_playbook_on_include(self, included_file: Any) -> None:
        if not self._quiet:
            super().v2_playbook_on_include(included_file)

    def v2_playbook_on_no_hosts_matched(self) -> None:
        self.end()
        super().v2_playbook_on_no_hosts_matched()

    def v2_playbook_on_no_hosts_remaining(self) -> None:
        self.end()
        if not self._quiet:
            super().v2_playbook_on_no_hosts_remaining()

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._begin(task)
        super().v2_playbook_on_task_start(task, is_conditional)

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self._begin(task)
        super().v2_playbook_on_handler_task_start(task)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        super().v2_runner_on_start(host, task)
        self.draw()

    def v2_runner_on_ok(self, result: Any) -> None:
        verdict = result.result.get("verdict")
        state = verdict if verdict in COLORS else "changed" if result.result.get("changed") else "ok"
        self._count(state)
        self.clear()
        if self._quiet and result.result.get("_ansible_verbose_always") and "msg" in result.result:
            self._say(result.result["msg"])
        elif not (self._quiet and isinstance(result.task, TaskInclude)):
            super().v2_runner_on_ok(result)
        self.draw()

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._count("failed")
        self.clear()
        super().v2_runner_on_failed(result, ignore_errors=ignore_errors)
        self.draw()

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._count("skipped")
        self.clear()
        super().v2_runner_on_skipped(result)
        self.draw()

    def v2_runner_retry(self, result: Any) -> None:
        """To wait is no failure: it is told now and then."""
        self.clear()
        now = time.monotonic()
        if not self._quiet:
            super().v2_runner_retry(result)
        elif now - self._drawn >= self.get_option("interval"):
            self._drawn = now
            self._display.display(f"[{self.host_label(result)}] waits: {result.task.get_name()}")
        self.draw()

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._count("unreachable")
        self.clear()
        if self._quiet:
            host, said = self.host_label(result), " ".join(str(result.result.get("msg", "")).split())
            # a dead node is asked again and again; the progress line counts it
            if self._unreached.get(host) != said:
                self._display.display(f"unreachable: [{host}]: {said}", color=constants.COLOR_UNREACHABLE)
            self._unreached[host] = said
        else:
            super().v2_runner_on_unreachable(result)
        self.draw()

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self.end()
        if not self._quiet or self.get_option("show_custom_stats"):
            super().v2_playbook_on_stats(stats)
            return
        for state, hosts in (("changed", stats.changed), ("unreachable", stats.dark), ("failed", stats.failures)):
            names = [host for host, number in hosts.items() if number]
            if names:
                self._display.display(f"{state}: {', '.join(fold_names(names))}", color=COLORS[state])

    def _dump_results(self, result: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        if self._quiet:
            result = {key: value for key, value in result.items() if key not in UNTELLING and value != ""}
        return super()._dump_results(result, *args, **kwargs)

    def _say(self, message: Any) -> None:
        for line in message if isinstance(message, list) else [message]:
            self._display.display(str(line))

    def _begin(self, task: Any) -> None:
        self.end()
        self._task = task
        self._told = 0
        self._counts.clear()
        self._drawn = time.monotonic()

    def _count(self, state: str) -> None:
        self._counts[state] += 1

    def draw(self) -> None:
        """A task that runs once has no progress; what it prints itself would run into the line."""
        if not self._quiet or self._task is None or self._task.run_once:
            return
        now, done = time.monotonic(), sum(self._counts.values())
        if self._in_place:
            if not self._line or now - self._drawn >= REDRAW_SECONDS or done >= self._total:
                self._drawn = now
                # Some terminals say that they have no columns at all.
                self._write(self._text(done, (os.get_terminal_size(sys.stdout.fileno()).columns or 80) - 1))
        elif now - self._drawn >= self.get_option("interval"):
            self._drawn, self._told = now, done
            self._display.display(self._text(done, 0))

    def _text(self, done: int, width: int) -> str:
        """``width``: the columns there are, 0 for as many as wanted."""
        name = (self._task.name or self._task.get_name()).strip()
        states = [(state, f"{self._counts[state]} {state}") for state in COLORS if self._counts[state]]
        numbers = f"{done}/{self._total}"
        room = width - len(numbers) - sum(len(text) + 2 for _state, text in states) - 2
        if width and len(name) > room:
            name = name[: max(room - 1, 0)] + "…"
        shown = [stringc(text, COLORS[state]) for state, text in states]
        return "  ".join([name, numbers, *shown])

    def clear(self) -> None:
        if self._line:
            self._write("")

    def end(self) -> None:
        """A log in which a task's progress was told has the end of it too."""
        self.clear()
        done = sum(self._counts.values())
        if self._task is not None and 0 < self._told < done:
            self._display.display(self._text(done, 0))
        self._task = None

    def _write(self, line: str) -> None:
        # Past the display, which would put each state of the line into the log.
        sys.stdout.write("\r\033[K" + line)
        sys.stdout.flush()
        self._line = line
