# Copyright: (c) 2026, cloudops.hypervisor contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program a node runs is the module's own body, and needs nothing but Python."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import zlib

import pytest

from ansible_collections.cloudops.hypervisor.plugins.module_utils import examination
from ansible_collections.cloudops.hypervisor.plugins.plugin_utils import one_trip

PARAMS = {"checks": ["multipath"], "policy": None, "statuses": {}, "timeout": 20.0}


def run(program, *options):
    return subprocess.run(
        [sys.executable, "-I", "-S", *options, "-"], input=program, text=True, capture_output=True, check=False
    )


@pytest.mark.parametrize("python_of_the_node", ["the controller's", "another"])
def test_the_program_gives_what_the_module_gives(python_of_the_node):
    program = one_trip.program("examination", PARAMS)
    if python_of_the_node == "another":
        program = program.replace(sys.implementation.cache_tag, "another")
    ended = run(program)
    shipped, here = one_trip.result(ended.stdout), json.loads(json.dumps(examination.answer(PARAMS)))
    assert shipped["checks"] == here["checks"]
    assert (shipped["verdict"], shipped["node"]["boot_id"]) == (here["verdict"], here["node"]["boot_id"])


def test_only_what_is_needed_is_sent():
    sources, _compiled = one_trip.packed("systems.multipath")
    packed = json.loads(zlib.decompress(base64.b64decode(sources)))
    names = [name[len(one_trip.PACKAGE) + 1 :] for name, _source in packed]
    assert names[-1] == "systems.multipath" and "examination" not in names
    assert names.index("command") < names.index("health") < names.index("check")


@pytest.mark.parametrize("around", ["{}", "Welcome to n1\n{}\nbye", "\x1b[0m\n{}"])
def test_a_login_shells_words_around_the_result_do_no_harm(around):
    assert one_trip.result(around.format(one_trip.RESULT + '{"a": 1}')) == {"a": 1}


@pytest.mark.parametrize("stdout", ["", "bash: python3: command not found", one_trip.RESULT + '{"a": '])
def test_no_result_is_none(stdout):
    assert one_trip.result(stdout) is None


def test_an_old_python_is_told_so_in_its_own_words():
    program = one_trip.program("examination", PARAMS).replace("(3, 8)", "(99, 8)")
    ended = run(program)
    assert ended.returncode == one_trip.TOO_OLD and "Python 3.8 or later is needed" in ended.stderr
