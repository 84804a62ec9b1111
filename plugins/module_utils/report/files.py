# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report's files: a reader sees a whole report or none, and ``latest`` always leads to a whole one."""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
from typing import List, Mapping, Optional

# what :func:`write` makes of a time in UTC; nothing else in the directory is anybody's to remove
NAME = re.compile(r"^([0-9]{8}T[0-9]{6}Z)(?:-([0-9]+))?$")


def write(directory: str, name: str, files: Mapping[str, str], keep: Optional[int] = None) -> str:
    """Write the files into ``directory/name`` (with a number behind it if that is taken) and let latest lead there.

    Of the reports in it the newest ``keep``, more than one, stay; all if not given.
    """
    os.makedirs(directory, exist_ok=True)
    hidden = tempfile.mkdtemp(prefix=".report-", dir=directory)
    try:
        for file, text in files.items():
            with open(os.path.join(hidden, file), "w", encoding="utf-8") as opened:
                opened.write(text)
                opened.flush()
                os.fsync(opened.fileno())
        # mkdtemp's folder is for its owner alone; a report is read by colleagues as far as the umask lets them.
        os.chmod(hidden, 0o777 & ~_umask())
        placed = _place(hidden, os.path.join(directory, name))
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        raise
    link = hidden + ".latest"
    os.symlink(os.path.basename(placed), link)
    os.replace(link, os.path.join(directory, "latest"))
    # a clock that was set back makes this one look old
    older = [one for one in _reports(directory) if one != os.path.basename(placed)]
    for report in older[: 1 - keep] if keep is not None else ():
        shutil.rmtree(os.path.join(directory, report), ignore_errors=True)
    return placed


def _reports(directory: str) -> List[str]:
    """The oldest first."""
    names = [match for match in map(NAME.match, os.listdir(directory)) if match]
    return [match.group() for match in sorted(names, key=lambda match: (match[1], int(match[2] or 1)))]


def _place(hidden: str, wanted: str, number: int = 1) -> str:
    place = wanted if number == 1 else "%s-%d" % (wanted, number)
    try:
        os.rename(hidden, place)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            raise
        return _place(hidden, wanted, number + 1)
    return place


def _umask() -> int:
    # Only setting it tells it.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
