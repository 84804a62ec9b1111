# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as one HTML file that needs nothing else: no network, and JavaScript only to filter."""

from __future__ import annotations

import base64
import functools
import hashlib
from pathlib import Path
from typing import Sequence

from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.model import NO_CHECK, Report
from ansible_collections.cloudops.hypervisor.plugins.module_utils.report.words import duration, job_title, minute, say

HERE = Path(__file__).parent


def render(report: Report, notes: Sequence[str] = ()) -> str:
    """``notes``: what a person should know of this report itself."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    script = (HERE / "report.js").read_text(encoding="utf-8")
    # Only this script may run, whatever a node has put into its answers.
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return environment.get_template("report.html.j2").render(
        report=report,
        title=job_title(report.language, report.job),
        notes=notes,
        no_check=NO_CHECK,
        ailing=[node for node in report.nodes if node.problems],
        healthy=[node for node in report.nodes if not node.problems],
        say=functools.partial(say, report.language),
        minute=functools.partial(minute, like=report.created),
        uptime=functools.partial(duration, report.language),
        script=Markup(script),
        script_hash="sha256-" + base64.b64encode(digest).decode("ascii"),
    )
