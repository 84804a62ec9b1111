# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 in the middle of real work, before every line of it that others can see."""

from __future__ import annotations

import linecache
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from types import FrameType, ModuleType
from typing import Any

FEWER = 300
# what such a line has in it: a system call, a file, a child, a socket
EFFECT = re.compile(r"\b(os|fcntl|signal|channel|ours|stream|launcher|folder)\.|_written_beside|_write\(|write_")


def in_child(act: Callable[[], object]) -> int:
    """Run it in a child of this process, whose id is returned; its exit status tells whether it raised."""
    pid = os.fork()
    if pid == 0:
        try:
            act()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    return pid


def ended(pid: int) -> int:
    """The exit code of a child, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def killed_at_each_effect(act: Callable[[], object], *modules: ModuleType) -> Iterator[int]:
    """Run it again and again, killed one effect of these modules later each time, until it comes through."""
    files = {str(module.__file__) for module in modules}
    effect = 0
    while True:
        effect += 1
        code = ended(in_child(partial(_until, effect, act, files)))
        yield effect
        if code == 0:
            return
        # it may have been a child of its own that was killed, which it then says
        assert code in (-signal.SIGKILL, 1) and effect < FEWER, effect


def _until(effect: int, act: Callable[[], object], files: set[str]) -> None:
    left = effect

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal left
        if frame.f_code.co_filename not in files:
            return None
        left -= event == "line" and bool(EFFECT.search(linecache.getline(frame.f_code.co_filename, frame.f_lineno)))
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    act()
    sys.settrace(None)
