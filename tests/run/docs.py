# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lint the collection's documentation and build it as pages, where every warning is an error."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from checkout import ROOT

CONFIGURATION = '''\
project = "cloudops.hypervisor"
extensions = ["sphinx_antsibull_ext"]
highlight_language = "YAML+Jinja"
pygments_style = "ansible"


def elsewhere(app, env, node, words):
    """Ansible's own pages are not built here; a reference to a page of ours must resolve."""
    return None if node["reftarget"].startswith("ansible_collections.cloudops.hypervisor") else words


def setup(app):
    app.connect("missing-reference", elsewhere)
'''


def main() -> int:
    lint = ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--skip-rstcheck"]
    lint += ["--validate-collection-refs", "dependent", str(ROOT)]
    failed = subprocess.run(lint, check=False).returncode
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "conf.py").write_text(CONFIGURATION)
        pages = ["antsibull-docs", "collection", "--use-current", "--squash-hierarchy", "--fail-on-error"]
        pages += ["--dest-dir", folder, "cloudops.hypervisor"]
        build = ["sphinx-build", "-W", "--keep-going", "-q", "-b", "html", folder, f"{folder}/html"]
        failed |= subprocess.run(pages, check=False).returncode or subprocess.run(build, check=False).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main())
